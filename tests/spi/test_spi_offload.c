/** @file UDP_SEND_MSG_SIZE and UDP_RECV_MAX_COALESCED_SIZE: options, control messages, what a receiver is told. Real stack. */
#include "t_message.h"

#include "wsp_sdk.h"

static char bytes_out[4096];
static char in[4096];

static int size_set(SOCKET s, int name, DWORD value)
{
    return t_spi.lpWSPSetSockOpt(s, IPPROTO_UDP, name, (const char *)&value, (int)sizeof value, &t_err);
}

static DWORD size_get(SOCKET s, int name)
{
    DWORD value = 0xabcdef;
    int len = (int)sizeof value;

    assert_int_equal(t_spi.lpWSPGetSockOpt(s, IPPROTO_UDP, name, (char *)&value, &len, &t_err), 0);
    assert_int_equal(len, sizeof value);
    return value;
}

/* Until so many bytes are queued: datagrams that came one by one could not be taken together. */
static void queued(SOCKET s, ULONG wanted)
{
    ULONG there = 0;
    DWORD returned;

    for (int i = 0; i < 1000 && there < wanted; i++) {
        assert_int_equal(
            t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &there, sizeof there, &returned, NULL, NULL, NULL, &t_err), 0);
        if (there < wanted)
            t_sleep_ms(5);
    }
    assert_int_equal(there, wanted);
}

static void fill(void)
{
    for (size_t i = 0; i < sizeof bytes_out; i++)
        bytes_out[i] = (char)(i * 7 + (i >> 8));
}

/* USO-1, USO-2, USO-3. */
static void offload__options__whole_and_of_datagrams_only(void **state)
{
    static const int names[] = {UDP_SEND_MSG_SIZE, UDP_RECV_MAX_COALESCED_SIZE};
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        SOCKET s = t_socket(families[f], SOCK_DGRAM), stream = t_socket(families[f], SOCK_STREAM);

        for (size_t i = 0; i < 2; i++) {
            char value[8] = {1};
            int len = 3;

            assert_int_equal(size_get(s, names[i]), 0);
            assert_int_equal(size_set(s, names[i], 1400), 0);
            assert_int_equal(size_get(s, names[i]), 1400);
            t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_UDP, names[i], value, 3, &t_err), WSAEFAULT);
            t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_UDP, names[i], value, 8, &t_err), WSAEFAULT);
            t_fails(t_spi.lpWSPGetSockOpt(s, IPPROTO_UDP, names[i], value, &len, &t_err), WSAEFAULT);
            assert_int_equal(size_get(s, names[i]), 1400);
            assert_int_equal(size_set(s, names[i], 0), 0);
            assert_int_equal(size_get(s, names[i]), 0);
            t_fails(size_set(stream, names[i], 1400), WSAENOPROTOOPT);
            len = 4;
            t_fails(t_spi.lpWSPGetSockOpt(stream, IPPROTO_UDP, names[i], value, &len, &t_err), WSAENOPROTOOPT);
        }
        t_close(stream);
        t_close(s);
    }
}

/* USO-4, USO-5, USO-9: one completion with all bytes. */
static void offload__send_size__datagrams_of_it(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    WSAOVERLAPPED overlapped = {.hEvent = t_event_new()};
    WSABUF parts[2] = {{300, bytes_out}, {400, bytes_out + 300}};
    DWORD sent = 0, flags = 0;

    (void)state;
    fill();
    assert_int_equal(size_set(s, UDP_SEND_MSG_SIZE, 300), 0);
    assert_int_equal(t_sendto(s, bytes_out, 1000, t_addr(AF_INET, t_port(there))), 1000);
    for (size_t i = 0; i < 4; i++) {
        int wanted = i < 3 ? 300 : 100;

        assert_int_equal(t_recv(there, in, sizeof in), wanted);
        assert_memory_equal(in, bytes_out + 300 * i, (size_t)wanted);
    }
    assert_int_equal(t_sendto(s, bytes_out, 300, t_addr(AF_INET, t_port(there))), 300);
    assert_int_equal(t_recv(there, in, sizeof in), 300);
    assert_int_equal(t_spi.lpWSPSendTo(s, parts, 2, &sent, 0, t_addr(AF_INET, t_port(there)), t_addr_size(AF_INET),
                                       &overlapped, NULL, NULL, &t_err),
                     0);
    assert_true(t_event_wait(overlapped.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(s, &overlapped, &sent, FALSE, &flags, &t_err));
    assert_int_equal(sent, 700);
    assert_int_equal(t_recv(there, in, sizeof in), 300);
    assert_int_equal(t_recv(there, in, sizeof in), 300);
    assert_int_equal(t_recv(there, in, sizeof in), 100);
    assert_memory_equal(in, bytes_out + 600, 100);
    t_event_free(overlapped.hEvent);
    t_close(s);
    t_close(there);
}

/* Send 200 bytes with a control message of UDP_SEND_MSG_SIZE. */
static void say_cut(SOCKET s, SOCKET there, DWORD segment)
{
    struct t_box box;
    DWORD sent = 0;

    t_box_make(&box);
    box.msg.Control.len = 0;
    box.buffer = (WSABUF){200, bytes_out};
    memcpy(&box.name, t_addr(AF_INET, t_port(there)), sizeof(SOCKADDR_IN));
    box.msg.namelen = (INT)sizeof(SOCKADDR_IN);
    t_control_add(&box, IPPROTO_UDP, UDP_SEND_MSG_SIZE, &segment, sizeof segment);
    assert_int_equal(t_send_msg(s, &box.msg, 0, &sent, NULL, NULL), 0);
    assert_int_equal(sent, 200);
}

/* USO-8: for this call, in both directions. */
static void offload__send_size_by_control__overrides(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM), raw = t_socket(AF_INET, SOCK_RAW);
    struct t_box box;
    DWORD segment = 100, sent;

    (void)state;
    fill();
    say_cut(s, there, 150);
    assert_int_equal(t_recv(there, in, sizeof in), 150);
    assert_int_equal(t_recv(there, in, sizeof in), 50);
    assert_int_equal(size_set(s, UDP_SEND_MSG_SIZE, 80), 0);
    say_cut(s, there, 120);
    assert_int_equal(t_recv(there, in, sizeof in), 120);
    assert_int_equal(t_recv(there, in, sizeof in), 80);
    say_cut(s, there, 0);
    assert_int_equal(t_recv(there, in, sizeof in), 200);
    assert_int_equal(t_sendto(s, bytes_out, 100, t_addr(AF_INET, t_port(there))), 100);
    assert_int_equal(t_recv(there, in, sizeof in), 80);
    assert_int_equal(t_recv(there, in, sizeof in), 20);
    t_box_make(&box);
    box.msg.Control.len = 0;
    memcpy(&box.name, t_addr(AF_INET, 0), sizeof(SOCKADDR_IN));
    box.msg.namelen = (INT)sizeof(SOCKADDR_IN);
    t_control_add(&box, IPPROTO_UDP, UDP_SEND_MSG_SIZE, &segment, sizeof segment);
    T_MSG_FAILS(t_send_msg(raw, &box.msg, 0, &sent, NULL, NULL), WSAEINVAL);
    t_close(raw);
    t_close(s);
    t_close(there);
}

/* USO-7. */
static void offload__send_size__largest_sum(void **state)
{
    static char large[65528];
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM), s6 = t_bound(AF_INET6, SOCK_DGRAM);
    WSABUF buffer = {65508, large};
    DWORD sent;

    (void)state;
    assert_int_equal(size_set(s, UDP_SEND_MSG_SIZE, 1200), 0);
    assert_int_equal(size_set(s6, UDP_SEND_MSG_SIZE, 1200), 0);
    t_fails(
        t_spi.lpWSPSendTo(s, &buffer, 1, &sent, 0, t_addr(AF_INET, 9), t_addr_size(AF_INET), NULL, NULL, NULL, &t_err),
        WSAEMSGSIZE);
    assert_int_equal(t_sendto(s, large, 65507, t_addr(AF_INET, 9)), 65507);
    buffer.len = 65528;
    t_fails(t_spi.lpWSPSendTo(s6, &buffer, 1, &sent, 0, t_addr(AF_INET6, 9), t_addr_size(AF_INET6), NULL, NULL, NULL,
                              &t_err),
            WSAEMSGSIZE);
    assert_int_equal(t_sendto(s6, large, 65527, t_addr(AF_INET6, 9)), 65527);
    t_close(s6);
    t_close(s);
}

/* A box with room for many. */
static void box_for_all(struct t_box *box, char *data, ULONG room)
{
    t_box_make(box);
    box->buffer = (WSABUF){room, data};
}

/* USO-11, USO-12, USO-14, USO-17, USO-18, USO-20. */
static void offload__merge__told_with_the_size_and_the_first_ones_facts(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    struct t_box box;

    (void)state;
    fill();
    assert_int_equal(size_set(there, UDP_RECV_MAX_COALESCED_SIZE, 65535), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(size_set(s, UDP_SEND_MSG_SIZE, 300), 0);
    assert_int_equal(t_sendto(s, bytes_out, 1000, t_addr(AF_INET, t_port(there))), 1000);
    assert_int_equal(t_sendto(s, bytes_out, 70, t_addr(AF_INET, t_port(there))), 70);
    queued(there, 1070);
    box_for_all(&box, in, sizeof in);
    assert_int_equal(t_hear(there, &box), 1000);
    assert_memory_equal(in, bytes_out, 1000);
    assert_int_equal(box.msg.dwFlags, 0);
    assert_int_equal(t_number_of(&box, IPPROTO_UDP, UDP_COALESCED_INFO), 300);
    assert_non_null(t_control_of(&box, IPPROTO_IP, IP_PKTINFO));
    assert_int_equal(box.msg.Control.len, WSA_CMSG_SPACE(sizeof(IN_PKTINFO)) + WSA_CMSG_SPACE(sizeof(DWORD)));
    assert_memory_equal(&box.name, t_addr(AF_INET, t_port(s)), 8);
    box_for_all(&box, in, sizeof in);
    assert_int_equal(t_hear(there, &box), 70); /* one alone: nothing is said */
    assert_null(t_control_of(&box, IPPROTO_UDP, UDP_COALESCED_INFO));
    /* Other forms merge too, as the program asked for it. */
    assert_int_equal(t_sendto(s, bytes_out, 900, t_addr(AF_INET, t_port(there))), 900);
    queued(there, 900);
    assert_int_equal(t_recv(there, in, sizeof in), 900);
    assert_int_equal(t_sendto(s, bytes_out, 900, t_addr(AF_INET, t_port(there))), 900);
    queued(there, 900);
    assert_int_equal(t_recv(there, in, 700), 600); /* whole ones that have room */
    assert_int_equal(t_recv(there, in, 700), 300);
    t_close(s);
    t_close(there);
}

/* USO-15, USO-16: without room for the size there is one, and nothing is lost. */
static void offload__merge__no_room_to_tell_one_datagram(void **state)
{
    static const ULONG rooms[] = {0, sizeof(WSACMSGHDR), WSA_CMSG_SPACE(sizeof(DWORD)) - 1};
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    struct t_box box;

    (void)state;
    fill();
    assert_int_equal(size_set(there, UDP_RECV_MAX_COALESCED_SIZE, 65535), 0);
    assert_int_equal(size_set(s, UDP_SEND_MSG_SIZE, 100), 0);
    assert_int_equal(t_sendto(s, bytes_out, 500, t_addr(AF_INET, t_port(there))), 500);
    queued(there, 500);
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        box_for_all(&box, in, sizeof in);
        box.msg.Control.len = rooms[i];
        assert_int_equal(t_hear(there, &box), 100);
        assert_memory_equal(in, bytes_out + 100 * i, 100);
        assert_int_equal(box.msg.dwFlags, MSG_CTRUNC);
        assert_int_equal(box.msg.Control.len, 0);
    }
    box_for_all(&box, in, sizeof in);
    box.msg.Control.len = WSA_CMSG_SPACE(sizeof(DWORD));
    assert_int_equal(t_hear(there, &box), 200);
    assert_int_equal(t_number_of(&box, IPPROTO_UDP, UDP_COALESCED_INFO), 100);
    assert_int_equal(box.msg.dwFlags, 0);
    t_close(s);
    t_close(there);
}

/* USO-11, USO-13, USO-19, and an overlapped receive that finds several. */
static void offload__merge__limit_empty_and_overlapped(void **state)
{
    SOCKET there = t_bound(AF_INET6, SOCK_DGRAM), s = t_bound(AF_INET6, SOCK_DGRAM);
    WSAOVERLAPPED overlapped = {.hEvent = t_event_new()};
    DWORD got = 0, flags = 0;
    struct t_box box;

    (void)state;
    fill();
    assert_int_equal(size_set(there, UDP_RECV_MAX_COALESCED_SIZE, 250), 0);
    assert_int_equal(size_set(s, UDP_SEND_MSG_SIZE, 100), 0);
    assert_int_equal(t_sendto(s, bytes_out, 300, t_addr(AF_INET6, t_port(there))), 300);
    assert_int_equal(size_set(s, UDP_SEND_MSG_SIZE, 0), 0);
    assert_int_equal(t_sendto(s, bytes_out, 400, t_addr(AF_INET6, t_port(there))), 400);
    assert_int_equal(t_sendto(s, bytes_out, 0, t_addr(AF_INET6, t_port(there))), 0);
    assert_int_equal(t_sendto(s, bytes_out, 10, t_addr(AF_INET6, t_port(there))), 10);
    queued(there, 710);
    box_for_all(&box, in, sizeof in);
    box.msg.name = NULL;
    assert_int_equal(t_recv_msg(there, &box.msg, NULL, &overlapped, NULL), 0);
    assert_true(t_spi.lpWSPGetOverlappedResult(there, &overlapped, &got, TRUE, &flags, &t_err));
    assert_int_equal(got, 200);
    assert_int_equal(t_number_of(&box, IPPROTO_UDP, UDP_COALESCED_INFO), 100);
    assert_int_equal(t_recv(there, in, sizeof in), 100);
    assert_int_equal(t_recv(there, in, sizeof in), 400);
    assert_int_equal(t_recv(there, in, sizeof in), 0);
    assert_int_equal(t_recv(there, in, sizeof in), 10);
    t_event_free(overlapped.hEvent);
    t_close(s);
    t_close(there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offload__options__whole_and_of_datagrams_only),
        cmocka_unit_test(offload__send_size__datagrams_of_it),
        cmocka_unit_test(offload__send_size_by_control__overrides),
        cmocka_unit_test(offload__send_size__largest_sum),
        cmocka_unit_test(offload__merge__told_with_the_size_and_the_first_ones_facts),
        cmocka_unit_test(offload__merge__no_room_to_tell_one_datagram),
        cmocka_unit_test(offload__merge__limit_empty_and_overlapped),
    };
    return cmocka_run_group_tests_name("spi_offload", tests, t_message_start, t_host_stop);
}
