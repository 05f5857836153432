/**
 * @file
 * The configuration: one INI file, parsed into fixed structures before any NIC
 * is touched. Every error names file, line and key.
 *
 * Sections: [engine], [port NAME] (one per port), [log]. The keys are
 * described in configs/winlane.ini, a working commented file.
 */
#ifndef STACK_CONFIG_H
#define STACK_CONFIG_H

#include "stack/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STK_CONF_PORTS_MAX 16
#define STK_CONF_INSTANCES_MAX 8
#define STK_CONF_ADDRS_MAX 16
#define STK_CONF_ROUTES_MAX 32
#define STK_CONF_NEIGHS_MAX 32
#define STK_CONF_ARGS_MAX 48
#define STK_CONF_ERROR_SIZE 512

/** Address or prefix. */
struct stk_conf_net {
    uint16_t family; /**< enum stk_family */
    uint16_t prefix_len;
    uint8_t ip[16];
};

struct stk_conf_route {
    struct stk_conf_net to; /**< prefix_len 0: default route */
    uint8_t via[16];        /**< gateway, same family; all zero: on link */
};

struct stk_conf_neigh {
    uint16_t family;
    uint8_t mac[6];
    uint8_t ip[16];
};

/**
 * A driver's own key: owned by the configuration. A key given several times is
 * there several times, in the file's order; the driver says whether it may be.
 */
struct stk_conf_arg {
    const char *key;
    const char *value;
    uint32_t line;
};

struct stk_conf_port {
    char name[32];     /**< interface name as programs see it */
    uint32_t if_index; /**< interface index as programs see it, >= 2 (1 is loopback), unique */
    uint32_t instance; /**< stack instance that the port belongs to, 0.. */
    char driver[16];   /**< "wire", "pcap", "dpdk" */
    uint32_t mtu;      /**< bytes, 576..9000; default 1500 */
    uint32_t buffers;  /**< 0: driver's default */
    uint32_t rx_slots;
    uint32_t tx_slots;
    uint16_t vlan_id; /**< 1..4094; 0: untagged */
    bool vlan_set;
    bool dhcp;    /**< IPv4 by DHCP */
    bool ipv6_ll; /**< make a link-local address; default true */
    bool mac_set;
    bool offload_rx; /**< use receive checksum offloads that the port has; default true */
    bool offload_tx;
    bool extmem; /**< use references on transmit where the port can; default true */
    uint8_t mac[6];
    uint32_t addrs_count;
    uint32_t routes_count;
    uint32_t neighs_count;
    uint32_t args_count;
    struct stk_conf_net addrs[STK_CONF_ADDRS_MAX];
    struct stk_conf_route routes[STK_CONF_ROUTES_MAX];
    struct stk_conf_neigh neighs[STK_CONF_NEIGHS_MAX];
    struct stk_conf_arg args[STK_CONF_ARGS_MAX]; /**< keys "DRIVER.key", without the prefix */
    uint32_t line;                               /**< of the section header */
};

/** [engine]: who runs the stack, and the limits. Defaults in parentheses. */
struct stk_conf_engine {
    uint32_t sockets_max;      /**< control blocks (16384) */
    uint64_t buffer_memory;    /**< bytes of FIFO chunks (256 MiB) */
    uint32_t rcvbuf_bytes;     /**< FIFO limit per socket until SO_RCVBUF is set (1 MiB) */
    uint32_t sndbuf_bytes;     /**< (1 MiB) */
    uint32_t threads_max;      /**< application threads with rings of their own (64) */
    uint32_t start_timeout_ms; /**< engine start bound (10000) */
    uint32_t drain_timeout_ms; /**< graceful closes at last cleanup and exit (2000) */
    int32_t poll_cpu;          /**< processor of the poll thread; -1: unpinned (-1) */
    int32_t spin_us;     /**< poll thread: spin this long when idle before napping; -1: endless; -2: adaptive (-2) */
    int32_t app_spin_us; /**< blocking calls: spin before sleeping; -1 endless; -2 adaptive (-2) */
    uint32_t nap_us_max; /**< longest nap of the idle poll thread on a port without wait handle (500) */
    uint32_t port_range_first;   /**< dynamic ports (49152) */
    uint32_t port_range_last;    /**< (65535) */
    uint32_t tcp_msl_ms;         /**< maximum segment lifetime; TIME_WAIT is twice this (15000) */
    uint32_t connect_timeout_ms; /**< SYN retransmission bound (21000) */
    uint32_t tcp_max;            /**< TCP connections per instance (16384) */
    uint32_t udp_max;            /**< UDP endpoints per instance (16384) */
    uint32_t time_wait_max;      /**< connections in TIME_WAIT per instance; the oldest makes room (16384) */
    uint32_t out_of_order_rtos;  /**< data behind a gap is kept for so many retransmission time-outs (6) */
    bool allow_raw;              /**< everybody may open RAW sockets (false) */
    bool counters_at_exit;       /**< dump counters at exit (false) */
    int32_t counters_signal;     /**< signal number that dumps counters; 0: none (0) */
    char counters_file[256];     /**< where to; "": stderr */
    bool clock_virtual;          /**< time moves while a call waits, and only then (false) */
    uint32_t seed;               /**< of the randomness in virtual time (1) */
    uint32_t virtual_linger_ms;  /**< virtual time after the end of a replay; then the network is down (10000) */
};

struct stk_config {
    char file[512]; /**< where it came from, for messages */
    struct stk_conf_engine engine;
    uint32_t ports_count;
    uint32_t instances_count; /**< highest port instance + 1; each has a port; 1 without any port */
    struct stk_conf_port ports[STK_CONF_PORTS_MAX];
    char log_level[16]; /**< "": not set */
    char *strings;      /**< owns what args point to */
};

/**
 * Read a configuration file.
 *
 * @param path   File to read; NULL: WINLANE_CONFIG, else ./winlane.ini, else /etc/winlane/winlane.ini.
 * @param out    Filled on success; freed with stk_config_free. Untouched on failure.
 * @param error  error_size bytes: "FILE:LINE: [section] key: reason"; may be NULL.
 * @return       0, or:
 * @retval STK_ENOENT  no such file.
 * @retval STK_EIO     not a regular file, not readable, or larger than 1 MiB.
 * @retval STK_EPROTO  not INI, unknown section or key.
 * @retval STK_EINVAL  a value out of range, malformed, doubled or contradicting another.
 * @retval STK_ENOMEM  out of memory.
 *
 * Context: any thread. Touches no NIC. The drivers' own keys are only collected:
 * nic_port_conf_check judges them, before any port is opened.
 */
int stk_config_load(const char *path, struct stk_config **out, char *error, size_t error_size);

/**
 * The same from text in memory.
 *
 * @param text  NUL-terminated, borrowed.
 * @param name  Stands for the file in messages; NULL: "(text)".
 * Returns as stk_config_load does, STK_ENOENT and STK_EIO excepted.
 */
int stk_config_parse(const char *text, const char *name, struct stk_config **out, char *error, size_t error_size);

/** Free a configuration; NULL is fine. */
void stk_config_free(struct stk_config *config);

#endif
