#include "nic/feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "nic/capture.h"
#include "nic/conf.h"
#include "nic/driver.h"
#include "nic/pool.h"
#include "stack/clock.h"
#include "stack/err.h"

#define BUFFERS_DEFAULT 4096u
#define RING_SLOTS 1024u
/** Buffers that frames handed in do not take: the stack answers with them. */
#define SEND_RESERVE 128u
#define FRAME_MAX 65535u
#define OFFLOADS (NIC_CAP_RX_IP4_CSUM | NIC_CAP_RX_L4_CSUM)

struct nic_feed {
    struct nic_port base;
    struct nic_pool pool;
    struct nic_feed *next;
    nic_feed_sent_fn sent;
    void *sent_context;
    char name[64];
    uint32_t head; /**< next to be received */
    uint32_t tail; /**< next to be handed in */
    struct nic_buf *ring[RING_SLOTS];
};

/* Names are looked up when a replay begins, not on the data path. */
static pthread_mutex_t feeds_lock = PTHREAD_MUTEX_INITIALIZER;
static struct nic_feed *feeds;

static struct nic_feed *feed_of(struct nic_port *port)
{
    return (struct nic_feed *)port;
}

struct feed_conf {
    const char *name;
};

static int conf_parse(const struct nic_port_conf *conf, struct feed_conf *out)
{
    static const struct nic_conf_key keys[] = {
        {"name", NIC_CONF_STRING, offsetof(struct feed_conf, name), 0, 63, NULL},
    };

    *out = (struct feed_conf){.name = conf->name};
    if (conf->buffers > 1u << 20)
        return nic_conf_error(conf, NULL, "buffers %u is more than %u", (unsigned)conf->buffers, 1u << 20);
    return nic_conf_parse(conf, keys, 1, out);
}

static int feed_conf_check(const struct nic_port_conf *conf)
{
    struct feed_conf keys;

    return conf_parse(conf, &keys);
}

/* STK_EBUSY: the name is taken. */
static int feed_publish(struct nic_feed *self)
{
    const struct nic_feed *other;

    pthread_mutex_lock(&feeds_lock);
    for (other = feeds; other != NULL && strcmp(other->name, self->name) != 0;)
        other = other->next;
    if (other == NULL) {
        self->next = feeds;
        feeds = self;
    }
    pthread_mutex_unlock(&feeds_lock);
    return other == NULL ? 0 : STK_EBUSY;
}

static void feed_withdraw(struct nic_feed *self)
{
    struct nic_feed **link = &feeds;

    pthread_mutex_lock(&feeds_lock);
    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    pthread_mutex_unlock(&feeds_lock);
}

struct nic_feed *nic_feed_find(const char *name)
{
    struct nic_feed *feed;

    pthread_mutex_lock(&feeds_lock);
    for (feed = feeds; feed != NULL && strcmp(feed->name, name) != 0;)
        feed = feed->next;
    pthread_mutex_unlock(&feeds_lock);
    return feed;
}

static int feed_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    struct feed_conf keys;
    struct nic_feed *self;
    int err = conf_parse(conf, &keys);

    if (err != 0)
        return err;
    self = calloc(1, sizeof(*self));
    if (self == NULL)
        return STK_ENOMEM;
    nic_port_base_init(&self->base, &nic_feed_driver, conf);
    self->base.info.caps = OFFLOADS & ~conf->caps_off;
    memcpy(self->name, keys.name, strlen(keys.name) + 1);
    err = nic_pool_init(&self->pool, &self->base, conf->buffers != 0 ? conf->buffers : BUFFERS_DEFAULT,
                        conf->mtu + NIC_L2_OVERHEAD);
    if (err != 0)
        goto free_self;
    err = feed_publish(self);
    if (err != 0)
        goto fini_pool;
    *out = &self->base;
    return 0;

fini_pool:
    nic_pool_fini(&self->pool);
free_self:
    free(self);
    return err;
}

static void feed_close(struct nic_port *port)
{
    struct nic_feed *self = feed_of(port);

    feed_withdraw(self);
    nic_pool_fini(&self->pool);
    free(self);
}

static uint32_t feed_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct nic_feed *self = feed_of(port);
    uint32_t received = 0;
    uint64_t bytes = 0;

    (void)now_ns;
    while (received < count && self->head != self->tail) {
        bufs[received] = self->ring[self->head++ % RING_SLOTS];
        bytes += bufs[received++]->pkt_len;
    }
    nic_stat_add(&port->stats.rx_frames, received);
    nic_stat_add(&port->stats.rx_bytes, bytes);
    return received;
}

static uint32_t feed_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct nic_feed *self = feed_of(port);

    for (uint32_t i = 0; i < count; i++) {
        if (!nic_frame_ok(port, bufs[i], NIC_FRAME_MIN)) {
            nic_stat_add(&port->stats.tx_errors, 1);
        } else {
            nic_stat_add(&port->stats.tx_frames, 1);
            nic_stat_add(&port->stats.tx_bytes, bufs[i]->pkt_len);
            if (self->sent != NULL)
                self->sent(self->sent_context, bufs[i], now_ns);
        }
        nic_buf_free(bufs[i]);
    }
    return count;
}

static struct nic_buf *feed_buf_alloc(struct nic_port *port)
{
    return nic_pool_get(&feed_of(port)->pool);
}

static struct nic_buf *feed_buf_attach_ext(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                           void *context)
{
    (void)port, (void)data, (void)len, (void)release, (void)context;
    return NULL;
}

static void feed_buf_free(struct nic_buf *seg)
{
    nic_pool_put(&feed_of(seg->port)->pool, seg);
}

static void feed_tx_reclaim(struct nic_port *port)
{
    (void)port; /* what was sent is gone at once */
}

static intptr_t feed_wait_handle(struct nic_port *port)
{
    (void)port;
    return -1;
}

static uint64_t feed_next_event_ns(struct nic_port *port)
{
    const struct nic_feed *self = feed_of(port);

    return self->head != self->tail ? 0 : STK_NEVER;
}

static int feed_mcast(struct nic_port *port, const uint8_t mac[6], bool join)
{
    (void)port, (void)mac, (void)join;
    return 0; /* who hands frames in decides */
}

static bool feed_link_poll(struct nic_port *port)
{
    (void)port;
    return true;
}

static void feed_stats_read(const struct nic_port *port, struct nic_port_stats *out)
{
    const struct nic_feed *self = (const struct nic_feed *)(const void *)port;

    out->buf_in_use = self->pool.count - self->pool.free_count;
    out->buf_high_water = self->pool.high_water;
}

const struct nic_driver nic_feed_driver = {
    .name = "feed",
    .conf_check = feed_conf_check,
    .open = feed_open,
    .close = feed_close,
    .rx_burst = feed_rx_burst,
    .tx_burst = feed_tx_burst,
    .buf_alloc = feed_buf_alloc,
    .buf_attach_ext = feed_buf_attach_ext,
    .buf_free = feed_buf_free,
    .tx_reclaim = feed_tx_reclaim,
    .tx_stamps = nic_tx_stamps_none,
    .mem_register = nic_mem_none,
    .mem_unregister = nic_mem_none,
    .wait_handle = feed_wait_handle,
    .next_event_ns = feed_next_event_ns,
    .mcast = feed_mcast,
    .link_poll = feed_link_poll,
    .flush = nic_flush_nothing,
    .stats_read = feed_stats_read,
};

void nic_feed_sent_set(struct nic_feed *feed, nic_feed_sent_fn sent, void *context)
{
    feed->sent = sent;
    feed->sent_context = context;
}

uint32_t nic_feed_room(const struct nic_feed *feed)
{
    uint32_t slots = RING_SLOTS - (feed->tail - feed->head);
    uint32_t buffers = feed->pool.free_count > SEND_RESERVE ? feed->pool.free_count - SEND_RESERVE : 0;

    return slots < buffers ? slots : buffers;
}

/* The rest of a frame that is longer than one buffer. */
static void chain_fill(struct nic_feed *feed, struct nic_buf *head, const uint8_t *frame, uint32_t len)
{
    struct nic_buf *last = head;

    while (len != 0) {
        struct nic_buf *buf = nic_pool_get(&feed->pool);

        buf->len = len < buf->room ? len : buf->room;
        memcpy(buf->data, frame, buf->len);
        frame += buf->len;
        len -= buf->len;
        last->next = buf;
        last = buf;
        head->segs++;
    }
}

bool nic_feed_flush(struct nic_feed *feed)
{
    return nic_capture_flush(feed->base.capture);
}

int nic_feed_push(struct nic_feed *feed, const uint8_t *frame, uint32_t len, uint32_t flags, uint64_t time_ns)
{
    uint32_t room = feed->base.info.mtu + NIC_L2_OVERHEAD;
    uint32_t allowed = feed->base.info.caps == OFFLOADS ? UINT32_MAX : 0;
    struct nic_buf *buf;

    if (len < NIC_FRAME_MIN || len > FRAME_MAX)
        return STK_EINVAL;
    if (feed->tail - feed->head == RING_SLOTS || feed->pool.free_count < SEND_RESERVE + (len + room - 1) / room)
        return STK_EAGAIN;
    buf = nic_pool_get(&feed->pool);
    buf->len = len < room ? len : room;
    memcpy(buf->data, frame, buf->len);
    buf->pkt_len = len;
    buf->flags = (flags & allowed) | NIC_RX_TSTAMP;
    buf->tstamp_ns = time_ns;
    chain_fill(feed, buf, frame + buf->len, len - buf->len);
    feed->ring[feed->tail++ % RING_SLOTS] = buf;
    return 0;
}
