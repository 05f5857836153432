/**
 * @file
 * A case: a capture, what is played of it against what, and what must come of
 * it, in a small file that people write. README.md lists the keys. Every error
 * names file, line and key.
 */
#ifndef STACK_REPLAY_CASE_H
#define STACK_REPLAY_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STK_CASE_TEXT 512
#define STK_CASE_ERROR_SIZE 1024
#define STK_CASE_EXTRA_MAX 32
#define STK_CASE_EXPECT_MAX 256
#define STK_CASE_BYTES_MAX (1u << 20)
#define STK_CASE_KEYS_MAX 40

enum stk_case_mode { STK_CASE_TCP, STK_CASE_RECORDED, STK_CASE_RECEIVE };
enum stk_case_play { STK_CASE_CLIENT, STK_CASE_SERVER };

/** Who lives on the stack. */
enum stk_case_actor {
    STK_ACTOR_RECORDED, /**< sends and takes what the recorded side did */
    STK_ACTOR_ECHO,
    STK_ACTOR_SINK,
    STK_ACTOR_SCRIPT,
    STK_ACTOR_PROGRAM,
    STK_ACTOR_NONE, /**< nobody: what does the bare stack say? */
};

/** Fields in which a golden capture may differ. */
enum stk_case_tolerance {
    STK_TOLERATE_SEQ = 1u << 0, /**< sequence and acknowledgement numbers: relative ones are compared */
    STK_TOLERATE_ID = 1u << 1,  /**< IPv4 identification */
    STK_TOLERATE_WINDOW = 1u << 2,
    STK_TOLERATE_STAMPS = 1u << 3, /**< values of TCP timestamps */
    STK_TOLERATE_TTL = 1u << 4,
    STK_TOLERATE_ACKS = 1u << 5, /**< bare acknowledgements may be more or fewer */
    STK_TOLERATE_PORT = 1u << 6, /**< the client's port */
};

enum stk_expect_kind { STK_EXPECT_STREAM, STK_EXPECT_EVENT, STK_EXPECT_COUNTER };

/** One line of [expect] that may be there several times. */
struct stk_expect {
    enum stk_expect_kind kind;
    uint32_t line;
    char text[STK_CASE_TEXT];
};

struct stk_case {
    char file[STK_CASE_TEXT]; /**< "" for a case made of options */
    char name[STK_CASE_TEXT];
    char capture[STK_CASE_TEXT];
    enum stk_case_mode mode;
    enum stk_case_play play;
    enum stk_case_actor actor;
    char script[STK_CASE_TEXT];
    char program[STK_CASE_TEXT]; /**< command line; words are split at blanks, '...' and "..." hold them together */
    char listen[STK_CASE_TEXT];  /**< "tcp:7001 udp:239.1.1.1:5000"; "": as recorded */
    char address[STK_CASE_TEXT]; /**< "": as recorded */
    char speed[32];
    char filter[STK_CASE_TEXT];
    char rewrite[STK_CASE_TEXT];
    char checksum[16];
    char golden[STK_CASE_TEXT];
    uint32_t tolerance;    /**< enum stk_case_tolerance */
    uint64_t tolerance_ns; /**< of times */
    uint32_t seed;
    uint32_t mtu;
    uint64_t loops;
    uint64_t stop_at;
    uint64_t timeout_ms;
    uint64_t start_ms;
    uint64_t linger_ms;
    uint64_t limit_s; /**< of real time that a program may take */
    bool real_clock;
    bool digests;        /**< mode receive: of every stream, as they are to be shown */
    bool output;         /**< mode receive: what passed the port is kept, which takes longer than all the rest */
    uint32_t departures; /**< that are expected */
    int32_t exit_code;   /**< of a program; -1: any */
    uint32_t left_out;   /**< packets that may be left out; UINT32_MAX: any */
    char extra_engine[STK_CASE_EXTRA_MAX][STK_CASE_TEXT]; /**< lines for [engine] */
    char extra_port[STK_CASE_EXTRA_MAX][STK_CASE_TEXT];
    uint32_t extra_engine_count;
    uint32_t extra_port_count;
    struct stk_expect expects[STK_CASE_EXPECT_MAX];
    uint32_t expects_count;
    uint32_t lines[STK_CASE_KEYS_MAX]; /**< where the file has each key first; 0: nowhere */
};

/** What a case is before anything is said. */
void stk_case_defaults(struct stk_case *out);

/**
 * Read a case from memory.
 *
 * @param text    size bytes, not trusted.
 * @param name    The file's name: for messages, and other files' names are relative to its folder.
 * @param out     Filled on success.
 * @param error   STK_CASE_ERROR_SIZE bytes: "FILE:LINE: KEY: reason".
 * @return        0, STK_EINVAL or STK_EPROTO.
 *
 * Context: any thread. Touches no file.
 */
int stk_case_parse(const char *text, size_t size, const char *name, struct stk_case *out, char *error);

/** Read a case file. Also STK_ENOENT, STK_EIO. */
int stk_case_load(const char *path, struct stk_case *out, char *error);

/**
 * Set one key, as in a file or from an option.
 *
 * @return  NULL, or why not; static text.
 */
const char *stk_case_set(struct stk_case *out, const char *section, const char *key, const char *value, uint32_t line);

/**
 * Where a key stands: "FILE:LINE: KEY: ", or "" if no file has it.
 *
 * @param out  STK_CASE_ERROR_SIZE bytes. @return  out.
 */
const char *stk_case_place(const struct stk_case *self, const char *key, char *out);

/** Check what belongs together. @return  NULL, or what is wrong, static text. */
const char *stk_case_check(const struct stk_case *self);

#endif
