#include "lwip/mcast.h"

#include "instance_priv.h"

#include <string.h>

/* --- Interfaces ----------------------------------------------------------- */

static u8_t data_index(const struct stk_mcast_wire *wire)
{
    return wire->ip_bytes == 4 ? LWIP_NETIF_CLIENT_DATA_INDEX_IGMP : LWIP_NETIF_CLIENT_DATA_INDEX_MLD6;
}

struct stk_mcast_if *stk_mcast_if_of(const struct netif *netif, const struct stk_mcast_wire *wire)
{
    return netif_get_client_data(netif, data_index(wire));
}

struct stk_mcast_if *stk_mcast_if_make(struct netif *netif, const struct stk_mcast_wire *wire)
{
    struct stk_mcast_if *on = stk_mcast_if_of(netif, wire);
    if (on != NULL) {
        return on;
    }
    on = memp_malloc((memp_t)MEMP_MCAST_IF);
    if (on != NULL) {
        *on = (struct stk_mcast_if){.netif = netif,
                                    .wire = wire,
                                    .query_interval_ticks = STK_MCAST_QUERY_INTERVAL_TICKS,
                                    .robustness = STK_MCAST_ROBUSTNESS};
        netif_set_client_data(netif, data_index(wire), on);
    }
    return on;
}

uint8_t stk_mcast_version(const struct stk_mcast_if *on)
{
    uint8_t version = 1;
    while (version < on->wire->version && on->older_ticks[version - 1] == 0) {
        version++;
    }
    return version;
}

/* --- Groups ---------------------------------------------------------------- */

static struct stk_mcast_group **bucket_of(const uint8_t *ip, uint32_t bytes)
{
    uint32_t hash = 2166136261u; /* FNV-1a; groups are named by programs of this host, not by others */
    for (uint32_t i = 0; i < bytes; i++) {
        hash = (hash ^ ip[i]) * 16777619u;
    }
    return &stk_inst_selected()->mcast_hash[hash % STK_MCAST_HASH];
}

struct stk_mcast_group *stk_mcast_find(const struct netif *netif, const struct stk_mcast_wire *wire, const uint8_t *ip)
{
    struct stk_mcast_group *group = *bucket_of(ip, wire->ip_bytes);
    while (group != NULL &&
           (group->on->netif != netif || group->on->wire != wire || memcmp(group->ip, ip, wire->ip_bytes) != 0)) {
        group = group->hash_next;
    }
    return group;
}

static void source_free(struct stk_mcast_source **at)
{
    struct stk_mcast_source *source = *at;
    *at = source->next;
    memp_free((memp_t)MEMP_MCAST_SOURCE, source);
}

static void group_free(struct stk_mcast_group *group)
{
    const struct stk_mcast_wire *wire = group->on->wire;
    while (group->sources != NULL) {
        source_free(&group->sources);
    }
    struct stk_mcast_group **at = &group->on->groups;
    while (*at != group) {
        at = &(*at)->next;
    }
    *at = group->next;
    at = bucket_of(group->ip, wire->ip_bytes);
    while (*at != group) {
        at = &(*at)->hash_next;
    }
    *at = group->hash_next;
    memp_free(wire->group_pool, group);
}

/* A new group is worth more than the repeated farewell of an old one. */
static void group_evict(struct stk_mcast_if *on)
{
    for (struct stk_mcast_group *group = on->groups; group != NULL; group = group->next) {
        if (!group->wanted && group->users[STK_MCAST_INCLUDE] == 0) {
            group_free(group);
            return;
        }
    }
}

struct stk_mcast_group *stk_mcast_get(struct netif *netif, const struct stk_mcast_wire *wire, const uint8_t *ip)
{
    struct stk_mcast_group *group = stk_mcast_find(netif, wire, ip);
    struct stk_mcast_if *on = stk_mcast_if_make(netif, wire);
    if (group != NULL || on == NULL) {
        return group;
    }
    group = memp_malloc(wire->group_pool);
    if (group == NULL) {
        group_evict(on);
        group = memp_malloc(wire->group_pool);
    }
    if (group == NULL) {
        return NULL;
    }
    struct stk_mcast_group **bucket = bucket_of(ip, wire->ip_bytes);
    *group = (struct stk_mcast_group){.next = on->groups, .hash_next = *bucket, .on = on, .mode = STK_MCAST_INCLUDE};
    memcpy(group->ip, ip, wire->ip_bytes);
    on->groups = group;
    *bucket = group;
    return group;
}

void stk_mcast_if_stop(struct netif *netif, const struct stk_mcast_wire *wire)
{
    struct stk_mcast_if *on = stk_mcast_if_of(netif, wire);
    if (on == NULL) {
        return;
    }
    while (on->groups != NULL) {
        if (on->groups->wanted) {
            wire->filter(netif, on->groups->ip, NETIF_DEL_MAC_FILTER);
        }
        group_free(on->groups);
    }
    netif_set_client_data(netif, data_index(wire), NULL);
    memp_free((memp_t)MEMP_MCAST_IF, on);
}

bool stk_mcast_reported(const struct stk_mcast_group *group)
{
    /* Loopback has no routers. */
    return (group->on->netif->flags & NETIF_FLAG_ETHERNET) != 0 && !group->on->wire->silent(group->ip);
}

/* --- Sources ----------------------------------------------------------------- */

static struct stk_mcast_source **source_find(struct stk_mcast_group *group, const uint8_t *ip)
{
    struct stk_mcast_source **at = &group->sources;
    while (*at != NULL && memcmp((*at)->ip, ip, group->on->wire->ip_bytes) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static struct stk_mcast_source *source_note(struct stk_mcast_group *group, const uint8_t *ip)
{
    struct stk_mcast_source **at = source_find(group, ip);
    if (*at == NULL) {
        struct stk_mcast_source *source = memp_malloc((memp_t)MEMP_MCAST_SOURCE);
        if (source == NULL) {
            return NULL;
        }
        *source = (struct stk_mcast_source){0};
        memcpy(source->ip, ip, group->on->wire->ip_bytes);
        *at = source; /* behind the others: reports keep the order in which programs named them */
    }
    return *at;
}

bool stk_mcast_source_add(struct stk_mcast_group *group, const uint8_t *ip, enum stk_mcast_mode mode)
{
    struct stk_mcast_source *source = source_note(group, ip);
    if (source != NULL) {
        source->users[mode]++;
    }
    return source != NULL;
}

bool stk_mcast_source_ask(struct stk_mcast_group *group, const uint8_t *ip)
{
    const struct stats_mem *pool = &stk_inst_selected()->pools[MEMP_MCAST_SOURCE].stats;
    struct stk_mcast_source *source = *source_find(group, ip);
    if (source == NULL && group->mode == STK_MCAST_INCLUDE) {
        return true; /* not let through: nothing to answer */
    }
    if (source == NULL) {
        source = pool->used < pool->avail / 2 ? source_note(group, ip) : NULL;
    }
    if (source != NULL) {
        source->queried = true;
    }
    return source != NULL;
}

void stk_mcast_source_drop(struct stk_mcast_group *group, const uint8_t *ip, enum stk_mcast_mode mode)
{
    struct stk_mcast_source *source = *source_find(group, ip);
    if (source != NULL && source->users[mode] > 0) {
        source->users[mode]--;
    }
}

/* --- The interface's filter ---------------------------------------------------- */

/* RFC 3376 3.2: with an excluding socket, what all of those exclude and nobody includes; else what anybody includes. */
static bool source_listed(const struct stk_mcast_group *group, const struct stk_mcast_source *source)
{
    const uint32_t excluding = group->users[STK_MCAST_EXCLUDE];
    if (excluding > 0) {
        return source->users[STK_MCAST_EXCLUDE] == excluding && source->users[STK_MCAST_INCLUDE] == 0;
    }
    return source->users[STK_MCAST_INCLUDE] > 0;
}

/* Take over the list; true: it changed. A change of mode is told with the whole list, so that no source is owed. */
static bool list_settle(struct stk_mcast_group *group, bool mode_changed, bool *some)
{
    bool changed = false;
    for (struct stk_mcast_source *source = group->sources; source != NULL; source = source->next) {
        const bool listed = source_listed(group, source);
        if (listed != source->listed) {
            source->listed = listed;
            source->resend = group->on->robustness;
            changed = true;
        }
        if (mode_changed) {
            source->resend = 0;
        }
        *some = *some || listed;
    }
    return changed;
}

void stk_mcast_collect(struct stk_mcast_group *group)
{
    struct stk_mcast_source **at = &group->sources;
    while (*at != NULL) {
        const struct stk_mcast_source *source = *at;
        const bool needed = source->users[0] > 0 || source->users[1] > 0 || source->resend > 0 || source->queried;
        if (needed) {
            at = &(*at)->next;
        } else {
            source_free(at);
        }
    }
    if (group->users[0] == 0 && group->users[1] == 0 && group->mode_resend == 0 && group->sources == NULL) {
        group_free(group);
    }
}

void stk_mcast_settle(struct stk_mcast_group *group)
{
    if (group->held) {
        return;
    }
    const uint8_t mode = group->users[STK_MCAST_EXCLUDE] > 0 ? STK_MCAST_EXCLUDE : STK_MCAST_INCLUDE;
    const bool mode_changed = mode != group->mode;
    const bool was = group->wanted;
    bool some = false;
    const bool list_changed = list_settle(group, mode_changed, &some);
    if (mode_changed) {
        group->mode = mode;
        group->mode_resend = group->on->robustness;
    }
    group->wanted = mode == STK_MCAST_EXCLUDE || some;
    if (group->wanted != was) {
        group->on->wire->filter(group->on->netif, group->ip,
                                group->wanted ? NETIF_ADD_MAC_FILTER : NETIF_DEL_MAC_FILTER);
    }
    if (mode_changed || list_changed) {
        stk_mcast_changed(group, was);
    } else {
        stk_mcast_collect(group);
    }
}
