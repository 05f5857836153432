/**
 * @file
 * Registered I/O on the stack's side: request rings that applications write,
 * completion rings that are written here, and memory that drivers may hold.
 *
 * A request pair is its endpoint's while the socket lives. What its application
 * gets back is written by the engine's thread only, in the order of the
 * requests of a direction. A request whose bytes lwIP or a driver still refers
 * to is not completed, whatever happened to its connection: stk_ep_rio_end lets
 * the pair outlive its endpoint for that.
 *
 * Indices run free; for each direction done <= next <= committed <= submitted.
 * Source: rules RIOX-14 to RIOX-147.
 */
#ifndef STK_LWIP_EP_RIO_H
#define STK_LWIP_EP_RIO_H

#include "lwip/stk_ep_priv.h"

#include "ipc/rio_abi.h"
#include "stack/rio.h"

/** A request that was started: the stack's notes in its side entry (sends). */
struct rio_sent {
    union {
        struct pbuf_custom pbuf; /* datagrams by reference */
        struct {
            uint64_t at;    /* streams: position of the transmit FIFO that it stands before */
            uint32_t acked; /* bytes */
            uint32_t len;   /* bytes, as lwIP was given them */
        };
    };
    struct stk_ep_rio *rio;
    uint32_t index;
    uint32_t holds_first; /* number of the driver's hold that its first bytes would have had */
    uint32_t holds_last;  /* and of the first that cannot be its */
    int16_t status;       /* enum stk_err */
    uint8_t state;        /* enum rio_state */
};

_Static_assert(sizeof(struct rio_sent) <= 64, "it lives in a side entry");

enum rio_state {
    RIO_FREE = 0,
    RIO_SENT,  /* handed to lwIP, which may refer to its bytes */
    RIO_LEFT,  /* lwIP is through with it; drivers may not be */
    RIO_READY, /* to be completed after those before it */
};

/** One direction. */
struct rio_dir {
    struct stk_rio_entry_abi *entries;
    uint8_t *side;
    uint32_t mask;
    uint32_t side_mask;
    uint32_t generation;
    uint32_t next;      /* the first request that was not started (sends), or is to be filled (receives) */
    uint32_t seen;      /* committed as it was looked at last */
    uint32_t done;      /* requests completed */
    uint32_t filled;    /* bytes of the one at next: received, or handed to lwIP */
    uint32_t unacked;   /* streams, send: the first that was not acknowledged wholly */
    uintptr_t expected; /* send: where the next one's bytes may be, for programs go through a buffer slice by slice */
    struct stk_rio_cq_abi *cq;
};

/** A request pair; lives in the application's stk_rio_rq_abi.srv. */
struct stk_ep_rio {
    struct stk_ep_table *table;
    struct stk_ep *ep; /* NULL: its socket is closed */
    struct stk_rio_rq_abi *abi;
    struct rio_dir recv;
    struct rio_dir send;
    struct stk_ep_rio *retry_next;   /* the FIFO's lock was held: looked at again next turn */
    struct stk_ep_rio *waiting_next; /* sends that only drivers hold up */
    struct stk_ep_rio *waiting_prev;
    uint32_t id;
    bool retrying;
    bool waiting;
    bool watched;
    bool stream;
    bool ending; /* within stk_ep_rio_end */
    int32_t end; /* the socket's end: status of what is left */
};

_Static_assert(sizeof(struct stk_ep_rio) <= STK_RIO_SRV_BYTES, "it lives in the application's memory");

/** Pieces of registered memory that all drivers together may refer to; further ones are copied. */
#define STK_EP_RIO_HOLDS 16384u

/** A pair whose sends are looked at in each turn: its application need not say when it has committed some (edge Q). */
struct rio_watch {
    struct stk_ep_rio *rio;
    uint32_t looked; /* committed, as it was looked at last */
    uint32_t turn;   /* when there was something */
};

/** Pairs that are watched at a time: a look is one line of the application's, in the cache until it writes there. */
#define STK_EP_RIO_WATCHES 8u

/** Registered I/O of a table. */
struct stk_ep_rio_table {
    struct stk_rio_mem_abi *mems;
    struct stk_rio_cq_abi *dirty; /* written since the last flush */
    struct stk_ep_rio *retry;
    struct stk_ep_rio *waiting;
    struct rio_hold *holds; /* what drivers refer to, newest first */
    struct rio_hold *holds_free;
    struct rio_hold *pool;
    struct rio_piece *pieces; /* what the ports were told of */
    struct stk_ep_rio_fast *fast;
    uint32_t epoch;        /* grows when something changes that stk_ep_rio_fast.c remembers */
    uint32_t holds_fresh;  /* of the pool: never used from here on */
    uint32_t holds_number; /* given out so far, mod 2^32 */
    bool dropped;          /* since the last turn */
    bool watching;         /* each turn looks at these, the next turn comes soon */
    uint32_t watches_count;
    uint32_t watch_turn;
    struct rio_watch watches[STK_EP_RIO_WATCHES];
};

/** A piece of registered memory that a driver refers to. */
struct rio_hold {
    struct rio_hold *prev;
    struct rio_hold *next;
    uintptr_t at;
    uint32_t len;
    uint32_t number;
};

/** A side entry's notes. */
static inline struct rio_sent *rio_sent(const struct rio_dir *dir, uint32_t index)
{
    struct stk_rio_wish_abi *wish = (struct stk_rio_wish_abi *)(void *)(dir->side + (size_t)(index & dir->side_mask) *
                                                                                        STK_RIO_SIDE_BYTES);
    return (struct rio_sent *)(void *)wish->srv;
}

/** What a send with STK_RIO_WISHES asks for. */
static inline const struct stk_dgram_abi *rio_head(const struct rio_dir *dir, uint32_t index)
{
    return (const struct stk_dgram_abi *)(const void *)(dir->side +
                                                        (size_t)(index & dir->side_mask) * STK_RIO_SIDE_BYTES);
}

/**
 * The first request that was not started yet.
 *
 * @return  NULL: none; or the application damaged its index.
 */
static inline const struct stk_rio_entry_abi *rio_first(struct stk_ep_rio *rio, struct rio_dir *dir,
                                                        struct stk_rio_ring_abi *ring)
{
    if (dir->next == dir->seen) {
        /* The entry comes from another processor as committed does: they travel together. */
        __builtin_prefetch(&dir->entries[dir->next & dir->mask]);
        /* edge M, stack's end. */
        dir->seen = atomic_load_explicit(&ring->committed, memory_order_acquire);
        if (dir->next == dir->seen) {
            return NULL;
        }
        if (dir->seen - dir->done > dir->mask + 1) {
            rio->table->stats.bad_submissions++;
            dir->seen = dir->next;
            return NULL;
        }
    }
    return &dir->entries[dir->next & dir->mask];
}

static inline const struct stk_rio_entry_abi *stk_ep_rio_first_recv(struct stk_ep_rio *rio)
{
    return rio_first(rio, &rio->recv, &rio->abi->ring[STK_RIO_RECV]);
}

static inline const struct stk_rio_entry_abi *stk_ep_rio_first_send(struct stk_ep_rio *rio)
{
    struct rio_dir *send = &rio->send;
    if (send->next == send->seen) {
        __builtin_prefetch((const void *)send->expected);
    }
    const struct stk_rio_entry_abi *entry = rio_first(rio, send, &rio->abi->ring[STK_RIO_SEND]);
    if (entry != NULL) {
        send->expected = (uintptr_t)(entry->base + entry->len);
    }
    return entry;
}

/** The bytes of a request; NULL: it has none, or they are not where it says. */
static inline uint8_t *stk_ep_rio_bytes(const struct stk_rio_entry_abi *entry, bool *valid)
{
    const struct stk_rio_mem_abi *mem = (const struct stk_rio_mem_abi *)(uintptr_t)entry->mem;
    if (mem == NULL) {
        *valid = entry->len == 0;
        return NULL;
    }
    const uint64_t at = entry->base - mem->base;
    *valid = at <= mem->size && entry->len <= mem->size - at;
    return (uint8_t *)(uintptr_t)entry->base;
}

/* stk_ep_rio.c */

/** Write the completion of a direction's oldest request. extra: enum stk_rio_done_flag beside those of the request. */
void stk_ep_rio_complete(struct stk_ep_rio *rio, struct rio_dir *dir, int32_t status, uint32_t bytes, uint32_t extra);

/** Complete the sends that are ready, in order. Of a closed socket the pair may be the application's again after that. */
void stk_ep_rio_sends_complete(struct stk_ep_rio *rio);

/** Note the first send as started; next moves on. */
struct rio_sent *stk_ep_rio_send_start(struct stk_ep_rio *rio);

/** lwIP refers to the bytes of a started send no more: it completes when no driver does. */
void stk_ep_rio_send_left(struct stk_ep_rio *rio, uint32_t index, int32_t status);

/** Look at the FIFO again next turn. */
void stk_ep_rio_retry(struct stk_ep_rio *rio);

/* stk_ep_rio_mem.c */

/** Registered memory: mem->dma becomes 1 if drivers may refer to it. */
void stk_ep_rio_mem_add(struct stk_ep_table *table, struct stk_rio_mem_abi *mem);

/**
 * No request names it any more: from here on nothing refers to it, and it may be freed. Ports forget its pages when no frame
 * of another registration's refers to them. What was not known is ignored.
 */
void stk_ep_rio_mem_forget(struct stk_ep_table *table, const struct stk_rio_mem_abi *mem);

/** The table ends, the ports are closed. */
void stk_ep_rio_mem_end(struct stk_ep_table *table);

/* stk_ep_rio_fast.c: datagrams of flows that lwIP has seen */

size_t stk_ep_rio_fast_bytes(void);

/** Send as stk_ep_dgram_pbuf_send does, and remember how. */
err_t stk_ep_rio_fast_learn(struct stk_ep *ep, const struct stk_dgram_abi *record, struct pbuf *p);

/** Send the bytes of a request without wishes as those before; false: nothing happened, it is lwIP's. */
bool stk_ep_rio_fast_send(struct stk_ep *ep, const struct stk_rio_entry_abi *entry, const uint8_t *bytes);

/** lwIP has just delivered a datagram to a request: remember to whom. */
void stk_ep_rio_fast_delivered(struct stk_ep *ep, const struct stk_dgram_abi *record);

/* stk_ep_rio_watch.c */

/** It is not to be watched any more; what was committed before that is not looked at. */
void stk_ep_rio_watch_remove(struct stk_ep_rio *rio);

/* stk_ep_rio_recv.c */

/** The first receive, if it has room for a datagram of so many bytes and nothing queued comes first; else NULL. */
const struct stk_rio_entry_abi *stk_ep_rio_recv_first(struct stk_ep *ep, uint32_t bytes, uint8_t **to);

/** The bytes are there. record: looked at if the request wants to know. */
void stk_ep_rio_recv_finish(struct stk_ep *ep, const struct stk_rio_entry_abi *entry,
                            const struct stk_dgram_abi *record, uint32_t bytes);

/** Complete the receives that were posted: started ones, or with all = true those deferred too. */
void stk_ep_rio_recv_fail(struct stk_ep_rio *rio, int32_t status, bool all);

#endif
