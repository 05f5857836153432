#include "core/engine_priv.h"

#include "stack/fd.h"
#include "stack/printf.h"

#include <stdarg.h>
#include <stdio.h>

/* Lines go out one write each, so that a signal handler's or another thread's dump stays readable. */
STK_PRINTF(2, 3) static void line_put(int fd, const char *format, ...)
{
    char line[192];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len > 0) {
        stk_fd_write(fd, line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
    }
}

static void value_put(int fd, const char *layer, const char *object, const char *counter, uint64_t value)
{
    line_put(fd, "%s.%s.%s %llu\n", layer, object, counter, (unsigned long long)value);
}

static void port_dump(int fd, const struct nic_port *port)
{
    struct nic_port_stats stats;
    nic_port_stats_read(port, &stats);
    const char *name = nic_port_info_get(port)->name;
    value_put(fd, "nic", name, "rx_frames", stats.rx_frames);
    value_put(fd, "nic", name, "rx_bytes", stats.rx_bytes);
    value_put(fd, "nic", name, "rx_dropped", stats.rx_dropped);
    value_put(fd, "nic", name, "rx_errors", stats.rx_errors);
    value_put(fd, "nic", name, "tx_frames", stats.tx_frames);
    value_put(fd, "nic", name, "tx_bytes", stats.tx_bytes);
    value_put(fd, "nic", name, "tx_full", stats.tx_full);
    value_put(fd, "nic", name, "tx_errors", stats.tx_errors);
    value_put(fd, "nic", name, "tx_kicks", stats.tx_kicks);
    value_put(fd, "nic", name, "buf_alloc_failed", stats.buf_alloc_failed);
    value_put(fd, "nic", name, "buf_in_use", stats.buf_in_use);
    value_put(fd, "nic", name, "buf_high_water", stats.buf_high_water);
}

static void netif_dump(int fd, const struct stk_netif *nif)
{
    const struct stk_netif_stats *stats = stk_netif_stats_get(nif);
    const char *name = nic_port_info_get(stk_netif_port(nif))->name;
    value_put(fd, "netif", name, "rx_frames", stats->rx_frames);
    value_put(fd, "netif", name, "rx_bytes", stats->rx_bytes);
    value_put(fd, "netif", name, "rx_bad_checksum", stats->rx_bad_checksum);
    value_put(fd, "netif", name, "rx_bad_frame", stats->rx_bad_frame);
    value_put(fd, "netif", name, "rx_other_vlan", stats->rx_other_vlan);
    value_put(fd, "netif", name, "rx_refused", stats->rx_refused);
    value_put(fd, "netif", name, "tx_frames", stats->tx_frames);
    value_put(fd, "netif", name, "tx_bytes", stats->tx_bytes);
    value_put(fd, "netif", name, "tx_referenced", stats->tx_referenced);
    value_put(fd, "netif", name, "tx_copied_bytes", stats->tx_copied_bytes);
    value_put(fd, "netif", name, "tx_dropped_no_buf", stats->tx_dropped_no_buf);
    value_put(fd, "netif", name, "tx_dropped_full", stats->tx_dropped_full);
    value_put(fd, "netif", name, "tx_dropped_size", stats->tx_dropped_size);
}

static void proto_dump(int fd, uint32_t inst, const struct stk_inst_proto_stats *stats)
{
    char object[48];
    (void)snprintf(object, sizeof(object), "%u.%s", inst, stats->name);
    value_put(fd, "stack", object, "tx", stats->tx);
    value_put(fd, "stack", object, "rx", stats->rx);
    value_put(fd, "stack", object, "dropped", stats->dropped);
    value_put(fd, "stack", object, "checksum_bad", stats->checksum_bad);
    value_put(fd, "stack", object, "length_bad", stats->length_bad);
    value_put(fd, "stack", object, "no_memory", stats->no_memory);
    value_put(fd, "stack", object, "no_route", stats->no_route);
    value_put(fd, "stack", object, "proto_bad", stats->proto_bad);
    value_put(fd, "stack", object, "option_bad", stats->option_bad);
    value_put(fd, "stack", object, "other_bad", stats->other_bad);
}

static void inst_dump(int fd, uint32_t index, const struct stk_inst *inst)
{
    struct stk_inst_pool_stats pool;
    struct stk_inst_proto_stats proto;
    char object[48];
    for (size_t i = 0; stk_inst_pool_stats_read(inst, i, &pool); i++) {
        (void)snprintf(object, sizeof(object), "%u.%s", index, pool.name);
        value_put(fd, "pool", object, "limit", pool.limit);
        value_put(fd, "pool", object, "used", pool.used);
        value_put(fd, "pool", object, "high_water", pool.high_water);
        value_put(fd, "pool", object, "failed", pool.failed);
    }
    for (size_t i = 0; stk_inst_proto_stats_read(inst, i, &proto); i++) {
        proto_dump(fd, index, &proto);
    }
}

static void eps_dump(int fd, const struct stk_ep_stats *stats)
{
    value_put(fd, "endpoint", "all", "opened", stats->opened);
    value_put(fd, "endpoint", "all", "freed", stats->freed);
    value_put(fd, "endpoint", "all", "in_use", stats->in_use);
    value_put(fd, "endpoint", "all", "high_water", stats->high_water);
    value_put(fd, "endpoint", "tcp", "accept_refused", stats->tcp_accept_refused);
    value_put(fd, "endpoint", "tcp", "accept_no_slot", stats->tcp_accept_no_slot);
    value_put(fd, "endpoint", "tcp", "rx_stalled", stats->tcp_rx_stalled);
    value_put(fd, "endpoint", "tcp", "tx_no_memory", stats->tcp_tx_no_memory);
    value_put(fd, "endpoint", "udp", "rx_full", stats->udp_rx_full);
    value_put(fd, "endpoint", "udp", "rx_filtered", stats->udp_rx_filtered);
    value_put(fd, "endpoint", "udp", "tx_no_memory", stats->udp_tx_no_memory);
    value_put(fd, "endpoint", "udp", "tx_no_route", stats->udp_tx_no_route);
    value_put(fd, "endpoint", "udp", "tx_too_big", stats->udp_tx_too_big);
    value_put(fd, "endpoint", "udp", "tx_cut", stats->udp_tx_cut);
    value_put(fd, "endpoint", "udp", "rio_rx_known", stats->rio_rx_known);
    value_put(fd, "endpoint", "udp", "rio_tx_known", stats->rio_tx_known);
    value_put(fd, "endpoint", "udp", "stamps_full", stats->udp_stamps_full);
    value_put(fd, "endpoint", "all", "bad_submissions", stats->bad_submissions);
}

void stk_engine_counters_dump(struct stk_engine *engine, int fd)
{
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        port_dump(fd, engine->ports[i]);
    }
    for (uint32_t i = 0; i < engine->netifs_count; i++) {
        netif_dump(fd, engine->netifs[i]);
    }
    for (uint32_t i = 0; i < engine->insts_count; i++) {
        inst_dump(fd, i, engine->insts[i]);
    }
    eps_dump(fd, stk_ep_table_stats(engine->eps));
    struct stk_region_abi *abi = engine->region.abi;
    value_put(fd, "channel", "chunks", "limit", engine->region.chunks_count);
    value_put(fd, "channel", "chunks", "used", atomic_load_explicit(&abi->chunks_used, memory_order_relaxed));
    value_put(fd, "channel", "chunks", "high_water",
              atomic_load_explicit(&abi->chunks_high_water, memory_order_relaxed));
    value_put(fd, "channel", "chunks", "failed", atomic_load_explicit(&abi->chunks_failed, memory_order_relaxed));
    value_put(fd, "channel", "waiters", "missing", atomic_load_explicit(&abi->waiters_missing, memory_order_relaxed));
    value_put(fd, "engine", "loop", "turns", engine->stats.turns);
    value_put(fd, "engine", "loop", "turns_idle", engine->stats.turns_idle);
    value_put(fd, "engine", "loop", "submissions", engine->stats.submissions);
    value_put(fd, "engine", "loop", "submissions_bad", engine->stats.submissions_bad);
    value_put(fd, "engine", "loop", "replies_lost", engine->stats.replies_lost);
    value_put(fd, "engine", "loop", "sleeps", engine->stats.sleeps);
    value_put(fd, "engine", "loop", "parks", engine->stats.parks);
}
