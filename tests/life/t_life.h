/**
 * @file
 * Tests of life and death: a test's process starts itself again as a child in
 * one of its modes, with a configuration of its own, and judges how it ended,
 * what it logged, counted and sent.
 *
 * Neither this file nor t_life*.c knows Winsock: the modes do.
 */
#ifndef T_LIFE_H
#define T_LIFE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

/* Modes of fopen: what is opened here is not the children's. */
#if defined(__linux__)
#define T_OPEN_READ "re"
#define T_OPEN_WRITE "we"
#define T_SWITCHES 1u /* what a change of threads costs beside Linux's own */
#else
#define T_OPEN_READ "rb"
#define T_OPEN_WRITE "wb"
#define T_SWITCHES 4u
#endif

/** What a child does. */
struct t_mode {
    const char *name;
    int (*run)(int argc, char **argv); /**< argv[0] is the mode's name; the child ends with what it returns */
};

/** A child that was started. */
struct t_child {
    pid_t pid;
    int out;           /**< its standard output, to be read */
    uint64_t start_ns; /**< monotonic */
    uint64_t took_ns;  /**< until it had ended */
};

/** Start t_life_main's test binary: with a mode it is a child, without it runs the tests. */
int t_life_main(int argc, char **argv, const struct t_mode *modes, const struct CMUnitTest *tests, size_t tests_count);

/** Monotonic time, ns. */
uint64_t t_now_ns(void);

/** Sleep, signals or not. */
void t_sleep_ms(uint32_t ms);

/** Sleep for less than that, as finely as the system can. */
void t_nap_us(uint32_t us);

/** A path in the test's own folder, which is removed at the end. Valid until eight more calls. */
const char *t_path(const char *name);

/** Two ports joined by a link in memory, 10.88.0.1 and 10.88.0.2. @param engine, port  More lines of these sections. */
void t_conf_wire(const char *engine, const char *port);

/** The same, joined by DPDK's rings: 10.99.0.1 and 10.99.0.2. */
void t_conf_ring(const char *engine);

/** A configuration in full. */
void t_conf_text(const char *text);

/** Set a variable of the children's environment; NULL: take it away. */
void t_env(const char *name, const char *value);

/** Start a child: mode and up to three arguments, NULL at the end. */
void t_start(struct t_child *child, const char *const args[4]);

/** Wait for the end; some times these seconds mean that it hangs. @return the exit status, 128 + the signal's number, or -1: it
 * had to be ended. */
int t_wait(struct t_child *child, uint32_t seconds);

/** Start, wait, and require an exit status. @return how long it took, ms. */
uint64_t t_expect(int status, uint32_t seconds, const char *const args[4]);

/** Run a child that has to end with this status, and in less than limit_ms at least once in a few runs. */
void t_expect_within(int status, uint64_t limit_ms, const char *const args[4]);

/** What the children wrote to standard error; valid until the next call. */
const char *t_log(void);

/** A file's text, NUL-terminated; NULL: there is none. Valid until the next call. */
const char *t_text(const char *path);

/** A counter's last value in a dump, or UINT64_MAX. */
uint64_t t_counter(const char *dump, const char *name);

/** Open descriptors of this process. */
uint32_t t_fds(void);

/** Threads of this process. */
uint32_t t_threads(void);

/** Resident memory of this process, KiB. */
uint64_t t_rss_kib(void);

/** Processor time of this process, us. */
uint64_t t_cpu_us(void);

/** The mask of blocked signals of a thread of this process; 0: no such thread. */
uint64_t t_blocked(pid_t tid);

/** List this process's threads. @return how many; at most count are stored. */
uint32_t t_tids(pid_t *out, uint32_t count);

/** Remove a file; one that is not there is no error. */
void t_remove(const char *path);

/** End this process from outside, as it were: no handler of any kind runs. t_wait says T_KILLED. */
void t_kill_self(void);
#define T_KILLED 137

/** Is this a sanitizer's build? */
bool t_sanitized(void);

/** In a child: this must hold, or the process ends at once with status 99 and a line on standard error. */
#define T_NEED(condition) t_need((condition), #condition, __FILE__, __LINE__)

void t_need(bool holds, const char *text, const char *file, int line);

/** Told to t_need, for its line: the last error of the calls being tested. */
extern int (*t_last_error)(void);

#endif
