/** @file WSPSelect. */
#include "wsp_select.h"

#include "wsp_error.h"
#include "wsp_wait.h"

#include <stdlib.h>

#define SELECT_SETS 3
#define SELECT_TIMEOUT_S_MAX (UINT64_MAX / 4000000000)

/* One call: an item per entry of the sets, in their order. */
struct select_call {
    fd_set *sets[SELECT_SETS];
    struct stk_wait_item *items;
    struct wsp_socket **socks;
    size_t count; /* entries that hold a reference */
    size_t total;
};

static const uint32_t select_wanted[SELECT_SETS] = {
    STK_READY_IN | STK_READY_ACCEPT | STK_READY_EOF | STK_READY_RESET | STK_READY_ERROR, /* read */
    STK_READY_OUT | STK_READY_RESET,                                                     /* write */
    STK_READY_FAIL | STK_READY_OOB,                                                      /* except */
};

/* The memory of the calling thread's last select serves again. */
static int select_memory(struct select_call *call)
{
    struct wsp_thread *thread = wsp_thread_get();
    size_t bytes = call->total * (sizeof *call->items + sizeof(struct wsp_socket *));

    if (!thread)
        return WSAENOBUFS;
    if (thread->select_bytes < bytes) {
        void *grown = realloc(thread->select_memory, bytes);

        if (!grown)
            return WSAENOBUFS;
        thread->select_memory = grown;
        thread->select_bytes = bytes;
    }
    call->items = thread->select_memory;
    call->socks = (struct wsp_socket **)(void *)(call->items + call->total);
    return 0;
}

/* WSPSELECT-2: the array is as long as the application made it, which need not be what our header says. */
static SOCKET *select_list(fd_set *set)
{
    return set->fd_array;
}

static int select_enter(struct select_call *call)
{
    int code = 0;

    for (int set = 0; set < SELECT_SETS; set++)
        if (call->sets[set])
            call->total += call->sets[set]->fd_count;
    if (call->total == 0)
        return WSAEINVAL;
    code = select_memory(call);
    for (int set = 0; set < SELECT_SETS && code == 0; set++)
        for (u_int i = 0; call->sets[set] && i < call->sets[set]->fd_count && code == 0; i++) {
            struct wsp_socket *sock = wsp_socket_get(select_list(call->sets[set])[i], &code);

            if (!sock)
                break;
            call->items[call->count] = (struct stk_wait_item){.sock = sock->stk, .wanted = select_wanted[set]};
            call->socks[call->count++] = sock;
        }
    return code;
}

static void select_leave(struct select_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        wsp_socket_put(call->socks[i]);
}

/* A deferred connection is one that accept would take (WSPSELECT-4); the stack does not know of it. */
static int select_deferred(struct select_call *call)
{
    int found = 0;

    for (size_t i = 0; i < call->count; i++) {
        struct wsp_socket *sock = call->socks[i];

        if (!(call->items[i].wanted & STK_READY_ACCEPT) || !atomic_load(&sock->listening))
            continue;
        wsp_mutex_lock(&sock->lock);
        if (sock->deferred) {
            call->items[i].ready |= STK_READY_ACCEPT;
            found++;
        }
        wsp_mutex_unlock(&sock->lock);
    }
    return found;
}

/* WSPSELECT-3: each set keeps its ready members. */
static int select_store(struct select_call *call)
{
    size_t at = 0;
    int total = 0;

    for (int set = 0; set < SELECT_SETS; set++) {
        u_int kept = 0;

        for (u_int i = 0; call->sets[set] && i < call->sets[set]->fd_count; i++, at++)
            if (call->items[at].ready & select_wanted[set])
                select_list(call->sets[set])[kept++] = select_list(call->sets[set])[i];
        if (call->sets[set])
            call->sets[set]->fd_count = kept;
        total += (int)kept;
    }
    return total;
}

/* The timeout as a deadline; 0 or WSAEINVAL. */
static int select_deadline(const struct timeval *timeout, struct wsp_wait *wait)
{
    uint64_t seconds;

    wsp_wait_begin(wait, 0);
    if (!timeout)
        return 0;
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
        return WSAEINVAL;
    seconds = (uint64_t)timeout->tv_sec;
    if (seconds <= SELECT_TIMEOUT_S_MAX)
        wait->deadline_ns = stk_clock_ns() + seconds * STK_S_NS + (uint64_t)timeout->tv_usec * UINT64_C(1000);
    return 0;
}

/**
 * WSPSelect. Context: any thread; blocks for at most the timeout.
 * Source: rules WSPSELECT-1..7.
 */
int WSPAPI wsp_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, const struct timeval *timeout,
                      LPINT lpErrno)
{
    struct select_call call = {.sets = {readfds, writefds, exceptfds}};
    struct wsp_wait wait, look;
    int code = wsp_provider_check();
    int found = 0, total = 0;

    (void)nfds; /* compatibility only */
    if (code == 0)
        code = select_deadline(timeout, &wait);
    if (code == 0)
        code = select_enter(&call);
    if (code == 0) {
        look = wait;
        look.deadline_ns = 0;
        code = wsp_wait_items(&look, call.items, call.count, call.socks[0]->catalog_id, &found);
        found += code == 0 ? select_deferred(&call) : 0;
        if (code == 0 && found == 0 && wait.deadline_ns != 0)
            code = wsp_wait_items(&wait, call.items, call.count, call.socks[0]->catalog_id, &found);
    }
    if (code == 0)
        total = select_store(&call);
    select_leave(&call);
    return code == 0 ? total : wsp_fail(lpErrno, code);
}
