#include "lwip/stk_ep_priv.h"

#include <string.h>

/*
 * Times of datagrams (SIO_TIMESTAMPING). Those of received ones travel in their records. Those of sent ones are kept in
 * chunks of the region, taken when the application asks for it, until they are fetched by their id.
 */

/** One time; its place in the order of sending is its place in the ring. */
struct stamp {
    uint64_t ns;
    uint32_t id;
    uint32_t kept; /* enum stamp_kept */
};

enum stamp_kept {
    STAMP_TAKEN = 0,
    STAMP_OURS,
    STAMP_PORTS, /* by the port's clock */
    STAMP_DUE,   /* the port is to say; ns is the token that the frame has */
};

#define STAMPS_A_CHUNK (STK_CHUNK_SIZE / (uint32_t)sizeof(struct stamp))

_Static_assert(sizeof(struct stamp) == 16, "chunks are counted for it");
_Static_assert(STK_CHUNK_SIZE % sizeof(struct stamp) == 0, "whole ones in a chunk");

static struct stamp *stamp_at(const struct stk_ep_table *table, const struct stk_ep_stamper *stamper, uint64_t number)
{
    const uint32_t place = (uint32_t)(number % stamper->capacity);
    uint8_t *chunk = stk_chunk_ptr(table->region, stamper->chunks[place / STAMPS_A_CHUNK]);
    return (struct stamp *)(void *)chunk + place % STAMPS_A_CHUNK;
}

static struct stk_ep_stamper *stamper_of(const struct stk_ep *ep)
{
    return ep->stamper == 0 ? NULL : &ep->table->stampers[ep->stamper - 1];
}

/* --- Receive --------------------------------------------------------------------- */

void stk_ep_stamp_received(const struct stk_ep *ep, struct stk_dgram_abi *record, const struct pbuf *p)
{
    uint64_t ns;
    record->flags |= STK_MSG_STAMP;
    if (stk_netif_rx_stamp(p, &ns)) {
        record->flags |= STK_MSG_STAMP_PORT;
    } else {
        ns = ep->table->env.now_ns(ep->table->env.ctx);
    }
    record->stamp_ns = ns; /* in the place of what the reader knows: family, port and scope of local */
}

/* --- Transmit -------------------------------------------------------------------- */

/* Those that were taken out of the middle hold their places until room is wanted. */
static void stamps_close_up(const struct stk_ep_table *table, struct stk_ep_stamper *stamper)
{
    uint64_t to = stamper->head;
    for (uint64_t from = stamper->head; from != stamper->tail; from++) {
        const struct stamp *one = stamp_at(table, stamper, from);
        if (one->kept != STAMP_TAKEN) {
            *stamp_at(table, stamper, to++) = *one;
        }
    }
    stamper->tail = to;
}

/* Are the bytes behind the Ethernet header those of a UDP datagram or a fragment of one, not of a question for a neighbour? */
static bool frame_udp(const struct stk_netif *nif, const struct nic_buf *buf)
{
    const uint32_t l2 = nif->vlan_id != 0 ? 18 : 14;
    const uint8_t *ip = buf->data + l2;
    if (buf->len < l2 + 20) {
        return false;
    }
    return ip[0] >> 4 == 4 ? ip[9] == IP_PROTO_UDP
                           : ip[0] >> 4 == 6 && (ip[6] == IP_PROTO_UDP || ip[6] == IP6_NEXTH_FRAGMENT);
}

/* The datagram's last frame is the last that was gathered, if it was not handed on already, or is not for a port. */
static bool frame_mark(const struct stk_inst *inst, uint64_t token)
{
    for (const struct netif *netif = inst->lwip.netif.list; netif != NULL; netif = netif->next) {
        const struct stk_netif *nif = netif->state;
        struct nic_buf *last = nif != NULL && nif->tx_count > 0 ? nif->tx[nif->tx_count - 1] : NULL;
        if (last != NULL && (nif->caps & NIC_CAP_TX_TSTAMP) != 0 && frame_udp(nif, last)) {
            last->flags |= NIC_TX_TSTAMP;
            last->tstamp_ns = token;
            return true;
        }
    }
    return false;
}

void stk_ep_stamp_came(struct stk_ep_table *table, uint64_t token, uint64_t ns)
{
    for (uint32_t i = 0; i < STK_EP_STAMPERS_MAX; i++) {
        const struct stk_ep_stamper *stamper = &table->stampers[i];
        for (uint64_t at = stamper->head; stamper->used && at != stamper->tail; at++) {
            struct stamp *one = stamp_at(table, stamper, at);
            if (one->kept == STAMP_DUE && one->ns == token) {
                one->ns = ns;
                one->kept = STAMP_PORTS;
                return;
            }
        }
    }
}

void stk_ep_stamp_begin(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    if (table->env.tx_stamps != NULL) { /* what is gathered afterwards is the datagram's */
        table->env.tx_flush(table->env.ctx);
        table->env.tx_stamps(table->env.ctx);
    }
}

void stk_ep_stamp_sent(struct stk_ep *ep, uint32_t id)
{
    struct stk_ep_table *table = ep->table;
    struct stk_ep_stamper *stamper = stamper_of(ep);
    if (stamper == NULL) {
        return;
    }
    if (stamper->count < stamper->capacity && stamper->tail - stamper->head == stamper->capacity) {
        stamps_close_up(table, stamper);
    }
    if (stamper->tail - stamper->head == stamper->capacity) { /* TS-3: the new one is lost */
        table->stats.udp_stamps_full++;
        return;
    }
    const uint64_t token = ++table->stamp_token;
    const bool due = table->env.tx_stamps != NULL && frame_mark(stk_inst_selected(), token);
    table->env.tx_flush(table->env.ctx);
    *stamp_at(table, stamper, stamper->tail++) = (struct stamp){
        .ns = due ? token : table->env.now_ns(table->env.ctx), .id = id, .kept = due ? STAMP_DUE : STAMP_OURS};
    stamper->count++;
}

static int stamp_take(const struct stk_ep *ep, uint32_t id, struct stk_rep_abi *rep)
{
    struct stk_ep_stamper *stamper = stamper_of(ep);
    for (uint64_t i = stamper != NULL ? stamper->head : 0; stamper != NULL && i != stamper->tail; i++) {
        struct stamp *one = stamp_at(ep->table, stamper, i);
        if (one->kept == STAMP_TAKEN || one->id != id) {
            continue;
        }
        if (one->kept == STAMP_DUE) {
            return STK_EAGAIN;
        }
        rep->value = one->ns;
        rep->arg[0] = one->kept == STAMP_PORTS;
        one->kept = STAMP_TAKEN;
        stamper->count -= stamper->count > 0; /* the chunk is the application's to damage */
        while (stamper->head != stamper->tail && stamp_at(ep->table, stamper, stamper->head)->kept == STAMP_TAKEN) {
            stamper->head++;
        }
        return STK_OK;
    }
    return STK_EAGAIN;
}

/* --- Control --------------------------------------------------------------------- */

void stk_ep_stamp_end(struct stk_ep *ep)
{
    struct stk_ep_stamper *stamper = stamper_of(ep);
    if (stamper == NULL) {
        return;
    }
    const uint32_t chunks = (stamper->capacity + STAMPS_A_CHUNK - 1) / STAMPS_A_CHUNK;
    for (uint32_t i = 0; i < chunks; i++) {
        stk_chunk_give(ep->table->region, stamper->chunks[i]);
    }
    memset(stamper, 0, sizeof(*stamper));
    ep->stamper = 0;
}

static int stamps_keep(struct stk_ep *ep, uint32_t count)
{
    struct stk_ep_table *table = ep->table;
    uint32_t free = 0;
    stk_ep_stamp_end(ep);
    if (count == 0) {
        return STK_OK;
    }
    if (count > STK_STAMPS_MAX) {
        return STK_EINVAL;
    }
    while (free < STK_EP_STAMPERS_MAX && table->stampers[free].used) {
        free++;
    }
    if (free == STK_EP_STAMPERS_MAX) {
        return STK_ENOMEM;
    }
    struct stk_ep_stamper *stamper = &table->stampers[free];
    const uint32_t chunks = (count + STAMPS_A_CHUNK - 1) / STAMPS_A_CHUNK;
    for (uint32_t i = 0; i < chunks; i++) {
        stamper->chunks[i] = stk_chunk_take(table->region);
        if (stamper->chunks[i] == STK_CHUNK_NONE) {
            while (i > 0) {
                stk_chunk_give(table->region, stamper->chunks[--i]);
            }
            return STK_ENOMEM;
        }
    }
    stamper->used = true;
    stamper->capacity = count;
    ep->stamper = free + 1;
    return STK_OK;
}

int stk_ep_stamp_op(struct stk_ep_table *table, uint32_t sock, const struct stk_sub_abi *sub, struct stk_rep_abi *rep)
{
    struct stk_ep *ep = &table->eps[sock];
    if (ep->type != STK_SOCK_DGRAM) {
        return STK_EOPNOTSUPP;
    }
    switch (sub->arg[0]) {
    case STK_STAMP_BUFFER:
        return stamps_keep(ep, sub->arg[1]);
    case STK_STAMP_TAKE:
        if (table->env.tx_stamps != NULL) {
            table->env.tx_stamps(table->env.ctx);
        }
        return stamp_take(ep, sub->arg[1], rep);
    default:
        return STK_EPROTO;
    }
}
