#include "lwip/stk_ep_priv.h"

#include "lwip/instance_priv.h"
#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

#include <string.h>

static void on_destroy(u8_t id, void *data);

const struct tcp_ext_arg_callbacks stk_ep_tcp_ext_callbacks = {
    .destroy = on_destroy,
    .passive_open = stk_ep_listen_passive_open,
};

int stk_ep_tcp_table_init(struct stk_ep_table *table)
{
    for (uint32_t i = 0; i < table->insts_count; i++) {
        struct stk_inst_scope scope = stk_inst_enter(table->insts[i]);
        table->ext_id[i] = tcp_ext_arg_alloc_id();
        stk_inst_leave(scope);
    }
    return STK_OK;
}

/* --- Ends ------------------------------------------------------------------ */

/* Cut the ties, so that lwIP finishes the PCB alone. */
void stk_ep_tcp_detach(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    ep->pcb.tcp = NULL;
    if (pcb == NULL) {
        return;
    }
    if (ep->output_due) { /* nobody else will */
        ep->output_due = false;
        (void)tcp_output(pcb);
    }
    tcp_arg(pcb, NULL);
    tcp_ext_arg_set(pcb, stk_ep_ext_id(ep), NULL);
    if (!ep->listening) {
        tcp_recv(pcb, NULL);
        tcp_sent(pcb, NULL);
        tcp_err(pcb, NULL);
        tcp_poll(pcb, NULL, 0);
    }
}

/* A reset is taken only inside the peer's window (RFC 9293 3.10.7.4), and SND.NXT is behind it while a closed window is
 * being probed: the window's end is what the peer still takes. */
static void tcp_reset(struct tcp_pcb *pcb)
{
    const u32_t window_end = pcb->lastack + pcb->snd_wnd;
    if (pcb->state >= ESTABLISHED && TCP_SEQ_GT(pcb->snd_nxt, window_end)) {
        pcb->snd_nxt = window_end;
    }
    tcp_abort(pcb);
}

void stk_ep_tcp_kill(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    ep->output_due = false;
    stk_ep_tcp_detach(ep);
    if (pcb != NULL) {
        tcp_reset(pcb);
    }
}

/* The connection, or the attempt, ended by error; the PCB is gone. */
static void tcp_ended(struct stk_ep *ep, int err)
{
    ep->pcb.tcp = NULL;
    stk_ep_deadline_clear(ep);
    if (ep->phase == STK_EP_CLOSING) {
        stk_ep_slot_free(ep);
        return;
    }
    atomic_store_explicit(&ep->abi->end_error, err, memory_order_relaxed);
    const bool made = !ep->connecting;
    if (ep->connecting) {
        ep->connecting = false;
        atomic_store_explicit(&ep->abi->error, err, memory_order_relaxed);
        stk_ep_state_set(ep, STK_ST_FAILED, STK_ST_CONNECTING);
    } else {
        stk_ep_state_set(ep, STK_ST_ENDED, STK_ST_CONNECTED);
    }
    if (ep->rio != NULL && made) {
        stk_ep_rio_ended(ep, err);
    }
    stk_ep_notify(ep);
}

static void on_err(void *arg, err_t err)
{
    struct stk_ep *ep = arg;
    if (ep == NULL) {
        return;
    }
    if (err == ERR_CLSD) { /* both FINs are through; nothing was lost */
        ep->pcb.tcp = NULL;
        if (ep->phase == STK_EP_CLOSING) {
            stk_ep_slot_free(ep);
            return;
        }
        stk_ep_state_set(ep, STK_ST_EOF | STK_ST_DRAINED, 0);
        if (ep->rio != NULL) {
            stk_ep_rio_recv_kick(ep);
        }
        stk_ep_notify(ep);
        return;
    }
    if (ep->connecting) {
        tcp_ended(ep, err == ERR_RST ? STK_ECONNREFUSED : ep->soft_error != 0 ? ep->soft_error : STK_ETIMEDOUT);
    } else {
        /* lwIP gives up for two reasons: nobody acknowledged, or nobody answered a keep-alive probe (CLS-26). */
        const bool probed = ep->opts.keepalive && ep->tx_acked == ep->tx_queued && !ep->fin_done &&
                            (ep->rio == NULL || !stk_ep_rio_unacked(ep));
        tcp_ended(ep, err == ERR_RST ? STK_ECONNRESET : probed ? STK_ENETRESET : STK_ETIMEDOUT);
    }
}

/* lwIP frees a PCB: TIME_WAIT is over, or it was taken for another connection. */
static void on_destroy(u8_t id, void *data)
{
    (void)id;
    struct stk_ep *ep = data;
    if (ep == NULL) {
        return;
    }
    if (ep->listening) { /* a handshake of this listener ended */
        if (ep->half_open > 0) {
            ep->half_open--;
        }
        return;
    }
    ep->pcb.tcp = NULL;
}

/* --- Transmit -------------------------------------------------------------- */

static void tcp_finish_if_drained(struct stk_ep *ep)
{
    if (ep->phase == STK_EP_CLOSING && ep->fin_done && ep->pcb.tcp != NULL && ep->tx_acked == ep->tx_queued &&
        ep->tx_mixed == 0) {
        stk_ep_tcp_detach(ep);
        stk_ep_slot_free(ep);
    }
}

/* FIN once everything is queued in lwIP. */
static void tcp_fin(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    if (!ep->fin_wanted || ep->fin_done || pcb->state < ESTABLISHED) {
        return;
    }
    if (ep->phase == STK_EP_CLOSING) {
        /* lwIP resets when the window is not fully open; whether data is unread was decided in stk_ep_tcp_close. */
        pcb->rcv_wnd = TCP_WND_MAX(pcb);
        ep->fin_done = tcp_close(pcb) == ERR_OK;
    } else {
        ep->fin_done = tcp_shutdown(pcb, 0, 1) == ERR_OK;
    }
}

/* Copy a small piece that is not contiguous, or refer to the FIFO's memory. */
err_t stk_ep_tcp_write_piece(struct stk_ep *ep, uint32_t len_max, uint32_t *len)
{
    uint8_t *at;
    uint32_t span = stk_fifo_span(ep->table->region, ep->abi->tx_slots, ep->tx_queued, len_max, &at);
    if (span == 0) {
        return ERR_ARG;
    }
    if (span > UINT16_MAX) {
        span = UINT16_MAX;
    }
    *len = span;
    u8_t flags = span < len_max ? TCP_WRITE_FLAG_MORE : 0;
    if (span <= STK_EP_COPY_MAX) {
        flags |= TCP_WRITE_FLAG_COPY;
    }
    return tcp_write(ep->pcb.tcp, at, (u16_t)span, flags);
}

/* False: the application's side broke the protocol, the connection is reset; in a callback return ERR_ABRT. */
static bool tcp_push(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    /* Edge G. */
    const uint64_t tail = atomic_load_explicit(&ep->abi->tx_tail, memory_order_acquire);
    if (tail - ep->tx_acked > STK_FIFO_MAX) {
        ep->table->stats.bad_submissions++;
        stk_ep_tcp_kill(ep);
        tcp_ended(ep, STK_ECONNABORTED);
        return false;
    }
    bool wrote = false;
    if (__builtin_expect(atomic_load_explicit(&ep->abi->tx_urgent, memory_order_relaxed) != ep->urgent.tx_end, 0)) {
        wrote = stk_ep_urgent_take(ep, tail);
    }
    if (__builtin_expect(ep->rio != NULL, 0)) {
        wrote = stk_ep_rio_send_stream(ep, tail) || wrote;
    }
    while (ep->rio == NULL && tail != ep->tx_queued) {
        const uint32_t unsent = pcb->snd_lbb - pcb->snd_nxt;
        if (unsent >= STK_EP_UNSENT_MAX || tcp_sndbuf(pcb) == 0) {
            break;
        }
        uint64_t want = tail - ep->tx_queued;
        if (want > STK_EP_UNSENT_MAX - unsent) {
            want = STK_EP_UNSENT_MAX - unsent;
        }
        if (want > tcp_sndbuf(pcb)) {
            want = tcp_sndbuf(pcb);
        }
        uint32_t len = 0;
        const err_t err = stk_ep_tcp_write_piece(ep, (uint32_t)want, &len);
        if (err != ERR_OK) {
            ep->table->stats.tcp_tx_no_memory++;
            break;
        }
        ep->tx_queued += len;
        wrote = true;
    }
    if (tail == ep->tx_queued && (ep->rio == NULL || !stk_ep_rio_unsent(ep))) {
        tcp_fin(ep);
    }
    if (wrote && ep->pcb.tcp != NULL) {
        (void)tcp_output(ep->pcb.tcp);
    }
    return true;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct stk_ep *ep = arg;
    (void)pcb;
    const uint64_t acked = ep->tx_acked;
    if (__builtin_expect(ep->rio != NULL, 0)) {
        stk_ep_rio_acked(ep, len);
    } else if (__builtin_expect(ep->tx_mixed != 0, 0)) {
        const uint32_t rest = stk_ep_rio_mixed_acked(ep, len); /* moves tx_acked */
        stk_ep_tx_release(ep, ep->tx_acked + rest);
    } else {
        stk_ep_tx_release(ep, acked + len);
    }
    if ((acked ^ ep->tx_acked) >> 16 != 0 && ep->phase != STK_EP_CLOSING) { /* once in a while */
        stk_ep_isb_update(ep);
    }
    const uint64_t tail = atomic_load_explicit(&ep->abi->tx_tail, memory_order_acquire);
    const bool more = tail != ep->tx_queued || ep->fin_wanted || (ep->rio != NULL && stk_ep_rio_unsent(ep));
    if (more && !tcp_push(ep)) {
        return ERR_ABRT;
    }
    if (ep->phase == STK_EP_CLOSING) {
        tcp_finish_if_drained(ep);
    } else if (ep->phase != STK_EP_FREE) {
        stk_ep_notify(ep);
    }
    return ERR_OK;
}

/* Five times a second: retry what found a pool empty. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    struct stk_ep *ep = arg;
    if (ep == NULL) {
        return ERR_OK;
    }
    if (pcb->state >= ESTABLISHED && (!ep->fin_done || ep->tx_queued != ep->tx_acked)) {
        if (!ep->fin_done && !tcp_push(ep)) {
            return ERR_ABRT;
        }
        tcp_finish_if_drained(ep);
    }
    return ERR_OK;
}

/* A connection may rest unless its endpoint counts on being polled. Of PCBs without an endpoint: who has no poll. */
bool stk_ep_tcp_has_work(const struct tcp_pcb *pcb)
{
    if (pcb->poll != on_poll) {
        return pcb->poll != NULL;
    }
    struct stk_ep *ep = pcb->callback_arg;
    return ep == NULL || ep->phase == STK_EP_CLOSING || ep->connecting || (ep->fin_wanted && !ep->fin_done) ||
           (ep->rio != NULL && stk_ep_rio_unsent(ep)) ||
           atomic_load_explicit(&ep->abi->tx_tail, memory_order_relaxed) != ep->tx_queued;
}

/* --- Receive --------------------------------------------------------------- */

/* Open the window by what the application has read. */
void stk_ep_tcp_credit(struct stk_ep *ep)
{
    /* Edge F. */
    const uint64_t head = atomic_load_explicit(&ep->abi->rx_head, memory_order_acquire);
    uint64_t opened = head - ep->rx_opened;
    if (opened == 0 && ep->abi->rx_limit != 0) {
        return;
    }
    if (opened > ep->rx_tail - ep->rx_opened) { /* the application's side claims bytes that never came */
        ep->table->stats.bad_submissions++;
        return;
    }
    ep->rx_opened = head;
    if (ep->abi->rx_limit == 0) {
        stk_ep_window_posted(ep);
        return;
    }
    if (ep->window_debt != 0) {
        opened = stk_ep_window_pay(ep, opened);
    }
    while (opened > 0) {
        const u16_t step = opened > 0xffff ? 0xffff : (u16_t)opened;
        tcp_recved(ep->pcb.tcp, step);
        opened -= step;
    }
    if (ep->window < ep->abi->rx_limit) {
        stk_ep_window_tune(ep);
    }
}

static bool rx_store(struct stk_ep *ep, const struct pbuf *p)
{
    uint64_t at = ep->rx_tail;
    if (at + p->tot_len - ep->rx_head_seen > STK_FIFO_MAX) { /* look at the reader's line only when it matters */
        ep->rx_head_seen = atomic_load_explicit(&ep->abi->rx_head, memory_order_acquire);
        if (at - ep->rx_head_seen > STK_FIFO_MAX || at + p->tot_len - ep->rx_head_seen > STK_FIFO_MAX) {
            return false;
        }
    }
    if (__builtin_expect(ep->urgent_due, 0)) {
        return stk_ep_urgent_store(ep, p);
    }
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        if (stk_fifo_write(ep->table->region, ep->abi->rx_slots, at, q->payload, q->len) != q->len) {
            return false;
        }
        at += q->len;
    }
    ep->rx_tail = at;
    /* Edge E. */
    atomic_store_explicit(&ep->abi->rx_tail, at, memory_order_release);
    return true;
}

/* Data came that the application said it would not receive. */
static void tcp_refuse(struct stk_ep *ep)
{
    stk_ep_tcp_kill(ep);
    tcp_ended(ep, STK_ECONNABORTED);
}

static bool rx_unread(const struct stk_ep *ep)
{
    return atomic_load_explicit(&ep->abi->rx_head, memory_order_acquire) != ep->rx_tail ||
           ep->pcb.tcp->refused_data != NULL;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct stk_ep *ep = arg;
    (void)err;
    if (p == NULL) {
        if (ep->phase != STK_EP_CLOSING) {
            stk_ep_state_set(ep, STK_ST_EOF, 0);
            stk_ep_notify(ep);
            if (ep->rio != NULL) {
                stk_ep_rio_recv_kick(ep);
            }
        }
        return ERR_OK;
    }
    if (ep->phase == STK_EP_CLOSING) { /* nobody will read it: RFC 2525 2.17, WSPCLOSESOCKET-6 */
        pbuf_free(p);
        stk_ep_tcp_detach(ep);
        stk_ep_slot_free(ep);
        tcp_reset(pcb);
        return ERR_ABRT;
    }
    if (ep->rx_shut) { /* WSPSHUTDOWN-2 */
        pbuf_free(p);
        tcp_refuse(ep);
        return ERR_ABRT;
    }
    if (__builtin_expect(ep->rio != NULL, 0)) {
        const uint32_t bytes = p->tot_len;
        if (stk_ep_rio_recv_stream(ep, p) == bytes) {
            pbuf_free(p);
            return ERR_OK;
        }
    }
    if (!rx_store(ep, p)) {
        ep->table->stats.tcp_rx_stalled++;
        return ERR_MEM; /* lwIP keeps it and tries again */
    }
    pbuf_free(p);
    if (ep->rx_tail - ep->rx_opened >= ep->rx_want) { /* before that the reader's kick says it */
        stk_ep_tcp_credit(ep);
    }
    stk_ep_notify(ep);
    if (ep->rio != NULL) {
        stk_ep_rio_stored(ep);
    }
    return ERR_OK;
}

struct stk_ep *stk_ep_tcp_of(const struct tcp_pcb *pcb)
{
    struct stk_ep *ep = pcb->recv == on_recv ? pcb->callback_arg : NULL;
    return ep != NULL && ep->pcb.tcp == pcb ? ep : NULL;
}

/* Minshall's variant of RFC 896: only a short segment in flight holds another short one back. */
int stk_hook_tcp_nagle_hold(const struct tcp_pcb *pcb)
{
    if ((pcb->flags & TF_URGENT) != 0 && stk_ep_urgent_sending(pcb)) {
        return 0; /* urgent data does not wait */
    }
    const uint32_t options = (pcb->flags & TF_TIMESTAMP) != 0 ? LWIP_TCP_OPT_LEN_TS_OUT : 0;
    for (const struct tcp_seg *seg = pcb->unacked; seg != NULL; seg = seg->next) {
        if (seg->len + options < pcb->mss) {
            return 1;
        }
    }
    return 0;
}

/* --- Bursts ---------------------------------------------------------------- */

/* lwIP has no callback for the acknowledgement of a FIN alone. */
static void tcp_drained_look(struct stk_ep *ep, const struct tcp_pcb *pcb)
{
    const bool acked = pcb->state == FIN_WAIT_2 || pcb->state == TIME_WAIT;
    if (acked && (ep->state & STK_ST_DRAINED) == 0) {
        stk_ep_state_set(ep, STK_ST_DRAINED, 0);
        stk_ep_notify(ep);
    }
}

/* A connection that is handed several segments of a burst sends once: with the last frame, or at the burst's end. */
int stk_hook_tcp_input_output(struct tcp_pcb *pcb)
{
    struct stk_ep *ep = stk_ep_tcp_of(pcb);
    if (ep == NULL) {
        return 0;
    }
    tcp_drained_look(ep, pcb);
    if (stk_inst_selected()->burst_left == 0 || pcb->state == TIME_WAIT) { /* whose PCB is about to go */
        ep->output_due = false;
        return 0;
    }
    if (!ep->output_due) {
        if (ep->table->due_count == STK_EP_DUE_MAX) {
            return 0;
        }
        ep->output_due = true;
        ep->table->due[ep->table->due_count++] = ep->index;
    }
    return 1;
}

uint32_t stk_ep_burst_end(struct stk_ep_table *table)
{
    for (uint32_t i = 0; i < table->due_count; i++) {
        struct stk_ep *ep = &table->eps[table->due[i]];
        /* Freed and taken again meanwhile: a fresh one has the flag down. */
        if (!ep->output_due || ep->pcb.tcp == NULL || ep->listening) {
            continue;
        }
        ep->output_due = false;
        struct stk_inst_scope scope = stk_inst_enter(ep->inst);
        (void)tcp_output(ep->pcb.tcp);
        stk_inst_leave(scope);
    }
    table->due_count = 0;
    return table->cut_left != STK_EP_CUT_TURN && stk_ep_cut_turn(table) ? 1 : 0;
}

/* --- Connections ------------------------------------------------------------ */

void stk_ep_tcp_callbacks(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    tcp_arg(pcb, ep);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_err);
    tcp_poll(pcb, on_poll, 2);
    tcp_ext_arg_set_callbacks(pcb, stk_ep_ext_id(ep), &stk_ep_tcp_ext_callbacks);
    tcp_ext_arg_set(pcb, stk_ep_ext_id(ep), ep);
}

void stk_ep_tcp_opts_apply(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    if (pcb == NULL) {
        return;
    }
    const struct stk_ep_ip_opts ip = stk_ep_ip_opts_for(ep, IP_IS_V4_VAL(pcb->local_ip));
    if (ip.ttl != 0) {
        pcb->ttl = ip.ttl;
    }
    pcb->tos = ip.tos;
    if (ep->opts.keepalive) {
        ip_set_option(pcb, SOF_KEEPALIVE);
    } else {
        ip_reset_option(pcb, SOF_KEEPALIVE);
    }
    if (ep->listening) {
        return; /* a listening PCB has no more fields; children take the endpoint's options */
    }
    stk_ep_own_apply(ep, pcb);
    pcb->keep_idle = (u32_t)ep->opts.keepidle_ms;
    pcb->keep_intvl = (u32_t)ep->opts.keepintvl_ms;
    pcb->keep_cnt = (u32_t)ep->opts.keepcnt;
    stk_hook_tcp_wake(pcb);
    if (ep->opts.nodelay) {
        tcp_nagle_disable(pcb);
        (void)tcp_output(pcb);
    } else {
        tcp_nagle_enable(pcb);
    }
}

/* How much is freed before the window is opened again: a quarter of it. A peer that does not scale has less than
 * SO_RCVBUF says. */
void stk_ep_tcp_want_set(struct stk_ep *ep)
{
    const uint32_t quarter = ep->window / 4;
    ep->rx_want = quarter > 0 ? quarter : 1;
    atomic_store_explicit(&ep->abi->rx_want, ep->rx_want, memory_order_relaxed);
}

void stk_ep_tcp_addrs_take(struct stk_ep *ep)
{
    const struct tcp_pcb *pcb = ep->pcb.tcp;
    struct stk_addr local;
    stk_ep_ip_to(ep, &pcb->local_ip, pcb->local_port, &local);
    if (ep->in_ports && local.port == ep->local.port) {
        ep->local = local; /* same bucket: the address became concrete */
    } else if (!ep->in_ports) {
        ep->local = local;
    }
    stk_ep_ip_to(ep, &pcb->remote_ip, pcb->remote_port, &ep->peer);
    stk_ep_addrs_publish(ep);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct stk_ep *ep = arg;
    (void)err;
    stk_ep_deadline_clear(ep);
    ep->connecting = false;
    stk_hook_tcp_rtt_end(pcb);
    pcb->rttest = 0; /* the SYN's: lwIP takes it with the first data, and an idle time before that for a round trip */
    stk_ep_tcp_window_set(ep, pcb);
    stk_ep_own_opened(ep, pcb);
    stk_ep_tcp_want_set(ep);
    stk_ep_tcp_opts_apply(ep);
    stk_ep_tcp_addrs_take(ep);
    stk_ep_urgent_begin(ep);
    stk_ep_state_set(ep, STK_ST_CONNECTED, STK_ST_CONNECTING | STK_ST_FAILED);
    stk_ep_notify(ep);
    return ERR_OK;
}

/* A PCB of the entered instance, bound to what the endpoint is bound to. Conflicts were judged by stk_ep_bind. */
int stk_ep_tcp_pcb_make(const struct stk_ep *ep, struct tcp_pcb **out)
{
    const bool dual = ep->family == STK_AF_INET6 && !ep->opts.v6only && stk_ep_addr_any(&ep->local);
    struct tcp_pcb *pcb = tcp_new_ip_type(dual                         ? IPADDR_TYPE_ANY
                                          : ep->family == STK_AF_INET6 ? IPADDR_TYPE_V6
                                                                       : IPADDR_TYPE_V4);
    if (pcb == NULL) {
        return STK_ENOMEM;
    }
    ip_addr_t local;
    int err = stk_ep_ip_from(ep, &ep->local, &local);
    if (err == STK_OK) {
        ip_set_option(pcb, SOF_REUSEADDR);
        if (dual) {
            IP_SET_TYPE_VAL(local, IPADDR_TYPE_ANY);
        }
        err = stk_ep_err_from(tcp_bind(pcb, &local, ep->local.port));
    }
    if (err != STK_OK) {
        tcp_abort(pcb);
        return err;
    }
    *out = pcb;
    return STK_OK;
}

static int tcp_make(struct stk_ep *ep)
{
    const int err = stk_ep_tcp_pcb_make(ep, &ep->pcb.tcp);
    if (err == STK_OK) {
        stk_ep_tcp_callbacks(ep);
        stk_ep_tcp_opts_apply(ep);
        stk_ep_own_begin(ep, ep->pcb.tcp);
    }
    return err;
}

static int connect_start(struct stk_ep *ep, const struct stk_addr *remote)
{
    ip_addr_t ip;
    int err = stk_ep_ip_from(ep, remote, &ip);
    if (err == STK_OK && IP_IS_V4(&ip) && ep->family == STK_AF_INET6) {
        /* A mapped destination makes it an IPv4 connection. */
        ip_addr_set_any(false, &ep->pcb.tcp->local_ip);
    }
    if (err == STK_OK) {
        stk_ep_ip_scope_settle(ep, &ip);
        const struct stk_ep_ip_opts opts = stk_ep_ip_opts_for(ep, IP_IS_V4(&ip));
        struct tcp_pcb *pcb = ep->pcb.tcp;
        pcb->ttl = opts.ttl != 0 ? opts.ttl : IP_DEFAULT_TTL;
        pcb->tos = opts.tos;
        if (opts.unicast_if != 0 && !stk_ep_ip_own(&ip)) {
            const struct netif *netif = stk_ep_ip_port(opts.unicast_if, &pcb->local_ip);
            pcb->netif_idx = netif != NULL ? netif_get_index(netif) : pcb->netif_idx;
        }
        err = stk_ep_err_from(tcp_connect(pcb, &ip, remote->port, on_connected));
    }
    return err;
}

int stk_ep_tcp_connect(struct stk_ep *ep, const struct stk_addr *remote)
{
    const uint32_t state = ep->state;
    if (ep->connecting) {
        return STK_EALREADY;
    }
    if ((state & (STK_ST_CONNECTED | STK_ST_ENDED)) != 0) {
        return STK_EISCONN;
    }
    int err = tcp_make(ep);
    if (err != STK_OK) {
        return err;
    }
    err = connect_start(ep, remote);
    if (err != STK_OK) {
        stk_ep_tcp_kill(ep);
        return err;
    }
    const uint64_t bound_ms = stk_ep_own_connect_ms(ep);
    ep->connecting = true;
    ep->soft_error = 0;
    ep->icmp.set = 0;
    ep->peer = *remote;
    stk_ep_deadline_set(ep, stk_inst_now_ns(ep->inst) + bound_ms * STK_MS_NS);
    stk_ep_state_set(ep, STK_ST_CONNECTING, STK_ST_FAILED);
    return STK_EINPROGRESS;
}

void stk_ep_tcp_expire(struct stk_ep *ep)
{
    stk_ep_tcp_kill(ep);
    tcp_ended(ep, ep->soft_error != 0 ? ep->soft_error : STK_ETIMEDOUT);
}

/* --- Control ------------------------------------------------------------------ */

int stk_ep_tcp_shutdown(struct stk_ep *ep, uint32_t how)
{
    const uint32_t state = ep->state;
    if ((state & STK_ST_ENDED) != 0) {
        return STK_ECONNRESET;
    }
    if ((state & STK_ST_CONNECTED) == 0) {
        return STK_ENOTCONN;
    }
    if ((how & STK_SHUT_ABORT) != 0) {
        if (ep->pcb.tcp != NULL) {
            tcp_refuse(ep);
        }
        return STK_OK;
    }
    if ((how & STK_SHUT_RD_QUIET) != 0) { /* WSPRECVDISCONNECT-2: the window stays as it is */
        stk_ep_state_set(ep, STK_ST_RX_SHUT, 0);
    }
    if ((how & STK_SHUT_RD) != 0) {
        ep->rx_shut = true;
        stk_ep_state_set(ep, STK_ST_RX_SHUT, 0);
        if (ep->pcb.tcp != NULL && rx_unread(ep)) { /* WSPSHUTDOWN-2 */
            tcp_refuse(ep);
            return STK_OK;
        }
    }
    if (ep->rio != NULL && (how & (STK_SHUT_RD | STK_SHUT_RD_QUIET)) != 0) {
        stk_ep_rio_recv_kick(ep);
    }
    if ((how & STK_SHUT_WR) != 0) {
        stk_ep_state_set(ep, STK_ST_TX_SHUT, 0);
        ep->fin_wanted = true;
        if (ep->pcb.tcp != NULL) {
            (void)tcp_push(ep);
        }
    }
    if (ep->phase != STK_EP_FREE) {
        stk_ep_notify(ep);
    }
    return STK_OK;
}

void stk_ep_tcp_kick(struct stk_ep *ep)
{
    if (ep->rio != NULL && ep->pcb.tcp == NULL && (ep->state & (STK_ST_ENDED | STK_ST_DRAINED)) != 0) {
        const int32_t why = atomic_load_explicit(&ep->abi->end_error, memory_order_relaxed);
        stk_ep_rio_ended(ep, (ep->state & STK_ST_ENDED) != 0 ? why : STK_ESHUTDOWN);
    }
    if (ep->pcb.tcp == NULL || ep->listening || ep->connecting || ep->held) { /* no bytes before the SYN|ACK */
        return;
    }
    stk_ep_tcp_credit(ep);
    if (ep->pcb.tcp->refused_data != NULL) {
        (void)tcp_process_refused_data(ep->pcb.tcp);
        if (ep->pcb.tcp == NULL) {
            return;
        }
    }
    (void)tcp_push(ep);
}

void stk_ep_tcp_close(struct stk_ep *ep, uint32_t mode)
{
    stk_ep_deadline_clear(ep);
    if (ep->listening) {
        stk_ep_listen_close(ep);
        return;
    }
    struct tcp_pcb *pcb = ep->pcb.tcp;
    if (pcb == NULL) {
        stk_ep_slot_free(ep);
        return;
    }
    if (mode == STK_CLOSE_ABORT || rx_unread(ep) || pcb->state < ESTABLISHED) {
        stk_ep_tcp_kill(ep);
        stk_ep_slot_free(ep);
        return;
    }
    if (pcb->own.maxrt_ticks < 0) { /* for ever was for the program's sake */
        pcb->own.maxrt_ticks = 0;
    }
    ep->fin_wanted = true;
    if (ep->fin_done) { /* FIN went out by shutdown; give the receive direction up too */
        pcb->rcv_wnd = TCP_WND_MAX(pcb);
        (void)tcp_close(pcb);
    } else {
        (void)tcp_push(ep);
    }
    if (ep->phase == STK_EP_CLOSING) {
        tcp_finish_if_drained(ep);
    }
}
