#include "instance_priv.h"

#include "stack/clock.h"
#include "stack/err.h"

#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

#include <stdlib.h>
#include <string.h>

void stk_lwip_limits_default(struct stk_lwip_limits *limits)
{
    *limits = (struct stk_lwip_limits){
        .tcp_conns = 4096,
        .tcp_time_waits = 16384,
        .tcp_listeners = 1024,
        .tcp_segs = 65536,
        .udp_endpoints = 1024,
        .raw_endpoints = 64,
        .pbufs = 65536,
        .reass = 64,
        .frag_pbufs = 1024,
        .pbuf_copies = 512,
        .arp_queue = 256,
        .nd6_queue = 256,
        .igmp_groups = 256,
        .mld6_groups = 256,
        .mcast_sources = 4096,
        .heap_bytes = UINT64_C(32) << 20,
        .port_first = 49152,
        .port_last = 65535,
        .tcp_msl_ms = 15000,
        .tcp_ooseq_rtos = 6,
    };
}

static bool limits_ok(const struct stk_lwip_limits *limits)
{
    const uint32_t counts[] = {limits->tcp_conns,     limits->tcp_listeners, limits->tcp_segs,
                               limits->udp_endpoints, limits->raw_endpoints, limits->pbufs,
                               limits->reass,         limits->frag_pbufs,    limits->arp_queue,
                               limits->nd6_queue,     limits->pbuf_copies,   limits->igmp_groups,
                               limits->mld6_groups,   limits->tcp_msl_ms,    limits->tcp_time_waits,
                               limits->mcast_sources, limits->tcp_ooseq_rtos};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (counts[i] == 0 || counts[i] > (1u << 24))
            return false;
    }
    return limits->port_first != 0 && limits->port_first <= limits->port_last;
}

static void inst_lwip_start(struct stk_inst *inst)
{
    struct stk_inst_scope scope = stk_inst_enter(inst);
    lwip_init();
    inst->ops->random(inst->ctx, &inst->lwip.ip4.id, (uint32_t)sizeof(inst->lwip.ip4.id));
    inst->ops->random(inst->ctx, &inst->lwip.ip6.identification, (uint32_t)sizeof(inst->lwip.ip6.identification));
    stk_inst_leave(scope);
}

int stk_inst_create(const struct stk_inst_ops *ops, void *ctx, const struct stk_lwip_limits *limits,
                    struct stk_inst **out)
{
    if (ops == NULL || ops->now_ns == NULL || ops->random == NULL || out == NULL)
        return STK_EINVAL;
    if (limits != NULL && !limits_ok(limits))
        return STK_EINVAL;
    struct stk_inst *inst = calloc(1, sizeof(*inst));
    if (inst == NULL)
        return STK_ENOMEM;
    inst->ops = ops;
    inst->ctx = ctx;
    if (limits != NULL)
        inst->limits = *limits;
    else
        stk_lwip_limits_default(&inst->limits);
    int err = stk_slab_init(&inst->slab, inst->limits.heap_bytes);
    if (err != STK_OK)
        goto free_inst;
    err = stk_pools_init(inst);
    if (err != STK_OK)
        goto free_slab;
    err = stk_pcb_table_init(&inst->pcbs, &inst->limits);
    if (err != STK_OK)
        goto free_pools;
    err = stk_time_wait_init(&inst->time_wait, inst->limits.tcp_time_waits);
    if (err != STK_OK)
        goto free_pcbs;
    ops->random(ctx, inst->pcbs.key, sizeof(inst->pcbs.key));
    ops->random(ctx, inst->isn_key, sizeof(inst->isn_key));
    ops->random(ctx, inst->port_key, sizeof(inst->port_key));
    lwip_instance_init(&inst->lwip);
    inst_lwip_start(inst);
    *out = inst;
    return STK_OK;

free_pcbs:
    stk_pcb_table_fini(&inst->pcbs);
free_pools:
    stk_pools_fini(inst);
free_slab:
    stk_slab_fini(&inst->slab);
free_inst:
    free(inst);
    return err;
}

void stk_inst_destroy(struct stk_inst *inst)
{
    if (inst == NULL)
        return;
    stk_time_wait_fini(&inst->time_wait);
    stk_pcb_table_fini(&inst->pcbs);
    stk_pools_fini(inst);
    stk_slab_fini(&inst->slab);
    free(inst);
}

void stk_inst_events_set(struct stk_inst *inst, const struct stk_inst_events *events, void *ctx)
{
    inst->events = events;
    inst->events_ctx = ctx;
}

struct stk_inst *stk_inst_current(void)
{
    return stk_inst_selected();
}

/*
 * What an interface sends to its own address comes back in here. Where the port computes checksums these packets have
 * none, and they did not leave memory: they are not checked.
 */
static void inst_loopback_run(struct stk_inst *inst)
{
    const uint16_t checks = NETIF_CHECKSUM_CHECK_IP | NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_TCP |
                            NETIF_CHECKSUM_CHECK_ICMP | NETIF_CHECKSUM_CHECK_ICMP6;
    for (struct netif *netif = inst->lwip.netif.list; netif != NULL; netif = netif->next) {
        if (netif->loop_first == NULL)
            continue;
        uint16_t before = netif->chksum_flags;
        netif->chksum_flags = (uint16_t)(before & ~checks);
        netif_poll(netif);
        netif->chksum_flags = before;
    }
}

void stk_inst_run(struct stk_inst *inst)
{
    struct stk_inst_scope scope = stk_inst_enter(inst);
    inst_loopback_run(inst);
    sys_check_timeouts();
    if (inst->time_wait.used != 0)
        stk_time_wait_run(inst->ops->now_ns(inst->ctx));
    inst_loopback_run(inst); /* what the timers sent to addresses of this instance */
    stk_inst_leave(scope);
}

uint64_t stk_inst_next_timeout(struct stk_inst *inst)
{
    uint64_t now_ns = inst->ops->now_ns(inst->ctx);
    for (const struct netif *netif = inst->lwip.netif.list; netif != NULL; netif = netif->next) {
        if (netif->loop_first != NULL)
            return now_ns;
    }
    struct stk_inst_scope scope = stk_inst_enter(inst);
    u32_t sleep_ms = sys_timeouts_sleeptime();
    stk_inst_leave(scope);
    const uint64_t record_ns = stk_time_wait_next(inst);
    if (sleep_ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
        return record_ns;
    if (sleep_ms == 0)
        return now_ns;
    /* lwIP counts whole milliseconds of this clock. */
    const uint64_t timer_ns = (now_ns / STK_MS_NS + sleep_ms) * STK_MS_NS;
    return timer_ns < record_ns ? timer_ns : record_ns;
}

uint64_t stk_inst_now_ns(const struct stk_inst *inst)
{
    return inst->ops->now_ns(inst->ctx);
}

static const char *const pool_names[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, num, size, desc) [MEMP_##name] = #name,
#include "lwip/priv/memp_std.h"
};

bool stk_inst_pool_stats_read(const struct stk_inst *inst, size_t index, struct stk_inst_pool_stats *out)
{
    if (index < MEMP_MAX) {
        const struct stats_mem *stats = &inst->pools[index].stats;
        *out = (struct stk_inst_pool_stats){pool_names[index], stats->avail, stats->used, stats->max, stats->err};
        return true;
    }
    if (index == MEMP_MAX) {
        const struct stk_slab *slab = &inst->slab;
        *out = (struct stk_inst_pool_stats){"HEAP", slab->limit_bytes, slab->used_bytes, slab->high_water_bytes,
                                            slab->failed};
        return true;
    }
    if (index == MEMP_MAX + 1) {
        const struct stk_time_wait_table *table = &inst->time_wait;
        *out = (struct stk_inst_pool_stats){"TIME_WAIT", table->limit, table->used, table->high_water,
                                            table->reclaimed};
        return true;
    }
    return false;
}

/* IGMP and MLD count in a form of their own. */
static bool groups_stats_read(const struct stats_ *all, size_t index, struct stk_inst_proto_stats *out)
{
    static const char *const names[] = {"igmp", "mld6"};
    const struct stats_igmp *stats = index == 0 ? &all->igmp : &all->mld6;
    if (index >= sizeof(names) / sizeof(names[0]))
        return false;
    *out = (struct stk_inst_proto_stats){
        .name = names[index],
        .tx = stats->xmit,
        .rx = stats->recv,
        .dropped = stats->drop,
        .checksum_bad = stats->chkerr,
        .length_bad = stats->lenerr,
        .no_memory = stats->memerr,
        .proto_bad = stats->proterr,
    };
    return true;
}

bool stk_inst_proto_stats_read(const struct stk_inst *inst, size_t index, struct stk_inst_proto_stats *out)
{
    const struct stats_ *all = &inst->lwip.stats;
    const struct {
        const char *name;
        const struct stats_proto *stats;
    } table[] = {
        {"link", &all->link},   {"etharp", &all->etharp},     {"ip_frag", &all->ip_frag}, {"ip", &all->ip},
        {"icmp", &all->icmp},   {"udp", &all->udp},           {"tcp", &all->tcp},         {"ip6", &all->ip6},
        {"icmp6", &all->icmp6}, {"ip6_frag", &all->ip6_frag}, {"nd6", &all->nd6},
    };
    if (index >= sizeof(table) / sizeof(table[0]))
        return groups_stats_read(all, index - sizeof(table) / sizeof(table[0]), out);
    const struct stats_proto *stats = table[index].stats;
    *out = (struct stk_inst_proto_stats){
        .name = table[index].name,
        .tx = stats->xmit,
        .rx = stats->recv,
        .dropped = stats->drop,
        .checksum_bad = stats->chkerr,
        .length_bad = stats->lenerr,
        .no_memory = stats->memerr,
        .no_route = stats->rterr,
        .proto_bad = stats->proterr,
        .option_bad = stats->opterr,
        .other_bad = stats->err,
    };
    return true;
}
