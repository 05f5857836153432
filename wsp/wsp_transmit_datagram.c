/** @file TransmitPackets on datagram sockets: pieces are put together in memory. */
#include "wsp_addr.h"
#include "wsp_io.h"
#include "wsp_transmit_priv.h"

#include <string.h>

#define DATAGRAM_MAX 65535u
#define DATAGRAM_DEFAULT_4 1472u
#define DATAGRAM_DEFAULT_6 1452u

/* One for all sockets: it is filled and sent under its lock. */
struct datagram_room {
    struct wsp_mutex lock;
    uint8_t bytes[DATAGRAM_MAX + 1];
};

/* Where a datagram begins or ends: bytes of a piece. */
struct datagram_place {
    uint32_t at;
    uint64_t done;
};

static struct datagram_room datagram_room;

/* Copy from an open piece. @return  A code. */
static int piece_copy(const TRANSMIT_PACKETS_ELEMENT *element, struct wsp_piece *piece, uint64_t done, uint8_t *to,
                      size_t bytes)
{
    struct wsp_window window;
    int code;

    if (wsp_piece_is_memory(element)) {
        memcpy(to, (const uint8_t *)element->pBuffer + done, bytes);
        return 0;
    }
    code = wsp_window_open(&window, &piece->file, piece->offset + done, bytes);
    if (code != 0)
        return code;
    if (window.size > 0)
        memcpy(to, window.data, window.size);
    if (window.size < bytes) /* it has become shorter since it was opened */
        memset(to + window.size, 0, bytes - window.size);
    wsp_window_close(&window);
    return 0;
}

static uint32_t datagram_limit(const struct wsp_socket *sock, uint32_t size)
{
    if (size == WSP_TRANSMIT_BY_PIECES)
        return DATAGRAM_MAX + 1;
    if (size == 0)
        return wsp_addr_family(sock->family) == STK_AF_INET6 ? DATAGRAM_DEFAULT_6 : DATAGRAM_DEFAULT_4;
    return size < DATAGRAM_MAX ? size : DATAGRAM_MAX;
}

/* Put the next datagram together. @param place  From where on; moved behind it. @param length  Its bytes. @return  A code. */
static int datagram_build(const struct wsp_transmit *transmit, uint32_t limit, struct datagram_place *place,
                          uint32_t *length)
{
    bool ends = false;

    *length = 0;
    while (!ends && place->at < transmit->count && *length < limit) {
        const TRANSMIT_PACKETS_ELEMENT *element = &transmit->pieces[place->at];
        struct wsp_piece piece;
        uint64_t part;
        int code = wsp_piece_open_after(transmit->pieces, transmit->at, place->at, &piece);

        if (code != 0)
            return code;
        part = piece.bytes > place->done ? piece.bytes - place->done : 0;
        if (part > limit - *length)
            part = limit - *length;
        if (part > 0)
            code = piece_copy(element, &piece, place->done, datagram_room.bytes + *length, (size_t)part);
        *length += (uint32_t)part;
        place->done += part;
        if (place->done >= piece.bytes) {
            ends = (element->dwElFlags & TP_ELEMENT_EOP) != 0;
            place->at++;
            place->done = 0;
        }
        wsp_file_close(&piece.file);
        if (code != 0)
            return code;
    }
    return 0;
}

/* Pieces were sent to their ends: the positions of their files follow (TP-4). */
static void positions_follow(const struct wsp_transmit *transmit, uint32_t first, uint32_t last)
{
    for (; first < last; first++) {
        struct wsp_piece piece;

        if (wsp_piece_open(&transmit->pieces[first], &piece) == 0 && piece.follows)
            wsp_file_seek(&piece.file, piece.offset + piece.bytes);
        wsp_file_close(&piece.file);
    }
}

/* One datagram. @return  A negative enum stk_err, or 0; code: what ended it all. */
static int64_t datagram_send(struct wsp_socket *sock, struct wsp_request *request, int *code)
{
    struct wsp_transmit *transmit = request->transmit;
    struct datagram_place place = {.at = transmit->at, .done = transmit->done};
    struct stk_iov iov = {.base = datagram_room.bytes};
    uint32_t length;
    int64_t sent;

    *code = datagram_build(transmit, datagram_limit(sock, transmit->size), &place, &length);
    if (*code != 0)
        return 0;
    iov.len = length;
    sent = length > DATAGRAM_MAX ? (int64_t)STK_EMSGSIZE : wsp_io_send_once(sock, &iov, 1, 0, NULL, NULL);
    if (sent < 0)
        return sent;
    positions_follow(transmit, transmit->at, place.at);
    transmit->at = place.at;
    transmit->done = place.done;
    request->bytes += length;
    return 0;
}

int wsp_transmit_datagrams(struct wsp_socket *sock, struct wsp_request *request, bool *ended)
{
    struct wsp_transmit *transmit = request->transmit;
    int64_t sent = 0;
    int code = 0;

    wsp_mutex_lock(&datagram_room.lock);
    while (code == 0 && sent == 0 && transmit->at < transmit->count)
        sent = datagram_send(sock, request, &code);
    wsp_mutex_unlock(&datagram_room.lock);
    *ended = sent != STK_EAGAIN;
    if (sent < 0 && *ended)
        code = wsp_io_code(sock, WSP_SENDING, false, sent);
    return code;
}
