/**
 * @file
 * A peer outside of Winlane: two network namespaces joined by a veth pair, the
 * kernel's stack at 10.87.0.2, Winlane's af_packet port at 10.87.0.1. Needs
 * root; without, t_veth_up says no and the test skips.
 */
#ifndef T_PEER_H
#define T_PEER_H

#include "t_life.h"

#define T_PEER_IP "10.87.0.2"
#define T_PEER_PORT "7100"

/** What the peer does with each connection. */
enum t_peer_kind {
    T_PEER_READ, /**< reads until the end */
    T_PEER_MUTE, /**< reads nothing and waits for the end */
    T_PEER_ECHO, /**< sends back what comes */
};

/** How a connection went. */
struct t_peer_result {
    uint64_t bytes;
    uint64_t bad; /**< bytes that were not the test's stream */
    int end;      /**< 0: FIN, else errno */
};

struct t_peer {
    pid_t pid;
    int results;
};

/** Make namespaces and the pair; children start in Winlane's. @return false: not root. */
bool t_veth_up(void);

/** Remove them. */
void t_veth_down(void);

/** Winlane's configuration for its end. */
void t_conf_veth(const char *engine);

/** Start a peer that listens when this returns. */
void t_peer_start(struct t_peer *peer, enum t_peer_kind kind);

/** Wait for a connection's end, at most seconds. */
struct t_peer_result t_peer_result(const struct t_peer *peer, uint32_t seconds);

/** End it. */
void t_peer_stop(struct t_peer *peer);

#endif
