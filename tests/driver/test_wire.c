#include <pthread.h>
#include <stdatomic.h>

#include "drv/wire.h"
#include "nic/conf.h"
#include "t_nic.h"

/** Receive everything that is due at a time; fills numbers, frees the frames. */
static uint32_t drain(struct nic_port *port, uint32_t *numbers, uint32_t max, uint64_t now_ns)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint32_t total = 0, got;

    while ((got = nic_rx_burst(port, bufs, NIC_BURST_MAX, now_ns)) != 0) {
        for (uint32_t i = 0; i < got; i++) {
            if (numbers != NULL && total < max)
                numbers[total] = t_frame_number(bufs[i]);
            total++;
            nic_buf_free(bufs[i]);
        }
    }
    return total;
}

static void close_clean(struct nic_port *a, struct nic_port *b)
{
    assert_int_equal(t_in_use(a), 0);
    assert_int_equal(t_in_use(b), 0);
    nic_port_close(a);
    nic_port_close(b);
}

static void wire__rates_over_seeds__are_near_the_probability(void **state)
{
    static const struct {
        const char *keys;
        size_t counter;
    } rows[] = {
        {"loss=5%", offsetof(struct drv_wire_counts, lost)},
        {"duplicate=0.05", offsetof(struct drv_wire_counts, duplicated)},
        {"reorder=5%", offsetof(struct drv_wire_counts, reordered)},
        {"corrupt=0.05", offsetof(struct drv_wire_counts, corrupted)},
    };
    const uint32_t frames = 2000;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t hits = 0;

        for (uint32_t seed = 1; seed <= 10; seed++) {
            char keys[128];
            struct nic_port *a, *b;
            struct drv_wire_counts counts;

            snprintf(keys, sizeof(keys), "link=rates seed=%u %s", seed, rows[i].keys);
            a = t_open_keys("a", "wire", keys);
            b = t_open_keys("b", "wire", "link=rates");
            for (uint32_t n = 0; n < frames; n++) {
                t_send(a, 60, n, n);
                drain(b, NULL, 0, n);
            }
            drain(b, NULL, 0, STK_NEVER);
            drv_wire_counts_get(a, &counts);
            hits += *(uint64_t *)(void *)((uint8_t *)&counts + rows[i].counter);
            assert_int_equal(counts.sent, frames);
            close_clean(a, b);
        }
        /* 20,000 draws of 5 %: mean 1000, deviation 31; six of them. */
        print_message("%s: %lu of %u\n", rows[i].keys, (unsigned long)hits, frames * 10);
        assert_in_range(hits, 815, 1185);
    }
}

static uint64_t run_trace(const char *seed)
{
    char keys[256];
    struct nic_port *a, *b;
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint64_t hash = 1469598103934665603u;

    snprintf(keys, sizeof(keys),
             "link=trace loss=5%% duplicate=5%% reorder=10%% corrupt=5%% delay=1ms jitter=200us seed=%s", seed);
    a = t_open_keys("a", "wire", keys);
    b = t_open_keys("b", "wire", "link=trace");
    for (uint64_t now = 0; now < 500; now++) {
        uint32_t got;

        t_send(a, 60 + (uint32_t)now, (uint32_t)now, now * 10000);
        got = nic_rx_burst(b, bufs, NIC_BURST_MAX, now * 10000);
        for (uint32_t i = 0; i < got; i++) {
            for (uint32_t k = 0; k < bufs[i]->len; k++)
                hash = (hash ^ bufs[i]->data[k]) * 1099511628211u;
            hash = (hash ^ now) * 1099511628211u;
            nic_buf_free(bufs[i]);
        }
    }
    drain(b, NULL, 0, STK_NEVER);
    close_clean(a, b);
    return hash;
}

static void wire__same_seed__gives_the_same_bytes_at_the_same_times(void **state)
{
    (void)state;
    assert_int_equal(run_trace("7"), run_trace("7"));
    assert_int_not_equal(run_trace("7"), run_trace("8"));
}

static void wire__virtual_time__delivers_when_due_and_says_when(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=vt delay=2ms");
    struct nic_port *b = t_open_keys("b", "wire", "link=vt");
    uint32_t number = 0;

    (void)state;
    assert_true(nic_port_next_event_ns(b) == STK_NEVER);
    t_send(a, 60, 5, 1000);
    assert_int_equal(nic_port_next_event_ns(b), 1000 + 2 * STK_MS_NS);
    assert_int_equal(drain(b, &number, 1, 999 + 2 * STK_MS_NS), 0);
    assert_int_equal(drain(b, &number, 1, 1000 + 2 * STK_MS_NS), 1);
    assert_int_equal(number, 5);
    assert_true(nic_port_next_event_ns(b) == STK_NEVER);
    close_clean(a, b);
}

static void wire__jitter_alone__keeps_the_order(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=jit jitter=1ms seed=3 ");
    struct nic_port *b = t_open_keys("b", "wire", "link=jit");
    uint32_t numbers[300];

    (void)state;
    for (uint32_t n = 0; n < 300; n++)
        t_send(a, 60, n, n * 1000);
    assert_int_equal(drain(b, numbers, 300, STK_NEVER), 300);
    for (uint32_t n = 0; n < 300; n++)
        assert_int_equal(numbers[n], n);
    close_clean(a, b);
}

static void wire__reorder__lets_later_frames_pass(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=reo reorder=10% reorder_gap=50us seed=3 ");
    struct nic_port *b = t_open_keys("b", "wire", "link=reo");
    uint32_t numbers[300], passed = 0;
    bool seen[300] = {false};

    (void)state;
    for (uint32_t n = 0; n < 300; n++)
        t_send(a, 60, n, n * 10000);
    assert_int_equal(drain(b, numbers, 300, STK_NEVER), 300);
    for (uint32_t n = 0; n < 300; n++) {
        assert_false(seen[numbers[n]]);
        seen[numbers[n]] = true;
        passed += n != 0 && numbers[n] < numbers[n - 1];
    }
    assert_in_range(passed, 10, 60);
    close_clean(a, b);
}

static void wire__queue_full__drops_and_counts(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=q");
    struct nic_port *b = t_open_keys("b", "wire", "link=q queue=10");
    struct drv_wire_counts counts;

    (void)state;
    for (uint32_t n = 0; n < 25; n++)
        t_send(a, 60, n, 0);
    assert_int_equal(drain(b, NULL, 0, 0), 10);
    drv_wire_counts_get(b, &counts);
    assert_int_equal(counts.queue_full, 15);
    assert_int_equal(t_stats(b).rx_dropped, 15);
    close_clean(a, b);
}

static void wire__three_ports__all_others_hear_one(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=hub");
    struct nic_port *b = t_open_keys("b", "wire", "link=hub");
    struct nic_port *c = t_open_keys("c", "wire", "link=hub promisc=no");
    struct nic_port *other = t_open_keys("d", "wire", "link=hub2");
    struct nic_buf *buf;

    (void)state;
    t_send(a, 60, 1, 0);
    assert_int_equal(drain(a, NULL, 0, 0), 0);
    assert_int_equal(drain(b, NULL, 0, 0), 1);
    assert_int_equal(drain(c, NULL, 0, 0), 1);
    buf = t_frame(a, 60, 2);
    memcpy(buf->data, nic_port_info_get(b)->mac, 6);
    assert_int_equal(nic_tx_burst(a, &buf, 1, 0), 1);
    assert_int_equal(drain(b, NULL, 0, 0), 1);
    assert_int_equal(drain(c, NULL, 0, 0), 0);
    buf = t_frame(a, 60, 3);
    memcpy(buf->data, nic_port_info_get(c)->mac, 6);
    assert_int_equal(nic_tx_burst(a, &buf, 1, 0), 1);
    assert_int_equal(drain(b, NULL, 0, 0), 1);
    assert_int_equal(drain(c, NULL, 0, 0), 1);
    assert_int_equal(drain(other, NULL, 0, 0), 0);
    nic_port_close(a);
    t_send(b, 60, 4, 0);
    assert_int_equal(drain(c, NULL, 0, 0), 1);
    close_clean(b, c);
    nic_port_close(other);
}

static void wire__unplugged__loses_frames_and_says_so(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=plug");
    struct nic_port *b = t_open_keys("b", "wire", "link=plug");
    struct drv_wire_counts counts;

    (void)state;
    assert_true(nic_port_link_poll(a));
    drv_wire_link_set(a, false);
    assert_false(nic_port_link_poll(a));
    assert_false(nic_port_info_get(a)->link_up);
    t_send(a, 60, 1, 0);
    t_send(b, 60, 1, 0);
    assert_int_equal(drain(a, NULL, 0, 0), 0);
    assert_int_equal(drain(b, NULL, 0, 0), 0);
    drv_wire_counts_get(a, &counts);
    assert_int_equal(counts.link_down, 1);
    drv_wire_link_set(a, true);
    assert_true(nic_port_link_poll(a));
    t_send(a, 60, 2, 0);
    assert_int_equal(drain(b, NULL, 0, 0), 1);
    close_clean(a, b);
}

static bool drop_third(void *context, uint64_t index, uint8_t *frame, uint32_t *len)
{
    ++*(uint32_t *)context;
    frame[*len - 1] = 0xee;
    return index != 2;
}

static void wire__hook__sees_changes_and_drops(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=hook");
    struct nic_port *b = t_open_keys("b", "wire", "link=hook");
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint32_t calls = 0;

    (void)state;
    drv_wire_hook_set(a, drop_third, &calls);
    for (uint32_t n = 0; n < 5; n++)
        t_send(a, 60, n, 0);
    assert_int_equal(calls, 5);
    assert_int_equal(nic_rx_burst(b, bufs, NIC_BURST_MAX, 0), 4);
    for (uint32_t n = 0; n < 4; n++) {
        assert_int_equal(t_frame_number(bufs[n]), n < 2 ? n : n + 1);
        assert_int_equal(bufs[n]->data[59], 0xee);
        nic_buf_free(bufs[n]);
    }
    close_clean(a, b);
}

/** A UDP/IPv4 frame whose checksums are to be filled in by the port. */
static struct nic_buf *udp_frame(struct nic_port *port)
{
    static const uint8_t bytes[45] = {2,  0, 0,  0, 0, 2, 2, 0,  0,  0,  0,    1,    8,   0,   0x45,
                                      0,  0, 31, 0, 1, 0, 0, 64, 17, 0,  0,    10,   0,   0,   1,
                                      10, 0, 0,  2, 0, 1, 0, 2,  0,  11, 0x14, 0x1f, 'a', 'b', 'c'};
    struct nic_buf *buf = nic_buf_alloc(port);

    memcpy(buf->data, bytes, sizeof(bytes));
    buf->len = buf->pkt_len = sizeof(bytes);
    buf->flags = NIC_TX_IP4 | NIC_TX_IP4_CSUM | NIC_TX_UDP_CSUM;
    buf->l2_len = 14;
    buf->l3_len = 20;
    buf->l4_len = 8;
    return buf;
}

static void wire__offload__fills_checks_and_marks_corruption(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=off offload=on");
    struct nic_port *b = t_open_keys("b", "wire", "link=off offload=on");
    struct t_conf t;
    struct nic_port *c;
    struct nic_buf *buf = udp_frame(a);
    struct drv_wire_impair impair;

    (void)state;
    t_conf(&t, "c", "wire", "link=off offload=on");
    t.conf.caps_off = NIC_CAP_RX_L4_CSUM;
    c = t_open(&t.conf);
    assert_int_equal(nic_port_info_get(c)->caps & NIC_CAP_RX_L4_CSUM, 0);
    assert_int_equal(nic_tx_burst(a, &buf, 1, 0), 1);
    assert_int_equal(nic_rx_burst(b, &buf, 1, 0), 1);
    assert_int_equal(buf->flags, NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD);
    nic_buf_free(buf);
    assert_int_equal(nic_rx_burst(c, &buf, 1, 0), 1);
    assert_int_equal(buf->flags, NIC_RX_IP4_CSUM_GOOD);
    nic_buf_free(buf);
    drv_wire_impair_get(a, &impair);
    impair.corrupt = NIC_CONF_PROB_ONE;
    drv_wire_impair_set(a, &impair);
    for (uint32_t n = 0; n < 100; n++) {
        buf = udp_frame(a);
        assert_int_equal(nic_tx_burst(a, &buf, 1, 0), 1);
        assert_int_equal(nic_rx_burst(b, &buf, 1, 0), 1);
        /* The flipped bit may lie in the Ethernet header, where no checksum is. */
        if (memcmp(buf->data, "\2\0\0\0\0\2\2\0\0\0\0\1\10", 14) == 0)
            assert_int_not_equal(buf->flags, NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD);
        nic_buf_free(buf);
    }
    drain(c, NULL, 0, STK_NEVER);
    nic_port_close(c);
    close_clean(a, b);
}

#define TRANSFER 20000u

static void *sender(void *arg)
{
    struct nic_port *port = arg;

    for (uint32_t n = 0; n < TRANSFER;) {
        struct nic_port_stats stats;
        struct nic_buf *buf = t_frame(port, 60, n);
        struct nic_buf *back[NIC_BURST_MAX];
        uint32_t got;

        if (buf != NULL) {
            if (nic_tx_burst(port, &buf, 1, stk_clock_ns()) != 1)
                nic_buf_free(buf);
            n++;
        }
        got = nic_rx_burst(port, back, NIC_BURST_MAX, stk_clock_ns());
        for (uint32_t i = 0; i < got; i++)
            nic_buf_free(back[i]);
        if (n % 64 == 0)
            nic_port_stats_read(port, &stats);
    }
    return NULL;
}

static void wire__two_threads__lose_nothing_uncounted(void **state)
{
    struct nic_port *a = t_open_keys("a", "wire", "link=threads");
    struct nic_port *b = t_open_keys("b", "wire", "link=threads");
    struct drv_wire_counts counts_a, counts_b;
    pthread_t thread;
    uint64_t received = 0;
    uint32_t last = 0;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, sender, a), 0);
    for (;;) {
        struct nic_buf *bufs[NIC_BURST_MAX];
        uint32_t got;

        /* Read before the burst: an empty burst after the last frame was sent is the end. */
        drv_wire_counts_get(a, &counts_a);
        got = nic_rx_burst(b, bufs, NIC_BURST_MAX, stk_clock_ns());
        for (uint32_t i = 0; i < got; i++) {
            uint32_t number = t_frame_number(bufs[i]);

            assert_true(received == 0 || number > last);
            last = number;
            received++;
        }
        if (got != 0)
            assert_int_equal(nic_tx_burst(b, bufs, got, stk_clock_ns()), got);
        drv_wire_counts_get(b, &counts_b);
        if (counts_a.sent == TRANSFER && got == 0 && counts_b.delivered == received)
            break;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(counts_b.delivered + counts_b.queue_full + counts_b.no_buffer, TRANSFER);
    drain(a, NULL, 0, STK_NEVER);
    close_clean(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire__rates_over_seeds__are_near_the_probability),
        cmocka_unit_test(wire__same_seed__gives_the_same_bytes_at_the_same_times),
        cmocka_unit_test(wire__virtual_time__delivers_when_due_and_says_when),
        cmocka_unit_test(wire__jitter_alone__keeps_the_order),
        cmocka_unit_test(wire__reorder__lets_later_frames_pass),
        cmocka_unit_test(wire__queue_full__drops_and_counts),
        cmocka_unit_test(wire__three_ports__all_others_hear_one),
        cmocka_unit_test(wire__unplugged__loses_frames_and_says_so),
        cmocka_unit_test(wire__hook__sees_changes_and_drops),
        cmocka_unit_test(wire__offload__fills_checks_and_marks_corruption),
        cmocka_unit_test(wire__two_threads__lose_nothing_uncounted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
