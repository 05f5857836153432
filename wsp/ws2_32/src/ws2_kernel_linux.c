/*
 * The small kernel services of windows.h, Linux: last error, time, process, heap.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <windows.h>

static _Thread_local DWORD last_error;

/** The same storage as WSAGetLastError. Source: rule WS2-11. */
DWORD WINAPI GetLastError(void)
{
    return last_error;
}

/** The same storage as WSASetLastError. */
void WINAPI SetLastError(DWORD code)
{
    last_error = code;
}

/** Milliseconds since an arbitrary start; never goes back. */
ULONGLONG WINAPI GetTickCount64(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (ULONGLONG)now.tv_sec * 1000u + (ULONGLONG)now.tv_nsec / 1000000u;
}

/** GetTickCount64 modulo 2^32. */
DWORD WINAPI GetTickCount(void)
{
    return (DWORD)GetTickCount64();
}

/** Nanoseconds since an arbitrary start. @return FALSE with ERROR_INVALID_PARAMETER for a NULL pointer. */
BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *count)
{
    struct timespec now;
    if (count == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    count->QuadPart = (LONGLONG)now.tv_sec * 1000000000 + now.tv_nsec;
    return TRUE;
}

/** Ticks of QueryPerformanceCounter per second. @return FALSE with ERROR_INVALID_PARAMETER for a NULL pointer. */
BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *per_second)
{
    if (per_second == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    per_second->QuadPart = 1000000000;
    return TRUE;
}

/** The process's number. */
DWORD WINAPI GetCurrentProcessId(void)
{
    return (DWORD)getpid();
}

/** What stands for the own process. */
HANDLE WINAPI GetCurrentProcess(void)
{
    return (HANDLE)(LONG_PTR)-1;
}

/** End the process: exit handlers run, so that closing connections are drained. */
void WINAPI ExitProcess(UINT code)
{
    exit((int)code);
}

/** The one heap there is. */
HANDLE WINAPI GetProcessHeap(void)
{
    static char heap;
    return &heap;
}

/** A block of the heap, to be given to HeapFree; NULL when memory is short. */
LPVOID WINAPI HeapAlloc(HANDLE heap, DWORD flags, SIZE_T bytes)
{
    (void)heap;
    return (flags & HEAP_ZERO_MEMORY) != 0 ? calloc(1, bytes == 0 ? 1 : bytes) : malloc(bytes == 0 ? 1 : bytes);
}

/** Give a block of HeapAlloc back. NULL is accepted. */
BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, LPVOID block)
{
    (void)heap;
    (void)flags;
    free(block);
    return TRUE;
}
