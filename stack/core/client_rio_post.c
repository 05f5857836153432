#include "core/client_rio.h"

#include "stack/assert.h"

/** Datagrams that are surely small enough for every way. */
#define KNOWN_BYTES_MAX 1200u

/* --- Posting -------------------------------------------------------------------- */

/** Raises what may start, beside others who do; edge M. */
static void committed_raise(STK_U32 *committed, uint32_t to)
{
    uint32_t now = atomic_load_explicit(committed, memory_order_relaxed);
    while ((int32_t)(to - now) > 0) {
        if (atomic_compare_exchange_weak_explicit(committed, &now, to, memory_order_seq_cst, memory_order_relaxed)) {
            return;
        }
    }
}

/** Is there something that a posted receive could have at once, or will never have? */
static bool recv_waits(const struct stk_sock_abi *abi)
{
    /* edge M, app's end: after committed. */
    const uint32_t state = atomic_load_explicit(&abi->state, memory_order_seq_cst);
    return (state & (STK_ST_EOF | STK_ST_ENDED | STK_ST_RX_SHUT)) != 0 ||
           atomic_load_explicit(&abi->rx_tail, memory_order_seq_cst) !=
               atomic_load_explicit(&abi->rx_head, memory_order_relaxed) ||
           atomic_load_explicit(&abi->rx_limit, memory_order_relaxed) == 0;
}

/** Tells the stack of what was committed, if it has to know now. @return STK_OK. */
static __attribute__((noinline)) int committed_tell(struct stk_rio_rq *rq, enum stk_rio_dir dir)
{
    /* edge Q, app's end: committed was moved up by a read-modify-write. */
    if (dir == STK_RIO_SEND ? atomic_load_explicit(&rq->abi->watched, memory_order_seq_cst) == 0
                            : recv_waits(rq->sock->abi)) {
        stk_client_kick(rq->sock);
    }
    return STK_OK;
}

/** Tells it in any case. @return STK_OK. */
static __attribute__((noinline)) int committed_kick(struct stk_rio_rq *rq)
{
    stk_client_kick(rq->sock);
    return STK_OK;
}

/** Requests up to one may start: the stack is told, unless it sees by itself. @return STK_OK. */
static inline __attribute__((always_inline)) int committed_move(struct stk_rio_rq *rq, struct stk_rio_ring_abi *abi,
                                                                uint32_t to, enum stk_rio_dir dir)
{
    if (dir == STK_RIO_SEND && atomic_load_explicit(&rq->abi->watched, memory_order_relaxed) == 0) {
        /* The kick is the read-modify-write; one too many if it is watched by now. */
        atomic_store_explicit(&abi->committed, to, memory_order_release);
        return committed_kick(rq);
    }
    (void)atomic_exchange_explicit(&abi->committed, to, memory_order_seq_cst);
    return committed_tell(rq, dir);
}

/** As memcmp would, without a call. */
static inline bool addr_same(const struct stk_addr *left, const struct stk_addr *right)
{
    uint64_t a[3];
    uint64_t b[3];
    _Static_assert(sizeof(*left) == sizeof(a), "whole words");
    memcpy(a, left, sizeof(a));
    memcpy(b, right, sizeof(b));
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2])) == 0;
}

/** Why a stream takes no request; STK_OK: it does. */
static int stream_error(uint32_t state, enum stk_rio_dir dir)
{
    if ((state & (STK_ST_CONNECTED | STK_ST_ENDED)) == 0) {
        return STK_ENOTCONN;
    }
    if (dir == STK_RIO_SEND) {
        return (state & STK_ST_TX_SHUT) != 0 ? STK_ESHUTDOWN : STK_OK;
    }
    return (state & STK_ST_RX_SHUT) != 0 ? STK_ESHUTDOWN : STK_OK;
}

static int dgram_recv_error(uint32_t state)
{
    if ((state & STK_ST_RX_SHUT) != 0) {
        return STK_ESHUTDOWN;
    }
    return (state & STK_ST_BOUND) != 0 ? STK_OK : STK_EINVAL;
}

/** Was this destination found good the last time, and has nothing changed that matters? */
static bool to_known(const struct stk_rio_rq *rq, const struct stk_addr *to, uint32_t state)
{
    const struct stk_sock *sock = rq->sock;
    const uint32_t wanted = STK_ST_BOUND | (to->family == STK_AF_NONE ? (uint32_t)STK_ST_CONNECTED : 0u);
    return rq->to_seq == atomic_load_explicit(&rq->client->region->abi->ifs_seq, memory_order_relaxed) &&
           (state & (STK_ST_TX_SHUT | wanted)) == wanted &&
           rq->to_broadcast == atomic_load_explicit(&sock->broadcast, memory_order_relaxed) &&
           (to->family == STK_AF_NONE ? rq->to_seen.family == STK_AF_NONE /* the peer has no other bytes */
                                      : addr_same(&rq->to_seen, to)) &&
           atomic_load_explicit(&sock->choosy, memory_order_relaxed) == 0 &&
           atomic_load_explicit(&sock->segment, memory_order_relaxed) == 0;
}

/** to_known of the connected peer, whose socket is known to be bound and connected. */
static inline bool peer_known(const struct stk_rio_rq *rq)
{
    const struct stk_sock *sock = rq->sock;
    return rq->to_seq == atomic_load_explicit(&rq->region_abi->ifs_seq, memory_order_relaxed) &&
           rq->to_seen.family == STK_AF_NONE &&
           rq->to_broadcast == atomic_load_explicit(&sock->broadcast, memory_order_relaxed) &&
           (atomic_load_explicit(&sock->choosy, memory_order_relaxed) |
            atomic_load_explicit(&sock->segment, memory_order_relaxed)) == 0;
}

/** Checks a datagram as stk_sock_sendmsg does, and writes down what it asks for. */
static int dgram_send_check(struct stk_rio_rq *rq, const struct stk_rio_req *req, struct stk_rio_entry_abi *entry,
                            struct stk_rio_wish_abi *wish)
{
    const bool plain = (req->flags & STK_RIO_WISHES) == 0 && req->segment == 0;
    struct stk_dgram_abi head;
    struct stk_send_info info = {.ttl = -1, .tos = -1, .ecn = -1};
    if ((req->flags & STK_RIO_WISHES) != 0) {
        info = req->send;
    }
    if (req->segment != 0) {
        info.segment = req->segment;
    }
    const struct stk_addr *to = req->to.family != STK_AF_NONE ? &req->to : NULL;
    const uint32_t ifs_seq = atomic_load_explicit(&rq->client->region->abi->ifs_seq, memory_order_relaxed);
    const int result = stk_client_dgram_head(rq->sock, req->len, to, plain ? NULL : &info, &head);
    if (result != STK_OK) {
        return result;
    }
    entry->to = req->to;
    if (head.flags != 0) {
        wish->head = head;
        entry->flags |= STK_RIO_WISHES;
    } else {
        entry->flags &= ~(uint32_t)STK_RIO_WISHES;
        rq->to_seen = req->to;
        rq->to_seq = ifs_seq;
        rq->to_broadcast = atomic_load_explicit(&rq->sock->broadcast, memory_order_relaxed);
    }
    return STK_OK;
}

/** May the request be posted? Fills in what depends on its kind. */
static int request_prepare(struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req,
                           struct stk_rio_entry_abi *entry, uint8_t *side)
{
    const struct stk_sock_abi *abi = rq->sock->abi;
    const uint32_t state = atomic_load_explicit(&abi->state, memory_order_relaxed);
    int result;
    if (rq->stream) {
        result = stream_error(state, dir);
    } else if (dir == STK_RIO_RECV) {
        result = dgram_recv_error(state);
    } else {
        result = dgram_send_check(rq, req, entry, (struct stk_rio_wish_abi *)(void *)side);
    }
    if (result == STK_OK && dir == STK_RIO_SEND) {
        entry->fifo = atomic_load_explicit(&abi->tx_tail, memory_order_acquire);
    }
    return result;
}

/** The caller has seen to it: only debug builds look. */
__attribute__((unused)) static inline bool mem_has(const struct stk_rio_req *req)
{
    if (req->mem == NULL) {
        return req->len == 0;
    }
    const uint64_t at = (uintptr_t)req->base - req->mem->abi->base;
    return at <= req->mem->abi->size && req->len <= req->mem->abi->size - at;
}

/** Where the next request of a direction goes. */
struct posting {
    struct rio_half *half;
    struct rio_ring *ring;
    struct stk_rio_entry_abi *entry;
    uint32_t at;
};

/** Has the queue a place? Fills in what every request has. */
static inline int post_begin(struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req,
                             struct posting *posting)
{
    struct rio_half *half = &rq->half[dir];
    if (atomic_load_explicit(&rq->closed, memory_order_relaxed) != 0 ||
        atomic_load_explicit(&half->cq->closed, memory_order_relaxed) != 0) {
        return STK_EINVAL;
    }
    STK_DASSERT(mem_has(req));
    const uint32_t at = half->submitted;
    /* edge O: the entry's last user is through with it. */
    if (at - atomic_load_explicit(&half->taken, memory_order_acquire) >= half->max) {
        return STK_EFULL;
    }
    struct rio_ring *ring = atomic_load_explicit(&half->ring, memory_order_relaxed);
    struct stk_rio_entry_abi *entry = &ring->entries[at & ring->mask];
    entry->base = (uintptr_t)req->base;
    client_rio_entry_mem_set(entry, req->mem != NULL ? (uintptr_t)req->mem->abi : 0);
    entry->len = req->len;
    entry->flags = req->flags;
    *posting = (struct posting){.half = half, .ring = ring, .entry = entry, .at = at};
    return STK_OK;
}

static inline int post_end(struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req,
                           const struct posting *posting)
{
    struct rio_half *half = posting->half;
    const uint32_t at = posting->at;
    posting->ring->words[at & posting->ring->mask] = (struct rio_words){.context = req->context, .cookie = req->cookie};
    half->submitted = at + 1;
    /* edge M, app's end. */
    atomic_store_explicit(&half->abi->submitted, at + 1, memory_order_release);
    if ((req->flags & STK_RIO_DEFER) != 0) {
        return STK_OK;
    }
    return committed_move(rq, half->abi, at + 1, dir);
}

/** Any request. */
static __attribute__((noinline)) int post_any(struct stk_rio_rq *rq, enum stk_rio_dir dir,
                                              const struct stk_rio_req *req)
{
    struct posting posting;
    int result = post_begin(rq, dir, req, &posting);
    if (result == STK_OK) {
        result = request_prepare(rq, dir, req, posting.entry,
                                 posting.ring->side +
                                     (size_t)(posting.at & posting.ring->side_mask) * STK_RIO_SIDE_BYTES);
    }
    return result == STK_OK ? post_end(rq, dir, req, &posting) : result;
}

/*
 * The requests that there are most of make no call but a last one, so that no register has to be kept: a receive, one of a
 * stream, and a plain datagram to where the last one went.
 */
int stk_rio_post(struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req)
{
    const struct stk_sock_abi *abi = rq->sock->abi; /* of a closed one: post_begin refuses, whatever it says here */
    struct posting posting;
    const int usable = stk_client_usable(rq->client);
    if (usable != STK_OK) { /* first of all: a child after fork has no region */
        return usable;
    }
    const uint32_t state = atomic_load_explicit(&abi->state, memory_order_relaxed);
    if (rq->stream            ? stream_error(state, dir) != STK_OK
        : dir == STK_RIO_RECV ? dgram_recv_error(state) != STK_OK
                              : (req->flags & STK_RIO_WISHES) != 0 || req->segment != 0 || req->len > KNOWN_BYTES_MAX ||
                                    !to_known(rq, &req->to, state)) {
        return post_any(rq, dir, req);
    }
    const int result = post_begin(rq, dir, req, &posting);
    if (result != STK_OK) {
        return result;
    }
    if (dir == STK_RIO_SEND) {
        posting.entry->to.family = STK_AF_NONE;
        if (req->to.family != STK_AF_NONE) {
            posting.entry->to = req->to;
        }
        posting.entry->fifo = atomic_load_explicit(&abi->tx_tail, memory_order_acquire);
    }
    return post_end(rq, dir, req, &posting);
}

/** What the two kinds of plain requests have. */
struct plain_post {
    struct stk_rio_mem *mem;
    void *base;
    uint64_t context;
    uint32_t len;
    uint32_t flags;
};

/** By value: who calls it has it in registers. */
static __attribute__((noinline)) int plain_any(struct stk_rio_rq *rq, enum stk_rio_dir dir, struct plain_post post)
{
    const struct stk_rio_req req = {.mem = post.mem,
                                    .base = post.base,
                                    .len = post.len,
                                    .flags = post.flags,
                                    .context = post.context,
                                    .to.family = STK_AF_NONE};
    return stk_rio_post(rq, dir, &req);
}

/** Everything that stk_rio_post checks, in as few looks as there can be; what is not found good takes the long way. */
static inline __attribute__((always_inline)) int post_plain(struct stk_rio_rq *rq, enum stk_rio_dir dir,
                                                            struct plain_post post)
{
    struct rio_half *half = &rq->half[dir];
    const uint32_t at = half->submitted;
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) !=
            0 || /* first: a child after fork has no region */
        atomic_load_explicit(&rq->region_abi->engine_state, memory_order_relaxed) >= STK_ENGINE_PARKED ||
        (atomic_load_explicit(&rq->sock_abi->state, memory_order_relaxed) & half->plain_mask) != half->plain_wanted ||
        atomic_load_explicit(&half->shut, memory_order_relaxed) != 0 ||
        /* edge O: the entry's last user is through with it. */
        at - atomic_load_explicit(&half->taken, memory_order_acquire) >= half->max) {
        return plain_any(rq, dir, post);
    }
    if (dir == STK_RIO_SEND && !rq->stream && (post.len > KNOWN_BYTES_MAX || !peer_known(rq))) {
        return plain_any(rq, dir, post);
    }
    struct rio_ring *ring = atomic_load_explicit(&half->ring, memory_order_relaxed);
    struct stk_rio_entry_abi *entry = &ring->entries[at & ring->mask];
    entry->base = (uintptr_t)post.base;
    client_rio_entry_mem_set(entry, (uintptr_t)post.mem->abi);
    entry->len = post.len;
    entry->flags = post.flags;
    if (dir == STK_RIO_SEND) {
        entry->to.family = STK_AF_NONE;
        entry->fifo = atomic_load_explicit(&rq->sock_abi->tx_tail, memory_order_acquire);
    }
    ring->words[at & ring->mask] = (struct rio_words){.context = post.context};
    half->submitted = at + 1;
    struct stk_rio_ring_abi *abi = half->abi;
    /* edge M, app's end. */
    atomic_store_explicit(&abi->submitted, at + 1, memory_order_release);
    if ((post.flags & STK_RIO_DEFER) != 0) {
        return STK_OK;
    }
    return committed_move(rq, abi, at + 1, dir);
}

int stk_rio_receive_plain(struct stk_rio_rq *rq, struct stk_rio_mem *mem, void *base, uint32_t len, uint32_t flags,
                          uint64_t context)
{
    return post_plain(rq, STK_RIO_RECV,
                      (struct plain_post){.mem = mem, .base = base, .context = context, .len = len, .flags = flags});
}

int stk_rio_send_plain(struct stk_rio_rq *rq, struct stk_rio_mem *mem, void *base, uint32_t len, uint32_t flags,
                       uint64_t context)
{
    return post_plain(rq, STK_RIO_SEND,
                      (struct plain_post){.mem = mem, .base = base, .context = context, .len = len, .flags = flags});
}

int stk_rio_commit(struct stk_rio_rq *rq, enum stk_rio_dir dir)
{
    const int usable = stk_client_usable(rq->client);
    if (usable != STK_OK) {
        return usable;
    }
    if (atomic_load_explicit(&rq->closed, memory_order_acquire) != 0) {
        return STK_EINVAL;
    }
    struct rio_half *half = &rq->half[dir];
    committed_raise(&half->abi->committed, atomic_load_explicit(&half->abi->submitted, memory_order_acquire));
    committed_tell(rq, dir);
    return STK_OK;
}

/* --- Taking ------------------------------------------------------------------------ */

/** The rings that a completion is about; NULL: there are none of this number. */
static const struct rio_ring *ring_of(const struct rio_half *half, uint32_t generation)
{
    const struct rio_ring *ring = atomic_load_explicit(&half->ring, memory_order_acquire);
    while (ring != NULL && ring->generation != generation) {
        ring = ring->older;
    }
    return ring;
}

/** Whose completions are being taken: most of a batch are of one direction of one request queue. */
struct taking {
    uint32_t rq; /**< its id */
    uint32_t dir;
    uint32_t generation;
    uint32_t taken;        /**< not yet told, so that the request queue stays */
    struct rio_half *half; /**< NULL: nobody's */
    const struct rio_ring *ring;
    uint64_t cookie;
};

static inline void taking_end(const struct taking *taking)
{
    if (taking->half != NULL) {
        /* edge O: from here on the entries may be written again. */
        atomic_store_explicit(&taking->half->taken, taking->taken, memory_order_release);
    }
}

/** The entry's request queue is another one, or none: false. */
static __attribute__((noinline)) bool taking_begin(struct taking *taking, const struct stk_rio_cq *cq,
                                                   const struct stk_rio_done_abi *entry)
{
    const struct client_rio *rio = atomic_load_explicit(&cq->client->rio, memory_order_relaxed);
    taking_end(taking);
    taking->half = NULL;
    struct stk_rio_rq *rq = client_rio_rq(rio, entry->rq);
    const uint32_t dir = (entry->flags & STK_RIO_DONE_SEND) != 0 ? STK_RIO_SEND : STK_RIO_RECV;
    const struct rio_ring *ring = rq == NULL ? NULL : ring_of(&rq->half[dir], entry->generation);
    if (ring == NULL || rq->half[dir].cq != cq) {
        return false;
    }
    taking->rq = entry->rq;
    taking->dir = dir;
    taking->generation = entry->generation;
    taking->taken = atomic_load_explicit(&rq->half[dir].taken, memory_order_relaxed);
    taking->half = &rq->half[dir];
    taking->ring = ring;
    taking->cookie = rq->cookie;
    return true;
}

/** Fills in a completion; false: the entry makes no sense. */
static inline bool done_fill(struct taking *taking, const struct stk_rio_cq *cq, const struct stk_rio_done_abi *entry,
                             struct stk_rio_done *out)
{
    const uint32_t dir = entry->flags & STK_RIO_DONE_SEND;
    if ((entry->rq != taking->rq || dir != taking->dir || entry->generation != taking->generation ||
         taking->half == NULL) &&
        !taking_begin(taking, cq, entry)) {
        return false;
    }
    const uint32_t at = taking->taken;
    if (entry->index != at) {
        return false;
    }
    const struct rio_ring *ring = taking->ring;
    const struct rio_words *words = &ring->words[at & ring->mask];
    out->status = entry->status;
    out->bytes = entry->bytes;
    out->rq_cookie = taking->cookie;
    out->context = words->context;
    out->cookie = words->cookie;
    out->dir = dir;
    out->info = NULL;
    if ((entry->flags & STK_RIO_DONE_INFO) != 0) {
        out->info = (const struct stk_msg_info *)(const void *)(ring->side +
                                                                (size_t)(at & ring->side_mask) * STK_RIO_SIDE_BYTES);
    }
    taking->taken = at + 1;
    return true;
}

_Static_assert((int)STK_RIO_DONE_SEND == (int)STK_RIO_SEND && (int)STK_RIO_RECV == 0, "the flag is the direction");
_Static_assert(sizeof(struct stk_msg_info) <= STK_RIO_SIDE_BYTES, "it is the side entry of a receive");

static __attribute__((noinline)) uint32_t take_some(struct stk_rio_cq *cq, struct stk_rio_done *out, uint32_t count)
{
    if (cq->damaged) {
        return UINT32_MAX;
    }
    struct taking taking = {.half = NULL};
    /* The info of earlier ones is not looked at any more. */
    atomic_store_explicit(&cq->takes, atomic_load_explicit(&cq->takes, memory_order_relaxed) + 1, memory_order_release);
    uint32_t head = cq->head;
    uint32_t done = 0;
    uint32_t ordinary = atomic_load_explicit(&cq->ordinary_taken, memory_order_relaxed);
    while (done < count) {
        const struct stk_rio_done_abi *entry = &cq->ring[head & cq->mask];
        const uint32_t expect = head - cq->base + 1;
        /* edge N, app's end. */
        const uint32_t seq = atomic_load_explicit(&entry->seq, memory_order_acquire);
        if (seq != expect) {
            cq->damaged = seq != 0 && seq != expect - (cq->mask + 1);
            break;
        }
        if (!done_fill(&taking, cq, entry, &out[done])) {
            cq->damaged = true;
            break;
        }
        ordinary += (entry->flags & STK_RIO_DONE_QUIET) == 0;
        head++;
        done++;
    }
    cq->head = head;
    taking_end(&taking);
    if (done > 0) {
        atomic_store_explicit(&cq->ordinary_taken, ordinary, memory_order_relaxed);
        return done;
    }
    if (cq->damaged) {
        return UINT32_MAX;
    }
    stk_client_pump_once(cq->client);
    return 0;
}

/** Completions of one direction of one request queue, up to the first that is not plain. */
struct plain_run {
    const struct stk_rio_done_abi *entry; /**< the next one */
    struct stk_rio_plain *out;
    const struct stk_rio_plain *end;
    uint32_t head;
    uint32_t quiet; /**< STK_RIO_DONE_QUIET for each */
};

/** @return How many; taking->taken moves on with them. */
static inline __attribute__((always_inline)) uint32_t plain_run(const struct stk_rio_cq *cq, struct taking *taking,
                                                                struct plain_run *run)
{
    const struct stk_rio_done_abi *entry = run->entry;
    const struct rio_words *const words = taking->ring->words;
    const uint32_t words_mask = taking->ring->mask;
    const uint64_t cookie = taking->cookie;
    const uint32_t rq = taking->rq;
    const uint32_t generation = taking->generation;
    const uint32_t dir = taking->dir;
    const uint32_t first = taking->taken;
    const uint32_t mask = cq->mask;
    struct stk_rio_plain *out = run->out;
    uint32_t at = first;
    uint32_t seq = run->head - cq->base + 1;
    while (entry->index == at && entry->status == STK_OK) {
        const struct rio_words *one = &words[at & words_mask];
        const uint32_t flags = entry->flags;
        if (one->cookie != 0 || (flags & STK_RIO_DONE_SEND) != dir) {
            break;
        }
        *out++ = (struct stk_rio_plain){.bytes = entry->bytes, .rq_cookie = cookie, .context = one->context};
        run->quiet += flags & STK_RIO_DONE_QUIET;
        at++;
        seq++;
        entry = &cq->ring[(seq + cq->base - 1) & mask];
        /* edge N, app's end. */
        if (out == run->end || atomic_load_explicit(&entry->seq, memory_order_acquire) != seq || entry->rq != rq ||
            entry->generation != generation) {
            break;
        }
    }
    run->entry = entry;
    run->out = out;
    run->head += at - first;
    taking->taken = at;
    return at - first;
}

static __attribute__((noinline)) uint32_t take_plain(struct stk_rio_cq *cq, struct stk_rio_plain *out, uint32_t count)
{
    struct taking taking = {.half = NULL};
    struct plain_run run = {
        .entry = &cq->ring[cq->head & cq->mask], .out = out, .end = out + count, .head = cq->head, .quiet = 0};
    while (run.out != run.end &&
           /* edge N, app's end. */
           atomic_load_explicit(&run.entry->seq, memory_order_acquire) == run.head - cq->base + 1 &&
           taking_begin(&taking, cq, run.entry) && plain_run(cq, &taking, &run) > 0) {
    }
    taking_end(&taking);
    const uint32_t done = run.head - cq->head;
    const uint32_t ordinary = done - run.quiet / STK_RIO_DONE_QUIET;
    cq->head = run.head;
    /* The info of earlier ones is not looked at any more. */
    atomic_store_explicit(&cq->takes, atomic_load_explicit(&cq->takes, memory_order_relaxed) + 1, memory_order_release);
    atomic_store_explicit(&cq->ordinary_taken,
                          atomic_load_explicit(&cq->ordinary_taken, memory_order_relaxed) + ordinary,
                          memory_order_relaxed);
    return done;
}

uint32_t stk_rio_cq_take_plain(struct stk_rio_cq *cq, struct stk_rio_plain *out, uint32_t count)
{
    const uint32_t seq = atomic_load_explicit(&cq->ring[cq->head & cq->mask].seq, memory_order_relaxed);
    return seq == cq->head - cq->base + 1 && !cq->damaged ? take_plain(cq, out, count) : 0;
}

/* Programs that poll look at an empty queue more often than at any other. */
uint32_t stk_rio_cq_take(struct stk_rio_cq *cq, struct stk_rio_done *out, uint32_t count)
{
    const struct stk_rio_done_abi *entry = &cq->ring[cq->head & cq->mask];
    const uint32_t seq = atomic_load_explicit(&entry->seq, memory_order_relaxed); /* take_some looks again */
    if (seq == cq->head - cq->base - cq->mask && cq->client->pump == NULL && !cq->damaged) {
        return 0; /* the last lap's */
    }
    return take_some(cq, out, count);
}

/* --- Events -------------------------------------------------------------------------- */

int stk_rio_cq_arm(struct stk_rio_cq *cq)
{
    const int usable = stk_client_usable(cq->client);
    if (usable != STK_OK) {
        return usable;
    }
    uint32_t idle = STK_RIO_IDLE;
    /* edge P, app's end: armed, then the look. */
    if (!atomic_compare_exchange_strong_explicit(&cq->abi->armed, &idle, STK_RIO_ARMED, memory_order_seq_cst,
                                                 memory_order_seq_cst)) {
        return STK_EALREADY;
    }
    if (atomic_load_explicit(&cq->abi->ordinary, memory_order_seq_cst) !=
        atomic_load_explicit(&cq->ordinary_taken, memory_order_relaxed)) {
        /* The event queue has one producer, the stack: have it look. */
        const struct stk_sub_abi sub = {.op = STK_SUB_RIO, .arg = {STK_RIO_OP_CQ_LOOK}, .value = (uintptr_t)cq->abi};
        return stk_client_post(cq->client, &sub);
    }
    return STK_OK;
}

bool stk_client_rio_event(struct stk_client *client, uint32_t id, struct stk_event *event)
{
    struct client_rio *rio = atomic_load_explicit(&client->rio, memory_order_acquire);
    struct stk_rio_cq_abi *abi = rio == NULL ? NULL : atomic_load_explicit(&rio->cqs[id].abi, memory_order_acquire);
    if (abi == NULL) {
        return false;
    }
    /* edge L, dispatcher's end: from here on it may be queued again. */
    (void)atomic_exchange_explicit(&abi->event_queued, 0, memory_order_seq_cst);
    const uint64_t cookie = atomic_load_explicit(&rio->cqs[id].cookie, memory_order_acquire);
    uint32_t fired = STK_RIO_FIRED;
    if (!atomic_compare_exchange_strong_explicit(&abi->armed, &fired, STK_RIO_IDLE, memory_order_seq_cst,
                                                 memory_order_seq_cst)) {
        return false; /* closed meanwhile */
    }
    *event = (struct stk_event){.cookie = cookie, .ready = STK_READY_RIO, .fired = STK_READY_RIO};
    return true;
}

/* --- When the engine is gone ------------------------------------------------------------ */

/** What the stack would have done: there is no other writer any more. */
static void cancel_put(struct stk_rio_rq *rq, enum stk_rio_dir dir, uint32_t index)
{
    struct stk_rio_cq *cq = rq->half[dir].cq;
    struct stk_rio_cq_abi *abi = cq->abi;
    struct stk_rio_done_abi *entry = &cq->ring[abi->tail & cq->mask];
    entry->status = STK_ECANCELED;
    entry->bytes = 0;
    entry->rq = rq->id;
    entry->index = index;
    entry->flags = dir == STK_RIO_SEND ? STK_RIO_DONE_SEND : 0;
    entry->generation = atomic_load_explicit(&rq->half[dir].ring, memory_order_relaxed)->generation;
    /* edge N. */
    atomic_store_explicit(&entry->seq, abi->tail - cq->base + 1, memory_order_release);
    abi->tail++;
    (void)atomic_fetch_add_explicit(&abi->ordinary, 1, memory_order_seq_cst);
}

void stk_client_rio_sock_lost(struct stk_rio_rq *rq)
{
    struct client_rio *rio = atomic_load_explicit(&rq->client->rio, memory_order_acquire);
    stk_lock_take(&rio->lock);
    if (atomic_load_explicit(&rq->abi->detached, memory_order_acquire) == 0) {
        for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
            struct rio_half *half = &rq->half[dir];
            uint32_t at = atomic_load_explicit(&half->abi->completed, memory_order_acquire);
            for (; at != half->submitted; at++) {
                if (atomic_load_explicit(&half->cq->closed, memory_order_relaxed) == 0) {
                    cancel_put(rq, (enum stk_rio_dir)dir, at);
                }
            }
            atomic_store_explicit(&half->abi->completed, at, memory_order_relaxed);
        }
    } /* the rings stay: nobody can say that the stack has left them */
    stk_lock_give(&rio->lock);
}
