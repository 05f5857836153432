#include "sim_hold.h"

#include "drv/wire.h"
#include "nic/driver.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <stdlib.h>
#include <string.h>

struct sim_hold sim_hold;

/** A descriptor of external memory. */
struct ext_buf {
    struct nic_buf buf; /* first */
    struct ext_buf *next;
};

struct held_frame {
    struct nic_buf *head;
    uint64_t until_ns;
    uint64_t sum;
};

static struct ext_buf ext_pool[SIM_HOLD_MAX * 4];
static struct ext_buf *ext_free;
static uint32_t ext_fresh;
static struct held_frame held[SIM_HOLD_MAX];
static uint64_t random_state = 88172645463325252u;
static uint64_t last_ns;
static struct nic_driver hold_driver;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t frame_sum(const struct nic_buf *head)
{
    uint64_t sum = 14695981039346656037u;
    for (const struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        for (uint32_t i = 0; seg->release != NULL && i < seg->len; i++) {
            sum = (sum ^ seg->data[i]) * 1099511628211u;
        }
    }
    return sum;
}

static void held_release(uint32_t index)
{
    struct held_frame frame = held[index];
    held[index] = held[--sim_hold.held];
    sim_hold.changed += frame_sum(frame.head) != frame.sum;
    nic_buf_free(frame.head);
}

/** Lets go what is due. all: of this port, as it closes. */
static void held_look(const struct nic_port *all)
{
    for (uint32_t i = 0; i < sim_hold.held;) {
        if (held[i].head->port == all || (!sim_hold.endless && held[i].until_ns <= last_ns)) {
            held_release(i);
        } else {
            i++;
        }
    }
}

static int hold_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    const int result = drv_wire.open(conf, out);
    if (result == STK_OK) {
        (*out)->driver = &hold_driver;
        (*out)->info.caps |= NIC_CAP_EXTMEM & ~conf->caps_off;
    }
    return result;
}

static uint32_t hold_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    last_ns = now_ns > last_ns ? now_ns : last_ns;
    return drv_wire.rx_burst(port, bufs, count, now_ns);
}

static bool frame_refers(const struct nic_buf *head)
{
    const struct nic_buf *seg = head;
    while (seg != NULL && seg->release == NULL) {
        seg = seg->next;
    }
    return seg != NULL;
}

/** Sends a copy, and keeps the frame. */
static void frame_hold(struct nic_port *port, struct nic_buf *head, uint64_t now_ns)
{
    struct nic_buf *copy = drv_wire.buf_alloc(port);
    if (copy == NULL || copy->room < head->pkt_len || sim_hold.held == SIM_HOLD_MAX) {
        abort();
    }
    nic_frame_copy(head, copy->data);
    copy->len = copy->pkt_len = head->pkt_len;
    copy->flags = head->flags;
    copy->l2_len = head->l2_len;
    copy->l3_len = head->l3_len;
    copy->l4_len = head->l4_len;
    (void)drv_wire.tx_burst(port, &copy, 1, now_ns);
    held[sim_hold.held++] = (struct held_frame){
        .head = head,
        .until_ns = now_ns + (sim_hold.ns != 0 ? next_random() % sim_hold.ns : 0),
        .sum = frame_sum(head),
    };
    sim_hold.frames++;
    for (const struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        sim_hold.pieces += seg->release != NULL;
    }
    sim_hold.held_max = sim_hold.held > sim_hold.held_max ? sim_hold.held : sim_hold.held_max;
}

static uint32_t hold_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    last_ns = now_ns > last_ns ? now_ns : last_ns;
    for (uint32_t i = 0; i < count; i++) {
        if (frame_refers(bufs[i])) {
            frame_hold(port, bufs[i], now_ns);
        } else {
            (void)drv_wire.tx_burst(port, &bufs[i], 1, now_ns);
        }
    }
    return count;
}

static bool told_all(const struct nic_port *port, const uint8_t *data, uint32_t len);

static struct nic_buf *hold_attach(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                   void *context)
{
    struct ext_buf *ext = ext_free;
    sim_hold.unknown += !told_all(port, data, len);
    if (ext == NULL && ext_fresh == SIM_HOLD_MAX * 4) {
        return NULL;
    }
    if (ext != NULL) {
        ext_free = ext->next;
    } else {
        ext = &ext_pool[ext_fresh++];
    }
    ext->buf = (struct nic_buf){.data = data,
                                .port = port,
                                .pkt_len = len,
                                .len = len,
                                .room = len,
                                .segs = 1,
                                .release = release,
                                .release_context = context};
    return &ext->buf;
}

static void hold_free(struct nic_buf *seg)
{
    if (seg->release != NULL) {
        struct ext_buf *ext = (struct ext_buf *)(void *)seg;
        seg->release(seg->release_context);
        ext->next = ext_free;
        ext_free = ext;
        return;
    }
    memset(seg->data, 0xdb, seg->len); /* the driver's again: whoever still reads it shall see */
    sim_hold.scribbled++;
    drv_wire.buf_free(seg);
}

static void hold_reclaim(struct nic_port *port)
{
    drv_wire.tx_reclaim(port);
    if (!sim_hold.by_link) {
        held_look(NULL);
    }
}

static bool hold_link_poll(struct nic_port *port)
{
    held_look(NULL);
    return drv_wire.link_poll(port);
}

/** Memory that a port was told of: as a device behind an IOMMU, each page once. */
struct told {
    const struct nic_port *port;
    uint8_t *base;
    size_t size;
};

static struct told told[SIM_HOLD_TOLD_MAX];

static int hold_register(struct nic_port *port, void *base, size_t size)
{
    uint8_t *first = base;
    if (size == 0 || ((uintptr_t)base | size) % 4096 != 0 || sim_hold.refuse) {
        return STK_EIO;
    }
    for (uint32_t i = 0; i < sim_hold.told; i++) {
        if (told[i].port == port && first < told[i].base + told[i].size && told[i].base < first + size) {
            return STK_EIO;
        }
    }
    if (sim_hold.told == SIM_HOLD_TOLD_MAX) {
        abort();
    }
    told[sim_hold.told++] = (struct told){.port = port, .base = base, .size = size};
    return STK_OK;
}

static bool frames_refer(const struct nic_port *port, const uint8_t *base, size_t size)
{
    for (uint32_t i = 0; i < sim_hold.held; i++) {
        for (const struct nic_buf *seg = held[i].head; seg != NULL; seg = seg->next) {
            if (seg->port == port && seg->release != NULL && seg->data < base + size && base < seg->data + seg->len) {
                return true;
            }
        }
    }
    return false;
}

static int hold_unregister(struct nic_port *port, void *base, size_t size)
{
    for (uint32_t i = 0; i < sim_hold.told; i++) {
        if (told[i].port == port && told[i].base == base && told[i].size == size) {
            sim_hold.early += frames_refer(port, base, size);
            told[i] = told[--sim_hold.told];
            sim_hold.forgot++;
            return STK_OK;
        }
    }
    return STK_ENOENT;
}

/** Is all of it memory that the port was told of? */
static bool told_all(const struct nic_port *port, const uint8_t *data, uint32_t len)
{
    const uint8_t *end = data + len;
    uint32_t i = 0;
    while (i < sim_hold.told && data < end) {
        const struct told *one = &told[i++];
        if (one->port == port && one->base <= data && data < one->base + one->size) {
            data = one->base + one->size;
            i = 0;
        }
    }
    return data >= end;
}

bool sim_hold_knows(const void *at)
{
    const uint8_t *byte = at;
    uint32_t i = 0;
    while (i < sim_hold.told && (byte < told[i].base || byte >= told[i].base + told[i].size)) {
        i++;
    }
    return i < sim_hold.told;
}

static uint64_t hold_next(struct nic_port *port)
{
    uint64_t next = drv_wire.next_event_ns(port);
    for (uint32_t i = 0; i < sim_hold.held && !sim_hold.endless; i++) {
        next = held[i].until_ns < next ? held[i].until_ns : next;
    }
    return next;
}

static void hold_close(struct nic_port *port)
{
    held_look(port);
    for (uint32_t i = 0; i < sim_hold.told;) {
        if (told[i].port == port) {
            told[i] = told[--sim_hold.told];
        } else {
            i++;
        }
    }
    drv_wire.close(port);
}

static const struct nic_driver *hold_make(void)
{
    hold_driver = drv_wire;
    hold_driver.open = hold_open;
    hold_driver.close = hold_close;
    hold_driver.rx_burst = hold_rx_burst;
    hold_driver.tx_burst = hold_tx_burst;
    hold_driver.buf_attach_ext = hold_attach;
    hold_driver.buf_free = hold_free;
    hold_driver.tx_reclaim = hold_reclaim;
    hold_driver.link_poll = hold_link_poll;
    hold_driver.mem_register = hold_register;
    hold_driver.mem_unregister = hold_unregister;
    hold_driver.next_event_ns = hold_next;
    return &hold_driver;
}

__attribute__((constructor)) static void hold_begin(void)
{
    (void)hold_make();
}

/* In the place of drivers/builtin.c. */
const struct nic_driver *const nic_builtin_drivers[] = {&hold_driver, NULL};
