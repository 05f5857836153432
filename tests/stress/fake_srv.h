/**
 * @file
 * A stack's side of a channel without a stack: every stream connects to itself
 * (what is sent comes back), every datagram returns to its sender. For tests of
 * the application's side.
 */
#ifndef FAKE_SRV_H
#define FAKE_SRV_H

#include "ipc/chunk.h"
#include "ipc/region.h"

#include <pthread.h>

#define FAKE_SRV_SOCKS 64u
/** Port of connects that stay in progress, and of those that are refused. */
#define FAKE_PORT_SILENT 1u
#define FAKE_PORT_REFUSED 2u

struct fake_srv {
    struct stk_region region;
    uint32_t generation[FAKE_SRV_SOCKS];
    bool open[FAKE_SRV_SOCKS];
    uint32_t kicks;
    uint32_t closes;
    uint32_t last_close_mode;
    uint64_t now_ns; /**< virtual time of a stepped server */
    bool deaf;       /**< takes no submissions */
    uint32_t spins;  /**< a server thread looks this often before it sleeps */
    pthread_t thread;
    bool threaded;
    STK_U32 stop;
};

/** Make the region (chunks of STK_CHUNK_SIZE) and mark the engine as running. */
void fake_srv_create(struct fake_srv *srv, uint32_t chunks, int32_t app_spin_us);

/** Serve on a thread until fake_srv_destroy. */
void fake_srv_start(struct fake_srv *srv, uint32_t spins);

/** End the thread; afterwards the server may be stepped and looked at. */
void fake_srv_stop(struct fake_srv *srv);

/** Stop, check that every chunk of closed sockets came back, destroy the region. */
void fake_srv_destroy(struct fake_srv *srv);

/** Take all submissions once; returns how many. */
uint32_t fake_srv_step(struct fake_srv *srv);

/** A pump (core/client.h) over a struct fake_srv; idle time passes 1 ms at a time. */
uint64_t fake_srv_pump(void *context, uint64_t until_ns);

/* The following change a socket as the network would; on the server's thread or when it is stopped. */

/** A connection comes in for a listener; returns the child's slot. */
uint32_t fake_srv_connect_in(struct fake_srv *srv, uint32_t listener);

/** The peer's FIN. */
void fake_srv_fin(struct fake_srv *srv, uint32_t sock);

/** The connection ends with an error. */
void fake_srv_end(struct fake_srv *srv, uint32_t sock, int error);

/** A pending error, as from ICMP. */
void fake_srv_error(struct fake_srv *srv, uint32_t sock, int error);

/** Set the engine's state. */
void fake_srv_engine_state(struct fake_srv *srv, uint32_t state);

#endif
