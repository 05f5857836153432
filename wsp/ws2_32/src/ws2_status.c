/*
 * One failure has three numbers: the Winsock code, the NTSTATUS in OVERLAPPED.Internal, and the Win32 code that
 * GetQueuedCompletionStatus, ReadFile and GetOverlappedResult make of the latter. Source: rules-ext 15, IOCP-8, IOCP-20.
 */
#include "ws2_status.h"

#define STATUS_BUFFER_TOO_SMALL_CODE 0xc0000023u

static const struct {
    DWORD code;
    DWORD status;
    DWORD win32;
} statuses[] = {
    {0, 0, 0},
    {WSA_OPERATION_ABORTED, 0xc0000120, ERROR_OPERATION_ABORTED},
    {WSAECONNRESET, 0xc000020d, ERROR_NETNAME_DELETED},
    {WSAECONNABORTED, 0xc0000241, ERROR_CONNECTION_ABORTED},
    {WSAEMSGSIZE, 0x80000005, ERROR_MORE_DATA},
    {WSAETIMEDOUT, 0xc00000b5, ERROR_SEM_TIMEOUT},
    {WSAECONNREFUSED, 0xc0000236, ERROR_CONNECTION_REFUSED},
    {WSAENETUNREACH, 0xc000023c, ERROR_NETWORK_UNREACHABLE},
    {WSAEHOSTUNREACH, 0xc000023d, ERROR_HOST_UNREACHABLE},
    {WSAENOBUFS, 0xc000009a, ERROR_NO_SYSTEM_RESOURCES},
    {WSAENETRESET, 0xc000020c, ERROR_NETNAME_DELETED},
    {WSAENETDOWN, 0xc00000c4, ERROR_UNEXP_NET_ERR},
    {WSAENOTCONN, 0xc000020c, ERROR_NOT_CONNECTED},
    {WSAESHUTDOWN, 0xc00000b0, ERROR_PIPE_NOT_CONNECTED},
    {WSAEDISCON, 0xc0000237, ERROR_GRACEFUL_DISCONNECT},
    {WSAEISCONN, 0xc000023b, ERROR_CONNECTION_ACTIVE},
    {WSAEADDRINUSE, 0xc000020a, ERROR_ADDRESS_ALREADY_ASSOCIATED},
    {WSAEADDRNOTAVAIL, 0xc0000141, ERROR_INVALID_NETNAME},
    {WSAEACCES, 0xc0000022, ERROR_ACCESS_DENIED},
    {WSAEFAULT, STATUS_BUFFER_TOO_SMALL_CODE, ERROR_NOACCESS}, /* pending, it is room that is missing */
    {WSAEINVAL, 0xc000000d, ERROR_INVALID_PARAMETER},
    {WSAENOTSOCK, 0xc0000008, ERROR_INVALID_HANDLE},
    {WSANOTINITIALISED, 0xc0000008, ERROR_INVALID_HANDLE},
    {WSAEOPNOTSUPP, 0xc00000bb, ERROR_NOT_SUPPORTED},
};

#define STATUS_PORT_UNREACHABLE_CODE 0xc000023fu
#define STATUS_UNSUCCESSFUL_CODE 0xc0000001u

/* Statuses that no Winsock code of ours becomes, but files' operations end with, and programs post. */
static const struct {
    DWORD status;
    DWORD win32;
} others[] = {
    {STATUS_PORT_UNREACHABLE_CODE, ERROR_PORT_UNREACHABLE},
    {STATUS_UNSUCCESSFUL_CODE, ERROR_GEN_FAILURE},
    {STATUS_BUFFER_TOO_SMALL_CODE, ERROR_INSUFFICIENT_BUFFER},
    {0xc0000005, ERROR_NOACCESS},
    {0x103, ERROR_IO_PENDING},
    {0xc0000011, ERROR_HANDLE_EOF},
    {0xc0000010, ERROR_INVALID_FUNCTION},
    {0xc000007f, ERROR_DISK_FULL},
    {0xc0000185, ERROR_IO_DEVICE},
    {0xc0000017, ERROR_NOT_ENOUGH_MEMORY},
};

/* For a datagram socket a reset is an ICMP port unreachable. Only asked on failure. */
static bool is_datagram(const struct ws2_slot *slot)
{
    const struct ws2_entry *entry = ws2_catalog_by_id(ws2_catalog_current(), slot->entry_id);
    return entry != NULL && entry->info.iSocketType == SOCK_DGRAM;
}

/**
 * What OVERLAPPED.Internal holds after an operation that ended with a Winsock code.
 *
 * @param slot  The socket's, pinned.
 *
 * Context: any thread, with Winsock started.
 */
ULONG_PTR ws2_status_of(const struct ws2_slot *slot, DWORD code)
{
    unsigned i;
    if (code == WSAECONNRESET && is_datagram(slot)) {
        return STATUS_PORT_UNREACHABLE_CODE;
    }
    for (i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].code == code) {
            return statuses[i].status;
        }
    }
    return STATUS_UNSUCCESSFUL_CODE;
}

/** The Win32 code for a Winsock code; one that has none stays as it is. Context: any thread. */
DWORD ws2_status_win32(DWORD code)
{
    unsigned i;
    for (i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].code == code) {
            return statuses[i].win32;
        }
    }
    return code;
}

/**
 * The Win32 code for what Internal holds: 0 for a success, ERROR_MR_MID_NOT_FOUND for a status of no name here.
 *
 * Where a provider fills the structure itself, because nobody else is told of the end, a Winsock code may stand there.
 */
DWORD ws2_status_win32_of(ULONG_PTR status)
{
    unsigned i;
    if (status == WSA_OPERATION_ABORTED || (status >= WSABASEERR && status < WSABASEERR + 2000)) {
        return ws2_status_win32((DWORD)status);
    }
    for (i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].status == (DWORD)status) {
            return others[i].win32;
        }
    }
    for (i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == (DWORD)status) {
            return statuses[i].win32;
        }
    }
    return ((DWORD)status & 0x80000000u) == 0 ? 0 : ERROR_MR_MID_NOT_FOUND;
}

/* Numbers of ntstatus.h by severity and code, and what Windows' Winsock makes of them. */
static const struct {
    DWORD status;
    DWORD code;
} results[] = {
    {0x80000005, WSAEMSGSIZE},       {0xc0000002, WSAEOPNOTSUPP},     {0xc0000005, WSAEFAULT},
    {0xc0000007, WSAENOBUFS},        {0xc0000008, WSAENOTSOCK},       {0xc000000e, WSAENETDOWN},
    {0xc000000f, WSAENETDOWN},       {0xc0000017, WSAENOBUFS},        {0xc0000018, WSAENOBUFS},
    {0xc0000022, WSAEACCES},         {0xc0000023, WSAEFAULT},         {0xc0000024, WSAENOTSOCK},
    {0xc0000034, WSAENETDOWN},       {0xc000003a, WSAENETDOWN},       {0xc0000043, WSAEADDRINUSE},
    {0xc0000044, WSAENOBUFS},        {0xc0000097, WSAENOBUFS},        {0xc000009a, WSAENOBUFS},
    {0xc00000a1, WSAENOBUFS},        {0xc00000a3, WSAEWOULDBLOCK},    {0xc00000b0, WSAESHUTDOWN},
    {0xc00000b5, WSAETIMEDOUT},      {0xc00000bb, WSAEOPNOTSUPP},     {0xc00000bc, WSAECONNREFUSED},
    {0xc00000be, WSAENETUNREACH},    {0xc00000bf, WSAENETDOWN},       {0xc00000c3, WSAENETDOWN},
    {0xc00000c4, WSAENETDOWN},       {0xc00000d0, WSAEWOULDBLOCK},    {0xc0000120, WSA_OPERATION_ABORTED},
    {0xc000012d, WSAENOBUFS},        {0xc000013b, WSAECONNABORTED},   {0xc000013c, WSAECONNRESET},
    {0xc000013d, WSAENOBUFS},        {0xc000013e, WSAECONNRESET},     {0xc000013f, WSAETIMEDOUT},
    {0xc0000140, WSAENOTCONN},       {0xc0000141, WSAEADDRNOTAVAIL},  {0xc0000206, WSAEMSGSIZE},
    {0xc0000207, WSAEADDRNOTAVAIL},  {0xc0000209, WSAENOBUFS},        {0xc000020a, WSAEADDRINUSE},
    {0xc000020c, WSAECONNRESET},     {0xc000020d, WSAECONNRESET},     {0xc000020f, WSAECONNABORTED},
    {0xc0000236, WSAECONNREFUSED},   {0xc0000237, WSAEDISCON},        {0xc000023b, WSAEISCONN},
    {0xc000023c, WSAENETUNREACH},    {0xc000023d, WSAEHOSTUNREACH},   {0xc000023e, WSAENETUNREACH},
    {0xc000023f, WSAECONNRESET},     {0xc0000240, WSAEINTR},          {0xc0000241, WSAECONNABORTED},
    {0xc00002c5, WSAEFAULT},         {0xc0000350, WSAEHOSTDOWN},      {0x800703e4, WSA_IO_INCOMPLETE},
    {0xc00103e4, WSA_IO_INCOMPLETE}, {0xc00703e4, WSA_IO_INCOMPLETE},
};

/**
 * The Winsock code for a status that somebody else than a provider of ours has left in a structure: 0 for a success,
 * WSAEINVAL for a failure that Winsock does not know. Context: any thread.
 */
DWORD ws2_status_code(ULONG_PTR status)
{
    unsigned i;
    if (((DWORD)status & 0x80000000u) == 0) {
        return 0;
    }
    for (i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (results[i].status == (DWORD)status) {
            return results[i].code;
        }
    }
    return WSAEINVAL;
}
