/*
 * One socket in several threads; calls that block while another thread closes.
 */
#include "both.h"

struct blocked {
    SOCKET s;
    int (*call)(SOCKET s);
    int result, code;
};

static DWORD WINAPI call_blocking(LPVOID context)
{
    struct blocked *blocked = (struct blocked *)context;
    WSASetLastError(0);
    blocked->result = blocked->call(blocked->s);
    blocked->code = WSAGetLastError();
    return 0;
}

static int in_recv(SOCKET s)
{
    char byte;
    return recv(s, &byte, 1, 0);
}

static int in_accept(SOCKET s)
{
    return accept(s, NULL, NULL) == INVALID_SOCKET ? SOCKET_ERROR : 0;
}

static int in_send(SOCKET s)
{
    static char block[65536];
    int n = 0;
    int i;
    for (i = 0; i < 4000 && n != SOCKET_ERROR; i++) {
        n = send(s, block, sizeof block, 0);
    }
    return n;
}

static int in_recvfrom(SOCKET s)
{
    char byte;
    return recvfrom(s, &byte, 1, 0, NULL, NULL);
}

/* Rules CLS-11, WSPC-9, A.13.2: the call ends; several codes are in use, none is a hang. */
static void close_under(struct t_run *t, SOCKET s, int (*call)(SOCKET s))
{
    static struct blocked blocked;
    HANDLE thread;
    blocked.s = s;
    blocked.call = call;
    blocked.result = 0;
    thread = t_thread(t, call_blocking, &blocked);
    T_TRUE(thread != NULL);
    T_EQ(WaitForSingleObject(thread, 150), WAIT_TIMEOUT);
    T_OK(t_close(t, s));
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(blocked.result, SOCKET_ERROR);
    if (blocked.code != WSAEINTR && blocked.code != WSAENOTSOCK && blocked.code != WSAECONNABORTED) {
        t_note(t, __FILE__, __LINE__, "the blocked call fails with %d", blocked.code);
    }
}

static void recv__closed_by_another_thread__ends(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    close_under(t, ends[1], in_recv);
}

static void recvfrom__closed_by_another_thread__ends(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    close_under(t, s, in_recvfrom);
}

static void accept__closed_by_another_thread__ends(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &s, &at));
    close_under(t, s, in_accept);
}

static void send__closed_by_another_thread__ends(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    close_under(t, ends[0], in_send);
}

static int in_select(SOCKET s)
{
    return t_select(s, 'r', 2 * T_WAIT_MS);
}

/* A select that waits for a socket that goes: it ends, with the socket as readable, as modern Windows does. */
static void select__closed_by_another_thread__ends(struct t_run *t)
{
    static struct blocked blocked;
    SOCKET ends[2];
    HANDLE thread;
    T_DO(t_pair(t, AF_INET, ends));
    blocked.s = ends[1];
    blocked.call = in_select;
    thread = t_thread(t, call_blocking, &blocked);
    T_EQ(WaitForSingleObject(thread, 150), WAIT_TIMEOUT);
    T_OK(t_close(t, ends[1]));
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(blocked.result, 1);
}

/* shutdown of the receiving side ends a receive that blocks (rule CLS-10). */
static void recv__shut_down_by_another_thread__ends(struct t_run *t)
{
    static struct blocked blocked;
    SOCKET ends[2];
    HANDLE thread;
    T_DO(t_pair(t, AF_INET, ends));
    blocked.s = ends[1];
    blocked.call = in_recv;
    thread = t_thread(t, call_blocking, &blocked);
    T_EQ(WaitForSingleObject(thread, 100), WAIT_TIMEOUT);
    T_OK(shutdown(ends[1], SD_BOTH));
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(blocked.result <= 0);
}

/* Rule WSPC-7: a receive that blocks does not hold up a send on the same socket. */
static void one_socket__send_while_a_receive_blocks__goes_out(struct t_run *t)
{
    static struct blocked blocked;
    SOCKET ends[2];
    HANDLE thread;
    char byte = 0;
    T_DO(t_pair(t, AF_INET, ends));
    blocked.s = ends[0];
    blocked.call = in_recv;
    thread = t_thread(t, call_blocking, &blocked);
    T_EQ(WaitForSingleObject(thread, 50), WAIT_TIMEOUT);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(send(ends[1], "y", 1, 0), 1);
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(blocked.result, 1);
}

#define WRITERS 4
#define EACH 20000

struct writer {
    SOCKET s;
    char letter;
};

static DWORD WINAPI write_letters(LPVOID context)
{
    const struct writer *writer = (const struct writer *)context;
    char block[100];
    int i;
    memset(block, writer->letter, sizeof block);
    for (i = 0; i < EACH / (int)sizeof block; i++) {
        if (send(writer->s, block, sizeof block, 0) != (int)sizeof block) {
            return 1;
        }
    }
    return 0;
}

/* Rules WSPC-7, DSC-15: no byte is lost or doubled with several senders. */
static void one_socket__four_senders__every_byte_once(struct t_run *t)
{
    static char room[WRITERS * EACH];
    static struct writer writers[WRITERS];
    SOCKET ends[2];
    int seen[WRITERS] = {0};
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    for (i = 0; i < WRITERS; i++) {
        writers[i].s = ends[0];
        writers[i].letter = (char)i;
        T_TRUE(t_thread(t, write_letters, &writers[i]) != NULL);
    }
    T_DO(t_recv_all(t, ends[1], room, sizeof room));
    for (i = 0; i < (int)sizeof room; i++) {
        T_TRUE(room[i] >= 0 && room[i] < WRITERS);
        seen[(int)room[i]]++;
    }
    for (i = 0; i < WRITERS; i++) {
        T_EQ(seen[i], EACH);
    }
}

/* Rule OVL2-14, A.7.27: a thread that ends takes its requests along, or they complete; nobody waits for ever. */
struct leaver {
    SOCKET s;
    WSAOVERLAPPED overlapped;
    WSABUF buffer;
    char room[8];
    int code;
};

static DWORD WINAPI post_and_leave(LPVOID context)
{
    struct leaver *leaver = (struct leaver *)context;
    DWORD flags = 0;
    WSASetLastError(0);
    (void)WSARecv(leaver->s, &leaver->buffer, 1, NULL, &flags, &leaver->overlapped, NULL);
    leaver->code = WSAGetLastError();
    return 0;
}

static void overlapped__its_thread_ends__request_is_aborted(struct t_run *t)
{
    static struct leaver leaver;
    SOCKET ends[2];
    HANDLE thread;
    DWORD n, flags;
    T_DO(t_pair(t, AF_INET, ends));
    memset(&leaver, 0, sizeof leaver);
    leaver.s = ends[1];
    leaver.buffer.len = sizeof leaver.room;
    leaver.buffer.buf = leaver.room;
    leaver.overlapped.hEvent = t_event(t);
    thread = t_thread(t, post_and_leave, &leaver);
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(leaver.code, WSA_IO_PENDING);
    T_EQ(WSAWaitForMultipleEvents(1, &leaver.overlapped.hEvent, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    WSASetLastError(0);
    T_TRUE(!WSAGetOverlappedResult(ends[1], &leaver.overlapped, &n, FALSE, &flags));
    T_EQ(WSAGetLastError(), WSA_OPERATION_ABORTED);
}

static const struct t_cases cases[] = {
    T_CASE(recv__closed_by_another_thread__ends),
    T_CASE(recvfrom__closed_by_another_thread__ends),
    T_CASE(accept__closed_by_another_thread__ends),
    T_CASE(send__closed_by_another_thread__ends),
    T_CASE(select__closed_by_another_thread__ends),
    T_CASE(recv__shut_down_by_another_thread__ends),
    T_CASE(one_socket__send_while_a_receive_blocks__goes_out),
    T_CASE(one_socket__four_senders__every_byte_once),
    T_CASE(overlapped__its_thread_ends__request_is_aborted),
};

const struct t_group t_group_threads = {"threads", cases, T_COUNT(cases), false};
