/*
 * What Windows answers, asked of the real provider: one case per answer that programs rely on.
 * WINLANE_CONFIG names a configuration; 127.0.0.1 is carried by the instance.
 */
#include "t_api.h"

#include <stdlib.h>
#include <string.h>

static void getpeername__not_connected__state_before_pointers(void **state)
{
    SOCKADDR_IN name;
    SOCKET ends[2];
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    int bytes = 4;
    (void)state;
    assert_fails(getpeername(INVALID_SOCKET, NULL, NULL), WSAENOTSOCK);
    assert_fails(getpeername(s, NULL, NULL), WSAENOTCONN);
    assert_fails(getpeername(s, (struct sockaddr *)&name, &bytes), WSAENOTCONN);
    assert_int_equal(bytes, 4);
    assert_int_equal(closesocket(s), 0);
    t_api_pair(ends);
    assert_fails(getpeername(ends[0], NULL, NULL), WSAEFAULT);
    assert_fails(getpeername(ends[0], (struct sockaddr *)&name, &bytes), WSAEFAULT);
    assert_int_equal(bytes, 4);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
}

static void socket__type_alone__is_inval(void **state)
{
    SOCKET s;
    (void)state;
    assert_no_socket(socket(AF_UNSPEC, SOCK_STREAM, 0), WSAEINVAL);
    assert_no_socket(socket(AF_UNSPEC, 0, 0), WSAEINVAL);
    assert_no_socket(socket(AF_INET, -1, 0), WSAESOCKTNOSUPPORT);
    s = socket(AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP);
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(closesocket(s), 0);
}

static void receive__no_buffer_at_all__is_inval(void **state)
{
    WSAOVERLAPPED overlapped;
    WSABUF buffer;
    SOCKET ends[2];
    DWORD got = 77, flags = 0;
    char room[4];
    (void)state;
    memset(&overlapped, 0, sizeof overlapped);
    t_api_pair(ends);
    buffer.buf = room;
    buffer.len = sizeof room;
    assert_fails(WSARecv(ends[1], NULL, 0, &got, &flags, NULL, NULL), WSAEINVAL);
    assert_fails(WSARecv(ends[1], &buffer, 0, &got, &flags, NULL, NULL), WSAEINVAL);
    assert_fails(WSARecv(ends[1], &buffer, 0, NULL, &flags, &overlapped, NULL), WSAEINVAL);
    assert_int_equal(got, 77);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
}

/* An empty buffer is a request to be told of data. */
static void receive__empty_buffer__waits_for_data_and_takes_none(void **state)
{
    WSAOVERLAPPED overlapped;
    WSABUF buffer = {0, NULL};
    SOCKET ends[2];
    DWORD got = 77, flags = 0;
    char room[4];
    (void)state;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = WSACreateEvent();
    t_api_pair(ends);
    assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 30, FALSE), WSA_WAIT_TIMEOUT);
    assert_int_equal(send(ends[0], "a", 1, 0), 1);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 5000, FALSE), WSA_WAIT_EVENT_0);
    assert_true(WSAGetOverlappedResult(ends[1], &overlapped, &got, FALSE, &flags));
    assert_int_equal(got, 0);
    assert_int_equal(recv(ends[1], NULL, 0, 0), 0);
    assert_int_equal(recv(ends[1], room, sizeof room, 0), 1);
    assert_true(WSACloseEvent(overlapped.hEvent));
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
}

struct switch_row {
    int type;
    int level;
    int name;
};

static void options__switches__one_byte_is_enough(void **state)
{
    static const struct switch_row rows[] = {
        {SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE},     {SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR},
        {SOCK_STREAM, SOL_SOCKET, SO_DONTLINGER},    {SOCK_STREAM, IPPROTO_TCP, TCP_NODELAY},
        {SOCK_DGRAM, SOL_SOCKET, SO_BROADCAST},      {SOCK_DGRAM, IPPROTO_IP, IP_DONTFRAGMENT},
        {SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_LOOP}, {SOCK_STREAM, SOL_SOCKET, SO_OOBINLINE},
    };
    unsigned i;
    int on;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SOCKET s = socket(AF_INET, rows[i].type, 0);
        print_message("row %u\n", i);
        for (on = 1; on >= 0; on--) {
            char given = (char)on;
            char room[4] = {0x55, 0x55, 0x55, 0x55};
            int whole = 0; /* some are told as one byte in any room */
            int bytes = 1;
            assert_int_equal(setsockopt(s, rows[i].level, rows[i].name, &given, 1), 0);
            assert_int_equal(getsockopt(s, rows[i].level, rows[i].name, room, &bytes), 0);
            assert_int_equal(bytes, 1);
            assert_int_equal(room[0], on);
            assert_int_equal(room[1], 0x55);
            bytes = sizeof whole;
            assert_int_equal(getsockopt(s, rows[i].level, rows[i].name, (char *)&whole, &bytes), 0);
            assert_int_equal(whole, on);
        }
        if (rows[i].level != SOL_SOCKET || rows[i].name == SO_KEEPALIVE)
            assert_fails(setsockopt(s, rows[i].level, rows[i].name, (char *)&on, 0), WSAEFAULT);
        else /* Windows, as conformance suites observe: off */
            assert_int_equal(setsockopt(s, rows[i].level, rows[i].name, (char *)&on, 0), 0);
        assert_int_equal(closesocket(s), 0);
    }
}

static void options__values__short_buffer_is_fault(void **state)
{
    static const int names[] = {SO_RCVBUF, SO_SNDBUF, SO_RCVTIMEO, SO_SNDTIMEO, SO_LINGER};
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        int value = 1;
        int bytes = 3;
        assert_fails(setsockopt(s, SOL_SOCKET, names[i], (char *)&value, 3), WSAEFAULT);
        assert_fails(getsockopt(s, SOL_SOCKET, names[i], (char *)&value, &bytes), WSAEFAULT);
        /* Windows, as conformance suites observe: a time is left alone, others leave zeros. */
        assert_int_equal(value, names[i] == SO_RCVTIMEO || names[i] == SO_SNDTIMEO ? 1 : 0);
    }
    assert_int_equal(closesocket(s), 0);
}

static void inet_addr__spaces__end_the_text(void **state)
{
    (void)state;
    assert_int_equal(inet_addr("1.2.3.4 "), inet_addr("1.2.3.4"));
    assert_int_equal(inet_addr("1.2.3.4 rest"), inet_addr("1.2.3.4"));
    assert_int_equal(inet_addr("1.2.3.4rest"), INADDR_NONE);
    assert_int_equal(inet_addr(" "), 0);
    assert_int_equal(inet_addr(""), INADDR_NONE);
    assert_int_equal(inet_addr(NULL), INADDR_NONE);
    assert_int_equal(inet_addr(" 1.2.3.4"), INADDR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(getpeername__not_connected__state_before_pointers, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(socket__type_alone__is_inval, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(receive__no_buffer_at_all__is_inval, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(receive__empty_buffer__waits_for_data_and_takes_none, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(options__switches__one_byte_is_enough, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(options__values__short_buffer_is_fault, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(inet_addr__spaces__end_the_text, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}
