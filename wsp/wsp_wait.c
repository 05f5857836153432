/** @file Blocking. */
#include "wsp_wait.h"

#include "wsp_error.h"
#include "wsp_upcall.h"

#include "stack/process.h"

#define HOOK_WAIT_NS 5000000 /* between two calls of a hook */
#define NAP_NS 500000

void wsp_wait_begin(struct wsp_wait *wait, uint32_t timeout_ms)
{
    wait->deadline_ns = STK_NEVER;
    wait->timeout_ms = timeout_ms;
    wait->asked = false;
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
    return stk_wait(client, items, count, left, wake);
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

int wsp_wait_ready(struct wsp_wait *wait, struct wsp_socket *sock, uint32_t wanted)
{
    struct stk_wait_item item = {.sock = sock->stk, .wanted = wanted};
    int found;

    wait_ask(wait, sock->catalog_id);
    found = wait_run(wait, &item, 1, &sock->wake);
    if (found < 0)
        return wait_code(found);
    if (found == 0)
        return WSAETIMEDOUT;
    return item.ready & STK_READY_CANCEL ? WSAEINTR : 0;
}

int wsp_wait_items(struct wsp_wait *wait, struct stk_wait_item *items, size_t count, DWORD catalog_id, int *found)
{
    if (wait_left(wait) != 0)
        wait_ask(wait, catalog_id); /* WSPSELECT-3: a poll neither yields nor asks */
    *found = wait_run(wait, items, count, &wsp_provider.stop);
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
