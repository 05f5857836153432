#include "run.h"

#include "nic/layers.h"
#include "nic/reader.h"
#include "stack/err.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 8
#define FLOWS_MAX 512u
#define RED "\033[31m"
#define GREEN "\033[32m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/** What is compared of a packet. */
struct shot {
    uint64_t number;
    uint64_t time_ns; /**< since the first packet */
    struct nic_layers layers;
    uint32_t seq; /**< relative, if the tolerance says so */
    uint32_t ack;
    uint16_t id;
    uint8_t ttl;
    uint32_t stamp;
    uint32_t echo;
    uint32_t sum; /**< of the payload's bytes, or of all of a packet that is no TCP or UDP */
    uint32_t len;
    uint32_t rest;  /**< of the header bytes that are not compared on their own */
    bool sums_good; /**< checksums: none is known to be wrong */
};

/** Where a direction's numbers begin. */
struct flow {
    uint8_t src[16];
    uint8_t dst[16];
    uint16_t sport;
    uint16_t dport;
    uint32_t isn;
};

struct side {
    struct nic_reader *reader;
    uint64_t first_ns;
    uint64_t count;
    struct flow flows[FLOWS_MAX];
    uint32_t flows_count;
    struct shot now;
    bool there;
};

struct diff {
    const struct stk_case *of;
    struct side sides[2]; /**< golden, now */
    char *at;
    size_t left;
    bool colour;
};

STK_PRINTF(2, 3) static void say(struct diff *diff, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(diff->at, diff->left, format, args);
    va_end(args);
    if (len > 0) {
        const size_t kept = (size_t)len < diff->left ? (size_t)len : diff->left - 1;
        diff->at += kept;
        diff->left -= kept;
    }
}

/* FNV-1a. */
static uint32_t sum_of(const uint8_t *at, uint32_t len)
{
    uint32_t sum = UINT32_C(2166136261);
    for (uint32_t i = 0; i < len; i++) {
        sum = (sum ^ at[i]) * UINT32_C(16777619);
    }
    return sum;
}

static void blank(uint8_t *head, uint32_t size, uint32_t at, uint32_t len)
{
    if (at < size) {
        memset(head + at, 0, len < size - at ? len : size - at);
    }
}

static void bits_keep(uint8_t *head, uint32_t size, uint32_t at, uint8_t bits)
{
    if (at < size) {
        head[at] &= bits;
    }
}

/* SACK blocks hold sequence numbers. The options are well formed, or the rest of them is compared as it is. */
static void sack_blank(const struct nic_layers *layers, uint8_t *head, uint32_t size)
{
    const uint32_t end = layers->payload < size ? layers->payload : size;
    for (uint32_t at = layers->l4 + 20u; at < end && head[at] != 0;) {
        const uint32_t len = head[at] == 1 ? 1 : at + 1 < end ? head[at + 1] : 0;
        if ((head[at] != 1 && len < 2) || len > end - at) {
            return;
        }
        if (head[at] == 5) {
            blank(head, end, at + 2, len - 2);
        }
        at += len;
    }
}

/* Of all header bytes but those that are compared on their own, and checksums. */
static uint32_t rest_of(const struct diff *diff, const struct nic_layers *layers,
                        const struct nic_layers_options *options)
{
    uint8_t head[512];
    const uint32_t size = layers->payload < sizeof(head) ? layers->payload : sizeof(head);
    const uint32_t l3 = layers->l3;
    const uint32_t l4 = layers->l4;
    memcpy(head, layers->frame, size);
    if (layers->ip == 4) {
        blank(head, size, l3 + 4, 2);   /* identification */
        blank(head, size, l3 + 8, 1);   /* TTL */
        blank(head, size, l3 + 10, 10); /* checksum, addresses */
    } else {
        blank(head, size, l3 + 7, 33); /* hop limit, addresses */
    }
    blank(head, size, l4, 4);
    if (layers->kind == NIC_LAYERS_UDP) {
        blank(head, size, l4 + 6, 2);
        return sum_of(head, size);
    }
    blank(head, size, l4 + 4, 8);
    bits_keep(head, size, l4 + 13, 0xc0); /* ECE and CWR; RFC 3168 6.1 */
    blank(head, size, l4 + 14, 4);        /* window, checksum */
    if (options->timestamps) {
        blank(head, size, options->ts_at, 8);
    }
    if ((diff->of->tolerance & (STK_TOLERATE_SEQ | STK_TOLERATE_ACKS)) != 0) {
        sack_blank(layers, head, size);
    }
    return sum_of(head, size);
}

static bool sums_good(const struct nic_layers *layers)
{
    enum nic_layers_sum l3;
    enum nic_layers_sum l4;
    nic_layers_sums(layers, &l3, &l4);
    return l3 != NIC_SUM_BAD && l4 != NIC_SUM_BAD;
}

static struct flow *flow_of(struct side *side, const uint8_t *src, const uint8_t *dst, uint16_t sport, uint16_t dport)
{
    for (uint32_t i = side->flows_count; i-- > 0;) {
        struct flow *flow = &side->flows[i];
        if (flow->sport == sport && flow->dport == dport && memcmp(flow->src, src, 16) == 0 &&
            memcmp(flow->dst, dst, 16) == 0) {
            return flow;
        }
    }
    if (side->flows_count == FLOWS_MAX) {
        return NULL;
    }
    struct flow *flow = &side->flows[side->flows_count++];
    *flow = (struct flow){.sport = sport, .dport = dport};
    memcpy(flow->src, src, 16);
    memcpy(flow->dst, dst, 16);
    return flow;
}

static void numbers_relative(struct side *side, struct shot *shot)
{
    const struct nic_layers *layers = &shot->layers;
    struct flow *flow = flow_of(side, layers->src, layers->dst, layers->sport, layers->dport);
    if (flow != NULL && (layers->tcp_flags & NIC_TCP_SYN) != 0) {
        flow->isn = layers->seq;
    }
    shot->seq -= flow != NULL ? flow->isn : 0;
    flow = flow_of(side, layers->dst, layers->src, layers->dport, layers->sport);
    if ((layers->tcp_flags & NIC_TCP_ACK) != 0) {
        shot->ack -= flow != NULL ? flow->isn : 0;
    }
}

static void shot_take(struct diff *diff, struct side *side, const struct nic_packet *packet)
{
    struct shot *shot = &side->now;
    *shot = (struct shot){.number = packet->number, .time_ns = packet->time_ns - side->first_ns, .len = packet->len};
    nic_layers_parse(packet->frame, packet->len, packet->full_len, &shot->layers);
    const struct nic_layers *layers = &shot->layers;
    shot->seq = layers->seq;
    shot->ack = layers->ack;
    if (layers->ip == 4) {
        shot->id = (uint16_t)(packet->frame[layers->l3 + 4] << 8 | packet->frame[layers->l3 + 5]);
        shot->ttl = packet->frame[layers->l3 + 8];
    } else if (layers->ip == 6) {
        shot->ttl = packet->frame[layers->l3 + 7];
    }
    if ((layers->kind != NIC_LAYERS_TCP && layers->kind != NIC_LAYERS_UDP) || !nic_layers_whole(layers)) {
        shot->sum = sum_of(packet->frame, packet->len);
        return;
    }
    shot->sum = sum_of(packet->frame + layers->payload, nic_layers_data_len(layers));
    struct nic_layers_options options = {0};
    if (layers->kind == NIC_LAYERS_TCP) {
        nic_layers_options(layers, &options);
        shot->stamp = options.timestamps ? options.ts_value : 0;
        shot->echo = options.timestamps ? options.ts_echo : 0;
        if ((diff->of->tolerance & STK_TOLERATE_SEQ) != 0) {
            numbers_relative(side, shot);
        }
    }
    shot->rest = rest_of(diff, layers, &options);
    shot->sums_good = sums_good(layers);
}

static bool bare_ack(const struct shot *shot)
{
    return shot->layers.kind == NIC_LAYERS_TCP && nic_layers_data_len(&shot->layers) == 0 &&
           (shot->layers.tcp_flags & (NIC_TCP_SYN | NIC_TCP_FIN | NIC_TCP_RST)) == 0;
}

static int side_next(struct diff *diff, struct side *side)
{
    struct nic_packet packet;
    int got;
    side->there = false;
    while ((got = nic_reader_next(side->reader, &packet)) == 1) {
        if (side->count++ == 0) {
            side->first_ns = packet.time_ns;
        }
        shot_take(diff, side, &packet);
        if ((diff->of->tolerance & STK_TOLERATE_ACKS) == 0 || !bare_ack(&side->now)) {
            side->there = true;
            return STK_OK;
        }
    }
    return got < 0 ? got : STK_OK;
}

/* --- Differences ------------------------------------------------------------------ */

#define FIELDS_MAX 18

struct field {
    const char *name;
    uint64_t value[2];
    bool tolerated;
};

static uint32_t fields_of(const struct diff *diff, struct field *fields)
{
    const struct shot *was = &diff->sides[0].now;
    const struct shot *is = &diff->sides[1].now;
    const uint32_t tolerance = diff->of->tolerance;
    const uint64_t apart = was->time_ns > is->time_ns ? was->time_ns - is->time_ns : is->time_ns - was->time_ns;
    const bool acks = (tolerance & STK_TOLERATE_ACKS) != 0;
    const struct field all[] = {
        {"kind", {was->layers.kind, is->layers.kind}, false},
        {"source", {sum_of(was->layers.src, 16), sum_of(is->layers.src, 16)}, false},
        {"destination", {sum_of(was->layers.dst, 16), sum_of(is->layers.dst, 16)}, false},
        {"source port", {was->layers.sport, is->layers.sport}, (tolerance & STK_TOLERATE_PORT) != 0},
        {"destination port", {was->layers.dport, is->layers.dport}, (tolerance & STK_TOLERATE_PORT) != 0},
        {"flags", {was->layers.tcp_flags, is->layers.tcp_flags}, false},
        {"seq", {was->seq, is->seq}, false},
        {"ack", {was->ack, is->ack}, acks},
        {"window", {was->layers.window, is->layers.window}, (tolerance & STK_TOLERATE_WINDOW) != 0 || acks},
        {"length", {was->len, is->len}, false},
        {"data", {was->sum, is->sum}, false},
        {"id", {was->id, is->id}, (tolerance & STK_TOLERATE_ID) != 0},
        {"ttl", {was->ttl, is->ttl}, (tolerance & STK_TOLERATE_TTL) != 0},
        {"timestamp", {was->stamp, is->stamp}, (tolerance & STK_TOLERATE_STAMPS) != 0},
        {"timestamp echo", {was->echo, is->echo}, (tolerance & STK_TOLERATE_STAMPS) != 0},
        {"other header bytes (their sum)", {was->rest, is->rest}, false},
        {"checksums (1: right)", {was->sums_good, is->sums_good}, false},
        {"time (ns)", {was->time_ns, is->time_ns}, apart <= diff->of->tolerance_ns},
    };
    _Static_assert(sizeof(all) / sizeof(all[0]) == FIELDS_MAX, "one row a field");
    memcpy(fields, all, sizeof(all));
    return FIELDS_MAX;
}

static void addr_text(const struct nic_layers *layers, const uint8_t *ip, char out[48])
{
    struct stk_addr addr = {.family = layers->ip == 4 ? STK_AF_INET : STK_AF_INET6};
    memcpy(addr.ip, ip, layers->ip == 4 ? 4 : 16);
    stk_scene_addr_text(&addr, out);
}

/* One packet, as tcpdump would say it. */
static void shot_say(struct diff *diff, const struct shot *shot, char sign)
{
    const struct nic_layers *layers = &shot->layers;
    const char *colour = !diff->colour ? "" : sign == '-' ? RED : GREEN;
    char src[48] = "?";
    char dst[48] = "?";
    char flags[8];
    size_t count = 0;
    static const char letters[] = "FSRPAU";
    for (uint32_t i = 0; i < 6; i++) {
        if ((layers->tcp_flags & 1u << i) != 0) {
            flags[count++] = letters[i];
        }
    }
    flags[count] = '\0';
    if (layers->ip != 0) {
        addr_text(layers, layers->src, src);
        addr_text(layers, layers->dst, dst);
    }
    say(diff, "%s%c %5llu %llu.%06llu ", colour, sign, (unsigned long long)shot->number,
        (unsigned long long)(shot->time_ns / STK_S_NS), (unsigned long long)(shot->time_ns % STK_S_NS / 1000));
    if (layers->kind == NIC_LAYERS_TCP) {
        say(diff, "%s:%u > %s:%u [%s] seq %u ack %u win %u data %u", src, layers->sport, dst, layers->dport, flags,
            (unsigned)shot->seq, (unsigned)shot->ack, layers->window, (unsigned)nic_layers_data_len(layers));
    } else if (layers->kind == NIC_LAYERS_UDP) {
        say(diff, "%s:%u > %s:%u udp data %u", src, layers->sport, dst, layers->dport,
            (unsigned)nic_layers_data_len(layers));
    } else {
        say(diff, "%s > %s protocol %u, %u bytes", src, dst, layers->proto, (unsigned)shot->len);
    }
    say(diff, "%s\n", diff->colour ? PLAIN : "");
}

static bool pair_differs(struct diff *diff, bool show)
{
    struct field fields[FIELDS_MAX];
    bool differs = false;
    const uint32_t count = fields_of(diff, fields);
    for (uint32_t i = 0; i < count; i++) {
        differs = differs || (!fields[i].tolerated && fields[i].value[0] != fields[i].value[1]);
    }
    if (!differs || !show) {
        return differs;
    }
    shot_say(diff, &diff->sides[0].now, '-');
    shot_say(diff, &diff->sides[1].now, '+');
    for (uint32_t i = 0; i < count; i++) {
        if (!fields[i].tolerated && fields[i].value[0] != fields[i].value[1]) {
            say(diff, "    %s%s%s: expected %" PRIu64 ", came %" PRIu64 "\n", diff->colour ? BOLD : "", fields[i].name,
                diff->colour ? PLAIN : "", fields[i].value[0], fields[i].value[1]);
        }
    }
    return true;
}

static int64_t walk(struct diff *diff)
{
    int64_t differ = 0;
    for (;;) {
        for (int i = 0; i < 2; i++) {
            const int err = side_next(diff, &diff->sides[i]);
            if (err != STK_OK) {
                say(diff, "%s: %s", i == 0 ? "golden" : "output", nic_reader_reason(diff->sides[i].reader));
                return err;
            }
        }
        if (!diff->sides[0].there && !diff->sides[1].there) {
            return differ;
        }
        const bool show = differ < SHOWN_MAX;
        if (diff->sides[0].there && diff->sides[1].there) {
            differ += pair_differs(diff, show);
            continue;
        }
        const int one = diff->sides[0].there ? 0 : 1;
        if (show) {
            shot_say(diff, &diff->sides[one].now, one == 0 ? '-' : '+');
        }
        differ++;
    }
}

int64_t stk_diff_captures(const struct stk_case *of, const char *golden, const char *capture, char *out, size_t size,
                          bool colour)
{
    struct diff *diff = calloc(1, sizeof(*diff));
    char reason[NIC_READER_REASON_SIZE] = "";
    int64_t differ = STK_ENOMEM;
    out[0] = '\0';
    if (diff == NULL) {
        return STK_ENOMEM;
    }
    diff->of = of;
    diff->at = out;
    diff->left = size;
    diff->colour = colour;
    const char *const paths[2] = {golden, capture};
    int err = STK_OK;
    for (int i = 0; i < 2 && err == STK_OK; i++) {
        err = nic_reader_open(paths[i], &diff->sides[i].reader, reason);
        if (err != STK_OK) {
            diff->sides[i].reader = NULL;
            say(diff, "%s: %s", paths[i], reason);
        }
    }
    differ = err == STK_OK ? walk(diff) : err;
    nic_reader_close(diff->sides[0].reader);
    nic_reader_close(diff->sides[1].reader);
    free(diff);
    return differ;
}
