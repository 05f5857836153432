/*
 * Waitable objects and the per-thread parking place, Linux. Private to the *_linux.c files.
 *
 * A thread that waits links one node per object into the object's waiter list, reads its own wake word, looks at the
 * objects, and sleeps on the word. Who signals an object bumps the word of every waiter. Edge W1: the waiter links
 * (under the object's lock) before it looks at `signalled`; the signaller stores `signalled` before it looks at the
 * list under the same lock. Edge W2: the wake word is read before the look and compared by the kernel before it sleeps.
 */
#ifndef WS2_WAIT_PRIV_H
#define WS2_WAIT_PRIV_H

#include <pthread.h>

#include "ws2_priv.h"
#include "ws2_queue_priv.h"
#include "wsp_private_abi.h"

struct ws2_thread;
struct ws2_port;

struct ws2_wait_node {
    struct ws2_wait_node *next;
    struct ws2_wait_node *prev;
    struct ws2_thread *thread;
};

/* A mutex beside its event, which is signalled while nobody owns it; under the event's lock. */
struct ws2_mutex {
    struct ws2_thread *owner;
    unsigned depth;
    bool abandoned;          /* its last owner ended */
    struct ws2_event *event; /* NULL: of events that are no mutexes */
    struct ws2_mutex *next;  /* owned by the same thread; under the lock of all owners */
};

/* What a look at an object found. */
enum ws2_taken { WS2_TAKEN_NOT, WS2_TAKEN, WS2_TAKEN_ABANDONED };

/* An event, and the end-of-thread signal inside a thread. */
struct ws2_event {
    pthread_mutex_t lock;
    struct ws2_wait_node *waiters;
    atomic_uint signalled;
    bool manual_reset;
    atomic_uint refs; /* handles of it; not of a thread's */
    unsigned most;    /* semaphore: what `signalled` counts up to; else 0 */
    struct ws2_mutex mutex;
};

struct ws2_apc {
    struct ws2_apc *next;
    void (*routine)(uintptr_t context);
    uintptr_t context;
};

struct ws2_thread {
    atomic_uint refs;
    atomic_uint wake_word; /* futex; bumped by every reason to look again */
    struct ws2_event ended;
    atomic_uint exit_code;
    pthread_mutex_t apc_lock;
    struct ws2_apc *apc_head;
    struct ws2_apc *apc_tail;
    bool apc_closed;            /* the thread has ended: nothing is queued any more */
    unsigned apc_depth;         /* the thread's own: calls that are running */
    struct wsp_alert_abi alert; /* `pending` under apc_lock */
    uint32_t self_handle;
    DWORD id;
    struct ws2_thread_data data;
    struct ws2_queue queue;
    struct ws2_mutex *mutexes;    /* that it owns; under the lock of all owners */
    struct ws2_port *port;        /* whose packets it took last, with a reference; the thread's own */
    struct ws2_thread *port_next; /* running threads of the port; these three under the port's lock */
    struct ws2_thread *port_prev;
    bool port_running;
    atomic_uint spins; /* it is awake, and looks at its wake word: edge W2 */
    struct ws2_wait_node node[MAXIMUM_WAIT_OBJECTS];
};

struct ws2_thread *ws2_thread_self(void);
struct ws2_thread *ws2_thread_new(void);
void ws2_thread_adopt(struct ws2_thread *thread);
void ws2_thread_unref(struct ws2_thread *thread);
struct wsp_alert_abi *wl_thread_alert(void);
uintptr_t ws2_thread_handle(HANDLE thread);
void ws2_thread_wake(struct ws2_thread *thread);
bool ws2_thread_queue_apc(struct ws2_thread *thread, void (*routine)(uintptr_t), uintptr_t context);
bool ws2_thread_apc_waits(struct ws2_thread *thread);
unsigned ws2_thread_run_apcs(struct ws2_thread *thread);
bool ws2_thread_sleep(struct ws2_thread *thread, unsigned seen, const struct timespec *deadline);
bool ws2_thread_sleep_some(struct ws2_thread *thread, unsigned seen, const struct timespec *deadline, DWORD most_ms,
                           bool *napped);
const struct timespec *ws2_deadline_after(DWORD timeout_ms, struct timespec *deadline);

void ws2_event_init(struct ws2_event *event, bool manual_reset, bool signalled);
void ws2_event_destroy(struct ws2_event *event);
void ws2_event_signal(struct ws2_event *event);
bool ws2_event_add(struct ws2_event *event, unsigned count, unsigned *before);

struct ws2_slot *ws2_wait_pin(HANDLE object);

enum ws2_taken ws2_mutex_take(struct ws2_event *event);
bool ws2_mutex_takeable(struct ws2_event *event);
bool ws2_mutex_give(struct ws2_event *event, bool abandoned);
void ws2_mutex_forget(struct ws2_event *event);
void ws2_mutexes_abandon(struct ws2_thread *thread);

#endif
