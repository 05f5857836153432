#include "lwip/stk_ep_rio.h"

#include "ipc/lock.h"

#include <string.h>

/* --- One receive ------------------------------------------------------------ */

/* As sends_prefetch does; the bytes will be written. */
static inline void recvs_prefetch(const struct rio_dir *recv)
{
    __builtin_prefetch(&recv->entries[(recv->next + 6) & recv->mask]);
    if (recv->seen - recv->next > 3) {
        __builtin_prefetch((const void *)(uintptr_t)recv->entries[(recv->next + 3) & recv->mask].base, 1);
    }
}

/* The first receive is over. */
static void recv_done(struct stk_ep_rio *rio, int32_t status, uint32_t bytes, uint32_t extra)
{
    struct rio_dir *recv = &rio->recv;
    recv->next++;
    recv->filled = 0;
    recvs_prefetch(recv);
    stk_ep_rio_complete(rio, recv, status, bytes, extra);
}

void stk_ep_rio_recv_fail(struct stk_ep_rio *rio, int32_t status, bool all)
{
    struct rio_dir *recv = &rio->recv;
    struct stk_rio_ring_abi *ring = &rio->abi->ring[STK_RIO_RECV];
    if (all) {
        const uint32_t submitted = atomic_load_explicit(&ring->submitted, memory_order_acquire);
        recv->seen = submitted - recv->done <= recv->mask + 1 ? submitted : recv->done;
    }
    while (all ? recv->done != recv->seen : stk_ep_rio_first_recv(rio) != NULL) {
        const uint32_t bytes = recv->filled; /* WAITALL: what came is there (RIOX-98) */
        recv_done(rio, bytes > 0 && status != STK_ECANCELED ? STK_OK : status, bytes, 0);
    }
}

/* --- Datagrams ----------------------------------------------------------------- */

static void info_fill(const struct stk_ep *ep, struct stk_msg_info *info, const struct stk_dgram_abi *record,
                      uint32_t bytes, uint32_t room)
{
    *info = (struct stk_msg_info){
        .from = record->addr,
        .to = record->local,
        .if_index = record->if_index,
        .ttl = record->ttl,
        .tos = record->tos,
        .truncated = bytes > room,
        .flags = record->flags,
        .full_size = bytes,
    };
    if ((record->flags & STK_MSG_STAMP) != 0) { /* its place is that of what is known */
        info->stamp_ns = record->stamp_ns;
        info->to.family = record->addr.family;
        info->to.port = ep->local.port;
        info->to.scope_id = record->addr.scope_id;
    }
}

/* Where the first receive wants the bytes of a datagram, and how many; SIZE_MAX: the request was no good, and is over. */
static size_t dgram_room(struct stk_ep_rio *rio, const struct stk_rio_entry_abi *entry, uint8_t **to)
{
    bool valid;
    *to = stk_ep_rio_bytes(entry, &valid);
    if (!valid) {
        rio->table->stats.bad_submissions++;
        recv_done(rio, STK_EINVAL, 0, 0);
        return SIZE_MAX;
    }
    return entry->len;
}

/* The bytes are there, as far as there was room. */
static void dgram_done(struct stk_ep_rio *rio, const struct stk_rio_entry_abi *entry,
                       const struct stk_dgram_abi *record, uint32_t bytes)
{
    struct rio_dir *recv = &rio->recv;
    const uint32_t flags = entry->flags;
    const uint32_t room = entry->len;
    uint32_t extra = 0;
    if ((flags & STK_RIO_INFO) != 0) {
        info_fill(rio->ep, (void *)(recv->side + (size_t)(recv->next & recv->side_mask) * STK_RIO_SIDE_BYTES), record,
                  bytes, room);
        extra = STK_RIO_DONE_INFO;
    }
    if ((flags & STK_RIO_DISCARD) != 0) {
        recv_done(rio, STK_OK, 0, extra);
    } else if (bytes > room) {
        recv_done(rio, STK_EMSGSIZE, room, extra);
    } else {
        recv_done(rio, STK_OK, bytes, extra);
    }
}

/* Is nothing queued that comes first? */
static bool fifo_empty(struct stk_ep *ep)
{
    if (ep->rx_tail == ep->rx_head_seen) {
        return true;
    }
    ep->rx_head_seen = atomic_load_explicit(&ep->abi->rx_head, memory_order_acquire);
    return ep->rx_tail == ep->rx_head_seen;
}

const struct stk_rio_entry_abi *stk_ep_rio_recv_first(struct stk_ep *ep, uint32_t bytes, uint8_t **to)
{
    const struct stk_rio_entry_abi *entry = fifo_empty(ep) ? stk_ep_rio_first_recv(ep->rio) : NULL;
    bool valid;
    if (entry == NULL || entry->len < bytes) {
        return NULL;
    }
    *to = stk_ep_rio_bytes(entry, &valid);
    return valid ? entry : NULL;
}

void stk_ep_rio_recv_finish(struct stk_ep *ep, const struct stk_rio_entry_abi *entry,
                            const struct stk_dgram_abi *record, uint32_t bytes)
{
    dgram_done(ep->rio, entry, record, bytes);
}

bool stk_ep_rio_recv_dgram(struct stk_ep *ep, const struct stk_dgram_abi *record, const struct pbuf *p)
{
    struct stk_ep_rio *rio = ep->rio;
    const struct stk_rio_entry_abi *entry;
    uint8_t *to;
    size_t room;
    if (!fifo_empty(ep)) {
        return false;
    }
    do {
        entry = stk_ep_rio_first_recv(rio);
        if (entry == NULL) {
            return false;
        }
        room = dgram_room(rio, entry, &to);
    } while (room == SIZE_MAX);
    const uint32_t bytes = p->tot_len;
    if (bytes <= room && p->next == NULL) {
        memcpy(to, p->payload, bytes);
    } else {
        (void)pbuf_copy_partial(p, to, (u16_t)(room < bytes ? room : bytes), 0);
    }
    dgram_done(rio, entry, record, bytes);
    stk_ep_rio_fast_delivered(ep, record);
    return true;
}

/* Takes the queue's first datagram; false: it is no datagram. Holder of rx_lock. */
static bool fifo_dgram_take(struct stk_ep *ep, uint64_t *head)
{
    struct stk_ep_rio *rio = ep->rio;
    struct stk_sock_abi *abi = ep->abi;
    struct stk_dgram_abi record;
    uint8_t *to;
    const struct stk_rio_entry_abi *entry = stk_ep_rio_first_recv(rio);
    const size_t room = entry != NULL ? dgram_room(rio, entry, &to) : SIZE_MAX;
    if (room == SIZE_MAX) {
        return entry != NULL;
    }
    if (ep->rx_tail - *head < sizeof(record)) {
        return false;
    }
    (void)stk_fifo_read(ep->table->region, abi->rx_slots, *head, &record, sizeof(record));
    const uint64_t size = STK_DGRAM_SIZE(record.payload_bytes);
    if (size > ep->rx_tail - *head) {
        return false;
    }
    (void)stk_fifo_read(ep->table->region, abi->rx_slots, *head + sizeof(record), to,
                        room < record.payload_bytes ? room : record.payload_bytes);
    stk_fifo_release(ep->table->region, abi->rx_slots, *head, *head + size);
    *head += size;
    (void)atomic_fetch_add_explicit(&abi->rx_payload_read, record.payload_bytes, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&abi->rx_records_read, 1, memory_order_relaxed);
    dgram_done(rio, entry, &record, record.payload_bytes);
    return true;
}

/* --- Streams --------------------------------------------------------------------- */

/*
 * How many bytes the first receive takes of those that are there; where, in to. Receives of 0 bytes are over by their
 * being there (RIOX-89). 0: there is no receive.
 */
static uint32_t stream_room(struct stk_ep_rio *rio, uint32_t there, uint8_t **to)
{
    const struct stk_rio_entry_abi *entry;
    while ((entry = stk_ep_rio_first_recv(rio)) != NULL) {
        bool valid;
        uint8_t *base = stk_ep_rio_bytes(entry, &valid);
        if (!valid) {
            rio->table->stats.bad_submissions++;
            recv_done(rio, STK_EINVAL, 0, 0);
        } else if (entry->len <= rio->recv.filled) {
            recv_done(rio, STK_OK, rio->recv.filled, 0);
        } else {
            const uint32_t room = entry->len - rio->recv.filled;
            *to = base + rio->recv.filled;
            return room < there ? room : there;
        }
    }
    return 0;
}

/* Bytes were put where stream_room said. */
static void stream_filled(struct stk_ep_rio *rio, uint32_t bytes)
{
    const struct stk_rio_entry_abi *entry = &rio->recv.entries[rio->recv.next & rio->recv.mask];
    rio->recv.filled += bytes;
    if ((entry->flags & STK_RIO_WAITALL) == 0 || rio->recv.filled >= entry->len) {
        recv_done(rio, STK_OK, rio->recv.filled, 0);
    }
}

/* What was read opens the window. */
static void stream_read(struct stk_ep *ep, uint32_t bytes)
{
    uint64_t opened = bytes;
    if (ep->abi->rx_limit == 0 || ep->pcb.tcp == NULL) {
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

/* Takes bytes off the beginning of a chain, which stays as long as it is: lwIP may keep it. */
static void chain_cut(struct pbuf *p, uint32_t bytes)
{
    for (struct pbuf *q = p; q != NULL && bytes > 0; q = q->next) {
        const u16_t step = bytes < q->len ? (u16_t)bytes : q->len;
        q->payload = (uint8_t *)q->payload + step;
        q->len = (u16_t)(q->len - step);
        q->tot_len = (u16_t)(q->tot_len - bytes);
        bytes -= step;
    }
}

/* SO_RCVBUF 0: the peer may send what a posted receive has room for, told at once (as stk_ep_window_posted). */
static void stream_window(struct stk_ep *ep)
{
    struct tcp_pcb *pcb = ep->pcb.tcp;
    const struct stk_rio_entry_abi *entry = stk_ep_rio_first_recv(ep->rio);
    if (ep->abi->rx_limit != 0 || pcb == NULL || pcb->state < ESTABLISHED || entry == NULL ||
        entry->len <= ep->rio->recv.filled) {
        return;
    }
    const uint32_t left = entry->len - ep->rio->recv.filled;
    const uint32_t want = left < 0xffff ? left : 0xffff;
    if (pcb->rcv_wnd < want) {
        tcp_recved(pcb, (u16_t)(want - pcb->rcv_wnd));
        pcb->rcv_ann_wnd = pcb->rcv_wnd;
        tcp_ack_now(pcb);
        (void)tcp_output(pcb);
    }
}

uint32_t stk_ep_rio_recv_stream(struct stk_ep *ep, struct pbuf *p)
{
    struct stk_ep_rio *rio = ep->rio;
    uint32_t done = 0;
    uint8_t *to;
    if (ep->urgent_due || !fifo_empty(ep)) {
        return 0;
    }
    while (done < p->tot_len) {
        const uint32_t bytes = stream_room(rio, p->tot_len - done, &to);
        if (bytes == 0) {
            break;
        }
        (void)pbuf_copy_partial(p, to, (u16_t)bytes, (u16_t)done);
        stream_filled(rio, bytes);
        done += bytes;
    }
    if (done > 0) {
        ep->rx_direct += done;
        ep->urgent.rx_seq += done;
        stream_read(ep, done);
        if (done < p->tot_len) {
            chain_cut(p, done);
        }
        stream_window(ep);
    }
    return done;
}

static bool fifo_stream_take(struct stk_ep *ep, uint64_t *head)
{
    const uint64_t queued = ep->rx_tail - *head;
    uint8_t *to;
    const uint32_t bytes = stream_room(ep->rio, queued < UINT32_MAX ? (uint32_t)queued : UINT32_MAX, &to);
    if (bytes == 0) {
        return false;
    }
    (void)stk_fifo_read(ep->table->region, ep->abi->rx_slots, *head, to, bytes);
    stk_fifo_release(ep->table->region, ep->abi->rx_slots, *head, *head + bytes);
    *head += bytes;
    stream_filled(ep->rio, bytes);
    return true;
}

/* --- The queue first --------------------------------------------------------------- */

/* The queue is the application's to read: only under its lock, and never waiting for it. False: not now. */
static bool fifo_drain(struct stk_ep *ep)
{
    struct stk_sock_abi *abi = ep->abi;
    if (!stk_lock_try(&abi->rx_lock)) {
        stk_ep_rio_retry(ep->rio);
        return false;
    }
    uint64_t head = atomic_load_explicit(&abi->rx_head, memory_order_acquire);
    bool more = ep->rx_tail - head <= STK_FIFO_MAX;
    while (more && head != ep->rx_tail) {
        more = ep->type == STK_SOCK_STREAM ? fifo_stream_take(ep, &head) : fifo_dgram_take(ep, &head);
    }
    /* Edge F. */
    atomic_store_explicit(&abi->rx_head, head, memory_order_release);
    stk_lock_give(&abi->rx_lock);
    ep->rx_head_seen = head;
    return true;
}

/* What a receive learns when nothing more can come; STK_EAGAIN: something can. */
static int recv_end(const struct stk_ep *ep)
{
    if ((ep->state & STK_ST_RX_SHUT) != 0) {
        return STK_ESHUTDOWN;
    }
    if ((ep->state & STK_ST_ENDED) != 0) {
        return atomic_load_explicit(&ep->abi->end_error, memory_order_relaxed);
    }
    return (ep->state & STK_ST_EOF) != 0 ? STK_OK : STK_EAGAIN; /* RIOX-104 */
}

static void recv_look(struct stk_ep *ep)
{
    struct stk_ep_rio *rio = ep->rio;
    if (stk_ep_rio_first_recv(rio) == NULL) {
        return;
    }
    const bool shut = (ep->state & STK_ST_RX_SHUT) != 0;
    if (!shut && !fifo_empty(ep)) {
        if (!fifo_drain(ep)) {
            return;
        }
        if (ep->type == STK_SOCK_STREAM && ep->pcb.tcp != NULL) {
            stk_ep_tcp_credit(ep);
        }
    }
    const int end = recv_end(ep);
    if (end != STK_EAGAIN && (shut || fifo_empty(ep))) {
        stk_ep_rio_recv_fail(rio, end, false);
    } else if (ep->type == STK_SOCK_STREAM) {
        stream_window(ep);
    }
}

void stk_ep_rio_recv_kick(struct stk_ep *ep)
{
    if (ep->inst == NULL) {
        recv_look(ep);
        return;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    recv_look(ep);
    stk_inst_leave(scope);
}

void stk_ep_rio_stored(struct stk_ep *ep)
{
    struct stk_ep_rio *rio = ep->rio;
    /* edge M, stack's end: after edge E and the read-modify-write of edge J. */
    if (atomic_load_explicit(&rio->abi->ring[STK_RIO_RECV].committed, memory_order_seq_cst) != rio->recv.next) {
        stk_ep_rio_recv_kick(ep);
    }
}
