/*
 * winbase.h, Linux: memory by its old names, slots of threads, the time of day, short texts.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

#include "ws2_priv.h"

/* Of 100 ns, from 1601 to 1970. */
#define FILETIME_EPOCH 116444736000000000u
#define WSPRINTF_BYTES 1024 /* what the documentation says that the buffer must hold */

/** A block, to be given to GlobalFree; fixed. @return NULL with ERROR_NOT_ENOUGH_MEMORY, or ERROR_INVALID_PARAMETER (movable). */
HGLOBAL WINAPI GlobalAlloc(UINT flags, SIZE_T bytes)
{
    HGLOBAL block;
    if ((flags & ~GMEM_ZEROINIT) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    block = HeapAlloc(NULL, (flags & GMEM_ZEROINIT) != 0 ? HEAP_ZERO_MEMORY : 0, bytes);
    if (block == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    }
    return block;
}

/** Give a block back. @return NULL. */
HGLOBAL WINAPI GlobalFree(HGLOBAL block)
{
    free(block);
    return NULL;
}

/** As GlobalAlloc; LocalFree frees it. */
HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T bytes)
{
    return GlobalAlloc(flags, bytes);
}

/* ---- slots of threads: libc's keys ---- */

/** A slot that is NULL in every thread. @return TLS_OUT_OF_INDEXES with ERROR_NOT_ENOUGH_MEMORY. */
DWORD WINAPI TlsAlloc(void)
{
    pthread_key_t key;
    if (pthread_key_create(&key, NULL) != 0) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return TLS_OUT_OF_INDEXES;
    }
    return (DWORD)key;
}

/** The calling thread's value; the last error is cleared, as NULL may be one. */
LPVOID WINAPI TlsGetValue(DWORD slot)
{
    SetLastError(NO_ERROR);
    return pthread_getspecific((pthread_key_t)slot);
}

/** Set the calling thread's value. @return FALSE with ERROR_INVALID_PARAMETER. */
BOOL WINAPI TlsSetValue(DWORD slot, LPVOID value)
{
    if (pthread_setspecific((pthread_key_t)slot, value) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return TRUE;
}

/** Give a slot back. @return FALSE with ERROR_INVALID_PARAMETER. */
BOOL WINAPI TlsFree(DWORD slot)
{
    if (pthread_key_delete((pthread_key_t)slot) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return TRUE;
}

/* ---- the time of day ---- */

static void time_say(LPSYSTEMTIME out, bool local)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    (void)(local ? localtime_r(&now.tv_sec, &parts) : gmtime_r(&now.tv_sec, &parts));
    out->wYear = (WORD)(parts.tm_year + 1900);
    out->wMonth = (WORD)(parts.tm_mon + 1);
    out->wDayOfWeek = (WORD)parts.tm_wday;
    out->wDay = (WORD)parts.tm_mday;
    out->wHour = (WORD)parts.tm_hour;
    out->wMinute = (WORD)parts.tm_min;
    out->wSecond = (WORD)parts.tm_sec;
    out->wMilliseconds = (WORD)(now.tv_nsec / 1000000);
}

/** The time of day, UTC. */
void WINAPI GetSystemTime(LPSYSTEMTIME out)
{
    time_say(out, false);
}

/** The time of day here. */
void WINAPI GetLocalTime(LPSYSTEMTIME out)
{
    time_say(out, true);
}

/** 100 ns since 1601, UTC. */
void WINAPI GetSystemTimeAsFileTime(LPFILETIME out)
{
    struct timespec now;
    uint64_t ticks;
    clock_gettime(CLOCK_REALTIME, &now);
    ticks = (uint64_t)now.tv_sec * 10000000u + (uint64_t)now.tv_nsec / 100u + FILETIME_EPOCH;
    out->dwLowDateTime = (DWORD)ticks;
    out->dwHighDateTime = (DWORD)(ticks >> 32);
}

/** As GetSystemTimeAsFileTime, which is as precise here. */
void WINAPI GetSystemTimePreciseAsFileTime(LPFILETIME out)
{
    GetSystemTimeAsFileTime(out);
}

/* ---- odds and ends ---- */

/**
 * The host's name, its first label.
 *
 * @param chars  In: room; out: characters, the terminator excluded, or what is needed with it.
 * @return       FALSE with ERROR_BUFFER_OVERFLOW or ERROR_INVALID_PARAMETER.
 */
BOOL WINAPI GetComputerNameA(LPSTR out, LPDWORD chars)
{
    struct utsname host;
    size_t length;
    if (chars == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    (void)uname(&host);
    length = strcspn(host.nodename, ".");
    if (out == NULL || *chars <= length) {
        *chars = (DWORD)length + 1;
        SetLastError(ERROR_BUFFER_OVERFLOW);
        return FALSE;
    }
    memcpy(out, host.nodename, length);
    out[length] = '\0';
    *chars = (DWORD)length;
    return TRUE;
}

/** Nobody debugs: to the standard error stream. */
void WINAPI OutputDebugStringA(LPCSTR text)
{
    if (text != NULL) {
        (void)fputs(text, stderr);
    }
}

/** Bytes of a text; 0 for NULL. */
int WINAPI lstrlenA(LPCSTR text)
{
    return text == NULL ? 0 : (int)strlen(text);
}

/** Copy. @return out, or NULL if one of them is. */
LPSTR WINAPI lstrcpyA(LPSTR out, LPCSTR in)
{
    return out == NULL || in == NULL ? NULL : strcpy(out, in);
}

/** Copy what fits. @param chars  Room, the terminator included. @return As lstrcpyA. */
LPSTR WINAPI lstrcpynA(LPSTR out, LPCSTR in, int chars)
{
    size_t length;
    if (out == NULL || in == NULL || chars <= 0) {
        return NULL;
    }
    length = strnlen(in, (size_t)chars - 1);
    memcpy(out, in, length);
    out[length] = '\0';
    return out;
}

/** Append. @return As lstrcpyA. */
LPSTR WINAPI lstrcatA(LPSTR out, LPCSTR in)
{
    return out == NULL || in == NULL ? NULL : strcat(out, in);
}

/** Compare; NULL is before all others. */
int WINAPI lstrcmpA(LPCSTR a, LPCSTR b)
{
    return a == NULL || b == NULL ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

/** As lstrcmpA, A to Z as a to z. */
int WINAPI lstrcmpiA(LPCSTR a, LPCSTR b)
{
    return a == NULL || b == NULL ? (a != NULL) - (b != NULL) : strcasecmp(a, b);
}

/** Format by libc's rules into 1024 bytes at most. @return Bytes. */
int WINAPI wsprintfA(LPSTR out, LPCSTR format, ...)
{
    va_list arguments;
    int count;
    va_start(arguments, format);
    count = vsnprintf(out, WSPRINTF_BYTES, format, arguments);
    va_end(arguments);
    return count >= WSPRINTF_BYTES ? WSPRINTF_BYTES - 1 : count;
}
