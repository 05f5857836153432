#include "actor_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
uint32_t actor_end_hash(const struct stk_addr *addr, uint32_t more)
{
    uint32_t hash = (UINT32_C(2166136261) ^ addr->port) * UINT32_C(16777619) ^ more;
    for (size_t i = 0; i < sizeof(addr->ip); i++) {
        hash = (hash ^ addr->ip[i]) * UINT32_C(16777619);
    }
    return hash;
}

bool actor_end_same(const struct stk_addr *a, const struct stk_addr *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool actor_parts_open(struct actor_parts *parts, const struct stk_scene *scene)
{
    const uint32_t count = scene->convs_count;
    parts->scene = scene;
    parts->used = calloc(count + 1, 1);
    if (parts->used == NULL || !actor_index_make(&parts->calls, count) || !actor_index_room(&parts->calls, count + 1)) {
        return false;
    }
    /* What is added last is found first. */
    for (uint32_t i = count; i > 0; i--) {
        const struct stk_scene_conv *conv = &scene->convs[i - 1];
        if (!conv->live_began) {
            actor_index_add(&parts->calls, actor_end_hash(&conv->peer, conv->live.port), i - 1);
        }
    }
    return true;
}

void actor_parts_free(struct actor_parts *parts)
{
    actor_index_free(&parts->calls);
    free(parts->used);
}

/* The first of these ends that nobody plays yet; those that are played will not be asked for again. */
static const struct stk_scene_conv *known_find(struct actor_parts *parts, uint8_t proto, uint16_t port,
                                               const struct stk_addr *peer)
{
    uint32_t *at = actor_index_first(&parts->calls, actor_end_hash(peer, port));
    while (*at != 0) {
        const uint32_t number = *at - 1;
        const struct stk_scene_conv *conv = &parts->scene->convs[number];
        if (parts->used[number]) {
            *at = *actor_index_next(&parts->calls, at);
        } else if (conv->proto == proto && conv->live.port == port && actor_end_same(&conv->peer, peer)) {
            return conv;
        } else {
            at = actor_index_next(&parts->calls, at);
        }
    }
    return NULL;
}

const struct stk_scene_conv *actor_parts_take(struct actor_parts *parts, uint8_t proto, uint16_t port,
                                              const struct stk_addr *peer)
{
    const struct stk_scene *scene = parts->scene;
    const struct stk_scene_conv *known = known_find(parts, proto, port, peer);
    if (known != NULL) {
        return known;
    }
    while (parts->first < scene->convs_count && (parts->used[parts->first] || scene->convs[parts->first].live_began)) {
        parts->first++;
    }
    for (uint32_t i = parts->first; i < scene->convs_count; i++) {
        const struct stk_scene_conv *conv = &scene->convs[i];
        if (!parts->used[i] && conv->proto == proto && !conv->live_began && conv->live.port == port) {
            return conv;
        }
    }
    return NULL;
}

static bool ip4_read(const char *text, struct stk_addr *out)
{
    unsigned part[4];
    char rest;
    if (sscanf(text, "%3u.%3u.%3u.%3u%c", &part[0], &part[1], &part[2], &part[3], &rest) != 4) {
        return false;
    }
    for (uint32_t i = 0; i < 4; i++) {
        if (part[i] > 255) {
            return false;
        }
        out->ip[i] = (uint8_t)part[i];
    }
    return true;
}

bool actor_listen_word(const char *word, uint8_t *proto, struct stk_addr *addr)
{
    const char *colon = strchr(word, ':');
    const char *last = strrchr(word, ':');
    *addr = (struct stk_addr){.family = STK_AF_INET};
    if (colon == NULL || (strncmp(word, "tcp", 3) != 0 && strncmp(word, "udp", 3) != 0)) {
        return false;
    }
    *proto = word[0] == 't' ? 6 : 17;
    if (word[3] == '6') {
        addr->family = STK_AF_INET6;
    } else if (word[3] != ':') {
        return false;
    }
    if (last != colon) {
        char ip[48] = "";
        const size_t len = (size_t)(last - colon) - 1;
        if (len >= sizeof(ip) || addr->family == STK_AF_INET6) {
            return false;
        }
        memcpy(ip, colon + 1, len);
        if (!ip4_read(ip, addr)) {
            return false;
        }
    }
    char *end;
    const unsigned long port = strtoul(last + 1, &end, 10);
    addr->port = (uint16_t)port;
    return end != last + 1 && *end == '\0' && port > 0 && port < 65536;
}
