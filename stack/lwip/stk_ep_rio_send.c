#include "lwip/stk_ep_rio.h"

#include <string.h>

/* --- Datagrams ------------------------------------------------------------------ */

/* A buffer that referred to a request's bytes is gone: lwIP has sent or dropped it. */
static void dgram_pbuf_free(struct pbuf *p)
{
    struct rio_sent *sent = (struct rio_sent *)(void *)p;
    struct stk_ep_rio *rio = sent->rio;
    const uint32_t index = sent->index;
    const struct rio_sent *now = rio_sent(&rio->send, index); /* a resize moves notes, not buffers */
    stk_ep_rio_send_left(rio, index, now->status);
}

/* Small payloads are copied behind their headers: one buffer is cheaper than a chain, and the request is over at once. */
static struct pbuf *dgram_copy(const uint8_t *bytes, uint32_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (p != NULL && len > 0) {
        memcpy(p->payload, bytes, len);
    }
    return p;
}

static int dgram_copied(struct stk_ep *ep, const struct stk_dgram_abi *record, const uint8_t *bytes, uint32_t len)
{
    struct pbuf *p = len <= STK_EP_COPY_MAX ? dgram_copy(bytes, len)
                                            : pbuf_alloc_reference((void *)(uintptr_t)bytes, (u16_t)len, PBUF_REF);
    const err_t err = p == NULL ? ERR_MEM : stk_ep_rio_fast_learn(ep, record, p);
    if (p != NULL) {
        pbuf_free(p);
    }
    return err == ERR_OK ? STK_OK : stk_ep_dgram_send_error(ep, err);
}

/* One request, many datagrams: filled says how far it got. STK_EINPROGRESS: it goes on in the next turn. */
static int dgram_cut(struct stk_ep *ep, const struct stk_dgram_abi *head, const uint8_t *bytes)
{
    struct rio_dir *send = &ep->rio->send;
    struct stk_dgram_abi record = *head;
    int result = STK_OK;
    record.flags &= (uint8_t)~STK_TX_CUT;
    while (send->filled < head->payload_bytes && result == STK_OK) {
        if (!stk_ep_cut_may(ep)) {
            return STK_EINPROGRESS;
        }
        const uint32_t left = head->payload_bytes - send->filled;
        record.payload_bytes = left < head->extra ? left : head->extra;
        result = dgram_copied(ep, &record, bytes + send->filled, record.payload_bytes);
        send->filled += record.payload_bytes;
        ep->table->stats.udp_tx_cut += result == STK_OK;
    }
    send->filled = 0;
    return result;
}

/* What the application asks for is checked: it may write nonsense. */
static bool dgram_record(struct stk_ep *ep, const struct rio_dir *send, const struct stk_rio_entry_abi *entry,
                         struct stk_dgram_abi *record)
{
    if ((entry->flags & STK_RIO_WISHES) == 0) {
        memset(record, 0, sizeof(*record));
        record->payload_bytes = entry->len;
        record->addr = entry->to;
        return entry->len <= stk_ep_dgram_payload_max(ep);
    }
    *record = *rio_head(send, send->next);
    return record->payload_bytes == entry->len && stk_ep_cut_record_valid(ep, record);
}

/* The first request, by reference: it stays lwIP's for as long as a buffer refers to it. */
static void dgram_refer(struct stk_ep *ep, const struct stk_dgram_abi *record, uint8_t *bytes)
{
    struct stk_ep_rio *rio = ep->rio;
    struct rio_sent *sent = stk_ep_rio_send_start(rio);
    sent->pbuf.custom_free_function = dgram_pbuf_free;
    struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, (u16_t)record->payload_bytes, PBUF_ROM, &sent->pbuf, bytes,
                                         (u16_t)record->payload_bytes);
    rio->send.next++;
    const err_t err = stk_ep_rio_fast_learn(ep, record, p);
    sent->status = (int16_t)(err == ERR_OK ? STK_OK : stk_ep_dgram_send_error(ep, err));
    pbuf_free(p);
}

/* False: it is not through. */
static bool dgram_send(struct stk_ep *ep, const struct stk_rio_entry_abi *entry)
{
    struct stk_ep_rio *rio = ep->rio;
    struct rio_dir *send = &rio->send;
    struct stk_dgram_abi record;
    bool valid;
    uint8_t *bytes = stk_ep_rio_bytes(entry, &valid);
    int status = STK_EINVAL;
    if (valid && (entry->flags & STK_RIO_WISHES) == 0 && stk_ep_rio_fast_send(ep, entry, bytes)) {
        status = STK_OK;
    } else if (valid && dgram_record(ep, send, entry, &record)) {
        if ((record.flags & STK_TX_STAMP) != 0) {
            stk_ep_stamp_begin(ep);
        }
        if ((record.flags & STK_TX_CUT) != 0) {
            status = dgram_cut(ep, &record, bytes);
            if (status == STK_EINPROGRESS) {
                return false;
            }
        } else if (record.payload_bytes > STK_EP_COPY_MAX) {
            dgram_refer(ep, &record, bytes);
            return true;
        } else {
            status = dgram_copied(ep, &record, bytes, record.payload_bytes);
        }
        if (status == STK_OK && (record.flags & STK_TX_STAMP) != 0) {
            stk_ep_stamp_sent(ep, record.extra);
        }
    } else {
        ep->table->stats.bad_submissions++;
    }
    if (send->done == send->next) {
        send->next++;
        stk_ep_rio_complete(rio, send, status, status == STK_OK ? entry->len : 0, 0);
        return true;
    }
    struct rio_sent *sent = stk_ep_rio_send_start(rio);
    sent->status = (int16_t)status;
    sent->state = RIO_READY;
    send->next++;
    return true;
}

/* Requests and their bytes come from another processor: they are asked for before they are needed. */
static inline void sends_prefetch(const struct rio_dir *send)
{
    __builtin_prefetch(&send->entries[(send->next + 6) & send->mask]);
    if (send->seen - send->next > 3) {
        __builtin_prefetch((const void *)(uintptr_t)send->entries[(send->next + 3) & send->mask].base);
    }
}

void stk_ep_rio_send_expect(const struct stk_ep *ep)
{
    const struct rio_dir *send = &ep->rio->send;
    __builtin_prefetch(&ep->rio->abi->ring[STK_RIO_SEND]);
    __builtin_prefetch(&send->entries[send->next & send->mask]);
    __builtin_prefetch((const void *)send->expected);
}

bool stk_ep_rio_send_dgrams(struct stk_ep *ep)
{
    const struct stk_rio_entry_abi *entry;
    while ((entry = stk_ep_rio_first_send(ep->rio)) != NULL && (int64_t)(ep->tx_queued - entry->fifo) >= 0) {
        sends_prefetch(&ep->rio->send);
        if (!dgram_send(ep, entry)) {
            return false;
        }
    }
    return true;
}

/* --- Streams ----------------------------------------------------------------------- */

bool stk_ep_rio_unsent(struct stk_ep *ep)
{
    return stk_ep_rio_first_send(ep->rio) != NULL;
}

/* Bytes that lwIP takes now. */
static uint32_t stream_room(const struct tcp_pcb *pcb)
{
    const uint32_t unsent = pcb->snd_lbb - pcb->snd_nxt;
    const uint32_t room = unsent < STK_EP_UNSENT_MAX ? STK_EP_UNSENT_MAX - unsent : 0;
    return room < tcp_sndbuf(pcb) ? room : tcp_sndbuf(pcb);
}

/* The first request is over without lwIP. */
static void stream_over(struct stk_ep_rio *rio, int status)
{
    struct rio_dir *send = &rio->send;
    struct rio_sent *sent = stk_ep_rio_send_start(rio);
    sent->status = (int16_t)status;
    sent->state = RIO_READY;
    if (send->unacked == send->next) {
        send->unacked++;
    }
    send->next++;
    stk_ep_rio_sends_complete(rio);
}

/* Hands on bytes of the first request. */
static err_t stream_write(struct stk_ep *ep, const struct stk_rio_entry_abi *entry, const uint8_t *bytes, bool more)
{
    struct stk_ep_rio *rio = ep->rio;
    struct rio_dir *send = &rio->send;
    const uint32_t room = stream_room(ep->pcb.tcp);
    if (send->filled == 0) {
        struct rio_sent *sent = stk_ep_rio_send_start(rio);
        sent->at = ep->tx_queued;
        sent->len = entry->len;
    }
    const struct rio_sent *sent = rio_sent(send, send->next);
    uint32_t len = sent->len - send->filled;
    const bool all = len <= room && len <= UINT16_MAX;
    len = len < room ? len : room;
    len = len < UINT16_MAX ? len : UINT16_MAX;
    if (len == 0) {
        return ERR_MEM;
    }
    const u8_t flags = (u8_t)((all && !more ? 0 : TCP_WRITE_FLAG_MORE) |
                              (sent->len <= STK_EP_COPY_MAX ? TCP_WRITE_FLAG_COPY : 0));
    const err_t err = tcp_write(ep->pcb.tcp, bytes + send->filled, (u16_t)len, flags);
    if (err != ERR_OK) {
        ep->table->stats.tcp_tx_no_memory++;
        return err;
    }
    send->filled += len;
    ep->tx_direct += len;
    ep->urgent.tx_seq += len;
    if (send->filled == sent->len) {
        send->filled = 0;
        send->next++;
    }
    return ERR_OK;
}

/* A piece of the FIFO, as stk_ep_tcp_piece does it. */
static err_t stream_write_fifo(struct stk_ep *ep, uint64_t until)
{
    const uint32_t room = stream_room(ep->pcb.tcp);
    uint64_t want = until - ep->tx_queued;
    uint32_t len = 0;
    want = want < room ? want : room;
    if (want == 0) {
        return ERR_MEM;
    }
    const err_t err = stk_ep_tcp_write_piece(ep, (uint32_t)want, &len);
    if (err != ERR_OK) {
        ep->table->stats.tcp_tx_no_memory++;
        return err;
    }
    ep->tx_queued += len;
    return ERR_OK;
}

bool stk_ep_rio_send_stream(struct stk_ep *ep, uint64_t tail)
{
    struct stk_ep_rio *rio = ep->rio;
    struct rio_dir *send = &rio->send;
    bool wrote = false;
    for (;;) {
        const struct stk_rio_entry_abi *entry = stk_ep_rio_first_send(rio);
        err_t err;
        if (entry != NULL && (send->filled > 0 || (int64_t)(ep->tx_queued - entry->fifo) >= 0)) {
            bool valid;
            const uint8_t *bytes = stk_ep_rio_bytes(entry, &valid);
            if (ep->fin_done || !valid || entry->len == 0) {
                stream_over(rio, ep->fin_done ? STK_ESHUTDOWN : valid ? STK_OK : STK_EINVAL);
                continue;
            }
            err = stream_write(ep, entry, bytes, send->seen - send->next > 1);
        } else {
            const uint64_t until = entry != NULL && (int64_t)(tail - entry->fifo) > 0 ? entry->fifo : tail;
            if (until == ep->tx_queued) {
                return wrote;
            }
            err = stream_write_fifo(ep, until);
        }
        if (err != ERR_OK) {
            return wrote;
        }
        wrote = true;
    }
}

/* The first request that was not acknowledged wholly, begun; NULL: none. */
static struct rio_sent *stream_unacked(struct rio_dir *send)
{
    for (; send->unacked != send->next; send->unacked++) {
        struct rio_sent *sent = rio_sent(send, send->unacked);
        if (sent->state == RIO_SENT) {
            return sent;
        }
    }
    return send->filled > 0 ? rio_sent(send, send->unacked) : NULL;
}

bool stk_ep_rio_unacked(struct stk_ep *ep)
{
    return stream_unacked(&ep->rio->send) != NULL;
}

void stk_ep_rio_acked(struct stk_ep *ep, uint32_t len)
{
    struct stk_ep_rio *rio = ep->rio;
    struct rio_dir *send = &rio->send;
    while (len > 0) {
        struct rio_sent *sent = stream_unacked(send);
        if (sent == NULL || sent->at != ep->tx_acked) { /* bytes of the FIFO come first */
            const uint64_t most = sent != NULL ? sent->at - ep->tx_acked : len;
            const uint32_t step = most < len ? (uint32_t)most : len;
            stk_ep_tx_release(ep, ep->tx_acked + step);
            len -= step;
            continue;
        }
        const uint32_t left = sent->len - sent->acked;
        const uint32_t step = left < len ? left : len;
        sent->acked += step;
        len -= step;
        if (sent->acked == sent->len) {
            stk_ep_rio_send_left(rio, send->unacked++, STK_OK);
        }
    }
}

void stk_ep_rio_ended(struct stk_ep *ep, int32_t status)
{
    struct stk_ep_rio *rio = ep->rio;
    struct rio_dir *send = &rio->send;
    stk_ep_rio_recv_kick(ep); /* those behind queued bytes go by the order of the stream */
    if (send->filled > 0) {
        send->filled = 0;
        send->next++;
    }
    for (uint32_t at = send->done; at != send->next; at++) {
        if (rio_sent(send, at)->state == RIO_SENT) {
            stk_ep_rio_send_left(rio, at, status);
        }
    }
    send->unacked = send->next;
    while (stk_ep_rio_first_send(rio) != NULL) {
        stream_over(rio, status);
    }
}

/* --- Closing a stream ------------------------------------------------------------------ */

/* Bytes in chunks that a closed connection still sends: their first bytes chain them. */
#define COPIES_HEAD 16u

static void copies_note(struct stk_ep *ep, uint32_t chunk)
{
    memcpy(stk_chunk_ptr(ep->table->region, chunk), &ep->tx_copies, sizeof(ep->tx_copies));
    ep->tx_copies = chunk + 1;
}

void stk_ep_rio_copies_free(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    while (ep->tx_copies != 0) {
        const uint32_t chunk = ep->tx_copies - 1;
        memcpy(&ep->tx_copies, stk_chunk_ptr(table->region, chunk), sizeof(ep->tx_copies));
        if (table->chunk_refs[chunk] != 0) {
            table->chunk_refs[chunk] |= STK_EP_REF_FREE;
        } else {
            stk_chunk_give(table->region, chunk);
        }
        if (ep->tx_copies > table->region->chunks_count) { /* nobody writes there but us */
            ep->tx_copies = 0;
        }
    }
}

/* Is this memory of the region's chunks? */
static bool fifo_memory(const struct stk_ep_table *table, const void *data)
{
    return (uintptr_t)data - (uintptr_t)table->region->chunks < (uint64_t)table->region->chunks_count * STK_CHUNK_SIZE;
}

/* Moves what a list of segments has of requests into chunks, room being left in the last. False: no chunk. */
static bool segments_copy(struct stk_ep *ep, const struct tcp_seg *seg, uint32_t *used)
{
    struct stk_region *region = ep->table->region;
    for (; seg != NULL; seg = seg->next) {
        for (struct pbuf *p = seg->p; p != NULL; p = p->next) {
            if (!pbuf_match_type(p, PBUF_ROM) || p->len == 0 ||
                fifo_memory(ep->table, (const uint8_t *)p->payload + p->len - 1)) {
                continue;
            }
            if (ep->tx_copies == 0 || *used + p->len > STK_CHUNK_SIZE) {
                const uint32_t chunk = stk_chunk_take(region);
                if (chunk == STK_CHUNK_NONE) {
                    return false;
                }
                copies_note(ep, chunk);
                *used = COPIES_HEAD;
            }
            uint8_t *to = stk_chunk_ptr(region, ep->tx_copies - 1) + *used;
            memcpy(to, p->payload, p->len);
            p->payload = to;
            *used += p->len;
        }
    }
    return true;
}

uint32_t stk_ep_rio_closing(struct stk_ep *ep, uint32_t mode)
{
    struct stk_ep_rio *rio = ep->rio;
    struct rio_dir *send = &rio->send;
    const struct tcp_pcb *pcb = ep->pcb.tcp;
    uint32_t used = 0;
    if (mode == STK_CLOSE_ABORT || pcb == NULL || ep->listening || pcb->state < ESTABLISHED) {
        return mode; /* nothing goes out any more */
    }
    if (stk_ep_rio_unsent(ep)) {
        return STK_CLOSE_ABORT; /* what was promised is not sent: not to look like a whole stream */
    }
    if (stream_unacked(send) == NULL) {
        stk_ep_rio_end(rio, STK_ECANCELED);
        return mode;
    }
    if (!segments_copy(ep, pcb->unacked, &used) || !segments_copy(ep, pcb->unsent, &used)) {
        return STK_CLOSE_ABORT;
    }
    for (uint32_t at = send->unacked; at != send->next; at++) {
        const struct rio_sent *sent = rio_sent(send, at);
        if (sent->state == RIO_SENT) {
            ep->tx_mixed += sent->len - sent->acked;
        }
    }
    ep->tx_mixed += ep->tx_queued - ep->tx_acked;
    ep->tx_mixed_end = ep->tx_queued;
    stk_ep_rio_end(rio, STK_ECANCELED);
    return mode;
}

uint32_t stk_ep_rio_mixed_acked(struct stk_ep *ep, uint32_t len)
{
    const uint32_t step = ep->tx_mixed < len ? (uint32_t)ep->tx_mixed : len;
    ep->tx_mixed -= step;
    if (ep->tx_mixed == 0) {
        stk_ep_tx_release(ep, ep->tx_mixed_end);
    }
    return len - step;
}
