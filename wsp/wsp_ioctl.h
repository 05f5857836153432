/**
 * @file
 * Control codes of sockets: one table. Source: rules WSPIOCTL, IOC, section 5.7 of the options' list.
 */
#ifndef WSP_IOCTL_H
#define WSP_IOCTL_H

#include "wsp_socket.h"

/** The interface that has an address; 0: none. Context: any thread; allocates. */
uint32_t wsp_interface_of(const struct stk_addr *addr);

/* Slot 17. */
int WSPAPI wsp_ioctl(SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer, DWORD cbInBuffer, LPVOID lpvOutBuffer,
                     DWORD cbOutBuffer, LPDWORD lpcbBytesReturned, LPWSAOVERLAPPED lpOverlapped,
                     LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine, LPWSATHREADID lpThreadId, LPINT lpErrno);

#endif
