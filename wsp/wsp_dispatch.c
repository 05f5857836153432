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

#define DISPATCH_EVENTS 64
#define DISPATCH_LOCK_MS 10
#define DISPATCH_LOST_NAP_NS 10000000 /* the engine is gone: requests are failed, then there is nothing to do */

static void dispatch_service(struct wsp_socket *sock, void *unused)
{
    struct wsp_event_posts posts = {0};
    struct wsp_queue done;

    (void)unused;
    wsp_mutex_lock(&sock->lock);
    wsp_requests_run(sock, &done);
    if (sock->events.mask != 0)
        wsp_events_evaluate(sock, &posts);
    wsp_mutex_unlock(&sock->lock);
    wsp_requests_deliver(sock, &done);
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
        for (int i = 0; i < count; i++) {
            struct wsp_socket *sock;

            if (events[i].fired & STK_READY_RIO) {
                wsp_rio_fire(events[i].cookie);
                continue;
            }
            sock = wsp_socket_get_context(events[i].cookie);
            if (!sock)
                continue; /* closed meanwhile */
            dispatch_service(sock, NULL);
            wsp_acceptex_follow(sock);
            wsp_socket_put(sock);
        }
        if (count < 0 && count != STK_EINTR) {
            wsp_socket_each(dispatch_service, NULL); /* the stack's calls say that it is lost */
            wsp_os_sleep_ns(DISPATCH_LOST_NAP_NS);
        }
    }
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
    wsp_mutex_unlock(&wsp_provider.lock);
    return err == STK_ENOTINIT ? WSANOTINITIALISED : wsp_error_of(WSP_OP_ANY, err);
}

void wsp_dispatcher_stop(void)
{
    if (!atomic_load(&wsp_provider.dispatcher_runs))
        return;
    /* exit() called by what an upcall runs: this thread cannot wait for itself. */
    if (!wsp_os_thread_is_self(&wsp_provider.dispatcher))
        wsp_os_thread_join(&wsp_provider.dispatcher);
    atomic_store(&wsp_provider.dispatcher_runs, false);
}
