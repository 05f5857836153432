/*
 * Start-up, versions, what works before it, last error, provider loading. Rules WS2-1 to WS2-11, WS2-20, START.
 */
#include "t_api.h"

static void startup__version_asked__version_given(void **state)
{
    static const struct {
        WORD asked, given;
        int code;
    } rows[] = {
        {MAKEWORD(0, 1), MAKEWORD(2, 2), WSAVERNOTSUPPORTED},
        {MAKEWORD(1, 0), MAKEWORD(1, 0), 0},
        {MAKEWORD(1, 1), MAKEWORD(1, 1), 0},
        {MAKEWORD(1, 7), MAKEWORD(1, 1), 0},
        {MAKEWORD(2, 0), MAKEWORD(2, 0), 0},
        {MAKEWORD(2, 2), MAKEWORD(2, 2), 0},
        {MAKEWORD(2, 9), MAKEWORD(2, 2), 0},
        {MAKEWORD(3, 0), MAKEWORD(2, 2), 0},
    };
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char vendor[] = "untouched";
        WSADATA data = {.wVersion = 0xdead, .lpVendorInfo = vendor};
        print_message("asked %x\n", rows[i].asked);
        assert_int_equal(WSAStartup(rows[i].asked, &data), rows[i].code);
        assert_int_equal(data.wVersion, rows[i].given);
        assert_int_equal(data.wHighVersion, MAKEWORD(2, 2));
        assert_int_equal(data.iMaxSockets, LOBYTE(rows[i].given) == 1 ? 32767 : 0);
        assert_string_equal(data.szDescription, "WinSock 2.0");
        assert_string_equal(data.szSystemStatus, "Running");
        assert_ptr_equal(data.lpVendorInfo, vendor);
        if (rows[i].code == 0) {
            WSASetLastError(77);
            assert_int_equal(WSACleanup(), 0);
            assert_int_equal(WSAGetLastError(), 0);
        }
    }
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), NULL), WSAEFAULT);
    assert_fails(WSACleanup(), WSANOTINITIALISED);
}

static void every_function__before_startup__not_initialised(void **state)
{
    char room[64] = {0};
    int len = sizeof room;
    u_long value = 0;
    u_short value16 = 0;
    DWORD bytes = 0;
    fd_set set;
    struct addrinfo *list;
    SOCKADDR_IN sin = {.sin_family = AF_INET};
    (void)state;
    FD_ZERO(&set);
    assert_no_socket(socket(AF_INET, SOCK_STREAM, 0), WSANOTINITIALISED);
    assert_no_socket(WSASocketW(99, 99, 99, NULL, 0, 0xffff), WSANOTINITIALISED);
    assert_no_socket(WSASocketA(AF_INET, SOCK_STREAM, 0, NULL, 0, 0), WSANOTINITIALISED);
    assert_no_socket(accept(4, NULL, NULL), WSANOTINITIALISED);
    assert_no_socket(WSAJoinLeaf(4, NULL, 0, NULL, NULL, NULL, NULL, 0), WSANOTINITIALISED);
    assert_fails(closesocket(INVALID_SOCKET), WSANOTINITIALISED);
    assert_fails(bind(4, NULL, 0), WSANOTINITIALISED);
    assert_fails(listen(4, 1), WSANOTINITIALISED);
    assert_fails(connect(4, NULL, 0), WSANOTINITIALISED);
    assert_fails(send(4, room, 1, 0), WSANOTINITIALISED);
    assert_fails(recv(4, room, 1, 0), WSANOTINITIALISED);
    assert_fails(sendto(4, room, 1, 0, NULL, 0), WSANOTINITIALISED);
    assert_fails(recvfrom(4, room, 1, 0, NULL, NULL), WSANOTINITIALISED);
    assert_fails(WSASend(4, NULL, 0, NULL, 0, NULL, NULL), WSANOTINITIALISED);
    assert_fails(WSARecv(4, NULL, 0, NULL, NULL, NULL, NULL), WSANOTINITIALISED);
    assert_fails(shutdown(4, 9), WSANOTINITIALISED);
    assert_fails(getsockname(4, NULL, NULL), WSANOTINITIALISED);
    assert_fails(getpeername(4, NULL, NULL), WSANOTINITIALISED);
    assert_fails(getsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, room, &len), WSANOTINITIALISED);
    assert_fails(setsockopt(4, SOL_SOCKET, SO_TYPE, room, 4), WSANOTINITIALISED);
    assert_fails(ioctlsocket(4, (LONG)FIONBIO, &value), WSANOTINITIALISED);
    assert_fails(WSAIoctl(4, SIO_FLUSH, NULL, 0, NULL, 0, NULL, NULL, NULL), WSANOTINITIALISED);
    assert_fails(select(0, &set, NULL, NULL, NULL), WSANOTINITIALISED);
    assert_fails(WSAEventSelect(4, NULL, 0), WSANOTINITIALISED);
    assert_fails(WSAEnumNetworkEvents(4, NULL, NULL), WSANOTINITIALISED);
    assert_fails(WSAAsyncSelect(4, NULL, 0, 0), WSANOTINITIALISED);
    assert_fails(WSAHtonl(4, 1, &value), WSANOTINITIALISED);
    assert_fails(WSANtohs(4, 1, &value16), WSANOTINITIALISED);
    assert_fails(WSAEnumProtocolsW(NULL, NULL, &bytes), WSANOTINITIALISED);
    assert_fails(WSADuplicateSocketW(4, 1, NULL), WSANOTINITIALISED);
    assert_fails(WSAAddressToStringA((LPSOCKADDR)&sin, sizeof sin, NULL, room, &bytes), WSANOTINITIALISED);
    assert_fails(WSASendDisconnect(4, NULL), WSANOTINITIALISED);
    assert_fails(WSARecvDisconnect(4, NULL), WSANOTINITIALISED);
    assert_fails(WSACancelBlockingCall(), WSANOTINITIALISED);
    assert_fails(gethostname(room, sizeof room), WSANOTINITIALISED);
    assert_false(WSAGetOverlappedResult(4, NULL, NULL, FALSE, NULL));
    assert_int_equal(WSAGetLastError(), WSANOTINITIALISED);
    assert_int_equal(getaddrinfo("127.0.0.1", NULL, NULL, &list), WSANOTINITIALISED);
    assert_null(gethostbyname("localhost"));
    assert_int_equal(WSAGetLastError(), WSANOTINITIALISED);
}

static void last_error__both_names_two_threads__one_word_each(void **state)
{
    (void)state;
    WSASetLastError(WSAEINTR);
    assert_int_equal(GetLastError(), WSAEINTR);
    SetLastError(7);
    assert_int_equal(WSAGetLastError(), 7);
    assert_int_equal(WSAGetLastError(), 7); /* reading takes nothing away */
    WSASetLastError(0);
    assert_int_equal(WSAGetLastError(), 0);
}

static void startup__twice__last_cleanup_ends_provider(void **state)
{
    WSADATA data;
    SOCKET s;
    struct fake_counters *counters;
    unsigned cleanups;
    (void)state;
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    s = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(s & 3, 0);
    assert_true(s < 0x80000000u);
    counters = t_api_counters();
    assert_int_equal(counters->last_version, MAKEWORD(2, 2));
    cleanups = counters->cleanups;
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(counters->cleanups, cleanups);
    assert_int_equal(listen(s, 1), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSAEINVAL); /* the provider's word: still alive */
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(counters->cleanups, cleanups + 1);
    assert_fails(listen(s, 1), WSANOTINITIALISED);
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_fails(listen(s, 1), WSAENOTSOCK); /* the handle did not survive the cleanup */
    assert_true(socket(AF_INET, SOCK_STREAM, 0) != INVALID_SOCKET);
    assert_int_equal(WSACleanup(), 0);
}

static void cycles__hundred__start_and_end_each_time(void **state)
{
    unsigned i;
    (void)state;
    for (i = 0; i < 100; i++) {
        WSADATA data;
        assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
        assert_true(socket(AF_INET, SOCK_DGRAM, 0) != INVALID_SOCKET);
        assert_int_equal(WSACleanup(), 0);
    }
}

#define ROUNDS 20000

static DWORD WINAPI start_and_end(LPVOID unused)
{
    unsigned i;
    (void)unused;
    for (i = 0; i < ROUNDS; i++) {
        WSADATA data;
        if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || WSACleanup() != 0) {
            return i + 1;
        }
    }
    return 0;
}

static void provider__calls_wsastartup_while_started__no_deadlock(void **state)
{
    WSADATA data;
    (void)state;
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    t_api_environment("FAKE_PROVIDER", "nested");
    assert_true(socket(AF_INET, SOCK_STREAM, 0) != INVALID_SOCKET);
    t_api_environment("FAKE_PROVIDER", NULL);
    assert_int_equal(WSACleanup(), 0);
    assert_fails(WSACleanup(), WSANOTINITIALISED);
}

static void startup__two_threads_start_and_end__count_is_exact(void **state)
{
    HANDLE threads[2];
    unsigned i;
    (void)state;
    for (i = 0; i < 2; i++) {
        threads[i] = CreateThread(NULL, 0, start_and_end, NULL, 0, NULL);
        assert_non_null(threads[i]);
    }
    for (i = 0; i < 2; i++) {
        DWORD code = 99;
        assert_int_equal(WaitForSingleObject(threads[i], 60000), WAIT_OBJECT_0);
        assert_true(GetExitCodeThread(threads[i], &code));
        assert_int_equal(code, 0);
        CloseHandle(threads[i]);
    }
    assert_fails(WSACleanup(), WSANOTINITIALISED);
}

static void provider__misbehaves__error_of_loading(void **state)
{
    static const struct {
        const char *mode;
        int code;
    } rows[] = {{"fail", WSAEPROVIDERFAILEDINIT}, {"version", WSAEINVALIDPROVIDER}, {"slot", WSAEINVALIDPROCTABLE}};
    WSADATA data;
    unsigned i;
    (void)state;
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("mode %s\n", rows[i].mode);
        t_api_environment("FAKE_PROVIDER", rows[i].mode);
        assert_no_socket(socket(AF_INET, SOCK_STREAM, 0), rows[i].code);
    }
    t_api_environment("FAKE_PROVIDER", NULL);
    assert_true(socket(AF_INET, SOCK_STREAM, 0) != INVALID_SOCKET); /* no trace of the failures: START-10 */
    assert_int_equal(WSACleanup(), 0);
}

static void socket__no_entry_matches__error_says_how_far(void **state)
{
    static const struct {
        int af, type, protocol, code;
    } rows[] = {
        {0, 0, 0, WSAEINVAL},
        {AF_IPX, SOCK_STREAM, 0, WSAEAFNOSUPPORT},
        {12345, 0, 0, WSAEAFNOSUPPORT},
        {AF_INET, SOCK_SEQPACKET, 0, WSAESOCKTNOSUPPORT},
        {AF_INET, SOCK_STREAM, IPPROTO_UDP, WSAEPROTONOSUPPORT},
        {AF_INET, SOCK_RAW, 300, WSAEPROTONOSUPPORT},
        {AF_INET, SOCK_STREAM, -1, WSAEPROTONOSUPPORT},
        {AF_INET, SOCK_RAW, IPPROTO_ICMP, WSAEACCES}, /* matched: the fake provider's own refusal */
    };
    WSADATA data;
    unsigned i;
    (void)state;
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("af %d type %d protocol %d\n", rows[i].af, rows[i].type, rows[i].protocol);
        assert_no_socket(socket(rows[i].af, rows[i].type, rows[i].protocol), rows[i].code);
    }
    assert_no_socket(socket(0, SOCK_DGRAM, 0), WSAEINVAL);
    assert_true(socket(0, SOCK_DGRAM, IPPROTO_UDP) != INVALID_SOCKET);
    assert_int_equal(t_api_counters()->last_entry, 1002);
    assert_no_socket(WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, 0x20), WSAEINVAL);
    assert_int_equal(WSACleanup(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(startup__version_asked__version_given),
        cmocka_unit_test(every_function__before_startup__not_initialised),
        cmocka_unit_test(last_error__both_names_two_threads__one_word_each),
        cmocka_unit_test(provider__misbehaves__error_of_loading),
        cmocka_unit_test(provider__calls_wsastartup_while_started__no_deadlock),
        cmocka_unit_test(startup__two_threads_start_and_end__count_is_exact),
        cmocka_unit_test(startup__twice__last_cleanup_ends_provider),
        cmocka_unit_test(cycles__hundred__start_and_end_each_time),
        cmocka_unit_test(socket__no_entry_matches__error_says_how_far),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
