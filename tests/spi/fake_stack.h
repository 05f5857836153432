/**
 * @file
 * A stack in memory behind the stack API, for tests of the provider alone: two
 * sockets of the process connect through it and bytes move, thread-safe, with
 * waits, armed events and the errors that a test asks for.
 *
 * Reachable: 127/8, 10.9/16, ::1 and fd09::/16, all of them this process. A
 * stream to a port without listener is refused; every other destination has no
 * route. What is sent is acknowledged at once unless drains are held.
 */
#ifndef FAKE_STACK_H
#define FAKE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Calls of the stack API that can be made to fail. */
enum fake_op {
    FAKE_ATTACH,
    FAKE_OPEN,
    FAKE_BIND,
    FAKE_LISTEN,
    FAKE_CONNECT,
    FAKE_ACCEPT,
    FAKE_SHUTDOWN,
    FAKE_SEND,
    FAKE_RECV,
    FAKE_SENDTO,
    FAKE_RECVFROM,
    FAKE_OPT_SET,
    FAKE_OPT_GET,
    FAKE_WAIT,
    FAKE_OP_COUNT
};

/** Let the next times calls of op fail with err (negative enum stk_err). */
void fake_force_error(enum fake_op op, int err, unsigned times);

/** While held, new connects stay in progress; releasing ends them: 0 connects, an error fails them. */
void fake_connect_hold(bool hold, int result);

/** While held, no stream reports STK_READY_DRAINED. */
void fake_drain_hold(bool hold);

/** While on, a look at a stream finds its bytes read by somebody else after its bits were looked at. */
void fake_reader_between(bool on);

/** While held, stk_sock_send and stk_sock_sendto find no room. */
void fake_send_hold(bool hold);

/** Give every datagram socket bound to port a pending error (negative enum stk_err). */
void fake_dgram_error(uint16_t port, int err);

/** End every stream of this process with an error, as a lost peer would. */
void fake_reset_streams(int err);

/** The ideal send backlog of all streams becomes this. */
void fake_isb_set(uint32_t bytes);

/** Take an address of the second interface away, or give it back: the routing table changes, and its IPv6 address list. */
void fake_net_change(bool gone);

/** All completion queues are found damaged. */
void fake_rio_damage(void);

/** While held, threads stay in stk_rio_post. */
void fake_rio_post_hold(bool hold);

/** Threads in stk_rio_post. */
unsigned fake_rio_posters(void);

/** Memory that is known; queues of both kinds that exist. */
unsigned fake_rio_mems_count(void);
unsigned fake_rio_queues_count(void);

/** Open sockets, closed ones in the background not counted. */
unsigned fake_sockets_count(void);

/** Clients attached now. */
unsigned fake_clients_count(void);

/** What the socket of the last stk_sock_connect was armed for then: STK_READY_*. */
uint32_t fake_last_connect_armed(void);

/** How the last stk_sock_close ended its socket: enum stk_close_mode, -1: none yet. */
int fake_last_close_mode(void);

#endif
