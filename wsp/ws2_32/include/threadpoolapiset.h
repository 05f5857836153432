/*
 * The part of the thread pool that servers use, for Linux; included by windows.h: work items, and callbacks for the ends of
 * overlapped operations. There is one pool; environments, private pools, timers and waits are not there.
 */
#ifndef WL_THREADPOOLAPISET_H
#define WL_THREADPOOLAPISET_H

#include "windef.h"

#define WT_EXECUTEDEFAULT 0x00u
#define WT_EXECUTEINIOTHREAD 0x01u
#define WT_EXECUTELONGFUNCTION 0x10u

typedef struct _TP_CALLBACK_INSTANCE TP_CALLBACK_INSTANCE, *PTP_CALLBACK_INSTANCE;
typedef struct _TP_CALLBACK_ENVIRON TP_CALLBACK_ENVIRON, *PTP_CALLBACK_ENVIRON;
typedef struct _TP_IO TP_IO, *PTP_IO;
typedef void(CALLBACK *PTP_SIMPLE_CALLBACK)(PTP_CALLBACK_INSTANCE instance, PVOID context);
typedef void(CALLBACK *PTP_WIN32_IO_CALLBACK)(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID overlapped,
                                              ULONG result, ULONG_PTR bytes, PTP_IO io);
typedef void(CALLBACK *LPOVERLAPPED_COMPLETION_ROUTINE)(DWORD code, DWORD bytes, LPOVERLAPPED overlapped);
typedef DWORD(WINAPI *WL_WORK_ROUTINE)(LPVOID context);

WL_BEGIN_C

BOOL WINAPI QueueUserWorkItem(WL_WORK_ROUTINE routine, PVOID context, ULONG flags);
BOOL WINAPI TrySubmitThreadpoolCallback(PTP_SIMPLE_CALLBACK callback, PVOID context, PTP_CALLBACK_ENVIRON environment);
BOOL WINAPI BindIoCompletionCallback(HANDLE file, LPOVERLAPPED_COMPLETION_ROUTINE routine, ULONG flags);
PTP_IO WINAPI CreateThreadpoolIo(HANDLE file, PTP_WIN32_IO_CALLBACK callback, PVOID context,
                                 PTP_CALLBACK_ENVIRON environment);
void WINAPI StartThreadpoolIo(PTP_IO io);
void WINAPI CancelThreadpoolIo(PTP_IO io);
void WINAPI WaitForThreadpoolIoCallbacks(PTP_IO io, BOOL cancel_pending);
void WINAPI CloseThreadpoolIo(PTP_IO io);

WL_END_C

#endif
