/*
 * The NIC contract, on whichever topology the first argument names.
 * The second argument is the MTU.
 */
#include <stdlib.h>

#include "nic/csum.h"
#include "t_alloc.h"
#include "t_nic.h"
#include "t_os.h"
#include "t_topology.h"

#define WAIT_NS (2 * STK_S_NS)

static const struct t_topology *topology;
static uint32_t mtu;

struct pair {
    struct nic_port *a;
    struct nic_port *b; /**< NULL where the topology has one port */
    uint64_t in_use_a;
    uint64_t in_use_b;
};

/* Not inlined: its configuration would grow every caller's frame. */
__attribute__((noinline)) static struct nic_port *open_sized(const char *name, const char *keys, uint32_t buffers,
                                                             uint32_t port_mtu)
{
    struct t_conf t;

    t_conf(&t, name, topology->driver, keys);
    t.conf.mtu = port_mtu;
    t.conf.buffers = buffers;
    return t_open(&t.conf);
}

static struct nic_port *open_one(const char *name, const char *keys, uint32_t buffers)
{
    return open_sized(name, keys, buffers, mtu);
}

static struct pair pair_open(uint32_t buffers)
{
    struct pair p = {0};

    p.a = open_one("a", topology->keys_a, buffers);
    if (topology->keys_b != NULL)
        p.b = open_one("b", topology->keys_b, buffers);
    p.in_use_a = t_in_use(p.a);
    p.in_use_b = p.b == NULL ? 0 : t_in_use(p.b);
    return p;
}

static void pair_close(struct pair *p)
{
    struct nic_buf *bufs[NIC_BURST_MAX];

    for (uint32_t got; p->b != NULL && (got = nic_rx_burst(p->b, bufs, NIC_BURST_MAX, STK_NEVER)) != 0;) {
        for (uint32_t i = 0; i < got; i++)
            nic_buf_free(bufs[i]);
    }
    nic_tx_reclaim(p->a);
    assert_int_equal(t_in_use(p->a), p->in_use_a);
    nic_port_close(p->a);
    if (p->b == NULL)
        return;
    nic_tx_reclaim(p->b);
    assert_int_equal(t_in_use(p->b), p->in_use_b);
    nic_port_close(p->b);
}

/** Receive exactly count frames within the time allowed. */
static void receive(struct nic_port *port, struct nic_buf **bufs, uint32_t count)
{
    uint64_t end_ns = stk_clock_ns() + WAIT_NS;
    uint32_t got = 0;

    while (got < count && stk_clock_ns() < end_ns) {
        uint32_t want = count - got < NIC_BURST_MAX ? count - got : NIC_BURST_MAX;

        got += nic_rx_burst(port, bufs + got, want, stk_clock_ns());
    }
    assert_int_equal(got, count);
}

static void send_all(struct nic_port *port, struct nic_buf **bufs, uint32_t count)
{
    uint64_t end_ns = stk_clock_ns() + WAIT_NS;
    uint32_t sent = 0;

    while (sent < count && stk_clock_ns() < end_ns) {
        uint32_t want = count - sent < NIC_BURST_MAX ? count - sent : NIC_BURST_MAX;

        sent += nic_tx_burst(port, bufs + sent, want, stk_clock_ns());
    }
    assert_int_equal(sent, count);
}

/** Nothing more arrives, now and a moment later. */
static void assert_silent(struct nic_port *port)
{
    struct nic_buf *buf;

    for (int i = 0; i < 20; i++) {
        assert_int_equal(nic_rx_burst(port, &buf, 1, stk_clock_ns()), 0);
        t_sleep_us(100);
    }
}

static void assert_frame(const struct nic_buf *buf, uint32_t len, uint32_t number)
{
    static uint8_t want[NIC_MTU_MAX + NIC_L2_OVERHEAD], got[NIC_MTU_MAX + NIC_L2_OVERHEAD];

    assert_int_equal(buf->pkt_len, len);
    t_frame_fill(want, len, number);
    nic_frame_copy(buf, got);
    assert_memory_equal(got, want, len);
}

static void port__opened_and_closed_three_times__works_each_time(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        struct pair p = pair_open(0);
        struct nic_buf *buf = t_frame_must(p.a, 60, round);

        send_all(p.a, &buf, 1);
        if (p.b != NULL) {
            receive(p.b, &buf, 1);
            assert_frame(buf, 60, round);
            nic_buf_free(buf);
        }
        pair_close(&p);
    }
}

static void port__bad_configuration__names_line_key_and_reason(void **state)
{
    (void)state;
    for (const struct t_bad_conf *row = topology->bad; row->keys != NULL; row++) {
        struct nic_port *port = (struct nic_port *)(uintptr_t)1;
        struct t_conf t;

        print_message("%s\n", row->keys);
        t_conf(&t, "a", topology->driver, row->keys);
        assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
        assert_non_null(strstr(t.error, row->reason));
        memset(t.error, 0, sizeof(t.error));
        assert_int_equal(nic_port_open(&t.conf, &port), STK_EINVAL);
        assert_null(port);
        assert_non_null(strstr(t.error, row->reason));
    }
}

static void port__information__is_what_was_asked_for(void **state)
{
    struct pair p = pair_open(0);
    const struct nic_port_info *info = nic_port_info_get(p.a);
    static const uint8_t zero[6];

    (void)state;
    assert_string_equal(info->name, "a");
    assert_string_equal(info->driver, topology->driver);
    assert_int_equal(info->mtu, mtu);
    assert_int_equal(info->mac[0] & 1, 0);
    assert_memory_not_equal(info->mac, zero, 6);
    assert_true(info->link_up);
    assert_true(nic_port_link_poll(p.a));
    assert_true(nic_port_next_event_ns(p.a) == STK_NEVER);
    assert_int_equal(nic_port_mcast(p.a, (const uint8_t *)"\1\0\x5e\0\0\1", true), 0);
    assert_int_equal(nic_port_mcast(p.a, (const uint8_t *)"\1\0\x5e\0\0\1", false), 0);
    assert_int_equal(nic_port_mcast(p.a, (const uint8_t *)"\2\0\0\0\0\1", true), STK_EINVAL);
    pair_close(&p);
}

static void port__capabilities_switched_off__are_gone(void **state)
{
    struct nic_port *port;
    struct t_conf t;

    (void)state;
    t_conf(&t, "a", topology->driver, topology->keys_a);
    t.conf.mtu = mtu;
    t.conf.caps_off = UINT32_MAX;
    port = t_open(&t.conf);
    assert_int_equal(nic_port_info_get(port)->caps, 0);
    assert_int_equal(nic_port_wait_handle(port), nic_port_wait_handle(port));
    nic_port_close(port);
}

static void buf__fresh__has_headroom_and_room_for_the_mtu(void **state)
{
    struct pair p = pair_open(0);
    struct nic_buf *buf = nic_buf_alloc(p.a);

    (void)state;
    assert_non_null(buf);
    assert_null(buf->next);
    assert_ptr_equal(buf->port, p.a);
    assert_int_equal(buf->len, 0);
    assert_int_equal(buf->pkt_len, 0);
    assert_int_equal(buf->flags, 0);
    assert_int_equal(buf->segs, 1);
    assert_true(buf->room >= mtu + NIC_L2_OVERHEAD);
    memset(buf->data - NIC_HEADROOM, 0x5a, NIC_HEADROOM + buf->room);
    memset(buf->priv, 0xa5, sizeof(buf->priv));
    assert_int_equal((uintptr_t)buf->priv % 16, 0);
    nic_buf_free(buf);
    pair_close(&p);
}

static void pool__exhausted__gives_null_counts_and_recovers(void **state)
{
    enum { BUFFERS = 256 };
    struct pair p = pair_open(BUFFERS);
    static struct nic_buf *bufs[BUFFERS + 1];
    uint32_t count, first;

    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        for (count = 0; count <= BUFFERS && (bufs[count] = nic_buf_alloc(p.a)) != NULL;)
            count++;
        assert_in_range(count, BUFFERS / 2, BUFFERS);
        first = round == 0 ? count : first;
        assert_int_equal(count, first);
        assert_int_equal(t_stats(p.a).buf_alloc_failed, round + 1);
        assert_int_equal(t_in_use(p.a), p.in_use_a + count);
        assert_int_equal(t_stats(p.a).buf_high_water, p.in_use_a + count);
        while (count != 0)
            nic_buf_free(bufs[--count]);
        assert_int_equal(t_in_use(p.a), p.in_use_a);
    }
    pair_close(&p);
}

static void burst__every_size__arrives_whole_and_in_order(void **state)
{
    struct pair p = pair_open(0);
    uint32_t step = mtu > 1500 ? 97 : 7;
    struct nic_port_stats stats;
    uint64_t frames = 0, bytes = 0;

    (void)state;
    for (uint32_t len = 60; len <= mtu + NIC_FRAME_MIN; len += step) {
        struct nic_buf *bufs[4];

        if (len + step > mtu + NIC_FRAME_MIN)
            len = mtu + NIC_FRAME_MIN;
        for (uint32_t i = 0; i < 4; i++)
            bufs[i] = t_frame_must(p.a, len, len + i);
        send_all(p.a, bufs, 4);
        frames += 4;
        bytes += 4 * (uint64_t)len;
        if (p.b == NULL)
            continue;
        receive(p.b, bufs, 4);
        for (uint32_t i = 0; i < 4; i++) {
            assert_frame(bufs[i], len, len + i);
            nic_buf_free(bufs[i]);
        }
    }
    stats = t_stats(p.a);
    assert_int_equal(stats.tx_frames, frames);
    assert_int_equal(stats.tx_bytes, bytes);
    assert_int_equal(stats.tx_errors, 0);
    assert_true(stats.tx_kicks >= frames / 4);
    if (p.b != NULL) {
        stats = t_stats(p.b);
        assert_int_equal(stats.rx_frames, frames);
        assert_int_equal(stats.rx_bytes, bytes);
        assert_int_equal(stats.rx_errors, 0);
        assert_int_equal(stats.rx_dropped, 0);
    }
    pair_close(&p);
}

static void burst__more_than_fits__stays_the_callers(void **state)
{
    struct pair p = pair_open(4096);
    uint32_t accepted = 0, refused = 0, received = 0;
    struct nic_buf *bufs[NIC_BURST_MAX];

    (void)state;
    for (uint32_t n = 0; n < 1500; n++) {
        struct nic_buf *buf = t_frame_must(p.a, 60, n);

        if (nic_tx_burst(p.a, &buf, 1, 0) == 1) {
            accepted++;
            continue;
        }
        refused++;
        assert_frame(buf, 60, n);
        nic_buf_free(buf);
    }
    assert_true(accepted >= topology->burst);
    assert_int_equal(t_stats(p.a).tx_full, refused);
    for (uint32_t got; p.b != NULL && (got = nic_rx_burst(p.b, bufs, NIC_BURST_MAX, 0)) != 0;) {
        for (uint32_t i = 0; i < got; i++, received++) {
            assert_true(t_frame_number(bufs[i]) >= received);
            nic_buf_free(bufs[i]);
        }
    }
    if (p.b != NULL)
        assert_true(received >= topology->burst);
    pair_close(&p);
}

static void burst__echoed__comes_back(void **state)
{
    struct pair p = pair_open(0);
    struct nic_buf *buf;

    (void)state;
    for (uint32_t n = 0; p.b != NULL && n < 500; n++) {
        buf = t_frame_must(p.a, 60 + n % 900, n);
        send_all(p.a, &buf, 1);
        receive(p.b, &buf, 1);
        send_all(p.b, &buf, 1);
        receive(p.a, &buf, 1);
        assert_frame(buf, 60 + n % 900, n);
        nic_buf_free(buf);
    }
    pair_close(&p);
}

static void burst__torn_or_malformed__is_counted_and_never_arrives(void **state)
{
    struct pair p = pair_open(0);
    struct nic_buf *buf, *tail;
    uint64_t bad = 0;

    (void)state;
    for (uint32_t len = 0; len < NIC_FRAME_MIN; len++, bad++) {
        buf = t_frame_must(p.a, len, 0);
        assert_int_equal(nic_tx_burst(p.a, &buf, 1, 0), 1);
    }
    /* The frame's length is not that of its segments. */
    for (uint32_t i = 0; i < 2; i++, bad++) {
        buf = t_frame_must(p.a, 100, 0);
        buf->pkt_len += i == 0 ? 1 : UINT32_MAX;
        assert_int_equal(nic_tx_burst(p.a, &buf, 1, 0), 1);
    }
    /* One byte too long, in one segment and in two. */
    buf = t_frame_must(p.a, mtu + NIC_FRAME_MIN + 1, 0);
    assert_int_equal(nic_tx_burst(p.a, &buf, 1, 0), 1);
    bad++;
    buf = t_frame_must(p.a, mtu + NIC_FRAME_MIN, 0);
    buf->next = t_frame_must(p.a, 1, 0);
    buf->pkt_len++;
    buf->segs = 2;
    assert_int_equal(nic_tx_burst(p.a, &buf, 1, 0), 1);
    bad++;
    /* One segment too many. */
    buf = tail = t_frame_must(p.a, 20, 0);
    for (uint32_t i = 0; i < NIC_SEGS_MAX; i++, tail = tail->next) {
        tail->next = t_frame_must(p.a, 1, 0);
        buf->pkt_len++;
        buf->segs++;
    }
    assert_int_equal(nic_tx_burst(p.a, &buf, 1, 0), 1);
    bad++;
    if (p.b != NULL)
        assert_silent(p.b);
    /* A wire carries what is torn; its receiver counts it. */
    assert_int_equal(t_stats(p.a).tx_errors + (p.b == NULL ? 0 : t_stats(p.b).rx_errors), bad);
    pair_close(&p);
}

static void burst__longer_than_the_receivers_mtu__is_counted_and_never_arrives(void **state)
{
    struct nic_port *a = open_one("a", topology->keys_a, 0), *b;

    (void)state;
    if (topology->keys_b == NULL) {
        nic_port_close(a);
        return;
    }
    b = open_sized("b", topology->keys_b, 0, mtu - 400);
    t_send(a, mtu + NIC_FRAME_MIN, 1, stk_clock_ns());
    t_send(a, mtu - 400 + NIC_L2_OVERHEAD + 1, 2, stk_clock_ns());
    assert_silent(b);
    assert_int_equal(t_stats(b).rx_errors, 2);
    assert_int_equal(t_in_use(b), 0);
    nic_port_close(a);
    nic_port_close(b);
}

static void link__lost_and_found__is_seen_and_frames_pass_again(void **state)
{
    struct pair p = pair_open(0);
    struct nic_buf *buf;

    (void)state;
    if (topology->link_set == NULL) {
        pair_close(&p);
        return;
    }
    for (uint32_t round = 0; round < 3; round++) {
        assert_true((nic_port_info_get(p.a)->caps & NIC_CAP_LINK) != 0);
        assert_true(topology->link_set(p.a, false));
        assert_false(nic_port_link_poll(p.a));
        assert_false(nic_port_info_get(p.a)->link_up);
        if (topology->wait_fd)
            assert_false(t_handle_ready(nic_port_wait_handle(p.a), 10));
        for (uint32_t n = 0; n < 40; n++) {
            buf = t_frame_must(p.a, 60, n);
            if (nic_tx_burst(p.a, &buf, 1, stk_clock_ns()) == 0)
                nic_buf_free(buf);
        }
        assert_int_equal(nic_rx_burst(p.b, &buf, 1, stk_clock_ns()), 0);
        assert_true(topology->link_set(p.a, true));
        assert_true(nic_port_link_poll(p.a));
        for (uint32_t got = 0, tries = 0; got == 0; tries++) {
            assert_true(tries < 2000);
            buf = t_frame_must(p.a, 61, 99);
            if (nic_tx_burst(p.a, &buf, 1, stk_clock_ns()) == 0)
                nic_buf_free(buf);
            t_sleep_us(1000);
            while (nic_rx_burst(p.b, &buf, 1, stk_clock_ns()) != 0) {
                got += buf->pkt_len == 61;
                nic_buf_free(buf);
            }
        }
    }
    pair_close(&p);
}

static void burst__vlan_tag__may_exceed_the_mtu(void **state)
{
    struct pair p = pair_open(0);
    struct nic_buf *buf = t_frame_must(p.a, mtu + NIC_L2_OVERHEAD, 0);

    (void)state;
    memcpy(buf->data + 12, "\x81\0\0\5\x88\xb5", 6);
    send_all(p.a, &buf, 1);
    assert_int_equal(t_stats(p.a).tx_errors, 0);
    if (p.b != NULL) {
        receive(p.b, &buf, 1);
        assert_int_equal(buf->pkt_len, mtu + NIC_L2_OVERHEAD);
        assert_memory_equal(buf->data + 12, "\x81\0\0\5\x88\xb5", 6);
        nic_buf_free(buf);
    }
    buf = t_frame_must(p.a, mtu + NIC_L2_OVERHEAD, 0);
    memcpy(buf->data + 12, "\x81\0\0\5\x88\xb5", 6);
    buf->next = t_frame_must(p.a, 1, 0);
    buf->pkt_len++;
    assert_int_equal(nic_tx_burst(p.a, &buf, 1, 0), 1);
    assert_int_equal(t_stats(p.a).tx_errors, 1);
    pair_close(&p);
}

static void burst__bad_frame_between_good_ones__stops_nobody(void **state)
{
    struct pair p = pair_open(0);
    struct nic_buf *bufs[5];

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        bufs[i] = t_frame_must(p.a, 60, i);
    bufs[2]->pkt_len = 59;
    assert_int_equal(nic_tx_burst(p.a, bufs, 5, 0), 5);
    assert_int_equal(t_stats(p.a).tx_errors, 1);
    if (p.b != NULL) {
        receive(p.b, bufs, 4);
        for (uint32_t i = 0; i < 4; i++) {
            assert_frame(bufs[i], 60, i < 2 ? i : i + 1);
            nic_buf_free(bufs[i]);
        }
    }
    pair_close(&p);
}

/** A frame cut into segments, the first of which starts in the headroom. */
static struct nic_buf *chained(struct nic_port *port, uint32_t len, uint32_t number, uint32_t segs)
{
    static uint8_t bytes[NIC_MTU_MAX + NIC_L2_OVERHEAD];
    struct nic_buf *head = t_frame_must(port, 0, 0);
    struct nic_buf *last = head;
    uint32_t at = 14;

    t_frame_fill(bytes, len, number);
    head->data -= 14;
    memcpy(head->data, bytes, 14);
    head->len = 14;
    for (uint32_t i = 1; i < segs; i++) {
        uint32_t part = i == segs - 1 ? len - at : (len - 14) / (segs - 1);
        struct nic_buf *seg = t_frame_must(port, 0, 0);

        memcpy(seg->data, bytes + at, part);
        seg->len = part;
        at += part;
        last->next = seg;
        last = seg;
    }
    head->segs = (uint16_t)segs;
    head->pkt_len = len;
    return head;
}

static void burst__chains__arrive_whole(void **state)
{
    struct pair p = pair_open(0);
    struct nic_buf *buf;

    (void)state;
    for (uint32_t segs = 2; segs <= NIC_SEGS_MAX; segs++) {
        uint32_t len = segs % 2 == 0 ? 1500 < mtu ? mtu : 1500 : 333;

        len = len > mtu ? mtu : len;
        buf = chained(p.a, len, segs, segs);
        send_all(p.a, &buf, 1);
        if (p.b == NULL)
            continue;
        receive(p.b, &buf, 1);
        assert_frame(buf, len, segs);
        nic_buf_free(buf);
    }
    pair_close(&p);
}

static void count_release(void *context)
{
    ++*(uint32_t *)context;
}

/** An Ethernet header of the port's and external payload. */
static struct nic_buf *with_external(struct nic_port *port, uint8_t *payload, uint32_t len, uint32_t *released)
{
    struct nic_buf *head = t_frame_must(port, 18, 0);
    struct nic_buf *ext = nic_buf_attach_ext(port, payload, len, count_release, released);

    assert_non_null(ext);
    assert_ptr_equal(ext->data, payload);
    assert_int_equal(ext->len, len);
    head->next = ext;
    head->segs = 2;
    head->pkt_len = 18 + len;
    return head;
}

static void extmem__sent_or_freed__is_released_exactly_once(void **state)
{
    static uint8_t payload[512];
    struct pair p = pair_open(256);
    struct nic_buf *buf;
    uint32_t released = 0, attached = 0;

    (void)state;
    assert_int_equal((nic_port_info_get(p.a)->caps & NIC_CAP_EXTMEM) != 0, topology->extmem);
    memset(payload, 0x77, sizeof(payload));
    if (!topology->extmem) {
        assert_null(nic_buf_attach_ext(p.a, payload, 100, count_release, &released));
        assert_int_equal(nic_port_mem_register(p.a, payload, 4096), STK_EOPNOTSUPP);
        assert_int_equal(released, 0);
        pair_close(&p);
        return;
    }
    assert_null(nic_buf_attach_ext(p.a, payload, 100, NULL, NULL));
    for (uint32_t n = 1; n <= 1000; n++) {
        buf = with_external(p.a, payload, 1 + n % 512, &released);
        if (n % 3 == 0)
            nic_buf_free(buf);
        else
            send_all(p.a, &buf, 1);
        nic_tx_reclaim(p.a);
        assert_int_equal(released, n);
        if (n % 3 != 0) {
            receive(p.b, &buf, 1);
            assert_int_equal(buf->pkt_len, 18 + 1 + n % 512);
            assert_int_equal(buf->data[18], 0x77);
            nic_buf_free(buf);
        }
    }
    released = 0;
    /* All descriptors out: NULL, and no release. */
    static struct nic_buf *held[512];
    while (attached < 512 && (held[attached] = nic_buf_attach_ext(p.a, payload, 9, count_release, &released)) != NULL)
        attached++;
    assert_in_range(attached, 128, 511);
    assert_int_equal(released, 0);
    for (uint32_t i = 0; i < attached; i++)
        nic_buf_free(held[i]);
    assert_int_equal(released, attached);
    pair_close(&p);
}

/* A port forgets what it was told of, and may be told of it again; two ports know the same memory each for itself. */
static void extmem__registered_and_forgotten__by_both_ports(void **state)
{
    static uint8_t room[5 * 65536]; /* pages of any size begin in it */
    uint8_t *memory = room + (65536 - (uintptr_t)room % 65536);
    struct pair p = pair_open(64);

    (void)state;
    if (!topology->extmem) {
        assert_int_equal(nic_port_mem_unregister(p.a, memory, 65536), STK_EOPNOTSUPP);
        pair_close(&p);
        return;
    }
    assert_int_equal(nic_port_mem_unregister(p.a, memory, 65536), STK_ENOENT);
    assert_int_equal(nic_port_mem_register(p.a, memory + 1, 65536), STK_EINVAL);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(nic_port_mem_register(p.a, memory, 65536), 0);
        assert_int_equal(nic_port_mem_register(p.a, memory, 65536), STK_EIO);
        assert_int_equal(nic_port_mem_register(p.b, memory, 65536), 0);
        assert_int_equal(nic_port_mem_register(p.b, memory + 65536, 65536), 0);
        assert_int_equal(nic_port_mem_unregister(p.a, memory, 2 * 65536), STK_ENOENT);
        assert_int_equal(nic_port_mem_unregister(p.a, memory + 65536, 65536), STK_ENOENT);
        assert_int_equal(nic_port_mem_unregister(p.a, memory, 65536), 0);
        assert_int_equal(nic_port_mem_unregister(p.a, memory, 65536), STK_ENOENT);
        if (round == 1)
            assert_int_equal(nic_port_mem_register(p.a, memory, 65536), 0); /* while the other still has it */
        assert_int_equal(nic_port_mem_unregister(p.b, memory, 65536), 0);
        assert_int_equal(nic_port_mem_unregister(p.b, memory + 65536, 65536), 0);
        if (round == 1)
            assert_int_equal(nic_port_mem_unregister(p.a, memory, 65536), 0);
    }
    assert_int_equal(nic_port_mem_register(p.b, memory + 2 * 65536, 65536), 0); /* closing forgets the rest */
    pair_close(&p);
    p = pair_open(64);
    assert_int_equal(nic_port_mem_register(p.b, memory + 2 * 65536, 65536), 0);
    pair_close(&p);
}

#ifdef T_ALLOC_COUNTED
static void steady_traffic(struct pair *p, uint32_t frames)
{
    static uint8_t payload[64];
    static uint32_t released;

    for (uint32_t n = 0; n < frames; n++) {
        struct nic_buf *bufs[NIC_BURST_MAX];
        struct nic_buf *buf = topology->extmem ? with_external(p->a, payload, sizeof(payload), &released)
                                               : t_frame_must(p->a, 60 + n % 1000, n);
        uint32_t got;

        if (nic_tx_burst(p->a, &buf, 1, n) == 0)
            nic_buf_free(buf);
        got = p->b == NULL ? 0 : nic_rx_burst(p->b, bufs, NIC_BURST_MAX, n);
        for (uint32_t i = 0; i < got; i++)
            nic_buf_free(bufs[i]);
        nic_tx_reclaim(p->a);
        (void)nic_port_next_event_ns(p->a);
    }
}

static void burst__steady_traffic__allocates_nothing(void **state)
{
    struct pair p = pair_open(0);
    void *volatile probe;

    (void)state;
    t_alloc_count_start();
    probe = malloc(1);
    free(probe);
    assert_int_equal(t_alloc_count_stop(), 2);
    steady_traffic(&p, 10); /* a thread's first burst makes its place in DPDK */
    t_alloc_count_start();
    steady_traffic(&p, 2000);
    assert_int_equal(t_alloc_count_stop(), 0);
    pair_close(&p);
}
#endif

static void wait_handle__frame_arrives__wakes(void **state)
{
    struct pair p = pair_open(0);
    struct nic_port *port = p.b != NULL ? p.b : p.a;
    intptr_t handle = nic_port_wait_handle(port);
    struct nic_buf *buf;

    (void)state;
    assert_int_equal(handle >= 0, topology->wait_fd);
    assert_int_equal((nic_port_info_get(port)->caps & NIC_CAP_WAIT_FD) != 0, topology->wait_fd);
    for (uint32_t n = 0; topology->wait_fd && n < 3; n++) {
        assert_false(t_handle_ready(handle, 10));
        buf = t_frame_must(p.a, 60, 0);
        send_all(p.a, &buf, 1);
        assert_true(t_handle_ready(handle, 2000));
        receive(p.b, &buf, 1);
        nic_buf_free(buf);
    }
    pair_close(&p);
}

static void port__device_of_another__is_busy(void **state)
{
    struct pair p = pair_open(0);
    struct nic_port *port;
    struct t_conf t;

    (void)state;
    if (topology->keys_again == NULL) {
        pair_close(&p);
        return;
    }
    t_conf(&t, "c", topology->driver, topology->keys_again);
    t.conf.mtu = mtu;
    assert_int_equal(nic_port_open(&t.conf, &port), STK_EBUSY);
    assert_non_null(strstr(t.error, "in use by another port or process"));
    if (topology->busy_elsewhere != NULL)
        assert_true(topology->busy_elsewhere(&t.conf));
    pair_close(&p);
    t_conf(&t, "c", topology->driver, topology->keys_again);
    t.conf.mtu = mtu;
    assert_int_equal(nic_port_open(&t.conf, &port), 0);
    nic_port_close(port);
}

static void port__interface_that_does_not_fit__is_refused(void **state)
{
    const struct t_refused *row = topology->refused;

    (void)state;
    for (; row != NULL && row->keys != NULL; row++) {
        struct nic_port *port;
        struct t_conf t;

        t_conf(&t, "a", topology->driver, row->keys);
        assert_int_equal(nic_port_open(&t.conf, &port), row->err);
        print_message("%s\n", t.error);
        assert_non_null(strstr(t.error, row->reason));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port__bad_configuration__names_line_key_and_reason),
        cmocka_unit_test(port__opened_and_closed_three_times__works_each_time),
        cmocka_unit_test(port__information__is_what_was_asked_for),
        cmocka_unit_test(port__capabilities_switched_off__are_gone),
        cmocka_unit_test(buf__fresh__has_headroom_and_room_for_the_mtu),
        cmocka_unit_test(pool__exhausted__gives_null_counts_and_recovers),
        cmocka_unit_test(burst__every_size__arrives_whole_and_in_order),
        cmocka_unit_test(burst__more_than_fits__stays_the_callers),
        cmocka_unit_test(burst__echoed__comes_back),
        cmocka_unit_test(burst__torn_or_malformed__is_counted_and_never_arrives),
        cmocka_unit_test(burst__longer_than_the_receivers_mtu__is_counted_and_never_arrives),
        cmocka_unit_test(link__lost_and_found__is_seen_and_frames_pass_again),
        cmocka_unit_test(burst__vlan_tag__may_exceed_the_mtu),
        cmocka_unit_test(burst__bad_frame_between_good_ones__stops_nobody),
        cmocka_unit_test(burst__chains__arrive_whole),
        cmocka_unit_test(extmem__sent_or_freed__is_released_exactly_once),
        cmocka_unit_test(extmem__registered_and_forgotten__by_both_ports),
#ifdef T_ALLOC_COUNTED
        cmocka_unit_test(burst__steady_traffic__allocates_nothing),
#endif
        cmocka_unit_test(wait_handle__frame_arrives__wakes),
        cmocka_unit_test(port__device_of_another__is_busy),
        cmocka_unit_test(port__interface_that_does_not_fit__is_refused),
    };

    topology = argc > 1 ? t_topology_find(argv[1]) : NULL;
    mtu = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1500;
    if (topology == NULL)
        return 1;
    if (topology->needs_root && !t_is_root()) {
        printf("skipped: %s needs root and a network namespace\n", topology->name);
        return 77;
    }
    if (topology->prepare != NULL && !topology->prepare()) {
        printf("skipped: %s cannot be set up here\n", topology->name);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
