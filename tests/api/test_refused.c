/*
 * What is exported and not done: every function fails as documented, sets the last error, and writes nothing. They are
 * called as a program would that found them by name. Rules WSC2-2, WSC2-3, WSC2-9, WSC2-10, WSC2-14, NSPX-22.
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
    {"WSAAdvertiseProvider", SOCKET_ERROR, WSAEINVAL},         {"WSAUnadvertiseProvider", SOCKET_ERROR, WSAEINVAL},
    {"WSAProviderCompleteAsyncCall", SOCKET_ERROR, WSAEINVAL}, {"SetAddrInfoExA", WSANO_RECOVERY, WSANO_RECOVERY},
    {"SetAddrInfoExW", WSANO_RECOVERY, WSANO_RECOVERY},
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
    {"WSCGetProviderInfo", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCGetProviderInfo32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCSetProviderInfo", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCSetProviderInfo32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCGetApplicationCategory", SOCKET_ERROR, WSASERVICE_NOT_FOUND},
    {"WSCSetApplicationCategory", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCInstallNameSpace32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCInstallNameSpaceEx32", SOCKET_ERROR, WSANO_RECOVERY},
    {"WSCUnInstallNameSpace32", SOCKET_ERROR, WSAEINVAL},
    {"WSCEnableNSProvider32", SOCKET_ERROR, WSAEINVAL},
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
    };
    return cmocka_run_group_tests(tests, find_dll, NULL);
}
