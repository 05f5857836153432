/*
 * Changing the catalogue. No return value is believed: what a function did is what enumerating shows after it. With the
 * argument "reference" the program runs on a DLL whose WSCInstallProvider says that it succeeded and does nothing, and
 * shows that it would notice. Rules WSC2-1, WSC2-4 to WSC2-8, CAT-1, CAT-2, CAT-17, CAT-18, INST-15.
 */
#include "t_api.h"

#include <sporder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 32

static char file[T_API_PATH_BYTES];
static GUID ours = {0x9f1c3a52, 0x4d0e, 0x4b11, {0x9c, 0x1e, 0x5a, 0x77, 0x30, 0x2b, 0x64, 0xd1}};
static WCHAR library[] = L"%windir%\\system32\\t\xe4st.dll";
static WSAPROTOCOL_INFOW listing[MANY];

static int enumerate(void)
{
    DWORD bytes = sizeof listing;
    int error = 0;
    int count;
    memset(listing, 0xa5, sizeof listing);
    count = WSCEnumProtocols(NULL, listing, &bytes, &error);
    assert_true(count >= 0 && count <= MANY);
    return count;
}

/* Entries of our provider; the first one's place in *first. */
static unsigned installed(unsigned *first)
{
    int count = enumerate();
    unsigned found = 0;
    int i;
    for (i = count - 1; i >= 0; i--) {
        if (memcmp(&listing[i].ProviderId, &ours, sizeof ours) == 0) {
            found++;
            *first = (unsigned)i;
        }
    }
    return found;
}

static void make_entries(WSAPROTOCOL_INFOW list[2])
{
    static const WCHAR names[2][24] = {L"T\x153 [TCP/IP]", L"T [UDP/IP]"};
    unsigned i;
    memset(list, 0, 2 * sizeof *list);
    for (i = 0; i < 2; i++) {
        list[i].dwServiceFlags1 = i == 0 ? 0x66 : 0x609;
        list[i].dwServiceFlags3 = 5;
        list[i].dwProviderFlags = PFL_MATCHES_PROTOCOL_ZERO;
        list[i].ProtocolChain.ChainLen = BASE_PROTOCOL;
        list[i].iVersion = 3;
        list[i].iAddressFamily = AF_INET;
        list[i].iMaxSockAddr = 20;
        list[i].iMinSockAddr = 16;
        list[i].iSocketType = i == 0 ? SOCK_STREAM : SOCK_DGRAM;
        list[i].iProtocol = i == 0 ? IPPROTO_TCP : IPPROTO_UDP;
        list[i].dwMessageSize = i * 1000;
        list[i].dwProviderReserved = 7; /* is not stored: CAT-18 */
        memcpy(list[i].szProtocol, names[i], sizeof names[i]);
    }
}

static void write_file(const char *text)
{
    FILE *stream = fopen(file, "w");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
    t_api_environment("WINLANE_CATALOG", file);
}

#define BASE                                                                                                         \
    "{\"providers\": [{\"id\": \"{6e8b1c52-9d0a-4a6f-8b57-2c41d3f0a7e9}\", \"path\": \"./none.dll\", \"entries\": [" \
    "{\"id\": 1001, \"name\": \"a\", \"family\": 2, \"type\": 1, \"protocol\": 6, \"service_flags\": 102,"           \
    " \"provider_flags\": 8, \"address_bytes\": 16},"                                                                \
    "{\"id\": 1002, \"name\": \"b\", \"family\": 2, \"type\": 2, \"protocol\": 17, \"service_flags\": 1545,"         \
    " \"provider_flags\": 8, \"address_bytes\": 16}]}]}"

static int base_file(void **state)
{
    (void)state;
    write_file(BASE);
    return 0;
}

static bool path_is(const WCHAR *want)
{
    static WCHAR path[600];
    int chars = 600;
    int error = 0;
    int i;
    if (WSCGetProviderPath(&ours, path, &chars, &error) != 0) {
        return false;
    }
    for (i = 0; path[i] == want[i]; i++) {
        if (want[i] == 0) {
            return chars == i + 1;
        }
    }
    return false;
}

static void install__new_provider__enumerated_last_with_path(void **state)
{
    WSAPROTOCOL_INFOW list[2];
    unsigned first = 99;
    int error = 0;
    unsigned i;
    (void)state;
    make_entries(list);
    assert_int_equal(installed(&first), 0);
    WSASetLastError(4321);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), 0);
    assert_int_equal(installed(&first), 2);
    assert_int_equal(WSAGetLastError(), 4321);
    assert_int_equal(first, 2);
    assert_true(path_is(library)); /* not expanded */
    for (i = 0; i < 2; i++) {
        const WSAPROTOCOL_INFOW *got = &listing[first + i];
        WSAPROTOCOL_INFOW want = list[i];
        assert_int_equal(got->dwCatalogEntryId, 1003 + i);
        want.ProviderId = ours;
        want.dwCatalogEntryId = got->dwCatalogEntryId;
        want.dwProviderReserved = 0;
        assert_memory_equal(got, &want, offsetof(WSAPROTOCOL_INFOW, szProtocol));
        assert_memory_equal(got->szProtocol, want.szProtocol, 24);
    }
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), SOCKET_ERROR);
    assert_int_equal(error, WSANO_RECOVERY);
    assert_int_equal(installed(&first), 2);
}

static void deinstall__installed__gone_and_numbers_not_reused(void **state)
{
    WSAPROTOCOL_INFOW list[2];
    unsigned first = 99;
    int error = 0;
    (void)state;
    make_entries(list);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), 0);
    assert_int_equal(installed(&first), 2);
    assert_int_equal(WSCDeinstallProvider(&ours, &error), 0);
    assert_int_equal(installed(&first), 0);
    assert_int_equal(enumerate(), 2);
    assert_false(path_is(library));
    assert_int_equal(WSCDeinstallProvider(&ours, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEINVAL);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 1, &error), 0);
    assert_int_equal(installed(&first), 1);
    assert_int_equal(listing[first].dwCatalogEntryId, 1005);
}

static void order__permutations_and_others__written_or_refused(void **state)
{
    DWORD ids[] = {1004, 1001, 1003, 1002};
    DWORD wrong[] = {1004, 1001, 1003, 1003};
    WSAPROTOCOL_INFOW list[2];
    int error = 0;
    unsigned i;
    (void)state;
    make_entries(list);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), 0);
    assert_int_equal(WSCWriteProviderOrder(ids, 3), WSAEINVAL);
    assert_int_equal(WSCWriteProviderOrder(wrong, 4), WSAEINVAL);
    assert_int_equal(WSCWriteProviderOrder(NULL, 4), WSAEFAULT);
    assert_int_equal(enumerate(), 4);
    assert_int_equal(listing[0].dwCatalogEntryId, 1001);
    assert_int_equal(WSCWriteProviderOrder(ids, 4), 0);
    assert_int_equal(enumerate(), 4);
    for (i = 0; i < 4; i++) {
        assert_int_equal(listing[i].dwCatalogEntryId, ids[i]);
    }
    assert_true(path_is(library));
}

static void update__installed__path_and_entries_replaced_numbers_kept(void **state)
{
    static WCHAR moved[] = L"C:\\other.dll";
    WSAPROTOCOL_INFOW list[2];
    unsigned first = 99;
    int error = 0;
    (void)state;
    make_entries(list);
    assert_int_equal(WSCUpdateProvider(&ours, moved, list, 2, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEINVAL);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), 0);
    list[0].iSocketType = SOCK_RAW;
    assert_int_equal(WSCUpdateProvider(&ours, moved, list, 1, &error), 0);
    assert_int_equal(installed(&first), 1);
    assert_int_equal(listing[first].iSocketType, SOCK_RAW);
    assert_int_equal(listing[first].dwCatalogEntryId, 1003);
    assert_true(path_is(moved));
}

static void arguments__wrong__refused_and_nothing_changed(void **state)
{
    WSAPROTOCOL_INFOW list[2];
    static WSAPROTOCOL_INFOW many[70];
    static WCHAR endless[400];
    unsigned first;
    int error = 0;
    unsigned i;
    (void)state;
    make_entries(list);
    for (i = 0; i < 399; i++) {
        endless[i] = L'x';
    }
    for (i = 0; i < 70; i++) {
        many[i] = list[0];
    }
#define REFUSED(call, code)                     \
    do {                                        \
        error = 0;                              \
        assert_int_equal((call), SOCKET_ERROR); \
        assert_int_equal(error, (code));        \
        assert_int_equal(installed(&first), 0); \
    } while (0)
    REFUSED(WSCInstallProvider(NULL, library, list, 2, &error), WSAEFAULT);
    REFUSED(WSCInstallProvider(&ours, NULL, list, 2, &error), WSAEFAULT);
    REFUSED(WSCInstallProvider(&ours, library, NULL, 2, &error), WSAEFAULT);
    REFUSED(WSCInstallProvider(&ours, library, list, 0, &error), WSAEINVAL);
    REFUSED(WSCInstallProvider(&ours, endless, list, 2, &error), WSAEINVAL);
    REFUSED(WSCInstallProvider(&ours, library, many, 70, &error), WSAENOBUFS);
    list[1].iSocketType = 17;
    REFUSED(WSCInstallProvider(&ours, library, list, 2, &error), WSAEINVAL);
    REFUSED(WSCDeinstallProvider(NULL, &error), WSAEFAULT);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, NULL), SOCKET_ERROR);
}

static void file__missing_or_wrong__no_recovery(void **state)
{
    WSAPROTOCOL_INFOW list[2];
    int error = 0;
    (void)state;
    make_entries(list);
    t_api_environment("WINLANE_CATALOG", "/nonexistent/folder/catalogue");
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), SOCKET_ERROR);
    assert_int_equal(error, WSANO_RECOVERY);
    write_file("{");
    error = 0;
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), SOCKET_ERROR);
    assert_int_equal(error, WSANO_RECOVERY);
}

static void running_process__catalogue_changed__keeps_its_own(void **state)
{
    WSAPROTOCOL_INFOW list[2];
    DWORD bytes = sizeof listing;
    unsigned first;
    int error = 0;
    (void)state;
    make_entries(list);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), 0);
    assert_int_equal(WSAEnumProtocolsW(NULL, listing, &bytes), 2); /* WSC2-13 */
    assert_int_equal(installed(&first), 2);
    assert_int_equal(WSACleanup(), 0);
    bytes = sizeof listing;
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(WSAEnumProtocolsW(NULL, listing, &bytes), 4);
    assert_int_equal(WSACleanup(), 0);
}

static int entry_of_socket(int type, int protocol)
{
    SOCKET s = socket(AF_INET, type, protocol);
    return s == INVALID_SOCKET ? -WSAGetLastError() : (int)t_api_counters()->last_entry;
}

/* The order decides whose socket it is; a provider that fails is not replaced by the next one. */
static void order__changed__next_start_selects_by_it(void **state)
{
    static WCHAR path[600];
    DWORD order[] = {1003, 1001, 1002};
    WSAPROTOCOL_INFOW *own;
    WSAPROTOCOL_INFOW info;
    int chars = 600;
    int error = 0;
    (void)state;
    assert_int_equal(t_api_use_fake(NULL), 0); /* a provider that can be loaded */
    assert_true(enumerate() > 0);
    info = listing[0];
    error = 0;
    assert_int_equal(WSCGetProviderPath(&info.ProviderId, NULL, &chars, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEFAULT);
    assert_int_equal(WSCGetProviderPath(&info.ProviderId, path, &chars, &error), 0);
    assert_int_equal(base_file(NULL), 0);
    /* A path in the program's folder is a name alone here: this file stands elsewhere. */
    assert_int_equal(WSCInstallProvider(&info.ProviderId, path[0] == L'.' ? path + 2 : path, &info, 1, &error), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(entry_of_socket(SOCK_STREAM, IPPROTO_TCP), -WSAEPROVIDERFAILEDINIT); /* 1001 */
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(WSCWriteProviderOrder(order, 3), 0);
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(entry_of_socket(SOCK_STREAM, IPPROTO_TCP), 1003);
    assert_int_equal(entry_of_socket(SOCK_STREAM, 0), 1003);
    assert_int_equal(enumerate(), 3);
    own = &listing[1];
    assert_int_equal(own->dwCatalogEntryId, 1001);
    assert_no_socket(WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, own, 0, 0), WSAEPROVIDERFAILEDINIT);
    own->dwCatalogEntryId = 4242;
    assert_no_socket(WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, own, 0, 0), WSAEINVAL);
    assert_int_equal(WSACleanup(), 0);
}

static GUID chain_id = {0x9f1c3a53, 0x4d0e, 0x4b11, {0x9c, 0x1e, 0x5a, 0x77, 0x30, 0x2b, 0x64, 0xd1}};

/* Rules WSC-5 to WSC-7: a chain is made of entries that are there, none twice, a base protocol at its end. */
static void chain__entries_missing_or_twice__refused(void **state)
{
    static const struct {
        int length;
        DWORD entry[3];
        int code;
    } rows[] = {
        {2, {4242, 1001}, WSAEINVAL},       {2, {1003, 4242}, WSAEINVAL}, {2, {1001, 1003}, WSAEINVAL},
        {3, {1003, 1003, 1001}, WSAEINVAL}, {2, {1001, 1001}, WSAEINVAL}, {2, {1003, 1001}, 0},
    };
    static WCHAR path[] = L"layer.so";
    WSAPROTOCOL_INFOW info;
    unsigned i;
    int error = 0;
    (void)state;
    assert_int_equal(base_file(NULL), 0);
    assert_true(enumerate() > 0);
    info = listing[0];
    info.ProtocolChain.ChainLen = LAYERED_PROTOCOL;
    assert_int_equal(WSCInstallProvider(&ours, path, &info, 1, &error), 0);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int result;
        print_message("row %u\n", i);
        info.ProtocolChain.ChainLen = rows[i].length;
        memcpy(info.ProtocolChain.ChainEntries, rows[i].entry, sizeof rows[i].entry);
        error = 0;
        result = WSCInstallProvider(&chain_id, path, &info, 1, &error);
        assert_int_equal(result, rows[i].code == 0 ? 0 : SOCKET_ERROR);
        assert_int_equal(error, rows[i].code);
        assert_int_equal(enumerate(), rows[i].code == 0 ? 4 : 3);
    }
    info.ProtocolChain.ChainEntries[0] = 4242;
    assert_int_equal(WSCUpdateProvider(&chain_id, path, &info, 1, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEINVAL);
}

/* Rule WS2-8: variables of the environment in a path are replaced when the library is loaded, and not before. */
static void path__with_a_variable__expanded_when_loaded(void **state)
{
    static WCHAR path[600];
    static WCHAR said[600];
    char narrow[600];
    const DWORD order[] = {1003, 1001, 1002};
    WSAPROTOCOL_INFOW info;
    int chars = 600;
    int error = 0;
    unsigned i;
    (void)state;
    assert_int_equal(t_api_use_fake(NULL), 0);
    assert_true(enumerate() > 0);
    info = listing[0];
    assert_int_equal(WSCGetProviderPath(&info.ProviderId, path, &chars, &error), 0);
    assert_int_equal(base_file(NULL), 0);
    for (i = 0; path[i] != 0; i++) {
        narrow[i] = (char)path[i];
    }
    narrow[i] = '\0';
    t_api_environment("T_LIBRARY", narrow[0] == '.' ? narrow + 2 : narrow);
    assert_int_equal(WSCInstallProvider(&ours, L"%T_LIBRARY%", &info, 1, &error), 0);
    assert_int_equal(WSCWriteProviderOrder((LPDWORD)(uintptr_t)order, 3), 0);
    chars = 600;
    assert_int_equal(WSCGetProviderPath(&ours, said, &chars, &error), 0);
    assert_memory_equal(said, L"%T_LIBRARY%", sizeof L"%T_LIBRARY%");
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(entry_of_socket(SOCK_STREAM, IPPROTO_TCP), 1003);
    assert_int_equal(WSACleanup(), 0);
    t_api_environment("T_LIBRARY", "no-such-library");
    assert_int_equal(t_api_start(NULL), 0);
    assert_int_equal(entry_of_socket(SOCK_STREAM, IPPROTO_TCP), 1003); /* loaded once, it stays */
    assert_int_equal(WSACleanup(), 0);
}

/* Rule WSC2-13: who runs is told that the catalogue has changed. */
static void change__of_the_catalogue__is_told(void **state)
{
    static WCHAR path[] = L"other.so";
    OVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    HANDLE notification = NULL;
    HANDLE none = (HANDLE)(uintptr_t)4242;
    WSAPROTOCOL_INFOW info;
    int error = 0;
    (void)state;
    assert_int_equal(base_file(NULL), 0);
    assert_fails(WSAProviderConfigChange(&notification, NULL, NULL), WSANOTINITIALISED);
    assert_int_equal(t_api_start(NULL), 0);
    assert_fails(WSAProviderConfigChange(NULL, NULL, NULL), WSAEFAULT);
    assert_fails(WSAProviderConfigChange(&none, NULL, NULL), WSA_INVALID_HANDLE);
    assert_int_equal(WSAProviderConfigChange(&notification, NULL, NULL), 0);
    assert_non_null(notification);
    assert_fails(WSAProviderConfigChange(&notification, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 100), WAIT_TIMEOUT);
    assert_true(enumerate() > 0);
    info = listing[0];
    assert_int_equal(WSCInstallProvider(&ours, path, &info, 1, &error), 0);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 5000), WAIT_OBJECT_0);
    assert_int_equal(overlapped.Internal, 0);
    WSAResetEvent(overlapped.hEvent);
    assert_fails(WSAProviderConfigChange(&notification, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(WaitForSingleObject(overlapped.hEvent, 0), WAIT_OBJECT_0);
    assert_int_equal(overlapped.Internal, WSA_OPERATION_ABORTED);
    CloseHandle(notification);
    WSACloseEvent(overlapped.hEvent);
}

/* A chain's entry stands for its top layer: that one's library is loaded and gets the calls. */
static void chain__asked_for_by_its_entry__top_layer_is_called(void **state)
{
    static WCHAR path[600];
    WSAPROTOCOL_INFOW info;
    u_long value = 0;
    int chars = 600;
    int error = 0;
    DWORD bytes;
    SOCKET s;
    (void)state;
    assert_int_equal(t_api_use_fake(NULL), 0);
    assert_true(enumerate() > 0);
    info = listing[0];
    assert_int_equal(WSCGetProviderPath(&info.ProviderId, path, &chars, &error), 0);
    assert_int_equal(base_file(NULL), 0);
    info.ProtocolChain.ChainLen = LAYERED_PROTOCOL; /* the layer itself, 1003 */
    assert_int_equal(WSCInstallProvider(&ours, path[0] == L'.' ? path + 2 : path, &info, 1, &error), 0);
    info.ProtocolChain.ChainLen = 2;
    info.ProtocolChain.ChainEntries[0] = 1003;
    info.ProtocolChain.ChainEntries[1] = 1001; /* whose library is not there: the layer's affair */
    assert_int_equal(WSCInstallProvider(&chain_id, path[0] == L'.' ? path + 2 : path, &info, 1, &error), 0);
    assert_int_equal(enumerate(), 4);
    assert_int_equal(listing[3].ProtocolChain.ChainLen, 2);
    assert_int_equal(t_api_start(NULL), 0);
    s = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &listing[3], 0, 0);
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(t_api_counters()->last_entry, 1004);
    assert_fails(WSAIoctl(s, SIO_FLUSH, &value, 4, &value, 4, &bytes, NULL, NULL), WSAEOPNOTSUPP); /* its word */
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(WSACleanup(), 0);
}

#define ROUNDS 20

/* Changes of one thread must not undo those of the other. Busy means: try again. */
static DWORD WINAPI install_and_remove(LPVOID number)
{
    GUID own = ours;
    WSAPROTOCOL_INFOW list[2];
    WSAPROTOCOL_INFOW *seen = (WSAPROTOCOL_INFOW *)malloc(MANY * sizeof *seen);
    unsigned round;
    own.Data1 += 1 + *(unsigned *)number;
    make_entries(list);
    for (round = 0; seen != NULL && round < ROUNDS; round++) {
        DWORD bytes = MANY * sizeof *seen;
        int error = 0;
        int found = 0;
        int count;
        while (WSCInstallProvider(&own, library, list, 2, &error) != 0) {
            if (error != WSANO_RECOVERY) {
                return 1;
            }
            Sleep(1);
        }
        count = WSCEnumProtocols(NULL, seen, &bytes, &error);
        while (count > 0) {
            found += memcmp(&seen[--count].ProviderId, &own, sizeof own) == 0;
        }
        if (found != 2) {
            return 2;
        }
        while (WSCDeinstallProvider(&own, &error) != 0) {
            if (error != WSANO_RECOVERY) {
                return 3; /* WSAEINVAL: somebody undid it */
            }
            Sleep(1);
        }
    }
    free(seen);
    return seen == NULL ? 4 : 0;
}

static void changes__two_threads__none_lost(void **state)
{
    unsigned numbers[] = {0, 1};
    HANDLE threads[2];
    unsigned i;
    (void)state;
    for (i = 0; i < 2; i++) {
        threads[i] = CreateThread(NULL, 0, install_and_remove, &numbers[i], 0, NULL);
        assert_non_null(threads[i]);
    }
    for (i = 0; i < 2; i++) {
        DWORD code = 99;
        assert_int_equal(WaitForSingleObject(threads[i], 60000), WAIT_OBJECT_0);
        assert_true(GetExitCodeThread(threads[i], &code));
        assert_int_equal(code, 0);
        CloseHandle(threads[i]);
    }
    assert_int_equal(enumerate(), 2);
}

/* ---- the reference ---- */

static void stub__says_success__enumerating_shows_that_nothing_happened(void **state)
{
    WSAPROTOCOL_INFOW list[2];
    unsigned first = 99;
    int error = 0;
    int before = enumerate();
    (void)state;
    make_entries(list);
    assert_int_equal(WSCInstallProvider(&ours, library, list, 2, &error), 0); /* what it says */
    assert_int_equal(installed(&first), 0);                                   /* what it did */
    assert_int_equal(enumerate(), before);
    assert_false(path_is(library));
}

static int make_file(void **state)
{
    (void)state;
    t_api_temporary_file(file);
    return 0;
}

static int drop_file(void **state)
{
    char lock[T_API_PATH_BYTES + 8];
    (void)state;
    snprintf(lock, sizeof lock, "%s.lock", file);
    (void)remove(lock);
    return remove(file);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(install__new_provider__enumerated_last_with_path, base_file),
        cmocka_unit_test_setup(deinstall__installed__gone_and_numbers_not_reused, base_file),
        cmocka_unit_test_setup(order__permutations_and_others__written_or_refused, base_file),
        cmocka_unit_test_setup(update__installed__path_and_entries_replaced_numbers_kept, base_file),
        cmocka_unit_test_setup(arguments__wrong__refused_and_nothing_changed, base_file),
        cmocka_unit_test_setup(file__missing_or_wrong__no_recovery, base_file),
        cmocka_unit_test_setup(running_process__catalogue_changed__keeps_its_own, base_file),
        cmocka_unit_test_setup(order__changed__next_start_selects_by_it, base_file),
        cmocka_unit_test_setup(chain__entries_missing_or_twice__refused, base_file),
        cmocka_unit_test_setup(path__with_a_variable__expanded_when_loaded, base_file),
        cmocka_unit_test_setup(change__of_the_catalogue__is_told, base_file),
        cmocka_unit_test_setup(chain__asked_for_by_its_entry__top_layer_is_called, base_file),
        cmocka_unit_test_setup(changes__two_threads__none_lost, base_file),
    };
    const struct CMUnitTest reference[] = {
        cmocka_unit_test_setup(stub__says_success__enumerating_shows_that_nothing_happened, base_file),
    };
    (void)argv;
    return argc > 1 ? cmocka_run_group_tests(reference, make_file, drop_file)
                    : cmocka_run_group_tests(tests, make_file, drop_file);
}
