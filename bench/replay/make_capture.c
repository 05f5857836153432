/*
 * Writes a capture of TCP streams for the replay measurements: conversations that run side by side, a sender's segments of one
 * size and the receiver's acknowledgement behind every second one. The same arguments give the same bytes.
 *
 *   make_capture OUT PACKETS CONVERSATIONS PAYLOAD
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 66u /* Ethernet, IPv4, TCP with timestamps */
#define GAP_NS 1000u
#define PAYLOAD_MAX 1448u

struct conversation {
    uint32_t index;
    uint32_t seq[2];
    uint32_t sent; /* packets */
};

static uint64_t now_ns = UINT64_C(1700000000000000000);

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint16_t sum(uint64_t start, const uint8_t *at, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        start += (i & 1) != 0 ? at[i] : (uint32_t)at[i] << 8;
    }
    while (start >> 16 != 0) {
        start = (start & 0xffff) + (start >> 16);
    }
    return (uint16_t)~start;
}

static void ip_fill(uint8_t *ip, const struct conversation *c, int side, uint32_t len)
{
    memcpy(ip, (uint8_t[]){0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0}, 12);
    put16(ip + 2, len);
    put32(ip + 12 + 4 * side, 0xc6120000u + c->index);
    put32(ip + 16 - 4 * side, 0xc6130000u + c->index);
    put16(ip + 10, sum(0, ip, 20));
}

static void packet_write(FILE *out, struct conversation *c, int side, uint8_t flags, uint32_t payload)
{
    uint8_t frame[HEADERS + PAYLOAD_MAX] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    uint8_t *ip = frame + 14, *tcp = ip + 20;
    const uint32_t len = 32 + payload;
    const uint32_t record[4] = {(uint32_t)(now_ns / 1000000000), (uint32_t)(now_ns % 1000000000), 34 + len, 34 + len};

    now_ns += GAP_NS;
    ip_fill(ip, c, side, 20 + len);
    put16(tcp, side == 0 ? 40000 : 9000);
    put16(tcp + 2, side == 0 ? 9000 : 40000);
    put32(tcp + 4, c->seq[side]);
    put32(tcp + 8, (flags & 0x10) != 0 ? c->seq[1 - side] : 0);
    memcpy(tcp + 12, (uint8_t[]){0x80, flags, 0xff, 0xff, 0, 0, 0, 0, 1, 1, 8, 10}, 12);
    put32(tcp + 24, (uint32_t)(now_ns / 1000000));
    put32(tcp + 28, (uint32_t)(now_ns / 1000000));
    for (uint32_t i = 0; i < payload; i++) {
        tcp[32 + i] = (uint8_t)((c->seq[0] + i) * 0x9e3779b1u >> 24);
    }
    const uint64_t pseudo = 6 + len +
                            (uint64_t)((ip[12] << 8) + ip[13] + (ip[14] << 8) + ip[15] + (ip[16] << 8) + ip[17] +
                                       (ip[18] << 8) + ip[19]);
    put16(tcp + 16, sum(pseudo, tcp, len));
    c->seq[side] += payload + ((flags & 3) != 0 ? 1 : 0);
    if (fwrite(record, sizeof(record), 1, out) != 1 || fwrite(frame, 34 + len, 1, out) != 1) {
        perror("make_capture");
        exit(1);
    }
}

static void next_write(FILE *out, struct conversation *c, uint32_t payload)
{
    switch (c->sent) {
    case 0:
        packet_write(out, c, 0, 0x02, 0);
        break;
    case 1:
        packet_write(out, c, 1, 0x12, 0);
        break;
    default: /* data, data, acknowledgement */
        packet_write(out, c, c->sent % 3 == 1, 0x10, c->sent % 3 == 1 ? 0 : payload);
        break;
    }
    c->sent++;
}

int main(int argc, char **argv)
{
    const uint32_t head[6] = {0xa1b23c4d, 4u << 16 | 2u, 0, 0, 262144, 1};
    const uint64_t packets = argc == 5 ? strtoull(argv[2], NULL, 10) : 0;
    const uint32_t count = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    const uint32_t payload = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    if (packets == 0 || count == 0 || count > 65536 || payload == 0 || payload > PAYLOAD_MAX) {
        (void)fprintf(stderr, "usage: make_capture OUT PACKETS CONVERSATIONS(1..65536) PAYLOAD(1..%u)\n", PAYLOAD_MAX);
        return 2;
    }
    struct conversation *all = calloc(count, sizeof(*all));
    FILE *out = fopen(argv[1], "wb");
    if (all == NULL || out == NULL || fwrite(head, sizeof(head), 1, out) != 1) {
        perror(argv[1]);
        free(all);
        return 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        all[i] = (struct conversation){.index = i, .seq = {i * 7919u, i * 104729u}};
    }
    for (uint64_t i = 0; i < packets; i++) { /* eight packets of each in turn: bursts, as senders make them */
        next_write(out, &all[i / 8 % count], payload);
    }
    free(all);
    if (fclose(out) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
