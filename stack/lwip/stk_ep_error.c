#include "lwip/stk_ep_priv.h"

#include "lwip/route.h"

#include "ipc/seq.h"

/* --- Memory that drivers refer to ------------------------------------------ */

static bool chunks_of(const struct stk_ep_table *table, const void *data, uint32_t len, uint32_t *first, uint32_t *last)
{
    const uint64_t bytes = (uint64_t)table->region->chunks_count * STK_CHUNK_SIZE;
    const uintptr_t at = (uintptr_t)data - (uintptr_t)table->region->chunks;
    if (len == 0 || at >= bytes || len > bytes - at) {
        return false;
    }
    *first = (uint32_t)(at / STK_CHUNK_SIZE);
    *last = (uint32_t)((at + len - 1) / STK_CHUNK_SIZE);
    return true;
}

bool stk_ep_mem_hold(struct stk_ep_table *table, const void *data, uint32_t len, void **token)
{
    uint32_t first;
    uint32_t last;
    *token = NULL;
    if (!chunks_of(table, data, len, &first, &last)) {
        return stk_ep_rio_mem_hold(table, data, len, token);
    }
    for (uint32_t i = first; i <= last; i++) {
        if ((table->chunk_refs[i] & ~STK_EP_REF_FREE) == STK_EP_REF_FREE - 1u) {
            return false;
        }
    }
    for (uint32_t i = first; i <= last; i++) {
        table->chunk_refs[i]++;
    }
    return true;
}

void stk_ep_mem_drop(struct stk_ep_table *table, const void *data, uint32_t len, void *token)
{
    if (token != NULL) {
        stk_ep_rio_mem_drop(table, token);
        return;
    }
    uint32_t first;
    uint32_t last;
    if (!chunks_of(table, data, len, &first, &last)) {
        return;
    }
    for (uint32_t i = first; i <= last; i++) {
        table->chunk_refs[i]--;
        if (table->chunk_refs[i] == STK_EP_REF_FREE) {
            table->chunk_refs[i] = 0;
            stk_chunk_give(table->region, i);
        }
    }
}

/* --- Errors that the network reports ---------------------------------------- */

/* RFC 5927: an established connection is never ended by ICMP; a handshake is, by a hard
 * error; that it concerns a packet in flight was checked before. */
static void tcp_error(struct stk_ep *ep, const struct stk_inst_net_error *error)
{
    if (!ep->connecting) {
        return;
    }
    if (!error->local && error->err != STK_EMSGSIZE) { /* IC-1: kept until the next attempt */
        ep->icmp = (struct stk_icmp_info){
            .set = 1,
            .source = error->source,
            .protocol = error->remote_addr.family == STK_AF_INET ? IP_PROTO_ICMP : IP6_NEXTH_ICMP6,
            .type = error->icmp_type,
            .code = error->icmp_code,
        };
        if (ep->opts.icmp_fail) {
            ep->soft_error = STK_EHOSTUNREACH;
            stk_ep_tcp_expire(ep);
            return;
        }
    }
    ep->soft_error = error->err;
    if (error->hard) {
        stk_ep_tcp_expire(ep);
    }
}

static bool dgram_concerned(const struct stk_ep *ep, const struct stk_inst *inst,
                            const struct stk_inst_net_error *error)
{
    if ((ep->inst != inst && !ep->spread) || ep->phase != STK_EP_HELD) {
        return false;
    }
    struct stk_addr local;
    struct stk_addr remote;
    ip_addr_t ip;
    if (!stk_addr_to_ip(&error->remote_addr, &ip)) {
        return false;
    }
    stk_ep_ip_to(ep, &ip, error->remote_addr.port, &remote); /* mapped, for a dual-stack socket */
    if (ep->peer_set && (!stk_ep_addr_equal_ip(&ep->peer, &remote) || ep->peer.port != remote.port)) {
        return false;
    }
    if (!stk_addr_to_ip(&error->local_addr, &ip)) {
        return false;
    }
    stk_ep_ip_to(ep, &ip, error->local_addr.port, &local);
    return stk_ep_addr_any(&ep->local) || stk_ep_addr_equal_ip(&ep->local, &local);
}

static void udp_error(struct stk_ep_table *table, const struct stk_inst *inst, const struct stk_inst_net_error *error)
{
    struct stk_ep *ep = stk_ep_port_next(table, &error->local_addr, NULL);
    for (; ep != NULL; ep = stk_ep_port_next(table, &error->local_addr, ep)) {
        /* On a datagram socket a refused port reads as a reset (rules WSPRECVFROM). */
        const int err = error->err == STK_ECONNREFUSED ? STK_ECONNRESET : error->err;
        if (!dgram_concerned(ep, inst, error) ||
            !(err == STK_ENETRESET ? ep->opts.udp_netreset : ep->opts.udp_connreset)) {
            continue;
        }
        if (err != STK_ECONNRESET && err != STK_ENETRESET && !ep->peer_set) {
            continue; /* an unreachable host says nothing about other destinations */
        }
        atomic_store_explicit(&ep->abi->error, err, memory_order_release);
        stk_ep_notify(ep);
    }
}

void stk_ep_net_error(struct stk_ep_table *table, struct stk_inst *inst, const struct stk_inst_net_error *error)
{
    if (error->err == STK_EMSGSIZE) { /* a path became narrower: what applications know of routes is out of date */
        stk_seq_write_begin(&table->region->abi->ifs_seq);
        stk_seq_write_end(&table->region->abi->ifs_seq);
    }
    if (error->proto == 17) {
        udp_error(table, inst, error);
        return;
    }
    if (error->proto != 6 || error->pcb == NULL) {
        return;
    }
    const struct tcp_pcb *pcb = error->pcb;
    struct stk_ep *ep = pcb->callback_arg;
    if (ep != NULL && !ep->listening && ep->inst == inst && ep->pcb.tcp == pcb) {
        tcp_error(ep, error);
    }
}
