/*
 * WSALookupService over the built-in namespace provider, classes of services, and the list of providers.
 * Rules NSP-2 to NSP-8, NSPX-4 to NSPX-11, NSPX-13, NSPX-14, NSPX-16, NSPX-21, NSPX-23, NSPX-24, A.19.15 to A.19.22.
 */
#include "t_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <svcguid.h>

static GUID own_name = SVCID_HOSTNAME;
static GUID by_address = SVCID_INET_HOSTADDRBYINETSTRING;
static GUID service = SVCID_INET_SERVICEBYNAME;
static GUID by_name = SVCID_INET_HOSTADDRBYNAME;
static GUID http = SVCID_TCP(80);
static GUID ntp = SVCID_UDP(123);
static GUID stranger = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};

/* A result, with room to spare. */
static union {
    WSAQUERYSETW set;
    char bytes[8192];
} result;

static int begin(GUID *id, const WCHAR *name, DWORD flags, HANDLE *lookup)
{
    WSAQUERYSETW query;
    memset(&query, 0, sizeof query);
    query.dwSize = sizeof query;
    query.lpServiceClassId = id;
    query.lpszServiceInstanceName = (LPWSTR)(uintptr_t)name;
    *lookup = NULL;
    return WSALookupServiceBeginW(&query, flags, lookup);
}

static int next_flags(HANDLE lookup, DWORD flags)
{
    DWORD bytes = sizeof result;
    memset(&result, 0x5a, sizeof result);
    return WSALookupServiceNextW(lookup, flags, &bytes, &result.set);
}

static bool inside(const void *pointer)
{
    return (const char *)pointer >= result.bytes && (const char *)pointer < result.bytes + sizeof result;
}

static void list__of_providers__the_built_in_one(void **state)
{
    static union {
        WSANAMESPACE_INFOW wide;
        WSANAMESPACE_INFOA narrow;
        WSANAMESPACE_INFOEXW wide_ex;
        WSANAMESPACE_INFOEXA narrow_ex;
        char bytes[1024];
    } list;
    DWORD bytes = 0;
    DWORD need;
    (void)state;
    assert_fails(WSAEnumNameSpaceProvidersW(&bytes, NULL), WSAEFAULT);
    need = bytes;
    assert_true(need > sizeof(WSANAMESPACE_INFOW) && need < sizeof list);
    bytes = need - 1;
    assert_fails(WSAEnumNameSpaceProvidersW(&bytes, &list.wide), WSAEFAULT);
    assert_int_equal(bytes, need);
    assert_int_equal(WSAEnumNameSpaceProvidersW(&bytes, &list.wide), 1);
    assert_int_equal(list.wide.dwNameSpace, NS_DNS);
    assert_true(list.wide.fActive);
    assert_memory_equal(list.wide.lpszIdentifier, L"Winlane DNS", sizeof L"Winlane DNS");
    bytes = sizeof list;
    assert_int_equal(WSAEnumNameSpaceProvidersA(&bytes, &list.narrow), 1);
    assert_string_equal(list.narrow.lpszIdentifier, "Winlane DNS");
    bytes = sizeof list;
    assert_int_equal(WSAEnumNameSpaceProvidersExW(&bytes, &list.wide_ex), 1);
    assert_int_equal(list.wide_ex.ProviderSpecific.cbSize, 0);
    bytes = sizeof list;
    assert_int_equal(WSAEnumNameSpaceProvidersExA(&bytes, &list.narrow_ex), 1);
    assert_string_equal(list.narrow_ex.lpszIdentifier, "Winlane DNS");
    assert_fails(WSAEnumNameSpaceProvidersW(NULL, NULL), WSAEFAULT);
}

static void host__by_name__name_address_type_and_blob(void **state)
{
    HANDLE lookup;
    const CSADDR_INFO *address;
    const struct hostent *host;
    const char *blob;
    (void)state;
    assert_int_equal(
        begin(&by_name, L"localhost", LUP_RETURN_NAME | LUP_RETURN_ADDR | LUP_RETURN_TYPE | LUP_RETURN_BLOB, &lookup),
        0);
    assert_int_equal(next_flags(lookup, 0), 0);
    assert_int_equal(result.set.dwSize, sizeof result.set);
    assert_int_equal(result.set.dwNameSpace, NS_DNS);
    assert_true(inside(result.set.lpNSProviderId) && inside(result.set.lpszServiceInstanceName) &&
                inside(result.set.lpServiceClassId) && inside(result.set.lpcsaBuffer) && inside(result.set.lpBlob));
    assert_memory_equal(result.set.lpszServiceInstanceName, L"localhost", sizeof L"localhost");
    assert_memory_equal(result.set.lpServiceClassId, &by_name, sizeof by_name);
    assert_int_equal(result.set.dwNumberOfCsAddrs, 2); /* no filter: both families */
    address = &result.set.lpcsaBuffer[1];
    assert_int_equal(address->RemoteAddr.lpSockaddr->sa_family, AF_INET);
    assert_int_equal(address->RemoteAddr.iSockaddrLength, sizeof(SOCKADDR_IN));
    assert_int_equal(((SOCKADDR_IN *)(void *)address->RemoteAddr.lpSockaddr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(((SOCKADDR_IN *)(void *)address->RemoteAddr.lpSockaddr)->sin_port, 0);
    assert_int_equal(((SOCKADDR_IN *)(void *)address->LocalAddr.lpSockaddr)->sin_addr.s_addr, 0);
    blob = (const char *)result.set.lpBlob->pBlobData;
    host = (const struct hostent *)(const void *)blob;
    assert_true(result.set.lpBlob->cbSize > (size_t)host->h_name + strlen("localhost"));
    assert_true(inside(blob + result.set.lpBlob->cbSize - 1));
    assert_string_equal(blob + (size_t)host->h_name, "localhost"); /* offsets, not pointers */
    assert_int_equal(host->h_addrtype, AF_INET);
    assert_memory_equal(blob + (size_t)((char *const *)(const void *)(blob + (size_t)host->h_addr_list))[0],
                        "\x7f\0\0\x01", 4);
    assert_fails(next_flags(lookup, 0), WSA_E_NO_MORE);
    assert_fails(next_flags(lookup, 0), WSA_E_NO_MORE);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_fails(WSALookupServiceEnd(lookup), WSA_INVALID_HANDLE);
    assert_fails(next_flags(lookup, 0), WSA_INVALID_HANDLE);
}

static void flags__at_next__narrow_those_of_begin(void **state)
{
    HANDLE lookup;
    (void)state;
    assert_int_equal(begin(&by_name, L"10.1.2.3", LUP_RETURN_NAME | LUP_RETURN_ADDR, &lookup), 0);
    assert_int_equal(next_flags(lookup, LUP_RETURN_ADDR | LUP_RETURN_BLOB | LUP_RETURN_TYPE), 0);
    assert_null(result.set.lpszServiceInstanceName);
    assert_null(result.set.lpBlob);
    assert_null(result.set.lpServiceClassId);
    assert_int_equal(result.set.dwNumberOfCsAddrs, 1);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

static void room__too_small__what_is_needed_and_the_result_again(void **state)
{
    WSAQUERYSETA query;
    WSAQUERYSETA *narrow = (WSAQUERYSETA *)(void *)result.bytes;
    HANDLE lookup;
    DWORD bytes = sizeof(WSAQUERYSETW);
    (void)state;
    assert_int_equal(begin(&by_name, L"localhost", LUP_RETURN_NAME | LUP_RETURN_ADDR, &lookup), 0);
    assert_fails(WSALookupServiceNextW(lookup, 0, &bytes, &result.set), WSAEFAULT);
    assert_true(bytes > sizeof(WSAQUERYSETW) && bytes < sizeof result);
    assert_int_equal(WSALookupServiceNextW(lookup, 0, &bytes, &result.set), 0);
    assert_memory_equal(result.set.lpszServiceInstanceName, L"localhost", sizeof L"localhost");
    assert_fails(next_flags(lookup, 0), WSA_E_NO_MORE);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);

    assert_int_equal(begin(&by_name, L"localhost", LUP_RETURN_NAME, &lookup), 0);
    bytes = 0;
    assert_fails(WSALookupServiceNextW(lookup, 0, &bytes, NULL), WSAEFAULT);
    assert_fails(next_flags(lookup, LUP_FLUSHPREVIOUS), WSA_E_NO_MORE); /* passed over */
    assert_int_equal(WSALookupServiceEnd(lookup), 0);

    memset(&query, 0, sizeof query);
    query.dwSize = sizeof query;
    query.lpServiceClassId = &by_name;
    query.lpszServiceInstanceName = (LPSTR)(uintptr_t) "localhost";
    assert_int_equal(WSALookupServiceBeginA(&query, LUP_RETURN_NAME | LUP_RETURN_ADDR | LUP_RETURN_BLOB, &lookup), 0);
    bytes = 1;
    assert_fails(WSALookupServiceNextA(lookup, 0, &bytes, narrow), WSAEFAULT);
    assert_true(bytes > sizeof query && bytes < sizeof result);
    assert_int_equal(WSALookupServiceNextA(lookup, 0, &bytes, narrow), 0);
    assert_string_equal(narrow->lpszServiceInstanceName, "localhost");
    assert_int_equal(narrow->dwNumberOfCsAddrs, 2);
    assert_true(inside(narrow->lpcsaBuffer[0].RemoteAddr.lpSockaddr) && inside(narrow->lpBlob->pBlobData));
    assert_fails(WSALookupServiceNextA(lookup, 0, &bytes, narrow), WSA_E_NO_MORE);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

static void host__own_and_by_address__names(void **state)
{
    char own[256];
    HANDLE lookup;
    unsigned i;
    (void)state;
    assert_int_equal(gethostname(own, sizeof own), 0);
    assert_int_equal(begin(&own_name, NULL, LUP_RETURN_NAME, &lookup), 0);
    assert_int_equal(next_flags(lookup, 0), 0);
    for (i = 0; own[i] != '\0'; i++) {
        assert_int_equal(result.set.lpszServiceInstanceName[i], (WCHAR)own[i]);
    }
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(begin(&by_address, L"127.0.0.1", LUP_RETURN_NAME, &lookup), 0);
    assert_int_equal(next_flags(lookup, 0), 0);
    assert_memory_equal(result.set.lpszServiceInstanceName, L"localhost", sizeof L"localhost");
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(begin(&by_address, L"no.address", LUP_RETURN_NAME, &lookup), 0);
    assert_fails(next_flags(lookup, 0), WSAHOST_NOT_FOUND);
    assert_fails(next_flags(lookup, 0), WSA_E_NO_MORE); /* the reason once */
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

/* Rule NSP-4. */
static void service__by_name_or_port__one_answer(void **state)
{
    static const WCHAR *const names[] = {L"domain/udp", L"53/udp", L"DOMAIN/UDP", L"domain"};
    const char *blob;
    const struct servent *entry;
    HANDLE lookup;
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(begin(&service, names[i], LUP_RETURN_NAME | LUP_RETURN_BLOB | LUP_RETURN_TYPE, &lookup), 0);
        assert_int_equal(next_flags(lookup, 0), 0);
        blob = (const char *)result.set.lpBlob->pBlobData;
        entry = (const struct servent *)(const void *)blob;
        assert_true(result.set.lpBlob->cbSize > (size_t)entry->s_name + strlen("domain"));
        assert_string_equal(blob + (size_t)entry->s_name, "domain");
        assert_int_equal(entry->s_port, (short)htons(53));
        assert_memory_equal(result.set.lpszServiceInstanceName, L"domain", sizeof L"domain");
        assert_int_equal(WSALookupServiceEnd(lookup), 0);
    }
    assert_int_equal(begin(&service, L"no-such-service/tcp", LUP_RETURN_BLOB, &lookup), 0);
    assert_fails(next_flags(lookup, 0), WSANO_DATA);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

static void class__of_a_port__addresses_with_it(void **state)
{
    HANDLE lookup;
    (void)state;
    assert_int_equal(begin(&http, L"10.1.2.3", LUP_RETURN_ADDR, &lookup), 0);
    assert_int_equal(next_flags(lookup, 0), 0);
    assert_int_equal(((SOCKADDR_IN *)(void *)result.set.lpcsaBuffer->RemoteAddr.lpSockaddr)->sin_port, htons(80));
    assert_int_equal(result.set.lpcsaBuffer->iSocketType, SOCK_STREAM);
    assert_int_equal(result.set.lpcsaBuffer->iProtocol, IPPROTO_TCP);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_int_equal(begin(&ntp, L"10.1.2.3", LUP_RETURN_ADDR, &lookup), 0);
    assert_int_equal(next_flags(lookup, 0), 0);
    assert_int_equal(result.set.lpcsaBuffer->iSocketType, SOCK_DGRAM);
    assert_int_equal(result.set.lpcsaBuffer->iProtocol, IPPROTO_UDP);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

static void filter__of_families__only_those(void **state)
{
    AFPROTOCOLS filter[2] = {{AF_INET6, IPPROTO_UDP}, {AF_UNSPEC, IPPROTO_TCP}};
    static GUID aaaa = SVCID_DNS(0x1c);
    WSAQUERYSETW query;
    HANDLE lookup;
    (void)state;
    memset(&query, 0, sizeof query);
    query.dwSize = sizeof query;
    query.lpServiceClassId = &by_name;
    query.lpszServiceInstanceName = (LPWSTR)(uintptr_t)L"localhost";
    query.lpafpProtocols = filter;
    query.dwNumberOfProtocols = 1;
    assert_int_equal(WSALookupServiceBeginW(&query, LUP_RETURN_ADDR, &lookup), 0);
    assert_int_equal(next_flags(lookup, 0), 0);
    assert_int_equal(result.set.dwNumberOfCsAddrs, 1);
    assert_int_equal(result.set.lpcsaBuffer->RemoteAddr.lpSockaddr->sa_family, AF_INET6);
    assert_int_equal(result.set.lpcsaBuffer->iSocketType, SOCK_DGRAM); /* the filter's */
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    query.dwNumberOfProtocols = 2; /* a wildcard among them */
    assert_int_equal(WSALookupServiceBeginW(&query, LUP_RETURN_ADDR, &lookup), 0);
    assert_int_equal(next_flags(lookup, 0), 0);
    assert_int_equal(result.set.dwNumberOfCsAddrs, 2);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    filter[0].iAddressFamily = 99;
    query.dwNumberOfProtocols = 1;
    assert_fails(WSALookupServiceBeginW(&query, LUP_RETURN_ADDR, &lookup), WSANO_DATA);
    query.dwNumberOfProtocols = 0;
    query.lpServiceClassId = &aaaa; /* a class of DNS: its one family */
    assert_int_equal(WSALookupServiceBeginW(&query, LUP_RETURN_ADDR, &lookup), 0);
    assert_int_equal(next_flags(lookup, 0), 0);
    assert_int_equal(result.set.dwNumberOfCsAddrs, 1);
    assert_int_equal(result.set.lpcsaBuffer->RemoteAddr.lpSockaddr->sa_family, AF_INET6);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

static void arguments__wrong__have_their_codes(void **state)
{
    WSAQUERYSETW query;
    HANDLE lookup = NULL;
    DWORD bytes = sizeof result;
    (void)state;
    memset(&query, 0, sizeof query);
    query.lpServiceClassId = &by_name;
    assert_fails(WSALookupServiceBeginW(NULL, 0, &lookup), WSAEFAULT);
    query.dwSize = sizeof query - 1;
    assert_fails(WSALookupServiceBeginW(&query, 0, &lookup), WSAEFAULT);
    query.dwSize = sizeof query;
    assert_fails(WSALookupServiceBeginW(&query, 0, NULL), WSAEFAULT);
    query.lpServiceClassId = NULL;
    assert_fails(WSALookupServiceBeginW(&query, 0, &lookup), WSAEINVAL);
    query.lpServiceClassId = &by_name;
    query.dwNameSpace = NS_BTH;
    assert_fails(WSALookupServiceBeginW(&query, 0, &lookup), WSASERVICE_NOT_FOUND);
    query.dwNameSpace = NS_ALL;
    query.lpNSProviderId = &stranger;
    assert_fails(WSALookupServiceBeginW(&query, 0, &lookup), WSASERVICE_NOT_FOUND);
    assert_fails(begin(&stranger, L"localhost", LUP_RETURN_NAME, &lookup), WSASERVICE_NOT_FOUND);
    assert_fails(begin(&by_name, L"localhost", LUP_CONTAINERS, &lookup), WSANO_DATA);
    assert_fails(begin(&service, NULL, LUP_RETURN_BLOB, &lookup), WSAEINVAL);
    query.lpNSProviderId = NULL;
    query.lpszServiceInstanceName = (LPWSTR)(uintptr_t)L"localhost";
    query.lpszContext = (LPWSTR)(uintptr_t)L"somewhere"; /* the namespace is flat */
    assert_fails(WSALookupServiceBeginW(&query, 0, &lookup), WSAEINVAL);
    query.lpszContext = (LPWSTR)(uintptr_t)L"\\";
    assert_int_equal(WSALookupServiceBeginW(&query, LUP_NOCONTAINERS, &lookup), 0);
    assert_fails(WSALookupServiceNextW(lookup, 0, NULL, &result.set), WSAEFAULT);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
    assert_fails(WSALookupServiceNextW(NULL, 0, &bytes, &result.set), WSA_INVALID_HANDLE);
    assert_fails(WSALookupServiceNextA(NULL, 0, &bytes, (LPWSAQUERYSETA)(void *)&result), WSA_INVALID_HANDLE);
    assert_fails(WSALookupServiceEnd(NULL), WSA_INVALID_HANDLE);
    assert_fails(WSANSPIoctl(NULL, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, &bytes, NULL), WSA_INVALID_HANDLE);
    assert_int_equal(begin(&by_name, L"localhost", LUP_RETURN_NAME, &lookup), 0);
    assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, NULL, NULL), WSAEFAULT);
    assert_fails(WSANSPIoctl(lookup, SIO_NSP_NOTIFY_CHANGE, NULL, 0, NULL, 0, &bytes, NULL), WSAEOPNOTSUPP);
    assert_int_equal(WSALookupServiceEnd(lookup), 0);
}

/* ---- classes ---- */

static DWORD port = 4242;
static WCHAR detail_name[] = L"TcpPort";
static WCHAR class_name[] = L"Strange Service";
static WSANSCLASSINFOW details[] = {{detail_name, NS_DNS, 4, sizeof port, &port}};
static WSASERVICECLASSINFOW wide_class = {&stranger, class_name, 1, details};

static void class__installed__known_until_it_is_removed(void **state)
{
    static union {
        WSASERVICECLASSINFOW wide;
        WSASERVICECLASSINFOA narrow;
        char bytes[1024];
    } info;
    static union {
        WSANAMESPACE_INFOW info;
        char bytes[1024];
    } provider;
    WCHAR wide[40];
    char narrow[40];
    DWORD bytes = sizeof provider;
    (void)state;
    assert_int_equal(WSAEnumNameSpaceProvidersW(&bytes, &provider.info), 1);
    assert_int_equal(WSAInstallServiceClassW(&wide_class), 0);
    assert_fails(WSAInstallServiceClassW(&wide_class), WSAEALREADY);
    bytes = 0;
    assert_fails(WSAGetServiceClassInfoW(&provider.info.NSProviderId, &stranger, &bytes, NULL), WSAEFAULT);
    assert_true(bytes > sizeof info.wide && bytes < sizeof info);
    assert_int_equal(WSAGetServiceClassInfoW(&provider.info.NSProviderId, &stranger, &bytes, &info.wide), 0);
    assert_memory_equal(info.wide.lpServiceClassId, &stranger, sizeof stranger);
    assert_memory_equal(info.wide.lpszServiceClassName, L"Strange Service", sizeof L"Strange Service");
    assert_int_equal(info.wide.dwCount, 1);
    assert_int_equal(*(DWORD *)info.wide.lpClassInfos[0].lpValue, 4242);
    bytes = sizeof info;
    assert_int_equal(WSAGetServiceClassInfoA(&provider.info.NSProviderId, &stranger, &bytes, &info.narrow), 0);
    assert_string_equal(info.narrow.lpszServiceClassName, "Strange Service");
    assert_string_equal(info.narrow.lpClassInfos[0].lpszName, "TcpPort");
    bytes = 3;
    assert_fails(WSAGetServiceClassNameByClassIdW(&stranger, wide, &bytes), WSAEFAULT);
    assert_int_equal(bytes, sizeof L"Strange Service");
    assert_int_equal(WSAGetServiceClassNameByClassIdW(&stranger, wide, &bytes), 0);
    assert_memory_equal(wide, L"Strange Service", sizeof L"Strange Service");
    bytes = sizeof narrow;
    assert_int_equal(WSAGetServiceClassNameByClassIdA(&stranger, narrow, &bytes), 0);
    assert_string_equal(narrow, "Strange Service");
    bytes = sizeof narrow;
    assert_int_equal(WSAGetServiceClassNameByClassIdA(&own_name, narrow, &bytes), 0); /* a well-known one */
    assert_fails(WSARemoveServiceClass(&own_name), WSAEACCES);
    assert_int_equal(WSARemoveServiceClass(&stranger), 0);
    assert_fails(WSARemoveServiceClass(&stranger), WSATYPE_NOT_FOUND);
    bytes = sizeof info;
    assert_fails(WSAGetServiceClassInfoW(&provider.info.NSProviderId, &stranger, &bytes, &info.wide),
                 WSATYPE_NOT_FOUND);
    assert_fails(WSAGetServiceClassNameByClassIdW(&stranger, wide, &bytes), WSAEINVAL);
    assert_fails(WSAGetServiceClassInfoW(&stranger, &own_name, &bytes, &info.wide), WSAEINVAL);
}

static void class__wrong_arguments__have_their_codes(void **state)
{
    WSANSCLASSINFOA narrow_details = {(LPSTR)(uintptr_t) "TcpPort", NS_DNS, 4, sizeof port, &port};
    WSASERVICECLASSINFOA narrow_class = {&stranger, (LPSTR)(uintptr_t) "Strange", 1, &narrow_details};
    WSASERVICECLASSINFOW bad = wide_class;
    DWORD bytes = 0;
    (void)state;
    assert_fails(WSAInstallServiceClassW(NULL), WSAEINVAL);
    bad.lpServiceClassId = NULL;
    assert_fails(WSAInstallServiceClassW(&bad), WSAEINVAL);
    assert_fails(WSAInstallServiceClassA(NULL), WSAEINVAL);
    assert_fails(WSARemoveServiceClass(NULL), WSAEINVAL);
    assert_fails(WSAGetServiceClassInfoW(NULL, &stranger, &bytes, NULL), WSAEFAULT);
    assert_fails(WSAGetServiceClassInfoA(&stranger, &stranger, NULL, NULL), WSAEFAULT);
    assert_fails(WSAGetServiceClassNameByClassIdW(NULL, NULL, &bytes), WSAEFAULT);
    assert_int_equal(WSAInstallServiceClassA(&narrow_class), 0);
    assert_int_equal(WSARemoveServiceClass(&stranger), 0);
}

static void service__registered_with_dns__nothing_to_do(void **state)
{
    WSAQUERYSETW query;
    WSAQUERYSETA narrow;
    (void)state;
    memset(&query, 0, sizeof query);
    memset(&narrow, 0, sizeof narrow);
    query.dwSize = sizeof query;
    query.lpszServiceInstanceName = (LPWSTR)(uintptr_t)L"mine";
    query.lpServiceClassId = &http;
    query.dwNameSpace = NS_DNS;
    assert_int_equal(WSASetServiceW(&query, RNRSERVICE_REGISTER, 0), 0);
    assert_int_equal(WSASetServiceW(&query, RNRSERVICE_DEREGISTER, 0), 0);
    assert_int_equal(WSASetServiceW(&query, RNRSERVICE_DELETE, SERVICE_MULTIPLE), 0);
    assert_fails(WSASetServiceW(&query, (WSAESETSERVICEOP)77, 0), WSAEINVAL);
    query.dwNameSpace = NS_BTH;
    assert_fails(WSASetServiceW(&query, RNRSERVICE_REGISTER, 0), WSASERVICE_NOT_FOUND);
    query.dwSize = 1;
    assert_fails(WSASetServiceW(&query, RNRSERVICE_REGISTER, 0), WSAEINVAL);
    assert_fails(WSASetServiceW(NULL, RNRSERVICE_REGISTER, 0), WSAEFAULT);
    narrow.dwSize = sizeof narrow;
    narrow.lpServiceClassId = &http;
    narrow.dwNameSpace = NS_DNS;
    assert_int_equal(WSASetServiceA(&narrow, RNRSERVICE_REGISTER, 0), 0);
    assert_fails(WSASetServiceA(NULL, RNRSERVICE_REGISTER, 0), WSAEFAULT);
}

/* Rule A.19.22. */
static void macros__of_classes__take_apart_what_they_made(void **state)
{
    GUID made = SVCID_TCP(21);
    GUID *id = &made;
    (void)state;
    assert_true(IS_SVCID_TCP(id) && !IS_SVCID_UDP(id) && !IS_SVCID_NETWARE(id));
    assert_int_equal(PORT_FROM_SVCID_TCP(id), 21);
    SET_UDP_SVCID(id, 53);
    assert_true(IS_SVCID_UDP(id) && !IS_SVCID_TCP(id));
    assert_int_equal(PORT_FROM_SVCID_UDP(id), 53);
    assert_int_equal(id->Data1, 0x000a0035);
    SET_TCP_SVCID_RR(id, 53, 0x1c);
    assert_true(IS_SVCID_DNS(id));
    assert_int_equal(RR_FROM_SVCID(id), 0x1c);
    assert_memory_equal(id->Data4, "\xc0\0\0\0\0\0\0\x46", 8);
    assert_false(IS_SVCID_TCP((&stranger)));
    made = (GUID)SVCID_NETWARE(4);
    assert_true(IS_SVCID_NETWARE(id));
    assert_int_equal(SAPID_FROM_SVCID_NETWARE(id), 4);
}

static void call__before_startup__not_initialised(void **state)
{
    WSAQUERYSETW query;
    HANDLE lookup;
    DWORD bytes = sizeof result;
    (void)state;
    memset(&query, 0, sizeof query);
    query.dwSize = sizeof query;
    assert_fails(WSALookupServiceBeginW(&query, 0, &lookup), WSANOTINITIALISED);
    assert_fails(WSALookupServiceNextW(NULL, 0, &bytes, &result.set), WSANOTINITIALISED);
    assert_fails(WSALookupServiceEnd(NULL), WSANOTINITIALISED);
    assert_fails(WSANSPIoctl(NULL, 0, NULL, 0, NULL, 0, &bytes, NULL), WSANOTINITIALISED);
    assert_fails(WSASetServiceW(&query, RNRSERVICE_REGISTER, 0), WSANOTINITIALISED);
    assert_fails(WSAInstallServiceClassW(&wide_class), WSANOTINITIALISED);
    assert_fails(WSARemoveServiceClass(&stranger), WSANOTINITIALISED);
    assert_fails(WSAGetServiceClassInfoW(&stranger, &stranger, &bytes, NULL), WSANOTINITIALISED);
    assert_fails(WSAGetServiceClassNameByClassIdW(&stranger, NULL, &bytes), WSANOTINITIALISED);
    assert_fails(WSAEnumNameSpaceProvidersW(&bytes, NULL), WSANOTINITIALISED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call__before_startup__not_initialised),
        cmocka_unit_test_setup_teardown(list__of_providers__the_built_in_one, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(host__by_name__name_address_type_and_blob, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(flags__at_next__narrow_those_of_begin, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(room__too_small__what_is_needed_and_the_result_again, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(host__own_and_by_address__names, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(service__by_name_or_port__one_answer, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(class__of_a_port__addresses_with_it, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(filter__of_families__only_those, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(arguments__wrong__have_their_codes, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(class__installed__known_until_it_is_removed, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(class__wrong_arguments__have_their_codes, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(service__registered_with_dns__nothing_to_do, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(macros__of_classes__take_apart_what_they_made, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
