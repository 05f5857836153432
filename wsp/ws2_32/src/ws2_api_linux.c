/*
 * Functions that the headers of Windows give another form, Linux: gethostname has libc's prototype here, select's time is
 * constant, and the sentences for codes of getaddrinfo are functions of the library.
 */
#include "ws2_priv.h"

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

static const char *gai_text(int code)
{
    switch (code) {
    case 0:
        return "The operation completed successfully.";
    case EAI_AGAIN:
        return "The name could not be resolved at this time.";
    case EAI_BADFLAGS:
        return "The flags had an invalid value.";
    case EAI_FAIL:
        return "A non-recoverable error occurred.";
    case EAI_FAMILY:
        return "The address family is not supported.";
    case EAI_MEMORY:
        return "There is not enough memory.";
    case EAI_NODATA:
        return "The name has no data of the type asked for.";
    case EAI_NONAME:
        return "The host is not known.";
    case EAI_SERVICE:
        return "The service is not known for this socket type.";
    case EAI_SOCKTYPE:
        return "The socket type is not supported.";
    case WSANOTINITIALISED:
        return "WSAStartup was not called.";
    default:
        return "Unknown error.";
    }
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
