/**
 * @file
 * Which of an actor's connections are to be looked at: those of which
 * something came, and those whose time has come. What it costs does not grow
 * with how many there are. And a hash of things by number.
 *
 * All of it belongs to the actor's thread; numbers count from 0.
 */
#ifndef STACK_REPLAY_ACTOR_READY_H
#define STACK_REPLAY_ACTOR_READY_H

#include <stdbool.h>
#include <stdint.h>

/** When a number is to be looked at. */
struct actor_due {
    uint64_t time_ns;
    uint32_t number;
};

struct actor_ready {
    uint32_t *hot; /**< to be looked at in the next turn */
    uint32_t hot_count;
    uint8_t *is_hot;
    struct actor_due *heap; /**< the earliest first; some are no longer wanted */
    uint32_t heap_count;
    uint64_t *due_ns; /**< by number: the latest wish; 0: none */
    uint32_t room;
    uint32_t heap_room;
};

/** Make room for numbers below count. @return  false: there is no memory. */
bool actor_ready_room(struct actor_ready *ready, uint32_t count);
void actor_ready_free(struct actor_ready *ready);

/** It is looked at in the next turn. */
void actor_ready_now(struct actor_ready *ready, uint32_t number);

/** It is looked at when that time has come, whatever was wished before; 0: not by itself. @return  false: no memory. */
bool actor_ready_at(struct actor_ready *ready, uint32_t number, uint64_t time_ns);

/** @return  When the next is due, or STK_NEVER. */
uint64_t actor_ready_next_ns(struct actor_ready *ready);

/**
 * Take those that are to be looked at, in the order of their numbers.
 *
 * @param out  Room for all.
 * @return     How many.
 */
uint32_t actor_ready_take(struct actor_ready *ready, uint64_t now_ns, uint32_t *out);

/** Things by their hash, the latest added first. */
struct actor_index {
    uint32_t *heads; /**< number and 1; 0: none */
    uint32_t *next;
    uint32_t mask;
    uint32_t room;
};

/** @param size  About as many as there will be. @return  false: no memory. */
bool actor_index_make(struct actor_index *index, uint32_t size);
/** Make room for numbers below count. @return  false: no memory. */
bool actor_index_room(struct actor_index *index, uint32_t count);
void actor_index_free(struct actor_index *index);
void actor_index_add(struct actor_index *index, uint32_t hash, uint32_t number);

/** @return  Where the first number of this hash stands, and 1 is added to it; 0: none. Those of other hashes are among them. */
uint32_t *actor_index_first(struct actor_index *index, uint32_t hash);

/** @return  Where the one after *at stands. */
uint32_t *actor_index_next(struct actor_index *index, const uint32_t *at);

#endif
