/**
 * @file
 * A world under attack: streams in both families between its hosts, sockets of
 * every kind on host 1, and a third port that sends what it likes.
 */
#ifndef TESTS_SIM_SCENE_H
#define TESTS_SIM_SCENE_H

#include "sim_wire.h"

#define SIM_UDP_PORT 5353
#define SIM_TCP_PORT 8080
#define SIM_VICTIM 1

enum { SIM_FIN = 1, SIM_SYN = 2, SIM_RST = 4, SIM_PSH = 8, SIM_ACK = 16 };

/** IPv4, IPv6: the order of the pairs below. */
extern const int sim_families[2];

struct sim_scene {
    struct sim_world world;
    struct sim_wire wire;
    struct sim_pools before[SIM_HOSTS];
    struct sim_flow flows[2];
    struct stk_sock *udp[2];
    struct stk_sock *raw[2];
    struct stk_sock *listener[2];
};

/** Make it. port_lines: more lines of both [port] sections. */
void sim_scene_open(struct sim_scene *scene, uint64_t seed, const char *port_lines);

/** The streams go on: this many bytes each way, on both. */
void sim_scene_move(struct sim_scene *scene, uint32_t bytes);

/** Take and count the datagrams that came through. */
uint32_t sim_dgrams_take(struct stk_sock *sock);

/** End it: the streams still work, and when all is quiet every pool is back where it was. */
void sim_scene_close(struct sim_scene *scene);

#endif
