/* Readiness from the control block, one row per case. */
#include "ipc/ready.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IN STK_READY_IN
#define OUT STK_READY_OUT
#define CONN STK_READY_CONN
#define DRAINED STK_READY_DRAINED

static const struct t_row {
    const char *name;
    uint8_t type;
    uint32_t state;
    uint64_t rx;
    uint64_t tx;
    uint32_t tx_limit;
    uint32_t app_flags;
    int32_t error;
    uint32_t expect;
} rows[] = {
    {"fresh stream", STK_SOCK_STREAM, STK_ST_OPEN, 0, 0, 8192, 0, 0, DRAINED},
    {"connecting", STK_SOCK_STREAM, STK_ST_OPEN | STK_ST_CONNECTING, 0, 0, 8192, 0, 0, DRAINED},
    {"failed", STK_SOCK_STREAM, STK_ST_OPEN | STK_ST_FAILED, 0, 0, 8192, 0, 0, STK_READY_FAIL | DRAINED},
    {"connected", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 0, 8192, 0, 0, CONN | OUT | DRAINED},
    {"data", STK_SOCK_STREAM, STK_ST_CONNECTED, 1, 0, 8192, 0, 0, CONN | IN | OUT | DRAINED},
    {"least room", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 6144, 8192, 0, 0, CONN | OUT},
    {"less than the least", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 6145, 8192, 0, 0, CONN},
    {"large, least room", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 63488, 65536, 0, 0, CONN | OUT},
    {"large, less than the least", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 63489, 65536, 0, 0, CONN},
    {"smallest, least room", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 1536, 1, 0, 0, CONN | OUT},
    {"smallest, less than the least", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 1537, 1, 0, 0, CONN},
    {"full", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 8192, 8192, 0, 0, CONN},
    {"limit lowered", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 9000, 8192, 0, 0, CONN},
    {"limit 0 is none", STK_SOCK_STREAM, STK_ST_CONNECTED, 0, 2047, 0, 0, 0, CONN | OUT},
    {"eof", STK_SOCK_STREAM, STK_ST_CONNECTED | STK_ST_EOF, 0, 0, 8192, 0, 0,
     CONN | IN | OUT | STK_READY_EOF | DRAINED},
    {"ended", STK_SOCK_STREAM, STK_ST_ENDED, 0, 5, 8192, 0, 0, IN | OUT | STK_READY_RESET},
    {"tx shut, unacknowledged", STK_SOCK_STREAM, STK_ST_CONNECTED | STK_ST_TX_SHUT, 0, 0, 8192, 0, 0, CONN},
    {"tx shut, acknowledged", STK_SOCK_STREAM, STK_ST_CONNECTED | STK_ST_TX_SHUT | STK_ST_DRAINED, 0, 0, 8192, 0, 0,
     CONN | DRAINED},
    {"rx shut", STK_SOCK_STREAM, STK_ST_CONNECTED | STK_ST_RX_SHUT, 0, 0, 8192, 0, 0, CONN | IN | OUT | DRAINED},
    {"cancelled", STK_SOCK_STREAM, STK_ST_OPEN, 0, 0, 8192, STK_APP_CANCELLED, 0, STK_READY_CANCEL | DRAINED},
    {"listener", STK_SOCK_STREAM, STK_ST_BOUND | STK_ST_LISTEN, 0, 0, 8192, 0, 0, 0},
    {"listener with one", STK_SOCK_STREAM, STK_ST_BOUND | STK_ST_LISTEN, 8, 0, 8192, 0, 0, IN | STK_READY_ACCEPT},
    {"datagram", STK_SOCK_DGRAM, STK_ST_OPEN, 0, 0, 8192, 0, 0, OUT | DRAINED},
    {"datagram in", STK_SOCK_DGRAM, STK_ST_BOUND, 64, 0, 8192, 0, 0, IN | OUT | DRAINED},
    {"datagram error", STK_SOCK_DGRAM, STK_ST_BOUND, 0, 0, 8192, 0, STK_ECONNRESET,
     IN | OUT | STK_READY_ERROR | DRAINED},
    {"datagram queued, small limit", STK_SOCK_DGRAM, STK_ST_BOUND, 0, 72, 8192, 0, 0, 0},
    {"datagram queued, large limit", STK_SOCK_DGRAM, STK_ST_BOUND, 0, 72, 1 << 20, 0, 0, OUT},
    {"datagram shut", STK_SOCK_DGRAM, STK_ST_BOUND | STK_ST_TX_SHUT, 0, 0, 8192, 0, 0, DRAINED},
    {"raw", STK_SOCK_RAW, STK_ST_CONNECTED, 64, 0, 8192, 0, 0, CONN | IN | OUT | DRAINED},
    {"positions damaged", STK_SOCK_STREAM, STK_ST_CONNECTED, UINT64_MAX, UINT64_MAX, 8192, 0, 0, CONN | IN},
};

static void ready__each_row__as_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct t_row *row = &rows[i];
        struct stk_sock_abi *sock = t_aligned(STK_ABI_LINE, sizeof(*sock));
        memset(sock, 0, sizeof(*sock));
        sock->type = row->type;
        atomic_store(&sock->state, row->state);
        atomic_store(&sock->tx_limit, row->tx_limit);
        atomic_store(&sock->app_flags, row->app_flags);
        atomic_store(&sock->error, row->error);
        atomic_store(&sock->rx_head, 1000);
        atomic_store(&sock->rx_tail, 1000 + row->rx);
        atomic_store(&sock->tx_head, 1000);
        atomic_store(&sock->tx_tail, 1000 + row->tx);
        uint32_t ready = stk_sock_abi_ready(sock);
        if (ready != row->expect) {
            print_error("%s: %x, expected %x\n", row->name, ready, row->expect);
        }
        assert_int_equal(ready, row->expect);
        t_aligned_free(sock);
    }
}

static void room__limits__kept(void **state)
{
    (void)state;
    struct stk_sock_abi *sock = t_aligned(STK_ABI_LINE, sizeof(*sock));
    memset(sock, 0, sizeof(*sock));
    atomic_store(&sock->tx_limit, UINT32_MAX);
    assert_int_equal(stk_sock_abi_tx_room(sock), STK_FIFO_MAX);
    atomic_store(&sock->tx_tail, STK_FIFO_MAX);
    assert_int_equal(stk_sock_abi_tx_room(sock), 0);
    atomic_store(&sock->tx_head, STK_FIFO_MAX + 5);
    assert_int_equal(stk_sock_abi_tx_room(sock), 0);
    t_aligned_free(sock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready__each_row__as_listed),
        cmocka_unit_test(room__limits__kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
