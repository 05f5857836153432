/*
 * Sentences for error codes, in words of our own, Linux: FormatMessage.
 */
#include "ws2_format.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    DWORD code;
    const char *text;
} messages[] = {
    {WSA_INVALID_HANDLE, "The handle is invalid."},
    {WSA_NOT_ENOUGH_MEMORY, "There is not enough memory."},
    {WSA_INVALID_PARAMETER, "A parameter is invalid."},
    {WSA_OPERATION_ABORTED, "The operation was aborted."},
    {WSA_IO_INCOMPLETE, "The overlapped operation has not completed."},
    {WSA_IO_PENDING, "The overlapped operation is in progress."},
    {WSAEINTR, "The blocking call was interrupted."},
    {WSAEBADF, "The file handle is not valid."},
    {WSAEACCES, "The access is not permitted."},
    {WSAEFAULT, "A pointer or a length is not valid."},
    {WSAEINVAL, "An argument or the state of the socket is invalid."},
    {WSAEMFILE, "There are too many open sockets."},
    {WSAEWOULDBLOCK, "The operation would block."},
    {WSAEINPROGRESS, "A blocking operation is in progress."},
    {WSAEALREADY, "The operation is already in progress."},
    {WSAENOTSOCK, "The handle is not a socket."},
    {WSAEDESTADDRREQ, "A destination address is required."},
    {WSAEMSGSIZE, "The message is too long."},
    {WSAEPROTOTYPE, "The protocol does not fit the type of the socket."},
    {WSAENOPROTOOPT, "The option is unknown or not supported."},
    {WSAEPROTONOSUPPORT, "The protocol is not supported."},
    {WSAESOCKTNOSUPPORT, "The type of socket is not supported."},
    {WSAEOPNOTSUPP, "The operation is not supported."},
    {WSAEPFNOSUPPORT, "The protocol family is not supported."},
    {WSAEAFNOSUPPORT, "The address family is not supported."},
    {WSAEADDRINUSE, "The address is in use."},
    {WSAEADDRNOTAVAIL, "The address is not available."},
    {WSAENETDOWN, "The network is down."},
    {WSAENETUNREACH, "The network cannot be reached."},
    {WSAENETRESET, "The connection was broken by keep-alive."},
    {WSAECONNABORTED, "The connection was aborted on this host."},
    {WSAECONNRESET, "The connection was reset by the peer."},
    {WSAENOBUFS, "There is no buffer space."},
    {WSAEISCONN, "The socket is connected."},
    {WSAENOTCONN, "The socket is not connected."},
    {WSAESHUTDOWN, "The socket was shut down."},
    {WSAETIMEDOUT, "The operation timed out."},
    {WSAECONNREFUSED, "The connection was refused."},
    {WSAEHOSTDOWN, "The host is down."},
    {WSAEHOSTUNREACH, "The host cannot be reached."},
    {WSAEPROCLIM, "There are too many users of Winsock."},
    {WSASYSNOTREADY, "The network is not ready."},
    {WSAVERNOTSUPPORTED, "The version of Winsock is not supported."},
    {WSANOTINITIALISED, "WSAStartup was not called."},
    {WSAEDISCON, "The peer is shutting down."},
    {WSAEINVALIDPROCTABLE, "The table of a provider is not complete."},
    {WSAEINVALIDPROVIDER, "The version of a provider does not fit."},
    {WSAEPROVIDERFAILEDINIT, "A provider could not be loaded or started."},
    {WSASYSCALLFAILURE, "A call failed for an unknown reason."},
    {WSATYPE_NOT_FOUND, "The service is not known."},
    {WSAHOST_NOT_FOUND, "The host is not known."},
    {WSATRY_AGAIN, "The name could not be resolved at this time."},
    {WSANO_RECOVERY, "The name query cannot be answered."},
    {WSANO_DATA, "The name has no data of the type asked for."},
    {WSAETOOMANYREFS, "There are too many references to an object."},
    {WSAELOOP, "The name cannot be translated: it leads in a circle."},
    {WSAENAMETOOLONG, "The name is too long."},
    {WSAENOTEMPTY, "The directory is not empty."},
    {WSAEUSERS, "There are too many users."},
    {WSAEDQUOT, "The quota is used up."},
    {WSAESTALE, "The file handle is stale."},
    {WSAEREMOTE, "The item is not available locally."},
    {WSAENOMORE, "There are no more results."},
    {WSAECANCELLED, "The lookup was cancelled."},
    {WSASERVICE_NOT_FOUND, "No such service is known in the namespace."},
    {WSA_E_NO_MORE, "There are no more results."},
    {WSA_E_CANCELLED, "The lookup was cancelled."},
    {WSAEREFUSED, "The name query was refused."},
    {WSA_QOS_RECEIVERS, "A reservation has arrived."},
    {WSA_QOS_SENDERS, "A sender of quality of service has arrived."},
    {WSA_QOS_NO_SENDERS, "There are no senders of quality of service."},
    {WSA_QOS_NO_RECEIVERS, "There are no receivers of quality of service."},
    {WSA_QOS_REQUEST_CONFIRMED, "The reservation is confirmed."},
    {WSA_QOS_ADMISSION_FAILURE, "There are not enough resources for the reservation."},
    {WSA_QOS_POLICY_FAILURE, "The reservation is rejected by policy."},
    {WSA_QOS_BAD_STYLE, "The style of the reservation is unknown or conflicts."},
    {WSA_QOS_BAD_OBJECT, "A part of the filter or the flow specification is wrong."},
    {WSA_QOS_TRAFFIC_CTRL_ERROR, "The control of traffic failed."},
    {WSA_QOS_GENERIC_ERROR, "Quality of service failed."},
    {WSA_QOS_ESERVICETYPE, "The service type of a flow specification is wrong."},
    {WSA_QOS_EFLOWSPEC, "A flow specification is wrong."},
    {WSA_QOS_EPROVSPECBUF, "The provider-specific buffer of quality of service is wrong."},
    {WSA_QOS_EFILTERSTYLE, "The style of a filter is wrong."},
    {WSA_QOS_EFILTERTYPE, "The type of a filter is wrong."},
    {WSA_QOS_EFILTERCOUNT, "The number of filters is wrong."},
    {WSA_QOS_EOBJLENGTH, "The length of an object of quality of service is wrong."},
    {WSA_QOS_EFLOWCOUNT, "The number of flow descriptors is wrong."},
    {WSA_QOS_EUNKNOWNPSOBJ, "An object of quality of service is not known."},
    {WSA_QOS_EPOLICYOBJ, "A policy object of quality of service is wrong."},
    {WSA_QOS_EFLOWDESC, "A flow descriptor is wrong."},
    {WSA_QOS_EPSFLOWSPEC, "A provider-specific flow specification is wrong."},
    {WSA_QOS_EPSFILTERSPEC, "A provider-specific filter is wrong."},
    {WSA_QOS_ESDMODEOBJ, "A shape discard mode object is wrong."},
    {WSA_QOS_ESHAPERATEOBJ, "A shaping rate object is wrong."},
    {WSA_QOS_RESERVED_PETYPE, "A reserved policy element was found."},
};

/** A sentence for a code; NULL if it is none of Winsock's. Constant. */
const char *ws2_format_text(DWORD code)
{
    unsigned i;
    for (i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (messages[i].code == code) {
            return messages[i].text;
        }
    }
    return NULL;
}

/**
 * The sentence of a system error code.
 *
 * @param flags   FORMAT_MESSAGE_FROM_SYSTEM, with ALLOCATE_BUFFER (then text is a char ** and LocalFree frees what it
 *                gets) and MAX_WIDTH_MASK (a blank ends the sentence instead of a line end); inserts do not occur.
 * @param chars   Room; not looked at with ALLOCATE_BUFFER.
 * @return        Characters, the terminator excluded, or 0 with ERROR_INVALID_PARAMETER (another source, NULL),
 *                ERROR_NOT_FOUND (code unknown), ERROR_INSUFFICIENT_BUFFER, ERROR_NOT_ENOUGH_MEMORY.
 */
DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD code, DWORD language, LPSTR text, DWORD chars,
                            void *arguments)
{
    const char *sentence = ws2_format_text(code);
    const char *end = (flags & FORMAT_MESSAGE_MAX_WIDTH_MASK) != 0 ? " " : "\r\n";
    size_t length;
    (void)source;
    (void)language;
    (void)arguments;
    if ((flags & FORMAT_MESSAGE_FROM_SYSTEM) == 0 || text == NULL || sentence == NULL) {
        SetLastError(sentence == NULL && text != NULL ? ERROR_NOT_FOUND : ERROR_INVALID_PARAMETER);
        return 0;
    }
    length = strlen(sentence) + strlen(end);
    if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) != 0) {
        char *block = (char *)malloc(length + 1);
        if (block == NULL) {
            SetLastError(ERROR_NOT_ENOUGH_MEMORY);
            return 0;
        }
        memcpy(text, &block, sizeof block);
        text = block;
    } else if (length >= chars) {
        SetLastError(ERROR_INSUFFICIENT_BUFFER);
        return 0;
    }
    memcpy(text, sentence, strlen(sentence));
    memcpy(text + strlen(sentence), end, strlen(end) + 1);
    return (DWORD)length;
}

/** Free what FormatMessage allocated. @return NULL. */
HANDLE WINAPI LocalFree(HANDLE block)
{
    free(block);
    return NULL;
}
