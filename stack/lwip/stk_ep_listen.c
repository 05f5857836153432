#include "lwip/stk_ep_priv.h"

#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

/* --- Listening --------------------------------------------------------------- */

/* How far the application has taken connections. It takes whole records, of those that there are, and none back: another
 * position is a lie, and the last true one stays. */
static uint64_t accepted_head(struct stk_ep *ep)
{
    const uint64_t head = atomic_load_explicit(&ep->abi->rx_head, memory_order_acquire);
    if (ep->rx_tail - head <= ep->rx_tail - ep->rx_head_seen && head % sizeof(struct stk_pending_abi) == 0) {
        ep->rx_head_seen = head;
    }
    return ep->rx_head_seen;
}

static uint32_t pending_count(struct stk_ep *ep)
{
    return (uint32_t)((ep->rx_tail - accepted_head(ep)) / sizeof(struct stk_pending_abi));
}

/* CON-23: a listener that holds connections back has no backlog, only a bound. */
static uint32_t accept_bound(const struct stk_ep *ep)
{
    return ep->opts.accept_held && ep->backlog < STK_EP_HELD_MAX ? STK_EP_HELD_MAX : ep->backlog;
}

/* A SYN arrived: refuse it while nothing is spent yet (WSPLISTEN-4). */
err_t stk_ep_listen_passive_open(u8_t id, struct tcp_pcb_listen *lpcb, struct tcp_pcb *cpcb)
{
    struct stk_ep *ep = lpcb->callback_arg;
    /* PL-5: who may not come is answered as if nobody listened. */
    if (ep == NULL || ep->opts.accept_paused || pending_count(ep) + ep->half_open >= accept_bound(ep) ||
        !stk_ep_ip_taken(ep, &cpcb->remote_ip, ip_current_input_netif())) {
        if (ep != NULL) {
            ep->table->stats.tcp_accept_refused++;
        }
        tcp_ext_arg_set(cpcb, id, NULL);
        tcp_rst(cpcb, 0, cpcb->rcv_nxt, &cpcb->local_ip, &cpcb->remote_ip, cpcb->local_port, cpcb->remote_port);
        return ERR_ABRT;
    }
    ep->half_open++;
    tcp_ext_arg_set_callbacks(cpcb, id,
                              &stk_ep_tcp_ext_callbacks); /* lwIP hands none down; a handshake that fails counts back */
    tcp_ext_arg_set(cpcb, id, ep);
    stk_ep_own_begin(ep, cpcb);
    stk_ep_tcp_window_set(ep, cpcb);
    return ERR_OK;
}

static bool pending_push(struct stk_ep *ep, const struct stk_ep *child)
{
    const struct stk_pending_abi record = {.sock = child->index, .generation = child->generation};
    if (stk_fifo_write(ep->table->region, ep->abi->rx_slots, ep->rx_tail, &record, sizeof(record)) != sizeof(record)) {
        return false;
    }
    ep->rx_tail += sizeof(record);
    atomic_store_explicit(&ep->abi->rx_tail, ep->rx_tail, memory_order_release);
    return true;
}

static void child_init(struct stk_ep *child, const struct stk_ep *ep, struct tcp_pcb *pcb)
{
    child->inst_index = stk_ep_inst_here(ep->table);
    child->inst = ep->table->insts[child->inst_index];
    child->abi->instance = child->inst_index;
    child->abi->rx_limit = ep->abi->rx_limit;
    atomic_store_explicit(&child->abi->tx_limit, atomic_load_explicit(&ep->abi->tx_limit, memory_order_relaxed),
                          memory_order_relaxed);
    child->opts = ep->opts;
    child->phase = STK_EP_PENDING;
    child->bound = true;
    child->pcb.tcp = pcb;
    stk_ep_tcp_callbacks(child);
    stk_ep_own_opened(child, pcb);
    stk_ep_tcp_want_set(child);
    stk_ep_tcp_opts_apply(child);
    stk_ep_tcp_addrs_take(child);
    stk_ep_urgent_begin(child);
    stk_ep_state_set(child, STK_ST_BOUND | STK_ST_CONNECTED | (child->opts.oobinline ? STK_ST_OOBINLINE : 0u), 0);
}

/* Give a listener's child to who accepts next. */
static bool child_push(struct stk_ep *ep, struct stk_ep *child)
{
    if (pending_push(ep, child)) {
        stk_ep_notify(ep);
        return true;
    }
    stk_ep_tcp_detach(child);
    stk_ep_slot_free(child);
    return false;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err);

/* CON-22: the SYN waits in the queue instead of the connection. */
int stk_hook_tcp_listen_hold(struct tcp_pcb *pcb)
{
    const bool ours = pcb->listener != NULL && pcb->listener->accept == on_accept;
    struct stk_ep *ep = ours ? pcb->listener->callback_arg : NULL;
    if (ep == NULL || !ep->opts.accept_held) {
        return 0;
    }
    struct stk_ep *child = stk_ep_slot_take(ep->table, ep->family, ep->type, 0);
    if (child == NULL) { /* the peer asks again */
        ep->table->stats.tcp_accept_no_slot++;
        tcp_abandon(pcb, 0); /* on_destroy counts it out */
        return 1;
    }
    tcp_backlog_accepted(pcb);
    pcb->listener = NULL;
    if (ep->half_open > 0) {
        ep->half_open--;
    }
    child_init(child, ep, pcb);
    child->held = true;
    stk_ep_state_set(child, STK_ST_HELD, STK_ST_CONNECTED);
    if (!child_push(ep, child)) {
        ep->table->stats.tcp_accept_no_slot++;
        tcp_abandon(pcb, 0);
    }
    return 1;
}

int stk_ep_tcp_admit(struct stk_ep *ep)
{
    if (!ep->held) {
        return (ep->state & STK_ST_HELD) != 0 ? STK_EACCES : STK_OK;
    }
    if (ep->pcb.tcp == NULL) {
        return STK_EACCES;
    }
    if (!ep->admitted) {
        if (tcp_enqueue_flags(ep->pcb.tcp, TCP_SYN | TCP_ACK) != ERR_OK) {
            return STK_ENOMEM;
        }
        ep->admitted = true;
        ep->pcb.tcp->tmr = tcp_ticks; /* the handshake has its time from now on */
        (void)tcp_output(ep->pcb.tcp);
    }
    return STK_EINPROGRESS;
}

/* The handshake of a connection that was held back is through. */
err_t stk_hook_tcp_held_opened(struct tcp_pcb *pcb)
{
    struct stk_ep *ep = stk_ep_tcp_of(pcb);
    if (ep == NULL || !ep->admitted) {
        return ERR_VAL;
    }
    ep->held = false;
    stk_ep_own_opened(ep, ep->pcb.tcp);
    stk_ep_urgent_begin(ep);
    stk_ep_state_set(ep, STK_ST_CONNECTED, STK_ST_HELD);
    stk_ep_notify(ep);
    return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct stk_ep *ep = arg;
    if (ep == NULL || pcb == NULL || err != ERR_OK) {
        return ERR_VAL;
    }
    tcp_backlog_accepted(pcb);
    pcb->listener = NULL;
    if (ep->half_open > 0) {
        ep->half_open--;
    }
    tcp_ext_arg_set(pcb, ep->table->ext_id[stk_ep_inst_here(ep->table)], NULL);
    struct stk_ep *child = stk_ep_slot_take(ep->table, ep->family, ep->type, 0);
    if (child != NULL) {
        child_init(child, ep, pcb);
        if (child_push(ep, child)) {
            return ERR_OK;
        }
    }
    ep->table->stats.tcp_accept_no_slot++;
    tcp_arg(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* Turn a bound PCB of the entered instance into a listener of the endpoint; the PCB is gone on failure. */
static int pcb_listen(struct stk_ep *ep, uint32_t inst, struct tcp_pcb *pcb, struct tcp_pcb **out)
{
    err_t err = ERR_OK;
    tcp_arg(pcb, NULL);
    struct tcp_pcb *lpcb = tcp_listen_with_backlog_and_err(pcb, TCP_DEFAULT_LISTEN_BACKLOG, &err);
    if (lpcb == NULL) {
        tcp_abort(pcb);
        return err == ERR_USE ? STK_EADDRINUSE : STK_ENOMEM;
    }
    tcp_arg(lpcb, ep);
    tcp_ext_arg_set_callbacks(lpcb, ep->table->ext_id[inst], &stk_ep_tcp_ext_callbacks);
    tcp_ext_arg_set(lpcb, ep->table->ext_id[inst], NULL);
    tcp_accept(lpcb, on_accept);
    *out = lpcb;
    return STK_OK;
}

static int inst_listen(struct stk_ep *ep, uint32_t inst, struct tcp_pcb **out)
{
    struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[inst]);
    struct tcp_pcb *pcb = NULL;
    int err = stk_ep_tcp_pcb_make(ep, &pcb);
    if (err == STK_OK) {
        if (ep->opts.ttl != 0) {
            pcb->ttl = ep->opts.ttl;
        }
        pcb->tos = ep->opts.tos;
        err = pcb_listen(ep, inst, pcb, out);
    }
    stk_inst_leave(scope);
    return err;
}

static void pcb_listen_end(struct stk_ep *ep, uint32_t inst, struct tcp_pcb *pcb)
{
    if (pcb == NULL) {
        return;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[inst]);
    const uint8_t id = ep->table->ext_id[inst];
    /* Handshakes in progress forget the listener; lwIP resets them when they complete. */
    for (struct tcp_pcb *at = ep->half_open != 0 ? tcp_active_pcbs : NULL; at != NULL; at = at->next) {
        if (tcp_ext_arg_get(at, id) == ep) {
            tcp_ext_arg_set(at, id, NULL);
            tcp_arg(at, NULL);
        }
    }
    tcp_arg(pcb, NULL);
    tcp_ext_arg_set(pcb, id, NULL);
    (void)tcp_close(pcb);
    stk_inst_leave(scope);
}

static void listeners_end(struct stk_ep *ep)
{
    pcb_listen_end(ep, ep->inst_index, ep->pcb.tcp);
    ep->pcb.tcp = NULL;
    for (uint32_t i = 0; i < ep->table->insts_count; i++) {
        pcb_listen_end(ep, i, ep->more[i].tcp);
        ep->more[i].tcp = NULL;
    }
}

int stk_ep_tcp_listen(struct stk_ep *ep, uint32_t backlog)
{
    const uint32_t max = STK_FIFO_MAX / sizeof(struct stk_pending_abi);
    backlog = backlog < 1 ? 1 : backlog > max ? max : backlog;
    if (ep->listening) {
        ep->backlog = backlog;
        return STK_OK;
    }
    if (ep->connecting || (ep->state & (STK_ST_CONNECTED | STK_ST_ENDED)) != 0) {
        return STK_EISCONN;
    }
    int err = inst_listen(ep, ep->inst_index, &ep->pcb.tcp);
    for (uint32_t i = 0; err == STK_OK && stk_ep_addr_any(&ep->local) && i < ep->table->insts_count; i++) {
        if (i != ep->inst_index) { /* the any address is every instance's */
            err = inst_listen(ep, i, &ep->more[i].tcp);
        }
    }
    if (err != STK_OK) {
        listeners_end(ep);
        return err;
    }
    ep->listening = true;
    ep->backlog = backlog;
    stk_ep_state_set(ep, STK_ST_LISTEN, STK_ST_FAILED);
    return STK_OK;
}

void stk_ep_listen_close(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    for (uint64_t head = accepted_head(ep); head < ep->rx_tail; head += sizeof(struct stk_pending_abi)) {
        struct stk_pending_abi record;
        stk_fifo_read(table->region, ep->abi->rx_slots, head, &record, sizeof(record));
        struct stk_ep *child = record.sock < table->fresh ? &table->eps[record.sock] : NULL;
        if (child != NULL && child->phase == STK_EP_PENDING && child->generation == record.generation) {
            struct stk_inst_scope scope = stk_inst_enter(child->inst);
            stk_ep_tcp_kill(child);
            stk_inst_leave(scope);
            stk_ep_slot_free(child);
        }
    }
    listeners_end(ep);
    stk_ep_slot_free(ep);
}
