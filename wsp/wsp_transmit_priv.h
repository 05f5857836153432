/**
 * @file
 * TransmitFile and TransmitPackets, for the files that they are made of: wsp_transmit.c (pieces, streams), wsp_transmit_call.c
 * (arguments), wsp_transmit_datagram.c.
 *
 * A struct wsp_transmit is its request's, under the socket's lock; before and after that the thread's that made or settles it.
 */
#ifndef WSP_TRANSMIT_PRIV_H
#define WSP_TRANSMIT_PRIV_H

#include "wsp_file.h"
#include "wsp_transmit.h"

#define WSP_TRANSMIT_WINDOW ((size_t)1 << 20)
#define WSP_TRANSMIT_MAX 0x7ffffffeu /* TF-4 */
#define WSP_TRANSMIT_OWN_PIECES 3    /* head, file, tail */
#define WSP_TRANSMIT_BY_PIECES UINT32_MAX

/* A piece, opened. */
struct wsp_piece {
    struct wsp_file file;
    uint64_t offset;
    uint64_t bytes;
    bool follows;
};

struct wsp_transmit {
    struct wsp_transmit *next;              /* free ones */
    const TRANSMIT_PACKETS_ELEMENT *pieces; /* own, or the program's (TP-10) */
    uint32_t count;
    uint32_t at; /* the present piece */
    uint32_t size;
    uint32_t flags;  /* TF_* */
    bool entered;    /* the present piece is open: */
    bool follows;    /* the file's position is behind what was sent of it */
    bool waits;      /* everything was taken */
    bool pended;     /* the call was left before the end, or blocks */
    uint64_t offset; /* of the piece in its file */
    uint64_t bytes;  /* of the piece */
    uint64_t done;   /* of those */
    struct wsp_file file;
    struct wsp_window window;
    uint64_t window_offset;
    bool ahead; /* the present piece is memory, and a file behind it is open; the window is that one's */
    uint32_t ahead_at;
    struct wsp_piece next_piece;
    struct stk_sock *fresh; /* TF_REUSE_SOCKET: what the socket goes on with; owned */
    TRANSMIT_PACKETS_ELEMENT own[WSP_TRANSMIT_OWN_PIECES];
};

/* TP-2: what is not memory is a file. */
static inline bool wsp_piece_is_memory(const TRANSMIT_PACKETS_ELEMENT *piece)
{
    return (piece->dwElFlags & TP_ELEMENT_MEMORY) != 0;
}

/** Open a piece; its file is the caller's. @return  0 or the code of wsp_file_open. */
int wsp_piece_open(const TRANSMIT_PACKETS_ELEMENT *piece, struct wsp_piece *out);

/**
 * The same for pieces[at] behind others whose ends have not moved their files' positions yet: those from before on.
 * Source: rule TP-4.
 */
int wsp_piece_open_after(const TRANSMIT_PACKETS_ELEMENT *pieces, uint32_t before, uint32_t at, struct wsp_piece *out);

/** An empty one of the pool, or NULL. Context: any thread. */
struct wsp_transmit *wsp_transmit_alloc(void);

/** Give one back, with what it holds. Context: no lock of the pool. */
void wsp_transmit_release(struct wsp_transmit *transmit);

/** Close the present piece and go to the next one. */
void wsp_transmit_leave(struct wsp_transmit *transmit);

/** Send datagrams until there is no room or no more. @param ended  Nothing is left, or it failed. @return  A WSAE* code. */
int wsp_transmit_datagrams(struct wsp_socket *sock, struct wsp_request *request, bool *ended);

#endif
