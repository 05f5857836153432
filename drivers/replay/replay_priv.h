/**
 * @file
 * The replay driver's own structures. All of it belongs to the port's thread.
 */
#ifndef DRV_REPLAY_PRIV_H
#define DRV_REPLAY_PRIV_H

#include "drv/replay.h"
#include "frame.h"
#include "nic/driver.h"
#include "nic/order.h"
#include "nic/pieces.h"
#include "nic/pool.h"
#include "nic/reader.h"
#include "nic/rewrite.h"

#include <stdio.h>

#define REPLAY_TEXT_SIZE 256
/** Bytes of a frame in memory: the longest IP packet behind an Ethernet header and two tags. */
#define REPLAY_FRAME_MAX (65535u + 22u)
/** A longer silence between two packets is played as one of this length. */
#define REPLAY_SILENCE_NS (UINT64_C(3600) * 1000000000)
/** Speed is a fraction; this one is "as fast as the caller polls". */
#define REPLAY_SPEED_ONE 1000u
#define REPLAY_SPEED_MAX 0u

struct bpf_program;

/* --- rewrite.c --------------------------------------------------------------- */

/**
 * Apply the rules; checksums follow.
 *
 * @param len  Of the frame, which has room for one tag more.
 */
void replay_rewrite_apply(const struct nic_rewrite *rewrite, uint8_t *frame, uint32_t *len);

/* --- conf.c ------------------------------------------------------------------ */

enum replay_mode { REPLAY_MODE_RECORDED, REPLAY_MODE_TCP };
enum replay_play { REPLAY_PLAY_ALL, REPLAY_PLAY_CLIENT, REPLAY_PLAY_SERVER };
enum replay_policy { REPLAY_CHECKSUM_VERIFY, REPLAY_CHECKSUM_IGNORE, REPLAY_CHECKSUM_AUTO };

struct replay_conf {
    const char *file;
    const char *mode_text;
    const char *play_text;
    const char *speed_text;
    const char *checksum_text;
    const char *rewrite_text;
    const char *filter;
    const char *report;
    uint64_t loops;    /**< 0: endless */
    uint64_t stop_at;  /**< 0: never */
    uint64_t start_ns; /**< before the first frame */
    uint64_t timeout_ns;
    uint64_t memory; /**< bytes of conversations */
    /* Out of the texts. */
    enum replay_mode mode;
    enum replay_play play;
    enum replay_policy checksum;
    uint32_t speed; /**< in thousandths, or REPLAY_SPEED_MAX */
    bool stepped;   /**< each frame is asked for; times are the record's */
    struct nic_rewrite rewrite;
};

/** Read the keys of a port. Returns 0 or STK_EINVAL with conf->error filled; texts are borrowed from conf. */
int replay_conf_parse(const struct nic_port_conf *conf, struct replay_conf *out);

/* --- report.c ---------------------------------------------------------------- */

#define REPLAY_PACING_BUCKETS 1024u
#define REPLAY_FAULTS_MAX 32u

/** Something that was found out at a packet. */
struct replay_fault {
    uint64_t packet;
    uint32_t conv; /**< from 1; 0: none */
    char text[REPLAY_TEXT_SIZE];
};

/** What a run saw. */
struct replay_report {
    uint64_t packets_read;
    uint64_t frames_played;
    uint64_t frames_heard; /**< from the live side */
    uint64_t left_out;
    uint64_t syns_repeated; /**< SYNs that no record had, as nobody answered */
    uint64_t acks_made;     /**< acknowledgements that no record had, to let a slower start go on */
    uint64_t silences;      /**< that were shortened */
    uint64_t rebuilt;       /**< checksums that offload had left open */
    uint64_t extra_bytes;
    uint64_t last_packet; /**< played last */
    bool finished;
    bool stopped;   /**< stepped: somebody said so */
    bool unwritten; /**< what passed the port is not all in its capture file */
    uint32_t convs;
    uint32_t convs_finished;
    uint32_t departures_count; /**< all; the first are kept */
    uint32_t gaps_count;
    struct replay_fault departures[REPLAY_FAULTS_MAX];
    struct replay_fault gaps[REPLAY_FAULTS_MAX];           /**< packets left out, and why */
    char ended[REPLAY_TEXT_SIZE + NIC_READER_REASON_SIZE]; /**< why reading ended before the file's end, or "" */
    uint64_t pacing_max_ns;
    uint64_t pacing_count;
    uint32_t pacing[REPLAY_PACING_BUCKETS];
};

/** Note that a packet was not played. */
STK_PRINTF(3, 4) void replay_report_gap(struct replay_report *report, uint64_t packet, const char *format, ...);

/** Note where a conversation departs from the record. */
STK_PRINTF(4, 5)
void replay_report_departure(struct replay_report *report, uint64_t packet, uint32_t conv, const char *format, ...);

/** Note how late a frame was. */
void replay_report_late(struct replay_report *report, uint64_t late_ns);

/** Write all of it, replacing the file. Failure is logged. */
void replay_report_write(const struct replay_report *report, const char *path);

/* --- source.c ---------------------------------------------------------------- */

/** The capture, packet by packet, filtered and rewritten. */
struct replay_source {
    struct nic_reader *reader;
    struct nic_order *order;    /**< of the reader's packets */
    struct nic_pieces *pieces;  /**< mode tcp: fragments that are no datagram yet */
    struct bpf_program *filter; /**< NULL: all */
    const struct nic_rewrite *rewrite;
    enum replay_policy checksum;
    struct replay_report *report;
    bool timed;       /**< last_ns is a time of the file */
    uint64_t last_ns; /**< latest time of the file so far */
    uint64_t skip_ns; /**< of silences longer than REPLAY_SILENCE_NS */
    uint64_t number;  /**< of the packet that is loaded */
    uint64_t time_ns;
    uint32_t len;
    uint8_t frame[REPLAY_FRAME_MAX + 4];
};

/**
 * Open the capture.
 *
 * @return  0, or an error with conf->error filled.
 */
int replay_source_open(struct replay_source *source, const struct nic_port_conf *conf, const struct replay_conf *keys);

/** Load the next packet that can be played; false: none is left. What is left out is reported. */
bool replay_source_next(struct replay_source *source);

/** Close; also one that was never opened. */
void replay_source_close(struct replay_source *source);

/* --- Players ------------------------------------------------------------------ */

struct replay_talk;

/** Stepped: where we are. */
struct replay_step {
    uint64_t until;    /**< packets below this number are not asked for */
    uint64_t begin_ns; /**< when the first was asked for */
};

struct replay_port {
    struct nic_port base;
    struct nic_pool pool;
    struct replay_conf conf; /**< its texts are in texts */
    char *texts;
    struct replay_source source;
    struct replay_report report;
    struct replay_talk *talk; /**< mode tcp */
    bool started;
    bool loaded;  /**< mode recorded: source holds a frame */
    bool stopped; /**< stop_at was reached, or somebody said so */
    bool granted; /**< stepped: what is in out may go */
    struct replay_step step;
    uint64_t base_ns;  /**< the caller's time that the record's beginning has */
    uint64_t first_ns; /**< the record's first time */
    uint64_t due_ns;   /**< of the loaded frame */
    uint64_t loop;     /**< passes done */
    /* What is on its way out, perhaps in pieces. */
    uint32_t out_len;  /**< 0: nothing */
    uint32_t out_done; /**< bytes of its payload already delivered */
    uint64_t out_number;
    uint8_t out[REPLAY_FRAME_MAX + 4];
    uint8_t heard[REPLAY_FRAME_MAX + 4];
};

/** The record's distance in time as it is played. */
static inline uint64_t replay_scaled_ns(const struct replay_conf *conf, uint64_t ns)
{
    return conf->speed == REPLAY_SPEED_MAX
               ? 0
               : ns / conf->speed * REPLAY_SPEED_ONE + ns % conf->speed * REPLAY_SPEED_ONE / conf->speed;
}

/* step.c */

/**
 * Ask on standard input whether the frame in out may go. Its end is a yes to all.
 *
 * @return  false: no frame goes any more.
 *
 * Context: the port's thread; blocks.
 */
bool replay_step_ask(struct replay_port *port, uint64_t now_ns);

/* recorded.c: as recorded. */

/** Put the next frame that is due into out; false: none now. */
bool replay_recorded_next(struct replay_port *port, uint64_t now_ns);

/** When the next frame is due; STK_NEVER: the end was reached. */
uint64_t replay_recorded_due_ns(struct replay_port *port);

/* talk.c, script.c: TCP-aware. */

/** Load the conversations. @return 0, STK_ENOMEM. */
int replay_talk_open(struct replay_port *port);
void replay_talk_close(struct replay_talk *talk);
bool replay_talk_next(struct replay_port *port, uint64_t now_ns);
uint64_t replay_talk_due_ns(struct replay_port *port);

/** A frame of the live side, len bytes. */
void replay_talk_heard(struct replay_port *port, const uint8_t *frame, uint32_t len, uint64_t now_ns);

#endif
