#include <stdlib.h>
#include <string.h>

#include "nic/conf.h"
#include "nic/csum.h"
#include "stack/err.h"
#include "wire_priv.h"

static pthread_mutex_t hubs_lock = PTHREAD_MUTEX_INITIALIZER;
static struct wire_hub *hubs;

static struct wire_hub *hub_make(const char *name)
{
    struct wire_hub *hub = calloc(1, sizeof(*hub));

    if (hub == NULL)
        return NULL;
    pthread_mutex_init(&hub->lock, NULL);
    memcpy(hub->name, name, strlen(name) + 1);
    hub->next = hubs;
    hubs = hub;
    return hub;
}

int drv_wire_hub_join(struct wire_port *port, const char *name)
{
    struct wire_hub *hub;
    int err = 0;

    pthread_mutex_lock(&hubs_lock);
    for (hub = hubs; hub != NULL && strcmp(hub->name, name) != 0;)
        hub = hub->next;
    if (hub == NULL)
        hub = hub_make(name);
    if (hub == NULL) {
        err = STK_ENOMEM;
        goto unlock;
    }
    pthread_mutex_lock(&hub->lock);
    if (hub->count == NIC_PORTS_MAX) {
        err = STK_EMFILE;
    } else {
        port->hub = hub;
        hub->members[hub->count++] = port;
    }
    pthread_mutex_unlock(&hub->lock);
unlock:
    pthread_mutex_unlock(&hubs_lock);
    return err;
}

void drv_wire_hub_leave(struct wire_port *port)
{
    struct wire_hub *hub = port->hub;
    struct wire_hub **link = &hubs;
    uint32_t at = 0;

    pthread_mutex_lock(&hubs_lock);
    pthread_mutex_lock(&hub->lock);
    while (hub->members[at] != port)
        at++;
    hub->count--;
    memmove(&hub->members[at], &hub->members[at + 1], (hub->count - at) * sizeof(hub->members[0]));
    pthread_mutex_unlock(&hub->lock);
    if (hub->count == 0) {
        while (*link != hub)
            link = &(*link)->next;
        *link = hub->next;
        pthread_mutex_destroy(&hub->lock);
        free(hub);
    }
    pthread_mutex_unlock(&hubs_lock);
}

/* splitmix64: any seed will do, and each draw is independent of the platform. */
static uint64_t draw(struct wire_port *port)
{
    uint64_t z = port->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool chance(struct wire_port *port, uint64_t probability)
{
    return probability != 0 && (draw(port) >> 32) < probability;
}

static bool earlier(const struct wire_due *a, const struct wire_due *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void queue_push(struct wire_port *port, struct nic_buf *buf, uint64_t due_ns)
{
    uint32_t queued = atomic_load_explicit(&port->queued, memory_order_relaxed);
    struct wire_due entry = {.due_ns = due_ns, .order = port->order++, .buf = buf};
    uint32_t at = queued;

    while (at != 0 && earlier(&entry, &port->queue[(at - 1) / 2])) {
        port->queue[at] = port->queue[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    port->queue[at] = entry;
    atomic_store_explicit(&port->queued, queued + 1, memory_order_relaxed); /* W1 */
}

struct nic_buf *drv_wire_queue_pop(struct wire_port *port, uint64_t now_ns)
{
    uint32_t queued = atomic_load_explicit(&port->queued, memory_order_relaxed);
    struct nic_buf *buf;
    struct wire_due last;
    uint32_t at = 0;

    if (queued == 0 || port->queue[0].due_ns > now_ns)
        return NULL;
    buf = port->queue[0].buf;
    last = port->queue[--queued];
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= queued)
            break;
        if (child + 1 < queued && earlier(&port->queue[child + 1], &port->queue[child]))
            child++;
        if (!earlier(&port->queue[child], &last))
            break;
        port->queue[at] = port->queue[child];
        at = child;
    }
    port->queue[at] = last;
    atomic_store_explicit(&port->queued, queued, memory_order_relaxed); /* W1 */
    return buf;
}

static bool wants(const struct wire_port *to, const uint8_t *frame, uint32_t len)
{
    return to->promisc || len < 6 || (frame[0] & 1) != 0 || memcmp(frame, to->base.info.mac, 6) == 0;
}

static void deliver(struct wire_port *to, const uint8_t *frame, uint32_t len, uint64_t due_ns)
{
    struct nic_buf *buf;

    pthread_mutex_lock(&to->lock);
    if (len > to->base.info.mtu + NIC_L2_OVERHEAD) {
        to->rx_too_long++;
        goto unlock;
    }
    if (atomic_load_explicit(&to->queued, memory_order_relaxed) >= to->queue_max) {
        to->rx_counts.queue_full++;
        goto unlock;
    }
    buf = nic_pool_get(&to->pool);
    if (buf == NULL) {
        to->rx_counts.no_buffer++;
        goto unlock;
    }
    memcpy(buf->data, frame, len);
    buf->len = len;
    buf->pkt_len = len;
    buf->tstamp_ns = due_ns;
    queue_push(to, buf, due_ns);
    to->rx_counts.delivered++;
unlock:
    pthread_mutex_unlock(&to->lock);
}

static void flood(struct wire_port *from, const uint8_t *frame, uint32_t len, uint64_t due_ns)
{
    struct wire_hub *hub = from->hub;

    for (uint32_t i = 0; i < hub->count; i++) {
        struct wire_port *to = hub->members[i];

        if (to != from && atomic_load_explicit(&to->up, memory_order_relaxed) && wants(to, frame, len))
            deliver(to, frame, len, due_ns);
    }
}

/** When a frame sent now arrives. Jitter keeps the order; what reorder holds back is passed by later frames. */
static uint64_t arrival_ns(struct wire_port *port, uint64_t now_ns)
{
    uint64_t due_ns = now_ns + port->impair.delay_ns;

    if (port->impair.jitter_ns != 0)
        due_ns += draw(port) % (port->impair.jitter_ns + 1);
    if (due_ns < port->last_due_ns)
        due_ns = port->last_due_ns;
    if (chance(port, port->impair.reorder)) {
        port->tx_counts.reordered++;
        return due_ns + port->impair.reorder_gap_ns;
    }
    port->last_due_ns = due_ns;
    return due_ns;
}

static const uint8_t *linear(struct wire_port *port, const struct nic_buf *frame, bool writable)
{
    if (!writable && frame->next == NULL)
        return frame->data;
    nic_frame_copy(frame, port->scratch);
    return port->scratch;
}

void drv_wire_hub_send(struct wire_port *port, const struct nic_buf *frame, uint64_t now_ns)
{
    const uint32_t asked = NIC_TX_IP4_CSUM | NIC_TX_TCP_CSUM | NIC_TX_UDP_CSUM;
    struct drv_wire_counts *counts = &port->tx_counts;
    uint64_t index = port->frames++;
    uint32_t len = frame->pkt_len;
    const uint32_t able = NIC_CAP_TX_IP4_CSUM | NIC_CAP_TX_TCP_CSUM | NIC_CAP_TX_UDP_CSUM;
    bool corrupt, fill = (frame->flags & asked) != 0 && (port->base.info.caps & able) != 0;
    const uint8_t *bytes;
    uint64_t due_ns;

    if (!atomic_load_explicit(&port->up, memory_order_relaxed)) {
        counts->link_down++;
        return;
    }
    counts->sent++;
    corrupt = chance(port, port->impair.corrupt);
    bytes = linear(port, frame, corrupt || fill || port->hook != NULL);
    if (fill && nic_csum_tx_fill(port->scratch, len, frame) != 0)
        nic_stat_add(&port->base.stats.tx_errors, 1);
    if (port->hook != NULL && !port->hook(port->hook_context, index, port->scratch, &len)) {
        counts->hook_dropped++;
        return;
    }
    if (chance(port, port->impair.loss)) {
        counts->lost++;
        return;
    }
    if (corrupt && len != 0) {
        uint64_t bit = draw(port) % ((uint64_t)len * 8);

        port->scratch[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        counts->corrupted++;
    }
    due_ns = arrival_ns(port, now_ns);
    flood(port, bytes, len, due_ns);
    if (chance(port, port->impair.duplicate)) {
        counts->duplicated++;
        flood(port, bytes, len, due_ns);
    }
}
