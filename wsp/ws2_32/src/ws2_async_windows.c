/*
 * Names looked up in the background, for windows (1.1), and names that are set: not done. The functions of 1.1 say that
 * nothing can be scheduled, SetAddrInfoEx that no provider takes names. GetAddrInfoEx (ws2_addrinfo_ex_windows.c) never
 * pends, so there is no call of it to cancel. Windows only: the headers for Linux do not declare them. Source: rules
 * WS2-52, WS2-63.
 */
#include "ws2_unlisted_windows.h"

static HANDLE no_task(void)
{
    ws2_fail(ws2_started() ? WSAEWOULDBLOCK : WSANOTINITIALISED);
    return NULL;
}

/** Fails with WSANOTINITIALISED or WSAEWOULDBLOCK: cannot be scheduled. */
HANDLE WSAAPI WSAAsyncGetHostByAddr(HWND window, u_int message, const char *addr, int len, int type, char *buf,
                                    int bytes)
{
    (void)window;
    (void)message;
    (void)addr;
    (void)len;
    (void)type;
    (void)buf;
    (void)bytes;
    return no_task();
}

/** Fails with WSANOTINITIALISED or WSAEWOULDBLOCK: cannot be scheduled. */
HANDLE WSAAPI WSAAsyncGetHostByName(HWND window, u_int message, const char *name, char *buf, int bytes)
{
    (void)window;
    (void)message;
    (void)name;
    (void)buf;
    (void)bytes;
    return no_task();
}

/** Fails with WSANOTINITIALISED or WSAEWOULDBLOCK: cannot be scheduled. */
HANDLE WSAAPI WSAAsyncGetProtoByNumber(HWND window, u_int message, int number, char *buf, int bytes)
{
    (void)window;
    (void)message;
    (void)number;
    (void)buf;
    (void)bytes;
    return no_task();
}

/** Fails with WSANOTINITIALISED or WSAEWOULDBLOCK: cannot be scheduled. */
HANDLE WSAAPI WSAAsyncGetProtoByName(HWND window, u_int message, const char *name, char *buf, int bytes)
{
    (void)window;
    (void)message;
    (void)name;
    (void)buf;
    (void)bytes;
    return no_task();
}

/** Fails with WSANOTINITIALISED or WSAEWOULDBLOCK: cannot be scheduled. */
HANDLE WSAAPI WSAAsyncGetServByPort(HWND window, u_int message, int port, const char *proto, char *buf, int bytes)
{
    (void)window;
    (void)message;
    (void)port;
    (void)proto;
    (void)buf;
    (void)bytes;
    return no_task();
}

/** Fails with WSANOTINITIALISED or WSAEWOULDBLOCK: cannot be scheduled. */
HANDLE WSAAPI WSAAsyncGetServByName(HWND window, u_int message, const char *name, const char *proto, char *buf,
                                    int bytes)
{
    (void)window;
    (void)message;
    (void)name;
    (void)proto;
    (void)buf;
    (void)bytes;
    return no_task();
}

/** Fails with WSANOTINITIALISED or WSAEINVAL: no task was ever given. */
int WSAAPI WSACancelAsyncRequest(HANDLE task)
{
    (void)task;
    return ws2_fail(ws2_started() ? WSAEINVAL : WSANOTINITIALISED);
}

/* The code is returned, and the last error too. */
static int no_names(int code)
{
    code = ws2_started() ? code : WSANOTINITIALISED;
    ws2_fail(code);
    return code;
}

/** Fails with WSANOTINITIALISED or WSANO_RECOVERY: no provider registers names. */
int WSAAPI SetAddrInfoExA(PCSTR name, PCSTR service, SOCKET_ADDRESS *addresses, DWORD count, LPBLOB blob, DWORD flags,
                          DWORD name_space, LPGUID provider, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    (void)name;
    (void)service;
    (void)addresses;
    (void)count;
    (void)blob;
    (void)flags;
    (void)name_space;
    (void)provider;
    (void)timeout;
    (void)overlapped;
    (void)routine;
    (void)handle;
    return no_names(WSANO_RECOVERY);
}

/** As SetAddrInfoExA. */
int WSAAPI SetAddrInfoExW(PCWSTR name, PCWSTR service, SOCKET_ADDRESS *addresses, DWORD count, LPBLOB blob, DWORD flags,
                          DWORD name_space, LPGUID provider, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    (void)name;
    (void)service;
    (void)addresses;
    (void)count;
    (void)blob;
    (void)flags;
    (void)name_space;
    (void)provider;
    (void)timeout;
    (void)overlapped;
    (void)routine;
    (void)handle;
    return no_names(WSANO_RECOVERY);
}

/** Fails with WSA_INVALID_HANDLE: there is no call to cancel. */
INT WSAAPI GetAddrInfoExCancel(LPHANDLE handle)
{
    (void)handle;
    return no_names(WSA_INVALID_HANDLE);
}

/** Fails with WSAEINVAL: there is no call that could have ended. */
INT WSAAPI GetAddrInfoExOverlappedResult(LPOVERLAPPED overlapped)
{
    (void)overlapped;
    return no_names(WSAEINVAL);
}
