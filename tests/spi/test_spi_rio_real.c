/** @file Registered I/O over the real stack alone: dual-stack sockets, options and wishes as the wire's other end sees them. */
#include "t_rio.h"

#include <string.h>

#define CONTEXT(n) ((PVOID)(uintptr_t)(n))
#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE 2
#define UDP_RECV_MAX_COALESCED_SIZE 3
#endif
#ifndef UDP_COALESCED_INFO
#define UDP_COALESCED_INFO 3
#endif

struct ends {
    SOCKET a, b; /* both have queue pairs */
    RIO_CQ cq_a, cq_b;
    RIO_RQ rq_a, rq_b;
    RIO_BUF to_b;
};

static struct ends ends_open(void)
{
    struct ends ends = {
        .a = t_rio_bound(AF_INET), .b = t_rio_bound(AF_INET), .cq_a = t_rio_cq(32), .cq_b = t_rio_cq(32)};

    ends.rq_a = t_rio_rq(ends.a, 8, 8, ends.cq_a, 0);
    ends.rq_b = t_rio_rq(ends.b, 8, 8, ends.cq_b, 0);
    ends.to_b = t_rio_name(T_RIO_REGION - 64, t_addr(AF_INET, t_port(ends.b)));
    return ends;
}

static void ends_close(struct ends *ends)
{
    t_close(ends->a);
    t_close(ends->b);
    t_rio.RIOCloseCompletionQueue(ends->cq_a);
    t_rio.RIOCloseCompletionQueue(ends->cq_b);
}

/* A number among the control messages of a slice; -1: there is none. */
static int control_number(ULONG offset, int level, int type)
{
    ULONG total, at = T_RIO_BASE;
    WSACMSGHDR header;
    int value = -1;

    memcpy(&total, t_rio_region + offset, sizeof total);
    while (at + sizeof header <= total) {
        memcpy(&header, t_rio_region + offset + at, sizeof header);
        if (header.cmsg_level == level && header.cmsg_type == type)
            memcpy(&value, t_rio_region + offset + at + sizeof header, sizeof value);
        at += ((ULONG)header.cmsg_len + (ULONG)sizeof(size_t) - 1) & ~(ULONG)(sizeof(size_t) - 1);
    }
    return value;
}

/* Receive what the send gives and return the TTL that it came with. */
static int ends_ttl(struct ends *ends, RIO_BUF *wish)
{
    RIO_BUF data = t_rio_slice(0, 64), control = t_rio_slice(512, 256), from = t_rio_slice(2048, 4);

    assert_true(t_rio.RIOReceiveEx(ends->rq_b, &data, 1, NULL, NULL, &control, NULL, 0, CONTEXT(1)));
    assert_true(t_rio.RIOSendEx(ends->rq_a, &from, 1, NULL, &ends->to_b, wish, NULL, 0, CONTEXT(2)));
    t_rio_expect(ends->cq_a, 2, 0, 4);
    t_rio_expect(ends->cq_b, 1, 0, 4);
    return control_number(512, IPPROTO_IP, IP_TTL);
}

static void options_and_wishes__ttl__the_receiver_sees_it(void **state)
{
    struct ends ends = ends_open();
    WSACMSGHDR header = {.cmsg_len = sizeof header + sizeof(int), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL};
    RIO_BUF wish = t_rio_slice(4096, 64);
    ULONG total = (ULONG)(T_RIO_BASE + header.cmsg_len);
    int ttl = 33;

    (void)state;
    assert_int_equal(t_option_set(ends.b, IPPROTO_IP, IP_RECVTTL, 1), 0);
    assert_int_equal(ends_ttl(&ends, NULL), 128);
    assert_int_equal(t_option_set(ends.a, IPPROTO_IP, IP_TTL, 77), 0); /* RIOX-115 */
    assert_int_equal(ends_ttl(&ends, NULL), 77);
    memcpy(t_rio_region + 4096, &total, sizeof total);
    memcpy(t_rio_region + 4096 + T_RIO_BASE, &header, sizeof header);
    memcpy(t_rio_region + 4096 + T_RIO_BASE + sizeof header, &ttl, sizeof ttl);
    assert_int_equal(ends_ttl(&ends, &wish), 33); /* RIOX-131 */
    assert_int_equal(ends_ttl(&ends, NULL), 77);
    ends_close(&ends);
}

static void send__cut_into_datagrams__each_is_received(void **state)
{
    struct ends ends = ends_open();
    WSACMSGHDR header = {
        .cmsg_len = sizeof header + sizeof(DWORD), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEND_MSG_SIZE};
    RIO_BUF wish = t_rio_slice(4096, 64), from = t_rio_slice(8192, 250);
    ULONG total = (ULONG)(T_RIO_BASE + header.cmsg_len);
    DWORD part = 100;

    (void)state;
    for (unsigned i = 0; i < 250; i++)
        t_rio_region[8192 + i] = (char)i;
    memcpy(t_rio_region + 4096, &total, sizeof total);
    memcpy(t_rio_region + 4096 + T_RIO_BASE, &header, sizeof header);
    memcpy(t_rio_region + 4096 + T_RIO_BASE + sizeof header, &part, sizeof part);
    for (unsigned i = 0; i < 3; i++) {
        RIO_BUF data = t_rio_slice(i * 256, 256);

        assert_true(t_rio.RIOReceive(ends.rq_b, &data, 1, 0, CONTEXT(i)));
    }
    assert_true(t_rio.RIOSendEx(ends.rq_a, &from, 1, NULL, &ends.to_b, &wish, NULL, 0, CONTEXT(9)));
    t_rio_expect(ends.cq_a, 9, 0, 250);
    for (unsigned i = 0; i < 3; i++) {
        t_rio_expect(ends.cq_b, i, 0, i < 2 ? 100 : 50);
        assert_memory_equal(t_rio_region + (size_t)i * 256, t_rio_region + 8192 + (size_t)i * 100, i < 2 ? 100 : 50);
    }
    ends_close(&ends);
}

/* What waits in the ordinary queue is merged for a request as for a call. */
static void receive__merged_datagrams__told_as_for_a_call(void **state)
{
    struct ends ends = ends_open();
    RIO_BUF data = t_rio_slice(0, 4096), control = t_rio_slice(8192, 256);
    RIORESULT result;
    char text[100];

    (void)state;
    memset(text, 'm', sizeof text);
    assert_int_equal(t_option_set(ends.b, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, 4096), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(t_sendto(ends.a, text, i < 3 ? 100 : 40, t_addr(AF_INET, t_port(ends.b))), i < 3 ? 100 : 40);
    t_sleep_ms(30);
    assert_true(t_rio.RIOReceiveEx(ends.rq_b, &data, 1, NULL, NULL, &control, NULL, 0, CONTEXT(1)));
    t_rio_take(ends.cq_b, &result, 1);
    assert_int_equal(result.Status, 0);
    if (result.BytesTransferred > 100) { /* RIOX-124 */
        assert_int_equal(result.BytesTransferred, 340);
        assert_int_equal(control_number(8192, IPPROTO_UDP, UDP_COALESCED_INFO), 100);
    } else {
        assert_int_equal(result.BytesTransferred, 100); /* one datagram a request is as good: USO-15 */
    }
    ends_close(&ends);
}

static void dual__datagrams_of_ipv4__mapped_addresses(void **state)
{
    static const unsigned char mapped_loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    SOCKET dual = t_rio_socket(AF_INET6, SOCK_DGRAM), v4 = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6}, name;
    RIO_CQ cq = t_rio_cq(16);
    RIO_BUF data = t_rio_slice(0, 16), local = t_rio_slice(64, 28), remote = t_rio_slice(128, 28);
    char text[8];
    RIO_RQ rq;

    (void)state;
    assert_int_equal(t_option_set(dual, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    assert_int_equal(t_spi.lpWSPBind(dual, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    rq = t_rio_rq(dual, 4, 4, cq, 0);
    assert_true(t_rio.RIOReceiveEx(rq, &data, 1, &local, &remote, NULL, NULL, 0, CONTEXT(1)));
    assert_int_equal(t_sendto(v4, "ab", 2, t_addr(AF_INET, t_port(dual))), 2);
    t_rio_expect(cq, 1, 0, 2); /* RIOX-119 */
    memcpy(&name, t_rio_region + 128, sizeof name);
    assert_int_equal(name.sin6_family, AF_INET6);
    assert_memory_equal(&name.sin6_addr, mapped_loopback, 16);
    memcpy(&name, t_rio_region + 64, sizeof name);
    assert_int_equal(name.sin6_family, AF_INET6);
    assert_memory_equal(&name.sin6_addr, mapped_loopback, 16);
    data.Length = 2;
    assert_true(t_rio.RIOSendEx(rq, &data, 1, NULL, &remote, NULL, NULL, 0, CONTEXT(2)));
    t_rio_expect(cq, 2, 0, 2);
    assert_int_equal(t_recvfrom(v4, text, sizeof text, NULL), 2);
    assert_memory_equal(text, "ab", 2);
    t_close(dual);
    t_close(v4);
    t_rio.RIOCloseCompletionQueue(cq);
}

#define T(name) cmocka_unit_test_setup(name, t_rio_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(options_and_wishes__ttl__the_receiver_sees_it),
        T(send__cut_into_datagrams__each_is_received),
        T(receive__merged_datagrams__told_as_for_a_call),
        T(dual__datagrams_of_ipv4__mapped_addresses),
    };

    return cmocka_run_group_tests(tests, t_rio_start, t_rio_stop);
}
