/* What the DPDK driver does to the process it runs in, and rings between two threads. */
#include <pthread.h>
#include <sched.h>

#include <pcap/pcap.h>

#include "t_dpdk.h"
#include "t_os.h"

static void eal__running__refuses_other_arguments(void **state)
{
    static const struct {
        const char *keys, *error;
    } rows[] = {
        {"device=net_null0 eal=--iova-mode=va", "t.conf:11: port p: eal: EAL is already running with ''"},
        {"device=net_null0 hugepages=yes", "t.conf:11: port p: hugepages: EAL is already running without huge pages"},
        {"device=net_null0 memory_mb=600", "t.conf:11: port p: memory_mb: EAL is already running with 512"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nic_port *port;
        struct t_conf t;

        print_message("%s\n", rows[i].keys);
        t_conf(&t, "p", "dpdk", rows[i].keys);
        assert_int_equal(nic_port_open(&t.conf, &port), STK_EINVAL);
        assert_non_null(strstr(t.error, rows[i].error));
    }
}

/* Each option alone is taken. EAL ends a Windows process for a pair that it does not like. */
static void eal__options_that_exclude_each_other__are_refused(void **state)
{
    static const struct {
        const char *eal, *error;
    } rows[] = {
        {"-a 01:00.0 -b 01:00.0",
         "t.conf:11: port p: eal: EAL options -a (--allow) and -b (--block) exclude each other"},
        {"--block=01:00.0 -n 2 --allow=01:00.0", "exclude each other"},
        {"--force-max-simd-bitwidth=64 --force-max-simd-bitwidth=128",
         "EAL option --force-max-simd-bitwidth is given twice"},
        {"-n 2 --no-pci  -n 2", "EAL option -n is given twice"},
        {"-a 01:00.0 --allow=02:00.0 --log-level=*:error --log-level=pmd.*:debug", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct t_conf t;

        print_message("%s\n", rows[i].eal);
        t_conf(&t, "p", "dpdk", "ring_pair=x eal=");
        t.args[1].value = rows[i].eal;
        assert_int_equal(nic_port_conf_check(&t.conf), rows[i].error == NULL ? 0 : STK_EINVAL);
        assert_true(rows[i].error == NULL || strstr(t.error, rows[i].error) != NULL);
    }
}

static void port__device_taken_or_absent__is_refused(void **state)
{
    struct nic_port *a = t_open_keys("a", "dpdk", "device=net_null0"), *b = t_open_keys("b", "dpdk", "ring_pair=two");
    struct nic_port *c = t_open_keys("c", "dpdk", "ring_pair=two"), *port;
    struct t_conf t;

    (void)state;
    t_conf(&t, "p", "dpdk", "device=net_null0");
    assert_int_equal(nic_port_open(&t.conf, &port), STK_EBUSY);
    t_conf(&t, "p", "dpdk", "ring_pair=two");
    assert_int_equal(nic_port_open(&t.conf, &port), STK_EBUSY);
    assert_non_null(strstr(t.error, "two ports are on it already"));
    t_conf(&t, "p", "dpdk", "device=net_nosuch0");
    assert_int_not_equal(nic_port_open(&t.conf, &port), 0);
    assert_non_null(strstr(t.error, "t.conf:10: port p: device:"));
    nic_port_close(a);
    nic_port_close(b);
    b = t_open_keys("b", "dpdk", "ring_pair=two");
    nic_port_close(b);
    nic_port_close(c);
}

static void port__closed_before_its_buffers_came_back__harms_nobody(void **state)
{
    struct nic_port *a, *b;
    struct nic_buf *bufs[NIC_BURST_MAX];

    (void)state;
    for (uint32_t round = 0; round < 70; round++) {
        a = t_open_keys("a", "dpdk", "ring_pair=three");
        b = t_open_keys("b", "dpdk", "ring_pair=three");
        for (uint32_t n = 0; n < 8; n++)
            t_send(a, 60, n, 0);
        nic_port_close(a);
        assert_int_equal(nic_rx_burst(b, bufs, NIC_BURST_MAX, 0), 8);
        for (uint32_t n = 0; n < 8; n++) {
            assert_int_equal(t_frame_number(bufs[n]), n);
            nic_buf_free(bufs[n]);
        }
        t_send(b, 60, 0, 0); /* stays in the ring */
        nic_port_close(b);
    }
}

#define ROUND_TRIPS 5000u

static void *echo_thread(void *arg)
{
    struct nic_port *port = arg;
    uint32_t echoed = 0;

    while (echoed < ROUND_TRIPS) {
        struct nic_buf *bufs[NIC_BURST_MAX];
        uint32_t got = nic_rx_burst(port, bufs, NIC_BURST_MAX, 0);

        for (uint32_t sent = 0; sent < got;)
            sent += nic_tx_burst(port, bufs + sent, got - sent, 0);
        echoed += got;
        if (got == 0)
            sched_yield(); /* the machine may have fewer free processors than threads */
    }
    return NULL;
}

static void ring_pair__two_threads__bounce_a_frame(void **state)
{
    struct nic_port *a = t_open_keys("a", "dpdk", "ring_pair=bounce");
    struct nic_port *b = t_open_keys("b", "dpdk", "ring_pair=bounce");
    struct nic_buf *buf = t_frame_must(a, 64, 0);
    uint64_t start_ns;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, echo_thread, b), 0);
    start_ns = stk_clock_ns();
    for (uint32_t n = 0; n < ROUND_TRIPS; n++) {
        assert_int_equal(nic_tx_burst(a, &buf, 1, 0), 1);
        while (nic_rx_burst(a, &buf, 1, 0) == 0)
            sched_yield(); /* the machine may have fewer free processors than threads */
        assert_int_equal(buf->pkt_len, 64);
    }
    print_message("%lu ns a round trip\n", (unsigned long)((stk_clock_ns() - start_ns) / ROUND_TRIPS));
    assert_int_equal(pthread_join(thread, NULL), 0);
    nic_buf_free(buf);
    assert_int_equal(t_stats(a).rx_frames, ROUND_TRIPS);
    assert_int_equal(t_stats(b).rx_frames, ROUND_TRIPS);
    assert_int_equal(t_in_use(a) + t_in_use(b), 0);
    nic_port_close(a);
    nic_port_close(b);
}

static void *short_life(void *arg)
{
    struct nic_buf *buf = t_frame_must(arg, 64, 0);
    struct nic_buf *got;

    nic_buf_free(buf);
    assert_int_equal(nic_rx_burst(arg, &got, 1, 0), 0);
    return NULL;
}

static void threads__that_come_and_go__leave_nothing(void **state)
{
    struct nic_port *a = t_open_keys("a", "dpdk", "ring_pair=life");

    (void)state;
    /* More threads than DPDK has places for. */
    for (uint32_t n = 0; n < 300; n++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, short_life, a), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(t_in_use(a), 0);
    nic_port_close(a);
}

static void capture__refused_frames__are_recorded_once(void **state)
{
    char folder[160], path[192], keys[256], reason[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const uint8_t *frame;
    struct nic_port *a;
    uint32_t accepted = 0, records = 0;
    pcap_t *pcap;

    (void)state;
    assert_true(t_folder_make(folder, sizeof(folder)));
    snprintf(path, sizeof(path), "%s/refused.pcap", folder);
    snprintf(keys, sizeof(keys), "ring_pair=cap capture=%s", path);
    a = t_open_keys("a", "dpdk", keys);
    for (uint32_t n = 0; n < 1200; n++) {
        struct nic_buf *buf = t_frame_must(a, 60, n);

        if (nic_tx_burst(a, &buf, 1, n) == 1)
            accepted++;
        else
            nic_buf_free(buf);
    }
    assert_int_equal(t_stats(a).tx_full, 1200 - accepted);
    assert_true(accepted < 1200);
    nic_port_close(a);
    pcap = pcap_open_offline(path, reason);
    assert_non_null(pcap);
    while (pcap_next_ex(pcap, &header, &frame) == 1)
        records++;
    assert_int_equal(records, accepted);
    pcap_close(pcap);
    assert_int_equal(t_folder_remove(folder), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eal__running__refuses_other_arguments),
        cmocka_unit_test(eal__options_that_exclude_each_other__are_refused),
        cmocka_unit_test(port__device_taken_or_absent__is_refused),
        cmocka_unit_test(port__closed_before_its_buffers_came_back__harms_nobody),
        cmocka_unit_test(ring_pair__two_threads__bounce_a_frame),
        cmocka_unit_test(threads__that_come_and_go__leave_nothing),
        cmocka_unit_test(capture__refused_frames__are_recorded_once),
    };
    int failed = t_dpdk_system_run(argc - 1, argv + 1);

    return failed != 0 || argc > 1 ? failed : cmocka_run_group_tests(tests, NULL, NULL);
}
