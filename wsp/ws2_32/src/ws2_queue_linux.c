/*
 * The queue of posted messages that every thread has, Linux: PostMessage to MsgWaitForMultipleObjects.
 * Source: rules WPU-8, WSPASYNCSELECT-3, WSPASYNCSELECT-6.
 */
#include "ws2_message.h"
#include "ws2_upcall_priv.h"
#include "ws2_wait_priv.h"

#include <stdlib.h>

struct ws2_message {
    struct ws2_message *next;
    MSG msg;
};

/** Prepare a thread's queue. */
void ws2_queue_init(struct ws2_queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    queue->tail = &queue->head;
}

/** Undo ws2_queue_init. The queue is empty: its thread has ended. */
void ws2_queue_destroy(struct ws2_queue *queue)
{
    pthread_mutex_destroy(&queue->lock);
}

/* Take out what belongs to a window, or all for NULL. Lock held. @return  A list to be freed. */
static struct ws2_message *queue_cut(struct ws2_queue *queue, const struct ws2_window *window)
{
    struct ws2_message **link = &queue->head;
    struct ws2_message *cut = NULL;
    struct ws2_message *message;
    while ((message = *link) != NULL) {
        if (window != NULL && message->msg.hwnd != window->handle) {
            link = &message->next;
            continue;
        }
        *link = message->next;
        message->next = cut;
        cut = message;
        queue->count--;
    }
    queue->tail = link;
    return cut;
}

static void messages_free(struct ws2_message *message)
{
    while (message != NULL) {
        struct ws2_message *next = message->next;
        free(message);
        message = next;
    }
}

/** A window is gone: nothing is posted to it any more, and what was is dropped. Context: the window's thread. */
void ws2_queue_drop(struct ws2_thread *thread, struct ws2_window *window)
{
    struct ws2_message *cut;
    pthread_mutex_lock(&thread->queue.lock);
    window->gone = true;
    cut = queue_cut(&thread->queue, window);
    pthread_mutex_unlock(&thread->queue.lock);
    messages_free(cut);
}

/** The thread ends: its windows go, and its queue takes nothing any more. Context: the thread itself. */
void ws2_queue_thread_ended(struct ws2_thread *thread)
{
    struct ws2_message *cut;
    ws2_windows_end(thread);
    pthread_mutex_lock(&thread->queue.lock);
    thread->queue.closed = true;
    cut = queue_cut(&thread->queue, NULL);
    pthread_mutex_unlock(&thread->queue.lock);
    messages_free(cut);
}

/* 0, or a Win32 code. `window` is NULL for a message of the thread's own. */
static DWORD queue_push(struct ws2_thread *thread, const struct ws2_window *window, const MSG *msg)
{
    struct ws2_queue *queue = &thread->queue;
    struct ws2_message *message = (struct ws2_message *)malloc(sizeof *message);
    DWORD code = 0;
    if (message == NULL) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    message->msg = *msg;
    message->next = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->closed || (window != NULL && window->gone)) {
        code = ERROR_INVALID_WINDOW_HANDLE;
    } else if (queue->count >= WL_MESSAGES_MAX) {
        code = ERROR_NOT_ENOUGH_QUOTA;
    } else {
        *queue->tail = message;
        queue->tail = &message->next;
        queue->count++;
        queue->fresh = true;
    }
    pthread_mutex_unlock(&queue->lock);
    if (code != 0) {
        free(message);
        return code;
    }
    ws2_thread_wake(thread);
    // cppcheck-suppress memleak; it is in the queue
    return 0;
}

static DWORD post_to_own_thread(const MSG *msg)
{
    struct ws2_thread *self = ws2_thread_self();
    return self == NULL ? ERROR_NOT_ENOUGH_MEMORY : queue_push(self, NULL, msg);
}

static DWORD post_to_window(const MSG *msg)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)msg->hwnd, WS2_KIND_WINDOW);
    struct ws2_window *window;
    DWORD code;
    if (slot == NULL) {
        return ERROR_INVALID_WINDOW_HANDLE;
    }
    window = (struct ws2_window *)slot->object;
    code = queue_push(window->thread, window, msg);
    ws2_handle_unpin(slot);
    return code;
}

/**
 * Post a message to a window, or to the calling thread itself for NULL.
 *
 * @return  FALSE with ERROR_INVALID_WINDOW_HANDLE (no such window; there is no broadcast), ERROR_NOT_ENOUGH_QUOTA (the
 *          queue is full) or ERROR_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread; does not wait. Source: rule WPU-8.
 */
BOOL WINAPI PostMessageW(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    MSG msg = {window, message, wparam, lparam, GetTickCount(), {0, 0}};
    DWORD code = window == NULL ? post_to_own_thread(&msg) : post_to_window(&msg);
    if (code != 0) {
        SetLastError(code);
        return FALSE;
    }
    return TRUE;
}

/** As PostMessageW. */
BOOL WINAPI PostMessageA(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    return PostMessageW(window, message, wparam, lparam);
}

BOOL ws2_message_post(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    if (window == NULL) {
        SetLastError(ERROR_INVALID_WINDOW_HANDLE);
        return FALSE;
    }
    return PostMessageW(window, message, wparam, lparam);
}

/** The upcall: as ws2_message_post. Source: rule WPU-8. */
BOOL WSPAPI ws2_upcall_post_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    return ws2_message_post(window, message, wparam, lparam);
}

/** End the calling thread's loop: GetMessage gives WM_QUIT when nothing else waits. */
void WINAPI PostQuitMessage(int code)
{
    struct ws2_thread *self = ws2_thread_self();
    if (self == NULL) {
        return;
    }
    pthread_mutex_lock(&self->queue.lock);
    self->queue.quit = true;
    self->queue.quit_code = code;
    self->queue.fresh = true;
    pthread_mutex_unlock(&self->queue.lock);
}

struct message_filter {
    HWND window;
    UINT first;
    UINT last; /* both 0: all */
};

static bool filter_takes(const struct message_filter *filter, const MSG *msg)
{
    if (filter->window == (HWND)(LONG_PTR)-1) {
        if (msg->hwnd != NULL) {
            return false;
        }
    } else if (filter->window != NULL && msg->hwnd != filter->window) {
        return false;
    }
    return (filter->first == 0 && filter->last == 0) || msg->message == WM_QUIT ||
           (msg->message >= filter->first && msg->message <= filter->last);
}

/* The quit message comes when nothing posted fits. Lock held. */
static bool queue_quit(struct ws2_queue *queue, MSG *msg, bool remove)
{
    const MSG quit = {NULL, WM_QUIT, (WPARAM)(INT_PTR)queue->quit_code, 0, GetTickCount(), {0, 0}};
    if (!queue->quit) {
        return false;
    }
    *msg = quit;
    queue->quit = !remove;
    return true;
}

/* Find the first message that fits. @return  false: none. */
static bool queue_take(struct ws2_queue *queue, const struct message_filter *filter, MSG *msg, bool remove)
{
    struct ws2_message **link;
    struct ws2_message *found;
    bool taken = true;
    pthread_mutex_lock(&queue->lock);
    queue->fresh = false;
    link = &queue->head;
    while ((found = *link) != NULL && !filter_takes(filter, &found->msg)) {
        link = &found->next;
    }
    if (found == NULL) {
        taken = queue_quit(queue, msg, remove);
    } else {
        *msg = found->msg;
        if (remove) {
            *link = found->next;
            if (queue->tail == &found->next) {
                queue->tail = link;
            }
            queue->count--;
        }
    }
    pthread_mutex_unlock(&queue->lock);
    if (remove) {
        free(found);
    }
    return taken;
}

/** Whether messages wait. Context: the thread itself. @param any  Old ones too, not only those posted since the last look. */
bool ws2_queue_fresh(struct ws2_thread *thread, bool any)
{
    struct ws2_queue *queue = &thread->queue;
    bool waits;
    pthread_mutex_lock(&queue->lock);
    waits = queue->fresh || (any && (queue->head != NULL || queue->quit));
    pthread_mutex_unlock(&queue->lock);
    return waits;
}

/* The calling thread's record, NULL with the last error set: no memory, no pointer, not a window of this thread. */
static struct ws2_thread *retrieve_begin(const MSG *msg, HWND window)
{
    struct ws2_thread *self = ws2_thread_self();
    struct ws2_slot *slot;
    bool own;
    if (self == NULL || msg == NULL) {
        SetLastError(self == NULL ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (window == NULL || window == (HWND)(LONG_PTR)-1) {
        return self;
    }
    slot = ws2_handle_pin((uintptr_t)window, WS2_KIND_WINDOW);
    own = slot != NULL && ((struct ws2_window *)slot->object)->thread == self;
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    if (!own) {
        SetLastError(ERROR_INVALID_WINDOW_HANDLE);
        return NULL;
    }
    return self;
}

/**
 * Take the next message of the calling thread, waiting for one.
 *
 * @param window  NULL: all; (HWND)-1: those that are no window's; else that window's.
 * @param first   With last: the range of numbers that is asked for; both 0: all. WM_QUIT always fits.
 * @return        0 for WM_QUIT, -1 on failure with ERROR_INVALID_WINDOW_HANDLE (not a window of this thread),
 *                ERROR_INVALID_PARAMETER (msg NULL) or ERROR_NOT_ENOUGH_MEMORY, else nonzero.
 *
 * Context: any thread; blocks. Not alertable.
 */
BOOL WINAPI GetMessageW(LPMSG msg, HWND window, UINT first, UINT last)
{
    const struct message_filter filter = {window, first, last};
    struct ws2_thread *self = retrieve_begin(msg, window);
    if (self == NULL) {
        return -1;
    }
    for (;;) {
        unsigned seen = atomic_load_explicit(&self->wake_word, memory_order_seq_cst);
        if (queue_take(&self->queue, &filter, msg, true)) {
            return msg->message != WM_QUIT;
        }
        (void)ws2_thread_sleep(self, seen, NULL);
    }
}

/** As GetMessageW. */
BOOL WINAPI GetMessageA(LPMSG msg, HWND window, UINT first, UINT last)
{
    return GetMessageW(msg, window, first, last);
}

/** As GetMessageW, without waiting. @return FALSE: none, or a failure; WM_QUIT is a message. */
BOOL WINAPI PeekMessageW(LPMSG msg, HWND window, UINT first, UINT last, UINT flags)
{
    const struct message_filter filter = {window, first, last};
    struct ws2_thread *self = retrieve_begin(msg, window);
    return self != NULL && queue_take(&self->queue, &filter, msg, (flags & PM_REMOVE) != 0);
}

/** As PeekMessageW. */
BOOL WINAPI PeekMessageA(LPMSG msg, HWND window, UINT first, UINT last, UINT flags)
{
    return PeekMessageW(msg, window, first, last, flags);
}

/** There are no keys. @return FALSE. */
BOOL WINAPI TranslateMessage(const MSG *msg)
{
    (void)msg;
    return FALSE;
}

bool ws2_message_pump(void)
{
    MSG msg;
    if (!PeekMessageW(&msg, NULL, 0, 0, PM_NOREMOVE)) {
        return false;
    }
    if (msg.message == WM_QUIT && msg.hwnd == NULL) {
        return false; /* the program's own loop is to see it */
    }
    if (!PeekMessageW(&msg, msg.hwnd == NULL ? (HWND)(LONG_PTR)-1 : msg.hwnd, msg.message, msg.message, PM_REMOVE)) {
        return false;
    }
    (void)DispatchMessageW(&msg);
    return true;
}
