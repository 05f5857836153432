#include "nic/csum.h"
#include "t_nic.h"

/* A UDP datagram over IPv4 from RFC 1071 arithmetic done by hand: 10.0.0.1:1 -> 10.0.0.2:2, "abc". */
static const uint8_t udp4[45] = {
    2,  0,    0,    0,  0, 2, 2, 0,  0, 0, 0, 1, 0x08, 0x00, 0x45, 0, 0,  31,   0,    1,   0,   0,   64,
    17, 0x66, 0xcb, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1,    0,    2,    0, 11, 0x24, 0x68, 'a', 'b', 'c',
};

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static uint32_t field(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

/** The right UDP checksum of udp4, by a second implementation. */
static uint32_t udp4_expected(const uint8_t *frame)
{
    uint8_t copy[11];
    uint32_t sum;

    memcpy(copy, frame + 34, sizeof(copy));
    copy[6] = copy[7] = 0;
    sum = sum16(frame + 26, 8, 17 + 11);
    return ~sum16(copy, sizeof(copy), sum) & 0xffff;
}

static void tx_fill__udp4_with_pseudo_header_sum__gives_a_good_frame(void **state)
{
    uint8_t frame[sizeof(udp4)];
    struct nic_buf head = {.flags = NIC_TX_IP4 | NIC_TX_IP4_CSUM | NIC_TX_UDP_CSUM, .l2_len = 14, .l3_len = 20};
    uint32_t pseudo;

    (void)state;
    memcpy(frame, udp4, sizeof(frame));
    pseudo = sum16(frame + 26, 8, 17 + 11);
    frame[40] = (uint8_t)(pseudo >> 8);
    frame[41] = (uint8_t)pseudo;
    frame[24] = frame[25] = 0;
    assert_int_equal(nic_csum_tx_fill(frame, sizeof(frame), &head), 0);
    assert_int_equal(field(frame + 40), udp4_expected(udp4));
    assert_int_equal(sum16(frame + 14, 20, 0), 0xffff);
    assert_int_equal(nic_csum_rx_flags(frame, sizeof(frame)), NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD);
    /* Padding behind the datagram, as on short Ethernet frames, is not summed. */
    uint8_t padded[60] = {0};
    memcpy(padded, frame, sizeof(frame));
    padded[59] = 0x55;
    assert_int_equal(nic_csum_rx_flags(padded, sizeof(padded)), NIC_RX_IP4_CSUM_GOOD | NIC_RX_L4_CSUM_GOOD);
}

static void rx_flags__each_flipped_bit__is_found(void **state)
{
    uint8_t frame[sizeof(udp4)];
    struct nic_buf head = {.flags = NIC_TX_IP4 | NIC_TX_IP4_CSUM | NIC_TX_UDP_CSUM, .l2_len = 14, .l3_len = 20};
    uint32_t pseudo;

    (void)state;
    memcpy(frame, udp4, sizeof(frame));
    pseudo = sum16(frame + 26, 8, 17 + 11);
    frame[40] = (uint8_t)(pseudo >> 8);
    frame[41] = (uint8_t)pseudo;
    assert_int_equal(nic_csum_tx_fill(frame, sizeof(frame), &head), 0);
    for (uint32_t bit = 14 * 8; bit < sizeof(frame) * 8; bit++) {
        uint8_t copy[sizeof(frame)];
        uint32_t flags;

        memcpy(copy, frame, sizeof(frame));
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        flags = nic_csum_rx_flags(copy, sizeof(copy));
        if ((flags & (NIC_RX_IP4_CSUM_GOOD)) != 0 && (flags & NIC_RX_L4_CSUM_GOOD) != 0)
            fail_msg("bit %u went unnoticed", bit);
    }
}

static void tx_fill__udp_sum_of_zero__is_sent_as_ones(void **state)
{
    uint8_t frame[14 + 40 + 8] = {0};
    struct nic_buf head = {.flags = NIC_TX_IP6 | NIC_TX_UDP_CSUM, .l2_len = 14, .l3_len = 40};

    (void)state;
    frame[12] = 0x86;
    frame[13] = 0xdd;
    frame[14] = 0x60;
    frame[14 + 5] = 8; /* payload length */
    frame[14 + 6] = 17;
    frame[14 + 40 + 5] = 8;
    /* pseudo sum 17 + 8; source port makes the total 0xffff */
    frame[14 + 40 + 6] = 0;
    frame[14 + 40 + 7] = 25;
    frame[14 + 40] = (uint8_t)((0xffff - 25 - 8) >> 8);
    frame[14 + 40 + 1] = (uint8_t)(0xffff - 25 - 8);
    assert_int_equal(nic_csum_tx_fill(frame, sizeof(frame), &head), 0);
    assert_int_equal(field(frame + 60), 0xffff);
    assert_int_equal(nic_csum_rx_flags(frame, sizeof(frame)), NIC_RX_L4_CSUM_GOOD);
    frame[60] = frame[61] = 0;
    assert_int_equal(nic_csum_rx_flags(frame, sizeof(frame)), NIC_RX_L4_CSUM_BAD);
}

static void tx_fill__lengths_beyond_the_frame__change_nothing(void **state)
{
    static const struct {
        uint32_t len;
        uint16_t l2, l3;
        uint32_t flags;
    } rows[] = {
        {45, 14, 40, NIC_TX_IP4 | NIC_TX_IP4_CSUM}, {45, 14, 0, NIC_TX_IP4 | NIC_TX_IP4_CSUM},
        {20, 14, 20, NIC_TX_IP4 | NIC_TX_UDP_CSUM}, {45, 60000, 60000, NIC_TX_IP4 | NIC_TX_TCP_CSUM},
        {45, 14, 20, NIC_TX_IP4 | NIC_TX_TCP_CSUM}, {44, 14, 20, NIC_TX_IP4 | NIC_TX_UDP_CSUM},
        {45, 14, 20, NIC_TX_IP6 | NIC_TX_UDP_CSUM}, {0, 0, 0, NIC_TX_IP4 | NIC_TX_UDP_CSUM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t frame[sizeof(udp4)];
        struct nic_buf head = {.flags = rows[i].flags, .l2_len = rows[i].l2, .l3_len = rows[i].l3};

        print_message("row %u\n", (unsigned)i);
        memcpy(frame, udp4, sizeof(frame));
        assert_int_equal(nic_csum_tx_fill(frame, rows[i].len, &head), STK_EPROTO);
        assert_memory_equal(frame, udp4, sizeof(frame));
    }
}

static void rx_flags__torn_and_odd_frames__are_not_judged(void **state)
{
    uint8_t frame[128];

    (void)state;
    /* Every length, every first byte of the IP header: nothing is read beyond the frame (ASan watches). */
    for (uint32_t len = 0; len <= sizeof(udp4); len++) {
        uint8_t *exact = test_malloc(len + 1);
        memcpy(exact + 1, udp4, len);
        assert_int_equal(nic_csum_rx_flags(exact + 1, len) & NIC_RX_L4_CSUM_GOOD, 0);
        test_free(exact);
    }
    memset(frame, 0x81, sizeof(frame));
    frame[13] = 0;
    assert_int_equal(nic_csum_rx_flags(frame, sizeof(frame)), 0);
    /* A fragment: the header is judged, the segment is not. */
    memcpy(frame, udp4, sizeof(udp4));
    frame[20] = 0x20;
    assert_int_equal(nic_csum_rx_flags(frame, sizeof(udp4)) & (NIC_RX_L4_CSUM_GOOD | NIC_RX_L4_CSUM_BAD), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tx_fill__udp4_with_pseudo_header_sum__gives_a_good_frame),
        cmocka_unit_test(rx_flags__each_flipped_bit__is_found),
        cmocka_unit_test(tx_fill__udp_sum_of_zero__is_sent_as_ones),
        cmocka_unit_test(tx_fill__lengths_beyond_the_frame__change_nothing),
        cmocka_unit_test(rx_flags__torn_and_odd_frames__are_not_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
