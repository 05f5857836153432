/** @file The system of the SPI tests on Linux: events and procedure calls are played. */
#include "t_os.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define T_APCS 4096

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct t_mutex), "room for a mutex");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(struct t_cond), "room for a condition variable");

struct t_event {
    bool set;
};

struct t_apc {
    LPWSAUSERAPC routine;
    DWORD_PTR context;
};

struct t_apc_queue {
    struct t_apc list[T_APCS];
    unsigned head, tail;
};

/* Guards events and queues. */
static struct t_mutex os_lock;
static struct t_cond os_changed;

static void os_must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "t_os: %s\n", what);
    abort();
}

static pthread_mutex_t *os_mutex(struct t_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->opaque;
}

static pthread_cond_t *os_cond(struct t_cond *cond)
{
    return (pthread_cond_t *)(void *)cond->opaque;
}

void t_mutex_lock(struct t_mutex *mutex)
{
    (void)pthread_mutex_lock(os_mutex(mutex));
}

void t_mutex_unlock(struct t_mutex *mutex)
{
    (void)pthread_mutex_unlock(os_mutex(mutex));
}

bool t_cond_wait(struct t_cond *cond, struct t_mutex *mutex, uint64_t until_ms)
{
    struct timespec at = {.tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};

    if (until_ms == UINT64_MAX)
        return pthread_cond_wait(os_cond(cond), os_mutex(mutex)) == 0;
    return pthread_cond_clockwait(os_cond(cond), os_mutex(mutex), CLOCK_MONOTONIC, &at) != ETIMEDOUT;
}

void t_cond_wake(struct t_cond *cond)
{
    (void)pthread_cond_broadcast(os_cond(cond));
}

void t_task_start(struct t_task *task, t_task_fn fn, void *arg)
{
    pthread_t id;

    os_must(pthread_create(&id, NULL, fn, arg) == 0, "no thread");
    memcpy(task->opaque, &id, sizeof id);
}

static pthread_t os_task(const struct t_task *task)
{
    pthread_t id;

    memcpy(&id, task->opaque, sizeof id);
    return id;
}

void t_task_join(struct t_task *task)
{
    os_must(pthread_join(os_task(task), NULL) == 0, "join");
}

void t_task_forget(struct t_task *task)
{
    os_must(pthread_detach(os_task(task)) == 0, "detach");
}

/* pthread_cancel runs destructors: that is another end. */
bool t_task_kill(struct t_task *task)
{
    (void)task;
    return false;
}

void t_sleep_ms(unsigned ms)
{
    (void)usleep(ms * 1000);
}

uint64_t t_now_ms(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

uint64_t t_now_ticks(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

/* --- Events --------------------------------------------------------------- */

WSAEVENT t_event_new(void)
{
    return calloc(1, sizeof(struct t_event));
}

void t_event_free(WSAEVENT event)
{
    free(event);
}

static void event_put(WSAEVENT event, bool set)
{
    t_mutex_lock(&os_lock);
    ((struct t_event *)event)->set = set;
    t_cond_wake(&os_changed);
    t_mutex_unlock(&os_lock);
}

void t_event_set(WSAEVENT event)
{
    event_put(event, true);
}

void t_event_reset(WSAEVENT event)
{
    event_put(event, false);
}

bool t_event_wait(WSAEVENT event, unsigned timeout_ms)
{
    uint64_t until = t_now_ms() + timeout_ms;
    bool set;

    t_mutex_lock(&os_lock);
    while (!((struct t_event *)event)->set && t_cond_wait(&os_changed, &os_lock, until))
        ;
    set = ((struct t_event *)event)->set;
    t_mutex_unlock(&os_lock);
    return set;
}

bool t_event_is_set(WSAEVENT event)
{
    return t_event_wait(event, 0);
}

/* --- Routines ------------------------------------------------------------- */

static pthread_key_t apc_key;
static pthread_once_t apc_once = PTHREAD_ONCE_INIT;
static _Thread_local WSATHREADID thread_id;

static void apc_key_make(void)
{
    os_must(pthread_key_create(&apc_key, free) == 0, "no key");
}

LPWSATHREADID t_thread(void)
{
    (void)pthread_once(&apc_once, apc_key_make);
    if (!pthread_getspecific(apc_key))
        (void)pthread_setspecific(apc_key, calloc(1, sizeof(struct t_apc_queue)));
    thread_id.ThreadHandle = pthread_getspecific(apc_key);
    thread_id.Reserved = 0x51;
    return &thread_id;
}

bool t_apc_queue(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context)
{
    struct t_apc_queue *queue = thread->ThreadHandle;

    if (!queue || thread->Reserved != 0x51)
        return false;
    t_mutex_lock(&os_lock);
    queue->list[queue->tail++ % T_APCS] = (struct t_apc){routine, context};
    t_cond_wake(&os_changed);
    t_mutex_unlock(&os_lock);
    return true;
}

unsigned t_alertable(unsigned timeout_ms)
{
    struct t_apc_queue *queue = t_thread()->ThreadHandle;
    uint64_t until = t_now_ms() + timeout_ms;
    unsigned ran = 0;

    t_mutex_lock(&os_lock);
    while (queue->head == queue->tail && t_cond_wait(&os_changed, &os_lock, until))
        ;
    while (queue->head != queue->tail) {
        struct t_apc apc = queue->list[queue->head++ % T_APCS];

        t_mutex_unlock(&os_lock);
        apc.routine(apc.context);
        ran++;
        t_mutex_lock(&os_lock);
    }
    t_mutex_unlock(&os_lock);
    return ran;
}

/* --- The process ------------------------------------------------------------ */

static char file_path[] = "/tmp/winlane-spi-XXXXXX";
static pid_t file_owner;

static void file_remove(void)
{
    if (getpid() == file_owner) /* a test forks */
        (void)unlink(file_path);
}

static _Thread_local int last_error;

/* Exported, as ws2_32 does: the provider finds it by name. */
__attribute__((visibility("default"))) void WINAPI SetLastError(DWORD code)
{
    last_error = (int)code;
}

/* --- Memory, ports ------------------------------------------------------- */

char *t_pages_new(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        abort();
    return pages;
}

void t_pages_free(char *pages, size_t size)
{
    if (munmap(pages, size) != 0)
        abort();
}

void t_pages_protect(char *pages, size_t size, enum t_pages may)
{
    static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};

    if (mprotect(pages, size, rights[may]) != 0)
        abort();
}

#define PORT_PACKETS 256u

struct t_port {
    struct t_mutex lock;
    struct t_cond changed;
    struct t_packet packets[PORT_PACKETS];
    unsigned head, tail;
};

HANDLE t_port_new(void)
{
    struct t_port *port = calloc(1, sizeof *port);

    if (!port)
        abort();
    return port;
}

void t_port_free(HANDLE port)
{
    free(port);
}

/* The provider finds it by name, as it finds the one of the system. */
__attribute__((visibility("default"))) BOOL WINAPI PostQueuedCompletionStatus(HANDLE handle, DWORD bytes, ULONG_PTR key,
                                                                              LPOVERLAPPED overlapped)
{
    struct t_port *port = handle;

    t_mutex_lock(&port->lock);
    port->packets[port->tail++ % PORT_PACKETS] = (struct t_packet){
        .bytes = bytes, .key = key, .overlapped = overlapped};
    t_cond_wake(&port->changed);
    t_mutex_unlock(&port->lock);
    return TRUE;
}

bool t_port_take(HANDLE handle, struct t_packet *out, unsigned timeout_ms)
{
    uint64_t until = t_now_ms() + timeout_ms;
    struct t_port *port = handle;
    bool found;

    t_mutex_lock(&port->lock);
    while (port->head == port->tail && t_cond_wait(&port->changed, &port->lock, until))
        ;
    found = port->head != port->tail;
    if (found)
        *out = port->packets[port->head++ % PORT_PACKETS];
    t_mutex_unlock(&port->lock);
    return found;
}

int t_last_error(void)
{
    return last_error;
}

unsigned t_process_id(void)
{
    return (unsigned)getpid();
}

const char *t_file_make(const char *text)
{
    int fd = mkstemp(file_path);

    os_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "no file for the configuration");
    (void)close(fd);
    file_owner = getpid();
    (void)atexit(file_remove);
    return file_path;
}

void t_env_set(const char *name, const char *value)
{
    os_must(setenv(name, value, 1) == 0, "setenv");
}

int t_child_run(const char *arg, unsigned timeout_ms)
{
    char self[] = "/proc/self/exe", given[64];
    char *argv[] = {self, given, NULL};
    uint64_t until = t_now_ms() + timeout_ms;
    int status = 0;
    pid_t pid;

    (void)snprintf(given, sizeof given, "%s", arg);
    os_must(posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0, "spawn");
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (t_now_ms() >= until) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return -1;
        }
        t_sleep_ms(5);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
