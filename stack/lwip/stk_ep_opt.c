#include "lwip/stk_ep_priv.h"

#include <string.h>

/* One row per option that is a plain number: where it lives, its range, which types have it. */
struct opt_row {
    size_t offset;
    uint8_t kind;  /* OPT_* */
    uint8_t types; /* bits: 1 << enum stk_sock_type */
    int32_t min;
    int32_t max;
};

enum { OPT_NONE, OPT_BOOL, OPT_U8, OPT_U32, OPT_I32 };

/* RFC 791 3.2: each module passes 68 bytes on. In less lwIP finds no room for a fragment's 8 bytes, and never ends. */
#define USER_MTU_MIN 68

#define STREAM (1u << STK_SOCK_STREAM)
#define DGRAM (1u << STK_SOCK_DGRAM)
#define RAW (1u << STK_SOCK_RAW)
#define ALL (STREAM | DGRAM | RAW)
#define FIELD(name) offsetof(struct stk_ep_opts, name)

static const struct opt_row opt_rows[STK_OPT_COUNT] = {
    [STK_OPT_REUSEADDR] = {FIELD(reuseaddr), OPT_BOOL, ALL, 0, 1},
    [STK_OPT_EXCLUSIVE] = {FIELD(exclusive), OPT_BOOL, ALL, 0, 1},
    [STK_OPT_PORT_SCALABILITY] = {FIELD(port_scalability), OPT_BOOL, STREAM | DGRAM, 0, 1},
    [STK_OPT_RANDOMIZE_PORT] = {FIELD(randomize_port), OPT_BOOL, STREAM | DGRAM, 0, 1},
    [STK_OPT_REUSE_UNICASTPORT] = {FIELD(reuse_unicastport), OPT_BOOL, STREAM | DGRAM, 0, 1},
    [STK_OPT_REUSE_MCASTPORT] = {FIELD(reuse_mcastport), OPT_BOOL, DGRAM, 0, 1},
    [STK_OPT_KEEPALIVE] = {FIELD(keepalive), OPT_BOOL, STREAM, 0, 1},
    [STK_OPT_KEEPIDLE_MS] = {FIELD(keepidle_ms), OPT_I32, STREAM, 1, INT32_MAX},
    [STK_OPT_KEEPINTVL_MS] = {FIELD(keepintvl_ms), OPT_I32, STREAM, 1, INT32_MAX},
    [STK_OPT_KEEPCNT] = {FIELD(keepcnt), OPT_I32, STREAM, 1, 255},
    [STK_OPT_NODELAY] = {FIELD(nodelay), OPT_BOOL, STREAM, 0, 1},
    [STK_OPT_BROADCAST] = {FIELD(broadcast), OPT_BOOL, ALL, 0, 1},
    [STK_OPT_DONTROUTE] = {FIELD(dontroute), OPT_BOOL, ALL, 0, 1},
    [STK_OPT_TTL] = {FIELD(ttl), OPT_U8, ALL, 1, 255},
    [STK_OPT_TOS] = {FIELD(tos), OPT_U8, ALL, 0, 255},
    [STK_OPT_V6ONLY] = {FIELD(v6only), OPT_BOOL, ALL, 0, 1},
    [STK_OPT_MCAST_TTL] = {FIELD(mcast_ttl), OPT_U8, DGRAM | RAW, 0, 255},
    [STK_OPT_MCAST_LOOP] = {FIELD(mcast_loop), OPT_BOOL, DGRAM | RAW, 0, 1},
    [STK_OPT_MCAST_IF] = {FIELD(mcast_if), OPT_U32, DGRAM | RAW, 0, UINT8_MAX},
    [STK_OPT_HDRINCL] = {FIELD(hdrincl), OPT_BOOL, RAW, 0, 1},
    [STK_OPT_DONTFRAG] = {FIELD(dontfrag), OPT_BOOL, ALL, 0, 1},
    [STK_OPT_CONN_TIMEOUT_MS] = {FIELD(conn_timeout_ms), OPT_I32, STREAM, 0, INT32_MAX},
    [STK_OPT_OOBINLINE] = {FIELD(oobinline), OPT_BOOL, STREAM, 0, 1},
    [STK_OPT_URGENT_1122] = {FIELD(urgent_1122), OPT_BOOL, STREAM, 0, 1},
    [STK_OPT_ACCEPT_HELD] = {FIELD(accept_held), OPT_BOOL, STREAM, 0, 1},
    [STK_OPT_ACCEPT_PAUSED] = {FIELD(accept_paused), OPT_BOOL, STREAM, 0, 1},
    [STK_OPT_UDP_CONNRESET] = {FIELD(udp_connreset), OPT_BOOL, DGRAM, 0, 1},
    [STK_OPT_MAXRT_MS] = {FIELD(maxrt_ms), OPT_I32, STREAM, -1, INT32_MAX},
    [STK_OPT_SYN_RTO_MS] = {FIELD(syn_rto_ms), OPT_I32, STREAM, 0, 65534},
    [STK_OPT_SYN_RETRIES] = {FIELD(syn_retries), OPT_I32, STREAM, -1, 254},
    [STK_OPT_TIMESTAMPS] = {FIELD(timestamps), OPT_I32, STREAM, -1, 1},
    [STK_OPT_ICMP_FAIL] = {FIELD(icmp_fail), OPT_BOOL, STREAM, 0, 1},
    [STK_OPT_RCV_COMPAT] = {FIELD(rcv_compat), OPT_U8, STREAM, 0, 7},
    [STK_OPT_UDP_NETRESET] = {FIELD(udp_netreset), OPT_BOOL, DGRAM, 0, 1},
    [STK_OPT_NOCHECKSUM] = {FIELD(nochecksum), OPT_BOOL, DGRAM, 0, 1},
    [STK_OPT_RECV_BROADCAST] = {FIELD(recv_broadcast), OPT_BOOL, DGRAM | RAW, 0, 1},
    [STK_OPT_CIRCULAR] = {FIELD(circular), OPT_BOOL, DGRAM | RAW, 0, 1},
    [STK_OPT_MTU_DISCOVER] = {FIELD(mtu_discover), OPT_U8, ALL, STK_PMTUD_NOT_SET, STK_PMTUD_PROBE},
    [STK_OPT_USER_MTU] = {FIELD(user_mtu), OPT_I32, ALL, -1, INT32_MAX},
    [STK_OPT_UNICAST_IF] = {FIELD(unicast_if), OPT_U32, ALL, 0, INT32_MAX},
    [STK_OPT_V4_TTL] = {FIELD(v4_ttl), OPT_U8, ALL, 1, 255},
    [STK_OPT_V4_TOS] = {FIELD(v4_tos), OPT_U8, ALL, 0, 255},
    [STK_OPT_V4_DONTFRAG] = {FIELD(v4_dontfrag), OPT_BOOL, ALL, 0, 1},
    [STK_OPT_V4_MTU_DISCOVER] = {FIELD(v4_mtu_discover), OPT_U8, ALL, STK_PMTUD_NOT_SET, STK_PMTUD_PROBE},
    [STK_OPT_V4_USER_MTU] = {FIELD(v4_user_mtu), OPT_I32, ALL, -1, INT32_MAX},
    [STK_OPT_V4_UNICAST_IF] = {FIELD(v4_unicast_if), OPT_U32, ALL, 0, INT32_MAX},
    [STK_OPT_UDP_SEGMENT] = {FIELD(segment), OPT_I32, DGRAM, 0, INT32_MAX},
    [STK_OPT_UDP_MERGE] = {FIELD(merge), OPT_I32, DGRAM, 0, INT32_MAX},
    [STK_OPT_UDP_STAMP_RX] = {FIELD(stamp_rx), OPT_BOOL, DGRAM, 0, 1},
    [STK_OPT_PROTECTION] = {FIELD(protection), OPT_U8, ALL, STK_PROTECT_UNRESTRICTED, STK_PROTECT_RESTRICTED},
};

static const struct opt_row *row_find(const struct stk_ep *ep, uint32_t opt)
{
    if (opt >= STK_OPT_COUNT || opt_rows[opt].kind == OPT_NONE || (opt_rows[opt].types & (1u << ep->type)) == 0) {
        return NULL;
    }
    return &opt_rows[opt];
}

static void row_store(struct stk_ep_opts *opts, const struct opt_row *row, int32_t value)
{
    uint8_t *at = (uint8_t *)opts + row->offset;
    if (row->kind == OPT_BOOL) {
        const bool flag = value != 0;
        memcpy(at, &flag, sizeof(flag));
    } else if (row->kind == OPT_U8) {
        *at = (uint8_t)value;
    } else {
        memcpy(at, &value, sizeof(value));
    }
}

static int32_t row_load(const struct stk_ep_opts *opts, const struct opt_row *row)
{
    const uint8_t *at = (const uint8_t *)opts + row->offset;
    int32_t value;
    if (row->kind == OPT_BOOL || row->kind == OPT_U8) {
        return *at;
    }
    memcpy(&value, at, sizeof(value));
    return value;
}

static void opts_apply(struct stk_ep *ep)
{
    if (ep->inst == NULL) {
        return;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    if (ep->type == STK_SOCK_STREAM) {
        if (!ep->connecting) {
            stk_ep_tcp_opts_apply(ep);
        }
    } else {
        stk_ep_dgram_opts_apply(ep);
    }
    stk_inst_leave(scope);
}

static int buffer_set(struct stk_ep *ep, uint32_t opt, int32_t value)
{
    if (value < 0) {
        return STK_EINVAL;
    }
    const uint32_t bytes = (uint32_t)value > STK_FIFO_MAX ? STK_FIFO_MAX : (uint32_t)value;
    if (opt == STK_OPT_SNDBUF) {
        atomic_store_explicit(&ep->abi->tx_limit, bytes, memory_order_relaxed);
        ep->opts.sndbuf_set = true;
        return STK_OK;
    }
    if (ep->type != STK_SOCK_STREAM || ep->inst == NULL || (ep->state & STK_ST_CONNECTED) == 0) {
        ep->abi->rx_limit = bytes;
        ep->opts.rcvbuf_set = true;
        return STK_OK;
    }
    /* BUF-1: a connection's buffer that may not shrink stays as it is; who asks is told the size. */
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    if (stk_ep_window_follow(ep, bytes)) {
        ep->opts.rcvbuf_set = true;
    }
    stk_inst_leave(scope);
    return STK_OK;
}

/* What may not change once an address is taken, a SYN is on its way (KA-6), or has been. */
static bool frozen(const struct stk_ep *ep, uint32_t opt)
{
    switch (opt) {
    case STK_OPT_REUSEADDR:
    case STK_OPT_EXCLUSIVE:
    case STK_OPT_V6ONLY:
    case STK_OPT_RANDOMIZE_PORT:
    case STK_OPT_REUSE_UNICASTPORT:
    case STK_OPT_REUSE_MCASTPORT:
        return ep->bound;
    case STK_OPT_ACCEPT_HELD: /* CON-25 */
        return ep->listening;
    case STK_OPT_KEEPALIVE:
        return ep->connecting;
    case STK_OPT_SYN_RTO_MS:
    case STK_OPT_SYN_RETRIES:
    case STK_OPT_TIMESTAMPS:
        return ep->connecting || (ep->state & (STK_ST_CONNECTED | STK_ST_ENDED)) != 0;
    default:
        return false;
    }
}

int stk_ep_opt_set(struct stk_ep_table *table, uint32_t sock, uint32_t opt, const void *value, uint32_t len)
{
    struct stk_ep *ep = &table->eps[sock];
    stk_ep_rio_forget(table);
    if (stk_ep_mcast_opt(opt)) {
        return stk_ep_mcast_set(ep, opt, value, len);
    }
    if (opt == STK_OPT_IFLIST) {
        return stk_ep_ip_iflist_set(ep, value, len);
    }
    int32_t number;
    if (len != sizeof(number)) {
        return STK_EINVAL;
    }
    memcpy(&number, value, sizeof(number));
    if (opt == STK_OPT_RCVBUF || opt == STK_OPT_SNDBUF) {
        return buffer_set(ep, opt, number);
    }
    if (opt == STK_OPT_RCVALL) {
        return stk_ep_raw_tap_set(ep, number);
    }
    const struct opt_row *row = row_find(ep, opt);
    if (row == NULL) {
        return STK_ENOPROTOOPT;
    }
    if (opt == STK_OPT_OOBINLINE || opt == STK_OPT_URGENT_1122) {
        return stk_ep_urgent_opt_set(ep, opt, number != 0);
    }
    if (number < row->min || number > row->max || frozen(ep, opt)) {
        return STK_EINVAL;
    }
    if (opt == STK_OPT_KEEPALIVE && (ep->state & STK_ST_ENDED) != 0) { /* KA-8, X18 */
        const int end = atomic_load_explicit(&ep->abi->end_error, memory_order_relaxed);
        const bool probed = end == STK_ENETRESET || (end == STK_ETIMEDOUT && ep->opts.keepalive);
        return probed ? STK_ENETRESET : STK_ENOTCONN;
    }
    if (opt == STK_OPT_RCV_COMPAT && (ep->connecting || (ep->state & STK_ST_CONNECTED) != 0)) { /* SYNs are past */
        number = (number & (int32_t)STK_RCV_MAY_SHRINK) | (ep->opts.rcv_compat & ~(int32_t)STK_RCV_MAY_SHRINK);
    }
    if (opt == STK_OPT_REUSEADDR && number != 0 && ep->opts.exclusive) {
        return STK_EINVAL;
    }
    if (opt == STK_OPT_RANDOMIZE_PORT && number != 0 && ep->opts.reuse_unicastport) {
        return STK_EINVAL; /* PT-4: those are random already */
    }
    if (opt == STK_OPT_EXCLUSIVE && number != 0 && ep->opts.reuseaddr) {
        return STK_EINVAL;
    }
    if ((opt == STK_OPT_USER_MTU || opt == STK_OPT_V4_USER_MTU) && number >= 0 && number < USER_MTU_MIN) {
        return STK_EINVAL;
    }
    if (opt == STK_OPT_UNICAST_IF || opt == STK_OPT_V4_UNICAST_IF) {
        const int err = stk_ep_ip_if_check(table, (uint32_t)number);
        if (err != STK_OK) {
            return err;
        }
    }
    row_store(&ep->opts, row, number);
    stk_ep_ip_mark(ep);
    opts_apply(ep);
    return STK_OK;
}

int stk_ep_opt_get(struct stk_ep_table *table, uint32_t sock, uint32_t opt, int32_t *value)
{
    const struct stk_ep *ep = &table->eps[sock];
    if (opt == STK_OPT_SNDBUF) {
        *value = (int32_t)atomic_load_explicit(&ep->abi->tx_limit, memory_order_relaxed);
        return STK_OK;
    }
    if (opt == STK_OPT_RCVBUF) {
        *value = (int32_t)ep->abi->rx_limit;
        return STK_OK;
    }
    if (opt == STK_OPT_MSS && ep->type == STK_SOCK_STREAM) {
        *value = ep->pcb.tcp != NULL && !ep->listening ? ep->pcb.tcp->mss : 536;
        return STK_OK;
    }
    if (opt == STK_OPT_MTU || opt == STK_OPT_V4_MTU) {
        return stk_ep_ip_mtu(ep, opt == STK_OPT_V4_MTU || ep->family == STK_AF_INET, value);
    }
    const struct opt_row *row = row_find(ep, opt);
    if (row == NULL) {
        return STK_ENOPROTOOPT;
    }
    *value = row_load(&ep->opts, row);
    if ((opt == STK_OPT_TTL || opt == STK_OPT_V4_TTL) && *value == 0) {
        *value = IP_DEFAULT_TTL;
    }
    return STK_OK;
}
