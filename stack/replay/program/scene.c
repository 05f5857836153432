#include "scene.h"

#include "nic/order.h"
#include "nic/pieces.h"
#include "nic/reader.h"
#include "nic/rewrite.h"
#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (UINT64_C(256) << 20)
#define HASH_SIZE 16384u
#define SILENCE_NS (UINT64_C(3600) * 1000000000)

struct walk {
    struct stk_scene *scene;
    const struct stk_case *of;
    bool with_bytes;
    uint64_t last_ns;
    uint64_t skip_ns;
    struct nic_packet *packet;
    struct nic_pieces *pieces; /**< mode tcp: fragments that are no datagram yet */
    bool begun;
    struct nic_layers layers;
    struct stk_addr src;
    struct stk_addr dst;
    const struct nic_rewrite *rewrite;
    uint8_t macs[12]; /**< of the packet: destination, source */
    uint32_t *heads;  /**< HASH_SIZE: the latest conversation, and 1 */
};

/* As the player will have it: by the rules of the case. */
static struct stk_addr addr_of(const struct walk *walk, const uint8_t *ip, uint16_t port)
{
    const uint8_t bytes = walk->layers.ip == 4 ? 4 : 16;
    struct stk_addr addr = {.family = bytes == 4 ? STK_AF_INET : STK_AF_INET6, .port = port};
    const uint8_t wire[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    const uint8_t *to = nic_rewrite_find(walk->rewrite, NIC_REWRITE_IP, ip, bytes);
    memcpy(addr.ip, to != NULL ? to : ip, bytes);
    to = nic_rewrite_find(walk->rewrite, NIC_REWRITE_PORT, wire, 2);
    if (to != NULL) {
        addr.port = (uint16_t)(to[0] << 8 | to[1]);
    }
    return addr;
}

static void macs_take(struct walk *walk)
{
    memcpy(walk->macs, walk->packet->frame, sizeof(walk->macs));
    for (uint32_t end = 0; end < 12; end += 6) {
        const uint8_t *to = nic_rewrite_find(walk->rewrite, NIC_REWRITE_MAC, walk->macs + end, 6);
        if (to != NULL) {
            memcpy(walk->macs + end, to, 6);
        }
    }
}

static bool host_same(const struct stk_addr *a, const struct stk_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool host_known(const struct stk_scene_host *hosts, uint32_t count, const struct stk_addr *addr)
{
    for (uint32_t i = 0; i < count; i++) {
        if (host_same(&hosts[i].addr, addr)) {
            return true;
        }
    }
    return false;
}

static bool addr_same(const struct stk_addr *a, const struct stk_addr *b)
{
    return host_same(a, b) && a->port == b->port;
}

static bool addr_unicast(const struct stk_addr *addr)
{
    return nic_layers_host(addr->ip, addr->family == STK_AF_INET6 ? 6 : 4);
}

/* As the player has it: who sends is a host, who is called may be a group or broadcast. */
static bool ends_fit(const struct stk_addr *src, const struct stk_addr *dst)
{
    const bool six = dst->family == STK_AF_INET6;
    const bool many = six ? dst->ip[0] == 0xff : dst->ip[0] == 0 || dst->ip[0] >= 224;
    return addr_unicast(src) && (many || addr_unicast(dst));
}

static void host_note(struct stk_scene_host *hosts, uint32_t *count, uint32_t max, const struct stk_addr *addr,
                      const uint8_t *mac)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (host_same(&hosts[i].addr, addr)) {
            return;
        }
    }
    if (*count < max && addr_unicast(addr)) {
        hosts[*count].addr = *addr;
        hosts[*count].addr.port = 0;
        memcpy(hosts[(*count)++].mac, mac, 6);
    }
}

/* Can the stack have this address besides those that it has? */
static bool locals_full(const struct stk_scene *scene, const struct stk_addr *addr)
{
    const bool six = addr->family == STK_AF_INET6;
    uint32_t sixes = 0;
    for (uint32_t i = 0; i < scene->locals_count; i++) {
        sixes += scene->locals[i].addr.family == STK_AF_INET6 ? 1 : 0;
    }
    return addr_unicast(addr) && !host_known(scene->locals, scene->locals_count, addr) &&
           (scene->locals_count == STK_SCENE_LOCALS_MAX || (six && sixes == STK_SCENE_LOCALS6_MAX));
}

static void listen_note(struct stk_scene *scene, uint8_t proto, const struct stk_addr *addr, uint64_t from_ns)
{
    for (uint32_t i = 0; i < scene->listens_count; i++) {
        if (scene->listens_proto[i] == proto && scene->listens[i].port == addr->port &&
            (host_same(&scene->listens[i], addr) ||
             (addr_unicast(addr) && addr_unicast(&scene->listens[i]) && scene->listens[i].family == addr->family))) {
            return;
        }
    }
    if (scene->listens_count < STK_SCENE_LISTENS_MAX) {
        scene->listens_proto[scene->listens_count] = proto;
        scene->listens_from_ns[scene->listens_count] = from_ns;
        scene->listens[scene->listens_count++] = *addr;
    }
}

/* Room for count things; all that a capture makes us keep counts, whatever it is. */
static bool grow(struct stk_scene *scene, void **array, uint64_t count, uint64_t *room, size_t size)
{
    if (count <= *room) {
        return true;
    }
    const uint64_t more = count < 64 ? 64 : count * 2;
    if (count > MEMORY_MAX || (more - *room) * size > MEMORY_MAX - scene->memory) {
        return false;
    }
    void *moved = realloc(*array, (size_t)more * size);
    if (moved == NULL) {
        return false;
    }
    memset((char *)moved + *room * size, 0, (size_t)(more - *room) * size);
    scene->memory += (more - *room) * size;
    *array = moved;
    *room = more;
    return true;
}

static bool grow32(struct stk_scene *scene, void **array, uint32_t count, uint32_t *room, size_t size)
{
    uint64_t wide = *room;
    const bool grown = grow(scene, array, count, &wide, size);
    *room = (uint32_t)wide;
    return grown;
}

static bool is_syn(const struct nic_layers *layers)
{
    return (layers->tcp_flags & (NIC_TCP_SYN | NIC_TCP_ACK)) == NIC_TCP_SYN;
}

/* FNV-1a. */
static uint32_t addr_hash(const struct stk_addr *addr)
{
    uint32_t hash = UINT32_C(2166136261) ^ addr->port;
    for (size_t i = 0; i < sizeof(addr->ip); i++) {
        hash = (hash ^ addr->ip[i]) * UINT32_C(16777619);
    }
    return hash;
}

/* The same for both directions. */
static uint32_t *head_of(const struct walk *walk)
{
    const uint32_t hash = addr_hash(&walk->src) + addr_hash(&walk->dst);
    return &walk->heads[(hash ^ hash >> 16) % HASH_SIZE];
}

/* The latest conversation of these two ends. *live: 1 if its live side sent the packet. */
static struct stk_scene_conv *conv_find(struct walk *walk, int *live)
{
    struct stk_scene *scene = walk->scene;
    for (uint32_t next = *head_of(walk); next != 0; next = scene->convs[next - 1].hash_next) {
        struct stk_scene_conv *conv = &scene->convs[next - 1];
        if (conv->proto != walk->layers.proto) {
            continue;
        }
        *live = addr_same(&conv->live, &walk->src) && addr_same(&conv->peer, &walk->dst);
        if (*live || (addr_same(&conv->peer, &walk->src) && addr_same(&conv->live, &walk->dst))) {
            const int side = *live ? 0 : 1;
            const bool anew = walk->layers.kind == NIC_LAYERS_TCP && is_syn(&walk->layers) &&
                              (!conv->syn[side] || conv->isn[side] != walk->layers.seq);
            return anew ? NULL : conv;
        }
    }
    return NULL;
}

static struct stk_scene_conv *conv_add(struct walk *walk, int *live, bool *refused)
{
    struct stk_scene *scene = walk->scene;
    *refused = false;
    if (!grow32(scene, (void **)&scene->convs, scene->convs_count + 1, &scene->convs_room, sizeof(*scene->convs))) {
        return NULL;
    }
    struct stk_scene_conv *conv = &scene->convs[scene->convs_count];
    *live = walk->of->mode == STK_CASE_TCP && walk->of->play == STK_CASE_SERVER; /* who begins is the client */
    *conv = (struct stk_scene_conv){.proto = walk->layers.proto,
                                    .live_began = *live != 0,
                                    .live = *live ? walk->src : walk->dst,
                                    .peer = *live ? walk->dst : walk->src,
                                    .begin_ns = walk->packet->time_ns - scene->first_ns,
                                    .last_ns = walk->packet->time_ns};
    *refused = walk->of->mode == STK_CASE_TCP &&
               (!ends_fit(&walk->src, &walk->dst) || host_same(&conv->live, &conv->peer) ||
                host_known(scene->locals, scene->locals_count, &conv->peer) ||
                host_known(scene->peers, scene->peers_count, &conv->live) || locals_full(scene, &conv->live));
    if (*refused) {
        return NULL; /* the host whose place the stack takes cannot be a peer as well */
    }
    uint32_t *head = head_of(walk);
    conv->hash_next = *head;
    *head = ++scene->convs_count;
    macs_take(walk);
    const uint8_t *macs = walk->macs;
    if (!locals_full(scene, &conv->live)) {
        host_note(scene->locals, &scene->locals_count, STK_SCENE_LOCALS_MAX, &conv->live, *live ? macs + 6 : macs);
    }
    host_note(scene->peers, &scene->peers_count, STK_SCENE_PEERS_MAX, &conv->peer, *live ? macs : macs + 6);
    return conv;
}

/* Was somebody refused where this conversation found a listener? */
static bool refused_before(const struct stk_scene *scene, uint32_t index)
{
    const struct stk_scene_conv *conv = &scene->convs[index];
    for (uint32_t i = 0; i < index && conv->proto == 6 && conv->begin_ns > 0; i++) {
        const struct stk_scene_conv *other = &scene->convs[i];
        if (other->proto == 6 && !other->live_began && !other->syn[0] && other->total[1] == 0 &&
            addr_same(&other->live, &conv->live)) {
            return true;
        }
    }
    return false;
}

/* Does somebody listen there as far as is known? Then who was refused before is told already. */
static bool listen_known(const struct stk_scene *scene, uint8_t proto, const struct stk_addr *addr)
{
    for (uint32_t i = 0; i < scene->listens_count; i++) {
        if (scene->listens_proto[i] == proto && addr_same(&scene->listens[i], addr)) {
            return true;
        }
    }
    return false;
}

/* Where the live side answered, or was spoken to at length, somebody listened; a call that was refused found nobody. */
static void listens_note(struct stk_scene *scene)
{
    for (uint32_t i = 0; i < scene->convs_count; i++) {
        const struct stk_scene_conv *conv = &scene->convs[i];
        if (!conv->live_began && (conv->proto == 17 || conv->syn[0] || conv->total[1] > 0) &&
            scene->listens_count < STK_SCENE_LISTENS_MAX && !listen_known(scene, conv->proto, &conv->live)) {
            listen_note(scene, conv->proto, &conv->live, refused_before(scene, i) ? conv->begin_ns - 1 : 0);
        }
    }
}

/* What the live side can have read of the peer by now: up to the first hole. */
static uint64_t taken(const struct stk_scene_conv *conv)
{
    uint64_t end = conv->total[1];
    for (uint32_t i = 0; i < conv->holes_count[1] && conv->proto == 6; i++) {
        const struct stk_scene_hole *hole = &conv->holes[1][i];
        end = hole->from < hole->to && hole->from < end ? hole->from : end;
    }
    return end;
}

/* Joins what needs no waiting in between. */
static bool step_add(struct stk_scene *scene, struct stk_scene_conv *conv, const struct stk_scene_step *step)
{
    struct stk_scene_step *last = conv->steps_count > 0 ? &conv->steps[conv->steps_count - 1] : NULL;
    if (last != NULL && !step->rst && last->take == step->take && last->take_fin == step->take_fin && !last->fin &&
        !last->rst && step->delay_ns < 1000000 && conv->proto == 6) {
        last->give = step->give;
        last->fin = step->fin;
        last->rst = step->rst;
        return true;
    }
    if (!grow32(scene, (void **)&conv->steps, conv->steps_count + 1, &conv->steps_room, sizeof(*conv->steps))) {
        return false;
    }
    conv->steps[conv->steps_count++] = *step;
    return true;
}

/* The first packet with a byte counts: keep-alives and the like repeat bytes with others in them. */
static void bytes_put(struct stk_scene_conv *conv, int side, uint64_t at, const uint8_t *bytes, uint32_t len)
{
    const uint64_t end = at + len;
    const uint64_t known = conv->bytes_len[side];
    for (uint32_t i = 0; i < conv->holes_count[side]; i++) {
        struct stk_scene_hole *hole = &conv->holes[side][i];
        const uint64_t low = at > hole->from ? at : hole->from;
        const uint64_t high = end < hole->to ? end : hole->to;
        if (low < high) {
            memcpy(conv->bytes[side] + low, bytes + (low - at), high - low);
            hole->from = low == hole->from ? high : hole->from;
            hole->to = high == hole->to && low > hole->from ? low : hole->to;
        }
    }
    if (end <= known) {
        return;
    }
    if (at > known && conv->holes_count[side] < STK_SCENE_HOLES_MAX) {
        conv->holes[side][conv->holes_count[side]++] = (struct stk_scene_hole){.from = known, .to = at};
    }
    const uint64_t from = at > known ? at : known;
    memcpy(conv->bytes[side] + from, bytes + (from - at), end - from);
    conv->bytes_len[side] = end;
}

static bool bytes_keep(struct walk *walk, struct stk_scene_conv *conv, int side, uint64_t at, uint32_t bytes)
{
    if (!walk->with_bytes) {
        return true;
    }
    if (!grow(walk->scene, (void **)&conv->bytes[side], at + bytes, &conv->bytes_room[side], 1)) {
        return false;
    }
    bytes_put(conv, side, at, walk->layers.frame + walk->layers.payload, bytes);
    return true;
}

/* The peer acknowledges what the capture lacks: the live side sent it, whatever it was. */
static bool unseen_note(struct walk *walk, struct stk_scene_conv *conv)
{
    const int64_t more = (int32_t)(walk->layers.ack - conv->isn[0] - 1 - (uint32_t)conv->total[0]);
    if (more <= 0 || more > (1 << 24) || conv->fin_given) {
        return true;
    }
    const uint64_t end = conv->total[0] + (uint64_t)more;
    const struct stk_scene_step step = {.take = taken(conv), .give = end};
    if (walk->with_bytes && !grow(walk->scene, (void **)&conv->bytes[0], end, &conv->bytes_room[0], 1)) {
        return false;
    }
    conv->total[0] = end;
    return step_add(walk->scene, conv, &step);
}

static bool tcp_note(struct walk *walk, struct stk_scene_conv *conv, int side)
{
    const struct nic_layers *layers = &walk->layers;
    if ((layers->tcp_flags & NIC_TCP_SYN) != 0) {
        conv->isn[side] = layers->seq;
        conv->syn[side] = true;
        return true;
    }
    if (side == 1 && (layers->tcp_flags & NIC_TCP_ACK) != 0 && conv->syn[0] && !unseen_note(walk, conv)) {
        return false;
    }
    if (!conv->syn[side]) {
        return true;
    }
    const uint64_t near = conv->total[side];
    const int64_t ahead = (int32_t)(layers->seq - conv->isn[side] - 1 - (uint32_t)near);
    const uint32_t bytes = nic_layers_whole(layers) ? nic_layers_data_len(layers) : 0;
    const bool fin = (layers->tcp_flags & NIC_TCP_FIN) != 0;
    const bool rst = (layers->tcp_flags & NIC_TCP_RST) != 0;
    if ((ahead < 0 && (uint64_t)-ahead > near) || ahead > (1 << 24)) {
        return true; /* no byte of this connection's */
    }
    const uint64_t at = near + (uint64_t)ahead;
    if (bytes > 0 && !bytes_keep(walk, conv, side, at, bytes)) {
        return false;
    }
    if (at + bytes > near && (bytes > 0 || side == 0)) {
        conv->total[side] = at + bytes; /* a bare acknowledgement of the peer's says what it sent, not what came */
    }
    conv->fin_given = conv->fin_given || (side == 0 && fin);
    conv->fin_taken = conv->fin_taken || (side == 1 && fin);
    if (side == 0 && (conv->total[0] > near || fin || rst)) {
        const struct stk_scene_step step = {
            .take = taken(conv),
            .give = conv->total[0],
            .delay_ns = walk->packet->time_ns > conv->last_ns ? walk->packet->time_ns - conv->last_ns : 0,
            .fin = fin,
            .take_fin = conv->fin_taken,
            .rst = rst};
        return step_add(walk->scene, conv, &step);
    }
    return true;
}

static bool udp_note(struct walk *walk, struct stk_scene_conv *conv, int side)
{
    const uint32_t bytes = nic_layers_whole(&walk->layers) ? nic_layers_data_len(&walk->layers) : 0;
    const uint64_t count = conv->total[side]++;
    if (!bytes_keep(walk, conv, side, conv->bytes_len[side], bytes)) {
        return false;
    }
    if (side != 0) {
        return true;
    }
    if (!grow32(walk->scene, (void **)&conv->sizes, (uint32_t)count + 1, &conv->sizes_room, sizeof(*conv->sizes))) {
        return false;
    }
    conv->sizes[count] = bytes;
    const struct stk_scene_step step = {
        .take = taken(conv),
        .give = conv->total[0],
        .delay_ns = walk->packet->time_ns > conv->last_ns ? walk->packet->time_ns - conv->last_ns : 0};
    return step_add(walk->scene, conv, &step);
}

/* What was damaged on its way says nothing of who sent it. */
static bool damaged(const struct walk *walk)
{
    enum nic_layers_sum l3;
    enum nic_layers_sum l4;
    nic_layers_sums(&walk->layers, &l3, &l4);
    return strcmp(walk->of->checksum, "ignore") != 0 && (l3 == NIC_SUM_BAD || l4 == NIC_SUM_BAD);
}

static bool packet_note(struct walk *walk)
{
    int live = 0;
    const struct nic_packet *packet = walk->packet;
    nic_layers_parse(packet->frame, packet->len, packet->full_len, &walk->layers);
    if (walk->layers.kind != NIC_LAYERS_TCP && walk->layers.kind != NIC_LAYERS_UDP) {
        return true;
    }
    if (walk->of->mode == STK_CASE_TCP && (walk->layers.fragment || damaged(walk))) {
        return true; /* those that could be put together were */
    }
    walk->src = addr_of(walk, walk->layers.src, walk->layers.sport);
    walk->dst = addr_of(walk, walk->layers.dst, walk->layers.dport);
    struct stk_scene_conv *conv = conv_find(walk, &live);
    if (conv == NULL) {
        if (walk->of->mode == STK_CASE_TCP && walk->layers.kind == NIC_LAYERS_TCP && !is_syn(&walk->layers)) {
            return true; /* the player leaves it out, too */
        }
        bool refused = false;
        conv = conv_add(walk, &live, &refused);
        if (refused) {
            return true;
        }
    }
    if (conv == NULL) {
        return false;
    }
    const int side = live ? 0 : 1;
    const bool kept = walk->layers.kind == NIC_LAYERS_TCP ? tcp_note(walk, conv, side) : udp_note(walk, conv, side);
    conv->last_ns = packet->time_ns;
    return kept;
}

/* As the player has it: a silence of more than an hour is one hour. */
static uint64_t time_of(struct walk *walk, uint64_t time_ns)
{
    if (walk->begun && time_ns > walk->last_ns && time_ns - walk->last_ns > SILENCE_NS) {
        walk->skip_ns += time_ns - walk->last_ns - SILENCE_NS;
    }
    walk->last_ns = time_ns > walk->last_ns ? time_ns : walk->last_ns;
    return time_ns > walk->skip_ns ? time_ns - walk->skip_ns : 0;
}

/* The next packet as the player has it; false: there is no room for what it says. */
static bool packet_take(struct walk *walk)
{
    struct stk_scene *scene = walk->scene;
    struct nic_packet *packet = walk->packet;
    scene->packets++;
    if (walk->pieces != NULL && nic_pieces_take(walk->pieces, packet, false) == NIC_PIECES_HELD) {
        return true;
    }
    packet->time_ns = time_of(walk, packet->time_ns);
    if (!walk->begun) {
        walk->begun = true;
        scene->first_ns = packet->time_ns;
    }
    if (packet->time_ns < scene->first_ns) {
        packet->time_ns = scene->first_ns;
    }
    return packet_note(walk);
}

static int read_file(const struct stk_case *of, const char *path, const struct nic_rewrite *rewrite,
                     struct stk_scene *out, char *reason)
{
    struct nic_reader *reader = NULL;
    struct nic_packet packet;
    struct walk walk = {.scene = out, .of = of, .with_bytes = out->with_bytes, .packet = &packet, .rewrite = rewrite};
    reason[0] = '\0';
    walk.heads = calloc(HASH_SIZE, sizeof(*walk.heads));
    if (walk.heads == NULL) {
        (void)snprintf(reason, STK_SCENE_REASON_SIZE, "no memory");
        return STK_ENOMEM;
    }
    char why[NIC_READER_REASON_SIZE] = "";
    int err = nic_reader_open(path, &reader, why);
    if (err != STK_OK) {
        (void)snprintf(reason, STK_SCENE_REASON_SIZE, "%.180s: %s", path, why);
        free(walk.heads);
        return err;
    }
    struct nic_order *order = NULL;
    int got = 0;
    err = nic_order_make(reader, of->mode == STK_CASE_TCP ? NIC_ORDER_WINDOW_NS : 0, &order);
    if (err == STK_OK && of->mode == STK_CASE_TCP) {
        err = nic_pieces_make(&(struct nic_pieces_conf){.lost = NULL}, &walk.pieces);
    }
    while (err == STK_OK && (got = nic_order_next(order, &packet)) == 1) {
        if (!packet_take(&walk)) {
            (void)snprintf(reason, STK_SCENE_REASON_SIZE, "%.180s: packet %llu: more than %u MiB of conversations",
                           path, (unsigned long long)packet.number, (unsigned)(MEMORY_MAX >> 20));
            err = STK_ENOMEM;
        }
    }
    if (err == STK_OK && got < 0 && out->packets == 0) {
        (void)snprintf(reason, STK_SCENE_REASON_SIZE, "%.180s: %s", path, nic_order_reason(order));
        err = STK_EPROTO;
    }
    listens_note(out);
    nic_pieces_free(walk.pieces);
    nic_order_free(order);
    nic_reader_close(reader);
    free(walk.heads);
    return err;
}

static void clear(struct stk_scene *scene, bool with_bytes)
{
    memset(scene, 0, sizeof(*scene));
    scene->with_bytes = with_bytes;
}

static int complain(char *reason, const char *text)
{
    (void)snprintf(reason, STK_SCENE_REASON_SIZE, "%s", text);
    return STK_EINVAL;
}

/* The stack gets another address than the recorded side had: one rule more, from the one to the other. */
static int address_rule(const struct stk_case *of, struct stk_scene *scene, struct nic_rewrite *rewrite, char *reason)
{
    char text[48];
    char name[48];
    uint8_t ip[16] = {0};
    uint8_t bytes = 0;
    const struct stk_addr *local = NULL;
    (void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(of->address, "/"), of->address);
    const char *slash = strchr(of->address, '/');
    char *end = NULL;
    const unsigned long bits = slash != NULL ? strtoul(slash + 1, &end, 10) : 0;
    if (!nic_rewrite_ip_read(text, ip, &bytes) || slash == NULL || end == slash + 1 || *end != '\0' || bits == 0 ||
        bits >= bytes * 8u) { /* a link of one has no router */
        return complain(reason, "address: it is ADDRESS/PREFIX");
    }
    for (uint32_t i = 0; i < scene->locals_count; i++) {
        if (scene->locals[i].addr.family == (bytes == 4 ? STK_AF_INET : STK_AF_INET6)) {
            if (local != NULL) {
                return complain(reason,
                                "address: the side whose place the stack takes has several addresses (key rewrite "
                                "changes each of them)");
            }
            local = &scene->locals[i].addr;
        }
    }
    if (local == NULL) {
        return complain(reason, "address: the side whose place the stack takes has none of that family");
    }
    for (uint32_t i = 0; i < rewrite->count; i++) {
        if (rewrite->rules[i].kind == NIC_REWRITE_IP && memcmp(rewrite->rules[i].to, local->ip, bytes) == 0) {
            return complain(reason, "address: the key rewrite changes that address already");
        }
    }
    (void)snprintf(scene->rewrite, sizeof(scene->rewrite), "%s%sip %s -> %s", of->rewrite,
                   of->rewrite[0] != '\0' ? ", " : "", stk_scene_addr_text(local, name), text);
    const char *why = nic_rewrite_parse(scene->rewrite, rewrite);
    return why == NULL ? STK_OK : complain(reason, why);
}

int stk_scene_read(const struct stk_case *of, bool with_bytes, struct stk_scene *out, char *reason)
{
    struct nic_rewrite rewrite;
    char text[STK_SCENE_REWRITE_SIZE];
    const char *why = nic_rewrite_parse(of->rewrite, &rewrite);
    clear(out, with_bytes);
    if (of->rewrite[0] == '\0') {
        rewrite.count = 0;
    } else if (why != NULL) {
        (void)snprintf(reason, STK_SCENE_REASON_SIZE, "rewrite: %s", why);
        return STK_EINVAL;
    }
    int err = read_file(of, of->capture, &rewrite, out, reason);
    (void)strcpy(out->rewrite, of->rewrite);
    if (err != STK_OK || of->mode != STK_CASE_TCP || of->address[0] == '\0') {
        return err;
    }
    err = address_rule(of, out, &rewrite, reason);
    if (err == STK_OK) {
        (void)strcpy(text, out->rewrite);
        stk_scene_free(out);
        clear(out, with_bytes);
        err = read_file(of, of->capture, &rewrite, out, reason);
        (void)strcpy(out->rewrite, text);
    }
    return err;
}

int stk_scene_read_file(const struct stk_case *of, const char *path, struct stk_scene *out, char *reason)
{
    const struct nic_rewrite none = {.count = 0};
    clear(out, true);
    return read_file(of, path, &none, out, reason);
}

void stk_scene_free(struct stk_scene *scene)
{
    for (uint32_t i = 0; i < scene->convs_count; i++) {
        free(scene->convs[i].bytes[0]);
        free(scene->convs[i].bytes[1]);
        free(scene->convs[i].sizes);
        free(scene->convs[i].steps);
    }
    free(scene->convs);
    memset(scene, 0, sizeof(*scene));
}
