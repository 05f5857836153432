/** @file Registered I/O of datagrams: order, addresses, facts, deferring, and what ordinary calls see. */
#include "t_rio.h"

#include "wsp_private_abi.h"

#include <string.h>

#define AT(n) ((ULONG)(n)*2048) /* slices that do not overlap */
#define CONTEXT(n) ((PVOID)(uintptr_t)(n))

/* Two bound sockets; b has the queue pair. */
struct udp {
    int af;
    SOCKET a, b;
    RIO_CQ cq;
    RIO_RQ rq;
    RIO_BUF to_a; /* at the region's end */
};

static struct udp udp_open(int af)
{
    struct udp udp = {.af = af, .a = t_bound(af, SOCK_DGRAM), .b = t_rio_bound(af), .cq = t_rio_cq(64)};

    udp.rq = t_rio_rq(udp.b, 16, 16, udp.cq, 0xb0b);
    udp.to_a = t_rio_name(T_RIO_REGION - 64, t_addr(af, t_port(udp.a)));
    return udp;
}

static void udp_close(struct udp *udp)
{
    t_close(udp->a);
    t_close(udp->b);
    t_rio.RIOCloseCompletionQueue(udp->cq);
}

static void udp_put(struct udp *udp, const char *text)
{
    assert_int_equal(t_sendto(udp->a, text, strlen(text), t_addr(udp->af, t_port(udp->b))), strlen(text));
}

static void udp_receive(struct udp *udp, RIO_BUF data, unsigned context)
{
    assert_true(t_rio.RIOReceive(udp->rq, &data, 1, 0, CONTEXT(context)));
}

static BOOL udp_send(struct udp *udp, RIO_BUF data, DWORD flags, unsigned context)
{
    return t_rio.RIOSendEx(udp->rq, &data, 1, NULL, &udp->to_a, NULL, NULL, flags, CONTEXT(context));
}

static void udp_got(struct udp *udp, const char *text)
{
    char got[64];
    int size = t_recvfrom(udp->a, got, sizeof got, NULL);

    assert_int_equal(size, strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

/* --- Receiving ------------------------------------------------------------------ */

static void receive__several__in_order_one_datagram_each(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    static const char *const texts[] = {"one", "second", "3"};
    RIORESULT result;

    (void)state;
    for (int f = 0; f < 2; f++) {
        struct udp udp = udp_open(families[f]);

        for (unsigned i = 0; i < 3; i++)
            udp_receive(&udp, t_rio_slice(AT(i), 100), i);
        for (unsigned i = 0; i < 3; i++)
            udp_put(&udp, texts[i]);
        for (unsigned i = 0; i < 3; i++) {
            t_rio_take(udp.cq, &result, 1);
            assert_int_equal(result.RequestContext, i);
            assert_int_equal(result.SocketContext, 0xb0b);
            assert_int_equal(result.Status, 0);
            assert_int_equal(result.BytesTransferred, strlen(texts[i]));
            assert_memory_equal(t_rio_region + AT(i), texts[i], strlen(texts[i]) + 1);
        }
        udp_close(&udp);
    }
}

static void receive__longer_than_the_slice__msgsize_and_the_start(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF data = t_rio_slice(0, 4), flags = t_rio_slice(64, 4);
    DWORD told = 0xdead;

    (void)state;
    memcpy(t_rio_region + 64, &told, sizeof told);
    assert_true(t_rio.RIOReceiveEx(udp.rq, &data, 1, NULL, NULL, NULL, &flags, 0, CONTEXT(1)));
    udp_receive(&udp, t_rio_slice(128, 4), 2);
    udp_put(&udp, "12345678");
    udp_put(&udp, "next");
    t_rio_expect(udp.cq, 1, WSAEMSGSIZE, 4);
    t_rio_expect(udp.cq, 2, 0, 4);
    assert_memory_equal(t_rio_region, "1234\0\0\0", 8);
    assert_memory_equal(t_rio_region + 128, "next", 4); /* the rest was lost */
    memcpy(&told, t_rio_region + 64, sizeof told);
    assert_int_equal(told, MSG_TRUNC);
    udp_close(&udp);
}

static void receive__addresses__of_the_sender_and_the_own(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (int f = 0; f < 2; f++) {
        struct udp udp = udp_open(families[f]);
        size_t size = (size_t)t_addr_size(families[f]);
        RIO_BUF data = t_rio_slice(0, 64), local = t_rio_slice(101, 28), remote = t_rio_slice(203, 40);

        (void)t_rio_fresh(NULL);
        memset(t_rio_region + 101, 0x77, 28);
        assert_true(t_rio.RIOReceiveEx(udp.rq, &data, 1, &local, &remote, NULL, NULL, 0, CONTEXT(1)));
        udp_put(&udp, "who");
        t_rio_expect(udp.cq, 1, 0, 3);
        assert_memory_equal(t_rio_region + 101, t_addr(families[f], t_port(udp.b)), size);
        assert_memory_equal(t_rio_region + 203, t_addr(families[f], t_port(udp.a)), size);
        udp_close(&udp);
    }
}

/* The first control message of a slice. */
static ULONG control_total(ULONG offset)
{
    ULONG total;

    memcpy(&total, t_rio_region + offset, sizeof total);
    return total;
}

static void receive__control__whole_messages_and_the_total(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF data = t_rio_slice(0, 64), control = t_rio_slice(512, 128), flags = t_rio_slice(700, 4);
    const ULONG one = (ULONG)sizeof(WSACMSGHDR) + 8, base = T_RIO_BASE;
    WSACMSGHDR header;
    DWORD told;
    static const struct {
        ULONG room, messages; /* beside the base */
        DWORD flags;
    } rows[] = {{0, 0, MSG_CTRUNC},  {23, 0, MSG_CTRUNC}, {24, 1, MSG_CTRUNC},
                {47, 1, MSG_CTRUNC}, {48, 2, 0},          {64, 2, 0}};

    (void)state;
    assert_int_equal(base, sizeof(void *));
    assert_true(t_rio.RIOReceiveEx(udp.rq, &data, 1, NULL, NULL, &control, &flags, 0, CONTEXT(1)));
    udp_put(&udp, "plain");
    t_rio_expect(udp.cq, 1, 0, 5);
    assert_int_equal(control_total(512), base); /* nothing is asked for */
    assert_int_equal(t_option_set(udp.b, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(t_option_set(udp.b, IPPROTO_IP, IP_RECVTTL, 1), 0);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(t_rio_region + 512, 0xee, 128); /* RIOX-122 */
        control.Length = base + rows[i].room;
        assert_true(t_rio.RIOReceiveEx(udp.rq, &data, 1, NULL, NULL, &control, &flags, 0, CONTEXT(i)));
        udp_put(&udp, "facts");
        t_rio_expect(udp.cq, i, 0, 5);
        assert_int_equal(control_total(512), base + rows[i].messages * one);
        memcpy(&told, t_rio_region + 700, sizeof told);
        assert_int_equal(told, rows[i].flags);
        assert_int_equal((unsigned char)t_rio_region[512 + control.Length], 0xee);
        if (rows[i].messages == 0)
            continue;
        memcpy(&header, t_rio_region + 512 + base, sizeof header);
        assert_int_equal(header.cmsg_level, IPPROTO_IP);
        assert_int_equal(header.cmsg_type, IP_PKTINFO);
        assert_memory_equal(t_rio_region + 512 + base + sizeof header, "\177\0\0\1", 4);
    }
    udp_close(&udp);
}

static void receive__nothing_and_no_memory__datagrams_are_taken(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF remote = t_rio_slice(64, 28), empty = t_rio_slice(0, 0);

    (void)state;
    assert_true(t_rio.RIOReceiveEx(udp.rq, NULL, 0, NULL, &remote, NULL, NULL, 0, CONTEXT(1))); /* RIOX-85 */
    udp_receive(&udp, t_rio_slice(0, 16), 2);
    assert_true(t_rio.RIOReceive(udp.rq, &empty, 1, 0, CONTEXT(3)));
    udp_put(&udp, "lost");
    udp_put(&udp, ""); /* RIOX-88 */
    udp_put(&udp, "");
    t_rio_expect(udp.cq, 1, 0, 0);
    t_rio_expect(udp.cq, 2, 0, 0);
    t_rio_expect(udp.cq, 3, 0, 0);
    assert_memory_equal(t_rio_region + 64, t_addr(AF_INET, t_port(udp.a)), sizeof(SOCKADDR_IN));
    assert_int_equal(t_rio_region[0], 0);
    udp_close(&udp);
}

static void receive__posted_late__takes_what_waits(void **state)
{
    struct udp udp = udp_open(AF_INET);
    char text[8];

    (void)state;
    udp_put(&udp, "a");
    udp_put(&udp, "b");
    udp_put(&udp, "c");
    t_sleep_ms(20);
    udp_receive(&udp, t_rio_slice(0, 8), 1); /* RIOX-110 */
    t_rio_expect(udp.cq, 1, 0, 1);
    assert_int_equal(t_rio_region[0], 'a');
    assert_int_equal(t_recvfrom(udp.b, text, sizeof text, NULL), 1); /* RIOX-113 */
    assert_int_equal(text[0], 'b');
    udp_receive(&udp, t_rio_slice(8, 8), 2);
    t_rio_expect(udp.cq, 2, 0, 1);
    assert_int_equal(t_rio_region[8], 'c');
    udp_close(&udp);
}

static void receive__unreachable_port__is_not_told(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF data = t_rio_slice(0, 8);
    BOOL on = TRUE;
    DWORD returned;

    (void)state;
    assert_int_equal(
        t_spi.lpWSPIoctl(udp.b, SIO_UDP_CONNRESET, &on, sizeof on, NULL, 0, &returned, NULL, NULL, NULL, &t_err), 0);
    udp_receive(&udp, t_rio_slice(64, 8), 1);
    t_close(udp.a);
    assert_true(udp_send(&udp, data, 0, 2));
    t_rio_expect(udp.cq, 2, 0, 8);
    t_rio_quiet(udp.cq);
    udp_receive(&udp, t_rio_slice(128, 8), 3);
    udp.a = t_bound(AF_INET, SOCK_DGRAM);
    udp_put(&udp, "alive");
    t_rio_expect(udp.cq, 1, 0, 5);
    udp_put(&udp, "still");
    t_rio_expect(udp.cq, 3, 0, 5);
    udp_close(&udp);
}

static void receive__limits_changed_in_use__order_and_addresses_stay(void **state)
{
    struct udp udp = udp_open(AF_INET);
    SOCKADDR_IN from;
    ULONG posted = 0, max = 16;
    char text[16];

    (void)state;
    memcpy(&from, t_addr(AF_INET, t_port(udp.a)), sizeof from);
    assert_true(t_rio.RIOResizeCompletionQueue(udp.cq, 512));
    while (max < 200) {
        for (; posted < max; posted++) {
            RIO_BUF data = t_rio_slice(posted * 32, 4), remote = t_rio_slice(8192 + posted * 32, 28);

            assert_true(t_rio.RIOReceiveEx(udp.rq, &data, 1, NULL, &remote, NULL, NULL, 0, CONTEXT(posted)));
        }
        max = max * 2 + 3;
        assert_true(t_rio.RIOResizeRequestQueue(udp.rq, max, 16));
    }
    t_rio_fails(t_rio.RIOResizeRequestQueue(udp.rq, posted - 1, 16), WSAETOOMANYREFS);
    for (ULONG i = 0; i < posted; i++) {
        text[0] = (char)i;
        assert_int_equal(t_sendto(udp.a, text, 1, t_addr(AF_INET, t_port(udp.b))), 1);
        t_rio_expect(udp.cq, i, 0, 1);
        assert_int_equal(t_rio_region[i * 32], (char)i);
        assert_memory_equal(t_rio_region + 8192 + i * 32, &from, sizeof from);
    }
    assert_true(t_rio.RIOResizeRequestQueue(udp.rq, 1, 1));
    udp_receive(&udp, t_rio_slice(0, 4), 1);
    udp_put(&udp, "end");
    t_rio_expect(udp.cq, 1, 0, 3);
    udp_close(&udp);
}

/* --- Sending -------------------------------------------------------------------- */

static void send__one_slice_many_times__all_leave(void **state)
{
    struct udp udp = udp_open(AF_INET6);

    (void)state;
    memcpy(t_rio_region, "same", 4);
    for (unsigned i = 0; i < 8; i++)
        assert_true(udp_send(&udp, t_rio_slice(0, 4), 0, i)); /* RIOX-27 */
    for (unsigned i = 0; i < 8; i++)
        t_rio_expect(udp.cq, i, 0, 4); /* RIOX-102 */
    for (unsigned i = 0; i < 8; i++)
        udp_got(&udp, "same");
    udp_close(&udp);
}

static void send__connected__peer_or_another_destination(void **state)
{
    struct udp udp = udp_open(AF_INET);
    SOCKET c = t_bound(AF_INET, SOCK_DGRAM);
    RIO_BUF data = t_rio_slice(0, 4), to_c = t_rio_name(1024, t_addr(AF_INET, t_port(c)));
    char text[8];

    (void)state;
    assert_int_equal(
        t_spi.lpWSPConnect(udp.b, t_addr(AF_INET, t_port(udp.a)), t_addr_size(AF_INET), NULL, NULL, NULL, NULL, &t_err),
        0);
    memcpy(t_rio_region, "peer", 4);
    assert_true(t_rio.RIOSend(udp.rq, &data, 1, 0, CONTEXT(1)));
    t_rio_expect(udp.cq, 1, 0, 4);
    udp_got(&udp, "peer");
    assert_true(t_rio.RIOSendEx(udp.rq, &data, 1, NULL, &to_c, NULL, NULL, 0, CONTEXT(2))); /* RIOX-129 */
    t_rio_expect(udp.cq, 2, 0, 4);
    assert_int_equal(t_recvfrom(c, text, sizeof text, NULL), 4);
    t_close(c);
    udp_close(&udp);
}

static void send__nothing__empty_datagrams(void **state)
{
    struct udp udp = udp_open(AF_INET);

    (void)state;
    assert_true(t_rio.RIOSendEx(udp.rq, NULL, 0, NULL, &udp.to_a, NULL, NULL, 0, CONTEXT(1))); /* RIOX-86 */
    assert_true(udp_send(&udp, t_rio_slice(0, 0), 0, 2));
    t_rio_expect(udp.cq, 1, 0, 0);
    t_rio_expect(udp.cq, 2, 0, 0);
    udp_got(&udp, "");
    udp_got(&udp, "");
    udp_close(&udp);
}

static void send__structures_on_the_stack__are_read_during_the_call(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF *data = &(RIO_BUF){.BufferId = t_rio_id, .Offset = 0, .Length = 4};
    RIO_BUF to = udp.to_a;

    (void)state;
    memcpy(t_rio_region, "kept", 4);
    assert_true(t_rio.RIOSendEx(udp.rq, data, 1, NULL, &to, NULL, NULL, RIO_MSG_DEFER, CONTEXT(1)));
    memset(data, 0xff, sizeof *data); /* RIOX-24 */
    memset(&to, 0xff, sizeof to);
    assert_true(t_rio.RIOSend(udp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
    t_rio_expect(udp.cq, 1, 0, 4);
    udp_got(&udp, "kept");
    udp_close(&udp);
}

static void receive__structures_on_the_stack__are_read_during_the_call(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF data = t_rio_slice(AT(1), 100), remote = t_rio_slice(AT(2), sizeof(SOCKADDR_INET));
    RIO_BUF control = t_rio_slice(AT(3), 256), flags = t_rio_slice(AT(4), sizeof(DWORD)),
            plain = t_rio_slice(AT(5), 50);
    DWORD told = 77;
    SOCKADDR_IN from;

    (void)state;
    memset(t_rio_region + AT(1), 0, AT(5));
    memcpy(t_rio_region + AT(4), &told, sizeof told);
    assert_true(t_rio.RIOReceiveEx(udp.rq, &data, 1, NULL, &remote, &control, &flags, RIO_MSG_DEFER, CONTEXT(1)));
    assert_true(t_rio.RIOReceive(udp.rq, &plain, 1, RIO_MSG_DEFER, CONTEXT(2)));
    memset(&data, 0xff, sizeof data); /* RIOX-24: gone before the request began */
    memset(&remote, 0xff, sizeof remote);
    memset(&control, 0xff, sizeof control);
    memset(&flags, 0xff, sizeof flags);
    memset(&plain, 0xff, sizeof plain);
    assert_true(t_rio.RIOReceive(udp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
    udp_put(&udp, "first");
    udp_put(&udp, "second");
    t_rio_expect(udp.cq, 1, 0, 5);
    t_rio_expect(udp.cq, 2, 0, 6);
    assert_memory_equal(t_rio_region + AT(1), "first", 5);
    assert_memory_equal(t_rio_region + AT(5), "second", 6);
    memcpy(&from, t_rio_region + AT(2), sizeof from);
    assert_int_equal(from.sin_port, ((const SOCKADDR_IN *)(const void *)t_addr(AF_INET, t_port(udp.a)))->sin_port);
    memcpy(&told, t_rio_region + AT(4), sizeof told);
    assert_int_equal(told, 0);
    udp_close(&udp);
}

/* --- Deferring ------------------------------------------------------------------ */

static void defer__committed__in_order_and_no_completion_of_its_own(void **state)
{
    struct udp udp = udp_open(AF_INET);

    (void)state;
    memcpy(t_rio_region, "abc", 3);
    assert_true(t_rio.RIOSend(udp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL)); /* nothing was deferred: RIOX-92 */
    assert_true(t_rio.RIOReceive(udp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
    for (unsigned i = 0; i < 3; i++)
        assert_true(udp_send(&udp, t_rio_slice(i, 1), RIO_MSG_DEFER, i));
    assert_true(t_rio.RIOReceive(udp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL)); /* the other direction's */
    assert_true(t_rio.RIOSend(udp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
    assert_true(t_rio.RIOSend(udp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL)); /* twice */
    for (unsigned i = 0; i < 3; i++)
        t_rio_expect(udp.cq, i, 0, 1); /* RIOX-95 */
    t_rio_quiet(udp.cq);
    udp_got(&udp, "a");
    udp_got(&udp, "b");
    udp_got(&udp, "c");
    udp_close(&udp);
}

static void defer__next_ordinary_request__starts_what_is_before_it(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF data = t_rio_slice(512, 8);

    (void)state;
    memcpy(t_rio_region, "xyz", 3);
    assert_true(udp_send(&udp, t_rio_slice(0, 1), RIO_MSG_DEFER, 1));
    assert_true(udp_send(&udp, t_rio_slice(1, 1), RIO_MSG_DEFER, 2));
    assert_true(udp_send(&udp, t_rio_slice(2, 1), 0, 3)); /* RIOX-93 */
    for (unsigned i = 1; i <= 3; i++)
        t_rio_expect(udp.cq, i, 0, 1);
    udp_got(&udp, "x");
    udp_got(&udp, "y");
    udp_got(&udp, "z");
    assert_true(t_rio.RIOReceive(udp.rq, &data, 1, RIO_MSG_DEFER, CONTEXT(4)));
    data.Offset += 8;
    assert_true(t_rio.RIOReceive(udp.rq, &data, 1, RIO_MSG_DEFER, CONTEXT(5)));
    data.Offset += 8;
    assert_true(t_rio.RIOReceive(udp.rq, &data, 1, 0, CONTEXT(6)));
    for (unsigned i = 4; i <= 6; i++) {
        udp_put(&udp, "r");
        t_rio_expect(udp.cq, i, 0, 1);
        assert_int_equal(t_rio_region[512 + 8 * (i - 4)], 'r');
    }
    udp_close(&udp);
}

static void defer__counted_and_closed__they_are_aborted(void **state)
{
    struct udp udp = udp_open(AF_INET);
    RIO_BUF data = t_rio_slice(0, 4);

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        assert_true(t_rio.RIOReceive(udp.rq, &data, 1, RIO_MSG_DEFER, CONTEXT(i)));
    t_rio_fails(t_rio.RIOReceive(udp.rq, &data, 1, RIO_MSG_DEFER, NULL), WSAENOBUFS); /* RIOX-60 */
    t_close(udp.b);
    for (unsigned i = 0; i < 16; i++)
        t_rio_expect(udp.cq, i, WSA_OPERATION_ABORTED, 0); /* RIOX-96 */
    t_close(udp.a);
    t_rio.RIOCloseCompletionQueue(udp.cq);
}

struct committer {
    RIO_RQ rq;
    _Atomic bool stop;
};

static void *commit_rounds(void *arg)
{
    struct committer *committer = arg;

    while (!committer->stop) {
        if (!t_rio.RIOSend(committer->rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL))
            return committer;
        t_sleep_ms(1);
    }
    return NULL;
}

static void defer__another_thread_commits__all_leave_once(void **state)
{
    struct udp udp = udp_open(AF_INET);
    struct committer committer = {.rq = udp.rq};
    struct t_task task;
    unsigned next = 0, done = 0, got = 0;
    RIORESULT results[16];
    char text[8];

    (void)state;
    t_task_start(&task, commit_rounds, &committer); /* RIOX-79 */
    assert_int_equal(t_nonblocking(udp.a, true), 0);
    for (uint64_t until = t_now_ms() + 10000; done < 1000;) {
        ULONG taken;

        if (next < 1000 && next - done < 16) {
            t_rio_region[next % 16] = (char)next;
            assert_true(udp_send(&udp, t_rio_slice(next % 16, 1), RIO_MSG_DEFER, next));
            next++;
        }
        taken = t_rio.RIODequeueCompletion(udp.cq, results, 16);
        assert_true(taken <= 16);
        for (ULONG i = 0; i < taken; i++)
            assert_int_equal(results[i].RequestContext, done + i);
        done += taken;
        for (; t_recvfrom(udp.a, text, sizeof text, NULL) == 1; got++)
            assert_int_equal(text[0], (char)got);
        assert_true(t_now_ms() < until);
    }
    committer.stop = true;
    t_task_join(&task);
    udp_close(&udp);
}

/* --- Beside ordinary calls ---------------------------------------------------------- */

static void beside__cancel_ports_and_modes__requests_are_untouched(void **state)
{
    struct udp udp = udp_open(AF_INET);
    struct wsp_cancel_abi all = {.scope = WSP_CANCEL_ALL};
    unsigned completed = t_completions();
    uint32_t taken = 7;
    DWORD returned;

    (void)state;
    assert_int_equal(t_nonblocking(udp.b, true), 0); /* RIOX-111 */
    assert_int_equal(t_spi.lpWSPIoctl(udp.b, WSP_IOCTL_PORT, NULL, 0, NULL, 0, &returned, NULL, NULL, NULL, &t_err), 0);
    udp_receive(&udp, t_rio_slice(0, 8), 1);
    assert_int_equal(t_spi.lpWSPIoctl(udp.b, WSP_IOCTL_CANCEL, &all, sizeof all, &taken, sizeof taken, &returned, NULL,
                                      NULL, NULL, &t_err),
                     0);
    assert_int_equal(taken, 0); /* RIOX-81 */
    t_rio_quiet(udp.cq);
    udp_put(&udp, "on");
    t_rio_expect(udp.cq, 1, 0, 2);
    assert_int_equal(t_completions(), completed); /* RIOX-112 */
    udp_close(&udp);
}

static void *post_one(void *arg)
{
    struct udp *udp = arg;
    RIO_BUF data = t_rio_slice(0, 8);

    return t_rio.RIOReceive(udp->rq, &data, 1, 0, CONTEXT(1)) ? arg : NULL;
}

static void beside__thread_ends__its_requests_live(void **state)
{
    struct udp udp = udp_open(AF_INET);
    struct t_task task;

    (void)state;
    t_task_start(&task, post_one, &udp);
    t_task_join(&task);
    t_rio_quiet(udp.cq); /* RIOX-80 */
    udp_put(&udp, "here");
    t_rio_expect(udp.cq, 1, 0, 4);
    udp_close(&udp);
}

static void beside__select__sees_what_no_request_took(void **state)
{
    struct udp udp = udp_open(AF_INET);
    TIMEVAL at_once = {0, 20000};
    fd_set reading;

    (void)state;
    udp_receive(&udp, t_rio_slice(0, 8), 1);
    udp_put(&udp, "taken");
    t_rio_expect(udp.cq, 1, 0, 5);
    reading = (fd_set){.fd_count = 1, .fd_array = {udp.b}};
    assert_int_equal(t_spi.lpWSPSelect(0, &reading, NULL, NULL, &at_once, &t_err), 0); /* RIOX-114 */
    udp_put(&udp, "left");
    at_once.tv_sec = 5;
    reading = (fd_set){.fd_count = 1, .fd_array = {udp.b}};
    assert_int_equal(t_spi.lpWSPSelect(0, &reading, NULL, NULL, &at_once, &t_err), 1);
    udp_close(&udp);
}

static void beside__many_queues__share_completion_queues(void **state)
{
    struct udp one = udp_open(AF_INET), two = udp_open(AF_INET6);
    SOCKET sockets[10];
    RIO_RQ queues[10];
    RIO_CQ receives = t_rio_cq(20), sends = t_rio_cq(10);
    RIO_BUF data = t_rio_slice(0, 4);
    uint32_t seen = 0;

    (void)state;
    for (uintptr_t i = 0; i < 10; i++) { /* RIOX-39 */
        sockets[i] = t_rio_bound(AF_INET);
        queues[i] = t_rio.RIOCreateRequestQueue(sockets[i], 2, 1, 1, 1, receives, sends, CONTEXT(50 + i));
        assert_true(queues[i] != RIO_INVALID_RQ);
        assert_true(t_rio.RIOReceive(queues[i], &data, 1, 0, CONTEXT(i)));
    }
    for (uintptr_t i = 0; i < 10; i++)
        assert_int_equal(t_sendto(one.a, "ping", 4, t_addr(AF_INET, t_port(sockets[9 - i]))), 4);
    for (int i = 0; i < 10; i++) {
        RIORESULT result;

        t_rio_take(receives, &result, 1);
        assert_int_equal(result.SocketContext, 50 + result.RequestContext); /* RIOX-54 */
        seen |= 1u << result.RequestContext;
    }
    assert_int_equal(seen, 0x3ff);
    t_rio_quiet(sends);
    for (int i = 0; i < 10; i++)
        t_close(sockets[i]);
    t_rio.RIOCloseCompletionQueue(receives);
    t_rio.RIOCloseCompletionQueue(sends);
    udp_close(&one);
    udp_close(&two);
}

#define T(name) cmocka_unit_test_setup(name, t_rio_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(receive__several__in_order_one_datagram_each),
        T(receive__longer_than_the_slice__msgsize_and_the_start),
        T(receive__addresses__of_the_sender_and_the_own),
        T(receive__control__whole_messages_and_the_total),
        T(receive__nothing_and_no_memory__datagrams_are_taken),
        T(receive__posted_late__takes_what_waits),
        T(receive__unreachable_port__is_not_told),
        T(receive__limits_changed_in_use__order_and_addresses_stay),
        T(send__one_slice_many_times__all_leave),
        T(send__connected__peer_or_another_destination),
        T(send__nothing__empty_datagrams),
        T(send__structures_on_the_stack__are_read_during_the_call),
        T(receive__structures_on_the_stack__are_read_during_the_call),
        T(defer__committed__in_order_and_no_completion_of_its_own),
        T(defer__next_ordinary_request__starts_what_is_before_it),
        T(defer__counted_and_closed__they_are_aborted),
        T(defer__another_thread_commits__all_leave_once),
        T(beside__cancel_ports_and_modes__requests_are_untouched),
        T(beside__thread_ends__its_requests_live),
        T(beside__select__sees_what_no_request_took),
        T(beside__many_queues__share_completion_queues),
    };

    return cmocka_run_group_tests(tests, t_rio_start, t_rio_stop);
}
