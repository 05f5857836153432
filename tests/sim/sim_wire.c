#include "sim_wire.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DRAIN_TURNS 4

/* --- The port ------------------------------------------------------------------ */

void sim_wire_open(struct sim_wire *wire, struct sim_world *world)
{
    char error[256] = "";
    const struct nic_kv args[] = {{"link", "sim", 0}, {"promisc", "yes", 0}, {"queue", "4096", 0}};
    const struct nic_port_conf conf = {
        .name = "third",
        .driver = "wire",
        .mtu = 1500,
        .buffers = 8192,
        .mac_set = true,
        .mac = {0x02, 0, 0, 0, 9, 0x77},
        .args = args,
        .args_count = sizeof(args) / sizeof(args[0]),
        .error = error,
        .error_size = sizeof(error),
    };
    memset(wire, 0, sizeof(*wire));
    wire->world = world;
    if (nic_port_open(&conf, &wire->port) != STK_OK) {
        fail_msg("third port: %s", error);
    }
}

void sim_wire_close(struct sim_wire *wire)
{
    sim_wire_drain(wire);
    nic_port_close(wire->port);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static void tcp_note(struct sim_wire *wire, const uint8_t *frame, uint32_t len)
{
    const bool v6 = frame[12] == 0x86;
    const uint32_t l4 = SIM_ETH_BYTES + (v6 ? SIM_IP6_BYTES : SIM_IP4_BYTES);
    const int host = frame[11] - 1;
    if (len < l4 + 20 || host < 0 || host >= SIM_HOSTS || frame[SIM_ETH_BYTES + (v6 ? 6 : 9)] != 6) {
        return;
    }
    const uint8_t *tcp = frame + l4;
    const uint32_t total = v6 ? get16(frame + 18) + SIM_IP6_BYTES : get16(frame + 16);
    const uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
    const uint32_t data = total + SIM_ETH_BYTES - l4 - header + (tcp[13] & 1) + (tcp[13] >> 1 & 1);
    wire->tcp[host] = (struct sim_tcp_seen){
        .valid = true,
        .src_port = get16(tcp),
        .dst_port = get16(tcp + 2),
        .seq_end = get32(tcp + 4) + data,
        .ack = get32(tcp + 8),
        .window = get16(tcp + 14),
    };
}

void sim_wire_drain(struct sim_wire *wire)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint32_t count;
    while ((count = nic_rx_burst(wire->port, bufs, NIC_BURST_MAX, wire->world->now_ns)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            wire->seen++;
            tcp_note(wire, bufs[i]->data, bufs[i]->pkt_len);
            if (wire->sniff != NULL) {
                wire->sniff(wire->context, bufs[i]->data, bufs[i]->pkt_len);
            }
            nic_buf_free(bufs[i]);
        }
    }
}

void sim_wire_send(struct sim_wire *wire, const uint8_t *frame, uint32_t len)
{
    struct nic_buf *buf = nic_buf_alloc(wire->port);
    assert_non_null(buf);
    memcpy(buf->data, frame, len);
    buf->len = buf->pkt_len = len;
    assert_int_equal(nic_tx_burst(wire->port, &buf, 1, wire->world->now_ns), 1);
    for (int turn = 0; turn < DRAIN_TURNS; turn++) {
        uint32_t work = 0;
        for (int i = 0; i < SIM_HOSTS; i++) {
            work += stk_engine_step(wire->world->hosts[i].engine);
        }
        sim_wire_drain(wire);
        if (work == 0) {
            break;
        }
    }
}

/* --- Frames ---------------------------------------------------------------------- */

static uint32_t sum_add(uint32_t sum, const uint8_t *at, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        sum += (i & 1) != 0 ? at[i] : (uint32_t)at[i] << 8;
    }
    return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static uint8_t *l4_checksum_field(uint8_t *l4, uint32_t len, uint8_t proto)
{
    const uint32_t at = proto == 6 ? 16 : proto == 17 ? 6 : 2;
    const bool has = proto == 1 || proto == 6 || proto == 17 || proto == 58;
    return has && len >= at + 2 ? l4 + at : NULL;
}

static void seal_l4(uint8_t *ip, bool v6, uint8_t proto, uint8_t *l4, uint32_t len)
{
    uint8_t *field = l4_checksum_field(l4, len, proto);
    if (field == NULL) {
        return;
    }
    uint32_t sum = 0;
    if (proto != 1) {
        sum = sum_add(sum, ip + (v6 ? 8 : 12), v6 ? 32 : 8) + proto + len;
    }
    put16(field, 0);
    const uint16_t sealed = sum_fold(sum_add(sum, l4, len));
    put16(field, sealed == 0 && proto == 17 ? 0xffff : sealed);
}

void sim_frame_seal(struct sim_frame *frame)
{
    uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    const uint32_t len = frame->len - SIM_ETH_BYTES;
    if (get16(frame->bytes + 12) == 0x86dd && len >= SIM_IP6_BYTES) {
        put16(ip + 4, len - SIM_IP6_BYTES);
        seal_l4(ip, true, ip[6], ip + SIM_IP6_BYTES, len - SIM_IP6_BYTES);
    } else if (get16(frame->bytes + 12) == 0x0800 && len >= SIM_IP4_BYTES) {
        const uint32_t header = (uint32_t)(ip[0] & 15) * 4;
        put16(ip + 2, len);
        put16(ip + 10, 0);
        if (header >= SIM_IP4_BYTES && header <= len) {
            put16(ip + 10, sum_fold(sum_add(0, ip, header)));
            if ((get16(ip + 6) & 0x3fff) == 0) {
                seal_l4(ip, false, ip[9], ip + header, len - header);
            }
        }
    }
}

void sim_frame_from(struct sim_frame *frame, int host)
{
    const bool v6 = frame->bytes[12] == 0x86;
    frame->bytes[SIM_ETH_BYTES + (v6 ? 8 + 15 : 12 + 3)] = (uint8_t)(host + 1);
}

void sim_frame_ip(struct sim_frame *frame, int family, int to, uint8_t proto, const void *payload, uint32_t len)
{
    const bool v6 = family == STK_AF_INET6;
    const struct stk_addr dst = sim_addr(family, to, 0);
    const struct stk_addr src = sim_addr(family, 0x76, 0);
    uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    memset(frame, 0, sizeof(*frame));
    memcpy(frame->bytes, (uint8_t[]){2, 0, 0, 0, 9, (uint8_t)(to + 1), 2, 0, 0, 0, 9, 0x77}, 12);
    put16(frame->bytes + 12, v6 ? 0x86dd : 0x0800);
    if (v6) {
        ip[0] = 0x60;
        ip[6] = proto;
        ip[7] = 64;
        memcpy(ip + 8, src.ip, 16);
        memcpy(ip + 24, dst.ip, 16);
    } else {
        ip[0] = 0x45;
        ip[8] = 64;
        ip[9] = proto;
        memcpy(ip + 12, src.ip, 4);
        memcpy(ip + 16, dst.ip, 4);
    }
    const uint32_t header = v6 ? SIM_IP6_BYTES : SIM_IP4_BYTES;
    if (len > 0) {
        memcpy(ip + header, payload, len);
    }
    frame->len = SIM_ETH_BYTES + header + len;
    sim_frame_seal(frame);
}

void sim_frame_udp(struct sim_frame *frame, int family, int to, uint16_t port, const void *payload, uint32_t len)
{
    uint8_t udp[SIM_FRAME_MAX] = {0x30, 0x39};
    put16(udp + 2, port);
    put16(udp + 4, len + 8);
    if (len > 0) {
        memcpy(udp + 8, payload, len);
    }
    sim_frame_ip(frame, family, to, 17, udp, len + 8);
}

void sim_frame_tcp(struct sim_frame *frame, int family, int to, const struct sim_tcp *tcp)
{
    uint8_t seg[SIM_FRAME_MAX] = {0};
    const uint32_t header = 20 + tcp->options_len;
    put16(seg, tcp->src_port);
    put16(seg + 2, tcp->dst_port);
    put32(seg + 4, tcp->seq);
    put32(seg + 8, tcp->ack);
    seg[12] = (uint8_t)(header / 4 << 4);
    seg[13] = tcp->flags;
    put16(seg + 14, tcp->window);
    put16(seg + 18, tcp->urgent);
    if (tcp->options_len > 0) {
        memcpy(seg + 20, tcp->options, tcp->options_len);
    }
    if (tcp->payload_len > 0) {
        memcpy(seg + header, tcp->payload, tcp->payload_len);
    }
    sim_frame_ip(frame, family, to, 6, seg, header + tcp->payload_len);
}

void sim_frame_echo(struct sim_frame *frame, int family, int to)
{
    uint8_t echo[40] = {family == STK_AF_INET6 ? 128 : 8, 0, 0, 0, 0, 9, 0, 1};
    sim_frame_ip(frame, family, to, family == STK_AF_INET6 ? 58 : 1, echo, sizeof(echo));
}

void sim_frame_frag(struct sim_frame *frame, int family, int to, uint32_t id, uint32_t offset, bool more,
                    const void *payload, uint32_t len)
{
    if (family == STK_AF_INET6) {
        uint8_t piece[SIM_FRAME_MAX] = {17};
        put16(piece + 2, offset | (more ? 1u : 0u));
        put32(piece + 4, id);
        memcpy(piece + 8, payload, len);
        sim_frame_ip(frame, family, to, 44, piece, len + 8);
        return;
    }
    sim_frame_ip(frame, family, to, 17, payload, len);
    uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    memcpy(ip + SIM_IP4_BYTES, payload, len); /* as given: the checksum is the whole datagram's */
    put16(ip + 4, id);
    put16(ip + 6, offset / 8 | (more ? 0x2000u : 0u));
    put16(ip + 10, 0);
    put16(ip + 10, sum_fold(sum_add(0, ip, SIM_IP4_BYTES)));
}

/* --- Streams --------------------------------------------------------------------- */

static uint8_t flow_byte(int from, uint64_t at)
{
    return (uint8_t)((at + (uint64_t)from * 77) * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

void sim_flow_open(struct sim_flow *flow, struct sim_world *world, int family, uint16_t port)
{
    memset(flow, 0, sizeof(*flow));
    flow->world = world;
    sim_connect_pair(world, family, port, &flow->ends[0], &flow->ends[1]);
}

static bool flow_send(struct sim_flow *flow, int from, uint64_t until)
{
    static uint8_t buf[4096];
    const uint64_t left = until - flow->sent[from];
    const uint64_t want = left < sizeof(buf) ? left : sizeof(buf);
    if (want == 0) {
        return false;
    }
    for (uint64_t i = 0; i < want; i++) {
        buf[i] = flow_byte(from, flow->sent[from] + i);
    }
    const struct stk_iov iov = {.base = buf, .len = want};
    const int64_t sent = stk_sock_send(flow->ends[from], &iov, 1);
    if (sent == STK_EAGAIN) {
        return false;
    }
    if (sent <= 0) {
        fail_msg("seed %llu: stream: send: %s", (unsigned long long)flow->world->seed, stk_err_name((int)sent));
    }
    flow->sent[from] += (uint64_t)sent;
    return true;
}

static bool flow_receive(struct sim_flow *flow, int to)
{
    static uint8_t buf[4096];
    const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
    const int64_t got = stk_sock_recv(flow->ends[to], &iov, 1, 0);
    if (got == STK_EAGAIN) {
        return false;
    }
    if (got <= 0) {
        fail_msg("seed %llu: stream: receive: %s", (unsigned long long)flow->world->seed, stk_err_name((int)got));
    }
    for (int64_t i = 0; i < got; i++) {
        if (buf[i] != flow_byte(1 - to, flow->got[to] + (uint64_t)i)) {
            fail_msg("seed %llu: stream: byte %llu differs", (unsigned long long)flow->world->seed,
                     (unsigned long long)(flow->got[to] + (uint64_t)i));
        }
    }
    flow->got[to] += (uint64_t)got;
    return true;
}

void sim_flow_move(struct sim_flow *flow, uint32_t bytes)
{
    const uint64_t until[2] = {flow->sent[0] + bytes, flow->sent[1] + bytes};
    const uint64_t limit_ns = flow->world->now_ns + 300 * STK_S_NS;
    while (flow->got[0] < until[1] || flow->got[1] < until[0]) {
        bool moved = false;
        for (int end = 0; end < SIM_HOSTS; end++) {
            moved = flow_send(flow, end, until[end]) || moved;
            moved = flow_receive(flow, end) || moved;
        }
        if (!moved) {
            sim_world_run_until(flow->world, flow->world->now_ns + 100 * 1000);
        }
        if (flow->world->now_ns > limit_ns) {
            fail_msg("seed %llu: stream stands still: sent %llu and %llu, got %llu and %llu, ready %#x and %#x",
                     (unsigned long long)flow->world->seed, (unsigned long long)flow->sent[0],
                     (unsigned long long)flow->sent[1], (unsigned long long)flow->got[1],
                     (unsigned long long)flow->got[0], stk_sock_ready(flow->ends[0]), stk_sock_ready(flow->ends[1]));
        }
    }
}

void sim_flow_close(struct sim_flow *flow)
{
    for (int end = 0; end < SIM_HOSTS; end++) {
        assert_int_equal(stk_sock_close(flow->ends[end], STK_CLOSE_GRACEFUL), STK_OK);
    }
}

/* --- Pools -------------------------------------------------------------------------- */

void sim_pools_read(struct sim_host *host, struct sim_pools *out)
{
    FILE *file = t_file_temp();
    char line[256];
    assert_non_null(file);
    stk_engine_counters_dump(host->engine, fileno(file));
    rewind(file);
    memset(out, 0, sizeof(*out));
    while (fgets(line, sizeof(line), file) != NULL) {
        char *space = strchr(line, ' ');
        if (space == NULL) {
            continue;
        }
        *space = '\0';
        const size_t len = strlen(line);
        const bool pool = strncmp(line, "pool.", 5) == 0 && len > 5 && strcmp(line + len - 5, ".used") == 0;
        const bool port = strncmp(line, "nic.", 4) == 0 && strstr(line, ".buf_in_use") != NULL;
        if ((pool || port) && out->count < SIM_POOLS_MAX) {
            (void)snprintf(out->rows[out->count].name, sizeof(out->rows[0].name), "%.60s", line);
            out->rows[out->count++].used = strtoull(space + 1, NULL, 10);
        }
    }
    (void)fclose(file);
    assert_true(out->count > 10);
}

void sim_pools_same(struct sim_host *host, const struct sim_pools *before)
{
    static struct sim_pools now;
    int wrong = 0;
    sim_pools_read(host, &now);
    assert_int_equal(now.count, before->count);
    for (uint32_t i = 0; i < now.count; i++) {
        if (now.rows[i].used != before->rows[i].used) {
            print_message("seed %llu: %s: %llu before, %llu now\n", (unsigned long long)host->world->seed,
                          now.rows[i].name, (unsigned long long)before->rows[i].used,
                          (unsigned long long)now.rows[i].used);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}
