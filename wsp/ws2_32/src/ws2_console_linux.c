/*
 * The console, Linux: Ctrl+C and the other ways to be asked to end; conio.h.
 *
 * Signals only post a semaphore (edge K1: the signal's bit is set before the post; the thread reads the bits after it took one). A
 * thread of its own, started with the first handler, calls the handlers, the newest first, as Windows does.
 */
#include <conio.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <windows.h>

#define HANDLERS_MAX 16

static const struct {
    int number;
    DWORD event;
} signals[] = {
    {SIGINT, CTRL_C_EVENT},
    {SIGQUIT, CTRL_BREAK_EVENT},
    {SIGHUP, CTRL_CLOSE_EVENT},
    {SIGTERM, CTRL_SHUTDOWN_EVENT},
};
#define SIGNALS (sizeof signals / sizeof signals[0])

static pthread_mutex_t handlers_lock = PTHREAD_MUTEX_INITIALIZER;
static PHANDLER_ROUTINE handlers[HANDLERS_MAX];
static unsigned handler_count;
static BOOL ignored; /* Ctrl+C, by a NULL handler */
static BOOL started;
static sem_t came;
static atomic_uint came_bits;

static void on_signal(int number)
{
    int before = errno;
    unsigned i;
    for (i = 0; i < SIGNALS; i++) {
        if (signals[i].number == number) {
            atomic_fetch_or_explicit(&came_bits, 1u << i, memory_order_release);
        }
    }
    (void)sem_post(&came);
    errno = before;
}

/* Handlers are called without the lock: one may add or remove others. */
static void tell_handlers(DWORD event)
{
    PHANDLER_ROUTINE list[HANDLERS_MAX];
    unsigned count;
    BOOL skip;
    pthread_mutex_lock(&handlers_lock);
    count = handler_count;
    memcpy(list, handlers, sizeof list);
    skip = ignored && event == CTRL_C_EVENT;
    pthread_mutex_unlock(&handlers_lock);
    if (skip) {
        return;
    }
    while (count > 0) {
        if (list[--count](event)) {
            if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT) {
                return;
            }
            break; /* the others end the process in any case */
        }
    }
    ExitProcess(0xC000013Au & 0xff);
}

static void *console_main(void *unused)
{
    (void)unused;
    for (;;) {
        unsigned bits;
        unsigned i;
        while (sem_wait(&came) != 0) {
        }
        bits = atomic_exchange_explicit(&came_bits, 0, memory_order_acquire);
        for (i = 0; i < SIGNALS; i++) {
            if ((bits & 1u << i) != 0) {
                tell_handlers(signals[i].event);
            }
        }
    }
    return NULL;
}

/* The thread takes no signals itself: all are blocked while it is made. */
static BOOL console_start(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t all;
    sigset_t before;
    pthread_t thread;
    unsigned i;
    int rc;
    if (sem_init(&came, 0, 0) != 0) {
        return FALSE;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, NULL, console_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        sem_destroy(&came);
        return FALSE;
    }
    pthread_detach(thread);
    for (i = 0; i < SIGNALS; i++) {
        sigaction(signals[i].number, &action, NULL);
    }
    return TRUE;
}

static DWORD handler_add(PHANDLER_ROUTINE handler)
{
    if (handler_count == HANDLERS_MAX || (!started && !console_start())) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    started = TRUE;
    handlers[handler_count++] = handler;
    return 0;
}

static DWORD handler_remove(PHANDLER_ROUTINE handler)
{
    unsigned at = handler_count;
    while (at > 0 && handlers[at - 1] != handler) {
        at--;
    }
    if (at == 0) {
        return ERROR_INVALID_PARAMETER;
    }
    memmove(&handlers[at - 1], &handlers[at], (handler_count - at) * sizeof handlers[0]);
    handler_count--;
    return 0;
}

/**
 * Have a function called, in a thread of its own, when the process is asked to end: SIGINT is Ctrl+C, SIGQUIT Ctrl+Break, SIGHUP the
 * console's end, SIGTERM the system's. The newest is asked first; if none returns TRUE the process ends, and behind the last two it
 * does in any case.
 *
 * @param handler  NULL: Ctrl+C is ignored (add) or not.
 * @return         FALSE with ERROR_INVALID_PARAMETER (not there) or ERROR_NOT_ENOUGH_MEMORY.
 */
BOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add)
{
    DWORD code = 0;
    pthread_mutex_lock(&handlers_lock);
    if (handler == NULL) {
        code = !started && !console_start() ? ERROR_NOT_ENOUGH_MEMORY : 0;
        started = started || code == 0;
        ignored = add;
    } else {
        code = add ? handler_add(handler) : handler_remove(handler);
    }
    pthread_mutex_unlock(&handlers_lock);
    if (code != 0) {
        SetLastError(code);
        return FALSE;
    }
    return TRUE;
}

/* ---- conio.h ---- */

static BOOL key_waits(void)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, 0) > 0 && (input.revents & POLLIN) != 0;
}

/* A terminal gives lines: for the moment it gives keys. */
static BOOL keys_begin(struct termios *before)
{
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, before) != 0) {
        return FALSE;
    }
    raw = *before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/** Whether a key was pressed: a byte waits at the standard input. At its end that is always so. */
int WINAPI wl_kbhit(void)
{
    struct termios before;
    BOOL changed = keys_begin(&before);
    BOOL waits = key_waits();
    if (changed) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
    return waits;
}

/** The next byte of the standard input, without waiting for a line. @return -1 at its end. Blocks. */
int WINAPI wl_getch(void)
{
    struct termios before;
    BOOL changed = keys_begin(&before);
    unsigned char byte = 0;
    ssize_t got;
    do {
        got = read(STDIN_FILENO, &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (changed) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
    return got == 1 ? byte : -1;
}
