#include "core/client_priv.h"

#include "stack/tls.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static bool thread_key_made;
static pid_t owner; /* the process that the clients belong to */
/* Only the pointer is in static TLS, of which a library loaded late gets little; DPDK's libraries want of it too. */
static STK_TLS_FAST struct client_thread *self;
static _Thread_local struct client_thread self_block;

static void thread_ended(void *value)
{
    struct client_thread *ended = value;
    uint32_t thread = ended->id;
    /* A later destructor of this thread may call again: then it is a new owner. */
    self = NULL;
    memset(ended, 0, sizeof(*ended));
    stk_client_thread_end(thread);
}

static void child_after_fork(void)
{
    atomic_store_explicit(&stk_client_forked, 1, memory_order_relaxed);
}

static void watch_start(void)
{
    owner = getpid();
    thread_key_made = pthread_key_create(&thread_key, thread_ended) == 0;
    (void)pthread_atfork(NULL, NULL, child_after_fork);
}

void stk_client_os_fork_watch(void)
{
    (void)pthread_once(&watch_once, watch_start);
}

bool stk_client_os_owner(void)
{
    return owner == getpid();
}

struct client_thread *stk_client_os_self(void)
{
    if (self == NULL) {
        stk_client_os_fork_watch();
        self_block.id = (uint32_t)syscall(SYS_gettid);
        if (thread_key_made) {
            (void)pthread_setspecific(thread_key, &self_block);
        }
        self = &self_block;
    }
    return self;
}

uint32_t stk_client_os_thread(void)
{
    return stk_client_os_self()->id;
}

int stk_client_os_run(void *(*fn)(void *arg), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    if (pthread_attr_init(&attr) != 0) {
        return STK_ENOMEM;
    }
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&thread, &attr, fn, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return result == 0 ? STK_OK : STK_ENOMEM;
}

bool stk_client_os_exit_watch(void (*fn)(void))
{
    return atexit(fn) == 0;
}
