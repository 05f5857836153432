/*
 * Functions that the headers of Windows give another form, Linux: gethostname has libc's prototype here, select's time is
 * constant, and the sentences for codes of getaddrinfo are functions of the library.
 */
#include "ws2_format.h"

/**
 * The host's own name.
 *
 * @param bytes  Room; a negative int counts as none.
 * @return       0, or SOCKET_ERROR with WSANOTINITIALISED or WSAEFAULT (NULL, too small).
 */
int WSAAPI gethostname(char *name, size_t bytes)
{
    return ws2_own_name(name, bytes > INT32_MAX ? 0 : bytes);
}

/** Wait until one of the sockets is ready. As ws2_select. */
int WSAAPI select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, const struct timeval *timeout)
{
    return ws2_select(nfds, readfds, writefds, exceptfds, (struct timeval *)(uintptr_t)timeout);
}

/* The codes of getaddrinfo are Winsock's own. */
static const char *gai_text(int code)
{
    const char *text = code == 0 ? "The operation completed successfully." : ws2_format_text((DWORD)code);
    return text == NULL ? "Unknown error." : text;
}

/** A sentence for a code of getaddrinfo; constant. Needs no WSAStartup. */
char *WSAAPI gai_strerrorA(int code)
{
    return (char *)(uintptr_t)gai_text(code);
}

/** As gai_strerrorA, in a buffer of the calling thread. */
WCHAR *WSAAPI gai_strerrorW(int code)
{
    static _Thread_local WCHAR text[80];
    ws2_utf16_from_ansi(gai_text(code), text, sizeof text / sizeof text[0]);
    return text;
}
