/*
 * Registered memory: what drivers refer to (holds), and what ports know of it (pieces).
 *
 * Programs register bytes, ports know whole pages. Pages of several registrations are told to the ports once: a piece is a
 * run of pages as the ports were told of it. It goes when no registration has a page of it any more. As long as only some of
 * its pages are registered it is torn: the others may have become different memory at the same address, so nothing new may
 * rely on it until it was told anew, which is not possible while a driver refers to it. Then sends are copied.
 */
#include "lwip/stk_ep_rio.h"

#include <stdlib.h>

#define PAGE_BYTES 4096u

struct rio_piece {
    struct rio_piece *next;
    uintptr_t first;
    uintptr_t end;
    bool torn;
};

/** A run of pages. */
struct pages {
    uintptr_t first;
    uintptr_t end;
};

static struct pages pages_of(const struct stk_rio_mem_abi *mem)
{
    const uintptr_t last = (uintptr_t)(mem->base + mem->size - 1);
    return (struct pages){.first = (uintptr_t)mem->base & ~(uintptr_t)(PAGE_BYTES - 1),
                          .end = (last | (PAGE_BYTES - 1)) + 1};
}

static bool overlap(uintptr_t first, uintptr_t end, uintptr_t other_first, uintptr_t other_end)
{
    return first < other_end && other_first < end;
}

static struct stk_rio_mem_abi *mem_next(const struct stk_rio_mem_abi *mem)
{
    return (struct stk_rio_mem_abi *)(uintptr_t)mem->next;
}

/* --- Holds -------------------------------------------------------------------- */

bool stk_ep_rio_mem_hold(struct stk_ep_table *table, const void *data, uint32_t len, void **token)
{
    struct stk_ep_rio_table *own = table->rio;
    const uint64_t at = (uintptr_t)data;
    const struct stk_rio_mem_abi *mem = own->mems;
    while (mem != NULL && (at - mem->base >= mem->size || len > mem->size - (at - mem->base) || mem->dma == 0)) {
        mem = mem_next(mem);
    }
    struct rio_hold *hold = own->holds_free;
    if (mem == NULL || (hold == NULL && own->holds_fresh == STK_EP_RIO_HOLDS)) {
        return false;
    }
    if (hold != NULL) {
        own->holds_free = hold->next;
    } else {
        hold = &own->pool[own->holds_fresh++];
    }
    *hold = (struct rio_hold){.next = own->holds, .at = (uintptr_t)data, .len = len, .number = own->holds_number++};
    if (own->holds != NULL) {
        own->holds->prev = hold;
    }
    own->holds = hold;
    *token = hold;
    return true;
}

void stk_ep_rio_mem_drop(struct stk_ep_table *table, void *token)
{
    struct stk_ep_rio_table *own = table->rio;
    struct rio_hold *hold = token;
    if (hold->prev != NULL) {
        hold->prev->next = hold->next;
    } else {
        own->holds = hold->next;
    }
    if (hold->next != NULL) {
        hold->next->prev = hold->prev;
    }
    hold->next = own->holds_free;
    own->holds_free = hold;
    own->dropped = true;
}

static bool range_held(const struct stk_ep_rio_table *own, uintptr_t first, uintptr_t end)
{
    const struct rio_hold *hold = own->holds;
    while (hold != NULL && !overlap(first, end, hold->at, hold->at + hold->len)) {
        hold = hold->next;
    }
    return hold != NULL;
}

/* --- Pieces -------------------------------------------------------------------- */

static void *address(uintptr_t at)
{
    return (void *)at; /* NOLINT(performance-no-int-to-ptr): it was a pointer */
}

static bool piece_make(struct stk_ep_table *table, uintptr_t first, uintptr_t end)
{
    struct rio_piece *piece = calloc(1, sizeof(*piece));
    if (piece == NULL || !table->env.mem_register(table->env.ctx, address(first), end - first)) {
        free(piece);
        return false;
    }
    *piece = (struct rio_piece){.next = table->rio->pieces, .first = first, .end = end};
    table->rio->pieces = piece;
    return true;
}

/* False: a port could not forget it, and what it names must not be trusted again. */
static bool piece_end(struct stk_ep_table *table, struct rio_piece *piece)
{
    if (!table->env.mem_unregister(table->env.ctx, address(piece->first), piece->end - piece->first)) {
        piece->torn = true;
        return false;
    }
    struct rio_piece **at = &table->rio->pieces;
    while (*at != piece) {
        at = &(*at)->next;
    }
    *at = piece->next;
    free(piece);
    return true;
}

/* Has a registration pages of first..end? Then the run of pages that they have from the first of these on. */
static bool registered(const struct stk_ep_rio_table *own, uintptr_t first, uintptr_t end, struct pages *run)
{
    bool grew = true;
    *run = (struct pages){.first = end, .end = end};
    for (const struct stk_rio_mem_abi *mem = own->mems; mem != NULL; mem = mem_next(mem)) {
        const struct pages pages = pages_of(mem);
        if (mem->dma != 0 && overlap(pages.first, pages.end, first, end) && pages.first < run->first) {
            run->first = pages.first;
        }
    }
    run->first = run->first < first ? first : run->first;
    if (run->first == end) {
        return false;
    }
    for (run->end = run->first; grew;) {
        grew = false;
        for (const struct stk_rio_mem_abi *mem = own->mems; mem != NULL; mem = mem_next(mem)) {
            const struct pages pages = pages_of(mem);
            if (mem->dma != 0 && pages.first <= run->end && pages.end > run->end && run->end < end) {
                run->end = pages.end;
                grew = true;
            }
        }
    }
    run->end = run->end < end ? run->end : end;
    return true;
}

/* The ports were not told of pages: nothing refers to them. */
static void pages_lost(const struct stk_ep_rio_table *own, const struct pages *run)
{
    for (struct stk_rio_mem_abi *mem = own->mems; mem != NULL; mem = mem_next(mem)) {
        const struct pages pages = pages_of(mem);
        if (overlap(pages.first, pages.end, run->first, run->end)) {
            mem->dma = 0;
        }
    }
}

/* Tells the ports anew of those pages of a piece that are registered, if any: not while a driver refers to it. */
static void piece_renew(struct stk_ep_table *table, struct rio_piece *piece)
{
    const struct pages all = {.first = piece->first, .end = piece->end};
    struct pages run;
    if (range_held(table->rio, all.first, all.end) || !piece_end(table, piece)) {
        return;
    }
    for (uintptr_t at = all.first; at != all.end && registered(table->rio, at, all.end, &run); at = run.end) {
        if (!piece_make(table, run.first, run.end)) {
            pages_lost(table->rio, &run);
        }
    }
}

/* What became of the pieces that have pages of it, after the registrations changed. */
static void pieces_settle(struct stk_ep_table *table, const struct pages *pages)
{
    struct rio_piece *next;
    for (struct rio_piece *piece = table->rio->pieces; piece != NULL; piece = next) {
        struct pages run;
        next = piece->next;
        if (!overlap(piece->first, piece->end, pages->first, pages->end)) {
            continue;
        }
        piece->torn = piece->torn || !registered(table->rio, piece->first, piece->end, &run) ||
                      run.first != piece->first || run.end != piece->end;
        if (piece->torn) {
            piece_renew(table, piece); /* what it makes comes before next */
        }
    }
}

/* The piece that a page is in; NULL: none, and *end is where the next one begins, if that is before it. */
static struct rio_piece *piece_at(const struct stk_ep_rio_table *own, uintptr_t at, uintptr_t *end)
{
    for (struct rio_piece *piece = own->pieces; piece != NULL; piece = piece->next) {
        if (piece->first <= at && at < piece->end) {
            return piece;
        }
        if (piece->first > at && piece->first < *end) {
            *end = piece->first;
        }
    }
    return NULL;
}

/* Pieces for all of the pages. False: some are torn, or a port cannot. */
static bool pieces_cover(struct stk_ep_table *table, const struct pages *pages)
{
    uintptr_t at = pages->first;
    while (at < pages->end) {
        uintptr_t end = pages->end;
        const struct rio_piece *piece = piece_at(table->rio, at, &end);
        if (piece != NULL ? piece->torn : !piece_make(table, at, end)) {
            return false;
        }
        at = piece != NULL ? piece->end : end;
    }
    return true;
}

/* --- Registrations ---------------------------------------------------------------- */

void stk_ep_rio_mem_add(struct stk_ep_table *table, struct stk_rio_mem_abi *mem)
{
    const struct pages pages = pages_of(mem);
    mem->dma = 0;
    mem->next = (uintptr_t)table->rio->mems;
    table->rio->mems = mem;
    if (table->env.mem_register == NULL) {
        return; /* no port refers to memory */
    }
    pieces_settle(table, &pages);
    mem->dma = pieces_cover(table, &pages);
    if (mem->dma == 0) {
        pieces_settle(table, &pages);
    }
}

void stk_ep_rio_mem_forget(struct stk_ep_table *table, const struct stk_rio_mem_abi *mem)
{
    struct stk_ep_rio_table *own = table->rio;
    const struct pages pages = pages_of(mem);
    if (own->mems == mem) {
        own->mems = mem_next(mem);
    }
    for (struct stk_rio_mem_abi *at = own->mems; at != NULL; at = mem_next(at)) {
        if (at->next == (uintptr_t)mem) {
            at->next = mem->next;
        }
    }
    pieces_settle(table, &pages);
}

void stk_ep_rio_mem_end(struct stk_ep_table *table)
{
    struct stk_ep_rio_table *own = table->rio;
    while (own->pieces != NULL) { /* their ports are closed, and have forgotten them */
        struct rio_piece *piece = own->pieces;
        own->pieces = piece->next;
        free(piece);
    }
}
