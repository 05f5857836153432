/**
 * @file
 * Helpers of the driver tests: cmocka's prelude, configurations, frames.
 */
#ifndef T_NIC_H
#define T_NIC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nic/driver.h"
#include "nic/nic.h"
#include "stack/clock.h"
#include "stack/err.h"

#define T_ARGS_MAX 16

/** A configuration with room for its error and its keys. */
struct t_conf {
    struct nic_port_conf conf;
    struct nic_kv args[T_ARGS_MAX];
    char text[512];
    char error[512];
};

/**
 * Make a configuration of "key=value key=value" (values without blanks, a value's own '=' kept).
 * Line numbers are 10, 11, ...
 */
static inline struct nic_port_conf *t_conf(struct t_conf *t, const char *name, const char *driver, const char *keys)
{
    char *save = NULL;

    memset(t, 0, sizeof(*t));
    snprintf(t->text, sizeof(t->text), "%s", keys);
    t->conf = (struct nic_port_conf){.name = name,
                                     .driver = driver,
                                     .mtu = 1500,
                                     .args = t->args,
                                     .file = "t.conf",
                                     .error = t->error,
                                     .error_size = sizeof(t->error)};
    for (char *word = strtok_r(t->text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');

        assert_non_null(value);
        assert_true(t->conf.args_count < T_ARGS_MAX);
        *value = '\0';
        t->args[t->conf.args_count] = (struct nic_kv){
            .key = word, .value = value + 1, .line = 10 + (uint32_t)t->conf.args_count};
        t->conf.args_count++;
    }
    return &t->conf;
}

/** Open a port or fail the test with the error's text. */
static inline struct nic_port *t_open(struct nic_port_conf *conf)
{
    struct nic_port *port = NULL;
    int err = nic_port_open(conf, &port);

    if (err != 0)
        fail_msg("port %s: %s: %s", conf->name, stk_err_name(err), conf->error);
    assert_non_null(port);
    return port;
}

/* Not inlined: its configuration would grow every caller's frame. */
__attribute__((noinline, unused)) static struct nic_port *t_open_keys(const char *name, const char *driver,
                                                                      const char *keys)
{
    struct t_conf t;

    return t_open(t_conf(&t, name, driver, keys));
}

/** Buffers that are out of a port's pool now. */
static inline uint64_t t_in_use(const struct nic_port *port)
{
    struct nic_port_stats stats;

    nic_port_stats_read(port, &stats);
    return stats.buf_in_use;
}

static inline struct nic_port_stats t_stats(const struct nic_port *port)
{
    struct nic_port_stats stats;

    memset(&stats, 0xa5, sizeof(stats));
    nic_port_stats_read(port, &stats);
    return stats;
}

/** Fill len bytes of a frame that tells its number: broadcast, an experimental EtherType, then a pattern. */
static inline void t_frame_fill(uint8_t *frame, uint32_t len, uint32_t number)
{
    static const uint8_t head[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5};

    for (uint32_t i = 0; i < len; i++)
        frame[i] = i < sizeof(head) ? head[i] : (uint8_t)(i * 7 + number * 13);
    for (uint32_t i = 14; i < len && i < 18; i++)
        frame[i] = (uint8_t)(number >> (8 * (17 - i)));
}

static inline struct nic_buf *t_frame(struct nic_port *port, uint32_t len, uint32_t number)
{
    struct nic_buf *buf = nic_buf_alloc(port);

    if (buf == NULL)
        return NULL;
    assert_true(buf->room >= len);
    t_frame_fill(buf->data, len, number);
    buf->len = len;
    buf->pkt_len = len;
    return buf;
}

/** As t_frame, where the pool cannot be empty. */
__attribute__((returns_nonnull)) static inline struct nic_buf *t_frame_must(struct nic_port *port, uint32_t len,
                                                                            uint32_t number)
{
    struct nic_buf *buf = t_frame(port, len, number);

    if (buf == NULL) {
        fail_msg("port %s: the pool is empty", nic_port_info_get(port)->name);
        abort();
    }
    return buf;
}

/** Number of a received frame that t_frame made. */
static inline uint32_t t_frame_number(const struct nic_buf *buf)
{
    const uint8_t *p = buf->data + 14;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/** Send one frame; fails the test if the port does not take it. */
static inline void t_send(struct nic_port *port, uint32_t len, uint32_t number, uint64_t now_ns)
{
    struct nic_buf *buf = t_frame_must(port, len, number);

    assert_int_equal(nic_tx_burst(port, &buf, 1, now_ns), 1);
}

#endif
