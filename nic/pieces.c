#include "nic/pieces.h"

#include "nic/layers.h"

#include <stdlib.h>
#include <string.h>

#include "stack/err.h"

#define HEAD_MAX 1024u  /* of a frame, up to the fragment's data */
#define DATA_MAX 65536u /* of a datagram */
#define BLOCK 8u        /* what offsets count in */
#define NUMBERS_MAX 64u /* packets that are remembered one by one */
#define UNKNOWN UINT32_MAX
#define IP6_FRAGMENT 44u

static const char incomplete[] = "is a fragment of a datagram that is not whole in the capture";
static const char overlapping[] = "is a fragment that overlaps another one of its datagram";
static const char repeated[] = "is a fragment that is there already";

struct datagram {
    bool used;
    bool dead;   /* IPv6: overlaps were seen; nothing of it is taken until it is forgotten */
    bool wanted; /* it would be missed */
    uint8_t ip;
    uint8_t proto; /* IPv4 only: IPv6's are told apart without */
    uint32_t id;
    uint8_t src[16];
    uint8_t dst[16];
    uint64_t begin_ns;
    uint32_t head_len; /* 0: the first fragment is missing */
    uint32_t head_l3;  /* where IP begins in it; other fragments may have other tags */
    uint32_t total;    /* bytes of data; UNKNOWN: the last one is missing */
    uint32_t have;     /* bytes */
    uint32_t high;     /* end of what is there */
    uint32_t count;    /* packets */
    uint64_t numbers[NUMBERS_MAX];
    uint8_t seen[DATA_MAX / BLOCK / 8];
    uint8_t head[HEAD_MAX];
    uint8_t data[DATA_MAX];
};

struct nic_pieces {
    struct nic_pieces_conf conf;
    struct datagram *datagrams[NIC_PIECES_MAX]; /* NULL: never needed */
    uint8_t frame[HEAD_MAX + DATA_MAX];
};

/** One fragment, as it lies in its frame. */
struct piece {
    const struct nic_packet *packet;
    struct nic_layers layers;
    uint32_t data; /* offset of the fragment's data */
    uint32_t len;
    uint32_t next_at; /* IPv6: of the byte that names the fragment header */
};

int nic_pieces_make(const struct nic_pieces_conf *conf, struct nic_pieces **out)
{
    struct nic_pieces *pieces = calloc(1, sizeof(*pieces));

    *out = pieces;
    if (pieces == NULL)
        return STK_ENOMEM;
    pieces->conf = *conf;
    return STK_OK;
}

void nic_pieces_free(struct nic_pieces *pieces)
{
    if (pieces == NULL)
        return;
    for (uint32_t i = 0; i < NIC_PIECES_MAX; i++)
        free(pieces->datagrams[i]);
    free(pieces);
}

static void say(const struct nic_pieces *pieces, bool wanted, uint64_t number, const char *why)
{
    if (wanted && pieces->conf.lost != NULL)
        pieces->conf.lost(pieces->conf.context, number, why);
}

static void give_up(const struct nic_pieces *pieces, struct datagram *dgram)
{
    for (uint32_t i = 0; i < dgram->count && !dgram->dead; i++)
        say(pieces, dgram->wanted, dgram->numbers[i < NUMBERS_MAX ? i : NUMBERS_MAX - 1], incomplete);
    dgram->used = false;
}

void nic_pieces_end(struct nic_pieces *pieces)
{
    for (uint32_t i = 0; i < NIC_PIECES_MAX; i++) {
        if (pieces->datagrams[i] != NULL && pieces->datagrams[i]->used)
            give_up(pieces, pieces->datagrams[i]);
    }
}

static bool extends(uint8_t next)
{
    return next == 0 || next == 43 || next == 60;
}

/* RFC 8200 4.5: where the fragment header is, and what names it. */
static bool find6(struct piece *piece)
{
    const uint8_t *frame = piece->layers.frame;
    uint32_t at = piece->layers.l3 + 40u;

    piece->next_at = piece->layers.l3 + 6u;
    while (extends(frame[piece->next_at])) {
        if (at + 8 > piece->layers.end)
            return false;
        piece->next_at = at;
        at += ((uint32_t)frame[at + 1] + 1) * 8;
    }
    if (frame[piece->next_at] != IP6_FRAGMENT || at + 8 > piece->layers.end)
        return false;
    piece->data = at + 8;
    return true;
}

/* Whether it is a fragment whose datagram can be played. */
static bool piece_read(struct piece *piece)
{
    const struct nic_packet *packet = piece->packet;
    struct nic_layers *layers = &piece->layers;

    nic_layers_parse(packet->frame, packet->len, packet->full_len, layers);
    const bool later = layers->kind == NIC_LAYERS_FRAGMENT;
    const bool first = layers->kind == NIC_LAYERS_TCP || layers->kind == NIC_LAYERS_UDP;
    if (!layers->fragment || !nic_layers_whole(layers) || (!later && !first))
        return false;
    piece->data = layers->l3 + (uint32_t)(packet->frame[layers->l3] & 15) * 4;
    if (layers->ip == 6 && !find6(piece))
        return false;
    const uint8_t proto = layers->proto; /* of IPv6's later ones perhaps that of an extension header */
    if (proto != 6 && proto != 17 && (layers->ip == 4 || !extends(proto)))
        return false;
    piece->len = layers->end - piece->data;
    return piece->data <= HEAD_MAX && layers->frag_offset + piece->len <= DATA_MAX;
}

static bool is_of(const struct datagram *dgram, const struct nic_layers *layers)
{
    return dgram->used && dgram->ip == layers->ip && dgram->id == layers->frag_id &&
           (layers->ip == 6 || dgram->proto == layers->proto) && memcmp(dgram->src, layers->src, 16) == 0 &&
           memcmp(dgram->dst, layers->dst, 16) == 0;
}

static void begin(struct datagram *dgram, const struct piece *piece)
{
    const struct nic_layers *layers = &piece->layers;

    memset(dgram, 0, offsetof(struct datagram, head));
    dgram->used = true;
    dgram->ip = layers->ip;
    dgram->proto = layers->proto;
    dgram->id = layers->frag_id;
    memcpy(dgram->src, layers->src, 16);
    memcpy(dgram->dst, layers->dst, 16);
    dgram->begin_ns = piece->packet->time_ns;
    dgram->total = UNKNOWN;
}

/* Its datagram, which may begin here; NULL: there is no memory. */
static struct datagram *datagram_of(struct nic_pieces *pieces, const struct piece *piece)
{
    struct datagram **place = &pieces->datagrams[0];

    for (uint32_t i = 0; i < NIC_PIECES_MAX; i++) {
        struct datagram **at = &pieces->datagrams[i];

        if (*at != NULL && (*at)->used && piece->packet->time_ns > (*at)->begin_ns + NIC_PIECES_WAIT_NS)
            give_up(pieces, *at);
        if (*at != NULL && is_of(*at, &piece->layers))
            return *at;
        /* Free ones before new ones before the oldest. */
        if (*place != NULL && (*place)->used && (*at == NULL || !(*at)->used || (*at)->begin_ns < (*place)->begin_ns))
            place = at;
    }
    if (*place == NULL)
        *place = calloc(1, sizeof(**place));
    if (*place == NULL)
        return NULL;
    if ((*place)->used)
        give_up(pieces, *place);
    begin(*place, piece);
    return *place;
}

/* Blocks of these bytes that are there already. */
static uint32_t known_blocks(const struct datagram *dgram, uint32_t from, uint32_t blocks)
{
    uint32_t known = 0;

    for (uint32_t i = from; i < from + blocks; i++)
        known += dgram->seen[i / 8] >> (i % 8) & 1u;
    return known;
}

/* Why it is not taken, or NULL. */
static const char *refuse(const struct datagram *dgram, const struct piece *piece)
{
    const uint32_t at = piece->layers.frag_offset;
    const uint32_t blocks = (piece->len + BLOCK - 1) / BLOCK;
    const uint32_t known = known_blocks(dgram, at / BLOCK, blocks);
    const bool ends = !piece->layers.frag_more;

    if (dgram->dead)
        return overlapping;
    if (blocks != 0 && known == blocks && memcmp(dgram->data + at, piece->packet->frame + piece->data, piece->len) == 0)
        return repeated;
    if (known != 0 || (ends && (dgram->high > at + piece->len || dgram->total != UNKNOWN)) ||
        (dgram->total != UNKNOWN && at + piece->len > dgram->total))
        return overlapping;
    return NULL;
}

static void put(struct datagram *dgram, const struct piece *piece)
{
    const uint32_t at = piece->layers.frag_offset;
    const uint8_t *frame = piece->packet->frame;

    if (at == 0) {
        memcpy(dgram->head, frame, piece->data);
        dgram->head_len = piece->data;
        dgram->head_l3 = piece->layers.l3;
        if (dgram->ip == 6) {
            /* What named the fragment header names what it named, and it goes. */
            dgram->head[piece->next_at] = frame[piece->data - 8];
            dgram->head_len -= 8;
        }
    }
    memcpy(dgram->data + at, frame + piece->data, piece->len);
    for (uint32_t i = at / BLOCK; i < (at + piece->len + BLOCK - 1) / BLOCK; i++)
        dgram->seen[i / 8] = (uint8_t)(dgram->seen[i / 8] | 1u << (i % 8));
    dgram->have += piece->len;
    dgram->high = at + piece->len > dgram->high ? at + piece->len : dgram->high;
    if (!piece->layers.frag_more)
        dgram->total = at + piece->len;
    if (dgram->count < NUMBERS_MAX)
        dgram->numbers[dgram->count] = piece->packet->number;
    dgram->count++;
}

static void ip4_finish(uint8_t *ip, uint32_t len)
{
    const uint32_t head = (uint32_t)(ip[0] & 15) * 4;
    uint32_t sum = 0;

    ip[2] = (uint8_t)(len >> 8);
    ip[3] = (uint8_t)len;
    ip[6] = ip[7] = 0;
    ip[10] = ip[11] = 0;
    for (uint32_t i = 0; i < head; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (uint16_t) ~(sum + (sum >> 16));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

/* Into the frame; false: longer than IP can say. */
static bool whole_make(struct nic_pieces *pieces, const struct datagram *dgram, struct nic_packet *packet)
{
    uint8_t *ip = pieces->frame + dgram->head_l3;
    const uint32_t len = dgram->head_len + dgram->total;
    const uint32_t ip_len = len - dgram->head_l3;

    if (ip_len > (dgram->ip == 4 ? 65535u : 65535u + 40u))
        return false;
    memcpy(pieces->frame, dgram->head, dgram->head_len);
    memcpy(pieces->frame + dgram->head_len, dgram->data, dgram->total);
    if (dgram->ip == 4) {
        ip4_finish(ip, ip_len);
    } else {
        ip[4] = (uint8_t)((ip_len - 40) >> 8);
        ip[5] = (uint8_t)(ip_len - 40);
    }
    packet->frame = pieces->frame;
    packet->len = packet->full_len = len;
    return true;
}

enum nic_pieces_result nic_pieces_take(struct nic_pieces *pieces, struct nic_packet *packet, bool wanted)
{
    struct piece piece = {.packet = packet};

    if (!piece_read(&piece))
        return NIC_PIECES_PASSED;
    struct datagram *dgram = datagram_of(pieces, &piece);
    if (dgram == NULL)
        return NIC_PIECES_PASSED;
    dgram->wanted = dgram->wanted || wanted;
    const char *why = refuse(dgram, &piece);
    if (why != NULL) {
        say(pieces, wanted, packet->number, why);
        if (why == overlapping && dgram->ip == 6 && !dgram->dead) {
            give_up(pieces, dgram);
            dgram->used = dgram->dead = true;
        }
        return NIC_PIECES_HELD;
    }
    put(dgram, &piece);
    if (dgram->head_len == 0 || dgram->total == UNKNOWN || dgram->have < dgram->total)
        return NIC_PIECES_HELD;
    if (!whole_make(pieces, dgram, packet)) {
        give_up(pieces, dgram);
        return NIC_PIECES_HELD;
    }
    dgram->used = false;
    return NIC_PIECES_WHOLE;
}
