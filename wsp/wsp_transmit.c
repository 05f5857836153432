/** @file TransmitFile and TransmitPackets: pieces of memory and files, one behind the other. */
#include "wsp_transmit.h"

#include "wsp_connectex.h"
#include "wsp_disconnectex.h"
#include "wsp_io.h"
#include "wsp_request.h"
#include "wsp_transmit_priv.h"
#include "wsp_upcall.h"

#include <stdlib.h>
#include <string.h>

#define TRANSMITS_MAX 16384u

struct transmit_pool {
    struct wsp_mutex lock;
    struct wsp_transmit *memory; /* TRANSMITS_MAX; pages are touched as they are first used */
    struct wsp_transmit *free;
    uint32_t fresh; /* entries from here on were never used */
};

static struct transmit_pool transmit_pool;

/* --- Pool ------------------------------------------------------------------------------ */

struct wsp_transmit *wsp_transmit_alloc(void)
{
    struct wsp_transmit *transmit = NULL;

    wsp_mutex_lock(&transmit_pool.lock);
    if (!transmit_pool.memory)
        transmit_pool.memory = calloc(TRANSMITS_MAX, sizeof *transmit);
    if (transmit_pool.free) {
        transmit = transmit_pool.free;
        transmit_pool.free = transmit->next;
    } else if (transmit_pool.memory && transmit_pool.fresh < TRANSMITS_MAX) {
        transmit = &transmit_pool.memory[transmit_pool.fresh++];
    }
    wsp_mutex_unlock(&transmit_pool.lock);
    if (transmit)
        memset(transmit, 0, sizeof *transmit);
    return transmit;
}

void wsp_transmit_release(struct wsp_transmit *transmit)
{
    wsp_window_close(&transmit->window);
    wsp_file_close(&transmit->file);
    if (transmit->ahead)
        wsp_file_close(&transmit->next_piece.file);
    if (transmit->fresh)
        (void)stk_sock_close(transmit->fresh, STK_CLOSE_ABORT);
    wsp_mutex_lock(&transmit_pool.lock);
    transmit->next = transmit_pool.free;
    transmit_pool.free = transmit;
    wsp_mutex_unlock(&transmit_pool.lock);
}

/* --- Pieces ------------------------------------------------------------------------------ */

/* How much of a file a piece is. Beyond its end there is nothing (TF-7). */
static uint64_t piece_bytes(uint64_t size, uint64_t offset, ULONG wanted)
{
    uint64_t left = offset < size ? size - offset : 0;

    return wanted != 0 && wanted < left ? wanted : left;
}

int wsp_piece_open(const TRANSMIT_PACKETS_ELEMENT *piece, struct wsp_piece *out)
{
    int code;

    *out = (struct wsp_piece){0};
    if (wsp_piece_is_memory(piece)) {
        out->bytes = piece->cLength;
        return 0;
    }
    code = wsp_file_open(&out->file, piece->hFile);
    if (code != 0)
        return code;
    out->follows = piece->nFileOffset.QuadPart == -1;
    out->offset = out->follows ? wsp_file_position(&out->file) : (uint64_t)piece->nFileOffset.QuadPart;
    out->bytes = piece_bytes(wsp_file_size(&out->file), out->offset, piece->cLength);
    return 0;
}

int wsp_piece_open_after(const TRANSMIT_PACKETS_ELEMENT *pieces, uint32_t before, uint32_t at, struct wsp_piece *out)
{
    const TRANSMIT_PACKETS_ELEMENT *piece = &pieces[at];
    int code = wsp_piece_open(piece, out);
    uint64_t size;

    if (code != 0 || !out->follows || before == at)
        return code;
    size = wsp_file_size(&out->file);
    for (; before < at; before++)
        if (!wsp_piece_is_memory(&pieces[before]) && pieces[before].hFile == piece->hFile &&
            pieces[before].nFileOffset.QuadPart == -1)
            out->offset += piece_bytes(size, out->offset, pieces[before].cLength);
    out->bytes = piece_bytes(size, out->offset, piece->cLength);
    return 0;
}

/* The next piece with something in it becomes the present one. @return  A code; ended: there is none. */
static int transmit_enter(struct wsp_transmit *transmit, bool *ended)
{
    *ended = false;
    while (transmit->at < transmit->count) {
        struct wsp_piece piece;
        int code;

        if (transmit->entered && transmit->done < transmit->bytes)
            return 0;
        if (transmit->entered) {
            wsp_transmit_leave(transmit);
            continue;
        }
        if (transmit->ahead && transmit->ahead_at == transmit->at) {
            piece = transmit->next_piece;
            transmit->ahead = false;
        } else {
            code = wsp_piece_open(&transmit->pieces[transmit->at], &piece);
            if (code != 0)
                return code;
        }
        transmit->entered = true;
        transmit->file = piece.file;
        transmit->offset = piece.offset;
        transmit->bytes = piece.bytes;
        transmit->follows = piece.follows;
        transmit->done = 0;
    }
    *ended = true;
    return 0;
}

void wsp_transmit_leave(struct wsp_transmit *transmit)
{
    if (!transmit->ahead) /* the window is the present piece's */
        wsp_window_close(&transmit->window);
    if (transmit->follows)
        wsp_file_seek(&transmit->file, transmit->offset + transmit->done);
    wsp_file_close(&transmit->file);
    transmit->entered = false;
    transmit->follows = false;
    transmit->at++;
}

/* What is in the present piece from here on, as far as a window shows it. 0 bytes: the file has become shorter. */
static int piece_look(struct wsp_transmit *transmit, struct stk_iov *iov)
{
    const TRANSMIT_PACKETS_ELEMENT *piece = &transmit->pieces[transmit->at];
    uint64_t left = transmit->bytes - transmit->done, at = transmit->offset + transmit->done;
    struct wsp_window *window = &transmit->window;
    int code;

    if (wsp_piece_is_memory(piece)) {
        *iov = (struct stk_iov){.base = (char *)piece->pBuffer + transmit->done, .len = (size_t)left};
        return 0;
    }
    if (window->size == 0 || at >= transmit->window_offset + window->size) {
        wsp_window_close(window);
        code = wsp_window_open(window, &transmit->file, at,
                               left < WSP_TRANSMIT_WINDOW ? (size_t)left : WSP_TRANSMIT_WINDOW);
        if (code != 0)
            return code;
        transmit->window_offset = at;
    }
    *iov = (struct stk_iov){.base = NULL};
    if (window->size == 0)
        return 0;
    *iov = (struct stk_iov){.base = (void *)(uintptr_t)(window->data + (at - transmit->window_offset)),
                            .len = window->size - (size_t)(at - transmit->window_offset)};
    return 0;
}

static void gather_memory(const struct wsp_transmit *transmit, struct stk_iov *iov, size_t *count, uint32_t *next)
{
    while (*count < WSP_REQUEST_IOVS && *next < transmit->count && wsp_piece_is_memory(&transmit->pieces[*next])) {
        iov[*count] = (struct stk_iov){.base = transmit->pieces[*next].pBuffer, .len = transmit->pieces[*next].cLength};
        ++*count;
        ++*next;
    }
}

/*
 * The beginning of a file behind memory, so that a head does not leave in a segment of its own. What fails here is told when the
 * piece is entered. @return  true: all of the piece is in sight.
 */
static bool gather_ahead(struct wsp_transmit *transmit, uint32_t next, struct stk_iov *iov, size_t *count)
{
    struct wsp_piece *piece = &transmit->next_piece;
    size_t part;

    if (!transmit->ahead) {
        if (wsp_piece_open(&transmit->pieces[next], piece) != 0)
            return false;
        transmit->ahead = true;
        transmit->ahead_at = next;
    }
    part = piece->bytes < WSP_TRANSMIT_WINDOW ? (size_t)piece->bytes : WSP_TRANSMIT_WINDOW;
    if (part > 0 && transmit->window.size == 0) {
        if (wsp_window_open(&transmit->window, &piece->file, piece->offset, part) != 0)
            return false;
        transmit->window_offset = piece->offset;
    }
    if (part > transmit->window.size)
        part = transmit->window.size;
    if (part > 0) {
        iov[*count] = (struct stk_iov){.base = (void *)(uintptr_t)transmit->window.data, .len = part};
        ++*count;
    }
    return part == piece->bytes;
}

/* What can be sent at once: the present piece, memory right behind it, and behind that the beginning of a file. */
static int transmit_gather(struct wsp_transmit *transmit, struct stk_iov *iov, size_t *count)
{
    bool ended = false;
    uint32_t next;
    int code;

    *count = 0;
    for (;;) {
        code = transmit_enter(transmit, &ended);
        if (code != 0 || ended)
            return code;
        code = piece_look(transmit, &iov[0]);
        if (code != 0)
            return code;
        if (iov[0].len > 0)
            break;
        transmit->bytes = transmit->done;
    }
    *count = 1;
    if (transmit->done + iov[0].len < transmit->bytes)
        return 0;
    next = transmit->at + 1;
    gather_memory(transmit, iov, count, &next);
    if (wsp_piece_is_memory(&transmit->pieces[transmit->at]) && next < transmit->count && *count < WSP_REQUEST_IOVS &&
        gather_ahead(transmit, next, iov, count)) {
        next++;
        gather_memory(transmit, iov, count, &next);
    }
    return 0;
}

static void transmit_consume(struct wsp_transmit *transmit, uint64_t moved)
{
    bool ended = false;

    for (;;) {
        uint64_t part = transmit->bytes - transmit->done;

        if (part > moved)
            part = moved;
        transmit->done += part;
        moved -= part;
        /* What follows is memory, or open already: entering it cannot fail. */
        if (moved == 0 || transmit_enter(transmit, &ended) != 0 || ended)
            return;
    }
}

/* --- Steps ------------------------------------------------------------------------------- */

static int stream_send(struct wsp_socket *sock, struct wsp_request *request, bool waited, bool *ended)
{
    struct wsp_transmit *transmit = request->transmit;
    struct stk_iov iov[WSP_REQUEST_IOVS];
    size_t count;
    int64_t moved;
    int code;

    for (;;) {
        code = transmit_gather(transmit, iov, &count);
        *ended = code != 0 || count == 0;
        if (*ended)
            return code;
        moved = wsp_io_send_once(sock, iov, count, 0, NULL, NULL);
        if (moved == STK_EAGAIN)
            return 0;
        if (moved < 0) {
            *ended = true;
            return wsp_io_ended(sock, wsp_io_code(sock, WSP_SENDING, false, moved), waited);
        }
        request->bytes += (uint32_t)moved;
        transmit_consume(transmit, (uint64_t)moved);
    }
}

/* Reset before everything was acknowledged: the code that a send would have. */
static int transmit_ended(struct wsp_socket *sock)
{
    const struct stk_iov none = {.base = sock, .len = 0};
    int64_t ended = stk_sock_send(sock->stk, &none, 1);

    return ended < 0 && ended != STK_EAGAIN ? wsp_io_ended(sock, wsp_io_code(sock, WSP_SENDING, false, ended), true)
                                            : WSAECONNRESET;
}

/* Everything was taken: how much more is waited for. @return  true: nothing. */
static bool transmit_settled(struct wsp_socket *sock, struct wsp_request *request)
{
    struct wsp_transmit *transmit = request->transmit;
    uint32_t ready;

    if (!wsp_socket_is_stream(sock) || (transmit->flags & TF_WRITE_BEHIND))
        return true;
    if (!transmit->waits && (transmit->flags & TF_DISCONNECT)) { /* TF-12 */
        (void)stk_sock_shutdown(sock->stk, STK_SHUT_WR);
        atomic_fetch_or(&sock->shut, (uint32_t)STK_SHUT_WR);
    }
    transmit->waits = true;
    ready = stk_sock_ready(sock->stk);
    if (ready & STK_READY_RESET) {
        if (!(transmit->flags & TF_REUSE_SOCKET) && !(ready & STK_READY_DRAINED))
            request->code = transmit_ended(sock);
        return true;
    }
    if (!(ready & STK_READY_DRAINED))
        return false;
    return !(transmit->flags & TF_REUSE_SOCKET) || (ready & STK_READY_EOF);
}

bool wsp_transmit_step(struct wsp_socket *sock, struct wsp_request *request, bool waited)
{
    bool ended = true;

    if (!request->transmit->waits)
        request->code = wsp_socket_is_stream(sock) ? stream_send(sock, request, waited, &ended)
                                                   : wsp_transmit_datagrams(sock, request, &ended);
    request->flags = 0;
    ended = ended && (request->code != 0 || transmit_settled(sock, request));
    request->transmit->pended = request->transmit->pended || !ended;
    return ended;
}

uint32_t wsp_transmit_bits(const struct wsp_socket *sock, const struct wsp_request *request)
{
    if (!request->transmit->waits)
        return STK_READY_OUT | STK_READY_RESET;
    if (!(request->transmit->flags & TF_REUSE_SOCKET)) /* it may be drained since it was looked at: arming sees that */
        return STK_READY_RESET | STK_READY_DRAINED;
    return STK_READY_RESET | (stk_sock_ready(sock->stk) & STK_READY_DRAINED ? STK_READY_EOF : STK_READY_DRAINED);
}

void wsp_transmit_settle(struct wsp_request *request)
{
    struct wsp_transmit *transmit = request->transmit;
    struct stk_sock *fresh;
    struct wsp_socket *sock;
    uint32_t own = 2; /* this reference, and that of whoever delivers */

    if (!transmit)
        return;
    request->transmit = NULL;
    if (transmit->entered)
        wsp_transmit_leave(transmit);
    if (request->quiet && transmit->pended)
        own++; /* and that of the call that blocks */
    fresh = request->code == 0 ? transmit->fresh : NULL;
    if (fresh)
        transmit->fresh = NULL;
    wsp_transmit_release(transmit);
    if (!fresh)
        return;
    sock = wsp_socket_get_context(atomic_load_explicit(&request->context, memory_order_relaxed));
    if (!sock) {
        (void)stk_sock_close(fresh, STK_CLOSE_ABORT);
        return;
    }
    request->code = wsp_disconnectex_renew(sock, fresh, own);
    wsp_socket_put(sock);
}
