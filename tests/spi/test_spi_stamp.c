/** @file SIO_TIMESTAMPING and SIO_GET_TX_TIMESTAMP, SO_TIMESTAMP and SO_TIMESTAMP_ID. Real stack: the times are the clock's. */
#include "t_message.h"
#include "t_os.h"

static int stamping(SOCKET s, ULONG flags, USHORT buffered)
{
    TIMESTAMPING_CONFIG config = {.Flags = flags, .TxTimestampsBuffered = buffered};
    DWORD returned = 0;

    return t_spi.lpWSPIoctl(s, SIO_TIMESTAMPING, &config, sizeof config, NULL, 0, &returned, NULL, NULL, NULL, &t_err);
}

static int stamp_take(SOCKET s, UINT32 id, UINT64 *stamp)
{
    DWORD returned = 0;
    int result = t_spi.lpWSPIoctl(s, SIO_GET_TX_TIMESTAMP, &id, sizeof id, stamp, sizeof *stamp, &returned, NULL, NULL,
                                  NULL, &t_err);

    if (result == 0)
        assert_int_equal(returned, sizeof *stamp);
    return result;
}

/* The stack's thread sends in its own time. */
static UINT64 stamp_wait(SOCKET s, UINT32 id)
{
    UINT64 stamp = 0;

    for (int i = 0; i < 1000 && stamp_take(s, id, &stamp) != 0; i++) {
        assert_int_equal(t_err, WSAEWOULDBLOCK);
        t_sleep_ms(5);
    }
    assert_true(stamp != 0);
    return stamp;
}

static int say_to(SOCKET s, const struct sockaddr_in *to, UINT32 id)
{
    struct t_box box;
    DWORD sent = 0;

    t_box_make(&box);
    box.msg.Control.len = 0;
    box.buffer.len = 5;
    memcpy(&box.name, to, sizeof *to);
    box.msg.namelen = (INT)sizeof *to;
    t_control_add(&box, SOL_SOCKET, SO_TIMESTAMP_ID, &id, sizeof id);
    return t_send_msg(s, &box.msg, 0, &sent, NULL, NULL);
}

static int say_stamped(SOCKET s, SOCKET there, UINT32 id)
{
    struct sockaddr_in to;

    memcpy(&to, t_addr(AF_INET, t_port(there)), sizeof to);
    return say_to(s, &to, id);
}

/* TS-1, TSTAMP-1, TSTAMP-2, TSTAMP-3. */
static void stamp__configuration__codes(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM), stream = t_socket(AF_INET, SOCK_STREAM), raw = t_socket(AF_INET, SOCK_RAW);
    TIMESTAMPING_CONFIG config = {.Flags = TIMESTAMPING_FLAG_RX};
    DWORD returned;
    UINT64 stamp;
    UINT32 id = 0;

    (void)state;
    assert_int_equal(stamping(s, TIMESTAMPING_FLAG_RX | TIMESTAMPING_FLAG_TX, 10), 0);
    assert_int_equal(stamping(s, TIMESTAMPING_FLAG_TX, 0), 0);
    assert_int_equal(stamping(s, 0, 0), 0);
    t_fails(stamping(s, 4, 0), WSAEINVAL);
    t_fails(stamping(s, TIMESTAMPING_FLAG_RX | 0x80000000u, 0), WSAEINVAL);
    t_fails(stamping(stream, TIMESTAMPING_FLAG_RX, 0), WSAEOPNOTSUPP);
    t_fails(stamping(raw, TIMESTAMPING_FLAG_RX, 0), WSAEOPNOTSUPP);
    t_fails(stamp_take(stream, 0, &stamp), WSAEOPNOTSUPP);
    t_fails(t_spi.lpWSPIoctl(s, SIO_TIMESTAMPING, &config, 7, NULL, 0, &returned, NULL, NULL, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPIoctl(s, SIO_TIMESTAMPING, NULL, 0, NULL, 0, &returned, NULL, NULL, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPIoctl(s, SIO_GET_TX_TIMESTAMP, &id, 3, &stamp, 8, &returned, NULL, NULL, NULL, &t_err),
            WSAEFAULT);
    t_fails(t_spi.lpWSPIoctl(s, SIO_GET_TX_TIMESTAMP, &id, 4, &stamp, 7, &returned, NULL, NULL, NULL, &t_err),
            WSAEFAULT);
    t_close(raw);
    t_close(stream);
    t_close(s);
}

/* TS-2, TS-8, TSTAMP-1, TSTAMP-4, TSTAMP-5, TSTAMP-10, TSTAMP-11. */
static void stamp__received__between_the_calls_and_for_messages_only(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    uint64_t before, last = 0;
    struct t_box box;
    UINT64 stamp;
    char in[16];

    (void)state;
    assert_int_equal(stamping(there, TIMESTAMPING_FLAG_RX, 0), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    for (int i = 0; i < 5; i++) {
        before = t_now_ticks();
        assert_int_equal(t_sendto(s, "hello", 5, t_addr(AF_INET, t_port(there))), 5);
        t_box_make(&box);
        assert_int_equal(t_hear(there, &box), 5);
        memcpy(&stamp, t_data_of(&box, SOL_SOCKET, SO_TIMESTAMP), sizeof stamp);
        assert_true(stamp >= before && stamp <= t_now_ticks() && stamp >= last);
        assert_int_equal(t_control_of(&box, SOL_SOCKET, SO_TIMESTAMP)->cmsg_len, WSA_CMSG_LEN(sizeof stamp));
        /* What else is told is told as ever. */
        assert_memory_equal(t_data_of(&box, IPPROTO_IP, IP_PKTINFO), "\177\0\0\1", 4);
        last = stamp;
    }
    assert_int_equal(t_sendto(s, "again", 5, t_addr(AF_INET, t_port(there))), 5);
    assert_int_equal(t_recv(there, in, sizeof in), 5);
    assert_memory_equal(in, "again", 5);
    assert_int_equal(stamping(there, TIMESTAMPING_FLAG_TX, 5), 0); /* not named any more: off */
    assert_int_equal(t_sendto(s, "plain", 5, t_addr(AF_INET, t_port(there))), 5);
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 5);
    assert_null(t_control_of(&box, SOL_SOCKET, SO_TIMESTAMP));
    t_close(s);
    t_close(there);
}

/* TS-4 to TS-8, TSTAMP-6, TSTAMP-7, TSTAMP-9 to TSTAMP-11. */
static void stamp__sent__by_id_between_the_calls(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    WSAOVERLAPPED overlapped = {.hEvent = t_event_new()};
    uint64_t before, first;
    UINT64 stamp = 0;
    UINT32 id = 70;
    DWORD returned = 0, flags;

    (void)state;
    T_MSG_FAILS(say_stamped(s, there, 1), WSAEINVAL); /* not asked for */
    assert_int_equal(stamping(s, TIMESTAMPING_FLAG_TX, 4), 0);
    t_fails(stamp_take(s, 70, &stamp), WSAEWOULDBLOCK);
    before = t_now_ticks();
    assert_int_equal(say_stamped(s, there, 70), 0);
    first = stamp_wait(s, 70);
    assert_true(first >= before && first <= t_now_ticks());
    t_fails(stamp_take(s, 70, &stamp), WSAEWOULDBLOCK); /* it was removed */
    assert_int_equal(say_stamped(s, there, 71), 0);
    assert_int_equal(say_stamped(s, there, 70), 0);
    assert_int_equal(say_stamped(s, there, 71), 0);
    before = stamp_wait(s, 71);
    assert_true(stamp_wait(s, 70) >= before);
    assert_true(stamp_wait(s, 71) >= before);
    /* TS-6: an overlapped one does not wait either. */
    t_fails(t_spi.lpWSPIoctl(s, SIO_GET_TX_TIMESTAMP, &id, sizeof id, &stamp, sizeof stamp, &returned, &overlapped,
                             NULL, NULL, &t_err),
            WSAEWOULDBLOCK);
    assert_int_equal(say_stamped(s, there, 70), 0);
    stamp = stamp_wait(s, 70);
    assert_int_equal(say_stamped(s, there, 70), 0);
    assert_int_equal(say_stamped(s, there, 72), 0);
    (void)stamp_wait(s, 72); /* so 70 has left before */
    assert_int_equal(t_spi.lpWSPIoctl(s, SIO_GET_TX_TIMESTAMP, &id, sizeof id, &stamp, sizeof stamp, &returned,
                                      &overlapped, NULL, NULL, &t_err),
                     0);
    assert_true(t_spi.lpWSPGetOverlappedResult(s, &overlapped, &returned, TRUE, &flags, &t_err));
    assert_int_equal(returned, sizeof stamp);
    t_event_free(overlapped.hEvent);
    t_close(s);
    t_close(there);
}

/* TS-3, TS-9, TSTAMP-8. */
static void stamp__sent__newest_is_lost_and_none_for_pieces(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    UINT64 stamp;
    char in[16];

    (void)state;
    assert_int_equal(stamping(s, TIMESTAMPING_FLAG_TX, 2), 0);
    for (UINT32 id = 1; id <= 4; id++) {
        assert_int_equal(say_stamped(s, there, id), 0);
        assert_int_equal(t_recv(there, in, sizeof in), 5); /* it has left */
    }
    (void)stamp_wait(s, 2);
    (void)stamp_wait(s, 1);
    t_fails(stamp_take(s, 3, &stamp), WSAEWOULDBLOCK);
    t_fails(stamp_take(s, 4, &stamp), WSAEWOULDBLOCK);
    assert_int_equal(say_stamped(s, there, 5), 0);
    (void)stamp_wait(s, 5);
    assert_int_equal(t_option_set(s, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 3), 0);
    T_MSG_FAILS(say_stamped(s, there, 6), WSAEINVAL);
    assert_int_equal(t_option_set(s, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 5), 0);
    assert_int_equal(say_stamped(s, there, 7), 0); /* one datagram after all */
    (void)stamp_wait(s, 7);
    /* No room asked for: sent, and its time is lost. */
    assert_int_equal(stamping(s, TIMESTAMPING_FLAG_TX, 0), 0);
    assert_int_equal(say_stamped(s, there, 8), 0);
    t_fails(stamp_take(s, 8, &stamp), WSAEWOULDBLOCK);
    t_close(s);
    t_close(there);
}

#define AHEAD_NS (3600 * UINT64_C(1000000000)) /* of the ports' clocks */

/* TSTAMP-10: ports with clocks of their own, two hosts of one process: their times, in their unit, both ways. */
static void stamp__ports_clock__its_own_unit(void **state)
{
    struct sockaddr_in name = *(const struct sockaddr_in *)(const void *)t_addr(AF_INET, 0);
    SOCKET there = t_socket(AF_INET, SOCK_DGRAM), s = t_socket(AF_INET, SOCK_DGRAM);
    UINT64 sent = 0, received, last = 0;
    struct t_box box;

    (void)state;
    memcpy(&name.sin_addr, "\x0a\x09\x00\x01", 4);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&name, sizeof name, &t_err), 0);
    memcpy(&name.sin_addr, "\x0a\x09\x00\x02", 4);
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&name, sizeof name, &t_err), 0);
    name.sin_port = ((const struct sockaddr_in *)(const void *)t_addr(AF_INET, t_port(there)))->sin_port;
    assert_int_equal(stamping(there, TIMESTAMPING_FLAG_RX, 0), 0);
    assert_int_equal(stamping(s, TIMESTAMPING_FLAG_TX, 4), 0);
    for (UINT32 id = 1; id < 6; id++) {
        assert_int_equal(say_to(s, &name, id), 0);
        t_box_make(&box);
        assert_int_equal(t_hear(there, &box), 5);
        memcpy(&received, t_data_of(&box, SOL_SOCKET, SO_TIMESTAMP), sizeof received);
        sent = stamp_wait(s, id);
        if (id == 1)
            continue; /* it waited for its neighbour's address */
        assert_true(sent >= AHEAD_NS && sent >= last);
        assert_true(received >= sent);
        last = received;
    }
    t_close(s);
    t_close(there);
}

int main(void)
{
    static const char config[] = "[engine]\nspin = adaptive\n"
                                 "[port a]\ndriver = wire\nwire.link = spi\nwire.clock = 3600s\naddress = 10.9.0.1/24\n"
                                 "[port b]\ndriver = wire\nwire.link = spi\nwire.clock = 3600s\naddress = 10.9.0.2/24\n"
                                 "instance = 1\n";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamp__configuration__codes),
        cmocka_unit_test(stamp__received__between_the_calls_and_for_messages_only),
        cmocka_unit_test(stamp__sent__by_id_between_the_calls),
        cmocka_unit_test(stamp__sent__newest_is_lost_and_none_for_pieces),
        cmocka_unit_test(stamp__ports_clock__its_own_unit),
    };

    t_env_set("T_SPI_CONFIG", t_file_make(config));
    return cmocka_run_group_tests_name("spi_stamp", tests, t_message_start, t_host_stop);
}
