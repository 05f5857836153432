/** @file WSAPoll. */
#include "wsp_poll.h"

#include "wsp_error.h"
#include "wsp_many.h"
#include "wsp_upcall.h"

#define POLL_ASKABLE (POLLRDNORM | POLLRDBAND | POLLWRNORM) /* POLL-2, POLL-3 */

/* What is reported whether it is asked for or not (POLL-9). */
#define POLL_ALWAYS ((uint32_t)(STK_READY_EOF | STK_READY_RESET | STK_READY_FAIL | STK_READY_ERROR))

/* POLL-5: negative as a signed number, in the width of the platform's handles or in that of an int. */
static bool poll_is_negative(SOCKET s)
{
    return (INT_PTR)s < 0 || (s <= UINT32_MAX && (int32_t)(uint32_t)s < 0);
}

static uint32_t poll_wanted(SHORT events)
{
    uint32_t wanted = POLL_ALWAYS;

    if (events & POLLRDNORM)
        wanted |= STK_READY_IN | STK_READY_ACCEPT;
    if (events & POLLRDBAND)
        wanted |= STK_READY_OOB;
    if (events & POLLWRNORM)
        wanted |= STK_READY_OUT;
    return wanted;
}

/* A stream whose connection has ended or never was: POLL-12, -15 to -17, -20. */
static SHORT poll_stream_end(const struct wsp_socket *sock, uint32_t ready)
{
    if (ready & STK_READY_FAIL)
        return POLLHUP | POLLERR | POLLWRNORM;
    if (ready & STK_READY_RESET)
        return POLLHUP | POLLERR | POLLWRNORM;
    if (ready & STK_READY_EOF)
        return POLLHUP;
    return !(ready & STK_READY_CONN) && atomic_load(&sock->connect_ns) == 0 ? POLLHUP : 0;
}

/* IN is set by the end of data, too. */
static bool poll_has_data(const struct wsp_socket *sock, uint32_t ready)
{
    struct stk_sock_status status;

    if (!(ready & STK_READY_IN))
        return false;
    if (!(ready & (STK_READY_EOF | STK_READY_RESET)))
        return true;
    stk_sock_status(sock->stk, &status);
    return status.rx_bytes > 0;
}

/* What there is to tell of a socket; POLL-10 to POLL-20. */
static SHORT poll_events(struct wsp_socket *sock, uint32_t ready, SHORT asked)
{
    unsigned shut = atomic_load_explicit(&sock->shut, memory_order_relaxed);
    SHORT revents = 0;

    if (atomic_load(&sock->listening))
        return ready & STK_READY_ACCEPT ? (SHORT)(asked & POLLRDNORM) : 0;
    if (wsp_socket_is_stream(sock))
        revents = poll_stream_end(sock, ready);
    else if (ready & STK_READY_ERROR)
        revents = POLLERR;
    if (!(shut & STK_SHUT_RD) && poll_has_data(sock, ready))
        revents |= POLLRDNORM;
    if (ready & STK_READY_OOB)
        revents |= POLLRDBAND;
    if ((ready & STK_READY_OUT) && !(revents & POLLERR))
        revents |= POLLWRNORM;
    if (shut & STK_SHUT_WR)
        revents |= POLLWRNORM; /* a send does not block: it fails */
    return (SHORT)(revents & (asked | POLLERR | POLLHUP | POLLNVAL));
}

/* POLL-2 and POLL-3 for all entries, before any is changed. */
static int poll_check(WSAPOLLFD *array, ULONG count)
{
    int code = 0;

    if (count == 0)
        return WSAEINVAL;
    if (!array || !wsp_memory_readable(array, (size_t)count * sizeof *array))
        return WSAEFAULT;
    for (ULONG i = 0; i < count; i++)
        if (!poll_is_negative(array[i].fd) && (array[i].events & ~POLL_ASKABLE))
            code = WSAEINVAL;
    for (ULONG i = 0; i < count && code != 0; i++)
        array[i].revents = 0;
    return code;
}

/*
 * Take the sockets; what is none is told so, and not counted (POLL-5, POLL-6; Windows, as conformance suites observe).
 *
 * @param invalid  Is there any?
 */
static int poll_enter(struct wsp_many *many, WSAPOLLFD *array, ULONG count, bool *invalid)
{
    int code = 0;

    if (!wsp_many_begin(many, count))
        return WSAENOBUFS;
    for (ULONG i = 0; i < count && code != WSANOTINITIALISED; i++) {
        array[i].revents = POLLNVAL;
        code = poll_is_negative(array[i].fd) ? WSAENOTSOCK
                                             : wsp_many_add(many, array[i].fd, i, poll_wanted(array[i].events));
        if (code == 0)
            array[i].revents = 0;
        else
            *invalid = true;
    }
    if (code == WSANOTINITIALISED)
        return code;
    return many->count == 0 ? WSAENOTSOCK : 0;
}

/* Fill revents as of now. @return  Entries with any. */
static int poll_fill(struct wsp_many *many, WSAPOLLFD *array, bool look_gone)
{
    int told = 0;

    for (size_t i = 0; i < many->count; i++) {
        WSAPOLLFD *entry = &array[many->at[i]];
        struct wsp_socket *sock = many->socks[i];
        uint32_t ready = stk_sock_ready(sock->stk);

        if ((many->items[i].ready & STK_READY_ACCEPT) != 0)
            ready |= STK_READY_ACCEPT; /* a deferred one */
        entry->revents = poll_events(sock, ready, entry->events);
        if ((ready & STK_READY_CANCEL) || (look_gone && wsp_many_is_gone(many, i)))
            entry->revents = POLLNVAL; /* POLL-24 */
        told += entry->revents != 0;
    }
    return told;
}

static int poll_run(struct wsp_many *many, WSAPOLLFD *array, struct wsp_wait *wait, int *told)
{
    int found = 0;
    int code = wsp_many_look(many, &found);

    if (code != 0 && code != WSAENOTSOCK)
        return code;
    *told = poll_fill(many, array, code == WSAENOTSOCK);
    while (*told == 0 && code == 0 && wait->deadline_ns != 0) {
        code = wsp_many_wait(many, wait, &found);
        if (code != 0 && code != WSAENOTSOCK)
            return code;
        *told = poll_fill(many, array, code == WSAENOTSOCK);
        if (code == 0 && found == 0)
            break; /* the time is over */
        code = 0;  /* what was ready may have been taken by another thread: wait on */
    }
    return 0;
}

static int poll_all(WSAPOLLFD *array, ULONG count, INT timeout_ms, int *told)
{
    struct wsp_many many = {0};
    struct wsp_wait wait;
    bool invalid = false;
    int code = wsp_provider_check();

    if (code == 0)
        code = poll_check(array, count);
    if (code != 0)
        return code;
    wsp_wait_begin(&wait, 0);
    code = poll_enter(&many, array, count, &invalid);
    /* POLL-8; an entry that is invalid is an answer. */
    if (timeout_ms == 0 || invalid)
        wait.deadline_ns = 0;
    else if (timeout_ms > 0)
        wait.deadline_ns = stk_clock_ns() + (uint64_t)timeout_ms * STK_MS_NS;
    if (code == 0)
        code = poll_run(&many, array, &wait, told);
    wsp_many_end(&many);
    return code;
}

/**
 * WSAPoll.
 *
 * @param array       count entries; the application's, revents is filled.
 * @param timeout_ms  0: look only; negative: for ever.
 * @return            Entries with something in revents, 0: the time is over; SOCKET_ERROR with the thread's last error
 *                    WSAEINVAL (no entries, events that cannot be asked for), WSAENOTSOCK (none is a socket), WSAEFAULT, WSAENOBUFS,
 *                    WSANOTINITIALISED, WSAENETDOWN, WSAEINTR (a blocking hook's wish).
 *
 * Context: any thread; blocks for at most the time. Source: rules POLL-1..24.
 */
int WSPAPI wsp_poll(WSAPOLLFD *array, ULONG count, INT timeout_ms)
{
    int told = 0;
    int code = poll_all(array, count, timeout_ms, &told);

    if (code == 0)
        return told;
    wsp_upcall_last_error(code);
    return SOCKET_ERROR;
}
