#include "talk_priv.h"

#include <string.h>

#define TCP_WSCALE 3u
#define TCP_SACK_OK 4u
#define TCP_SACK 5u
#define TCP_STAMPS 8u
#define TCP_NOP 1u

static void option_blank(uint8_t *frame, const struct replay_view *view, uint8_t kind)
{
    const uint32_t at = replay_tcp_option(frame, view, kind);

    if (at != 0)
        memset(frame + at, TCP_NOP, frame[at + 1]);
}

/* An answer may agree only to what the live side has offered (RFC 7323 2.2, 3.2; RFC 2018 2). */
static void syn_answer(uint8_t *frame, const struct replay_view *view, const struct replay_talk_conv *conv)
{
    if (!conv->live_they.wscale_on)
        option_blank(frame, view, TCP_WSCALE);
    if (!conv->live_they.sack_on)
        option_blank(frame, view, TCP_SACK_OK);
    if (!conv->live_they.stamps_on)
        option_blank(frame, view, TCP_STAMPS);
}

/* Both said so, then and now? Scaling, stamps and SACK are in force only then. */
static bool both(bool we, bool they)
{
    return we && they;
}

static uint16_t window_now(const struct replay_talk_conv *conv, const struct replay_rec *rec)
{
    if ((rec->flags & REPLAY_FLAG_SYN) != 0)
        return rec->window;
    const bool then = both(conv->we.wscale_on, conv->they.wscale_on);
    const bool now = both(conv->we.wscale_on, conv->live_they.wscale_on);
    const uint32_t bytes = (uint32_t)rec->window << (then ? conv->we.wscale : 0);
    uint32_t field = bytes >> (now ? conv->we.wscale : 0);

    if (field == 0 && bytes != 0)
        field = 1;
    return (uint16_t)(field < 0xffff ? field : 0xffff);
}

static uint32_t their_seq(const struct replay_talk_conv *conv, uint32_t recorded)
{
    return recorded - conv->they.isn + conv->live_they.isn;
}

static void options_now(uint8_t *frame, const struct replay_view *view, const struct replay_talk_conv *conv)
{
    uint32_t at = replay_tcp_option(frame, view, TCP_STAMPS);

    if (at != 0 && frame[at + 1] == 10) {
        if (conv->live_they.stamps_on || !conv->live_they.syn)
            replay_put32(frame + at + 6, conv->live_they.syn ? conv->live_stamp : replay_get32(frame + at + 6));
        else
            memset(frame + at, TCP_NOP, 10);
    }
    at = replay_tcp_option(frame, view, TCP_SACK);
    if (at == 0)
        return;
    if (!both(conv->we.sack_on, conv->live_they.sack_on)) {
        memset(frame + at, TCP_NOP, frame[at + 1]);
        return;
    }
    for (uint32_t i = at + 2; i + 4 <= at + frame[at + 1]; i += 4)
        replay_put32(frame + i, their_seq(conv, replay_get32(frame + i)));
}

static void ends_now(uint8_t *frame, const struct replay_view *view, const struct replay_talk_conv *conv)
{
    if (!conv->live)
        return;
    memcpy(frame + view->dst, conv->live_ip, view->ip_bytes);
    replay_put16(frame + view->l4 + 2, conv->live_port);
}

uint32_t replay_translate(struct replay_talk *talk, struct replay_talk_conv *conv, const struct replay_rec *rec,
                          uint8_t *out)
{
    struct replay_view view;

    memcpy(out, talk->arena + rec->at, rec->len);
    (void)replay_view_read(out, rec->len, &view);
    const bool sum_good = replay_sum_look(out, &view) != REPLAY_SUM_BAD;
    ends_now(out, &view, conv);
    if (conv->proto == REPLAY_IPPROTO_TCP) {
        uint8_t *tcp = out + view.l4;
        const bool ack = (rec->flags & REPLAY_FLAG_ACK) != 0;

        if (ack && conv->live_they.syn)
            replay_put32(tcp + 8, their_seq(conv, rec->ack));
        if ((rec->flags & REPLAY_FLAG_SYN) != 0 && ack)
            syn_answer(out, &view, conv);
        options_now(out, &view, conv);
        replay_put16(tcp + 14, window_now(conv, rec));
    }
    replay_sums_fill(out, &view);
    if (!sum_good) /* a damaged packet stays one */
        replay_put16(out + view.l4 + (conv->proto == REPLAY_IPPROTO_TCP ? 16 : 6),
                     (uint16_t)(replay_get16(out + view.l4 + (conv->proto == REPLAY_IPPROTO_TCP ? 16 : 6)) ^ 0x5555));
    return rec->len;
}

uint32_t replay_ack_make(struct replay_talk *talk, struct replay_talk_conv *conv, uint8_t *out)
{
    const struct replay_rec *rec = NULL;
    struct replay_view view;

    for (uint32_t i = conv->first; i != conv->cursor && i != REPLAY_NONE; i = talk->recs[i].next) {
        if (talk->recs[i].ours && (talk->recs[i].flags & (REPLAY_FLAG_RST | REPLAY_FLAG_ACK)) == REPLAY_FLAG_ACK)
            rec = &talk->recs[i];
    }
    if (rec == NULL || !conv->live_they.syn)
        return 0;
    struct replay_rec ack = *rec;
    ack.ack = conv->they.isn + (uint32_t)conv->live_sent;
    ack.flags = REPLAY_FLAG_ACK;
    (void)replay_translate(talk, conv, &ack, out);
    (void)replay_view_read(out, rec->len, &view);
    option_blank(out, &view, TCP_WSCALE);
    option_blank(out, &view, TCP_SACK_OK);
    option_blank(out, &view, TCP_SACK);
    option_blank(out, &view, 2); /* MSS, of a SYN */
    view.end = view.payload;
    replay_put32(out + view.l4 + 4, conv->we_next);
    out[view.l4 + 13] = REPLAY_FLAG_ACK;
    if (view.version == 4)
        replay_put16(out + view.l3 + 2, (uint16_t)(view.end - view.l3));
    else
        replay_put16(out + view.l3 + 4, (uint16_t)(view.end - view.l3 - 40));
    replay_sums_fill(out, &view);
    return view.end;
}
