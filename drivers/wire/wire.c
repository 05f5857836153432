#include <stdlib.h>
#include <string.h>

#include "nic/conf.h"
#include "nic/csum.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "wire_priv.h"

#define BUFFERS_DEFAULT 1024u
#define OFFLOADS \
    (NIC_CAP_RX_IP4_CSUM | NIC_CAP_RX_L4_CSUM | NIC_CAP_TX_IP4_CSUM | NIC_CAP_TX_TCP_CSUM | NIC_CAP_TX_UDP_CSUM)

static struct wire_port *wire_of(struct nic_port *port)
{
    return (struct wire_port *)port;
}

static int wire_conf_check(const struct nic_port_conf *conf)
{
    struct wire_conf keys;

    return drv_wire_conf_parse(conf, &keys);
}

static uint64_t seed_default(const struct nic_port *port)
{
    uint64_t seed = 0;

    memcpy(&seed, port->info.mac, sizeof(port->info.mac));
    return seed;
}

static void wire_configure(struct wire_port *self, const struct nic_port_conf *conf, const struct wire_conf *keys)
{
    nic_port_base_init(&self->base, &drv_wire, conf);
    self->base.info.caps = (NIC_CAP_LINK | (keys->offload ? OFFLOADS : 0u)) & ~conf->caps_off;
    if (nic_conf_find(conf, "clock") != NULL)
        self->base.info.caps |= (NIC_CAP_TSTAMP | NIC_CAP_TX_TSTAMP) & ~conf->caps_off;
    self->clock_ahead_ns = keys->clock_ahead_ns;
    self->impair = keys->impair;
    self->random = nic_conf_find(conf, "seed") != NULL ? keys->seed : seed_default(&self->base);
    self->promisc = keys->promisc;
    atomic_init(&self->up, true);
    atomic_init(&self->queued, 0);
    pthread_mutex_init(&self->lock, NULL);
}

static int wire_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    uint32_t buffers = conf->buffers != 0 ? conf->buffers : BUFFERS_DEFAULT;
    uint32_t frame_max = conf->mtu + NIC_L2_OVERHEAD;
    struct wire_conf keys;
    struct wire_port *self;
    int err = drv_wire_conf_parse(conf, &keys);

    if (err != 0)
        return err;
    self = calloc(1, sizeof(*self));
    if (self == NULL)
        return STK_ENOMEM;
    wire_configure(self, conf, &keys);
    /* Half of the pool is left for sending, or a flood would keep the receiver from answering. */
    self->queue_max = keys.queue != 0 ? (uint32_t)keys.queue : (buffers + 1) / 2;
    err = STK_ENOMEM;
    self->scratch = malloc(frame_max);
    if (self->scratch == NULL)
        goto free_self;
    self->queue = calloc(self->queue_max, sizeof(self->queue[0]));
    if (self->queue == NULL)
        goto free_scratch;
    err = nic_pool_init(&self->pool, &self->base, buffers, frame_max);
    if (err != 0)
        goto free_queue;
    err = drv_wire_hub_join(self, keys.link);
    if (err != 0)
        goto fini_pool;
    *out = &self->base;
    return 0;

fini_pool:
    nic_pool_fini(&self->pool);
free_queue:
    free(self->queue);
free_scratch:
    free(self->scratch);
free_self:
    pthread_mutex_destroy(&self->lock);
    free(self);
    return err;
}

static void wire_close(struct nic_port *port)
{
    struct wire_port *self = wire_of(port);

    drv_wire_hub_leave(self);
    nic_pool_fini(&self->pool);
    free(self->queue);
    free(self->scratch);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static uint32_t wire_take(struct wire_port *self, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    uint32_t taken = 0;

    pthread_mutex_lock(&self->lock);
    while (taken < count) {
        struct nic_buf *buf = drv_wire_queue_pop(self, now_ns);

        if (buf == NULL)
            break;
        if (buf->pkt_len < NIC_FRAME_MIN) {
            nic_stat_add(&self->base.stats.rx_errors, 1);
            nic_pool_put(&self->pool, buf);
            continue;
        }
        bufs[taken++] = buf;
    }
    pthread_mutex_unlock(&self->lock);
    return taken;
}

/* tstamp_ns is when the frame came to the end of the wire; the port's clock says so in its own way. */
static void wire_rx_stamp(const struct wire_port *self, struct nic_buf **bufs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bufs[i]->flags |= NIC_RX_TSTAMP;
        bufs[i]->tstamp_ns += self->clock_ahead_ns;
    }
}

/* A port that is asked for more than it keeps loses the newest. */
static void wire_tx_stamp(struct wire_port *self, const struct nic_buf *frame, uint64_t now_ns)
{
    if ((self->base.info.caps & NIC_CAP_TX_TSTAMP) != 0 && self->stamps_count < WIRE_STAMPS_MAX)
        self->stamps[self->stamps_count++] = (struct nic_tx_stamp){.token = frame->tstamp_ns,
                                                                   .ns = now_ns + self->clock_ahead_ns};
}

static uint32_t wire_tx_stamps(struct nic_port *port, struct nic_tx_stamp *out, uint32_t count)
{
    struct wire_port *self = wire_of(port);
    uint32_t taken = count < self->stamps_count ? count : self->stamps_count;

    memcpy(out, self->stamps, taken * sizeof(out[0]));
    self->stamps_count -= taken;
    memmove(self->stamps, self->stamps + taken, self->stamps_count * sizeof(out[0]));
    return taken;
}

static uint32_t wire_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct wire_port *self = wire_of(port);
    uint32_t allowed = 0;
    uint64_t bytes = 0;
    uint32_t taken;

    /* Edge W1: a hint; a frame missed now is seen by the next poll. */
    if (atomic_load_explicit(&self->queued, memory_order_relaxed) == 0)
        return 0;
    taken = wire_take(self, bufs, count, now_ns);
    if ((port->info.caps & NIC_CAP_RX_IP4_CSUM) != 0)
        allowed |= NIC_RX_IP4_CSUM_GOOD | NIC_RX_IP4_CSUM_BAD;
    if ((port->info.caps & NIC_CAP_RX_L4_CSUM) != 0)
        allowed |= NIC_RX_L4_CSUM_GOOD | NIC_RX_L4_CSUM_BAD;
    for (uint32_t i = 0; i < taken; i++) {
        bytes += bufs[i]->pkt_len;
        if (allowed != 0)
            bufs[i]->flags = nic_csum_rx_flags(bufs[i]->data, bufs[i]->pkt_len) & allowed;
    }
    if ((port->info.caps & NIC_CAP_TSTAMP) != 0)
        wire_rx_stamp(self, bufs, taken);
    nic_stat_add(&port->stats.rx_frames, taken);
    nic_stat_add(&port->stats.rx_bytes, bytes);
    return taken;
}

static uint32_t wire_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct wire_port *self = wire_of(port);
    uint64_t frames = 0, bytes = 0;

    pthread_mutex_lock(&self->hub->lock);
    for (uint32_t i = 0; i < count; i++) {
        /* Torn frames may travel: the receiver's port is what must cope. */
        if (!nic_frame_ok(port, bufs[i], 1)) {
            nic_stat_add(&port->stats.tx_errors, 1);
            continue;
        }
        if ((bufs[i]->flags & NIC_TX_TSTAMP) != 0)
            wire_tx_stamp(self, bufs[i], now_ns);
        drv_wire_hub_send(self, bufs[i], now_ns);
        frames++;
        bytes += bufs[i]->pkt_len;
    }
    pthread_mutex_unlock(&self->hub->lock);
    for (uint32_t i = 0; i < count; i++)
        nic_buf_free(bufs[i]);
    nic_stat_add(&port->stats.tx_frames, frames);
    nic_stat_add(&port->stats.tx_bytes, bytes);
    return count;
}

static struct nic_buf *wire_buf_alloc(struct nic_port *port)
{
    struct wire_port *self = wire_of(port);
    struct nic_buf *buf;

    pthread_mutex_lock(&self->lock);
    buf = nic_pool_get(&self->pool);
    pthread_mutex_unlock(&self->lock);
    return buf;
}

static struct nic_buf *wire_buf_attach_ext(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                           void *context)
{
    (void)port, (void)data, (void)len, (void)release, (void)context;
    return NULL;
}

static void wire_buf_free(struct nic_buf *seg)
{
    struct wire_port *self = wire_of(seg->port);

    pthread_mutex_lock(&self->lock);
    nic_pool_put(&self->pool, seg);
    pthread_mutex_unlock(&self->lock);
}

static void wire_tx_reclaim(struct nic_port *port)
{
    (void)port; /* everything was copied when it was sent */
}

static intptr_t wire_wait_handle(struct nic_port *port)
{
    (void)port;
    return -1;
}

static uint64_t wire_next_event_ns(struct nic_port *port)
{
    struct wire_port *self = wire_of(port);
    uint64_t due_ns = STK_NEVER;

    if (atomic_load_explicit(&self->queued, memory_order_relaxed) == 0) /* W1 */
        return STK_NEVER;
    pthread_mutex_lock(&self->lock);
    if (atomic_load_explicit(&self->queued, memory_order_relaxed) != 0)
        due_ns = self->queue[0].due_ns;
    pthread_mutex_unlock(&self->lock);
    return due_ns;
}

static int wire_mcast(struct nic_port *port, const uint8_t mac[6], bool join)
{
    (void)port, (void)mac, (void)join;
    return 0; /* group frames reach every port */
}

static bool wire_link_poll(struct nic_port *port)
{
    return atomic_load_explicit(&wire_of(port)->up, memory_order_relaxed);
}

static void wire_stats_read(const struct nic_port *port, struct nic_port_stats *out)
{
    /* The lock is the only thing written through the pointer. */
    struct wire_port *self = (struct wire_port *)(uintptr_t)port;

    pthread_mutex_lock(&self->lock);
    out->rx_dropped += self->rx_counts.queue_full + self->rx_counts.no_buffer;
    out->rx_errors += self->rx_too_long;
    out->buf_in_use = self->pool.count - self->pool.free_count;
    out->buf_high_water = self->pool.high_water;
    pthread_mutex_unlock(&self->lock);
}

const struct nic_driver drv_wire = {
    .name = "wire",
    .conf_check = wire_conf_check,
    .open = wire_open,
    .close = wire_close,
    .rx_burst = wire_rx_burst,
    .tx_burst = wire_tx_burst,
    .buf_alloc = wire_buf_alloc,
    .buf_attach_ext = wire_buf_attach_ext,
    .buf_free = wire_buf_free,
    .tx_reclaim = wire_tx_reclaim,
    .tx_stamps = wire_tx_stamps,
    .mem_register = nic_mem_none,
    .mem_unregister = nic_mem_none,
    .wait_handle = wire_wait_handle,
    .next_event_ns = wire_next_event_ns,
    .mcast = wire_mcast,
    .link_poll = wire_link_poll,
    .flush = nic_flush_nothing,
    .stats_read = wire_stats_read,
};

void drv_wire_impair_set(struct nic_port *port, const struct drv_wire_impair *impair)
{
    struct wire_port *self = wire_of(port);

    pthread_mutex_lock(&self->hub->lock);
    self->impair = *impair;
    pthread_mutex_unlock(&self->hub->lock);
}

void drv_wire_impair_get(struct nic_port *port, struct drv_wire_impair *out)
{
    struct wire_port *self = wire_of(port);

    pthread_mutex_lock(&self->hub->lock);
    *out = self->impair;
    pthread_mutex_unlock(&self->hub->lock);
}

void drv_wire_hook_set(struct nic_port *port, drv_wire_hook_fn hook, void *context)
{
    struct wire_port *self = wire_of(port);

    pthread_mutex_lock(&self->hub->lock);
    self->hook = hook;
    self->hook_context = context;
    pthread_mutex_unlock(&self->hub->lock);
}

void drv_wire_link_set(struct nic_port *port, bool up)
{
    atomic_store_explicit(&wire_of(port)->up, up, memory_order_relaxed);
}

void drv_wire_counts_get(struct nic_port *port, struct drv_wire_counts *out)
{
    struct wire_port *self = wire_of(port);

    pthread_mutex_lock(&self->hub->lock);
    *out = self->tx_counts;
    pthread_mutex_unlock(&self->hub->lock);
    pthread_mutex_lock(&self->lock);
    out->delivered = self->rx_counts.delivered;
    out->queue_full = self->rx_counts.queue_full;
    out->no_buffer = self->rx_counts.no_buffer;
    pthread_mutex_unlock(&self->lock);
}
