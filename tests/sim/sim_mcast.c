#include "sim_mcast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STEP_NS (10 * STK_MS_NS)
#define LINK_LOCAL_ROUTER 0x76

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t sum16(uint32_t sum, const uint8_t *at, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        sum += (i & 1) != 0 ? at[i] : (uint32_t)at[i] << 8;
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

struct stk_addr sim_mcast_group(int family, uint8_t number, uint16_t port)
{
    struct stk_addr addr = {.family = (uint16_t)family, .port = port, .ip = {239, 1, 2, number}};
    if (family == STK_AF_INET6) {
        memset(addr.ip, 0, sizeof(addr.ip));
        memcpy(addr.ip, (uint8_t[]){0xff, 5}, 2);
        addr.ip[15] = number;
    }
    return addr;
}

struct stk_addr sim_mcast_source(int family, uint8_t number, uint16_t port)
{
    return sim_addr(family, number - 1, port);
}

/* --- What is said --------------------------------------------------------------- */

static void say(struct sim_mcast *mcast, const char *text)
{
    const size_t used = strlen(mcast->said);
    assert_true(used + strlen(text) + 1 < sizeof(mcast->said));
    memcpy(mcast->said + used, text, strlen(text) + 1);
}

static bool ours(const struct sim_mcast *mcast, const uint8_t *group)
{
    const struct stk_addr like = sim_mcast_group(mcast->family, 0, 0);
    return memcmp(group, like.ip, mcast->family == STK_AF_INET6 ? 15 : 3) == 0;
}

static void message_begin(struct sim_mcast *mcast, bool *begun)
{
    if (*begun) {
        say(mcast, ", ");
        return;
    }
    *begun = true;
    assert_true(mcast->count < SIM_MCAST_TIMES_MAX);
    mcast->at_ns[mcast->count] = mcast->world.now_ns;
    say(mcast, mcast->count++ > 0 ? "; " : "");
}

/* RFC 3376 4.2, RFC 3810 5.2: the same records. */
static void records_note(struct sim_mcast *mcast, const uint8_t *message, uint32_t len)
{
    static const char *const names[] = {"?", "IS_IN", "IS_EX", "TO_IN", "TO_EX", "ALLOW", "BLOCK"};
    const uint32_t ip = mcast->family == STK_AF_INET6 ? 16 : 4;
    uint32_t at = 8;
    bool begun = false;
    for (uint32_t i = get16(message + 6); i > 0; i--) {
        assert_true(at + 4 + ip <= len);
        const uint32_t count = get16(message + at + 2);
        assert_in_range(message[at], 1, 6);
        assert_int_equal(message[at + 1], 0);
        assert_true(at + 4 + ip + count * ip <= len);
        if (ours(mcast, message + at + 4)) {
            char text[64];
            message_begin(mcast, &begun);
            (void)snprintf(text, sizeof(text), "%s %u{", names[message[at]], message[at + 4 + ip - 1]);
            say(mcast, text);
            for (uint32_t s = 0; s < count && count <= 16; s++) {
                (void)snprintf(text, sizeof(text), s == 0 ? "%u" : " %u", message[at + 4 + (s + 2) * ip - 1]);
                say(mcast, text);
            }
            (void)snprintf(text, sizeof(text), count > 16 ? "%u sources}" : "}", count);
            say(mcast, text);
        }
        at += 4 + ip + count * ip;
    }
    assert_int_equal(at, len);
}

static void old_note(struct sim_mcast *mcast, const char *name, const uint8_t *group, const uint8_t *dest,
                     const uint8_t *expected)
{
    char text[64];
    bool begun = false;
    const uint32_t ip = mcast->family == STK_AF_INET6 ? 16 : 4;
    if (!ours(mcast, group)) {
        return;
    }
    assert_memory_equal(dest, expected, ip);
    message_begin(mcast, &begun);
    (void)snprintf(text, sizeof(text), "%s %u", name, group[ip - 1]);
    say(mcast, text);
}

static void igmp_note(struct sim_mcast *mcast, const uint8_t *ip, uint32_t len)
{
    static const uint8_t alert[4] = {0x94, 4, 0, 0};
    const uint8_t *message = ip + 24;
    const uint8_t *dest = ip + 16;
    assert_int_equal(ip[0], 0x46); /* a header of 24 bytes */
    assert_int_equal(ip[8], 1);
    assert_memory_equal(ip + 20, alert, sizeof(alert));
    assert_int_equal(sum16(0, ip, 24), 0xffff);
    assert_int_equal(sum16(0, message, len - 24), 0xffff);
    assert_memory_equal(ip + 12, sim_addr(STK_AF_INET, 0, 0).ip, 4);
    if (message[0] == 0x22) {
        assert_int_equal(ip[1], 0xc0);
        assert_memory_equal(dest, ((uint8_t[]){224, 0, 0, 22}), 4);
        records_note(mcast, message, len - 24);
    } else if (message[0] == 0x17) {
        old_note(mcast, "LEAVE2", message + 4, dest, (uint8_t[]){224, 0, 0, 2});
    } else {
        assert_true(message[0] == 0x12 || message[0] == 0x16);
        old_note(mcast, message[0] == 0x12 ? "REPORT1" : "REPORT2", message + 4, dest, message + 4);
    }
}

static void mld_note(struct sim_mcast *mcast, const uint8_t *ip, uint32_t len)
{
    static const uint8_t alert[6] = {5, 2, 0, 0, 1, 0};
    static const uint8_t v2_routers[16] = {0xff, 2, [15] = 0x16};
    static const uint8_t routers[16] = {0xff, 2, [15] = 2};
    const uint8_t *message = ip + 48;
    const uint8_t *dest = ip + 24;
    const uint32_t bytes = len - 48;
    if (message[0] < 131 || (message[0] > 132 && message[0] != 143)) {
        return;
    }
    assert_int_equal(ip[7], 1);
    assert_int_equal(ip[40], 58);
    assert_int_equal(ip[41], 0);
    assert_memory_equal(ip + 42, alert, sizeof(alert));
    assert_int_equal(sum16(sum16(58 + bytes, ip + 8, 32), message, bytes), 0xffff);
    assert_true((ip[8] == 0xfe && ip[9] == 0x80) || sum16(0, ip + 8, 16) == 0);
    if (message[0] == 143) {
        assert_memory_equal(dest, v2_routers, 16);
        records_note(mcast, message, bytes);
    } else {
        old_note(mcast, message[0] == 131 ? "REPORT" : "DONE", message + 8, dest,
                 message[0] == 131 ? message + 8 : routers);
    }
}

static void frame_note(void *context, const uint8_t *frame, uint32_t len)
{
    struct sim_mcast *mcast = context;
    const uint8_t *ip = frame + SIM_ETH_BYTES;
    if (frame[11] != 1 || len < SIM_ETH_BYTES + SIM_IP4_BYTES) {
        return; /* not host 0's */
    }
    if (mcast->family == STK_AF_INET && frame[12] == 0x08 && frame[13] == 0 && ip[9] == 2) {
        igmp_note(mcast, ip, get16(ip + 2));
    } else if (mcast->family == STK_AF_INET6 && frame[12] == 0x86 && ip[6] == 0) {
        mld_note(mcast, ip, get16(ip + 4) + SIM_IP6_BYTES);
    }
}

/* --- Time ------------------------------------------------------------------------- */

void sim_mcast_open(struct sim_mcast *mcast, int family, uint64_t seed)
{
    memset(mcast, 0, sizeof(*mcast));
    mcast->family = family;
    sim_world_init(&mcast->world, seed, "", "");
    mcast->world.limit_ns += 10000 * STK_S_NS;
    sim_wire_open(&mcast->wire, &mcast->world);
    mcast->wire.sniff = frame_note;
    mcast->wire.context = mcast;
    sim_mcast_run(mcast, 3000); /* the interface's own groups */
    sim_mcast_forget(mcast);
}

void sim_mcast_close(struct sim_mcast *mcast)
{
    sim_wire_close(&mcast->wire);
    sim_world_fini(&mcast->world);
}

void sim_mcast_run(struct sim_mcast *mcast, uint32_t ms)
{
    const uint64_t until = mcast->world.now_ns + ms * STK_MS_NS;
    while (mcast->world.now_ns < until) {
        const uint64_t left = until - mcast->world.now_ns;
        sim_world_run_until(&mcast->world, mcast->world.now_ns + (left < STEP_NS ? left : STEP_NS));
        sim_wire_drain(&mcast->wire);
    }
}

void sim_mcast_forget(struct sim_mcast *mcast)
{
    sim_wire_drain(&mcast->wire);
    mcast->said[0] = '\0';
    mcast->count = 0;
}

void sim_mcast_expect(struct sim_mcast *mcast, const char *said)
{
    sim_wire_drain(&mcast->wire);
    if (strcmp(mcast->said, said) != 0) {
        fail_msg("seed %llu: said \"%s\", not \"%s\"", (unsigned long long)mcast->world.seed, mcast->said, said);
    }
    sim_mcast_forget(mcast);
}

/* --- Queries -------------------------------------------------------------------------- */

/* RFC 3376 4.1.1: what does not fit into 7 bits has a mantissa and an exponent. The tests use values that it can say. */
static uint8_t code8(uint32_t value)
{
    uint32_t exponent = 0;
    if (value < 128) {
        return (uint8_t)value;
    }
    while (value >> (exponent + 3) > 0x1f) {
        exponent++;
    }
    return (uint8_t)(0x80 | exponent << 4 | (value >> (exponent + 3) & 0x0f));
}

static uint32_t igmp_query(const struct sim_query *query, uint8_t *message)
{
    message[0] = 0x11;
    message[1] = query->version == 1 ? 0 : code8(query->max_ms / 100);
    if (query->group != 0) {
        memcpy(message + 4, sim_mcast_group(STK_AF_INET, query->group, 0).ip, 4);
    }
    uint32_t len = 8;
    if (query->version == 3) {
        message[8] = query->robustness;
        message[9] = code8(query->interval_s);
        put16(message + 10, query->sources_count);
        len = 12 + 4 * query->sources_count;
        for (uint32_t i = 0; i < query->sources_count; i++) {
            memcpy(message + 12 + 4 * i, sim_mcast_source(STK_AF_INET, query->sources[i], 0).ip, 4);
        }
    }
    put16(message + 2, ~sum16(0, message, len) & 0xffff);
    return len;
}

static uint32_t mld_query(const struct sim_query *query, uint8_t *message)
{
    message[0] = 130;
    put16(message + 4, query->max_ms);
    if (query->group != 0) {
        memcpy(message + 8, sim_mcast_group(STK_AF_INET6, query->group, 0).ip, 16);
    }
    uint32_t len = 24;
    if (query->version == 2) {
        message[24] = query->robustness;
        message[25] = code8(query->interval_s);
        put16(message + 26, query->sources_count);
        len = 28 + 16 * query->sources_count;
        for (uint32_t i = 0; i < query->sources_count; i++) {
            memcpy(message + 28 + 16 * i, sim_mcast_source(STK_AF_INET6, query->sources[i], 0).ip, 16);
        }
    }
    return len;
}

static void seal6(uint8_t *ip, uint32_t len)
{
    put16(ip + 50, 0);
    put16(ip + 50, ~sum16(sum16(58 + len, ip + 8, 32), ip + 48, len) & 0xffff);
}

void sim_mcast_seal(const struct sim_mcast *mcast, struct sim_frame *frame)
{
    uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    if (mcast->family == STK_AF_INET6) {
        seal6(ip, frame->len - SIM_ETH_BYTES - 48);
        return;
    }
    put16(ip + 22, 0);
    put16(ip + 22, ~sum16(0, ip + 20, frame->len - SIM_ETH_BYTES - 20) & 0xffff);
    sim_frame_seal(frame);
}

static void mld_frame(struct sim_frame *frame, const uint8_t *message, uint32_t len, const uint8_t *dest)
{
    static uint8_t packet[SIM_FRAME_MAX]; /* as below */
    static const uint8_t router_alert[8] = {58, 0, 5, 2, 0, 0, 1, 0};
    uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    memcpy(packet, router_alert, sizeof(router_alert));
    memcpy(packet + 8, message, len);
    sim_frame_ip(frame, STK_AF_INET6, 0, 0, packet, len + 8);
    memset(ip + 8, 0, 16);
    ip[8] = 0xfe;
    ip[9] = 0x80;
    ip[23] = LINK_LOCAL_ROUTER;
    ip[7] = 1;
    memcpy(ip + 24, dest, 16);
    seal6(ip, len);
}

static void igmp_frame(struct sim_frame *frame, const uint8_t *message, uint32_t len, const uint8_t *dest)
{
    uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    sim_frame_ip(frame, STK_AF_INET, 0, 2, message, len);
    ip[8] = 1;
    memcpy(ip + 16, dest, 4);
    sim_frame_seal(frame);
}

void sim_mcast_frame(const struct sim_mcast *mcast, const struct sim_query *query, struct sim_frame *frame)
{
    static const uint8_t all4[4] = {224, 0, 0, 1};
    static const uint8_t all6[16] = {0xff, 2, [15] = 1};
    static uint8_t message[SIM_FRAME_MAX]; /* not on the stack, where a second one of its size may lie */
    const struct stk_addr group = sim_mcast_group(mcast->family, query->group, 0);
    memset(message, 0, sizeof(message));
    if (mcast->family == STK_AF_INET) {
        igmp_frame(frame, message, igmp_query(query, message), query->group != 0 ? group.ip : all4);
    } else {
        mld_frame(frame, message, mld_query(query, message), query->group != 0 ? group.ip : all6);
    }
}

void sim_mcast_ask(struct sim_mcast *mcast, const struct sim_query *query)
{
    struct sim_frame frame;
    sim_mcast_frame(mcast, query, &frame);
    sim_wire_frame(&mcast->wire, &frame);
}

void sim_mcast_report(struct sim_mcast *mcast, uint8_t group)
{
    struct sim_frame frame;
    uint8_t message[24] = {0x16};
    const struct stk_addr addr = sim_mcast_group(mcast->family, group, 0);
    if (mcast->family == STK_AF_INET) {
        memcpy(message + 4, addr.ip, 4);
        put16(message + 2, ~sum16(0, message, 8) & 0xffff);
        igmp_frame(&frame, message, 8, addr.ip);
    } else {
        message[0] = 131;
        memcpy(message + 8, addr.ip, 16);
        mld_frame(&frame, message, 24, addr.ip);
    }
    sim_wire_frame(&mcast->wire, &frame);
}

/* --- Options ---------------------------------------------------------------------------- */

int sim_mcast_member(struct stk_sock *sock, int family, enum stk_opt opt, uint8_t group)
{
    const struct stk_mcast_req req = {.group = sim_mcast_group(family, group, 0), .if_index = SIM_MCAST_IF};
    return stk_sock_opt_set(sock, opt, &req, sizeof(req));
}

int sim_mcast_source_opt(struct stk_sock *sock, int family, enum stk_opt opt, uint8_t group, uint8_t source)
{
    struct stk_mcast_source_req req = {.if_index = SIM_MCAST_IF, .family = (uint16_t)family};
    memcpy(req.group, sim_mcast_group(family, group, 0).ip, sizeof(req.group));
    memcpy(req.source, sim_mcast_source(family, source, 0).ip, sizeof(req.source));
    return stk_sock_opt_set(sock, opt, &req, sizeof(req));
}

int sim_mcast_filter(struct stk_sock *sock, int family, uint8_t group, uint32_t mode, const uint8_t *sources,
                     uint32_t count)
{
    static uint8_t list[STK_MCAST_SOURCES_MAX + 1][16];
    const struct stk_mcast_filter filter = {
        .group = sim_mcast_group(family, group, 0), .if_index = SIM_MCAST_IF, .mode = mode, .count = count};
    for (uint32_t i = 0; i < count && i <= STK_MCAST_SOURCES_MAX; i++) {
        memcpy(list[i], sim_mcast_source(family, sources[i], 0).ip, sizeof(list[i]));
    }
    return stk_sock_mcast_filter_set(sock, &filter, (const uint8_t(*)[16])list);
}
