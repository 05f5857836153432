/**
 * @file
 * Watches a program for allocations and system calls.
 *
 * Allocations are seen by taking the allocator's place in the whole process
 * (t_watch_alloc_linux.c); system calls by a filter on every thread whose
 * notifications a parent process counts and lets pass, so that nothing of the
 * watched process is changed, its blocked signals neither. Not with
 * sanitizers, which have taken the allocator's place already.
 */
#ifndef T_WATCH_H
#define T_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/** What was seen between begin and end; "own" is the thread that began. */
struct t_watch_report {
    uint64_t allocs_own;
    uint64_t allocs_others;
    uint64_t calls_own;
    uint64_t calls_others;
    int call_last_own; /**< number of the last system call, -1: none */
    int call_last_others;
    bool calls_counted; /**< false: this system has no such filter */
};

/**
 * Run a program under watch, in a child process.
 *
 * @param run  The program; its result becomes the exit status.
 * @return     That exit status; 1 if it died.
 */
int t_watch_main(int (*run)(void));

/** Begin. The first time all threads of the process get their filter, which they keep. */
void t_watch_begin(void);

/** End: what happened since. Makes no system call itself. */
struct t_watch_report t_watch_end(void);

/* --- Between the two halves ---------------------------------------------- */

/** Begin and end counting allocations; the counters as they are. */
void t_watch_allocs_begin(void);
void t_watch_allocs_end(uint64_t *own, uint64_t *others);

#endif
