/* Transmit by reference: headers copied, payload held until the driver lets go. The driver is a fake. */
#include "sim_host.h"

#include "stk_lwip/netif_nic.h"

#include "nic/driver.h"
#include "stack/clock.h"
#include "stack/err.h"

#include "lwip/tcp.h"
#include "lwip/udp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAKE_SENT_MAX 64

static struct {
    struct nic_port port;
    struct nic_buf *sent[FAKE_SENT_MAX];
    uint32_t sent_count;
    uint32_t accept; /* frames that tx_burst takes in all */
    uint32_t pool;
    uint32_t live;
    int32_t holds;
    uint64_t held_bytes;
} fake;

static const uint8_t region[8192] = {[0] = 1, [100] = 2, [8191] = 3};
static uint8_t elsewhere[1024];

static uint32_t fake_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    (void)port;
    (void)now_ns;
    uint32_t taken = 0;
    while (taken < count && fake.sent_count < fake.accept)
        fake.sent[fake.sent_count++] = bufs[taken++];
    return taken;
}

static struct nic_buf *fake_new(uint32_t room)
{
    if (fake.live == fake.pool)
        return NULL;
    struct nic_buf *buf = calloc(1, sizeof(*buf) + room);
    assert_non_null(buf);
    fake.live++;
    buf->data = (uint8_t *)(buf + 1);
    buf->room = room;
    buf->segs = 1;
    buf->port = &fake.port;
    return buf;
}

static struct nic_buf *fake_buf_alloc(struct nic_port *port)
{
    (void)port;
    return fake_new(1600);
}

static struct nic_buf *fake_attach(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                   void *context)
{
    (void)port;
    struct nic_buf *buf = fake_new(0);
    if (buf == NULL)
        return NULL;
    buf->data = data;
    buf->len = len;
    buf->release = release;
    buf->release_context = context;
    return buf;
}

static void fake_free(struct nic_buf *buf)
{
    while (buf != NULL) {
        struct nic_buf *next = buf->next;
        if (buf->release != NULL)
            buf->release(buf->release_context);
        free(buf);
        fake.live--;
        buf = next;
    }
}

static void fake_nothing(struct nic_port *port)
{
    (void)port;
}

static int fake_mcast(struct nic_port *port, const uint8_t mac[6], bool join)
{
    (void)port;
    (void)mac;
    (void)join;
    return STK_OK;
}

static const struct nic_driver fake_driver = {.name = "fake",
                                              .tx_burst = fake_tx_burst,
                                              .buf_alloc = fake_buf_alloc,
                                              .buf_attach_ext = fake_attach,
                                              .buf_free = fake_free,
                                              .tx_reclaim = fake_nothing,
                                              .mcast = fake_mcast};

static bool mem_hold(void *ctx, const void *data, uint32_t len, void **token)
{
    (void)ctx;
    uintptr_t offset = (uintptr_t)data - (uintptr_t)region;
    if (offset >= sizeof(region))
        return false;
    *token = &fake;
    fake.holds++;
    fake.held_bytes += len;
    return true;
}

static void mem_drop(void *ctx, const void *data, uint32_t len, void *token)
{
    (void)ctx;
    assert_ptr_equal(token, &fake);
    (void)data;
    fake.holds--;
    fake.held_bytes -= len;
}

static const struct stk_netif_mem_ops mem_ops = {.hold = mem_hold, .drop = mem_drop};

static uint64_t test_now(void *ctx)
{
    (void)ctx;
    return STK_S_NS;
}

static void test_random(void *ctx, void *buf, uint32_t len)
{
    (void)ctx;
    memset(buf, 0x41, len);
}

static const struct stk_inst_ops ops = {.now_ns = test_now, .random = test_random};

static void open_all(struct stk_inst **inst, struct stk_netif **nif)
{
    static struct stk_conf_port conf;
    memset(&fake, 0, sizeof(fake));
    memset(&conf, 0, sizeof(conf));
    fake.port.driver = &fake_driver;
    fake.port.info = (struct nic_port_info){.name = "fake",
                                            .driver = "fake",
                                            .caps = NIC_CAP_EXTMEM,
                                            .mtu = 1500,
                                            .mac = {2, 0, 0, 0, 3, 1},
                                            .link_up = true};
    fake.accept = FAKE_SENT_MAX;
    fake.pool = 1000;
    conf.if_index = 2;
    conf.mtu = 1500;
    conf.addrs_count = 1;
    conf.addrs[0] = (struct stk_conf_net){.family = STK_AF_INET, .prefix_len = 24, .ip = {10, 2, 0, 1}};
    conf.neighs_count = 1;
    conf.neighs[0] = (struct stk_conf_neigh){.family = STK_AF_INET, .mac = {2, 0, 0, 0, 3, 2}, .ip = {10, 2, 0, 2}};
    assert_int_equal(stk_inst_create(&ops, NULL, NULL, inst), STK_OK);
    assert_int_equal(stk_netif_create(*inst, &fake.port, &conf, &mem_ops, NULL, nif), STK_OK);
}

static void fake_drain(void)
{
    for (uint32_t i = 0; i < fake.sent_count; i++)
        fake_free(fake.sent[i]);
    fake.sent_count = 0;
}

static void send_rom(struct stk_inst *inst, const void *data, u16_t len)
{
    struct stk_inst_scope scope = stk_inst_enter(inst);
    ip_addr_t to;
    IP_ADDR4(&to, 10, 2, 0, 2);
    struct udp_pcb *pcb = udp_new();
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, len, PBUF_ROM);
    assert_non_null(p);
    p->payload = (void *)(uintptr_t)data;
    assert_int_equal(udp_sendto(pcb, p, &to, 9), ERR_OK);
    pbuf_free(p);
    udp_remove(pcb);
    stk_inst_leave(scope);
}

static void extmem__payload_of_region__referenced_until_released(void **state)
{
    (void)state;
    struct stk_inst *inst;
    struct stk_netif *nif;
    open_all(&inst, &nif);
    stk_netif_tx_flush(nif, STK_S_NS);
    fake_drain();
    send_rom(inst, region + 100, 1000);
    stk_netif_tx_flush(nif, STK_S_NS);
    assert_int_equal(fake.sent_count, 1);
    const struct nic_buf *head = fake.sent[0];
    assert_int_equal(head->segs, 2);
    assert_int_equal(head->pkt_len, 14 + 20 + 8 + 1000);
    assert_int_equal(head->len, 14 + 20 + 8);
    assert_ptr_equal(head->next->data, region + 100);
    assert_int_equal(head->next->len, 1000);
    assert_int_equal(fake.holds, 1); /* the pbuf is gone, the memory is still the driver's */
    assert_int_equal(fake.held_bytes, 1000);
    fake_drain();
    assert_int_equal(fake.holds, 0);
    assert_int_equal(stk_netif_stats_get(nif)->tx_referenced, 1);
    stk_netif_destroy(nif);
    fake_drain();
    stk_inst_destroy(inst);
    assert_int_equal(fake.live, 0);
}

static void extmem__other_or_short_memory__copied(void **state)
{
    (void)state;
    struct stk_inst *inst;
    struct stk_netif *nif;
    open_all(&inst, &nif);
    stk_netif_tx_flush(nif, STK_S_NS);
    fake_drain();
    memset(elsewhere, 7, sizeof(elsewhere));
    send_rom(inst, elsewhere, sizeof(elsewhere));
    send_rom(inst, region, 64);
    stk_netif_tx_flush(nif, STK_S_NS);
    assert_int_equal(fake.sent_count, 2);
    assert_int_equal(fake.sent[0]->segs, 1);
    assert_int_equal(fake.sent[0]->len, 42 + sizeof(elsewhere));
    assert_int_equal(fake.sent[0]->data[42], 7);
    assert_int_equal(fake.sent[1]->segs, 1);
    assert_int_equal(fake.sent[1]->data[42], 1);
    assert_int_equal(fake.holds, 0);
    stk_netif_destroy(nif);
    fake_drain();
    stk_inst_destroy(inst);
    assert_int_equal(fake.live, 0);
}

static void port__queue_and_pool_full__dropped_and_counted(void **state)
{
    (void)state;
    struct stk_inst *inst;
    struct stk_netif *nif;
    open_all(&inst, &nif);
    stk_netif_tx_flush(nif, STK_S_NS);
    fake_drain();
    fake.accept = 0;
    for (int i = 0; i < NIC_BURST_MAX + 5; i++)
        send_rom(inst, region, 1000);
    assert_int_equal(stk_netif_tx_pending(nif), NIC_BURST_MAX);
    assert_int_equal(stk_netif_stats_get(nif)->tx_dropped_full, 5);
    assert_int_equal(fake.holds, NIC_BURST_MAX);
    fake.accept = FAKE_SENT_MAX;
    stk_netif_tx_flush(nif, STK_S_NS);
    assert_int_equal(stk_netif_tx_pending(nif), 0);
    fake_drain();
    fake.pool = 1; /* a head, but no segment for the reference and no other buffer */
    send_rom(inst, elsewhere, 100);
    send_rom(inst, elsewhere, 100);
    assert_int_equal(stk_netif_stats_get(nif)->tx_dropped_no_buf, 1);
    stk_netif_destroy(nif);
    fake_drain();
    stk_inst_destroy(inst);
    assert_int_equal(fake.live, 0);
    assert_int_equal(fake.holds, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extmem__payload_of_region__referenced_until_released),
        cmocka_unit_test(extmem__other_or_short_memory__copied),
        cmocka_unit_test(port__queue_and_pool_full__dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
