/* Whose is a frame of the live side? Conversations that somebody lives in are found by a hash of their three known ends. */
#include "stack/err.h"
#include "talk_priv.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_of(const struct replay_talk *talk, const uint8_t *ip, uint32_t port, uint32_t proto)
{
    uint32_t sum = port * 31 + proto;

    for (uint32_t i = 0; i < 16; i++)
        sum = sum * 31 + ip[i];
    return (uint32_t)((sum * UINT64_C(2654435761)) >> 7) & (talk->live_size - 1);
}

static uint32_t *live_head(struct replay_talk *talk, const struct replay_talk_conv *conv, uint16_t live_port)
{
    const uint32_t ports = (uint32_t)conv->port[0] << 16 | live_port;

    return &talk->live_hash[hash_of(talk, conv->ip[0], ports, conv->proto)];
}

/* All that wait for a caller at the same address and port are in one list, whose head is found. */
static struct replay_talk_conv *called_find(struct replay_talk *talk, const struct replay_talk_conv *like,
                                            uint32_t **head)
{
    *head = &talk->called_hash[hash_of(talk, like->ip[0], like->port[0], like->proto)];
    for (uint32_t i = **head; i != REPLAY_NONE; i = talk->convs[i].called_hash_next) {
        struct replay_talk_conv *conv = &talk->convs[i];

        if (conv->version == like->version && conv->proto == like->proto && conv->port[0] == like->port[0] &&
            memcmp(conv->ip[0], like->ip[0], 16) == 0)
            return conv;
    }
    return NULL;
}

/* Of those that wait for a caller the one whose recorded caller had these ends. */
static struct replay_talk_conv *recorded_find(struct replay_talk *talk, const struct replay_talk_conv *like)
{
    uint32_t *link = &talk->recorded_hash[hash_of(talk, like->ip[1], like->port[1], like->port[0])];

    while (*link != REPLAY_NONE) {
        struct replay_talk_conv *conv = &talk->convs[*link];
        const uint32_t next = conv->recorded_next;

        if (conv->live || conv->over) { /* the next one of these ends takes its place */
            *link = conv->after != REPLAY_NONE ? conv->after : next;
            if (conv->after != REPLAY_NONE)
                talk->convs[conv->after].recorded_next = next;
        } else if (conv->version == like->version && conv->proto == like->proto && conv->port[0] == like->port[0] &&
                   conv->port[1] == like->port[1] && memcmp(conv->ip, like->ip, sizeof(conv->ip)) == 0) {
            return conv;
        } else {
            link = &conv->recorded_next;
        }
    }
    return NULL;
}

static void called_add(struct replay_talk *talk, uint32_t index)
{
    struct replay_talk_conv *conv = &talk->convs[index];
    uint32_t *head = &talk->recorded_hash[hash_of(talk, conv->ip[1], conv->port[1], conv->port[0])];

    if (conv->before == REPLAY_NONE) {
        conv->recorded_next = *head;
        *head = index;
    }
    struct replay_talk_conv *list = called_find(talk, conv, &head);

    conv->called_next = REPLAY_NONE;
    if (list != NULL) {
        talk->convs[list->called_last].called_next = index;
        list->called_last = index;
        return;
    }
    conv->called_first = conv->called_last = index;
    conv->called_hash_next = *head;
    *head = index;
}

int replay_live_open(struct replay_talk *talk)
{
    for (talk->live_size = 64; talk->live_size < talk->convs_count;)
        talk->live_size *= 2;
    talk->live_hash = malloc(talk->live_size * sizeof(*talk->live_hash));
    talk->called_hash = malloc(talk->live_size * sizeof(*talk->called_hash));
    talk->recorded_hash = malloc(talk->live_size * sizeof(*talk->recorded_hash));
    if (talk->live_hash == NULL || talk->called_hash == NULL || talk->recorded_hash == NULL)
        return STK_ENOMEM;
    memset(talk->live_hash, 0xff, talk->live_size * sizeof(*talk->live_hash));
    memset(talk->called_hash, 0xff, talk->live_size * sizeof(*talk->called_hash));
    memset(talk->recorded_hash, 0xff, talk->live_size * sizeof(*talk->recorded_hash));
    for (uint32_t i = 0; i < talk->convs_count; i++) {
        if (!talk->convs[i].we_began)
            called_add(talk, i);
    }
    return 0;
}

void replay_live_close(struct replay_talk *talk)
{
    free(talk->live_hash);
    free(talk->called_hash);
    free(talk->recorded_hash);
}

void replay_live_add(struct replay_talk *talk, struct replay_talk_conv *conv, uint16_t live_port)
{
    uint32_t *head = live_head(talk, conv, live_port);

    if (conv->listed)
        return;
    conv->listed = true;
    conv->live_port = live_port;
    conv->live_next = *head;
    *head = conv->number - 1;
}

/* Has the conversation's live side this address, as far as that is known? */
static bool lives_at(const struct replay_talk_conv *conv, const uint8_t *ip)
{
    return memcmp(conv->live_ip, ip, 16) == 0;
}

/*
 * Of those with these ports: who has the caller's address before who has not, as an answer to a group comes from elsewhere;
 * of these the first that lives, or else the last. Others that are over will never be asked for again.
 */
static struct replay_talk_conv *known_find(struct replay_talk *talk, const struct replay_talk_conv *like)
{
    struct replay_talk_conv *best = NULL;
    uint32_t *link = live_head(talk, like, like->port[1]);

    while (*link != REPLAY_NONE) {
        struct replay_talk_conv *conv = &talk->convs[*link];

        if (conv->version != like->version || conv->proto != like->proto || conv->port[0] != like->port[0] ||
            conv->live_port != like->port[1] || memcmp(conv->ip[0], like->ip[0], 16) != 0) {
            link = &conv->live_next;
            continue;
        }
        const bool here = lives_at(conv, like->ip[1]);
        const bool best_here = best != NULL && lives_at(best, like->ip[1]);
        if (best != NULL && here == best_here && conv->over && (!best->over || conv < best) &&
            memcmp(conv->live_ip, best->live_ip, 16) == 0) {
            *link = conv->live_next;
            continue;
        }
        if (best == NULL || (here != best_here ? here : best->over || (!conv->over && conv < best)))
            best = conv;
        link = &conv->live_next;
    }
    return best;
}

struct replay_talk_conv *replay_live_find(struct replay_talk *talk, const uint8_t *frame,
                                          const struct replay_view *view)
{
    struct replay_talk_conv like = {.version = view->version, .proto = view->proto};
    uint32_t *head;

    like.port[0] = replay_get16(frame + view->l4 + 2);
    like.port[1] = replay_get16(frame + view->l4);
    memcpy(like.ip[0], frame + view->dst, view->ip_bytes);
    memcpy(like.ip[1], frame + view->src, view->ip_bytes);
    struct replay_talk_conv *known = known_find(talk, &like);
    const bool stranger = known == NULL || (known->live && !lives_at(known, like.ip[1]));
    struct replay_talk_conv *fresh = recorded_find(talk, &like);
    struct replay_talk_conv *list = fresh == NULL ? called_find(talk, &like, &head) : NULL;
    while (list != NULL && list->called_first != REPLAY_NONE && fresh == NULL) {
        fresh = &talk->convs[list->called_first];
        if (fresh->live || fresh->over) {
            list->called_first = fresh->called_next;
            fresh = NULL;
        }
    }
    const bool begins = view->proto == REPLAY_IPPROTO_UDP ||
                        (frame[view->l4 + 13] & (REPLAY_FLAG_SYN | REPLAY_FLAG_ACK)) == REPLAY_FLAG_SYN;
    if (fresh != NULL && begins &&
        (stranger || (view->proto == REPLAY_IPPROTO_TCP && known->live_they.isn != replay_get32(frame + view->l4 + 4))))
        return fresh;
    return known;
}
