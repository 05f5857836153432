/*
 * What the programs of registered I/O share: the functions by identifier, a registered region of pages, faults.
 */
#ifndef RIO_COMMON_H
#define RIO_COMMON_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef RIO_MSG_COMMIT_ONLY /* mingw-w64 10 declares nothing of it */
#include <wl_rio.h>
#endif

#define IPV4_ROOM 28 /* of a SOCKADDR_INET */

static RIO_EXTENSION_FUNCTION_TABLE rio;
static volatile int faults;

static void fault(const char *what, long number)
{
    printf("fault: %s (%ld, last error %d)\n", what, number, WSAGetLastError());
    fflush(stdout);
    faults++;
}

/* 0: the functions are there. */
static int rio_functions(SOCKET s)
{
    GUID id = WSAID_MULTIPLE_RIO;
    DWORD bytes = 0;

    rio.cbSize = sizeof(rio);
    if (WSAIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &rio, sizeof(rio), &bytes, NULL,
                 NULL) == 0 &&
        bytes == sizeof(rio) && rio.cbSize == sizeof(rio))
        return 0;
    fault("no registered I/O", (long)bytes);
    return 1;
}

/* Pages, registered. NULL: a fault was told. */
static char *region_open(size_t bytes, RIO_BUFFERID *id)
{
    char *region = VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    *id = region != NULL ? rio.RIORegisterBuffer(region, (DWORD)bytes) : RIO_INVALID_BUFFERID;
    if (*id != RIO_INVALID_BUFFERID)
        return region;
    fault("memory is not registered", (long)bytes);
    return NULL;
}

static void region_close(char *region, RIO_BUFFERID id)
{
    rio.RIODeregisterBuffer(id);
    VirtualFree(region, 0, MEM_RELEASE);
}

#endif
