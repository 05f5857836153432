/*
 * The API functions over the provider's slots, with bytes really moved. Rules WS2-13, WS2-21, WS2-22, WS2-30 to
 * WS2-45, WS2-57, WS2-58, OVL2-4 to OVL2-13, WSPRECV-7.
 */
#include "t_api.h"

#include <stdlib.h>
#include <string.h>

static void stream__half_close_both_ways__all_bytes_arrive(void **state)
{
    static char out[200000];
    static char in[200000];
    SOCKET ends[2];
    unsigned i;
    int got = 0;
    int sent = 0;
    u_long one = 1;
    (void)state;
    for (i = 0; i < sizeof out; i++) {
        out[i] = (char)(i * 31 >> 3);
    }
    t_api_pair(ends);
    assert_int_equal(ioctlsocket(ends[0], (LONG)FIONBIO, &one), 0);
    while (got < (int)sizeof in) {
        int n = sent < (int)sizeof out ? send(ends[0], out + sent, (int)sizeof out - sent, 0) : 0;
        if (n == SOCKET_ERROR) {
            assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);
        } else {
            sent += n;
        }
        n = recv(ends[1], in + got, (int)sizeof in - got, 0);
        assert_true(n > 0);
        got += n;
    }
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(shutdown(ends[0], SD_SEND), 0);
    assert_int_equal(recv(ends[1], in, 10, 0), 0);
    assert_int_equal(send(ends[1], "back", 4, 0), 4);
    assert_int_equal(recv(ends[0], in, 10, MSG_PEEK), 4);
    assert_int_equal(recv(ends[0], in, 10, 0), 4);
    assert_memory_equal(in, "back", 4);
    assert_fails(send(ends[0], "x", 1, 0), WSAESHUTDOWN);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
    assert_fails(closesocket(ends[1]), WSAENOTSOCK);
}

static void success__after_failure__last_error_zero(void **state)
{
    SOCKET ends[2];
    char byte = 'a';
    (void)state;
    t_api_pair(ends);
    WSASetLastError(4711);
    assert_int_equal(send(ends[0], &byte, 1, 0), 1);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    assert_int_equal(WSAGetLastError(), 0);
    closesocket(ends[0]);
    closesocket(ends[1]);
}

static void bad_handle__every_function__not_a_socket(void **state)
{
    static const SOCKET bad[] = {0, 1, 2, 3, 8, 0x7ffffffc, 0x80000000u, INVALID_SOCKET, 0x100000004u};
    char room[8];
    int len = sizeof room;
    u_long value = 0;
    fd_set set;
    unsigned i;
    (void)state;
    assert_true(socket(AF_INET, SOCK_STREAM, 0) != INVALID_SOCKET);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        SOCKET s = bad[i];
        print_message("handle %llx\n", (unsigned long long)s);
        assert_fails(closesocket(s), WSAENOTSOCK);
        assert_fails(send(s, room, 1, 0), WSAENOTSOCK);
        assert_fails(recv(s, room, 1, 0), WSAENOTSOCK);
        assert_fails(getsockopt(s, SOL_SOCKET, SO_TYPE, room, &len), WSAENOTSOCK);
        assert_fails(ioctlsocket(s, (LONG)FIONBIO, &value), WSAENOTSOCK);
        assert_fails(WSAHtonl(s, 1, &value), WSAENOTSOCK);
        assert_no_socket(accept(s, NULL, NULL), WSAENOTSOCK);
        FD_ZERO(&set);
        FD_SET(s, &set);
        assert_fails(select(0, NULL, &set, NULL, NULL), WSAENOTSOCK);
    }
}

static void event_handle__used_as_socket__not_a_socket(void **state)
{
    WSAEVENT event = WSACreateEvent();
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_fails(closesocket((SOCKET)event), WSAENOTSOCK);
    assert_fails(listen((SOCKET)event, 1), WSAENOTSOCK);
    assert_true(WSACloseEvent(event));
    assert_int_equal(closesocket(s), 0);
}

static void datagram__larger_than_buffer__message_size(void **state)
{
    SOCKET a = socket(AF_INET, SOCK_DGRAM, 0);
    SOCKET b = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    SOCKADDR_IN sin = t_api_loopback(0);
    SOCKADDR_IN from = {0};
    int len = sizeof sin;
    char room[16];
    WSABUF buffer = {4, room};
    DWORD n = 0;
    DWORD flags = 0;
    (void)state;
    assert_int_equal(bind(b, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(getsockname(b, (struct sockaddr *)&sin, &len), 0);
    assert_int_equal(sendto(a, "0123456789", 10, 0, (struct sockaddr *)&sin, sizeof sin), 10);
    assert_int_equal(sendto(a, "abcdefghij", 10, 0, (struct sockaddr *)&sin, sizeof sin), 10);
    assert_int_equal(sendto(a, "", 0, 0, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_fails(recv(b, room, 4, 0), WSAEMSGSIZE);
    assert_int_equal(WSARecv(b, &buffer, 1, &n, &flags, NULL, NULL), 0); /* a flag here, not an error */
    assert_int_equal(n, 4);
    assert_int_equal(flags, MSG_PARTIAL);
    len = sizeof from;
    assert_int_equal(recvfrom(b, room, 4, 0, (struct sockaddr *)&from, &len), 0);
    assert_int_equal(from.sin_family, AF_INET);
    assert_int_not_equal(from.sin_port, 0);
    closesocket(a);
    closesocket(b);
}

static void select__sets__only_ready_members_left(void **state)
{
    SOCKET ends[2];
    fd_set r, w;
    struct timeval now = {0, 0};
    struct timeval later = {5, 0};
    (void)state;
    t_api_pair(ends);
    FD_ZERO(&r);
    FD_SET(ends[0], &r);
    FD_SET(ends[1], &r);
    assert_int_equal(select(0, &r, NULL, NULL, &now), 0);
    assert_int_equal(r.fd_count, 0);
    assert_int_equal(send(ends[0], "x", 1, 0), 1);
    FD_SET(ends[0], &r);
    FD_SET(ends[1], &r);
    FD_ZERO(&w);
    FD_SET(ends[0], &w);
    assert_int_equal(select(0, &r, &w, NULL, &later), 2);
    assert_false(FD_ISSET(ends[0], &r));
    assert_true(FD_ISSET(ends[1], &r));
    assert_true(FD_ISSET(ends[0], &w));
    FD_ZERO(&r);
    assert_fails(select(0, &r, NULL, NULL, &now), WSAEINVAL);
    assert_fails(select(0, NULL, NULL, NULL, NULL), WSAEINVAL);
    closesocket(ends[0]);
    closesocket(ends[1]);
}

static void event_select__data_arrives__recorded_and_signalled(void **state)
{
    SOCKET ends[2];
    WSAEVENT event = WSACreateEvent();
    WSANETWORKEVENTS record;
    (void)state;
    t_api_pair(ends);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_READ | FD_CLOSE), 0);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
    assert_int_equal(send(ends[0], "x", 1, 0), 1);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 5000, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(WSAEnumNetworkEvents(ends[1], event, &record), 0);
    assert_int_equal(record.lNetworkEvents, FD_READ);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
    closesocket(ends[0]);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 5000, FALSE), WSA_WAIT_EVENT_0);
    /* Forwarded too; the provider says so when the host has no window of that name. */
    assert_int_equal(WSAAsyncSelect(ends[1], NULL, 0, FD_READ), SOCKET_ERROR);
    assert_true(WSAGetLastError() == WSAEINVAL || WSAGetLastError() == WSAEOPNOTSUPP);
    closesocket(ends[1]);
    WSACloseEvent(event);
}

static void overlapped__event__pends_then_completes(void **state)
{
    SOCKET ends[2];
    char room[16] = {0};
    WSABUF buffer = {sizeof room, room};
    WSAOVERLAPPED overlapped = {0};
    DWORD n = 77;
    DWORD flags = 0;
    (void)state;
    t_api_pair(ends);
    overlapped.hEvent = WSACreateEvent();
    assert_fails(WSARecv(ends[1], &buffer, 1, &n, &flags, &overlapped, NULL), WSA_IO_PENDING);
    assert_null(t_api_counters()->last_thread); /* no routine, no thread: WS2-31 */
    assert_int_equal(n, 77);
    assert_false(WSAGetOverlappedResult(ends[1], &overlapped, &n, FALSE, &flags));
    assert_int_equal(WSAGetLastError(), WSA_IO_INCOMPLETE);
    assert_int_equal(send(ends[0], "hello", 5, 0), 5);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 5000, FALSE), WSA_WAIT_EVENT_0);
    assert_true(WSAGetOverlappedResult(ends[1], &overlapped, &n, FALSE, &flags));
    assert_int_equal(n, 5);
    assert_string_equal(room, "hello");
    WSAResetEvent(overlapped.hEvent);
    assert_fails(WSARecv(ends[1], &buffer, 1, &n, &flags, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(closesocket(ends[1]), 0);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 5000, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(overlapped.OffsetHigh, WSA_OPERATION_ABORTED);
    closesocket(ends[0]);
    WSACloseEvent(overlapped.hEvent);
}

static DWORD routine_error, routine_bytes, routine_thread, routine_runs;

static void CALLBACK routine(DWORD error, DWORD transferred, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    assert_non_null(overlapped);
    assert_int_equal(flags, 0);
    routine_error = error;
    routine_bytes = transferred;
    routine_thread = GetCurrentThreadId();
    routine_runs++;
}

static void overlapped__routine__runs_in_issuing_thread_alertable(void **state)
{
    SOCKET ends[2];
    char room[16] = {0};
    WSABUF buffer = {sizeof room, room};
    WSAOVERLAPPED overlapped = {0};
    DWORD flags = 0;
    (void)state;
    t_api_pair(ends);
    routine_runs = 0;
    assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped, routine), WSA_IO_PENDING);
    assert_non_null(t_api_counters()->last_thread);
    assert_int_equal(send(ends[0], "xyz", 3, 0), 3);
    Sleep(20);
    assert_int_equal(routine_runs, 0);
    assert_int_equal(SleepEx(5000, TRUE), WAIT_IO_COMPLETION);
    assert_int_equal(routine_runs, 1);
    assert_int_equal(routine_error, 0);
    assert_int_equal(routine_bytes, 3);
    assert_int_equal(routine_thread, GetCurrentThreadId());
    assert_memory_equal(room, "xyz", 3);
    closesocket(ends[0]);
    closesocket(ends[1]);
}

static DWORD WINAPI close_later(LPVOID argument)
{
    Sleep(30);
    return (DWORD)closesocket(*(SOCKET *)argument);
}

static void accept__closed_by_other_thread__interrupted(void **state)
{
    u_short port_be;
    SOCKET listener = t_api_listener(&port_be);
    HANDLE thread = CreateThread(NULL, 0, close_later, &listener, 0, NULL);
    (void)state;
    assert_no_socket(accept(listener, NULL, NULL), WSAEINTR);
    assert_int_equal(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    CloseHandle(thread);
    assert_no_socket(accept(listener, NULL, NULL), WSAENOTSOCK);
}

static DWORD WINAPI open_type_here(LPVOID unused)
{
    int value = 99;
    int len = sizeof value;
    (void)unused;
    return getsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, &len) == 0 ? (DWORD)value : 98;
}

static void options__open_type__kept_per_thread(void **state)
{
    HANDLE thread;
    DWORD other = 97;
    int value = SO_SYNCHRONOUS_NONALERT;
    int len = sizeof value;
    (void)state;
    socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(t_api_counters()->last_flags, WSA_FLAG_OVERLAPPED);
    assert_int_equal(setsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, sizeof value), 0);
    socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(t_api_counters()->last_flags, 0);
    value = 99;
    assert_int_equal(getsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, &len), 0);
    assert_int_equal(value, SO_SYNCHRONOUS_NONALERT);
    thread = CreateThread(NULL, 0, open_type_here, NULL, 0, NULL);
    assert_int_equal(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &other));
    assert_int_equal(other, 0);
    assert_true(CloseHandle(thread));
    /* Who says it himself gets what he says. */
    WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    assert_int_equal(t_api_counters()->last_flags, WSA_FLAG_OVERLAPPED);
    assert_fails(setsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, 2), WSAEFAULT);
    assert_fails(getsockopt(INVALID_SOCKET, SOL_SOCKET, SO_TYPE, (char *)&value, &len), WSAENOTSOCK);
    /* Windows, as conformance suites observe: whatever the socket; a negative length is a large one. */
    value = 77;
    len = -1;
    WSASetLastError(5);
    assert_int_equal(getsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_OPENTYPE, (char *)&value, &len), 0);
    assert_int_equal(WSAGetLastError(), 0);
    assert_int_equal(value, SO_SYNCHRONOUS_NONALERT);
    assert_int_equal(len, sizeof value);
    value = 0;
    assert_int_equal(setsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, -1), 0);
    WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, 0);
    assert_int_equal(t_api_counters()->last_flags, 0);
}

static void kind_is(int af, int type, int protocol)
{
    assert_int_equal(t_api_counters()->last_af, af);
    assert_int_equal(t_api_counters()->last_type, type);
    assert_int_equal(t_api_counters()->last_protocol, protocol);
}

/* Rule A.3.14: what selects the provider is handed on as it was given. */
static void socket__any_kind__handed_on_unmodified(void **state)
{
    static WSAPROTOCOL_INFOW list[8]; /* too large for the stack's bound */
    WSAPROTOCOL_INFOW *info = &list[0];
    DWORD bytes = sizeof list;
    SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
    (void)state;
    kind_is(AF_INET, SOCK_DGRAM, 0);
    assert_true(WSAEnumProtocolsW(NULL, list, &bytes) > 0);
    assert_int_equal(closesocket(s), 0);
    s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    kind_is(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    assert_int_equal(closesocket(s), 0);
    s = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, info, 0, 0);
    kind_is(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO);
    assert_int_equal(closesocket(s), 0);
    s = WSASocketW(77, 88, 99, info, 0, 0); /* the provider judges it */
    kind_is(77, 88, 99);
    assert_int_equal(closesocket(s), 0);
}

static void provider__fails_without_code__syscall_failure(void **state)
{
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    (void)state;
    assert_fails(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, (char *)&one, sizeof one), WSASYSCALLFAILURE);
    assert_fails(WSAIoctl(s, SIO_FLUSH, &one, 4, &one, 4, NULL, NULL, NULL), WSAEOPNOTSUPP);
    closesocket(s);
}

static void connect__in_progress__code_depends_on_version(void **state)
{
    SOCKADDR_IN sin = t_api_loopback(htons(FAKE_PORT_ALREADY));
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    WSADATA data;
    (void)state;
    assert_fails(connect(s, (struct sockaddr *)&sin, sizeof sin), WSAEALREADY);
    assert_int_equal(WSAStartup(MAKEWORD(1, 1), &data), 0);
    assert_fails(connect(s, (struct sockaddr *)&sin, sizeof sin), WSAEINVAL);
    assert_int_equal(WSACleanup(), 0);
}

static void byte_order__of_a_socket__network(void **state)
{
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    u_long l = 0;
    u_short h = 0;
    (void)state;
    assert_int_equal(WSAHtonl(s, 0x01020304, &l), 0);
    assert_int_equal(l, htonl(0x01020304));
    assert_int_equal(WSANtohs(s, htons(0x102), &h), 0);
    assert_int_equal(h, 0x102);
    assert_fails(WSAHtons(s, 1, NULL), WSAEFAULT);
    closesocket(s);
}

static INT_PTR a_hook(void)
{
    return 0;
}

static void hooks__winsock_2__not_supported(void **state)
{
    (void)state;
    assert_fails(WSAUnhookBlockingHook(), WSAEOPNOTSUPP);
    assert_null(WSASetBlockingHook(a_hook));
    assert_int_equal(WSAGetLastError(), WSAEOPNOTSUPP);
    assert_fails(WSACancelBlockingCall(), WSAEOPNOTSUPP);
    assert_false(WSAIsBlocking());
}

static void hooks__winsock_1__kept_and_forgotten(void **state)
{
    WSADATA data;
    FARPROC first;
    (void)state;
    assert_int_equal(WSAStartup(MAKEWORD(1, 1), &data), 0);
    first = WSASetBlockingHook(a_hook);
    assert_non_null(first); /* a hook of Winsock's own, which a program's may call: there are no messages */
    assert_int_equal(first(), 0);
    assert_true(WSASetBlockingHook(a_hook) == a_hook);
    assert_false(WSAIsBlocking());
    assert_fails(WSACancelBlockingCall(), WSAEINVAL); /* nothing blocks */
    assert_int_equal(WSAUnhookBlockingHook(), 0);
    assert_true(WSASetBlockingHook(a_hook) == first);
    assert_true(WSASetBlockingHook(first) == a_hook);
    assert_null(WSASetBlockingHook(NULL));
    assert_int_equal(WSAGetLastError(), WSAEFAULT);
    assert_int_equal(WSAUnhookBlockingHook(), 0);
    assert_int_equal(WSACleanup(), 0);
}

static void extension_functions__provider_has_them__called(void **state)
{
    WSAPOLLFD fds[3] = {{.fd = INVALID_SOCKET}, {.fd = 8}, {.fd = socket(AF_INET, SOCK_DGRAM, 0)}};
    char text[] = "abc";
    WSABUF buffer = {3, text};
    WSAMSG message = {.lpBuffers = &buffer, .dwBufferCount = 1};
    DWORD sent = 99;
    volatile uintptr_t nowhere = 16; /* the compiler shall not see that nothing is there */
    (void)state;
    assert_fails(WSAPoll(NULL, 1, 0), WSAEFAULT);
    assert_fails(WSAPoll(fds, 0, 0), WSAEINVAL);
    assert_fails(WSAPoll(fds, 2, 0), WSAENOTSOCK); /* none of them is one (both_poll) */
    assert_fails(WSAPoll((WSAPOLLFD *)nowhere, 2, 0), WSAEFAULT);
    assert_fails(WSAPoll(fds, 3, 0), WSAEOPNOTSUPP); /* it has none */
    assert_fails(WSASendMsg(fds[2].fd, &message, 0, &sent, NULL, NULL), WSAEOPNOTSUPP);
    assert_fails(WSASendMsg(8, &message, 0, &sent, NULL, NULL), WSAENOTSOCK);
    assert_fails(WSASendMsg(fds[2].fd, NULL, 0, &sent, NULL, NULL), WSAEFAULT);
    assert_int_equal(sent, 99);
    t_api_environment("FAKE_PROVIDER", "extensions");
    assert_int_equal(WSAPoll(fds, 3, 40), 43);
    assert_int_equal(fds[2].revents, POLLWRNORM);
    assert_int_equal(WSASendMsg(fds[2].fd, &message, 0, &sent, NULL, NULL), 0);
    assert_int_equal(sent, 3);
    t_api_environment("FAKE_PROVIDER", NULL);
    assert_int_equal(closesocket(fds[2].fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stream__half_close_both_ways__all_bytes_arrive, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(success__after_failure__last_error_zero, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(bad_handle__every_function__not_a_socket, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(event_handle__used_as_socket__not_a_socket, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(extension_functions__provider_has_them__called, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(datagram__larger_than_buffer__message_size, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(select__sets__only_ready_members_left, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(event_select__data_arrives__recorded_and_signalled, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(overlapped__event__pends_then_completes, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(overlapped__routine__runs_in_issuing_thread_alertable, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(accept__closed_by_other_thread__interrupted, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(options__open_type__kept_per_thread, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(socket__any_kind__handed_on_unmodified, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(provider__fails_without_code__syscall_failure, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(connect__in_progress__code_depends_on_version, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(byte_order__of_a_socket__network, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(hooks__winsock_2__not_supported, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(hooks__winsock_1__kept_and_forgotten, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
