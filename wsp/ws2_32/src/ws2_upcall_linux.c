/*
 * QueueApc, OpenCurrentThread, CloseThread, Linux. Source: rules WPU-11, WPU-13, WPU-14, WPU-29, WPU-32.
 */
#include "ws2_upcall_priv.h"
#include "ws2_wait_priv.h"

/**
 * Queue a completion routine for the thread that started the operation.
 *
 * @param thread  As given to the WSP function or opened; copied values are as good.
 * @return        0, or SOCKET_ERROR with *error WSAEFAULT: no such thread, or it has ended; the caller frees context.
 *
 * Context: any thread; does not block.
 */
int WSPAPI ws2_upcall_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context, LPINT error)
{
    struct ws2_slot *slot = NULL;
    bool queued;
    if (thread != NULL && routine != NULL) {
        slot = ws2_handle_pin((uintptr_t)thread->ThreadHandle, WS2_KIND_THREAD);
    }
    queued = slot != NULL && ws2_thread_queue_apc((struct ws2_thread *)slot->object, routine, context);
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    if (!queued) {
        *error = WSAEFAULT;
        return SOCKET_ERROR;
    }
    return 0;
}

/**
 * The calling thread's identity, as a handle of its own that CloseThread closes.
 *
 * @return  0, or SOCKET_ERROR with *error WSANOTINITIALISED, WSAEFAULT (NULL), WSAENOBUFS.
 */
int WSPAPI ws2_upcall_open_current_thread(LPWSATHREADID thread, LPINT error)
{
    struct ws2_thread *self = ws2_thread_self();
    struct ws2_slot *slot;
    if (!ws2_started() || thread == NULL || self == NULL) {
        *error = !ws2_started() ? WSANOTINITIALISED : thread == NULL ? WSAEFAULT : WSAENOBUFS;
        return SOCKET_ERROR;
    }
    slot = ws2_handle_open(WS2_KIND_THREAD);
    if (slot == NULL) {
        *error = WSAENOBUFS;
        return SOCKET_ERROR;
    }
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    slot->object = self;
    thread->ThreadHandle = (HANDLE)(uintptr_t)ws2_handle_value(slot);
    thread->Reserved = self->id;
    ws2_handle_publish(slot);
    return 0;
}

/** Close what OpenCurrentThread opened. @return 0, or SOCKET_ERROR with *error WSANOTINITIALISED or WSAEINVAL. */
int WSPAPI ws2_upcall_close_thread(LPWSATHREADID thread, LPINT error)
{
    if (!ws2_started()) {
        *error = WSANOTINITIALISED;
        return SOCKET_ERROR;
    }
    if (thread == NULL || !ws2_handle_close((uintptr_t)thread->ThreadHandle, WS2_KIND_THREAD)) {
        *error = WSAEINVAL;
        return SOCKET_ERROR;
    }
    return 0;
}
