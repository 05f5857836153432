#include "core/engine_priv.h"
#include "core/engine_thread.h"
#include "core/engine_virtual.h"

#include "ipc/notify.h"
#include "ipc/seq.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPKEEP_NS STK_S_NS
#define MCAST_MAX 4096u
/* How often ports are asked for memory that completions wait for, while there is nothing else to do. */
#define RIO_LOOK_NS (100u * UINT64_C(1000))

/* --- Environment ------------------------------------------------------------ */

static uint64_t real_now_ns(void *ctx)
{
    (void)ctx;
    return stk_clock_ns();
}

static void real_random(void *ctx, void *buf, uint32_t len)
{
    (void)ctx;
    if (stk_random_bytes(buf, len) != STK_OK) {
        memset(buf, 0, len);
    }
}

const struct stk_engine_env stk_engine_env_real = {.now_ns = real_now_ns, .random = real_random};

static uint64_t inst_now_ns(void *ctx)
{
    return ((const struct stk_engine *)ctx)->now_ns;
}

static void inst_random(void *ctx, void *buf, uint32_t len)
{
    const struct stk_engine *engine = ctx;
    engine->env.random(engine->env.ctx, buf, len);
}

static const struct stk_inst_ops inst_ops = {.now_ns = inst_now_ns, .random = inst_random};

static bool mem_hold(void *ctx, const void *data, uint32_t len, void **token)
{
    return stk_ep_mem_hold(((struct stk_engine *)ctx)->eps, data, len, token);
}

static void mem_drop(void *ctx, const void *data, uint32_t len, void *token)
{
    stk_ep_mem_drop(((struct stk_engine *)ctx)->eps, data, len, token);
}

static const struct stk_netif_mem_ops mem_ops = {.hold = mem_hold, .drop = mem_drop};

static uint64_t ep_now_ns(void *ctx)
{
    const struct stk_engine *engine = ctx;
    return engine->env.now_ns(engine->env.ctx);
}

static void ep_tx_flush(void *ctx)
{
    struct stk_engine *engine = ctx;
    for (uint32_t i = 0; i < engine->netifs_count; i++) {
        stk_netif_tx_flush(engine->netifs[i], engine->now_ns);
    }
}

/* Times of frames that were marked, by the clocks of ports that have one. */
static void ep_tx_stamps(void *ctx)
{
    const struct stk_engine *engine = ctx;
    struct nic_tx_stamp stamps[16];
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        uint32_t count;
        while ((count = nic_tx_stamps(engine->ports[i], stamps, 16)) > 0) {
            for (uint32_t k = 0; k < count; k++) {
                stk_ep_stamp_came(engine->eps, stamps[k].token, stamps[k].ns);
            }
        }
    }
}

static bool extmem_port(const struct stk_engine *engine, uint32_t i)
{
    return (nic_port_info_get(engine->ports[i])->caps & NIC_CAP_EXTMEM) != 0;
}

static bool ep_mem_unregister(void *ctx, void *base, uint64_t size)
{
    const struct stk_engine *engine = ctx;
    bool all = true;
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        if (extmem_port(engine, i)) {
            all = nic_port_mem_unregister(engine->ports[i], base, (size_t)size) == STK_OK && all;
        }
    }
    return all;
}

static bool ep_mem_register(void *ctx, void *base, uint64_t size)
{
    const struct stk_engine *engine = ctx;
    uint32_t i = 0;
    while (i < engine->ports_count &&
           (!extmem_port(engine, i) || nic_port_mem_register(engine->ports[i], base, (size_t)size) == STK_OK)) {
        i++;
    }
    if (i == engine->ports_count) {
        return true;
    }
    while (i-- > 0) {
        if (extmem_port(engine, i)) {
            (void)nic_port_mem_unregister(engine->ports[i], base, (size_t)size);
        }
    }
    return false;
}

static void net_error(void *ctx, const struct stk_inst_net_error *error)
{
    struct stk_engine *engine = ctx;
    stk_ep_net_error(engine->eps, stk_inst_current(), error);
}

static const struct stk_inst_events inst_events = {.net_error = net_error};

/* --- Life ------------------------------------------------------------------- */

static void nic_conf_fill(const struct stk_conf_port *port, const char *file, struct nic_kv *args,
                          struct nic_port_conf *out)
{
    for (uint32_t i = 0; i < port->args_count; i++) {
        args[i] = (struct nic_kv){port->args[i].key, port->args[i].value, port->args[i].line};
    }
    *out = (struct nic_port_conf){
        .name = port->name,
        .driver = port->driver,
        .mtu = port->mtu,
        .buffers = port->buffers,
        .rx_slots = port->rx_slots,
        .tx_slots = port->tx_slots,
        .mac_set = port->mac_set,
        .args = args,
        .args_count = port->args_count,
        .file = file,
    };
    memcpy(out->mac, port->mac, sizeof(out->mac));
    if (!port->offload_rx) {
        out->caps_off |= NIC_CAP_RX_IP4_CSUM | NIC_CAP_RX_L4_CSUM;
    }
    if (!port->offload_tx) {
        out->caps_off |= NIC_CAP_TX_IP4_CSUM | NIC_CAP_TX_TCP_CSUM | NIC_CAP_TX_UDP_CSUM;
    }
    if (!port->extmem) {
        out->caps_off |= NIC_CAP_EXTMEM;
    }
}

/* Every port is checked before the first one is touched. */
static int ports_open(struct stk_engine *engine, const struct stk_config *conf, char *error, size_t error_size)
{
    struct nic_kv args[STK_CONF_ARGS_MAX];
    struct nic_port_conf port_conf;
    for (int check = 1; check >= 0; check--) {
        for (uint32_t i = 0; i < conf->ports_count; i++) {
            nic_conf_fill(&conf->ports[i], conf->file, args, &port_conf);
            port_conf.error = error;
            port_conf.error_size = error_size;
            if (error != NULL && error_size > 0) {
                error[0] = '\0';
            }
            const int err = check ? nic_port_conf_check(&port_conf) : nic_port_open(&port_conf, &engine->ports[i]);
            if (err != STK_OK) {
                if (error != NULL && error_size > 0 && error[0] == '\0') {
                    (void)snprintf(error, error_size, "port %s: %s", port_conf.name, stk_err_text(err));
                }
                return err;
            }
            if (!check) {
                engine->ports_count++;
            }
        }
    }
    return STK_OK;
}

static void limits_fill(const struct stk_conf_engine *conf, struct stk_lwip_limits *limits)
{
    stk_lwip_limits_default(limits);
    limits->tcp_conns = conf->tcp_max;
    limits->tcp_segs = conf->tcp_max * 4 + 16384;
    limits->udp_endpoints = conf->udp_max;
    limits->pbufs = limits->tcp_segs;
    limits->port_first = (uint16_t)conf->port_range_first;
    limits->port_last = (uint16_t)conf->port_range_last;
    limits->tcp_msl_ms = conf->tcp_msl_ms;
    limits->tcp_time_waits = conf->time_wait_max;
    limits->tcp_ooseq_rtos = conf->out_of_order_rtos;
}

static int insts_make(struct stk_engine *engine, const struct stk_config *conf)
{
    struct stk_lwip_limits limits;
    limits_fill(&conf->engine, &limits);
    const uint32_t count = conf->instances_count > 0 ? conf->instances_count : 1;
    for (uint32_t i = 0; i < count; i++) {
        const int err = stk_inst_create(&inst_ops, engine, &limits, &engine->insts[i]);
        if (err != STK_OK) {
            return err;
        }
        engine->insts_count++;
        stk_inst_events_set(engine->insts[i], &inst_events, engine);
    }
    return STK_OK;
}

static int netifs_make(struct stk_engine *engine, const struct stk_config *conf)
{
    for (uint32_t i = 0; i < conf->ports_count; i++) {
        struct nic_port *port = engine->ports[i];
        const bool extmem = extmem_port(engine, i);
        if (extmem) {
            const size_t bytes = (size_t)engine->region.chunks_count * STK_CHUNK_SIZE;
            const int err = nic_port_mem_register(port, engine->region.chunks, bytes);
            if (err != STK_OK) {
                return err;
            }
        }
        const int err = stk_netif_create(engine->insts[conf->ports[i].instance], port, &conf->ports[i],
                                         extmem ? &mem_ops : NULL, engine, &engine->netifs[i]);
        if (err != STK_OK) {
            return err;
        }
        engine->netifs_count++;
        if (!stk_netif_notes_start(engine->netifs[i], stk_ep_table_stats(engine->eps))) {
            return STK_ENOMEM;
        }
    }
    return STK_OK;
}

static int eps_make(struct stk_engine *engine)
{
    struct stk_ep_conf conf = {
        .env = {.now_ns = ep_now_ns, .tx_flush = ep_tx_flush, .ctx = engine},
        .region = &engine->region,
        .insts_count = engine->insts_count,
        .port_first = (uint16_t)engine->conf.port_range_first,
        .port_last = (uint16_t)engine->conf.port_range_last,
        .connect_timeout_ms = engine->conf.connect_timeout_ms,
        .mcast_max = MCAST_MAX,
    };
    memcpy(conf.insts, engine->insts, sizeof(conf.insts));
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        if ((nic_port_info_get(engine->ports[i])->caps & NIC_CAP_TX_TSTAMP) != 0) {
            conf.env.tx_stamps = ep_tx_stamps;
        }
        if (extmem_port(engine, i)) {
            conf.env.mem_register = ep_mem_register;
            conf.env.mem_unregister = ep_mem_unregister;
        }
    }
    return stk_ep_table_create(&conf, &engine->eps);
}

static int region_make(struct stk_engine *engine)
{
    const struct stk_region_conf conf = {
        .socks_count = engine->conf.sockets_max,
        .chunk_bytes_total = engine->conf.buffer_memory,
        .rcvbuf_bytes = engine->conf.rcvbuf_bytes < STK_FIFO_MAX ? engine->conf.rcvbuf_bytes : STK_FIFO_MAX,
        .sndbuf_bytes = engine->conf.sndbuf_bytes < STK_FIFO_MAX ? engine->conf.sndbuf_bytes : STK_FIFO_MAX,
        .app_spin_us = engine->conf.app_spin_us,
    };
    return stk_region_create(&conf, &engine->region);
}

int stk_engine_create(const struct stk_config *conf, const struct stk_engine_env *env, struct stk_engine **out,
                      char *error, size_t error_size)
{
    struct stk_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return STK_ENOMEM;
    }
    engine->env = *env;
    engine->conf = conf->engine;
    engine->now_ns = env->now_ns(env->ctx);
    if (error != NULL && error_size > 0) {
        error[0] = '\0';
    }
    int err = region_make(engine);
    if (err == STK_OK) {
        err = ports_open(engine, conf, error, error_size);
    }
    if (err == STK_OK) {
        err = insts_make(engine, conf);
    }
    if (err == STK_OK) {
        err = eps_make(engine);
    }
    if (err == STK_OK) {
        err = netifs_make(engine, conf);
    }
    if (err != STK_OK) {
        if (error != NULL && error_size > 0 && error[0] == '\0') {
            (void)snprintf(error, error_size, "%s: engine: %s", conf->file, stk_err_text(err));
        }
        stk_engine_destroy(engine);
        return err;
    }
    stk_engine_ifs_publish(engine);
    atomic_store_explicit(&engine->region.abi->engine_state, STK_ENGINE_RUNNING, memory_order_release);
    *out = engine;
    return STK_OK;
}

void stk_engine_reset_all(struct stk_engine *engine)
{
    stk_ep_abort_held(engine->eps);
    stk_ep_abort_closing(engine->eps);
    for (uint32_t i = 0; i < engine->netifs_count; i++) {
        stk_netif_tx_flush(engine->netifs[i], engine->now_ns);
    }
}

void stk_engine_destroy(struct stk_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    stk_engine_thread_stop(engine);
    if (engine->region.abi != NULL) {
        atomic_store_explicit(&engine->region.abi->engine_state, STK_ENGINE_LOST, memory_order_release);
    }
    if (engine->eps != NULL) {
        stk_engine_reset_all(engine);
    }
    for (uint32_t i = 0; i < engine->netifs_count; i++) {
        stk_netif_destroy(engine->netifs[i]);
    }
    for (uint32_t i = 0; i < engine->insts_count; i++) {
        stk_inst_destroy(engine->insts[i]);
    }
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        nic_port_close(engine->ports[i]);
    }
    stk_ep_table_destroy(engine->eps);
    stk_region_destroy(&engine->region);
    stk_engine_virtual_free(engine);
    free(engine);
}

/* --- The loop ---------------------------------------------------------------- */

static void upkeep(struct stk_engine *engine)
{
    engine->upkeep_ns = engine->now_ns + UPKEEP_NS;
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        if ((nic_port_info_get(engine->ports[i])->caps & NIC_CAP_LINK) != 0) {
            stk_netif_link_set(engine->netifs[i], nic_port_link_poll(engine->ports[i]));
        }
    }
    stk_engine_ifs_publish(engine);
}

static void timers_run(struct stk_engine *engine)
{
    uint64_t next = STK_NEVER;
    for (uint32_t i = 0; i < engine->insts_count; i++) {
        stk_inst_run(engine->insts[i]);
        const uint64_t due = stk_inst_next_timeout(engine->insts[i]);
        next = due < next ? due : next;
    }
    stk_ep_run(engine->eps, engine->now_ns);
    engine->timers_ns = next;
}

/* Completions wait for what drivers refer to: ask them. */
static void ports_reclaim(struct stk_engine *engine)
{
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        nic_tx_reclaim(engine->ports[i]);
    }
}

void stk_engine_watch_begin(struct stk_engine *engine)
{
    stk_ep_rio_watch_begin(engine->eps);
}

bool stk_engine_watch_end(struct stk_engine *engine)
{
    return stk_ep_rio_watch_end(engine->eps);
}

uint32_t stk_engine_step(struct stk_engine *engine)
{
    uint32_t work = 0;
    if (engine->clock_left == 0) {
        engine->now_ns = engine->env.now_ns(engine->env.ctx);
        engine->clock_left = engine->clock_turns;
    } else {
        engine->clock_left--;
    }
    for (uint32_t i = 0; i < engine->netifs_count; i++) {
        work += stk_netif_rx_burst(engine->netifs[i], engine->now_ns);
    }
    work += stk_ep_burst_end(engine->eps);
    work += stk_chan_srv_run(engine);
    work += stk_ep_rio_watch_turn(engine->eps);
    if (work != 0 || engine->now_ns >= engine->timers_ns || engine->now_ns >= stk_ep_next_ns(engine->eps)) {
        timers_run(engine);
    }
    if (engine->now_ns >= engine->upkeep_ns) {
        upkeep(engine);
    }
    for (uint32_t i = 0; i < engine->netifs_count; i++) {
        stk_netif_tx_flush(engine->netifs[i], engine->now_ns);
    }
    if (stk_ep_rio_waits(engine->eps)) {
        ports_reclaim(engine);
    }
    work += stk_ep_rio_turn(engine->eps); /* last: whatever completed in this turn is told before a sleep */
    if (work == 0) {
        stk_ep_sweep(engine->eps, engine->now_ns);
    }
    engine->stats.turns++;
    engine->stats.turns_idle += work == 0;
    return work;
}

uint64_t stk_engine_next_event_ns(struct stk_engine *engine)
{
    uint64_t next = engine->timers_ns;
    const uint64_t eps = stk_ep_next_ns(engine->eps);
    next = eps < next ? eps : next;
    if (stk_ep_rio_waits(engine->eps)) {
        const uint64_t look = engine->now_ns + RIO_LOOK_NS;
        next = look < next ? look : next;
    }
    if (engine->detach.active && engine->detach.deadline_ns < next) {
        next = engine->detach.deadline_ns;
    }
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        const uint64_t port = nic_port_next_event_ns(engine->ports[i]);
        next = port < next ? port : next;
        if (stk_netif_tx_pending(engine->netifs[i]) > 0) {
            next = engine->now_ns;
        }
    }
    return next;
}

struct stk_region *stk_engine_region(struct stk_engine *engine)
{
    return &engine->region;
}

/* --- Interfaces ---------------------------------------------------------------- */

static void if_fill(struct stk_engine *engine, uint32_t netif, struct stk_if_abi *out)
{
    struct stk_if_info info;
    memset(&info, 0, sizeof(info));
    stk_netif_info_read(engine->netifs[netif], &info);
    memset(out, 0, sizeof(*out));
    memcpy(out->name, info.name, sizeof(out->name));
    out->if_index = info.if_index;
    out->mtu = info.mtu;
    out->up = info.up;
    memcpy(out->mac, info.mac, sizeof(out->mac));
    out->mac_set = info.mac_set;
    out->addrs_count = info.addrs_count < STK_IF_ADDRS_MAX ? info.addrs_count : STK_IF_ADDRS_MAX;
    for (uint32_t i = 0; i < out->addrs_count; i++) {
        out->addrs[i].family = info.addrs[i].family;
        out->addrs[i].prefix_len = info.addrs[i].prefix_len;
        memcpy(out->addrs[i].ip, info.addrs[i].ip, sizeof(out->addrs[i].ip));
    }
    for (uint32_t i = 0; i < engine->insts_count; i++) {
        if (engine->insts[i] == stk_netif_inst(engine->netifs[netif])) {
            out->instance = i;
        }
    }
}

static void if_loopback_fill(struct stk_if_abi *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->name, "lo", 3);
    out->if_index = 1;
    out->mtu = 65535;
    out->up = 1;
    out->loopback = 1;
    out->addrs_count = 2;
    out->addrs[0].family = STK_AF_INET;
    out->addrs[0].prefix_len = 8;
    out->addrs[0].ip[0] = 127;
    out->addrs[0].ip[3] = 1;
    out->addrs[1].family = STK_AF_INET6;
    out->addrs[1].prefix_len = 128;
    out->addrs[1].ip[15] = 1;
}

void stk_engine_ifs_publish(struct stk_engine *engine)
{
    struct stk_region_abi *abi = engine->region.abi;
    const uint32_t count = engine->netifs_count + 1;
    bool changed = atomic_load_explicit(&abi->ifs_count, memory_order_relaxed) != count;
    if (changed) {
        stk_seq_write_begin(&abi->ifs_seq);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct stk_if_abi now;
        if (i == 0) {
            if_loopback_fill(&now);
        } else {
            if_fill(engine, i - 1, &now);
        }
        if (memcmp(&abi->ifs[i], &now, sizeof(now)) == 0) { /* the stack is the only writer */
            continue;
        }
        if (!changed) {
            stk_seq_write_begin(&abi->ifs_seq);
            changed = true;
        }
        stk_seq_copy_in(&abi->ifs[i], &now, sizeof(now));
    }
    if (changed) {
        atomic_store_explicit(&abi->ifs_count, count, memory_order_relaxed);
        stk_seq_write_end(&abi->ifs_seq);
        (void)atomic_fetch_add_explicit(&abi->net_changes, 1, memory_order_seq_cst);
        stk_event_wake(&engine->region);
    }
}
