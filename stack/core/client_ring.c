#include "core/client_priv.h"

#define RING_SHARED (STK_RINGS_MAX - 1u)
#define OWNER_SHARED UINT32_MAX

void stk_client_rings_init(struct stk_client *client)
{
    client->rings_own = RING_SHARED;
    for (uint32_t i = 0; i < STK_RINGS_MAX; i++) {
        client->rings[i].abi = &client->region->rings[i];
        client->rings[i].shared = i == RING_SHARED;
    }
}

void stk_client_rings_limit(struct stk_client *client, uint32_t threads_max)
{
    client->rings_own = threads_max < RING_SHARED ? threads_max : RING_SHARED;
}

void stk_client_rings_free(struct stk_client *client, uint32_t thread)
{
    for (uint32_t i = 0; i < RING_SHARED; i++) {
        uint32_t expect = thread;
        /* release: the next owner goes on with the indices as this one left them. */
        (void)atomic_compare_exchange_strong_explicit(&client->rings[i].abi->owner, &expect, 0, memory_order_release,
                                                      memory_order_relaxed);
    }
}

static void ring_activate(struct stk_client *client, uint32_t index)
{
    (void)atomic_fetch_or_explicit(&client->region->abi->rings_active, UINT64_C(1) << index, memory_order_seq_cst);
}

/* A ring for a thread; thread 0, whose end nobody would notice, gets the shared one. */
static struct client_ring *ring_claim(struct stk_client *client, uint32_t thread)
{
    for (uint32_t i = 0; thread != 0 && i < client->rings_own; i++) {
        struct client_ring *ring = &client->rings[i];
        uint32_t owner = atomic_load_explicit(&ring->abi->owner, memory_order_relaxed);
        if (owner == thread) {
            return ring;
        }
        if (owner == 0 && atomic_compare_exchange_strong_explicit(&ring->abi->owner, &owner, thread,
                                                                  memory_order_acquire, memory_order_relaxed)) {
            ring_activate(client, i);
            return ring;
        }
    }
    struct client_ring *ring = &client->rings[RING_SHARED];
    atomic_store_explicit(&ring->abi->owner, OWNER_SHARED, memory_order_relaxed);
    ring_activate(client, RING_SHARED);
    return ring;
}

struct client_ring *stk_client_ring(struct stk_client *client)
{
    struct client_thread *self = stk_client_os_self();
    if (self == NULL) {
        return ring_claim(client, 0);
    }
    if (self->last.id == client->id) {
        return self->last.ring;
    }
    struct client_ring_ref *ref = &self->refs[client->id % CLIENT_RING_REFS];
    if (ref->id != client->id) {
        ref->ring = ring_claim(client, self->id);
        ref->id = client->id;
    }
    self->last = *ref;
    return ref->ring;
}

/* Ring full: the stack has 64 submissions of this thread to take; that takes it some microseconds. */
static int ring_push(struct stk_client *client, struct client_ring *ring, const struct stk_sub_abi *sub)
{
    uint32_t spins = 0;
    while (!stk_sub_push(ring->abi, sub)) {
        int usable = stk_client_answers(client);
        if (usable != STK_OK) {
            return usable;
        }
        stk_bell_ring(client->region);
        if (client->pump != NULL) {
            (void)client->pump(client->pump_context, 0);
        } else if (++spins < 1000) {
            stk_cpu_relax();
        } else {
            /* The stack's thread has lost its processor: give it ours. */
            STK_U32 word = 0;
            (void)stk_futex_wait(&word, 0, 20 * 1000);
        }
    }
    stk_bell_ring(client->region);
    return STK_OK;
}

int stk_client_post(struct stk_client *client, const struct stk_sub_abi *sub)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK) {
        return usable;
    }
    struct client_ring *ring = stk_client_ring(client);
    if (!ring->shared) {
        return ring_push(client, ring, sub);
    }
    stk_lock_take(&ring->lock);
    int result = ring_push(client, ring, sub);
    stk_lock_give(&ring->lock);
    return result;
}

void stk_client_kick_post(struct stk_sock *sock)
{
    struct stk_sub_abi sub = {.op = STK_SUB_KICK, .sock = sock->index, .generation = sock->generation};
    (void)stk_client_post(sock->client, &sub);
}

/* Takes replies until the one that is waited for; others belong to calls that were given up. */
static bool reply_take(struct client_ring *ring, uint32_t seq, struct stk_rep_abi *rep)
{
    while (stk_rep_pop(ring->abi, rep)) {
        if (rep->seq == seq) {
            return true;
        }
    }
    return false;
}

/* Waits without a stack thread: steps it. */
static int reply_pump(struct stk_client *client, struct client_ring *ring, uint32_t seq, struct stk_rep_abi *rep,
                      int64_t timeout_ns)
{
    uint64_t now = client->pump(client->pump_context, 0);
    uint64_t until = timeout_ns < 0 ? 0 : now + (uint64_t)timeout_ns;
    while (!reply_take(ring, seq, rep)) {
        int usable = stk_client_usable(client);
        if (usable != STK_OK) {
            return usable;
        }
        if (until != 0 && now >= until) {
            return STK_ETIMEDOUT;
        }
        now = client->pump(client->pump_context, until);
    }
    return STK_OK;
}

static int reply_wait(struct stk_client *client, struct client_ring *ring, uint32_t seq, struct stk_rep_abi *rep,
                      int64_t timeout_ns)
{
    struct client_deadline deadline = {.start_ns = 0, .timeout_ns = timeout_ns};
    uint64_t now = 0;
    for (uint32_t spins = 0;; spins++) {
        if (reply_take(ring, seq, rep)) {
            return STK_OK;
        }
        if (client->spin_ns != 0 && spins % 64 != 0) {
            stk_cpu_relax();
            continue;
        }
        now = stk_clock_ns();
        if (deadline.start_ns == 0) {
            deadline.start_ns = now;
        }
        int usable = stk_client_answers(client);
        if (usable != STK_OK) {
            return usable;
        }
        int64_t left = stk_client_left(&deadline, now);
        if (left == 0) {
            return STK_ETIMEDOUT;
        }
        if (client->spin_ns < 0 || now - deadline.start_ns < (uint64_t)client->spin_ns) {
            stk_cpu_relax();
            continue;
        }
        /* edge C, app's end. */
        stk_rep_sleep(ring->abi, left < CLIENT_SLICE_NS ? left : CLIENT_SLICE_NS);
    }
}

static int ring_call(struct stk_client *client, struct client_ring *ring, struct stk_sub_abi *sub,
                     struct stk_rep_abi *rep, int64_t timeout_ns)
{
    sub->seq = ++ring->seq;
    int result = ring_push(client, ring, sub);
    if (result == STK_OK) {
        result = client->pump != NULL ? reply_pump(client, ring, sub->seq, rep, timeout_ns)
                                      : reply_wait(client, ring, sub->seq, rep, timeout_ns);
    }
    return result == STK_OK ? rep->result : result;
}

int stk_client_call(struct stk_client *client, struct stk_sub_abi *sub, struct stk_rep_abi *rep, int64_t timeout_ns)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK) {
        return usable;
    }
    struct client_ring *ring = stk_client_ring(client);
    if (!ring->shared) {
        return ring_call(client, ring, sub, rep, timeout_ns);
    }
    stk_lock_take(&ring->lock);
    int result = ring_call(client, ring, sub, rep, timeout_ns);
    stk_lock_give(&ring->lock);
    return result;
}

int stk_client_sock_call(struct stk_sock *sock, struct stk_sub_abi *sub, struct stk_rep_abi *rep)
{
    sub->sock = sock->index;
    sub->generation = sock->generation;
    return stk_client_call(sock->client, sub, rep, -1);
}
