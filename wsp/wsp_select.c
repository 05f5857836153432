/** @file WSPSelect. */
#include "wsp_select.h"

#include "wsp_error.h"
#include "wsp_many.h"

#define SELECT_SETS 3
#define SELECT_TIMEOUT_S_MAX (UINT64_MAX / 4000000000)
#define SELECT_TWICE_MAX 1024 /* members of a set up to which it is looked through for one that is there twice */

/* One call: a member per entry of the sets, in their order. */
struct select_call {
    fd_set *sets[SELECT_SETS];
    u_int counts[SELECT_SETS]; /* at the start: two sets may be the same one */
    struct wsp_many many;
};

static const uint32_t select_wanted[SELECT_SETS] = {
    STK_READY_IN | STK_READY_ACCEPT | STK_READY_EOF | STK_READY_RESET | STK_READY_ERROR, /* read */
    STK_READY_OUT | STK_READY_RESET,                                                     /* write */
    STK_READY_FAIL | STK_READY_OOB,                                                      /* except */
};

/* WSPSELECT-2: the array is as long as the application made it, which need not be what our header says. */
static SOCKET *select_list(fd_set *set)
{
    return set->fd_array;
}

/* A.10.10: the pointers, and how many entries there are. */
static int select_check(struct select_call *call, const struct timeval *timeout, size_t *total)
{
    if (timeout && !wsp_memory_readable(timeout, sizeof *timeout))
        return WSAEFAULT;
    for (int set = 0; set < SELECT_SETS; set++) {
        const fd_set *one = call->sets[set];

        if (!one)
            continue;
        if (!wsp_memory_readable(&one->fd_count, sizeof one->fd_count) ||
            !wsp_memory_readable(one->fd_array, (size_t)one->fd_count * sizeof(SOCKET)))
            return WSAEFAULT;
        call->counts[set] = one->fd_count;
        *total += one->fd_count;
    }
    return 0;
}

static int select_enter(struct select_call *call, size_t total)
{
    int code = 0;

    if (total == 0)
        return WSAEINVAL;
    if (!wsp_many_begin(&call->many, total))
        return WSAEFAULT; /* WSPSELECT-1: its code for want of resources */
    for (int set = 0; set < SELECT_SETS && code == 0; set++)
        for (u_int i = 0; i < call->counts[set] && code == 0; i++)
            code = wsp_many_add(&call->many, select_list(call->sets[set])[i], i, select_wanted[set]);
    return code;
}

/* As FD_SET does it. @param most  Members that it had: one set may be given for two. @return  How many members that makes. */
static int select_put(fd_set *set, SOCKET s, u_int most)
{
    SOCKET *list = select_list(set);

    if (set->fd_count >= most)
        return 0;
    for (u_int i = 0; most <= SELECT_TWICE_MAX && i < set->fd_count; i++)
        if (list[i] == s)
            return 0;
    list[set->fd_count++] = s;
    return 1;
}

static void select_clear(struct select_call *call)
{
    for (int set = 0; set < SELECT_SETS; set++)
        if (call->sets[set])
            call->sets[set]->fd_count = 0;
}

/* WSPSELECT-3: each set keeps its ready members, each once. What is put is never ahead of what is still to be looked at. */
static int select_store(struct select_call *call)
{
    size_t at = 0;
    int total = 0;

    select_clear(call);
    for (int set = 0; set < SELECT_SETS; set++)
        for (u_int i = 0; i < call->counts[set]; i++, at++)
            if (call->many.items[at].ready & select_wanted[set])
                total += select_put(call->sets[set], call->many.handles[at], call->counts[set]);
    return total;
}

/* Closed during the wait: that is readable (Windows, as conformance suites observe); in other sets alone it is no socket. */
static int select_closed(struct select_call *call)
{
    int code = WSAENOTSOCK;

    for (u_int i = 0; i < call->counts[0]; i++)
        if (wsp_many_is_gone(&call->many, i)) {
            call->many.items[i].ready |= STK_READY_EOF;
            code = 0;
        }
    if (code != 0)
        select_clear(call);
    return code;
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
    struct wsp_wait wait;
    size_t entries = 0;
    int code = wsp_provider_check();
    int found = 0, total = 0;

    (void)nfds; /* compatibility only */
    if (code == 0)
        code = select_check(&call, timeout, &entries);
    if (code == 0)
        code = select_deadline(timeout, &wait);
    if (code == 0)
        code = select_enter(&call, entries);
    if (code == 0)
        code = wsp_many_look(&call.many, &found);
    if (code == 0 && found == 0 && wait.deadline_ns != 0)
        code = wsp_many_wait(&call.many, &wait, &found);
    if (code == WSAENOTSOCK && call.many.count == entries)
        code = select_closed(&call);
    if (code == 0)
        total = select_store(&call);
    wsp_many_end(&call.many);
    return code == 0 ? total : wsp_fail(lpErrno, code);
}
