/*
 * The data path allocates nothing and makes no system call, through the stack
 * API: with a poll thread in real time, and stepped in virtual time.
 */
#include "t_watch.h"

#include "core/client.h"
#include "core/engine.h"
#include "sim.h"
#include "stack/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define WARM_ROUNDS 500
#define ROUNDS 2000
#define MEASURED_NS_MIN (1500 * STK_MS_NS) /* every timer of a second has its turn */
#define WAIT_NS ((int64_t)10 * (int64_t)STK_S_NS)

/** What the poll thread is to do wrong. */
enum fault { FAULT_NONE, FAULT_ALLOC, FAULT_CALL };

struct pairs {
    struct stk_client *clients[2];
    struct stk_sock *tcp[2][2]; /* family, end */
    struct stk_sock *udp[2][2];
    struct stk_addr udp_addr[2][2];
};

static _Atomic int fault_wanted;
static bool calls_not_counted;
static uint8_t bytes_out[32768];
static uint8_t bytes_in[32768];

/* --- Work ---------------------------------------------------------------------- */

/* No assertion of the test library in here: it may allocate. */
static void must(bool good, const char *what)
{
    if (!good) {
        fail_msg("%s", what);
    }
}

static void await(struct stk_client *client, struct stk_sock *sock, uint32_t bits)
{
    struct stk_wait_item item = {.sock = sock, .wanted = bits};
    must(stk_wait(client, &item, 1, WAIT_NS, NULL) == 1, "waited in vain");
}

static void stream_once(struct pairs *pairs, struct stk_sock *const ends[2], int from, size_t size)
{
    size_t sent = 0;
    size_t got = 0;
    while (got < size) {
        const struct stk_iov out = {.base = bytes_out + sent, .len = size - sent};
        const int64_t done = sent < size ? stk_sock_send(ends[from], &out, 1) : STK_EAGAIN;
        must(done > 0 || done == STK_EAGAIN, "send");
        sent += done > 0 ? (size_t)done : 0;
        await(pairs->clients[1 - from], ends[1 - from], STK_READY_IN);
        const struct stk_iov in = {.base = bytes_in + got, .len = sizeof(bytes_in) - got};
        const int64_t taken = stk_sock_recv(ends[1 - from], &in, 1, 0);
        must(taken > 0, "receive");
        got += (size_t)taken;
    }
    must(got == size && memcmp(bytes_in, bytes_out, size) == 0, "bytes differ");
}

static void dgram_once(struct pairs *pairs, int family, int from, size_t size)
{
    const struct stk_iov out[2] = {{.base = bytes_out, .len = size / 2},
                                   {.base = bytes_out + size / 2, .len = size - size / 2}};
    const struct stk_iov in = {.base = bytes_in, .len = sizeof(bytes_in)};
    struct stk_msg_info info;
    struct stk_sock *to = pairs->udp[family][1 - from];
    must(stk_sock_sendto(pairs->udp[family][from], out, 2, &pairs->udp_addr[family][1 - from]) == (int64_t)size,
         "sendto");
    await(pairs->clients[1 - from], to, STK_READY_IN);
    must(stk_sock_recvfrom(to, &in, 1, 0, &info) == (int64_t)size, "recvfrom");
    must(memcmp(bytes_in, bytes_out, size) == 0, "datagram differs");
}

static void work(struct pairs *pairs, unsigned rounds)
{
    static const size_t stream_sizes[] = {1, 64, 513, 1460, 4000, 20000};
    static const size_t dgram_sizes[] = {0, 64, 600, 1472, 3000, 9000};
    for (unsigned i = 0; i < rounds; i++) {
        const int family = (int)(i & 1);
        const int from = (int)(i >> 1 & 1);
        stream_once(pairs, pairs->tcp[family], from, stream_sizes[i % 6]);
        dgram_once(pairs, family, from, dgram_sizes[i % 6]);
    }
}

/* --- Worlds ---------------------------------------------------------------------- */

static uint64_t faulty_now(void *ctx)
{
    const int wanted = atomic_exchange(&fault_wanted, FAULT_NONE);
    (void)ctx;
    if (wanted == FAULT_ALLOC) {
        void *volatile memory = malloc(100);
        free(memory);
    } else if (wanted == FAULT_CALL) {
        (void)syscall(SYS_getppid);
    }
    return stk_clock_ns();
}

static void faulty_random(void *ctx, void *buf, uint32_t len)
{
    (void)ctx;
    memset(buf, 7, len);
}

static struct stk_addr pair_addr(int family, int end, uint16_t port)
{
    struct stk_addr addr = {.family = family == 0 ? STK_AF_INET : STK_AF_INET6, .port = port};
    if (family == 0) {
        memcpy(addr.ip, (uint8_t[]){10, 88, 0, (uint8_t)(end + 1)}, 4);
    } else {
        memcpy(addr.ip, (uint8_t[]){0xfd, 0x88}, 2);
        addr.ip[15] = (uint8_t)(end + 1);
    }
    return addr;
}

static struct stk_sock *sock_bound(struct stk_client *client, int type, const struct stk_addr *addr)
{
    struct stk_sock *sock = NULL;
    assert_int_equal(stk_sock_open(client, addr->family, type, 0, 0, &sock), STK_OK);
    assert_int_equal(stk_sock_bind(sock, addr), STK_OK);
    return sock;
}

static void real_pairs_open(struct stk_client *client, struct pairs *pairs)
{
    pairs->clients[0] = pairs->clients[1] = client;
    for (int family = 0; family < 2; family++) {
        const struct stk_addr to = pair_addr(family, 1, 7000);
        const struct stk_addr from = pair_addr(family, 0, 0);
        struct stk_sock *listener = sock_bound(client, STK_SOCK_STREAM, &to);
        assert_int_equal(stk_sock_listen(listener, 1), STK_OK);
        pairs->tcp[family][0] = sock_bound(client, STK_SOCK_STREAM, &from);
        assert_int_equal(stk_sock_connect(pairs->tcp[family][0], &to), STK_EINPROGRESS);
        await(client, listener, STK_READY_ACCEPT);
        await(client, pairs->tcp[family][0], STK_READY_CONN);
        assert_int_equal(stk_sock_accept(listener, 0, &pairs->tcp[family][1], NULL), STK_OK);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
        for (int end = 0; end < 2; end++) {
            pairs->udp_addr[family][end] = pair_addr(family, end, 7001);
            pairs->udp[family][end] = sock_bound(client, STK_SOCK_DGRAM, &pairs->udp_addr[family][end]);
        }
    }
}

/* Else a small piece waits for the peer's delayed acknowledgement. */
static void nagle_off(struct pairs *pairs)
{
    const int32_t on = 1;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(stk_sock_opt_set(pairs->tcp[i / 2][i % 2], STK_OPT_NODELAY, &on, sizeof(on)), STK_OK);
    }
}

static void report_print(const struct t_watch_report *report)
{
    print_message("allocations %llu and %llu, system calls %llu (%d) and %llu (%d)\n",
                  (unsigned long long)report->allocs_own, (unsigned long long)report->allocs_others,
                  (unsigned long long)report->calls_own, report->call_last_own,
                  (unsigned long long)report->calls_others, report->call_last_others);
}

static void watched_work(struct pairs *pairs, struct t_watch_report *report, const uint64_t *clock)
{
    const uint64_t start = clock != NULL ? *clock : stk_clock_ns();
    t_watch_begin();
    do {
        work(pairs, ROUNDS);
    } while ((clock != NULL ? *clock : stk_clock_ns()) - start < MEASURED_NS_MIN);
    *report = t_watch_end();
    report_print(report);
}

static void assert_quiet(const struct t_watch_report *report)
{
    assert_int_equal(report->allocs_own, 0);
    assert_int_equal(report->allocs_others, 0);
    assert_int_equal(report->calls_own, 0);
    assert_int_equal(report->calls_others, 0);
}

/* The watch sees what it must see: one allocation and one call on either thread. */
static void assert_watch_sees(struct pairs *pairs)
{
    struct t_watch_report report;
    t_watch_begin();
    void *volatile memory = malloc(100);
    free(memory);
    (void)syscall(SYS_getppid);
    work(pairs, 10);
    report = t_watch_end();
    report_print(&report);
    assert_int_equal(report.allocs_own, 2);
    assert_int_equal(report.allocs_others, 0);
    assert_int_equal(report.calls_own, report.calls_counted ? 1 : 0);
    assert_int_equal(report.calls_others, 0);
    for (int fault = FAULT_ALLOC; fault <= FAULT_CALL; fault++) {
        t_watch_begin();
        atomic_store(&fault_wanted, fault);
        while (atomic_load(&fault_wanted) != FAULT_NONE) {
            work(pairs, 10);
        }
        work(pairs, 10);
        report = t_watch_end();
        report_print(&report);
        assert_int_equal(report.allocs_own, 0);
        assert_int_equal(report.allocs_others, fault == FAULT_ALLOC ? 2 : 0);
        assert_int_equal(report.calls_own, 0);
        if (fault == FAULT_CALL) { /* a thread's first allocation makes calls too */
            assert_int_equal(report.calls_others, report.calls_counted ? 1 : 0);
        }
    }
}

static void real_time__poll_thread__quiet(void **state)
{
    const struct stk_engine_env env = {.now_ns = faulty_now, .random = faulty_random};
    struct stk_config *config;
    struct stk_engine *engine;
    struct stk_client *client;
    struct t_watch_report report;
    char error[STK_CONF_ERROR_SIZE] = "";
    struct pairs pairs;
    (void)state;
    assert_int_equal(stk_config_load(T_QUIET_INI, &config, error, sizeof(error)), STK_OK);
    assert_int_equal(stk_engine_create(config, &env, &engine, error, sizeof(error)), STK_OK);
    assert_int_equal(stk_engine_thread_start(engine), STK_OK);
    assert_int_equal(stk_client_attach_region(stk_engine_region(engine), &client), STK_OK);
    real_pairs_open(client, &pairs);
    nagle_off(&pairs);
    work(&pairs, WARM_ROUNDS);
    watched_work(&pairs, &report, NULL);
    calls_not_counted = !report.calls_counted;
    assert_quiet(&report);
    assert_watch_sees(&pairs);
    stk_client_detach(client, 1000);
    stk_engine_destroy(engine);
    stk_config_free(config);
}

static void virtual_time__stepped__quiet(void **state)
{
    struct sim_world world;
    struct pairs pairs;
    struct t_watch_report report;
    (void)state;
    sim_world_init(&world, 77, "wire.delay = 200us\n", "");
    for (int family = 0; family < 2; family++) {
        const int af = family == 0 ? STK_AF_INET : STK_AF_INET6;
        sim_connect_pair(&world, af, 7000, &pairs.tcp[family][0], &pairs.tcp[family][1]);
        for (int end = 0; end < 2; end++) {
            pairs.clients[end] = world.hosts[end].client;
            pairs.udp_addr[family][end] = sim_addr(af, end, 7001);
            pairs.udp[family][end] = sock_bound(pairs.clients[end], STK_SOCK_DGRAM, &pairs.udp_addr[family][end]);
        }
    }
    nagle_off(&pairs);
    work(&pairs, WARM_ROUNDS);
    watched_work(&pairs, &report, &world.now_ns);
    assert_quiet(&report);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(stk_sock_close(pairs.tcp[i / 2][i % 2], STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(pairs.udp[i / 2][i % 2], STK_CLOSE_GRACEFUL), STK_OK);
    }
    sim_world_fini(&world);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_time__stepped__quiet),
        cmocka_unit_test(real_time__poll_thread__quiet),
    };
    for (size_t i = 0; i < sizeof(bytes_out); i++) {
        bytes_out[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    /* Allocations were proven all the same; what was not is said by the skip. */
    return failed != 0 ? 1 : calls_not_counted ? 77 : 0;
}

int main(void)
{
    return t_watch_main(run);
}
