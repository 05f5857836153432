/*
 * Windows and queues of posted messages, Linux. Private to ws2_queue_linux.c, ws2_window_linux.c and the thread records.
 *
 * A window is the object of a handle of kind WS2_KIND_WINDOW and holds a reference of the thread that made it. Who posts
 * pins the handle and takes the queue's lock; destroying a window marks it under the same lock before its messages are
 * dropped, so that none comes behind.
 */
#ifndef WS2_QUEUE_PRIV_H
#define WS2_QUEUE_PRIV_H

#include <pthread.h>

#include "ws2_priv.h"

struct ws2_thread;
struct ws2_message;
struct ws2_class;

struct ws2_window {
    struct ws2_thread *thread;
    struct ws2_window *next; /* of the thread's; the thread's own */
    struct ws2_class *class;
    _Atomic(WNDPROC) proc;
    atomic_intptr_t user_data;
    HWND handle;
    bool destroying; /* the thread's own */
    bool gone;       /* under the queue's lock */
};

struct ws2_queue {
    pthread_mutex_t lock;
    struct ws2_message *head;
    struct ws2_message **tail;
    unsigned count;
    bool fresh; /* posted to since the owner last looked */
    bool quit;  /* PostQuitMessage */
    int quit_code;
    bool closed;                /* the thread has ended */
    struct ws2_window *windows; /* the thread's own */
};

void ws2_queue_init(struct ws2_queue *queue);
void ws2_queue_destroy(struct ws2_queue *queue);
void ws2_queue_thread_ended(struct ws2_thread *thread);
void ws2_queue_drop(struct ws2_thread *thread, struct ws2_window *window);
bool ws2_queue_fresh(struct ws2_thread *thread, bool any);

void ws2_window_release(struct ws2_window *window);
void ws2_windows_end(struct ws2_thread *thread);

#endif
