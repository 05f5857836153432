/** @file A stream's timers, SYN options and window, as its socket was told; and what is told of a connection. */
#include "lwip/stk_ep_priv.h"

#include "lwip/instance_priv.h"
#include "lwip/tcp_path.h"
#include "lwip/tcp_sack.h"
#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

#include <string.h>

#define WINDOW_UNSCALED 65535u
#define WINDOW_AUTO_FIRST 65536u /* BUF-3 */
#define WINDOW_SMALL_MAX 262140u /* BUF-4 */
#define SCALE_AUTO 8
#define SCALE_SMALL 2

/* --- Before and after the handshake ------------------------------------------ */

static uint8_t scale_of(const struct stk_ep *ep)
{
    uint8_t scale = 0;
    if ((ep->opts.rcv_compat & STK_RCV_NO_TUNING) != 0) {
        return 0;
    }
    if (!ep->opts.rcvbuf_set) {
        return (ep->opts.rcv_compat & STK_RCV_SMALL) != 0 ? SCALE_SMALL : SCALE_AUTO;
    }
    while (scale < 14 && (WINDOW_UNSCALED << scale) < ep->abi->rx_limit) {
        scale++;
    }
    return scale;
}

/* The largest window that this connection can ever have. */
static uint32_t window_max(const struct stk_ep *ep, const struct tcp_pcb *pcb)
{
    const bool scaled = (pcb->flags & TF_WND_SCALE) != 0;
    uint32_t max = scaled ? WINDOW_UNSCALED << pcb->rcv_scale : WINDOW_UNSCALED;
    if (max > TCP_WND_MAX(pcb)) {
        max = TCP_WND_MAX(pcb);
    }
    if ((ep->opts.rcv_compat & STK_RCV_SMALL) != 0 && max > WINDOW_SMALL_MAX) {
        max = WINDOW_SMALL_MAX;
    }
    return max < ep->abi->rx_limit ? max : ep->abi->rx_limit;
}

static bool tunes(const struct stk_ep *ep)
{
    return !ep->opts.rcvbuf_set && (ep->opts.rcv_compat & STK_RCV_NO_TUNING) == 0;
}

/* A PCB before its SYN goes out: the connecting one's, or one of a listener that took a SYN. */
void stk_ep_own_begin(const struct stk_ep *ep, struct tcp_pcb *pcb)
{
    const struct stk_ep_opts *opts = &ep->opts;
    if (opts->syn_rto_ms > 0) { /* lwIP derives it from the variation until a round trip is measured */
        pcb->rto = (s16_t)((opts->syn_rto_ms + TCP_SLOW_INTERVAL - 1) / TCP_SLOW_INTERVAL);
        pcb->sv = pcb->rto;
    }
    pcb->own.syn_limit = opts->syn_retries >= 0 ? (uint8_t)(opts->syn_retries + 1) : 0;
    pcb->own.offer_ts = opts->timestamps == 1;
    pcb->own.no_ts = opts->timestamps == 0;
    pcb->own.no_scale = (opts->rcv_compat & STK_RCV_NO_TUNING) != 0;
    pcb->own.rcv_scale = (uint8_t)(scale_of(ep) + 1);
    if (pcb->state != SYN_RCVD) {
        return;
    }
    if (pcb->own.no_ts) {
        tcp_clear_flags(pcb, TF_TIMESTAMP);
    }
    if (pcb->own.no_scale) {
        tcp_clear_flags(pcb, TF_WND_SCALE);
        pcb->snd_scale = 0;
        pcb->rcv_wnd = WINDOW_UNSCALED;
        pcb->rcv_ann_wnd = WINDOW_UNSCALED;
    }
    pcb->rcv_scale = (pcb->flags & TF_WND_SCALE) != 0 ? scale_of(ep) : 0;
}

/* The window that the socket's buffer allows, once scaling is settled. */
void stk_ep_tcp_window_set(const struct stk_ep *ep, struct tcp_pcb *pcb)
{
    uint32_t window = window_max(ep, pcb);
    if (tunes(ep) && window > WINDOW_AUTO_FIRST) {
        window = WINDOW_AUTO_FIRST;
    }
    pcb->rcv_wnd = window;
    pcb->rcv_ann_wnd = window;
}

/* Never less than the buffer holds; enough for the path to be full while one flight is acknowledged. */
static uint32_t isb_of(const struct stk_ep *ep)
{
    const struct tcp_pcb *pcb = ep->pcb.tcp;
    const uint32_t limit = atomic_load_explicit(&ep->abi->tx_limit, memory_order_relaxed);
    const uint64_t flight = 2u * (uint64_t)LWIP_MIN(stk_tcp_sack_cwnd(pcb), pcb->snd_wnd_max);
    const uint64_t ideal = flight > limit ? flight : limit;
    return ideal < STK_FIFO_MAX ? (uint32_t)ideal : STK_FIFO_MAX;
}

/* The handshake is done; nothing was received yet. */
void stk_ep_own_opened(struct stk_ep *ep, struct tcp_pcb *pcb)
{
    pcb->own.opened_ns = stk_inst_now_ns(ep->inst);
    pcb->own.limit_from = pcb->snd_nxt;
    ep->window = pcb->rcv_wnd;
    ep->window_debt = 0;
    ep->tune_at = 0;
    atomic_store_explicit(&ep->abi->isb, isb_of(ep), memory_order_relaxed);
}

/* Options that may change at any time. */
void stk_ep_own_apply(const struct stk_ep *ep, struct tcp_pcb *pcb)
{
    const int32_t ms = ep->opts.maxrt_ms;
    const uint8_t discover = stk_ep_ip_opts_for(ep, IP_IS_V4_VAL(pcb->local_ip)).mtu_discover;
    stk_tcp_path_choose(pcb, discover == STK_PMTUD_DONT || discover == STK_PMTUD_PROBE);
    pcb->own.maxrt_ticks = ms <= 0 ? ms : (int32_t)(((int64_t)ms + TCP_SLOW_INTERVAL - 1) / TCP_SLOW_INTERVAL);
}

/* How long an attempt may last: all its SYNs if their number was given, else the bound of connects. */
uint64_t stk_ep_own_connect_ms(const struct stk_ep *ep)
{
    if (ep->opts.syn_retries >= 0) {
        return UINT64_MAX / STK_MS_NS / 2; /* the last SYN's time-out ends it */
    }
    return ep->opts.conn_timeout_ms > 0 ? (uint64_t)ep->opts.conn_timeout_ms : ep->table->connect_timeout_ms;
}

/* --- The receive window -------------------------------------------------------- */

static void window_grow(struct stk_ep *ep, uint32_t to)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    uint32_t more = to - ep->window;
    ep->window = to;
    stk_ep_tcp_want_set(ep);
    const uint32_t owed = more < ep->window_debt ? more : ep->window_debt;
    ep->window_debt -= owed;
    more -= owed;
    while (more > 0) {
        const u16_t step = more > 0xffff ? 0xffff : (u16_t)more;
        tcp_recved(pcb, step);
        more -= step;
    }
}

/* SO_RCVBUF of a connection: BUF-1, BUF-2. False: it stays as it is. */
bool stk_ep_window_follow(struct stk_ep *ep, uint32_t bytes)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    const uint32_t before = ep->abi->rx_limit;
    if (bytes < before && (ep->opts.rcv_compat & STK_RCV_MAY_SHRINK) == 0) {
        return false;
    }
    atomic_store_explicit(&ep->abi->rx_limit, bytes, memory_order_relaxed);
    if (pcb == NULL) {
        return true;
    }
    const uint32_t to = window_max(ep, pcb);
    if (to > ep->window) {
        window_grow(ep, to);
    } else { /* what was announced is not taken back: it is not renewed (RFC 9293 3.8.6) */
        ep->window_debt += ep->window - to;
        ep->window = to;
        stk_ep_tcp_want_set(ep);
    }
    return true;
}

/* SO_RCVBUF 0: the window reaches as far as buffers wait, and is told at once however small the step is (BUF-8): RFC 9293
 * 3.8.6.2.2 would wait for a segment's worth that nobody is going to have room for. */
void stk_ep_window_posted(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    const uint64_t posted = atomic_load_explicit(&ep->abi->rx_posted, memory_order_acquire);
    const uint64_t reach = ep->rx_tail + pcb->rcv_wnd;
    if (posted <= reach || posted - reach > STK_FIFO_MAX || pcb->state < ESTABLISHED) {
        return;
    }
    uint64_t more = posted - reach;
    while (more > 0) {
        const u16_t step = more > 0xffff ? 0xffff : (u16_t)more;
        tcp_recved(pcb, step);
        more -= step;
    }
    pcb->rcv_ann_wnd = pcb->rcv_wnd;
    tcp_ack_now(pcb);
    (void)tcp_output(pcb);
}

/* Of what was read, how much the window gets back. */
uint64_t stk_ep_window_pay(struct stk_ep *ep, uint64_t opened)
{
    const uint64_t owed = opened < ep->window_debt ? opened : ep->window_debt;
    ep->window_debt -= (uint32_t)owed;
    return opened - owed;
}

/* BUF-3. A reader that took a whole window since the last look goes on reading: double it. How far it was behind is not
 * asked: where reader and stack share a processor it reads all that came while it was away. */
void stk_ep_window_tune(struct stk_ep *ep)
{
    uint32_t to = ep->window * 2;
    uint32_t max = window_max(ep, ep->pcb.tcp);
    const uint64_t read = ep->rx_opened + ep->rx_direct;
    if (!tunes(ep) || read - ep->tune_at < ep->window) {
        return;
    }
    ep->tune_at = read;
    to = to < max ? to : max;
    if (to > ep->window) {
        window_grow(ep, to);
    }
}

/* --- What is told ---------------------------------------------------------------- */

static void limits_tell(const struct stk_ep *ep, const struct tcp_pcb *pcb, struct stk_tcp_info *out)
{
    const struct stk_tcp_own *own = &pcb->own;
    const uint64_t since = own->limit_since_ns != 0 ? own->limit_since_ns : own->opened_ns;
    uint64_t now_ns = stk_inst_now_ns(ep->inst);
    for (uint32_t i = 0; i < STK_TCP_LIM_COUNT; i++) {
        uint64_t ns = own->limit_ns[i];
        out->lim_begun[i] = own->limit_begun[i];
        out->lim_bytes[i] = own->limit_bytes[i];
        if (i == own->limit && own->opened_ns != 0) {
            ns += now_ns - since;
            out->lim_bytes[i] += (uint32_t)(pcb->snd_nxt - own->limit_from);
        }
        out->lim_ms[i] = ns / STK_MS_NS;
    }
}

static uint32_t state_of(const struct stk_ep *ep)
{
    if (ep->listening) {
        return STK_TCP_LISTEN;
    }
    return ep->pcb.tcp != NULL ? (uint32_t)ep->pcb.tcp->state : STK_TCP_CLOSED;
}

_Static_assert((int)STK_TCP_CLOSED == CLOSED && (int)STK_TCP_SYN_SENT == SYN_SENT &&
                   (int)STK_TCP_FIN_WAIT_1 == FIN_WAIT_1 && (int)STK_TCP_CLOSE_WAIT == CLOSE_WAIT &&
                   (int)STK_TCP_CLOSING == CLOSING && (int)STK_TCP_TIME_WAIT == TIME_WAIT,
               "lwIP numbers the states as Windows does");
_Static_assert((int)STK_TCP_LIM_SND == STK_TCP_LIMIT_SENDER && (int)STK_TCP_LIM_RWIN == STK_TCP_LIMIT_PEER &&
                   (int)STK_TCP_LIM_CWND == STK_TCP_LIMIT_PATH,
               "one order of limits");

int stk_ep_tcp_info(struct stk_ep_table *table, uint32_t sock, struct stk_tcp_info *out)
{
    const struct stk_ep *ep = &table->eps[sock];
    const struct tcp_pcb *pcb = ep->pcb.tcp;
    memset(out, 0, sizeof(*out));
    if (ep->type != STK_SOCK_STREAM) {
        return STK_EOPNOTSUPP;
    }
    out->state = state_of(ep);
    out->rcv_buf = ep->abi->rx_limit;
    if (out->state <= STK_TCP_LISTEN) {
        return STK_OK;
    }
    out->mss = tcp_mss(pcb);
    out->timestamps = (pcb->flags & TF_TIMESTAMP) != 0;
    out->connected_ms = pcb->own.opened_ns != 0 ? (stk_inst_now_ns(ep->inst) - pcb->own.opened_ns) / STK_MS_NS : 0;
    out->bytes_out = pcb->state >= ESTABLISHED ? ep->tx_queued + ep->tx_direct - (uint32_t)(pcb->snd_lbb - pcb->snd_nxt)
                                               : 0;
    out->bytes_in = ep->rx_tail + ep->rx_direct;
    out->rtt_us = pcb->own.rtt_us;
    out->rtt_min_us = pcb->own.rtt_min_us;
    out->bytes_in_flight = pcb->snd_nxt - pcb->lastack;
    out->cwnd = stk_tcp_sack_cwnd(pcb);
    out->snd_wnd = pcb->snd_wnd;
    out->rcv_wnd = pcb->rcv_wnd;
    out->bytes_reordered = pcb->own.bytes_reordered;
    out->bytes_resent = pcb->own.bytes_resent;
    out->fast_resends = pcb->own.fast_resends;
    out->dup_acks = pcb->own.dup_acks;
    out->timeouts = pcb->own.timeouts;
    out->syn_resent = pcb->own.syn_resent;
    out->segments_reordered = pcb->own.segments_reordered;
    limits_tell(ep, pcb, out);
    return STK_OK;
}

void stk_ep_icmp_info(struct stk_ep_table *table, uint32_t sock, struct stk_icmp_info *out)
{
    *out = table->eps[sock].icmp;
}

/* BUF-6, BUF-7: from time to time. A buffer that was not set follows; steps of less than a quarter are told to nobody. */
void stk_ep_isb_update(struct stk_ep *ep)
{
    struct stk_sock_abi *abi = ep->abi;
    const uint32_t before = atomic_load_explicit(&abi->isb, memory_order_relaxed);
    const uint32_t now = isb_of(ep);
    const uint32_t apart = now > before ? now - before : before - now;
    if (apart < before / 4 || apart == 0) {
        return;
    }
    atomic_store_explicit(&abi->isb, now, memory_order_relaxed);
    if (!ep->opts.sndbuf_set && now > atomic_load_explicit(&abi->tx_limit, memory_order_relaxed)) {
        atomic_store_explicit(&abi->tx_limit, now, memory_order_relaxed);
    }
    stk_ep_notify(ep);
}
