/** @file Capture files of any content: reader, order in time, layers, conversations. */
#include "nic/conv.h"
#include "nic/layers.h"
#include "nic/order.h"
#include "nic/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void holds(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

static void on_end(void *context, struct nic_conv *conv)
{
    uint64_t *ended = context;

    holds(conv->number != 0 && (conv->ip == 4 || conv->ip == 6), "who ends is a conversation");
    ++*ended;
}

/* Every byte that the layers name is there: in memory of its own size, so that a read behind it is found. */
static void try_layers(const struct nic_packet *packet, struct nic_conv_table *table)
{
    uint8_t *frame = malloc(packet->len);
    struct nic_layers pkt;
    struct nic_layers_options options;
    enum nic_layers_sum l3, l4;
    struct nic_conv *conv = NULL;
    int side = -1;

    if (frame == NULL) {
        return;
    }
    memcpy(frame, packet->frame, packet->len);
    nic_layers_parse(frame, packet->len, packet->full_len, &pkt);
    holds((pkt.kind == NIC_LAYERS_BAD) == (pkt.reason != NULL), "a reason, where it is bad");
    nic_layers_options(&pkt, &options);
    if (pkt.kind == NIC_LAYERS_TCP || pkt.kind == NIC_LAYERS_UDP || pkt.kind == NIC_LAYERS_FRAGMENT) {
        holds(pkt.l3 < pkt.l4 && pkt.l4 <= pkt.payload && pkt.payload <= pkt.end && pkt.end <= pkt.full_len,
              "the layers lie behind each other in the frame");
        nic_layers_sums(&pkt, &l3, &l4);
        const int err = nic_conv_find(table, &pkt, packet->number, packet->time_ns, &conv, &side);
        holds(err != 0 || (conv != NULL && (side == 0 || side == 1) && conv->packets[side] != 0),
              "a conversation and its side");
    }
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[NIC_READER_REASON_SIZE] = "";
    struct nic_reader *reader;
    struct nic_order *order;
    struct nic_conv_table *table;
    struct nic_packet packet;
    uint64_t ended = 0, last_ns = 0;
    const struct nic_conv_conf conf = {
        .max = 7, .idle_ns = 1000, .frag_max = 3, .by_vlan = size % 2 != 0, .end = on_end, .context = &ended};
    int got;

    FILE *stream = size != 0 ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
    if (stream == NULL) {
        return 0;
    }
    if (nic_reader_open_stream(stream, &reader, reason) != 0) {
        holds(reason[0] != '\0', "a refusal has its reason");
        return 0;
    }
    if (nic_order_make(reader, size % 3 * 500000000u, &order) == 0 && nic_conv_table_make(&conf, &table) == 0) {
        while ((got = nic_order_next(order, &packet)) == 1) {
            holds(packet.time_ns >= last_ns, "time does not run backwards");
            holds(packet.number != 0 && packet.len <= packet.full_len, "a packet's number and lengths");
            last_ns = packet.time_ns;
            try_layers(&packet, table);
        }
        holds((got == 0) == (nic_order_reason(order)[0] == '\0'), "a refusal has its reason");
        nic_conv_table_free(table);
    }
    nic_order_free(order);
    nic_reader_close(reader);
    return 0;
}
