/* TIME-WAIT as records: what they answer, who replaces them, and that there are never too many. */
#include "sim_host.h"

#include "stack/clock.h"

#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Ethernet, IPv4 without options, TCP. */
#define AT_IP 14u
#define AT_TCP 34u
#define AT_OPTIONS 54u
#define FRAME_MAX 128u /* nobody sends data but "late" */

struct scene {
    struct sim_pair pair;
    struct tcp_pcb *listener;
    struct tcp_pcb *client;
    struct tcp_pcb *server;
    unsigned accepted;
    bool timestamps;
    uint16_t port;          /* the client's */
    uint8_t fin[FRAME_MAX]; /* the server's */
    uint32_t fin_len;
    uint8_t last[FRAME_MAX]; /* the last TCP segment of the client's, the one that waits */
    uint32_t last_len;
    unsigned sent; /* the client's segments */
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void be32_put(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static void watch(void *ctx, uint8_t *frame, uint32_t *len)
{
    struct scene *scene = ctx;
    if (*len < AT_OPTIONS || frame[12] != 8 || frame[13] != 0 || frame[AT_IP + 9] != IP_PROTO_TCP)
        return;
    if (frame[AT_IP + 15] == 2) { /* from 10.9.0.2 */
        if ((frame[AT_TCP + 13] & TCP_FIN) != 0) {
            memcpy(scene->fin, frame, *len);
            scene->fin_len = *len;
        }
        return;
    }
    memcpy(scene->last, frame, *len);
    scene->last_len = *len;
    scene->sent++;
}

static err_t scene_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (p != NULL) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
    }
    return ERR_OK;
}

static err_t scene_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct scene *scene = arg;
    (void)err;
    scene->accepted++;
    scene->server = pcb;
    tcp_recv(pcb, scene_recv);
    return ERR_OK;
}

static err_t scene_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)pcb;
    (void)err;
    return ERR_OK;
}

static struct tcp_pcb *scene_listen(struct scene *scene, int host, uint16_t port)
{
    struct stk_inst_scope scope = stk_inst_enter(scene->pair.hosts[host].inst);
    struct tcp_pcb *pcb = tcp_new();
    assert_int_equal(tcp_bind(pcb, IP4_ADDR_ANY, port), ERR_OK);
    pcb = tcp_listen(pcb);
    assert_non_null(pcb);
    tcp_arg(pcb, scene);
    tcp_accept(pcb, scene_accept);
    stk_inst_leave(scope);
    return pcb;
}

/* The client closes, then the server: the client's side waits. */
static void scene_round(struct scene *scene)
{
    struct sim_pair *pair = &scene->pair;
    struct stk_inst_scope scope = stk_inst_enter(pair->hosts[0].inst);
    scene->client = tcp_new();
    tcp_recv(scene->client, scene_recv);
    scene->client->own.offer_ts = scene->timestamps;
    assert_int_equal(tcp_connect(scene->client, &pair->hosts[1].ip4, 80, scene_connected), ERR_OK);
    scene->port = scene->client->local_port;
    stk_inst_leave(scope);
    sim_pair_run(pair, 100 * STK_MS_NS);
    scope = stk_inst_enter(pair->hosts[0].inst);
    assert_int_equal(tcp_close(scene->client), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(pair, 100 * STK_MS_NS);
    scope = stk_inst_enter(pair->hosts[1].inst);
    assert_int_equal(tcp_close(scene->server), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(pair, 100 * STK_MS_NS);
}

static void scene_begin(struct scene *scene, const struct stk_lwip_limits *limits, bool timestamps)
{
    memset(scene, 0, sizeof(*scene));
    scene->timestamps = timestamps;
    sim_pair_open(&scene->pair, limits);
    scene->pair.mutate = watch;
    scene->pair.mutate_ctx = scene;
    scene->listener = scene_listen(scene, 1, 80);
    scene_round(scene);
    assert_int_equal(sim_pool(&scene->pair.hosts[0], "TCP_PCB").used, 0);
}

static void scene_open(struct scene *scene, const struct stk_lwip_limits *limits)
{
    scene_begin(scene, limits, false);
}

static uint64_t waiting(const struct scene *scene)
{
    return sim_pool(&scene->pair.hosts[0], "TIME_WAIT").used;
}

static void scene_close(struct scene *scene)
{
    struct stk_inst_scope scope = stk_inst_enter(scene->pair.hosts[1].inst);
    assert_int_equal(tcp_close(scene->listener), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(&scene->pair, 40 * STK_S_NS);
    assert_int_equal(waiting(scene), 0);
    for (uint32_t port = 0; port < STK_PORTS; port++)
        assert_int_equal(scene->pair.hosts[0].inst->tcp_port_users[port], 0);
    sim_pair_close(&scene->pair);
}

/* A segment of the server's side to the client's, as the FIN was but for what is given. */
static void segment_inject(struct scene *scene, uint8_t flags, uint32_t seq, const uint32_t *tsval)
{
    uint8_t frame[FRAME_MAX];
    memcpy(frame, scene->fin, scene->fin_len);
    uint32_t len = AT_OPTIONS;
    frame[AT_TCP + 12] = 5 << 4;
    if (tsval != NULL) {
        static const uint8_t option[4] = {1, 1, 8, 10};
        memcpy(frame + AT_OPTIONS, option, sizeof(option));
        be32_put(frame + AT_OPTIONS + 4, *tsval);
        be32_put(frame + AT_OPTIONS + 8, 0);
        frame[AT_TCP + 12] = 8 << 4;
        len += 12;
    }
    frame[AT_TCP + 13] = flags;
    be32_put(frame + AT_TCP + 4, seq);
    frame[AT_IP + 2] = 0;
    frame[AT_IP + 3] = (uint8_t)(len - AT_IP);
    memset(frame + AT_IP + 10, 0, 2);
    const uint16_t sum_ip = inet_chksum(frame + AT_IP, 20);
    memcpy(frame + AT_IP + 10, &sum_ip, 2);
    memset(frame + AT_TCP + 16, 0, 2);
    struct stk_inst_scope scope = stk_inst_enter(scene->pair.hosts[0].inst);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(len - AT_TCP), PBUF_RAM);
    pbuf_take(p, frame + AT_TCP, (u16_t)(len - AT_TCP));
    const uint16_t sum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &scene->pair.hosts[1].ip4,
                                          &scene->pair.hosts[0].ip4);
    pbuf_free(p);
    stk_inst_leave(scope);
    memcpy(frame + AT_TCP + 16, &sum, 2);
    scene->sent = 0;
    sim_host_inject(&scene->pair.hosts[0], frame, len);
    sim_pair_run(&scene->pair, 20 * STK_MS_NS);
}

static uint32_t fin_seq(const struct scene *scene)
{
    return be32(scene->fin + AT_TCP + 4);
}

static void assert_ack(const struct scene *scene)
{
    assert_int_equal(scene->sent, 1);
    assert_int_equal(scene->last[AT_TCP + 13], TCP_ACK);
    assert_int_equal(be32(scene->last + AT_TCP + 8), fin_seq(scene) + 1);
    assert_int_equal(be32(scene->last + AT_TCP + 4), be32(scene->fin + AT_TCP + 8));
}

static void closed__both_ways__pcb_is_free_and_a_record_waits(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, NULL);
    assert_int_equal(waiting(&scene), 1);
    assert_int_equal(scene.pair.hosts[0].inst->tcp_port_users[scene.port], 1);
    sim_pair_run(&scene.pair, 29 * STK_S_NS);
    assert_int_equal(waiting(&scene), 1);
    sim_pair_run(&scene.pair, STK_S_NS);
    assert_int_equal(waiting(&scene), 0);
    scene_close(&scene);
}

static void fin__comes_again__is_acknowledged_and_time_begins_anew(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, NULL);
    sim_pair_run(&scene.pair, 20 * STK_S_NS);
    scene.sent = 0;
    sim_host_inject(&scene.pair.hosts[0], scene.fin, scene.fin_len);
    sim_pair_run(&scene.pair, 20 * STK_MS_NS);
    assert_ack(&scene);
    sim_pair_run(&scene.pair, 29 * STK_S_NS);
    assert_int_equal(waiting(&scene), 1);
    sim_pair_run(&scene.pair, STK_S_NS);
    assert_int_equal(waiting(&scene), 0);
    scene_close(&scene);
}

static void fin__another_than_the_last__is_acknowledged_and_time_goes_on(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, NULL);
    sim_pair_run(&scene.pair, 20 * STK_S_NS);
    segment_inject(&scene, TCP_FIN | TCP_ACK, fin_seq(&scene) + 5, NULL);
    assert_ack(&scene);
    sim_pair_run(&scene.pair, 10 * STK_S_NS);
    assert_int_equal(waiting(&scene), 0);
    scene_close(&scene);
}

static void rst__in_time_wait__is_ignored(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, NULL);
    segment_inject(&scene, TCP_RST, fin_seq(&scene) + 1, NULL);
    assert_int_equal(scene.sent, 0);
    segment_inject(&scene, TCP_RST | TCP_ACK, fin_seq(&scene) + 1, NULL);
    assert_int_equal(scene.sent, 0);
    assert_int_equal(waiting(&scene), 1);
    scene_close(&scene);
}

static void ack__expected_one__needs_no_answer(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, NULL);
    segment_inject(&scene, TCP_ACK, fin_seq(&scene) + 1, NULL);
    assert_int_equal(scene.sent, 0);
    segment_inject(&scene, TCP_ACK, fin_seq(&scene) - 100, NULL); /* an old duplicate */
    assert_ack(&scene);
    scene_close(&scene);
}

struct syn_row {
    int32_t seq;    /* against what is expected */
    bool timestamp; /* the SYN has one */
    int32_t tsval;  /* against the last one of the connection */
    bool replaces;
    bool had; /* the connection had timestamps */
};

/* RFC 6191 2. */
static const struct syn_row syn_rows[] = {
    {1000, true, 1, true, true},   {-1000, true, 1, true, true},  {1000, true, 0, true, true},
    {-1000, true, 0, false, true}, {1000, true, -1, false, true}, {-1000, true, -1, false, true},
    {1000, false, 0, true, true},  {0, false, 0, true, true},     {-1000, false, 0, false, true},
    {1000, false, 0, true, false}, {0, false, 0, true, false},    {-1000, false, 0, false, false},
    {-1000, true, 1, true, false},
};

/* The last timestamp that the client's side took. */
static uint32_t ts_recent(const struct scene *scene)
{
    if (!scene->timestamps)
        return 1000;
    assert_int_equal(scene->fin[AT_TCP + 12] >> 4, 8);
    assert_int_equal(scene->fin[AT_OPTIONS + 2], 8);
    return be32(scene->fin + AT_OPTIONS + 4);
}

static void syn_row_run(size_t at)
{
    const struct syn_row *row = &syn_rows[at];
    struct scene scene;
    scene_begin(&scene, NULL, row->had);
    struct tcp_pcb *listener = scene_listen(&scene, 0, scene.port);
    const uint32_t tsval = ts_recent(&scene) + (uint32_t)row->tsval;
    const uint32_t seq = fin_seq(&scene) + 1 + (uint32_t)row->seq;
    segment_inject(&scene, TCP_SYN, seq, row->timestamp ? &tsval : NULL);
    const bool answered = scene.sent == 1 && scene.last[AT_TCP + 13] == (TCP_SYN | TCP_ACK);
    if (answered != row->replaces || waiting(&scene) != (row->replaces ? 0 : 1))
        fail_msg("row %zu: %u segments, flags %02x, %u wait", at, scene.sent, scene.last[AT_TCP + 13],
                 (unsigned)waiting(&scene));
    if (row->replaces) {
        assert_int_equal(be32(scene.last + AT_TCP + 8), seq + 1);
        const uint32_t used = be32(scene.fin + AT_TCP + 8);
        assert_true((int32_t)(be32(scene.last + AT_TCP + 4) - used) > 0xffff); /* behind the old connection's */
    } else {
        assert_ack(&scene);
    }
    struct stk_inst_scope scope = stk_inst_enter(scene.pair.hosts[0].inst);
    assert_int_equal(tcp_close(listener), ERR_OK);
    stk_inst_leave(scope);
    scene_close(&scene);
}

static void syn__by_rfc_6191__replaces_or_is_acknowledged(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(syn_rows) / sizeof(syn_rows[0]); at++)
        syn_row_run(at);
}

static void syn__nobody_listens__the_record_stays(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, NULL);
    segment_inject(&scene, TCP_SYN, fin_seq(&scene) + 1000, NULL);
    assert_ack(&scene);
    assert_int_equal(waiting(&scene), 1);
    scene_close(&scene);
}

static void connect__four_tuple_waits__is_in_use(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, NULL);
    struct stk_inst_scope scope = stk_inst_enter(scene.pair.hosts[0].inst);
    struct tcp_pcb *pcb = tcp_new();
    assert_int_equal(tcp_bind(pcb, &scene.pair.hosts[0].ip4, scene.port), ERR_OK);
    assert_int_equal(tcp_connect(pcb, &scene.pair.hosts[1].ip4, 80, scene_connected), ERR_USE);
    tcp_abort(pcb);
    stk_inst_leave(scope);
    scene_close(&scene);
}

static void records__all_taken__the_oldest_makes_room(void **state)
{
    (void)state;
    struct scene scene;
    struct stk_lwip_limits limits;
    uint16_t ports[6];
    stk_lwip_limits_default(&limits);
    limits.tcp_time_waits = 4;
    scene_open(&scene, &limits);
    ports[0] = scene.port;
    for (int i = 1; i < 6; i++) {
        scene_round(&scene);
        ports[i] = scene.port;
    }
    const struct stk_inst_pool_stats stats = sim_pool(&scene.pair.hosts[0], "TIME_WAIT");
    assert_int_equal(stats.used, 4);
    assert_int_equal(stats.limit, 4);
    assert_int_equal(stats.high_water, 4);
    assert_int_equal(stats.failed, 2);
    for (int i = 0; i < 6; i++)
        assert_int_equal(scene.pair.hosts[0].inst->tcp_port_users[ports[i]], i < 2 ? 0 : 1);
    scene_close(&scene);
}

/* The application has not taken what came with the FIN. */
static bool refuse;

static err_t refusing_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    unsigned *bytes = arg;
    (void)err;
    if (p == NULL)
        return ERR_OK;
    if (refuse)
        return ERR_MEM;
    *bytes += p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void closed__data_waits__comes_before_the_record(void **state)
{
    (void)state;
    struct scene scene;
    unsigned bytes = 0;
    scene_open(&scene, NULL);
    struct sim_pair *pair = &scene.pair;
    struct stk_inst_scope scope = stk_inst_enter(pair->hosts[0].inst);
    struct tcp_pcb *client = tcp_new();
    assert_int_equal(tcp_connect(client, &pair->hosts[1].ip4, 80, scene_connected), ERR_OK);
    tcp_arg(client, &bytes);
    tcp_recv(client, refusing_recv);
    stk_inst_leave(scope);
    sim_pair_run(pair, 100 * STK_MS_NS);
    scope = stk_inst_enter(pair->hosts[0].inst);
    assert_int_equal(tcp_shutdown(client, 0, 1), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(pair, 100 * STK_MS_NS);
    refuse = true;
    scope = stk_inst_enter(pair->hosts[1].inst);
    tcp_nagle_enable(scene.server);
    assert_int_equal(tcp_write(scene.server, "late", 4, TCP_WRITE_FLAG_COPY), ERR_OK);
    assert_int_equal(tcp_close(scene.server), ERR_OK); /* data and FIN in one segment */
    stk_inst_leave(scope);
    sim_pair_run(pair, STK_S_NS);
    assert_int_equal(bytes, 0);
    assert_int_equal(sim_pool(&pair->hosts[0], "TCP_PCB").used, 1);
    refuse = false;
    sim_pair_run(pair, STK_S_NS);
    assert_int_equal(bytes, 4);
    assert_int_equal(sim_pool(&pair->hosts[0], "TCP_PCB").used, 0);
    assert_int_equal(waiting(&scene), 2);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed__both_ways__pcb_is_free_and_a_record_waits),
        cmocka_unit_test(fin__comes_again__is_acknowledged_and_time_begins_anew),
        cmocka_unit_test(fin__another_than_the_last__is_acknowledged_and_time_goes_on),
        cmocka_unit_test(rst__in_time_wait__is_ignored),
        cmocka_unit_test(ack__expected_one__needs_no_answer),
        cmocka_unit_test(syn__by_rfc_6191__replaces_or_is_acknowledged),
        cmocka_unit_test(syn__nobody_listens__the_record_stays),
        cmocka_unit_test(connect__four_tuple_waits__is_in_use),
        cmocka_unit_test(records__all_taken__the_oldest_makes_room),
        cmocka_unit_test(closed__data_waits__comes_before_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
