#include "lwip/stk_ep_priv.h"

/*
 * Several datagrams handed over as one record: segmentation at the last moment, where lwIP would take a datagram. Each is
 * sent as one that came alone, so that all else (addresses, options, fragments) is as ever.
 *
 * One call may ask for tens of thousands. All sockets together send STK_EP_CUT_TURN of these in a turn of the engine; whose
 * record is not through by then goes on in the next turn, after those who waited longer, and nothing that its socket sends
 * later overtakes the rest.
 */

bool stk_ep_cut_record_valid(const struct stk_ep *ep, const struct stk_dgram_abi *record)
{
    const uint32_t most = stk_ep_dgram_payload_max(ep);
    if ((record->flags & STK_TX_CUT) == 0) {
        return record->payload_bytes <= most;
    }
    return ep->type == STK_SOCK_DGRAM && record->payload_bytes <= STK_DGRAM_CUT_MAX && record->extra > 0 &&
           record->extra <= most;
}

bool stk_ep_cut_may(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    if (table->cut_left > 0) {
        table->cut_left--;
        return true;
    }
    ep->cutting = true;
    ep->cut_next = 0;
    if (table->cut_tail != 0) {
        table->eps[table->cut_tail - 1].cut_next = ep->index + 1;
    } else {
        table->cut_head = ep->index + 1;
    }
    table->cut_tail = ep->index + 1;
    return false;
}

void stk_ep_cut_remove(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    struct stk_ep *before = NULL;
    if (!ep->cutting) {
        return;
    }
    for (uint32_t at = table->cut_head; at != ep->index + 1; at = before->cut_next) {
        before = &table->eps[at - 1];
    }
    if (before != NULL) {
        before->cut_next = ep->cut_next;
    } else {
        table->cut_head = ep->cut_next;
    }
    if (table->cut_tail == ep->index + 1) {
        table->cut_tail = before != NULL ? before->index + 1 : 0;
    }
    ep->cutting = false;
}

err_t stk_ep_cut_send(struct stk_ep *ep, const struct stk_dgram_abi *record, uint64_t at)
{
    struct stk_dgram_abi each = *record;
    each.flags = (uint8_t)(record->flags & ~((unsigned)STK_TX_CUT | STK_TX_STAMP));
    while (ep->cut_done < record->payload_bytes) {
        if (!stk_ep_cut_may(ep)) {
            return ERR_INPROGRESS;
        }
        const uint32_t left = record->payload_bytes - ep->cut_done;
        each.payload_bytes = left < record->extra ? left : record->extra;
        const err_t err = stk_ep_dgram_record_send(ep, &each, at + ep->cut_done);
        ep->cut_err = ep->cut_err == ERR_OK ? err : ep->cut_err;
        ep->cut_done += each.payload_bytes;
        ep->table->stats.udp_tx_cut++;
    }
    const err_t first = ep->cut_err;
    ep->cut_done = 0;
    ep->cut_err = ERR_OK;
    return first;
}

bool stk_ep_cut_turn(struct stk_ep_table *table)
{
    const bool any = table->cut_head != 0;
    table->cut_left = STK_EP_CUT_TURN;
    while (table->cut_head != 0 && table->cut_left > 0) {
        struct stk_ep *ep = &table->eps[table->cut_head - 1];
        stk_ep_cut_remove(ep);
        struct stk_inst_scope scope = stk_inst_enter(ep->inst);
        stk_ep_dgram_kick(ep);
        if (!ep->cutting && ep->phase == STK_EP_CLOSING) {
            stk_ep_dgram_close_end(ep);
        }
        stk_inst_leave(scope);
    }
    return any;
}
