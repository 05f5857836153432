/*
 * Completion ports and the calls that start requests: what a structure holds and when, the three numbers of a failure,
 * calls that succeed at once. Rules IOCP-6, IOCP-8, IOCP-9, IOCP-14, IOCP-20, IOCP-22, IOCP-28, IOCP-29, IOCP-32.
 */
#include "kernel.h"

#define ROUNDS 200

static ULONG_PTR status_of(const OVERLAPPED *overlapped)
{
    return __atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE);
}

static DWORD WINAPI send_rounds(LPVOID context)
{
    SOCKET s;
    unsigned i;
    memcpy(&s, context, sizeof s);
    for (i = 1; i <= ROUNDS; i++) {
        char data[32];
        memset(data, (int)i, sizeof data);
        if (send(s, data, (int)(i % 31 + 1), 0) != (int)(i % 31 + 1) || recv(s, data, 1, 0) != 1) {
            return 1;
        }
    }
    return 0;
}

/* Whoever sees that the request is over sees the bytes and their number. */
static void status__polled__written_behind_the_rest(struct t_run *t)
{
    static SOCKET ends[2];
    struct t_post post;
    DWORD code = 9;
    HANDLE thread;
    unsigned i;
    T_DO(t_pair(t, AF_INET, ends));
    thread = t_thread(t, send_rounds, &ends[1]);
    T_DO(thread != NULL);
    for (i = 1; i <= ROUNDS; i++) {
        int result = t_post_recv(ends[0], &post, 64, NULL);
        T_TRUE(result == 0 || result == WSA_IO_PENDING);
        while (status_of(&post.overlapped) == STATUS_PENDING) {
            Sleep(0);
        }
        T_EQ(post.overlapped.Internal, 0);
        T_EQ(post.overlapped.InternalHigh, i % 31 + 1);
        T_EQ(post.data[0], (char)i);
        T_EQ(post.data[i % 31], (char)i);
        T_EQ(send(ends[0], "n", 1, 0), 1);
    }
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(GetExitCodeThread(thread, &code));
    T_EQ(code, 0);
}

/* ---- the three numbers ---- */

enum failure { FAIL_RESET, FAIL_CANCELLED, FAIL_TOO_LONG, FAIL_UNREACHABLE, FAIL_REFUSED };

static const struct failure_row {
    const char *name;
    enum failure how;
    DWORD status;
    DWORD win32;
    int wsa;
} failure_rows[] = {
    {"reset", FAIL_RESET, 0xc000020d, ERROR_NETNAME_DELETED, WSAECONNRESET},
    {"cancelled", FAIL_CANCELLED, 0xc0000120, ERROR_OPERATION_ABORTED, WSA_OPERATION_ABORTED},
    {"too_long", FAIL_TOO_LONG, 0x80000005, ERROR_MORE_DATA, WSAEMSGSIZE},
    {"unreachable", FAIL_UNREACHABLE, 0xc000023f, ERROR_PORT_UNREACHABLE, WSAECONNRESET},
    {"refused", FAIL_REFUSED, 0xc0000236, ERROR_CONNECTION_REFUSED, WSAECONNREFUSED},
};

static bool connect_nobody(struct t_run *t, SOCKET s, LPOVERLAPPED overlapped)
{
    GUID id = WSAID_CONNECTEX;
    LPFN_CONNECTEX connect_ex = NULL;
    struct t_addr nobody;
    DWORD got = 0;
    return t_nobody(t, AF_INET, SOCK_STREAM, &nobody) &&
           WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &connect_ex, sizeof connect_ex, &got, NULL,
                    NULL) == 0 &&
           !connect_ex(s, &nobody.u.any, nobody.bytes, NULL, 0, NULL, overlapped) &&
           WSAGetLastError() == WSA_IO_PENDING;
}

/* [0] is the one whose request will fail. */
static bool failure_sockets(struct t_run *t, enum failure how, SOCKET ends[2])
{
    struct t_addr at;
    struct t_addr nobody;
    if (how == FAIL_REFUSED) {
        return t_bound(t, AF_INET, SOCK_STREAM, &ends[0], &at);
    }
    if (how == FAIL_UNREACHABLE) {
        return t_nobody(t, AF_INET, SOCK_DGRAM, &nobody) && t_bound(t, AF_INET, SOCK_DGRAM, &ends[0], &at) &&
               connect(ends[0], &nobody.u.any, nobody.bytes) == 0;
    }
    return how == FAIL_TOO_LONG ? t_udp_pair(t, AF_INET, ends) : t_pair(t, AF_INET, ends);
}

static bool failure_cause(struct t_run *t, enum failure how, const SOCKET ends[2], struct t_post *post)
{
    memset(post, 0, sizeof *post);
    if (how == FAIL_REFUSED) {
        return connect_nobody(t, ends[0], &post->overlapped);
    }
    if (t_post_recv(ends[0], post, 4, NULL) != WSA_IO_PENDING) {
        return false;
    }
    if (how == FAIL_RESET) {
        t_reset(t, ends[1]);
        return true;
    }
    if (how == FAIL_UNREACHABLE) {
        return send(ends[0], "x", 1, 0) == 1;
    }
    return how == FAIL_TOO_LONG ? send(ends[1], "too long", 8, 0) == 8 : CancelIoEx((HANDLE)ends[0], &post->overlapped);
}

static void failure__ROW__status_and_both_codes(struct t_run *t)
{
    static struct t_post post;
    const struct failure_row *row = (const struct failure_row *)t->row;
    DWORD moved = row->how == FAIL_TOO_LONG ? 4 : 0;
    HANDLE port = t_port_make(t);
    unsigned view;
    T_DO(port != NULL);
    for (view = 0; view < 2; view++) {
        SOCKET ends[2];
        OVERLAPPED_ENTRY entry;
        ULONG removed = 0;
        DWORD bytes = 99;
        DWORD flags = 0;
        T_DO(failure_sockets(t, row->how, ends));
        T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 42, 0) == port);
        T_DO(failure_cause(t, row->how, ends, &post));
        if (view == 0) {
            struct t_packet packet = t_packet_take(port, T_WAIT_MS);
            T_TRUE(packet.overlapped == &post.overlapped);
            T_EQ(packet.ok, FALSE);
            T_EQ(packet.error, row->win32);
            T_EQ(packet.bytes, moved);
        } else {
            T_TRUE(GetQueuedCompletionStatusEx(port, &entry, 1, &removed, T_WAIT_MS, FALSE));
            T_EQ(removed, 1);
            T_TRUE(entry.lpOverlapped == &post.overlapped);
            T_EQ(entry.dwNumberOfBytesTransferred, moved);
        }
        T_EQ((DWORD)status_of(&post.overlapped), row->status);
        T_EQ(post.overlapped.InternalHigh, moved);
        T_FALSE(GetOverlappedResult((HANDLE)ends[0], &post.overlapped, &bytes, TRUE), row->win32);
        T_FALSE(WSAGetOverlappedResult(ends[0], &post.overlapped, &bytes, FALSE, &flags), row->wsa);
    }
}

/* ---- success at once ---- */

static void port__skip_and_datagrams__success_or_packet_never_both(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port = t_port_make(t);
    struct t_post post;
    unsigned at_once = 0;
    unsigned packets = 0;
    unsigned i;
    T_DO(port != NULL && t_udp_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 42, 0) == port);
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    for (i = 0; i < 40; i++) {
        int result;
        if (i % 2 == 0) {
            T_EQ(send(ends[1], "x", 1, 0), 1);
            T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
        }
        result = t_post_recv(ends[0], &post, 64, NULL);
        if (i % 2 == 0) {
            T_EQ(result, 0);
            T_EQ(post.overlapped.InternalHigh, 1);
            T_EQ(t_packet_take(port, 0).error, WAIT_TIMEOUT);
            at_once++;
        } else {
            T_EQ(result, WSA_IO_PENDING);
            T_EQ(send(ends[1], "y", 1, 0), 1);
            T_PACKET(port, 42, &post.overlapped, 1);
            packets++;
        }
    }
    T_EQ(at_once + packets, 40);
    T_NO_PACKET(port);
}

static const struct skip_row {
    const char *name;
    UCHAR modes;
} skip_rows[] = {
    {"skip", FILE_SKIP_COMPLETION_PORT_ON_SUCCESS},
    {"no_mode", 0},
};

/* An error return, so no packet; what fitted is there. */
static void port__datagram_too_long_at_once_with_ROW__error_and_no_packet(struct t_run *t)
{
    const struct skip_row *row = (const struct skip_row *)t->row;
    SOCKET ends[2];
    HANDLE port = t_port_make(t);
    struct t_post post;
    T_DO(port != NULL && t_udp_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 42, 0) == port);
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], row->modes));
    T_EQ(send(ends[1], "too long", 8, 0), 8);
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    T_EQ(t_post_recv(ends[0], &post, 4, NULL), WSAEMSGSIZE);
    T_SAME(post.data, "too ", 4);
    T_NO_PACKET(port);
}

static void CALLBACK routine_never(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)error;
    (void)bytes;
    (void)overlapped;
    (void)flags;
}

/* WSARecvMsg does not pass through the DLL. */
static void port__skip_and_a_call_by_pointer__success_queues_nothing(struct t_run *t)
{
    GUID id = WSAID_WSARECVMSG;
    LPFN_WSARECVMSG receive = NULL;
    SOCKET ends[2];
    HANDLE port = t_port_make(t);
    struct t_post post;
    WSAMSG message = {0};
    DWORD got = 0;
    T_DO(port != NULL && t_udp_pair(t, AF_INET, ends));
    T_OK(WSAIoctl(ends[0], SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &receive, sizeof receive, &got, NULL,
                  NULL));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 42, 0) == port);
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    T_EQ(send(ends[1], "x", 1, 0), 1);
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    memset(&post, 0, sizeof post);
    post.buffer.buf = post.data;
    post.buffer.len = sizeof post.data;
    message.lpBuffers = &post.buffer;
    message.dwBufferCount = 1;
    T_OK(receive(ends[0], &message, &got, &post.overlapped, NULL));
    T_EQ(got, 1);
    T_EQ(post.overlapped.Internal, 0);
    T_NO_PACKET(port);
    /* Later ones are told. */
    T_FAILS(receive(ends[0], &message, &got, &post.overlapped, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[1], "y", 1, 0), 1);
    T_PACKET(port, 42, &post.overlapped, 1);
    T_FAILS(receive(ends[0], &message, &got, &post.overlapped, routine_never), WSAEINVAL);
}

/* ---- a socket that is used again ---- */

static bool extension(SOCKET s, GUID id, void *out, DWORD bytes)
{
    DWORD got = 0;
    return WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, out, bytes, &got, NULL, NULL) == 0;
}

static void port__socket_used_again__key_stays(struct t_run *t)
{
    static const GUID connect_id = WSAID_CONNECTEX;
    static const GUID disconnect_id = WSAID_DISCONNECTEX;
    LPFN_CONNECTEX connect_ex = NULL;
    LPFN_DISCONNECTEX disconnect_ex = NULL;
    HANDLE port = t_port_make(t);
    SOCKET listener;
    SOCKET s;
    struct t_addr at;
    struct t_addr own;
    unsigned i;
    T_DO(port != NULL && t_listener(t, AF_INET, &listener, &at) && t_bound(t, AF_INET, SOCK_STREAM, &s, &own));
    T_TRUE(CreateIoCompletionPort((HANDLE)s, port, 77, 0) == port);
    T_TRUE(extension(s, connect_id, &connect_ex, sizeof connect_ex) &&
           extension(s, disconnect_id, &disconnect_ex, sizeof disconnect_ex));
    for (i = 0; i < 2; i++) {
        WSAOVERLAPPED overlapped = {0};
        struct t_post post;
        SOCKET peer;
        char byte;
        if (!connect_ex(s, &at.u.any, at.bytes, NULL, 0, NULL, &overlapped)) {
            T_EQ(WSAGetLastError(), WSA_IO_PENDING);
        }
        T_PACKET(port, 77, &overlapped, 0);
        T_OK(setsockopt(s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0));
        peer = t_keep(t, accept(listener, NULL, NULL));
        T_TRUE(peer != INVALID_SOCKET);
        T_EQ(t_post_recv(s, &post, 64, NULL), WSA_IO_PENDING);
        T_DO(t_send_all(t, peer, "x", 1));
        T_PACKET(port, 77, &post.overlapped, 1);
        /* The peer ends first, so that it keeps the connection's past, and the socket may connect to the same place. */
        T_OK(shutdown(peer, SD_SEND));
        T_EQ(t_post_recv(s, &post, 64, NULL) == 0 || WSAGetLastError() == WSA_IO_PENDING, 1);
        T_PACKET(port, 77, &post.overlapped, 0);
        memset(&overlapped, 0, sizeof overlapped);
        if (!disconnect_ex(s, &overlapped, TF_REUSE_SOCKET, 0)) {
            T_EQ(WSAGetLastError(), WSA_IO_PENDING);
        }
        T_PACKET(port, 77, &overlapped, 0);
        T_EQ(recv(peer, &byte, 1, 0), 0);
        T_OK(t_close(t, peer));
        /* The same addresses again would be the old connection's until its time is over. */
        T_OK(t_close(t, listener));
        T_DO(t_listener(t, AF_INET, &listener, &at));
    }
}

static const struct t_cases cases[] = {
    T_CASE(status__polled__written_behind_the_rest),
    T_TABLE(failure__ROW__status_and_both_codes, failure_rows),
    T_CASE(port__skip_and_datagrams__success_or_packet_never_both),
    T_TABLE(port__datagram_too_long_at_once_with_ROW__error_and_no_packet, skip_rows),
    T_CASE(port__skip_and_a_call_by_pointer__success_queues_nothing),
    T_CASE(port__socket_used_again__key_stays),
};

const struct t_group t_group_kernel_port_call = {"kernel_port_call", cases, T_COUNT(cases), false};
