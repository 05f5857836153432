/**
 * @file
 * One run of a case, and what came of it.
 */
#ifndef STACK_REPLAY_RUN_H
#define STACK_REPLAY_RUN_H

#include "actor.h"
#include "stack/printf.h"

#define STK_RUN_FAULTS_MAX 64
#define STK_RUN_TEXT 1024
#define STK_RUN_NOTES_MAX 8

/** What failed. */
enum stk_fault_kind {
    STK_FAULT_SETUP,     /**< the run could not be made */
    STK_FAULT_DEPARTURE, /**< a conversation departs from the record */
    STK_FAULT_REFERENCE, /**< the stack delivered something else than the packets hold */
    STK_FAULT_MISSING,   /**< the packets do not hold all that was said, or cannot be played to their end */
    STK_FAULT_STREAM,
    STK_FAULT_EVENT,
    STK_FAULT_COUNTER,
    STK_FAULT_GOLDEN,
    STK_FAULT_GAP, /**< packets that could not be played */
    STK_FAULT_EXIT,
    STK_FAULT_KINDS
};

struct stk_fault {
    enum stk_fault_kind kind;
    char text[STK_RUN_TEXT];
};

/** The numbers of the replay driver's report. */
struct stk_run_numbers {
    bool finished;
    bool stopped; /**< stepped: somebody said so */
    uint64_t packets_read;
    uint64_t frames_played;
    uint64_t frames_heard;
    uint64_t left_out;
    uint64_t last_packet;
    uint64_t conversations;
    uint64_t conversations_finished;
    uint64_t departures;
    uint64_t acks_made;
    uint64_t checksums_rebuilt;
    uint64_t extra_bytes;
    uint64_t pacing_count;
    uint64_t pacing_p50_ns;
    uint64_t pacing_p99_ns;
    uint64_t pacing_max_ns;
};

struct stk_run {
    const struct stk_case *of;
    char folder[STK_CASE_TEXT]; /**< where the run's files are */
    char capture[STK_CASE_TEXT + 32];
    char report[STK_CASE_TEXT + 32];
    char config[STK_CASE_TEXT + 32];
    char counters[STK_CASE_TEXT + 32];
    char events[STK_CASE_TEXT + 32]; /**< what a program writes of its connections */
    struct stk_run_numbers numbers;
    struct stk_actor_result actor;
    int32_t exit_code; /**< of a program; -1: it was ended, -2: none was run */
    uint64_t real_ns;
    struct stk_fault faults[STK_RUN_FAULTS_MAX];
    uint32_t faults_count;                       /**< all; the first are kept */
    char notes[STK_RUN_NOTES_MAX][STK_RUN_TEXT]; /**< what is no fault, and should be known */
    uint32_t notes_count;
};

/**
 * Run a case.
 *
 * @param folder  Exists; the run's files go there.
 * @param out     Filled; given back with stk_run_free.
 */
void stk_run_case(const struct stk_case *of, const char *folder, struct stk_run *out);
void stk_run_free(struct stk_run *run);

/** Show the counters of the run that are not 0 on standard output, each behind indent. */
void stk_run_counters_show(const struct stk_run *run, const char *indent);

/** Show the streams and the events on standard output, as lines of a case file. */
void stk_run_events_show(const struct stk_run *run);

/** Note a fault. */
STK_PRINTF(3, 4) void stk_run_fault(struct stk_run *run, enum stk_fault_kind kind, const char *format, ...);

/** Note why a run cannot be made, behind file, line and key of the case that have to do with it. */
void stk_run_setup_fault(struct stk_run *run, const char *text);

/** Note what is no fault: it is shown with the result. More than STK_RUN_NOTES_MAX are not kept. */
STK_PRINTF(2, 3) void stk_run_note(struct stk_run *run, const char *format, ...);

/** "departure", "golden", ...; static text. */
const char *stk_fault_name(enum stk_fault_kind kind);

/* judge.c */

/** Compare what came with what was expected. */
void stk_run_judge(struct stk_run *run);

/* receive.c of this folder */

/** Mode receive: the stack takes every stream; what it delivers is compared with the packets themselves. */
void stk_run_receive(struct stk_run *run);

/* diff.c */

/**
 * Compare two captures packet by packet.
 *
 * @param out     size bytes: the first differences, for people; "" if there are none.
 * @param colour  With the terminal's colours.
 * @return        Packets that differ; or a negative enum stk_err with the reason in out.
 */
int64_t stk_diff_captures(const struct stk_case *of, const char *golden, const char *capture, char *out, size_t size,
                          bool colour);

/* spawn_linux.c, spawn_windows.c */

/**
 * Run a program.
 *
 * @param words     Its command line.
 * @param names     Variables of the environment for it, "NAME", "VALUE", ..., NULL.
 * @param report    When this file is there the program gets two more seconds; NULL: no such end.
 * @param limit_s   Then it is ended in any case.
 * @param quiet     Its output goes nowhere.
 * @return          Its exit code; 128 and more: it died of a signal or an exception; -1: it was ended; -2: it cannot be run.
 */
int32_t stk_spawn_run(const char *words, const char *const *names, const char *report, uint64_t limit_s, bool quiet);

/** Make a folder of a name that nobody has. @return  false: it cannot be made. */
bool stk_spawn_folder(char *out, size_t size);

/** Make that folder if it is not there. @return  false: it cannot be made; errno says why. */
bool stk_spawn_folder_make(const char *folder);

/** Remove the files of a run and their folder. */
void stk_spawn_folder_remove(const char *folder);

/** Is standard output a terminal? */
bool stk_spawn_terminal(void);

/** The path of this program. @return  false: not known. */
bool stk_spawn_self(char *out, size_t size);

#endif
