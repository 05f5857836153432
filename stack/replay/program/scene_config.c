#include "scene.h"

#include "stack/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/printf.h"

/** Neighbours of a port, less the two routers. */
#define NEIGHBOURS_MAX 30u
/** More conversations than this may need more memory than all have. */
#define MANY_CONVS 1500u
/** How long a connection may last longer than its record. */
#define CLOSING_NS UINT64_C(1000000000)

struct text {
    char *at;
    size_t left;
    bool full;
};

STK_PRINTF(2, 3) static void add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= text->left) {
        text->full = true;
        return;
    }
    text->at += len;
    text->left -= (size_t)len;
}

char *stk_scene_addr_text(const struct stk_addr *addr, char out[48])
{
    if (addr->family == STK_AF_INET) {
        (void)snprintf(out, 48, "%u.%u.%u.%u", addr->ip[0], addr->ip[1], addr->ip[2], addr->ip[3]);
        return out;
    }
    char *at = out;
    for (uint32_t i = 0; i < 16; i += 2) {
        at += snprintf(at, 8, "%s%x", i == 0 ? "" : ":", (unsigned)(addr->ip[i] << 8 | addr->ip[i + 1]));
    }
    return out;
}

static void add_mac(struct text *text, const char *key, const uint8_t *mac)
{
    add(text, "%s%02x:%02x:%02x:%02x:%02x:%02x\n", key, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* A host whose address ends in zeros is in a network whose own address ends in more of them, and that has room for a router. */
static uint32_t host_bits(const uint8_t *ip)
{
    uint32_t bits = 24;
    while (bits > 1 && (ip[(bits - 1) / 8] & (0x80u >> (bits - 1) % 8)) == 0) {
        bits--;
    }
    return bits > 1 ? bits - 1 : 1;
}

static bool bits_same(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
    const uint32_t bytes = bits / 8;
    const uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));
    return memcmp(a, b, bytes) == 0 && (bits % 8 == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

/* More than the stack can be told of: those behind a router need not be told of one by one. */
static bool crowded(const struct stk_scene *scene, const struct stk_addr *local, uint32_t bits)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < scene->peers_count && count <= NEIGHBOURS_MAX; i++) {
        const struct stk_addr *peer = &scene->peers[i].addr;
        count += peer->family == local->family && bits_same(peer->ip, local->ip, bits) ? 1 : 0;
    }
    return count > NEIGHBOURS_MAX;
}

/* The smallest link in which the address is a host's, neither the network's own nor its broadcast. */
static uint32_t small_link(const struct stk_addr *local, uint32_t usual)
{
    const uint32_t most = local->family == STK_AF_INET ? 32 : 128;
    for (uint32_t bits = most - 2; bits > most - 8; bits--) {
        const uint32_t all = (1u << (most - bits)) - 1;
        const uint32_t host = local->ip[most / 8 - 1] & all;
        if (host != 0 && host != all) {
            return bits;
        }
    }
    return usual;
}

/* Bits of an address that its link shares: as the case says, else as is usual. */
static uint32_t link_bits(const struct stk_scene *scene, const struct stk_case *of, const struct stk_addr *local,
                          bool first)
{
    const bool ip4 = local->family == STK_AF_INET;
    const char *slash = strchr(of->address, '/');
    if (of->mode == STK_CASE_TCP && slash != NULL && (strchr(of->address, ':') == NULL) == ip4) {
        return (uint32_t)strtoul(slash + 1, NULL, 10);
    }
    if (ip4 && local->ip[3] == 0 && first) {
        return host_bits(local->ip);
    }
    /* What ends a network of length 24 is a host's in another one (RFC 3021: in a /31). */
    const uint32_t bits = ip4 ? (local->ip[3] == 0 || local->ip[3] == 255 ? 31 : 24) : 64;
    return of->mode == STK_CASE_TCP && crowded(scene, local, bits) ? small_link(local, bits) : bits;
}

/* An address as good as any other on the same link. */
static struct stk_addr gateway_of(const struct stk_addr *local, uint32_t bits)
{
    struct stk_addr gateway = *local;
    uint8_t *last = &gateway.ip[local->family == STK_AF_INET ? 3 : 15];
    const uint32_t most = local->family == STK_AF_INET ? 32 : 128;
    if (bits > most - 8) {
        const uint32_t host = (1u << (most - bits)) - 1; /* neither the network's own address nor its broadcast */
        const uint32_t near = (*last ^ 1u) & host;
        *last = (uint8_t)(*last ^ (most - bits > 1 && (near == 0 || near == host) ? 3u : 1u));
    } else {
        *last = *last == 254 ? 253 : 254;
    }
    return gateway;
}

static bool mac_usable(const uint8_t *mac)
{
    static const uint8_t zero[6];
    return (mac[0] & 1) == 0 && memcmp(mac, zero, sizeof(zero)) != 0;
}

/* The stack's own. */
static const uint8_t *own_mac(const struct stk_scene *scene)
{
    static const uint8_t own[6] = {2, 0, 0, 0, 0, 1};
    return scene->locals_count > 0 && mac_usable(scene->locals[0].mac) ? scene->locals[0].mac : own;
}

/* Made headers have the same address at both ends, groups' are nobody's: then a peer cannot have its own. */
static const uint8_t *peer_mac(const struct stk_scene *scene, const uint8_t *mac)
{
    static const uint8_t other[6] = {2, 0, 0, 0, 0, 2};
    return mac_usable(mac) && memcmp(mac, own_mac(scene), 6) != 0 ? mac : other;
}

static bool local_is(const struct stk_scene *scene, const struct stk_addr *addr)
{
    for (uint32_t i = 0; i < scene->locals_count; i++) {
        if (memcmp(scene->locals[i].addr.ip, addr->ip, sizeof(addr->ip)) == 0) {
            return true;
        }
    }
    return false;
}

/* On the link of an address before it: who is known on a link is known to one interface of it. */
static bool link_taken(const struct stk_scene *scene, const struct stk_scene_host *local, uint32_t bits)
{
    for (const struct stk_scene_host *other = scene->locals; other < local; other++) {
        if (other->addr.family == local->addr.family && bits_same(other->addr.ip, local->addr.ip, bits)) {
            return true;
        }
    }
    return false;
}

static void add_local(struct text *text, const struct stk_scene *scene, const struct stk_case *of,
                      const struct stk_scene_host *local, bool first)
{
    char name[48];
    const bool ip4 = local->addr.family == STK_AF_INET;
    uint32_t bits = link_bits(scene, of, &local->addr, first);
    if (ip4 && !first && link_taken(scene, local, bits)) {
        bits = 32;
    }
    add(text, "address = %s/%u\n", stk_scene_addr_text(&local->addr, name), (unsigned)bits);
    if (!first || scene->peers_count == 0 || bits >= (ip4 ? 32u : 128u)) {
        return;
    }
    /* Whoever is not on the link is reached by way of a router that has the first peer's address on the link. */
    struct stk_addr gateway = gateway_of(&local->addr, bits);
    for (uint8_t last = 252; last > 0 && bits <= (ip4 ? 24u : 120u) && local_is(scene, &gateway); last--) {
        gateway.ip[ip4 ? 3 : 15] = last;
    }
    bool taken = false;
    for (uint32_t i = 0; i < scene->peers_count; i++) {
        taken = taken || memcmp(scene->peers[i].addr.ip, gateway.ip, 16) == 0;
    }
    stk_scene_addr_text(&gateway, name);
    add(text, "route = %s via %s\n", ip4 ? "0.0.0.0/0" : "::/0", name);
    if (!taken) {
        char key[80];
        (void)snprintf(key, sizeof(key), "neighbour = %s ", name);
        add_mac(text, key, peer_mac(scene, scene->peers[0].mac));
    }
}

/* Mode tcp moves the recorded side to the address that the case names; the others only add one. */
static bool own_address(const struct stk_case *of)
{
    return of->address[0] != '\0' && of->mode != STK_CASE_TCP;
}

static bool on_link(const struct stk_scene *scene, const struct stk_case *of, const struct stk_addr *peer)
{
    for (uint32_t i = 0; i < scene->locals_count; i++) {
        if (memcmp(&scene->locals[i].addr, peer, sizeof(*peer)) == 0) {
            return false; /* both ends are this host's */
        }
    }
    for (uint32_t i = 0; i < scene->locals_count && !own_address(of); i++) {
        const struct stk_addr *local = &scene->locals[i].addr;
        const uint32_t bits = link_bits(scene, of, local, i == 0 || scene->locals[0].addr.family != local->family);
        if (peer->family == STK_AF_INET && peer->ip[3] == 255 && bits == 24) {
            continue; /* broadcast to this network */
        }
        if (local->family == peer->family && bits_same(local->ip, peer->ip, bits)) {
            return true;
        }
    }
    return false;
}

static void add_places(struct text *text, const struct stk_scene *scene, const struct stk_case *of)
{
    bool first[2] = {true, true};
    char name[48];
    add_mac(text, "mac = ", own_mac(scene));
    if (own_address(of)) {
        add(text, "address = %s\n", of->address);
    }
    for (uint32_t i = 0; i < scene->locals_count && !own_address(of); i++) {
        const uint32_t six = scene->locals[i].addr.family == STK_AF_INET6;
        add_local(text, scene, of, &scene->locals[i], first[six]);
        first[six] = false;
    }
    if (scene->locals_count == 0 && !own_address(of)) {
        add(text, "address = 192.0.2.1/24\n");
    }
    for (uint32_t i = 0, said = 0; i < scene->peers_count && said < NEIGHBOURS_MAX; i++) {
        if (!on_link(scene, of, &scene->peers[i].addr)) {
            continue; /* by way of the router */
        }
        char key[80];
        (void)snprintf(key, sizeof(key), "neighbour = %s ", stk_scene_addr_text(&scene->peers[i].addr, name));
        add_mac(text, key, peer_mac(scene, scene->peers[i].mac));
        said++;
    }
}

static bool extra_has(const char (*lines)[STK_CASE_TEXT], uint32_t count, const char *key)
{
    for (uint32_t i = 0; i < count; i++) {
        const size_t len = strlen(key);
        if (strncmp(lines[i], key, len) == 0 && (lines[i][len] == ' ' || lines[i][len] == '=')) {
            return true;
        }
    }
    return false;
}

/* As many as the capture may need at a time; those of small captures are alike, whatever is in them. */
static void count_text(char *out, size_t size, uint32_t least, uint32_t convs)
{
    const uint32_t count = convs < least / 2 ? least : convs < 60000 ? 2 * convs : 120000;
    (void)snprintf(out, size, "%u", (unsigned)count);
}

static int times_order(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* How many connections there were at a time, or more. */
static uint32_t at_a_time(const struct stk_scene *scene)
{
    const uint32_t count = scene->convs_count;
    uint64_t *begins = count > MANY_CONVS ? malloc(2 * count * sizeof(*begins)) : NULL;
    if (begins == NULL) {
        return count;
    }
    uint64_t *ends = begins + count;
    for (uint32_t i = 0; i < count; i++) {
        /* Behind the first packet: the times themselves may be as late as can be said. */
        begins[i] = scene->convs[i].begin_ns;
        ends[i] = scene->convs[i].last_ns - scene->first_ns + CLOSING_NS;
    }
    qsort(begins, count, sizeof(*begins), times_order);
    qsort(ends, count, sizeof(*ends), times_order);
    uint32_t most = 0;
    for (uint32_t begun = 0, ended = 0; begun < count; begun++) {
        while (ended < begun && ends[ended] < begins[begun]) {
            ended++;
        }
        most = begun + 1 - ended > most ? begun + 1 - ended : most;
    }
    free(begins);
    return most;
}

/* Each connection that holds bytes holds a piece of the engine's memory for each direction. */
static void memory_text(char *out, size_t size, const struct stk_scene *scene)
{
    const uint32_t convs = at_a_time(scene);
    const uint32_t more = convs <= MANY_CONVS ? 0 : convs / 32; /* twice 16 KiB */
    (void)snprintf(out, size, "%uMiB", 64u + (unsigned)more);
}

static void add_engine(struct text *text, const struct stk_scene *scene, const struct stk_case *of)
{
    char sockets[12];
    char tcp[12];
    char udp[12];
    char memory[16];
    memory_text(memory, sizeof(memory), scene);
    count_text(sockets, sizeof(sockets), 1024, scene->convs_count);
    count_text(tcp, sizeof(tcp), 512, scene->convs_count);
    count_text(udp, sizeof(udp), 128, scene->convs_count);
    const char *const defaults[][2] = {
        {"sockets_max", sockets}, {"buffer_memory", memory}, {"rcvbuf", "1MiB"},
        {"tcp_max", tcp},         {"udp_max", udp},          {"drain_timeout", "2s"},
    };
    add(text, "[engine]\nclock = %s\nseed = %u\nvirtual_linger = %llums\n", of->real_clock ? "real" : "virtual",
        (unsigned)of->seed, (unsigned long long)of->linger_ms);
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (!extra_has((const char(*)[STK_CASE_TEXT])of->extra_engine, of->extra_engine_count, defaults[i][0])) {
            add(text, "%s = %s\n", defaults[i][0], defaults[i][1]);
        }
    }
    for (uint32_t i = 0; i < of->extra_engine_count; i++) {
        add(text, "%s\n", of->extra_engine[i]);
    }
}

int stk_scene_config(const struct stk_scene *scene, const struct stk_case *of, const char *capture, const char *report,
                     char *out, size_t size)
{
    struct text text = {.at = out, .left = size};
    add_engine(&text, scene, of);
    add(&text, "[port replay]\nindex = 2\ndriver = replay\nmtu = %u\nipv6_ll = no\n", (unsigned)of->mtu);
    add_places(&text, scene, of);
    add(&text, "replay.file = %s\nreplay.report = %s\nreplay.capture = %s\nreplay.capture_clock = %s\n", of->capture,
        report, capture, of->real_clock ? "wall" : "port");
    if (of->mode == STK_CASE_TCP) {
        add(&text, "replay.mode = tcp\nreplay.play = %s\n", of->play == STK_CASE_CLIENT ? "client" : "server");
    }
    add(&text, "replay.speed = %s\nreplay.checksum = %s\nreplay.loops = %llu\nreplay.stop_at = %llu\n", of->speed,
        of->checksum, (unsigned long long)of->loops, (unsigned long long)of->stop_at);
    add(&text, "replay.start = %llums\nreplay.timeout = %llums\n", (unsigned long long)of->start_ms,
        (unsigned long long)of->timeout_ms);
    if (of->filter[0] != '\0') {
        add(&text, "replay.filter = %s\n", of->filter);
    }
    if (scene->rewrite[0] != '\0') {
        add(&text, "replay.rewrite = %s\n", scene->rewrite);
    }
    for (uint32_t i = 0; i < of->extra_port_count; i++) {
        add(&text, "%s\n", of->extra_port[i]);
    }
    return text.full ? STK_EINVAL : STK_OK;
}
