#include "core/client_priv.h"

#include "core/engine_ops.h"
#include "stack/fd.h"

#include <stdio.h>

/** Copies one interface of the region, whole; false: there is none with this number. */
static bool if_read(const struct stk_region *region, uint32_t number, struct stk_if_abi *out, uint32_t *count)
{
    struct stk_region_abi *abi = region->abi;
    for (;;) {
        uint32_t seq = atomic_load_explicit(&abi->ifs_seq, memory_order_acquire);
        if ((seq & 1) == 0) {
            uint32_t found = atomic_load_explicit(&abi->ifs_count, memory_order_acquire);
            *count = found < STK_IFS_MAX ? found : STK_IFS_MAX;
            if (number < *count) {
                stk_seq_copy_out(out, &abi->ifs[number], sizeof(*out));
            }
            if (atomic_load_explicit(&abi->ifs_seq, memory_order_relaxed) == seq) {
                return number < *count;
            }
        }
        stk_cpu_relax();
    }
}

_Static_assert(sizeof(((struct stk_if_info *)0)->name) == sizeof(((struct stk_if_abi *)0)->name), "same name");
_Static_assert(STK_CONF_ADDRS_MAX + 2 == STK_IF_ADDRS_MAX, "same addresses");

static void if_convert(const struct stk_if_abi *from, struct stk_if_info *to)
{
    *to = (struct stk_if_info){
        .if_index = from->if_index,
        .mtu = from->mtu,
        .up = from->up,
        .mac_set = from->mac_set,
        .loopback = from->loopback != 0,
        .addrs_count = from->addrs_count < STK_IF_ADDRS_MAX ? from->addrs_count : STK_IF_ADDRS_MAX,
    };
    memcpy(to->name, from->name, sizeof(to->name) - 1);
    memcpy(to->mac, from->mac, sizeof(to->mac));
    for (uint32_t i = 0; i < to->addrs_count; i++) {
        to->addrs[i].family = from->addrs[i].family;
        to->addrs[i].prefix_len = from->addrs[i].prefix_len;
        memcpy(to->addrs[i].ip, from->addrs[i].ip, sizeof(to->addrs[i].ip));
    }
}

int stk_client_interfaces(struct stk_client *client, struct stk_if_info *out, size_t count)
{
    int usable = stk_client_usable(client);
    if (usable != STK_OK) {
        return usable;
    }
    struct stk_if_abi one = {.mtu = 0};
    uint32_t there = 0;
    uint32_t number = 0;
    while (if_read(client->region, number, &one, &there)) {
        if (number < count) {
            if_convert(&one, &out[number]);
        }
        number++;
    }
    return (int)number;
}

uint32_t stk_client_net_changes(const struct stk_client *client)
{
    return atomic_load_explicit(&client->region->abi->net_changes, memory_order_acquire);
}

static bool net_broadcast(const struct stk_if_abi *one, uint32_t index, const struct stk_addr *addr)
{
    uint32_t prefix_len = one->addrs[index].prefix_len;
    if (one->addrs[index].family != STK_AF_INET || prefix_len > 30) {
        return false; /* RFC 3021: a /31 has no broadcast address */
    }
    uint32_t host_mask = UINT32_MAX >> prefix_len;
    uint32_t mine = 0;
    uint32_t theirs = 0;
    for (int i = 0; i < 4; i++) {
        mine = mine << 8 | one->addrs[index].ip[i];
        theirs = theirs << 8 | addr->ip[i];
    }
    return theirs == (mine | host_mask);
}

bool stk_client_if_broadcast(const struct stk_client *client, const struct stk_addr *addr)
{
    struct stk_if_abi one;
    uint32_t there = 0;
    /* Every host bit is one, so the last bit is. */
    if (addr->family != STK_AF_INET || (addr->ip[3] & 1) == 0) {
        return false;
    }
    for (uint32_t number = 0; if_read(client->region, number, &one, &there); number++) {
        for (uint32_t i = 0; i < one.addrs_count && i < STK_IF_ADDRS_MAX && one.loopback == 0; i++) {
            if (net_broadcast(&one, i, addr)) {
                return true;
            }
        }
    }
    return false;
}

bool stk_client_if_has(const struct stk_client *client, const struct stk_addr *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct stk_addr four = {.family = STK_AF_INET};
    if (addr->family == STK_AF_INET6 && memcmp(addr->ip, mapped, sizeof(mapped)) == 0) {
        memcpy(four.ip, addr->ip + sizeof(mapped), 4);
        addr = &four;
    }
    const size_t bytes = addr->family == STK_AF_INET ? 4 : 16;
    struct stk_if_abi one;
    uint32_t there = 0;
    for (uint32_t number = 0; if_read(client->region, number, &one, &there); number++) {
        for (uint32_t i = 0; i < one.addrs_count && i < STK_IF_ADDRS_MAX; i++) {
            if (one.addrs[i].family == addr->family && memcmp(one.addrs[i].ip, addr->ip, bytes) == 0) {
                return true;
            }
        }
        if (one.loopback != 0 && addr->family == STK_AF_INET && addr->ip[0] == 127) {
            return true;
        }
    }
    return false;
}

bool stk_client_if_is(const struct stk_client *client, uint32_t if_index)
{
    struct stk_if_abi one;
    uint32_t there = 0;
    for (uint32_t number = 0; if_read(client->region, number, &one, &there); number++) {
        if (one.if_index == if_index) {
            return true;
        }
    }
    return false;
}

int stk_client_way(struct stk_client *client, const struct stk_addr *remote, uint32_t via, struct client_way *out)
{
    struct stk_sub_abi sub = {.op = STK_SUB_ROUTE, .addr = *remote, .arg = {via}};
    struct stk_rep_abi rep;
    int result = stk_client_call(client, &sub, &rep, -1);
    if (result == STK_OK) {
        *out = (struct client_way){.local = rep.addr, .if_index = rep.arg[0], .mtu = rep.arg[1], .if_mtu = rep.arg[2]};
    }
    return result;
}

int stk_client_route(struct stk_client *client, const struct stk_addr *remote, struct stk_addr *local,
                     uint32_t *if_index)
{
    if (remote == NULL) {
        return STK_EINVAL;
    }
    struct client_way way;
    int result = stk_client_way(client, remote, 0, &way);
    if (result != STK_OK) {
        return result;
    }
    if (local != NULL) {
        *local = way.local;
    }
    if (if_index != NULL) {
        *if_index = way.if_index;
    }
    return STK_OK;
}

static void counter_write(int fd, const char *name, uint64_t value)
{
    char line[128];
    int len = snprintf(line, sizeof(line), "channel.%s %llu\n", name, (unsigned long long)value);
    if (len > 0 && (size_t)len < sizeof(line)) {
        stk_fd_write(fd, line, (size_t)len);
    }
}

void stk_client_counters_dump(struct stk_client *client, int fd)
{
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0) {
        return;
    }
    struct stk_region_abi *abi = client->region->abi;
    counter_write(fd, "chunks.total", client->region->chunks_count);
    counter_write(fd, "chunks.used", atomic_load_explicit(&abi->chunks_used, memory_order_relaxed));
    counter_write(fd, "chunks.high_water", atomic_load_explicit(&abi->chunks_high_water, memory_order_relaxed));
    counter_write(fd, "chunks.failed", atomic_load_explicit(&abi->chunks_failed, memory_order_relaxed));
    counter_write(fd, "waiters.missing", atomic_load_explicit(&abi->waiters_missing, memory_order_relaxed));
    if (client->engine != NULL) {
        client->ops->counters_dump(client->engine, fd);
    }
}
