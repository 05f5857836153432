/**
 * @file
 * Registered I/O on the application's side: what lies behind the handles of
 * stack/rio.h. Objects are made and ended under the client's rio lock; the data
 * path takes none.
 *
 * A request queue outlives its socket until every completion was taken and the
 * stack has let go; a completion queue until no request queue names it; memory
 * until no request does. What waits for that is looked at by each control call.
 */
#ifndef STACK_CORE_CLIENT_RIO_H
#define STACK_CORE_CLIENT_RIO_H

#include "core/client_priv.h"

#include "ipc/rio_abi.h"
#include "stack/rio.h"

#define CLIENT_RIO_RQS_BITS 10u /* request queues a page of the table */
#define CLIENT_RIO_RQS_PAGE (1u << CLIENT_RIO_RQS_BITS)
#define CLIENT_RIO_RQS_PAGES 1024u

/** The caller's words of a request. */
struct rio_words {
    uint64_t context;
    uint64_t cookie;
};

/** The memory of one direction; a resize makes another, and completions say which one is meant. */
struct rio_ring {
    struct stk_rio_entry_abi *entries;
    uint8_t *side;
    struct rio_words *words;
    uint32_t mask;
    uint32_t side_mask;
    uint32_t generation;
    uint32_t last; /**< submitted when it was replaced */
    size_t bytes;  /**< of the block that this stands at the beginning of */
    struct rio_ring *older;
};

/** One direction. */
struct rio_half {
    /* written by who posts */
    _Alignas(STK_ABI_LINE) struct rio_ring *_Atomic ring;
    struct stk_rio_ring_abi *abi;
    struct stk_rio_cq *cq;
    uint32_t submitted; /**< = abi->submitted */
    uint32_t max;
    uint32_t plain_mask;   /**< bits of the socket's state that tell whether a plain request may be posted */
    uint32_t plain_wanted; /**< what they are then */
    STK_U32 shut;          /**< its socket or completion queue is closed */
    /* written by who takes */
    _Alignas(STK_ABI_LINE) STK_U32 taken;
};

struct stk_rio_rq {
    struct rio_half half[STK_RIO_DIRS];
    struct stk_client *client;
    struct stk_sock *sock; /**< valid while closed is 0 */
    const struct stk_sock_abi *sock_abi;
    const struct stk_region_abi *region_abi;
    struct stk_rio_rq_abi *abi;
    struct stk_rio_rq *next;
    uint64_t cookie;
    uint32_t id;
    bool stream;
    bool uncharged; /**< its charges were returned */
    bool resting;   /**< all was taken: its memory goes with the next take */
    STK_U32 closed;
    struct stk_addr to_seen; /**< the last destination that was found reachable */
    uint32_t to_seq;         /**< ifs_seq then; odd: none */
    uint32_t to_broadcast;   /**< STK_OPT_BROADCAST then */
    uint32_t takes;          /**< of the receives' queue when it began to rest */
};

struct stk_rio_cq {
    struct stk_rio_cq_abi *abi;
    struct stk_client *client;
    struct stk_rio_done_abi *ring;
    uint32_t mask;
    uint32_t base;
    uint32_t head;
    STK_U32 ordinary_taken;
    STK_U32 takes; /**< so often was something taken: the info of those before is not looked at any more */
    STK_U32 closed;
    bool damaged;
    uint32_t id;
    uint64_t cookie;
    /* under the rio lock */
    size_t ring_bytes;
    uint32_t entries;
    uint32_t charged;
    uint32_t attached; /**< directions of request queues */
    struct stk_rio_cq *next;
};

struct stk_rio_mem {
    struct stk_rio_mem_abi *abi;
    struct stk_client *client;
    struct stk_rio_mem *next;
    bool removed;
    bool pinned;
};

/** A number of a completion queue. What the dispatcher looks at stays when the queue goes. */
struct client_rio_slot {
    struct stk_rio_cq_abi *_Atomic abi; /**< kept for the number's next queue */
    STK_U64 cookie;
    bool used;
};

/** Of a client; made with its first object. */
struct client_rio {
    struct stk_rio_rq *_Atomic *_Atomic pages[CLIENT_RIO_RQS_PAGES];
    struct client_rio_slot cqs[STK_RIO_CQS_MAX];
    struct stk_rio_rq *rqs;
    struct stk_rio_cq *cqs_closed; /**< that request queues still name */
    STK_U32 lock;
    struct stk_rio_mem *mems; /**< those removed too, while requests name them */
    uint32_t rqs_end;         /**< numbers ever used */
};

/** The request queue of a number that a completion names; NULL: none. Context: who takes. */
static inline struct stk_rio_rq *client_rio_rq(const struct client_rio *rio, uint32_t id)
{
    if (id >> CLIENT_RIO_RQS_BITS >= CLIENT_RIO_RQS_PAGES) {
        return NULL;
    }
    struct stk_rio_rq *_Atomic *page = atomic_load_explicit(&rio->pages[id >> CLIENT_RIO_RQS_BITS],
                                                            memory_order_acquire);
    return page == NULL ? NULL : atomic_load_explicit(&page[id % CLIENT_RIO_RQS_PAGE], memory_order_acquire);
}

/** Whose memory a request is about. Written by who posts, looked at by who ends memory meanwhile. */
static inline uint64_t client_rio_entry_mem(const struct stk_rio_entry_abi *entry)
{
    return __atomic_load_n(&entry->mem, __ATOMIC_RELAXED);
}

static inline void client_rio_entry_mem_set(struct stk_rio_entry_abi *entry, uint64_t mem)
{
    __atomic_store_n(&entry->mem, mem, __ATOMIC_RELAXED);
}

/** Requests that were posted and not taken. */
static inline uint32_t client_rio_outstanding(const struct rio_half *half)
{
    return half->submitted - atomic_load_explicit(&half->taken, memory_order_acquire);
}

/** The engine answers no more: complete what is outstanding of a closed socket. Context: who closes. */
void stk_client_rio_sock_lost(struct stk_rio_rq *rq);

/** End everything; the engine rests or is gone. */
void stk_client_rio_end(struct stk_client *client);

/** An event of completion queue number id; false: nothing that the dispatcher should see. Context: the dispatcher. */
bool stk_client_rio_event(struct stk_client *client, uint32_t id, struct stk_event *event);

/** One call of the stack for an object. */
int stk_client_rio_call(struct stk_client *client, struct stk_sock *sock, enum stk_rio_op op, const void *object);

/* client_rio_linux.c, client_rio_windows.c */

/** Bytes of a page. */
size_t stk_client_os_page(void);

/** Keep pages in memory, as far as the system lets. @return false: it does not. */
bool stk_client_os_pin(void *base, size_t len);
void stk_client_os_unpin(void *base, size_t len);

/** Zeroed memory, aligned to STK_ABI_LINE, touched when used; freed with stk_client_os_zero_free. NULL: none. */
void *stk_client_os_zero(size_t bytes);
void stk_client_os_zero_free(void *base, size_t bytes);

#endif
