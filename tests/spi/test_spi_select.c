/** @file WSPSelect. */
#include "t_host.h"

#include <string.h>

static struct timeval none = {0, 0};

/* Does select report the socket in set 0 (read), 1 (write), 2 (except) at once? */
static bool ready_now(SOCKET s, int which)
{
    fd_set set = {.fd_count = 1, .fd_array = {s}};
    fd_set *sets[3] = {NULL, NULL, NULL};
    int found;

    sets[which] = &set;
    found = t_spi.lpWSPSelect(0, sets[0], sets[1], sets[2], &none, &t_err);
    assert_in_range(found, 0, 1);
    assert_int_equal(set.fd_count, found);
    return found == 1;
}

/* The same within a second. */
static bool ready_soon(SOCKET s, int which)
{
    for (int i = 0; i < 100; i++) {
        if (ready_now(s, which))
            return true;
        t_sleep_ms(10);
    }
    return false;
}

static void select__stream__six_rows(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = t_socket(AF_INET, SOCK_STREAM), b;
    char buf[4];

    (void)state;
    assert_false(ready_now(listener, 0));
    assert_false(ready_now(a, 1)); /* not connected */
    assert_int_equal(t_spi.lpWSPConnect(a, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    assert_true(ready_soon(listener, 0));
    b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(b != INVALID_SOCKET);
    assert_false(ready_now(listener, 0));
    assert_true(ready_soon(a, 1));
    assert_false(ready_now(b, 0));
    assert_int_equal(t_send(a, "x", 1), 1);
    assert_true(ready_soon(b, 0));
    assert_int_equal(t_recv(b, buf, sizeof buf), 1);
    assert_false(ready_now(b, 0));
    t_close(a);
    assert_true(ready_soon(b, 0)); /* the end of data */
    assert_int_equal(t_recv(b, buf, sizeof buf), 0);
    assert_true(ready_now(b, 0));
    assert_false(ready_now(b, 2));
    t_close(b);
    t_close(listener);
}

static void select__failed_connect__except_only(void **state)
{
    SOCKET dead = t_bound(AF_INET, SOCK_STREAM), a = t_socket(AF_INET, SOCK_STREAM);
    uint16_t port = t_port(dead);

    (void)state;
    t_close(dead);
    assert_int_equal(t_nonblocking(a, true), 0);
    t_fails(t_spi.lpWSPConnect(a, t_addr(AF_INET, port), 16, NULL, NULL, NULL, NULL, &t_err), WSAEWOULDBLOCK);
    assert_true(ready_soon(a, 2));
    assert_false(ready_now(a, 1));
    assert_int_equal(t_option_get(a, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
    t_close(a);
}

static void select__timeout__zero_and_empty_sets(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct timeval wait = {.tv_usec = 60000};
    fd_set read = {.fd_count = 1, .fd_array = {pair.a}};
    uint64_t before = t_now_ms();

    (void)state;
    assert_int_equal(t_spi.lpWSPSelect(0, &read, NULL, NULL, &wait, &t_err), 0);
    assert_in_range(t_now_ms() - before, 50, 5000);
    assert_int_equal(read.fd_count, 0);
    assert_int_equal(wait.tv_usec, 60000);
    t_pair_close(&pair);
}

static void *send_later(void *arg)
{
    t_sleep_ms(40);
    assert_int_equal(t_send(*(SOCKET *)arg, "x", 1), 1);
    return NULL;
}

static void select__blocked__data_wakes_it(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    fd_set read = {.fd_count = 1, .fd_array = {pair.b}};
    struct t_task thread;

    (void)state;
    t_task_start(&thread, send_later, &pair.a);
    assert_int_equal(t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err), 1);
    assert_int_equal(read.fd_array[0], pair.b);
    t_task_join(&thread);
    t_pair_close(&pair);
}

static void select__mixed_sets__count_and_order(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET udp = t_bound(AF_INET6, SOCK_DGRAM);
    fd_set read = {.fd_count = 3, .fd_array = {pair.a, pair.b, udp}};
    fd_set write = {.fd_count = 2, .fd_array = {udp, pair.a}};

    (void)state;
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_true(ready_soon(pair.b, 0));
    assert_int_equal(t_spi.lpWSPSelect(0, &read, &write, NULL, &none, &t_err), 3);
    assert_int_equal(read.fd_count, 1);
    assert_int_equal(read.fd_array[0], pair.b);
    assert_int_equal(write.fd_count, 2);
    assert_int_equal(write.fd_array[0], udp);
    assert_int_equal(write.fd_array[1], pair.a);
    t_close(udp);
    t_pair_close(&pair);
}

/* Windows, as conformance suites observe: twice in a set counts once; sets that are one hold what any of them would. */
static void select__twice_or_one_set_for_two__each_counts_once(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    fd_set set = {.fd_count = 2, .fd_array = {pair.a, pair.a}};

    (void)state;
    assert_int_equal(t_spi.lpWSPSelect(0, NULL, &set, NULL, &none, &t_err), 1);
    assert_int_equal(set.fd_count, 1);
    assert_int_equal(set.fd_array[0], pair.a);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_true(ready_soon(pair.b, 0));
    set.fd_count = 2;
    set.fd_array[0] = pair.a;
    set.fd_array[1] = pair.b;
    assert_int_equal(t_spi.lpWSPSelect(0, &set, &set, NULL, &none, &t_err), 2);
    assert_int_equal(set.fd_count, 2);
    assert_int_equal(set.fd_array[0], pair.b); /* the one that can be read comes first */
    assert_int_equal(set.fd_array[1], pair.a);
    t_pair_close(&pair);
}

/* So many that none is looked for twice: what two sets that are one hold is never more than it was. */
static void select__many_in_one_set_for_two__no_more_than_there_were(void **state)
{
    static struct {
        u_int count;
        SOCKET list[2200];
    } many;
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM);

    (void)state;
    assert_int_equal(t_sendto(s, "x", 1, t_addr(AF_INET, t_port(s))), 1);
    assert_true(ready_soon(s, 0));
    many.count = 1100;
    for (unsigned i = 0; i < 2200; i++)
        many.list[i] = i < 1100 ? s : INVALID_SOCKET;
    assert_int_equal(t_spi.lpWSPSelect(0, (fd_set *)(void *)&many, (fd_set *)(void *)&many, NULL, &none, &t_err), 1100);
    assert_int_equal(many.count, 1100);
    for (unsigned i = 1100; i < 2200; i++)
        assert_int_equal(many.list[i], INVALID_SOCKET);
    t_close(s);
}

/* Windows, as conformance suites observe: who is told to write sends a kilobyte at once, though little was read. */
static void select__writable_again__room_for_a_record(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char bytes[1024] = {0};
    int sent = 1;

    (void)state;
    assert_int_equal(t_nonblocking(pair.a, true), 0);
    while (sent > 0) {
        t_err = 0;
        sent = t_send(pair.a, bytes, 1000);
    }
    assert_int_equal(t_err, WSAEWOULDBLOCK);
    for (int records = 0; records < 100;) {
        if (ready_now(pair.a, 1)) {
            assert_int_equal(t_send(pair.a, bytes, sizeof bytes), sizeof bytes);
            records++;
        } else if (ready_now(pair.b, 0)) {
            assert_true(t_recv(pair.b, bytes, 200) > 0);
        } else {
            t_sleep_ms(1);
        }
    }
    t_pair_close(&pair);
}

static void *close_later(void *arg)
{
    t_sleep_ms(50);
    t_close(*(SOCKET *)arg);
    return NULL;
}

/* One select of one set while another thread closes the socket. @return  What it gave, or 2: it had not begun to wait by then. */
static int select_while_closed(fd_set *set, int which)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct timeval ten = {.tv_sec = 10};
    SOCKET closed = pair.a;
    struct t_task thread;
    int result;

    *set = (fd_set){.fd_count = 1, .fd_array = {pair.a}};
    t_task_start(&thread, close_later, &closed);
    result = t_spi.lpWSPSelect(0, which == 0 ? set : NULL, NULL, which == 2 ? set : NULL, &ten, &t_err);
    t_task_join(&thread);
    t_close(pair.b);
    return result == SOCKET_ERROR && set->fd_count == 1 ? 2 : result;
}

/* Windows, as conformance suites observe: closed during the wait is readable; to another set it is no socket. */
static void select__closed_meanwhile__readable_or_notsock(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which += 2) {
        fd_set set;
        int result = 2;

        for (int i = 0; i < 50 && result == 2; i++)
            result = select_while_closed(&set, which);
        assert_int_equal(result, which == 0 ? 1 : SOCKET_ERROR);
        assert_int_equal(set.fd_count, which == 0 ? 1 : 0);
        if (which != 0)
            assert_int_equal(t_err, WSAENOTSOCK);
    }
}

/* WSPSELECT-2: a program with a larger FD_SETSIZE. */
static struct {
    u_int count;
    SOCKET list[200];
} large;

static void select__more_than_64__all_are_looked_at(void **state)
{
    SOCKET socks[200], one = t_bound(AF_INET, SOCK_DGRAM);

    (void)state;
    for (unsigned i = 0; i < 200; i++)
        socks[i] = large.list[i] = t_bound(AF_INET, SOCK_DGRAM);
    large.count = 200;
    assert_int_equal(t_sendto(one, "x", 1, t_addr(AF_INET, t_port(socks[199]))), 1);
    assert_true(ready_soon(socks[199], 0));
    assert_int_equal(t_spi.lpWSPSelect(0, (fd_set *)(void *)&large, NULL, NULL, &none, &t_err), 1);
    assert_int_equal(large.count, 1);
    assert_int_equal(large.list[0], socks[199]);
    for (unsigned i = 0; i < 200; i++)
        t_close(socks[i]);
    t_close(one);
}

static void select__bad_arguments__have_their_codes_and_keep_the_sets(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM), stale = t_socket(AF_INET, SOCK_DGRAM);
    struct timeval negative = {.tv_sec = -1}, negative_us = {.tv_usec = -1};
    fd_set empty = {.fd_count = 0}, write = {.fd_count = 2, .fd_array = {s, stale}};

    (void)state;
    t_close(stale);
    t_fails(t_spi.lpWSPSelect(0, NULL, NULL, NULL, &none, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPSelect(0, &empty, &empty, NULL, &none, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPSelect(0, NULL, &write, NULL, &negative, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPSelect(0, NULL, &write, NULL, &negative_us, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPSelect(0, NULL, &write, NULL, &none, &t_err), WSAENOTSOCK);
    assert_int_equal(write.fd_count, 2);
    assert_int_equal(write.fd_array[1], stale);
    t_close(s);
}

/* A.10.10: told by a code, and the sets that are good stay as they were. */
static void select__wild_pointers__fault(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM);
    fd_set good = {.fd_count = 1, .fd_array = {s}};
    fd_set *wild = (fd_set *)(uintptr_t)16;

    (void)state;
    t_fails(t_spi.lpWSPSelect(0, wild, NULL, NULL, &none, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSelect(0, &good, wild, NULL, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSelect(0, &good, NULL, wild, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSelect(0, &good, NULL, NULL, (struct timeval *)(uintptr_t)16, &t_err), WSAEFAULT);
    assert_int_equal(good.fd_count, 1);
    assert_int_equal(t_spi.lpWSPSelect(0, &good, NULL, NULL, &none, &t_err), 0);
    t_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(select__stream__six_rows),
        cmocka_unit_test(select__failed_connect__except_only),
        cmocka_unit_test(select__timeout__zero_and_empty_sets),
        cmocka_unit_test(select__blocked__data_wakes_it),
        cmocka_unit_test(select__mixed_sets__count_and_order),
        cmocka_unit_test(select__twice_or_one_set_for_two__each_counts_once),
        cmocka_unit_test(select__many_in_one_set_for_two__no_more_than_there_were),
        cmocka_unit_test(select__writable_again__room_for_a_record),
        cmocka_unit_test(select__closed_meanwhile__readable_or_notsock),
        cmocka_unit_test(select__more_than_64__all_are_looked_at),
        cmocka_unit_test(select__bad_arguments__have_their_codes_and_keep_the_sets),
        cmocka_unit_test(select__wild_pointers__fault),
    };

    return cmocka_run_group_tests_name("spi_select", tests, t_host_start, t_host_stop);
}
