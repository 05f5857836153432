#include "frame.h"

#include <string.h>

#define ETHERTYPE_IP4 0x0800u
#define ETHERTYPE_IP6 0x86ddu
#define ETHERTYPE_VLAN 0x8100u
#define ETHERTYPE_SVLAN 0x88a8u
#define IP6_FRAGMENT 44u
#define TCP_END 0u
#define TCP_NOP 1u

static bool ip6_skips(uint8_t proto)
{
    return proto == 0 || proto == 43 || proto == 60;
}

/* RFC 8200 4: hop-by-hop, routing, destination options and fragment headers lie before the transport's. */
static void view_ip6(const uint8_t *frame, struct replay_view *view)
{
    uint32_t at = view->l3 + 40;
    uint8_t proto = frame[view->l3 + 6];

    view->first = true;
    while (ip6_skips(proto) || proto == IP6_FRAGMENT) {
        if (at + 8 > view->end)
            return;
        if (proto == IP6_FRAGMENT) {
            const uint16_t word = replay_get16(frame + at + 2);

            view->fragment = (word & 0xfff9u) != 0;
            view->first = (word & 0xfff8u) == 0;
        }
        const uint32_t bytes = proto == IP6_FRAGMENT ? 8 : ((uint32_t)frame[at + 1] + 1) * 8;
        proto = frame[at];
        at += bytes;
    }
    view->proto = proto;
    if (view->first && at < view->end)
        view->l4 = at;
}

static bool view_ip(const uint8_t *frame, uint32_t len, struct replay_view *view)
{
    const uint8_t *ip = frame + view->l3;
    const uint32_t left = len - view->l3;

    if (view->ethertype == ETHERTYPE_IP4 && left >= 20 && ip[0] >> 4 == 4) {
        const uint32_t header = (uint32_t)(ip[0] & 15) * 4;
        const uint32_t total = replay_get16(ip + 2);
        const uint16_t offset = replay_get16(ip + 6);

        /* A length of 0 is what segmentation offload leaves. */
        view->end = view->l3 + (total == 0 || total > left ? left : total);
        if (header < 20 || view->l3 + header > view->end)
            return false;
        view->version = 4;
        view->ip_bytes = 4;
        view->src = view->l3 + 12;
        view->dst = view->l3 + 16;
        view->proto = ip[9];
        view->fragment = (offset & 0x3fff) != 0;
        view->first = (offset & 0x1fff) == 0;
        view->l4 = view->first ? view->l3 + header : 0;
        return true;
    }
    if (view->ethertype == ETHERTYPE_IP6 && left >= 40 && ip[0] >> 4 == 6) {
        const uint32_t total = replay_get16(ip + 4);

        view->end = view->l3 + 40 + (total == 0 || total > left - 40 ? left - 40 : total);
        view->version = 6;
        view->ip_bytes = 16;
        view->src = view->l3 + 8;
        view->dst = view->l3 + 24;
        view_ip6(frame, view);
        return true;
    }
    return false;
}

static void view_transport(const uint8_t *frame, struct replay_view *view)
{
    const uint32_t left = view->l4 != 0 ? view->end - view->l4 : 0;
    uint32_t header = 0;

    if (view->proto == REPLAY_IPPROTO_TCP && left >= 20)
        header = (uint32_t)(frame[view->l4 + 12] >> 4) * 4;
    else if (view->proto == REPLAY_IPPROTO_UDP && left >= 8)
        header = 8;
    if (header < 8 || header > left || (view->proto == REPLAY_IPPROTO_TCP && header < 20))
        view->l4 = 0;
    else
        view->payload = view->l4 + header;
}

bool replay_view_read(const uint8_t *frame, uint32_t len, struct replay_view *view)
{
    *view = (struct replay_view){.l3 = 14};
    if (len < 14)
        return false;
    view->ethertype = replay_get16(frame + 12);
    while ((view->ethertype == ETHERTYPE_VLAN || view->ethertype == ETHERTYPE_SVLAN) && view->tags < REPLAY_TAGS_MAX &&
           view->l3 + 4 <= len) {
        view->ethertype = replay_get16(frame + view->l3 + 2);
        view->l3 += 4;
        view->tags++;
    }
    view->end = len;
    if (view_ip(frame, len, view))
        view_transport(frame, view);
    else
        view->version = 0;
    return true;
}

static uint32_t sum_add(uint32_t sum, const uint8_t *at, uint32_t bytes)
{
    for (; bytes > 1; bytes -= 2, at += 2)
        sum += (uint32_t)(at[0] << 8 | at[1]);
    if (bytes != 0)
        sum += (uint32_t)(at[0] << 8);
    return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint32_t pseudo_sum(const uint8_t *frame, const struct replay_view *view, uint32_t len)
{
    return sum_add(0, frame + view->src, view->ip_bytes * 2u) + len + view->proto;
}

static uint32_t sum_at(const struct replay_view *view)
{
    return view->l4 + (view->proto == REPLAY_IPPROTO_TCP ? 16u : 6u);
}

enum replay_sum replay_sum_look(const uint8_t *frame, const struct replay_view *view)
{
    if (view->l4 == 0 || view->fragment)
        return REPLAY_SUM_NONE;
    const uint16_t field = replay_get16(frame + sum_at(view));
    const uint32_t pseudo = pseudo_sum(frame, view, view->end - view->l4);

    if (view->proto == REPLAY_IPPROTO_UDP && view->version == 4 && field == 0)
        return REPLAY_SUM_NONE;
    if (sum_fold(sum_add(sum_fold(pseudo), frame + view->l4, view->end - view->l4)) == 0xffff)
        return REPLAY_SUM_GOOD;
    if (field == sum_fold(pseudo) || field == 0)
        return REPLAY_SUM_PARTIAL;
    /* Windows: of what the NIC cuts, without the length, which each piece has its own of. */
    return view->proto == REPLAY_IPPROTO_TCP && field == sum_fold(pseudo_sum(frame, view, 0)) ? REPLAY_SUM_PARTIAL
                                                                                              : REPLAY_SUM_BAD;
}

void replay_sums_fill(uint8_t *frame, const struct replay_view *view)
{
    if (view->version == 4) {
        uint8_t *ip = frame + view->l3;

        replay_put16(ip + 10, 0);
        replay_put16(ip + 10, (uint16_t)~sum_fold(sum_add(0, ip, (uint32_t)(ip[0] & 15) * 4)));
    }
    if (view->l4 == 0 || view->fragment)
        return;
    uint8_t *field = frame + sum_at(view);
    if (view->proto == REPLAY_IPPROTO_UDP && view->version == 4 && replay_get16(field) == 0)
        return;
    replay_put16(field, 0);
    const uint16_t folded = sum_fold(
        sum_add(sum_fold(pseudo_sum(frame, view, view->end - view->l4)), frame + view->l4, view->end - view->l4));
    const bool zero = folded == 0xffff && view->proto == REPLAY_IPPROTO_UDP; /* RFC 768: 0 says that there is none */
    replay_put16(field, zero ? 0xffff : (uint16_t)~folded);
}

/* RFC 1624, eqn. 3: HC' = ~(~HC + ~m + m'). */
static void sum_change(uint8_t *field, const uint8_t *before, const uint8_t *after, uint32_t bytes)
{
    uint32_t sum = (uint16_t)~replay_get16(field);

    for (uint32_t i = 0; i < bytes; i += 2)
        sum += (uint32_t)(uint16_t)~replay_get16(before + i) + replay_get16(after + i);
    replay_put16(field, (uint16_t)~sum_fold(sum));
}

void replay_field_set(uint8_t *frame, const struct replay_view *view, uint32_t at, const uint8_t *value, uint32_t bytes,
                      bool pseudo)
{
    const bool transport = view->l4 != 0 && (pseudo || at >= view->l4);
    uint8_t *field = transport ? frame + sum_at(view) : NULL;
    const bool absent = view->proto == REPLAY_IPPROTO_UDP && view->version == 4;

    if (field != NULL && !(absent && replay_get16(field) == 0))
        sum_change(field, frame + at, value, bytes);
    if (view->version == 4 && view->l4 != at && at >= view->l3 && (view->l4 == 0 || at < view->l4))
        sum_change(frame + view->l3 + 10, frame + at, value, bytes);
    memcpy(frame + at, value, bytes);
}

uint32_t replay_tcp_option(const uint8_t *frame, const struct replay_view *view, uint8_t kind)
{
    uint32_t at = view->l4 + 20;

    while (at < view->payload && frame[at] != TCP_END) {
        if (frame[at] == TCP_NOP) {
            at++;
            continue;
        }
        if (at + 2 > view->payload || frame[at + 1] < 2 || at + frame[at + 1] > view->payload)
            return 0;
        if (frame[at] == kind)
            return at;
        at += frame[at + 1];
    }
    return 0;
}

void replay_fragment_head(uint8_t *frame, const struct replay_view *view, const struct replay_fragment *fragment)
{
    const uint16_t more = fragment->more ? 1 : 0;
    uint8_t *ip = frame + view->l3;

    if (view->version == 4) {
        replay_put16(ip + 2, (uint16_t)(fragment->end - view->l3));
        replay_put16(ip + 6, (uint16_t)(fragment->offset / 8 | (uint32_t)more << 13));
        replay_put16(ip + 10, 0);
        replay_put16(ip + 10, (uint16_t)~sum_fold(sum_add(0, ip, (uint32_t)(ip[0] & 15) * 4)));
        return;
    }
    /* The last of the headers before the transport's names this one, and this one the transport's. */
    uint32_t name = view->l3 + 6;
    for (uint32_t at = view->l3 + 40; at < view->l4;) {
        const uint32_t bytes = frame[name] == IP6_FRAGMENT ? 8 : ((uint32_t)frame[at + 1] + 1) * 8;
        name = at;
        at += bytes;
    }
    uint8_t *own = frame + view->l4;
    own[0] = frame[name];
    own[1] = 0;
    replay_put16(own + 2, (uint16_t)(fragment->offset | more));
    replay_put32(own + 4, fragment->id);
    frame[name] = IP6_FRAGMENT;
    replay_put16(ip + 4, (uint16_t)(fragment->end - view->l3 - 40));
}
