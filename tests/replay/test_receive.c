/* Receive-only replay at its bounds: data far ahead, more of it than waits, more conversations than there is room for. */
#include "nic/layers.h"
#include "nic/reader.h"
#include "replay/receive.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADERS 54u
#define SEGMENT_MAX 30000u
#define FILE_MAX (8u << 20)

/** A capture that grows, and what came of it. */
struct capture {
    uint8_t *bytes;
    size_t len;
    uint32_t packets;
    struct stk_receive_totals totals;
    struct stk_receive_result last;
    uint32_t results;
    char reason[NIC_READER_REASON_SIZE];
};

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void capture_begin(struct capture *capture)
{
    const uint32_t head[6] = {0xa1b23c4d, 4u << 16 | 2u, 0, 0, 262144, 1};
    memset(capture, 0, sizeof(*capture));
    capture->bytes = malloc(FILE_MAX);
    assert_non_null(capture->bytes);
    memcpy(capture->bytes, head, sizeof(head));
    capture->len = sizeof(head);
}

/* A segment of one direction, a millisecond after the one before. Its bytes say where in the stream they lie. */
static void segment_add(struct capture *capture, uint16_t sport, uint8_t flags, uint32_t at, uint32_t len)
{
    const uint32_t full = HEADERS + len;
    const uint32_t record[4] = {1000 + capture->packets / 1000, capture->packets % 1000 * 1000000, full, full};
    const uint8_t head[HEADERS] = {2, 0, 0, 0, 0, 2,  2, 0, 0, 0,  0, 1, 8, 0,  0x45, 0, 0,
                                   0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0,    0, 2};
    assert_true(capture->len + sizeof(record) + full <= FILE_MAX && len <= SEGMENT_MAX);
    memcpy(capture->bytes + capture->len, record, sizeof(record));
    uint8_t *frame = capture->bytes + capture->len + sizeof(record);
    memcpy(frame, head, HEADERS);
    frame[16] = (uint8_t)((full - 14) >> 8);
    frame[17] = (uint8_t)(full - 14);
    frame[34] = (uint8_t)(sport >> 8);
    frame[35] = (uint8_t)sport;
    frame[37] = 80;
    put32(frame + 38, 1000 + at);
    frame[46] = 0x50;
    frame[47] = flags;
    for (uint32_t i = 0; i < len; i++) {
        frame[HEADERS + i] = (uint8_t)((at + i) * 0x9e3779b1u >> 24);
    }
    capture->len += sizeof(record) + full;
    capture->packets++;
}

static void on_end(void *context, const struct stk_receive_result *result)
{
    struct capture *capture = context;
    capture->last = *result;
    capture->results++;
}

static int play(struct capture *capture, uint32_t convs_max, uint64_t stop)
{
    struct nic_reader *reader = NULL;
    const struct stk_receive_conf conf = {.sums = STK_RECEIVE_IGNORE,
                                          .convs_max = convs_max,
                                          .buffers = 4096,
                                          .digests = true,
                                          .stop_packet = stop,
                                          .end = on_end,
                                          .context = capture};
    FILE *stream = fmemopen(capture->bytes, capture->len, "rb");
    assert_non_null(stream);
    assert_int_equal(nic_reader_open_stream(stream, &reader, capture->reason), 0);
    const int err = stk_receive_run(&conf, reader, &capture->totals, capture->reason);
    nic_reader_close(reader);
    assert_int_equal(capture->results, capture->totals.conversations);
    return err;
}

static void stream__behind_a_gap_wider_than_the_window__whole_once_it_is_filled(void **state)
{
    struct capture capture;
    struct stk_sha256 *sha = stk_sha256_begin();
    uint8_t digest[STK_SHA256_BYTES];
    (void)state;

    capture_begin(&capture);
    segment_add(&capture, 4000, NIC_TCP_SYN, 0, 0);
    for (uint32_t i = 1; i < 120; i++) {
        segment_add(&capture, 4000, NIC_TCP_ACK, 1 + i * SEGMENT_MAX, SEGMENT_MAX);
    }
    segment_add(&capture, 4000, NIC_TCP_ACK, 1, SEGMENT_MAX);
    segment_add(&capture, 4000, NIC_TCP_ACK | NIC_TCP_FIN, 1 + 120 * SEGMENT_MAX, 0);
    assert_int_equal(play(&capture, 4, 0), 0);
    assert_int_equal(capture.last.side[0].bytes, 120 * SEGMENT_MAX);
    assert_int_equal(capture.last.side[0].ending, STK_RECEIVE_FIN);
    assert_int_equal(capture.last.side[0].gap_packet, 0);
    assert_int_equal(capture.totals.incomplete, 0);
    assert_non_null(sha);
    for (uint32_t i = 0; i < 120 * SEGMENT_MAX; i++) {
        const uint8_t byte = (uint8_t)((1 + i) * 0x9e3779b1u >> 24);
        stk_sha256_add(sha, &byte, 1);
    }
    stk_sha256_end(sha, digest);
    assert_memory_equal(digest, capture.last.side[0].sha256, sizeof(digest));
    free(capture.bytes);
}

static void stream__more_behind_a_gap_than_waits__refused_with_its_packet(void **state)
{
    struct capture capture;
    (void)state;

    capture_begin(&capture);
    segment_add(&capture, 4000, NIC_TCP_SYN, 0, 0);
    segment_add(&capture, 4000, NIC_TCP_ACK, 1, 100);
    for (uint32_t i = 0; i < 5000; i++) {
        segment_add(&capture, 4000, NIC_TCP_ACK, (2u << 20) + i * 100, 100);
    }
    assert_int_equal(play(&capture, 4, 0), STK_EMFILE);
    assert_non_null(strstr(capture.reason, "packet 4099: "));
    assert_int_equal(capture.last.side[0].bytes, 100); /* all before is there, and where it ends is said */
    assert_int_equal(capture.last.side[0].gap_packet, 3);
    free(capture.bytes);
}

static void conversations__more_than_there_is_room_for__refused_with_its_packet(void **state)
{
    struct capture capture;
    (void)state;

    capture_begin(&capture);
    for (uint16_t i = 0; i < 3; i++) {
        segment_add(&capture, (uint16_t)(4000 + i), NIC_TCP_SYN, 0, 0);
        segment_add(&capture, (uint16_t)(4000 + i), NIC_TCP_ACK, 1, 10);
    }
    assert_int_equal(play(&capture, 2, 0), STK_EMFILE);
    assert_non_null(strstr(capture.reason, "packet 5: "));
    assert_int_equal(capture.totals.conversations, 2);
    assert_int_equal(capture.totals.bytes, 20);
    free(capture.bytes);
}

static void run__stopped_at_a_packet__nothing_behind_it_entered(void **state)
{
    struct capture capture;
    (void)state;

    capture_begin(&capture);
    segment_add(&capture, 4000, NIC_TCP_SYN, 0, 0);
    for (uint32_t i = 0; i < 10; i++) {
        segment_add(&capture, 4000, NIC_TCP_ACK, 1 + i * 10, 10);
    }
    assert_int_equal(play(&capture, 2, 5), 0);
    assert_int_equal(capture.totals.packets, 5);
    assert_int_equal(capture.last.side[0].bytes, 40);
    free(capture.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream__behind_a_gap_wider_than_the_window__whole_once_it_is_filled),
        cmocka_unit_test(stream__more_behind_a_gap_than_waits__refused_with_its_packet),
        cmocka_unit_test(conversations__more_than_there_is_room_for__refused_with_its_packet),
        cmocka_unit_test(run__stopped_at_a_packet__nothing_behind_it_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
