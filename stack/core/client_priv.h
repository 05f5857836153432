/**
 * @file
 * Inside the application's side of a channel.
 */
#ifndef STACK_CORE_CLIENT_PRIV_H
#define STACK_CORE_CLIENT_PRIV_H

#include "core/client.h"
#include "ipc/bell.h"
#include "ipc/fifo.h"
#include "ipc/futex.h"
#include "ipc/lock.h"
#include "ipc/notify.h"
#include "ipc/ready.h"
#include "ipc/ring.h"
#include "ipc/seq.h"
#include "ipc/waiter.h"
#include "stack/process.h"

struct client_rio;
struct stk_engine;
struct stk_engine_ops;

#define CLIENT_DESTS 64u /* destinations that a thread remembers as reachable, a power of two */
/** Longest sleep before the engine's state is looked at again. */
#define CLIENT_SLICE_NS ((int64_t)200 * 1000 * 1000)

/** A destination that was found reachable. */
struct client_dest {
    struct stk_addr addr; /**< port 0; family STK_AF_NONE: unused */
    uint32_t ifs_seq;     /**< of the region when it was looked up */
    uint32_t via;         /**< interface that was asked for; 0: none */
    uint32_t mtu;         /**< of the path; UINT32_MAX: the destination is this host */
    uint32_t if_mtu;      /**< of the interface, likewise */
    bool broadcast;
};

/** A pair of rings, and what belongs to its owner. The last one is shared by threads that found none. */
struct client_ring {
    struct stk_ring_abi *abi;
    uint32_t seq;
    bool shared;
    STK_U32 lock; /**< held by the user of the shared one */
    struct client_dest dests[CLIENT_DESTS];
};

/** The rings that a thread used last, of one client. */
struct client_ring_ref {
    uint64_t id; /**< struct stk_client.id; 0: unused */
    struct client_ring *ring;
};

#define CLIENT_RING_REFS 8u

/** What the application's side keeps for a thread. */
struct client_thread {
    uint32_t id; /**< never 0 */
    struct client_ring_ref last;
    struct client_ring_ref refs[CLIENT_RING_REFS];
};

/** Options of one IP version that the application's side looks at itself. */
struct client_ip {
    STK_U32 dontfrag; /**< STK_OPT_DONTFRAG */
    STK_U32 discover; /**< STK_OPT_MTU_DISCOVER */
    STK_U32 user_mtu; /**< STK_OPT_USER_MTU; UINT32_MAX: none */
    STK_U32 via;      /**< STK_OPT_UNICAST_IF */
};

/** An application's end of a socket; one per slot of the region, made with the client. */
struct stk_sock {
    struct stk_sock_abi *abi;
    struct stk_client *client;
    uint32_t index;
    uint32_t generation;
    STK_U32 held;           /**< 1: between open or accept and close */
    STK_U32 end_taken;      /**< the end's error was given to stk_sock_error_take */
    STK_U32 broadcast;      /**< STK_OPT_BROADCAST */
    STK_U32 choosy;         /**< some datagrams may have to stay whole */
    struct client_ip ip[2]; /**< of the socket's family; of an IPv6 socket's IPv4 traffic */
    STK_U32 segment;        /**< STK_OPT_UDP_SEGMENT */
    STK_U32 merge;          /**< STK_OPT_UDP_MERGE */
    STK_U32 stamps;         /**< times of sent datagrams that are kept; 0: none */
    struct stk_rio_rq *rio; /**< its request queues; NULL: none */
};

struct stk_client {
    struct stk_region *region;
    uint64_t id; /**< of all clients of this process, never reused */
    stk_pump_fn pump;
    void *pump_context;
    int64_t spin_ns;                  /**< < 0: endless */
    struct stk_engine *engine;        /**< NULL: the region was given */
    const struct stk_engine_ops *ops; /**< of the engine */
    struct stk_client *next;          /**< in the list for threads that end */
    struct stk_sock *socks;           /**< region->socks_count */
    STK_U32 net_seen;                 /**< net_changes as the dispatcher saw it last */
    uint32_t rings_own;               /**< rings that one thread may have for itself */
    struct client_rio *_Atomic rio;   /**< NULL: none was asked for */
    struct client_ring rings[STK_RINGS_MAX];
    STK_U32 events_lock;    /**< 1: somebody takes from the event queue */
    STK_U32 attended;       /**< so often did another thread than the dispatcher wait with the event queue */
    uint32_t attended_seen; /**< the dispatcher's */
    uint64_t calm_ns;       /**< the dispatcher's: from when on it spins again */
};

/* --- client.c ------------------------------------------------------------ */

/** Set in a child after fork: nothing of a client may be touched. */
extern STK_U32 stk_client_forked;

/** May calls be made? @return 0, STK_EFORKED or STK_ENETDOWN. Context: any thread. */
static inline int stk_client_usable(const struct stk_client *client)
{
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0) {
        return STK_EFORKED;
    }
    uint32_t state = atomic_load_explicit(&client->region->abi->engine_state, memory_order_relaxed);
    return state < STK_ENGINE_PARKED ? STK_OK : STK_ENETDOWN;
}

/** The same before a sleep: while the process ends there is nobody who would end it. Context: any thread. */
static inline int stk_client_answers(const struct stk_client *client)
{
    int usable = stk_client_usable(client);
    return usable == STK_OK && stk_process_ending() ? STK_ENETDOWN : usable;
}

/** Without a thread of its own the stack gets a turn when a call finds nothing. */
static inline void stk_client_pump_once(struct stk_client *client)
{
    if (client->pump != NULL) {
        (void)client->pump(client->pump_context, 0);
    }
}

/** Give the rings of a thread that ends back, in every client. Context: that thread. */
void stk_client_thread_end(uint32_t thread);

/* --- client_ring.c: control ---------------------------------------------- */

/** Make the local side of the rings. */
void stk_client_rings_init(struct stk_client *client);

/** How many threads get a ring of their own; the others share one. Before the client's first call. */
void stk_client_rings_limit(struct stk_client *client, uint32_t threads_max);

/** Free the rings that a thread owns. */
void stk_client_rings_free(struct stk_client *client, uint32_t thread);

/** The calling thread's rings; claimed at its first call. Never NULL. */
struct client_ring *stk_client_ring(struct stk_client *client);

/**
 * Submit and wait for the reply.
 *
 * @param sub         seq is filled in.
 * @param rep         Out: filled on success; result is in it.
 * @param timeout_ns  Bound; < 0: none.
 * @return            The reply's result, or STK_ENETDOWN, STK_EFORKED, STK_ETIMEDOUT.
 */
int stk_client_call(struct stk_client *client, struct stk_sub_abi *sub, struct stk_rep_abi *rep, int64_t timeout_ns);

/** Submit without a reply. @return 0 or STK_ENETDOWN. */
int stk_client_post(struct stk_client *client, const struct stk_sub_abi *sub);

/** Submit a kick for a socket whose flag was just raised. */
void stk_client_kick_post(struct stk_sock *sock);

/**
 * Have the stack look at a socket's FIFOs and armed bits (edge I). Call after
 * publishing what it should see.
 */
static inline void stk_client_kick(struct stk_sock *sock)
{
    /* edge I, app's end. */
    if (atomic_exchange_explicit(&sock->abi->kicked, 1, memory_order_seq_cst) == 0) {
        stk_client_kick_post(sock);
    }
}

/** One control operation of a socket. */
int stk_client_sock_call(struct stk_sock *sock, struct stk_sub_abi *sub, struct stk_rep_abi *rep);

/** Bind an unbound socket where a destination is reached from; bound ones stay. Errors as stk_sock_bind, STK_ENETUNREACH. */
int stk_sock_bind_for(struct stk_sock *sock, const struct stk_addr *remote);

/* --- client_dgram.c -------------------------------------------------------- */

/**
 * Drop the queued datagrams that are not of the connected peer, and what came
 * before them; without a peer nothing.
 *
 * Context: application thread. Source: WSPCONNECT-5.
 */
void stk_client_strangers_drop(struct stk_sock *sock);

/**
 * Check a datagram, and make the head that it would have in the FIFO.
 *
 * @param to    NULL: the connected peer.
 * @param info  Wishes; NULL: none.
 * @param head  Out: with flags 0 there is nothing in it but size and destination.
 * @return      0, or an error of stk_sock_sendmsg but STK_EAGAIN. An unbound socket is bound.
 */
int stk_client_dgram_head(struct stk_sock *sock, uint64_t payload, const struct stk_addr *to,
                          const struct stk_send_info *info, struct stk_dgram_abi *head);

/* --- client_wait.c --------------------------------------------------------- */

/** Ready bits, without OUT while the chunk pool is empty. */
uint32_t stk_client_sock_ready_for(const struct stk_sock *sock, uint32_t wanted);

/** The pool was empty when this socket wanted to send. */
void stk_client_starved(struct stk_sock *sock);

/** A bounded wait: how long and since when. */
struct client_deadline {
    uint64_t start_ns;
    int64_t timeout_ns;
};

/** Time as the client sees it: the pump's, or the clock's. */
uint64_t stk_client_now(struct stk_client *client);

/** Remaining ns, >= 0; INT64_MAX: endless. */
int64_t stk_client_left(const struct client_deadline *deadline, uint64_t now_ns);

/* --- client_ip.c ------------------------------------------------------------ */

/** The options of a new socket. */
void stk_client_ip_reset(struct stk_sock *sock);

/** The stack has taken an option: remember it if it is one of these. */
void stk_client_ip_note(struct stk_sock *sock, enum stk_opt opt, int32_t value);

/** The interface that datagrams to an address leave by, 0: by route. */
uint32_t stk_client_ip_via(const struct stk_sock *sock, const struct stk_addr *to);

/** Must a datagram to an address stay one packet? */
bool stk_client_ip_whole(const struct stk_sock *sock, const struct stk_addr *to);

/** The largest packet to an address, bytes; UINT32_MAX: no bound. */
uint32_t stk_client_ip_limit(const struct stk_sock *sock, const struct stk_addr *to, const struct client_dest *dest);

/* --- client_info.c --------------------------------------------------------- */

/** Is this an IPv4 broadcast address of an interface? Context: any thread. */
bool stk_client_if_broadcast(const struct stk_client *client, const struct stk_addr *addr);

/** Is this an address of the host? Context: any thread. Does not ask the stack. */
bool stk_client_if_has(const struct stk_client *client, const struct stk_addr *addr);

/** Is there an interface of this number? Context: any thread. Does not ask the stack. */
bool stk_client_if_is(const struct stk_client *client, uint32_t if_index);

/** The way to a destination. */
struct client_way {
    struct stk_addr local; /**< where it leaves from */
    uint32_t if_index;
    uint32_t mtu;    /**< of the path, bytes; UINT32_MAX: no bound */
    uint32_t if_mtu; /**< of the interface, likewise */
};

/** Ask the stack for the way to a destination. @param via  Interface to leave by, 0: any. Errors as stk_client_route. */
int stk_client_way(struct stk_client *client, const struct stk_addr *remote, uint32_t via, struct client_way *out);

/* --- client_linux.c, client_windows.c ------------------------------------------ */

/**
 * What is kept for the calling thread, zeroed but for the id at its first call and again after stk_client_thread_end,
 * which is called when the thread ends.
 *
 * @return  NULL: no memory for it, or it cannot be noticed when the thread ends.
 */
struct client_thread *stk_client_os_self(void);

/** This thread's id, never 0. */
uint32_t stk_client_os_thread(void);

/** Once: have stk_client_forked set in children, where there is fork, and the ends of threads noticed. */
void stk_client_os_fork_watch(void);

/** Is this the process that watches forks? A child made without the handlers of fork (clone, _Fork) is not. */
bool stk_client_os_owner(void);

/**
 * Have fn called when the program exits, while its other threads still run. It may be called more than once: a system can
 * have several C libraries in one process.
 *
 * @return  false: it will not be called.
 */
bool stk_client_os_exit_watch(void (*fn)(void));

/** Run fn(arg) on a detached thread with all signals blocked. @return 0 or STK_ENOMEM. */
int stk_client_os_run(void *(*fn)(void *arg), void *arg);

/* --- client_dump_linux.c, client_dump_windows.c -------------------------------- */

/**
 * Once per process: remember whether and where counters are dumped, and start the thread that does it when the watched
 * signal comes (stk_counters_watch).
 *
 * @param client  The process's client; it is kept for the life of the process.
 *
 * Context: under the process lock.
 */
void stk_client_dump_watch(struct stk_client *client, const struct stk_conf_engine *conf);

/** Dump the counters if the configuration wants that at exit. Context: an exit handler; the engine is parked. */
void stk_client_dump_exit(void);

/* client_posted.c: a receive buffer of 0 bytes takes only what somebody waits for (rules BUF-8, OVL-13). */

/** A receive found nothing: its buffers wait from now on, though it may not. Holder of no lock. */
void stk_client_posted_iov(struct stk_sock *sock, const struct stk_iov *iov, size_t count);

/** Somebody waits for data with no buffer yet. */
void stk_client_posted_some(struct stk_sock *sock);

/** Is this such a socket? */
static inline bool stk_client_unbuffered(const struct stk_sock *sock)
{
    return __builtin_expect(atomic_load_explicit(&sock->abi->rx_limit, memory_order_relaxed) == 0, 0);
}

#endif
