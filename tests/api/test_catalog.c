/*
 * The catalogue file and the built-in catalogue. Rules CAT-1 to CAT-18, WS2-7, WS2-8, WSC2-6.
 */
#include "t_api.h"

#include <stdio.h>
#include <string.h>

static char path[T_API_PATH_BYTES];

static int make_file(void **state)
{
    (void)state;
    t_api_temporary_file(path);
    return 0;
}

static int drop_file(void **state)
{
    (void)state;
    return remove(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    t_api_environment("WINLANE_CATALOG", path);
}

#define GOOD_ID "\"id\": \"{6e8b1c52-9d0a-4a6f-8b57-2c41d3f0a7e9}\""
#define ENTRY                                                                                           \
    "{\"id\": 5, \"name\": \"n\", \"family\": 2, \"type\": 1, \"protocol\": 6, \"service_flags\": 102," \
    " \"provider_flags\": 8, \"address_bytes\": 16}"
#define FILE_OF(entries) "{\"providers\": [{" GOOD_ID ", \"path\": \"none.so\", \"entries\": [" entries "]}]}"

static void file__wrong__startup_fails(void **state)
{
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "{\"providers\": 1}",
        "{\"providers\": [1]}",
        "{\"providers\": [{" GOOD_ID ", \"path\": \"a.so\"}]}",
        "{\"providers\": [{" GOOD_ID ", \"entries\": []}]}",
        "{\"providers\": [{\"id\": \"{6e8b}\", \"path\": \"a.so\", \"entries\": []}]}",
        "{\"providers\": [{\"id\": \"{6e8b1c52-9d0a-4a6f-8b57-2c41d3f0a7e9\", \"path\": \"a\", \"entries\": []}]}",
        "{\"providers\": [{" GOOD_ID ", \"path\": \"a.so\", \"entries\": [], \"pth\": 1}]}",
        FILE_OF("1"),
        FILE_OF("{}"),
        FILE_OF(ENTRY "," ENTRY),
        FILE_OF("{\"id\": 5, \"name\": \"n\", \"family\": 2, \"type\": 9, \"protocol\": 6, \"service_flags\": 1,"
                " \"address_bytes\": 16}"),
        FILE_OF("{\"id\": 5, \"name\": 7, \"family\": 2, \"type\": 1, \"protocol\": 6, \"service_flags\": 1,"
                " \"address_bytes\": 16}"),
        FILE_OF("{\"id\": -5, \"name\": \"n\", \"family\": 2, \"type\": 1, \"protocol\": 6, \"service_flags\": 1,"
                " \"address_bytes\": 16}"),
    };
    WSADATA data;
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("row %u\n", i);
        write_file(rows[i]);
        assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), WSASYSNOTREADY);
        assert_fails(WSACleanup(), WSANOTINITIALISED);
    }
    t_api_environment("WINLANE_CATALOG", "/nonexistent/catalogue");
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), WSASYSNOTREADY);
}

static void library__cannot_be_loaded__provider_failed(void **state)
{
    WSADATA data;
    (void)state;
    write_file(FILE_OF(ENTRY));
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_no_socket(socket(AF_INET, SOCK_STREAM, 0), WSAEPROVIDERFAILEDINIT);
    assert_no_socket(socket(AF_INET, SOCK_DGRAM, 0), WSAESOCKTNOSUPPORT);
    write_file(FILE_OF("")); /* a change is seen after the last cleanup only: WS2-7 */
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_no_socket(socket(AF_INET, SOCK_STREAM, 0), WSAEPROVIDERFAILEDINIT);
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_no_socket(socket(AF_INET, SOCK_STREAM, 0), WSAESOCKTNOSUPPORT); /* the type comes before the family */
    assert_int_equal(WSACleanup(), 0);
}

static void builtin__no_file__six_entries_of_the_rules(void **state)
{
    static const struct {
        DWORD service, flags, message;
        int family, bytes, type, protocol, offset;
    } rows[] = {
        {0x66, 8, 0, AF_INET, 16, SOCK_STREAM, 6, 0},       {0x609, 8, 65507, AF_INET, 16, SOCK_DGRAM, 17, 0},
        {0x609, 12, 65515, AF_INET, 16, SOCK_RAW, 0, 255},  {0x66, 8, 0, AF_INET6, 28, SOCK_STREAM, 6, 0},
        {0x609, 8, 65487, AF_INET6, 28, SOCK_DGRAM, 17, 0}, {0x609, 12, 65495, AF_INET6, 28, SOCK_RAW, 0, 255},
    };
    static WSAPROTOCOL_INFOW infos[8];
    INT udp_only[] = {IPPROTO_UDP, 0};
    INT none[] = {0};
    DWORD bytes = sizeof infos;
    int error = 0;
    unsigned i;
    (void)state;
    t_api_environment("WINLANE_CATALOG", NULL);
    assert_int_equal(WSCEnumProtocols(NULL, infos, &bytes, &error), 6);
    for (i = 0; i < 6; i++) {
        print_message("entry %u\n", i);
        assert_int_equal(infos[i].dwServiceFlags1, rows[i].service);
        assert_int_equal(infos[i].dwProviderFlags, rows[i].flags);
        assert_int_equal(infos[i].dwMessageSize, rows[i].message);
        assert_int_equal(infos[i].iAddressFamily, rows[i].family);
        assert_int_equal(infos[i].iMaxSockAddr, rows[i].bytes);
        assert_int_equal(infos[i].iMinSockAddr, rows[i].bytes);
        assert_int_equal(infos[i].iSocketType, rows[i].type);
        assert_int_equal(infos[i].iProtocol, rows[i].protocol);
        assert_int_equal(infos[i].iProtocolMaxOffset, rows[i].offset);
        assert_int_equal(infos[i].ProtocolChain.ChainLen, 1);
        assert_int_equal(infos[i].iVersion, 2);
        assert_int_equal(infos[i].iNetworkByteOrder, BIGENDIAN);
        assert_int_equal(infos[i].dwProviderReserved, 0);
        assert_memory_equal(&infos[i].ProviderId, &infos[0].ProviderId, sizeof(GUID));
        assert_int_equal(infos[i].dwCatalogEntryId, 1001 + i);
    }
    bytes = sizeof infos;
    assert_int_equal(WSCEnumProtocols(udp_only, infos, &bytes, &error), 2);
    assert_int_equal(infos[1].dwCatalogEntryId, 1005);
    assert_int_equal(WSCEnumProtocols(none, infos, &bytes, &error), 0); /* 0 ends the list: no raw entry matches it */
    bytes = 5;
    assert_int_equal(WSCEnumProtocols(NULL, infos, &bytes, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAENOBUFS);
    assert_int_equal(bytes, 6 * 628);
    assert_int_equal(WSCEnumProtocols(NULL, infos, NULL, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEFAULT);
}

#define ENTRY_OF(id, type, protocol, flags, more)                                                  \
    "{\"id\": " id ", \"name\": \"n\", \"family\": 2, \"type\": " type ", \"protocol\": " protocol \
    ", \"service_flags\": 102, \"provider_flags\": " flags ", \"address_bytes\": 16" more "}"

/* A layered provider's own entry is for the WSC functions only; a chain is an entry like a base protocol's. */
static void entries__layered_chain_and_no_zero__seen_and_selected_as_they_should(void **state)
{
    static WSAPROTOCOL_INFOW infos[4];
    DWORD bytes = sizeof infos;
    int error = 0;
    WSADATA data;
    (void)state;
    write_file(FILE_OF(ENTRY_OF("7", "2", "17", "8", ", \"chain\": []") "," ENTRY_OF(
        "5", "1", "6", "0", "") "," ENTRY_OF("8", "5", "99", "8", ", \"chain\": [7, 5]")));
    assert_int_equal(WSCEnumProtocols(NULL, infos, &bytes, &error), 3);
    assert_int_equal(infos[0].ProtocolChain.ChainLen, LAYERED_PROTOCOL);
    assert_int_equal(infos[1].ProtocolChain.ChainLen, BASE_PROTOCOL);
    assert_int_equal(infos[2].ProtocolChain.ChainLen, 2);
    assert_int_equal(infos[2].ProtocolChain.ChainEntries[0], 7); /* the top first */
    assert_int_equal(infos[2].ProtocolChain.ChainEntries[1], 5);
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    bytes = sizeof infos;
    assert_int_equal(WSAEnumProtocolsW(NULL, infos, &bytes), 2);
    assert_int_equal(infos[0].dwCatalogEntryId, 5);
    assert_int_equal(infos[1].dwCatalogEntryId, 8);
    /* What is selected has a library that is not there. */
    assert_no_socket(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP), WSAEPROVIDERFAILEDINIT);
    assert_no_socket(socket(AF_INET, SOCK_STREAM, 0), WSAEPROTONOSUPPORT);
    assert_no_socket(socket(AF_INET, SOCK_SEQPACKET, 0), WSAEPROVIDERFAILEDINIT);
    assert_no_socket(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), WSAESOCKTNOSUPPORT);
    assert_int_equal(WSACleanup(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file__wrong__startup_fails),
        cmocka_unit_test(library__cannot_be_loaded__provider_failed),
        cmocka_unit_test(builtin__no_file__six_entries_of_the_rules),
        cmocka_unit_test(entries__layered_chain_and_no_zero__seen_and_selected_as_they_should),
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}
