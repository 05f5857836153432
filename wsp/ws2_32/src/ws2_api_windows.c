/*
 * Functions that the headers of Windows give another form than those of Linux. The sentences for codes of getaddrinfo are
 * not the DLL's there but the import library's.
 */
#include "ws2_priv.h"

/**
 * The host's own name.
 *
 * @param bytes  Room; a negative int counts as none.
 * @return       0, or SOCKET_ERROR with WSANOTINITIALISED or WSAEFAULT (NULL, too small).
 */
int WSAAPI gethostname(char *name, int bytes)
{
    return ws2_own_name(name, bytes < 0 ? 0 : (size_t)bytes);
}

/** Wait until one of the sockets is ready. As ws2_select. */
int WSAAPI select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, PTIMEVAL timeout)
{
    return ws2_select(nfds, readfds, writefds, exceptfds, timeout);
}
