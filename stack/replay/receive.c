#include "replay/receive_priv.h"

#include "stack/api.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONVS_DEFAULT 32768u
#define CONVS_MAX 65536u
#define IDLE_DEFAULT (300 * STK_S_NS)
#define FRAGS_MAX 512u
#define FRAG_WAIT_NS (30 * STK_S_NS) /* as long as lwIP keeps pieces */
#define BATCH_NS STK_MS_NS
#define BATCH_BYTES (512u * 1024u)
#define HELD_BYTES_MAX (64u * 1024u * 1024u)
#define START_NS (1000 * STK_S_NS)
/** Data with a wrong checksum further ahead than this has a wrong number as well. */
#define DAMAGED_AHEAD 65536
#define KEEPALIVE_AT (-1) /* RFC 9293 3.8.4: a byte that has the SYN's own number is a probe */

static void flush(struct receive *r);

/* The run ends here; the first reason counts. */
static void refuse(struct receive *r, int err, uint64_t packet, const char *why)
{
    if (r->err != 0)
        return;
    r->err = err;
    (void)snprintf(r->reason, NIC_READER_REASON_SIZE, "packet %llu: %.200s", (unsigned long long)packet, why);
}

static struct receive_peer peer_of(const struct nic_conv *conv, int side)
{
    return (struct receive_peer){.slot = conv->index * 2 + (uint32_t)side + 1,
                                 .port = (uint16_t)(1024 + conv->number % 60000)};
}

static void side_drop(struct receive_side *side, uint64_t packet, const char *why)
{
    side->out.dropped++;
    if (side->out.drop_packet == 0) {
        side->out.drop_packet = packet;
        side->out.reason = why;
    }
}

/* --- What the stack gives ------------------------------------------------------------ */

static void side_deliver(struct receive *r, uint32_t index, const void *data, size_t len)
{
    struct receive_conv *conv = &r->convs[index / 2];
    struct receive_side *side = &conv->side[index % 2];

    if (side->sha != NULL)
        stk_sha256_add(side->sha, data, len);
    side->out.bytes += len;
    r->totals->bytes += len;
    if (r->conf->data != NULL)
        r->conf->data(r->conf->context, conv->conv, (int)(index % 2), data, len);
}

static void side_close(struct receive_side *side, enum stk_receive_ending ending)
{
    if (side->sock != NULL)
        (void)stk_sock_close(side->sock, STK_CLOSE_ABORT);
    side->sock = NULL;
    side->over = true;
    side->out.ending = ending;
}

static void holes_close(struct receive_side *side)
{
    while (side->holes_count != 0 && side->holes[0].end <= side->drained)
        memmove(&side->holes[0], &side->holes[1], --side->holes_count * sizeof(side->holes[0]));
}

static void stream_drain(struct receive *r, uint32_t index)
{
    struct receive_side *side = &r->convs[index / 2].side[index % 2];
    const struct stk_iov iov = {.base = r->bytes, .len = sizeof(r->bytes)};
    int64_t got;

    while ((got = stk_sock_recv(side->sock, &iov, 1, 0)) > 0) {
        side->drained += (uint64_t)got;
        side_deliver(r, index, r->bytes, (size_t)got);
    }
    holes_close(side);
    if (got == 0) {
        side_close(side, STK_RECEIVE_FIN);
    } else if (got == STK_ECONNRESET) {
        side_close(side, STK_RECEIVE_RST);
    } else if (got != STK_EAGAIN) {
        side->out.reason = stk_err_text((int)got);
        side_close(side, STK_RECEIVE_BROKEN);
    }
}

static void datagrams_drain(struct receive *r, struct stk_sock *sock)
{
    const struct stk_iov iov = {.base = r->bytes, .len = sizeof(r->bytes)};
    struct stk_msg_info info;
    int64_t got;

    while ((got = stk_sock_recvfrom(sock, &iov, 1, 0, &info)) >= 0) {
        const uint32_t index = receive_frame_slot(info.from.ip, info.from.family) - 1;
        struct receive_conv *conv = &r->convs[index / 2];

        if (conv->conv == NULL || peer_of(conv->conv, 0).port != info.from.port)
            continue; /* pieces of a conversation that is over */
        conv->side[index % 2].out.datagrams++;
        side_deliver(r, index, r->bytes, (size_t)got);
    }
}

/* A datagram that was whole is there after the turn it entered in, or never. */
static void datagrams_check(struct receive_side *side)
{
    if (side->out.datagrams + side->pieces_begun < side->out.sent_datagrams && side->out.gap_packet == 0)
        side->out.gap_packet = side->batch_packet;
}

static void drain(struct receive *r)
{
    const uint32_t count = r->touched_count;

    if (r->udp_queued) {
        datagrams_drain(r, r->stack.udp[0]);
        datagrams_drain(r, r->stack.udp[1]);
    }
    r->udp_queued = false;
    r->touched_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct receive_side *side = r->touched[i];

        side->touched = false;
        if (side->udp)
            datagrams_check(side);
        else if (side->sock != NULL)
            stream_drain(r, r->touched_index[i]);
    }
}

/* --- What enters ------------------------------------------------------------------------ */

static void touch(struct receive *r, struct receive_side *side, uint32_t index, uint64_t packet)
{
    if (side->touched)
        return;
    side->touched = true;
    side->batch_packet = packet;
    r->touched[r->touched_count] = side;
    r->touched_index[r->touched_count++] = index;
}

/* Hands a frame in; steps when a burst is full. */
static void push(struct receive *r, uint32_t index, uint32_t len, uint32_t flags, uint64_t packet)
{
    struct receive_side *side = &r->convs[index / 2].side[index % 2];

    if (len == 0) {
        side_drop(side, packet, "longer than any frame");
        return;
    }
    if (nic_feed_push(r->stack.feed, r->frame, len, flags, r->stack.now_ns) != 0) {
        refuse(r, STK_EMFILE, packet, "the stack holds so much out of order that it has no buffer left");
        return;
    }
    touch(r, side, index, packet);
    if (r->queued == 0)
        r->queued_ns = r->stack.now_ns;
    r->queued++;
    r->queued_bytes += len;
    r->udp_queued |= side->udp;
    if (r->queued == NIC_BURST_MAX || r->queued_bytes > BATCH_BYTES)
        flush(r);
}

static void push_pkt(struct receive *r, uint32_t index, const struct nic_layers *pkt, uint32_t flags, uint64_t packet)
{
    const struct nic_conv *conv = r->convs[index / 2].conv;
    const struct receive_peer peer = peer_of(conv, (int)(index % 2));
    const uint32_t ack = r->convs[index / 2].side[index % 2].ack;

    push(r, index, receive_frame_translate(pkt, &peer, ack, r->frame), flags, packet);
}

/* --- Frames that wait ---------------------------------------------------------------------- */

static void hold(struct receive *r, const struct nic_packet *packet, struct receive_side *side, uint32_t index,
                 uint64_t end)
{
    struct receive_held *held;

    if (r->held_count == RECEIVE_HELD_MAX || r->held_bytes + packet->len > HELD_BYTES_MAX) {
        refuse(r, STK_EMFILE, packet->number, "too much waits for what was not captured, or comes too late");
        return;
    }
    held = malloc(sizeof(*held) + packet->len);
    if (held == NULL) {
        refuse(r, STK_ENOMEM, packet->number, "no memory for a frame that has to wait");
        return;
    }
    *held = (struct receive_held){
        .side = side, .packet = *packet, .end = end, .index = index, .due_ns = r->stack.now_ns + FRAG_WAIT_NS};
    memcpy(held->frame, packet->frame, packet->len);
    held->packet.frame = held->frame;
    *r->held_end = held;
    r->held_end = &held->next;
    r->held_count++;
    r->held_bytes += packet->len;
    if (side != NULL)
        side->held++;
}

static void held_free(struct receive *r, struct receive_held **link)
{
    struct receive_held *held = *link;

    *link = held->next;
    if (r->held_end == &held->next)
        r->held_end = link;
    r->held_count--;
    r->held_bytes -= held->packet.len;
    if (held->side != NULL)
        held->side->held--;
    free(held);
}

static void orphan(struct receive *r, const struct receive_held *held)
{
    r->totals->orphans++;
    if (r->totals->orphan_packet == 0 || held->packet.number < r->totals->orphan_packet)
        r->totals->orphan_packet = held->packet.number;
}

/* Segments that the stack's window has room for by now. True: some entered. */
static bool held_release(struct receive *r)
{
    bool some = false;

    for (struct receive_held **link = &r->held; *link != NULL;) {
        struct receive_held *held = *link;
        struct nic_layers pkt;

        if (held->side == NULL || held->side->sock == NULL || held->end > held->side->drained + RECEIVE_AHEAD ||
            r->queued == NIC_BURST_MAX - 1 || r->queued_bytes + held->packet.len > BATCH_BYTES) {
            link = &held->next;
            continue;
        }
        nic_layers_parse(held->packet.frame, held->packet.len, held->packet.full_len, &pkt);
        push_pkt(r, held->index, &pkt, NIC_RX_L4_CSUM_GOOD | NIC_RX_IP4_CSUM_GOOD, held->packet.number);
        held_free(r, link);
        some = true;
    }
    return some;
}

static void flush(struct receive *r)
{
    do {
        if (r->queued != 0)
            receive_stack_step(r);
        drain(r);
    } while (r->held_count != 0 && held_release(r));
}

/* --- TCP -------------------------------------------------------------------------------------- */

static void hole_add(struct receive_side *side, uint64_t end, uint64_t packet)
{
    if (side->holes_count < RECEIVE_HOLES)
        side->holes[side->holes_count++] = (struct receive_hole){end, packet};
}

static bool side_open(struct receive *r, uint32_t index, uint64_t packet)
{
    struct receive_side *side = &r->convs[index / 2].side[index % 2];
    const struct nic_conv *conv = r->convs[index / 2].conv;
    const struct receive_peer peer = peer_of(conv, (int)(index % 2));

    flush(r);
    const int err = receive_stack_open(r, side, &peer, conv->ip);
    if (err != STK_OK) {
        refuse(r, err, packet, "the stack does not take its connection");
        return false;
    }
    side->open = true;
    side->out.begin = side->syn ? STK_RECEIVE_SYN : STK_RECEIVE_MID;
    return true;
}

/* The stream's first number, from a SYN or from the first data. */
static void side_base(struct receive_side *side, const struct nic_layers *pkt)
{
    side->syn = (pkt->tcp_flags & NIC_TCP_SYN) != 0;
    side->isn = side->syn ? pkt->seq : pkt->seq - 1;
    side->based = true;
    nic_layers_options(pkt, &side->syn_options);
    if (!side->syn)
        side->syn_options.sack_permitted = true;
    if (side->syn_options.wscale < 0)
        side->syn_options.wscale = 0; /* so that the stack's own window is not bounded by 65,535 */
}

static void reset(struct receive *r, uint32_t index, const struct nic_layers *pkt, uint32_t flags, uint64_t packet)
{
    struct receive_side *side = &r->convs[index / 2].side[index % 2];

    if (side->over)
        return;
    if (!side->open) {
        side->over = true;
        side->out.ending = STK_RECEIVE_RST;
        return;
    }
    flush(r); /* what came before is read before */
    if (side->sock != NULL)
        push_pkt(r, index, pkt, flags, packet);
    flush(r);
}

/* What a SYN carries (RFC 7413) enters behind the handshake. */
static void syn_data(struct receive *r, uint32_t index, const struct nic_layers *pkt, uint64_t packet)
{
    const struct nic_conv *conv = r->convs[index / 2].conv;
    const struct receive_peer peer = peer_of(conv, (int)(index % 2));
    const struct receive_tcp tcp = {.ip = conv->ip,
                                    .flags = NIC_TCP_ACK | (pkt->tcp_flags & NIC_TCP_FIN),
                                    .seq = pkt->seq + 1,
                                    .ack = r->convs[index / 2].side[index % 2].ack,
                                    .payload = pkt->frame + pkt->payload,
                                    .payload_len = nic_layers_data_len(pkt)};

    push(r, index, receive_frame_tcp(&tcp, &peer, r->frame), NIC_RX_L4_CSUM_GOOD | NIC_RX_IP4_CSUM_GOOD, packet);
}

/* What lies in front of the stream's first byte cannot be delivered any more. */
static void side_early(struct receive_side *side, uint64_t packet)
{
    side_drop(side, packet, side->syn ? "data before its SYN's number" : "data before the first that was captured");
    if (side->out.gap_packet == 0)
        side->out.gap_packet = packet;
}

/* Books of where the segment lies. False: it is not to enter now. */
static bool segment_place(struct receive *r, uint32_t index, const struct nic_layers *pkt,
                          const struct nic_packet *packet)
{
    struct receive_side *side = &r->convs[index / 2].side[index % 2];
    const uint32_t seq = pkt->seq + ((pkt->tcp_flags & NIC_TCP_SYN) != 0 ? 1 : 0);
    const uint32_t len = nic_layers_data_len(pkt);
    const int64_t at = (int64_t)side->out.sent_bytes +
                       (int32_t)(seq - (side->isn + 1 + (uint32_t)side->out.sent_bytes));
    const int64_t end = at + len;

    if (len != 0 && at < (side->syn ? KEEPALIVE_AT : 0))
        side_early(side, packet->number);
    if (at > (int64_t)side->out.sent_bytes && len != 0)
        hole_add(side, (uint64_t)at, packet->number);
    if (end > (int64_t)side->out.sent_bytes && len != 0) {
        if (side->drained >= side->out.sent_bytes)
            side->open_packet = packet->number;
        side->out.sent_bytes = (uint64_t)end;
    }
    if (len != 0 && !nic_layers_whole(pkt)) {
        side_drop(side, packet->number, "snapped: the file has only its beginning");
        hole_add(side, (uint64_t)(end > 0 ? end : 0), packet->number);
        return false;
    }
    if (end <= (int64_t)(side->drained + RECEIVE_AHEAD))
        return true;
    flush(r);
    if (end <= (int64_t)(side->drained + RECEIVE_AHEAD))
        return true;
    hold(r, packet, side, index, (uint64_t)end);
    return false;
}

/* What comes when the stream is over: nothing, if it was there before. */
static void over_look(struct receive_side *side, const struct nic_layers *pkt, uint64_t packet)
{
    const uint32_t len = nic_layers_data_len(pkt);
    const int32_t ahead = (int32_t)(pkt->seq - (side->isn + 1) - (uint32_t)side->drained);

    if (len != 0 && ahead + (int64_t)side->drained < (side->syn ? KEEPALIVE_AT : 0))
        side_early(side, packet);
    else if (ahead + (int64_t)len > 0)
        side_drop(side, packet, "data behind the stream's end");
}

static void tcp_packet(struct receive *r, uint32_t index, const struct nic_layers *pkt, uint32_t flags,
                       const struct nic_packet *packet)
{
    struct receive_side *side = &r->convs[index / 2].side[index % 2];
    const bool syn = (pkt->tcp_flags & NIC_TCP_SYN) != 0;
    const bool carries = nic_layers_data_len(pkt) != 0 || (pkt->tcp_flags & NIC_TCP_FIN) != 0 || pkt->fragment;

    if ((pkt->tcp_flags & NIC_TCP_RST) != 0) {
        reset(r, index, pkt, flags, packet->number);
        return;
    }
    if (!side->based && (syn || carries))
        side_base(side, pkt);
    if (side->over) {
        if (carries)
            over_look(side, pkt, packet->number);
        return;
    }
    if (!carries && (!side->open || syn))
        return;
    if (!segment_place(r, index, pkt, packet) || (!side->open && !side_open(r, index, packet->number)))
        return;
    if (syn)
        syn_data(r, index, pkt, packet->number);
    else
        push_pkt(r, index, pkt, flags, packet->number);
}

/* --- UDP ------------------------------------------------------------------------------------- */

static void udp_packet(struct receive *r, uint32_t index, const struct nic_layers *pkt, uint32_t flags,
                       const struct nic_packet *packet)
{
    struct receive_side *side = &r->convs[index / 2].side[index % 2];

    side->udp = true;
    side->out.begin = STK_RECEIVE_DATAGRAMS;
    if (!nic_layers_whole(pkt)) {
        side_drop(side, packet->number, "snapped: the file has only its beginning");
        side->out.sent_datagrams++;
        side->out.gap_packet = side->out.gap_packet != 0 ? side->out.gap_packet : packet->number;
        return;
    }
    if (pkt->fragment) {
        flush(r);
        if (side->out.datagrams >= side->out.sent_datagrams)
            side->pieces_packet = packet->number;
        side->pieces_begun++;
    }
    side->out.sent_datagrams++;
    push_pkt(r, index, pkt, flags, packet->number);
}

/* --- Conversations ------------------------------------------------------------------------------ */

static void side_finish(struct receive *r, struct receive_side *side)
{
    struct stk_receive_side *out = &side->out;

    for (struct receive_held **link = &r->held; side->held != 0 && *link != NULL;) {
        if ((*link)->side == side)
            held_free(r, link);
        else
            link = &(*link)->next;
    }
    if (side->udp && out->datagrams < out->sent_datagrams && out->gap_packet == 0)
        out->gap_packet = side->pieces_packet;
    if (!side->udp && side->drained >= out->sent_bytes && side->drained < side->damaged_end &&
        out->ending != STK_RECEIVE_FIN && out->gap_packet == 0) {
        out->sent_bytes = side->damaged_end;
        out->gap_packet = side->damaged_packet;
    } else if (!side->udp && side->drained < out->sent_bytes)
        out->gap_packet = side->holes_count != 0 ? side->holes[0].packet : side->open_packet;
    if (side->sock != NULL)
        side_close(side, STK_RECEIVE_OPEN);
    stk_sha256_end(side->sha, out->sha256);
    side->sha = NULL;
}

static bool side_incomplete(const struct receive_side *side)
{
    return side->out.gap_packet != 0 || side->out.ending == STK_RECEIVE_BROKEN ||
           (side->udp ? side->out.datagrams < side->out.sent_datagrams : side->drained < side->out.sent_bytes);
}

/* The table forgets a conversation. */
static void conv_ended(void *context, struct nic_conv *conv)
{
    struct receive *r = context;
    struct receive_conv *mine = &r->convs[conv->index];
    struct stk_receive_result result = {.conv = conv};

    if (mine->side[0].touched || mine->side[1].touched || mine->side[0].held + mine->side[1].held != 0)
        flush(r);
    for (int i = 0; i < 2; i++) {
        side_finish(r, &mine->side[i]);
        mine->side[i].out.packets = conv->packets[i];
        result.side[i] = mine->side[i].out;
    }
    r->totals->incomplete += side_incomplete(&mine->side[0]) || side_incomplete(&mine->side[1]);
    if (r->conf->end != NULL)
        r->conf->end(r->conf->context, &result);
    mine->conv = NULL;
}

static void conv_begin(struct receive *r, struct nic_conv *conv, uint64_t packet)
{
    struct receive_conv *mine = &r->convs[conv->index];

    memset(mine, 0, sizeof(*mine));
    mine->conv = conv;
    for (int i = 0; i < 2 && r->conf->digests; i++) {
        mine->side[i].sha = stk_sha256_begin();
        if (mine->side[i].sha == NULL)
            refuse(r, STK_ENOMEM, packet, "no memory for a digest");
    }
    r->totals->conversations++;
}

/* --- Packets -------------------------------------------------------------------------------------- */

static void packet_bad(struct receive *r, uint64_t packet, const char *why)
{
    r->totals->bad++;
    if (strncmp(why, "snapped", 7) == 0) {
        r->totals->cut++;
        r->totals->cut_packet = r->totals->cut_packet != 0 ? r->totals->cut_packet : packet;
    }
    if (r->totals->bad_packet == 0) {
        r->totals->bad_packet = packet;
        r->totals->bad_reason = why;
    }
}

static bool sum_wrong(const struct receive *r, enum nic_layers_sum sum)
{
    return sum == NIC_SUM_BAD || (sum == NIC_SUM_OFFLOAD && r->conf->sums == STK_RECEIVE_VERIFY);
}

/* Flags for the stack; what is known to be right is not summed again. */
static uint32_t sums_flags(const struct receive *r, const struct nic_layers *pkt)
{
    enum nic_layers_sum l3, l4;
    uint32_t flags = 0;

    if (r->conf->sums == STK_RECEIVE_IGNORE)
        return NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD; /* the last fragment's says it of the datagram */
    nic_layers_sums(pkt, &l3, &l4);
    flags |= sum_wrong(r, l3) ? NIC_RX_IP4_CSUM_BAD : NIC_RX_IP4_CSUM_GOOD;
    if (sum_wrong(r, l4))
        flags |= NIC_RX_L4_CSUM_BAD;
    else if (l4 != NIC_SUM_UNKNOWN)
        flags |= NIC_RX_L4_CSUM_GOOD;
    return flags;
}

/* Data that nobody takes as it is: where it lies in the stream, should it never come again. */
static void damaged_note(struct receive_side *side, const struct nic_layers *pkt, uint64_t packet)
{
    const uint32_t len = nic_layers_data_len(pkt);
    const uint64_t sent = side->out.sent_bytes;
    const int64_t ahead = (int32_t)(pkt->seq - (side->isn + 1 + (uint32_t)sent));

    if (pkt->kind != NIC_LAYERS_TCP || len == 0 || !side->based || side->over ||
        (pkt->tcp_flags & (NIC_TCP_SYN | NIC_TCP_RST)) != 0 || ahead > DAMAGED_AHEAD || ahead + len <= 0 ||
        sent + (uint64_t)(ahead + len) <= side->damaged_end)
        return;
    if (side->damaged_end <= sent)
        side->damaged_packet = packet;
    side->damaged_end = sent + (uint64_t)(ahead + len);
}

/* A frame whose checksum is wrong enters all the same, for the stack to drop, where it can belong to somebody. */
static void packet_corrupt(struct receive *r, const struct nic_layers *pkt, uint32_t flags, uint64_t packet)
{
    int side;
    const struct nic_conv *conv = nic_conv_peek(r->table, pkt, &side);
    const char *why = flags & NIC_RX_IP4_CSUM_BAD ? "wrong checksum of its IPv4 header" : "wrong checksum";

    packet_bad(r, packet, why);
    if (conv == NULL || r->convs[conv->index].conv == NULL)
        return;
    side_drop(&r->convs[conv->index].side[side], packet, why);
    damaged_note(&r->convs[conv->index].side[side], pkt, packet);
    if (nic_layers_whole(pkt))
        push_pkt(r, conv->index * 2 + (uint32_t)side, pkt, flags, packet);
}

static void packet_play(struct receive *r, const struct nic_packet *packet, const struct nic_layers *pkt)
{
    const uint32_t flags = sums_flags(r, pkt);
    struct nic_conv *conv;
    int side;

    if (flags & (NIC_RX_IP4_CSUM_BAD | NIC_RX_L4_CSUM_BAD)) {
        packet_corrupt(r, pkt, flags, packet->number);
        return;
    }
    const int err = nic_conv_find(r->table, pkt, packet->number, packet->time_ns, &conv, &side);
    if (err == STK_EAGAIN) {
        hold(r, packet, NULL, 0, 0);
        return;
    }
    if (err != 0) {
        refuse(r, err, packet->number, "more conversations at a time than there is room for");
        return;
    }
    if (r->convs[conv->index].conv != conv)
        conv_begin(r, conv, packet->number);
    const uint32_t index = conv->index * 2 + (uint32_t)side;
    if (pkt->kind == NIC_LAYERS_FRAGMENT)
        push_pkt(r, index, pkt, flags, packet->number);
    else if (pkt->kind == NIC_LAYERS_TCP)
        tcp_packet(r, index, pkt, flags, packet);
    else
        udp_packet(r, index, pkt, flags, packet);
}

/* Pieces that came before their datagram's first one. */
static void pieces_release(struct receive *r, const struct nic_layers *first)
{
    for (struct receive_held **link = &r->held; *link != NULL && r->err == 0;) {
        struct receive_held *held = *link;
        struct nic_layers pkt;
        struct nic_conv *conv;
        int side;

        if (held->side != NULL) {
            link = &held->next;
            continue;
        }
        nic_layers_parse(held->packet.frame, held->packet.len, held->packet.full_len, &pkt);
        if (held->due_ns < r->stack.now_ns) {
            orphan(r, held);
            held_free(r, link);
        } else if (pkt.frag_id == first->frag_id && pkt.proto == first->proto &&
                   nic_conv_find(r->table, &pkt, held->packet.number, held->packet.time_ns, &conv, &side) == 0) {
            push_pkt(r, conv->index * 2 + (uint32_t)side, &pkt, NIC_RX_IP4_CSUM_GOOD, held->packet.number);
            link = &r->held; /* what was pushed may have stepped the stack and let others go */
            while (*link != held && *link != NULL)
                link = &(*link)->next;
            if (*link == held)
                held_free(r, link);
        } else {
            link = &held->next;
        }
    }
}

static void time_pass(struct receive *r, uint64_t time_ns)
{
    if (!r->started) {
        r->started = true;
        r->start_ns = time_ns;
    }
    const uint64_t at = START_NS + (time_ns - r->start_ns);
    if (r->queued != 0 && at > r->queued_ns + BATCH_NS)
        flush(r);
    if (at <= r->stack.now_ns)
        return;
    if (r->queued != 0)
        r->stack.now_ns = at;
    else
        receive_stack_time(r, at);
}

static void packet_take(struct receive *r, const struct nic_packet *packet)
{
    struct nic_layers pkt;

    r->totals->packets++;
    time_pass(r, packet->time_ns);
    nic_layers_parse(packet->frame, packet->len, packet->full_len, &pkt);
    switch (pkt.kind) {
    case NIC_LAYERS_BAD:
        packet_bad(r, packet->number, pkt.reason);
        return;
    case NIC_LAYERS_NOT_IP:
    case NIC_LAYERS_OTHER:
        r->totals->others++;
        return;
    case NIC_LAYERS_FRAGMENT:
        if (pkt.proto != 6 && pkt.proto != 17) {
            r->totals->others++;
            return;
        }
        r->totals->fragments++;
        if (!nic_layers_whole(&pkt)) {
            packet_bad(r, packet->number, "snapped: the file has only its beginning");
            return;
        }
        break;
    case NIC_LAYERS_TCP:
        r->totals->tcp++;
        break;
    case NIC_LAYERS_UDP:
        r->totals->udp++;
        break;
    }
    packet_play(r, packet, &pkt);
    if (pkt.fragment && pkt.kind != NIC_LAYERS_FRAGMENT && r->held_count != 0)
        pieces_release(r, &pkt);
}

/* --- The run ------------------------------------------------------------------------------------------ */

static int play(struct receive *r, struct nic_order *order)
{
    struct nic_packet packet;
    int got = 0;

    while (r->err == 0 && (got = nic_order_next(order, &packet)) == 1) {
        packet_take(r, &packet);
        if (packet.number == r->conf->stop_packet)
            break;
    }
    if (r->err == 0 && got < 0) {
        (void)snprintf(r->reason, NIC_READER_REASON_SIZE, "%s", nic_order_reason(order));
        r->err = got;
    }
    flush(r);
    for (struct receive_held **link = &r->held; *link != NULL;) {
        if ((*link)->side != NULL) {
            link = &(*link)->next;
            continue;
        }
        orphan(r, *link);
        held_free(r, link);
    }
    return r->err;
}

static uint64_t window_of(const struct stk_receive_conf *conf)
{
    if (conf->window_ns == 0)
        return NIC_ORDER_WINDOW_NS;
    return conf->window_ns == UINT64_MAX ? 0 : conf->window_ns;
}

int stk_receive_run(const struct stk_receive_conf *conf, struct nic_reader *reader, struct stk_receive_totals *totals,
                    char *reason)
{
    const uint32_t convs_max = conf->convs_max != 0 ? conf->convs_max : CONVS_DEFAULT;
    struct nic_order *order = NULL;
    struct receive *r = calloc(1, sizeof(*r));
    int err = STK_ENOMEM;

    memset(totals, 0, sizeof(*totals));
    (void)snprintf(reason, NIC_READER_REASON_SIZE, "%s",
                   r == NULL || convs_max <= CONVS_MAX ? "" : "too many conversations");
    if (r == NULL || convs_max > CONVS_MAX) {
        free(r);
        return r == NULL ? STK_ENOMEM : STK_EINVAL;
    }
    r->conf = conf;
    r->totals = totals;
    r->reason = reason;
    r->held_end = &r->held;
    const struct nic_conv_conf convs = {.max = convs_max,
                                        .idle_ns = conf->idle_ns != 0 ? conf->idle_ns : IDLE_DEFAULT,
                                        .frag_max = FRAGS_MAX,
                                        .by_vlan = conf->by_vlan,
                                        .end = conv_ended,
                                        .context = r};
    r->convs = calloc(convs_max, sizeof(struct receive_conv));
    if (r->convs != NULL)
        err = nic_conv_table_make(&convs, &r->table);
    if (err == STK_OK)
        err = nic_order_make(reader, window_of(conf), &order);
    if (err == STK_OK)
        err = receive_stack_make(r, convs_max);
    if (err == STK_OK)
        err = play(r, order);
    nic_conv_table_free(r->table);
    nic_order_free(order);
    if (err == STK_OK && conf->capture != NULL && !nic_feed_flush(r->stack.feed)) {
        (void)snprintf(reason, NIC_READER_REASON_SIZE, "the output cannot be written");
        err = STK_EIO;
    }
    receive_stack_free(r);
    free(r->convs);
    free(r);
    return err;
}
