/**
 * @file
 * The channel's shared memory: what an application's side and the stack's side
 * of one engine both see. Fixed width, no pointers, 64-bit fields on 8 bytes;
 * the same bytes serve a thread of this process, another process and a PE
 * program. Types and constants only.
 *
 * One cache line (64 bytes) has one writing side, unless its fields are named
 * as shared. "app" is the application's side, "stack" the stack's.
 *
 * Memory-order edges (letters are cited at both ends in the code):
 *  A  submission: app writes the entry, then exchanges its op (seq_cst), whose
 *     upper half is the lap of the ring, so that entry and news are one line;
 *     stack loads op (acquire) until the lap is the expected one, then reads on.
 *  B  submission slot free: stack stores sub_head (release) after copying;
 *     app loads sub_head (acquire) before overwriting.
 *  C  reply: stack writes the entry, then exchanges rep_tail (seq_cst); app
 *     loads rep_tail (acquire). The app's rep_head goes back by release/acquire.
 *  D  stack asleep: stack sets stack_sleeping (seq_cst exchange), looks at all
 *     rings again, then sleeps on stack_bell. App: after A, loads
 *     stack_sleeping (seq_cst); if set, exchanges it to 0, and who found it set
 *     adds to stack_bell and wakes.
 *  E  receive data: stack writes chunk bytes and slots, stores rx_tail
 *     (release); app loads rx_tail (acquire), reads.
 *  F  receive room: app has finished reading, stores rx_head (release); stack
 *     loads rx_head (acquire) before it reuses the space.
 *  G  transmit data: app writes chunk bytes and slots, stores tx_tail
 *     (release); stack loads tx_tail (acquire).
 *  H  transmit room: stack no longer needs the bytes, stores tx_head (release);
 *     app loads tx_head (acquire).
 *  I  kick: app, after G (or F), exchanges kicked to 1 (seq_cst) and submits
 *     STK_SUB_KICK only if it was 0. Stack exchanges kicked to 0 (seq_cst)
 *     before it loads tx_tail and rx_head.
 *  J  readiness: stack changes state words or E/H, then adds to event_count
 *     (seq_cst), then loads wait_mask and armed (seq_cst). App sets its bit in
 *     wait_mask (or armed) with a seq_cst read-modify-write, then looks at the
 *     state again, then sleeps.
 *  K  waiter: stack adds to waiter.word (seq_cst), exchanges waiter.sleeping
 *     to 0 (seq_cst), wakes if it was set. App sets sleeping (seq_cst exchange), looks
 *     again, waits while word is unchanged.
 *  L  event queue: stack writes the entry, exchanges event_tail (seq_cst),
 *     loads event_sleeping (seq_cst); if set, exchanges it to 0 and wakes.
 *     Dispatcher sets event_sleeping (seq_cst exchange), looks again, sleeps
 *     while it is 1. Another thread that takes events meanwhile exchanges it to
 *     0, then looks; on leaving to 1, then looks. event_queued: stack exchanges it to 1 after the state
 *     change and pushes if it was 0; dispatcher moves event_head on, exchanges
 *     it to 0 (seq_cst), then looks at the state.
 */
#ifndef STACK_IPC_CHANNEL_ABI_H
#define STACK_IPC_CHANNEL_ABI_H

#include "stack/addr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STK_ABI_MAGIC UINT64_C(0x4c574b5453316e69)
#define STK_ABI_VERSION 1u

#define STK_ABI_LINE 64
#define STK_RINGS_MAX 64      /* bits of rings_active */
#define STK_RING_SLOTS 64     /* entries a ring, a power of two */
#define STK_WAITERS 64        /* bits of wait_mask */
#define STK_CHUNK_SIZE 16384u /* bytes, a power of two */
#define STK_CHUNK_NONE UINT32_MAX
#define STK_FIFO_SLOTS 128u /* chunks a FIFO can span, a power of two */
/** Largest FIFO fill: the first and the last chunk may both be partial. */
#define STK_FIFO_MAX ((STK_FIFO_SLOTS - 1u) * STK_CHUNK_SIZE)
#define STK_IFS_MAX 18 /* loopback and ports */
#define STK_IF_ADDRS_MAX 18
#define STK_RIO_CQS_MAX 4096u /* completion queues of rio_abi.h */

#define STK_U32 _Atomic uint32_t
#define STK_U64 _Atomic uint64_t
#define STK_I32 _Atomic int32_t

/* --- Submissions and replies -------------------------------------------- */

enum stk_sub_op {
    STK_SUB_KICK = 1, /* no reply: look at the socket's FIFOs and armed bits */
    STK_SUB_OPEN,     /* arg: family, type, protocol; value: cookie. Reply: sock, generation */
    STK_SUB_BIND,     /* addr */
    STK_SUB_LISTEN,   /* arg[0]: backlog */
    STK_SUB_CONNECT,  /* addr */
    STK_SUB_SHUTDOWN, /* arg[0]: enum stk_shutdown bits */
    STK_SUB_CLOSE,    /* no reply; arg[0]: enum stk_close_mode */
    STK_SUB_OPT_SET,  /* arg[0]: enum stk_opt, arg[1]: bytes; data */
    STK_SUB_OPT_GET,  /* arg[0]: enum stk_opt. Reply: arg[0] value */
    STK_SUB_ROUTE, /* addr, arg[0]: interface, 0: any. Reply: addr = local, arg: interface, MTU of path, of interface */
    STK_SUB_DETACH,    /* reset every open socket; arg[0]: drain time in ms. Reply when done or expired */
    STK_SUB_AUTOBIND,  /* addr: a destination; bind an unbound socket where it is reached from */
    STK_SUB_MCAST_SET, /* data: struct stk_mcast_filter_abi */
    STK_SUB_MCAST_GET, /* likewise; mode and count of what there is: reply's arg[0], arg[1]; sources into the chunk */
    STK_SUB_ADMIT,     /* answer the SYN of a connection that is held back */
    STK_SUB_PORTS,     /* arg: enum stk_ports_op, first, count; value: token. Reply: arg[0]: first; value: token */
    STK_SUB_INFO,      /* arg[0]: enum stk_info_kind, arg[1]: a chunk of the asker's, which the stack writes */
    STK_SUB_RIO,       /* arg[0]: enum stk_rio_op of rio_abi.h, value: an address */
    STK_SUB_STAMP,     /* arg[0]: enum stk_stamp_op, arg[1]. Reply: value */
};

/** STK_SUB_STAMP: times of datagrams that were sent. */
enum stk_stamp_op {
    STK_STAMP_BUFFER = 1, /* arg[1]: times that are kept, 0: none */
    STK_STAMP_TAKE,       /* arg[1]: id */
};

/** STK_SUB_PORTS: reservations of ports. */
enum stk_ports_op {
    STK_PORTS_ACQUIRE = 1, /* first, 0: any; count */
    STK_PORTS_ASSOCIATE,   /* token */
    STK_PORTS_RELEASE,     /* token */
};

/** What STK_SUB_INFO asks for: a structure of stack/tcp_info.h, at the chunk's first byte. */
enum stk_info_kind {
    STK_INFO_TCP = 1, /* struct stk_tcp_info */
    STK_INFO_ICMP,    /* struct stk_icmp_info */
};

struct stk_sub_abi {
    uint32_t op;         /* enum stk_sub_op; in the ring: lap << 16 | op, see edge A */
    uint32_t sock;       /* index; ignored for OPEN, ROUTE, DETACH */
    uint32_t generation; /* of the socket; a stale one is answered STK_ENOTSOCK */
    uint32_t seq;        /* comes back in the reply */
    union {
        struct {
            struct stk_addr addr;
            uint32_t arg[4];
            uint64_t value;
        };
        struct {
            uint32_t opt_arg[2];
            uint8_t data[40];
        };
    };
};

/** A multicast filter. The chunk is the app's: 16 bytes for each source. */
struct stk_mcast_filter_abi {
    struct stk_addr group;
    uint32_t if_index;
    uint32_t mode;  /* enum stk_mcast_filter_mode */
    uint32_t count; /* sources in the chunk; get: that there is room for */
    uint32_t chunk; /* count 0: ignored */
};

_Static_assert(sizeof(struct stk_mcast_filter_abi) == 40, "it travels as an option's value does");

struct stk_rep_abi {
    uint32_t seq;
    int32_t result; /* enum stk_err */
    uint32_t sock;
    uint32_t generation;
    struct stk_addr addr;
    uint32_t arg[4];
    uint64_t value;
};

_Static_assert(sizeof(struct stk_sub_abi) == 64, "one line an entry");
_Static_assert(offsetof(struct stk_sub_abi, addr) == 16, "layout");
_Static_assert(offsetof(struct stk_sub_abi, arg) == 40, "layout");
_Static_assert(offsetof(struct stk_sub_abi, value) == 56, "layout");
_Static_assert(offsetof(struct stk_sub_abi, data) == 24, "layout");
_Static_assert(sizeof(struct stk_rep_abi) == 64, "one line an entry");

/** The rings of one application thread. */
struct stk_ring_abi {
    /* app */
    _Alignas(STK_ABI_LINE) STK_U32 sub_tail; /* app's own: the stack follows the laps */
    STK_U32 rep_head;
    STK_U32 sub_head_seen; /* app's last look at sub_head */
    STK_U32 rep_sleeping;  /* app sleeps on rep_tail */
    STK_U32 owner;         /* thread id, 0: free; claimed by compare and swap */
    /* stack */
    _Alignas(STK_ABI_LINE) STK_U32 sub_head;
    STK_U32 rep_tail;
    _Alignas(STK_ABI_LINE) struct stk_sub_abi sub[STK_RING_SLOTS];
    struct stk_rep_abi rep[STK_RING_SLOTS];
};

_Static_assert(offsetof(struct stk_ring_abi, sub_head) == 64, "layout");
_Static_assert(offsetof(struct stk_ring_abi, sub) == 128, "layout");
_Static_assert(sizeof(struct stk_ring_abi) == 128 + 2 * 64 * STK_RING_SLOTS, "layout");

/* --- Sockets --------------------------------------------------------------- */

/** Bits of stk_sock_abi.state; written by the stack only. */
enum stk_state_bit {
    STK_ST_OPEN = 1u << 0,
    STK_ST_BOUND = 1u << 1,
    STK_ST_LISTEN = 1u << 2,
    STK_ST_CONNECTING = 1u << 3,
    STK_ST_CONNECTED = 1u << 4, /* handshake done, or datagram peer set */
    STK_ST_FAILED = 1u << 5,    /* last connect failed; cleared by the next */
    STK_ST_EOF = 1u << 6,       /* FIN received; nothing follows rx_tail */
    STK_ST_ENDED = 1u << 7,     /* connection gone by error; end_error says why */
    STK_ST_TX_SHUT = 1u << 8,   /* FIN queued after tx_tail as it was then */
    STK_ST_RX_SHUT = 1u << 9,
    STK_ST_DRAINED = 1u << 10, /* FIN sent and acknowledged */
    STK_ST_OOBINLINE = 1u << 11,
    STK_ST_HELD = 1u << 12, /* its SYN is not answered, or the handshake is not through; kept when it ends so */
};

/** Bits of stk_sock_abi.app_flags; written by the app only. */
enum stk_app_flag {
    STK_APP_CANCELLED = 1u << 0,
    STK_APP_STARVED = 1u << 1, /* the last send found the chunk pool empty */
};

/**
 * One socket. Slots are taken and given back by the stack; the app uses one
 * from the OPEN reply (or accept) until it submits CLOSE.
 */
struct stk_sock_abi {
    /* line 0, stack; addresses under addr_seq (even: stable) */
    _Alignas(STK_ABI_LINE) STK_U32 state;
    STK_U32 generation;
    STK_I32 end_error; /* why the connection ended, or the connect failed */
    STK_U32 addr_seq;
    _Atomic uint16_t family; /* these three may be read while the slot is taken for another socket */
    _Atomic uint8_t type;
    _Atomic uint8_t protocol;
    uint32_t instance; /* UINT32_MAX: not yet chosen */
    STK_U32 rx_limit;  /* bytes the receive FIFO may hold */
    STK_U32 tx_limit;  /* bytes the transmit FIFO may hold */
    uint32_t backlog;
    STK_U32 isb; /* streams: bytes that are best kept queued for sending, as last told */
    uint32_t reserved0[6];
    /* line 1, stack, under addr_seq */
    _Alignas(STK_ABI_LINE) struct stk_addr local;
    struct stk_addr peer;
    uint64_t reserved1[2];
    /* line 2, shared: readiness */
    _Alignas(STK_ABI_LINE) STK_U32 event_count; /* stack adds */
    STK_U32 armed;                              /* enum stk_ready bits; app sets, dispatcher clears */
    STK_U64 wait_mask;                          /* bit: waiter slot; app sets and clears */
    STK_U32 event_queued;                       /* 1 while an entry for this slot is in the event queue */
    STK_I32 error;                              /* pending error; stack sets, app takes by exchange */
    STK_U32 rx_dropped;                         /* datagrams that found the FIFO full; stack adds */
    uint32_t reserved2a;
    uint64_t reserved2[4];
    /* line 3, stack */
    _Alignas(STK_ABI_LINE) STK_U64 rx_tail;
    STK_U32 rx_records; /* datagrams ever queued, mod 2^32 */
    STK_U32 rx_want;    /* nonzero: kick when rx_head passed this many bytes since the last kick */
    STK_U64 rx_urgent;  /* streams: ipc/urgent.h; stored before the rx_tail that reaches its mark */
    uint64_t reserved3[5];
    /* line 4, app; rx_lock held by the reader */
    _Alignas(STK_ABI_LINE) STK_U64 rx_head;
    STK_U32 rx_lock;
    STK_U32 rx_records_read;
    STK_U64 rx_kick_head;     /* rx_head at the last kick for room */
    STK_U64 rx_payload_read;  /* payload bytes ever read (datagrams) */
    STK_U64 rx_urgent_passed; /* rx_urgent as it was when its mark was passed */
    STK_U32 rx_urgent_read;   /* number of the last urgent byte that was read */
    uint32_t reserved4a;
    STK_U64 rx_posted; /* while rx_limit is 0: position up to which buffers wait; datagrams: records that may come */
    uint64_t reserved4;
    /* line 5, app; tx_lock held by the writer */
    _Alignas(STK_ABI_LINE) STK_U64 tx_tail;
    STK_U32 tx_lock;
    STK_U32 app_flags;
    STK_U64 cookie;
    STK_U32 kicked;       /* beside tx_tail: both change hands in one transfer of the line */
    STK_U32 isb_seen;     /* the isb whose change is waited for; 0: nobody waits */
    STK_U64 tx_head_seen; /* app's last look at tx_head; under tx_lock */
    STK_U64 tx_urgent;    /* position behind the last urgent byte, 0: none; stored before the tx_tail that reaches it */
    uint64_t reserved5[2];
    /* line 6, stack */
    _Alignas(STK_ABI_LINE) STK_U64 tx_head;
    STK_U64 rx_payload; /* payload bytes ever queued (datagrams) */
    uint64_t reserved6[6];
    /* slot tables: producer stores an index, consumer stores STK_CHUNK_NONE when it passed the chunk */
    _Alignas(STK_ABI_LINE) STK_U32 rx_slots[STK_FIFO_SLOTS];
    STK_U32 tx_slots[STK_FIFO_SLOTS];
};

_Static_assert(offsetof(struct stk_sock_abi, local) == 64, "layout");
_Static_assert(offsetof(struct stk_sock_abi, event_count) == 128, "layout");
_Static_assert(offsetof(struct stk_sock_abi, wait_mask) == 136, "layout");
_Static_assert(offsetof(struct stk_sock_abi, rx_tail) == 192, "layout");
_Static_assert(offsetof(struct stk_sock_abi, rx_head) == 256, "layout");
_Static_assert(offsetof(struct stk_sock_abi, tx_tail) == 320, "layout");
_Static_assert(offsetof(struct stk_sock_abi, tx_head) == 384, "layout");
_Static_assert(offsetof(struct stk_sock_abi, rx_slots) == 448, "layout");
_Static_assert(offsetof(struct stk_sock_abi, tx_slots) == 960, "layout");
_Static_assert(sizeof(struct stk_sock_abi) == 1472, "layout");

/**
 * Head of a datagram in a FIFO; payload_bytes follow, then padding to 8 bytes.
 * Transmit: addr = destination (family 0: the connected peer); flags say which of local, if_index, ttl and tos are
 * wishes for this one (enum stk_tx_wish).
 * Receive: addr = source, local = destination.
 */
struct stk_dgram_abi {
    uint32_t payload_bytes;
    uint32_t if_index;
    struct stk_addr addr;
    union {
        struct stk_addr local;
        struct { /* receive, with STK_MSG_STAMP: family and scope are addr's, the port is the socket's */
            uint64_t stamp_ns;
            uint8_t local_ip[16];
        };
    };
    uint8_t ttl;
    uint8_t tos;
    uint8_t flags;  /* enum stk_msg_flag; transmit: enum stk_tx_wish */
    uint8_t ecn;    /* transmit: 0..3 */
    uint32_t extra; /* transmit: STK_TX_CUT: bytes of each datagram; STK_TX_STAMP: id */
};

_Static_assert(sizeof(struct stk_dgram_abi) == 64, "layout");
_Static_assert(offsetof(struct stk_dgram_abi, ttl) == 56, "layout");
_Static_assert(offsetof(struct stk_dgram_abi, local_ip) == offsetof(struct stk_dgram_abi, local.ip), "layout");

#define STK_DGRAM_SIZE(payload) (sizeof(struct stk_dgram_abi) + (((uint64_t)(payload) + 7u) & ~UINT64_C(7)))

enum stk_tx_wish {
    STK_TX_FROM = 1,
    STK_TX_IF = 2,
    STK_TX_TTL = 4,
    STK_TX_TOS = 8,
    STK_TX_ECN = 16,
    STK_TX_CUT = 32,   /* the payload is that of several datagrams */
    STK_TX_STAMP = 64, /* keep the time; not with STK_TX_CUT */
};

/** Payloads of all datagrams that one record is cut into. */
#define STK_DGRAM_CUT_MAX 65527u

/** A connection waiting for accept, in the listener's receive FIFO. */
struct stk_pending_abi {
    uint32_t sock;
    uint32_t generation;
};

_Static_assert(sizeof(struct stk_pending_abi) == 8, "layout");

/* --- The region ------------------------------------------------------------ */

enum stk_engine_state {
    STK_ENGINE_STARTING = 0,
    STK_ENGINE_RUNNING = 1,
    STK_ENGINE_PARKED = 2,
    STK_ENGINE_LOST = 3,
};

struct stk_waiter_abi {
    _Alignas(STK_ABI_LINE) STK_U32 word;
    STK_U32 sleeping;
    STK_U32 owner; /* thread id, 0: free */
    uint32_t reserved[13];
};

_Static_assert(sizeof(struct stk_waiter_abi) == 64, "layout");

struct stk_if_abi {
    char name[32];
    uint32_t if_index;
    uint32_t mtu;
    uint32_t up;
    uint32_t loopback;
    uint8_t mac[6];
    uint8_t mac_set;
    uint8_t reserved;
    uint32_t addrs_count;
    uint32_t instance;
    struct {
        uint16_t family;
        uint16_t prefix_len;
        uint8_t ip[16];
    } addrs[STK_IF_ADDRS_MAX];
};

_Static_assert(sizeof(struct stk_if_abi) == 64 + 20 * STK_IF_ADDRS_MAX, "layout");

struct stk_region_abi {
    /* line 0: set before the region is shown to anybody, then constant */
    _Alignas(STK_ABI_LINE) uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t region_bytes;
    uint64_t rings_offset;  /* STK_RINGS_MAX of struct stk_ring_abi */
    uint64_t socks_offset;  /* socks_count of struct stk_sock_abi */
    uint64_t events_offset; /* events_slots of uint32_t: socket indices; from socks_count on completion queues */
    uint64_t next_offset;   /* chunks_count of uint32_t: free list links */
    uint64_t chunks_offset; /* chunks_count * STK_CHUNK_SIZE, page aligned */
    /* line 1: constant */
    _Alignas(STK_ABI_LINE) uint32_t socks_count;
    uint32_t chunks_count;
    uint32_t events_slots; /* a power of two >= socks_count + STK_RIO_CQS_MAX */
    uint32_t rcvbuf_bytes; /* defaults for new sockets */
    uint32_t sndbuf_bytes;
    int32_t app_spin_us; /* -1 endless, -2 adaptive */
    uint64_t reserved1[5];
    /* line 2, stack */
    _Alignas(STK_ABI_LINE) STK_U32 engine_state;
    STK_U32 ifs_seq; /* even: ifs is stable */
    STK_U32 ifs_count;
    STK_U32 stack_sleeping;
    STK_U32 net_changes; /* of ifs, counted; the dispatcher is woken */
    uint32_t reserved2a;
    uint64_t reserved2[5];
    /* line 3, shared */
    _Alignas(STK_ABI_LINE) STK_U32 stack_bell;
    uint32_t reserved3a;
    STK_U64 rings_active;    /* bit: the ring has an owner; app sets, stack clears when reclaimed */
    STK_U64 waiters_free;    /* bit set: the slot is free */
    STK_U64 waiters_missing; /* counter: waits that found no slot */
    uint64_t reserved3[4];
    /* line 4, shared: the chunk pool; free_head = tag << 32 | index + 1, 0 in the low half: empty.
       Chunks from chunks_fresh on were never taken: their links and bytes are untouched memory. */
    _Alignas(STK_ABI_LINE) STK_U64 chunk_free_head;
    STK_U32 chunks_used;
    STK_U32 chunks_high_water;
    STK_U64 chunks_failed; /* counter: takes that found the pool empty */
    STK_U32 chunks_fresh;
    uint32_t reserved4a;
    uint64_t reserved4[4];
    /* line 5, stack */
    _Alignas(STK_ABI_LINE) STK_U32 event_tail;
    uint32_t reserved5[15];
    /* line 6, dispatcher */
    _Alignas(STK_ABI_LINE) STK_U32 event_head;
    STK_U32 event_sleeping;
    uint32_t reserved6[14];
    struct stk_waiter_abi waiters[STK_WAITERS];
    struct stk_if_abi ifs[STK_IFS_MAX];
};

_Static_assert(offsetof(struct stk_region_abi, socks_count) == 64, "layout");
_Static_assert(offsetof(struct stk_region_abi, engine_state) == 128, "layout");
_Static_assert(offsetof(struct stk_region_abi, stack_bell) == 192, "layout");
_Static_assert(offsetof(struct stk_region_abi, rings_active) == 200, "layout");
_Static_assert(offsetof(struct stk_region_abi, chunk_free_head) == 256, "layout");
_Static_assert(offsetof(struct stk_region_abi, event_tail) == 320, "layout");
_Static_assert(offsetof(struct stk_region_abi, event_head) == 384, "layout");
_Static_assert(offsetof(struct stk_region_abi, waiters) == 448, "layout");
_Static_assert(offsetof(struct stk_region_abi, ifs) == 448 + 64 * STK_WAITERS, "layout");

#endif
