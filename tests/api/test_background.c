/*
 * Names looked up in the background: GetAddrInfoEx with a structure, a routine, a time and cancellation, and the messages of
 * WSAAsyncGetXByY. Over the real provider, with a server of DNS of the test's own. Rules NSPX-22, A.19.10 to A.19.14, WS2-52.
 */
#include "t_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef AI_BYPASS_DNS_CACHE
#define AI_BYPASS_DNS_CACHE 0x40
#endif

#define MESSAGE (WM_USER + 7)

static struct t_dns dns;
static char resolv_path[T_API_PATH_BYTES];

static int start(void **state)
{
    FILE *file;
    t_api_temporary_file(resolv_path);
    t_api_environment("WINLANE_RESOLV", resolv_path);
    if (t_api_start(state) != 0) {
        return -1;
    }
    t_dns_start(&dns, "10.88.0.2");
    file = fopen(resolv_path, "w");
    assert_non_null(file);
    fprintf(file, "nameserver 10.88.0.2:%u\noptions timeout:30 attempts:1\n", dns.port);
    return fclose(file);
}

static int stop(void **state)
{
    t_dns_stop(&dns);
    remove(resolv_path);
    return t_api_stop(state);
}

/* ---- GetAddrInfoEx ---- */

static const ADDRINFOEXW four = {.ai_family = AF_INET, .ai_flags = AI_CANONNAME | AI_BYPASS_DNS_CACHE};

static int pend(PCWSTR name, PADDRINFOEXW *list, OVERLAPPED *overlapped, LPHANDLE handle)
{
    *list = (PADDRINFOEXW)(uintptr_t)1;
    return GetAddrInfoExW(name, L"80", NS_ALL, NULL, &four, list, NULL, overlapped, NULL, handle);
}

static void info__in_the_background__event_and_result(void **state)
{
    OVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    HANDLE handle = NULL;
    PADDRINFOEXW list;
    (void)state;
    assert_int_equal(pend(L"four.test", &list, &overlapped, &handle), WSA_IO_PENDING);
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
    assert_non_null(handle);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 10000), WAIT_OBJECT_0);
    assert_int_equal(GetAddrInfoExOverlappedResult(&overlapped), 0);
    assert_non_null(list);
    assert_int_equal(list->ai_family, AF_INET);
    assert_memory_equal(list->ai_canonname, L"four.test", sizeof L"four.test");
    FreeAddrInfoExW(list);
    assert_int_equal(GetAddrInfoExCancel(&handle), WSA_INVALID_HANDLE); /* it has completed */
    assert_int_equal(pend(L"nx.test", &list, &overlapped, &handle), WSA_IO_PENDING);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 10000), WAIT_OBJECT_0);
    assert_int_equal(GetAddrInfoExOverlappedResult(&overlapped), WSAHOST_NOT_FOUND);
    assert_null(list);
    WSACloseEvent(overlapped.hEvent);
}

static struct {
    HANDLE told;
    DWORD error;
    DWORD bytes;
    LPOVERLAPPED overlapped;
} called;

static void CALLBACK on_done(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped)
{
    called.error = error;
    called.bytes = bytes;
    called.overlapped = overlapped;
    SetEvent(called.told);
}

static void info__with_a_routine__is_called_once(void **state)
{
    OVERLAPPED overlapped = {.hEvent = NULL};
    PADDRINFOEXW list = NULL;
    (void)state;
    called.told = CreateEventA(NULL, FALSE, FALSE, NULL);
    assert_int_equal(GetAddrInfoExW(L"four.test", NULL, NS_DNS, NULL, &four, &list, NULL, &overlapped, on_done, NULL),
                     WSA_IO_PENDING);
    assert_int_equal(WaitForSingleObject(called.told, 10000), WAIT_OBJECT_0);
    assert_int_equal(called.error, 0);
    assert_ptr_equal(called.overlapped, &overlapped);
    assert_int_equal(GetAddrInfoExOverlappedResult(&overlapped), 0);
    assert_non_null(list);
    FreeAddrInfoExW(list);
    assert_int_equal(WaitForSingleObject(called.told, 50), WAIT_TIMEOUT);
    CloseHandle(called.told);
}

static void info__cancelled__completes_as_cancelled(void **state)
{
    OVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    HANDLE handle = NULL;
    HANDLE none = (HANDLE)(uintptr_t)12345;
    PADDRINFOEXW list;
    ULONGLONG before = GetTickCount64();
    (void)state;
    assert_int_equal(pend(L"silent.test", &list, &overlapped, &handle), WSA_IO_PENDING);
    while (dns.queries == 0) {
        Sleep(1);
    }
    assert_int_equal(GetAddrInfoExOverlappedResult(&overlapped), WSAEINPROGRESS);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT);
    assert_int_equal(GetAddrInfoExCancel(&handle), 0);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 15000), WAIT_OBJECT_0);
    assert_int_equal(GetAddrInfoExOverlappedResult(&overlapped), WSA_E_CANCELLED);
    assert_null(list);
    assert_true(GetTickCount64() - before < 20000); /* the server had thirty seconds */
    assert_int_equal(GetAddrInfoExCancel(&none), WSA_INVALID_HANDLE);
    assert_int_equal(GetAddrInfoExCancel(NULL), WSAEFAULT);
    WSACloseEvent(overlapped.hEvent);
}

/* More questions than threads: all are taken, those behind wait for their turn, and can be given up before it comes. */
static void info__more_than_threads__queued(void **state)
{
    enum { MANY = 150 };
    static OVERLAPPED overlapped[MANY];
    static PADDRINFOEXW lists[MANY];
    static HANDLE handles[MANY];
    struct timeval patience = {0, 100000};
    PADDRINFOEXW list = NULL;
    unsigned i;
    (void)state;
    for (i = 0; i < MANY; i++) {
        overlapped[i].hEvent = WSACreateEvent();
        assert_int_equal(pend(i < 100 ? L"silent.test" : L"four.test", &lists[i], &overlapped[i], &handles[i]),
                         WSA_IO_PENDING);
    }
    assert_int_equal(GetAddrInfoExW(L"four.test", L"80", NS_ALL, NULL, &four, &list, &patience, NULL, NULL, NULL),
                     WSAETIMEDOUT);
    assert_int_equal(WaitForSingleObject(overlapped[100].hEvent, 0), WAIT_TIMEOUT);
    assert_int_equal(GetAddrInfoExCancel(&handles[99]),
                     0); /* the last of these that is silent; it has not had its turn */
    assert_int_equal(WaitForSingleObject(overlapped[99].hEvent, 15000), WAIT_OBJECT_0);
    assert_int_equal(GetAddrInfoExOverlappedResult(&overlapped[99]), WSA_E_CANCELLED);
    for (i = 0; i < 99; i++) {
        assert_int_equal(GetAddrInfoExCancel(&handles[i]), 0);
    }
    for (i = 0; i < MANY; i++) {
        assert_int_equal(WaitForSingleObject(overlapped[i].hEvent, 20000), WAIT_OBJECT_0);
        assert_int_equal(GetAddrInfoExOverlappedResult(&overlapped[i]), i < 100 ? WSA_E_CANCELLED : 0);
        assert_true((lists[i] != NULL) == (i >= 100));
        FreeAddrInfoExW(lists[i]);
        WSACloseEvent(overlapped[i].hEvent);
    }
}

static void info__time_is_over__timedout(void **state)
{
    struct timeval patience = {0, 100000};
    PADDRINFOEXW list = NULL;
    (void)state;
    assert_int_equal(GetAddrInfoExW(L"silent.test", NULL, NS_ALL, NULL, &four, &list, &patience, NULL, NULL, NULL),
                     WSAETIMEDOUT);
    assert_null(list);
    patience.tv_sec = 4;
    assert_int_equal(GetAddrInfoExW(L"four.test", NULL, NS_ALL, NULL, &four, &list, &patience, NULL, NULL, NULL), 0);
    FreeAddrInfoExW(list);
}

static void info__wrong_arguments__have_their_codes(void **state)
{
    OVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    ADDRINFOEXA narrow = {.ai_family = AF_INET};
    PADDRINFOEXA narrow_list = NULL;
    PADDRINFOEXW list;
    HANDLE handle = (HANDLE)(uintptr_t)1;
    SOCKET_ADDRESS address = {NULL, 0};
    (void)state;
    assert_int_equal(GetAddrInfoExW(L"a", NULL, NS_ALL, NULL, &four, &list, NULL, &overlapped, on_done, NULL),
                     WSAEINVAL);
    assert_int_equal(GetAddrInfoExW(L"a", NULL, NS_ALL, NULL, &four, &list, NULL, NULL, on_done, NULL), WSAEINVAL);
    assert_int_equal(GetAddrInfoExA("a", NULL, NS_ALL, NULL, &narrow, &narrow_list, NULL, &overlapped, NULL, NULL),
                     WSAEINVAL);
    assert_int_equal(pend(L"10.1.2.3", &list, &overlapped, &handle), 0); /* no network is needed: nobody is told */
    assert_null(handle);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT);
    FreeAddrInfoExW(list);
    assert_int_equal(GetAddrInfoExOverlappedResult(NULL), WSAEINVAL);
    assert_int_equal(SetAddrInfoExW(L"me.test", NULL, &address, 1, NULL, 0, NS_DNS, NULL, NULL, NULL, NULL, NULL),
                     WSANO_RECOVERY);
    assert_int_equal(SetAddrInfoExW(NULL, NULL, NULL, 0, NULL, 0, NS_DNS, NULL, NULL, NULL, NULL, NULL), WSAEINVAL);
    WSACloseEvent(overlapped.hEvent);
}

/* ---- messages ---- */

static HWND window;

static int open_window(void **state)
{
    if (start(state) != 0) {
        return -1;
    }
    window = CreateWindowExA(0, "static", "", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    return window == NULL ? -1 : 0;
}

static int close_window(void **state)
{
    DestroyWindow(window);
    return stop(state);
}

/* The message of a task. */
static MSG message_of(HANDLE task)
{
    MSG message;
    ULONGLONG until = GetTickCount64() + 10000;
    assert_non_null(task);
    while (!PeekMessageA(&message, window, MESSAGE, MESSAGE, PM_REMOVE)) {
        assert_true(GetTickCount64() < until);
        Sleep(2);
    }
    assert_int_equal(message.message, MESSAGE);
    assert_true(message.wParam == (WPARAM)task);
    return message;
}

static union {
    struct hostent host;
    struct servent service;
    struct protoent protocol;
    char bytes[MAXGETHOSTSTRUCT];
} room;

static bool inside(const void *pointer)
{
    return (const char *)pointer >= room.bytes && (const char *)pointer < room.bytes + sizeof room;
}

static void message__host__all_in_the_buffer(void **state)
{
    MSG message = message_of(WSAAsyncGetHostByName(window, MESSAGE, "alias.test", room.bytes, sizeof room));
    (void)state;
    assert_int_equal(WSAGETASYNCERROR(message.lParam), 0);
    assert_true(inside(room.host.h_name) && inside(room.host.h_aliases) && inside(room.host.h_aliases[0]) &&
                inside(room.host.h_addr_list) && inside(room.host.h_addr_list[0]));
    assert_string_equal(room.host.h_name, "four.test");
    assert_memory_equal(room.host.h_addr_list[0], "\x0a\x58\x00\x02", 4);
    message = message_of(
        WSAAsyncGetHostByAddr(window, MESSAGE, "\x0a\x58\x00\x02", 4, AF_INET, room.bytes, sizeof room));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), 0);
    assert_string_equal(room.host.h_name, "ptr.test");
}

static void message__service_and_protocol__all_in_the_buffer(void **state)
{
    MSG message = message_of(WSAAsyncGetServByName(window, MESSAGE, "domain", NULL, room.bytes, sizeof room));
    (void)state;
    assert_int_equal(WSAGETASYNCERROR(message.lParam), 0);
    assert_int_equal(room.service.s_port, (short)htons(53));
    assert_true(inside(room.service.s_name) && inside(room.service.s_proto) && inside(room.service.s_aliases));
    message = message_of(WSAAsyncGetServByPort(window, MESSAGE, htons(80), "tcp", room.bytes, sizeof room));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), 0);
    assert_string_equal(room.service.s_name, "http");
    message = message_of(WSAAsyncGetProtoByName(window, MESSAGE, "udp", room.bytes, sizeof room));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), 0);
    assert_int_equal(room.protocol.p_proto, 17);
    message = message_of(WSAAsyncGetProtoByNumber(window, MESSAGE, 6, room.bytes, sizeof room));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), 0);
    assert_string_equal(room.protocol.p_name, "tcp");
    assert_true(inside(room.protocol.p_name));
}

static void message__little_room__nobufs_and_what_is_needed(void **state)
{
    MSG message;
    unsigned need;
    (void)state;
    memset(&room, 0x5a, sizeof room);
    message = message_of(WSAAsyncGetHostByName(window, MESSAGE, "four.test", room.bytes, sizeof(struct hostent)));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), WSAENOBUFS);
    need = WSAGETASYNCBUFLEN(message.lParam);
    assert_true(need > sizeof(struct hostent) && need < sizeof room);
    assert_int_equal(room.bytes[0], 0x5a); /* nothing was written */
    message = message_of(WSAAsyncGetHostByName(window, MESSAGE, "four.test", room.bytes, (int)need));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), 0);
    assert_int_equal((unsigned char)room.bytes[need], 0x5a);
}

struct code_row {
    const char *name;
    int code;
};

static void message__not_found__has_its_code(void **state)
{
    static const struct code_row rows[] = {{"nx.test", WSAHOST_NOT_FOUND},
                                           {"nodata.test", WSANO_DATA},
                                           {"fail.test", WSATRY_AGAIN},
                                           {"refused.test", WSANO_RECOVERY},
                                           {"form.test", WSANO_RECOVERY}};
    MSG message;
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("%s\n", rows[i].name);
        message = message_of(WSAAsyncGetHostByName(window, MESSAGE, rows[i].name, room.bytes, sizeof room));
        assert_int_equal(WSAGETASYNCERROR(message.lParam), rows[i].code);
    }
    message = message_of(WSAAsyncGetServByName(window, MESSAGE, "no-such-service", NULL, room.bytes, sizeof room));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), WSANO_DATA);
    message = message_of(WSAAsyncGetProtoByNumber(window, MESSAGE, 250, room.bytes, sizeof room));
    assert_int_equal(WSAGETASYNCERROR(message.lParam), WSANO_DATA);
}

static void message__cancelled__does_not_come(void **state)
{
    HANDLE task = WSAAsyncGetHostByName(window, MESSAGE, "silent.test", room.bytes, sizeof room);
    MSG message;
    (void)state;
    assert_non_null(task);
    while (dns.queries == 0) {
        Sleep(1);
    }
    assert_int_equal(WSACancelAsyncRequest(task), 0);
    assert_fails(WSACancelAsyncRequest(task), WSAEINVAL);
    Sleep(50);
    assert_false(PeekMessageA(&message, window, 0, 0, PM_REMOVE));
    task = WSAAsyncGetProtoByNumber(window, MESSAGE, 6, room.bytes, sizeof room);
    message = message_of(task);
    assert_fails(WSACancelAsyncRequest(task), WSAEALREADY);
    assert_fails(WSACancelAsyncRequest(NULL), WSAEINVAL);
    assert_fails(WSACancelAsyncRequest((HANDLE)(uintptr_t)0x7ffff), WSAEINVAL);
}

static void message__wrong_arguments__no_task(void **state)
{
    (void)state;
    WSASetLastError(0);
    assert_null(WSAAsyncGetHostByName(window, MESSAGE, NULL, room.bytes, sizeof room));
    assert_int_equal(WSAGetLastError(), WSAEFAULT);
    /* A window that is none is not seen when the task begins; nobody is told of its end. */
    assert_non_null(WSAAsyncGetServByPort(NULL, 0, 0, NULL, NULL, 0));
    assert_null(WSAAsyncGetHostByAddr(window, MESSAGE, "\x0a\x58\x00\x02", 3, AF_INET, room.bytes, sizeof room));
    assert_int_equal(WSAGetLastError(), WSAEFAULT);
    assert_null(WSAAsyncGetHostByAddr(window, MESSAGE, "\x0a\x58\x00\x02", 4, 99, room.bytes, sizeof room));
    assert_int_equal(WSAGetLastError(), WSAEAFNOSUPPORT);
}

/* Everything that is asked ends with the last WSACleanup, which does not wait for servers. */
static void cleanup__questions_under_way__ended(void **state)
{
    static OVERLAPPED others[100];
    static PADDRINFOEXW lists[100];
    OVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    PADDRINFOEXW list;
    ULONGLONG before;
    unsigned i;
    (void)state;
    assert_int_equal(pend(L"silent.test", &list, &overlapped, NULL), WSA_IO_PENDING);
    assert_non_null(WSAAsyncGetHostByName(window, MESSAGE, "silent.test", room.bytes, sizeof room));
    while (dns.queries < 2) {
        Sleep(1);
    }
    for (i = 0; i < 100; i++) { /* and some that wait for their turn */
        assert_int_equal(pend(L"silent.test", &lists[i], &others[i], NULL), WSA_IO_PENDING);
    }
    t_dns_stop(&dns);
    before = GetTickCount64();
    assert_int_equal(WSACleanup(), 0);
    assert_true(GetTickCount64() - before < 20000);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 0), WAIT_OBJECT_0);
    assert_true(overlapped.Internal == WSA_E_CANCELLED || overlapped.Internal == WSATRY_AGAIN);
    for (i = 0; i < 100; i++) { /* those that had asked already may have seen that the server is gone */
        assert_true(others[i].Internal == WSA_E_CANCELLED || others[i].Internal == WSATRY_AGAIN);
    }
    assert_null(WSAAsyncGetHostByName(window, MESSAGE, "four.test", room.bytes, sizeof room));
    assert_int_equal(WSAGetLastError(), WSANOTINITIALISED);
    assert_int_equal(t_api_start(NULL), 0);
    t_dns_start(&dns, "10.88.0.2");
    WSACloseEvent(overlapped.hEvent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(info__in_the_background__event_and_result, start, stop),
        cmocka_unit_test_setup_teardown(info__with_a_routine__is_called_once, start, stop),
        cmocka_unit_test_setup_teardown(info__cancelled__completes_as_cancelled, start, stop),
        cmocka_unit_test_setup_teardown(info__more_than_threads__queued, start, stop),
        cmocka_unit_test_setup_teardown(info__time_is_over__timedout, start, stop),
        cmocka_unit_test_setup_teardown(info__wrong_arguments__have_their_codes, start, stop),
        cmocka_unit_test_setup_teardown(message__host__all_in_the_buffer, open_window, close_window),
        cmocka_unit_test_setup_teardown(message__service_and_protocol__all_in_the_buffer, open_window, close_window),
        cmocka_unit_test_setup_teardown(message__little_room__nobufs_and_what_is_needed, open_window, close_window),
        cmocka_unit_test_setup_teardown(message__not_found__has_its_code, open_window, close_window),
        cmocka_unit_test_setup_teardown(message__cancelled__does_not_come, open_window, close_window),
        cmocka_unit_test_setup_teardown(message__wrong_arguments__no_task, open_window, close_window),
        cmocka_unit_test_setup_teardown(cleanup__questions_under_way__ended, open_window, close_window),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}
