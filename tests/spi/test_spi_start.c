/** @file WSPStartup, WSPCleanup, WSPSocket, and exit. */
#include "t_host.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct version_row {
    WORD version;
    int result;
};

static void start__versions__two_two_or_higher(void **state)
{
    static const struct version_row rows[] = {
        {MAKEWORD(0, 0), WSAVERNOTSUPPORTED},
        {MAKEWORD(1, 0), WSAVERNOTSUPPORTED},
        {MAKEWORD(1, 1), WSAVERNOTSUPPORTED},
        {MAKEWORD(2, 0), WSAVERNOTSUPPORTED},
        {MAKEWORD(2, 1), WSAVERNOTSUPPORTED},
        {MAKEWORD(2, 2), 0},
        {MAKEWORD(2, 3), 0},
        {MAKEWORD(3, 0), 0},
        {MAKEWORD(9, 9), 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WSPDATA data;
        int result;

        memset(&data, 0x5a, sizeof data);
        result = t_provider_start(rows[i].version, &data, t_info(AF_INET, SOCK_STREAM), t_host_upcalls(), &t_spi);
        if (result != rows[i].result)
            fail_msg("row %zu: %d", i, result);
        if (result != 0)
            continue;
        assert_int_equal(data.wVersion, MAKEWORD(2, 2));
        assert_int_equal(data.wHighVersion, MAKEWORD(2, 2));
        assert_int_equal(data.szDescription[WSPDESCRIPTION_LEN], 0);
        assert_int_equal(data.szDescription[0], 'W');
        assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    }
}

static void start__bad_arguments__leave_no_trace(void **state)
{
    LPWSAPROTOCOL_INFOW info = t_info(AF_INET, SOCK_STREAM);
    WSPUPCALLTABLE poor = t_host_upcalls();
    WSPPROC_TABLE table;
    WSPDATA data;

    (void)state;
    assert_int_equal(t_provider_start(MAKEWORD(2, 2), NULL, info, t_host_upcalls(), &table), WSAEFAULT);
    assert_int_equal(t_provider_start(MAKEWORD(2, 2), &data, NULL, t_host_upcalls(), &table), WSAEFAULT);
    assert_int_equal(t_provider_start(MAKEWORD(2, 2), &data, info, t_host_upcalls(), NULL), WSAEFAULT);
    poor.lpWPUCreateSocketHandle = NULL;
    assert_int_equal(t_provider_start(MAKEWORD(2, 2), &data, info, poor, &table), WSAEINVALIDPROVIDER);
    t_fails(t_spi.lpWSPCleanup(&t_err), WSANOTINITIALISED);
}

static void start__table__has_no_empty_slot(void **state)
{
    void *slots[30];

    assert_int_equal(t_host_start(state), 0);
    assert_int_equal(sizeof t_spi, sizeof slots);
    memcpy(slots, &t_spi, sizeof slots);
    for (int i = 0; i < 30; i++)
        assert_non_null(slots[i]);
    assert_int_equal(t_host_stop(state), 0);
}

static void start__counted__only_the_last_cleanup_ends_sockets(void **state)
{
    SOCKET s;

    assert_int_equal(t_host_start(state), 0);
    assert_int_equal(t_host_start(state), 0);
    s = t_socket(AF_INET, SOCK_STREAM);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(t_handles_count(), 1);
    assert_int_equal(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), 16, &t_err), 0);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(t_handles_count(), 0);
    t_sockets_are(0);
    t_fails(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), 16, &t_err), WSANOTINITIALISED);
    t_fails(t_spi.lpWSPCleanup(&t_err), WSANOTINITIALISED);
}

static void start__hundred_rounds__with_traffic(void **state)
{
    for (int i = 0; i < 100; i++) {
        struct t_pair pair;
        char buf[4];

        assert_int_equal(t_host_start(state), 0);
        pair = t_pair_make(i % 2 ? AF_INET : AF_INET6, WSA_FLAG_OVERLAPPED);
        assert_int_equal(t_send(pair.a, "abc", 3), 3);
        assert_int_equal(t_recv(pair.b, buf, sizeof buf), 3);
        if (i % 3)
            t_pair_close(&pair);
        assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
        assert_int_equal(t_handles_count(), 0);
        t_sockets_are(0);
    }
}

static atomic_uint second_creates, second_queries;
static WSPUPCALLTABLE first_table;

static SOCKET WSPAPI second_create(DWORD id, DWORD_PTR context, LPINT err)
{
    atomic_fetch_add(&second_creates, 1);
    return first_table.lpWPUCreateSocketHandle(id, context, err);
}

static int WSPAPI second_query(SOCKET s, PDWORD_PTR context, LPINT err)
{
    atomic_fetch_add(&second_queries, 1);
    return first_table.lpWPUQuerySocketHandleContext(s, context, err);
}

/* What is handed over belongs to the caller: it is spoilt as soon as the start has returned. */
static void start__again_with_other_upcalls__the_latest_are_used(void **state)
{
    WSAPROTOCOL_INFOW info = *t_info(AF_INET, SOCK_STREAM);
    WSPUPCALLTABLE table = t_host_upcalls();
    WSPDATA data;
    SOCKET s;

    first_table = table;
    assert_int_equal(t_provider_start(MAKEWORD(2, 2), &data, &info, table, &t_spi), 0);
    memset(&info, 0x5a, sizeof info);
    memset(&table, 0x5a, sizeof table);
    s = t_socket(AF_INET, SOCK_STREAM);
    assert_int_equal(atomic_load(&second_creates), 0);
    table = first_table;
    table.lpWPUCreateSocketHandle = second_create;
    table.lpWPUQuerySocketHandleContext = second_query;
    info = *t_info(AF_INET, SOCK_STREAM);
    assert_int_equal(t_provider_start(MAKEWORD(2, 3), &data, &info, table, &t_spi), 0);
    memset(&info, 0x5a, sizeof info);
    memset(&table, 0x5a, sizeof table);
    t_close(s);
    assert_true(atomic_load(&second_queries) > 0);
    t_close(t_socket(AF_INET, SOCK_STREAM));
    assert_int_equal(atomic_load(&second_creates), 1);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    (void)state;
}

#define START_ROUNDS 200

static void *start_and_end(void *arg)
{
    unsigned *wrong = arg;

    for (unsigned i = 0; i < START_ROUNDS; i++) {
        WSPPROC_TABLE table;
        WSPDATA data;
        INT err;

        if (t_provider_start(MAKEWORD(2, 2 + i % 3), &data, t_info(AF_INET, SOCK_STREAM), t_host_upcalls(), &table) !=
            0)
            ++*wrong;
        else if (table.lpWSPCleanup(&err) != 0)
            ++*wrong;
    }
    return NULL;
}

static void start__four_threads_start_and_end__count_is_exact(void **state)
{
    struct t_task threads[4];
    unsigned wrong[4] = {0};
    SOCKET s;

    assert_int_equal(t_host_start(state), 0);
    s = t_socket(AF_INET, SOCK_STREAM);
    for (int i = 0; i < 4; i++)
        t_task_start(&threads[i], start_and_end, &wrong[i]);
    for (int i = 0; i < 4; i++) {
        t_task_join(&threads[i]);
        assert_int_equal(wrong[i], 0);
    }
    t_close(s); /* no cleanup of theirs was the last one */
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    t_fails(t_spi.lpWSPCleanup(&t_err), WSANOTINITIALISED);
}

static void start__no_configuration__first_socket_is_netdown(void **state)
{
    WSPDATA data;
    char *saved = strdup(getenv("WINLANE_CONFIG") ? getenv("WINLANE_CONFIG") : "");

    (void)state;
    t_env_set("WINLANE_CONFIG", "/nonexistent/winlane.ini");
    assert_int_equal(t_provider_start(MAKEWORD(2, 2), &data, t_info(AF_INET, SOCK_STREAM), t_host_upcalls(), &t_spi),
                     0);
    assert_true(t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, t_info(AF_INET, SOCK_STREAM), 0, 0, &t_err) ==
                INVALID_SOCKET);
    assert_int_equal(t_err, WSAENETDOWN);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    t_env_set("WINLANE_CONFIG", saved);
    free(saved);
}

struct socket_row {
    int af, type, protocol;
    int info_af, info_type;
    GROUP g;
    DWORD flags;
    int error; /* 0: a socket */
};

#define LEAF (WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)

static void socket__table__kinds_flags_and_codes(void **state)
{
    static const struct socket_row rows[] = {
        {AF_INET, SOCK_STREAM, IPPROTO_TCP, AF_INET, SOCK_STREAM, 0, 0, 0},
        {AF_INET, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, 0, WSA_FLAG_OVERLAPPED, 0},
        {0, 0, 0, AF_INET6, SOCK_DGRAM, 0, 0, 0},
        {-1, -1, -1, AF_INET6, SOCK_STREAM, 0, 0, 0},
        {AF_INET, SOCK_RAW, 255, AF_INET, SOCK_RAW, 0, 0, 0},
        {AF_INET, SOCK_RAW, 256, AF_INET, SOCK_RAW, 0, 0, WSAEPROTONOSUPPORT},
        {AF_INET6, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, 0, 0, WSAEAFNOSUPPORT},
        {99, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, 0, 0, WSAEAFNOSUPPORT},
        {AF_INET, SOCK_DGRAM, 0, AF_INET, SOCK_STREAM, 0, 0, WSAESOCKTNOSUPPORT},
        {AF_INET, SOCK_RDM, 0, AF_INET, SOCK_STREAM, 0, 0, WSAESOCKTNOSUPPORT},
        {AF_INET, SOCK_STREAM, IPPROTO_UDP, AF_INET, SOCK_STREAM, 0, 0, WSAEPROTOTYPE},
        {AF_INET, SOCK_STREAM, 99, AF_INET, SOCK_STREAM, 0, 0, WSAEPROTONOSUPPORT},
        {AF_INET, SOCK_DGRAM, IPPROTO_TCP, AF_INET, SOCK_DGRAM, 0, 0, WSAEPROTONOSUPPORT},
        {AF_INET, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, SG_UNCONSTRAINED_GROUP, 0, WSAEINVAL},
        {AF_INET, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, 0, 0x200, WSAEINVAL},
        {AF_INET, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, 0, WSA_FLAG_NO_HANDLE_INHERIT, 0},
        {AF_INET, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, 0, WSA_FLAG_ACCESS_SYSTEM_SECURITY, 0},
        {AF_INET, SOCK_DGRAM, 0, AF_INET, SOCK_DGRAM, 0, WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED, 0},
        {AF_INET, SOCK_DGRAM, 0, AF_INET, SOCK_DGRAM, 0, WSA_FLAG_MULTIPOINT_D_LEAF, WSAEINVAL},
        {AF_INET, SOCK_DGRAM, 0, AF_INET, SOCK_DGRAM, 0, LEAF | WSA_FLAG_MULTIPOINT_D_ROOT, WSAEINVAL},
        {AF_INET, SOCK_DGRAM, 0, AF_INET, SOCK_DGRAM, 0, LEAF, 0},
        {AF_INET, SOCK_DGRAM, 0, AF_INET, SOCK_DGRAM, 0, WSA_FLAG_MULTIPOINT_C_LEAF, WSAEINVAL},
        {AF_INET, SOCK_DGRAM, 0, AF_INET, SOCK_DGRAM, 0, LEAF | WSA_FLAG_MULTIPOINT_C_ROOT, WSAEINVAL},
        {AF_INET, SOCK_STREAM, 0, AF_INET, SOCK_STREAM, 0, LEAF, WSAEINVAL},
    };

    assert_int_equal(t_host_start(state), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct socket_row *row = &rows[i];
        SOCKET s;

        t_err = 0;
        s = t_spi.lpWSPSocket(row->af, row->type, row->protocol, t_info(row->info_af, row->info_type), row->g,
                              row->flags, &t_err);
        if ((s == INVALID_SOCKET) != (row->error != 0) || t_err != row->error)
            fail_msg("row %zu: %d", i, t_err);
        if (s == INVALID_SOCKET)
            continue;
        assert_int_equal(t_handle_entry(), t_info(row->info_af, row->info_type)->dwCatalogEntryId);
        t_close(s);
    }
    t_handle_fail_next(WSAENOBUFS);
    assert_true(t_spi.lpWSPSocket(0, 0, 0, t_info(AF_INET, SOCK_STREAM), 0, 0, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAENOBUFS);
    assert_int_equal(t_host_stop(state), 0);
}

static void *blocked_in_receive(void *arg)
{
    char byte;

    (void)t_recv(*(SOCKET *)arg, &byte, 1);
    return NULL;
}

static void *blocked_in_select(void *arg)
{
    fd_set read = {.fd_count = 1, .fd_array = {*(SOCKET *)arg}};

    (void)t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err);
    return NULL;
}

static BOOL CALLBACK endless_hook(DWORD_PTR context)
{
    (void)context;
    for (;;)
        t_sleep_ms(1000);
    return FALSE;
}

/* Everything in a process of its own, since exit is what is tested. */
static void exit_child(int kind)
{
    struct t_pair pair;
    WSAOVERLAPPED ov = {0};
    char byte;
    WSABUF buf = {1, &byte};
    DWORD got, flags = 0;
    void *none = NULL;

    if (t_host_start(&none) != 0)
        _Exit(99);
    pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    if (t_send(pair.a, "last words", 10) != 10)
        _Exit(98);
    if (kind == 1)
        t_close(pair.a);
    if (kind == 2 && t_spi.lpWSPRecv(pair.a, &buf, 1, &got, &flags, &ov, NULL, NULL, &t_err) != SOCKET_ERROR)
        _Exit(97);
    if (kind == 5)
        t_hook_set(endless_hook, 0); /* a thread that does not leave its call */
    if (kind >= 3) {
        struct t_task thread;

        t_task_start(&thread, kind == 4 ? blocked_in_select : blocked_in_receive, &pair.a);
        t_task_forget(&thread);
        t_sleep_ms(30);
    }
    exit(7);
}

static void exit__without_cleanup__ends_in_time(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        uint64_t before = t_now_ms();
        char arg[8];

        (void)snprintf(arg, sizeof arg, "%d", kind);
        assert_int_equal(t_child_run(arg, 20000), 7);
        assert_in_range(t_now_ms() - before, 0, 10000);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit__without_cleanup__ends_in_time),
        cmocka_unit_test(start__versions__two_two_or_higher),
        cmocka_unit_test(start__bad_arguments__leave_no_trace),
        cmocka_unit_test(start__table__has_no_empty_slot),
        cmocka_unit_test(start__counted__only_the_last_cleanup_ends_sockets),
        cmocka_unit_test(start__again_with_other_upcalls__the_latest_are_used),
        cmocka_unit_test(start__four_threads_start_and_end__count_is_exact),
        cmocka_unit_test(start__no_configuration__first_socket_is_netdown),
        cmocka_unit_test(socket__table__kinds_flags_and_codes),
        cmocka_unit_test(start__hundred_rounds__with_traffic),
    };

    if (argc == 2)
        exit_child(atoi(argv[1]));
    return cmocka_run_group_tests_name("spi_start", tests, NULL, NULL);
}
