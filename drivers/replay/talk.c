#include "stack/clock.h"
#include "talk_priv.h"

#include <string.h>

/** How long a live sender with unacknowledged bytes is left waiting before it gets an acknowledgement of its own. */
#define ACK_AFTER_NS (200 * STK_MS_NS)
/** After so long without an answer a SYN of ours is sent again (RFC 6298 2.1): the live side's backlog may have been full. */
#define SYN_AFTER_NS (1000 * STK_MS_NS)
#define SYNS_MAX 250u /* of a conversation; who has not answered then does not answer */

static const struct replay_rec *rec_at(const struct replay_talk *talk, const struct replay_talk_conv *conv)
{
    return conv->cursor == REPLAY_NONE ? NULL : &talk->recs[conv->cursor];
}

/* --- Departures -------------------------------------------------------------- */

static void conv_end(struct replay_port *port, struct replay_talk_conv *conv, bool whole)
{
    conv->departed = conv->departed || !whole;
    if (conv->over)
        return;
    conv->over = true;
    port->talk->open--;
    port->report.convs_finished += whole ? 1 : 0;
    replay_schedule_never(port->talk, conv);
    if (conv->after != REPLAY_NONE && !port->talk->convs[conv->after].over)
        replay_schedule_ready(port->talk, &port->talk->convs[conv->after]);
}

static void hex_write(char *out, size_t size, const uint8_t *bytes, uint32_t count)
{
    size_t used = 0;

    for (uint32_t i = 0; i < count && i < 8 && used + 3 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%02x", bytes[i]);
    out[used] = '\0';
}

/* --- Their stream ------------------------------------------------------------- */

/* End of a recorded segment of theirs in their stream. */
static uint64_t rec_end(const struct replay_talk_conv *conv, const struct replay_rec *rec, uint64_t *start)
{
    *start = (rec->flags & REPLAY_FLAG_SYN) != 0 ? 0 : replay_position(conv->they.isn, rec->seq, conv->live_sent);
    return *start + rec->bytes + ((rec->flags & REPLAY_FLAG_SYN) != 0) + ((rec->flags & REPLAY_FLAG_FIN) != 0);
}

/*
 * Compares live bytes with recorded ones. Positions that no record holds (packets that the capture lacks) are taken as they
 * come. Records are walked from where the last comparison ended; a recorded retransmission lies behind, and is found there.
 */
static bool bytes_compare(struct replay_port *port, struct replay_talk_conv *conv, const uint8_t *bytes, uint64_t from,
                          uint32_t count)
{
    struct replay_talk *talk = port->talk;
    const uint64_t end = from + count;
    bool behind = true;

    for (uint32_t i = conv->compare; i != REPLAY_NONE; i = talk->recs[i].next) {
        const struct replay_rec *rec = &talk->recs[i];
        uint64_t start;

        if (rec->ours || rec->bytes == 0 || rec->repeat || rec->damaged || (rec->flags & REPLAY_FLAG_SYN) != 0)
            continue;
        const uint64_t stop = rec_end(conv, rec, &start) - ((rec->flags & REPLAY_FLAG_FIN) != 0);
        if (stop <= from && behind) {
            conv->compare = i;
            continue;
        }
        if (start >= end)
            break;
        behind = false;
        const uint64_t low = start > from ? start : from;
        const uint64_t high = stop < end ? stop : end;
        const uint8_t *recorded = talk->arena + rec->at + rec->payload;
        for (uint64_t at = low; at < high; at++) {
            if (recorded[at - start] == bytes[at - from])
                continue;
            char was[20], is[20];
            hex_write(was, sizeof(was), recorded + (at - start), (uint32_t)(high - at));
            hex_write(is, sizeof(is), bytes + (at - from), (uint32_t)(high - at));
            replay_report_departure(&port->report, rec->number, conv->number,
                                    "byte %llu of the program's stream: expected %s, came %s",
                                    (unsigned long long)(at - 1), was, is);
            return false;
        }
    }
    return true;
}

static void they_depart(struct replay_port *port, struct replay_talk_conv *conv, const char *expected, const char *came)
{
    const struct replay_rec *rec = rec_at(port->talk, conv);

    replay_report_departure(&port->report, rec != NULL ? rec->number : port->talk->recs[conv->last].number,
                            conv->number, "expected %s, came %s after byte %llu", expected, came,
                            (unsigned long long)(conv->live_sent > 0 ? conv->live_sent - 1 : 0));
    conv_end(port, conv, false);
}

static void live_options(struct replay_talk_conv *conv, const uint8_t *frame, const struct replay_view *view,
                         uint64_t position)
{
    const uint32_t at = replay_tcp_option(frame, view, 8);

    /* RFC 7323 4.3: what is echoed comes from a segment that begins at or before what was acknowledged last. */
    if (at != 0 && frame[at + 1] == 10 && position <= conv->we_acked)
        conv->live_stamp = replay_get32(frame + at + 2);
}

static void live_window(struct replay_talk_conv *conv, const uint8_t *tcp)
{
    const uint8_t flags = tcp[13];
    const bool scaled = conv->we.wscale_on && conv->live_they.wscale_on && (flags & REPLAY_FLAG_SYN) == 0;

    if ((flags & REPLAY_FLAG_ACK) == 0)
        return;
    const uint64_t acked = replay_position(conv->we.isn, replay_get32(tcp + 8), conv->live_acked);
    const uint64_t limit = acked + ((uint64_t)replay_get16(tcp + 14) << (scaled ? conv->live_they.wscale : 0));
    if (acked > conv->live_acked && acked < conv->live_acked + (UINT64_C(1) << 31))
        conv->live_acked = acked;
    if (limit > conv->live_limit)
        conv->live_limit = limit;
}

static void heard_data(struct replay_port *port, struct replay_talk_conv *conv, const uint8_t *frame,
                       const struct replay_view *view, uint64_t position)
{
    const uint8_t flags = frame[view->l4 + 13];
    const uint32_t bytes = replay_view_payload_bytes(view);
    const uint64_t start = position + ((flags & REPLAY_FLAG_SYN) != 0);
    const uint64_t end = start + bytes + ((flags & REPLAY_FLAG_FIN) != 0);

    if (bytes != 0 && end > conv->live_sent && !bytes_compare(port, conv, frame + view->payload, start, bytes)) {
        conv_end(port, conv, false);
        return;
    }
    if (end > conv->live_sent)
        conv->live_sent = end;
    if ((flags & REPLAY_FLAG_FIN) != 0 && conv->their_end != UINT64_MAX && end < conv->their_end)
        they_depart(port, conv, "more data", "FIN");
    else if (end > conv->their_end) {
        port->report.extra_bytes += end - conv->their_end;
        they_depart(port, conv, "FIN", "more data");
    }
}

static void heard_tcp(struct replay_port *port, struct replay_talk_conv *conv, const uint8_t *frame,
                      const struct replay_view *view)
{
    const uint8_t *tcp = frame + view->l4;
    const uint8_t flags = tcp[13];

    if ((flags & REPLAY_FLAG_SYN) != 0 && !conv->live_they.syn)
        replay_side_read(&conv->live_they, frame, view);
    if (conv->live_they.syn) {
        const uint64_t position = (flags & REPLAY_FLAG_SYN) != 0
                                      ? 0
                                      : replay_position(conv->live_they.isn, replay_get32(tcp + 4), conv->live_sent);
        live_options(conv, frame, view, position);
        if ((flags & REPLAY_FLAG_RST) == 0)
            heard_data(port, conv, frame, view, position);
    }
    live_window(conv, tcp);
    if ((flags & REPLAY_FLAG_RST) != 0) {
        conv->live_rst = true;
        if (!conv->their_rst && !conv->over)
            they_depart(port, conv, conv->live_they.syn ? "no reset" : "SYN", "RST");
    }
}

/* One more than the record has of theirs, perhaps behind its end. */
static void dgram_extra(struct replay_port *port, struct replay_talk_conv *conv, const uint8_t *data, uint32_t bytes)
{
    char is[20];

    hex_write(is, sizeof(is), data, bytes);
    port->report.extra_bytes += bytes;
    port->report.convs_finished -= conv->over ? 1 : 0; /* it was not as the record has it after all */
    replay_report_departure(&port->report, port->talk->recs[conv->last].number, conv->number,
                            "expected no datagram %u, came %u bytes (%s)", (unsigned)conv->live_dgrams, (unsigned)bytes,
                            is);
    conv_end(port, conv, false);
}

static void heard_dgram(struct replay_port *port, struct replay_talk_conv *conv, const uint8_t *frame,
                        const struct replay_view *view)
{
    struct replay_talk *talk = port->talk;
    const struct replay_rec *rec = NULL;

    for (; conv->compare != REPLAY_NONE && rec == NULL; conv->compare = talk->recs[conv->compare].next) {
        if (!talk->recs[conv->compare].ours && !talk->recs[conv->compare].damaged)
            rec = &talk->recs[conv->compare];
    }
    conv->live_dgrams++;
    const uint32_t bytes = replay_view_payload_bytes(view);
    if (rec == NULL) {
        dgram_extra(port, conv, frame + view->payload, bytes);
        return;
    }
    if (rec->bytes == bytes && memcmp(talk->arena + rec->at + rec->payload, frame + view->payload, bytes) == 0)
        return;
    char was[20], is[20];
    hex_write(was, sizeof(was), talk->arena + rec->at + rec->payload, rec->bytes);
    hex_write(is, sizeof(is), frame + view->payload, bytes);
    replay_report_departure(&port->report, rec->number, conv->number,
                            "expected a datagram of %u bytes (%s), came %u bytes (%s)", (unsigned)rec->bytes, was,
                            (unsigned)bytes, is);
    conv_end(port, conv, false);
}

/* The live side's fragments are heard when they are a datagram. */
static bool heard_whole(struct replay_talk *talk, const uint8_t **frame, uint32_t *len, struct replay_view *view,
                        uint64_t now_ns)
{
    if (!replay_view_read(*frame, *len, view))
        return false;
    if (view->fragment) {
        struct nic_packet packet = {.time_ns = now_ns, .frame = *frame, .len = *len, .full_len = *len};

        if (nic_pieces_take(talk->heard, &packet, false) != NIC_PIECES_WHOLE)
            return false;
        *frame = packet.frame;
        *len = packet.len;
        (void)replay_view_read(*frame, *len, view);
    }
    return view->l4 != 0;
}

void replay_talk_heard(struct replay_port *port, const uint8_t *frame, uint32_t len, uint64_t now_ns)
{
    struct replay_talk *talk = port->talk;
    struct replay_view view;

    if (!heard_whole(talk, &frame, &len, &view, now_ns))
        return;
    struct replay_talk_conv *conv = replay_live_find(talk, frame, &view);
    if (conv == NULL)
        return;
    if (!conv->live) {
        conv->live = true;
        replay_live_add(talk, conv, replay_get16(frame + view.l4));
        memcpy(conv->live_ip, frame + view.src, view.ip_bytes);
    }
    talk->progress_ns = now_ns;
    if (conv->over && (conv->departed || view.proto == REPLAY_IPPROTO_TCP))
        return;
    if (view.proto == REPLAY_IPPROTO_TCP)
        heard_tcp(port, conv, frame, &view);
    else
        heard_dgram(port, conv, frame, &view);
    if (!conv->over)
        replay_schedule_ready(talk, conv);
}

/* --- Ours ------------------------------------------------------------------------ */

static uint64_t due_ns(const struct replay_port *port, const struct replay_talk_conv *conv,
                       const struct replay_rec *rec)
{
    const uint64_t past = rec->time_ns > conv->anchor_rec_ns ? rec->time_ns - conv->anchor_rec_ns : 0;

    return conv->anchor_ns + replay_scaled_ns(&port->conf, past);
}

/* Has the live side done what this record of its side says? */
static bool theirs_done(struct replay_talk_conv *conv, const struct replay_rec *rec)
{
    uint64_t start;

    if (rec->damaged)
        return true;
    if (conv->proto == REPLAY_IPPROTO_UDP)
        return conv->live_dgrams > conv->dgrams;
    if ((rec->flags & REPLAY_FLAG_RST) != 0)
        return conv->live_rst;
    if (!conv->live_they.syn)
        return false;
    return rec_end(conv, rec, &start) <= conv->live_sent;
}

static void theirs_pass(struct replay_talk_conv *conv, const struct replay_rec *rec, uint64_t now_ns)
{
    const bool scaled = conv->we.wscale_on && conv->they.wscale_on && (rec->flags & REPLAY_FLAG_SYN) == 0;

    if (conv->waiting) {
        conv->anchor_rec_ns = rec->time_ns;
        conv->anchor_ns = now_ns;
        conv->waiting = false;
    }
    conv->dgrams += rec->damaged ? 0 : 1;
    if (rec->damaged || (rec->flags & REPLAY_FLAG_ACK) == 0)
        return;
    const uint64_t limit = replay_position(conv->we.isn, rec->ack, conv->their_limit) +
                           ((uint64_t)rec->window << (scaled ? conv->they.wscale : 0));
    if (limit > conv->their_limit && limit < conv->their_limit + (UINT64_C(1) << 31))
        conv->their_limit = limit;
}

/* Is something of theirs missing that the recorded peer had seen, or is there no room where there was? */
static bool ours_held(const struct replay_talk_conv *conv, const struct replay_rec *rec)
{
    if (conv->proto == REPLAY_IPPROTO_UDP || (rec->flags & REPLAY_FLAG_SYN) != 0)
        return false;
    if ((rec->flags & REPLAY_FLAG_ACK) != 0 && conv->they.syn &&
        (!conv->live_they.syn || replay_position(conv->they.isn, rec->ack, conv->live_sent) > conv->live_sent))
        return (rec->flags & REPLAY_FLAG_RST) == 0;
    const uint64_t end = replay_position(conv->we.isn, rec->seq, conv->live_acked) + rec->bytes;

    return rec->bytes != 0 && end > conv->live_limit && end <= conv->their_limit;
}

static bool hold(struct replay_talk_conv *conv, uint64_t now_ns)
{
    if (!conv->waiting) {
        conv->waiting = true;
        conv->wait_since_ns = now_ns;
    }
    return false;
}

static void ours_send(struct replay_port *port, struct replay_talk_conv *conv, const struct replay_rec *rec,
                      uint64_t now_ns)
{
    if (port->conf.speed != REPLAY_SPEED_MAX && !conv->waiting)
        replay_report_late(&port->report, now_ns - due_ns(port, conv, rec));
    if (conv->we_began)
        replay_live_add(port->talk, conv, conv->port[1]); /* what comes from there now can be the answer */
    port->out_len = replay_translate(port->talk, conv, rec, port->out);
    port->out_number = rec->number;
    conv->waiting = false;
    conv->anchor_rec_ns = rec->time_ns;
    conv->anchor_ns = now_ns;
    conv->cursor = rec->next;
    port->talk->progress_ns = now_ns;
    if (conv->proto != REPLAY_IPPROTO_TCP)
        return;
    conv->we_next = rec->seq + rec->bytes + ((rec->flags & REPLAY_FLAG_SYN) != 0) +
                    ((rec->flags & REPLAY_FLAG_FIN) != 0);
    if ((rec->flags & REPLAY_FLAG_ACK) != 0 && conv->live_they.syn) {
        const uint64_t acked = replay_position(conv->they.isn, rec->ack, conv->live_sent);

        conv->we_acked = acked > conv->we_acked ? acked : conv->we_acked;
    }
}

/* A live sender whose window of congestion is smaller than the recorded one's needs acknowledgements that no record has. */
static bool ack_help(struct replay_port *port, struct replay_talk_conv *conv, uint64_t now_ns)
{
    if (conv->proto != REPLAY_IPPROTO_TCP || !conv->waiting || conv->live_sent <= conv->we_acked ||
        now_ns < conv->wait_since_ns + ACK_AFTER_NS)
        return false;
    port->out_len = replay_ack_make(port->talk, conv, port->out);
    port->out_number = port->report.last_packet;
    conv->wait_since_ns = now_ns;
    if (port->out_len == 0)
        return false;
    conv->we_acked = conv->live_sent;
    port->report.acks_made++;
    return true;
}

/* Is it the answer to our SYN that is awaited? */
static bool awaits_syn(const struct replay_talk_conv *conv)
{
    return conv->proto == REPLAY_IPPROTO_TCP && conv->we_began && conv->we.syn && !conv->live && conv->waiting &&
           conv->syns_repeated < SYNS_MAX;
}

/* A live listener whose backlog is smaller than the recorded one's, or whose program is slower, needs our SYN again. */
static bool syn_help(struct replay_port *port, struct replay_talk_conv *conv, uint64_t now_ns)
{
    const struct replay_rec *rec = NULL;

    if (!awaits_syn(conv) || now_ns < conv->wait_since_ns + SYN_AFTER_NS)
        return false;
    for (uint32_t i = conv->first; i != conv->cursor && i != REPLAY_NONE && rec == NULL; i = port->talk->recs[i].next) {
        if (port->talk->recs[i].ours && !port->talk->recs[i].damaged &&
            (port->talk->recs[i].flags & REPLAY_FLAG_SYN) != 0)
            rec = &port->talk->recs[i];
    }
    conv->wait_since_ns = now_ns;
    if (rec == NULL)
        return false;
    port->out_len = replay_translate(port->talk, conv, rec, port->out);
    port->out_number = rec->number;
    port->report.syns_repeated++;
    conv->syns_repeated++;
    return true;
}

/* When is help due? STK_NEVER: not at all. */
static uint64_t help_ns(const struct replay_talk_conv *conv)
{
    if (awaits_syn(conv))
        return conv->wait_since_ns + SYN_AFTER_NS;
    return conv->live_sent > conv->we_acked ? conv->wait_since_ns + ACK_AFTER_NS : STK_NEVER;
}

/* Has an earlier conversation of the same two ends not ended yet? */
static bool predecessor_lives(const struct replay_talk *talk, const struct replay_talk_conv *conv)
{
    return conv->before != REPLAY_NONE && !talk->convs[conv->before].over;
}

/* Take the conversation as far as it goes now; true: out holds a frame. */
static bool conv_run(struct replay_port *port, struct replay_talk_conv *conv, uint64_t now_ns)
{
    const struct replay_rec *rec;

    if (conv->cursor == conv->first && predecessor_lives(port->talk, conv))
        return false;

    while ((rec = rec_at(port->talk, conv)) != NULL) {
        if (rec->ours) {
            if (!ours_held(conv, rec)) {
                if (due_ns(port, conv, rec) > now_ns) {
                    conv->waiting = false;
                    return false;
                }
                ours_send(port, conv, rec, now_ns);
                if (conv->cursor == REPLAY_NONE)
                    conv_end(port, conv, true);
                return true;
            }
        } else if (theirs_done(conv, rec)) {
            theirs_pass(conv, rec, now_ns);
            conv->cursor = rec->next;
            continue;
        }
        (void)hold(conv, now_ns);
        return syn_help(port, conv, now_ns) || ack_help(port, conv, now_ns);
    }
    conv_end(port, conv, true);
    return false;
}

static void begin(struct replay_port *port, uint64_t now_ns)
{
    struct replay_talk *talk = port->talk;

    talk->begun = true;
    talk->progress_ns = now_ns + port->conf.start_ns;
    for (uint32_t i = 0; i < talk->convs_count; i++) {
        talk->convs[i].anchor_rec_ns = talk->first_ns;
        talk->convs[i].anchor_ns = now_ns + port->conf.start_ns;
        replay_schedule_ready(talk, &talk->convs[i]);
    }
}

static const char *awaited(const struct replay_talk_conv *conv, const struct replay_rec *rec)
{
    if (rec->ours)
        return "acknowledgements or room for byte";
    if (conv->proto == REPLAY_IPPROTO_UDP)
        return "datagram";
    if ((rec->flags & REPLAY_FLAG_RST) != 0)
        return "RST at byte";
    if ((rec->flags & REPLAY_FLAG_SYN) != 0)
        return "SYN at byte";
    return (rec->flags & REPLAY_FLAG_FIN) != 0 ? "FIN at byte" : "data up to byte";
}

/* A packet of ours with a wrong checksum, which the stack has dropped: who recorded it may have seen an answer all the same. */
static uint64_t damaged_before(const struct replay_talk *talk, const struct replay_talk_conv *conv)
{
    for (uint32_t i = conv->first; i != REPLAY_NONE && i != conv->cursor; i = talk->recs[i].next) {
        if (talk->recs[i].ours && talk->recs[i].damaged)
            return talk->recs[i].number;
    }
    return 0;
}

/* The record itself may be silent for long: when does it have what is still awaited? */
static uint64_t awaited_ns(const struct replay_port *port)
{
    const struct replay_talk *talk = port->talk;
    uint64_t latest = talk->progress_ns;

    for (uint32_t i = 0; i < talk->convs_count; i++) {
        const struct replay_talk_conv *conv = &talk->convs[i];
        const struct replay_rec *rec = rec_at(talk, conv);

        if (!conv->over && conv->awaits && rec != NULL && due_ns(port, conv, rec) > latest)
            latest = due_ns(port, conv, rec);
    }
    return latest;
}

/* Nothing has moved for long: what is still awaited does not come. */
static void give_up(struct replay_port *port)
{
    struct replay_talk *talk = port->talk;

    for (uint32_t i = 0; i < talk->convs_count; i++) {
        struct replay_talk_conv *conv = &talk->convs[i];
        const struct replay_rec *rec = rec_at(talk, conv);
        uint64_t at = 0, start;

        if (conv->over || rec == NULL)
            continue;
        if (conv->proto == REPLAY_IPPROTO_UDP)
            at = conv->dgrams + 1;
        else if (rec->ours)
            at = replay_position(conv->we.isn, rec->seq, conv->live_acked);
        else if (rec_end(conv, rec, &start) > 0)
            at = rec_end(conv, rec, &start) - 1;
        const uint64_t bad = damaged_before(talk, conv);
        if (bad == 0)
            replay_report_departure(&port->report, rec->number, conv->number, "expected %s %llu, came nothing",
                                    awaited(conv, rec), (unsigned long long)at);
        else
            replay_report_departure(&port->report, rec->number, conv->number,
                                    "expected %s %llu, came nothing: the checksum of packet %llu is wrong",
                                    awaited(conv, rec), (unsigned long long)at, (unsigned long long)bad);
        conv_end(port, conv, false);
    }
}

/* Nothing more of the conversation can be done now: when, then? */
static void conv_sleep(struct replay_port *port, struct replay_talk_conv *conv)
{
    const struct replay_rec *rec = rec_at(port->talk, conv);

    if (conv->over || rec == NULL || (conv->cursor == conv->first && predecessor_lives(port->talk, conv)))
        replay_schedule_never(port->talk, conv);
    else if (!conv->waiting && rec->ours)
        replay_schedule_at(port->talk, conv, due_ns(port, conv, rec), false);
    else
        replay_schedule_at(port->talk, conv, help_ns(conv), true);
}

bool replay_talk_next(struct replay_port *port, uint64_t now_ns)
{
    struct replay_talk *talk = port->talk;
    struct replay_talk_conv *conv;

    if (!talk->begun)
        begin(port, now_ns);
    while ((conv = replay_schedule_next(talk, now_ns)) != NULL) {
        if (conv_run(port, conv, now_ns))
            return true;
        conv_sleep(port, conv);
    }
    /* A frame of ours that is due later is no silence. */
    if (talk->open > 0 && talk->future == 0 && now_ns >= talk->progress_ns + port->conf.timeout_ns) {
        talk->progress_ns = awaited_ns(port);
        if (now_ns >= talk->progress_ns + port->conf.timeout_ns)
            give_up(port);
    }
    return false;
}

uint64_t replay_talk_due_ns(struct replay_port *port)
{
    const struct replay_talk *talk = port->talk;

    if (!talk->begun)
        return 0;
    const uint64_t next = replay_schedule_due_ns(talk);
    const uint64_t silent = talk->waiting > 0 ? talk->progress_ns + port->conf.timeout_ns : STK_NEVER;

    return silent < next ? silent : next;
}
