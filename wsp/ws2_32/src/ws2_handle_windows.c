/*
 * Handle values, Windows: a socket is a kernel handle of its own, because programs hand sockets to CreateIoCompletionPort,
 * DuplicateHandle, SetHandleInformation and GetFileType (rule WPU-22). Behind it is the server end of an overlapped pipe
 * that nobody connects to. The slot of a handle is found by its value: no search.
 *
 * The kernel gives a value out again once it is closed, and it is closed only when the last pin of the slot is gone, so a
 * slot is never in use twice. As on Windows a program that goes on using a closed socket may meet the next one.
 *
 * The handle is not inheritable: a child process could not use it (rule WS2-14).
 */
#include "ws2_backing_windows.h"
#include "ws2_handle_priv.h"

#include <stdio.h>

/* A value whose slot is still in use was closed behind our back; its pipe stays with that slot. */
#define TRIES 16

static INIT_ONCE pipe_once = INIT_ONCE_STATIC_INIT;
static char pipe_name[64];

/* One name for all: each is an instance of the same pipe, which is found in the system's list at once however many there
 * are. The time makes it a name that nobody knows before. */
static BOOL WINAPI pipe_name_make(PINIT_ONCE once, PVOID argument, PVOID *context)
{
    LARGE_INTEGER now;
    (void)once;
    (void)argument;
    (void)context;
    QueryPerformanceCounter(&now);
    snprintf(pipe_name, sizeof pipe_name, "\\\\.\\pipe\\winlane-%lu-%llx", GetCurrentProcessId(),
             (unsigned long long)now.QuadPart);
    return TRUE;
}

static HANDLE pipe_make(void)
{
    InitOnceExecuteOnce(&pipe_once, pipe_name_make, NULL, NULL);
    return CreateNamedPipeA(pipe_name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                            PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, PIPE_UNLIMITED_INSTANCES, 0, 0, 0, NULL);
}

static struct ws2_slot *slot_claim(uint32_t index)
{
    struct ws2_slot *slot;
    unsigned none = 0;
    ws2_os_lock(ws2_os_table_mutex());
    slot = ws2_handle_slot_make(index);
    ws2_os_unlock(ws2_os_table_mutex());
    return slot != NULL && atomic_compare_exchange_strong_explicit(&slot->refs, &none, 1, memory_order_acquire,
                                                                   memory_order_relaxed)
               ? slot
               : NULL;
}

/**
 * The slot of a pipe's handle that exists already, and one reference.
 *
 * @return  NULL: the value is beyond the table, memory is short, or the slot is still in use.
 *
 * Context: any thread.
 */
struct ws2_slot *ws2_slot_adopt(void *pipe)
{
    uintptr_t index = (uintptr_t)pipe >> 2;
    return index >= WS2_HANDLE_SLOTS ? NULL : slot_claim((uint32_t)index);
}

/**
 * A slot with a pipe of its own, and one reference.
 *
 * @return  NULL when the system gives no handle, or one beyond the table.
 *
 * Context: any thread; two calls into the kernel. The last error is as before.
 */
struct ws2_slot *ws2_slot_obtain(void)
{
    DWORD before = GetLastError();
    struct ws2_slot *slot = NULL;
    unsigned i;
    ws2_kernel_attach();
    for (i = 0; slot == NULL && i < TRIES; i++) {
        HANDLE pipe = pipe_make();
        if (pipe == INVALID_HANDLE_VALUE) {
            break;
        }
        if ((uintptr_t)pipe >> 2 >= WS2_HANDLE_SLOTS) {
            CloseHandle(pipe);
            break;
        }
        slot = slot_claim((uint32_t)((uintptr_t)pipe >> 2));
    }
    SetLastError(before);
    return slot;
}

/** Close the pipe of a slot whose last reference went. Context: any thread; the last error is as before. */
void ws2_slot_recycle(struct ws2_slot *slot)
{
    DWORD before = GetLastError();
    CloseHandle((HANDLE)(uintptr_t)ws2_handle_value(slot));
    SetLastError(before);
}

/** The value of a slot's handle. Context: the owner of a slot that is open. */
uint32_t ws2_handle_value(const struct ws2_slot *slot)
{
    return slot->index << 2;
}

/** Release what the ports' side keeps for a socket. */
void ws2_object_release(enum ws2_kind kind, void *object)
{
    (void)kind;
    ws2_port_release(object);
}
