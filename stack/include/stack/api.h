/**
 * @file
 * The stack API: what the provider sees of the stack, whoever runs it.
 *
 * Objects:
 * - struct stk_client: this process's attachment to an engine. In process the
 *   engine is started by the first attach and parked by the last detach.
 * - struct stk_sock: an application's end of a socket, owned by the caller from
 *   stk_sock_open or stk_sock_accept until stk_sock_close. Calls on one socket
 *   may come from several threads at once; a send and a receive do not
 *   serialise each other. After stk_sock_close has returned no call may use it,
 *   and the caller sees to it that none is in progress (stk_sock_cancel ends
 *   waits).
 *
 * No call blocks on the network: what cannot be done now gives STK_EAGAIN (or
 * STK_EINPROGRESS) and readiness follows, to be awaited with stk_wait or armed
 * for the event queue. Control calls (open, bind, listen, connect, options)
 * wait for one answer of the stack's thread, some microseconds when it spins.
 *
 * Every call may fail with STK_ENETDOWN (engine lost) or STK_EFORKED (child
 * after fork). Errors are negative enum stk_err values.
 */
#ifndef STACK_API_H
#define STACK_API_H

#include "stack/addr.h"
#include "stack/clock.h"
#include "stack/config.h"
#include "stack/err.h"
#include "stack/tcp_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stk_client;
struct stk_sock;

/** Readiness of a socket, level-triggered. */
enum stk_ready {
    STK_READY_IN = 1u << 0,      /**< bytes, a datagram or a connection can be taken; also with EOF or error */
    STK_READY_OUT = 1u << 1,     /**< connected and there is room */
    STK_READY_CONN = 1u << 2,    /**< connection established; cleared when it ends by error */
    STK_READY_FAIL = 1u << 3,    /**< connect failed: stk_sock_error_take says why */
    STK_READY_EOF = 1u << 4,     /**< the peer's FIN is in the queue or was read */
    STK_READY_RESET = 1u << 5,   /**< connection gone by error: reset, abort, timeout */
    STK_READY_ACCEPT = 1u << 6,  /**< a listener has a connection */
    STK_READY_ERROR = 1u << 7,   /**< a datagram socket has a pending error (ICMP) */
    STK_READY_DRAINED = 1u << 8, /**< everything sent is acknowledged, FIN too if one was sent */
    STK_READY_CANCEL = 1u << 9,  /**< stk_sock_cancel was called */
    STK_READY_OOB = 1u << 10,    /**< an urgent byte waits beside the stream */
    STK_READY_ISB = 1u << 11, /**< the ideal send backlog is not the one of stk_sock_isb_watch, or sending has ended */
    STK_READY_RIO = 1u << 12, /**< only in the event of a completion queue that was armed: stack/rio.h */
};

/** Options. Values are int32_t unless a structure is named. */
enum stk_opt {
    STK_OPT_REUSEADDR, /**< Winsock meaning: may take an address in use */
    STK_OPT_EXCLUSIVE, /**< nobody else may take this address */
    STK_OPT_KEEPALIVE, /**< bool */
    STK_OPT_KEEPIDLE_MS,
    STK_OPT_KEEPINTVL_MS,
    STK_OPT_KEEPCNT,
    STK_OPT_NODELAY, /**< bool */
    STK_OPT_RCVBUF,  /**< bytes, 0..2 MiB; of a connection only more (STK_OPT_RCV_COMPAT); 0: only what is waited for */
    STK_OPT_SNDBUF,  /**< bytes */
    STK_OPT_BROADCAST,       /**< bool */
    STK_OPT_DONTROUTE,       /**< bool */
    STK_OPT_TTL,             /**< unicast TTL / hop limit 1..255 */
    STK_OPT_TOS,             /**< TOS / traffic class 0..255 */
    STK_OPT_V6ONLY,          /**< bool; before bind */
    STK_OPT_MCAST_TTL,       /**< 0..255 */
    STK_OPT_MCAST_LOOP,      /**< bool */
    STK_OPT_MCAST_IF,        /**< interface index, 0: by route */
    STK_OPT_MCAST_JOIN,      /**< set only: struct stk_mcast_req */
    STK_OPT_MCAST_LEAVE,     /**< set only: struct stk_mcast_req */
    STK_OPT_HDRINCL,         /**< RAW, IPv4: bool */
    STK_OPT_DONTFRAG,        /**< bool; datagrams: one packet with DF, or STK_EMSGSIZE */
    STK_OPT_CONN_TIMEOUT_MS, /**< SYN phase bound of this socket */
    STK_OPT_MSS,             /**< get: effective MSS */
    STK_OPT_UDP_CONNRESET,   /**< bool: ICMP port unreachable is an error of the socket (SIO_UDP_CONNRESET) */
    STK_OPT_UDP_NETRESET,    /**< bool: an expired TTL is an error of the socket (SIO_UDP_NETRESET) */
    STK_OPT_NOCHECKSUM,      /**< UDP over IPv4: bool: leave the checksum out */
    STK_OPT_RECV_BROADCAST,  /**< datagrams: bool: take broadcasts */
    STK_OPT_CIRCULAR,        /**< datagrams: bool: a full queue loses its oldest, not the newest */
    STK_OPT_MTU_DISCOVER,    /**< enum stk_pmtud */
    STK_OPT_USER_MTU,        /**< bytes that a packet may have; -1: as many as its way allows */
    STK_OPT_UNICAST_IF,      /**< interface that unicasts leave by, 0: by route */
    STK_OPT_MTU,             /**< get: of the path to the peer; STK_ENOTCONN without one */
    STK_OPT_V4_TTL,          /**< this and what follows: IPv6 sockets, for their IPv4 traffic */
    STK_OPT_V4_TOS,
    STK_OPT_V4_DONTFRAG,
    STK_OPT_V4_MTU_DISCOVER,
    STK_OPT_V4_USER_MTU,
    STK_OPT_V4_UNICAST_IF,
    STK_OPT_V4_MTU,
    STK_OPT_PROTECTION, /**< enum stk_protection: IPv6, whose packets and connections are taken */
    STK_OPT_RCVALL,     /**< RAW, bound to an interface: enum stk_rcvall */
    STK_OPT_MAXRT_MS,   /**< streams: how long data may stay unacknowledged; 0: a number of repetitions, -1: for ever */
    STK_OPT_SYN_RTO_MS, /**< first time-out of a SYN, before connect or on a listener; 0: the stack's */
    STK_OPT_SYN_RETRIES, /**< repetitions of a SYN, 0..254, which then bound the attempt; -1: the connect timeout does */
    STK_OPT_TIMESTAMPS,  /**< RFC 7323: 1 SYNs offer them, 0 never, -1 only if the peer asks */
    STK_OPT_ICMP_FAIL,   /**< streams: bool: any ICMP error about the SYN ends the attempt with STK_EHOSTUNREACH */
    STK_OPT_RCV_COMPAT,  /**< streams: enum stk_rcv_compat bits, SIO_SET_COMPATIBILITY_MODE */
    STK_OPT_OOBINLINE,   /**< streams: bool: urgent bytes stay in the stream */
    STK_OPT_URGENT_1122, /**< streams: bool: the urgent pointer points at the urgent byte (RFC 1122), not behind it; changed
                                  once and before data flows */
    STK_OPT_ACCEPT_HELD,       /**< streams, before listen: bool: SYNs are answered when stk_sock_admit says so */
    STK_OPT_ACCEPT_PAUSED,     /**< listeners: bool: every SYN is answered with RST */
    STK_OPT_MCAST_JOIN_SOURCE, /**< this and the next three: set only: struct stk_mcast_source_req */
    STK_OPT_MCAST_LEAVE_SOURCE,
    STK_OPT_MCAST_BLOCK,
    STK_OPT_MCAST_UNBLOCK,
    STK_OPT_PORT_SCALABILITY,  /**< bool, before bind: a dynamic port needs to be free on the address only */
    STK_OPT_RANDOMIZE_PORT,    /**< bool, before bind; dynamic ports are random anyway */
    STK_OPT_REUSE_UNICASTPORT, /**< bool, before bind: a dynamic port may be one that serves other destinations */
    STK_OPT_REUSE_MCASTPORT,   /**< datagrams: bool, before bind: no unicasts; shares its port with others such */
    STK_OPT_IFLIST,            /**< set, datagrams: struct stk_iflist */
    STK_OPT_UDP_SEGMENT,       /**< UDP: bytes of the datagrams that one send is cut into; 0: it is one datagram */
    STK_OPT_UDP_MERGE,    /**< UDP: bytes up to which a receive takes several datagrams of one flow; 0: always one */
    STK_OPT_UDP_STAMP_RX, /**< UDP: bool: datagrams come with the time they were received */
    STK_OPT_COUNT
};

#define STK_IFLIST_MAX 256u

/** Interfaces that datagrams are taken from. */
struct stk_iflist {
    uint8_t on;     /**< 0: from all */
    uint8_t mapped; /**< of an IPv6 socket's IPv4 traffic */
    uint8_t reserved[2];
    uint32_t listed[STK_IFLIST_MAX / 32]; /**< bit: interface index */
};

/** STK_OPT_RCV_COMPAT. */
enum stk_rcv_compat {
    STK_RCV_MAY_SHRINK = 1u << 0, /**< STK_OPT_RCVBUF may lower a connection's window */
    STK_RCV_NO_TUNING = 1u << 1,  /**< no automatic window; no scaling unless the buffer is set */
    STK_RCV_SMALL = 1u << 2,      /**< automatic, but at most 262,140 bytes, scale 2 */
};

/** STK_OPT_MTU_DISCOVER, as below of datagrams; of streams: NOT_SET and DO look for the path's MTU, the others do not. */
enum stk_pmtud {
    STK_PMTUD_NOT_SET, /**< STK_OPT_DONTFRAG decides */
    STK_PMTUD_DO,      /**< DF; larger than the path allows: STK_EMSGSIZE */
    STK_PMTUD_DONT,    /**< no DF, fragments by the interface's MTU */
    STK_PMTUD_PROBE,   /**< DF; larger than the interface allows: STK_EMSGSIZE */
};

/** Whose traffic an IPv6 socket takes. */
enum stk_protection {
    STK_PROTECT_UNRESTRICTED = 10,
    STK_PROTECT_EDGERESTRICTED = 20, /**< not what came through a NAT traversal tunnel (Teredo) */
    STK_PROTECT_RESTRICTED = 30,     /**< the same site's only */
};

/** STK_OPT_RCVALL. */
enum stk_rcvall {
    STK_RCVALL_OFF,
    STK_RCVALL_ON,     /**< every IP packet on the link, the port promiscuous */
    STK_RCVALL_SOCKET, /**< no effect */
    STK_RCVALL_IP,     /**< every IP packet that this host takes or sends */
    STK_RCVALL_GROUPS, /**< every group's packets of the socket's protocol */
};

struct stk_mcast_req {
    struct stk_addr group; /**< family of the socket; port ignored */
    uint32_t if_index;     /**< 0: by route */
    uint32_t reserved;
};

/** Sources that one membership can name. */
#define STK_MCAST_SOURCES_MAX 512u

struct stk_mcast_source_req {
    uint8_t group[16];  /**< network order; IPv4: the first four, the rest 0 */
    uint8_t source[16]; /**< likewise */
    uint32_t if_index;  /**< 0: by route */
    uint16_t family;    /**< of the socket */
    uint16_t reserved;
};

enum stk_mcast_filter_mode { STK_MCAST_FILTER_INCLUDE = 0, STK_MCAST_FILTER_EXCLUDE = 1 };

/** What a socket takes of a group on an interface: only, or all but, these sources. */
struct stk_mcast_filter {
    struct stk_addr group; /**< family of the socket; port ignored */
    uint32_t if_index;     /**< 0: by route */
    uint32_t mode;         /**< enum stk_mcast_filter_mode */
    uint32_t count;        /**< sources */
};

/** Bytes in the caller's memory. */
struct stk_iov {
    void *base;
    size_t len; /**< bytes */
};

/** Per-datagram facts of a receive. */
struct stk_msg_info {
    struct stk_addr from;
    struct stk_addr to; /**< destination address of the datagram */
    uint32_t if_index;  /**< where it came in */
    uint8_t ttl;
    uint8_t tos;
    uint8_t truncated;  /**< it was larger than the buffers; the rest is lost */
    uint8_t flags;      /**< enum stk_msg_flag */
    uint32_t full_size; /**< bytes of the datagram as received */
    uint32_t merged;    /**< more than one datagram: bytes of each but the last; else 0 */
    bool more;          /**< STK_RECV_SINGLE kept the next one from being taken with it */
    uint64_t stamp_ns;  /**< with STK_MSG_STAMP: when it was received; with STK_MSG_STAMP_PORT by the port's clock */
};

/** Wishes for one datagram. What is not wished is the socket's. */
struct stk_send_info {
    struct stk_addr from; /**< source address, of this host; family STK_AF_NONE: by the socket and the route */
    uint32_t if_index;    /**< where it leaves; 0: by route */
    int32_t ttl;          /**< 0..255; -1: the socket's */
    int32_t tos;          /**< TOS or traffic class; -1: the socket's */
    int32_t ecn;          /**< its two low bits alone (RFC 3168); -1: as they are */
    uint32_t segment;     /**< UDP: as STK_OPT_UDP_SEGMENT; 0: the socket's; UINT32_MAX: one datagram */
    uint32_t stamp_id;    /**< UDP, with stamped: by which stk_sock_stamp_take finds the time it was sent */
    bool stamped;
};

enum stk_msg_flag {
    STK_MSG_BCAST = 1,
    STK_MSG_MCAST = 2,
    STK_MSG_STAMP = 4,      /**< stamp_ns is there */
    STK_MSG_STAMP_PORT = 8, /**< and was taken by the port (NIC_CAP_TSTAMP) */
};

enum stk_recv_flag {
    STK_RECV_PEEK = 1,
    STK_RECV_OOB = 2,    /**< streams: the urgent byte beside the stream */
    STK_RECV_SINGLE = 4, /**< datagrams: one, whatever STK_OPT_UDP_MERGE */
};

/** Times of sent datagrams that a socket can have kept. */
#define STK_STAMPS_MAX 65535u

/** How stk_sock_close ends a connection. */
enum stk_close_mode {
    STK_CLOSE_GRACEFUL, /**< send what is queued, then FIN, in the background; unread data at close: RST */
    STK_CLOSE_ABORT,    /**< RST now, queued data is lost */
};

enum stk_shutdown {
    STK_SHUT_RD = 1,
    STK_SHUT_WR = 2,
    STK_SHUT_RD_QUIET = 4, /**< reads fail; what is queued and what comes stays, until the window is full */
    STK_SHUT_ABORT = 8,    /**< streams: RST now; every later call gives STK_ECONNABORTED */
};

/** Where the reader stands to the mark of urgent data. */
enum stk_mark {
    STK_MARK_NONE,  /**< there is none, or it was passed */
    STK_MARK_AHEAD, /**< bytes before it are still to be read, or to come */
    STK_MARK_HERE,  /**< the next byte is the one at the mark */
};

/** What a socket is, without asking the stack's thread. */
struct stk_sock_status {
    uint32_t ready;      /**< enum stk_ready bits */
    uint64_t rx_bytes;   /**< bytes that can be read; datagrams: payload bytes queued */
    uint32_t rx_next;    /**< datagrams: size of the first one; streams: 0 */
    uint64_t tx_room;    /**< bytes that can be queued */
    uint64_t tx_unacked; /**< bytes queued or sent and not acknowledged; datagrams: not yet handed to the port */
    int32_t error;       /**< pending error (negative), 0: none; not taken */
};

/** An interface as programs see it. */
struct stk_if_info {
    char name[32];
    uint32_t if_index;
    uint32_t mtu;
    uint32_t up;
    uint8_t mac[6];
    uint8_t mac_set;
    uint8_t loopback;
    uint32_t addrs_count;
    struct stk_conf_net addrs[STK_CONF_ADDRS_MAX + 2];
};

/* --- Life ------------------------------------------------------------- */

/**
 * Attach this process to the stack.
 *
 * The first attach starts the engine on a thread of its own (ports opened,
 * instances made), bounded by engine.start_timeout_ms; a parked engine is
 * reused. All attaches of a process share one engine; the configuration of the
 * first one holds as long as the process lives.
 *
 * @param config  Borrowed for the call (copied).
 * @param out     The client, owned by the caller, ended by stk_client_detach.
 * @param error   error_size bytes: why, in words; may be NULL.
 * @return        0, or:
 * @retval STK_ENETDOWN  a port could not be opened, or not in time; the log says which.
 * @retval STK_EBUSY     another process owns a port.
 * @retval STK_EINVAL    the configuration is refused by a driver.
 * @retval STK_ENOMEM    no memory for region or pools.
 *
 * Context: any thread. Blocks.
 */
int stk_client_attach(const struct stk_config *config, struct stk_client **out, char *error, size_t error_size);

/**
 * End a client: sockets still open are reset, graceful closes are drained for
 * at most drain_timeout_ms, then the engine is parked.
 *
 * Context: any thread but the stack's and none with a stack call in progress. Blocks.
 */
void stk_client_detach(struct stk_client *client, uint32_t drain_timeout_ms);

/**
 * Is the engine alive and usable by this process?
 *
 * @return  0, STK_ENETDOWN or STK_EFORKED.
 *
 * Context: any thread. Does not block.
 */
int stk_client_alive(const struct stk_client *client);

/* --- Control: each waits for one answer of the stack's thread ------------ */

/**
 * Make a socket.
 *
 * @param family    STK_AF_INET or STK_AF_INET6.
 * @param type      enum stk_sock_type.
 * @param protocol  RAW: IP protocol 0..255; else 0.
 * @param cookie    Comes back in events; readable by stk_sock_cookie.
 * @return          0, or:
 * @retval STK_EMFILE  no control block.
 * @retval STK_ENOMEM  no endpoint.
 * @retval STK_EPROTONOSUPPORT, STK_EAFNOSUPPORT  unknown combination.
 *
 * Context: any thread.
 */
int stk_sock_open(struct stk_client *client, int family, int type, int protocol, uint64_t cookie,
                  struct stk_sock **out);

/** Replace the cookie. Context: any thread; events already queued carry the old one. */
void stk_sock_cookie_set(struct stk_sock *sock, uint64_t cookie);

/**
 * Bind to a local address; port 0 picks a dynamic one (RFC 6056).
 *
 * @retval STK_EINVAL        already bound.
 * @retval STK_EADDRINUSE    conflict by the REUSEADDR/EXCLUSIVE rules.
 * @retval STK_EACCES        held exclusively by another socket.
 * @retval STK_EADDRNOTAVAIL not an address of any instance.
 * @retval STK_EAFNOSUPPORT  family differs from the socket's.
 *
 * Context: any thread. On failure the socket stays unbound.
 */
int stk_sock_bind(struct stk_sock *sock, const struct stk_addr *local);

/**
 * Listen. The second call changes the backlog.
 *
 * @param backlog  1..; clamped to the maximum.
 * @retval STK_EINVAL      not bound.
 * @retval STK_EISCONN     connected.
 * @retval STK_EOPNOTSUPP  not a stream socket.
 * @retval STK_EADDRINUSE  late conflict.
 */
int stk_sock_listen(struct stk_sock *sock, uint32_t backlog);

/**
 * Connect. Streams: starts the handshake; an unbound socket is bound by route.
 * Datagrams and RAW: sets the peer and filters input to it; family STK_AF_NONE
 * or an all-zero address takes the peer away.
 *
 * @retval STK_OK           datagrams: done.
 * @retval STK_EINPROGRESS  streams: started; STK_READY_CONN or STK_READY_FAIL follows.
 * @retval STK_EALREADY     handshake in progress.
 * @retval STK_EISCONN      stream already connected.
 * @retval STK_EINVAL       listening.
 * @retval STK_EADDRNOTAVAIL  port 0 or the any address on a stream.
 * @retval STK_ENETUNREACH  no route.
 * @retval STK_EAFNOSUPPORT family differs.
 * @retval STK_EADDRINUSE   the pair of addresses is taken, or no dynamic port is left.
 */
int stk_sock_connect(struct stk_sock *sock, const struct stk_addr *remote);

/**
 * Take one connection of a listener.
 *
 * @param out   The new socket, owned by the caller; its options are the listener's at this moment.
 * @param peer  Filled with the peer's address; may be NULL.
 * @retval STK_EAGAIN      none waiting.
 * @retval STK_EINVAL      not listening.
 * @retval STK_ECONNRESET  the first one in the queue was ended by its peer; it was taken and freed.
 * @retval STK_EACCES      likewise, and it was held back (STK_OPT_ACCEPT_HELD).
 *
 * Context: any thread. Does not wait for the stack's thread.
 */
int stk_sock_accept(struct stk_sock *sock, uint64_t cookie, struct stk_sock **out, struct stk_addr *peer);

/**
 * Let a connection be made that STK_OPT_ACCEPT_HELD holds back: SYN|ACK is sent now. Closing it instead with
 * STK_CLOSE_ABORT refuses it.
 *
 * @param sock  From stk_sock_accept.
 * @retval STK_OK           it is made (or was never held).
 * @retval STK_EINPROGRESS  STK_READY_CONN or STK_READY_RESET follows; then ask again.
 * @retval STK_EACCES       the peer withdrew, or the time is over.
 * @retval STK_ENOMEM       no memory for the segment; it is still held.
 *
 * Context: any thread. Source: rules CON-22, WSPACCEPT-7, A.5.23.
 */
int stk_sock_admit(struct stk_sock *sock);

/**
 * Reserve a block of ports of the socket's protocol, none of which is in use. It is kept until the socket is closed or
 * the block released; who is not associated with it cannot bind its ports.
 *
 * @param first  First port; 0: any block of dynamic ports.
 * @param count  Ports, 1 at least.
 * @param got    Out: the first port.
 * @param token  Out: names the block.
 * @retval STK_EINVAL       no ports, or beyond 65535.
 * @retval STK_EADDRINUSE   one of them is in use, or there is no such block.
 * @retval STK_EOPNOTSUPP   a RAW socket.
 * @retval STK_ENOMEM       1024 blocks are reserved.
 *
 * Context: any thread. Source: rules PT-2.
 */
int stk_sock_ports_acquire(struct stk_sock *sock, uint16_t first, uint16_t count, uint16_t *got, uint64_t *token);

/**
 * Have an unbound socket bound from a block: to port 0, one of its free ports; to others than its ports, not at all.
 *
 * @retval STK_EINVAL      bound already, or no block of the socket's protocol.
 * @retval STK_EOPNOTSUPP  a RAW socket.
 *
 * Context: any thread. Source: rules PT-3, BND-13.
 */
int stk_sock_ports_associate(struct stk_sock *sock, uint64_t token);

/** Give a block up; sockets that are bound from it stay so. As stk_sock_ports_associate, but that the socket may be bound. */
int stk_sock_ports_release(struct stk_sock *sock, uint64_t token);

/**
 * Shut one or both directions (enum stk_shutdown bits). WR: FIN after what is
 * queued. RD: what is queued and what comes later is discarded, reads give STK_ESHUTDOWN.
 *
 * @retval STK_ENOTCONN  a stream that is not connected.
 */
int stk_sock_shutdown(struct stk_sock *sock, unsigned how);

/**
 * Close. The handle is gone when it returns, whatever the mode; the rest
 * happens in the background. Queued datagrams are still sent.
 *
 * @return  0, or STK_ENETDOWN (the handle is gone all the same).
 *
 * Context: any thread; no other call on this socket in progress. Does not wait for an answer.
 */
int stk_sock_close(struct stk_sock *sock, enum stk_close_mode mode);

/**
 * Set an option.
 *
 * @param value  len bytes, copied: int32_t or the structure named at the option.
 * @retval STK_ENOPROTOOPT  unknown here.
 * @retval STK_EINVAL       wrong size, range or state.
 * @retval STK_EADDRNOTAVAIL, STK_ENOMEM, STK_EADDRINUSE  memberships: no such interface or not a
 *         member, table full, already a member; sources: as the conflict table of rules 7.8 says.
 */
int stk_sock_opt_set(struct stk_sock *sock, enum stk_opt opt, const void *value, size_t len);

/**
 * Replace what a socket takes of a group. To include nothing is to leave.
 *
 * @param sources  filter->count addresses in network order, borrowed; IPv4: the first four bytes, the rest 0.
 * @retval STK_EINVAL         not a group, or a source that is none; mode out of range.
 * @retval STK_EADDRNOTAVAIL  no such interface.
 * @retval STK_ENOPROTOOPT    a stream.
 * @retval STK_ENOMEM         a table is full, or more than STK_MCAST_SOURCES_MAX sources.
 *
 * Context: any thread. On failure the filter is as before.
 * Source: RFC 3678 4.1, 5.2; rules MC-6.
 */
int stk_sock_mcast_filter_set(struct stk_sock *sock, const struct stk_mcast_filter *filter,
                              const uint8_t (*sources)[16]);

/**
 * Read what a socket takes of a group.
 *
 * @param filter   Group, if_index, and in count the room at sources; mode and the number of sources there are come back.
 * @param sources  Filled as far as there is room.
 * @retval STK_EADDRNOTAVAIL  not a member, or no such interface. Other errors as for setting.
 */
int stk_sock_mcast_filter_get(struct stk_sock *sock, struct stk_mcast_filter *filter, uint8_t (*sources)[16]);

/** Get an option into an int32_t. Errors as for setting. */
int stk_sock_opt_get(struct stk_sock *sock, enum stk_opt opt, int32_t *value);

/**
 * Figures of a stream's connection.
 *
 * @retval STK_EOPNOTSUPP  not a stream.
 * @retval STK_ENOMEM      no chunk is free to carry them.
 *
 * Context: any thread. A control call. Source: rules TINFO-1, TINFO-6, TINFO-8.
 */
int stk_sock_tcp_info(struct stk_sock *sock, struct stk_tcp_info *out);

/**
 * Bytes that a stream is best given to send ahead, as the stack told it last.
 *
 * @retval STK_ENOTCONN   no connection, or it has ended.
 * @retval STK_ESHUTDOWN  sending was shut down.
 *
 * Context: any thread. Reads shared memory only. Source: rules BUF-7.
 */
int stk_sock_isb(const struct stk_sock *sock, uint32_t *bytes);

/** From now on STK_READY_ISB tells that it is not bytes any more; 0: stop. Context: any thread; one watch a socket. */
void stk_sock_isb_watch(struct stk_sock *sock, uint32_t bytes);

/** The ICMP error about the last attempt to connect, or set = 0. Errors, context: as above. Source: rules IC-1. */
int stk_sock_icmp_info(struct stk_sock *sock, struct stk_icmp_info *out);

/**
 * Local or peer address, as of now.
 *
 * @retval STK_EINVAL    local: not bound.
 * @retval STK_ENOTCONN  peer: none.
 *
 * Context: any thread. Reads the control block; does not wait for the stack's thread.
 */
int stk_sock_local(const struct stk_sock *sock, struct stk_addr *out);
int stk_sock_peer(const struct stk_sock *sock, struct stk_addr *out);

/* --- Data: no round trip, no system call while the stack's thread spins --- */

/**
 * Queue bytes of a connected stream.
 *
 * @param iov    count entries, borrowed for the call; copied.
 * @param count  1..
 * @return       Bytes queued, > 0 (perhaps fewer than given; 0 if all entries are empty), or:
 * @retval STK_EAGAIN       no room, or no chunk in the pool; STK_READY_OUT follows.
 * @retval STK_ENOTCONN     not (yet) connected.
 * @retval STK_ESHUTDOWN    FIN already queued.
 * @retval STK_ECONNRESET, STK_ECONNABORTED, STK_ETIMEDOUT, STK_ENETRESET  the connection's end.
 *
 * Context: any thread. Does not block or allocate.
 * Source: RFC 9293 3.10.2; rules SG-1, WSPSEND-1.
 */
int64_t stk_sock_send(struct stk_sock *sock, const struct stk_iov *iov, size_t count);

/**
 * Queue bytes of a connected stream, the last of them urgent.
 *
 * Returns and errors as for stk_sock_send. If fewer bytes fit than were given, none is urgent yet: the one that ends a
 * later call is.
 *
 * Context: any thread. Does not block or allocate. Source: RFC 9293 3.8.5; rules OOB-9, OOB-12, WSPSEND-5.
 */
int64_t stk_sock_send_oob(struct stk_sock *sock, const struct stk_iov *iov, size_t count);

/** Where the reader of a stream stands to the mark of urgent data. Context: any thread. Source: rules OOB-3, OOB-14. */
enum stk_mark stk_sock_mark(const struct stk_sock *sock);

/**
 * Take bytes of a connected stream. One call does not go beyond the mark of urgent data, and with STK_OPT_OOBINLINE the
 * urgent byte is one of its own.
 *
 * @param flags  STK_RECV_PEEK leaves them in place. STK_RECV_OOB takes the urgent byte beside the stream: STK_EINVAL if
 *               there is none (or STK_OPT_OOBINLINE is on), STK_EAGAIN while it was announced and has not come.
 * @return       Bytes copied, > 0; 0: the peer's FIN (or all entries are empty and data is there); or:
 * @retval STK_EAGAIN     nothing yet; STK_READY_IN follows.
 * @retval STK_ENOTCONN, STK_ESHUTDOWN, and the connection's end as for sending (queued data first).
 *
 * Context: any thread. Does not block or allocate.
 */
int64_t stk_sock_recv(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags);

/**
 * Queue one datagram.
 *
 * @param to  Destination; NULL: the connected peer. An unbound socket is bound first (control call).
 * @return    Bytes queued, >= 0, or:
 * @retval STK_EAGAIN    no room; STK_READY_OUT follows.
 * @retval STK_EMSGSIZE  larger than 65507 (IPv4), 65487 (IPv6), or than SO_SNDBUF allows ever; with STK_OPT_DONTFRAG, than a
 *                       packet of the interface (found out later: the socket's error, stk_sock_error_take).
 * @retval STK_ENOTCONN  no destination and no peer.
 * @retval STK_EACCES    broadcast without STK_OPT_BROADCAST.
 * @retval STK_ENETUNREACH  no route. @retval STK_EADDRNOTAVAIL  destination port 0 or any address.
 * @retval STK_EAFNOSUPPORT family differs.
 *
 * Context: any thread. Does not block or allocate.
 */
int64_t stk_sock_sendto(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to);

/**
 * Queue one datagram with wishes of its own.
 *
 * @param info  NULL: as stk_sock_sendto.
 * @return      As stk_sock_sendto, or:
 * @retval STK_EADDRNOTAVAIL  info->from is no address of this host, info->if_index no interface.
 * @retval STK_EAFNOSUPPORT   info->from is of another family than the destination.
 * @retval STK_EINVAL         a stamp is wished and the payload is that of several datagrams, or the socket keeps none.
 *
 * The payload is that of one datagram, or with a segment size of several: then up to 65507 (IPv4), 65527 (IPv6) bytes.
 *
 * Context: any thread. Does not block or allocate. Source: RFC 3542 6; rules MSG-20, USO-4, USO-7, USO-8, TS-9.
 */
int64_t stk_sock_sendmsg(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to,
                         const struct stk_send_info *info);

/**
 * Take one datagram.
 *
 * With STK_OPT_UDP_MERGE those that follow it are taken too, as long as they are of one flow, equal in size but for a
 * smaller last one, and have room: info->merged.
 *
 * @param info  Filled on success; may be NULL. info->truncated: the rest was discarded.
 * @return      Bytes copied, >= 0, or:
 * @retval STK_EAGAIN      none.
 * @retval STK_ECONNRESET  an ICMP port unreachable came in for an earlier send (taken by this call).
 * @retval STK_ENETRESET   TTL expired, likewise. @retval STK_EHOSTUNREACH likewise, when connected.
 * @retval STK_ESHUTDOWN   receiving was shut down.
 *
 * Context: any thread. Does not block or allocate.
 */
int64_t stk_sock_recvfrom(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags,
                          struct stk_msg_info *info);

/**
 * Keep the times at which datagrams are handed to a port, for those that are sent with stk_send_info.stamped.
 *
 * @param count  Times kept until they are taken, up to STK_STAMPS_MAX; later ones are discarded. 0: none, and those that
 *               were kept are forgotten.
 * @retval STK_EINVAL     too many. @retval STK_EOPNOTSUPP  not UDP.
 * @retval STK_ENOMEM     no chunks for so many, or too many sockets keep some.
 *
 * Context: any thread. A control call. Source: rules TS-3, TSTAMP-8.
 */
int stk_sock_stamps_keep(struct stk_sock *sock, uint32_t count);

/**
 * Take the time a datagram was handed to a port: of several with one id, the first that was sent.
 *
 * @param stamp_ns  Out: as of stk_clock_ns, or by the port's clock.
 * @param by_port   Out: the port told when it left (NIC_CAP_TX_TSTAMP), by a clock of its own.
 * @retval STK_EAGAIN  there is none (yet).
 *
 * Context: any thread. A control call. Source: rules TS-5, TSTAMP-7, TSTAMP-9, TSTAMP-10.
 */
int stk_sock_stamp_take(struct stk_sock *sock, uint32_t id, uint64_t *stamp_ns, bool *by_port);

/* --- Readiness -------------------------------------------------------- */

/** Where the socket stands. Context: any thread. Reads shared memory only. */
void stk_sock_status(const struct stk_sock *sock, struct stk_sock_status *out);

/** The ready bits alone; cheaper than stk_sock_status. Context: any thread. */
uint32_t stk_sock_ready(const struct stk_sock *sock);

/** Take the pending error: 0 or a negative enum stk_err; it is cleared. Context: any thread. */
int stk_sock_error_take(struct stk_sock *sock);

/** One socket of a wait. */
struct stk_wait_item {
    struct stk_sock *sock;
    uint32_t wanted; /**< enum stk_ready bits; CANCEL is always wanted */
    uint32_t ready;  /**< out: wanted bits that are set */
};

/**
 * Wait until one of the items is ready.
 *
 * @param items       count entries; 0 entries wait for the timeout or a wake.
 * @param timeout_ns  0: look only; < 0: for ever.
 * @param wake        A word that ends the wait when it becomes nonzero (set it, then call
 *                    stk_client_wake); may be NULL.
 * @return            Number of items that are ready, 0 on timeout, or:
 * @retval STK_EINTR     *wake is nonzero.
 * @retval STK_ENETDOWN  the engine was lost. @retval STK_EFORKED.
 *
 * Context: any thread but the stack's. Spins as configured, then sleeps. One sleep whatever count.
 */
int stk_wait(struct stk_client *client, struct stk_wait_item *items, size_t count, int64_t timeout_ns,
             const _Atomic uint32_t *wake);

/** Words that end a wait when one of them becomes nonzero; NULL: none. */
struct stk_wakes {
    const _Atomic uint32_t *ending;
    const _Atomic uint32_t *alert;
};

/** As stk_wait, with two words. @retval STK_EINTR  one of them is nonzero. */
int stk_wait_words(struct stk_client *client, struct stk_wait_item *items, size_t count, int64_t timeout_ns,
                   const struct stk_wakes *wakes);

/** Make every waiter of this client look at its wake word and cancel flags. Context: any thread. */
void stk_client_wake(struct stk_client *client);

/**
 * End all waits on a socket (STK_READY_CANCEL becomes set for ever): the first
 * half of closing while other threads are in calls.
 *
 * Context: any thread.
 */
void stk_sock_cancel(struct stk_sock *sock);

/** An armed readiness that came true. */
struct stk_event {
    uint64_t cookie;
    uint32_t ready; /**< all ready bits of the socket at the time of taking */
    uint32_t fired; /**< bits that were armed and came true; they are disarmed now */
};

/**
 * Arm readiness bits for the event queue, added to those armed before.
 *
 * @return  Bits among mask that are set already; these too are armed and an event for them follows.
 *
 * Context: any thread. One event per socket is in the queue at most.
 */
uint32_t stk_sock_arm(struct stk_sock *sock, uint32_t mask);

/** Disarm bits. An event already in the queue still comes. Context: any thread. */
void stk_sock_disarm(struct stk_sock *sock, uint32_t mask);

/**
 * Take events: for the one dispatcher thread of a client.
 *
 * @param timeout_ns, wake  As for stk_wait.
 * @return  Events taken, 0 on timeout and when stk_client_net_changes grew, or an error as for stk_wait. Sockets closed
 *          meanwhile do not appear.
 *
 * Context: one thread per client.
 */
int stk_events_wait(struct stk_client *client, struct stk_event *events, size_t count, int64_t timeout_ns,
                    const _Atomic uint32_t *wake);

/**
 * Take events beside the dispatcher, without waiting; with several threads that take at a time some find nothing.
 *
 * @param attend  The caller waits, and looks again and again: as long as it does the dispatcher is not woken for events.
 *                stk_events_leave must follow.
 * @return        Events taken, or an error as for stk_wait.
 *
 * Context: any thread. Takes no lock, makes no system call. Without a thread of the stack's own there are none.
 */
int stk_events_poll(struct stk_client *client, struct stk_event *events, size_t count, bool attend);

/** The caller attends no more: the dispatcher is woken for events again, and at once if some are there. Context: any thread. */
void stk_events_leave(struct stk_client *client);

/** How long calls spin before they sleep, in nanoseconds; < 0: they never sleep. Context: any thread. */
int64_t stk_client_spin_ns(const struct stk_client *client);

/* --- Introspection ----------------------------------------------------- */

/**
 * List the interfaces.
 *
 * @return  Number of interfaces (perhaps more than count); the first count are filled.
 */
int stk_client_interfaces(struct stk_client *client, struct stk_if_info *out, size_t count);

/**
 * How often interfaces, their addresses or their state have changed. A change also makes stk_events_wait return.
 *
 * Context: any thread. Reads shared memory only.
 */
uint32_t stk_client_net_changes(const struct stk_client *client);

/**
 * Which local address and interface would reach a destination.
 *
 * @retval STK_ENETUNREACH  no route.
 */
int stk_client_route(struct stk_client *client, const struct stk_addr *remote, struct stk_addr *local,
                     uint32_t *if_index);

/**
 * Watch the signal engine.counters_signal, if there is one, for the life of the process: from the first attach on each
 * writes the counters to engine.counters_file; before, it does nothing. A signal that the program handles or ignores is
 * left alone, with a line in the log.
 *
 * @param config  Borrowed for the call.
 *
 * Context: one thread at a time. Does not block.
 */
void stk_counters_watch(const struct stk_config *config);

/** Write the counters of every layer as text lines "layer.object.counter value". Context: any thread. */
void stk_client_counters_dump(struct stk_client *client, int fd);

#endif
