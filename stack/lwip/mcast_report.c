/* Reports of IGMPv3 and MLDv2: RFC 3376 4.2, 5; RFC 3810 5.2, 6. Both have a header of 8 bytes and the same records. */
#include "lwip/mcast.h"

#include "instance_priv.h"

#include "lwip/stats.h"

#include <string.h>

#define HEADER_BYTES 8u
#define RECORD_BYTES 4u /* before the group's address */
#define REPORT_MAX 1400u

/** Record types, RFC 3376 4.2.12 and RFC 3810 5.2.12. */
enum record_type {
    RECORD_IS_IN = 1,
    RECORD_IS_EX = 2,
    RECORD_TO_IN = 3,
    RECORD_TO_EX = 4,
    RECORD_ALLOW = 5,
    RECORD_BLOCK = 6,
};

/** Which sources a record has. */
enum record_pick { PICK_LISTED, PICK_ALLOWED, PICK_BLOCKED, PICK_QUERIED };

/** A report in the making. */
struct report {
    struct stk_mcast_if *on;
    struct pbuf *p;
    uint32_t used;
    uint32_t room;
    uint32_t records;
};

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void report_flush(struct report *report)
{
    if (report->p == NULL) {
        return;
    }
    put16((uint8_t *)report->p->payload + 6, report->records);
    pbuf_realloc(report->p, (u16_t)report->used);
    report->on->wire->report_send(report->on, report->p);
    pbuf_free(report->p);
    report->p = NULL;
}

/* Have room for bytes more in the message; false: no memory, what was to be said is lost and said again. */
static bool report_reserve(struct report *report, uint32_t bytes)
{
    if (report->p != NULL && report->used + bytes > report->room) {
        report_flush(report);
    }
    if (report->p == NULL) {
        const uint32_t mtu = report->on->netif->mtu;
        report->room = mtu > report->on->wire->overhead_bytes ? mtu - report->on->wire->overhead_bytes : 0;
        report->room = report->room > REPORT_MAX ? REPORT_MAX : report->room;
        report->used = HEADER_BYTES;
        report->records = 0;
        if (report->room < HEADER_BYTES + bytes) {
            return false;
        }
        report->p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)report->room, PBUF_RAM);
        if (report->p == NULL) {
            IGMP_STATS_INC(igmp.memerr);
            return false;
        }
        memset(report->p->payload, 0, HEADER_BYTES);
    }
    return true;
}

static bool source_picked(const struct stk_mcast_group *group, const struct stk_mcast_source *source,
                          enum record_pick pick)
{
    /* Is it let through? */
    const bool open = source->listed == (group->mode == STK_MCAST_INCLUDE);
    switch (pick) {
    case PICK_LISTED:
        return source->listed;
    case PICK_ALLOWED:
        return source->resend > 0 && open;
    case PICK_BLOCKED:
        return source->resend > 0 && !open;
    case PICK_QUERIED:
        return source->queried && open;
    }
    return false;
}

static const struct stk_mcast_source *source_next(const struct stk_mcast_group *group,
                                                  const struct stk_mcast_source *source, enum record_pick pick)
{
    while (source != NULL && !source_picked(group, source, pick)) {
        source = source->next;
    }
    return source;
}

/*
 * A record, and more of them where the sources do not fit into one message. A list of what is excluded cannot be spread
 * over two records, the second would replace the first: it is cut short, and more comes in than was asked for (RFC 3376 4.2.16).
 */
static void record_put(struct report *report, const struct stk_mcast_group *group, enum record_type type,
                       enum record_pick pick)
{
    const uint32_t ip_bytes = report->on->wire->ip_bytes;
    const struct stk_mcast_source *source = source_next(group, group->sources, pick);
    do {
        if (!report_reserve(report, RECORD_BYTES + ip_bytes + (source != NULL ? ip_bytes : 0))) {
            return;
        }
        uint8_t *head = (uint8_t *)report->p->payload + report->used;
        uint32_t count = 0;
        memset(head, 0, RECORD_BYTES);
        head[0] = (uint8_t)type;
        memcpy(head + RECORD_BYTES, group->ip, ip_bytes);
        report->used += RECORD_BYTES + ip_bytes;
        while (source != NULL && report->used + ip_bytes <= report->room) {
            memcpy((uint8_t *)report->p->payload + report->used, source->ip, ip_bytes);
            report->used += ip_bytes;
            count++;
            source = source_next(group, source->next, pick);
        }
        put16(head + 2, count);
        report->records++;
    } while (source != NULL && type != RECORD_IS_EX && type != RECORD_TO_EX);
}

static void change_put(struct report *report, struct stk_mcast_group *group)
{
    if (group->mode_resend > 0) {
        record_put(report, group, group->mode == STK_MCAST_EXCLUDE ? RECORD_TO_EX : RECORD_TO_IN, PICK_LISTED);
        group->mode_resend--;
    } else {
        if (source_next(group, group->sources, PICK_ALLOWED) != NULL) {
            record_put(report, group, RECORD_ALLOW, PICK_ALLOWED);
        }
        if (source_next(group, group->sources, PICK_BLOCKED) != NULL) {
            record_put(report, group, RECORD_BLOCK, PICK_BLOCKED);
        }
    }
    for (struct stk_mcast_source *source = group->sources; source != NULL; source = source->next) {
        source->resend = (uint8_t)(source->resend > 0 ? source->resend - 1 : 0);
    }
}

void stk_mcast_report_changes(struct stk_mcast_if *on, struct stk_mcast_group *only)
{
    struct report report = {.on = on};
    if (only != NULL) {
        change_put(&report, only);
        report_flush(&report);
        stk_mcast_collect(only);
        return;
    }
    for (struct stk_mcast_group *group = on->groups; group != NULL; group = group->next) {
        change_put(&report, group);
    }
    report_flush(&report);
    for (struct stk_mcast_group *group = on->groups; group != NULL;) {
        struct stk_mcast_group *next = group->next;
        stk_mcast_collect(group);
        group = next;
    }
}

void stk_mcast_report_state(struct stk_mcast_if *on, const struct stk_mcast_group *only)
{
    struct report report = {.on = on};
    for (const struct stk_mcast_group *group = only != NULL ? only : on->groups; group != NULL; group = group->next) {
        if (group->wanted && stk_mcast_reported(group)) {
            record_put(&report, group, group->mode == STK_MCAST_EXCLUDE ? RECORD_IS_EX : RECORD_IS_IN, PICK_LISTED);
        }
        if (only != NULL) {
            break;
        }
    }
    report_flush(&report);
}

void stk_mcast_report_queried(const struct stk_mcast_group *group)
{
    struct report report = {.on = group->on};
    if (source_next(group, group->sources, PICK_QUERIED) != NULL) {
        record_put(&report, group, RECORD_IS_IN, PICK_QUERIED);
    }
    report_flush(&report);
}
