#include "lwip/stk_ep_rio.h"

#include <stdlib.h>
#include <string.h>

int stk_ep_rio_table_create(struct stk_ep_table *table)
{
    struct stk_ep_rio_table *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return STK_ENOMEM;
    }
    own->pool = calloc(STK_EP_RIO_HOLDS, sizeof(*own->pool));
    own->fast = calloc(1, stk_ep_rio_fast_bytes());
    if (own->pool == NULL || own->fast == NULL) {
        free(own->fast);
        free(own->pool);
        free(own);
        return STK_ENOMEM;
    }
    table->rio = own;
    return STK_OK;
}

void stk_ep_rio_table_destroy(struct stk_ep_table *table)
{
    if (table->rio != NULL) {
        stk_ep_rio_mem_end(table);
        free(table->rio->fast);
        free(table->rio->pool);
        free(table->rio);
        table->rio = NULL;
    }
}

void stk_ep_rio_forget(struct stk_ep_table *table)
{
    table->rio->epoch++;
}

/* --- Completions ------------------------------------------------------------ */

void stk_ep_rio_complete(struct stk_ep_rio *rio, struct rio_dir *dir, int32_t status, uint32_t bytes, uint32_t extra)
{
    struct stk_rio_cq_abi *cq = dir->cq;
    struct stk_rio_ring_abi *ring = &rio->abi->ring[dir == &rio->send ? STK_RIO_SEND : STK_RIO_RECV];
    const uint32_t index = dir->done++;
    const bool quiet = (dir->entries[index & dir->mask].flags & STK_RIO_DONT_NOTIFY) != 0;
    if (cq->srv_closed == 0) {
        struct stk_rio_done_abi *entry = (struct stk_rio_done_abi *)(uintptr_t)cq->srv_ring + (cq->tail & cq->srv_mask);
        entry->status = status;
        entry->bytes = bytes;
        entry->rq = rio->id;
        entry->index = index;
        entry->flags = extra | (quiet ? (uint32_t)STK_RIO_DONE_QUIET : 0u) |
                       (dir == &rio->send ? (uint32_t)STK_RIO_DONE_SEND : 0u);
        entry->generation = dir->generation;
        /* edge N, stack's end. */
        atomic_store_explicit(&entry->seq, cq->tail - cq->srv_base + 1, memory_order_release);
        cq->tail++;
        __builtin_prefetch((struct stk_rio_done_abi *)(uintptr_t)cq->srv_ring + ((cq->tail + 4) & cq->srv_mask), 1);
        if (!quiet) {
            const uint32_t ordinary = atomic_load_explicit(&cq->ordinary, memory_order_relaxed);
            atomic_store_explicit(&cq->ordinary, ordinary + 1, memory_order_relaxed);
        }
        if (cq->srv_listed == 0) {
            cq->srv_listed = 1;
            cq->srv_next = (uintptr_t)rio->table->rio->dirty;
            rio->table->rio->dirty = cq;
        }
    }
    atomic_store_explicit(&ring->completed, dir->done, memory_order_relaxed);
}

/* An armed queue with something in it: one event. */
static void cq_fire(const struct stk_ep_table *table, struct stk_rio_cq_abi *cq)
{
    uint32_t armed = STK_RIO_ARMED;
    if (!atomic_compare_exchange_strong_explicit(&cq->armed, &armed, STK_RIO_FIRED, memory_order_seq_cst,
                                                 memory_order_seq_cst)) {
        return;
    }
    if (cq->id < STK_RIO_CQS_MAX) {
        (void)stk_event_push_cq(table->region, cq->id, &cq->event_queued);
    }
}

/* Its last look saw fewer: an armed queue fires once something ordinary came since then. */
static void cqs_flush(struct stk_ep_table *table)
{
    while (table->rio->dirty != NULL) {
        struct stk_rio_cq_abi *cq = table->rio->dirty;
        table->rio->dirty = (struct stk_rio_cq_abi *)(uintptr_t)cq->srv_next;
        cq->srv_listed = 0;
        const uint32_t ordinary = atomic_load_explicit(&cq->ordinary, memory_order_relaxed);
        if (ordinary == cq->srv_told) {
            continue; /* quiet ones only */
        }
        cq->srv_told = ordinary;
        /* edge P, stack's end. */
        (void)atomic_fetch_add_explicit(&cq->flushes, 1, memory_order_seq_cst);
        if (atomic_load_explicit(&cq->armed, memory_order_seq_cst) == STK_RIO_ARMED) {
            cq_fire(table, cq);
        }
    }
}

/* --- Sends that drivers hold --------------------------------------------------- */

/* Does a driver refer to bytes of the request? Only holds of its own time count: others may send the same bytes. */
static bool sent_held(const struct stk_ep_rio *rio, const struct rio_dir *dir, const struct rio_sent *sent)
{
    const struct stk_rio_entry_abi *entry = &dir->entries[sent->index & dir->mask];
    const uintptr_t at = (uintptr_t)entry->base;
    const struct rio_hold *hold = rio->table->rio->holds;
    for (; hold != NULL && (int32_t)(hold->number - sent->holds_first) >= 0; hold = hold->next) {
        if ((int32_t)(hold->number - sent->holds_last) < 0 && hold->at < at + entry->len && at < hold->at + hold->len) {
            return true;
        }
    }
    return false;
}

static void waiting_add(struct stk_ep_rio *rio)
{
    struct stk_ep_rio_table *own = rio->table->rio;
    if (rio->waiting) {
        return;
    }
    rio->waiting = true;
    rio->waiting_prev = NULL;
    rio->waiting_next = own->waiting;
    if (own->waiting != NULL) {
        own->waiting->waiting_prev = rio;
    }
    own->waiting = rio;
}

static void waiting_remove(struct stk_ep_rio *rio)
{
    struct stk_ep_rio_table *own = rio->table->rio;
    if (!rio->waiting) {
        return;
    }
    rio->waiting = false;
    if (rio->waiting_prev != NULL) {
        rio->waiting_prev->waiting_next = rio->waiting_next;
    } else {
        own->waiting = rio->waiting_next;
    }
    if (rio->waiting_next != NULL) {
        rio->waiting_next->waiting_prev = rio->waiting_prev;
    }
}

struct rio_sent *stk_ep_rio_send_start(struct stk_ep_rio *rio)
{
    struct rio_sent *sent = rio_sent(&rio->send, rio->send.next);
    memset(sent, 0, sizeof(*sent));
    sent->rio = rio;
    sent->index = rio->send.next;
    sent->holds_first = rio->table->rio->holds_number;
    sent->state = RIO_SENT;
    return sent;
}

void stk_ep_rio_send_left(struct stk_ep_rio *rio, uint32_t index, int32_t status)
{
    struct rio_sent *sent = rio_sent(&rio->send, index);
    sent->status = (int16_t)status;
    sent->holds_last = rio->table->rio->holds_number;
    sent->state = RIO_READY;
    if (sent->holds_first != sent->holds_last && sent_held(rio, &rio->send, sent)) {
        sent->state = RIO_LEFT;
        waiting_add(rio);
    }
    if (index == rio->send.done) {
        stk_ep_rio_sends_complete(rio);
    }
}

/* Everything was completed of a pair whose socket is closed: it is the application's again. */
static void rio_settle(struct stk_ep_rio *rio)
{
    struct stk_rio_rq_abi *abi = rio->abi;
    if (rio->ep != NULL || rio->send.done != rio->send.seen || rio->recv.done != rio->recv.seen) {
        return;
    }
    waiting_remove(rio);
    atomic_store_explicit(&abi->detached, 1, memory_order_release);
}

void stk_ep_rio_sends_complete(struct stk_ep_rio *rio)
{
    struct rio_dir *send = &rio->send;
    if (rio->ending) {
        return;
    }
    while (send->done != send->next) {
        struct rio_sent *sent = rio_sent(send, send->done);
        if (sent->state == RIO_LEFT && !sent_held(rio, send, sent)) {
            sent->state = RIO_READY;
        }
        if (sent->state != RIO_READY) {
            return;
        }
        stk_ep_rio_complete(rio, send, sent->status,
                            sent->status == STK_OK ? send->entries[send->done & send->mask].len : 0, 0);
    }
    waiting_remove(rio);
    if (rio->ep == NULL) { /* what was never started */
        while (send->done != send->seen) {
            stk_ep_rio_complete(rio, send, rio->end, 0, 0);
            send->next = send->done;
        }
        rio_settle(rio);
    }
}

/* --- Turns ------------------------------------------------------------------------ */

void stk_ep_rio_retry(struct stk_ep_rio *rio)
{
    if (!rio->retrying) {
        rio->retrying = true;
        rio->retry_next = rio->table->rio->retry;
        rio->table->rio->retry = rio;
    }
}

static void retry_remove(struct stk_ep_rio *rio)
{
    struct stk_ep_rio **at = &rio->table->rio->retry;
    if (!rio->retrying) {
        return;
    }
    while (*at != rio) {
        at = &(*at)->retry_next;
    }
    *at = rio->retry_next;
    rio->retrying = false;
}

static void waiting_look(struct stk_ep_rio_table *own)
{
    struct stk_ep_rio *next;
    own->dropped = false;
    for (struct stk_ep_rio *rio = own->waiting; rio != NULL; rio = next) {
        next = rio->waiting_next;
        stk_ep_rio_sends_complete(rio);
    }
}

bool stk_ep_rio_turn(struct stk_ep_table *table)
{
    struct stk_ep_rio_table *own = table->rio;
    struct stk_ep_rio *again = own->retry;
    own->retry = NULL;
    while (again != NULL) {
        struct stk_ep_rio *rio = again;
        again = rio->retry_next;
        rio->retrying = false;
        stk_ep_rio_recv_kick(rio->ep);
    }
    if (own->dropped && own->waiting != NULL) {
        waiting_look(own);
    }
    if (own->dirty != NULL) {
        cqs_flush(table);
    }
    return own->retry != NULL;
}

bool stk_ep_rio_waits(const struct stk_ep_table *table)
{
    return table->rio->waiting != NULL;
}

/* --- Life ---------------------------------------------------------------------------- */

static bool place_valid(const struct stk_rio_place_abi *place)
{
    const bool powers = place->slots >= 2 && (place->slots & (place->slots - 1)) == 0 &&
                        (place->side_slots & (place->side_slots - 1)) == 0;
    return powers && place->side_slots >= place->slots && place->entries != 0 && place->side != 0;
}

static void dir_place(struct rio_dir *dir, const struct stk_rio_place_abi *place)
{
    dir->entries = (struct stk_rio_entry_abi *)(uintptr_t)place->entries;
    dir->side = (uint8_t *)(uintptr_t)place->side;
    dir->mask = place->slots - 1;
    dir->side_mask = place->side_slots - 1;
    dir->generation = place->generation;
}

static int rio_open(struct stk_ep *ep, struct stk_rio_rq_abi *abi)
{
    struct stk_ep_rio *rio = (struct stk_ep_rio *)(void *)abi->srv;
    if (ep->type == STK_SOCK_RAW) {
        return STK_EOPNOTSUPP;
    }
    if (ep->listening || ep->rio != NULL || abi->version != STK_RIO_ABI_VERSION || !place_valid(&abi->place[0]) ||
        !place_valid(&abi->place[1]) || abi->cq[0] == 0 || abi->cq[1] == 0) {
        return STK_EINVAL;
    }
    *rio = (struct stk_ep_rio){
        .table = ep->table, .ep = ep, .abi = abi, .id = abi->id, .stream = ep->type == STK_SOCK_STREAM};
    dir_place(&rio->recv, &abi->place[STK_RIO_RECV]);
    dir_place(&rio->send, &abi->place[STK_RIO_SEND]);
    rio->recv.cq = (struct stk_rio_cq_abi *)(uintptr_t)abi->cq[STK_RIO_RECV];
    rio->send.cq = (struct stk_rio_cq_abi *)(uintptr_t)abi->cq[STK_RIO_SEND];
    ep->rio = rio;
    stk_ep_rio_forget(ep->table);
    return STK_OK;
}

static int rio_resize(struct stk_ep *ep, const struct stk_rio_rq_abi *abi)
{
    struct stk_ep_rio *rio = ep->rio;
    if (rio == NULL || rio->abi != abi || !place_valid(&abi->place[0]) || !place_valid(&abi->place[1])) {
        return STK_EINVAL;
    }
    const struct rio_dir before = rio->send;
    dir_place(&rio->recv, &abi->place[STK_RIO_RECV]);
    dir_place(&rio->send, &abi->place[STK_RIO_SEND]);
    /* Notes move. A buffer that lwIP has stays in the ring of before, and leads here by its index. */
    const uint32_t end = before.filled > 0 ? before.next + 1 : before.next;
    for (uint32_t at = before.done; at != end; at++) {
        *rio_sent(&rio->send, at) = *rio_sent(&before, at);
    }
    return STK_OK;
}

void stk_ep_rio_end(struct stk_ep_rio *rio, int32_t status)
{
    struct stk_ep *ep = rio->ep;
    struct rio_dir *send = &rio->send;
    ep->rio = NULL;
    rio->ep = NULL;
    rio->end = status;
    rio->ending = true;
    retry_remove(rio);
    stk_ep_rio_watch_remove(rio);
    stk_ep_rio_recv_fail(rio, status, true);
    if (send->filled > 0) { /* begun */
        send->filled = 0;
        if (!rio->stream) {
            struct rio_sent *sent = stk_ep_rio_send_start(rio);
            sent->status = (int16_t)status;
            sent->state = RIO_READY;
        }
        send->next++;
    }
    const uint32_t submitted = atomic_load_explicit(&rio->abi->ring[STK_RIO_SEND].submitted, memory_order_acquire);
    send->seen = submitted - send->done <= send->mask + 1 ? submitted : send->next;
    for (uint32_t at = send->done; rio->stream && at != send->next; at++) {
        if (rio_sent(send, at)->state == RIO_SENT) {
            stk_ep_rio_send_left(rio, at, status);
        }
    }
    rio->ending = false;
    stk_ep_rio_sends_complete(rio); /* what follows may be the application's memory */
}

static int cq_resize(struct stk_rio_cq_abi *cq)
{
    if (cq->slots < 2 || (cq->slots & (cq->slots - 1)) != 0 || cq->ring == 0 || cq->tail - cq->head > cq->slots) {
        return STK_EINVAL;
    }
    struct stk_rio_done_abi *ring = (struct stk_rio_done_abi *)(uintptr_t)cq->ring;
    const struct stk_rio_done_abi *before = (const struct stk_rio_done_abi *)(uintptr_t)cq->srv_ring;
    for (uint32_t at = cq->head; at != cq->tail; at++) {
        struct stk_rio_done_abi *entry = &ring[at & (cq->slots - 1)];
        memcpy(entry, &before[at & cq->srv_mask], sizeof(*entry));
        /* The answer to the call publishes it: edge C. */
        atomic_store_explicit(&entry->seq, at - cq->head + 1, memory_order_relaxed);
    }
    cq->srv_ring = cq->ring;
    cq->srv_mask = cq->slots - 1;
    cq->srv_base = cq->head;
    return STK_OK;
}

static void cq_close(struct stk_ep_table *table, struct stk_rio_cq_abi *cq)
{
    cqs_flush(table); /* it is in no list from here on */
    cq->srv_closed = 1;
}

int stk_ep_rio_op(struct stk_ep_table *table, uint32_t sock, const struct stk_sub_abi *sub)
{
    void *object = (void *)(uintptr_t)sub->value;
    if (object == NULL) {
        table->stats.bad_submissions++;
        return STK_EINVAL;
    }
    switch (sub->arg[0]) {
    case STK_RIO_OP_MEM_ADD:
        stk_ep_rio_mem_add(table, object);
        return STK_OK;
    case STK_RIO_OP_MEM_DROP:
        stk_ep_rio_mem_forget(table, object);
        return STK_OK;
    case STK_RIO_OP_CQ_RESIZE:
        return cq_resize(object);
    case STK_RIO_OP_CQ_CLOSE:
        cq_close(table, object);
        return STK_OK;
    case STK_RIO_OP_CQ_LOOK:
        cq_fire(table, object);
        return STK_OK;
    case STK_RIO_OP_RQ_OPEN:
        return sock != UINT32_MAX ? rio_open(&table->eps[sock], object) : STK_EINVAL;
    case STK_RIO_OP_RQ_RESIZE:
        return sock != UINT32_MAX ? rio_resize(&table->eps[sock], object) : STK_EINVAL;
    default:
        table->stats.bad_submissions++;
        return STK_EINVAL;
    }
}
