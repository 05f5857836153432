#include "sim_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void note(void *context, const uint8_t *frame, uint32_t len)
{
    struct sim_trace *trace = context;
    const bool v6 = frame[12] == 0x86;
    const uint32_t l4 = SIM_ETH_BYTES + (v6 ? SIM_IP6_BYTES : SIM_IP4_BYTES);
    const int host = frame[11] - 1;
    if (len < l4 + 20 || host < 0 || host >= SIM_HOSTS || frame[SIM_ETH_BYTES + (v6 ? 6 : 9)] != 6) {
        return;
    }
    assert_true(trace->count < SIM_TRACE_MAX);
    const uint8_t *tcp = frame + l4;
    const uint32_t total = v6 ? get16(frame + 18) + SIM_IP6_BYTES : get16(frame + 16);
    const uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
    struct sim_segment *segment = &trace->segments[trace->count++];
    *segment = (struct sim_segment){.at_ns = trace->world.now_ns,
                                    .seq = get32(tcp + 4),
                                    .ack = get32(tcp + 8),
                                    .bytes = total + SIM_ETH_BYTES - l4 - header,
                                    .window = get16(tcp + 14),
                                    .urgent = get16(tcp + 18),
                                    .host = (uint8_t)host,
                                    .flags = tcp[13],
                                    .options_len = (uint8_t)(header - 20)};
    memcpy(segment->options, tcp + 20, segment->options_len);
}

void sim_trace_open(struct sim_trace *trace, uint64_t seed, const char *impair, const char *engine)
{
    char lines[256];
    (void)snprintf(lines, sizeof(lines), "neighbour = 10.9.0.119 02:00:00:00:09:77\n%s", impair);
    memset(trace, 0, sizeof(*trace));
    sim_world_init(&trace->world, seed, lines, engine);
    sim_wire_open(&trace->wire, &trace->world);
    trace->wire.sniff = note;
    trace->wire.context = trace;
}

void sim_trace_close(struct sim_trace *trace)
{
    sim_wire_close(&trace->wire);
    sim_world_fini(&trace->world);
}

void sim_trace_run(struct sim_trace *trace, uint64_t for_ns, uint64_t step_ns)
{
    const uint64_t until = trace->world.now_ns + for_ns;
    sim_wire_drain(&trace->wire);
    while (trace->world.now_ns < until) {
        const uint64_t next = trace->world.now_ns + step_ns;
        sim_world_run_until(&trace->world, next < until ? next : until);
        sim_wire_drain(&trace->wire);
    }
}

uint32_t sim_trace_find(const struct sim_trace *trace, uint32_t first, int host, uint8_t flags, uint32_t n)
{
    for (uint32_t i = first; i < trace->count; i++) {
        const struct sim_segment *segment = &trace->segments[i];
        if (segment->host == host && (segment->flags & flags) == flags && n-- == 0) {
            return i;
        }
    }
    fail_msg("%u segments, none of host %d with flags %#x", trace->count - first, host, flags);
    return 0;
}

uint32_t sim_trace_data(const struct sim_trace *trace, uint32_t first, int host)
{
    uint32_t count = 0;
    for (uint32_t i = first; i < trace->count; i++) {
        count += trace->segments[i].host == host && trace->segments[i].bytes > 0;
    }
    return count;
}

const uint8_t *sim_segment_option(const struct sim_segment *segment, uint8_t kind)
{
    const uint8_t *at = segment->options;
    const uint8_t *end = at + segment->options_len;
    while (at < end && at[0] != 0) {
        if (at[0] == 1) {
            at++;
            continue;
        }
        if (at[0] == kind) {
            return at + 2;
        }
        assert_true(at[1] >= 2);
        at += at[1];
    }
    return NULL;
}

struct stk_addr sim_third(uint16_t port)
{
    return (struct stk_addr){.family = STK_AF_INET, .port = port, .ip = {10, 9, 0, 119}};
}

void sim_peer_send(struct sim_peer *peer, uint8_t flags, const void *payload, uint32_t len)
{
    struct sim_frame frame;
    peer->tcp.flags = flags;
    peer->tcp.payload = payload;
    peer->tcp.payload_len = len;
    sim_frame_tcp(&frame, STK_AF_INET, 1, &peer->tcp);
    sim_wire_frame(&peer->trace->wire, &frame);
    sim_wire_drain(&peer->trace->wire);
    peer->tcp.seq += len + ((flags & SIM_SYN) != 0) + ((flags & SIM_FIN) != 0);
    peer->tcp.options_len = 0;
}

void sim_peer_ack(struct sim_peer *peer)
{
    assert_true(peer->trace->wire.tcp[1].valid);
    peer->tcp.ack = peer->trace->wire.tcp[1].seq_end;
    sim_peer_send(peer, SIM_ACK, NULL, 0);
}

void sim_peer_open(struct sim_peer *peer, struct sim_trace *trace, struct stk_sock *listener, uint16_t port,
                   const uint8_t *options, uint32_t options_len)
{
    *peer = (struct sim_peer){.trace = trace,
                              .tcp = {.src_port = 4444,
                                      .dst_port = port,
                                      .seq = 1000,
                                      .window = 65535,
                                      .options = options,
                                      .options_len = options_len}};
    sim_peer_send(peer, SIM_SYN, NULL, 0);
    sim_peer_ack(peer);
    (void)sim_wait(&trace->world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &peer->sock, NULL), STK_OK);
}
