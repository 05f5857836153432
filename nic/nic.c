#include <stdio.h>
#include <string.h>

#include "nic/capture.h"
#include "nic/driver.h"
#include "stack/err.h"

/** More keys than any port has. */
#define ARGS_MAX 40
#define CAPTURE_ARGS_MAX 10

/** A port's keys, divided between nic/ and the driver. */
struct conf_split {
    struct nic_port_conf driver;
    struct nic_port_conf capture;
    struct nic_kv driver_args[ARGS_MAX];
    struct nic_kv capture_args[CAPTURE_ARGS_MAX];
};

int nic_driver_check(const struct nic_driver *driver)
{
    bool filled = driver->name != NULL && driver->conf_check != NULL && driver->open != NULL && driver->close != NULL &&
                  driver->rx_burst != NULL && driver->tx_burst != NULL && driver->buf_alloc != NULL &&
                  driver->buf_attach_ext != NULL && driver->buf_free != NULL && driver->tx_reclaim != NULL &&
                  driver->tx_stamps != NULL && driver->mem_register != NULL && driver->mem_unregister != NULL &&
                  driver->wait_handle != NULL && driver->next_event_ns != NULL && driver->mcast != NULL &&
                  driver->link_poll != NULL && driver->flush != NULL && driver->stats_read != NULL;

    return filled ? 0 : STK_EINVAL;
}

static const struct nic_driver *driver_find(const char *name)
{
    for (size_t i = 0; nic_builtin_drivers[i] != NULL; i++) {
        if (strcmp(nic_builtin_drivers[i]->name, name) == 0)
            return nic_builtin_drivers[i];
    }
    return NULL;
}

static int common_check(const struct nic_port_conf *conf)
{
    static const uint8_t zero[6];

    if (conf->name == NULL || conf->name[0] == '\0' || strlen(conf->name) >= NIC_NAME_SIZE)
        return nic_conf_error(conf, NULL, "a port name has 1 to %d characters", NIC_NAME_SIZE - 1);
    if (conf->mtu < NIC_MTU_MIN || conf->mtu > NIC_MTU_MAX)
        return nic_conf_error(conf, NULL, "mtu %u is outside %d to %d", (unsigned)conf->mtu, NIC_MTU_MIN, NIC_MTU_MAX);
    if (conf->mac_set && ((conf->mac[0] & 1) != 0 || memcmp(conf->mac, zero, sizeof(zero)) == 0))
        return nic_conf_error(conf, NULL, "the mac address is zero or a group address");
    if (conf->args_count > ARGS_MAX)
        return nic_conf_error(conf, NULL, "more than %d keys", ARGS_MAX);
    for (size_t i = 0; i < conf->args_count; i++) {
        if (conf->args[i].key == NULL || conf->args[i].value == NULL)
            return nic_conf_error(conf, NULL, "a key without name or value");
    }
    return 0;
}

static void split(const struct nic_port_conf *conf, struct conf_split *out)
{
    out->driver = *conf;
    out->driver.args = out->driver_args;
    out->driver.args_count = 0;
    out->capture = *conf;
    out->capture.args = out->capture_args;
    out->capture.args_count = 0;
    for (size_t i = 0; i < conf->args_count; i++) {
        if (nic_capture_key(conf->args[i].key) && out->capture.args_count < CAPTURE_ARGS_MAX)
            out->capture_args[out->capture.args_count++] = conf->args[i];
        else
            out->driver_args[out->driver.args_count++] = conf->args[i];
    }
}

static int check(const struct nic_port_conf *conf, struct conf_split *parts, struct nic_capture_conf *cap,
                 const struct nic_driver **driver)
{
    int err = common_check(conf);

    if (err != 0)
        return err;
    *driver = conf->driver == NULL ? NULL : driver_find(conf->driver);
    if (*driver == NULL) {
        nic_conf_error(conf, NULL, "no driver '%s' in this build", conf->driver == NULL ? "" : conf->driver);
        return STK_ENOENT;
    }
    err = nic_driver_check(*driver);
    if (err != 0)
        return nic_conf_error(conf, NULL, "the table of driver '%s' has an empty slot", conf->driver);
    split(conf, parts);
    err = nic_capture_conf_parse(&parts->capture, cap);
    return err != 0 ? err : (*driver)->conf_check(&parts->driver);
}

int nic_port_conf_check(const struct nic_port_conf *conf)
{
    struct conf_split parts;
    struct nic_capture_conf cap;
    const struct nic_driver *driver;

    return check(conf, &parts, &cap, &driver);
}

int nic_port_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    struct conf_split parts;
    struct nic_capture_conf cap;
    const struct nic_driver *driver;
    struct nic_port *port;
    int err = check(conf, &parts, &cap, &driver);

    *out = NULL;
    if (err != 0)
        return err;
    err = driver->open(&parts.driver, &port);
    if (err != 0)
        return err;
    if (cap.path != NULL) {
        err = nic_capture_open(&parts.capture, "capture", &cap, port->info.mtu + NIC_L2_OVERHEAD, &port->capture);
        if (err != 0) {
            driver->close(port);
            return err;
        }
    }
    *out = port;
    return 0;
}

void nic_port_close(struct nic_port *port)
{
    struct nic_capture *capture = port->capture;

    port->driver->close(port);
    nic_capture_close(capture);
}

void nic_flush_nothing(struct nic_port *port)
{
    (void)port;
}

uint32_t nic_tx_stamps_none(struct nic_port *port, struct nic_tx_stamp *out, uint32_t count)
{
    (void)port, (void)out, (void)count;
    return 0;
}

int nic_mem_none(struct nic_port *port, void *base, size_t size)
{
    (void)port, (void)base, (void)size;
    return STK_EOPNOTSUPP;
}

void nic_port_flush(struct nic_port *port)
{
    (void)nic_capture_flush(port->capture);
    port->driver->flush(port);
}

void nic_port_base_init(struct nic_port *port, const struct nic_driver *driver, const struct nic_port_conf *conf)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    port->driver = driver;
    snprintf(port->name, sizeof(port->name), "%s", conf->name);
    port->info.name = port->name;
    port->info.driver = driver->name;
    port->info.mtu = conf->mtu;
    port->info.link_up = true;
    if (conf->mac_set) {
        memcpy(port->info.mac, conf->mac, sizeof(port->info.mac));
        return;
    }
    for (const char *c = port->name; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    port->info.mac[0] = 0x02;
    for (int i = 1; i < 6; i++)
        port->info.mac[i] = (uint8_t)(hash >> (8 * i));
}

/* What the port itself has dropped since it was asked last: no frame of it was seen, the next one says so. */
static void port_drops_note(struct nic_port *port, struct nic_port_stats *before, char note[NIC_NOTE_SIZE])
{
    struct nic_port_stats now;
    size_t used = 0;

    nic_port_stats_read(port, &now);
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        {"rx_dropped", now.rx_dropped - before->rx_dropped},
        {"rx_errors", now.rx_errors - before->rx_errors},
    };
    note[0] = '\0';
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].count != 0)
            used += (size_t)snprintf(note + used, NIC_NOTE_SIZE - used, "%s%llu dropped before this one: nic %s",
                                     used > 0 ? "; " : "", (unsigned long long)rows[i].count, rows[i].name);
    }
    *before = now;
}

static uint32_t rx_captured(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    char note[NIC_NOTE_SIZE] = "";
    uint32_t received;

    nic_capture_burst_begin(port->capture);
    received = port->driver->rx_burst(port, bufs, count, now_ns);
    if (received > 0 && nic_capture_noting(port->capture))
        port_drops_note(port, nic_capture_seen(port->capture), note);
    for (uint32_t i = 0; i < received; i++) {
        nic_capture_stage(port->capture, bufs[i]);
        nic_capture_burst_add(port->capture, now_ns, i == 0 ? note : "");
    }
    return received;
}

/* One by one: an accepted frame may be gone, so it is copied before, and only accepted ones are recorded. */
static uint32_t tx_captured(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    uint32_t sent = 0;

    for (; sent < count; sent++) {
        const uint64_t errors = nic_stat_get(&port->stats.tx_errors);

        nic_capture_stage(port->capture, bufs[sent]);
        if (port->driver->tx_burst(port, &bufs[sent], 1, now_ns) == 0)
            break;
        nic_capture_commit(port->capture, now_ns, true,
                           nic_stat_get(&port->stats.tx_errors) != errors ? "not sent: nic tx_errors" : "");
    }
    return sent;
}

bool nic_port_noting(const struct nic_port *port)
{
    return port->capture != NULL && nic_capture_noting(port->capture);
}

void nic_rx_note(struct nic_port *port, uint32_t index, const char *note)
{
    if (port->capture != NULL)
        nic_capture_note(port->capture, index, note);
}

void nic_rx_settle(struct nic_port *port)
{
    if (port->capture != NULL)
        nic_capture_settle(port->capture);
}

uint8_t *nic_tx_lost_room(struct nic_port *port, uint32_t len)
{
    return nic_port_noting(port) ? nic_capture_stage_room(port->capture, len) : NULL;
}

void nic_tx_lost(struct nic_port *port, uint64_t now_ns, const char *note)
{
    if (nic_port_noting(port))
        nic_capture_commit(port->capture, now_ns, true, note);
}

uint32_t nic_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    if (port->capture != NULL)
        return rx_captured(port, bufs, count, now_ns);
    return port->driver->rx_burst(port, bufs, count, now_ns);
}

uint32_t nic_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    uint32_t sent;

    if (count == 0)
        return 0;
    if (port->capture != NULL)
        sent = tx_captured(port, bufs, count, now_ns);
    else
        sent = port->driver->tx_burst(port, bufs, count, now_ns);
    if (sent != 0)
        nic_stat_add(&port->stats.tx_kicks, 1);
    if (sent != count)
        nic_stat_add(&port->stats.tx_full, count - sent);
    return sent;
}

struct nic_buf *nic_buf_alloc(struct nic_port *port)
{
    struct nic_buf *buf = port->driver->buf_alloc(port);

    if (buf == NULL)
        nic_stat_add(&port->stats.buf_alloc_failed, 1);
    return buf;
}

struct nic_buf *nic_buf_attach_ext(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                   void *context)
{
    struct nic_buf *buf = NULL;

    if ((port->info.caps & NIC_CAP_EXTMEM) != 0 && release != NULL)
        buf = port->driver->buf_attach_ext(port, data, len, release, context);
    if (buf == NULL)
        nic_stat_add(&port->stats.buf_alloc_failed, 1);
    return buf;
}

void nic_buf_free(struct nic_buf *buf)
{
    while (buf != NULL) {
        struct nic_buf *next = buf->next;

        buf->port->driver->buf_free(buf);
        buf = next;
    }
}

void nic_tx_reclaim(struct nic_port *port)
{
    port->driver->tx_reclaim(port);
}

const struct nic_port_info *nic_port_info_get(const struct nic_port *port)
{
    return &port->info;
}

void nic_port_stats_read(const struct nic_port *port, struct nic_port_stats *out)
{
    const struct nic_port_stats *in = &port->stats;

    *out = (struct nic_port_stats){
        .rx_frames = nic_stat_get(&in->rx_frames),
        .rx_bytes = nic_stat_get(&in->rx_bytes),
        .rx_dropped = nic_stat_get(&in->rx_dropped),
        .rx_errors = nic_stat_get(&in->rx_errors),
        .tx_frames = nic_stat_get(&in->tx_frames),
        .tx_bytes = nic_stat_get(&in->tx_bytes),
        .tx_full = nic_stat_get(&in->tx_full),
        .tx_errors = nic_stat_get(&in->tx_errors),
        .tx_kicks = nic_stat_get(&in->tx_kicks),
        .buf_alloc_failed = nic_stat_get(&in->buf_alloc_failed),
        .buf_in_use = nic_stat_get(&in->buf_in_use),
        .buf_high_water = nic_stat_get(&in->buf_high_water),
    };
    port->driver->stats_read(port, out);
}

uint32_t nic_tx_stamps(struct nic_port *port, struct nic_tx_stamp *out, uint32_t count)
{
    return port->driver->tx_stamps(port, out, count);
}

int nic_port_mem_register(struct nic_port *port, void *base, size_t size)
{
    if ((port->info.caps & NIC_CAP_EXTMEM) == 0)
        return STK_EOPNOTSUPP;
    return port->driver->mem_register(port, base, size);
}

int nic_port_mem_unregister(struct nic_port *port, void *base, size_t size)
{
    if ((port->info.caps & NIC_CAP_EXTMEM) == 0)
        return STK_EOPNOTSUPP;
    return port->driver->mem_unregister(port, base, size);
}

intptr_t nic_port_wait_handle(struct nic_port *port)
{
    return port->driver->wait_handle(port);
}

uint64_t nic_port_next_event_ns(struct nic_port *port)
{
    return port->driver->next_event_ns(port);
}

int nic_port_mcast(struct nic_port *port, const uint8_t mac[6], bool join)
{
    if ((mac[0] & 1) == 0)
        return STK_EINVAL;
    return port->driver->mcast(port, mac, join);
}

void nic_port_inspect_set(struct nic_port *port, void (*inspect)(void *ctx), void *ctx)
{
    port->inspect = inspect;
    port->inspect_ctx = ctx;
}

bool nic_port_link_poll(struct nic_port *port)
{
    port->info.link_up = port->driver->link_poll(port);
    return port->info.link_up;
}
