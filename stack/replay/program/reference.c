#include "reference.h"

#include "nic/conv.h"
#include "nic/order.h"
#include "nic/reader.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (UINT64_C(64) << 20)
#define CONVS_MAX 8192u
#define AHEAD_MAX (1u << 21) /* the widest window */

/** Bytes that came too early. */
struct early {
    struct early *next;
    uint64_t at;
    uint32_t len;
    uint8_t bytes[];
};

struct side {
    bool begun;
    bool over;
    bool unsure;    /**< fragments, or bytes that contradict each other: not judged */
    uint32_t begin; /**< sequence number of the first byte */
    uint8_t *bytes;
    uint64_t len;
    uint64_t room;
    uint64_t end; /**< of the stream, where the FIN is; UINT64_MAX: not seen */
    struct early *early;
    uint64_t last_packet;
    /* Delivered. */
    uint64_t delivered;
    uint64_t wrong_at; /**< UINT64_MAX: none */
};

struct pair {
    struct side side[2];
};

struct stk_reference {
    const struct stk_case *of;
    struct nic_conv_table *table;
    struct pair *pairs; /**< by conversation's number, less one */
    uint64_t count;
    uint64_t room;
    uint64_t memory;
    bool full;
};

static struct side *side_of(struct stk_reference *self, uint64_t conv, int side)
{
    if (conv == 0 || conv > CONVS_MAX) {
        self->full = true;
        return NULL;
    }
    if (conv > self->room) {
        const uint64_t more = conv * 2 + 16;
        struct pair *moved = realloc(self->pairs, more * sizeof(*moved));
        if (moved == NULL) {
            self->full = true;
            return NULL;
        }
        memset(moved + self->room, 0, (more - self->room) * sizeof(*moved));
        for (uint64_t i = self->room; i < more; i++) {
            moved[i].side[0].end = moved[i].side[1].end = UINT64_MAX;
            moved[i].side[0].wrong_at = moved[i].side[1].wrong_at = UINT64_MAX;
        }
        self->pairs = moved;
        self->room = more;
    }
    self->count = conv > self->count ? conv : self->count;
    return &self->pairs[conv - 1].side[side];
}

static void append(struct stk_reference *self, struct side *side, const uint8_t *bytes, uint64_t len)
{
    if (len == 0) {
        return;
    }
    if (side->len + len > side->room) {
        const uint64_t more = (side->len + len) * 2;
        uint8_t *moved = self->memory + more > MEMORY_MAX ? NULL : realloc(side->bytes, more);
        if (moved == NULL) {
            self->full = true;
            return;
        }
        self->memory += more - side->room;
        side->bytes = moved;
        side->room = more;
    }
    memcpy(side->bytes + side->len, bytes, len);
    side->len += len;
}

static void early_keep(struct stk_reference *self, struct side *side, uint64_t at, const uint8_t *bytes, uint32_t len)
{
    struct early *early = self->memory + len > MEMORY_MAX ? NULL : malloc(sizeof(*early) + len);
    if (early == NULL) {
        self->full = true;
        return;
    }
    self->memory += len;
    *early = (struct early){.at = at, .len = len};
    memcpy(early->bytes, bytes, len);
    struct early **place = &side->early; /* in the order of arrival */
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = early;
}

/* Two packets that say different things of one byte: which one counts is the receiver's own affair. */
static void overlap_look(struct side *side, uint64_t at, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len && at + i < side->len; i++) {
        side->unsure = side->unsure || side->bytes[at + i] != bytes[i];
    }
    for (const struct early *early = side->early; early != NULL; early = early->next) {
        const uint64_t low = early->at > at ? early->at : at;
        const uint64_t high = early->at + early->len < at + len ? early->at + early->len : at + len;
        for (uint64_t i = low; i < high; i++) {
            side->unsure = side->unsure || early->bytes[i - early->at] != bytes[i - at];
        }
    }
}

static void early_drain(struct stk_reference *self, struct side *side)
{
    bool again = true;
    while (again && !self->full) {
        again = false;
        for (struct early *early = side->early; early != NULL; early = early->next) {
            if (early->at <= side->len && early->at + early->len > side->len) {
                const uint64_t skip = side->len - early->at;
                append(self, side, early->bytes + skip, early->len - skip);
                again = true;
            }
        }
    }
}

static void tcp_take(struct stk_reference *self, struct side *side, const struct nic_layers *layers)
{
    const uint32_t len = nic_layers_data_len(layers);
    const bool syn = (layers->tcp_flags & NIC_TCP_SYN) != 0;
    const uint8_t odd = layers->tcp_flags & (NIC_TCP_SYN | NIC_TCP_FIN | NIC_TCP_RST);
    if (side->over || (layers->tcp_flags & (NIC_TCP_ACK | NIC_TCP_SYN | NIC_TCP_RST)) == 0 ||
        (syn && odd != NIC_TCP_SYN)) {
        return; /* RFC 9293 3.10.7.4: without ACK it is dropped; and what no sender sends */
    }
    if (!side->begun) {
        if (!syn && len == 0) {
            return;
        }
        side->begun = true;
        side->begin = layers->seq + (syn ? 1 : 0);
    }
    const uint32_t seq = layers->seq + (syn ? 1 : 0);
    const int64_t ahead = (int32_t)(seq - side->begin - (uint32_t)side->len);
    if ((ahead < 0 && (uint64_t)-ahead > side->len) || ahead > AHEAD_MAX) {
        side->unsure = side->unsure || len > 0;
        return;
    }
    const uint64_t at = side->len + (uint64_t)ahead;
    const uint8_t *bytes = layers->frame + layers->payload;
    overlap_look(side, at, bytes, len);
    if (at <= side->len && at + len > side->len) {
        append(self, side, bytes + (side->len - at), len - (side->len - at));
        early_drain(self, side);
    } else if (at > side->len && len > 0) {
        early_keep(self, side, at, bytes, len);
    }
    if ((layers->tcp_flags & NIC_TCP_FIN) != 0) {
        side->end = at + len < side->end ? at + len : side->end;
    }
    side->over = (layers->tcp_flags & NIC_TCP_RST) != 0 || side->len >= side->end;
}

static bool sums_ok(const struct stk_reference *self, const struct nic_layers *layers)
{
    enum nic_layers_sum l3;
    enum nic_layers_sum l4;
    nic_layers_sums(layers, &l3, &l4);
    const bool ignore = strcmp(self->of->checksum, "ignore") == 0;
    const bool automatic = strcmp(self->of->checksum, "auto") == 0;
    const bool bad = l3 == NIC_SUM_BAD || l4 == NIC_SUM_BAD;
    const bool offload = l3 == NIC_SUM_OFFLOAD || l4 == NIC_SUM_OFFLOAD;
    return ignore || (!bad && (!offload || automatic));
}

static void packet_take(struct stk_reference *self, const struct nic_packet *packet)
{
    struct nic_layers layers;
    struct nic_conv *conv = NULL;
    int from = 0;
    nic_layers_parse(packet->frame, packet->len, packet->full_len, &layers);
    if (!sums_ok(self, &layers)) {
        return; /* it begins no conversation, either */
    }
    if (nic_conv_find(self->table, &layers, packet->number, packet->time_ns, &conv, &from) != STK_OK) {
        return;
    }
    struct side *side = side_of(self, conv->number, from);
    if (side == NULL) {
        return;
    }
    side->last_packet = packet->number;
    if (layers.fragment || layers.kind == NIC_LAYERS_FRAGMENT) {
        side->unsure = true;
        return;
    }
    if (!nic_layers_whole(&layers)) {
        return;
    }
    if (layers.kind == NIC_LAYERS_TCP) {
        tcp_take(self, side, &layers);
    } else if (layers.kind == NIC_LAYERS_UDP) {
        append(self, side, layers.frame + layers.payload, nic_layers_data_len(&layers));
    }
}

/* In the order of times, as the player takes them: conversations have the same numbers there. */
static int packets_take(struct stk_reference *self, struct nic_reader *reader)
{
    struct nic_order *order = NULL;
    struct nic_packet packet;
    const int err = nic_order_make(reader, NIC_ORDER_WINDOW_NS, &order);
    while (err == STK_OK && !self->full && nic_order_next(order, &packet) == 1) {
        packet_take(self, &packet);
    }
    nic_order_free(order);
    return err == STK_OK && self->full ? STK_ENOMEM : err;
}

int stk_reference_make(const struct stk_case *of, struct stk_reference **out)
{
    const struct nic_conv_conf conf = {.max = CONVS_MAX, .idle_ns = 300 * STK_S_NS, .frag_max = 512};
    struct stk_reference *self = calloc(1, sizeof(*self));
    struct nic_reader *reader = NULL;
    char reason[NIC_READER_REASON_SIZE];
    *out = NULL;
    if (self == NULL) {
        return STK_ENOMEM;
    }
    self->of = of;
    int err = nic_conv_table_make(&conf, &self->table);
    if (err == STK_OK) {
        err = nic_reader_open(of->capture, &reader, reason);
    }
    if (err == STK_OK) {
        err = packets_take(self, reader);
        nic_reader_close(reader);
    }
    if (err != STK_OK) {
        stk_reference_free(self);
        return err;
    }
    *out = self;
    return STK_OK;
}

void stk_reference_delivered(struct stk_reference *reference, uint64_t conv, int from, const void *data, size_t len)
{
    struct side *side = side_of(reference, conv, from);
    const uint8_t *bytes = data;
    if (side == NULL) {
        return;
    }
    const uint64_t left = side->delivered < side->len ? side->len - side->delivered : 0;
    const size_t there = len < left ? len : (size_t)left;
    const uint8_t *expected = there > 0 ? side->bytes + side->delivered : NULL;
    if (side->wrong_at == UINT64_MAX && (there < len || (there > 0 && memcmp(expected, bytes, there) != 0))) {
        size_t same = 0;
        while (same < there && expected[same] == bytes[same]) {
            same++;
        }
        side->wrong_at = side->delivered + same;
    }
    side->delivered += len;
}

bool stk_reference_fault(const struct stk_reference *reference, uint32_t index, char *out, size_t size)
{
    for (uint64_t i = 0; i < reference->count * 2; i++) {
        const struct side *side = &reference->pairs[i / 2].side[i % 2];
        const bool wrong = side->wrong_at != UINT64_MAX;
        const uint64_t number = i / 2 + 1;
        if (side->unsure || (!wrong && side->delivered == side->len) || index-- != 0) {
            continue;
        }
        if (wrong) {
            (void)snprintf(out, size,
                           "conversation %llu, side %u: byte %llu that the stack delivered is not the packets'",
                           (unsigned long long)number, (unsigned)(i % 2), (unsigned long long)side->wrong_at);
        } else {
            (void)snprintf(out, size,
                           "conversation %llu, side %u: the stack delivered %llu bytes, the packets hold %llu",
                           (unsigned long long)number, (unsigned)(i % 2), (unsigned long long)side->delivered,
                           (unsigned long long)side->len);
        }
        return true;
    }
    return false;
}

void stk_reference_free(struct stk_reference *reference)
{
    if (reference == NULL) {
        return;
    }
    for (uint64_t i = 0; i < reference->count * 2; i++) {
        struct side *side = &reference->pairs[i / 2].side[i % 2];
        while (side->early != NULL) {
            struct early *next = side->early->next;
            free(side->early);
            side->early = next;
        }
        free(side->bytes);
    }
    free(reference->pairs);
    nic_conv_table_free(reference->table);
    free(reference);
}
