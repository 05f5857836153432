/*
 * GetAddrInfoEx over files, with any DLL of ours. Rules WS2-63, WS2-64.
 */
#include "t_api.h"

#include <string.h>

/* The list's port and address, both families. */
static bool is_loopback(const ADDRINFOEXW *node, u_short port)
{
    if (node->ai_family == AF_INET) {
        const SOCKADDR_IN *sin = (const SOCKADDR_IN *)(const void *)node->ai_addr;
        return node->ai_addrlen == sizeof *sin && sin->sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
               sin->sin_port == htons(port);
    } else {
        const SOCKADDR_IN6 *sin6 = (const SOCKADDR_IN6 *)(const void *)node->ai_addr;
        return node->ai_addrlen == sizeof *sin6 && IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr) &&
               sin6->sin6_port == htons(port);
    }
}

static int look(PCWSTR name, PCWSTR service, const ADDRINFOEXW *hints, PADDRINFOEXW *list)
{
    *list = (PADDRINFOEXW)(uintptr_t)1;
    return GetAddrInfoExW(name, service, NS_ALL, NULL, hints, list, NULL, NULL, NULL, NULL);
}

static void name__localhost__both_families_and_canonical_name(void **state)
{
    ADDRINFOEXW hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
    PADDRINFOEXW list;
    PADDRINFOEXW second;
    (void)state;
    assert_int_equal(look(L"localhost", L"80", &hints, &list), 0);
    assert_int_equal(list->ai_family, AF_INET6);
    assert_true(is_loopback(list, 80));
    assert_int_equal(list->ai_socktype, SOCK_STREAM);
    assert_memory_equal(list->ai_canonname, L"localhost", sizeof L"localhost");
    second = (PADDRINFOEXW)(void *)list->ai_next;
    assert_non_null(second);
    assert_int_equal(second->ai_family, AF_INET);
    assert_true(is_loopback(second, 80));
    assert_null(second->ai_canonname);
    assert_null(second->ai_next);
    FreeAddrInfoExW(list);
}

static void name__ansi__same_answer(void **state)
{
    ADDRINFOEXA hints = {.ai_flags = AI_CANONNAME, .ai_family = AF_INET};
    PADDRINFOEXA list = NULL;
    (void)state;
    assert_int_equal(GetAddrInfoExA("localhost", "7", NS_DNS, NULL, &hints, &list, NULL, NULL, NULL, NULL), 0);
    assert_string_equal(list->ai_canonname, "localhost");
    assert_true(is_loopback((const ADDRINFOEXW *)(const void *)list, 7));
    FreeAddrInfoEx(list);
}

/* What may pend does: the event, then the result. */
static void name__in_the_background__event_and_result(void **state)
{
    OVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    PADDRINFOEXW list = NULL;
    (void)state;
    assert_int_equal(GetAddrInfoExW(L"localhost", L"7", NS_ALL, NULL, NULL, &list, NULL, &overlapped, NULL, NULL),
                     WSA_IO_PENDING);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 10000), WAIT_OBJECT_0);
    assert_int_equal(overlapped.Internal, 0);
    assert_true(is_loopback(list, 7));
    FreeAddrInfoExW(list);
    assert_int_equal(GetAddrInfoExW(L"127.0.0.1", L"7", NS_ALL, NULL, NULL, &list, NULL, &overlapped, NULL, NULL), 0);
    assert_true(is_loopback(list, 7));
    FreeAddrInfoExW(list);
    WSACloseEvent(overlapped.hEvent);
}

static void name__bad_arguments__codes(void **state)
{
    ADDRINFOEXW hints = {.ai_family = 99};
    ADDRINFOEXW full = {.ai_blob = &hints};
    GUID provider = {0};
    PADDRINFOEXW list;
    (void)state;
    assert_int_equal(look(L"no-such-host.invalid", NULL, NULL, &list), WSAHOST_NOT_FOUND);
    assert_null(list);
    assert_int_equal(WSAGetLastError(), WSAHOST_NOT_FOUND);
    assert_int_equal(look(NULL, NULL, NULL, &list), WSAHOST_NOT_FOUND);
    assert_int_equal(look(L"1.2.3.4", NULL, &hints, &list), WSAEAFNOSUPPORT);
    assert_int_equal(look(L"1.2.3.4", NULL, &full, &list), WSANO_RECOVERY);
    assert_null(list);
    assert_int_equal(GetAddrInfoExW(L"1.2.3.4", NULL, NS_ALL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), WSAEINVAL);
    assert_int_equal(GetAddrInfoExW(L"1.2.3.4", NULL, NS_BTH, NULL, NULL, &list, NULL, NULL, NULL, NULL),
                     WSASERVICE_NOT_FOUND);
    assert_int_equal(GetAddrInfoExW(L"1.2.3.4", NULL, NS_ALL, &provider, NULL, &list, NULL, NULL, NULL, NULL),
                     WSASERVICE_NOT_FOUND);
    FreeAddrInfoExW(NULL);
    FreeAddrInfoEx(NULL);
}

/* An empty service is none: the port stays 0. */
static void service__empty__port_zero(void **state)
{
    PADDRINFOEXW list;
    PADDRINFOA narrow = NULL;
    (void)state;
    assert_int_equal(look(L"127.0.0.1", L"", NULL, &list), 0);
    assert_true(is_loopback(list, 0));
    FreeAddrInfoExW(list);
    assert_int_equal(getaddrinfo("127.0.0.1", "", NULL, &narrow), 0);
    assert_int_equal(((const SOCKADDR_IN *)(const void *)narrow->ai_addr)->sin_port, 0);
    assert_int_equal(narrow->ai_socktype, 0);
    freeaddrinfo(narrow);
    assert_int_equal(getaddrinfo(NULL, "", NULL, &narrow), 0);
    assert_int_equal(narrow->ai_family, AF_INET6);
    freeaddrinfo(narrow);
}

/* Rule WS2-63: the code that is returned is set, too. */
static void last_error__answered__zero(void **state)
{
    PADDRINFOEXW list;
    PADDRINFOA narrow = NULL;
    PADDRINFOW wide = NULL;
    (void)state;
    WSASetLastError(4711);
    assert_int_equal(look(L"127.0.0.1", L"7", NULL, &list), 0);
    assert_int_equal(WSAGetLastError(), 0);
    FreeAddrInfoExW(list);
    WSASetLastError(4711);
    assert_int_equal(getaddrinfo("localhost", "7", NULL, &narrow), 0);
    assert_int_equal(WSAGetLastError(), 0);
    freeaddrinfo(narrow);
    WSASetLastError(4711);
    assert_int_equal(GetAddrInfoW(L"localhost", NULL, NULL, &wide), 0);
    assert_int_equal(WSAGetLastError(), 0);
    FreeAddrInfoW(wide);
}

static void name__before_startup__not_initialised(void **state)
{
    PADDRINFOEXW list;
    (void)state;
    assert_int_equal(look(L"1.2.3.4", NULL, NULL, &list), WSANOTINITIALISED);
    assert_null(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name__before_startup__not_initialised),
        cmocka_unit_test_setup_teardown(name__localhost__both_families_and_canonical_name, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(name__ansi__same_answer, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(name__in_the_background__event_and_result, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(name__bad_arguments__codes, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(service__empty__port_zero, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(last_error__answered__zero, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
