#include "fake_srv.h"

#include "ipc/bell.h"
#include "ipc/fifo.h"
#include "ipc/notify.h"
#include "ipc/ready.h"
#include "ipc/ring.h"
#include "ipc/seq.h"
#include "stack/assert.h"
#include "stack/clock.h"
#include "stack/err.h"

static struct stk_sock_abi *srv_sock(struct fake_srv *srv, uint32_t sock)
{
    return &srv->region.socks[sock];
}

static void state_set(struct fake_srv *srv, uint32_t sock, uint32_t set, uint32_t clear)
{
    struct stk_sock_abi *abi = srv_sock(srv, sock);
    uint32_t state = atomic_load_explicit(&abi->state, memory_order_relaxed);
    atomic_store_explicit(&abi->state, (state & ~clear) | set, memory_order_release);
    stk_notify(&srv->region, sock);
}

void fake_srv_create(struct fake_srv *srv, uint32_t chunks, int32_t app_spin_us)
{
    struct stk_region_conf conf = {
        .socks_count = FAKE_SRV_SOCKS,
        .chunk_bytes_total = (uint64_t)chunks * STK_CHUNK_SIZE,
        .rcvbuf_bytes = 256 * 1024,
        .sndbuf_bytes = 256 * 1024,
        .app_spin_us = app_spin_us,
    };
    memset(srv, 0, sizeof(*srv));
    STK_ASSERT(stk_region_create(&conf, &srv->region) == STK_OK);
    srv->now_ns = 1000;
    struct stk_region_abi *abi = srv->region.abi;
    struct stk_if_abi one = {.name = "fake0", .if_index = 2, .mtu = 1500, .up = 1, .addrs_count = 1};
    one.addrs[0].family = STK_AF_INET;
    one.addrs[0].prefix_len = 24;
    memcpy(one.addrs[0].ip, (uint8_t[]){10, 0, 0, 1}, 4);
    stk_seq_write_begin(&abi->ifs_seq);
    stk_seq_copy_in(&abi->ifs[0], &one, sizeof(one));
    atomic_store_explicit(&abi->ifs_count, 1, memory_order_relaxed);
    stk_seq_write_end(&abi->ifs_seq);
    fake_srv_engine_state(srv, STK_ENGINE_RUNNING);
}

void fake_srv_engine_state(struct fake_srv *srv, uint32_t state)
{
    atomic_store_explicit(&srv->region.abi->engine_state, state, memory_order_seq_cst);
}

/* --- Control ---------------------------------------------------------------- */

static int slot_open(struct fake_srv *srv, uint32_t family, uint32_t type, uint64_t cookie, uint32_t *out)
{
    for (uint32_t i = 0; i < FAKE_SRV_SOCKS; i++) {
        if (srv->open[i]) {
            continue;
        }
        struct stk_sock_abi *abi = srv_sock(srv, i);
        if (srv->generation[i] == 0) {
            stk_region_sock_init(&srv->region, i);
        }
        srv->open[i] = true;
        srv->generation[i]++;
        abi->family = (uint16_t)family;
        abi->type = (uint8_t)type;
        atomic_store_explicit(&abi->rx_limit, srv->region.abi->rcvbuf_bytes, memory_order_relaxed);
        atomic_store_explicit(&abi->tx_limit, srv->region.abi->sndbuf_bytes, memory_order_relaxed);
        atomic_store_explicit(&abi->generation, srv->generation[i], memory_order_relaxed);
        atomic_store_explicit(&abi->armed, 0, memory_order_relaxed);
        atomic_store_explicit(&abi->kicked, 0, memory_order_relaxed);
        atomic_store_explicit(&abi->error, 0, memory_order_relaxed);
        atomic_store_explicit(&abi->app_flags, 0, memory_order_relaxed);
        atomic_store_explicit(&abi->cookie, cookie, memory_order_relaxed);
        atomic_store_explicit(&abi->state, STK_ST_OPEN, memory_order_release);
        *out = i;
        return STK_OK;
    }
    return STK_EMFILE;
}

static void slot_close(struct fake_srv *srv, uint32_t sock, uint32_t mode)
{
    struct stk_sock_abi *abi = srv_sock(srv, sock);
    stk_fifo_reset(&srv->region, abi->rx_slots, atomic_load(&abi->rx_head), atomic_load(&abi->rx_tail));
    stk_fifo_reset(&srv->region, abi->tx_slots, atomic_load(&abi->tx_head), atomic_load(&abi->tx_tail));
    atomic_store(&abi->rx_head, atomic_load(&abi->rx_tail));
    atomic_store(&abi->tx_head, atomic_load(&abi->tx_tail));
    atomic_store(&abi->state, 0);
    srv->open[sock] = false;
    srv->closes++;
    srv->last_close_mode = mode;
}

static void addr_set(struct fake_srv *srv, uint32_t sock, const struct stk_addr *local, const struct stk_addr *peer)
{
    struct stk_sock_abi *abi = srv_sock(srv, sock);
    stk_seq_write_begin(&abi->addr_seq);
    if (local != NULL) {
        stk_seq_copy_in(&abi->local, local, sizeof(*local));
    }
    if (peer != NULL) {
        stk_seq_copy_in(&abi->peer, peer, sizeof(*peer));
    }
    stk_seq_write_end(&abi->addr_seq);
}

static int srv_connect(struct fake_srv *srv, const struct stk_sub_abi *sub)
{
    struct stk_sock_abi *abi = srv_sock(srv, sub->sock);
    addr_set(srv, sub->sock, NULL, &sub->addr);
    if (abi->type != STK_SOCK_STREAM) {
        state_set(srv, sub->sock, STK_ST_CONNECTED, 0);
        return STK_OK;
    }
    if (sub->addr.port == FAKE_PORT_REFUSED) {
        atomic_store_explicit(&abi->end_error, STK_ECONNREFUSED, memory_order_relaxed);
        state_set(srv, sub->sock, STK_ST_FAILED, 0);
    } else if (sub->addr.port == FAKE_PORT_SILENT) {
        state_set(srv, sub->sock, STK_ST_CONNECTING, 0);
    } else {
        state_set(srv, sub->sock, STK_ST_CONNECTED, STK_ST_FAILED);
    }
    return STK_EINPROGRESS;
}

static void srv_answer(struct fake_srv *srv, const struct stk_sub_abi *sub, struct stk_rep_abi *rep)
{
    rep->result = STK_OK;
    switch (sub->op) {
    case STK_SUB_OPEN:
        rep->result = slot_open(srv, sub->arg[0], sub->arg[1], sub->value, &rep->sock);
        rep->generation = rep->result == STK_OK ? srv->generation[rep->sock] : 0;
        break;
    case STK_SUB_BIND:
        addr_set(srv, sub->sock, &sub->addr, NULL);
        state_set(srv, sub->sock, STK_ST_BOUND, 0);
        break;
    case STK_SUB_AUTOBIND:
        state_set(srv, sub->sock, STK_ST_BOUND, 0);
        break;
    case STK_SUB_LISTEN:
        state_set(srv, sub->sock, STK_ST_LISTEN, 0);
        break;
    case STK_SUB_CONNECT:
        rep->result = srv_connect(srv, sub);
        break;
    case STK_SUB_SHUTDOWN:
        if ((sub->arg[0] & STK_SHUT_WR) != 0) {
            state_set(srv, sub->sock, STK_ST_TX_SHUT | STK_ST_DRAINED | STK_ST_EOF, 0);
        }
        if ((sub->arg[0] & STK_SHUT_RD) != 0) {
            state_set(srv, sub->sock, STK_ST_RX_SHUT, 0);
        }
        break;
    case STK_SUB_OPT_SET:
        rep->result = sub->opt_arg[1] == sizeof(int32_t) ? STK_OK : STK_EINVAL;
        break;
    case STK_SUB_OPT_GET:
        rep->arg[0] = sub->opt_arg[0] + 100;
        break;
    case STK_SUB_ROUTE:
        rep->result = sub->addr.ip[0] == 10 ? STK_OK : STK_ENETUNREACH;
        rep->addr = sub->addr;
        rep->arg[0] = 2;
        break;
    case STK_SUB_DETACH:
        for (uint32_t i = 0; i < FAKE_SRV_SOCKS; i++) {
            if (srv->open[i]) {
                slot_close(srv, i, STK_CLOSE_ABORT);
            }
        }
        break;
    default:
        rep->result = STK_EOPNOTSUPP;
        break;
    }
}

/* --- Data: what was sent comes back ------------------------------------------- */

/* Writes at *tail what fits; publishing it is the caller's. */
static bool bytes_echo(struct fake_srv *srv, struct stk_sock_abi *abi, uint64_t *tail)
{
    uint64_t head = atomic_load_explicit(&abi->tx_head, memory_order_relaxed);
    uint64_t len = atomic_load_explicit(&abi->tx_tail, memory_order_acquire) - head;
    uint64_t used = *tail - atomic_load_explicit(&abi->rx_head, memory_order_acquire);
    uint64_t room = atomic_load_explicit(&abi->rx_limit, memory_order_relaxed) - used;
    uint8_t *from = NULL;
    uint32_t piece = stk_fifo_span(&srv->region, abi->tx_slots, head, (uint32_t)(len < room ? len : room), &from);
    uint64_t done = piece == 0 ? 0 : stk_fifo_write(&srv->region, abi->rx_slots, *tail, from, piece);
    if (done == 0) {
        return false;
    }
    *tail += done;
    stk_fifo_release(&srv->region, abi->tx_slots, head, head + done);
    atomic_store_explicit(&abi->tx_head, head + done, memory_order_release);
    return true;
}

static void dgram_count(struct fake_srv *srv, struct stk_sock_abi *abi, uint64_t from, uint64_t to)
{
    while (from < to) {
        struct stk_dgram_abi head;
        (void)stk_fifo_read(&srv->region, abi->rx_slots, from, &head, sizeof(head));
        atomic_store(&abi->rx_payload, atomic_load(&abi->rx_payload) + head.payload_bytes);
        atomic_store(&abi->rx_records, atomic_load(&abi->rx_records) + 1);
        from += STK_DGRAM_SIZE(head.payload_bytes);
    }
}

static void srv_kick(struct fake_srv *srv, uint32_t sock)
{
    struct stk_sock_abi *abi = srv_sock(srv, sock);
    srv->kicks++;
    (void)atomic_exchange_explicit(&abi->kicked, 0, memory_order_seq_cst);
    uint64_t before = atomic_load(&abi->rx_tail);
    uint64_t tail = before;
    while (bytes_echo(srv, abi, &tail)) {
    }
    if (abi->type != STK_SOCK_STREAM) {
        dgram_count(srv, abi, before, tail);
    }
    atomic_store_explicit(&abi->rx_tail, tail, memory_order_release);
    stk_notify(&srv->region, sock);
}

/* --- Turns ------------------------------------------------------------------------ */

static void srv_take(struct fake_srv *srv, struct stk_ring_abi *ring, const struct stk_sub_abi *sub)
{
    bool of_sock = sub->op != STK_SUB_OPEN && sub->op != STK_SUB_ROUTE && sub->op != STK_SUB_DETACH;
    bool stale = of_sock && (sub->sock >= FAKE_SRV_SOCKS || !srv->open[sub->sock] ||
                             srv->generation[sub->sock] != sub->generation);
    if (sub->op == STK_SUB_KICK || sub->op == STK_SUB_CLOSE) {
        if (!stale && sub->op == STK_SUB_KICK) {
            srv_kick(srv, sub->sock);
        } else if (!stale) {
            slot_close(srv, sub->sock, sub->arg[0]);
        }
        return;
    }
    struct stk_rep_abi rep = {.seq = sub->seq, .result = STK_ENOTSOCK};
    if (!stale) {
        srv_answer(srv, sub, &rep);
    }
    STK_ASSERT(stk_rep_push(ring, &rep));
}

uint32_t fake_srv_step(struct fake_srv *srv)
{
    uint32_t taken = 0;
    uint64_t active = atomic_load_explicit(&srv->region.abi->rings_active, memory_order_acquire);
    while (active != 0 && !srv->deaf) {
        struct stk_ring_abi *ring = &srv->region.rings[__builtin_ctzll(active)];
        struct stk_sub_abi sub;
        while (stk_sub_pop(ring, &sub)) {
            srv_take(srv, ring, &sub);
            taken++;
        }
        active &= active - 1;
    }
    return taken;
}

uint64_t fake_srv_pump(void *context, uint64_t until_ns)
{
    struct fake_srv *srv = context;
    if (fake_srv_step(srv) == 0 && until_ns > srv->now_ns) {
        uint64_t next = srv->now_ns + STK_MS_NS;
        srv->now_ns = next < until_ns ? next : until_ns;
    }
    return srv->now_ns;
}

static void *srv_main(void *arg)
{
    struct fake_srv *srv = arg;
    uint32_t idle = 0;
    while (atomic_load_explicit(&srv->stop, memory_order_seq_cst) == 0) {
        if (fake_srv_step(srv) != 0) {
            idle = 0;
        } else if (++idle > srv->spins) {
            if (stk_bell_sleep_begin(&srv->region, STK_BELL_FUTEX)) {
                stk_bell_sleep(&srv->region, 100 * (int64_t)STK_MS_NS);
                stk_bell_sleep_end(&srv->region);
            }
        } else {
            stk_cpu_relax();
        }
    }
    return NULL;
}

void fake_srv_start(struct fake_srv *srv, uint32_t spins)
{
    srv->spins = spins;
    atomic_store(&srv->stop, 0);
    STK_ASSERT(pthread_create(&srv->thread, NULL, srv_main, srv) == 0);
    srv->threaded = true;
}

void fake_srv_stop(struct fake_srv *srv)
{
    if (srv->threaded) {
        atomic_store(&srv->stop, 1);
        stk_bell_ring(&srv->region);
        STK_ASSERT(pthread_join(srv->thread, NULL) == 0);
        srv->threaded = false;
    }
}

void fake_srv_destroy(struct fake_srv *srv)
{
    fake_srv_stop(srv);
    (void)fake_srv_step(srv);
    bool any = false;
    for (uint32_t i = 0; i < FAKE_SRV_SOCKS; i++) {
        any = any || srv->open[i];
    }
    STK_ASSERT(any || atomic_load(&srv->region.abi->chunks_used) == 0);
    stk_region_destroy(&srv->region);
}

/* --- The network -------------------------------------------------------------------- */

uint32_t fake_srv_connect_in(struct fake_srv *srv, uint32_t listener)
{
    struct stk_sock_abi *abi = srv_sock(srv, listener);
    uint32_t child = 0;
    STK_ASSERT(slot_open(srv, abi->family, STK_SOCK_STREAM, 0, &child) == STK_OK);
    struct stk_addr peer = {.family = abi->family, .port = 4242, .ip = {10, 0, 0, 9}};
    addr_set(srv, child, &peer, &peer);
    state_set(srv, child, STK_ST_CONNECTED | STK_ST_BOUND, 0);
    struct stk_pending_abi record = {.sock = child, .generation = srv->generation[child]};
    uint64_t tail = atomic_load(&abi->rx_tail);
    STK_ASSERT(stk_fifo_write(&srv->region, abi->rx_slots, tail, &record, sizeof(record)) == sizeof(record));
    atomic_store_explicit(&abi->rx_tail, tail + sizeof(record), memory_order_release);
    stk_notify(&srv->region, listener);
    return child;
}

void fake_srv_fin(struct fake_srv *srv, uint32_t sock)
{
    state_set(srv, sock, STK_ST_EOF, 0);
}

void fake_srv_end(struct fake_srv *srv, uint32_t sock, int error)
{
    atomic_store_explicit(&srv_sock(srv, sock)->end_error, error, memory_order_relaxed);
    state_set(srv, sock, STK_ST_ENDED, STK_ST_CONNECTED);
}

void fake_srv_error(struct fake_srv *srv, uint32_t sock, int error)
{
    atomic_store_explicit(&srv_sock(srv, sock)->error, error, memory_order_release);
    stk_notify(&srv->region, sock);
}
