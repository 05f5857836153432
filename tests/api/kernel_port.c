/*
 * Completion ports: association and packets. Rules IOCP-1 to IOCP-18, IOCP-37.
 */
#include "kernel.h"

static void port__data_comes_later__packet_with_key_bytes_and_structure(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    T_DO(t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_EQ(post.overlapped.Internal, STATUS_PENDING);
    T_NO_PACKET(port);
    T_DO(t_send_all(t, ends[1], "hello", 5));
    T_PACKET(port, 42, &post.overlapped, 5);
    T_EQ(post.overlapped.Internal, 0);
    T_EQ(post.overlapped.InternalHigh, 5);
    T_SAME(post.data, "hello", 5);
    T_NO_PACKET(port);
}

static void port__data_is_there__success_and_packet(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    T_DO(t_port_pair(t, ends, &port));
    T_DO(t_send_all(t, ends[1], "hello", 5));
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), 0);
    T_EQ(post.bytes, 5);
    T_PACKET(port, 42, &post.overlapped, 5);
    T_NO_PACKET(port);
}

static void port__send__packet_with_the_whole_length(struct t_run *t)
{
    static char data[5000];
    SOCKET ends[2];
    HANDLE port;
    WSAOVERLAPPED overlapped = {0};
    WSABUF buffer = {sizeof data, data};
    DWORD sent = 0;
    T_DO(t_port_pair(t, ends, &port));
    if (WSASend(ends[0], &buffer, 1, &sent, 0, &overlapped, NULL) != 0) {
        T_EQ(WSAGetLastError(), WSA_IO_PENDING);
    }
    T_PACKET(port, 42, &overlapped, sizeof data);
}

static void port__associated_after_the_call__packet(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port = t_port_make(t);
    struct t_post post;
    T_DO(port != NULL && t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 7, 0) == port);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 7, &post.overlapped, 1);
}

static void port__made_with_the_socket__reports(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    T_DO(t_pair(t, AF_INET, ends));
    port = CreateIoCompletionPort((HANDLE)ends[0], NULL, 9, 0);
    T_TRUE(port != NULL);
    t->objects[t->object_count++] = port;
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 9, &post.overlapped, 1);
}

static void port__second_association__invalid_parameter(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    HANDLE other = t_port_make(t);
    struct t_post post;
    T_DO(other != NULL && t_port_pair(t, ends, &port));
    T_FALSE(CreateIoCompletionPort((HANDLE)ends[0], other, 43, 0) != NULL, ERROR_INVALID_PARAMETER);
    T_FALSE(CreateIoCompletionPort((HANDLE)ends[0], port, 43, 0) != NULL, ERROR_INVALID_PARAMETER);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 42, &post.overlapped, 1);
    T_NO_PACKET(other);
}

static void port__not_a_port__refused_and_still_free(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port = t_port_make(t);
    HANDLE event = t_event(t);
    struct t_post post;
    T_DO(port != NULL && event != NULL && t_pair(t, AF_INET, ends));
    T_FALSE(CreateIoCompletionPort((HANDLE)ends[0], (HANDLE)(uintptr_t)0x7ffff0, 1, 0) != NULL, ERROR_INVALID_HANDLE);
    T_FALSE(CreateIoCompletionPort((HANDLE)ends[0], event, 1, 0) != NULL, ERROR_INVALID_HANDLE);
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 2, 0) == port);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 2, &post.overlapped, 1);
}

static void port__two_sockets__each_with_its_key(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post[2];
    T_DO(t_port_pair(t, ends, &port));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[1], port, (ULONG_PTR)-5, 0) == port);
    T_EQ(t_post_recv(ends[0], &post[0], 64, NULL), WSA_IO_PENDING);
    T_EQ(t_post_recv(ends[1], &post[1], 64, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[1], "ab", 2, 0), 2);
    T_PACKET(port, 42, &post[0].overlapped, 2);
    T_EQ(send(ends[0], "abc", 3, 0), 3);
    T_PACKET(port, (ULONG_PTR)-5, &post[1].overlapped, 3);
}

static void port__several_receives__in_their_order(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post[4];
    unsigned i;
    T_DO(t_port_pair(t, ends, &port));
    for (i = 0; i < T_COUNT(post); i++) {
        T_EQ(t_post_recv(ends[0], &post[i], 2, NULL), WSA_IO_PENDING);
    }
    T_DO(t_send_all(t, ends[1], "00112233", 8));
    for (i = 0; i < T_COUNT(post); i++) {
        T_PACKET(port, 42, &post[i].overlapped, 2);
        T_EQ(post[i].data[0], '0' + (int)i);
    }
}

#define BYTES_MANY 4000

static DWORD WINAPI bytes_send(LPVOID sock)
{
    SOCKET s = *(SOCKET *)sock;
    int i;
    for (i = 0; i < BYTES_MANY; i++) {
        char byte = (char)(i & 0x7f);
        if (send(s, &byte, 1, 0) != 1) {
            return 1;
        }
    }
    return 0;
}

/* Some find data, some wait: two threads end them, and tell of them in the order of posting all the same. */
static void port__receives_posted_while_data_comes__told_in_their_order(struct t_run *t)
{
    static struct t_post post[8];
    static SOCKET ends[2];
    HANDLE port;
    unsigned posted = 0;
    unsigned told;
    T_DO(t_port_pair(t, ends, &port));
    T_TRUE(t_thread(t, bytes_send, &ends[1]) != NULL);
    for (told = 0; told < BYTES_MANY; told++) {
        for (; posted < BYTES_MANY && posted - told <= told % 4; posted++) {
            int result = t_post_recv(ends[0], &post[posted % T_COUNT(post)], 1, NULL);
            T_TRUE(result == 0 || result == WSA_IO_PENDING);
        }
        T_PACKET(port, 42, &post[told % T_COUNT(post)].overlapped, 1);
        T_EQ(post[told % T_COUNT(post)].data[0], (int)(told & 0x7f));
    }
    T_NO_PACKET(port);
}

static void port__posted_packets__mix_with_those_of_sockets(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    OVERLAPPED other;
    T_DO(t_port_pair(t, ends, &port));
    T_TRUE(PostQueuedCompletionStatus(port, 77, 88, &other));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 88, &other, 77);
    T_PACKET(port, 42, &post.overlapped, 1);
    T_TRUE(PostQueuedCompletionStatus(port, 1, 2, NULL));
    T_PACKET(port, 2, NULL, 1);
}

static void port__entries__several_at_once_with_their_status(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post[3];
    OVERLAPPED_ENTRY entries[8];
    ULONG count = 0;
    ULONG all = 0;
    unsigned i;
    T_DO(t_port_pair(t, ends, &port));
    for (i = 0; i < T_COUNT(post); i++) {
        T_EQ(t_post_recv(ends[0], &post[i], 1, NULL), WSA_IO_PENDING);
    }
    T_DO(t_send_all(t, ends[1], "ab", 2));
    T_DO(t_recv_all(t, ends[0], NULL, 0));
    while (all < 2) {
        T_TRUE(GetQueuedCompletionStatusEx(port, entries + all, 8 - all, &count, T_WAIT_MS, FALSE));
        all += count;
    }
    t_reset(t, ends[1]);
    T_TRUE(GetQueuedCompletionStatusEx(port, entries + all, 8 - all, &count, T_WAIT_MS, FALSE));
    T_EQ(count, 1);
    for (i = 0; i < T_COUNT(post); i++) {
        T_TRUE(entries[i].lpOverlapped == &post[i].overlapped);
        T_EQ(entries[i].lpCompletionKey, 42);
        T_EQ(entries[i].dwNumberOfBytesTransferred, i < 2 ? 1 : 0);
        T_EQ((DWORD)post[i].overlapped.Internal, i < 2 ? 0 : 0xc000020d);
    }
}

static void port__peer_resets__netname_deleted_and_connreset(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    DWORD bytes = 1;
    DWORD flags = 0;
    T_DO(t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    t_reset(t, ends[1]);
    T_FAILED_PACKET(port, 42, &post.overlapped, ERROR_NETNAME_DELETED);
    T_EQ((DWORD)post.overlapped.Internal, 0xc000020d);
    T_FALSE(WSAGetOverlappedResult(ends[0], &post.overlapped, &bytes, FALSE, &flags), WSAECONNRESET);
    T_FALSE(GetOverlappedResult((HANDLE)ends[0], &post.overlapped, &bytes, FALSE), ERROR_NETNAME_DELETED);
}

static void port__peer_closes__success_of_no_bytes(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    T_DO(t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_OK(shutdown(ends[1], SD_SEND));
    T_PACKET(port, 42, &post.overlapped, 0);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), 0);
    T_PACKET(port, 42, &post.overlapped, 0);
}

static void port__call_fails__no_packet(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct t_post post;
    T_DO(port != NULL && s != INVALID_SOCKET);
    T_TRUE(CreateIoCompletionPort((HANDLE)s, port, 1, 0) == port);
    T_EQ(t_post_recv(s, &post, 64, NULL), WSAENOTCONN);
    T_NO_PACKET(port);
}

static void port__closesocket__pending_requests_are_told(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post[2];
    T_DO(t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post[0], 64, NULL), WSA_IO_PENDING);
    T_EQ(t_post_recv(ends[0], &post[1], 64, NULL), WSA_IO_PENDING);
    T_OK(t_close(t, ends[0]));
    {
        struct t_packet first = t_packet_take(port, T_WAIT_MS);
        struct t_packet second = t_packet_take(port, T_WAIT_MS);
        T_TRUE(first.overlapped == &post[0].overlapped && second.overlapped == &post[1].overlapped);
        T_EQ(first.ok || second.ok, FALSE);
        /* IOCP-19: programs accept each of these. */
        T_EQ(first.error, second.error);
        T_TRUE(first.error == ERROR_OPERATION_ABORTED || first.error == ERROR_CONNECTION_ABORTED ||
               first.error == ERROR_NETNAME_DELETED);
        T_EQ(first.key, 42);
    }
    T_NO_PACKET(port);
}

static void port__datagram_too_long__more_data_and_the_part(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port = t_port_make(t);
    struct t_post post;
    struct t_packet packet;
    T_DO(port != NULL && t_udp_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 3, 0) == port);
    T_EQ(t_post_recv(ends[0], &post, 4, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[1], "too long", 8, 0), 8);
    packet = t_packet_take(port, T_WAIT_MS);
    T_TRUE(packet.overlapped == &post.overlapped);
    T_EQ(packet.ok, FALSE);
    T_EQ(packet.error, ERROR_MORE_DATA);
    T_EQ(packet.bytes, 4);
    T_SAME(post.data, "too ", 4);
}

static void port__routine__refused(struct t_run *t);

static void CALLBACK routine_never(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)error;
    (void)bytes;
    (void)overlapped;
    (void)flags;
}

static void port__routine__refused(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post = {.buffer = {1, post.data}};
    T_DO(t_port_pair(t, ends, &port));
    T_FAILS(WSARecv(ends[0], &post.buffer, 1, NULL, &post.flags, &post.overlapped, routine_never), WSAEINVAL);
}

static void port__zero_bytes_wanted__completes_when_data_comes_and_takes_none(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    char data[4];
    T_DO(t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post, 0, NULL), WSA_IO_PENDING);
    T_NO_PACKET(port);
    T_DO(t_send_all(t, ends[1], "left", 4));
    T_PACKET(port, 42, &post.overlapped, 0);
    T_DO(t_recv_all(t, ends[0], data, 4));
    T_SAME(data, "left", 4);
}

static const struct t_cases cases[] = {
    T_CASE(port__data_comes_later__packet_with_key_bytes_and_structure),
    T_CASE(port__data_is_there__success_and_packet),
    T_CASE(port__send__packet_with_the_whole_length),
    T_CASE(port__associated_after_the_call__packet),
    T_CASE(port__made_with_the_socket__reports),
    T_CASE(port__second_association__invalid_parameter),
    T_CASE(port__not_a_port__refused_and_still_free),
    T_CASE(port__two_sockets__each_with_its_key),
    T_CASE(port__several_receives__in_their_order),
    T_CASE(port__receives_posted_while_data_comes__told_in_their_order),
    T_CASE(port__posted_packets__mix_with_those_of_sockets),
    T_CASE(port__entries__several_at_once_with_their_status),
    T_CASE(port__peer_resets__netname_deleted_and_connreset),
    T_CASE(port__peer_closes__success_of_no_bytes),
    T_CASE(port__call_fails__no_packet),
    T_CASE(port__closesocket__pending_requests_are_told),
    T_CASE(port__datagram_too_long__more_data_and_the_part),
    T_CASE(port__routine__refused),
    T_CASE(port__zero_bytes_wanted__completes_when_data_comes_and_takes_none),
};

const struct t_group t_group_kernel_port = {"kernel_port", cases, T_COUNT(cases), false};
