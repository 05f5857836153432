/*
 * Memory and what the machine is, for Linux. Included by windows.h.
 */
#ifndef WL_MEMORYAPI_H
#define WL_MEMORYAPI_H

#include "windef.h"

#define MEM_COMMIT 0x00001000u
#define MEM_RESERVE 0x00002000u
#define MEM_DECOMMIT 0x00004000u
#define MEM_RELEASE 0x00008000u
#define MEM_TOP_DOWN 0x00100000u
#define MEM_LARGE_PAGES 0x20000000u
#define PAGE_NOACCESS 0x01u
#define PAGE_READONLY 0x02u
#define PAGE_READWRITE 0x04u

#define HEAP_NO_SERIALIZE 0x1u
#define HEAP_GENERATE_EXCEPTIONS 0x4u
#define HEAP_REALLOC_IN_PLACE_ONLY 0x10u

#define PROCESSOR_ARCHITECTURE_AMD64 9

typedef struct _SYSTEM_INFO {
    __extension__ union {
        DWORD dwOemId;
        __extension__ struct {
            WORD wProcessorArchitecture;
            WORD wReserved;
        };
    };
    DWORD dwPageSize;
    LPVOID lpMinimumApplicationAddress;
    LPVOID lpMaximumApplicationAddress;
    DWORD_PTR dwActiveProcessorMask;
    DWORD dwNumberOfProcessors;
    DWORD dwProcessorType;
    DWORD dwAllocationGranularity;
    WORD wProcessorLevel;
    WORD wProcessorRevision;
} SYSTEM_INFO, *LPSYSTEM_INFO;

WL_BEGIN_C

LPVOID WINAPI VirtualAlloc(LPVOID at, SIZE_T bytes, DWORD what, DWORD access);
BOOL WINAPI VirtualFree(LPVOID at, SIZE_T bytes, DWORD what);
BOOL WINAPI VirtualProtect(LPVOID at, SIZE_T bytes, DWORD access, PDWORD before);
BOOL WINAPI VirtualLock(LPVOID at, SIZE_T bytes);
BOOL WINAPI VirtualUnlock(LPVOID at, SIZE_T bytes);
SIZE_T WINAPI GetLargePageMinimum(void);

HANDLE WINAPI HeapCreate(DWORD flags, SIZE_T initial, SIZE_T maximum);
BOOL WINAPI HeapDestroy(HANDLE heap);
LPVOID WINAPI HeapReAlloc(HANDLE heap, DWORD flags, LPVOID block, SIZE_T bytes);

void WINAPI GetSystemInfo(LPSYSTEM_INFO info);
void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO info);
DWORD_PTR WINAPI SetThreadAffinityMask(HANDLE thread, DWORD_PTR mask);
BOOL WINAPI SwitchToThread(void);

WL_END_C

#endif
