/*
 * Several providers in one process: the fake one, Winlane, and a layer over Winlane. WINLANE_CONFIG names
 * configs/wire-pair.ini.
 */
#include "t_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_UDP 101
#define WINLANE_TCP 201
#define WINLANE_UDP 202
#define NO_ZERO 203
#define LAYER 301
#define CHAIN 302

#define ENTRY(id, family, type, protocol, service, provider, bytes, more)                                              \
    "{\"id\": " #id ", \"name\": \"e" #id "\", \"family\": " #family ", \"type\": " #type ", \"protocol\": " #protocol \
    ", \"service_flags\": " service ", \"provider_flags\": " provider ", \"address_bytes\": " bytes more "}"

static char path[T_API_PATH_BYTES];

/* The number of the entry that the layer's chain stands on is LAYER_BELOW. */
static int make_catalogue(void **state)
{
    static const char form[] =
        "{\"providers\": ["
        "{\"id\": \"{0b51f0a3-6c7e-4c0a-9f2b-51c1f2c0aa10}\", \"path\": \"%s\", \"entries\": [" ENTRY(
            101, 2, 2, 17, "1545", "8", "16",
            ", \"message_bytes\": 65507") "]},"
                                          "{\"id\": \"{6e8b1c52-9d0a-4a6f-8b57-2c41d3f0a701}\", \"path\": \"%s\", \"entries\": [" ENTRY(
                                              201, 2, 1, 6, "102", "8", "16",
                                              "") "," ENTRY(202, 2, 2, 17, "1545", "8", "16",
                                                            ", \"message_bytes\": 65507") "," ENTRY(203, 23, 2, 17,
                                                                                                    "1545", "0", "28",
                                                                                                    ", \"message_bytes\": 65507") "]},"
                                                                                                                                  "{\"id\": \"{6e8b1c52-9d0a-4a6f-8b57-2c41d3f0a702}\", \"path\": \"%s\", \"entries\": [" ENTRY(
                                                                                                                                      301,
                                                                                                                                      2,
                                                                                                                                      1,
                                                                                                                                      6,
                                                                                                                                      "102",
                                                                                                                                      "8",
                                                                                                                                      "16",
                                                                                                                                      ", \"chain\": []") "," ENTRY(302,
                                                                                                                                                                   2,
                                                                                                                                                                   1,
                                                                                                                                                                   6,
                                                                                                                                                                   "102",
                                                                                                                                                                   "8",
                                                                                                                                                                   "16",
                                                                                                                                                                   ", \"chain\": [301, 201]") "]}"
                                                                                                                                                                                              "]}";
    FILE *file;
    (void)state;
    t_api_temporary_file(path);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, form, T_FAKE_PROVIDER, T_WINLANE, T_LAYER);
    fclose(file);
    t_api_environment("WINLANE_CATALOG", path);
    t_api_environment("FAKE_PROVIDER", "poll");
    t_api_environment("LAYER_BELOW", "201");
    return 0;
}

static int drop_catalogue(void **state)
{
    (void)state;
    return remove(path);
}

static WSAPROTOCOL_INFOW entry_of(DWORD id)
{
    static WSAPROTOCOL_INFOW list[16]; /* too large for the stack's bound */
    DWORD bytes = sizeof list;
    INT error = 0;
    int count = WSCEnumProtocols(NULL, list, &bytes, &error);
    int i;
    for (i = 0; i < count && list[i].dwCatalogEntryId != id; i++) {
    }
    assert_in_range(i, 0, count - 1);
    return list[i];
}

static SOCKET socket_of(DWORD id)
{
    WSAPROTOCOL_INFOW info = entry_of(id);
    SOCKET s = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED);
    assert_true(s != INVALID_SOCKET);
    return s;
}

static SOCKET bound_to_loopback(DWORD id, SOCKADDR_IN *at)
{
    SOCKET s = socket_of(id);
    int bytes = sizeof *at;
    *at = t_api_loopback(0);
    assert_int_equal(bind(s, (struct sockaddr *)at, bytes), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)at, &bytes), 0);
    return s;
}

/* Rules A.10.3, WSPSELECT-1: a socket of another provider is none to the one that is asked. */
static void select__two_providers__not_a_socket(void **state)
{
    SOCKADDR_IN at;
    SOCKET ours = bound_to_loopback(WINLANE_UDP, &at);
    SOCKET fake = bound_to_loopback(FAKE_UDP, &at);
    struct timeval now = {0, 0};
    fd_set set;
    (void)state;
    FD_ZERO(&set);
    FD_SET(ours, &set);
    FD_SET(fake, &set);
    assert_fails(select(0, &set, NULL, NULL, &now), WSAENOTSOCK);
    assert_int_equal(set.fd_count, 2); /* rule WSPSELECT-3 */
    FD_ZERO(&set);
    FD_SET(ours, &set);
    assert_int_equal(select(0, &set, NULL, NULL, &now), 0);
    FD_ZERO(&set);
    FD_SET(fake, &set);
    assert_int_equal(select(0, NULL, &set, NULL, &now), 1);
    assert_int_equal(closesocket(ours), 0);
    assert_int_equal(closesocket(fake), 0);
}

struct later {
    SOCKET s;
    SOCKADDR_IN to;
};

static DWORD WINAPI send_later(LPVOID context)
{
    struct later *later = (struct later *)context;
    Sleep(40);
    return sendto(later->s, "x", 1, 0, (struct sockaddr *)&later->to, sizeof later->to) == 1 ? 0 : 1;
}

static void wait_for(struct later *later, WSAPOLLFD *list, int ready)
{
    HANDLE thread = CreateThread(NULL, 0, send_later, later, 0, NULL);
    DWORD code = 1;
    char byte;
    int i;
    assert_non_null(thread);
    assert_int_equal(WSAPoll(list, 4, -1), 1);
    for (i = 0; i < 4; i++) {
        assert_int_equal(list[i].revents, i == ready ? POLLRDNORM : 0);
    }
    assert_int_equal(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 0);
    CloseHandle(thread);
    assert_int_equal(recv(list[ready].fd, &byte, 1, 0), 1);
}

/* Rule POLL-23: sockets of two providers in one array, each ready in turn. */
static void poll__two_providers__each_in_turn(void **state)
{
    SOCKADDR_IN ours_at, fake_at, unused;
    SOCKET ours = bound_to_loopback(WINLANE_UDP, &ours_at);
    SOCKET fake = bound_to_loopback(FAKE_UDP, &fake_at);
    SOCKET our_sender = bound_to_loopback(WINLANE_UDP, &unused);
    SOCKET fake_sender = bound_to_loopback(FAKE_UDP, &unused);
    WSAPOLLFD list[4] = {{our_sender, POLLIN, 0}, {fake, POLLIN, 0}, {ours, POLLIN, 0}, {fake_sender, POLLIN, 0}};
    ULONGLONG before = GetTickCount64();
    struct later later;
    (void)state;
    assert_int_equal(WSAPoll(list, 4, 0), 0);
    assert_int_equal(WSAPoll(list, 4, 60), 0);
    assert_in_range(GetTickCount64() - before, 50, 5000);
    later = (struct later){our_sender, ours_at};
    wait_for(&later, list, 2);
    later = (struct later){fake_sender, fake_at};
    wait_for(&later, list, 1);
    list[0].events = list[3].events = POLLOUT;
    assert_int_equal(WSAPoll(list, 4, -1), 2);
    assert_int_equal(list[0].revents, POLLWRNORM);
    assert_int_equal(list[3].revents, POLLWRNORM);
    assert_int_equal(closesocket(our_sender), 0); /* what is nobody's is told beside the others */
    assert_int_equal(WSAPoll(list, 4, -1), 1);    /* and not counted */
    assert_int_equal(list[0].revents, POLLNVAL);
    assert_int_equal(list[3].revents, POLLWRNORM);
    list[2].events = POLLPRI;
    assert_fails(WSAPoll(list, 4, -1), WSAEINVAL);
    assert_int_equal(closesocket(ours), 0);
    assert_int_equal(closesocket(fake), 0);
    assert_int_equal(closesocket(fake_sender), 0);
}

/* Rules A.3.10, WS2-23: an entry without PFL_MATCHES_PROTOCOL_ZERO is not found by protocol 0. */
static void socket__entry_without_the_zero_flag__only_by_its_protocol(void **state)
{
    SOCKET s;
    (void)state;
    assert_no_socket(socket(AF_INET6, SOCK_DGRAM, 0), WSAEPROTONOSUPPORT);
    s = socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(closesocket(s), 0);
}

static void *layer_symbol(const char *name)
{
    void *module = dlopen(T_LAYER, RTLD_NOW | RTLD_NOLOAD);
    void *symbol = module == NULL ? NULL : dlsym(module, name);
    assert_non_null(symbol);
    dlclose(module);
    return symbol;
}

static unsigned layer_ask(const char *name)
{
    union {
        void *object;
        unsigned (*function)(void);
    } both;
    both.object = layer_symbol(name);
    return both.function();
}

/* Rule WSPSOCKET-3: through a chain the provider is asked with its own entry, which its upcalls and sockets then name. */
static void socket__through_a_chain__is_of_the_base_entry(void **state)
{
    SOCKET direct = socket_of(WINLANE_TCP); /* the DLL knows the base provider */
    SOCKET s = socket_of(CHAIN);
    SOCKADDR_IN at = t_api_loopback(0);
    WSAPROTOCOL_INFOW info;
    int bytes = sizeof info;
    (void)state;
    assert_int_equal(layer_ask("layer_sockets"), 1);
    assert_int_equal(layer_ask("layer_chain_entry"), CHAIN);
    assert_int_equal(getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &bytes), 0);
    assert_int_equal(info.dwCatalogEntryId, WINLANE_TCP);
    assert_int_equal(info.ProtocolChain.ChainLen, 1);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s, 1), 0);
    bytes = sizeof at;
    assert_int_equal(getsockname(s, (struct sockaddr *)&at, &bytes), 0);
    assert_int_equal(connect(direct, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(direct), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(select__two_providers__not_a_socket, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(poll__two_providers__each_in_turn, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(socket__entry_without_the_zero_flag__only_by_its_protocol, t_api_start,
                                        t_api_stop),
        cmocka_unit_test_setup_teardown(socket__through_a_chain__is_of_the_base_entry, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, make_catalogue, drop_catalogue);
}
