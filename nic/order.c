#include "nic/order.h"

#include <stdlib.h>
#include <string.h>

#include "stack/clock.h"
#include "stack/err.h"

#define SLOTS 8192u                /* packets held, a power of two */
#define BYTES (4u * 1024u * 1024u) /* of their frames; a multiple of the longest */

#define CACHE_LINE 64u
#define FETCH 2048u /* of a frame */

/** A packet that is held. Its bytes lie in the store, in the order of the file. */
struct held {
    struct nic_packet packet;
    uint64_t at; /**< position in the store */
    bool gone;
};

struct nic_order {
    struct nic_reader *reader;
    uint64_t window_ns;
    uint64_t latest_ns;  /**< of all that were read */
    uint64_t given_ns;   /**< of the last one given */
    uint64_t file_first; /**< oldest record that still holds bytes; records count in file order */
    uint64_t file_next;
    uint64_t time_first; /**< of by_time */
    uint64_t time_next;
    uint64_t store_next; /**< position behind the last byte stored */
    int end;             /**< what the reader said: 1 while it goes on */
    bool given;          /**< the caller has a packet of the store */
    bool waiting;        /**< next was read and has no room yet */
    struct nic_packet next;
    uint32_t given_slot;
    char reason[NIC_READER_REASON_SIZE];
    uint32_t by_time[SLOTS];
    struct held held[SLOTS];
    uint8_t store[BYTES];
};

int nic_order_make(struct nic_reader *reader, uint64_t window_ns, struct nic_order **out)
{
    struct nic_order *order = malloc(sizeof(*order));

    *out = order;
    if (order == NULL)
        return STK_ENOMEM;
    memset(order, 0, offsetof(struct nic_order, by_time));
    order->reader = reader;
    order->window_ns = window_ns;
    order->end = 1;
    return 0;
}

void nic_order_free(struct nic_order *order)
{
    free(order);
}

const char *nic_order_reason(const struct nic_order *order)
{
    return order->reason;
}

/* Where a frame of this length goes; frames do not wrap. */
static uint64_t store_at(const struct nic_order *order, uint32_t len)
{
    uint64_t at = order->store_next;

    return at % BYTES + len <= BYTES ? at : at + (BYTES - at % BYTES);
}

static bool store_has_room(const struct nic_order *order, uint32_t len)
{
    uint64_t oldest;

    if (order->file_first == order->file_next)
        return true;
    if (order->file_next - order->file_first == SLOTS)
        return false;
    oldest = order->held[order->file_first % SLOTS].at;
    return store_at(order, len) + len - oldest <= BYTES;
}

static void give_back(struct nic_order *order)
{
    if (!order->given)
        return;
    order->given = false;
    order->held[order->given_slot].gone = true;
    while (order->file_first != order->file_next && order->held[order->file_first % SLOTS].gone)
        order->file_first++;
}

/* Into the store, and into its place in time: from the newest backwards, which is where nearly all belong. */
static void hold(struct nic_order *order, const struct nic_packet *packet)
{
    uint32_t slot = (uint32_t)(order->file_next++ % SLOTS);
    struct held *held = &order->held[slot];
    uint64_t place = order->time_next++;

    *held = (struct held){.packet = *packet, .at = store_at(order, packet->len)};
    memcpy(order->store + held->at % BYTES, packet->frame, packet->len);
    held->packet.frame = order->store + held->at % BYTES;
    order->store_next = held->at + packet->len;
    while (place != order->time_first &&
           order->held[order->by_time[(place - 1) % SLOTS]].packet.time_ns > packet->time_ns) {
        order->by_time[place % SLOTS] = order->by_time[(place - 1) % SLOTS];
        place--;
    }
    order->by_time[place % SLOTS] = slot;
}

/* The store is larger than the processor's own caches: the one that is asked for next comes near while this one is played. */
static void fetch_next(const struct nic_order *order)
{
    const struct nic_packet *next;

    if (order->time_first == order->time_next)
        return;
    next = &order->held[order->by_time[order->time_first % SLOTS]].packet;
    for (uint32_t at = 0; at < next->len && at < FETCH; at += CACHE_LINE)
        __builtin_prefetch(next->frame + at);
}

static int give(struct nic_order *order, struct nic_packet *out)
{
    order->given_slot = order->by_time[order->time_first++ % SLOTS];
    order->given = true;
    *out = order->held[order->given_slot].packet;
    order->given_ns = out->time_ns;
    fetch_next(order);
    return 1;
}

static void refuse_late(struct nic_order *order)
{
    uint64_t late_us = (order->given_ns - order->next.time_ns) / 1000;

    (void)snprintf(
        order->reason, sizeof(order->reason),
        "packet %llu: %llu us before packets that were played already: out of order in time by more than the "
        "window of %llu ms or %u packets",
        (unsigned long long)order->next.number, (unsigned long long)late_us,
        (unsigned long long)(order->window_ns / STK_MS_NS), SLOTS);
    order->end = STK_EPROTO;
    order->waiting = false;
}

/* Reads on until the oldest may go. */
static void fill(struct nic_order *order)
{
    while (order->end == 1) {
        if (!order->waiting) {
            order->end = nic_reader_next(order->reader, &order->next);
            if (order->end != 1) {
                (void)snprintf(order->reason, sizeof(order->reason), "%s", nic_reader_reason(order->reader));
                return;
            }
            order->waiting = true;
        }
        if (order->next.time_ns < order->given_ns) {
            refuse_late(order);
            return;
        }
        if (!store_has_room(order, order->next.len))
            return;
        order->waiting = false;
        hold(order, &order->next);
        order->latest_ns = order->next.time_ns > order->latest_ns ? order->next.time_ns : order->latest_ns;
        if (order->latest_ns - order->held[order->by_time[order->time_first % SLOTS]].packet.time_ns > order->window_ns)
            return;
    }
}

static int next_of_file(struct nic_order *order, struct nic_packet *out)
{
    int got = nic_reader_next(order->reader, out);

    if (got < 0)
        (void)snprintf(order->reason, sizeof(order->reason), "%s", nic_reader_reason(order->reader));
    if (got != 1)
        return got;
    order->given_ns = out->time_ns > order->given_ns ? out->time_ns : order->given_ns;
    out->time_ns = order->given_ns;
    return 1;
}

int nic_order_next(struct nic_order *order, struct nic_packet *out)
{
    if (order->window_ns == 0)
        return next_of_file(order, out);
    give_back(order);
    fill(order);
    if (order->time_first != order->time_next)
        return give(order, out);
    return order->end == 1 ? 0 : order->end;
}
