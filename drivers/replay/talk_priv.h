/**
 * @file
 * Conversations of a capture that are played against a live side. "We" are the
 * recorded side that is played; "they" are the side whose place the live
 * program takes. Positions in their stream count from their SYN (0); sequence
 * numbers of ours are the recorded ones.
 */
#ifndef DRV_REPLAY_TALK_PRIV_H
#define DRV_REPLAY_TALK_PRIV_H

#include "replay_priv.h"

#define REPLAY_NONE UINT32_MAX
#define REPLAY_LOCALS_MAX 16u /**< addresses that a port can have */
#define REPLAY_LOCALS6_MAX 7u /**< of these */

/** Where a conversation waits to be looked at. */
enum replay_queue {
    REPLAY_QUEUE_NONE,  /**< for what is heard, or for its predecessor's end */
    REPLAY_QUEUE_TIMER, /**< for a time */
    REPLAY_QUEUE_READY,
};

/** A binary heap of conversations' indices. */
struct replay_heap {
    uint32_t *convs;
    uint32_t count;
};

/** A recorded packet of a conversation. */
struct replay_rec {
    uint64_t number;
    uint64_t time_ns;
    size_t at; /**< of its frame in the arena */
    uint32_t len;
    uint32_t next; /**< of the conversation; REPLAY_NONE: the last */
    uint32_t seq;
    uint32_t ack;
    uint32_t payload; /**< offset in the frame */
    uint32_t bytes;   /**< of payload */
    uint16_t window;
    uint8_t flags;
    bool ours;
    bool damaged; /**< its checksum was wrong: who sent it had sent something else */
    bool repeat;  /**< theirs: no byte of it is new */
};

/** One side of a connection: what its SYN said, and where it stands. */
struct replay_side {
    uint32_t isn;
    bool syn;       /**< seen */
    bool wscale_on; /**< the SYN had the option */
    bool sack_on;
    bool stamps_on;
    uint8_t wscale;
};

struct replay_talk_conv {
    uint32_t number; /**< from 1 */
    uint8_t version;
    uint8_t proto;
    uint8_t ip[2][16];  /**< ours, theirs */
    uint16_t port[2];   /**< as recorded */
    uint16_t live_port; /**< theirs now; 0: not known yet */
    uint8_t live_ip[16];
    bool live; /**< somebody answered, or asked */
    bool we_began;
    bool over;
    bool waiting; /**< they have been looked at in vain: when they come, time goes on from there */
    uint32_t first;
    uint32_t cursor; /**< next packet */
    uint32_t last;
    uint32_t hash_next;
    uint32_t before; /**< an earlier one of the same ends; REPLAY_NONE: none */
    uint32_t after;  /**< the next one of the same ends; REPLAY_NONE: none */
    /* schedule.c */
    enum replay_queue queue;
    bool awaits; /**< something of the live side */
    uint32_t queue_at;
    uint64_t wake_ns;
    /* live.c */
    bool listed; /**< under live_port */
    uint32_t live_next;
    uint32_t called_hash_next; /**< of the heads of lists */
    uint32_t called_next;
    uint32_t called_first; /**< a head's: of its list, not looked at yet */
    uint32_t called_last;
    uint32_t recorded_next;
    /* As recorded. */
    struct replay_side we;
    struct replay_side they;
    uint64_t their_limit; /**< end of the window that they had given us, in our stream */
    uint64_t their_high;  /**< end of what was seen of their stream */
    uint64_t their_end;   /**< of their stream, where a FIN or RST ends it; else UINT64_MAX */
    bool their_rst;       /**< the record has a RST of theirs */
    uint32_t dgrams;      /**< of theirs, up to the cursor */
    uint32_t compare;     /**< where comparing looks first */
    /* Live. */
    struct replay_side live_they;
    uint64_t live_sent;  /**< end of what they sent */
    uint64_t live_acked; /**< of ours, a position */
    uint64_t live_limit; /**< end of the window that they give us */
    uint64_t we_acked;   /**< of theirs, as we said last */
    uint32_t live_stamp; /**< what we echo */
    uint16_t we_window;  /**< as we said last */
    uint32_t we_next;    /**< behind what we sent last */
    uint32_t live_dgrams;
    bool live_rst;
    bool departed; /**< from the record: what comes then is not compared any more */
    uint64_t wait_since_ns;
    /* Time: what the record's time anchor_rec_ns is now. */
    uint64_t anchor_rec_ns;
    uint64_t anchor_ns;
    uint32_t syns_repeated; /**< by us, of ours */
};

/** A host of the capture, and whose place it has. */
struct replay_host {
    uint8_t version; /**< 0: an empty place */
    uint8_t ip[16];
    bool side[2]; /**< ours, theirs */
};

struct replay_talk {
    struct replay_rec *recs;
    uint32_t recs_count;
    uint32_t recs_room;
    struct replay_talk_conv *convs;
    uint32_t convs_count;
    uint32_t convs_room;
    uint32_t open; /**< conversations not over */
    uint8_t *arena;
    size_t arena_used;
    size_t arena_room;
    uint32_t *hash; /**< of hash_size heads */
    uint32_t hash_size;
    uint64_t first_ns;
    struct nic_pieces *heard;  /**< fragments of the live side */
    struct replay_host *hosts; /**< hosts_room places, some empty */
    uint32_t hosts_room;       /**< a power of two */
    uint32_t hosts_count;
    uint32_t locals_count; /**< addresses of theirs that a port must have */
    uint32_t locals6_count;
    struct replay_heap queue[REPLAY_QUEUE_READY + 1];
    uint32_t waiting;   /**< conversations that await something of the live side */
    uint32_t future;    /**< conversations that will send at a time */
    uint32_t live_size; /**< of the hashes, a power of two */
    uint32_t *live_hash;
    uint32_t *called_hash;
    uint32_t *recorded_hash;
    uint64_t progress_ns; /**< when something moved last */
    bool begun;
};

/** Of an address pair, the same for both directions. */
uint32_t replay_talk_hash(const uint8_t *ip_a, const uint8_t *ip_b, uint32_t bytes, uint16_t port_a, uint16_t port_b);

/** What a segment says of its side: SYN's options. */
void replay_side_read(struct replay_side *side, const uint8_t *frame, const struct replay_view *view);

/** Their stream's position of a sequence number, near another position. */
static inline uint64_t replay_position(uint32_t isn, uint32_t seq, uint64_t near)
{
    return near + (uint64_t)(int64_t)(int32_t)(seq - isn - (uint32_t)near);
}

/* schedule.c: which conversation is looked at next, and when. */

/** Make room for all conversations. @retval STK_ENOMEM  There is none. */
int replay_schedule_open(struct replay_talk *talk);
void replay_schedule_close(struct replay_talk *talk);

/** It is looked at as soon as can be. */
void replay_schedule_ready(struct replay_talk *talk, struct replay_talk_conv *conv);

/** It is looked at when that time has come (STK_NEVER: not by itself); awaits: for lack of what the live side does. */
void replay_schedule_at(struct replay_talk *talk, struct replay_talk_conv *conv, uint64_t wake_ns, bool awaits);

/** It is looked at when it is made ready. */
void replay_schedule_never(struct replay_talk *talk, struct replay_talk_conv *conv);

/** @return  The first that is ready by now, which stays so until it is given a time; NULL: none. */
struct replay_talk_conv *replay_schedule_next(struct replay_talk *talk, uint64_t now_ns);

/** @return  When the next one is ready; 0: now; STK_NEVER: none by itself. */
uint64_t replay_schedule_due_ns(const struct replay_talk *talk);

/* live.c: whose is what the live side sends. */

/** Note who waits for callers. @retval STK_ENOMEM  There is no memory. */
int replay_live_open(struct replay_talk *talk);
void replay_live_close(struct replay_talk *talk);

/** From now on what comes from this port is the conversation's. Once for each. */
void replay_live_add(struct replay_talk *talk, struct replay_talk_conv *conv, uint16_t live_port);

/**
 * Whose frame is it? A client's own port is learnt from its first packet: the n-th to call is the n-th that called.
 *
 * @param view  Of TCP or UDP, not a fragment.
 * @return      Perhaps one that nobody lived in so far; NULL: nobody's.
 */
struct replay_talk_conv *replay_live_find(struct replay_talk *talk, const uint8_t *frame,
                                          const struct replay_view *view);

/* translate.c */

/** Make the frame of a record what the live side should get, in out. @return  Its length. */
uint32_t replay_translate(struct replay_talk *talk, struct replay_talk_conv *conv, const struct replay_rec *rec,
                          uint8_t *out);

/** Make an acknowledgement of all that they sent. @return  Its length; 0: there is nothing to make it from. */
uint32_t replay_ack_make(struct replay_talk *talk, struct replay_talk_conv *conv, uint8_t *out);

#endif
