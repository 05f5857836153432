/**
 * @file
 * The dispatcher: one thread, started on first use, which takes the stack's
 * events, moves the data of overlapped requests, records network events and
 * makes the upcalls, holding no lock. Source: rules OVL-19, EVT-14, START-14.
 */
#include "wsp_acceptex.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_notice.h"
#include "wsp_overlapped.h"
#include "wsp_provider.h"
#include "wsp_rio.h"
#include "wsp_share.h"
#include "wsp_socket.h"
#include "wsp_upcall.h"

#include "stack/clock.h"

#define DISPATCH_EVENTS 64
#define DISPATCH_LOCK_MS 10
#define DISPATCH_LOST_NAP_NS 10000000 /* the engine is gone: requests are failed, then there is nothing to do */

#define HELP_CLOCK 32u
#define HELP_NAP_NS 100000
#define HELP_NAPS 10000 /* one second */

/* Threads of the application that do the dispatcher's work while they wait. */
static struct {
    _Atomic uint32_t inside;
    _Atomic uint32_t tickets; /* the last one attends */
} helpers;

static void dispatch_service(struct wsp_socket *sock, void *unused)
{
    struct wsp_event_posts posts = {0};
    struct wsp_queue done;
    unsigned turns;

    (void)unused;
    wsp_mutex_lock(&sock->lock);
    turns = wsp_requests_run(sock, &done);
    if (sock->events.mask != 0)
        wsp_events_evaluate(sock, &posts);
    wsp_mutex_unlock(&sock->lock);
    wsp_requests_deliver(sock, &done, turns);
    wsp_events_post(sock, &posts);
}

/* Interfaces, addresses or routes have changed. */
static void dispatch_notices(struct wsp_socket *sock, void *unused)
{
    bool waits;

    wsp_mutex_lock(&sock->lock);
    waits = sock->queues[WSP_PENDING].head || sock->notices[WSP_NOTICE_ADDRESSES].asked ||
            sock->notices[WSP_NOTICE_ROUTES].asked;
    wsp_mutex_unlock(&sock->lock);
    if (waits)
        dispatch_service(sock, unused);
}

/* OVL2-14 for threads that were terminated: nobody else notices. Returns when to look next. */
static uint64_t dispatch_reap(uint64_t due_ns)
{
    int64_t period_ns = wsp_os_watch_ns();
    uint64_t now;

    if (period_ns < 0)
        return due_ns;
    now = stk_clock_ns();
    if (now < due_ns)
        return due_ns;
    if (wsp_requests_count() > 0)
        wsp_os_threads_reap();
    return now + (uint64_t)period_ns;
}

/* How long to sleep when nothing happens; -1: for ever. */
static int64_t dispatch_nap_ns(void)
{
    const int64_t wishes[] = {wsp_os_watch_ns(), wsp_share_watch_ns(), wsp_events_watch_ns()};
    int64_t nap_ns = -1;

    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
        if (wishes[i] >= 0 && (nap_ns < 0 || wishes[i] < nap_ns))
            nap_ns = wishes[i];
    return nap_ns;
}

static void dispatch_event(const struct stk_event *event)
{
    struct wsp_socket *sock;

    if (event->fired & STK_READY_RIO) {
        wsp_rio_fire(event->cookie);
        return;
    }
    sock = wsp_socket_get_context(event->cookie);
    if (!sock)
        return; /* closed meanwhile */
    dispatch_service(sock, NULL);
    wsp_acceptex_follow(sock);
    wsp_socket_put(sock);
}

static void dispatch_main(void *arg)
{
    struct stk_client *client = arg;
    struct stk_event events[DISPATCH_EVENTS];
    uint64_t reap_ns = 0;
    uint32_t changes = stk_client_net_changes(client);

    while (atomic_load(&wsp_provider.stop) == 0) {
        int count = stk_events_wait(client, events, DISPATCH_EVENTS, dispatch_nap_ns(), &wsp_provider.stop);

        reap_ns = dispatch_reap(reap_ns);
        if (changes != stk_client_net_changes(client)) {
            changes = stk_client_net_changes(client);
            wsp_socket_each(dispatch_notices, NULL);
            wsp_notices_wake();
        }
        wsp_share_expire();
        wsp_events_retry();
        for (int i = 0; i < count; i++)
            dispatch_event(&events[i]);
        if (count < 0 && count != STK_EINTR) {
            wsp_socket_each(dispatch_service, NULL); /* the stack's calls say that it is lost */
            wsp_os_sleep_ns(DISPATCH_LOST_NAP_NS);
        }
    }
}

/* --- Helpers: threads that wait for a completion port ----------------------- */

/* One look. @return  Whether there was an event. */
static bool help_look(struct stk_client *client, bool attend)
{
    struct stk_event events[DISPATCH_EVENTS];
    int count = stk_events_poll(client, events, DISPATCH_EVENTS, attend);

    for (int i = 0; i < count; i++)
        dispatch_event(&events[i]);
    return count > 0;
}

/* How long one stays. */
struct help_time {
    int64_t spin_ns;  /* without an event; 0: one look, < 0: no limit */
    uint64_t wait_ns; /* in all, for events of others may come without end; STK_NEVER: no limit */
    uint64_t idle_until;
    uint64_t until; /* both 0: not known yet */
};

/* @param any  There was an event since the last time. */
static bool help_time_over(struct help_time *time, bool any)
{
    uint64_t now = stk_clock_ns();
    bool over;

    if (time->until == 0)
        time->until = time->wait_ns < STK_NEVER - now ? now + time->wait_ns : STK_NEVER;
    over = now >= time->until || (time->idle_until != 0 && now >= time->idle_until);
    if (time->spin_ns > 0 && (time->idle_until == 0 || any))
        time->idle_until = now + (uint64_t)time->spin_ns;
    return over;
}

/* The end is near, or messages wait for room in a window's queue: the next event has to make the dispatcher try them again. */
static bool help_unwanted(void)
{
    return atomic_load(&wsp_provider.stop) != 0 || wsp_events_watch_ns() >= 0;
}

/* Attend until the word changes, the time is over, or another thread attends: the last to come is served first. */
static bool help_attend(struct stk_client *client, const _Atomic uint32_t *word, uint32_t seen, struct help_time *time)
{
    uint32_t ticket = atomic_fetch_add(&helpers.tickets, 1) + 1;
    bool any = false, ever = false;

    for (uint32_t looks = 1; atomic_load(word) == seen; looks++) {
        bool some = help_look(client, true);

        any = any || some;
        ever = ever || some;
        if (time->spin_ns == 0 || help_unwanted() || atomic_load(&helpers.tickets) != ticket)
            break;
        if (looks % HELP_CLOCK == 0 || (some && time->wait_ns != STK_NEVER)) {
            if (help_time_over(time, any))
                break;
            any = false;
        }
        stk_cpu_relax();
    }
    stk_events_leave(client);
    return ever;
}

/* See wsp_help_fn. */
static uint32_t dispatch_help(const _Atomic uint32_t *word, uint32_t seen, uint32_t wait_ms)
{
    struct help_time time = {.wait_ns = wait_ms == UINT32_MAX ? STK_NEVER : wait_ms * STK_MS_NS};
    struct stk_client *client;
    bool any = false;

    (void)atomic_fetch_add(&helpers.inside, 1); /* pairs with wsp_dispatcher_stop */
    client = wsp_provider_client_now();
    if (client && wsp_provider_check() == 0 && !help_unwanted() && client == wsp_provider_client_now()) {
        time.spin_ns = stk_client_spin_ns(client);
        any = word ? help_attend(client, word, seen, &time) : help_look(client, false);
    }
    (void)atomic_fetch_sub(&helpers.inside, 1);
    return any;
}

static void help_name(wsp_help_fn help)
{
    wsp_helper_fn name = atomic_load(&wsp_upcalls.helper);

    if (name)
        name(help);
}

int wsp_dispatcher_start(void)
{
    struct stk_client *client;
    int err = STK_OK;

    if (atomic_load_explicit(&wsp_provider.dispatcher_runs, memory_order_acquire))
        return 0;
    /* The caller is in a call, and the last cleanup holds the lock until calls have left. */
    while (!wsp_mutex_lock_for(&wsp_provider.lock, DISPATCH_LOCK_MS))
        if (atomic_load(&wsp_provider.stop) != 0)
            return WSANOTINITIALISED;
    client = wsp_provider_client_now();
    if (!client)
        err = STK_ENOTINIT;
    else if (!atomic_load(&wsp_provider.dispatcher_runs))
        err = wsp_os_thread_start(&wsp_provider.dispatcher, dispatch_main, client);
    if (err == STK_OK)
        atomic_store_explicit(&wsp_provider.dispatcher_runs, true, memory_order_release);
    if (err == STK_OK)
        help_name(dispatch_help);
    wsp_mutex_unlock(&wsp_provider.lock);
    return err == STK_ENOTINIT ? WSANOTINITIALISED : wsp_error_of(WSP_OP_ANY, err);
}

bool wsp_dispatcher_stop(void)
{
    if (!atomic_load(&wsp_provider.dispatcher_runs))
        return true;
    help_name(NULL);
    /* exit() may be called by a handler that interrupted a helper. */
    for (int naps = 0; naps < HELP_NAPS && atomic_load(&helpers.inside) > 0; naps++)
        wsp_os_sleep_ns(HELP_NAP_NS);
    if (wsp_provider_client_now())
        stk_client_wake(wsp_provider_client_now()); /* a helper may have been told in the dispatcher's place */
    /* exit() called by what an upcall runs: this thread cannot wait for itself. */
    if (!wsp_os_thread_is_self(&wsp_provider.dispatcher))
        wsp_os_thread_join(&wsp_provider.dispatcher);
    atomic_store(&wsp_provider.dispatcher_runs, false);
    return atomic_load(&helpers.inside) == 0;
}
