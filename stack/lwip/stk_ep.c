#include "lwip/stk_ep_priv.h"

#include "ipc/lock.h"

#include "stk_lwip_hooks.h"
#include "ipc/seq.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_ROUND_NS STK_S_NS
#define SWEEP_STEPS 512u
#define SWEEP_VISITS_MAX 64u

/* --- Life --------------------------------------------------------------- */

int stk_ep_table_create(const struct stk_ep_conf *conf, struct stk_ep_table **out)
{
    struct stk_ep_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return STK_ENOMEM;
    }
    table->env = conf->env;
    table->region = conf->region;
    table->socks_count = conf->region->socks_count;
    table->insts_count = conf->insts_count;
    memcpy(table->insts, conf->insts, sizeof(table->insts));
    table->port_first = conf->port_first;
    table->port_last = conf->port_last;
    table->connect_timeout_ms = conf->connect_timeout_ms;
    table->free_head = STK_EP_NONE;
    table->closing_head = STK_EP_NONE;
    table->next_ns = STK_NEVER;
    table->cut_left = STK_EP_CUT_TURN;
    table->eps = calloc(table->socks_count, sizeof(*table->eps));
    table->chunk_refs = calloc(conf->region->chunks_count, sizeof(*table->chunk_refs));
    const bool failed = table->eps == NULL || table->chunk_refs == NULL;
    if (failed || stk_ep_ports_create(table) != STK_OK || stk_ep_mcast_table_init(table, conf->mcast_max) != STK_OK ||
        stk_ep_tcp_table_init(table) != STK_OK || stk_ep_rio_table_create(table) != STK_OK) {
        stk_ep_table_destroy(table);
        return STK_ENOMEM;
    }
    *out = table;
    return STK_OK;
}

void stk_ep_table_destroy(struct stk_ep_table *table)
{
    if (table == NULL) {
        return;
    }
    if (table->eps != NULL) {
        stk_ep_abort_held(table);
        stk_ep_abort_closing(table);
    }
    stk_ep_rio_table_destroy(table);
    stk_ep_ports_destroy(table);
    free(table->chunk_refs);
    stk_ep_mcast_table_fini(table);
    free(table->eps);
    free(table);
}

const struct stk_ep_stats *stk_ep_table_stats(const struct stk_ep_table *table)
{
    return &table->stats;
}

static void opts_default(struct stk_ep_opts *opts)
{
    memset(opts, 0, sizeof(*opts));
    opts->v6only = true;
    opts->mcast_loop = true;
    opts->mcast_ttl = 1;
    opts->udp_connreset = true;
    opts->udp_netreset = true;
    opts->recv_broadcast = true;
    opts->protection = STK_PROTECT_EDGERESTRICTED;
    opts->user_mtu = -1;
    opts->v4_user_mtu = -1;
    opts->keepidle_ms = 7200 * 1000;
    opts->keepintvl_ms = 1000;
    opts->keepcnt = 10;
    opts->syn_retries = -1;
    opts->timestamps = -1;
}

static void abi_slots_clear(struct stk_sock_abi *abi)
{
    for (uint32_t i = 0; i < STK_FIFO_SLOTS; i++) {
        atomic_store_explicit(&abi->rx_slots[i], STK_CHUNK_NONE, memory_order_relaxed);
        atomic_store_explicit(&abi->tx_slots[i], STK_CHUNK_NONE, memory_order_relaxed);
    }
}

static void abi_open(struct stk_ep *ep, uint64_t cookie)
{
    struct stk_sock_abi *abi = ep->abi;
    const struct stk_region_abi *head = ep->table->region->abi;
    abi->family = ep->family;
    abi->type = ep->type;
    abi->protocol = ep->protocol;
    abi->instance = UINT32_MAX;
    abi->rx_limit = head->rcvbuf_bytes;
    abi->backlog = 0;
    memset(&abi->local, 0, sizeof(abi->local));
    memset(&abi->peer, 0, sizeof(abi->peer));
    atomic_store_explicit(&abi->tx_limit, head->sndbuf_bytes, memory_order_relaxed);
    atomic_store_explicit(&abi->end_error, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->error, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->armed, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->wait_mask, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->kicked, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_dropped, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_records, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_want, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_records_read, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_payload_read, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_payload, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_kick_head, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_posted, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->isb, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->isb_seen, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_head, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_urgent, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_urgent_passed, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_urgent_read, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->tx_urgent, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_tail, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->tx_head, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->tx_tail, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->tx_head_seen, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_lock, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->tx_lock, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->app_flags, 0, memory_order_relaxed);
    atomic_store_explicit(&abi->cookie, cookie, memory_order_relaxed);
    atomic_store_explicit(&abi->generation, ep->generation, memory_order_relaxed);
    atomic_store_explicit(&abi->state, ep->state, memory_order_release);
}

struct stk_ep *stk_ep_slot_take(struct stk_ep_table *table, uint8_t family, uint8_t type, uint8_t protocol)
{
    uint32_t index = table->free_head;
    struct stk_ep *ep;
    if (index != STK_EP_NONE) {
        ep = &table->eps[index];
        table->free_head = ep->next;
    } else if (table->fresh < table->socks_count) {
        index = table->fresh++;
        ep = &table->eps[index];
        ep->table = table;
        ep->index = index;
        ep->generation = 1;
        ep->abi = &table->region->socks[index];
        abi_slots_clear(ep->abi);
    } else {
        return NULL;
    }
    const uint32_t generation = ep->generation;
    *ep = (struct stk_ep){.table = table,
                          .abi = ep->abi,
                          .index = index,
                          .generation = generation,
                          .family = family,
                          .type = type,
                          .protocol = protocol,
                          .next = STK_EP_NONE,
                          .prev = STK_EP_NONE,
                          .mcast_head = STK_EP_NONE,
                          .connect_deadline_ns = STK_NEVER,
                          .state = STK_ST_OPEN,
                          .phase = STK_EP_HELD};
    ep->local.family = family;
    opts_default(&ep->opts);
    abi_open(ep, 0);
    table->stats.opened++;
    table->stats.in_use++;
    if (table->stats.in_use > table->stats.high_water) {
        table->stats.high_water = table->stats.in_use;
    }
    return ep;
}

static void closing_remove(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    if (ep->prev != STK_EP_NONE) {
        table->eps[ep->prev].next = ep->next;
    } else {
        table->closing_head = ep->next;
    }
    if (ep->next != STK_EP_NONE) {
        table->eps[ep->next].prev = ep->prev;
    }
    table->closing_count--;
}

void stk_ep_closing_add(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    ep->phase = STK_EP_CLOSING;
    ep->prev = STK_EP_NONE;
    ep->next = table->closing_head;
    if (ep->next != STK_EP_NONE) {
        table->eps[ep->next].prev = ep->index;
    }
    table->closing_head = ep->index;
    table->closing_count++;
}

/* The application has let go: both FIFOs are the stack's. Positions it wrote are bounded before use. */
static void fifos_reset(struct stk_ep *ep)
{
    struct stk_sock_abi *abi = ep->abi;
    for (uint32_t i = 0; i < STK_FIFO_SLOTS; i++) {
        const uint32_t chunk = atomic_exchange_explicit(&abi->rx_slots[i], STK_CHUNK_NONE, memory_order_relaxed);
        if (chunk < ep->table->region->chunks_count) {
            stk_chunk_give(ep->table->region, chunk);
        }
    }
    for (uint32_t i = 0; i < STK_FIFO_SLOTS; i++) {
        const uint32_t chunk = atomic_exchange_explicit(&abi->tx_slots[i], STK_CHUNK_NONE, memory_order_relaxed);
        if (chunk >= ep->table->region->chunks_count) {
            continue;
        }
        if (ep->table->chunk_refs[chunk] != 0) {
            ep->table->chunk_refs[chunk] |= STK_EP_REF_FREE;
        } else {
            stk_chunk_give(ep->table->region, chunk);
        }
    }
}

void stk_ep_slot_free(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    if (ep->phase == STK_EP_CLOSING) {
        closing_remove(ep);
    }
    stk_ep_deadline_clear(ep);
    stk_ep_port_remove(ep);
    stk_ep_reservations_drop(ep);
    stk_ep_mcast_leave_all(ep);
    stk_ep_stamp_end(ep);
    if (ep->rio != NULL) {
        stk_ep_rio_end(ep->rio, STK_ECANCELED);
    }
    if (ep->tx_copies != 0) {
        stk_ep_rio_copies_free(ep);
    }
    ep->state = 0;
    atomic_store_explicit(&ep->abi->state, 0, memory_order_release);
    fifos_reset(ep);
    ep->generation++;
    atomic_store_explicit(&ep->abi->generation, ep->generation, memory_order_release);
    ep->phase = STK_EP_FREE;
    ep->pcb.tcp = NULL;
    ep->next = table->free_head;
    table->free_head = ep->index;
    table->stats.freed++;
    table->stats.in_use--;
}

int stk_ep_open(struct stk_ep_table *table, const uint32_t arg[4], uint64_t cookie, uint32_t *sock,
                uint32_t *generation)
{
    const uint32_t family = arg[0];
    const uint32_t type = arg[1];
    const uint32_t protocol = arg[2];
    if (family != STK_AF_INET && family != STK_AF_INET6) {
        return STK_EAFNOSUPPORT;
    }
    if (type < STK_SOCK_STREAM || type > STK_SOCK_RAW || protocol > 255 || (type != STK_SOCK_RAW && protocol != 0)) {
        return STK_EPROTONOSUPPORT;
    }
    struct stk_ep *ep = stk_ep_slot_take(table, (uint8_t)family, (uint8_t)type, (uint8_t)protocol);
    if (ep == NULL) {
        return STK_EMFILE;
    }
    atomic_store_explicit(&ep->abi->cookie, cookie, memory_order_relaxed);
    *sock = ep->index;
    *generation = ep->generation;
    return STK_OK;
}

/* An accepted connection stays pending for the stack: accept takes the listener's record without telling. */
static bool ep_held(const struct stk_ep *ep)
{
    return ep->phase == STK_EP_HELD || ep->phase == STK_EP_PENDING;
}

bool stk_ep_live(const struct stk_ep_table *table, uint32_t sock)
{
    return sock < table->fresh && ep_held(&table->eps[sock]);
}

bool stk_ep_valid(const struct stk_ep_table *table, uint32_t sock, uint32_t generation)
{
    if (sock >= table->fresh) {
        return false;
    }
    const struct stk_ep *ep = &table->eps[sock];
    return ep_held(ep) && ep->generation == generation;
}

/* --- What the application sees ------------------------------------------- */

void stk_ep_state_set(struct stk_ep *ep, uint32_t set, uint32_t clear)
{
    ep->state = (ep->state & ~clear) | set;
    /* Edge J: the state first, the count by stk_notify after it. */
    atomic_store_explicit(&ep->abi->state, ep->state, memory_order_release);
    if (ep->rio != NULL) { /* edge M, stack's end: the state, then the look at what was committed */
        atomic_thread_fence(memory_order_seq_cst);
    }
}

void stk_ep_addrs_publish(struct stk_ep *ep)
{
    struct stk_sock_abi *abi = ep->abi;
    stk_seq_write_begin(&abi->addr_seq);
    stk_seq_copy_in(&abi->local, &ep->local, sizeof(abi->local));
    stk_seq_copy_in(&abi->peer, &ep->peer, sizeof(abi->peer));
    stk_seq_write_end(&abi->addr_seq);
}

void stk_ep_tx_release(struct stk_ep *ep, uint64_t to)
{
    struct stk_region *region = ep->table->region;
    uint64_t at = ep->tx_acked / STK_CHUNK_SIZE;
    for (; at < to / STK_CHUNK_SIZE; at++) {
        STK_U32 *slot = &ep->abi->tx_slots[at % STK_FIFO_SLOTS];
        const uint32_t chunk = atomic_load_explicit(slot, memory_order_relaxed);
        atomic_store_explicit(slot, STK_CHUNK_NONE, memory_order_relaxed);
        if (chunk >= region->chunks_count) {
            continue;
        }
        if (ep->table->chunk_refs[chunk] != 0) {
            ep->table->chunk_refs[chunk] |= STK_EP_REF_FREE;
        } else {
            stk_chunk_give(region, chunk);
        }
    }
    ep->tx_acked = to;
    /* Edge H. */
    atomic_store_explicit(&ep->abi->tx_head, to, memory_order_release);
}

/* --- Binding ------------------------------------------------------------- */

/* What may be bound at all: reasons that do not depend on others. */
static int bind_allowed(struct stk_ep *ep, const struct stk_addr *local)
{
    const bool link_local = local->family == STK_AF_INET6 && local->ip[0] == 0xfe && (local->ip[1] & 0x80) != 0;
    if (local->family != ep->family) {
        return STK_EAFNOSUPPORT;
    }
    if (ep->bound) {
        return STK_EINVAL;
    }
    if (ep->type == STK_SOCK_RAW && ep->protocol == IP_PROTO_TCP) {
        return STK_EACCES; /* BND-10 */
    }
    if (link_local && local->scope_id == 0) {
        return STK_EADDRNOTAVAIL; /* BND-9 */
    }
    if (!ep->opts.broadcast && ep->type != STK_SOCK_STREAM && stk_ep_addr_bcast(ep->table, local)) {
        return STK_EACCES;
    }
    if (ep->reservation != 0 && ep->type != STK_SOCK_RAW && local->port != 0 &&
        (!stk_ep_reservation_valid(ep) || !stk_ep_reservation_has(ep, local->port))) {
        return STK_EINVAL;
    }
    return STK_OK;
}

/* Take address and port; the instance is chosen. */
static int bind_commit(struct stk_ep *ep, const struct stk_addr *local)
{
    ep->local = *local;
    ep->bound = true;
    if (ep->type != STK_SOCK_RAW) {
        stk_ep_port_add(ep);
    }
    const int err = ep->type == STK_SOCK_STREAM ? STK_OK : stk_ep_dgram_bind(ep);
    if (err != STK_OK) {
        stk_ep_port_remove(ep);
        ep->bound = false;
        memset(&ep->local, 0, sizeof(ep->local));
        ep->local.family = ep->family;
        return err;
    }
    stk_ep_addrs_publish(ep);
    stk_ep_state_set(ep, STK_ST_BOUND, 0);
    return STK_OK;
}

int stk_ep_bind(struct stk_ep_table *table, uint32_t sock, const struct stk_addr *local)
{
    struct stk_ep *ep = &table->eps[sock];
    struct stk_addr want = *local;
    int err = bind_allowed(ep, &want);
    if (err != STK_OK) {
        return err;
    }
    stk_ep_addr_scope_drop(&want);
    const int inst = stk_ep_inst_of_local(table, ep, &want);
    if (inst < 0) {
        return STK_EADDRNOTAVAIL;
    }
    ep->inst = table->insts[inst];
    ep->inst_index = (uint32_t)inst;
    ep->abi->instance = (uint32_t)inst;
    if (ep->type == STK_SOCK_RAW) {
        want.port = 0;
    } else if (want.port == 0) {
        err = stk_ep_port_choose(ep, &want, NULL);
    } else {
        err = stk_ep_port_conflict(ep, &want);
    }
    if (err == STK_OK) {
        err = bind_commit(ep, &want);
    }
    if (err != STK_OK) {
        ep->inst = NULL;
        ep->abi->instance = UINT32_MAX;
    }
    return err;
}

int stk_ep_autobind(struct stk_ep *ep, const struct stk_addr *remote)
{
    if (ep->bound) {
        return STK_OK;
    }
    const int inst = stk_ep_inst_of_remote(ep->table, ep, remote);
    if (inst < 0) {
        return STK_ENETUNREACH;
    }
    ep->inst = ep->table->insts[inst];
    ep->inst_index = (uint32_t)inst;
    ep->abi->instance = (uint32_t)inst;
    struct stk_addr local = {.family = ep->family};
    int err = ep->type == STK_SOCK_RAW ? STK_OK : stk_ep_port_choose(ep, &local, remote);
    if (err == STK_OK) {
        err = bind_commit(ep, &local);
    }
    return err;
}

int stk_ep_bind_for(struct stk_ep_table *table, uint32_t sock, const struct stk_addr *remote)
{
    struct stk_ep *ep = &table->eps[sock];
    return remote->family != ep->family ? STK_EAFNOSUPPORT : stk_ep_autobind(ep, remote);
}

/* --- Control ------------------------------------------------------------- */

int stk_ep_listen(struct stk_ep_table *table, uint32_t sock, uint32_t backlog)
{
    struct stk_ep *ep = &table->eps[sock];
    if (ep->type != STK_SOCK_STREAM) {
        return STK_EOPNOTSUPP;
    }
    if (!ep->bound) {
        return STK_EINVAL;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    const int err = stk_ep_tcp_listen(ep, backlog);
    stk_inst_leave(scope);
    return err;
}

int stk_ep_connect(struct stk_ep_table *table, uint32_t sock, const struct stk_addr *remote)
{
    struct stk_ep *ep = &table->eps[sock];
    stk_ep_rio_forget(table);
    const bool clear = remote->family == STK_AF_NONE || (stk_ep_addr_any(remote) && remote->port == 0);
    if (remote->family != ep->family && remote->family != STK_AF_NONE) {
        return STK_EAFNOSUPPORT;
    }
    if (ep->type == STK_SOCK_STREAM) {
        if (ep->listening) {
            return STK_EINVAL;
        }
        if (stk_ep_addr_any(remote) || remote->port == 0 || remote->family == STK_AF_NONE) {
            return STK_EADDRNOTAVAIL;
        }
        if (stk_ep_addr_many(table, remote)) {
            return STK_ENETUNREACH;
        }
    } else if (clear && !ep->bound) {
        return STK_OK;
    }
    int err = clear ? STK_OK : stk_ep_autobind(ep, remote);
    if (err != STK_OK) {
        return err;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    err = ep->type == STK_SOCK_STREAM ? stk_ep_tcp_connect(ep, remote)
                                      : stk_ep_dgram_connect(ep, clear ? NULL : remote);
    stk_inst_leave(scope);
    return err;
}

int stk_ep_admit(struct stk_ep_table *table, uint32_t sock)
{
    struct stk_ep *ep = &table->eps[sock];
    if (ep->type != STK_SOCK_STREAM || ep->inst == NULL || ep->listening) {
        return STK_EINVAL;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    const int err = stk_ep_tcp_admit(ep);
    stk_inst_leave(scope);
    return err;
}

int stk_ep_shutdown(struct stk_ep_table *table, uint32_t sock, uint32_t how)
{
    struct stk_ep *ep = &table->eps[sock];
    if (how == 0 || (how & ~(uint32_t)(STK_SHUT_RD | STK_SHUT_WR | STK_SHUT_RD_QUIET | STK_SHUT_ABORT)) != 0) {
        return STK_EINVAL;
    }
    if (ep->type == STK_SOCK_STREAM) {
        if (ep->inst == NULL) {
            return STK_ENOTCONN;
        }
        struct stk_inst_scope scope = stk_inst_enter(ep->inst);
        const int err = stk_ep_tcp_shutdown(ep, how);
        stk_inst_leave(scope);
        return err;
    }
    ep->rx_shut = ep->rx_shut || (how & STK_SHUT_RD) != 0;
    stk_ep_state_set(ep,
                     ((how & (STK_SHUT_RD | STK_SHUT_RD_QUIET)) != 0 ? STK_ST_RX_SHUT : 0u) |
                         ((how & STK_SHUT_WR) != 0 ? STK_ST_TX_SHUT : 0u),
                     0);
    if (ep->rio != NULL) {
        stk_ep_rio_recv_kick(ep);
    }
    stk_ep_notify(ep);
    return STK_OK;
}

void stk_ep_kick(struct stk_ep_table *table, uint32_t sock)
{
    struct stk_ep *ep = &table->eps[sock];
    if (ep->rio != NULL) {
        stk_ep_rio_send_expect(ep);
    } else if (ep->inst != NULL) { /* where the new bytes are is known: fetch them beside the flag */
        uint8_t *at = NULL;
        (void)stk_fifo_span(table->region, ep->abi->tx_slots, ep->tx_queued, 1, &at);
        __builtin_prefetch(at);
    }
    /* Edge I: the flag goes down before the positions are read. */
    (void)atomic_exchange_explicit(&ep->abi->kicked, 0, memory_order_seq_cst);
    if (ep->rio != NULL) {
        stk_ep_rio_watch_add(ep->rio);
    }
    stk_ep_look(ep);
}

void stk_ep_look(struct stk_ep *ep)
{
    if (ep->inst != NULL) {
        struct stk_inst_scope scope = stk_inst_enter(ep->inst);
        if (ep->type == STK_SOCK_STREAM) {
            stk_ep_tcp_kick(ep);
        } else {
            stk_ep_dgram_kick(ep);
        }
        stk_inst_leave(scope);
    }
    if (ep->rio != NULL) {
        stk_ep_rio_recv_kick(ep);
    }
    if (atomic_load_explicit(&ep->abi->armed, memory_order_seq_cst) != 0) {
        stk_ep_notify(ep);
    }
}

void stk_ep_close(struct stk_ep_table *table, uint32_t sock, uint32_t mode)
{
    struct stk_ep *ep = &table->eps[sock];
    stk_ep_port_remove(ep);
    stk_ep_reservations_drop(ep);
    stk_ep_closing_add(ep);
    if (ep->inst == NULL) {
        stk_ep_slot_free(ep);
        return;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    if (ep->rio != NULL && ep->type == STK_SOCK_STREAM) {
        mode = stk_ep_rio_closing(ep, mode);
    }
    if (ep->type == STK_SOCK_STREAM) {
        stk_ep_tcp_close(ep, mode);
    } else {
        stk_ep_dgram_close(ep, mode);
    }
    stk_inst_leave(scope);
}

void stk_ep_abort_held(struct stk_ep_table *table)
{
    for (uint32_t i = 0; i < table->fresh; i++) {
        if (ep_held(&table->eps[i])) {
            stk_ep_close(table, i, STK_CLOSE_ABORT);
        }
    }
}

uint32_t stk_ep_closing_count(const struct stk_ep_table *table)
{
    return table->closing_count;
}

void stk_ep_abort_closing(struct stk_ep_table *table)
{
    while (table->closing_head != STK_EP_NONE) {
        struct stk_ep *ep = &table->eps[table->closing_head];
        struct stk_inst_scope scope = stk_inst_enter(ep->inst);
        if (ep->type == STK_SOCK_STREAM) {
            stk_ep_tcp_close(ep, STK_CLOSE_ABORT);
        } else {
            stk_ep_dgram_close_end(ep);
        }
        stk_inst_leave(scope);
    }
}

/* --- Time ------------------------------------------------------------------ */

void stk_ep_deadline_set(struct stk_ep *ep, uint64_t deadline_ns)
{
    struct stk_ep_table *table = ep->table;
    ep->connect_deadline_ns = deadline_ns;
    ep->connecting_prev = 0;
    ep->connecting_next = table->connecting_head;
    if (table->connecting_head != 0) {
        table->eps[table->connecting_head - 1].connecting_prev = ep->index + 1;
    }
    table->connecting_head = ep->index + 1;
    if (table->connecting_count++ == 0 || deadline_ns < table->next_ns) {
        table->next_ns = deadline_ns;
    }
}

void stk_ep_deadline_clear(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    if (ep->connect_deadline_ns == STK_NEVER) {
        return;
    }
    ep->connect_deadline_ns = STK_NEVER;
    if (ep->connecting_prev != 0) {
        table->eps[ep->connecting_prev - 1].connecting_next = ep->connecting_next;
    } else {
        table->connecting_head = ep->connecting_next;
    }
    if (ep->connecting_next != 0) {
        table->eps[ep->connecting_next - 1].connecting_prev = ep->connecting_prev;
    }
    table->connecting_count--;
}

void stk_ep_run(struct stk_ep_table *table, uint64_t now_ns)
{
    if (table->connecting_count == 0 || now_ns < table->next_ns) {
        return;
    }
    uint64_t next = STK_NEVER;
    for (uint32_t at = table->connecting_head; at != 0;) {
        struct stk_ep *ep = &table->eps[at - 1];
        at = ep->connecting_next;
        if (ep->connect_deadline_ns > now_ns) {
            next = ep->connect_deadline_ns < next ? ep->connect_deadline_ns : next;
            continue;
        }
        struct stk_inst_scope scope = stk_inst_enter(ep->inst);
        stk_ep_tcp_expire(ep);
        stk_inst_leave(scope);
    }
    table->next_ns = next < now_ns + STK_MS_NS ? now_ns + STK_MS_NS : next; /* all are walked: not for each of many */
}

/* An idle socket costs its control block only: chunks that it has begun go back. */
static void idle_give(struct stk_ep *ep)
{
    struct stk_sock_abi *abi = ep->abi;
    struct stk_region *region = ep->table->region;
    const uint64_t mark = ep->rx_tail + ep->tx_acked;
    if (mark != ep->idle_mark) {
        ep->idle_mark = mark; /* used since the last visit */
        return;
    }
    if (atomic_load_explicit(&abi->rx_head, memory_order_acquire) == ep->rx_tail) {
        (void)stk_fifo_idle_give(region, abi->rx_slots, ep->rx_tail);
    }
    /* The application is the producer of the other FIFO: only under its lock, and never waiting for it. */
    if (!stk_lock_try(&abi->tx_lock)) {
        return;
    }
    if (atomic_load_explicit(&abi->tx_tail, memory_order_acquire) == ep->tx_acked) {
        const uint32_t chunk = atomic_load_explicit(stk_fifo_slot(abi->tx_slots, ep->tx_acked), memory_order_relaxed);
        if (chunk < region->chunks_count && ep->table->chunk_refs[chunk] == 0) {
            (void)stk_fifo_idle_give(region, abi->tx_slots, ep->tx_acked);
        }
    }
    stk_lock_give(&abi->tx_lock);
}

void stk_ep_sweep(struct stk_ep_table *table, uint64_t now_ns)
{
    if (now_ns < table->sweep_ns || table->stats.in_use == 0) {
        return;
    }
    /* Every slot is visited about once in SWEEP_ROUND_NS, a few at a time. */
    const uint32_t wanted = table->fresh / SWEEP_STEPS + 1;
    const uint32_t steps = wanted < SWEEP_VISITS_MAX ? wanted : SWEEP_VISITS_MAX; /* of very many less often */
    for (uint32_t i = 0; i < steps; i++) {
        table->sweep_at = table->sweep_at + 1 < table->fresh ? table->sweep_at + 1 : 0;
        struct stk_ep *ep = &table->eps[table->sweep_at];
        if (ep_held(ep) && !ep->listening) {
            idle_give(ep);
        }
    }
    table->sweep_ns = now_ns + SWEEP_ROUND_NS / SWEEP_STEPS;
}

uint64_t stk_ep_next_ns(const struct stk_ep_table *table)
{
    if (table->cut_head != 0) {
        return 0;
    }
    return table->connecting_count == 0 ? STK_NEVER : table->next_ns;
}
