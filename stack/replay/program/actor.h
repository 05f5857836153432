/**
 * @file
 * Who lives on the stack when no program does: an echo, a sink, what the
 * recorded side did, or a script. One thread, which steps the stack whenever
 * it waits. What happens is noted as events.
 */
#ifndef STACK_REPLAY_ACTOR_H
#define STACK_REPLAY_ACTOR_H

#include "replay/sha256.h"
#include "scene.h"
#include "stack/api.h"

#define STK_ACTOR_CONNS_MAX 65536u

/** What happened, in order: "accept 1", "data 1 40", "eof 1", "close 1", "error 1 10054". */
struct stk_events {
    char *text; /**< lines */
    size_t len;
    size_t room;
    uint32_t last_conn; /**< of data that more data is added to; 0: none */
    uint64_t last_bytes;
    size_t last_at;
};

/** One conversation of the live side. */
struct stk_actor_stream {
    struct stk_sha256 *in;  /**< what it received */
    struct stk_sha256 *out; /**< what it sent */
    uint64_t in_bytes;
    uint64_t out_bytes;
    uint8_t in_digest[STK_SHA256_BYTES]; /**< filled at the run's end */
    uint8_t out_digest[STK_SHA256_BYTES];
};

struct stk_actor_result {
    struct stk_events events;
    struct stk_actor_stream *streams;
    uint32_t streams_count;
    uint32_t streams_room;
    char fault[STK_SCENE_REASON_SIZE]; /**< why the actor could not play its part; "" */
};

/**
 * The stream of a conversation, made with all before it if need be.
 *
 * @param number  From 1.
 * @return        NULL: above STK_ACTOR_CONNS_MAX, or there is no memory.
 */
struct stk_actor_stream *stk_actor_stream(struct stk_actor_result *result, uint64_t number);

/** Note an event. */
void stk_event_note(struct stk_events *events, const char *word, uint32_t conn, int64_t number);

/** The WSAE code of a stack's error, as the provider gives it for a connection. */
int stk_actor_wsae(int err);

/** One step of a script. */
enum stk_script_word {
    STK_SCRIPT_RECV,
    STK_SCRIPT_SEND,
    STK_SCRIPT_SLEEP,
    STK_SCRIPT_SHUTDOWN,
    STK_SCRIPT_CLOSE,
    STK_SCRIPT_ABORT
};

struct stk_script_step {
    enum stk_script_word word;
    uint64_t number; /**< bytes, or ns */
    uint8_t *bytes;
};

struct stk_script {
    struct stk_script_step *steps;
    uint32_t count;
};

/**
 * Read a script: lines "recv BYTES", "send TEXT" (with \r \n \t \\ \xHH), "sleep 10ms", "shutdown", "close", "abort"; '#'
 * begins a comment.
 *
 * @param error  STK_CASE_ERROR_SIZE bytes: "FILE:LINE: reason".
 * @return       0, STK_EINVAL, STK_ENOENT or STK_ENOMEM.
 */
int stk_script_load(const char *path, struct stk_script *out, char *error);
void stk_script_free(struct stk_script *script);

/**
 * Play the part until the network is down.
 *
 * Context: the thread that steps the client's engine.
 */
void stk_actor_run(struct stk_client *client, const struct stk_case *of, const struct stk_scene *scene,
                   struct stk_actor_result *out);

/** Give back what a result holds. */
void stk_actor_result_free(struct stk_actor_result *result);

#endif
