#include "nic/capture.h"
#include "nic/conf.h"
#include "replay_priv.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <stdlib.h>
#include <string.h>

#define BUFFERS_DEFAULT 1024u

static struct replay_port *replay_of(struct nic_port *port)
{
    return (struct replay_port *)port;
}

static int drv_replay_conf_check(const struct nic_port_conf *conf)
{
    struct replay_conf *keys = malloc(sizeof(*keys));
    int err = STK_ENOMEM;

    if (keys != NULL)
        err = replay_conf_parse(conf, keys);
    free(keys);
    return err;
}

static char *text_keep(char **at, const char *text)
{
    char *copy = *at;

    if (text == NULL)
        return NULL;
    memcpy(copy, text, strlen(text) + 1);
    *at += strlen(text) + 1;
    return copy;
}

/* The configuration is borrowed; two of its texts are needed later. */
static int texts_keep(struct replay_port *self)
{
    struct replay_conf *conf = &self->conf;
    char *at = malloc(strlen(conf->file) + (conf->report != NULL ? strlen(conf->report) : 0) + 2);

    if (at == NULL)
        return STK_ENOMEM;
    self->texts = at;
    conf->file = text_keep(&at, conf->file);
    conf->report = text_keep(&at, conf->report);
    return 0;
}

static int play_open(struct replay_port *self, const struct nic_port_conf *conf)
{
    int err = replay_source_open(&self->source, conf, &self->conf);

    if (err == 0)
        err = texts_keep(self);
    if (err == 0 && self->conf.mode == REPLAY_MODE_TCP)
        err = replay_talk_open(self);
    return err;
}

static int drv_replay_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    struct replay_port *self = calloc(1, sizeof(*self));
    int err;

    if (self == NULL)
        return STK_ENOMEM;
    self->source.report = &self->report;
    err = replay_conf_parse(conf, &self->conf);
    if (err != 0)
        goto free_self;
    nic_port_base_init(&self->base, &drv_replay, conf);
    self->base.info.caps = NIC_CAP_TSTAMP & ~conf->caps_off;
    err = nic_pool_init(&self->pool, &self->base, conf->buffers != 0 ? conf->buffers : BUFFERS_DEFAULT,
                        conf->mtu + NIC_L2_OVERHEAD);
    if (err != 0)
        goto free_self;
    err = play_open(self, conf);
    if (err != 0)
        goto close_play;
    *out = &self->base;
    return 0;

close_play:
    replay_talk_close(self->talk);
    replay_source_close(&self->source);
    free(self->texts);
    nic_pool_fini(&self->pool);
free_self:
    free(self);
    return err;
}

static void drv_replay_flush(struct nic_port *port)
{
    struct replay_port *self = replay_of(port);

    self->report.unwritten = !nic_capture_flush(port->capture);
    if (self->conf.report != NULL)
        replay_report_write(&self->report, self->conf.report);
}

static void drv_replay_close(struct nic_port *port)
{
    struct replay_port *self = replay_of(port);

    drv_replay_flush(port);
    replay_talk_close(self->talk);
    replay_source_close(&self->source);
    free(self->texts);
    nic_pool_fini(&self->pool);
    free(self);
}

static bool frame_next(struct replay_port *self, uint64_t now_ns)
{
    if (self->stopped)
        return false;
    return self->talk != NULL ? replay_talk_next(self, now_ns) : replay_recorded_next(self, now_ns);
}

/* A segment that was recorded before segmentation offload cut it, or after receive offload joined it, leaves in pieces. */
static uint32_t piece_make(struct replay_port *self, const struct replay_view *view, uint8_t *frame)
{
    const uint32_t headers = view->payload - view->l3;
    const uint32_t total = view->end - view->payload;
    const uint32_t most = self->base.info.mtu - headers;
    const uint32_t done = self->out_done;
    const uint32_t bytes = total - done < most ? total - done : most;
    struct replay_view piece = *view;

    memcpy(frame, self->out, view->payload);
    memcpy(frame + view->payload, self->out + view->payload + done, bytes);
    piece.end = view->payload + bytes;
    if (view->version == 4) {
        replay_put16(frame + view->l3 + 2, (uint16_t)(piece.end - view->l3));
        replay_put16(frame + view->l3 + 4, (uint16_t)(replay_get16(frame + view->l3 + 4) + done / most));
    } else {
        replay_put16(frame + view->l3 + 4, (uint16_t)(piece.end - view->l3 - 40));
    }
    replay_put32(frame + view->l4 + 4, replay_get32(frame + view->l4 + 4) + done);
    if (done + bytes < total)
        frame[view->l4 + 13] &= (uint8_t) ~(REPLAY_FLAG_FIN | 0x08u); /* FIN and PSH are the last piece's */
    replay_sums_fill(frame, &piece);
    self->out_done = done + bytes < total ? done + bytes : 0;
    return piece.end;
}

/* A datagram that was recorded in fragments leaves in fragments as long as this port's MTU lets them be. */
static uint32_t fragment_make(struct replay_port *self, const struct replay_view *view, uint8_t *frame)
{
    const bool six = view->version == 6;
    const uint32_t head = view->l4; /* of the frame: what each fragment has; IPv6: and a header of its own */
    const uint32_t most = (self->base.info.mtu - (head - view->l3) - (six ? 8 : 0)) / 8 * 8;
    const uint32_t done = self->out_done;
    const uint32_t left = view->end - view->l4 - done;
    const bool more = left > most;
    const uint32_t bytes = more ? most : left;
    const uint32_t data = head + (six ? 8 : 0);

    memcpy(frame, self->out, head);
    memcpy(frame + data, self->out + head + done, bytes);
    replay_fragment_head(
        frame, view,
        &(struct replay_fragment){.offset = done, .more = more, .id = (uint32_t)self->out_number, .end = data + bytes});
    self->out_done = more ? done + bytes : 0;
    return data + bytes;
}

static bool needs_fragments(const struct replay_port *self, const struct replay_view *view)
{
    return self->talk != NULL && view->end - view->l3 > self->base.info.mtu && view->l4 != 0 && !view->fragment &&
           view->proto == REPLAY_IPPROTO_UDP && view->l4 - view->l3 + 16 < self->base.info.mtu;
}

static bool needs_pieces(const struct replay_port *self, const struct replay_view *view)
{
    return view->end - view->l3 > self->base.info.mtu && view->l4 != 0 && !view->fragment &&
           view->proto == REPLAY_IPPROTO_TCP && view->payload - view->l3 < self->base.info.mtu;
}

/** Move what is in out, or its next piece, into a buffer; false: it was left out. */
static bool frame_give(struct replay_port *self, struct nic_buf *buf)
{
    struct replay_view view;

    (void)replay_view_read(self->out, self->out_len, &view);
    if (self->out_len > self->base.info.mtu + NIC_L2_OVERHEAD && view.version != 0 &&
        view.end - view.l3 <= self->base.info.mtu)
        self->out_len = view.end; /* what some switch or tool put behind the IP packet */
    if (self->out_len <= self->base.info.mtu + NIC_L2_OVERHEAD && self->out_done == 0) {
        memcpy(buf->data, self->out, self->out_len);
        buf->len = self->out_len;
    } else if (needs_pieces(self, &view)) {
        buf->len = piece_make(self, &view, buf->data);
    } else if (needs_fragments(self, &view)) {
        buf->len = fragment_make(self, &view, buf->data);
    } else {
        replay_report_gap(&self->report, self->out_number, "is longer than the port's MTU of %u",
                          (unsigned)self->base.info.mtu);
        self->out_len = 0;
        self->granted = false;
        return false;
    }
    buf->pkt_len = buf->len;
    if (self->out_done == 0) {
        self->out_len = 0;
        self->granted = false;
        self->report.frames_played++;
        self->report.last_packet = self->out_number;
        self->stopped = self->conf.stop_at != 0 && self->out_number >= self->conf.stop_at;
    }
    return true;
}

static bool step_grant(struct replay_port *self, uint64_t now_ns)
{
    self->granted = replay_step_ask(self, now_ns);
    if (!self->granted) {
        self->stopped = true;
        self->out_len = 0;
    }
    return self->granted;
}

/* Sums are filled in before a frame leaves, but not over fragments: the stack is told that they are right. */
static uint32_t sums_known(const struct replay_port *self, const struct nic_buf *buf)
{
    struct replay_view view;

    return self->conf.checksum == REPLAY_CHECKSUM_IGNORE && replay_view_read(buf->data, buf->len, &view) &&
                   view.fragment
               ? NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD
               : 0;
}

static uint32_t drv_replay_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct replay_port *self = replay_of(port);
    uint32_t received = 0;
    uint64_t bytes = 0;

    while (received < count) {
        struct nic_buf *buf;

        if (self->out_len == 0 && !frame_next(self, now_ns))
            break;
        if (self->conf.stepped && !self->granted && (received > 0 || !step_grant(self, now_ns)))
            break; /* the stack takes each by itself */
        buf = nic_pool_get(&self->pool);
        if (buf == NULL)
            break; /* the record waits */
        if (!frame_give(self, buf)) {
            nic_pool_put(&self->pool, buf);
            continue;
        }
        if ((port->info.caps & NIC_CAP_TSTAMP) != 0) {
            buf->flags = NIC_RX_TSTAMP;
            buf->tstamp_ns = now_ns;
        }
        buf->flags |= sums_known(self, buf);
        bytes += buf->pkt_len;
        bufs[received++] = buf;
    }
    nic_stat_add(&port->stats.rx_frames, received);
    nic_stat_add(&port->stats.rx_bytes, bytes);
    return received;
}

static uint32_t drv_replay_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct replay_port *self = replay_of(port);

    for (uint32_t i = 0; i < count; i++) {
        if (nic_frame_ok(port, bufs[i], NIC_FRAME_MIN)) {
            self->report.frames_heard++;
            if (self->talk != NULL && !self->stopped) {
                nic_frame_copy(bufs[i], self->heard);
                replay_talk_heard(self, self->heard, bufs[i]->pkt_len, now_ns);
            }
            nic_stat_add(&port->stats.tx_frames, 1);
            nic_stat_add(&port->stats.tx_bytes, bufs[i]->pkt_len);
        } else {
            nic_stat_add(&port->stats.tx_errors, 1);
        }
        nic_buf_free(bufs[i]);
    }
    return count;
}

static struct nic_buf *drv_replay_buf_alloc(struct nic_port *port)
{
    return nic_pool_get(&replay_of(port)->pool);
}

static struct nic_buf *drv_replay_buf_attach_ext(struct nic_port *port, void *data, uint32_t len,
                                                 nic_release_fn release, void *context)
{
    (void)port, (void)data, (void)len, (void)release, (void)context;
    return NULL;
}

static void drv_replay_buf_free(struct nic_buf *seg)
{
    nic_pool_put(&replay_of(seg->port)->pool, seg);
}

static void drv_replay_tx_reclaim(struct nic_port *port)
{
    (void)port; /* everything was taken when it was sent */
}

static intptr_t drv_replay_wait_handle(struct nic_port *port)
{
    (void)port;
    return -1;
}

static uint64_t drv_replay_next_event_ns(struct nic_port *port)
{
    struct replay_port *self = replay_of(port);
    const uint64_t due = self->talk != NULL ? replay_talk_due_ns(self) : replay_recorded_due_ns(self);

    if (self->out_len != 0)
        return 0;
    if (self->stopped)
        return STK_NEVER;
    self->report.finished = due == STK_NEVER;
    return due;
}

static int drv_replay_mcast(struct nic_port *port, const uint8_t mac[6], bool join)
{
    (void)port, (void)mac, (void)join;
    return 0; /* the record says what arrives */
}

static bool drv_replay_link_poll(struct nic_port *port)
{
    (void)port;
    return true;
}

static void drv_replay_stats_read(const struct nic_port *port, struct nic_port_stats *out)
{
    const struct replay_port *self = (const struct replay_port *)(const void *)port;

    out->buf_in_use = self->pool.count - self->pool.free_count;
    out->buf_high_water = self->pool.high_water;
}

const struct nic_driver drv_replay = {
    .name = "replay",
    .conf_check = drv_replay_conf_check,
    .open = drv_replay_open,
    .close = drv_replay_close,
    .rx_burst = drv_replay_rx_burst,
    .tx_burst = drv_replay_tx_burst,
    .buf_alloc = drv_replay_buf_alloc,
    .buf_attach_ext = drv_replay_buf_attach_ext,
    .buf_free = drv_replay_buf_free,
    .tx_reclaim = drv_replay_tx_reclaim,
    .tx_stamps = nic_tx_stamps_none,
    .mem_register = nic_mem_none,
    .mem_unregister = nic_mem_none,
    .wait_handle = drv_replay_wait_handle,
    .next_event_ns = drv_replay_next_event_ns,
    .mcast = drv_replay_mcast,
    .link_poll = drv_replay_link_poll,
    .flush = drv_replay_flush,
    .stats_read = drv_replay_stats_read,
};
