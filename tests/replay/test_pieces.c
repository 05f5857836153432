/* Fragments that become datagrams again: in any order, repeated, overlapping, too late, too many. */
#include "nic/pieces.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define ETH 14u
#define FRAME_MAX (ETH + 48u + 1480u)

static struct {
    uint32_t count;
    uint64_t numbers[1024];
    const char *why;
} lost;

static void lost_note(void *context, uint64_t number, const char *why)
{
    assert_ptr_equal(context, &lost);
    assert_true(lost.count < 1024);
    lost.numbers[lost.count++] = number;
    lost.why = why;
}

static struct nic_pieces *open_pieces(void)
{
    struct nic_pieces *pieces = NULL;

    memset(&lost, 0, sizeof(lost));
    assert_int_equal(nic_pieces_make(&(struct nic_pieces_conf){.lost = lost_note, .context = &lost}, &pieces), 0);
    return pieces;
}

/* A fragment of a datagram of UDP whose bytes are those of their positions. */
struct row {
    uint32_t ip;
    uint32_t id;
    uint32_t from;
    uint32_t len;
    bool more;
    uint64_t second;
    uint8_t other; /* another content */
};

static uint8_t frame_bytes[FRAME_MAX];

static struct nic_packet fragment_of(const struct row *row, uint64_t number)
{
    const uint32_t head = row->ip == 4 ? 20 : 48;
    uint8_t *ip = frame_bytes + ETH;
    uint8_t *data = ip + head;

    memset(frame_bytes, 0, sizeof(frame_bytes));
    frame_bytes[12] = row->ip == 4 ? 0x08 : 0x86;
    frame_bytes[13] = row->ip == 4 ? 0x00 : 0xdd;
    if (row->ip == 4) {
        memcpy(ip, (uint8_t[]){0x45, 0, 0, 0, (uint8_t)(row->id >> 8), (uint8_t)row->id, 0, 0, 64, 17}, 10);
        ip[2] = (uint8_t)((head + row->len) >> 8);
        ip[3] = (uint8_t)(head + row->len);
        ip[6] = (uint8_t)(row->from / 8 >> 8 | (row->more ? 0x20u : 0));
        ip[7] = (uint8_t)(row->from / 8);
        memcpy(ip + 12, (uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
    } else {
        ip[0] = 0x60;
        ip[4] = (uint8_t)((8 + row->len) >> 8);
        ip[5] = (uint8_t)(8 + row->len);
        ip[6] = 44;
        ip[8] = ip[24] = 0xfd;
        ip[23] = 1;
        ip[39] = 2;
        memcpy(ip + 40,
               (uint8_t[]){17, 0, (uint8_t)(row->from >> 8), (uint8_t)(row->from | (row->more ? 1u : 0)), 0, 0,
                           (uint8_t)(row->id >> 8), (uint8_t)row->id},
               8);
    }
    for (uint32_t i = 0; i < row->len; i++)
        data[i] = (uint8_t)((row->from + i) / 8 + row->other);
    if (row->from == 0)
        memcpy(data, (uint8_t[]){4, 0, 8, 0, 0x0f, 0xa8, 0, 0}, 8);
    return (struct nic_packet){.number = number,
                               .time_ns = (100 + row->second) * SECOND,
                               .frame = frame_bytes,
                               .len = ETH + head + row->len,
                               .full_len = ETH + head + row->len};
}

static enum nic_pieces_result take(struct nic_pieces *pieces, const struct row *row, uint64_t number,
                                   struct nic_packet *out)
{
    *out = fragment_of(row, number);
    return nic_pieces_take(pieces, out, true);
}

static void check_whole(const struct nic_packet *packet, uint32_t ip, uint64_t number, uint32_t len)
{
    const uint8_t *at = packet->frame + ETH;
    const uint32_t head = ip == 4 ? 20 : 40;
    uint32_t sum = 0;

    assert_int_equal(packet->number, number);
    assert_int_equal(packet->len, ETH + head + len);
    assert_int_equal(packet->full_len, packet->len);
    if (ip == 4) {
        for (uint32_t i = 0; i < 20; i += 2)
            sum += (uint32_t)(at[i] << 8 | at[i + 1]);
        assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
        assert_int_equal(at[2] << 8 | at[3], 20 + len);
        assert_int_equal(at[6] << 8 | at[7], 0);
    } else {
        assert_int_equal(at[6], 17);
        assert_int_equal(at[4] << 8 | at[5], len);
    }
    for (uint32_t i = 8; i < len; i++)
        assert_int_equal(at[head + i], (uint8_t)(i / 8));
}

static void pieces__in_every_order__are_the_datagram(void **state)
{
    static const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;

    for (uint32_t ip = 4; ip <= 6; ip += 2) {
        struct nic_pieces *pieces = open_pieces();
        struct nic_packet packet;
        for (uint32_t o = 0; o < 6; o++) {
            const struct row rows[3] = {{.ip = ip, .id = o, .from = 0, .len = 1448, .more = true},
                                        {.ip = ip, .id = o, .from = 1448, .len = 1448, .more = true},
                                        {.ip = ip, .id = o, .from = 2896, .len = 1113}};
            for (uint32_t i = 0; i < 3; i++)
                assert_int_equal(take(pieces, &rows[orders[o][i]], 10 * o + i, &packet),
                                 i == 2 ? NIC_PIECES_WHOLE : NIC_PIECES_HELD);
            check_whole(&packet, ip, 10 * o + 2, 4009);
        }
        nic_pieces_end(pieces);
        assert_int_equal(lost.count, 0);
        nic_pieces_free(pieces);
    }
}

static void pieces__repeated_or_overlapping__not_taken(void **state)
{
    const struct row first = {.ip = 4, .id = 1, .from = 0, .len = 800, .more = true};
    const struct row second = {.ip = 4, .id = 1, .from = 800, .len = 800, .more = true};
    const struct row across = {.ip = 4, .id = 1, .from = 400, .len = 800, .more = true};
    const struct row other = {.ip = 4, .id = 1, .from = 800, .len = 800, .more = true, .other = 1};
    const struct row last = {.ip = 4, .id = 1, .from = 1600, .len = 5};
    const struct row short_last = {.ip = 4, .id = 1, .from = 800, .len = 5};
    struct nic_packet packet;
    (void)state;

    struct nic_pieces *pieces = open_pieces();
    assert_int_equal(take(pieces, &second, 1, &packet), NIC_PIECES_HELD);
    assert_int_equal(take(pieces, &second, 2, &packet), NIC_PIECES_HELD);
    assert_string_equal(lost.why, "is a fragment that is there already");
    assert_int_equal(take(pieces, &across, 3, &packet), NIC_PIECES_HELD);
    assert_string_equal(lost.why, "is a fragment that overlaps another one of its datagram");
    assert_int_equal(take(pieces, &other, 4, &packet), NIC_PIECES_HELD);
    assert_int_equal(take(pieces, &short_last, 5, &packet), NIC_PIECES_HELD);
    assert_int_equal(take(pieces, &last, 6, &packet), NIC_PIECES_HELD);
    assert_int_equal(lost.count, 4);
    assert_int_equal(take(pieces, &first, 7, &packet), NIC_PIECES_WHOLE);
    check_whole(&packet, 4, 7, 1605);
    nic_pieces_free(pieces);
}

/* RFC 5722: nothing of such a datagram is taken, and what follows neither. */
static void pieces__overlap_in_ip6__the_datagram_is_lost(void **state)
{
    const struct row rows[4] = {{.ip = 6, .id = 1, .from = 0, .len = 800, .more = true},
                                {.ip = 6, .id = 1, .from = 400, .len = 800, .more = true},
                                {.ip = 6, .id = 1, .from = 800, .len = 800, .more = true},
                                {.ip = 6, .id = 1, .from = 1600, .len = 5}};
    struct nic_pieces *pieces = open_pieces();
    struct nic_packet packet;
    (void)state;

    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(take(pieces, &rows[i], 1 + i, &packet), NIC_PIECES_HELD);
    nic_pieces_end(pieces);
    assert_int_equal(lost.count, 4);
    assert_int_equal(lost.numbers[0], 2);
    assert_int_equal(lost.numbers[1], 1);
    assert_int_equal(lost.numbers[3], 4);
    nic_pieces_free(pieces);
}

static void pieces__never_whole__said_with_each_number(void **state)
{
    const struct row first = {.ip = 4, .id = 1, .from = 0, .len = 800, .more = true};
    const struct row late = {.ip = 4, .id = 1, .from = 800, .len = 10, .second = 31};
    struct nic_packet packet;
    (void)state;

    struct nic_pieces *pieces = open_pieces();
    assert_int_equal(take(pieces, &first, 1, &packet), NIC_PIECES_HELD);
    assert_int_equal(take(pieces, &late, 2, &packet), NIC_PIECES_HELD);
    assert_int_equal(lost.count, 1);
    assert_int_equal(lost.numbers[0], 1);
    nic_pieces_end(pieces);
    assert_int_equal(lost.count, 2);
    assert_int_equal(lost.numbers[1], 2);
    assert_string_equal(lost.why, "is a fragment of a datagram that is not whole in the capture");
    nic_pieces_free(pieces);
}

static void pieces__more_datagrams_than_room__the_oldest_is_lost(void **state)
{
    struct nic_pieces *pieces = open_pieces();
    struct nic_packet packet;
    (void)state;

    for (uint32_t i = 0; i < NIC_PIECES_MAX + 3; i++) {
        const struct row row = {.ip = 4, .id = i, .from = 0, .len = 80, .more = true, .second = i / 64};
        assert_int_equal(take(pieces, &row, i, &packet), NIC_PIECES_HELD);
    }
    assert_int_equal(lost.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(lost.numbers[i], i);
    for (uint32_t i = 3; i < NIC_PIECES_MAX + 3; i++) {
        const struct row row = {.ip = 4, .id = i, .from = 80, .len = 8, .second = 10};
        assert_int_equal(take(pieces, &row, i, &packet), NIC_PIECES_WHOLE);
    }
    nic_pieces_free(pieces);
}

/* A port of a switch that shows packets as they come in and as they go out: the whole one is as its first fragment. */
static void pieces__of_other_tags__the_first_ones_header(void **state)
{
    const struct row rows[2] = {{.ip = 4, .id = 1, .from = 0, .len = 800, .more = true},
                                {.ip = 4, .id = 1, .from = 800, .len = 209}};
    struct nic_pieces *pieces = open_pieces();
    uint8_t tagged[FRAME_MAX + 4];
    struct nic_packet packet;
    (void)state;

    assert_int_equal(take(pieces, &rows[0], 1, &packet), NIC_PIECES_HELD);
    packet = fragment_of(&rows[1], 2);
    memcpy(tagged, frame_bytes, 12);
    memcpy(tagged + 12, (uint8_t[]){0x81, 0x00, 0, 7}, 4);
    memcpy(tagged + 16, frame_bytes + 12, packet.len - 12);
    packet.frame = tagged;
    packet.len = packet.full_len = packet.len + 4;
    assert_int_equal(nic_pieces_take(pieces, &packet, true), NIC_PIECES_WHOLE);
    check_whole(&packet, 4, 2, 1009);
    nic_pieces_free(pieces);
}

static void pieces__others__are_as_they_were(void **state)
{
    const struct row whole = {.ip = 4, .id = 1, .from = 0, .len = 800};
    const struct row later = {.ip = 4, .id = 1, .from = 800, .len = 8};
    struct nic_pieces *pieces = open_pieces();
    (void)state;

    struct nic_packet packet = fragment_of(&whole, 1);
    assert_int_equal(nic_pieces_take(pieces, &packet, true), NIC_PIECES_PASSED);
    packet = fragment_of(&later, 2);
    frame_bytes[ETH + 9] = 1; /* of ICMP */
    assert_int_equal(nic_pieces_take(pieces, &packet, true), NIC_PIECES_PASSED);
    packet = fragment_of(&later, 3);
    packet.len -= 4; /* snapped */
    assert_int_equal(nic_pieces_take(pieces, &packet, true), NIC_PIECES_PASSED);
    nic_pieces_end(pieces);
    assert_int_equal(lost.count, 0);
    nic_pieces_free(pieces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces__in_every_order__are_the_datagram),
        cmocka_unit_test(pieces__repeated_or_overlapping__not_taken),
        cmocka_unit_test(pieces__overlap_in_ip6__the_datagram_is_lost),
        cmocka_unit_test(pieces__never_whole__said_with_each_number),
        cmocka_unit_test(pieces__more_datagrams_than_room__the_oldest_is_lost),
        cmocka_unit_test(pieces__of_other_tags__the_first_ones_header),
        cmocka_unit_test(pieces__others__are_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
