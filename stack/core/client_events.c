#include "core/client_rio.h"

/** Pause before a socket that found the chunk pool empty is looked at again. */
#define STARVED_NAP_NS ((int64_t)1000 * 1000)

/** Pause of the dispatcher while another thread takes events. */
#define TAKER_NAP_NS ((int64_t)50 * 1000)

/** So long after another thread waited with the event queue the dispatcher does not spin. */
#define CALM_NS (UINT64_C(100) * 1000 * 1000)

uint32_t stk_sock_arm(struct stk_sock *sock, uint32_t mask)
{
    if (stk_client_usable(sock->client) != STK_OK) {
        return 0;
    }
    if ((mask & STK_READY_IN) != 0 && stk_client_unbuffered(sock)) {
        stk_client_posted_some(sock);
    }
    /* edge J, app's end: armed first, then the look. */
    (void)atomic_fetch_or_explicit(&sock->abi->armed, mask, memory_order_seq_cst);
    uint32_t hit = stk_sock_abi_ready(sock->abi) & mask;
    if (hit != 0) {
        /* The queue has one producer, the stack: have it look. */
        stk_client_kick(sock);
    }
    return hit;
}

void stk_sock_disarm(struct stk_sock *sock, uint32_t mask)
{
    if (stk_client_usable(sock->client) == STK_OK) {
        (void)atomic_fetch_and_explicit(&sock->abi->armed, ~mask, memory_order_seq_cst);
    }
}

/** Turns an entry of the queue into an event; false: nothing that is to be seen. @param nap  The caller is the dispatcher. */
static bool event_make(struct stk_client *client, uint32_t index, struct stk_event *event, bool nap)
{
    if (index >= client->region->socks_count) {
        return stk_client_rio_event(client, index - client->region->socks_count, event);
    }
    struct stk_sock *sock = &client->socks[index];
    if (atomic_load_explicit(&sock->held, memory_order_acquire) == 0) {
        return false;
    }
    uint32_t ready = stk_client_sock_ready_for(sock, UINT32_MAX);
    uint32_t armed = atomic_load_explicit(&sock->abi->armed, memory_order_seq_cst);
    uint32_t fired = ready & armed;
    if (fired == 0) {
        if ((stk_sock_abi_ready(sock->abi) & armed) != 0) {
            /* Ready but for the empty pool, which nobody announces: come back. */
            STK_U32 nobody = 0;
            if (client->pump == NULL && nap) {
                (void)stk_futex_wait(&nobody, 0, STARVED_NAP_NS);
            }
            stk_client_kick(sock);
        }
        return false;
    }
    (void)atomic_fetch_and_explicit(&sock->abi->armed, ~fired, memory_order_seq_cst);
    *event = (struct stk_event){
        .cookie = atomic_load_explicit(&sock->abi->cookie, memory_order_acquire),
        .ready = ready,
        .fired = fired,
    };
    return true;
}

/** The queue has one consumer at a time; who is not it leaves the events to the one who is. */
static int events_take(struct stk_client *client, struct stk_event *events, size_t count, bool nap)
{
    const struct stk_region_abi *abi = client->region->abi;
    size_t taken = 0;
    uint32_t index;
    if (atomic_load_explicit(&abi->event_tail, memory_order_seq_cst) ==
            atomic_load_explicit(&abi->event_head, memory_order_relaxed) ||
        atomic_exchange_explicit(&client->events_lock, 1, memory_order_acquire) != 0) {
        return 0;
    }
    /* Without naps starved sockets come back at once: each call looks at so many entries and no more. */
    for (size_t looks = 0; taken < count && (nap || looks < count) && stk_event_pop(client->region, &index); looks++) {
        taken += event_make(client, index, &events[taken], nap) ? 1u : 0u;
    }
    atomic_store_explicit(&client->events_lock, 0, memory_order_release);
    return (int)taken;
}

#define EVENTS_MORE INT32_MAX /* nothing yet */

static int events_look(struct stk_client *client, struct stk_event *events, size_t count, const _Atomic uint32_t *wake)
{
    int taken = events_take(client, events, count, true);
    if (taken > 0) {
        return taken;
    }
    if (wake != NULL && atomic_load_explicit(wake, memory_order_seq_cst) != 0) {
        return STK_EINTR;
    }
    uint32_t changes = stk_client_net_changes(client);
    if (changes != atomic_load_explicit(&client->net_seen, memory_order_relaxed)) {
        atomic_store_explicit(&client->net_seen, changes, memory_order_relaxed);
        return 0;
    }
    int usable = stk_client_usable(client);
    return usable == STK_OK ? EVENTS_MORE : usable;
}

static int events_pump(struct stk_client *client, struct stk_event *events, size_t count, int64_t timeout_ns,
                       const _Atomic uint32_t *wake)
{
    uint64_t now = client->pump(client->pump_context, 0);
    uint64_t until = timeout_ns < 0 ? STK_NEVER : now + (uint64_t)timeout_ns;
    for (;;) {
        int result = events_look(client, events, count, wake);
        if (result != EVENTS_MORE) {
            return result;
        }
        if (now >= until) {
            return 0;
        }
        now = client->pump(client->pump_context, until);
    }
}

int stk_events_poll(struct stk_client *client, struct stk_event *events, size_t count, bool attend)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK || client->pump != NULL) {
        return usable;
    }
    /* edge L: the dispatcher sleeps on, and whoever told the stack not to wake it looks now. */
    struct stk_region_abi *abi = client->region->abi;
    if (attend && atomic_load_explicit(&abi->event_sleeping, memory_order_relaxed) != 0) {
        (void)atomic_exchange_explicit(&abi->event_sleeping, 0, memory_order_seq_cst);
    }
    return events_take(client, events, count, false);
}

void stk_events_leave(struct stk_client *client)
{
    if (stk_client_usable(client) != STK_OK || client->pump != NULL) {
        return;
    }
    struct stk_region_abi *abi = client->region->abi;
    (void)atomic_fetch_add_explicit(&client->attended, 1, memory_order_relaxed);
    /* edge L: as if the dispatcher had just said that it sleeps. If it does not, it is woken once in vain. */
    (void)atomic_exchange_explicit(&abi->event_sleeping, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&abi->event_tail, memory_order_seq_cst) !=
            atomic_load_explicit(&abi->event_head, memory_order_relaxed) ||
        stk_client_net_changes(client) != atomic_load_explicit(&client->net_seen, memory_order_relaxed)) {
        stk_event_wake(client->region);
    }
}

int64_t stk_client_spin_ns(const struct stk_client *client)
{
    return client->spin_ns;
}

/** Is spinning worth it? Where others wait with the event queue again and again the dispatcher only takes their processors. */
static bool events_calm(struct stk_client *client, uint64_t now)
{
    const uint32_t attended = atomic_load_explicit(&client->attended, memory_order_relaxed);
    if (attended != client->attended_seen) {
        client->attended_seen = attended;
        client->calm_ns = now + CALM_NS;
    }
    return client->spin_ns != 0 && now >= client->calm_ns;
}

int stk_events_wait(struct stk_client *client, struct stk_event *events, size_t count, int64_t timeout_ns,
                    const _Atomic uint32_t *wake)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK) {
        return usable;
    }
    if (count == 0) {
        return STK_EINVAL;
    }
    if (client->pump != NULL) {
        return events_pump(client, events, count, timeout_ns, wake);
    }
    struct client_deadline deadline = {stk_clock_ns(), timeout_ns};
    bool spinning = events_calm(client, deadline.start_ns);
    for (uint32_t spins = 1;; spins++) {
        int result = events_look(client, events, count, wake);
        if (result != EVENTS_MORE) {
            return result;
        }
        if (spins % 32 != 0 && spinning) {
            stk_cpu_relax();
            continue;
        }
        uint64_t now = stk_clock_ns();
        int64_t left = stk_client_left(&deadline, now);
        if (left == 0) {
            return 0;
        }
        spinning = events_calm(client, now) &&
                   (client->spin_ns < 0 || now - deadline.start_ns < (uint64_t)client->spin_ns);
        if (spinning) {
            continue;
        }
        int answers = stk_client_answers(client);
        if (answers != STK_OK) {
            return answers;
        }
        /* The queue cannot be looked at, so that it says nothing about sleeping. */
        if (atomic_load_explicit(&client->events_lock, memory_order_relaxed) != 0) {
            (void)stk_futex_wait(&client->events_lock, 1, left < TAKER_NAP_NS ? left : TAKER_NAP_NS);
            continue;
        }
        /* edge L, dispatcher's end. */
        stk_event_sleep(client->region, wake, left < CLIENT_SLICE_NS ? left : CLIENT_SLICE_NS);
    }
}
