/** @file TransmitFile and TransmitPackets: their arguments, and waiting for the end. */
#include "wsp_connectex.h"
#include "wsp_many.h"
#include "wsp_request.h"
#include "wsp_transmit_priv.h"
#include "wsp_upcall.h"

#define TRANSMIT_END_FLAGS ((DWORD)(TF_DISCONNECT | TF_REUSE_SOCKET))
#define TRANSMIT_FLAGS \
    (TRANSMIT_END_FLAGS | (DWORD)(TF_WRITE_BEHIND | TF_USE_SYSTEM_THREAD | TF_USE_KERNEL_APC)) /* TF-14 */

static int check_flags(DWORD flags)
{
    if (flags & ~TRANSMIT_FLAGS)
        return WSAEINVAL;
    if ((flags & TRANSMIT_END_FLAGS) == TF_REUSE_SOCKET)
        return WSAEINVAL;                                                             /* TF-11 */
    return (flags & TF_WRITE_BEHIND) && (flags & TRANSMIT_END_FLAGS) ? WSAEINVAL : 0; /* TF-13 */
}

/* What the arguments point at. A wild pointer is told, as it would be met by the dispatcher's thread otherwise. */
static int check_memory(const struct wsp_call *call, const void *at, uint64_t bytes)
{
    return wsp_memory_ends_readable(call->overlapped, call->overlapped ? sizeof *call->overlapped : 0) &&
                   wsp_memory_ends_readable(at, bytes)
               ? 0
               : WSAEFAULT;
}

/* TF-9, TP-1. How a connection ended is told by the attempt to send. */
static int check_connected(struct wsp_socket *sock)
{
    struct stk_addr peer;

    if (stk_sock_peer(sock->stk, &peer) == STK_OK)
        return 0;
    return wsp_socket_is_stream(sock) && (stk_sock_ready(sock->stk) & STK_READY_RESET) ? 0 : WSAENOTCONN;
}

/* What can be known of the pieces now. */
static int check_pieces(const TRANSMIT_PACKETS_ELEMENT *pieces, DWORD count)
{
    uint64_t total = 0;

    for (DWORD i = 0; i < count; i++) {
        const TRANSMIT_PACKETS_ELEMENT *piece = &pieces[i];
        const ULONG both = TP_ELEMENT_MEMORY | TP_ELEMENT_FILE;
        struct wsp_piece opened;
        int code;

        if ((piece->dwElFlags & both) == both || (piece->dwElFlags & ~(both | TP_ELEMENT_EOP)))
            return WSAEINVAL; /* TP-2 */
        if (wsp_piece_is_memory(piece) && !wsp_memory_ends_readable(piece->pBuffer, piece->cLength))
            return WSAEFAULT;
        code = wsp_piece_open(piece, &opened);
        if (code != 0)
            return code;
        wsp_file_close(&opened.file);
        total += opened.bytes;
        if (total > UINT32_MAX)
            return WSAEINVAL;
    }
    return 0;
}

/* TF-6: the structure is ours, and told to nobody. */
static int transmit_block(const struct wsp_call *call)
{
    WSAOVERLAPPED own = {0};
    struct wsp_call waits = *call;
    int code;

    waits.overlapped = &own;
    waits.quiet = true;
    code = wsp_request_start(&waits);
    if (code == WSA_IO_PENDING)
        code = wsp_request_wait(&own);
    return code;
}

/* @param transmit  The pieces and flags; given away. */
static int transmit_start(struct wsp_call *call, struct wsp_transmit *transmit)
{
    int code = 0;

    call->direction = WSP_SENDING;
    call->transmit = &transmit;
    if (transmit->flags & TF_REUSE_SOCKET)
        code = wsp_connectex_fresh(call->sock, &transmit->fresh);
    if (code == 0)
        code = call->overlapped ? wsp_request_start(call) : transmit_block(call);
    if (transmit)
        wsp_transmit_release(transmit);
    return code;
}

static void own_piece(struct wsp_transmit *transmit, ULONG flags, ULONG bytes)
{
    transmit->own[transmit->count] = (TRANSMIT_PACKETS_ELEMENT){.dwElFlags = flags, .cLength = bytes};
    transmit->count++;
}

static void own_memory(struct wsp_transmit *transmit, void *at, DWORD bytes)
{
    if (bytes == 0)
        return;
    own_piece(transmit, TP_ELEMENT_MEMORY, bytes);
    transmit->own[transmit->count - 1].pBuffer = at;
}

struct file_args {
    HANDLE file;
    DWORD bytes;
    const TRANSMIT_FILE_BUFFERS *buffers;
    DWORD flags;
};

static void own_pieces(struct wsp_transmit *transmit, const struct wsp_call *call, const struct file_args *args)
{
    LPWSAOVERLAPPED ov = call->overlapped;

    if (args->buffers)
        own_memory(transmit, args->buffers->Head, args->buffers->HeadLength);
    if (args->file) {
        own_piece(transmit, TP_ELEMENT_FILE, args->bytes);
        transmit->own[transmit->count - 1].hFile = args->file;
        transmit->own[transmit->count - 1].nFileOffset.QuadPart =
            ov ? (LONGLONG)((uint64_t)ov->OffsetHigh << 32 | ov->Offset) : -1;
    }
    if (args->buffers)
        own_memory(transmit, args->buffers->Tail, args->buffers->TailLength);
    transmit->pieces = transmit->own;
    transmit->size = WSP_TRANSMIT_BY_PIECES;
    transmit->flags = args->flags;
}

static int file_run(struct wsp_call *call, const struct file_args *args)
{
    struct wsp_transmit *transmit;
    int code;

    /* TF-10; before the flags, as conformance suites observe Windows. */
    code = wsp_socket_is_stream(call->sock) ? check_connected(call->sock) : WSAENOTCONN;
    if (code == 0)
        code = check_flags(args->flags);
    if (code == 0 && args->bytes > WSP_TRANSMIT_MAX)
        code = WSAEINVAL; /* TF-4 */
    if (code == 0)
        code = check_memory(call, args->buffers, args->buffers ? sizeof *args->buffers : 0);
    transmit = code == 0 ? wsp_transmit_alloc() : NULL;
    if (!transmit)
        return code != 0 ? code : WSAENOBUFS;
    own_pieces(transmit, call, args);
    code = check_pieces(transmit->pieces, transmit->count);
    if (code != 0) {
        wsp_transmit_release(transmit);
        return code;
    }
    return transmit_start(call, transmit);
}

static int packets_run(struct wsp_call *call, const TRANSMIT_PACKETS_ELEMENT *pieces, DWORD count,
                       const struct wsp_transmit *wish)
{
    struct wsp_transmit *transmit;
    int code = check_flags(wish->flags);

    if (code != 0)
        return code;
    if (!wsp_socket_is_stream(call->sock) && (wish->flags & TRANSMIT_END_FLAGS))
        return WSAEINVAL; /* TP-8 */
    code = check_connected(call->sock);
    if (code == 0)
        code = check_memory(call, pieces, (uint64_t)count * sizeof *pieces);
    if (code == 0)
        code = check_pieces(pieces, count);
    transmit = code == 0 ? wsp_transmit_alloc() : NULL;
    if (!transmit)
        return code != 0 ? code : WSAENOBUFS;
    transmit->pieces = pieces;
    transmit->count = count;
    transmit->size = wish->size;
    transmit->flags = wish->flags;
    return transmit_start(call, transmit);
}

static BOOL transmit_return(struct wsp_socket *sock, int code)
{
    if (sock)
        wsp_socket_put(sock);
    if (code == 0)
        return TRUE;
    wsp_upcall_last_error(code);
    return FALSE;
}

BOOL WSPAPI wsp_transmit_file(SOCKET s, HANDLE file, DWORD bytes, DWORD per_send, LPOVERLAPPED overlapped,
                              LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags)
{
    INT err = WSAENOTSOCK;
    struct wsp_socket *sock = wsp_socket_get(s, &err);
    const struct file_args args = {file, bytes, buffers, flags};
    struct wsp_call call = {.sock = sock, .handle = s, .overlapped = (LPWSAOVERLAPPED)overlapped};
    int code = err;

    (void)per_send; /* TF-8 */
    if (sock)
        code = file_run(&call, &args);
    return transmit_return(sock, code);
}

BOOL WSPAPI wsp_transmit_packets(SOCKET s, LPTRANSMIT_PACKETS_ELEMENT elements, DWORD count, DWORD size,
                                 LPOVERLAPPED overlapped, DWORD flags)
{
    INT err = WSAENOTSOCK;
    struct wsp_socket *sock = wsp_socket_get(s, &err);
    const struct wsp_transmit wish = {.size = size, .flags = flags};
    struct wsp_call call = {.sock = sock, .handle = s, .overlapped = (LPWSAOVERLAPPED)overlapped};
    int code = err;

    if (sock)
        code = packets_run(&call, elements, count, &wish);
    return transmit_return(sock, code);
}
