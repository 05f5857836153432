/**
 * @file
 * What the files of the in-memory stack share. One lock guards everything.
 */
#ifndef FAKE_PRIV_H
#define FAKE_PRIV_H

#include "fake_stack.h"
#include "t_os.h"

#include "stack/api.h"

#define FAKE_RX_SIZE (256u * 1024u)

struct fake_dgram {
    struct fake_dgram *next;
    struct stk_addr from;
    struct stk_addr to;
    size_t len;
    uint8_t data[];
};

struct stk_sock {
    struct stk_sock *next; /* list of all */
    struct stk_client *client;
    uint64_t cookie;
    int family, type, protocol;
    bool bound, listening, connecting, connected, connect_failed;
    bool fin_sent, fin_rcvd, shut_rd, ended, cancelled, in_backlog, event_queued;
    int end_error; /* why a stream ended, or the pending error of a datagram socket */
    struct stk_addr local, peer;
    struct stk_sock *other;  /* the stream's far end */
    struct stk_sock *parent; /* listener whose backlog holds this one */
    struct stk_sock *accept_head, *accept_next;
    struct stk_sock *event_next;
    uint32_t backlog, accept_count, armed;
    uint8_t *rx;
    uint8_t urgent;
    bool urgent_there;
    size_t rx_head, rx_len;
    struct fake_dgram *dgram_head, **dgram_tail;
    size_t dgram_bytes;
    uint32_t isb, isb_seen;
    struct stk_rio_rq *rio;
    int32_t opts[STK_OPT_COUNT];
    struct stk_mcast_filter filter; /* the last one that was set */
    uint8_t filter_sources[STK_MCAST_SOURCES_MAX][16];
};

struct stk_client {
    unsigned refs;
};

struct fake_state {
    struct t_mutex lock;
    struct t_cond changed;
    struct stk_client client;
    struct stk_sock *socks;
    struct stk_sock *event_head, **event_tail;
    unsigned socks_count;
    uint16_t port_next;
    int last_close;
    uint32_t last_connect_armed;
    bool hold_connect, hold_drain, hold_send, reader_between, ready;
    struct {
        int err;
        unsigned times;
    } forced[FAKE_OP_COUNT];
    bool addr_gone;
    uint32_t net_changes;
    uint32_t net_seen; /* by the dispatcher */
};

extern struct fake_state fake;

/** Take the lock; makes the condition variable on first use. */
void fake_lock(void);
void fake_unlock(void);

/** The error forced for op, or 0. Lock held. */
int fake_forced(enum fake_op op);

/** A change of one source of a membership. Lock held. */
int fake_mcast_source(struct stk_sock *sock, enum stk_opt opt, const void *value, size_t len);

/** Ready bits of a socket. Lock held. */
uint32_t fake_ready(const struct stk_sock *sock);

/** The socket's readiness may have changed: queue its event, wake all waiters. Lock held. */
void fake_changed(struct stk_sock *sock);

/** A connected or listening stream socket's far end: NULL when nobody listens on addr. Lock held. */
struct stk_sock *fake_find(int type, const struct stk_addr *addr, bool listening);

/** What the data calls do. Lock held. */
int64_t fake_send(struct stk_sock *sock, const struct stk_iov *iov, size_t count);
int64_t fake_recv(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags);
int64_t fake_sendto(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to);
int64_t fake_recvfrom(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags,
                      struct stk_msg_info *info);

/** Requests of a socket may go on; they end with it. Lock held. */
void fake_rio_pump(struct stk_sock *sock);
void fake_rio_close(struct stk_sock *sock);

/** Events of completion queues. @return  How many. Lock held. */
size_t fake_rio_events(struct stk_event *events, size_t count);

/** End a stream with an error. Lock held. */
void fake_end(struct stk_sock *sock, int err);

/** Is the destination carried by this stack? */
bool fake_routed(const struct stk_addr *addr);

/** Give an unbound socket the address that reaches remote and a dynamic port. Lock held. */
void fake_autobind(struct stk_sock *sock, const struct stk_addr *remote);

#endif
