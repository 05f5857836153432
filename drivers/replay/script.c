#include "talk_priv.h"

#include "nic/layers.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <stdlib.h>
#include <string.h>

#define CONVS_FIRST 64u
#define RECS_FIRST 1024u
#define ARENA_FIRST ((size_t)1 << 20)
#define TCP_WSCALE 3u
#define TCP_SACK_OK 4u
#define TCP_STAMPS 8u
#define HASH_SIZE 4096u
#define HOSTS_FIRST 64u
#define RESENT_LOOKS 4096u /* packets behind a damaged one in which its data may come again */

uint32_t replay_talk_hash(const uint8_t *ip_a, const uint8_t *ip_b, uint32_t bytes, uint16_t port_a, uint16_t port_b)
{
    uint32_t a = port_a, b = port_b;

    for (uint32_t i = 0; i < bytes; i++) {
        a = a * 31 + ip_a[i];
        b = b * 31 + ip_b[i];
    }
    return (a ^ b) * UINT32_C(2654435761);
}

void replay_side_read(struct replay_side *side, const uint8_t *frame, const struct replay_view *view)
{
    uint32_t at;

    side->isn = replay_get32(frame + view->l4 + 4);
    side->syn = true;
    at = replay_tcp_option(frame, view, TCP_WSCALE);
    side->wscale_on = at != 0 && frame[at + 1] == 3;
    side->wscale = side->wscale_on ? (frame[at + 2] < 14 ? frame[at + 2] : 14) : 0;
    side->sack_on = replay_tcp_option(frame, view, TCP_SACK_OK) != 0;
    at = replay_tcp_option(frame, view, TCP_STAMPS);
    side->stamps_on = at != 0 && frame[at + 1] == 10;
}

/* Makes room for one more of size bytes; the array may move. */
static bool room_make(void **array, uint32_t *room, uint32_t count, uint32_t first, size_t size)
{
    if (count < *room)
        return true;
    const uint32_t more = *room == 0 ? first : *room * 2;
    void *moved = realloc(*array, more * size);
    if (moved == NULL)
        return false;
    *array = moved;
    *room = more;
    return true;
}

static bool arena_room(struct replay_port *port, uint32_t bytes)
{
    struct replay_talk *talk = port->talk;

    if (talk->arena_used + bytes > port->conf.memory)
        return false;
    while (talk->arena_used + bytes > talk->arena_room) {
        const size_t more = talk->arena_room == 0 ? ARENA_FIRST : talk->arena_room * 2;
        uint8_t *moved = realloc(talk->arena, more);

        if (moved == NULL)
            return false;
        talk->arena = moved;
        talk->arena_room = more;
    }
    return true;
}

/** A packet with the addresses of its two ends. */
struct packet {
    const uint8_t *frame;
    struct replay_view view;
    uint16_t port[2];
    uint32_t hash;
};

/* Whether the packet is of this conversation; *ours: and sent by us. */
static bool conv_is(const struct replay_talk_conv *conv, const struct packet *packet, bool *ours)
{
    const struct replay_view *view = &packet->view;

    if (conv->version != view->version || conv->proto != view->proto)
        return false;
    for (uint32_t from = 0; from < 2; from++) {
        if (packet->port[0] == conv->port[from] && packet->port[1] == conv->port[1 - from] &&
            memcmp(packet->frame + view->src, conv->ip[from], view->ip_bytes) == 0 &&
            memcmp(packet->frame + view->dst, conv->ip[1 - from], view->ip_bytes) == 0) {
            *ours = from == 0;
            return true;
        }
    }
    return false;
}

/* A SYN with another number than the one that began the conversation begins another. */
static bool begins_anew(const struct replay_talk_conv *conv, const struct packet *packet, bool ours)
{
    const struct replay_side *side = ours ? &conv->we : &conv->they;
    const uint8_t *tcp = packet->frame + packet->view.l4;

    return packet->view.proto == REPLAY_IPPROTO_TCP &&
           (tcp[13] & (REPLAY_FLAG_SYN | REPLAY_FLAG_ACK)) == REPLAY_FLAG_SYN && replay_get32(tcp + 4) != side->isn;
}

static uint32_t conv_before(const struct replay_talk *talk, const struct packet *packet)
{
    bool ours;

    for (uint32_t i = talk->hash[packet->hash % HASH_SIZE]; i != REPLAY_NONE; i = talk->convs[i].hash_next) {
        if (conv_is(&talk->convs[i], packet, &ours))
            return i;
    }
    return REPLAY_NONE;
}

static struct replay_talk_conv *conv_find(struct replay_talk *talk, const struct packet *packet, bool *ours)
{
    for (uint32_t i = talk->hash[packet->hash % HASH_SIZE]; i != REPLAY_NONE; i = talk->convs[i].hash_next) {
        if (conv_is(&talk->convs[i], packet, ours))
            return begins_anew(&talk->convs[i], packet, *ours) ? NULL : &talk->convs[i];
    }
    return NULL;
}

/* Who sent the first packet is the client. */
static struct replay_talk_conv *conv_add(struct replay_port *port, const struct packet *packet)
{
    const uint32_t before = conv_before(port->talk, packet);
    struct replay_talk *talk = port->talk;
    const struct replay_view *view = &packet->view;
    const uint32_t us = port->conf.play == REPLAY_PLAY_CLIENT ? 0 : 1;

    if (!room_make((void **)&talk->convs, &talk->convs_room, talk->convs_count, CONVS_FIRST, sizeof(*talk->convs)))
        return NULL;
    struct replay_talk_conv *conv = &talk->convs[talk->convs_count];
    *conv = (struct replay_talk_conv){.number = talk->convs_count + 1,
                                      .version = view->version,
                                      .proto = view->proto,
                                      .port = {packet->port[us], packet->port[1 - us]},
                                      .we_began = us == 0,
                                      .first = REPLAY_NONE,
                                      .cursor = REPLAY_NONE,
                                      .last = REPLAY_NONE,
                                      .compare = REPLAY_NONE,
                                      .before = before,
                                      .after = REPLAY_NONE,
                                      .their_end = UINT64_MAX};
    memcpy(conv->ip[us], packet->frame + view->src, view->ip_bytes);
    memcpy(conv->ip[1 - us], packet->frame + view->dst, view->ip_bytes);
    memcpy(conv->live_ip, conv->ip[1], sizeof(conv->live_ip));
    if (before != REPLAY_NONE)
        talk->convs[before].after = talk->convs_count;
    conv->hash_next = talk->hash[packet->hash % HASH_SIZE];
    talk->hash[packet->hash % HASH_SIZE] = talk->convs_count++;
    return conv;
}

static bool tcp_note(struct replay_talk_conv *conv, struct replay_rec *rec, const struct packet *packet)
{
    const uint8_t *tcp = packet->frame + packet->view.l4;
    struct replay_side *side = rec->ours ? &conv->we : &conv->they;

    rec->seq = replay_get32(tcp + 4);
    rec->ack = replay_get32(tcp + 8);
    rec->flags = tcp[13];
    rec->window = replay_get16(tcp + 14);
    if ((rec->flags & REPLAY_FLAG_SYN) != 0 && !side->syn)
        replay_side_read(side, packet->frame, &packet->view);
    conv->their_rst = conv->their_rst || (!rec->ours && (rec->flags & REPLAY_FLAG_RST) != 0);
    if (rec->ours || rec->damaged || !conv->they.syn)
        return true;
    const uint64_t end = replay_position(conv->they.isn, rec->seq, conv->their_high) + rec->bytes;
    rec->repeat = rec->bytes != 0 && end <= conv->their_high;
    if (end > conv->their_high && end < conv->their_high + (UINT64_C(1) << 31))
        conv->their_high = end;
    if ((rec->flags & REPLAY_FLAG_FIN) != 0)
        conv->their_end = replay_position(conv->they.isn, rec->seq, 1) + rec->bytes + 1;
    return true;
}

static int rec_add(struct replay_port *port, struct replay_talk_conv *conv, const struct packet *packet, bool ours)
{
    struct replay_talk *talk = port->talk;
    const struct replay_source *source = &port->source;

    if (!room_make((void **)&talk->recs, &talk->recs_room, talk->recs_count, RECS_FIRST, sizeof(*talk->recs)) ||
        !arena_room(port, source->len)) {
        (void)snprintf(port->report.ended, sizeof(port->report.ended),
                       "packet %llu: conversations are longer than the key memory allows",
                       (unsigned long long)source->number);
        return STK_ENOMEM;
    }
    const uint32_t index = talk->recs_count++;
    struct replay_rec *rec = &talk->recs[index];
    *rec = (struct replay_rec){.number = source->number,
                               .time_ns = source->time_ns,
                               .at = talk->arena_used,
                               .len = source->len,
                               .next = REPLAY_NONE,
                               .payload = packet->view.payload,
                               .bytes = replay_view_payload_bytes(&packet->view),
                               .ours = ours};
    memcpy(talk->arena + talk->arena_used, source->frame, source->len);
    talk->arena_used += source->len;
    rec->damaged = replay_sum_look(source->frame, &packet->view) == REPLAY_SUM_BAD;
    if (packet->view.proto == REPLAY_IPPROTO_TCP)
        (void)tcp_note(conv, rec, packet);
    if (conv->first == REPLAY_NONE)
        conv->first = conv->cursor = conv->compare = index;
    else
        talk->recs[conv->last].next = index;
    conv->last = index;
    return 0;
}

/* @return  Why the packet takes no part, or NULL. */
static const char *packet_read(const struct replay_source *source, struct packet *packet)
{
    packet->frame = source->frame;
    if (!replay_view_read(source->frame, source->len, &packet->view) || packet->view.version == 0)
        return "is not IP";
    if (packet->view.fragment)
        return "is a fragment of what is neither TCP nor UDP, or of what has its header in pieces";
    if (packet->view.l4 == 0)
        return "is neither TCP nor UDP";
    const uint8_t *l4 = source->frame + packet->view.l4;
    packet->port[0] = replay_get16(l4);
    packet->port[1] = replay_get16(l4 + 2);
    packet->hash = replay_talk_hash(source->frame + packet->view.src, source->frame + packet->view.dst,
                                    packet->view.ip_bytes, packet->port[0], packet->port[1]);
    return NULL;
}

static bool hosts_grow(struct replay_talk *talk);

/* @return  Its place, empty or not; NULL: there is no memory. */
static struct replay_host *host_find(struct replay_talk *talk, uint8_t version, const uint8_t *ip)
{
    const uint32_t bytes = version == 4 ? 4 : 16;
    uint32_t hash = version;

    if (talk->hosts_count * 2 >= talk->hosts_room && !hosts_grow(talk))
        return NULL;
    for (uint32_t i = 0; i < bytes; i++)
        hash = hash * 31 + ip[i];
    for (hash *= UINT32_C(2654435761);; hash++) {
        struct replay_host *host = &talk->hosts[hash & (talk->hosts_room - 1)];

        if (host->version == 0 || (host->version == version && memcmp(host->ip, ip, bytes) == 0))
            return host;
    }
}

static bool hosts_grow(struct replay_talk *talk)
{
    struct replay_host *old = talk->hosts;
    const uint32_t room = talk->hosts_room;

    talk->hosts = calloc(room == 0 ? HOSTS_FIRST : room * 2, sizeof(*talk->hosts));
    if (talk->hosts == NULL) {
        talk->hosts = old;
        return false;
    }
    talk->hosts_room = room == 0 ? HOSTS_FIRST : room * 2;
    for (uint32_t i = 0; i < room; i++) {
        if (old[i].version != 0)
            *host_find(talk, old[i].version, old[i].ip) = old[i];
    }
    free(old);
    return true;
}

static void host_note(struct replay_talk *talk, int side, uint8_t version, const uint8_t *ip)
{
    struct replay_host *host = host_find(talk, version, ip);

    if (host == NULL)
        return;
    talk->hosts_count += host->version == 0 ? 1 : 0;
    host->version = version;
    memcpy(host->ip, ip, version == 4 ? 4 : 16);
    if (side == 1 && !host->side[1] && nic_layers_host(ip, version)) {
        talk->locals_count++;
        talk->locals6_count += version == 6 ? 1 : 0;
    }
    host->side[side] = true;
}

/* A host whose place the stack takes cannot be a peer as well. */
static const char *hosts_fit(struct replay_talk *talk, const struct packet *packet, bool ours)
{
    static const char other_side[] = "is of a conversation whose ends are on the other sides of earlier ones";
    const struct replay_view *view = &packet->view;
    const uint8_t *us = packet->frame + (ours ? view->src : view->dst);
    const uint8_t *them = packet->frame + (ours ? view->dst : view->src);
    const struct replay_host *host = host_find(talk, view->version, us);

    if (host == NULL || host->side[1] || memcmp(us, them, view->ip_bytes) == 0)
        return other_side;
    host = host_find(talk, view->version, them);
    if (host == NULL || host->side[0])
        return other_side;
    if (!host->side[1] && nic_layers_host(them, view->version) &&
        (talk->locals_count == REPLAY_LOCALS_MAX || (view->version == 6 && talk->locals6_count == REPLAY_LOCALS6_MAX)))
        return "is of one more host than the live side can have addresses (16, and 7 of IPv6)";
    host_note(talk, 0, view->version, us);
    host_note(talk, 1, view->version, them);
    return NULL;
}

/*
 * Who sends must be a host; who is called may be a group, or a broadcast address.
 *
 * @return  Why the conversation that this packet begins cannot be played, or NULL.
 */
static const char *ends_look(const struct packet *packet)
{
    const struct replay_view *view = &packet->view;

    if (!nic_layers_host(packet->frame + view->src, view->version))
        return "is from an address that no host on a network has (loopback, unspecified, a group)";
    if ((view->version == 4 && packet->frame[view->dst] == 127) ||
        (view->version == 6 && packet->frame[view->dst] != 0xff && !nic_layers_host(packet->frame + view->dst, 6)))
        return "is to an address that no host on a network has (loopback, unspecified)";
    return NULL;
}

/* Who plays a conversation leaves its VLAN to the port. */
static void untag(struct replay_source *source)
{
    struct replay_view view;

    if (!replay_view_read(source->frame, source->len, &view) || view.tags == 0)
        return;
    memmove(source->frame + 12, source->frame + 12 + 4u * view.tags, source->len - 12 - 4u * view.tags);
    source->len -= 4u * view.tags;
}

static int packet_add(struct replay_port *port)
{
    struct packet packet;
    untag(&port->source);
    const char *why = packet_read(&port->source, &packet);
    bool ours = port->conf.play == REPLAY_PLAY_CLIENT;
    struct replay_talk_conv *conv = NULL;

    if (why != NULL) {
        replay_report_gap(&port->report, port->source.number, "%s", why);
        return 0;
    }
    conv = conv_find(port->talk, &packet, &ours);
    if (conv == NULL) {
        const uint8_t flags = port->source.frame[packet.view.l4 + 13];

        if (packet.view.proto == REPLAY_IPPROTO_TCP &&
            (flags & (REPLAY_FLAG_SYN | REPLAY_FLAG_ACK)) != REPLAY_FLAG_SYN) {
            replay_report_gap(&port->report, port->source.number, "is of a connection whose SYN is not in the capture");
            return 0;
        }
        ours = port->conf.play == REPLAY_PLAY_CLIENT;
        why = ends_look(&packet);
        if (why != NULL) {
            replay_report_gap(&port->report, port->source.number, "%s", why);
            return 0;
        }
        why = hosts_fit(port->talk, &packet, ours);
        if (why != NULL) {
            replay_report_gap(&port->report, port->source.number, "%s", why);
            return 0;
        }
        conv = conv_add(port, &packet);
    }
    return conv == NULL ? STK_ENOMEM : rec_add(port, conv, &packet, ours);
}

/* Where the capture lacks their SYN, our first acknowledgement tells its number; its options are taken to be ours. */
static void theirs_guess(struct replay_talk *talk)
{
    for (uint32_t c = 0; c < talk->convs_count; c++) {
        struct replay_talk_conv *conv = &talk->convs[c];

        for (uint32_t i = conv->first; i != REPLAY_NONE && !conv->they.syn; i = talk->recs[i].next) {
            if (!talk->recs[i].ours || (talk->recs[i].flags & REPLAY_FLAG_ACK) == 0)
                continue;
            conv->they = conv->we;
            conv->they.isn = talk->recs[i].ack - 1;
            conv->they.syn = true;
        }
    }
}

/* Bytes of a side's stream up to which all was sent whole; numbers are near each other. */
struct whole {
    uint32_t high;
    bool any;
};

static bool covers(const struct replay_rec *rec, const struct replay_rec *damaged, uint32_t *from)
{
    if (rec->ours != damaged->ours || rec->damaged || rec->bytes == 0 || (int32_t)(rec->seq - *from) > 0)
        return false;
    if ((int32_t)(rec->seq + rec->bytes - *from) > 0)
        *from = rec->seq + rec->bytes;
    return (int32_t)(*from - (damaged->seq + damaged->bytes)) >= 0;
}

/* Was what this packet has sent whole before, or soon after? */
static bool sent_whole(const struct replay_talk *talk, const struct replay_rec *damaged, const struct whole *whole)
{
    uint32_t from = damaged->seq, looks = 0;

    if (whole->any && (int32_t)(whole->high - (damaged->seq + damaged->bytes)) >= 0)
        return true;
    for (uint32_t i = damaged->next; i != REPLAY_NONE && looks < RESENT_LOOKS; i = talk->recs[i].next, looks++) {
        if (covers(&talk->recs[i], damaged, &from))
            return true;
    }
    return false;
}

/* Data with a wrong checksum that never comes whole: nobody takes ours, and theirs is not what the live side should send. */
static void damaged_report(struct replay_port *port, const struct replay_talk_conv *conv)
{
    struct replay_talk *talk = port->talk;
    struct whole whole[2] = {{0, false}, {0, false}};

    for (uint32_t i = conv->first; i != REPLAY_NONE; i = talk->recs[i].next) {
        const struct replay_rec *rec = &talk->recs[i];
        struct whole *side = &whole[rec->ours ? 0 : 1];
        const uint32_t end = rec->seq + rec->bytes;

        if (rec->bytes == 0)
            continue;
        if (!rec->damaged) {
            side->high = !side->any || (int32_t)(end - side->high) > 0 ? end : side->high;
            side->any = true;
        } else if (conv->proto != REPLAY_IPPROTO_TCP || !sent_whole(talk, rec, side)) {
            replay_report_gap(&port->report, rec->number,
                              rec->ours ? "has a wrong checksum, with which the stack drops it, and its data does not "
                                          "come again"
                                        : "has a wrong checksum: what it says is not compared with what is live");
        }
    }
}

int replay_talk_open(struct replay_port *port)
{
    struct replay_talk *talk = calloc(1, sizeof(*talk));
    bool begun = false;
    int err = 0;

    if (talk == NULL)
        return STK_ENOMEM;
    port->talk = talk;
    talk->hash_size = HASH_SIZE;
    talk->hash = malloc(HASH_SIZE * sizeof(*talk->hash));
    const struct nic_pieces_conf heard = {.lost = NULL}; /* what the live side never sends whole is awaited in vain */
    if (talk->hash == NULL || nic_pieces_make(&heard, &talk->heard) != 0)
        return STK_ENOMEM;
    memset(talk->hash, 0xff, HASH_SIZE * sizeof(*talk->hash));
    while (err == 0 && replay_source_next(&port->source)) {
        if (!begun)
            talk->first_ns = port->source.time_ns;
        begun = true;
        err = packet_add(port);
    }
    theirs_guess(talk);
    for (uint32_t c = 0; c < talk->convs_count; c++)
        damaged_report(port, &talk->convs[c]);
    talk->open = talk->convs_count;
    port->report.convs = talk->convs_count;
    if (port->report.ended[0] != '\0')
        err = 0; /* what was read before is played, and the report tells */
    if (err == 0)
        err = replay_schedule_open(talk);
    return err == 0 ? replay_live_open(talk) : err;
}

void replay_talk_close(struct replay_talk *talk)
{
    if (talk == NULL)
        return;
    replay_schedule_close(talk);
    replay_live_close(talk);
    nic_pieces_free(talk->heard);
    free(talk->hosts);
    free(talk->recs);
    free(talk->convs);
    free(talk->arena);
    free(talk->hash);
    free(talk);
}
