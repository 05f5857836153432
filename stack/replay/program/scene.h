/**
 * @file
 * What a capture tells of the place that is replayed: whose address the stack
 * takes, who its peers are, and what each side of each conversation said.
 */
#ifndef STACK_REPLAY_SCENE_H
#define STACK_REPLAY_SCENE_H

#include "case.h"
#include "nic/layers.h"
#include "stack/addr.h"

#define STK_SCENE_PEERS_MAX 4096u
#define STK_SCENE_LOCALS_MAX 16u
#define STK_SCENE_LOCALS6_MAX 7u /**< of these: an interface has one more, of its own */
#define STK_SCENE_LISTENS_MAX 32u
#define STK_SCENE_REASON_SIZE 512

struct stk_scene_host {
    struct stk_addr addr; /**< port 0 */
    uint8_t mac[6];
};

/** What the live side does next: totals of its streams. */
struct stk_scene_step {
    uint64_t take;     /**< bytes, or datagrams, of the peer that must have come */
    uint64_t give;     /**< bytes, or datagrams, that it has sent then */
    uint64_t delay_ns; /**< behind the step before */
    bool take_fin;     /**< the peer's FIN, too */
    bool fin;
    bool rst;
};

#define STK_SCENE_REWRITE_SIZE (STK_CASE_TEXT + 128u)
#define STK_SCENE_HOLES_MAX 64u

/** Bytes that were not seen yet. */
struct stk_scene_hole {
    uint64_t from;
    uint64_t to;
};

/** A conversation: side 0 is the live one. */
struct stk_scene_conv {
    uint8_t proto;
    bool live_began;
    struct stk_addr live;
    struct stk_addr peer;
    uint32_t hash_next; /**< the one before it with such ends, and 1; 0: none */
    uint64_t begin_ns;  /**< behind the capture's first packet */
    uint64_t last_ns;
    uint32_t isn[2];
    bool syn[2];
    uint64_t total[2]; /**< bytes up to the end of what was seen, or datagrams */
    uint8_t *bytes[2]; /**< by side; datagrams: one behind the other */
    uint64_t bytes_len[2];
    uint64_t bytes_room[2];
    struct stk_scene_hole holes[2][STK_SCENE_HOLES_MAX];
    uint32_t holes_count[2];
    bool fin_given;  /**< the live side's FIN was seen */
    bool fin_taken;  /**< the peer's */
    uint32_t *sizes; /**< of the live side's datagrams */
    uint32_t sizes_room;
    struct stk_scene_step *steps;
    uint32_t steps_count;
    uint32_t steps_room;
};

struct stk_scene {
    uint64_t packets;
    uint64_t first_ns;
    struct stk_scene_host locals[STK_SCENE_LOCALS_MAX];
    uint32_t locals_count;
    struct stk_scene_host peers[STK_SCENE_PEERS_MAX];
    uint32_t peers_count;
    struct stk_addr listens[STK_SCENE_LISTENS_MAX]; /**< where the live side is called */
    uint8_t listens_proto[STK_SCENE_LISTENS_MAX];
    uint64_t listens_from_ns[STK_SCENE_LISTENS_MAX]; /**< behind the first packet; before that callers are refused */
    uint32_t listens_count;
    struct stk_scene_conv *convs;
    uint32_t convs_count;
    uint32_t convs_room;
    bool with_bytes;
    char rewrite[STK_SCENE_REWRITE_SIZE]; /**< the player's rules: the case's, and what its address needs */
    uint64_t memory;                      /**< bytes of all that is kept of the capture */
};

/**
 * Look at a case's capture.
 *
 * @param with_bytes  Keep what was said.
 * @param reason      STK_SCENE_REASON_SIZE bytes, filled on failure.
 * @return            0, STK_ENOENT, STK_EINVAL, STK_EPROTO (damaged from the first packet on) or STK_ENOMEM.
 */
int stk_scene_read(const struct stk_case *of, bool with_bytes, struct stk_scene *out, char *reason);

/** The same for another capture of the same case: what passed the port. */
int stk_scene_read_file(const struct stk_case *of, const char *path, struct stk_scene *out, char *reason);

/** Give it back; also one that failed. */
void stk_scene_free(struct stk_scene *scene);

/** An address as text of at most 46 characters and their end. @return  out. */
char *stk_scene_addr_text(const struct stk_addr *addr, char out[48]);

/**
 * The stack's configuration for a case.
 *
 * @param capture  The file that records what passes the port.
 * @param report   The file of the replay driver's report.
 * @param out      size bytes.
 * @return         0, or STK_EINVAL: it does not fit.
 */
int stk_scene_config(const struct stk_scene *scene, const struct stk_case *of, const char *capture, const char *report,
                     char *out, size_t size);

#endif
