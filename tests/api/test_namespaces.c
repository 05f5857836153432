/*
 * Namespace providers that are libraries of their own: installed, listed, switched, ordered, loaded and asked.
 * Rules NSP-1, NSP-2, NSP-8, NSPX-1 to NSPX-3, NSPX-7, NSPX-12, NSPX-13, LAY-8, WSC-11, WSC2-11 to WSC2-13, A.19.15, A.19.21.
 */
#include "t_api.h"

#include "fake_names.h"

#include <sporder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svcguid.h>

static char catalog_path[T_API_PATH_BYTES];
static GUID builtin;
static GUID good = FAKE_NAMES_ID(FAKE_NAMES_GOOD);
static GUID second = FAKE_NAMES_ID(FAKE_NAMES_SECOND);
static GUID old = FAKE_NAMES_ID(FAKE_NAMES_OLD);
static GUID no_slot = FAKE_NAMES_ID(FAKE_NAMES_NO_SLOT);
static GUID no_start = FAKE_NAMES_ID(FAKE_NAMES_NO_START);
static GUID by_name = SVCID_INET_HOSTADDRBYNAME;

static union {
    WSANAMESPACE_INFOEXW info[8];
    char bytes[8192];
} list;

static union {
    WSAQUERYSETW set;
    char bytes[4096];
} result;

static struct fake_names_counters *counters(void)
{
    union {
        void *object;
        struct fake_names_counters *(*function)(void);
    } both;
    both.object = t_api_symbol_of(T_FAKE_NAMES, "fake_names_counters");
    return both.function();
}

static WCHAR library[T_API_PATH_BYTES];

static int install(GUID *id, DWORD name_space, const char *path)
{
    WCHAR name[] = L"Fake names";
    unsigned i;
    for (i = 0; path[i] != '\0'; i++) {
        library[i] = (WCHAR)(unsigned char)path[i];
    }
    library[i] = 0;
    return WSCInstallNameSpace(name, library, name_space, 3, id);
}

/* A catalogue of no socket provider, with the built-in names. */
static int make_catalog(void **state)
{
    FILE *file;
    DWORD bytes = sizeof list;
    t_api_temporary_file(catalog_path);
    t_api_environment("WINLANE_CATALOG", catalog_path);
    file = fopen(catalog_path, "w");
    assert_non_null(file);
    assert_true(fputs("{\"providers\": []}", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(t_api_start(state), 0);
    assert_int_equal(WSAEnumNameSpaceProvidersExW(&bytes, list.info), 1);
    builtin = list.info[0].NSProviderId;
    return WSACleanup();
}

static int drop_catalog(void **state)
{
    char lock[T_API_PATH_BYTES + 8];
    (void)state;
    snprintf(lock, sizeof lock, "%s.lock", catalog_path);
    (void)remove(lock);
    return remove(catalog_path);
}

static int count_listed(void)
{
    DWORD bytes = sizeof list;
    return WSAEnumNameSpaceProvidersExW(&bytes, list.info);
}

static int look(GUID *provider, DWORD name_space, const WCHAR *name, HANDLE *lookup)
{
    WSAQUERYSETW query;
    memset(&query, 0, sizeof query);
    query.dwSize = sizeof query;
    query.lpServiceClassId = &by_name;
    query.lpszServiceInstanceName = (LPWSTR)(uintptr_t)name;
    query.dwNameSpace = name_space;
    query.lpNSProviderId = provider;
    return WSALookupServiceBeginW(&query, LUP_RETURN_NAME | LUP_RETURN_ADDR | LUP_RETURN_BLOB, lookup);
}

static int next(HANDLE lookup)
{
    DWORD bytes = sizeof result;
    return WSALookupServiceNextW(lookup, 0, &bytes, &result.set);
}

static void provider__installed__listed_switched_ordered_and_removed(void **state)
{
    GUID order[3];
    BYTE data[] = {1, 2, 3};
    BLOB blob = {sizeof data, data};
    WCHAR name[] = L"With a blob";
    WCHAR path[] = L"somewhere.so";
    (void)state;
    assert_int_equal(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(WSCInstallNameSpaceEx(name, path, NS_NLA, 1, &second, &blob), 0);
    assert_fails(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), WSAEINVAL); /* one GUID, one provider */
    assert_fails(WSCInstallNameSpace(NULL, path, NS_NLA, 1, &old), WSAEINVAL);
    assert_fails(WSCInstallNameSpace(name, NULL, NS_NLA, 1, &old), WSAEINVAL);
    assert_fails(WSCInstallNameSpace(name, path, NS_NLA, 1, NULL), WSAEINVAL);
    assert_fails(WSCInstallNameSpace(name, path, NS_ALL, 1, &old), WSAEINVAL);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(count_listed(), 3);
    assert_memory_equal(&list.info[1].NSProviderId, &good, sizeof good);
    assert_int_equal(list.info[1].dwNameSpace, FAKE_NAMES_SPACE);
    assert_int_equal(list.info[1].dwVersion, 3);
    assert_true(list.info[1].fActive);
    assert_int_equal(list.info[2].ProviderSpecific.cbSize, 3);
    assert_memory_equal(list.info[2].ProviderSpecific.pBlobData, data, 3);
    assert_int_equal(WSCEnableNSProvider(&good, FALSE), 0);
    assert_int_equal(count_listed(), 3);
    assert_true(list.info[1].fActive); /* who runs keeps what was read */
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(count_listed(), 3);
    assert_false(list.info[1].fActive); /* listed all the same */
    order[0] = second;
    order[1] = builtin;
    order[2] = good;
    assert_int_equal(WSCWriteNameSpaceOrder(order, 2), WSAEINVAL);
    order[2] = second;
    assert_int_equal(WSCWriteNameSpaceOrder(order, 3), WSAEINVAL);
    order[2] = good;
    assert_int_equal(WSCWriteNameSpaceOrder(order, 3), 0);
    assert_int_equal(WSCWriteNameSpaceOrder(NULL, 3), WSAEFAULT);
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(count_listed(), 3);
    assert_memory_equal(&list.info[0].NSProviderId, &second, sizeof second);
    assert_memory_equal(&list.info[1].NSProviderId, &builtin, sizeof builtin);
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(WSCUnInstallNameSpace(&second), 0);
    assert_fails(WSCUnInstallNameSpace(&second), WSAEINVAL);
    assert_fails(WSCUnInstallNameSpace(NULL), WSAEFAULT);
    assert_fails(WSCEnableNSProvider(&second, TRUE), WSAEINVAL);
    assert_fails(WSCEnableNSProvider(NULL, TRUE), WSAEFAULT);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(count_listed(), 2);
    assert_int_equal(WSACleanup(), 0);
}

static void question__by_guid_namespace_or_all__goes_there(void **state)
{
    HANDLE lookup;
    unsigned begins;
    (void)state;
    assert_int_equal(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(install(&second, FAKE_NAMES_SPACE + 1, T_FAKE_NAMES), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(look(&second, NS_DNS, L"fake.example", &lookup), 0); /* the GUID counts before the namespace */
    begins = counters()->begins;
    assert_int_equal(next(lookup), 0);
    assert_int_equal(result.set.lpNSProviderId->Data1, second.Data1);
    assert_fails(next(lookup), WSA_E_NO_MORE);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(look(NULL, FAKE_NAMES_SPACE, L"fake.example", &lookup), 0);
    assert_int_equal(counters()->begins, begins + 1); /* one was asked */
    assert_int_equal(next(lookup), 0);
    assert_int_equal(result.set.lpNSProviderId->Data1, good.Data1);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(look(NULL, NS_ALL, L"fake.example", &lookup), 0); /* the built-in one knows nothing of it */
    assert_int_equal(next(lookup), 0);
    assert_int_equal(result.set.lpNSProviderId->Data1, good.Data1);
    assert_int_equal(next(lookup), 0); /* then the next one's */
    assert_int_equal(result.set.lpNSProviderId->Data1, second.Data1);
    assert_fails(next(lookup), WSA_E_NO_MORE);
    assert_fails(next(lookup), WSA_E_NO_MORE);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_fails(look(&good, NS_ALL, L"unknown.example", &lookup), WSASERVICE_NOT_FOUND); /* what it said */
    assert_int_equal(look(&good, NS_ALL, L"fails.example", &lookup), 0);
    assert_fails(next(lookup), WSATRY_AGAIN);
    assert_fails(next(lookup), WSA_E_NO_MORE);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(WSCEnableNSProvider(&second, FALSE), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_fails(look(&second, NS_ALL, L"fake.example", &lookup), WSASERVICE_NOT_FOUND); /* switched off */
    assert_int_equal(WSACleanup(), 0);
}

static void name_functions__asked__are_clients_of_the_providers(void **state)
{
    ADDRINFOA hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    PADDRINFOA found = NULL;
    struct hostent *host;
    (void)state;
    assert_int_equal(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(t_api_start(NULL), 0);
    host = gethostbyname("fake.example");
    assert_non_null(host);
    assert_string_equal(host->h_name, "fake.example");
    assert_string_equal(host->h_aliases[0], "alias.example");
    assert_null(host->h_aliases[1]);
    assert_memory_equal(host->h_addr_list[0], "\x0a\x0b\x0c\x0d", 4);
    assert_null(host->h_addr_list[1]);
    assert_int_equal(counters()->class_name_chars,
                     strlen("Inet Hostaddr by name")); /* its class, as a provider knows it */
    assert_true((counters()->last_flags & LUP_RETURN_BLOB) != 0);
    assert_int_equal(getaddrinfo("fake.example", "80", &hints, &found), 0);
    assert_string_equal(found->ai_canonname, "fake.example");
    assert_int_equal(((SOCKADDR_IN *)(void *)found->ai_addr)->sin_addr.s_addr, htonl(0x0a0b0c0d));
    assert_int_equal(((SOCKADDR_IN *)(void *)found->ai_addr)->sin_port, htons(80));
    freeaddrinfo(found);
    assert_null(gethostbyname("bad.example")); /* offsets that lead out of the answer */
    assert_int_equal(WSAGetLastError(), WSANO_RECOVERY);
    assert_null(gethostbyname("fails.example"));
    assert_int_equal(WSACleanup(), 0);
}

/* The end of a lookup is no code of a name function. */
static void answers__none_and_no_reason__no_data(void **state)
{
    GUID provider = good;
    PADDRINFOEXW found = (PADDRINFOEXW)(uintptr_t)1;
    (void)state;
    assert_int_equal(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(
        GetAddrInfoExW(L"empty.example", NULL, FAKE_NAMES_SPACE, &provider, NULL, &found, NULL, NULL, NULL, NULL),
        WSANO_DATA);
    assert_null(found);
    assert_int_equal(WSAGetLastError(), WSANO_DATA);
    assert_int_equal(WSACleanup(), 0);
}

static DWORD WINAPI end_later(LPVOID lookup)
{
    while (counters()->nexts == 0) {
        Sleep(1);
    }
    Sleep(20);
    return (DWORD)WSALookupServiceEnd((HANDLE)lookup);
}

static void lookup__ended_by_another_thread__next_is_cancelled(void **state)
{
    HANDLE lookup;
    HANDLE thread;
    (void)state;
    assert_int_equal(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(look(&good, NS_ALL, L"wait.example", &lookup), 0);
    counters()->nexts = 0;
    thread = CreateThread(NULL, 0, end_later, lookup, 0, NULL);
    assert_fails(next(lookup), WSA_E_CANCELLED);
    assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    CloseHandle(thread);
    assert_fails(next(lookup), WSA_INVALID_HANDLE);
    assert_int_equal(WSACleanup(), 0);
}

static void table__old_or_wrong__used_or_refused(void **state)
{
    HANDLE lookup;
    DWORD bytes = 0;
    unsigned startups;
    (void)state;
    assert_int_equal(install(&old, 1000, T_FAKE_NAMES), 0);
    assert_int_equal(install(&no_slot, 1001, T_FAKE_NAMES), 0);
    assert_int_equal(install(&no_start, 1002, T_FAKE_NAMES), 0);
    assert_int_equal(install(&second, 1003, "no-such-library"), 0);
    assert_int_equal(install(&good, 1004, T_FAKE_NAMES), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(look(&old, NS_ALL, L"fake.example", &lookup), 0);
    startups = counters()->startups;
    assert_int_equal(next(lookup), 0);
    assert_fails(next(lookup), WSA_E_NO_MORE); /* it says WSAENOMORE */
    assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, &bytes, NULL), WSAEOPNOTSUPP);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_fails(look(&no_slot, NS_ALL, L"fake.example", &lookup), WSAEINVALIDPROCTABLE);
    assert_int_equal(counters()->startups, startups + 1);
    assert_int_equal(counters()->cleanups, 1); /* what was started is ended */
    assert_fails(look(&no_start, NS_ALL, L"fake.example", &lookup), WSAEPROVIDERFAILEDINIT);
    assert_fails(look(&second, NS_ALL, L"fake.example", &lookup), WSAEPROVIDERFAILEDINIT);
    assert_int_equal(look(&good, NS_ALL, L"fake.example", &lookup), 0);
    assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, &bytes, NULL), WSAEWOULDBLOCK);
    assert_int_equal(WSANSPIoctl(lookup, 5, NULL, 0, NULL, 0, &bytes, NULL), 0);
    assert_int_equal(bytes, 7);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(look(NULL, NS_ALL, L"fake.example", &lookup), 0); /* the others are asked all the same */
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(WSACleanup(), 0);
}

static void start_and_end__counted__once_for_each_provider(void **state)
{
    HANDLE lookup;
    unsigned startups;
    unsigned cleanups;
    (void)state;
    assert_int_equal(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(install(&second, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(look(&good, NS_ALL, L"fake.example", &lookup), 0);
    startups = counters()->startups;
    cleanups = counters()->cleanups;
    assert_int_equal(look(&good, NS_ALL, L"fake.example", &lookup), 0);
    assert_int_equal(counters()->startups, startups); /* started once */
    assert_int_equal(look(NULL, FAKE_NAMES_SPACE, L"fake.example", &lookup), 0);
    assert_int_equal(counters()->startups, startups + 1); /* the second, for its first question */
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(counters()->cleanups, cleanups);
    assert_int_equal(WSACleanup(), 0); /* the last: lookups are ended, providers too */
    assert_int_equal(counters()->cleanups, cleanups + 2);
    assert_int_equal(t_api_start(NULL), 0);
    assert_fails(WSALookupServiceEnd(lookup), WSA_INVALID_HANDLE);
    assert_int_equal(WSACleanup(), 0);
}

/* Rule A.19.21. */
static void service__set__scope_of_the_query(void **state)
{
    WSANSCLASSINFOW none;
    WCHAR name[] = L"Class";
    GUID class_id = {1, 2, 3, {4}};
    WSASERVICECLASSINFOW info = {&class_id, name, 0, &none};
    WSAQUERYSETW query;
    unsigned sets;
    (void)state;
    assert_int_equal(install(&good, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(install(&second, FAKE_NAMES_SPACE, T_FAKE_NAMES), 0);
    assert_int_equal(t_api_start(NULL), 0);
    memset(&query, 0, sizeof query);
    memset(&none, 0, sizeof none);
    query.dwSize = sizeof query;
    query.lpServiceClassId = &by_name;
    query.lpszServiceInstanceName = name;
    query.dwNameSpace = NS_DNS;
    query.lpNSProviderId = &second;
    assert_fails(WSASetServiceW(&query, RNRSERVICE_REGISTER, 0), WSAEACCES); /* the provider's word */
    sets = counters()->sets;
    query.lpNSProviderId = NULL;
    assert_int_equal(WSASetServiceW(&query, RNRSERVICE_REGISTER, 0), 0); /* DNS alone */
    assert_int_equal(counters()->sets, sets);
    query.dwNameSpace = FAKE_NAMES_SPACE;
    assert_int_equal(WSASetServiceW(&query, RNRSERVICE_REGISTER, 0), 0); /* one took it, one did not */
    assert_int_equal(counters()->sets, sets + 2);
    query.dwNameSpace = NS_ALL;
    assert_int_equal(WSASetServiceW(&query, RNRSERVICE_DEREGISTER, 0), 0);
    assert_int_equal(counters()->sets, sets + 4);
    assert_int_equal(WSAInstallServiceClassW(&info), 0); /* every provider hears of it, the built-in one keeps it */
    assert_int_equal(counters()->installs, 2);
    assert_int_equal(WSARemoveServiceClass(&class_id), 0);
    assert_int_equal(counters()->removes, 2);
    assert_int_equal(WSACleanup(), 0);
}

static void file__wrong__start_fails(void **state)
{
    static const char *const wrong[] = {
        "{\"providers\": [], \"namespaces\": 5}",
        "{\"providers\": [], \"namespaces\": [{\"id\": \"x\", \"name\": \"n\", \"namespace\": 12}]}",
        "{\"providers\": [], \"namespaces\": [{\"id\": \"{fa4e0001-1234-5678-0102-030405060708}\", \"namespace\": 12}]}",
        "{\"providers\": [], \"namespaces\": [{\"id\": \"{fa4e0001-1234-5678-0102-030405060708}\", \"name\": \"n\"}]}",
        "{\"providers\": [], \"namespaces\": [{\"id\": \"{fa4e0001-1234-5678-0102-030405060708}\", \"name\": \"n\", "
        "\"namespace\": 12, \"blob\": \"0g\"}]}",
        "{\"providers\": [], \"namespaces\": [{\"id\": \"{fa4e0001-1234-5678-0102-030405060708}\", \"name\": \"n\", "
        "\"namespace\": 12, \"colour\": 1}]}",
    };
    WSADATA data;
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        FILE *file = fopen(catalog_path, "w");
        print_message("%s\n", wrong[i]);
        assert_true(fputs(wrong[i], file) >= 0 && fclose(file) == 0);
        assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), WSASYSNOTREADY);
        assert_fails(install(&good, 12, T_FAKE_NAMES), WSANO_RECOVERY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(provider__installed__listed_switched_ordered_and_removed, make_catalog,
                                        drop_catalog),
        cmocka_unit_test_setup_teardown(table__old_or_wrong__used_or_refused, make_catalog, drop_catalog),
        cmocka_unit_test_setup_teardown(question__by_guid_namespace_or_all__goes_there, make_catalog, drop_catalog),
        cmocka_unit_test_setup_teardown(name_functions__asked__are_clients_of_the_providers, make_catalog,
                                        drop_catalog),
        cmocka_unit_test_setup_teardown(answers__none_and_no_reason__no_data, make_catalog, drop_catalog),
        cmocka_unit_test_setup_teardown(lookup__ended_by_another_thread__next_is_cancelled, make_catalog, drop_catalog),
        cmocka_unit_test_setup_teardown(start_and_end__counted__once_for_each_provider, make_catalog, drop_catalog),
        cmocka_unit_test_setup_teardown(service__set__scope_of_the_query, make_catalog, drop_catalog),
        cmocka_unit_test_setup_teardown(file__wrong__start_fails, make_catalog, drop_catalog),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
