/* Captures that are read back: order in time, conversations, layers, digests, and a port that is fed. */
#include "nic/conv.h"
#include "nic/feed.h"
#include "nic/layers.h"
#include "nic/order.h"
#include "nic/reader.h"
#include "replay/sha256.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define PACKETS_MAX 20000u

/* --- A capture in memory -------------------------------------------------------------- */

static uint8_t file_bytes[PACKETS_MAX * (16 + 60) + 24];

/* Frames of 60 bytes that hold their number, at the times given, in units of 100 ms after a second. */
static struct nic_reader *capture_of(const uint32_t *tenths, uint32_t count)
{
    const uint32_t head[6] = {0xa1b23c4d, 4u << 16 | 2u, 0, 0, 262144, 1};
    uint8_t *at = file_bytes;
    struct nic_reader *reader = NULL;
    char reason[NIC_READER_REASON_SIZE];

    memcpy(at, head, sizeof(head));
    at += sizeof(head);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t record[4] = {1 + tenths[i] / 10, tenths[i] % 10 * 100000000u, 60, 60};
        memcpy(at, record, sizeof(record));
        memset(at + 16, 0, 60);
        memcpy(at + 16 + 20, &i, sizeof(i));
        at += 16 + 60;
    }
    FILE *stream = fmemopen(file_bytes, (size_t)(at - file_bytes), "rb");
    assert_non_null(stream);
    assert_int_equal(nic_reader_open_stream(stream, &reader, reason), 0);
    return reader;
}

static void order__within_the_window__by_time_and_then_by_file(void **state)
{
    const uint32_t times[] = {10, 12, 11, 12, 19, 10, 15, 15, 30, 21};
    const uint64_t wanted[] = {1, 6, 3, 2, 4, 7, 8, 5, 10, 9};
    struct nic_reader *reader = capture_of(times, 10);
    struct nic_order *order = NULL;
    struct nic_packet packet;
    (void)state;

    assert_int_equal(nic_order_make(reader, SECOND, &order), 0);
    for (int i = 0; i < 10; i++) {
        uint32_t held;
        assert_int_equal(nic_order_next(order, &packet), 1);
        assert_int_equal(packet.number, wanted[i]);
        memcpy(&held, packet.frame + 20, sizeof(held));
        assert_int_equal(held, wanted[i] - 1);
    }
    assert_int_equal(nic_order_next(order, &packet), 0);
    assert_string_equal(nic_order_reason(order), "");
    nic_order_free(order);
    nic_reader_close(reader);
}

static void order__beyond_the_window__refused_with_its_number(void **state)
{
    const uint32_t times[] = {10, 25, 40, 11, 50};
    struct nic_reader *reader = capture_of(times, 5);
    struct nic_order *order = NULL;
    struct nic_packet packet;
    int given = 0, got;
    (void)state;

    assert_int_equal(nic_order_make(reader, SECOND, &order), 0);
    while ((got = nic_order_next(order, &packet)) == 1) {
        given++;
    }
    assert_int_equal(given, 3); /* what was before it is played */
    assert_int_equal(got, STK_EPROTO);
    assert_non_null(strstr(nic_order_reason(order), "packet 4: "));
    nic_order_free(order);
    nic_reader_close(reader);
}

static void order__of_the_file__times_never_run_backwards(void **state)
{
    const uint32_t times[] = {10, 40, 11, 50};
    struct nic_reader *reader = capture_of(times, 4);
    struct nic_order *order = NULL;
    struct nic_packet packet;
    uint64_t last = 0;
    (void)state;

    assert_int_equal(nic_order_make(reader, 0, &order), 0);
    for (uint64_t number = 1; number <= 4; number++) {
        assert_int_equal(nic_order_next(order, &packet), 1);
        assert_int_equal(packet.number, number);
        assert_true(packet.time_ns >= last);
        assert_int_equal((packet.flags & NIC_PACKET_BACKWARDS) != 0, number == 3);
        last = packet.time_ns;
    }
    nic_order_free(order);
    nic_reader_close(reader);
}

/* More packets of one time than the window holds: they go on early, in the file's order; one that is earlier is refused. */
static void order__more_packets_than_it_holds__goes_on(void **state)
{
    static uint32_t times[PACKETS_MAX];
    struct nic_order *order = NULL;
    struct nic_packet packet;
    uint64_t number = 0;
    int got;
    (void)state;

    for (uint32_t i = 0; i < PACKETS_MAX; i++) {
        times[i] = 10;
    }
    times[PACKETS_MAX - 1] = 9;
    struct nic_reader *reader = capture_of(times, PACKETS_MAX);
    assert_int_equal(nic_order_make(reader, SECOND, &order), 0);
    while ((got = nic_order_next(order, &packet)) == 1) {
        assert_int_equal(packet.number, ++number);
    }
    assert_int_equal(number, PACKETS_MAX - 1);
    assert_int_equal(got, STK_EPROTO);
    assert_non_null(strstr(nic_order_reason(order), "packet 20000: "));
    nic_order_free(order);
    nic_reader_close(reader);
}

/* --- Conversations --------------------------------------------------------------------- */

struct frame {
    uint8_t bytes[64];
    struct nic_layers pkt;
};

static struct nic_layers *tcp_of(struct frame *frame, uint8_t from, uint8_t to, uint16_t sport, uint8_t flags,
                                 uint32_t seq)
{
    const uint8_t head[] = {2,  0, 0, 0, 0, 2,  2, 0, 0, 0,  0, 1, 8,    0,  0x45, 0, 0,
                            40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0,    0, to};
    memset(frame, 0, sizeof(*frame));
    memcpy(frame->bytes, head, sizeof(head));
    uint8_t *tcp = frame->bytes + 34;
    const uint16_t dport = sport > 1000 ? 80 : 5000;
    memcpy(tcp, (uint8_t[]){(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport}, 4);
    memcpy(tcp + 4, (uint8_t[]){(uint8_t)(seq >> 24), (uint8_t)(seq >> 16), (uint8_t)(seq >> 8), (uint8_t)seq}, 4);
    tcp[12] = 0x50;
    tcp[13] = flags;
    nic_layers_parse(frame->bytes, 54, 54, &frame->pkt);
    assert_int_equal(frame->pkt.kind, NIC_LAYERS_TCP);
    return &frame->pkt;
}

static uint64_t ended[64];
static uint32_t ended_count;

static void on_end(void *context, struct nic_conv *conv)
{
    (void)context;
    assert_true(ended_count < 64);
    ended[ended_count++] = conv->number;
}

static struct nic_conv_table *table_of(uint32_t max)
{
    struct nic_conv_table *table = NULL;
    const struct nic_conv_conf conf = {.max = max, .idle_ns = 10 * SECOND, .frag_max = 4, .end = on_end};
    ended_count = 0;
    assert_int_equal(nic_conv_table_make(&conf, &table), 0);
    return table;
}

static uint64_t find(struct nic_conv_table *table, const struct nic_layers *pkt, uint64_t time_ns, int side)
{
    struct nic_conv *conv = NULL;
    int found = -1;
    assert_int_equal(nic_conv_find(table, pkt, 1, time_ns, &conv, &found), 0);
    assert_int_equal(found, side);
    return conv->number;
}

static void conversations__sides_and_new_beginnings(void **state)
{
    static const struct {
        uint8_t from, to;
        uint16_t sport;
        uint8_t flags;
        uint32_t seq;
        int side;
        uint64_t number;
    } rows[] = {
        {1, 2, 5000, NIC_TCP_SYN, 100, 0, 1},
        {2, 1, 80, NIC_TCP_SYN | NIC_TCP_ACK, 900, 1, 1},
        {1, 2, 5000, NIC_TCP_SYN, 100, 0, 1}, /* sent again */
        {1, 2, 5000, NIC_TCP_ACK, 101, 0, 1},
        {2, 1, 80, NIC_TCP_SYN | NIC_TCP_ACK, 900, 1, 1},  /* sent again */
        {1, 2, 5000, NIC_TCP_SYN, 5000, 0, 2},             /* another number: a new one */
        {1, 2, 5000, NIC_TCP_RST | NIC_TCP_SYN, 77, 0, 2}, /* nonsense begins nothing */
        {2, 1, 80, NIC_TCP_SYN | NIC_TCP_ACK, 1900, 1, 2},
        {2, 1, 80, NIC_TCP_SYN | NIC_TCP_ACK, 2900, 1, 3}, /* its SYN was not captured */
        {3, 4, 80, NIC_TCP_SYN | NIC_TCP_ACK, 1, 1, 4},    /* begins with the answer */
        {4, 3, 5000, NIC_TCP_ACK, 2, 0, 4},
        {5, 6, 5000, NIC_TCP_ACK, 1, 0, 5}, /* in its middle */
        {6, 5, 80, NIC_TCP_ACK, 1, 1, 5},
        {5, 6, 5000, NIC_TCP_SYN, 1, 0, 6},
        {7, 8, 5000, NIC_TCP_SYN, 1, 0, 7}, /* both at once */
        {8, 7, 80, NIC_TCP_SYN, 9, 1, 7},
    };
    struct nic_conv_table *table = table_of(16);
    struct frame frame;
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct nic_layers *pkt = tcp_of(&frame, rows[i].from, rows[i].to, rows[i].sport, rows[i].flags,
                                              rows[i].seq);
        const uint64_t number = find(table, pkt, SECOND, rows[i].side);
        if (number != rows[i].number) {
            fail_msg("row %zu: conversation %llu", i, (unsigned long long)number);
        }
    }
    assert_int_equal(nic_conv_count(table), 4);
    assert_int_equal(ended_count, 3);
    nic_conv_table_free(table);
    const uint64_t order[] = {1, 2, 5, 3, 4, 6, 7};
    assert_int_equal(ended_count, 7);
    assert_memory_equal(ended, order, sizeof(order));
}

/* RFC 9293 3.10.7.3: who sent a SYN takes the first answer to it; a second one, with another number, changes nothing. */
static void conversations__two_answers_to_one_syn__are_of_one_conversation(void **state)
{
    struct nic_conv_table *table = table_of(4);
    struct nic_conv *conv = NULL;
    struct frame frame;
    struct nic_layers *pkt;
    int side;
    (void)state;

    assert_int_equal(find(table, tcp_of(&frame, 1, 2, 5000, NIC_TCP_SYN, 100), SECOND, 0), 1);
    for (uint32_t seq = 900; seq <= 1900; seq += 1000) {
        pkt = tcp_of(&frame, 2, 1, 80, NIC_TCP_SYN | NIC_TCP_ACK, seq);
        pkt->ack = 101;
        assert_int_equal(nic_conv_find(table, pkt, 1, SECOND, &conv, &side), 0);
        assert_int_equal(conv->number, 1);
    }
    assert_int_equal(conv->isn[1], 900);
    assert_int_equal(find(table, tcp_of(&frame, 2, 1, 80, NIC_TCP_RST, 901), SECOND, 1), 1);
    pkt = tcp_of(&frame, 2, 1, 80, NIC_TCP_SYN | NIC_TCP_ACK, 2900); /* it was reset: another try */
    pkt->ack = 101;
    assert_int_equal(find(table, pkt, SECOND, 1), 2);
    nic_conv_table_free(table);
}

static void conversations__a_full_table__who_is_idle_or_finished_makes_room(void **state)
{
    struct nic_conv_table *table = table_of(3);
    struct frame frame;
    struct nic_conv *conv;
    int side;
    (void)state;

    for (uint8_t i = 1; i <= 3; i++) {
        (void)find(table, tcp_of(&frame, i, 99, 5000, NIC_TCP_SYN, 1), i * SECOND, 0);
    }
    assert_int_equal(nic_conv_find(table, tcp_of(&frame, 4, 99, 5000, NIC_TCP_SYN, 1), 9, 4 * SECOND, &conv, &side),
                     STK_EMFILE);
    assert_int_equal(ended_count, 0);
    (void)find(table, tcp_of(&frame, 2, 99, 5000, NIC_TCP_RST, 2), 5 * SECOND, 0);
    assert_int_equal(find(table, tcp_of(&frame, 4, 99, 5000, NIC_TCP_SYN, 1), 6 * SECOND, 0), 4);
    assert_int_equal(ended[0], 2); /* it was reset */
    assert_int_equal(find(table, tcp_of(&frame, 5, 99, 5000, NIC_TCP_SYN, 1), 12 * SECOND, 0), 5);
    assert_int_equal(ended[1], 1); /* silent for more than 10 s */
    assert_int_equal(nic_conv_count(table), 3);
    nic_conv_table_free(table);
}

/* --- Layers ------------------------------------------------------------------------------- */

/* Every length of a good frame, and every value of every byte of its headers: lengths stay inside the frame. */
static void layers__any_damage__stays_in_the_frame(void **state)
{
    struct frame good;
    (void)state;

    (void)tcp_of(&good, 1, 2, 5000, NIC_TCP_ACK, 1);
    for (uint32_t at = 12; at < 54; at++) {
        for (uint32_t value = 0; value < 256; value++) {
            for (uint32_t len = 14; len <= 54; len += 4) {
                uint8_t *bytes = malloc(len);
                struct nic_layers pkt;
                struct nic_layers_options options;
                assert_non_null(bytes);
                memcpy(bytes, good.bytes, len);
                if (at < len) {
                    bytes[at] = (uint8_t)value;
                }
                nic_layers_parse(bytes, len, 54, &pkt);
                nic_layers_options(&pkt, &options);
                if (pkt.kind == NIC_LAYERS_BAD) {
                    assert_non_null(pkt.reason);
                } else {
                    assert_true(pkt.payload <= pkt.end && pkt.end <= 54);
                }
                free(bytes);
            }
        }
    }
}

/* --- Digests -------------------------------------------------------------------------------- */

static void sha256__known_answers(void **state)
{
    static const struct {
        const char *text;
        uint32_t times;
        const char *digest;
    } rows[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stk_sha256 *sha = stk_sha256_begin();
        uint8_t digest[STK_SHA256_BYTES];
        char text[STK_SHA256_TEXT];
        assert_non_null(sha);
        for (uint32_t turn = 0; turn < rows[i].times; turn++) {
            stk_sha256_add(sha, rows[i].text, strlen(rows[i].text));
        }
        stk_sha256_end(sha, digest);
        stk_sha256_text(digest, text);
        assert_string_equal(text, rows[i].digest);
    }
}

/* --- The fed port ------------------------------------------------------------------------------ */

static void feed__frames_come_as_they_were_handed_in__and_no_more_than_there_is_room_for(void **state)
{
    const struct nic_port_conf conf = {.name = "fed", .driver = "feed", .mtu = 1500, .buffers = 200};
    static uint8_t frame[65535];
    struct nic_port *port = NULL;
    struct nic_buf *bufs[NIC_BURST_MAX];
    (void)state;

    for (uint32_t i = 0; i < sizeof(frame); i++) {
        frame[i] = (uint8_t)(i * 7);
    }
    assert_int_equal(nic_port_open(&conf, &port), 0);
    struct nic_port *twin = NULL;
    assert_int_equal(nic_port_open(&conf, &twin), STK_EBUSY);
    struct nic_feed *feed = nic_feed_find("fed");
    assert_non_null(feed);
    assert_null(nic_feed_find("other"));
    assert_int_equal(nic_feed_push(feed, frame, 13, 0, 0), STK_EINVAL);
    assert_int_equal(nic_feed_push(feed, frame, sizeof(frame), NIC_RX_L4_CSUM_GOOD, 5), 0);
    uint32_t more = 0;
    while (nic_feed_push(feed, frame, 60, 0, 6) == 0) {
        more++;
    }
    assert_int_equal(nic_feed_room(feed), 0);
    assert_true(more > 0 && more < 100); /* the rest is for what the stack sends */
    assert_int_equal(nic_rx_burst(port, bufs, 1, 0), 1);
    assert_int_equal(bufs[0]->pkt_len, sizeof(frame));
    assert_int_equal(bufs[0]->flags, NIC_RX_L4_CSUM_GOOD | NIC_RX_TSTAMP);
    uint32_t at = 0;
    for (const struct nic_buf *buf = bufs[0]; buf != NULL; buf = buf->next) {
        assert_memory_equal(buf->data, frame + at, buf->len);
        at += buf->len;
    }
    assert_int_equal(at, sizeof(frame));
    nic_buf_free(bufs[0]);
    for (uint32_t count; (count = nic_rx_burst(port, bufs, NIC_BURST_MAX, 0)) != 0; more -= count) {
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(bufs[i]->pkt_len, 60);
            nic_buf_free(bufs[i]);
        }
    }
    assert_int_equal(more, 0);
    nic_port_close(port);
    assert_null(nic_feed_find("fed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order__within_the_window__by_time_and_then_by_file),
        cmocka_unit_test(order__beyond_the_window__refused_with_its_number),
        cmocka_unit_test(order__of_the_file__times_never_run_backwards),
        cmocka_unit_test(order__more_packets_than_it_holds__goes_on),
        cmocka_unit_test(conversations__sides_and_new_beginnings),
        cmocka_unit_test(conversations__two_answers_to_one_syn__are_of_one_conversation),
        cmocka_unit_test(conversations__a_full_table__who_is_idle_or_finished_makes_room),
        cmocka_unit_test(layers__any_damage__stays_in_the_frame),
        cmocka_unit_test(sha256__known_answers),
        cmocka_unit_test(feed__frames_come_as_they_were_handed_in__and_no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
