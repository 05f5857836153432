/*
 * Bytes over connections: send and receive with their flags, lists of buffers, time limits.
 */
#include "both.h"

#define MEBIBYTE 1048576

/* Rules A.7.1, A.8.7, CLL-7. */
static void stream__not_connected__notconn(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET listener;
    struct t_addr at;
    char byte;
    T_FAILS(send(s, "x", 1, 0), WSAENOTCONN);
    T_FAILS(recv(s, &byte, 1, 0), WSAENOTCONN);
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAENOTCONN);
    T_FAILS(shutdown(s, SD_SEND), WSAENOTCONN);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_FAILS(send(listener, "x", 1, 0), WSAENOTCONN);
    T_FAILS(recv(listener, &byte, 1, 0), WSAENOTCONN);
    T_FAILS(sendto(s, "x", 1, 0, &at.u.any, at.bytes), WSAENOTCONN);
}

/* Rule A.8.1: what is there, not more. */
static void recv__less_there_than_asked_for__gives_what_is_there(struct t_run *t)
{
    SOCKET ends[2];
    char room[64];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "hello", 5, 0), 5);
    T_EQ(recv(ends[1], room, 2, 0), 2);
    T_SAME(room, "he", 2);
    T_EQ(recv(ends[1], room, sizeof room, 0), 3);
    T_SAME(room, "llo", 3);
}

/* Rule A.7.5. */
static void send__no_bytes__gives_zero(struct t_run *t)
{
    SOCKET ends[2];
    char byte = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(send(ends[0], "", 0, 0));
    T_EQ(send(ends[0], "y", 1, 0), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(byte, 'y');
}

/* Rules WSPC-6, A.7: NULL is no buffer. */
static void stream__null_buffers__fault(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_FAILS(recv(ends[1], NULL, 1, 0), WSAEFAULT);
    T_FAILS(send(ends[0], NULL, 1, 0), WSAEFAULT);
}

/* Rule A.8.8. */
static void recv__peek__takes_nothing(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "peek", 4, 0), 4);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], room, 2, MSG_PEEK), 2);
    T_EQ(recv(ends[1], room, sizeof room, MSG_PEEK), 4);
    T_EQ(recv(ends[1], room, sizeof room, 0), 4);
    T_SAME(room, "peek", 4);
    T_OK(t_ioctl(ends[1], (ULONG)FIONBIO, 1));
    T_FAILS(recv(ends[1], room, sizeof room, MSG_PEEK), WSAEWOULDBLOCK);
}

static DWORD WINAPI send_late(LPVOID context)
{
    SOCKET s = *(SOCKET *)context;
    Sleep(60);
    return send(s, "world", 5, 0) == 5 ? 0 : 1;
}

/* MSG_WAITALL: the whole buffer, or what came before the end. */
static void recv__waitall__fills_the_buffer(struct t_run *t)
{
    SOCKET ends[2];
    char room[16];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "hello", 5, 0), 5);
    T_TRUE(t_thread(t, send_late, &ends[0]) != NULL);
    T_EQ(recv(ends[1], room, 10, MSG_WAITALL), 10);
    T_SAME(room, "helloworld", 10);
}

static void recv__waitall_and_the_end__gives_what_came(struct t_run *t)
{
    SOCKET ends[2];
    char room[16];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "hello", 5, 0), 5);
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(recv(ends[1], room, 10, MSG_WAITALL), 5);
    T_EQ(recv(ends[1], room, 10, MSG_WAITALL), 0);
}

/* Rules A.7.11, WSPSEND-5: a byte stream has no messages. */
static void send__partial__opnotsupp(struct t_run *t)
{
    SOCKET ends[2];
    char byte = 'x';
    WSABUF buffer = {1, &byte};
    DWORD n;
    T_DO(t_pair(t, AF_INET, ends));
    T_FAILS(WSASend(ends[0], &buffer, 1, &n, MSG_PARTIAL, NULL, NULL), WSAEOPNOTSUPP);
}

/* Rules A.7.10, A.7.15: a destination is not looked at, MSG_DONTROUTE may be. */
static void sendto__connected_stream__sends_to_the_peer(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr at = t_v4("192.0.2.9", 9);
    char room[4];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(sendto(ends[0], "a", 1, 0, &at.u.any, at.bytes), 1);
    T_EQ(send(ends[0], "b", 1, MSG_DONTROUTE), 1);
    T_DO(t_recv_all(t, ends[1], room, 2));
    T_SAME(room, "ab", 2);
}

/* Rule A.8.11: source and its length are left alone on streams. */
static void recvfrom__stream__names_nobody(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr from;
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "a", 1, 0), 1);
    memset(&from, 0x55, sizeof from);
    from.bytes = sizeof from.u;
    T_EQ(recvfrom(ends[1], &byte, 1, 0, &from.u.any, &from.bytes), 1);
    T_EQ(from.u.any.sa_family, 0x5555);
}

/* Rules BLK-12, A.7.4, A.8.4. */
static void stream__nonblocking__wouldblock_when_empty_and_when_full(struct t_run *t)
{
    static char block[65536];
    SOCKET ends[2];
    long long sent = 0;
    long long got = 0;
    int n, i;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 1));
    T_OK(t_ioctl(ends[1], (ULONG)FIONBIO, 1));
    T_FAILS(recv(ends[1], block, 1, 0), WSAEWOULDBLOCK);
    for (i = 0; i < 4000; i++) {
        n = send(ends[0], block, sizeof block, 0);
        if (n == SOCKET_ERROR) {
            break;
        }
        sent += n;
    }
    T_EQ(n, SOCKET_ERROR);
    T_EQ(WSAGetLastError(), WSAEWOULDBLOCK);
    T_TRUE(sent > 0);
    while (got < sent && t_select(ends[1], 'r', T_WAIT_MS) == 1) {
        n = recv(ends[1], block, sizeof block, 0);
        T_TRUE(n > 0);
        got += n;
    }
    T_EQ(got, sent);
    T_EQ(t_select(ends[0], 'w', T_WAIT_MS), 1);
    T_EQ(send(ends[0], block, 1, 0), 1);
}

struct transfer {
    SOCKET s;
    int seed;
    int bytes;
};

static DWORD WINAPI send_pattern(LPVOID context)
{
    struct transfer *transfer = (struct transfer *)context;
    char block[900];
    int done = 0;
    while (done < transfer->bytes) {
        int n = transfer->bytes - done < (int)sizeof block ? transfer->bytes - done : (int)sizeof block;
        t_pattern(block, n, transfer->seed + done);
        if (send(transfer->s, block, n, 0) != n) {
            return (DWORD)WSAGetLastError();
        }
        done += n;
    }
    return shutdown(transfer->s, SD_SEND) == 0 ? 0 : (DWORD)WSAGetLastError();
}

/* What send_pattern sent, and then the end. */
static bool receive_pattern(struct t_run *t, SOCKET s, const struct transfer *transfer)
{
    char wanted[900], block[900];
    int done = 0;
    while (done < transfer->bytes) {
        int n = transfer->bytes - done < (int)sizeof block ? transfer->bytes - done : (int)sizeof block;
        if (!t_recv_all(t, s, block, n)) {
            return false;
        }
        t_pattern(wanted, n, transfer->seed + done);
        if (memcmp(wanted, block, (size_t)n) != 0) {
            t_note(t, __FILE__, __LINE__, "bytes from %d on differ", done);
            return false;
        }
        done += n;
    }
    return recv(s, block, 1, 0) == 0;
}

/* Byte-exact, both ways at the same time, and each way ends with a FIN (rules BLK-11, CLS-15). */
static void both_ways(struct t_run *t, int family)
{
    SOCKET ends[2];
    struct transfer way[2];
    HANDLE thread[2];
    DWORD code = 1;
    int i;
    T_DO(t_pair(t, family, ends));
    for (i = 0; i < 2; i++) {
        way[i] = (struct transfer){ends[i], i * 50, MEBIBYTE};
        thread[i] = t_thread(t, send_pattern, &way[i]);
        T_TRUE(thread[i] != NULL);
    }
    T_DO(receive_pattern(t, ends[1], &way[0]));
    T_DO(receive_pattern(t, ends[0], &way[1]));
    for (i = 0; i < 2; i++) {
        T_EQ(WaitForSingleObject(thread[i], T_WAIT_MS), WAIT_OBJECT_0);
        T_TRUE(GetExitCodeThread(thread[i], &code));
        T_EQ(code, 0);
    }
}

static void stream__mebibyte_each_way__byte_exact(struct t_run *t)
{
    both_ways(t, AF_INET);
}

static void stream__mebibyte_each_way_v6__byte_exact(struct t_run *t)
{
    both_ways(t, AF_INET6);
}

struct big {
    SOCKET s;
    char *data;
    int result;
};

static DWORD WINAPI send_big(LPVOID context)
{
    struct big *big = (struct big *)context;
    big->result = send(big->s, big->data, 4 * MEBIBYTE, 0);
    return 0;
}

/* Rule BLK-11: a blocking send returns when everything was taken. */
static void send__four_mebibytes_blocking__all_in_one_call(struct t_run *t)
{
    static char data[4 * MEBIBYTE];
    static char block[65536];
    SOCKET ends[2];
    struct big big = {0, data, 0};
    HANDLE thread;
    int got = 0;
    T_DO(t_pair(t, AF_INET, ends));
    t_pattern(data, sizeof data, 3);
    big.s = ends[0];
    thread = t_thread(t, send_big, &big);
    while (got < (int)sizeof data) {
        int n = recv(ends[1], block, sizeof block, 0);
        T_TRUE(n > 0);
        T_SAME(block, data + got, n);
        got += n;
    }
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(big.result, (int)sizeof data);
}

/* Rules SG-1 to SG-4, A.7.34, A.8.15: in order, packed, whatever the borders. */
static void lists_of_buffers__gather_and_scatter__in_order(struct t_run *t)
{
    SOCKET ends[2];
    char one[] = "one", two[] = "twotwo", three[] = "three";
    WSABUF out[4] = {{3, one}, {6, two}, {0, NULL}, {5, three}};
    char a[4], b[1], c[20];
    WSABUF in[3] = {{sizeof a, a}, {sizeof b, b}, {sizeof c, c}};
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSASend(ends[0], out, 4, &n, 0, NULL, NULL));
    T_EQ(n, 14);
    do {
        T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
        flags = MSG_PEEK;
        T_OK(WSARecv(ends[1], in, 3, &n, &flags, NULL, NULL));
    } while (n < 14);
    flags = 0;
    T_OK(WSARecv(ends[1], in, 3, &n, &flags, NULL, NULL));
    T_EQ(n, 14);
    T_EQ(flags, 0);
    T_SAME(a, "onet", 4);
    T_SAME(b, "w", 1);
    T_SAME(c, "otwothree", 9);
}

/* BLK-13: SO_RCVTIMEO in milliseconds; what runs out is WSAETIMEDOUT. */
static void recv__time_limit__timedout_in_time(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    ULONGLONG before;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_RCVTIMEO, 150));
    T_EQ(t_get_int(ends[1], SOL_SOCKET, SO_RCVTIMEO), 150);
    before = GetTickCount64();
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAETIMEDOUT);
    T_TRUE(GetTickCount64() - before >= 100);
    T_TRUE(GetTickCount64() - before < T_WAIT_MS);
}

static void send__time_limit__timedout(struct t_run *t)
{
    static char block[MEBIBYTE];
    SOCKET ends[2];
    int n = 0;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[0], SOL_SOCKET, SO_SNDTIMEO, 150));
    for (i = 0; i < 64 && n != SOCKET_ERROR; i++) {
        WSASetLastError(0);
        n = send(ends[0], block, sizeof block, 0);
    }
    T_EQ(n, SOCKET_ERROR);
    T_EQ(WSAGetLastError(), WSAETIMEDOUT);
}

/* Rule A.16.3. */
static void fionread__stream__bytes_of_one_receive(struct t_run *t)
{
    SOCKET ends[2];
    u_long n = 99;
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(ioctlsocket(ends[1], (LONG)FIONREAD, &n));
    T_EQ(n, 0);
    T_EQ(send(ends[0], "seven!!", 7, 0), 7);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(ioctlsocket(ends[1], (LONG)FIONREAD, &n));
    T_EQ(n, 7);
    T_EQ(recv(ends[1], room, 3, 0), 3);
    T_OK(ioctlsocket(ends[1], (LONG)FIONREAD, &n));
    T_EQ(n, 4);
}

/* Rule A.7.9: flags that nobody knows. */
static void stream__unknown_flags__refused(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_FAILS_2(send(ends[0], "x", 1, 0x40000000), WSAEOPNOTSUPP, WSAEINVAL);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_FAILS_2(recv(ends[1], &byte, 1, 0x40000000), WSAEOPNOTSUPP, WSAEINVAL);
}

/* Rule TM-5: without Nagle's algorithm two small sends do not wait for each other. */
static void nodelay__write_write_read__is_fast(struct t_run *t)
{
    SOCKET ends[2];
    char room[2];
    ULONGLONG before;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[0], IPPROTO_TCP, TCP_NODELAY, 1));
    before = GetTickCount64();
    for (i = 0; i < 20; i++) {
        T_EQ(send(ends[0], "a", 1, 0), 1);
        T_EQ(send(ends[0], "b", 1, 0), 1);
        T_DO(t_recv_all(t, ends[1], room, 2));
        T_EQ(send(ends[1], "c", 1, 0), 1);
        T_EQ(recv(ends[0], room, 1, 0), 1);
    }
    T_TRUE(GetTickCount64() - before < 2000);
}

static const struct t_cases cases[] = {
    T_CASE(stream__not_connected__notconn),
    T_CASE(recv__less_there_than_asked_for__gives_what_is_there),
    T_CASE(send__no_bytes__gives_zero),
    T_CASE(stream__null_buffers__fault),
    T_CASE(recv__peek__takes_nothing),
    T_CASE(recv__waitall__fills_the_buffer),
    T_CASE(recv__waitall_and_the_end__gives_what_came),
    T_CASE(send__partial__opnotsupp),
    T_CASE(sendto__connected_stream__sends_to_the_peer),
    T_CASE(recvfrom__stream__names_nobody),
    T_CASE(stream__nonblocking__wouldblock_when_empty_and_when_full),
    T_CASE(stream__mebibyte_each_way__byte_exact),
    T_CASE(stream__mebibyte_each_way_v6__byte_exact),
    T_CASE(send__four_mebibytes_blocking__all_in_one_call),
    T_CASE(lists_of_buffers__gather_and_scatter__in_order),
    T_CASE(recv__time_limit__timedout_in_time),
    T_CASE(send__time_limit__timedout),
    T_CASE(fionread__stream__bytes_of_one_receive),
    T_CASE(stream__unknown_flags__refused),
    T_CASE(nodelay__write_write_read__is_fast),
};

const struct t_group t_group_stream = {"stream", cases, T_COUNT(cases), false};
