/*
 * Watching: while the engine turns without pause it sees by itself what the applications of a few busy pairs commit. They need
 * not write into a ring for that, and the engine has two lines less to fetch from another processor before it sends.
 */
#include "lwip/stk_ep_rio.h"

/* A pair that sent nothing for so many turns gives its place up. */
#define WATCH_TURNS (1u << 16)

static STK_U32 *committed_of(const struct stk_ep_rio *rio)
{
    return &rio->abi->ring[STK_RIO_SEND].committed;
}

void stk_ep_rio_watch_begin(struct stk_ep_table *table)
{
    table->rio->watching = true;
}

void stk_ep_rio_watch_add(struct stk_ep_rio *rio)
{
    struct stk_ep_rio_table *own = rio->table->rio;
    if (rio->watched || !own->watching || own->watches_count == STK_EP_RIO_WATCHES) {
        return;
    }
    const uint32_t committed = atomic_load_explicit(committed_of(rio), memory_order_acquire);
    if (committed == rio->send.next) {
        return; /* a kick for something else */
    }
    own->watches[own->watches_count++] = (struct rio_watch){.rio = rio, .looked = committed, .turn = own->watch_turn};
    rio->watched = true;
    /* edge Q; what is committed from here on differs from looked. */
    atomic_store_explicit(&rio->abi->watched, 1, memory_order_seq_cst);
}

/* Its application kicks from here on. @return  committed, after that. */
static uint32_t watch_drop(struct stk_ep_rio_table *own, uint32_t index)
{
    struct stk_ep_rio *rio = own->watches[index].rio;
    own->watches[index] = own->watches[--own->watches_count];
    rio->watched = false;
    /* edge Q. */
    atomic_store_explicit(&rio->abi->watched, 0, memory_order_seq_cst);
    return atomic_load_explicit(committed_of(rio), memory_order_seq_cst);
}

void stk_ep_rio_watch_remove(struct stk_ep_rio *rio)
{
    struct stk_ep_rio_table *own = rio->table->rio;
    for (uint32_t i = 0; rio->watched && i < own->watches_count; i++) {
        if (own->watches[i].rio == rio) {
            (void)watch_drop(own, i);
        }
    }
}

/* What is committed is looked at. */
static bool watch_look(struct stk_ep_rio_table *own, struct rio_watch *watch)
{
    struct stk_ep *ep = watch->rio->ep;
    const uint32_t committed = atomic_load_explicit(committed_of(watch->rio), memory_order_acquire);
    if (committed == watch->looked) {
        return false;
    }
    watch->looked = committed;
    watch->turn = own->watch_turn;
    stk_ep_rio_send_expect(ep);
    stk_ep_look(ep);
    return true;
}

void stk_ep_rio_watch_look(struct stk_ep_table *table, uint32_t sock)
{
    struct stk_ep_rio_table *own = table->rio;
    const struct stk_ep_rio *rio = table->eps[sock].rio;
    for (uint32_t i = 0; rio != NULL && rio->watched && i < own->watches_count; i++) {
        if (own->watches[i].rio == rio) {
            (void)watch_look(own, &own->watches[i]);
            return;
        }
    }
}

bool stk_ep_rio_watch_end(struct stk_ep_table *table)
{
    struct stk_ep_rio_table *own = table->rio;
    bool found = false;
    while (own->watches_count > 0) {
        const struct rio_watch last = own->watches[own->watches_count - 1];
        if (watch_drop(own, own->watches_count - 1) != last.looked) {
            stk_ep_look(last.rio->ep);
            found = true;
        }
    }
    return found;
}

/* Places of pairs that are quiet. */
static void watches_sweep(struct stk_ep_rio_table *own)
{
    for (uint32_t i = own->watches_count; i-- > 0;) {
        const struct rio_watch watch = own->watches[i];
        if (own->watch_turn - watch.turn >= WATCH_TURNS && watch_drop(own, i) != watch.looked) {
            stk_ep_look(watch.rio->ep);
            return; /* it may have ended others: they are for the next time */
        }
    }
}

uint32_t stk_ep_rio_watch_turn(struct stk_ep_table *table)
{
    struct stk_ep_rio_table *own = table->rio;
    uint32_t found = 0;
    if (own->watches_count == 0) {
        return 0;
    }
    if (++own->watch_turn % WATCH_TURNS == 0) {
        watches_sweep(own);
    }
    /* One that ends meanwhile leaves its place to the last, which is looked at next turn. */
    for (uint32_t i = 0; i < own->watches_count; i++) {
        found += watch_look(own, &own->watches[i]);
    }
    return found;
}
