#include "core/client_rio.h"

#include <stdlib.h>

/* --- The client's part ------------------------------------------------------- */

/** The client's objects, made with the first; NULL: no memory. */
static struct client_rio *rio_of(struct stk_client *client)
{
    struct client_rio *rio = atomic_load_explicit(&client->rio, memory_order_acquire);
    if (rio != NULL) {
        return rio;
    }
    struct client_rio *fresh = stk_client_os_zero(sizeof(*fresh));
    if (fresh == NULL) {
        return NULL;
    }
    if (atomic_compare_exchange_strong_explicit(&client->rio, &rio, fresh, memory_order_acq_rel,
                                                memory_order_acquire)) {
        return fresh;
    }
    stk_client_os_zero_free(fresh, sizeof(*fresh));
    return rio;
}

int stk_client_rio_call(struct stk_client *client, struct stk_sock *sock, enum stk_rio_op op, const void *object)
{
    struct stk_sub_abi sub = {.op = STK_SUB_RIO, .arg = {(uint32_t)op}, .value = (uintptr_t)object};
    struct stk_rep_abi rep;
    return sock != NULL ? stk_client_sock_call(sock, &sub, &rep) : stk_client_call(client, &sub, &rep, -1);
}

/* --- What waits for its last request ------------------------------------------- */

static bool half_done(const struct rio_half *half)
{
    return client_rio_outstanding(half) == 0 || atomic_load_explicit(&half->cq->closed, memory_order_relaxed) != 0;
}

/** Has every completion of an ended queue pair been taken? Then its charges are free. */
static bool rq_done(const struct stk_rio_rq *rq)
{
    return atomic_load_explicit(&rq->closed, memory_order_acquire) != 0 && half_done(&rq->half[STK_RIO_RECV]) &&
           half_done(&rq->half[STK_RIO_SEND]);
}

static void rings_free(struct rio_ring *ring)
{
    while (ring != NULL) {
        struct rio_ring *older = ring->older;
        stk_client_os_zero_free(ring, ring->bytes);
        ring = older;
    }
}

static void rings_free_one(struct rio_ring *ring)
{
    if (ring != NULL) {
        stk_client_os_zero_free(ring, ring->bytes);
    }
}

static void cq_free(struct client_rio *rio, struct stk_rio_cq *cq)
{
    rio->cqs[cq->id].used = false;
    stk_client_os_zero_free(cq->ring, cq->ring_bytes);
    free(cq);
}

static void cq_leave(struct client_rio *rio, struct stk_rio_cq *cq, uint32_t charge)
{
    cq->charged -= charge;
    if (--cq->attached > 0 || atomic_load_explicit(&cq->closed, memory_order_relaxed) == 0) {
        return;
    }
    struct stk_rio_cq **at = &rio->cqs_closed;
    while (*at != cq) {
        at = &(*at)->next;
    }
    *at = cq->next;
    cq_free(rio, cq);
}

static void rq_free(struct client_rio *rio, struct stk_rio_rq *rq)
{
    struct stk_rio_rq *_Atomic *page = atomic_load_explicit(&rio->pages[rq->id >> CLIENT_RIO_RQS_BITS],
                                                            memory_order_relaxed);
    atomic_store_explicit(&page[rq->id % CLIENT_RIO_RQS_PAGE], NULL, memory_order_relaxed);
    for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
        rings_free(atomic_load_explicit(&rq->half[dir].ring, memory_order_relaxed));
    }
    stk_client_os_zero_free(rq->abi, sizeof(*rq->abi));
    stk_client_os_zero_free(rq, sizeof(*rq));
}

/** Is nobody reading the info of its last completions? It is valid until the next take. */
static bool rq_unread(struct stk_rio_rq *rq)
{
    const struct stk_rio_cq *cq = rq->half[STK_RIO_RECV].cq;
    const uint32_t takes = atomic_load_explicit(&cq->takes, memory_order_acquire);
    if (atomic_load_explicit(&cq->closed, memory_order_relaxed) != 0) {
        return true;
    }
    if (!rq->resting) {
        rq->resting = true;
        rq->takes = takes;
        return false;
    }
    return rq->takes != takes;
}

/** Returns the charges of queue pairs whose last completion was taken; those that the stack has left go. */
static void rqs_reap(struct client_rio *rio)
{
    for (struct stk_rio_rq **at = &rio->rqs; *at != NULL;) {
        struct stk_rio_rq *rq = *at;
        if (!rq_done(rq)) {
            at = &rq->next;
            continue;
        }
        if (!rq->uncharged) {
            rq->uncharged = true;
            for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
                rq->half[dir].cq->charged -= rq->half[dir].max;
            }
        }
        if (atomic_load_explicit(&rq->abi->detached, memory_order_acquire) == 0 || !rq_unread(rq)) {
            at = &rq->next;
            continue;
        }
        *at = rq->next;
        for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
            cq_leave(rio, rq->half[dir].cq, 0);
        }
        rq_free(rio, rq);
    }
}

/**
 * Requests are posted and taken meanwhile, but none any more with this memory: those that name it are in the range that is
 * seen, and stay as they are; of others it does not matter what is read.
 */
static bool half_names(const struct rio_half *half, const struct stk_rio_mem *mem)
{
    const struct rio_ring *ring = atomic_load_explicit(&half->ring, memory_order_relaxed);
    if (ring == NULL) {
        return false;
    }
    uint32_t at = atomic_load_explicit(&half->taken, memory_order_acquire);
    const uint32_t end = atomic_load_explicit(&half->abi->submitted, memory_order_acquire);
    for (; at != end; at++) {
        if (client_rio_entry_mem(&ring->entries[at & ring->mask]) == (uintptr_t)mem->abi) {
            return true;
        }
    }
    return false;
}

static bool mem_named(const struct client_rio *rio, const struct stk_rio_mem *mem)
{
    for (const struct stk_rio_rq *rq = rio->rqs; rq != NULL; rq = rq->next) {
        if (half_names(&rq->half[STK_RIO_RECV], mem) || half_names(&rq->half[STK_RIO_SEND], mem)) {
            return true;
        }
    }
    return false;
}

/** A run of pages. */
struct pages {
    uintptr_t first;
    uintptr_t last; /**< its last byte */
};

static struct pages pages_of(const struct stk_rio_mem *mem)
{
    const uintptr_t page = stk_client_os_page();
    return (struct pages){.first = (uintptr_t)mem->abi->base & ~(page - 1),
                          .last = ((uintptr_t)mem->abi->base + (uintptr_t)mem->abi->size - 1) | (page - 1)};
}

/** Has other pinned memory the page at run->first? run->last: up to where that holds, or more than that. */
static bool pinned_beside(const struct client_rio *rio, const struct stk_rio_mem *mem, struct pages *run)
{
    const uintptr_t at = run->first;
    for (const struct stk_rio_mem *other = rio->mems; other != NULL; other = other->next) {
        if (other == mem || !other->pinned) {
            continue;
        }
        const struct pages pages = pages_of(other);
        if (pages.first <= at && at <= pages.last) {
            run->last = pages.last;
            return true;
        }
        if (pages.first > at && pages.first <= run->last) {
            run->last = pages.first - 1;
        }
    }
    return false;
}

/** Pins do not add up: pages that other memory has too stay where they are. */
static void mem_unpin(const struct client_rio *rio, const struct stk_rio_mem *mem)
{
    const struct pages all = pages_of(mem);
    struct pages run = all;
    if (!mem->pinned) {
        return;
    }
    for (; run.first <= all.last && run.first >= all.first; run = (struct pages){run.last + 1, all.last}) {
        if (!pinned_beside(rio, mem, &run)) {
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): it was a pointer */
            stk_client_os_unpin((void *)run.first, run.last - run.first + 1);
        }
    }
}

static void mem_free(struct stk_rio_mem *mem)
{
    stk_client_os_zero_free(mem->abi, sizeof(*mem->abi));
    free(mem);
}

/** Forgets memory that was removed and that neither a request nor a driver has. */
static void mems_reap(struct client_rio *rio)
{
    for (struct stk_rio_mem **at = &rio->mems; *at != NULL;) {
        struct stk_rio_mem *mem = *at;
        if (!mem->removed || mem_named(rio, mem) ||
            stk_client_rio_call(mem->client, NULL, STK_RIO_OP_MEM_DROP, mem->abi) != STK_OK) {
            at = &mem->next;
            continue;
        }
        *at = mem->next;
        mem_unpin(rio, mem);
        mem_free(mem);
    }
}

/* --- Memory -------------------------------------------------------------------- */

int stk_rio_mem_add(struct stk_client *client, void *base, size_t len, struct stk_rio_mem **out)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK) {
        return usable;
    }
    if (base == NULL || len == 0) {
        return STK_EINVAL;
    }
    struct client_rio *rio = rio_of(client);
    struct stk_rio_mem *mem = calloc(1, sizeof(*mem));
    struct stk_rio_mem_abi *abi = stk_client_os_zero(sizeof(*abi));
    if (rio == NULL || mem == NULL || abi == NULL) {
        free(mem);
        stk_client_os_zero_free(abi, sizeof(*abi));
        return STK_ENOMEM;
    }
    *mem = (struct stk_rio_mem){.abi = abi, .client = client, .pinned = stk_client_os_pin(base, len)};
    abi->base = (uintptr_t)base;
    abi->size = len;
    stk_lock_take(&rio->lock);
    rqs_reap(rio);
    mems_reap(rio);
    const int result = stk_client_rio_call(client, NULL, STK_RIO_OP_MEM_ADD, abi);
    if (result == STK_OK) {
        mem->next = rio->mems;
        rio->mems = mem;
        *out = mem;
    } else {
        mem_unpin(rio, mem);
        mem_free(mem);
    }
    stk_lock_give(&rio->lock);
    return result;
}

void stk_rio_mem_remove(struct stk_rio_mem *mem)
{
    struct stk_client *client = mem->client;
    if (stk_client_usable(client) == STK_EFORKED) {
        return;
    }
    struct client_rio *rio = rio_of(client);
    stk_lock_take(&rio->lock);
    mem->removed = true;
    rqs_reap(rio);
    mems_reap(rio);
    stk_lock_give(&rio->lock);
}

/* --- Completion queues ------------------------------------------------------------ */

static uint32_t slots_for(uint32_t entries)
{
    uint32_t slots = 2;
    while (slots < entries) {
        slots *= 2;
    }
    return slots;
}

/** The lowest number that no queue has, its shared part made; STK_RIO_CQS_MAX: none. */
static uint32_t cq_number(struct client_rio *rio)
{
    uint32_t id = 0;
    while (id < STK_RIO_CQS_MAX && rio->cqs[id].used) {
        id++;
    }
    if (id < STK_RIO_CQS_MAX && atomic_load_explicit(&rio->cqs[id].abi, memory_order_relaxed) == NULL) {
        struct stk_rio_cq_abi *abi = stk_client_os_zero(sizeof(*abi));
        if (abi == NULL) {
            return STK_RIO_CQS_MAX;
        }
        atomic_store_explicit(&rio->cqs[id].abi, abi, memory_order_release);
    }
    return id;
}

/** Makes a ring the queue's, from the position of its head on. */
static void cq_ring_set(struct stk_rio_cq *cq, struct stk_rio_done_abi *ring, uint32_t slots, size_t bytes)
{
    cq->ring = ring;
    cq->ring_bytes = bytes;
    cq->mask = slots - 1;
    cq->base = cq->head;
}

static int cq_make(struct client_rio *rio, uint32_t entries, struct stk_rio_cq *cq)
{
    const uint32_t slots = slots_for(entries);
    const uint32_t id = cq_number(rio);
    if (id == STK_RIO_CQS_MAX) {
        return STK_ENOMEM;
    }
    struct stk_rio_done_abi *ring = stk_client_os_zero((size_t)slots * sizeof(*ring));
    if (ring == NULL) {
        return STK_ENOMEM;
    }
    cq->id = id;
    cq->entries = entries;
    cq->abi = atomic_load_explicit(&rio->cqs[id].abi, memory_order_relaxed);
    /* event_queued stays: its entry is still to be taken, and the dispatcher may be at it. */
    memset(cq->abi, 0, offsetof(struct stk_rio_cq_abi, armed));
    atomic_store_explicit(&cq->abi->armed, STK_RIO_IDLE, memory_order_seq_cst);
    cq_ring_set(cq, ring, slots, (size_t)slots * sizeof(*ring));
    cq->abi->ring = (uintptr_t)ring;
    cq->abi->slots = slots;
    cq->abi->id = id;
    return STK_OK;
}

int stk_rio_cq_open(struct stk_client *client, uint32_t entries, uint64_t cookie, struct stk_rio_cq **out)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK) {
        return usable;
    }
    if (entries == 0 || entries > STK_RIO_CQ_ENTRIES_MAX) {
        return STK_EINVAL;
    }
    struct client_rio *rio = rio_of(client);
    struct stk_rio_cq *cq = calloc(1, sizeof(*cq));
    if (rio == NULL || cq == NULL) {
        free(cq);
        return STK_ENOMEM;
    }
    cq->client = client;
    stk_lock_take(&rio->lock);
    rqs_reap(rio);
    int result = cq_make(rio, entries, cq);
    if (result == STK_OK) {
        rio->cqs[cq->id].used = true;
        atomic_store_explicit(&rio->cqs[cq->id].cookie, cookie, memory_order_release);
        result = stk_client_rio_call(client, NULL, STK_RIO_OP_CQ_RESIZE, cq->abi);
        if (result != STK_OK) {
            cq_free(rio, cq);
            cq = NULL;
        }
    } else {
        free(cq);
    }
    stk_lock_give(&rio->lock);
    if (result == STK_OK) {
        *out = cq;
    }
    return result;
}

int stk_rio_cq_resize(struct stk_rio_cq *cq, uint32_t entries)
{
    int usable = stk_client_usable(cq->client);
    if (usable != STK_OK) {
        return usable;
    }
    if (entries == 0 || entries > STK_RIO_CQ_ENTRIES_MAX) {
        return STK_EINVAL;
    }
    const uint32_t slots = slots_for(entries);
    struct client_rio *rio = rio_of(cq->client);
    struct stk_rio_done_abi *ring = stk_client_os_zero((size_t)slots * sizeof(*ring));
    if (ring == NULL) {
        return STK_ENOMEM;
    }
    stk_lock_take(&rio->lock);
    rqs_reap(rio);
    int result = STK_ETOOMANYREFS;
    if (entries >= cq->charged) {
        const struct stk_rio_cq_abi before = {.ring = cq->abi->ring, .slots = cq->abi->slots, .head = cq->abi->head};
        cq->abi->ring = (uintptr_t)ring;
        cq->abi->slots = slots;
        cq->abi->head = cq->head;
        result = stk_client_rio_call(cq->client, NULL, STK_RIO_OP_CQ_RESIZE, cq->abi);
        if (result != STK_OK) {
            cq->abi->ring = before.ring;
            cq->abi->slots = before.slots;
            cq->abi->head = before.head;
        }
    }
    if (result == STK_OK) {
        stk_client_os_zero_free(cq->ring, cq->ring_bytes);
        cq_ring_set(cq, ring, slots, (size_t)slots * sizeof(*ring));
        cq->entries = entries;
    } else {
        stk_client_os_zero_free(ring, (size_t)slots * sizeof(*ring));
    }
    stk_lock_give(&rio->lock);
    return result;
}

void stk_rio_cq_close(struct stk_rio_cq *cq)
{
    if (stk_client_usable(cq->client) == STK_EFORKED) {
        return;
    }
    struct client_rio *rio = rio_of(cq->client);
    stk_lock_take(&rio->lock);
    atomic_store_explicit(&cq->closed, 1, memory_order_relaxed);
    for (struct stk_rio_rq *rq = rio->rqs; rq != NULL; rq = rq->next) {
        for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
            if (rq->half[dir].cq == cq) {
                atomic_store_explicit(&rq->half[dir].shut, 1, memory_order_relaxed);
            }
        }
    }
    /* From the answer on nothing is written; an engine that gives none does not write. */
    (void)stk_client_rio_call(cq->client, NULL, STK_RIO_OP_CQ_CLOSE, cq->abi);
    (void)atomic_exchange_explicit(&cq->abi->armed, STK_RIO_IDLE, memory_order_seq_cst);
    if (cq->attached == 0) {
        cq_free(rio, cq);
    } else {
        cq->next = rio->cqs_closed;
        rio->cqs_closed = cq;
    }
    rqs_reap(rio);
    stk_lock_give(&rio->lock);
}

/* --- Request queues ----------------------------------------------------------------- */

/** Memory for one direction; NULL: none. */
static struct rio_ring *ring_make(enum stk_rio_dir dir, uint32_t max, uint32_t generation)
{
    const size_t slots = slots_for(max);
    /* What was taken last may still be read while as many are posted again. */
    const size_t sides = dir == STK_RIO_RECV ? slots * 2 : slots;
    const size_t head = (sizeof(struct rio_ring) + STK_ABI_LINE - 1) / STK_ABI_LINE * STK_ABI_LINE;
    const size_t entries = slots * sizeof(struct stk_rio_entry_abi);
    const size_t bytes = head + entries + sides * STK_RIO_SIDE_BYTES + slots * sizeof(struct rio_words);
    uint8_t *block = stk_client_os_zero(bytes);
    if (block == NULL) {
        return NULL;
    }
    struct rio_ring *ring = (void *)block;
    *ring = (struct rio_ring){
        .entries = (void *)(block + head),
        .side = block + head + entries,
        .words = (void *)(block + head + entries + sides * STK_RIO_SIDE_BYTES),
        .mask = (uint32_t)slots - 1,
        .side_mask = (uint32_t)sides - 1,
        .generation = generation,
        .bytes = bytes,
    };
    return ring;
}

static struct stk_rio_place_abi ring_place(const struct rio_ring *ring)
{
    return (struct stk_rio_place_abi){
        .entries = (uintptr_t)ring->entries,
        .side = (uintptr_t)ring->side,
        .slots = ring->mask + 1,
        .side_slots = ring->side_mask + 1,
        .generation = ring->generation,
    };
}

/** A number for a request queue, its place in the table made; UINT32_MAX: none. */
static uint32_t rq_number(struct client_rio *rio)
{
    for (uint32_t id = 0; id < CLIENT_RIO_RQS_PAGES * CLIENT_RIO_RQS_PAGE; id++) {
        struct stk_rio_rq *_Atomic *_Atomic *slot = &rio->pages[id >> CLIENT_RIO_RQS_BITS];
        struct stk_rio_rq *_Atomic *page = atomic_load_explicit(slot, memory_order_relaxed);
        if (page == NULL) {
            page = stk_client_os_zero(CLIENT_RIO_RQS_PAGE * sizeof(struct stk_rio_rq *));
            if (page == NULL) {
                return UINT32_MAX;
            }
            atomic_store_explicit(slot, page, memory_order_release);
        }
        if (atomic_load_explicit(&page[id % CLIENT_RIO_RQS_PAGE], memory_order_relaxed) == NULL) {
            return id;
        }
    }
    return UINT32_MAX;
}

/** Is there room for so many more? Under the rio lock. */
static bool charges_fit(struct stk_rio_cq *const cq[STK_RIO_DIRS], const int64_t more[STK_RIO_DIRS])
{
    for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
        const int64_t beside = cq[0] == cq[1] ? more[0] + more[1] : more[dir];
        if (atomic_load_explicit(&cq[dir]->closed, memory_order_relaxed) != 0 ||
            (int64_t)cq[dir]->charged + beside > (int64_t)cq[dir]->entries) {
            return false;
        }
    }
    return true;
}

/** As stream_error and its kin: an end that has to be told is not plain. */
static void plain_states(struct rio_half *half, enum stk_rio_dir dir, bool stream)
{
    const uint32_t shut = dir == STK_RIO_SEND ? STK_ST_TX_SHUT : STK_ST_RX_SHUT;
    half->plain_wanted = STK_ST_CONNECTED;
    if (!stream) {
        half->plain_wanted = dir == STK_RIO_SEND ? (uint32_t)(STK_ST_BOUND | STK_ST_CONNECTED) : (uint32_t)STK_ST_BOUND;
    }
    half->plain_mask = half->plain_wanted | shut | (stream ? (uint32_t)STK_ST_ENDED : 0u);
}

static int rq_make(struct client_rio *rio, struct stk_sock *sock, const uint32_t max[STK_RIO_DIRS],
                   struct stk_rio_cq *const cq[STK_RIO_DIRS], struct stk_rio_rq **out)
{
    struct stk_rio_rq *rq = stk_client_os_zero(sizeof(*rq));
    struct stk_rio_rq_abi *abi = stk_client_os_zero(sizeof(*abi));
    struct rio_ring *rings[STK_RIO_DIRS];
    for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
        rings[dir] = ring_make((enum stk_rio_dir)dir, max[dir], 0);
    }
    const uint32_t id = rq_number(rio);
    if (rq == NULL || abi == NULL || rings[0] == NULL || rings[1] == NULL || id == UINT32_MAX) {
        rings_free(rings[0]);
        rings_free(rings[1]);
        stk_client_os_zero_free(abi, sizeof(*abi));
        stk_client_os_zero_free(rq, sizeof(*rq));
        return STK_EFULL;
    }
    rq->client = sock->client;
    rq->sock = sock;
    rq->abi = abi;
    rq->id = id;
    rq->sock_abi = sock->abi;
    rq->region_abi = sock->client->region->abi;
    rq->stream = sock->abi->type == STK_SOCK_STREAM;
    rq->to_seq = 1;
    abi->id = id;
    abi->version = STK_RIO_ABI_VERSION;
    for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
        struct rio_half *half = &rq->half[dir];
        half->abi = &abi->ring[dir];
        half->cq = cq[dir];
        half->max = max[dir];
        plain_states(half, (enum stk_rio_dir)dir, rq->stream);
        atomic_store_explicit(&half->ring, rings[dir], memory_order_relaxed);
        abi->cq[dir] = (uintptr_t)cq[dir]->abi;
        abi->place[dir] = ring_place(rings[dir]);
    }
    *out = rq;
    return STK_OK;
}

static int rq_open_locked(struct client_rio *rio, struct stk_sock *sock, const uint32_t max[STK_RIO_DIRS],
                          struct stk_rio_cq *const cq[STK_RIO_DIRS], struct stk_rio_rq **out)
{
    const int64_t more[STK_RIO_DIRS] = {max[0], max[1]};
    struct stk_rio_rq *rq = NULL;
    rqs_reap(rio);
    if (sock->rio != NULL) {
        return STK_EINVAL;
    }
    if (!charges_fit(cq, more)) {
        return STK_EFULL;
    }
    int result = rq_make(rio, sock, max, cq, &rq);
    if (result != STK_OK) {
        return result;
    }
    result = stk_client_rio_call(sock->client, sock, STK_RIO_OP_RQ_OPEN, rq->abi);
    struct stk_rio_rq *_Atomic *page = atomic_load_explicit(&rio->pages[rq->id >> CLIENT_RIO_RQS_BITS],
                                                            memory_order_relaxed);
    if (result != STK_OK) {
        rq_free(rio, rq);
        return result;
    }
    atomic_store_explicit(&page[rq->id % CLIENT_RIO_RQS_PAGE], rq, memory_order_release);
    for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
        cq[dir]->charged += max[dir];
        cq[dir]->attached++;
    }
    rq->next = rio->rqs;
    rio->rqs = rq;
    sock->rio = rq;
    *out = rq;
    return STK_OK;
}

int stk_rio_rq_open(struct stk_sock *sock, const uint32_t max[STK_RIO_DIRS], struct stk_rio_cq *const cq[STK_RIO_DIRS],
                    uint64_t cookie, struct stk_rio_rq **out)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    if ((max[0] == 0 && max[1] == 0) || max[0] > STK_RIO_RQ_ENTRIES_MAX || max[1] > STK_RIO_RQ_ENTRIES_MAX ||
        cq[0] == NULL || cq[1] == NULL) {
        return STK_EINVAL;
    }
    struct client_rio *rio = rio_of(sock->client);
    struct stk_rio_rq *rq = NULL;
    stk_lock_take(&rio->lock);
    const int result = rq_open_locked(rio, sock, max, cq, &rq);
    if (result == STK_OK) {
        rq->cookie = cookie;
        *out = rq;
    }
    stk_lock_give(&rio->lock);
    return result;
}

/** A larger or smaller ring with what is not taken of the one before. */
static struct rio_ring *ring_follow(const struct rio_half *half, enum stk_rio_dir dir, uint32_t max)
{
    struct rio_ring *old = atomic_load_explicit(&half->ring, memory_order_relaxed);
    struct rio_ring *ring = ring_make(dir, max, old->generation + 1);
    if (ring == NULL) {
        return NULL;
    }
    uint32_t at = atomic_load_explicit(&half->taken, memory_order_acquire);
    for (; at != half->submitted; at++) {
        ring->entries[at & ring->mask] = old->entries[at & old->mask];
        ring->words[at & ring->mask] = old->words[at & old->mask];
        if (dir == STK_RIO_SEND) { /* its wishes; the stack copies its own notes */
            memcpy(ring->side + (size_t)(at & ring->side_mask) * STK_RIO_SIDE_BYTES,
                   old->side + (size_t)(at & old->side_mask) * STK_RIO_SIDE_BYTES, sizeof(struct stk_dgram_abi));
        }
    }
    ring->older = old;
    return ring;
}

/** Memory of before the one before that nobody reads any more. */
static void rings_trim(struct rio_half *half, struct rio_ring *ring)
{
    struct rio_ring *old = ring->older;
    const uint32_t taken = atomic_load_explicit(&half->taken, memory_order_acquire);
    if (old->older != NULL && (int32_t)(taken - old->older->last) >= 0) {
        rings_free(old->older);
        old->older = NULL;
    }
}

static int rq_resize_rings(struct stk_rio_rq *rq, const uint32_t max[STK_RIO_DIRS])
{
    struct rio_ring *rings[STK_RIO_DIRS];
    for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
        rings[dir] = ring_follow(&rq->half[dir], (enum stk_rio_dir)dir, max[dir]);
    }
    if (rings[0] == NULL || rings[1] == NULL) {
        rings_free_one(rings[0]);
        rings_free_one(rings[1]);
        return STK_EFULL;
    }
    for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
        /* Before the stack has them: who takes finds what it completes there. */
        rings[dir]->older->last = rq->half[dir].submitted;
        rq->abi->place[dir] = ring_place(rings[dir]);
        atomic_store_explicit(&rq->half[dir].ring, rings[dir], memory_order_release);
    }
    const int result = stk_client_rio_call(rq->client, rq->sock, STK_RIO_OP_RQ_RESIZE, rq->abi);
    for (int dir = 0; dir < STK_RIO_DIRS && result == STK_OK; dir++) {
        struct rio_half *half = &rq->half[dir];
        rings_trim(half, rings[dir]);
        half->cq->charged += max[dir] - half->max;
        half->max = max[dir];
    }
    return result; /* an error: the engine is gone, and nothing can be posted any more */
}

int stk_rio_rq_resize(struct stk_rio_rq *rq, const uint32_t max[STK_RIO_DIRS])
{
    int usable = stk_client_usable(rq->client);
    if (usable != STK_OK) {
        return usable;
    }
    if ((max[0] == 0 && max[1] == 0) || max[0] > STK_RIO_RQ_ENTRIES_MAX || max[1] > STK_RIO_RQ_ENTRIES_MAX) {
        return STK_EINVAL;
    }
    struct client_rio *rio = rio_of(rq->client);
    struct stk_rio_cq *const cq[STK_RIO_DIRS] = {rq->half[0].cq, rq->half[1].cq};
    const int64_t more[STK_RIO_DIRS] = {(int64_t)max[0] - (int64_t)rq->half[0].max,
                                        (int64_t)max[1] - (int64_t)rq->half[1].max};
    int result = STK_OK;
    stk_lock_take(&rio->lock);
    rqs_reap(rio);
    if (atomic_load_explicit(&rq->closed, memory_order_relaxed) != 0) {
        result = STK_EINVAL;
    } else if (max[0] < client_rio_outstanding(&rq->half[0]) || max[1] < client_rio_outstanding(&rq->half[1])) {
        result = STK_ETOOMANYREFS;
    } else if (!charges_fit(cq, more)) {
        result = STK_EFULL;
    } else {
        result = rq_resize_rings(rq, max);
    }
    stk_lock_give(&rio->lock);
    return result;
}

/* --- Ends ------------------------------------------------------------------------------ */

/** Closes the queues that the program left open, and frees all. */
static void cqs_end(struct stk_client *client, struct client_rio *rio)
{
    for (uint32_t i = 0; i < STK_RIO_CQS_MAX; i++) {
        struct stk_rio_cq_abi *abi = atomic_load_explicit(&rio->cqs[i].abi, memory_order_relaxed);
        if (abi != NULL && rio->cqs[i].used) {
            (void)stk_client_rio_call(client, NULL, STK_RIO_OP_CQ_CLOSE, abi);
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): it was a pointer */
            stk_client_os_zero_free((void *)(uintptr_t)abi->ring, (size_t)abi->slots * sizeof(struct stk_rio_done_abi));
        }
        stk_client_os_zero_free(abi, sizeof(*abi));
    }
    while (rio->cqs_closed != NULL) {
        struct stk_rio_cq *cq = rio->cqs_closed;
        rio->cqs_closed = cq->next;
        free(cq);
    }
}

void stk_client_rio_end(struct stk_client *client)
{
    struct client_rio *rio = atomic_load_explicit(&client->rio, memory_order_acquire);
    if (rio == NULL) {
        return;
    }
    /* What the stack may still write stays: an engine that does not answer may be anywhere, and drivers may hold memory. */
    bool left = stk_client_usable(client) != STK_OK;
    for (struct stk_rio_rq *rq = rio->rqs; rq != NULL; rq = rq->next) {
        left = left || atomic_load_explicit(&rq->abi->detached, memory_order_acquire) == 0;
    }
    if (left) {
        return;
    }
    while (rio->rqs != NULL) {
        struct stk_rio_rq *rq = rio->rqs;
        rio->rqs = rq->next;
        rq_free(rio, rq);
    }
    while (rio->mems != NULL) {
        struct stk_rio_mem *mem = rio->mems;
        rio->mems = mem->next;
        if (stk_client_rio_call(client, NULL, STK_RIO_OP_MEM_DROP, mem->abi) == STK_OK) {
            mem_unpin(rio, mem);
            mem_free(mem);
        }
    }
    cqs_end(client, rio);
    for (uint32_t i = 0; i < CLIENT_RIO_RQS_PAGES; i++) {
        struct stk_rio_rq *_Atomic *page = atomic_load_explicit(&rio->pages[i], memory_order_relaxed);
        if (page != NULL) {
            stk_client_os_zero_free((void *)(uintptr_t)page, CLIENT_RIO_RQS_PAGE * sizeof(struct stk_rio_rq *));
        }
    }
    stk_client_os_zero_free(rio, sizeof(*rio));
}
