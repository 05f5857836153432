/** @file Blocking. */
#include "wsp_wait.h"

#include "wsp_error.h"
#include "wsp_share.h"
#include "wsp_upcall.h"

#include "stack/process.h"

#define HOOK_WAIT_NS 5000000 /* between two calls of a hook */
#define NAP_NS 500000
#define ALERT_NS 20000000 /* between two looks for queued calls */

void wsp_wait_begin(struct wsp_wait *wait, uint32_t timeout_ms)
{
    wait->deadline_ns = STK_NEVER;
    wait->timeout_ms = timeout_ms;
    wait->asked = false;
    wait->handle = 0;
    wait->wake = &wsp_provider.stop;
    wait->hook = NULL;
    wait->hook_context = 0;
}

/* Nanoseconds until the deadline, as the stack takes them. */
static int64_t wait_left(const struct wsp_wait *wait)
{
    uint64_t now;

    if (wait->deadline_ns == STK_NEVER)
        return -1;
    now = stk_clock_ns();
    if (now >= wait->deadline_ns)
        return 0;
    return wait->deadline_ns - now > INT64_MAX ? -1 : (int64_t)(wait->deadline_ns - now);
}

/* One turn of the hook: 0, or WSAEINTR. */
static int wait_hook(struct wsp_wait *wait)
{
    struct wsp_thread *thread = wsp_thread_get();
    bool go_on;

    if (!thread)
        return WSAENOBUFS;
    thread->blocking = true;
    thread->cancelled = false;
    go_on = wait->hook(wait->hook_context) != FALSE;
    thread->blocking = false;
    return go_on && !thread->cancelled ? 0 : WSAEINTR;
}

static int wait_code(int err)
{
    return err == STK_EINTR ? WSAEINTR : wsp_error_of(WSP_OP_ANY, err);
}

/* Whom to wake when a call is queued for a thread that waits. */
static struct {
    struct wsp_mutex lock;
    _Atomic(struct stk_client *) client;
} alerts;

static void alerts_wake(void)
{
    struct stk_client *client;

    wsp_mutex_lock(&alerts.lock);
    client = atomic_load(&alerts.client);
    if (client)
        stk_client_wake(client);
    wsp_mutex_unlock(&alerts.lock);
}

static void alerts_client(struct stk_client *client)
{
    if (atomic_load(&alerts.client) == client)
        return;
    wsp_mutex_lock(&alerts.lock);
    atomic_store(&alerts.client, client);
    wsp_mutex_unlock(&alerts.lock);
}

void wsp_wait_alerts_end(void)
{
    alerts_client(NULL);
}

/* One sleep that a call queued for this thread ends. @return  As stk_wait; STK_EINTR for such a call, too. */
static int wait_alertably(struct stk_client *client, struct stk_wait_item *items, size_t count, int64_t left,
                          struct stk_wakes *wakes)
{
    wsp_alert_fn get = atomic_load_explicit(&wsp_upcalls.alert, memory_order_relaxed);
    struct wsp_alert_abi *alert = get ? get() : NULL;
    int found;

    if (!alert)
        return stk_wait_words(client, items, count, left, wakes);
    alerts_client(client);
    wakes->alert = &alert->pending;
    atomic_store(&alert->wake, (uint64_t)(uintptr_t)alerts_wake);
    atomic_store(&alert->blocked, 1);
    found = stk_wait_words(client, items, count, left, wakes);
    atomic_store(&alert->blocked, 0);
    return found;
}

/* Run what is queued for this thread. @param thread  NULL: somebody else sees to it that no calls nest. */
static void wait_look(struct wsp_thread *thread, wsp_sleep_fn run)
{
    if (thread)
        thread->alerted = true;
    (void)run(0, TRUE);
    if (thread)
        thread->alerted = false;
}

/*
 * WSPC-8: the wait is alertable, and goes on behind the calls that ran in it. Where nobody tells of them (Windows) it looks
 * for them every now and then.
 */
static int wait_native(struct wsp_wait *wait, struct stk_wait_item *items, size_t count, const _Atomic uint32_t *wake)
{
    wsp_sleep_fn run = atomic_load_explicit(&wsp_upcalls.sleep, memory_order_relaxed);
    bool told = run && atomic_load_explicit(&wsp_upcalls.alert, memory_order_relaxed) != NULL;
    struct wsp_thread *thread = told ? NULL : wsp_thread_get();
    struct stk_client *client;

    if (thread && (thread->alerted || thread->routines))
        run = NULL;
    while ((client = wsp_provider_client_now()) != NULL) {
        struct stk_wakes wakes = {.ending = wake};
        int64_t left = wait_left(wait);
        bool whole = told || !run || (left >= 0 && left <= ALERT_NS);
        int found;

        if (left == 0) /* a look is no wait: nothing runs in it */
            return stk_wait_words(client, items, count, 0, &wakes);
        found = wait_alertably(client, items, count, whole ? left : ALERT_NS, &wakes);
        if (found > 0 || !run)
            return found;
        if (found == 0 && whole) {
            if (thread)
                wait_look(thread, run); /* it was a wait, however short */
            return 0;
        }
        if (found == STK_EINTR && (atomic_load(wake) != 0 || !wakes.alert || atomic_load(wakes.alert) == 0))
            return found;
        if (found < 0 && found != STK_EINTR)
            return found;
        wait_look(thread, run);
    }
    return STK_EINTR;
}

/* The wait itself; found < 0 is an error of the stack. */
static int wait_run(struct wsp_wait *wait, struct stk_wait_item *items, size_t count, const _Atomic uint32_t *wake)
{
    struct stk_client *client = wsp_provider_client_now();
    int64_t left = wait_left(wait);
    int found, code;

    if (!client || stk_process_ending())
        return STK_EINTR; /* the last cleanup went by, or the process ends and nothing will happen any more */
    while (wait->hook) {
        int64_t slice = left < 0 || left > HOOK_WAIT_NS ? HOOK_WAIT_NS : left;

        found = stk_wait(client, items, count, slice, wake);
        if (found != 0)
            return found;
        code = wait_hook(wait);
        if (code != 0)
            return STK_EINTR;
        left = wait_left(wait);
        if (left == 0)
            return stk_wait(client, items, count, 0, wake);
    }
    return wait_native(wait, items, count, wake);
}

/* Before the first wait of a call; most calls never come here and are spared the clock. */
static void wait_ask(struct wsp_wait *wait, DWORD catalog_id)
{
    if (wait->asked)
        return;
    wait->asked = true;
    wait->hook = wsp_upcall_blocking_hook(catalog_id, &wait->hook_context);
    if (wait->timeout_ms != 0)
        wait->deadline_ns = stk_clock_ns() + wait->timeout_ms * STK_MS_NS;
}

/* One of several descriptors: its own closing ends the wait, too. */
static int wait_run_shared(struct wsp_wait *wait, struct wsp_socket *sock, struct stk_wait_item *item)
{
    struct wsp_share_wait node;
    int found = STK_EINTR;

    wsp_share_wait_begin(&node, &wait->handle, 1);
    if (wait->handle == 0 || !wsp_share_is_gone(sock, wait->handle))
        found = wait_run(wait, item, 1, &node.wake);
    wsp_share_wait_end(&node);
    return found;
}

int wsp_wait_ready(struct wsp_wait *wait, struct wsp_socket *sock, uint32_t wanted)
{
    struct stk_wait_item item = {.sock = sock->stk, .wanted = wanted};
    int found;

    wait_ask(wait, sock->catalog_id);
    found = STK_EINTR;
    if (!wsp_share_is_shared(sock))
        found = wait_run(wait, &item, 1, &sock->wake);
    /* The socket may have got a second descriptor while this one waited. */
    if (found == STK_EINTR && wsp_share_is_shared(sock) && !wsp_socket_closing(sock))
        found = wait_run_shared(wait, sock, &item);
    if (found < 0)
        return wait_code(found);
    if (found == 0)
        return WSAETIMEDOUT;
    /* One that goes on with another socket of the stack is looked at again: wsp_socket_renew. */
    return (item.ready & STK_READY_CANCEL) && sock->stk == item.sock ? WSAEINTR : 0;
}

int wsp_wait_items(struct wsp_wait *wait, struct stk_wait_item *items, size_t count, DWORD catalog_id, int *found)
{
    if (wait_left(wait) != 0)
        wait_ask(wait, catalog_id); /* WSPSELECT-3: a poll neither yields nor asks */
    *found = wait_run(wait, items, count, wait->wake);
    if (*found < 0)
        return wait_code(*found);
    for (size_t i = 0; i < count; i++)
        if (items[i].ready & STK_READY_CANCEL)
            return WSAENOTSOCK;
    return 0;
}

int wsp_wait_nap(struct wsp_wait *wait, struct wsp_socket *sock)
{
    if (wsp_socket_closing(sock))
        return WSAEINTR;
    if (wait->handle != 0 && wsp_share_is_shared(sock) && wsp_share_is_gone(sock, wait->handle))
        return WSAEINTR;
    if (wait_left(wait) == 0)
        return WSAETIMEDOUT;
    wait_ask(wait, sock->catalog_id);
    if (wait->hook && wait_hook(wait) != 0)
        return WSAEINTR;
    wsp_os_sleep_ns(NAP_NS);
    return 0;
}

/**
 * WSPCancelBlockingCall: possible only inside the blocking hook of the calling thread.
 *
 * Context: any thread. Source: rules WSPCANCELBLOCKINGCALL-1..5.
 */
int WSPAPI wsp_cancel_blocking_call(LPINT lpErrno)
{
    struct wsp_thread *thread;
    int code = wsp_provider_check();

    if (code != 0)
        return wsp_fail(lpErrno, code);
    thread = wsp_thread_peek();
    if (!thread || !thread->blocking)
        return wsp_fail(lpErrno, WSAEINVAL);
    thread->cancelled = true;
    return 0;
}
