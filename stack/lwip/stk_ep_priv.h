/**
 * @file
 * The insides of endpoints, for the stk_ep_*.c files.
 */
#ifndef STK_LWIP_EP_PRIV_H
#define STK_LWIP_EP_PRIV_H

#include "stk_lwip/instance.h"
#include "stk_lwip/stk_ep.h"

#include "ipc/fifo.h"
#include "ipc/notify.h"

#include "lwip/netif_priv.h"

#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/raw.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#include "lwip/priv/instance.h"

#define STK_EP_NONE UINT32_MAX
#define STK_EP_PORTS 65536u
/** Bytes handed to lwIP beyond what it has sent: keeps its unsent list short. */
#define STK_EP_UNSENT_MAX (128u * 1024u)
/** Connections that may wait for the end of a burst to send; further ones send at once. */
#define STK_EP_DUE_MAX 128u
/** Sockets that may capture at one time. */
#define STK_EP_TAPS_MAX 16u
/** Datagrams that records are cut into (STK_TX_CUT) in one turn, of all sockets together. */
#define STK_EP_CUT_TURN 256u
/** Urgent bytes that are told of and have not come, of one connection. */
#define STK_EP_URGENT_DUE 4u
/** Connections that a listener holds back (STK_OPT_ACCEPT_HELD), whatever its backlog. */
#define STK_EP_HELD_MAX 1024u
/** Sockets that may have the times of what they sent kept, at one time. */
#define STK_EP_STAMPERS_MAX 64u
/** Pieces up to this size are copied into the segment: one buffer is cheaper than a chain. */
#define STK_EP_COPY_MAX 512u

enum stk_ep_phase {
    STK_EP_FREE = 0,
    STK_EP_HELD,    /* the application has it */
    STK_EP_PENDING, /* in a listener's queue, or accepted from it: the application has it */
    STK_EP_CLOSING, /* given up by the application, bytes to be acknowledged */
};

/** Option values kept until a PCB exists, and for getting. */
struct stk_ep_opts {
    bool reuseaddr;
    bool port_scalability;
    bool randomize_port;
    bool reuse_unicastport;
    bool reuse_mcastport;
    bool exclusive;
    bool keepalive;
    bool nodelay;
    bool broadcast;
    bool dontroute;
    bool v6only;
    bool mcast_loop;
    bool hdrincl;
    bool dontfrag;
    bool udp_connreset;
    uint8_t ttl; /* 0: the stack's default */
    uint8_t tos;
    uint8_t mcast_ttl;
    uint32_t mcast_if;
    int32_t keepidle_ms;
    int32_t keepintvl_ms;
    int32_t keepcnt;
    int32_t conn_timeout_ms; /* 0: the table's */
    bool udp_netreset;
    bool nochecksum;
    bool recv_broadcast;
    bool circular;
    uint8_t mtu_discover; /* enum stk_pmtud */
    uint8_t v4_ttl;       /* v4_...: IPv6 sockets, for their IPv4 traffic */
    uint8_t v4_tos;
    bool v4_dontfrag;
    uint8_t v4_mtu_discover;
    uint8_t protection; /* enum stk_protection */
    uint8_t rcvall;     /* enum stk_rcvall */
    int32_t user_mtu;   /* -1: none */
    int32_t v4_user_mtu;
    uint32_t unicast_if;
    uint32_t v4_unicast_if;
    bool iflist_any;              /* one of these is in use */
    struct stk_iflist iflists[2]; /* of the socket's own version; of IPv4 on an IPv6 socket */
    bool icmp_fail;
    bool rcvbuf_set;    /* no automatic window */
    bool sndbuf_set;    /* no automatic send buffer */
    uint8_t rcv_compat; /* enum stk_rcv_compat */
    int32_t maxrt_ms;   /* 0: by repetitions, -1: for ever */
    int32_t syn_rto_ms; /* 0: the stack's */
    int32_t syn_retries;
    int32_t timestamps; /* -1: as the peer wants */
    bool oobinline;
    bool urgent_1122;
    bool urgent_set; /* urgent_1122 was changed once */
    bool accept_held;
    bool accept_paused;
    bool stamp_rx;
    int32_t segment;
    int32_t merge; /* looked at by the application's side */
};

/** Urgent data of a stream: stk_ep_urgent.c. */
struct stk_ep_urgent {
    uint32_t rx_seq;  /* sequence number of FIFO position 0, as if what was taken out had never been there */
    uint32_t tx_seq;  /* of the transmit FIFO's */
    uint64_t tx_end;  /* position behind the last urgent byte, 0: none */
    uint64_t rx_word; /* = abi->rx_urgent */
    uint64_t rx_mark; /* its mark, whole */
    uint32_t rx_number;
    uint32_t due_count;
    uint32_t due[STK_EP_URGENT_DUE]; /* sequence numbers, ascending */
    bool last_sure;                  /* a segment that held due's last byte said so */
};

/** A PCB of one of the kinds. */
union stk_ep_pcb {
    struct tcp_pcb *tcp; /* also a listening PCB, see listening */
    struct udp_pcb *udp;
    struct raw_pcb *raw;
};

struct stk_ep {
    struct stk_ep_table *table;
    struct stk_sock_abi *abi;
    struct stk_inst *inst; /* NULL: not yet chosen */
    union stk_ep_pcb pcb;
    union stk_ep_pcb more[STK_EP_INSTANCES_MAX]; /* the any address: PCBs in the other instances */
    uint32_t index;
    uint32_t generation;
    uint32_t next; /* free list, or closing list */
    uint32_t prev; /* closing list */
    uint32_t inst_index;
    uint32_t share_next; /* bound endpoints of one name, or of the any address and a port: index + 1 */
    uint32_t share_prev;
    uint32_t port_name;   /* a specific address: its name's index + 1 (stk_ep_port.c) */
    uint64_t reservation; /* token of the ports that it is bound from; 0: none */
    uint8_t port_mode;    /* how it shares, as it was when it was bound */
    uint8_t port_stacks;  /* bits: IPv4, IPv6 */
    bool port_shared;     /* its port may serve others for other destinations */
    bool reserves;        /* it holds reservations */
    uint8_t family;
    uint8_t type;
    uint8_t protocol;
    uint8_t phase;  /* enum stk_ep_phase */
    uint32_t state; /* enum stk_state_bit; the region's word is written from here and never read */
    bool bound;
    bool in_ports;
    bool listening;
    bool connecting;
    bool fin_wanted; /* FIN after what is queued */
    bool fin_done;   /* handed to lwIP */
    bool rx_shut;
    bool peer_set;      /* datagrams */
    bool local_by_peer; /* datagrams: bound to the any address, local's follows the peer */
    bool spread;        /* datagrams: more holds PCBs */
    bool output_due;    /* streams: in table->due */
    bool urgent_due;    /* streams: urgent.due is not empty */
    bool held;          /* streams: the SYN is not answered, or the handshake not through */
    bool admitted;      /* held: SYN|ACK was sent */
    bool ip_special;    /* datagrams: packets want stk_ep_ip_begin */
    bool cutting;       /* datagrams: in table->cutting, nothing overtakes what is left */
    struct stk_addr local;
    struct stk_addr peer;
    uint64_t tx_queued;    /* FIFO position handed to lwIP */
    uint64_t tx_acked;     /* FIFO position released, = abi->tx_head */
    uint64_t rx_tail;      /* own copy of abi->rx_tail */
    uint64_t rx_opened;    /* FIFO position up to which the window was opened */
    uint64_t rx_head_seen; /* last look at abi->rx_head */
    uint32_t rx_want;      /* streams: bytes read before the window is opened, = abi->rx_want */
    uint64_t rx_payload;
    uint64_t idle_mark;
    uint64_t connect_deadline_ns; /* STK_NEVER: none */
    uint32_t connecting_next;     /* those with a deadline: index + 1 */
    uint32_t connecting_prev;
    uint32_t backlog;
    uint32_t last_inst;        /* spread: where the last datagram came in */
    struct stk_addr last_from; /* spread: and from whom */
    uint32_t half_open;        /* listener: handshakes in progress */
    uint32_t mcast_head;       /* memberships, index into the table's pool */
    struct stk_netif *tap;     /* RAW: the interface that it captures; NULL: none */
    int32_t soft_error;        /* ICMP during the handshake: what to report when it times out */
    struct stk_ep_opts opts;
    struct stk_ep_urgent urgent;
    uint32_t window;      /* streams: what the peer may have sent without its being read, by the last announcement */
    uint32_t window_debt; /* announced beyond that: bytes whose reading opens nothing */
    uint64_t tune_at;     /* FIFO position of the last look at the window's size */
    struct stk_icmp_info icmp;
    uint32_t stamper;       /* its entry in table->stampers + 1; 0: none */
    struct stk_ep_rio *rio; /* its request rings; NULL: none */
    uint64_t rx_direct;     /* streams: bytes that never were in the FIFO */
    uint64_t tx_direct;
    uint64_t tx_mixed;     /* closed streams: bytes to be acknowledged before those of the FIFO alone are */
    uint64_t tx_mixed_end; /* then the FIFO is acknowledged up to here */
    uint32_t tx_copies;    /* chunks with bytes that were memory of requests: the first + 1 */
    uint32_t cut_next;     /* those that are cutting: index + 1 */
    uint32_t cut_done;     /* payload bytes of the FIFO's first record that went out */
    err_t cut_err;         /* the first error among them */
};

/** Times of one socket's datagrams, in chunks: stk_ep_stamp.c. */
struct stk_ep_stamper {
    bool used;
    uint32_t capacity; /* times that may be kept */
    uint32_t count;    /* that are */
    uint64_t head;     /* entries in use, those that were taken among them: head..tail, capacity at most */
    uint64_t tail;
    uint32_t chunks[STK_STAMPS_MAX * 16u / STK_CHUNK_SIZE + 1u];
};

struct stk_ep_rio;
struct stk_ep_rio_table;
struct stk_ep_source;

struct stk_ep_member {
    uint32_t next;
    uint32_t inst;
    uint32_t if_index;
    struct stk_addr group;
    uint32_t sources; /* index into the table's pool */
    uint32_t sources_count;
    uint8_t mode;   /* enum stk_mcast_mode */
    bool gone;      /* its last source was dropped: no membership, but remembered */
    bool unblocked; /* a source was unblocked once */
};

struct stk_ep_table {
    struct stk_region *region;
    struct stk_inst *insts[STK_EP_INSTANCES_MAX];
    uint8_t ext_id[STK_EP_INSTANCES_MAX]; /* lwIP ext arg, per instance */
    uint32_t insts_count;
    uint32_t socks_count;
    uint32_t free_head;
    uint32_t fresh; /* slots from here on were never used */
    uint32_t closing_head;
    uint32_t closing_count;
    uint32_t connecting_count;
    uint32_t connecting_head; /* index + 1 */
    uint32_t members_free;
    uint32_t sources_free;
    uint32_t connect_timeout_ms;
    uint16_t port_first;
    uint16_t port_last;
    uint32_t taps_count;
    uint32_t taps[STK_EP_TAPS_MAX]; /* sockets that capture */
    uint64_t next_ns;
    uint64_t sweep_ns;
    uint32_t sweep_at;
    uint32_t due_count;
    uint32_t cut_left; /* datagrams that records may still be cut into in this turn */
    uint32_t cut_head; /* endpoints whose records are cut further next turn: index + 1 */
    uint32_t cut_tail;
    uint32_t due[STK_EP_DUE_MAX]; /* connections that send at the end of the burst */
    struct stk_ep *eps;
    struct stk_ep_member *members;
    struct stk_ep_source *sources;
    uint8_t (*sources_scratch)[16]; /* a filter, copied out of the region */
    struct stk_ep_ports *ports;
    struct stk_ep_rio_table *rio;
    struct stk_ep_env env;
    uint64_t stamp_token; /* of the frame that was marked last */
    struct stk_ep_stamper stampers[STK_EP_STAMPERS_MAX];
    uint16_t *chunk_refs; /* per chunk: references of drivers; see STK_EP_REF_FREE */
    struct stk_ep_stats stats;
};

/** chunk_refs flag: the FIFO has let go; give the chunk back with the last reference. */
#define STK_EP_REF_FREE 0x8000u

/* stk_ep.c */
struct stk_ep *stk_ep_slot_take(struct stk_ep_table *table, uint8_t family, uint8_t type, uint8_t protocol);
void stk_ep_slot_free(struct stk_ep *ep);
void stk_ep_closing_add(struct stk_ep *ep);
void stk_ep_state_set(struct stk_ep *ep, uint32_t set, uint32_t clear);
void stk_ep_addrs_publish(struct stk_ep *ep);
void stk_ep_tx_release(struct stk_ep *ep, uint64_t to);
int stk_ep_autobind(struct stk_ep *ep, const struct stk_addr *remote);
static inline void stk_ep_notify(struct stk_ep *ep)
{
    stk_notify(ep->table->region, ep->index);
}

/* stk_ep.c: how long a connect tries */
void stk_ep_deadline_set(struct stk_ep *ep, uint64_t deadline_ns);
void stk_ep_deadline_clear(struct stk_ep *ep);

/* stk_ep_port.c */
int stk_ep_ports_create(struct stk_ep_table *table);
void stk_ep_ports_destroy(struct stk_ep_table *table);
/** May the unbound endpoint take an address and a port? STK_OK, STK_EADDRINUSE or STK_EACCES (table T2). */
int stk_ep_port_conflict(const struct stk_ep *ep, const struct stk_addr *local);
/** Fill in a dynamic port. STK_EADDRINUSE: there is none. remote: whom it connects to, or NULL. */
int stk_ep_port_choose(struct stk_ep *ep, struct stk_addr *local, const struct stk_addr *remote);
void stk_ep_port_add(struct stk_ep *ep);
void stk_ep_port_remove(struct stk_ep *ep);
/** Does nobody else of its kind have the endpoint's port, on whatever address? */
bool stk_ep_port_alone(const struct stk_ep *ep);
/** Datagram endpoints that a datagram to an address may be for: of the address, then of the any address. */
struct stk_ep *stk_ep_port_next(struct stk_ep_table *table, const struct stk_addr *local, const struct stk_ep *before);
bool stk_ep_reservation_valid(const struct stk_ep *ep);
bool stk_ep_reservation_has(const struct stk_ep *ep, uint16_t port);
int stk_ep_reservation_acquire(struct stk_ep *ep, uint32_t start, uint32_t count, uint64_t *token, uint16_t *first);
int stk_ep_reservation_associate(struct stk_ep *ep, uint64_t token);
int stk_ep_reservation_release(struct stk_ep *ep, uint64_t token);
void stk_ep_reservations_drop(struct stk_ep *ep);

/* stk_ep_addr.c */
/** A mapped address becomes the IPv4 one it stands for; false: it was none. */
bool stk_ep_addr_unmap(struct stk_addr *addr);
/** Is it the limited broadcast, or that of a subnet of any instance? */
bool stk_ep_addr_bcast(const struct stk_ep_table *table, const struct stk_addr *addr);
/** Is it, mapped or not, a multicast or a broadcast address? No connection goes there (RFC 9293 3.9.1.1, MUST-46). */
bool stk_ep_addr_many(const struct stk_ep_table *table, const struct stk_addr *addr);
int stk_ep_ip_from(const struct stk_ep *ep, const struct stk_addr *addr, ip_addr_t *out);
void stk_ep_ip_to(const struct stk_ep *ep, const ip_addr_t *ip, uint16_t port, struct stk_addr *out);
bool stk_ep_addr_any(const struct stk_addr *addr);
bool stk_ep_addr_mcast(const struct stk_addr *addr);
/** An address that is not of one link (RFC 4007 4) is the same with any scope: take the scope off. */
void stk_ep_addr_scope_drop(struct stk_addr *addr);
bool stk_ep_addr_equal_ip(const struct stk_addr *left, const struct stk_addr *right);
int stk_ep_inst_of_local(struct stk_ep_table *table, const struct stk_ep *ep, const struct stk_addr *local);
int stk_ep_inst_of_remote(struct stk_ep_table *table, const struct stk_ep *ep, const struct stk_addr *remote);
int stk_ep_err_from(err_t err);
/** Index of the entered instance: a socket bound to the any address has a PCB in each. */
uint32_t stk_ep_inst_here(const struct stk_ep_table *table);

/* stk_ep_tcp.c; stk_ep_tcp_listen is stk_ep_listen.c's */
int stk_ep_tcp_listen(struct stk_ep *ep, uint32_t backlog);
int stk_ep_tcp_connect(struct stk_ep *ep, const struct stk_addr *remote);
void stk_ep_tcp_kick(struct stk_ep *ep);
/** Open the window by what was read. */
void stk_ep_tcp_credit(struct stk_ep *ep);
/** Hand a piece of the FIFO to lwIP. */
err_t stk_ep_tcp_write_piece(struct stk_ep *ep, uint32_t len_max, uint32_t *len);
void stk_ep_tcp_close(struct stk_ep *ep, uint32_t mode);
int stk_ep_tcp_shutdown(struct stk_ep *ep, uint32_t how);
void stk_ep_tcp_expire(struct stk_ep *ep);
void stk_ep_tcp_opts_apply(struct stk_ep *ep);
int stk_ep_tcp_table_init(struct stk_ep_table *table);
int stk_ep_tcp_pcb_make(const struct stk_ep *ep, struct tcp_pcb **out);
void stk_ep_tcp_detach(struct stk_ep *ep);
void stk_ep_tcp_kill(struct stk_ep *ep);
void stk_ep_tcp_callbacks(struct stk_ep *ep);
void stk_ep_tcp_window_set(const struct stk_ep *ep, struct tcp_pcb *pcb);
void stk_ep_tcp_want_set(struct stk_ep *ep);
void stk_ep_tcp_addrs_take(struct stk_ep *ep);
extern const struct tcp_ext_arg_callbacks stk_ep_tcp_ext_callbacks;
static inline uint8_t stk_ep_ext_id(const struct stk_ep *ep)
{
    return ep->table->ext_id[ep->inst_index];
}

/* stk_ep_own.c: timers and SYN options of a PCB, and what is told of it */
void stk_ep_own_begin(const struct stk_ep *ep, struct tcp_pcb *pcb);
void stk_ep_own_apply(const struct stk_ep *ep, struct tcp_pcb *pcb);
void stk_ep_own_opened(struct stk_ep *ep, struct tcp_pcb *pcb);
uint64_t stk_ep_own_connect_ms(const struct stk_ep *ep);
bool stk_ep_window_follow(struct stk_ep *ep, uint32_t bytes);
uint64_t stk_ep_window_pay(struct stk_ep *ep, uint64_t opened);
void stk_ep_window_tune(struct stk_ep *ep);
void stk_ep_window_posted(struct stk_ep *ep);
void stk_ep_isb_update(struct stk_ep *ep);

/** The endpoint of a connection's PCB; NULL: none. */
struct stk_ep *stk_ep_tcp_of(const struct tcp_pcb *pcb);

/* stk_ep_rio.c: registered I/O; none of these is called for endpoints without request rings */
int stk_ep_rio_table_create(struct stk_ep_table *table);
void stk_ep_rio_table_destroy(struct stk_ep_table *table);
/** Something changed about ports, options or peers: flows are looked at anew. */
void stk_ep_rio_forget(struct stk_ep_table *table);
/** The socket ends: every request completes, as soon as its bytes are nobody's. lwIP has none of them any more. */
void stk_ep_rio_end(struct stk_ep_rio *rio, int32_t status);

/* stk_ep_rio_recv.c */
/** Look at everything that a receive may get, or learn. */
void stk_ep_rio_recv_kick(struct stk_ep *ep);
/** Give a datagram to the first receive; false: there is none, or the FIFO comes first. */
bool stk_ep_rio_recv_dgram(struct stk_ep *ep, const struct stk_dgram_abi *record, const struct pbuf *p);
/** Give bytes of a stream to receives, and cut them off p. @return  Bytes; the FIFO is for the rest. */
uint32_t stk_ep_rio_recv_stream(struct stk_ep *ep, struct pbuf *p);
/** Something was stored in the FIFO and told: edge M. */
void stk_ep_rio_stored(struct stk_ep *ep);

/* stk_ep.c */

/** Look at what a live endpoint's application published for it. */
void stk_ep_look(struct stk_ep *ep);

/* stk_ep_rio_watch.c */

/** Its application sends: watch it, if that is wanted and there is a place. Before what it committed is looked at. */
void stk_ep_rio_watch_add(struct stk_ep_rio *rio);

/* stk_ep_rio_send.c */
/* A kick is being looked at: asks for what it is probably about, which comes from another processor. */
void stk_ep_rio_send_expect(const struct stk_ep *ep);
/** Send the datagrams whose turn it is: not those behind bytes of the FIFO that are not sent. @return  False: ep->cutting. */
bool stk_ep_rio_send_dgrams(struct stk_ep *ep);
/** Hand bytes of requests and FIFO to lwIP, up to tail. @return  Was there anything? */
bool stk_ep_rio_send_stream(struct stk_ep *ep, uint64_t tail);
/** Are there requests that were not handed to lwIP wholly? */
bool stk_ep_rio_unsent(struct stk_ep *ep);
/** Are there bytes of requests that lwIP has and that are not acknowledged? */
bool stk_ep_rio_unacked(struct stk_ep *ep);
/** Bytes were acknowledged. */
void stk_ep_rio_acked(struct stk_ep *ep, uint32_t len);
/** A stream is being closed: take its requests out of lwIP's hands. @return  The mode that is left. */
uint32_t stk_ep_rio_closing(struct stk_ep *ep, uint32_t mode);
/** Of a closed stream: which bytes of len are the FIFO's own. */
uint32_t stk_ep_rio_mixed_acked(struct stk_ep *ep, uint32_t len);
void stk_ep_rio_copies_free(struct stk_ep *ep);
/** The connection is gone. */
void stk_ep_rio_ended(struct stk_ep *ep, int32_t status);

/* stk_ep_urgent.c */
/** The connection is made: what FIFO positions are in sequence numbers. */
void stk_ep_urgent_begin(struct stk_ep *ep);
/** The application says that bytes before tail are urgent; true: something is to be sent. */
bool stk_ep_urgent_take(struct stk_ep *ep, uint64_t tail);
/** Is there urgent data that was not acknowledged? */
bool stk_ep_urgent_sending(const struct tcp_pcb *pcb);
/** Store received bytes among which urgent ones may be; false: no chunk, nothing happened. */
bool stk_ep_urgent_store(struct stk_ep *ep, const struct pbuf *p);
int stk_ep_urgent_opt_set(struct stk_ep *ep, uint32_t opt, bool on);

/* stk_ep_listen.c */
int stk_ep_tcp_admit(struct stk_ep *ep);
err_t stk_ep_listen_passive_open(u8_t id, struct tcp_pcb_listen *lpcb, struct tcp_pcb *cpcb);
void stk_ep_listen_close(struct stk_ep *ep);

/* stk_ep_dgram.c: UDP and RAW */
int stk_ep_dgram_bind(struct stk_ep *ep);
int stk_ep_dgram_connect(struct stk_ep *ep, const struct stk_addr *remote);
void stk_ep_dgram_kick(struct stk_ep *ep);
void stk_ep_dgram_close(struct stk_ep *ep, uint32_t mode);
/** The end of a socket that had datagrams left over when it was closed. */
void stk_ep_dgram_close_end(struct stk_ep *ep);
void stk_ep_dgram_opts_apply(struct stk_ep *ep);

/* stk_ep_dgram_recv.c */
bool stk_ep_dgram_store(struct stk_ep *ep, struct stk_dgram_abi *record, const struct pbuf *p);
/** lwIP's callbacks; arg: the endpoint. */
void stk_ep_dgram_on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr, u16_t port);
u8_t stk_ep_dgram_on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr);

err_t stk_ep_dgram_record_send(struct stk_ep *ep, const struct stk_dgram_abi *record, uint64_t at);
/** Send a payload as a record asks; p stays the caller's. */
err_t stk_ep_dgram_pbuf_send(struct stk_ep *ep, const struct stk_dgram_abi *record, struct pbuf *p);
/** What an error of sending means to the application; counted. */
int stk_ep_dgram_send_error(struct stk_ep *ep, err_t err);
uint32_t stk_ep_dgram_payload_max(const struct stk_ep *ep);

/* stk_ep_cut.c */
/** May the application's side have written this? */
bool stk_ep_cut_record_valid(const struct stk_ep *ep, const struct stk_dgram_abi *record);
/** One more datagram in this turn? False: the endpoint goes on in the next one. */
bool stk_ep_cut_may(struct stk_ep *ep);
/** The endpoint has nothing left over, or drops it. */
void stk_ep_cut_remove(struct stk_ep *ep);
/**
 * Send the datagrams that the FIFO's first record, one with STK_TX_CUT, is; its payload is at FIFO position at.
 *
 * @return  The first error; or ERR_INPROGRESS: the turn's share is used up, and the record stays the first.
 */
err_t stk_ep_cut_send(struct stk_ep *ep, const struct stk_dgram_abi *record, uint64_t at);
/** Go on with what was left over. @return  Was there anything? */
bool stk_ep_cut_turn(struct stk_ep_table *table);

/* stk_ep_stamp.c: times of datagrams */
/** Note when the datagram that lwIP is delivering was received. */
void stk_ep_stamp_received(const struct stk_ep *ep, struct stk_dgram_abi *record, const struct pbuf *p);
/** A datagram follows whose time is kept. */
void stk_ep_stamp_begin(struct stk_ep *ep);
/** Hand what was gathered to the ports and keep the time: that of the port, where it has a clock. Its instance is entered. */
void stk_ep_stamp_sent(struct stk_ep *ep, uint32_t id);
/** The socket ends: forget its times. */
void stk_ep_stamp_end(struct stk_ep *ep);

/* stk_ep_ip.c: options of IP on what is sent, and what is taken */
/** Settings of one IP version of a socket. */
struct stk_ep_ip_opts {
    uint8_t ttl; /* 0: the stack's default */
    uint8_t tos;
    uint8_t mtu_discover;
    bool dontfrag;
    int32_t user_mtu;
    uint32_t unicast_if;
};
/** What stk_ep_ip_begin changed, for stk_ep_ip_end. */
struct stk_ep_ip_scope {
    struct ip_pcb *pcb;
    struct netif *netif; /* its MTU was lowered; NULL: none's */
    u16_t mtu;
    u8_t ttl, tos, netif_idx;
};
struct stk_ep_ip_opts stk_ep_ip_opts_for(const struct stk_ep *ep, bool v4);
void stk_ep_ip_mark(struct stk_ep *ep);
bool stk_ep_ip_begin(const struct stk_ep *ep, struct ip_pcb *pcb, const ip_addr_t *ip, uint32_t bytes,
                     struct stk_ep_ip_scope *scope);
void stk_ep_ip_end(const struct stk_ep_ip_scope *scope);
struct netif *stk_ep_ip_netif(const struct stk_ep *ep, const ip_addr_t *local, const ip_addr_t *ip);
struct netif *stk_ep_ip_port(uint32_t if_index, const ip_addr_t *local);
bool stk_ep_ip_own(const ip_addr_t *ip);
void stk_ep_ip_scope_settle(const struct stk_ep *ep, ip_addr_t *ip);
int stk_ep_ip_mtu(const struct stk_ep *ep, bool v4, int32_t *value);
int stk_ep_ip_if_check(const struct stk_ep_table *table, uint32_t if_index);
int stk_ep_ip_iflist_set(struct stk_ep *ep, const void *value, uint32_t len);
bool stk_ep_ip_listed(const struct stk_ep *ep, uint32_t if_index, bool v4);
bool stk_ep_ip_taken(const struct stk_ep *ep, const ip_addr_t *from, struct netif *inp);

/* stk_ep_raw.c: headers of RAW packets; whole packets of an interface (SIO_RCVALL) */
#define STK_EP_ICMP6_CHECKSUM 2u
static inline bool stk_ep_raw_edits(const struct stk_ep *ep)
{
    return ep->opts.hdrincl || (ep->family == STK_AF_INET6 && ep->protocol == 58);
}
bool stk_ep_raw_header(struct pbuf *p, const ip_addr_t *to, const ip_addr_t *local);
bool stk_ep_raw_checksum(const struct stk_ep *ep, struct pbuf *p);
int stk_ep_raw_tap_set(struct stk_ep *ep, int32_t mode);
void stk_ep_raw_tap_end(struct stk_ep *ep);

/* stk_ep_mcast.c */
int stk_ep_mcast_table_init(struct stk_ep_table *table, uint32_t members_max);
void stk_ep_mcast_table_fini(struct stk_ep_table *table);
/** May a socket hear the multicast that lwIP is delivering? */
bool stk_ep_mcast_accepts(const struct stk_ep *ep, const struct stk_dgram_abi *record);
/** Have what is sent next to a group come back in if somebody here may hear it; pcb: a udp_pcb or a raw_pcb. */
void stk_ep_mcast_loop_set(const struct stk_ep *ep, struct ip_pcb *pcb, const ip_addr_t *group);
void stk_ep_mcast_leave_all(struct stk_ep *ep);

/* stk_ep_mcast_op.c */
bool stk_ep_mcast_opt(uint32_t opt);
int stk_ep_mcast_set(struct stk_ep *ep, uint32_t opt, const void *value, uint32_t len);

#endif
