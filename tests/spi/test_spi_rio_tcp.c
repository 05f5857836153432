/** @file Registered I/O of streams: order, waiting for all, ends of connections, sockets that change beneath it. */
#include "t_ext.h"
#include "t_rio.h"

#include <string.h>

#define CONTEXT(n) ((PVOID)(uintptr_t)(n))
#define RIO_FLAGS (WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO)

/* Two connected sockets; b has the queue pair. */
struct tcp {
    struct t_pair pair;
    RIO_CQ cq;
    RIO_RQ rq;
};

static struct tcp tcp_open(int af)
{
    struct tcp tcp = {.pair = t_pair_make(af, RIO_FLAGS), .cq = t_rio_cq(64)};

    tcp.rq = t_rio_rq(tcp.pair.b, 16, 16, tcp.cq, 0x7c9);
    return tcp;
}

static void tcp_close(struct tcp *tcp)
{
    t_pair_close(&tcp->pair);
    t_rio.RIOCloseCompletionQueue(tcp->cq);
}

static void tcp_receive(struct tcp *tcp, ULONG offset, ULONG length, DWORD flags, unsigned context)
{
    RIO_BUF data = t_rio_slice(offset, length);

    assert_true(t_rio.RIOReceive(tcp->rq, &data, 1, flags, CONTEXT(context)));
}

static void tcp_send(struct tcp *tcp, ULONG offset, ULONG length, DWORD flags, unsigned context)
{
    RIO_BUF data = t_rio_slice(offset, length);

    assert_true(t_rio.RIOSend(tcp->rq, &data, 1, flags, CONTEXT(context)));
}

static void tcp_put(struct tcp *tcp, const char *text)
{
    assert_int_equal(t_send(tcp->pair.a, text, strlen(text)), strlen(text));
}

static void tcp_got(struct tcp *tcp, const char *text)
{
    char got[128];
    size_t have = 0;

    while (have < strlen(text)) {
        int part = t_recv(tcp->pair.a, got + have, strlen(text) - have);

        assert_true(part > 0);
        have += (size_t)part;
    }
    assert_memory_equal(got, text, have);
}

static void receive__several__next_bytes_in_order(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (int f = 0; f < 2; f++) {
        struct tcp tcp = tcp_open(families[f]);

        for (unsigned i = 0; i < 4; i++)
            tcp_receive(&tcp, i * 16, 3, RIO_MSG_WAITALL, i);
        tcp_put(&tcp, "abcdefghijkl");
        for (unsigned i = 0; i < 4; i++) {
            t_rio_expect(tcp.cq, i, 0, 3);
            assert_memory_equal(t_rio_region + (size_t)i * 16, &"abcdefghijkl"[(size_t)i * 3], 3);
        }
        tcp_close(&tcp);
    }
}

static void receive__waitall__full_or_short_at_the_end(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);

    (void)state;
    tcp_receive(&tcp, 0, 10, RIO_MSG_WAITALL, 1);
    tcp_receive(&tcp, 64, 10, RIO_MSG_WAITALL, 2);
    tcp_receive(&tcp, 128, 10, RIO_MSG_WAITALL, 3);
    tcp_put(&tcp, "12345");
    t_rio_quiet(tcp.cq);
    tcp_put(&tcp, "67890abc");
    t_rio_expect(tcp.cq, 1, 0, 10);
    assert_memory_equal(t_rio_region, "1234567890", 10);
    t_rio_quiet(tcp.cq);
    assert_int_equal(t_spi.lpWSPShutdown(tcp.pair.a, SD_SEND, &t_err), 0);
    t_rio_expect(tcp.cq, 2, 0, 3); /* RIOX-98 */
    assert_memory_equal(t_rio_region + 64, "abc", 3);
    t_rio_expect(tcp.cq, 3, 0, 0);
    tcp_close(&tcp);
}

static void receive__without_waitall__what_is_there(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);

    (void)state;
    tcp_receive(&tcp, 0, 1000, 0, 1);
    tcp_put(&tcp, "part");
    t_rio_expect(tcp.cq, 1, 0, 4);
    tcp_put(&tcp, "waits");
    t_sleep_ms(20);
    tcp_receive(&tcp, 0, 2, 0, 2); /* RIOX-110 */
    tcp_receive(&tcp, 16, 100, 0, 3);
    t_rio_expect(tcp.cq, 2, 0, 2);
    t_rio_expect(tcp.cq, 3, 0, 3);
    assert_memory_equal(t_rio_region, "wa", 2);
    assert_memory_equal(t_rio_region + 16, "its", 3);
    tcp_close(&tcp);
}

static void receive__no_length__tells_of_data_and_takes_none(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);

    (void)state;
    tcp_receive(&tcp, 0, 0, 0, 1); /* RIOX-89 */
    t_rio_quiet(tcp.cq);
    tcp_put(&tcp, "data");
    t_rio_expect(tcp.cq, 1, 0, 0);
    tcp_receive(&tcp, 0, 16, 0, 2);
    t_rio_expect(tcp.cq, 2, 0, 4);
    tcp_send(&tcp, 0, 0, 0, 3);
    t_rio_expect(tcp.cq, 3, 0, 0);
    tcp_receive(&tcp, 0, 0, 0, 4);
    assert_int_equal(t_spi.lpWSPShutdown(tcp.pair.a, SD_SEND, &t_err), 0);
    t_rio_expect(tcp.cq, 4, 0, 0);
    tcp_close(&tcp);
}

static void receive__fin__nothing_with_success(void **state)
{
    struct tcp tcp = tcp_open(AF_INET6);

    (void)state;
    tcp_receive(&tcp, 0, 16, 0, 1);
    tcp_receive(&tcp, 0, 16, 0, 2);
    assert_int_equal(t_spi.lpWSPShutdown(tcp.pair.a, SD_SEND, &t_err), 0);
    t_rio_expect(tcp.cq, 1, 0, 0);
    t_rio_expect(tcp.cq, 2, 0, 0);
    tcp_receive(&tcp, 0, 16, 0, 3); /* RIOX-104 */
    t_rio_expect(tcp.cq, 3, 0, 0);
    memcpy(t_rio_region, "half", 4);
    tcp_send(&tcp, 0, 4, 0, 4); /* the other half is open */
    t_rio_expect(tcp.cq, 4, 0, 4);
    tcp_got(&tcp, "half");
    tcp_close(&tcp);
}

/* A later submission says the same, at once or later: RIOX-105. */
static void assert_ended(struct tcp *tcp)
{
    RIO_BUF data = t_rio_slice(0, 16);
    RIORESULT result;
    int code = 0;

    if (t_rio.RIOSend(tcp->rq, &data, 1, 0, CONTEXT(99))) {
        t_rio_take(tcp->cq, &result, 1);
        code = result.Status;
    } else {
        code = t_last_error();
    }
    assert_true(code == WSAECONNRESET || code == WSAECONNABORTED);
}

static void receive__reset__connreset(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    (void)state;
    tcp_receive(&tcp, 0, 16, 0, 1);
    tcp_receive(&tcp, 0, 16, RIO_MSG_WAITALL, 2);
    assert_int_equal(t_spi.lpWSPSetSockOpt(tcp.pair.a, SOL_SOCKET, SO_LINGER, (const char *)&none, sizeof none, &t_err),
                     0);
    t_close(tcp.pair.a);
    t_rio_expect(tcp.cq, 1, WSAECONNRESET, 0);
    t_rio_expect(tcp.cq, 2, WSAECONNRESET, 0);
    assert_ended(&tcp);
    t_close(tcp.pair.b);
    t_rio.RIOCloseCompletionQueue(tcp.cq);
}

/* More than both buffers hold: the peer does not read. */
static void fill(struct tcp *tcp, unsigned *posted)
{
    while (*posted < 16)
        tcp_send(tcp, 0, T_RIO_REGION, 0, (*posted)++);
}

static void send__stalled_peer__completes_when_it_reads(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);
    static char got[T_RIO_REGION];
    unsigned posted = 0, done = 0;
    uint64_t bytes = 0;
    RIORESULT results[16];

    (void)state;
    for (unsigned i = 0; i < T_RIO_REGION; i++)
        t_rio_region[i] = (char)(i * 7);
    fill(&tcp, &posted);
    t_sleep_ms(50);
    while (bytes < 16 * (uint64_t)T_RIO_REGION) {
        int part = t_recv(tcp.pair.a, got, sizeof got);

        assert_true(part > 0);
        for (int i = 0; i < part; i++)
            if (got[i] != (char)((bytes + (unsigned)i) % T_RIO_REGION * 7))
                fail_msg("byte %llu", (unsigned long long)bytes + (unsigned)i);
        bytes += (unsigned)part;
    }
    while (done < posted) {
        t_rio_take(tcp.cq, results, 1);
        assert_int_equal(results[0].RequestContext, done); /* RIOX-102 */
        assert_int_equal(results[0].Status, 0);
        assert_int_equal(results[0].BytesTransferred, T_RIO_REGION); /* RIOX-103 */
        done++;
    }
    tcp_close(&tcp);
}

static void send__reset__connreset(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    unsigned posted = 0, ended = 0;
    RIORESULT result;

    (void)state;
    fill(&tcp, &posted);
    assert_int_equal(t_spi.lpWSPSetSockOpt(tcp.pair.a, SOL_SOCKET, SO_LINGER, (const char *)&none, sizeof none, &t_err),
                     0);
    t_close(tcp.pair.a);
    for (unsigned i = 0; i < posted; i++) {
        t_rio_take(tcp.cq, &result, 1);
        assert_int_equal(result.RequestContext, i);
        ended += result.Status == WSAECONNRESET;
        assert_true(result.Status == WSAECONNRESET || (ended == 0 && result.Status == 0));
    }
    assert_true(ended > 0);
    assert_ended(&tcp);
    t_close(tcp.pair.b);
    t_rio.RIOCloseCompletionQueue(tcp.cq);
}

static void close__requests_outstanding__all_are_aborted_once(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);
    unsigned posted = 0, aborted = 0;
    uint32_t receives = 0;
    RIORESULT result;

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        tcp_receive(&tcp, 0, 16, i % 2 ? RIO_MSG_WAITALL : 0, 100 + i);
    fill(&tcp, &posted);
    t_close(tcp.pair.b); /* RIOX-107 */
    for (unsigned i = 0; i < 32; i++) {
        t_rio_take(tcp.cq, &result, 1);
        if (result.RequestContext >= 100) {
            receives |= 1u << (result.RequestContext - 100);
            assert_int_equal(result.Status, WSA_OPERATION_ABORTED);
        } else {
            assert_true(result.Status == WSA_OPERATION_ABORTED || result.Status == 0);
        }
        aborted += result.Status == WSA_OPERATION_ABORTED;
    }
    assert_int_equal(receives, 0xffff);
    assert_true(aborted >= 16);
    t_rio_quiet(tcp.cq);
    t_close(tcp.pair.a);
    t_rio.RIOCloseCompletionQueue(tcp.cq);
}

static void beside__ordinary_sends__each_call_stays_whole(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);

    (void)state;
    memcpy(t_rio_region, "AAAABBBB", 8);
    tcp_send(&tcp, 0, 4, 0, 1);
    assert_int_equal(t_send(tcp.pair.b, "1111", 4), 4); /* RIOX-113 */
    tcp_send(&tcp, 4, 4, RIO_MSG_DEFER, 2);
    assert_true(t_rio.RIOSend(tcp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
    assert_int_equal(t_send(tcp.pair.b, "2222", 4), 4);
    t_rio_expect(tcp.cq, 1, 0, 4);
    t_rio_expect(tcp.cq, 2, 0, 4);
    tcp_got(&tcp, "AAAA1111BBBB2222");
    tcp_close(&tcp);
}

static void beside__ex_forms__addresses_of_the_connection(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);
    RIO_BUF data = t_rio_slice(0, 16), local = t_rio_slice(64, 28), remote = t_rio_slice(128, 28);
    RIO_BUF control = t_rio_slice(192, 64), flags = t_rio_slice(256, 4), to = t_rio_slice(320, 28);
    ULONG total;

    (void)state;
    memset(t_rio_region + 256, 0xff, 4);
    assert_true(t_rio.RIOReceiveEx(tcp.rq, &data, 1, &local, &remote, &control, &flags, 0, CONTEXT(1)));
    tcp_put(&tcp, "ex");
    t_rio_expect(tcp.cq, 1, 0, 2); /* RIOX-133 */
    assert_memory_equal(t_rio_region + 64, t_addr(AF_INET, t_port(tcp.pair.b)), sizeof(SOCKADDR_IN));
    assert_memory_equal(t_rio_region + 128, t_addr(AF_INET, t_port(tcp.pair.a)), sizeof(SOCKADDR_IN));
    memcpy(&total, t_rio_region + 192, sizeof total);
    assert_int_equal(total, T_RIO_BASE);
    assert_memory_equal(t_rio_region + 256, "\0\0\0", 4);
    data.Length = 2;
    assert_true(t_rio.RIOSendEx(tcp.rq, &data, 1, NULL, &to, NULL, NULL, 0, CONTEXT(2))); /* RIOX-129: ignored */
    t_rio_expect(tcp.cq, 2, 0, 2);
    tcp_got(&tcp, "ex");
    tcp_close(&tcp);
}

static void beside__ordinary_receives__oldest_first(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);
    char text[16];

    (void)state;
    assert_int_equal(t_nonblocking(tcp.pair.b, true), 0); /* RIOX-111 */
    tcp_receive(&tcp, 0, 4, RIO_MSG_WAITALL, 1);
    t_fails(t_recv(tcp.pair.b, text, sizeof text), WSAEWOULDBLOCK);
    tcp_put(&tcp, "rio.rest");
    t_rio_expect(tcp.cq, 1, 0, 4);
    assert_memory_equal(t_rio_region, "rio.", 4);
    assert_int_equal(t_nonblocking(tcp.pair.b, false), 0);
    assert_int_equal(t_recv(tcp.pair.b, text, sizeof text), 4);
    assert_memory_equal(text, "rest", 4);
    tcp_close(&tcp);
}

/* --- Sockets that AcceptEx and DisconnectEx give other connections -------------------- */

#define PART (sizeof(SOCKADDR_STORAGE) + 16)

struct pool {
    SOCKET listener, accepted, client;
    RIO_CQ cq;
    RIO_RQ rq;
    LPFN_ACCEPTEX accept_ex;
    LPFN_DISCONNECTEX disconnect_ex;
    WSAOVERLAPPED ov;
    char bytes[2 * PART + 64];
};

static void pool_accept(struct pool *pool, DWORD room)
{
    DWORD got = 0, flags;

    pool->ov.hEvent = t_event_new();
    assert_false(
        pool->accept_ex(pool->listener, pool->accepted, pool->bytes, room, PART, PART, &got, (LPOVERLAPPED)&pool->ov));
    assert_int_equal(t_last_error(), WSA_IO_PENDING);
    pool->client = t_socket(AF_INET, SOCK_STREAM);
    assert_int_equal(t_spi.lpWSPConnect(pool->client, t_addr(AF_INET, t_port(pool->listener)), t_addr_size(AF_INET),
                                        NULL, NULL, NULL, NULL, &t_err),
                     0);
    if (room > 0)
        assert_int_equal(t_send(pool->client, "first", 5), 5);
    assert_true(t_event_wait(pool->ov.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(pool->listener, &pool->ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, room > 0 ? 5 : 0);
    t_event_free(pool->ov.hEvent);
}

static void pool_talk(struct pool *pool, unsigned context)
{
    RIO_BUF data = t_rio_slice(0, 4);
    char text[8];

    assert_true(t_rio.RIOReceive(pool->rq, &data, 1, RIO_MSG_WAITALL, CONTEXT(context)));
    assert_int_equal(t_send(pool->client, "ping", 4), 4);
    t_rio_expect(pool->cq, context, 0, 4);
    memcpy(t_rio_region, "pong", 4);
    assert_true(t_rio.RIOSend(pool->rq, &data, 1, 0, CONTEXT(context + 1)));
    t_rio_expect(pool->cq, context + 1, 0, 4);
    assert_int_equal(t_recv(pool->client, text, sizeof text), 4);
    assert_memory_equal(text, "pong", 4);
}

static struct pool pool_open(DWORD listener_flags)
{
    struct pool pool = {.listener = t_socket_flags(AF_INET, SOCK_STREAM, listener_flags),
                        .accepted = t_rio_socket(AF_INET, SOCK_STREAM),
                        .cq = t_rio_cq(8)};

    pool.accept_ex = (LPFN_ACCEPTEX)t_ext_get(pool.listener, (GUID)WSAID_ACCEPTEX);
    pool.disconnect_ex = (LPFN_DISCONNECTEX)t_ext_get(pool.listener, (GUID)WSAID_DISCONNECTEX);
    assert_int_equal(t_spi.lpWSPBind(pool.listener, t_addr(AF_INET, 0), t_addr_size(AF_INET), &t_err), 0);
    assert_int_equal(t_spi.lpWSPListen(pool.listener, 16, &t_err), 0);
    return pool;
}

static void pool_close(struct pool *pool)
{
    t_close(pool->client);
    t_close(pool->accepted);
    t_close(pool->listener);
    t_rio.RIOCloseCompletionQueue(pool->cq);
}

static void pool_whole(struct pool *pool)
{
    assert_int_equal(t_spi.lpWSPSetSockOpt(pool->accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                           (const char *)&pool->listener, sizeof pool->listener, &t_err),
                     0);
}

static void acceptex__queue_made_afterwards__before_or_after_the_context(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct pool pool = pool_open(before ? WSA_FLAG_OVERLAPPED : RIO_FLAGS); /* RIOX-9 */

        pool_accept(&pool, before ? 16 : 0); /* RIOX-10 */
        if (!before)
            pool_whole(&pool);
        pool.rq = t_rio_rq(pool.accepted, 2, 2, pool.cq, 1);
        pool_talk(&pool, 10);
        if (before)
            pool_whole(&pool);
        pool_talk(&pool, 20);
        pool_close(&pool);
    }
}

static void acceptex__queue_made_before__is_the_connections(void **state)
{
    struct pool pool = pool_open(RIO_FLAGS);
    RIO_BUF data = t_rio_slice(0, 4);

    (void)state;
    pool.rq = t_rio.RIOCreateRequestQueue(pool.accepted, 4, 1, 4, 1, pool.cq, pool.cq, CONTEXT(5)); /* RIOX-68; full */
    assert_true(pool.rq != RIO_INVALID_RQ);
    t_rio_fails(t_rio.RIOReceive(pool.rq, &data, 1, 0, NULL), WSAENOTCONN);
    pool_accept(&pool, 0);
    pool_talk(&pool, 10);
    pool_whole(&pool);
    pool_talk(&pool, 20);
    pool_close(&pool);
}

static void disconnectex__reused__queue_serves_the_next_connection(void **state)
{
    struct pool pool = pool_open(RIO_FLAGS);
    RIO_BUF data = t_rio_slice(0, 4);

    (void)state;
    pool.rq = t_rio_rq(pool.accepted, 4, 4, pool.cq, 5);
    for (unsigned round = 0; round < 3; round++) {
        pool_accept(&pool, 0);
        pool_whole(&pool);
        pool_talk(&pool, 10 * round);
        t_close(pool.client);
        assert_true(t_rio.RIOReceive(pool.rq, &data, 1, 0, CONTEXT(100)));
        t_rio_expect(pool.cq, 100, 0, 0);
        assert_true(pool.disconnect_ex(pool.accepted, NULL, TF_REUSE_SOCKET, 0));
        t_rio_fails(t_rio.RIOReceive(pool.rq, &data, 1, 0, NULL), WSAENOTCONN);
    }
    pool_accept(&pool, 0);
    pool_talk(&pool, 200);
    pool_close(&pool);
}

#define COUNTED 4000u

static void requests__counted__each_completes_once_in_order(void **state)
{
    struct tcp tcp = tcp_open(AF_INET);
    RIO_CQ cq = t_rio_cq(32);
    RIO_RQ rq = t_rio_rq(tcp.pair.a, 16, 16, cq, 1);
    unsigned sent = 0, sent_done = 0, received = 0, received_done = 0;
    uint64_t until = t_now_ms() + 20000;
    RIORESULT results[32];

    (void)state;
    assert_int_equal(t_option_set(tcp.pair.b, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    while (received_done < COUNTED || sent_done < COUNTED) {
        ULONG got;

        for (; received < COUNTED && received - received_done < 16; received++) {
            RIO_BUF data = t_rio_slice(4096 + received % 16 * 8, 8);

            assert_true(t_rio.RIOReceive(rq, &data, 1, RIO_MSG_WAITALL, CONTEXT(received)));
        }
        for (; sent < COUNTED && sent - sent_done < 16; sent++) {
            uint64_t number = sent;

            memcpy(t_rio_region + (size_t)(sent % 16) * 8, &number, sizeof number);
            tcp_send(&tcp, sent % 16 * 8, 8, sent % 4 ? RIO_MSG_DEFER : 0, sent);
        }
        assert_true(t_rio.RIOSend(tcp.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
        got = t_rio.RIODequeueCompletion(tcp.cq, results, 32);
        for (ULONG i = 0; i < got; i++)
            assert_int_equal(results[i].RequestContext, sent_done++);
        got = t_rio.RIODequeueCompletion(cq, results, 32);
        for (ULONG i = 0; i < got; i++) {
            uint64_t number;

            memcpy(&number, t_rio_region + 4096 + (size_t)(received_done % 16) * 8, sizeof number);
            assert_int_equal(number, received_done);
            assert_int_equal(results[i].BytesTransferred, 8);
            assert_int_equal(results[i].RequestContext, received_done++);
        }
        assert_true(t_now_ms() < until);
    }
    t_rio_quiet(cq);
    t_rio_quiet(tcp.cq);
    tcp_close(&tcp);
    t_rio.RIOCloseCompletionQueue(cq);
}

#define T(name) cmocka_unit_test_setup(name, t_rio_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(receive__several__next_bytes_in_order),
        T(receive__waitall__full_or_short_at_the_end),
        T(receive__without_waitall__what_is_there),
        T(receive__no_length__tells_of_data_and_takes_none),
        T(receive__fin__nothing_with_success),
        T(receive__reset__connreset),
        T(send__stalled_peer__completes_when_it_reads),
        T(send__reset__connreset),
        T(close__requests_outstanding__all_are_aborted_once),
        T(beside__ordinary_sends__each_call_stays_whole),
        T(beside__ex_forms__addresses_of_the_connection),
        T(beside__ordinary_receives__oldest_first),
        T(acceptex__queue_made_afterwards__before_or_after_the_context),
        T(acceptex__queue_made_before__is_the_connections),
        T(disconnectex__reused__queue_serves_the_next_connection),
        T(requests__counted__each_completes_once_in_order),
    };

    return cmocka_run_group_tests(tests, t_rio_start, t_rio_stop);
}
