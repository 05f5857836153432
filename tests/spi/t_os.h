/**
 * @file
 * What the tests of the SPI ask of the system: locks, threads, time, event
 * objects and procedure calls as the host's upcalls make them, a file for the
 * configuration, a program started anew. t_os_linux.c plays them; on Windows
 * (t_os_windows.c) events and procedure calls are the kernel's own.
 *
 * What fails here ends the test.
 */
#ifndef T_OS_H
#define T_OS_H

#include <ws2spi.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero bytes: initialised and free. */
struct t_mutex {
    _Alignas(8) unsigned char opaque[48];
};
struct t_cond {
    _Alignas(8) unsigned char opaque[48];
};

void t_mutex_lock(struct t_mutex *mutex);
void t_mutex_unlock(struct t_mutex *mutex);

/** Wait until the clock of t_now_ms shows until_ms, UINT64_MAX: for ever. false: it does. Spurious wakes happen. */
bool t_cond_wait(struct t_cond *cond, struct t_mutex *mutex, uint64_t until_ms);
void t_cond_wake(struct t_cond *cond);

/** A thread. */
struct t_task {
    _Alignas(8) unsigned char opaque[16];
};
typedef void *(*t_task_fn)(void *arg);
void t_task_start(struct t_task *task, t_task_fn fn, void *arg);
void t_task_join(struct t_task *task);
/** Let it run on by itself. */
void t_task_forget(struct t_task *task);
/** End it from outside, in the middle of what it does. false: this system has no such thing. */
bool t_task_kill(struct t_task *task);

void t_sleep_ms(unsigned ms);
uint64_t t_now_ms(void);

/** What QueryPerformanceCounter counts; on Linux, where it is our DLL's: ns. */
uint64_t t_now_ticks(void);

/* --- Events: LPWPUCREATEEVENT and kin ------------------------------------ */
WSAEVENT t_event_new(void);
void t_event_free(WSAEVENT event);
bool t_event_is_set(WSAEVENT event);
bool t_event_wait(WSAEVENT event, unsigned timeout_ms);
void t_event_set(WSAEVENT event);
void t_event_reset(WSAEVENT event);

/* --- Routines ------------------------------------------------------------ */
/** The calling thread as lpThreadId. */
LPWSATHREADID t_thread(void);
/** Queue a routine; false: there is no such thread. */
bool t_apc_queue(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context);
/** An alertable wait: runs what is queued; returns how many, 0 after the timeout. */
unsigned t_alertable(unsigned timeout_ms);

/* --- Memory --------------------------------------------------------------- */
enum t_pages { T_PAGES_NONE, T_PAGES_READ, T_PAGES_WRITE };
/** Zero pages of their own. @param size  Bytes, a multiple of 65536. */
char *t_pages_new(size_t size);
void t_pages_free(char *pages, size_t size);
void t_pages_protect(char *pages, size_t size, enum t_pages may);

/* --- Completion ports, as far as packets are posted to them ---------------- */
struct t_packet {
    DWORD bytes;
    ULONG_PTR key;
    void *overlapped;
};
HANDLE t_port_new(void);
void t_port_free(HANDLE port);
/** Take the oldest packet within a time; false: none came. */
bool t_port_take(HANDLE port, struct t_packet *out, unsigned timeout_ms);

/* --- The process --------------------------------------------------------- */
/** Write a file that goes away with this process. @return  Its path, for the life of the process. */
const char *t_file_make(const char *text);
/** The calling thread's last error, where functions leave it that have no lpErrno. */
int t_last_error(void);
/** The process's identifier, as WSPDuplicateSocket takes it. */
unsigned t_process_id(void);
/** Set a variable of the environment that getenv sees. */
void t_env_set(const char *name, const char *value);
/**
 * Run this program again.
 *
 * @param arg         Its one argument.
 * @return            Its exit status; -1: it crashed or was still there after timeout_ms and was ended.
 */
int t_child_run(const char *arg, unsigned timeout_ms);

#endif
