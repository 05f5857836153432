/*
 * VirtualAlloc and kin, heaps, what the machine is, Linux.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <windows.h>

#define GRANULARITY 65536u
#define LARGE_PAGE (2u << 20)

/* What VirtualAlloc has given, by address. */
struct region {
    struct region *next;
    char *at;
    size_t bytes;
};

static pthread_mutex_t regions_lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions;

static size_t rounded(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) & ~(unit - 1);
}

static BOOL fail(DWORD code)
{
    SetLastError(code);
    return FALSE;
}

static int access_of(DWORD access)
{
    switch (access) {
    case PAGE_NOACCESS:
        return PROT_NONE;
    case PAGE_READONLY:
        return PROT_READ;
    case PAGE_READWRITE:
        return PROT_READ | PROT_WRITE;
    default:
        return -1;
    }
}

static bool region_note(char *at, size_t bytes)
{
    struct region *region = (struct region *)malloc(sizeof *region);
    if (region == NULL) {
        return false;
    }
    region->at = at;
    region->bytes = bytes;
    pthread_mutex_lock(&regions_lock);
    region->next = regions;
    regions = region;
    pthread_mutex_unlock(&regions_lock);
    return true;
}

/* Take the region that begins at an address out of the list. @return its size, or 0. */
static size_t region_forget(const char *at)
{
    struct region **place = &regions;
    struct region *region;
    size_t bytes = 0;
    pthread_mutex_lock(&regions_lock);
    while (*place != NULL && (*place)->at != at) {
        place = &(*place)->next;
    }
    region = *place;
    if (region != NULL) {
        *place = region->next;
        bytes = region->bytes;
    }
    pthread_mutex_unlock(&regions_lock);
    free(region);
    return bytes;
}

static bool region_holds(const char *at, size_t bytes)
{
    const struct region *region;
    bool holds = false;
    pthread_mutex_lock(&regions_lock);
    for (region = regions; region != NULL && !holds; region = region->next) {
        holds = at >= region->at && bytes <= region->bytes && (size_t)(at - region->at) <= region->bytes - bytes;
    }
    pthread_mutex_unlock(&regions_lock);
    return holds;
}

/* Fresh memory on a multiple of 64 KiB. */
static char *fresh_map(size_t bytes, int access, bool large)
{
    size_t slack = large ? 0 : GRANULARITY;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (access == PROT_NONE ? MAP_NORESERVE : 0) | (large ? MAP_HUGETLB : 0);
    char *at = (char *)mmap(NULL, bytes + slack, access, flags, -1, 0);
    size_t before;
    if (at == MAP_FAILED || large) {
        return at == MAP_FAILED ? NULL : at;
    }
    before = rounded((uintptr_t)at, GRANULARITY) - (uintptr_t)at;
    if (before > 0) {
        (void)munmap(at, before);
    }
    (void)munmap(at + before + bytes, slack - before);
    return at + before;
}

/**
 * Reserve or commit memory; committed memory is zeroed when it is first touched.
 *
 * @param at      NULL, or with MEM_COMMIT alone an address within what was reserved.
 * @param what    MEM_RESERVE, MEM_COMMIT or both, MEM_LARGE_PAGES.
 * @param access  PAGE_NOACCESS, PAGE_READONLY or PAGE_READWRITE.
 * @return        NULL with ERROR_INVALID_PARAMETER, ERROR_INVALID_ADDRESS (a place of its own is asked for, or nothing is reserved
 *                there), ERROR_NOT_ENOUGH_MEMORY or ERROR_NO_SYSTEM_RESOURCES (large pages).
 */
LPVOID WINAPI VirtualAlloc(LPVOID at, SIZE_T bytes, DWORD what, DWORD access)
{
    bool large = (what & MEM_LARGE_PAGES) != 0;
    int protection = access_of(access);
    size_t size = rounded(bytes, large ? LARGE_PAGE : (size_t)sysconf(_SC_PAGESIZE));
    char *made;
    if (bytes == 0 || bytes > SIZE_MAX / 2 || protection < 0 || (what & (MEM_RESERVE | MEM_COMMIT)) == 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (at != NULL) {
        char *page = (char *)((uintptr_t)at & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
        size = rounded((size_t)((char *)at + bytes - page), (size_t)sysconf(_SC_PAGESIZE));
        if ((what & MEM_RESERVE) != 0 || !region_holds(page, size) || mprotect(page, size, protection) != 0) {
            SetLastError(ERROR_INVALID_ADDRESS);
            return NULL;
        }
        return page;
    }
    made = fresh_map(size, (what & MEM_COMMIT) != 0 ? protection : PROT_NONE, large);
    if (made == NULL || !region_note(made, size)) {
        if (made != NULL) {
            (void)munmap(made, size);
        }
        SetLastError(large ? ERROR_NO_SYSTEM_RESOURCES : ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    return made;
}

/** Give memory back: MEM_RELEASE all that one VirtualAlloc gave (bytes 0), MEM_DECOMMIT part of it. */
BOOL WINAPI VirtualFree(LPVOID at, SIZE_T bytes, DWORD what)
{
    if (what == MEM_DECOMMIT && bytes > 0) {
        if (!region_holds((const char *)at, bytes)) {
            return fail(ERROR_INVALID_ADDRESS);
        }
        (void)madvise(at, bytes, MADV_DONTNEED);
        return mprotect(at, bytes, PROT_NONE) == 0 ? TRUE : fail(ERROR_INVALID_ADDRESS);
    }
    if (what != MEM_RELEASE || bytes != 0) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    bytes = region_forget((const char *)at);
    if (bytes == 0) {
        return fail(ERROR_INVALID_ADDRESS);
    }
    return munmap(at, bytes) == 0;
}

/** Change what may be done with committed memory. @param before PAGE_READWRITE is given, whatever it was. */
BOOL WINAPI VirtualProtect(LPVOID at, SIZE_T bytes, DWORD access, PDWORD before)
{
    int protection = access_of(access);
    uintptr_t page = (uintptr_t)at & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
    if (protection < 0 || before == NULL) {
        return fail(before == NULL ? ERROR_NOACCESS : ERROR_INVALID_PARAMETER);
    }
    if (mprotect((void *)page, bytes + ((uintptr_t)at - page), protection) != 0) {
        return fail(ERROR_INVALID_ADDRESS);
    }
    *before = PAGE_READWRITE;
    return TRUE;
}

/** Keep memory from being paged out. @return FALSE with ERROR_WORKING_SET_QUOTA. */
BOOL WINAPI VirtualLock(LPVOID at, SIZE_T bytes)
{
    return mlock(at, bytes) == 0 ? TRUE : fail(ERROR_WORKING_SET_QUOTA);
}

/** Undo VirtualLock. @return FALSE with ERROR_NOT_LOCKED. */
BOOL WINAPI VirtualUnlock(LPVOID at, SIZE_T bytes)
{
    return munlock(at, bytes) == 0 ? TRUE : fail(ERROR_NOT_LOCKED);
}

/** Bytes of a large page. */
SIZE_T WINAPI GetLargePageMinimum(void)
{
    return LARGE_PAGE;
}

/* ---- heaps: all are the one ---- */

/** A heap; its blocks are the process's, and HeapDestroy does not free them. */
HANDLE WINAPI HeapCreate(DWORD flags, SIZE_T initial, SIZE_T maximum)
{
    (void)flags;
    (void)initial;
    (void)maximum;
    return GetProcessHeap();
}

/** See HeapCreate. */
BOOL WINAPI HeapDestroy(HANDLE heap)
{
    return heap != NULL ? TRUE : fail(ERROR_INVALID_HANDLE);
}

/** Another size for a block; what it grows by is not zeroed: HEAP_ZERO_MEMORY fails with ERROR_NOT_SUPPORTED. */
LPVOID WINAPI HeapReAlloc(HANDLE heap, DWORD flags, LPVOID block, SIZE_T bytes)
{
    (void)heap;
    if ((flags & (HEAP_ZERO_MEMORY | HEAP_REALLOC_IN_PLACE_ONLY)) != 0) {
        SetLastError(ERROR_NOT_SUPPORTED);
        return NULL;
    }
    return realloc(block, bytes == 0 ? 1 : bytes);
}

/* ---- the machine ---- */

/** What the machine is; processors are those that the process may use. */
void WINAPI GetSystemInfo(LPSYSTEM_INFO info)
{
    static const SYSTEM_INFO none;
    cpu_set_t set;
    unsigned cpu;
    *info = none;
    info->wProcessorArchitecture = PROCESSOR_ARCHITECTURE_AMD64;
    info->dwPageSize = (DWORD)sysconf(_SC_PAGESIZE);
    info->lpMinimumApplicationAddress = (LPVOID)(uintptr_t)GRANULARITY;
    info->lpMaximumApplicationAddress = (LPVOID)(uintptr_t)0x7ffffffeffffu;
    info->dwAllocationGranularity = GRANULARITY;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        info->dwNumberOfProcessors = (DWORD)CPU_COUNT(&set);
        for (cpu = 0; cpu < 64; cpu++) {
            info->dwActiveProcessorMask |= CPU_ISSET(cpu, &set) ? (DWORD_PTR)1 << cpu : 0;
        }
    } else {
        info->dwNumberOfProcessors = (DWORD)sysconf(_SC_NPROCESSORS_ONLN);
    }
}

/** As GetSystemInfo. */
void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO info)
{
    GetSystemInfo(info);
}

/**
 * Let the calling thread run on some processors only.
 *
 * @param thread  GetCurrentThread().
 * @return        What it was, or 0 with ERROR_INVALID_PARAMETER (mask), ERROR_NOT_SUPPORTED (another thread).
 */
DWORD_PTR WINAPI SetThreadAffinityMask(HANDLE thread, DWORD_PTR mask)
{
    cpu_set_t set;
    cpu_set_t before;
    DWORD_PTR was = 0;
    unsigned cpu;
    if (thread != GetCurrentThread()) {
        SetLastError(ERROR_NOT_SUPPORTED);
        return 0;
    }
    CPU_ZERO(&set);
    CPU_ZERO(&before);
    for (cpu = 0; cpu < 64; cpu++) {
        if ((mask >> cpu & 1) != 0) {
            CPU_SET(cpu, &set);
        }
    }
    if (sched_getaffinity(0, sizeof before, &before) != 0 || sched_setaffinity(0, sizeof set, &set) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    for (cpu = 0; cpu < 64; cpu++) {
        was |= CPU_ISSET(cpu, &before) ? (DWORD_PTR)1 << cpu : 0;
    }
    return was;
}

/** Give the rest of the time slice away. */
BOOL WINAPI SwitchToThread(void)
{
    return sched_yield() == 0;
}
