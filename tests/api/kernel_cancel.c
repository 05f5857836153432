/*
 * CancelIo and CancelIoEx on sockets. Rules IOCP-30 to IOCP-35.
 */
#include "kernel.h"

static void cancel__one_of_three__only_that_one(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post[3];
    unsigned i;
    T_DO(t_port_pair(t, ends, &port));
    for (i = 0; i < T_COUNT(post); i++) {
        T_EQ(t_post_recv(ends[0], &post[i], 2, NULL), WSA_IO_PENDING);
    }
    T_TRUE(CancelIoEx((HANDLE)ends[0], &post[1].overlapped));
    T_FAILED_PACKET(port, 42, &post[1].overlapped, ERROR_OPERATION_ABORTED);
    T_EQ((DWORD)post[1].overlapped.Internal, 0xc0000120);
    T_NO_PACKET(port);
    /* IOCP-33: no byte is lost. */
    T_DO(t_send_all(t, ends[1], "0022", 4));
    T_PACKET(port, 42, &post[0].overlapped, 2);
    T_PACKET(port, 42, &post[2].overlapped, 2);
    T_SAME(post[0].data, "00", 2);
    T_SAME(post[2].data, "22", 2);
}

static void cancel__all__each_is_told(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post[3];
    char data[4];
    unsigned i;
    T_DO(t_port_pair(t, ends, &port));
    for (i = 0; i < T_COUNT(post); i++) {
        T_EQ(t_post_recv(ends[0], &post[i], 2, NULL), WSA_IO_PENDING);
    }
    T_TRUE(CancelIoEx((HANDLE)ends[0], NULL));
    for (i = 0; i < T_COUNT(post); i++) {
        struct t_packet packet = t_packet_take(port, T_WAIT_MS);
        T_EQ(packet.ok, FALSE);
        T_EQ(packet.error, ERROR_OPERATION_ABORTED);
        T_TRUE(packet.overlapped != NULL);
    }
    T_NO_PACKET(port);
    /* The connection goes on. */
    T_DO(t_send_all(t, ends[1], "more", 4));
    T_DO(t_recv_all(t, ends[0], data, 4));
    T_SAME(data, "more", 4);
}

static void cancel__nothing_pending__not_found(struct t_run *t)
{
    SOCKET ends[2];
    OVERLAPPED none = {0};
    T_DO(t_pair(t, AF_INET, ends));
    T_FALSE(CancelIoEx((HANDLE)ends[0], NULL), ERROR_NOT_FOUND);
    T_FALSE(CancelIoEx((HANDLE)ends[0], &none), ERROR_NOT_FOUND);
    T_TRUE(CancelIo((HANDLE)ends[0]));
}

static void cancel__completed_already__not_found_and_unchanged(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    T_DO(t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 42, &post.overlapped, 1);
    T_FALSE(CancelIoEx((HANDLE)ends[0], &post.overlapped), ERROR_NOT_FOUND);
    T_EQ(post.overlapped.Internal, 0);
    T_EQ(post.overlapped.InternalHigh, 1);
}

static void cancel__with_an_event__signalled_and_aborted(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE event = t_event(t);
    struct t_post post;
    DWORD bytes = 0;
    DWORD flags = 0;
    T_DO(event != NULL && t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[0], &post, 64, event), WSA_IO_PENDING);
    T_TRUE(CancelIoEx((HANDLE)ends[0], &post.overlapped));
    T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
    T_FALSE(GetOverlappedResult((HANDLE)ends[0], &post.overlapped, &bytes, TRUE), ERROR_OPERATION_ABORTED);
    T_FALSE(WSAGetOverlappedResult(ends[0], &post.overlapped, &bytes, FALSE, &flags), WSA_OPERATION_ABORTED);
}

static void cancel__datagram_socket__receive_is_aborted(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE event = t_event(t);
    struct t_post post;
    T_DO(event != NULL && t_udp_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[0], &post, 64, event), WSA_IO_PENDING);
    T_TRUE(CancelIoEx((HANDLE)ends[0], NULL));
    T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ((DWORD)post.overlapped.Internal, 0xc0000120);
}

struct issuer {
    SOCKET s;
    struct t_post post;
    int code;
    HANDLE issued;
    HANDLE end;
};

static DWORD WINAPI issuer_main(LPVOID context)
{
    struct issuer *issuer = (struct issuer *)context;
    issuer->code = t_post_recv(issuer->s, &issuer->post, 64, NULL);
    SetEvent(issuer->issued);
    (void)WaitForSingleObject(issuer->end, T_WAIT_MS);
    return 0;
}

static void cancel__own_thread__others_requests_stay(struct t_run *t)
{
    static struct issuer issuer;
    SOCKET ends[2];
    HANDLE port;
    HANDLE thread;
    struct t_post mine;
    T_DO(t_port_pair(t, ends, &port));
    issuer.s = ends[0];
    issuer.issued = t_event(t);
    issuer.end = t_event(t);
    thread = t_thread(t, issuer_main, &issuer);
    T_DO(thread != NULL);
    T_EQ(WaitForSingleObject(issuer.issued, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(issuer.code, WSA_IO_PENDING);
    T_EQ(t_post_recv(ends[0], &mine, 64, NULL), WSA_IO_PENDING);
    T_TRUE(CancelIo((HANDLE)ends[0]));
    T_FAILED_PACKET(port, 42, &mine.overlapped, ERROR_OPERATION_ABORTED);
    T_NO_PACKET(port);
    /* From any thread. */
    T_TRUE(CancelIoEx((HANDLE)ends[0], &issuer.post.overlapped));
    T_FAILED_PACKET(port, 42, &issuer.post.overlapped, ERROR_OPERATION_ABORTED);
    SetEvent(issuer.end);
}

static void cancel__closed_socket__invalid_handle(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(s != INVALID_SOCKET);
    T_OK(t_close(t, s));
    T_FALSE(CancelIoEx((HANDLE)s, NULL), ERROR_INVALID_HANDLE);
    T_FALSE(CancelIo((HANDLE)s), ERROR_INVALID_HANDLE);
}

static const struct t_cases cases[] = {
    T_CASE(cancel__one_of_three__only_that_one),          T_CASE(cancel__all__each_is_told),
    T_CASE(cancel__nothing_pending__not_found),           T_CASE(cancel__completed_already__not_found_and_unchanged),
    T_CASE(cancel__with_an_event__signalled_and_aborted), T_CASE(cancel__datagram_socket__receive_is_aborted),
    T_CASE(cancel__own_thread__others_requests_stay),     T_CASE(cancel__closed_socket__invalid_handle),
};

const struct t_group t_group_kernel_cancel = {"kernel_cancel", cases, T_COUNT(cases), false};
