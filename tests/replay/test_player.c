/* The replay driver's parts: rules that rewrite frames, checksums, and as-recorded playing in the caller's time. */
#include "nic/csum.h"
#include "replay_priv.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* UDP 10.0.0.1:1000 -> 10.0.0.2:2000, "hello", right checksums. */
static uint32_t t_frame(uint8_t *out)
{
    static const uint8_t head[] = {2,    0, 0,  0,  0, 2, 2,    0,    0,    0,    0, 1,  8,    0,
                                   0x45, 0, 0,  33, 0, 1, 0,    0,    64,   17,   0, 0,  10,   0,
                                   0,    1, 10, 0,  0, 2, 0x03, 0xe8, 0x07, 0xd0, 0, 13, 0xff, 0xff};
    struct replay_view view;

    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), "hello", 5);
    assert_true(replay_view_read(out, sizeof(head) + 5, &view));
    assert_int_equal(view.proto, REPLAY_IPPROTO_UDP);
    replay_sums_fill(out, &view);
    return sizeof(head) + 5;
}

static void rewrite__rules__change_fields_and_keep_checksums_right(void **state)
{
    static const struct {
        const char *rules;
        uint32_t at; /* of what must be there then */
        uint8_t bytes[6];
        uint32_t count;
        uint32_t len;
    } rows[] = {
        {"ip 10.0.0.1 -> 192.0.2.9", 26, {192, 0, 2, 9}, 4, 47},
        {"ip 10.0.0.1 -> 10.0.0.2, ip 10.0.0.2 -> 10.0.0.1", 26, {10, 0, 0, 2, 10, 0}, 6, 47},
        {"port 2000 -> 80", 36, {0, 80}, 2, 47},
        {"mac 02:00:00:00:00:01 -> 02:00:00:00:00:aa", 6, {2, 0, 0, 0, 0, 0xaa}, 6, 47},
        {"vlan none -> 7", 12, {0x81, 0, 0, 7, 8, 0}, 6, 51},
        {"port 1 -> 2", 34, {0x03, 0xe8}, 2, 47},
    };
    const uint32_t good = NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nic_rewrite rewrite;
        uint8_t frame[128];
        uint32_t len = t_frame(frame);

        assert_null(nic_rewrite_parse(rows[i].rules, &rewrite));
        replay_rewrite_apply(&rewrite, frame, &len);
        assert_int_equal(len, rows[i].len);
        assert_memory_equal(frame + rows[i].at, rows[i].bytes, rows[i].count);
        assert_int_equal(nic_csum_rx_flags(frame, len), good);
    }
}

static void rewrite__a_wrong_checksum__stays_wrong(void **state)
{
    struct nic_rewrite rewrite;
    uint8_t frame[128];
    uint32_t len = t_frame(frame);

    (void)state;
    frame[len - 1] ^= 1;
    assert_null(nic_rewrite_parse("ip 10.0.0.1 -> 192.0.2.9, port 1000 -> 1001", &rewrite));
    replay_rewrite_apply(&rewrite, frame, &len);
    assert_int_equal(nic_csum_rx_flags(frame, len), NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_BAD);
}

static void rewrite__bad_rules__are_refused(void **state)
{
    static const char *const rows[] = {"ip 10.0.0.1 -> fd00::1",
                                       "ip 10.0.0.256 -> 10.0.0.1",
                                       "port 1 -> 65536",
                                       "mac 02:00:00:00:00 -> 02:00:00:00:00:01",
                                       "vlan 4095 -> 1",
                                       "ip 1.2.3.4 5.6.7.8",
                                       "name a -> b",
                                       "",
                                       "ip ::1::2 -> ::1",
                                       "ip 1:2:3 -> ::1"};
    struct nic_rewrite rewrite;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (nic_rewrite_parse(rows[i], &rewrite) == NULL)
            fail_msg("accepted: %s", rows[i]);
    }
    assert_null(nic_rewrite_parse("ip fd00::1 -> ::ffff:102:304", &rewrite));
    assert_int_equal(rewrite.rules[0].from[15], 1);
    assert_int_equal(rewrite.rules[0].to[12], 1);
}

static void t_capture(const char *path, uint32_t frames, uint64_t apart_ns)
{
    uint8_t head[24] = {0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1};
    uint8_t frame[128];
    const uint32_t len = t_frame(frame);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(head, sizeof(head), 1, file), 1);
    for (uint32_t i = 0; i < frames; i++) {
        const uint64_t time_ns = i * apart_ns;
        const uint32_t record[4] = {(uint32_t)(time_ns / STK_S_NS), (uint32_t)(time_ns % STK_S_NS), len, len};

        assert_int_equal(fwrite(record, sizeof(record), 1, file), 1);
        assert_int_equal(fwrite(frame, len, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
}

/* When do the frames of a capture with one a second come out? */
static void t_times(const char *path, const char *speed, const char *loops, uint64_t *times, uint32_t *count)
{
    const struct nic_kv args[] = {{"file", path, 1}, {"speed", speed, 2}, {"loops", loops, 3}, {"start", "2s", 4}};
    char error[256] = "";
    const struct nic_port_conf conf = {.name = "r",
                                       .driver = "replay",
                                       .mtu = 1500,
                                       .args = args,
                                       .args_count = 4,
                                       .error = error,
                                       .error_size = sizeof(error)};
    struct nic_port *port;
    struct nic_buf *bufs[8];
    const uint32_t room = *count;

    *count = 0;
    if (nic_port_open(&conf, &port) != 0)
        fail_msg("%s", error);
    for (uint64_t now_ns = 0; now_ns < 60 * STK_S_NS; now_ns += STK_S_NS / 4) {
        const uint32_t got = nic_rx_burst(port, bufs, 8, now_ns);

        for (uint32_t i = 0; i < got; i++) {
            assert_true(*count < room);
            times[(*count)++] = now_ns;
            nic_buf_free(bufs[i]);
        }
    }
    assert_int_equal(nic_port_next_event_ns(port), STK_NEVER);
    nic_port_close(port);
}

static void recorded__speeds_and_loops__give_frames_at_their_times(void **state)
{
    static const struct {
        const char *speed;
        const char *loops;
        uint32_t count;
        uint64_t quarters[8]; /* of seconds */
    } rows[] = {
        {"1", "1", 3, {8, 12, 16}},
        {"2x", "1", 3, {8, 10, 12}},
        {"0.5", "1", 3, {8, 16, 24}},
        {"max", "1", 3, {8, 8, 8}},
        {"1", "2", 6, {8, 12, 16, 16, 20, 24}},
    };
    const char *path = "replay_player.pcap";

    (void)state;
    t_capture(path, 3, STK_S_NS);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t times[8];
        uint32_t count = 8;

        t_times(path, rows[i].speed, rows[i].loops, times, &count);
        assert_int_equal(count, rows[i].count);
        for (uint32_t f = 0; f < count; f++)
            assert_int_equal(times[f], rows[i].quarters[f] * (STK_S_NS / 4));
    }
    (void)remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewrite__rules__change_fields_and_keep_checksums_right),
        cmocka_unit_test(rewrite__a_wrong_checksum__stays_wrong),
        cmocka_unit_test(rewrite__bad_rules__are_refused),
        cmocka_unit_test(recorded__speeds_and_loops__give_frames_at_their_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
