#include "core/client_priv.h"

/** Between looks of a waiter that has no slot, or whose socket waits for the chunk pool. */
#define NAP_NS_MIN ((int64_t)50 * 1000)
#define NAP_NS_MAX ((int64_t)1000 * 1000)

/* --- Readiness ----------------------------------------------------------------- */

static bool pool_has_chunk(const struct stk_region *region)
{
    uint64_t head = atomic_load_explicit(&region->abi->chunk_free_head, memory_order_relaxed);
    return (uint32_t)head != 0 ||
           atomic_load_explicit(&region->abi->chunks_fresh, memory_order_relaxed) < region->chunks_count;
}

void stk_client_starved(struct stk_sock *sock)
{
    (void)atomic_fetch_or_explicit(&sock->abi->app_flags, STK_APP_STARVED, memory_order_relaxed);
}

static bool sock_starved(const struct stk_sock *sock)
{
    return (atomic_load_explicit(&sock->abi->app_flags, memory_order_relaxed) & STK_APP_STARVED) != 0;
}

uint32_t stk_client_sock_ready_for(const struct stk_sock *sock, uint32_t wanted)
{
    uint32_t ready = stk_sock_abi_ready_for(sock->abi, wanted);
    if ((ready & STK_READY_OUT) != 0 && (ready & STK_READY_RESET) == 0 && sock_starved(sock)) {
        if (!pool_has_chunk(sock->client->region)) {
            return ready & ~(uint32_t)STK_READY_OUT;
        }
        (void)atomic_fetch_and_explicit(&sock->abi->app_flags, ~(uint32_t)STK_APP_STARVED, memory_order_relaxed);
    }
    return ready;
}

uint32_t stk_sock_ready(const struct stk_sock *sock)
{
    return stk_client_usable(sock->client) == STK_OK ? stk_client_sock_ready_for(sock, UINT32_MAX) : 0;
}

int stk_sock_error_take(struct stk_sock *sock)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    int32_t error = atomic_exchange_explicit(&sock->abi->error, 0, memory_order_acq_rel);
    uint32_t state = atomic_load_explicit(&sock->abi->state, memory_order_acquire);
    if ((state & (STK_ST_FAILED | STK_ST_ENDED)) != 0 &&
        atomic_exchange_explicit(&sock->end_taken, 1, memory_order_relaxed) == 0 && error == 0) {
        error = atomic_load_explicit(&sock->abi->end_error, memory_order_relaxed);
    }
    return error < 0 ? error : STK_OK;
}

/** The pending error, left in place. */
static int32_t sock_error_peek(const struct stk_sock *sock)
{
    int32_t error = atomic_load_explicit(&sock->abi->error, memory_order_relaxed);
    uint32_t state = atomic_load_explicit(&sock->abi->state, memory_order_acquire);
    if (error == 0 && (state & (STK_ST_FAILED | STK_ST_ENDED)) != 0 &&
        atomic_load_explicit(&sock->end_taken, memory_order_relaxed) == 0) {
        error = atomic_load_explicit(&sock->abi->end_error, memory_order_relaxed);
    }
    return error < 0 ? error : 0;
}

/** Size of the first datagram. Takes the reader's lock: the record must not be passed meanwhile. */
static uint32_t first_datagram_bytes(const struct stk_sock *sock)
{
    struct stk_sock_abi *abi = sock->abi;
    struct stk_dgram_abi head = {.payload_bytes = 0};
    stk_lock_take(&abi->rx_lock);
    uint64_t at = atomic_load_explicit(&abi->rx_head, memory_order_relaxed);
    uint64_t queued = atomic_load_explicit(&abi->rx_tail, memory_order_acquire) - at;
    if (queued >= sizeof(head) && queued <= STK_FIFO_MAX) {
        (void)stk_fifo_read(sock->client->region, abi->rx_slots, at, &head, sizeof(head));
    }
    stk_lock_give(&abi->rx_lock);
    return head.payload_bytes;
}

void stk_sock_status(const struct stk_sock *sock, struct stk_sock_status *out)
{
    *out = (struct stk_sock_status){.ready = 0};
    if (stk_client_usable(sock->client) != STK_OK) {
        return;
    }
    const struct stk_sock_abi *abi = sock->abi;
    out->ready = stk_client_sock_ready_for(sock, UINT32_MAX);
    out->tx_unacked = stk_sock_abi_tx_used(abi);
    out->tx_room = stk_sock_abi_tx_room(abi);
    out->error = sock_error_peek(sock);
    if ((atomic_load_explicit(&abi->state, memory_order_acquire) & STK_ST_LISTEN) != 0) {
        return;
    }
    if (abi->type == STK_SOCK_STREAM) {
        const uint64_t word = atomic_load_explicit(&abi->rx_urgent, memory_order_acquire);
        const bool turned = (stk_urgent_flags(word) & STK_URGENT_TURNED) != 0 && stk_urgent_waits(abi, word);
        out->rx_bytes = stk_sock_abi_rx_used(abi) + (turned ? 1 : 0);
        return;
    }
    uint64_t read = atomic_load_explicit(&abi->rx_payload_read, memory_order_relaxed);
    uint64_t payload = atomic_load_explicit(&abi->rx_payload, memory_order_relaxed) - read;
    out->rx_bytes = payload <= STK_FIFO_MAX ? payload : 0;
    out->rx_next = first_datagram_bytes(sock);
}

/* --- Time -------------------------------------------------------------------------- */

uint64_t stk_client_now(struct stk_client *client)
{
    return client->pump != NULL ? client->pump(client->pump_context, 0) : stk_clock_ns();
}

int64_t stk_client_left(const struct client_deadline *deadline, uint64_t now_ns)
{
    if (deadline->timeout_ns < 0) {
        return INT64_MAX;
    }
    uint64_t passed = now_ns > deadline->start_ns ? now_ns - deadline->start_ns : 0;
    uint64_t whole = (uint64_t)deadline->timeout_ns;
    return passed < whole ? (int64_t)(whole - passed) : 0;
}

/* --- Waiting ------------------------------------------------------------------------- */

/** The arguments of one wait. */
struct wait_call {
    struct stk_client *client;
    struct stk_wait_item *items;
    size_t count;
    struct stk_wakes wakes;
    struct client_deadline deadline;
};

static bool word_is_set(const _Atomic uint32_t *word)
{
    return word != NULL && atomic_load_explicit(word, memory_order_seq_cst) != 0;
}

#define WAIT_MORE INT32_MAX /* nothing yet */

/** Looks at everything once. */
static int wait_look(const struct wait_call *call)
{
    int ready_count = 0;
    for (size_t i = 0; i < call->count; i++) {
        struct stk_wait_item *item = &call->items[i];
        item->ready = stk_client_sock_ready_for(item->sock, item->wanted) & (item->wanted | STK_READY_CANCEL);
        ready_count += item->ready != 0;
    }
    if (ready_count > 0) {
        return ready_count;
    }
    if (word_is_set(call->wakes.ending) || word_is_set(call->wakes.alert)) {
        return STK_EINTR;
    }
    int usable = stk_client_usable(call->client);
    return usable == STK_OK ? WAIT_MORE : usable;
}

/** Without a stack thread: steps it until something comes or the time is over. */
static int wait_pump(struct wait_call *call)
{
    struct stk_client *client = call->client;
    uint64_t now = client->pump(client->pump_context, 0);
    call->deadline.start_ns = now;
    uint64_t until = call->deadline.timeout_ns < 0 ? STK_NEVER : now + (uint64_t)call->deadline.timeout_ns;
    for (;;) {
        int result = wait_look(call);
        if (result != WAIT_MORE) {
            return result;
        }
        if (now >= until) {
            return 0;
        }
        now = client->pump(client->pump_context, until);
    }
}

/** Looks again and again for the configured time, registered nowhere. */
static int wait_spin(const struct wait_call *call)
{
    int64_t spin_ns = call->client->spin_ns;
    for (uint32_t spins = 1; spin_ns != 0; spins++) {
        int result = wait_look(call);
        if (result != WAIT_MORE) {
            return result;
        }
        if (spins % 32 == 0) {
            uint64_t now = stk_clock_ns();
            if (stk_client_left(&call->deadline, now) == 0) {
                return 0;
            }
            if (spin_ns > 0 && now - call->deadline.start_ns >= (uint64_t)spin_ns) {
                break;
            }
        }
        if (spin_ns > 0) { /* endless: the processor is this thread's own, a pause only delays the next look */
            stk_cpu_relax();
        }
    }
    return WAIT_MORE;
}

/** Looks at everything once, before a sleep. */
static int wait_look_last(const struct wait_call *call)
{
    int result = wait_look(call);
    int answers = result == WAIT_MORE ? stk_client_answers(call->client) : STK_OK;
    return answers == STK_OK ? result : answers;
}

/** Longest sleep now: until the deadline, or until something that nobody announces is looked at again. */
static int64_t wait_slice(const struct wait_call *call, int64_t left)
{
    int64_t slice = left < CLIENT_SLICE_NS ? left : CLIENT_SLICE_NS;
    for (size_t i = 0; i < call->count; i++) {
        if ((call->items[i].wanted & STK_READY_OUT) != 0 && sock_starved(call->items[i].sock)) {
            return slice < NAP_NS_MAX ? slice : NAP_NS_MAX;
        }
    }
    return slice;
}

/** Sleeps on a waiter slot. */
static int wait_slot(const struct wait_call *call, uint32_t waiter)
{
    struct stk_region *region = call->client->region;
    for (;;) {
        uint32_t word = stk_waiter_word(region, waiter);
        /* edge K, app's end: say so, look again, sleep. */
        stk_waiter_sleepy(region, waiter);
        int result = wait_look_last(call);
        int64_t left = result == WAIT_MORE ? stk_client_left(&call->deadline, stk_clock_ns()) : 0;
        if (left == 0) {
            stk_waiter_awake(region, waiter);
            return result == WAIT_MORE ? 0 : result;
        }
        stk_waiter_sleep(region, waiter, word, wait_slice(call, left));
    }
}

/** Waits without a slot: looks after naps of growing length. */
static int wait_naps(const struct wait_call *call)
{
    int64_t nap = NAP_NS_MIN;
    for (;;) {
        int result = wait_look_last(call);
        int64_t left = result == WAIT_MORE ? stk_client_left(&call->deadline, stk_clock_ns()) : 0;
        if (left == 0) {
            return result == WAIT_MORE ? 0 : result;
        }
        STK_U32 nobody = 0;
        (void)stk_futex_wait(&nobody, 0, left < nap ? left : nap);
        nap = nap * 2 < NAP_NS_MAX ? nap * 2 : NAP_NS_MAX;
    }
}

static int wait_sleep(const struct wait_call *call)
{
    struct stk_region *region = call->client->region;
    uint32_t waiter = stk_waiter_take(region, stk_client_os_thread());
    if (waiter == STK_WAITER_NONE) {
        return wait_naps(call);
    }
    /* edge J, app's end: registered first, then wait_slot looks. */
    for (size_t i = 0; i < call->count; i++) {
        stk_waiter_add(region, waiter, call->items[i].sock->index);
    }
    int result = wait_slot(call, waiter);
    for (size_t i = 0; i < call->count; i++) {
        stk_waiter_remove(region, waiter, call->items[i].sock->index);
    }
    stk_waiter_give(region, waiter);
    return result;
}

int stk_wait(struct stk_client *client, struct stk_wait_item *items, size_t count, int64_t timeout_ns,
             const _Atomic uint32_t *wake)
{
    const struct stk_wakes wakes = {.ending = wake};
    return stk_wait_words(client, items, count, timeout_ns, &wakes);
}

int stk_wait_words(struct stk_client *client, struct stk_wait_item *items, size_t count, int64_t timeout_ns,
                   const struct stk_wakes *wakes)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK) {
        return usable;
    }
    for (size_t i = 0; i < count; i++) {
        if ((items[i].wanted & STK_READY_IN) != 0 && stk_client_unbuffered(items[i].sock)) {
            stk_client_posted_some(items[i].sock);
        }
    }
    struct wait_call call = {
        .client = client, .items = items, .count = count, .wakes = *wakes, .deadline = {0, timeout_ns}};
    if (client->pump != NULL) {
        return wait_pump(&call);
    }
    int result = wait_look(&call);
    if (result != WAIT_MORE || timeout_ns == 0) {
        return result == WAIT_MORE ? 0 : result;
    }
    call.deadline.start_ns = stk_clock_ns();
    result = wait_spin(&call);
    return result == WAIT_MORE ? wait_sleep(&call) : result;
}

/* --- Ending waits ------------------------------------------------------------------------ */

void stk_client_wake(struct stk_client *client)
{
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0) {
        return;
    }
    struct stk_region *region = client->region;
    /* A read-modify-write: the caller's store to its wake word comes before the looks at who waits. */
    uint64_t used = ~atomic_fetch_or_explicit(&region->abi->waiters_free, 0, memory_order_seq_cst);
    while (used != 0) {
        stk_waiter_wake(region, (uint32_t)__builtin_ctzll(used));
        used &= used - 1;
    }
    stk_event_wake(region);
}

void stk_sock_cancel(struct stk_sock *sock)
{
    if (stk_client_usable(sock->client) != STK_OK) {
        return;
    }
    struct stk_region *region = sock->client->region;
    /* edge J with this thread in the stack's place: the change, then the looks. */
    (void)atomic_fetch_or_explicit(&sock->abi->app_flags, STK_APP_CANCELLED, memory_order_seq_cst);
    uint64_t waiting = atomic_load_explicit(&sock->abi->wait_mask, memory_order_seq_cst);
    while (waiting != 0) {
        stk_waiter_wake(region, (uint32_t)__builtin_ctzll(waiting));
        waiting &= waiting - 1;
    }
    if ((atomic_load_explicit(&sock->abi->armed, memory_order_seq_cst) & STK_READY_CANCEL) != 0) {
        stk_client_kick(sock);
    }
}
