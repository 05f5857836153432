/*
 * Handles of things that no wait takes: see ws2_ticket.c.
 */
#ifndef WS2_TICKET_H
#define WS2_TICKET_H

#include "ws2_priv.h"

enum ws2_ticket_kind {
    WS2_TICKET_LOOKUP,  /* WSALookupServiceBegin's */
    WS2_TICKET_BUILTIN, /* the built-in namespace provider's */
    WS2_TICKET_TASK,    /* WSAAsyncGetXByY's */
    WS2_TICKET_INFO,    /* GetAddrInfoEx's */
    WS2_TICKET_CHANGE,  /* WSAProviderConfigChange's */
    WS2_TICKET_CALL,    /* an asynchronous call of a namespace provider */
};

/* First member of what it stands for. */
struct ws2_ticket {
    atomic_uint holders;
    uint32_t value;
    enum ws2_ticket_kind kind;
    struct ws2_ticket *next;
    void (*release)(struct ws2_ticket *ticket);
};

HANDLE ws2_ticket_open(struct ws2_ticket *ticket, enum ws2_ticket_kind kind, void (*release)(struct ws2_ticket *));
struct ws2_ticket *ws2_ticket_hold(HANDLE handle, enum ws2_ticket_kind kind);
void ws2_ticket_drop(struct ws2_ticket *ticket);
struct ws2_ticket *ws2_ticket_close(HANDLE handle, enum ws2_ticket_kind kind);
unsigned ws2_ticket_list(enum ws2_ticket_kind kind, HANDLE *handles, unsigned room);

#endif
