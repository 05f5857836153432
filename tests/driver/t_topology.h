/**
 * @file
 * The places where the contract test runs: which driver, with which keys, and
 * what joins the two ports.
 */
#ifndef T_TOPOLOGY_H
#define T_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

struct nic_port;
struct nic_port_conf;

struct t_bad_conf {
    const char *keys;
    const char *reason; /**< part of the error's text */
};

/** A port that cannot be opened although its configuration is well formed. */
struct t_refused {
    const char *keys;
    int err;
    const char *reason; /**< part of the error's text */
};

struct t_topology {
    const char *name;
    const char *driver;
    const char *keys_a;
    const char *keys_b;     /**< NULL: one port, whose frames go nowhere */
    const char *keys_again; /**< another port on the device of keys_a, which must be refused; or NULL */
    bool needs_root;
    bool (*prepare)(void);                         /**< makes what the ports need; false: cannot, and said why */
    bool (*link_set)(struct nic_port *a, bool up); /**< unplugs port a; NULL: its link cannot change */
    bool (*busy_elsewhere)(const struct nic_port_conf *conf); /**< whether another process is refused it; or NULL */
    bool wait_fd;                                             /**< the ports must have something to sleep on */
    bool extmem;                                              /**< the ports must take external memory */
    uint32_t burst;                                           /**< frames that surely fit between the ports */
    const struct t_bad_conf *bad;                             /**< ends with NULL keys */
    const struct t_refused *refused;                          /**< ends with NULL keys; or NULL */
};

/** Configurations that the dpdk driver refuses. */
extern const struct t_bad_conf t_dpdk_bad[];

/** The one that only this system has, with interfaces of its own. */
extern const struct t_topology t_topology_of_system;

/**
 * Find a topology.
 *
 * @return  It, or NULL: no such name (prints those that exist).
 */
const struct t_topology *t_topology_find(const char *name);

#endif
