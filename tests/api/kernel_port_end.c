/*
 * Completion ports: what keeps packets away, and what ends: modes, the low bit of the event, threads, ports.
 * Rules IOCP-7, IOCP-10, IOCP-11, IOCP-21 to IOCP-25, IOCP-36.
 */
#include "kernel.h"

static HANDLE low_bit(HANDLE event)
{
    return (HANDLE)((uintptr_t)event | 1);
}

static void port__low_bit_of_the_event__event_and_no_packet(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    HANDLE event = t_event(t);
    struct t_post post;
    DWORD bytes = 0;
    T_DO(event != NULL && t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post, 64, low_bit(event)), WSA_IO_PENDING);
    T_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
    T_NO_PACKET(port);
    T_TRUE(GetOverlappedResult((HANDLE)ends[0], &post.overlapped, &bytes, TRUE));
    T_EQ(bytes, 1);
}

static void port__event__event_and_packet(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    HANDLE event = t_event(t);
    struct t_post post;
    T_DO(event != NULL && t_port_pair(t, ends, &port));
    T_EQ(t_post_recv(ends[0], &post, 64, event), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
    T_PACKET(port, 42, &post.overlapped, 1);
}

static void port__skip_on_success__success_queues_nothing(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    HANDLE event = t_event(t);
    struct t_post post;
    T_DO(event != NULL && t_port_pair(t, ends, &port));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    T_DO(t_send_all(t, ends[1], "ab", 2));
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    T_EQ(t_post_recv(ends[0], &post, 1, NULL), 0);
    T_EQ(post.bytes, 1);
    T_EQ(post.overlapped.Internal, 0);
    T_EQ(post.overlapped.InternalHigh, 1);
    T_NO_PACKET(port);
    /* IOCP-22: the event is set all the same. */
    T_EQ(t_post_recv(ends[0], &post, 1, event), 0);
    T_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    T_NO_PACKET(port);
}

static void port__skip_on_success__pending_and_failed_are_told(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    T_DO(t_port_pair(t, ends, &port));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0],
                                              FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 42, &post.overlapped, 1);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    t_reset(t, ends[1]);
    T_FAILED_PACKET(port, 42, &post.overlapped, ERROR_NETNAME_DELETED);
}

static void port__skip_on_success__another_socket_is_not_meant(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post[2];
    T_DO(t_port_pair(t, ends, &port));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[1], port, 43, 0) == port);
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    /* The other end has no mode: its packets come. */
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(t_post_recv(ends[1], &post[1], 64, NULL), 0);
    T_PACKET(port, 43, &post[1].overlapped, 1);
    T_EQ(t_post_recv(ends[0], &post[0], 64, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[1], "y", 1, 0), 1);
    T_PACKET(port, 42, &post[0].overlapped, 1);
}

static void modes__without_a_port__accepted(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(s != INVALID_SOCKET);
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)s, FILE_SKIP_SET_EVENT_ON_HANDLE));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)s, 0));
}

static void modes__unknown__invalid_parameter(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(s != INVALID_SOCKET);
    T_FALSE(SetFileCompletionNotificationModes((HANDLE)s, 4), ERROR_INVALID_PARAMETER);
    T_FALSE(SetFileCompletionNotificationModes((HANDLE)s, 0x81), ERROR_INVALID_PARAMETER);
}

static void port__nobody_at_the_datagrams_port__port_unreachable(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    struct t_addr at;
    struct t_addr nobody;
    SOCKET s;
    struct t_post post;
    DWORD bytes;
    DWORD flags;
    T_DO(port != NULL && t_nobody(t, AF_INET, SOCK_DGRAM, &nobody) && t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    T_TRUE(CreateIoCompletionPort((HANDLE)s, port, 6, 0) == port);
    memset(&post, 0, sizeof post);
    post.buffer.buf = post.data;
    post.buffer.len = sizeof post.data;
    T_FAILS(WSARecvFrom(s, &post.buffer, 1, NULL, &post.flags, NULL, NULL, &post.overlapped, NULL), WSA_IO_PENDING);
    T_EQ(sendto(s, "x", 1, 0, &nobody.u.any, nobody.bytes), 1);
    T_FAILED_PACKET(port, 6, &post.overlapped, ERROR_PORT_UNREACHABLE);
    T_FALSE(WSAGetOverlappedResult(s, &post.overlapped, &bytes, FALSE, &flags), WSAECONNRESET);
}

static void modes__cannot_be_taken_back__still_skips(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    struct t_post post;
    T_DO(t_port_pair(t, ends, &port));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_SET_EVENT_ON_HANDLE));
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), 0);
    T_NO_PACKET(port);
}

static void port__nothing_comes__timeout(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    struct t_packet packet;
    T_DO(port != NULL);
    packet = t_packet_take(port, 30);
    T_EQ(packet.ok, FALSE);
    T_EQ(packet.error, WAIT_TIMEOUT);
    T_TRUE(packet.overlapped == NULL);
}

struct issuer {
    SOCKET s;
    struct t_post post;
    int code;
};

static DWORD WINAPI issuer_main(LPVOID context)
{
    struct issuer *issuer = (struct issuer *)context;
    issuer->code = t_post_recv(issuer->s, &issuer->post, 64, NULL);
    return 0;
}

static void port__issuing_thread_ends__request_goes_on(struct t_run *t)
{
    static struct issuer issuer;
    SOCKET ends[2];
    HANDLE port;
    HANDLE thread;
    T_DO(t_port_pair(t, ends, &port));
    issuer.s = ends[0];
    thread = t_thread(t, issuer_main, &issuer);
    T_DO(thread != NULL);
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(issuer.code, WSA_IO_PENDING);
    T_NO_PACKET(port);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(port, 42, &issuer.post.overlapped, 1);
}

static void port__closed_before_its_sockets__they_go_on(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    HANDLE event = t_event(t);
    struct t_post post;
    unsigned i;
    T_DO(port != NULL && event != NULL && t_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 1, 0) == port);
    T_TRUE(CloseHandle(port));
    /* The value may come again as something else, which must get nothing. */
    for (i = 0; i < 8; i++) {
        HANDLE other = t_port_make(t);
        T_DO(other != NULL);
        T_EQ(t_post_recv(ends[0], &post, 64, event), WSA_IO_PENDING);
        T_DO(t_send_all(t, ends[1], "x", 1));
        T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
        T_EQ(post.overlapped.InternalHigh, 1);
        T_EQ(t_packet_take(other, 0).error, WAIT_TIMEOUT);
    }
    T_OK(t_close(t, ends[0]));
}

static void port__of_another_handle__still_reports_after_one_is_closed(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    HANDLE copy = NULL;
    struct t_post post;
    T_DO(port != NULL && t_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 5, 0) == port);
    T_TRUE(DuplicateHandle(GetCurrentProcess(), port, GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    T_TRUE(CloseHandle(port));
    t->objects[t->object_count++] = copy;
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_PACKET(copy, 5, &post.overlapped, 1);
}

/* DuplicateHandle closes its source, too; a handle's value then may come again as another port's. */
static void port__closed_by_duplicate_handle__its_value_may_be_another_port(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET others[2];
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    HANDLE next = NULL;
    struct t_post post;
    DWORD flags;
    unsigned i;
    T_DO(port != NULL && t_pair(t, AF_INET, ends) && t_pair(t, AF_INET, others));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 1, 0) == port);
    (void)DuplicateHandle(GetCurrentProcess(), port, NULL, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE);
    T_FALSE(GetHandleInformation(port, &flags), ERROR_INVALID_HANDLE);
    for (i = 0; i < 8 && next != port; i++) {
        next = t_port_make(t);
        T_DO(next != NULL);
    }
    if (next != port) {
        t_skip(t, "the value did not come again");
        return;
    }
    T_TRUE(CreateIoCompletionPort((HANDLE)others[0], next, 2, 0) == next);
    T_EQ(t_post_recv(others[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, others[1], "x", 1));
    T_PACKET(next, 2, &post.overlapped, 1);
}

static const struct t_cases cases[] = {
    T_CASE(port__low_bit_of_the_event__event_and_no_packet),
    T_CASE(port__event__event_and_packet),
    T_CASE(port__skip_on_success__success_queues_nothing),
    T_CASE(port__skip_on_success__pending_and_failed_are_told),
    T_CASE(port__skip_on_success__another_socket_is_not_meant),
    T_CASE(modes__without_a_port__accepted),
    T_CASE(modes__unknown__invalid_parameter),
    T_CASE(port__nobody_at_the_datagrams_port__port_unreachable),
    T_CASE(modes__cannot_be_taken_back__still_skips),
    T_CASE(port__nothing_comes__timeout),
    T_CASE(port__issuing_thread_ends__request_goes_on),
    T_CASE(port__closed_before_its_sockets__they_go_on),
    T_CASE(port__of_another_handle__still_reports_after_one_is_closed),
    T_CASE(port__closed_by_duplicate_handle__its_value_may_be_another_port),
};

const struct t_group t_group_kernel_port_end = {"kernel_port_end", cases, T_COUNT(cases), false};
