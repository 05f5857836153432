#include "nic/conv.h"

#include <stdlib.h>
#include <string.h>

#include "stack/err.h"

#define PROTO_TCP 6
#define SCAN_OLDEST 64                    /* when the table is full */
#define UDP_SOONER 10                     /* datagrams: most are a question and its answer */
#define FRAG_AGE_NS UINT64_C(60000000000) /* RFC 8200 4.5: a datagram's pieces within 60 s */

/** A datagram that comes in pieces: whose it is. */
struct frag {
    struct nic_conv *conv; /**< NULL: the entry is free */
    uint64_t number;       /**< of the conversation, which may have been replaced */
    uint64_t time_ns;
    uint32_t id;
    uint8_t proto;
    uint8_t ip;
    uint8_t side;
    uint8_t src[16];
    uint8_t dst[16];
};

struct nic_conv_table {
    struct nic_conv_conf conf;
    struct nic_conv *convs;
    struct nic_conv *free;   /**< by hash_next */
    struct nic_conv *oldest; /**< by last packet */
    struct nic_conv *newest;
    struct nic_conv **buckets;
    struct frag *frags;
    uint32_t buckets_mask;
    uint32_t count;
    uint32_t frag_next;
    uint64_t number;
};

/* --- Life ---------------------------------------------------------------------- */

int nic_conv_table_make(const struct nic_conv_conf *conf, struct nic_conv_table **out)
{
    struct nic_conv_table *table = calloc(1, sizeof(*table));
    uint32_t buckets = 64;

    *out = NULL;
    if (table == NULL)
        return STK_ENOMEM;
    if (conf->max == 0 || conf->max > 1u << 24 || conf->frag_max == 0) {
        free(table);
        return STK_EINVAL;
    }
    while (buckets < conf->max)
        buckets *= 2;
    table->conf = *conf;
    table->buckets_mask = buckets - 1;
    table->convs = calloc(conf->max, sizeof(struct nic_conv));
    table->buckets = calloc(buckets, sizeof(struct nic_conv *));
    table->frags = calloc(conf->frag_max, sizeof(struct frag));
    *out = table;
    if (table->convs == NULL || table->buckets == NULL || table->frags == NULL) {
        nic_conv_table_free(table);
        *out = NULL;
        return STK_ENOMEM;
    }
    for (uint32_t i = conf->max; i-- > 0;) {
        table->convs[i].index = i;
        table->convs[i].hash_next = table->free;
        table->free = &table->convs[i];
    }
    return 0;
}

static void lru_remove(struct nic_conv_table *table, struct nic_conv *conv)
{
    *(conv->older != NULL ? &conv->older->newer : &table->oldest) = conv->newer;
    *(conv->newer != NULL ? &conv->newer->older : &table->newest) = conv->older;
}

static void lru_append(struct nic_conv_table *table, struct nic_conv *conv)
{
    conv->older = table->newest;
    conv->newer = NULL;
    *(table->newest != NULL ? &table->newest->newer : &table->oldest) = conv;
    table->newest = conv;
}

static void conv_end(struct nic_conv_table *table, struct nic_conv *conv)
{
    struct nic_conv **link = &table->buckets[conv->hash & table->buckets_mask];

    if (table->conf.end != NULL)
        table->conf.end(table->conf.context, conv);
    while (*link != conv)
        link = &(*link)->hash_next;
    *link = conv->hash_next;
    lru_remove(table, conv);
    conv->number = 0;
    conv->hash_next = table->free;
    table->free = conv;
    table->count--;
}

static int by_number(const void *a, const void *b)
{
    const struct nic_conv *const *left = a, *const *right = b;

    return (*left)->number < (*right)->number ? -1 : 1;
}

void nic_conv_table_free(struct nic_conv_table *table)
{
    struct nic_conv **left;
    uint32_t count = 0;

    if (table == NULL)
        return;
    left = table->count != 0 ? malloc(table->count * sizeof(struct nic_conv *)) : NULL;
    if (left != NULL) {
        for (struct nic_conv *conv = table->oldest; conv != NULL; conv = conv->newer)
            left[count++] = conv;
        qsort(left, count, sizeof(left[0]), by_number);
        for (uint32_t i = 0; i < count; i++)
            conv_end(table, left[i]);
        free(left);
    }
    while (table->oldest != NULL) /* without memory: in the order of their last packets */
        conv_end(table, table->oldest);
    free(table->frags);
    free(table->buckets);
    free(table->convs);
    free(table);
}

uint32_t nic_conv_count(const struct nic_conv_table *table)
{
    return table->count;
}

/* --- Keys ---------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t end_hash(const uint8_t *addr, uint8_t ip, uint16_t port)
{
    uint64_t words[2] = {0, 0};

    memcpy(words, addr, ip == 4 ? 4 : 16);
    return mix(words[0] * UINT64_C(0x9e3779b97f4a7c15) + words[1] + port) + words[1];
}

/* Both directions have the same. */
static uint32_t key_hash(const struct nic_layers *pkt, uint16_t vlan)
{
    uint64_t sum = end_hash(pkt->src, pkt->ip, pkt->sport) + end_hash(pkt->dst, pkt->ip, pkt->dport);

    return (uint32_t)mix(sum + ((uint64_t)vlan << 8) + pkt->proto);
}

static uint16_t key_vlan(const struct nic_conv_table *table, const struct nic_layers *pkt)
{
    return table->conf.by_vlan && pkt->vlans != 0 ? pkt->vlan[0] & 0xfff : 0;
}

static bool end_is(const struct nic_conv *conv, int side, const uint8_t *addr, uint16_t port)
{
    return conv->port[side] == port && memcmp(conv->addr[side], addr, conv->ip == 4 ? 4 : 16) == 0;
}

/* The sender's side, or -1: another conversation. */
static int side_of(const struct nic_conv *conv, const struct nic_layers *pkt)
{
    if (conv->ip != pkt->ip || conv->proto != pkt->proto)
        return -1;
    if (end_is(conv, 0, pkt->src, pkt->sport) && end_is(conv, 1, pkt->dst, pkt->dport))
        return 0;
    if (end_is(conv, 1, pkt->src, pkt->sport) && end_is(conv, 0, pkt->dst, pkt->dport))
        return 1;
    return -1;
}

static struct nic_conv *conv_lookup(struct nic_conv_table *table, const struct nic_layers *pkt, uint32_t hash,
                                    int *side)
{
    struct nic_conv *conv = table->buckets[hash & table->buckets_mask];

    for (; conv != NULL; conv = conv->hash_next) {
        if (conv->hash != hash || (table->conf.by_vlan && conv->vlan != key_vlan(table, pkt)))
            continue;
        *side = side_of(conv, pkt);
        if (*side >= 0)
            return conv;
    }
    return NULL;
}

/* --- Beginnings -------------------------------------------------------------------- */

/* A second answer to the same SYN, as stateless servers send: the first one counts (RFC 9293 3.10.7.3). */
static bool answers_again(const struct nic_conv *conv, const struct nic_layers *pkt, int side)
{
    return (pkt->tcp_flags & NIC_TCP_ACK) != 0 && conv->syn_seen[!side] && pkt->ack == conv->isn[!side] + 1 &&
           !conv->rst_seen;
}

/* A SYN that cannot belong to what was seen on these ports. */
static bool begins_anew(const struct nic_conv *conv, const struct nic_layers *pkt, int side)
{
    if (conv->proto != PROTO_TCP || (pkt->tcp_flags & NIC_TCP_SYN) == 0 || (pkt->tcp_flags & NIC_TCP_RST) != 0)
        return false;
    if (conv->syn_seen[side] && answers_again(conv, pkt, side))
        return false;
    if (conv->syn_seen[side])
        return conv->isn[side] != pkt->seq;
    return conv->packets[side] != 0;
}

static bool finished(const struct nic_conv *conv)
{
    return conv->proto == PROTO_TCP && (conv->rst_seen || (conv->fin_seen[0] && conv->fin_seen[1]));
}

static uint64_t idle_ns(const struct nic_conv_table *table, const struct nic_conv *conv)
{
    return conv->proto == PROTO_TCP ? table->conf.idle_ns : table->conf.idle_ns / UDP_SOONER;
}

/* Makes room by forgetting; false: nobody may be forgotten. */
static bool room_make(struct nic_conv_table *table, uint64_t time_ns)
{
    struct nic_conv *conv = table->oldest;

    for (int i = 0; conv != NULL && i < SCAN_OLDEST; i++, conv = conv->newer) {
        if (finished(conv) || conv->last_ns + idle_ns(table, conv) < time_ns) {
            conv_end(table, conv);
            return true;
        }
    }
    return false;
}

static struct nic_conv *conv_begin(struct nic_conv_table *table, const struct nic_layers *pkt, uint32_t hash, int *side)
{
    struct nic_conv *conv = table->free;
    const bool syn = (pkt->tcp_flags & NIC_TCP_SYN) != 0;
    int from = syn && (pkt->tcp_flags & NIC_TCP_ACK) != 0 ? 1 : 0;
    uint32_t index = conv->index;

    table->free = conv->hash_next;
    *conv = (struct nic_conv){.index = index,
                              .number = ++table->number,
                              .ip = pkt->ip,
                              .proto = pkt->proto,
                              .vlan = pkt->vlans != 0 ? pkt->vlan[0] & 0xfff : 0,
                              .mid_stream = pkt->proto == PROTO_TCP && !syn,
                              .hash = hash};
    memcpy(conv->addr[from], pkt->src, 16);
    memcpy(conv->addr[!from], pkt->dst, 16);
    conv->port[from] = pkt->sport;
    conv->port[!from] = pkt->dport;
    conv->hash_next = table->buckets[hash & table->buckets_mask];
    table->buckets[hash & table->buckets_mask] = conv;
    lru_append(table, conv);
    table->count++;
    *side = from;
    return conv;
}

static void tcp_note(struct nic_conv *conv, const struct nic_layers *pkt, int side)
{
    if ((pkt->tcp_flags & NIC_TCP_SYN) != 0 && !conv->syn_seen[side]) {
        conv->syn_seen[side] = true;
        conv->isn[side] = pkt->seq;
    }
    if ((pkt->tcp_flags & NIC_TCP_FIN) != 0)
        conv->fin_seen[side] = true;
    if ((pkt->tcp_flags & NIC_TCP_RST) != 0)
        conv->rst_seen = true;
}

/* --- Fragments ---------------------------------------------------------------------- */

static struct frag *frag_lookup(struct nic_conv_table *table, const struct nic_layers *pkt)
{
    for (uint32_t i = 0; i < table->conf.frag_max; i++) {
        struct frag *frag = &table->frags[i];

        if (frag->conv != NULL && frag->id == pkt->frag_id && frag->proto == pkt->proto && frag->ip == pkt->ip &&
            memcmp(frag->src, pkt->src, 16) == 0 && memcmp(frag->dst, pkt->dst, 16) == 0)
            return frag;
    }
    return NULL;
}

static void frag_note(struct nic_conv_table *table, const struct nic_layers *pkt, struct nic_conv *conv, int side)
{
    struct frag *frag = frag_lookup(table, pkt);

    if (frag == NULL) {
        frag = &table->frags[table->frag_next];
        table->frag_next = (table->frag_next + 1) % table->conf.frag_max;
    }
    *frag = (struct frag){.conv = conv,
                          .number = conv->number,
                          .time_ns = conv->last_ns,
                          .id = pkt->frag_id,
                          .proto = pkt->proto,
                          .ip = pkt->ip,
                          .side = (uint8_t)side};
    memcpy(frag->src, pkt->src, 16);
    memcpy(frag->dst, pkt->dst, 16);
}

static struct nic_conv *frag_conv(struct nic_conv_table *table, const struct nic_layers *pkt, uint64_t time_ns,
                                  int *side)
{
    struct frag *frag = frag_lookup(table, pkt);

    if (frag == NULL || frag->number != frag->conv->number || frag->time_ns + FRAG_AGE_NS < time_ns)
        return NULL;
    *side = frag->side;
    return frag->conv;
}

/* --- Finding ------------------------------------------------------------------------- */

static void conv_touch(struct nic_conv_table *table, struct nic_conv *conv, int side, uint64_t time_ns)
{
    conv->packets[side]++;
    conv->last_ns = time_ns;
    if (table->newest != conv) {
        lru_remove(table, conv);
        lru_append(table, conv);
    }
}

static int conv_of_ports(struct nic_conv_table *table, const struct nic_layers *pkt, uint64_t number, uint64_t time_ns,
                         struct nic_conv **out, int *side)
{
    const uint32_t hash = key_hash(pkt, key_vlan(table, pkt));
    struct nic_conv *conv = conv_lookup(table, pkt, hash, side);

    if (conv != NULL && begins_anew(conv, pkt, *side)) {
        conv_end(table, conv);
        conv = NULL;
    }
    if (conv == NULL) {
        if (table->free == NULL && !room_make(table, time_ns))
            return STK_EMFILE;
        conv = conv_begin(table, pkt, hash, side);
        conv->first_packet = number;
        conv->first_ns = time_ns;
    }
    *out = conv;
    return 0;
}

struct nic_conv *nic_conv_peek(struct nic_conv_table *table, const struct nic_layers *pkt, int *side)
{
    if (pkt->kind != NIC_LAYERS_TCP && pkt->kind != NIC_LAYERS_UDP)
        return NULL;
    return conv_lookup(table, pkt, key_hash(pkt, key_vlan(table, pkt)), side);
}

int nic_conv_find(struct nic_conv_table *table, const struct nic_layers *pkt, uint64_t number, uint64_t time_ns,
                  struct nic_conv **out, int *side)
{
    if (pkt->kind == NIC_LAYERS_FRAGMENT) {
        *out = frag_conv(table, pkt, time_ns, side);
        if (*out == NULL)
            return STK_EAGAIN;
        conv_touch(table, *out, *side, time_ns);
        return 0;
    }
    if (pkt->kind != NIC_LAYERS_TCP && pkt->kind != NIC_LAYERS_UDP)
        return STK_EOPNOTSUPP;
    const int err = conv_of_ports(table, pkt, number, time_ns, out, side);
    if (err != 0)
        return err;
    conv_touch(table, *out, *side, time_ns);
    if (pkt->kind == NIC_LAYERS_TCP)
        tcp_note(*out, pkt, *side);
    if (pkt->fragment)
        frag_note(table, pkt, *out, *side);
    return 0;
}
