/**
 * @file
 * Who plays which part: the conversations of a scene in which the live side
 * is called, found by who calls. And where it listens, as a case says it.
 *
 * All of it belongs to the actor's thread.
 */
#ifndef STACK_REPLAY_ACTOR_PARTS_H
#define STACK_REPLAY_ACTOR_PARTS_H

#include "actor_ready.h"
#include "scene.h"

struct actor_parts {
    const struct stk_scene *scene;
    uint8_t *used;            /**< of the scene's conversations: somebody plays it */
    uint32_t first;           /**< those before it wait for no caller */
    struct actor_index calls; /**< those that are called, by their peers */
};

/** @param scene  Borrowed until actor_parts_free. @return  false: there is no memory. */
bool actor_parts_open(struct actor_parts *parts, const struct stk_scene *scene);
void actor_parts_free(struct actor_parts *parts);

/**
 * Whose part is this? The one with the same peer; else the first of this port that nobody plays.
 *
 * @param port  Where the peer called.
 * @return      NULL: nobody's. It is not marked as used.
 */
const struct stk_scene_conv *actor_parts_take(struct actor_parts *parts, uint8_t proto, uint16_t port,
                                              const struct stk_addr *peer);

/** A hash of an end of a conversation, and of something more. */
uint32_t actor_end_hash(const struct stk_addr *addr, uint32_t more);

/** The same address and port? */
bool actor_end_same(const struct stk_addr *a, const struct stk_addr *b);

/**
 * Read where to listen: "tcp:7001", "udp:239.1.1.1:5000", "tcp6:80".
 *
 * @return  false: it is none of these.
 */
bool actor_listen_word(const char *word, uint8_t *proto, struct stk_addr *addr);

#endif
