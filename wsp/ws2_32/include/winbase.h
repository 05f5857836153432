/*
 * Further services that plain Winsock programs use, for Linux: local and global memory, slots of threads, the time of day,
 * console events, short texts. Included by windows.h.
 */
#ifndef WL_WINBASE_H
#define WL_WINBASE_H

#include "windef.h"

#define GMEM_FIXED 0x0000u
#define GMEM_ZEROINIT 0x0040u
#define GPTR 0x0040u
#define LMEM_FIXED 0x0000u
#define LMEM_ZEROINIT 0x0040u
#define LPTR 0x0040u

#define TLS_OUT_OF_INDEXES 0xFFFFFFFFu

#define CTRL_C_EVENT 0u
#define CTRL_BREAK_EVENT 1u
#define CTRL_CLOSE_EVENT 2u
#define CTRL_LOGOFF_EVENT 5u
#define CTRL_SHUTDOWN_EVENT 6u

#define MAX_COMPUTERNAME_LENGTH 15

typedef HANDLE HGLOBAL;
typedef HANDLE HLOCAL;
typedef BOOL(WINAPI *PHANDLER_ROUTINE)(DWORD event);

typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef struct _SYSTEMTIME {
    WORD wYear;
    WORD wMonth;
    WORD wDayOfWeek;
    WORD wDay;
    WORD wHour;
    WORD wMinute;
    WORD wSecond;
    WORD wMilliseconds;
} SYSTEMTIME, *PSYSTEMTIME, *LPSYSTEMTIME;

WL_BEGIN_C

HGLOBAL WINAPI GlobalAlloc(UINT flags, SIZE_T bytes);
HGLOBAL WINAPI GlobalFree(HGLOBAL block);
HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T bytes);

DWORD WINAPI TlsAlloc(void);
LPVOID WINAPI TlsGetValue(DWORD slot);
BOOL WINAPI TlsSetValue(DWORD slot, LPVOID value);
BOOL WINAPI TlsFree(DWORD slot);

void WINAPI GetSystemTime(LPSYSTEMTIME out);
void WINAPI GetLocalTime(LPSYSTEMTIME out);
void WINAPI GetSystemTimeAsFileTime(LPFILETIME out);
void WINAPI GetSystemTimePreciseAsFileTime(LPFILETIME out);

BOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add);
BOOL WINAPI GetComputerNameA(LPSTR out, LPDWORD chars);
void WINAPI OutputDebugStringA(LPCSTR text);

int WINAPI lstrlenA(LPCSTR text);
LPSTR WINAPI lstrcpyA(LPSTR out, LPCSTR in);
LPSTR WINAPI lstrcpynA(LPSTR out, LPCSTR in, int chars);
LPSTR WINAPI lstrcatA(LPSTR out, LPCSTR in);
int WINAPI lstrcmpA(LPCSTR a, LPCSTR b);
int WINAPI lstrcmpiA(LPCSTR a, LPCSTR b);
int WINAPI wsprintfA(LPSTR out, LPCSTR format, ...) __attribute__((format(printf, 2, 3)));

WL_END_C

#ifndef UNICODE
#define GetComputerName GetComputerNameA
#define OutputDebugString OutputDebugStringA
#define lstrlen lstrlenA
#define lstrcpy lstrcpyA
#define lstrcpyn lstrcpynA
#define lstrcat lstrcatA
#define lstrcmp lstrcmpA
#define lstrcmpi lstrcmpiA
#define wsprintf wsprintfA
#endif

#endif
