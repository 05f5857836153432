/**
 * @file
 * Registered I/O: memory that an application and the stack's side share beside
 * the region. Fixed width, no pointers, 64-bit fields on 8 bytes. Types and
 * constants only.
 *
 * The application allocates all of it, so that it is as large as the program
 * asks. Addresses travel as 64-bit numbers: in process both sides see them at
 * one place. A service would keep rings of its own in the region, hand these
 * numbers out as names, and copy data through the region ("bounce"); nothing
 * here but the meaning of the 64-bit numbers would change.
 *
 * One cache line (64 bytes) has one writing side, unless its fields are named
 * as shared. "app" is the application's side, "stack" the stack's. Indices run
 * free, mod 2^32; the entry of index i is i mod slots.
 *
 * Memory-order edges, continuing those of channel_abi.h:
 *  M  request: app writes the entry, then stores submitted (release). To start
 *     it it moves committed up (seq_cst read-modify-write); the stack loads
 *     committed (acquire), then reads the entry. A receive's poster looks at
 *     the socket's state and FIFO after that (seq_cst) and kicks (edge I) if
 *     they are not empty; the stack, after E and J, looks at committed (seq_cst).
 *  N  completion: stack writes the entry and the request's side entry, then
 *     stores seq (release); app loads seq (acquire) until it is the expected
 *     one. The entry is free for reuse when the app took it: what may be
 *     outstanding is bounded by the charges.
 *  O  request's entry free: who takes stores taken (release; the app's own
 *     memory), who posts loads it (acquire).
 *  P  arming: app exchanges armed to STK_RIO_ARMED (seq_cst), then looks at
 *     ordinary. Stack, after N, does a seq_cst read-modify-write of flushes,
 *     then loads armed (seq_cst).
 *  Q  watching: app moves the sends' committed up (seq_cst
 *     read-modify-write), then loads watched (seq_cst); unless it is 1 it
 *     kicks (edge I). Stack looks at committed in each turn while watched is 1,
 *     and once more (seq_cst) after it stored 0 (seq_cst), before it may sleep.
 */
#ifndef STACK_IPC_RIO_ABI_H
#define STACK_IPC_RIO_ABI_H

#include "ipc/channel_abi.h"

#define STK_RIO_ABI_VERSION 1u
#define STK_RIO_DIRS_ABI 2
#define STK_RIO_SIDE_BYTES 128u /* of a side entry: receives: struct stk_msg_info; sends: struct stk_rio_wish_abi */
#define STK_RIO_SRV_BYTES 448u  /* what the stack keeps for a pair of request rings */

/** STK_SUB_RIO: arg[0]; value: the address of the structure named. */
enum stk_rio_op {
    STK_RIO_OP_MEM_ADD = 1, /* struct stk_rio_mem_abi */
    STK_RIO_OP_MEM_DROP,    /* likewise; no request names it */
    STK_RIO_OP_CQ_RESIZE,   /* struct stk_rio_cq_abi, ring, slots and head being the new ones */
    STK_RIO_OP_CQ_CLOSE,    /* likewise: never written again */
    STK_RIO_OP_CQ_LOOK,     /* likewise: armed and not empty; the reply is ignored */
    STK_RIO_OP_RQ_OPEN,     /* struct stk_rio_rq_abi, of the submission's socket */
    STK_RIO_OP_RQ_RESIZE,   /* struct stk_rio_rq_abi, places being the new ones */
};

/** Registered memory. */
struct stk_rio_mem_abi {
    /* line 0, app; constant from MEM_ADD to the end */
    _Alignas(STK_ABI_LINE) uint64_t base;
    uint64_t size; /* bytes */
    uint64_t reserved0[6];
    /* line 1, stack */
    _Alignas(STK_ABI_LINE) uint64_t next; /* in the stack's list */
    uint32_t dma;                         /* every port that takes external memory knows it */
    uint32_t reserved1;
    uint64_t reserved2[6];
};

_Static_assert(sizeof(struct stk_rio_mem_abi) == 128, "layout");

/** A request. Written by the app before edge M. */
struct stk_rio_entry_abi {
    _Alignas(STK_ABI_LINE) uint64_t base; /* address */
    uint64_t mem;                         /* address of its struct stk_rio_mem_abi; 0: len is 0 */
    uint64_t fifo;  /* sends: the transmit FIFO's tx_tail at posting: what lies before it goes first */
    uint32_t len;   /* bytes */
    uint32_t flags; /* enum stk_rio_flag */
    uint32_t reserved0[2];
    struct stk_addr to; /* datagrams, send; family 0: the peer */
};

_Static_assert(sizeof(struct stk_rio_entry_abi) == 64, "one line an entry");

/** Beside a send. */
struct stk_rio_wish_abi {
    /* line 0, app: with STK_RIO_WISHES what would stand before the datagram in the FIFO */
    _Alignas(STK_ABI_LINE) struct stk_dgram_abi head;
    /* line 1, stack: its own notes on the request */
    _Alignas(STK_ABI_LINE) uint8_t srv[64];
};

_Static_assert(sizeof(struct stk_rio_wish_abi) == STK_RIO_SIDE_BYTES, "layout");

/** Where the rings of one direction lie. */
struct stk_rio_place_abi {
    uint64_t entries;    /* address: slots of struct stk_rio_entry_abi */
    uint64_t side;       /* address: side_slots of STK_RIO_SIDE_BYTES */
    uint32_t slots;      /* a power of two */
    uint32_t side_slots; /* a power of two; receives: twice as many, so that what was taken may still be read */
    uint32_t generation; /* grows with each resize; comes back in completions */
    uint32_t reserved;
};

_Static_assert(sizeof(struct stk_rio_place_abi) == 32, "layout");

/** The indices of one direction. */
struct stk_rio_ring_abi {
    /* line 0, app */
    _Alignas(STK_ABI_LINE) STK_U32 submitted; /* requests ever posted */
    STK_U32 committed;                        /* those that may start; poster and stk_rio_commit: only upwards */
    uint32_t reserved0[14];
    /* line 1, stack */
    _Alignas(STK_ABI_LINE) STK_U32 completed; /* requests ever completed */
    uint32_t reserved1[15];
};

_Static_assert(sizeof(struct stk_rio_ring_abi) == 128, "layout");

/** A pair of request rings: enum stk_rio_dir is the index. */
struct stk_rio_rq_abi {
    /* line 0, app; constant from RQ_OPEN on */
    _Alignas(STK_ABI_LINE) uint64_t cq[STK_RIO_DIRS_ABI]; /* addresses */
    uint32_t id;                                          /* in completions */
    uint32_t version;                                     /* STK_RIO_ABI_VERSION */
    uint64_t reserved0[5];
    /* line 1, app; changed between calls of RQ_RESIZE only */
    _Alignas(STK_ABI_LINE) struct stk_rio_place_abi place[STK_RIO_DIRS_ABI];
    struct stk_rio_ring_abi ring[STK_RIO_DIRS_ABI];
    /* stack */
    _Alignas(STK_ABI_LINE) STK_U32 detached; /* 1: the stack will not touch any of it again */
    STK_U32 watched;                         /* 1: the stack looks at the sends without being kicked (edge Q) */
    uint32_t reserved1[14];
    _Alignas(STK_ABI_LINE) uint8_t srv[STK_RIO_SRV_BYTES];
};

_Static_assert(offsetof(struct stk_rio_rq_abi, place) == 64, "layout");
_Static_assert(offsetof(struct stk_rio_rq_abi, ring) == 128, "layout");
_Static_assert(offsetof(struct stk_rio_rq_abi, detached) == 384, "layout");
_Static_assert(offsetof(struct stk_rio_rq_abi, srv) == 448, "layout");

/** Flags of a completion. */
enum stk_rio_done_flag {
    STK_RIO_DONE_SEND = 1u << 0,  /* else a receive */
    STK_RIO_DONE_INFO = 1u << 1,  /* the side entry is filled in */
    STK_RIO_DONE_QUIET = 1u << 2, /* STK_RIO_DONT_NOTIFY */
};

struct stk_rio_done_abi {
    STK_U32 seq; /* position in the queue less base, and 1: edge N */
    int32_t status;
    uint32_t bytes;
    uint32_t rq;    /* its id */
    uint32_t index; /* of the request, in its direction: they complete in order */
    uint32_t flags; /* enum stk_rio_done_flag */
    uint32_t generation;
    uint32_t reserved;
};

_Static_assert(sizeof(struct stk_rio_done_abi) == 32, "two entries a line");

enum stk_rio_arm { STK_RIO_IDLE = 0, STK_RIO_ARMED = 1, STK_RIO_FIRED = 2 /* on its way to the dispatcher */ };

/** A completion queue. */
struct stk_rio_cq_abi {
    /* line 0, app; changed between calls only */
    _Alignas(STK_ABI_LINE) uint64_t ring; /* address: slots of struct stk_rio_done_abi, zero behind what is queued */
    uint32_t slots;                       /* a power of two */
    uint32_t head;                        /* CQ_RESIZE: what was taken so far; the base of seq from then on */
    uint32_t id;                          /* < STK_RIO_CQS_MAX: in the event queue as socks_count + id */
    uint32_t reserved0[11];
    /* line 1, stack */
    _Alignas(STK_ABI_LINE) uint64_t srv_ring;
    uint64_t srv_next; /* in the list of those written since the last flush */
    uint32_t srv_mask;
    uint32_t srv_base;
    uint32_t tail;    /* position of the next completion */
    STK_U32 ordinary; /* completions ever written that are not quiet */
    uint32_t srv_listed;
    uint32_t srv_closed;
    STK_U32 flushes;   /* edge P */
    uint32_t srv_told; /* ordinary at the last look at armed */
    uint32_t reserved1[4];
    /* line 2, shared */
    _Alignas(STK_ABI_LINE) STK_U32 armed; /* enum stk_rio_arm: app to ARMED, stack to FIRED, dispatcher to IDLE */
    STK_U32 event_queued;                 /* 1 while an entry is in the event queue */
    uint32_t reserved2[14];
};

_Static_assert(offsetof(struct stk_rio_cq_abi, srv_ring) == 64, "layout");
_Static_assert(offsetof(struct stk_rio_cq_abi, armed) == 128, "layout");
_Static_assert(sizeof(struct stk_rio_cq_abi) == 192, "layout");

#endif
