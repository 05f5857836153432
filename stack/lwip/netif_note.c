/* What became of received frames, for recordings that take notes: the counters of drops that moved while the stack took
 * a frame are its reasons. Only such ports come here; others pay nothing. */
#include "netif_priv.h"

#include "stk_lwip/stk_ep.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOS_MAX 16u

struct counter {
    const char *name;
    size_t offset;
};

struct note {
    char text[NIC_NOTE_SIZE];
    size_t used;
};

/** Counters of one moment. */
struct stk_netif_moment {
    struct stk_netif_stats netif;
    struct stk_ep_stats eps;
    struct stk_inst_proto_stats protos[PROTOS_MAX];
    size_t protos_count;
};

static const struct counter netif_counters[] = {
    {"rx_bad_checksum", offsetof(struct stk_netif_stats, rx_bad_checksum)},
    {"rx_bad_frame", offsetof(struct stk_netif_stats, rx_bad_frame)},
    {"rx_other_vlan", offsetof(struct stk_netif_stats, rx_other_vlan)},
    {"rx_refused", offsetof(struct stk_netif_stats, rx_refused)},
    {NULL, 0},
};

static const struct counter ep_counters[] = {
    {"tcp accept_refused", offsetof(struct stk_ep_stats, tcp_accept_refused)},
    {"tcp accept_no_slot", offsetof(struct stk_ep_stats, tcp_accept_no_slot)},
    {"udp rx_full", offsetof(struct stk_ep_stats, udp_rx_full)},
    {"udp rx_filtered", offsetof(struct stk_ep_stats, udp_rx_filtered)},
    {NULL, 0},
};

static const struct counter proto_counters[] = {
    {"checksum_bad", offsetof(struct stk_inst_proto_stats, checksum_bad)},
    {"length_bad", offsetof(struct stk_inst_proto_stats, length_bad)},
    {"no_memory", offsetof(struct stk_inst_proto_stats, no_memory)},
    {"no_route", offsetof(struct stk_inst_proto_stats, no_route)},
    {"proto_bad", offsetof(struct stk_inst_proto_stats, proto_bad)},
    {"option_bad", offsetof(struct stk_inst_proto_stats, option_bad)},
    {"other_bad", offsetof(struct stk_inst_proto_stats, other_bad)},
    {NULL, 0},
};

static void moment_take(const struct stk_netif *nif, struct stk_netif_moment *out)
{
    out->netif = nif->stats;
    out->eps = nif->noted_eps != NULL ? *nif->noted_eps : (struct stk_ep_stats){0};
    out->protos_count = 0;
    while (out->protos_count < PROTOS_MAX &&
           stk_inst_proto_stats_read(nif->inst, out->protos_count, &out->protos[out->protos_count]))
        out->protos_count++;
}

static uint64_t value_of(const void *stats, const struct counter *counter)
{
    uint64_t value;
    memcpy(&value, (const uint8_t *)stats + counter->offset, sizeof(value));
    return value;
}

static void reason_add(struct note *note, const char *layer, const char *counter)
{
    const int len = snprintf(note->text + note->used, sizeof(note->text) - note->used, "%s%s %s",
                             note->used == 0 ? "dropped: " : ", ", layer, counter);
    if (len > 0 && (size_t)len < sizeof(note->text) - note->used)
        note->used += (size_t)len;
}

/* @return  One of them moved. */
static bool moved(struct note *note, const char *layer, const struct counter *counters, const void *before,
                  const void *after)
{
    bool any = false;
    for (const struct counter *counter = counters; counter->name != NULL; counter++) {
        if (value_of(before, counter) != value_of(after, counter)) {
            reason_add(note, layer, counter->name);
            any = true;
        }
    }
    return any;
}

static void moments_compare(const struct stk_netif_moment *before, const struct stk_netif_moment *after,
                            struct note *note)
{
    (void)moved(note, "netif", netif_counters, &before->netif, &after->netif);
    (void)moved(note, "endpoint", ep_counters, &before->eps, &after->eps);
    for (size_t i = 0; i < after->protos_count; i++) {
        const struct stk_inst_proto_stats *was = &before->protos[i];
        const struct stk_inst_proto_stats *is = &after->protos[i];
        /* lwIP counts a drop beside its reason; by itself it says at least where. */
        if (!moved(note, is->name, proto_counters, was, is) && was->dropped != is->dropped)
            reason_add(note, is->name, "dropped");
    }
}

void stk_netif_burst_noted(struct stk_netif *nif, struct nic_buf **bufs, uint32_t count)
{
    struct stk_netif_moment *moments = nif->noted;
    moment_take(nif, &moments[0]);
    for (uint32_t i = 0; i < count; i++) {
        struct note note = {.used = 0};
        nif->inst->burst_left = count - 1 - i;
        stk_netif_input(nif, bufs[i]);
        moment_take(nif, &moments[1]);
        moments_compare(&moments[0], &moments[1], &note);
        if (note.used > 0)
            nic_rx_note(nif->port, i, note.text);
        moments[0] = moments[1];
    }
    nic_rx_settle(nif->port);
}

void stk_netif_lost_note(struct stk_netif *nif, const struct pbuf *p, const char *counter)
{
    uint8_t *room = nic_tx_lost_room(nif->port, p->tot_len);
    char note[NIC_NOTE_SIZE];
    if (room == NULL)
        return;
    pbuf_copy_partial(p, room, p->tot_len, 0);
    (void)snprintf(note, sizeof(note), "not sent: netif %s", counter);
    nic_tx_lost(nif->port, nif->now_ns, note);
}

void stk_netif_notes_free(struct stk_netif *nif)
{
    free(nif->noted);
    nif->noted = NULL;
}

bool stk_netif_notes_start(struct stk_netif *nif, const struct stk_ep_stats *eps)
{
    if (!nic_port_noting(nif->port) || nif->noted != NULL)
        return true;
    nif->noted = calloc(2, sizeof(struct stk_netif_moment));
    nif->noted_eps = eps;
    return nif->noted != NULL;
}
