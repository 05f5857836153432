/*
 * Sockets as files: ReadFile, WriteFile, GetOverlappedResult, CloseHandle.
 * Rules WPU-22, WS2-14, IOCP-38, IOCP-39.
 */
#include "kernel.h"

static void file__no_structure__reads_and_writes(struct t_run *t)
{
    SOCKET ends[2];
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_TRUE(WriteFile((HANDLE)ends[0], "hello", 5, &moved, NULL));
    T_EQ(moved, 5);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "hello", 5);
}

static DWORD WINAPI sender_main(LPVOID context)
{
    SOCKET s;
    memcpy(&s, context, sizeof s);
    Sleep(40);
    (void)send(s, "later", 5, 0);
    return 0;
}

static void file__no_structure_and_no_data__waits(struct t_run *t)
{
    static SOCKET ends[2];
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "later", 5);
}

static void file__nonblocking_and_no_structure__waits_all_the_same(struct t_run *t)
{
    static SOCKET ends[2];
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_ioctl(ends[1], FIONBIO, 1));
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "later", 5);
}

static void file__nonblocking_and_not_overlapped__waits_all_the_same(struct t_run *t)
{
    static SOCKET peer;
    SOCKET listener;
    SOCKET s = t_keep(t, WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, 0));
    struct t_addr at;
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(s != INVALID_SOCKET && t_listener(t, AF_INET, &listener, &at));
    T_OK(connect(s, &at.u.any, at.bytes));
    peer = t_keep(t, accept(listener, NULL, NULL));
    T_TRUE(peer != INVALID_SOCKET);
    T_OK(t_ioctl(s, FIONBIO, 1));
    T_DO(t_thread(t, sender_main, &peer) != NULL);
    T_TRUE(ReadFile((HANDLE)s, data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "later", 5);
}

static void file__overlapped_read__as_wsarecv(struct t_run *t)
{
    SOCKET ends[2];
    OVERLAPPED overlapped = {.hEvent = t_event(t)};
    char data[16] = {0};
    DWORD moved = 99;
    T_DO(overlapped.hEvent != NULL && t_pair(t, AF_INET, ends));
    T_FALSE(ReadFile((HANDLE)ends[1], data, sizeof data, NULL, &overlapped), ERROR_IO_PENDING);
    T_FALSE(GetOverlappedResult((HANDLE)ends[1], &overlapped, &moved, FALSE), ERROR_IO_INCOMPLETE);
    T_DO(t_send_all(t, ends[0], "hello", 5));
    T_TRUE(GetOverlappedResult((HANDLE)ends[1], &overlapped, &moved, TRUE));
    T_EQ(moved, 5);
    T_SAME(data, "hello", 5);
}

static void file__overlapped_on_a_port__packets(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    OVERLAPPED in = {0};
    OVERLAPPED out = {0};
    char data[16] = {0};
    T_DO(t_port_pair(t, ends, &port));
    T_FALSE(ReadFile((HANDLE)ends[0], data, sizeof data, NULL, &in), ERROR_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "in", 2));
    T_PACKET(port, 42, &in, 2);
    if (!WriteFile((HANDLE)ends[0], "out", 3, NULL, &out)) {
        T_EQ(GetLastError(), ERROR_IO_PENDING);
    }
    T_PACKET(port, 42, &out, 3);
    T_DO(t_recv_all(t, ends[1], data, 3));
    T_SAME(data, "out", 3);
}

static void file__end_of_the_stream__success_of_no_bytes(struct t_run *t)
{
    SOCKET ends[2];
    char data[16];
    DWORD moved = 99;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_SEND));
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 0);
}

static void file__peer_resets__netname_deleted(struct t_run *t)
{
    SOCKET ends[2];
    OVERLAPPED overlapped = {.hEvent = t_event(t)};
    char data[16];
    DWORD moved;
    T_DO(overlapped.hEvent != NULL && t_pair(t, AF_INET, ends));
    T_FALSE(ReadFile((HANDLE)ends[1], data, sizeof data, NULL, &overlapped), ERROR_IO_PENDING);
    t_reset(t, ends[0]);
    T_FALSE(GetOverlappedResult((HANDLE)ends[1], &overlapped, &moved, TRUE), ERROR_NETNAME_DELETED);
}

static void result__no_event__waits_for_the_operation(struct t_run *t)
{
    static SOCKET ends[2];
    struct t_post post;
    DWORD moved = 99;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[1], &post, 64, NULL), WSA_IO_PENDING);
    T_FALSE(GetOverlappedResult((HANDLE)ends[1], &post.overlapped, &moved, FALSE), ERROR_IO_INCOMPLETE);
    T_FALSE(GetOverlappedResultEx((HANDLE)ends[1], &post.overlapped, &moved, 30, FALSE), WAIT_TIMEOUT);
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(GetOverlappedResult((HANDLE)ends[1], &post.overlapped, &moved, TRUE));
    T_EQ(moved, 5);
    T_SAME(post.data, "later", 5);
}

static void result__winsock_and_no_event__waits_for_the_operation(struct t_run *t)
{
    static SOCKET ends[2];
    struct t_post post;
    DWORD moved = 99;
    DWORD flags = 99;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[1], &post, 64, NULL), WSA_IO_PENDING);
    T_FALSE(WSAGetOverlappedResult(ends[1], &post.overlapped, &moved, FALSE, &flags), WSA_IO_INCOMPLETE);
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(WSAGetOverlappedResult(ends[1], &post.overlapped, &moved, TRUE, &flags));
    T_EQ(moved, 5);
    T_EQ(flags, 0);
}

static void handle__type__pipe(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET u = t_socket(t, AF_INET, SOCK_DGRAM);
    T_DO(s != INVALID_SOCKET && u != INVALID_SOCKET);
    T_EQ(GetFileType((HANDLE)s), FILE_TYPE_PIPE);
    T_EQ(GetFileType((HANDLE)u), FILE_TYPE_PIPE);
}

static void handle__close_handle__peer_sees_the_end(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_TRUE(CloseHandle((HANDLE)ends[0]));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_FAILS(send(ends[0], "x", 1, 0), WSAENOTSOCK);
    T_FALSE(CloseHandle((HANDLE)ends[0]), ERROR_INVALID_HANDLE);
}

static void handle__close_handle_with_pending_receive__aborted(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE event = t_event(t);
    struct t_post post;
    T_DO(event != NULL && t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[0], &post, 64, event), WSA_IO_PENDING);
    T_TRUE(CloseHandle((HANDLE)ends[0]));
    T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(post.overlapped.Internal != STATUS_PENDING && post.overlapped.Internal != 0);
}

static void handle__many_closed__values_come_again_as_sockets(struct t_run *t)
{
    unsigned i;
    for (i = 0; i < 40; i++) {
        SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
        T_TRUE(s != INVALID_SOCKET && s < 0x80000000u && s % 4 == 0);
        T_EQ(t_get_int(s, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
        if (i % 2 == 0) {
            T_OK(closesocket(s));
        } else {
            T_TRUE(CloseHandle((HANDLE)s));
        }
    }
}

static const struct t_cases cases[] = {
    T_CASE(file__no_structure__reads_and_writes),
    T_CASE(file__no_structure_and_no_data__waits),
    T_CASE(file__nonblocking_and_no_structure__waits_all_the_same),
    T_CASE(file__nonblocking_and_not_overlapped__waits_all_the_same),
    T_CASE(file__overlapped_read__as_wsarecv),
    T_CASE(file__overlapped_on_a_port__packets),
    T_CASE(file__end_of_the_stream__success_of_no_bytes),
    T_CASE(file__peer_resets__netname_deleted),
    T_CASE(result__no_event__waits_for_the_operation),
    T_CASE(result__winsock_and_no_event__waits_for_the_operation),
    T_CASE(handle__type__pipe),
    T_CASE(handle__close_handle__peer_sees_the_end),
    T_CASE(handle__close_handle_with_pending_receive__aborted),
    T_CASE(handle__many_closed__values_come_again_as_sockets),
};

const struct t_group t_group_kernel_file = {"kernel_file", cases, T_COUNT(cases), false};
