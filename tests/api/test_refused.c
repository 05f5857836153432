/*
 * What is exported and not done: every function fails as documented, sets the last error, and writes nothing. They are
 * called as a program would that found them by name. Rules WS2-52, WSC2-2, WSC2-3, WSC2-9 to WSC2-14, NSPX-24.
 */
#include "t_api.h"

#include <string.h>

static HMODULE dll;

typedef int(WINAPI *any_fn)(void *, void *, void *, void *, void *, void *, void *, void *, void *, void *, void *,
                            void *);

static any_fn function(const char *name)
{
    union {
        FARPROC found;
        any_fn any;
    } both;
    both.found = GetProcAddress(dll, name);
    if (both.found == NULL) {
        fail_msg("%s is not exported", name);
    }
    return both.any;
}

/* A buffer that looks like anything valid, and must stay as it is. */
static uint64_t poison[256];

static void *room(void)
{
    return poison;
}

struct row {
    const char *name;
    int result; /* what it returns */
    int code;   /* the last error; 0: not looked at */
};

static int call(const char *name)
{
    void *p = room();
    unsigned i;
    int result;
    for (i = 0; i < 256; i++) {
        poison[i] = 0x0000000200000200u; /* sizes are large enough, texts are short, numbers are positive */
    }
    WSASetLastError(12345);
    result = function(name)(p, p, p, p, p, p, p, p, p, p, p, p);
    return result;
}

static void check(const struct row *rows, unsigned count)
{
    unsigned i;
    unsigned at;
    for (i = 0; i < count; i++) {
        print_message("%s\n", rows[i].name);
        assert_int_equal(call(rows[i].name), rows[i].result);
        if (rows[i].code != 0) {
            assert_int_equal(WSAGetLastError(), rows[i].code);
        }
        for (at = 0; at < 256; at++) {
            if (poison[at] != 0x0000000200000200u && strncmp(rows[i].name, "WSC", 3) != 0) {
                fail_msg("%s wrote", rows[i].name);
            }
        }
    }
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct row started_rows[] = {
    {"WSALookupServiceBeginA", SOCKET_ERROR, WSASERVICE_NOT_FOUND},
    {"WSALookupServiceBeginW", SOCKET_ERROR, WSASERVICE_NOT_FOUND},
    {"WSALookupServiceNextA", SOCKET_ERROR, WSA_INVALID_HANDLE},
    {"WSALookupServiceNextW", SOCKET_ERROR, WSA_INVALID_HANDLE},
    {"WSALookupServiceEnd", SOCKET_ERROR, WSA_INVALID_HANDLE},
    {"WSANSPIoctl", SOCKET_ERROR, WSA_INVALID_HANDLE},
    {"WSASetServiceA", SOCKET_ERROR, WSASERVICE_NOT_FOUND},
    {"WSASetServiceW", SOCKET_ERROR, WSASERVICE_NOT_FOUND},
    {"WSAInstallServiceClassA", SOCKET_ERROR, WSAEACCES},
    {"WSAInstallServiceClassW", SOCKET_ERROR, WSAEACCES},
    {"WSARemoveServiceClass", SOCKET_ERROR, WSATYPE_NOT_FOUND},
    {"WSAGetServiceClassInfoA", SOCKET_ERROR, WSATYPE_NOT_FOUND},
    {"WSAGetServiceClassInfoW", SOCKET_ERROR, WSATYPE_NOT_FOUND},
    {"WSAGetServiceClassNameByClassIdA", SOCKET_ERROR, WSAEINVAL},
    {"WSAGetServiceClassNameByClassIdW", SOCKET_ERROR, WSAEINVAL},
    {"WSAAdvertiseProvider", SOCKET_ERROR, WSAEINVAL},
    {"WSAUnadvertiseProvider", SOCKET_ERROR, WSAEINVAL},
    {"WSAProviderCompleteAsyncCall", SOCKET_ERROR, WSAEINVAL},
    {"WSAProviderConfigChange", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSACancelAsyncRequest", SOCKET_ERROR, WSAEINVAL},
    {"WSAAsyncGetHostByAddr", 0, WSAEWOULDBLOCK},
    {"WSAAsyncGetHostByName", 0, WSAEWOULDBLOCK},
    {"WSAAsyncGetProtoByNumber", 0, WSAEWOULDBLOCK},
    {"WSAAsyncGetProtoByName", 0, WSAEWOULDBLOCK},
    {"WSAAsyncGetServByPort", 0, WSAEWOULDBLOCK},
    {"WSAAsyncGetServByName", 0, WSAEWOULDBLOCK},
    {"SetAddrInfoExA", WSANO_RECOVERY, WSANO_RECOVERY},
    {"SetAddrInfoExW", WSANO_RECOVERY, WSANO_RECOVERY},
    {"GetAddrInfoExCancel", WSA_INVALID_HANDLE, WSA_INVALID_HANDLE},
    {"GetAddrInfoExOverlappedResult", WSAEINVAL, WSAEINVAL},
};

static const struct row any_time_rows[] = {
    {"ProcessSocketNotifications", ERROR_NOT_SUPPORTED, 0},
    {"WEP", TRUE, 0},
    {"WSCEnumProtocols32", 0, 0},
    {"WSCDeinstallProvider32", SOCKET_ERROR, WSAEINVAL},
    {"WSCGetProviderPath32", SOCKET_ERROR, WSAEINVAL},
    {"WSCUpdateProvider32", SOCKET_ERROR, WSAEINVAL},
    {"WSCInstallProvider64_32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCInstallProviderAndChains64_32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCWriteProviderOrder32", WSAEINVAL, WSAEINVAL},
    {"WSCGetProviderInfo", SOCKET_ERROR, WSAEINVALIDPROVIDER},
    {"WSCGetProviderInfo32", SOCKET_ERROR, WSAEINVALIDPROVIDER},
    {"WSCSetProviderInfo", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCSetProviderInfo32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCGetApplicationCategory", SOCKET_ERROR, WSASERVICE_NOT_FOUND},
    {"WSCSetApplicationCategory", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCInstallNameSpace", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCInstallNameSpace32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCInstallNameSpaceEx", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCInstallNameSpaceEx32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCUnInstallNameSpace", SOCKET_ERROR, WSAEINVAL},
    {"WSCUnInstallNameSpace32", SOCKET_ERROR, WSAEINVAL},
    {"WSCEnableNSProvider", SOCKET_ERROR, WSAEINVAL},
    {"WSCEnableNSProvider32", SOCKET_ERROR, WSAEINVAL},
    {"WSCWriteNameSpaceOrder", WSAEINVAL, WSAEINVAL},
    {"WSCWriteNameSpaceOrder32", WSAEINVAL, WSAEINVAL},
    {"WSCEnumNameSpaceProviders32", 0, 0},
    {"WSCEnumNameSpaceProvidersEx32", 0, 0},
    {"WPUGetProviderPathEx", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSApSetPostRoutine", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCDeinstallProviderEx", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCEnumProtocolsEx", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCGetApplicationCategoryEx", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCInstallNameSpaceEx2", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCInstallProviderAndChains", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCInstallProviderEx", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCSetApplicationCategoryEx", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCUnInstallNameSpaceEx2", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCUpdateProviderEx", SOCKET_ERROR, WSAEOPNOTSUPP},
    {"WSCWriteProviderOrderEx", SOCKET_ERROR, WSAEOPNOTSUPP},
};

static void not_done__after_startup__documented_error(void **state)
{
    (void)state;
    assert_int_equal(t_api_start(NULL), 0);
    check(started_rows, COUNT(started_rows));
    check(any_time_rows, COUNT(any_time_rows));
    assert_int_equal(WSACleanup(), 0);
}

static void not_done__before_startup__not_initialised_where_it_is_needed(void **state)
{
    unsigned i;
    (void)state;
    for (i = 0; i < COUNT(started_rows); i++) {
        struct row row = started_rows[i];
        bool gives_code = strstr(row.name, "AddrInfo") != NULL;
        row.code = WSANOTINITIALISED;
        row.result = gives_code ? WSANOTINITIALISED : row.result;
        check(&row, 1);
    }
    check(any_time_rows, COUNT(any_time_rows));
}

static void lists_of_namespaces__asked__empty(void **state)
{
    static const char *const names[] = {"WSAEnumNameSpaceProvidersA", "WSAEnumNameSpaceProvidersW",
                                        "WSAEnumNameSpaceProvidersExA", "WSAEnumNameSpaceProvidersExW"};
    unsigned i;
    (void)state;
    for (i = 0; i < COUNT(names); i++) {
        struct row row = {names[i], SOCKET_ERROR, WSANOTINITIALISED};
        check(&row, 1);
    }
    assert_int_equal(t_api_start(NULL), 0);
    for (i = 0; i < COUNT(names); i++) {
        struct row row = {names[i], 0, 12345};
        check(&row, 1);
        assert_int_equal(function(names[i])(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                         SOCKET_ERROR);
        assert_int_equal(WSAGetLastError(), WSAEFAULT);
    }
    assert_int_equal(WSACleanup(), 0);
}

static int find_dll(void **state)
{
    dll = GetModuleHandleA("ws2_32.dll");
    return dll == NULL ? -1 : t_api_use_fake(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_done__after_startup__documented_error),
        cmocka_unit_test(not_done__before_startup__not_initialised_where_it_is_needed),
        cmocka_unit_test(lists_of_namespaces__asked__empty),
    };
    return cmocka_run_group_tests(tests, find_dll, NULL);
}
