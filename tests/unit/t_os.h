/**
 * @file
 * What the tests of portable code ask of the platform. One file per platform
 * implements it.
 */
#ifndef T_OS_H
#define T_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Longest path that the functions here make. */
#define T_PATH_MAX 512

/** Set a variable of this process's environment; value NULL takes it away. @return 0, or not. */
int t_env_set(const char *name, const char *value);

/** Make a folder of this test's own. @param path T_PATH_MAX bytes, written. @return false: not possible. */
bool t_folder_make(const char *name, char *path);

/** Make a folder here. @return 0, or not. */
int t_folder_sub(const char *name);

/** A file without a name, open for reading and writing, gone when it is closed. NULL: not possible. */
FILE *t_file_temp(void);

/** size bytes on a boundary of align; the test ends without. Given back with t_aligned_free. */
void *t_aligned(size_t align, size_t size);

/** Give back what t_aligned gave; NULL is fine. */
void t_aligned_free(void *memory);

/** Would a wait for a bell's wait object end at once? */
bool t_bell_rung(intptr_t bell);

/** Pages of 4 KiB in a range that are in memory. */
size_t t_pages_resident(void *base, size_t bytes);

/** Is there memory at an address? */
bool t_page_there(void *at);

/** Descriptors or handles that this process has open, or a number that grows with them. */
uint32_t t_handles_open(void);

/**
 * Make what is no regular file but can be opened by a name: a pipe.
 *
 * @param path  T_PATH_MAX bytes: its name, to be given to t_pipe_drop.
 */
void t_pipe_make(char *path);

/** Take a pipe away. */
void t_pipe_drop(const char *path);

/** The device that takes everything and gives nothing. */
extern const char *const t_null_device;

/**
 * Make a file unreadable until t_readable.
 *
 * @return  What the reader is to say about it; NULL: this user reads every file.
 */
const char *t_unreadable(const char *path);

/** Take t_unreadable back. */
void t_readable(const char *path);

/** Where a configuration is looked for that nobody named. */
extern const char *const t_conf_place_first;

/** The place after that, T_PATH_MAX bytes. */
void t_conf_place_second(char *path);

/** A signal that may dump counters: its name in a configuration, its number, and all names as messages list them. */
extern const char *const t_signal_name;
extern const int32_t t_signal_number;
extern const char *const t_signal_names;

/** How a program ended. */
enum t_end { T_END_EXIT, T_END_ABORT, T_END_OTHER };

/** A program's end. */
struct t_ended {
    enum t_end how;
    int status; /**< of T_END_EXIT */
};

/**
 * Run a program with one argument and wait for its end.
 *
 * @param said  File that takes its standard error; NULL: ours.
 */
struct t_ended t_run(const char *program, const char *argument, const char *said);

/** Before an abort that a test wants: no core file, no dialogue. */
void t_abort_quietly(void);

/**
 * Read an address as the system's own parser does.
 *
 * @param ip  Written if it is one.
 * @return    4, 6, or 0: it is none.
 */
int t_ip_read(const char *text, uint8_t ip[16]);

/** Write an address as the system does. @param version 4 or 6. @param text T_PATH_MAX bytes. */
void t_ip_text(int version, const uint8_t ip[16], char *text);

/** Is there fork? */
bool t_fork_there(void);

/**
 * Run a function in a copy of this process.
 *
 * @return  Its result, 0..255; < 0: it ended in another way, or there is no fork.
 */
int t_fork_run(int (*fn)(void *arg), void *arg);

#endif
