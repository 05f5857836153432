/*
 * Tickets: handles of things that no wait takes, lookups and questions under way for example. A value is used once, so that a
 * stale one finds nothing. Source: rules NSPX-7, NSPX-24, A.19.14.
 */
#include "ws2_ticket.h"

/* Under ws2_os_names_mutex. */
static struct ws2_ticket *tickets;
static uint32_t next_value = 1;

static HANDLE handle_of(const struct ws2_ticket *ticket)
{
    return (HANDLE)(uintptr_t)ticket->value;
}

/**
 * Give a ticket a handle.
 *
 * @param release  Called when the handle is closed and nobody holds the ticket any more.
 * @return         The handle. The caller holds the ticket, too, until ws2_ticket_drop.
 */
HANDLE ws2_ticket_open(struct ws2_ticket *ticket, enum ws2_ticket_kind kind, void (*release)(struct ws2_ticket *))
{
    atomic_init(&ticket->holders, 2);
    ticket->kind = kind;
    ticket->release = release;
    ws2_os_lock(ws2_os_names_mutex());
    /* Below 2^16, since tasks of 1.1 travel in a WORD of some programs; never 0; odd, as no kernel handle is. */
    do {
        const struct ws2_ticket *at = tickets;
        ticket->value = next_value;
        next_value = next_value >= 0xfffd ? 1 : next_value + 2;
        while (at != NULL && at->value != ticket->value) {
            at = at->next;
        }
        if (at == NULL) {
            break;
        }
    } while (true);
    ticket->next = tickets;
    tickets = ticket;
    ws2_os_unlock(ws2_os_names_mutex());
    return handle_of(ticket);
}

static struct ws2_ticket **find(HANDLE handle, enum ws2_ticket_kind kind)
{
    struct ws2_ticket **at = &tickets;
    while (*at != NULL && ((*at)->kind != kind || handle_of(*at) != handle)) {
        at = &(*at)->next;
    }
    return at;
}

/** Hold the ticket of a handle. NULL if there is none of this kind. */
struct ws2_ticket *ws2_ticket_hold(HANDLE handle, enum ws2_ticket_kind kind)
{
    struct ws2_ticket *ticket;
    ws2_os_lock(ws2_os_names_mutex());
    ticket = *find(handle, kind);
    if (ticket != NULL) {
        atomic_fetch_add_explicit(&ticket->holders, 1, memory_order_relaxed);
    }
    ws2_os_unlock(ws2_os_names_mutex());
    return ticket;
}

/** Stop holding. Context: holding no lock of the names'. */
void ws2_ticket_drop(struct ws2_ticket *ticket)
{
    if (atomic_fetch_sub_explicit(&ticket->holders, 1, memory_order_acq_rel) == 1) {
        ticket->release(ticket);
    }
}

/**
 * Close a handle: it finds nothing any more.
 *
 * @return  The ticket, held by the caller in the handle's stead; NULL if there is none of this kind.
 */
struct ws2_ticket *ws2_ticket_close(HANDLE handle, enum ws2_ticket_kind kind)
{
    struct ws2_ticket **at;
    struct ws2_ticket *ticket;
    ws2_os_lock(ws2_os_names_mutex());
    at = find(handle, kind);
    ticket = *at;
    if (ticket != NULL) {
        *at = ticket->next;
    }
    ws2_os_unlock(ws2_os_names_mutex());
    return ticket;
}

/** The handles of a kind, at most `room`. @return how many. */
unsigned ws2_ticket_list(enum ws2_ticket_kind kind, HANDLE *handles, unsigned room)
{
    const struct ws2_ticket *at;
    unsigned count = 0;
    ws2_os_lock(ws2_os_names_mutex());
    for (at = tickets; at != NULL && count < room; at = at->next) {
        if (at->kind == kind) {
            handles[count++] = handle_of(at);
        }
    }
    ws2_os_unlock(ws2_os_names_mutex());
    return count;
}
