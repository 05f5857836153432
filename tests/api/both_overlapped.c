/*
 * Overlapped sends and receives: events, completion routines, results, ends.
 */
#include "both.h"

/* One request and all that it needs. Always static: a case that fails leaves its request behind. */
struct request {
    WSAOVERLAPPED overlapped;
    WSABUF buffer;
    char room[64];
    DWORD n, flags;
};

static struct request *with_event(struct t_run *t, struct request *request)
{
    memset(request, 0, sizeof *request);
    request->buffer.len = sizeof request->room;
    request->buffer.buf = request->room;
    request->overlapped.hEvent = t_event(t);
    return request;
}

static int receive(SOCKET s, struct request *request, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    request->flags = 0;
    return WSARecv(s, &request->buffer, 1, NULL, &request->flags, &request->overlapped, routine);
}

static DWORD wait_for(struct request *request, DWORD ms)
{
    return WSAWaitForMultipleEvents(1, &request->overlapped.hEvent, TRUE, ms, FALSE);
}

/* Rules OVL-5, OVL-8, OVL-18, A.7.26, A.9.27, A.9.28. */
static void overlapped__nothing_there__pends_and_completes(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 4711;
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    T_FAILS(WSARecv(ends[1], &r.buffer, 1, &n, &flags, &r.overlapped, NULL), WSA_IO_PENDING);
    WSASetLastError(0);
    T_TRUE(!WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags));
    T_EQ(WSAGetLastError(), WSA_IO_INCOMPLETE);
    T_EQ(wait_for(&r, 0), WSA_WAIT_TIMEOUT);
    T_EQ(send(ends[0], "hello", 5, 0), 5);
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    T_TRUE(WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags));
    T_EQ(n, 5);
    T_EQ(flags, 0);
    T_SAME(r.room, "hello", 5);
}

/* Rules OVL-7, OVL2-4, A.9.3: zero now, and the event is set already. */
static void overlapped__data_is_there__done_at_once_and_signalled(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    T_EQ(send(ends[0], "hello", 5, 0), 5);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(WSARecv(ends[1], &r.buffer, 1, &n, &flags, &r.overlapped, NULL));
    T_EQ(n, 5);
    T_EQ(wait_for(&r, 0), WSA_WAIT_EVENT_0);
    n = 0;
    T_TRUE(WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags));
    T_EQ(n, 5);
}

static void overlapped__send__done_and_signalled(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 0;
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    memcpy(r.room, "outgoing", 8);
    r.buffer.len = 8;
    T_OK(WSASend(ends[0], &r.buffer, 1, &n, 0, &r.overlapped, NULL));
    T_EQ(n, 8);
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    T_DO(t_recv_all(t, ends[1], room, 8));
    T_SAME(room, "outgoing", 8);
}

/* Rules OVL2-6, DSC-6: the mode of the socket does not matter. */
static void overlapped__nonblocking_socket__pends_all_the_same(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    T_OK(t_ioctl(ends[1], (ULONG)FIONBIO, 1));
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
}

static DWORD WINAPI send_late(LPVOID context)
{
    Sleep(60);
    return send(*(SOCKET *)context, "late", 4, 0) == 4 ? 0 : 1;
}

/* Rules A.9.27, OVL-17. */
static void result__waiting__comes_with_the_data(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_TRUE(t_thread(t, send_late, &ends[0]) != NULL);
    T_TRUE(WSAGetOverlappedResult(ends[1], &r.overlapped, &n, TRUE, &flags));
    T_EQ(n, 4);
}

/* Rules OVL-10, A.8.24: filled in the order posted. */
static void overlapped__three_posted__filled_in_order(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r[3];
    DWORD n = 0;
    DWORD flags = 0;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    for (i = 0; i < 3; i++) {
        with_event(t, &r[i])->buffer.len = 2;
        T_FAILS(receive(ends[1], &r[i], NULL), WSA_IO_PENDING);
    }
    T_EQ(send(ends[0], "aabbcc", 6, 0), 6);
    for (i = 0; i < 3; i++) {
        T_EQ(wait_for(&r[i], T_WAIT_MS), WSA_WAIT_EVENT_0);
        T_TRUE(WSAGetOverlappedResult(ends[1], &r[i].overlapped, &n, FALSE, &flags));
        T_EQ(n, 2);
        T_EQ(r[i].room[0], 'a' + i);
        T_EQ(r[i].room[1], 'a' + i);
    }
}

/* Rules CLS-8, A.8.21: the end is a completion with no bytes. */
static void overlapped__peer_ends__zero_bytes(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 77;
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_OK(t_close(t, ends[0]));
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    T_TRUE(WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags));
    T_EQ(n, 0);
}

/* Rules CLS-9, A.9.28. */
static void overlapped__peer_resets__connreset(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 77;
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_OK(t_set_linger(ends[0], 1, 0));
    T_OK(t_close(t, ends[0]));
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    WSASetLastError(0);
    T_TRUE(!WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags));
    T_EQ(WSAGetLastError(), WSAECONNRESET);
}

/* Rules CLS-12, OVL2-13, WSPCLOSESOCKET-3, E46: the event is set. */
static void overlapped__socket_closed__ends_and_is_signalled(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_OK(t_close(t, ends[1]));
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    T_TRUE(r.overlapped.Internal != 0x103 /* STATUS_PENDING */);
}

/* What the routine was told. One case runs at a time. */
static struct {
    DWORD error, bytes, flags, thread;
    LPWSAOVERLAPPED overlapped;
    unsigned runs, depth, deepest;
} told;

static void CALLBACK routine(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    told.error = error;
    told.bytes = bytes;
    told.flags = flags;
    told.overlapped = overlapped;
    told.thread = GetCurrentThreadId();
    told.runs++;
}

/* Rules OVL-6, OVL-19, OVL-22, A.9.12, A.9.13. */
static void routine__data_comes__runs_in_an_alertable_wait_only(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    memset(&told, 0, sizeof told);
    T_FAILS(receive(ends[1], &r, routine), WSA_IO_PENDING);
    T_EQ(send(ends[0], "xyz", 3, 0), 3);
    Sleep(T_QUIET_MS);
    T_EQ(told.runs, 0);
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(told.runs, 1);
    T_EQ(told.error, 0);
    T_EQ(told.bytes, 3);
    T_EQ(told.flags, 0);
    T_EQ(told.thread, GetCurrentThreadId());
    T_TRUE(told.overlapped == &r.overlapped);
    T_SAME(r.room, "xyz", 3);
    T_EQ(wait_for(&r, 0), WSA_WAIT_TIMEOUT); /* with a routine the event is the program's own: rule A.9.9 */
}

/* Rules OVL-7: zero now, and the routine is queued. */
static void routine__data_is_there__queued_at_once(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    memset(&told, 0, sizeof told);
    T_EQ(send(ends[0], "xyz", 3, 0), 3);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(receive(ends[1], &r, routine));
    T_EQ(told.runs, 0);
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(told.runs, 1);
    T_EQ(told.bytes, 3);
}

static void routine__send__runs_too(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    memset(&told, 0, sizeof told);
    T_OK(WSASend(ends[0], &r.buffer, 1, &n, 0, &r.overlapped, routine));
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(told.runs, 1);
    T_EQ(told.bytes, sizeof r.room);
}

/* Rules A.9.25, E49: the wait on events is alertable when told so. */
static void routine__wait_for_events__runs_when_alertable(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    WSAEVENT never = t_event(t);
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    memset(&told, 0, sizeof told);
    T_FAILS(receive(ends[1], &r, routine), WSA_IO_PENDING);
    T_EQ(send(ends[0], "xyz", 3, 0), 3);
    T_EQ(WSAWaitForMultipleEvents(1, &never, TRUE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
    T_EQ(told.runs, 0);
    T_EQ(WSAWaitForMultipleEvents(1, &never, TRUE, T_WAIT_MS, TRUE), WSA_WAIT_IO_COMPLETION);
    T_EQ(told.runs, 1);
}

/* Rules A.9.15: all that wait run before the wait returns. */
static void routine__two_wait__both_run_in_one_wait(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r[2];
    T_DO(t_pair(t, AF_INET, ends));
    with_event(t, &r[0])->buffer.len = 2;
    with_event(t, &r[1])->buffer.len = 2;
    memset(&told, 0, sizeof told);
    T_EQ(send(ends[0], "aabb", 4, 0), 4);
    Sleep(T_QUIET_MS);
    T_OK(receive(ends[1], &r[0], routine));
    T_OK(receive(ends[1], &r[1], routine));
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(told.runs, 2);
}

static SOCKET again_on;
static struct request again;

static void CALLBACK routine_again(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)error;
    (void)bytes;
    (void)flags;
    told.depth++;
    told.deepest = told.depth > told.deepest ? told.depth : told.deepest;
    told.runs++;
    if (told.runs < 3) {
        memset(overlapped, 0, sizeof *overlapped);
        (void)WSARecv(again_on, &again.buffer, 1, NULL, &again.flags, overlapped, routine_again);
        (void)SleepEx(0, TRUE); /* a wait inside: rule OVL-23 forbids nesting */
    }
    told.depth--;
}

/* Rules OVL-23, A.9.14, OVL2-10. */
static void routine__receives_again_inside__never_nested(struct t_run *t)
{
    SOCKET ends[2];
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    with_event(t, &again)->buffer.len = 1;
    again_on = ends[1];
    memset(&told, 0, sizeof told);
    T_EQ(send(ends[0], "abc", 3, 0), 3);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    Sleep(T_QUIET_MS);
    T_OK(receive(ends[1], &again, routine_again));
    for (i = 0; i < 10 && told.runs < 3; i++) {
        (void)SleepEx(300, TRUE);
    }
    T_EQ(told.runs, 3);
    T_EQ(told.deepest, 1);
}

/* Rule CLS-12 with a routine. */
static void routine__socket_closed__runs_with_aborted(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    memset(&told, 0, sizeof told);
    T_FAILS(receive(ends[1], &r, routine), WSA_IO_PENDING);
    T_OK(t_close(t, ends[1]));
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(told.runs, 1);
    T_EQ(told.error, WSA_OPERATION_ABORTED);
    T_EQ(told.bytes, 0);
}

/* Rules A.8.22, OVL2-7, OVL2-12. */
static void overlapped__datagram__source_comes_with_completion(struct t_run *t)
{
    SOCKET a, b;
    struct t_addr at[2];
    static struct t_addr from;
    static struct request r;
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &a, &at[0]));
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &b, &at[1]));
    (void)with_event(t, &r);
    memset(&from, 0, sizeof from);
    from.bytes = sizeof from.u;
    T_FAILS(WSARecvFrom(b, &r.buffer, 1, NULL, &flags, &from.u.any, &from.bytes, &r.overlapped, NULL), WSA_IO_PENDING);
    T_EQ(sendto(a, "datagram", 8, 0, &at[1].u.any, at[1].bytes), 8);
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    T_TRUE(WSAGetOverlappedResult(b, &r.overlapped, &n, FALSE, &flags));
    T_EQ(n, 8);
    T_TRUE(t_same_addr(&from, &at[0]));
}

/* Rules OVL2-12, A.8.5. */
static void overlapped__datagram_too_large__msgsize(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_udp_pair(t, AF_INET, ends));
    with_event(t, &r)->buffer.len = 4;
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[0], "0123456789", 10, 0), 10);
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    WSASetLastError(0);
    T_TRUE(!WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags));
    T_EQ(WSAGetLastError(), WSAEMSGSIZE);
    T_SAME(r.room, "0123", 4);
}

/* Rules OVL-9, A.9.4: an error is no beginning, and nothing comes of it. */
static void overlapped__refused__no_indication(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    static struct request r;
    (void)with_event(t, &r);
    T_FAILS(receive(s, &r, NULL), WSAENOTCONN);
    T_EQ(wait_for(&r, T_QUIET_MS), WSA_WAIT_TIMEOUT);
}

/* Rules A.9.30. */
static void result__bad_arguments__have_their_codes(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n, flags;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    WSASetLastError(0);
    T_TRUE(!WSAGetOverlappedResult(INVALID_SOCKET, &r.overlapped, &n, FALSE, &flags));
    T_EQ(WSAGetLastError(), WSAENOTSOCK);
    WSASetLastError(0);
    T_TRUE(!WSAGetOverlappedResult(ends[0], NULL, &n, FALSE, &flags));
    T_TRUE(WSAGetLastError() == WSA_INVALID_PARAMETER || WSAGetLastError() == WSAEFAULT);
}

/* Rules OVL-13, A.8.25: a buffer that waits gets the data, and a plain receive behind it gets the rest. */
static void overlapped__posted_and_plain__in_order(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    char room[8];
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    with_event(t, &r)->buffer.len = 3;
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[0], "abcdef", 6, 0), 6);
    T_DO(t_recv_all(t, ends[1], room, 3));
    T_SAME(room, "def", 3);
    T_EQ(wait_for(&r, T_WAIT_MS), WSA_WAIT_EVENT_0);
    T_TRUE(WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags));
    T_EQ(n, 3);
    T_SAME(r.room, "abc", 3);
}

/* Rule OVL-4: neither event nor routine: found by asking. */
static void overlapped__no_indication_wanted__result_can_be_polled(struct t_run *t)
{
    SOCKET ends[2];
    static struct request r;
    DWORD n = 0;
    DWORD flags = 0;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    (void)with_event(t, &r);
    r.overlapped.hEvent = NULL;
    T_FAILS(receive(ends[1], &r, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    for (i = 0; i < T_WAIT_MS / 10; i++) {
        if (WSAGetOverlappedResult(ends[1], &r.overlapped, &n, FALSE, &flags)) {
            T_EQ(n, 1);
            return;
        }
        T_EQ(WSAGetLastError(), WSA_IO_INCOMPLETE);
        Sleep(10);
    }
    t_note(t, __FILE__, __LINE__, "never complete");
}

/* Rule OVL2-1, CF-6: without the attribute the overlapped arguments are ignored. */
static void overlapped__socket_without_the_attribute__is_synchronous(struct t_run *t)
{
    SOCKET listener;
    struct t_addr at;
    static struct request r;
    DWORD n = 0;
    SOCKET a, s = t_keep(t, WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0));
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(connect(s, &at.u.any, at.bytes));
    a = t_keep(t, accept(listener, NULL, NULL));
    T_TRUE(t_thread(t, send_late, &a) != NULL);
    (void)with_event(t, &r);
    T_OK(WSARecv(s, &r.buffer, 1, &n, &r.flags, &r.overlapped, NULL));
    T_EQ(n, 4);
}

/* A structure that no call was given, which a program filled: the status says how it went, an event that is set ends a wait. */
static void result__filled_by_the_program__status_and_event_count(struct t_run *t)
{
    static const struct {
        DWORD status, code;
    } rows[] = {
        {0xc0000120, WSA_OPERATION_ABORTED},
        {0xc0000022, WSAEACCES},
        {0xc000020d, WSAECONNRESET},
        {0xc00000b5, WSAETIMEDOUT},
        {0x80000005, WSAEMSGSIZE},
        {0xc0000236, WSAECONNREFUSED},
        {0xc0000fff, WSAEINVAL},
        {0x00000103, WSA_IO_INCOMPLETE},
    };
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    static struct request r;
    DWORD n = 0, flags = 0;
    size_t i;
    (void)with_event(t, &r);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        r.overlapped.Internal = rows[i].status;
        WSASetLastError(0);
        T_TRUE(!WSAGetOverlappedResult(s, &r.overlapped, &n, FALSE, &flags));
        T_EQ(WSAGetLastError(), rows[i].code);
    }
    r.overlapped.Internal = 0x40000000;
    T_TRUE(WSAGetOverlappedResult(s, &r.overlapped, &n, FALSE, &flags));
    r.overlapped.Internal = 0x103;
    r.overlapped.InternalHigh = 7;
    T_TRUE(SetEvent(r.overlapped.hEvent));
    T_TRUE(WSAGetOverlappedResult(s, &r.overlapped, &n, TRUE, &flags));
    T_EQ(n, 7);
}

static const struct t_cases cases[] = {
    T_CASE(overlapped__nothing_there__pends_and_completes),
    T_CASE(overlapped__data_is_there__done_at_once_and_signalled),
    T_CASE(overlapped__send__done_and_signalled),
    T_CASE(overlapped__nonblocking_socket__pends_all_the_same),
    T_CASE(result__waiting__comes_with_the_data),
    T_CASE(overlapped__three_posted__filled_in_order),
    T_CASE(overlapped__peer_ends__zero_bytes),
    T_CASE(overlapped__peer_resets__connreset),
    T_CASE(overlapped__socket_closed__ends_and_is_signalled),
    T_CASE(routine__data_comes__runs_in_an_alertable_wait_only),
    T_CASE(routine__data_is_there__queued_at_once),
    T_CASE(routine__send__runs_too),
    T_CASE(routine__wait_for_events__runs_when_alertable),
    T_CASE(routine__two_wait__both_run_in_one_wait),
    T_CASE(routine__receives_again_inside__never_nested),
    T_CASE(routine__socket_closed__runs_with_aborted),
    T_CASE(overlapped__datagram__source_comes_with_completion),
    T_CASE(overlapped__datagram_too_large__msgsize),
    T_CASE(overlapped__refused__no_indication),
    T_CASE(result__bad_arguments__have_their_codes),
    T_CASE(result__filled_by_the_program__status_and_event_count),
    T_CASE(overlapped__posted_and_plain__in_order),
    T_CASE(overlapped__no_indication_wanted__result_can_be_polled),
    T_CASE(overlapped__socket_without_the_attribute__is_synchronous),
};

const struct t_group t_group_overlapped = {"overlapped", cases, T_COUNT(cases), false};
