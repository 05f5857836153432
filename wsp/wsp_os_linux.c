/** @file The platform layer on Linux. */
#include "wsp_os.h"

#include "stack/err.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct wsp_mutex), "opaque storage of a mutex");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(struct wsp_cond), "opaque storage of a condition variable");

struct wsp_os_thread_linux {
    pthread_t id;
};
_Static_assert(sizeof(struct wsp_os_thread_linux) <= sizeof(struct wsp_os_thread), "opaque storage of a thread");

static struct wsp_os_hooks os_hooks;
static pthread_key_t os_slot;
static pthread_mutex_t os_install_lock = PTHREAD_MUTEX_INITIALIZER;
static bool os_installed;
static _Atomic pid_t os_owner; /* a child of fork differs */

static pthread_mutex_t *os_mutex(struct wsp_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->opaque;
}

static pthread_cond_t *os_cond(struct wsp_cond *cond)
{
    return (pthread_cond_t *)(void *)cond->opaque;
}

/* A thread that is cancelled ends behind the call that it is in, never in the middle with locks held. */
static int os_cancel_hold(void)
{
    int before = PTHREAD_CANCEL_ENABLE;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static void os_cancel_release(int before)
{
    (void)pthread_setcancelstate(before, NULL);
}

void wsp_mutex_lock(struct wsp_mutex *mutex)
{
    (void)pthread_mutex_lock(os_mutex(mutex));
}

static struct timespec os_deadline(clockid_t clock, int64_t ns)
{
    struct timespec at;

    (void)clock_gettime(clock, &at);
    at.tv_sec += (time_t)(ns / 1000000000);
    at.tv_nsec += (long)(ns % 1000000000);
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool wsp_mutex_lock_for(struct wsp_mutex *mutex, uint32_t timeout_ms)
{
    struct timespec at = os_deadline(CLOCK_REALTIME, (int64_t)timeout_ms * 1000000);

    return pthread_mutex_timedlock(os_mutex(mutex), &at) == 0;
}

void wsp_mutex_unlock(struct wsp_mutex *mutex)
{
    (void)pthread_mutex_unlock(os_mutex(mutex));
}

bool wsp_cond_wait(struct wsp_cond *cond, struct wsp_mutex *mutex, int64_t timeout_ns)
{
    struct timespec at = os_deadline(CLOCK_MONOTONIC, timeout_ns);
    int before = os_cancel_hold();
    int err = pthread_cond_clockwait(os_cond(cond), os_mutex(mutex), CLOCK_MONOTONIC, &at);

    os_cancel_release(before);
    return err != ETIMEDOUT;
}

void wsp_cond_wake_all(struct wsp_cond *cond)
{
    (void)pthread_cond_broadcast(os_cond(cond));
}

struct os_start {
    wsp_os_fn fn;
    void *arg;
};

static void *os_thread_main(void *arg)
{
    struct os_start start = *(struct os_start *)arg;

    free(arg);
    start.fn(start.arg);
    return NULL;
}

int wsp_os_thread_start(struct wsp_os_thread *out, wsp_os_fn fn, void *arg)
{
    struct os_start *start = malloc(sizeof *start);
    struct wsp_os_thread_linux thread;
    sigset_t all, old;
    int err;

    if (!start)
        return STK_ENOMEM;
    start->fn = fn;
    start->arg = arg;
    /* The application's handlers must not run on a thread that it does not know. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&thread.id, NULL, os_thread_main, start);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err != 0) {
        free(start);
        return STK_ENOMEM;
    }
    memcpy(out->opaque, &thread, sizeof thread);
    return STK_OK;
}

void wsp_os_thread_join(struct wsp_os_thread *thread)
{
    struct wsp_os_thread_linux id;
    int before = os_cancel_hold();

    memcpy(&id, thread->opaque, sizeof id);
    (void)pthread_join(id.id, NULL);
    os_cancel_release(before);
}

bool wsp_os_thread_is_self(const struct wsp_os_thread *thread)
{
    struct wsp_os_thread_linux id;

    memcpy(&id, thread->opaque, sizeof id);
    return pthread_equal(id.id, pthread_self()) != 0;
}

static void os_fork_child(void)
{
    atomic_store(&os_owner, getpid());
    os_hooks.fork_child();
}

static void os_exit(void)
{
    /* clone without the fork handlers, or vfork: this is still not our process. */
    if (atomic_load(&os_owner) == getpid())
        os_hooks.at_exit();
}

int wsp_os_hooks_install(const struct wsp_os_hooks *hooks)
{
    int err = STK_OK;

    (void)pthread_mutex_lock(&os_install_lock);
    if (!os_installed) {
        os_hooks = *hooks;
        atomic_store(&os_owner, getpid());
        if (pthread_key_create(&os_slot, hooks->thread_exit) != 0)
            err = STK_ENOMEM;
        else if (pthread_atfork(NULL, NULL, os_fork_child) != 0)
            err = STK_ENOMEM;
        os_installed = err == STK_OK;
    }
    (void)pthread_mutex_unlock(&os_install_lock);
    return err;
}

int wsp_os_exit_watch(void)
{
    static _Atomic bool watched;

    return atomic_exchange(&watched, true) || atexit(os_exit) == 0 ? STK_OK : STK_ENOMEM;
}

void *wsp_os_slot_get(void)
{
    return pthread_getspecific(os_slot);
}

int wsp_os_slot_set(void *value)
{
    return pthread_setspecific(os_slot, value) == 0 ? STK_OK : STK_ENOMEM;
}

/* Every way in which a thread ends runs the destructors of its keys. */
int64_t wsp_os_watch_ns(void)
{
    return -1;
}

void wsp_os_threads_reap(void)
{
}

/* A word is looked at as a futex is: with a wait that does not wait. Every sandbox lets a process do that. */
static bool os_word_readable(uintptr_t at)
{
    static const struct timespec at_once = {0, 0};
    int before = errno;
    bool readable = syscall(SYS_futex, at & ~(uintptr_t)3, FUTEX_WAIT_PRIVATE, 0, &at_once, NULL, 0) == 0 ||
                    errno != EFAULT;

    errno = before;
    return readable;
}

bool wsp_os_readable(const void *at, size_t bytes)
{
    uintptr_t first = (uintptr_t)at;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t last = first + bytes - 1;

    if (bytes == 0)
        return true;
    if (last < first)
        return false;
    for (uintptr_t look = first; look < last && look >= first; look = (look | (page - 1)) + 1)
        if (!os_word_readable(look))
            return false;
    return os_word_readable(last);
}

uint32_t wsp_os_process_id(void)
{
    return (uint32_t)getpid();
}

uint64_t wsp_os_ticks(uint64_t ns)
{
    return ns; /* our QueryPerformanceCounter counts those */
}

void wsp_os_sleep_ns(int64_t ns)
{
    struct timespec left = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    int before = os_cancel_hold();

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
    os_cancel_release(before);
}

/* POSIX lets a function pointer travel in a void *; C has no conversion for it. */
union os_pointer {
    void *data;
    void (*code)(void);
};
_Static_assert(sizeof(void *) == sizeof(void (*)(void)), "POSIX: dlsym returns functions in a void *");

void (*wsp_os_symbol(void (*inside)(void), const char *name))(void)
{
    union os_pointer at = {.code = inside}, found = {.data = NULL};
    Dl_info info;
    void *module;

    if (at.data && dladdr(at.data, &info) != 0 && info.dli_fname) {
        module = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        if (module) {
            found.data = dlsym(module, name);
            (void)dlclose(module);
        }
    }
    if (!found.data)
        found.data = dlsym(RTLD_DEFAULT, name);
    return found.code;
}

FILE *wsp_os_file_append(const char *path)
{
    return fopen(path, "ae");
}
