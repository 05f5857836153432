#include "lwip/stk_ep_priv.h"

/*
 * Several datagrams handed over as one record: segmentation at the last moment, where lwIP would take a datagram. Each is
 * sent as one that came alone, so that all else (addresses, options, fragments) is as ever.
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

err_t stk_ep_cut_send(struct stk_ep *ep, const struct stk_dgram_abi *record, uint64_t at)
{
    struct stk_dgram_abi each = *record;
    each.flags = (uint8_t)(record->flags & ~((unsigned)STK_TX_CUT | STK_TX_STAMP));
    err_t first = ERR_OK;
    for (uint32_t done = 0; done < record->payload_bytes; done += each.payload_bytes) {
        const uint32_t left = record->payload_bytes - done;
        each.payload_bytes = left < record->extra ? left : record->extra;
        const err_t err = stk_ep_dgram_record_send(ep, &each, at + done);
        first = first == ERR_OK ? err : first;
        ep->table->stats.udp_tx_cut++;
    }
    return first;
}
