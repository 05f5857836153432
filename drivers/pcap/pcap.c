#include <stdlib.h>
#include <string.h>

#include "nic/conf.h"
#include "pcap_priv.h"
#include "stack/clock.h"
#include "stack/err.h"

#define BUFFERS_DEFAULT 1024u

struct pcap_conf {
    const char *rx_file;
    const char *tx_file;
    const char *clock;
    bool loop;
    bool pace;
};

struct pcap_port {
    struct nic_port base;
    struct nic_pool pool;
    struct pcap_replay replay;
    struct nic_capture *record; /**< NULL: what is sent goes nowhere */
};

static struct pcap_port *pcap_of(struct nic_port *port)
{
    return (struct pcap_port *)port;
}

static int conf_parse(const struct nic_port_conf *conf, struct pcap_conf *out)
{
    static const struct nic_conf_key keys[] = {
        {"rx_file", NIC_CONF_STRING, offsetof(struct pcap_conf, rx_file), 0, 0, NULL},
        {"tx_file", NIC_CONF_STRING, offsetof(struct pcap_conf, tx_file), 0, 0, NULL},
        {"clock", NIC_CONF_STRING, offsetof(struct pcap_conf, clock), 0, 0, "wall|port"},
        {"loop", NIC_CONF_BOOL, offsetof(struct pcap_conf, loop), 0, 0, NULL},
        {"pace", NIC_CONF_BOOL, offsetof(struct pcap_conf, pace), 0, 0, NULL},
    };
    int err;

    *out = (struct pcap_conf){.clock = "wall"};
    err = nic_conf_parse(conf, keys, sizeof(keys) / sizeof(keys[0]), out);
    if (err != 0)
        return err;
    if (out->rx_file == NULL && out->tx_file == NULL)
        return nic_conf_error(conf, NULL, "driver pcap needs the key rx_file or tx_file");
    if (out->rx_file == NULL && (out->loop || out->pace))
        return nic_conf_error(conf, nic_conf_find(conf, out->loop ? "loop" : "pace"), "without an rx_file");
    if (out->rx_file != NULL && out->tx_file != NULL && strcmp(out->rx_file, out->tx_file) == 0)
        return nic_conf_error(conf, nic_conf_find(conf, "tx_file"), "is the rx_file");
    if (conf->buffers > 1u << 20)
        return nic_conf_error(conf, NULL, "buffers %u is more than %u", (unsigned)conf->buffers, 1u << 20);
    return 0;
}

static int drv_pcap_conf_check(const struct nic_port_conf *conf)
{
    struct pcap_conf keys;

    return conf_parse(conf, &keys);
}

static int files_open(struct pcap_port *self, const struct nic_port_conf *conf, const struct pcap_conf *keys)
{
    struct nic_capture_conf record = {.path = keys->tx_file, .snaplen = 262144, .clock = keys->clock};
    int err = 0;

    self->replay.loop = keys->loop;
    self->replay.pace = keys->pace;
    if (keys->rx_file != NULL)
        err = drv_pcap_replay_open(&self->replay, conf, keys->rx_file);
    if (err != 0 || keys->tx_file == NULL)
        return err;
    err = nic_capture_open(conf, "tx_file", &record, conf->mtu + NIC_L2_OVERHEAD, &self->record);
    if (err != 0)
        drv_pcap_replay_close(&self->replay);
    return err;
}

static int drv_pcap_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    struct pcap_conf keys;
    struct pcap_port *self;
    int err = conf_parse(conf, &keys);

    if (err != 0)
        return err;
    self = calloc(1, sizeof(*self));
    if (self == NULL)
        return STK_ENOMEM;
    nic_port_base_init(&self->base, &drv_pcap, conf);
    self->base.info.caps = NIC_CAP_TSTAMP & ~conf->caps_off;
    err = nic_pool_init(&self->pool, &self->base, conf->buffers != 0 ? conf->buffers : BUFFERS_DEFAULT,
                        conf->mtu + NIC_L2_OVERHEAD);
    if (err != 0)
        goto free_self;
    err = files_open(self, conf, &keys);
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

static void drv_pcap_close(struct nic_port *port)
{
    struct pcap_port *self = pcap_of(port);

    drv_pcap_replay_close(&self->replay);
    nic_capture_close(self->record);
    nic_pool_fini(&self->pool);
    free(self);
}

/** Turn the frame that is ready into a buffer; NULL: it was left out and counted. */
static struct nic_buf *frame_take(struct pcap_port *self, struct nic_buf *buf)
{
    const struct pcap_pkthdr *header = self->replay.header;
    bool torn = header->caplen < NIC_FRAME_MIN || header->caplen > self->base.info.mtu + NIC_L2_OVERHEAD;

    self->replay.frame_ready = false;
    if (header->caplen < header->len)
        self->replay.snapped++;
    if (header->caplen < header->len || torn) {
        nic_stat_add(&self->base.stats.rx_errors, 1);
        nic_pool_put(&self->pool, buf);
        return NULL;
    }
    memcpy(buf->data, self->replay.frame, header->caplen);
    buf->len = header->caplen;
    buf->pkt_len = header->caplen;
    if ((self->base.info.caps & NIC_CAP_TSTAMP) != 0) {
        buf->flags = NIC_RX_TSTAMP;
        buf->tstamp_ns = drv_pcap_replay_time_ns(&self->replay);
    }
    return buf;
}

static uint32_t drv_pcap_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct pcap_port *self = pcap_of(port);
    uint64_t errors = 0, bytes = 0;
    uint32_t received = 0;

    while (received < count && drv_pcap_replay_load(&self->replay, now_ns, &errors)) {
        struct nic_buf *buf;

        if (self->replay.due_ns > now_ns)
            break;
        buf = nic_pool_get(&self->pool);
        if (buf == NULL)
            break; /* a file waits */
        buf = frame_take(self, buf);
        if (buf == NULL)
            continue;
        bytes += buf->pkt_len;
        bufs[received++] = buf;
    }
    nic_stat_add(&port->stats.rx_errors, errors);
    nic_stat_add(&port->stats.rx_frames, received);
    nic_stat_add(&port->stats.rx_bytes, bytes);
    return received;
}

static uint32_t drv_pcap_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct pcap_port *self = pcap_of(port);

    for (uint32_t i = 0; i < count; i++) {
        if (!nic_frame_ok(port, bufs[i], NIC_FRAME_MIN)) {
            nic_stat_add(&port->stats.tx_errors, 1);
            nic_buf_free(bufs[i]);
            continue;
        }
        if (self->record != NULL) {
            nic_capture_stage(self->record, bufs[i]);
            nic_capture_commit(self->record, now_ns, true, "");
        }
        nic_stat_add(&port->stats.tx_frames, 1);
        nic_stat_add(&port->stats.tx_bytes, bufs[i]->pkt_len);
        nic_buf_free(bufs[i]);
    }
    return count;
}

static struct nic_buf *drv_pcap_buf_alloc(struct nic_port *port)
{
    return nic_pool_get(&pcap_of(port)->pool);
}

static struct nic_buf *drv_pcap_buf_attach_ext(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                               void *context)
{
    (void)port, (void)data, (void)len, (void)release, (void)context;
    return NULL;
}

static void drv_pcap_buf_free(struct nic_buf *seg)
{
    nic_pool_put(&pcap_of(seg->port)->pool, seg);
}

static void drv_pcap_tx_reclaim(struct nic_port *port)
{
    (void)port; /* everything was written when it was sent */
}

static intptr_t drv_pcap_wait_handle(struct nic_port *port)
{
    (void)port;
    return -1;
}

static uint64_t drv_pcap_next_event_ns(struct nic_port *port)
{
    const struct pcap_replay *replay = &pcap_of(port)->replay;

    if (replay->frame_ready)
        return replay->due_ns;
    /* Not known before the file is read on, which the next rx_burst does. */
    return replay->pcap != NULL ? 0 : STK_NEVER;
}

static int drv_pcap_mcast(struct nic_port *port, const uint8_t mac[6], bool join)
{
    (void)port, (void)mac, (void)join;
    return 0; /* the file says what arrives */
}

static bool drv_pcap_link_poll(struct nic_port *port)
{
    (void)port;
    return true;
}

static void drv_pcap_stats_read(const struct nic_port *port, struct nic_port_stats *out)
{
    const struct pcap_port *self = (const struct pcap_port *)(const void *)port;

    out->buf_in_use = self->pool.count - self->pool.free_count;
    out->buf_high_water = self->pool.high_water;
}

const struct nic_driver drv_pcap = {
    .name = "pcap",
    .conf_check = drv_pcap_conf_check,
    .open = drv_pcap_open,
    .close = drv_pcap_close,
    .rx_burst = drv_pcap_rx_burst,
    .tx_burst = drv_pcap_tx_burst,
    .buf_alloc = drv_pcap_buf_alloc,
    .buf_attach_ext = drv_pcap_buf_attach_ext,
    .buf_free = drv_pcap_buf_free,
    .tx_reclaim = drv_pcap_tx_reclaim,
    .tx_stamps = nic_tx_stamps_none,
    .mem_register = nic_mem_none,
    .mem_unregister = nic_mem_none,
    .wait_handle = drv_pcap_wait_handle,
    .next_event_ns = drv_pcap_next_event_ns,
    .mcast = drv_pcap_mcast,
    .link_poll = drv_pcap_link_poll,
    .flush = nic_flush_nothing,
    .stats_read = drv_pcap_stats_read,
};
