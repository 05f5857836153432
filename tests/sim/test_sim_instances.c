/*
 * Two instances in one engine, a port each, joined by a wire: what is bound to
 * the any address is reached in both.
 */
#include "core/client.h"
#include "core/engine.h"
#include "stack/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char config_text[] = "[engine]\nsockets_max = 64\nbuffer_memory = 8MiB\ntcp_max = 32\nudp_max = 32\n"
                                  "[port west]\ndriver = wire\nwire.link = two\ninstance = 0\nindex = 2\n"
                                  "mac = 02:00:00:00:77:01\naddress = 10.77.0.1/24\naddress = fd77::1/64\n"
                                  "[port east]\ndriver = wire\nwire.link = two\ninstance = 1\nindex = 3\n"
                                  "mac = 02:00:00:00:77:02\naddress = 10.77.0.2/24\naddress = fd77::2/64\n";

struct one {
    struct stk_config *config;
    struct stk_engine *engine;
    struct stk_client *client;
    uint64_t now_ns;
    uint64_t random;
};

static uint64_t one_now(void *ctx)
{
    return ((const struct one *)ctx)->now_ns;
}

static void one_random(void *ctx, void *buf, uint32_t len)
{
    struct one *one = ctx;
    for (uint32_t i = 0; i < len; i++) {
        one->random = one->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)buf)[i] = (uint8_t)(one->random >> 56);
    }
}

static uint64_t one_pump(void *context, uint64_t until_ns)
{
    struct one *one = context;
    if (stk_engine_step(one->engine) == 0) {
        const uint64_t next = stk_engine_next_event_ns(one->engine);
        const uint64_t to = next < until_ns ? next : until_ns;
        one->now_ns = to > one->now_ns && to != STK_NEVER ? to : one->now_ns + 1000;
    }
    return one->now_ns;
}

static int one_setup(void **state)
{
    static struct one one;
    char error[STK_CONF_ERROR_SIZE];
    memset(&one, 0, sizeof(one));
    one.now_ns = 1000 * STK_S_NS;
    const struct stk_engine_env env = {.now_ns = one_now, .random = one_random, .ctx = &one};
    assert_int_equal(stk_config_parse(config_text, "two", &one.config, error, sizeof(error)), STK_OK);
    assert_int_equal(stk_engine_create(one.config, &env, &one.engine, error, sizeof(error)), STK_OK);
    assert_int_equal(stk_client_attach_stepped(stk_engine_region(one.engine), one_pump, &one, &one.client), STK_OK);
    *state = &one;
    return 0;
}

static int one_teardown(void **state)
{
    struct one *one = *state;
    stk_client_detach(one->client, 60000);
    assert_int_equal(atomic_load(&stk_engine_region(one->engine)->abi->chunks_used), 0);
    stk_engine_destroy(one->engine);
    stk_config_free(one->config);
    return 0;
}

static struct stk_addr addr_of(int family, int host, uint16_t port)
{
    struct stk_addr addr = {.family = (uint16_t)family, .port = port};
    if (host != 0 && family == STK_AF_INET) {
        memcpy(addr.ip, (uint8_t[]){10, 77, 0, (uint8_t)host}, 4);
    } else if (host != 0) {
        memcpy(addr.ip, (uint8_t[]){0xfd, 0x77, [15] = (uint8_t)host}, 16);
    }
    return addr;
}

static struct stk_sock *open_bound(struct one *one, int family, int type, int host, uint16_t port)
{
    struct stk_sock *sock = NULL;
    const struct stk_addr addr = addr_of(family, host, port);
    assert_int_equal(stk_sock_open(one->client, family, type, 0, 0, &sock), STK_OK);
    assert_int_equal(stk_sock_bind(sock, &addr), STK_OK);
    return sock;
}

static void await(struct one *one, struct stk_sock *sock, uint32_t bits)
{
    struct stk_wait_item item = {.sock = sock, .wanted = bits};
    assert_int_equal(stk_wait(one->client, &item, 1, (int64_t)(60 * STK_S_NS), NULL), 1);
    assert_int_equal(item.ready & STK_READY_FAIL, 0);
}

static void listener__any_address__reached_in_both_instances(void **state)
{
    struct one *one = *state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct stk_sock *listener = open_bound(one, family, STK_SOCK_STREAM, 0, 7100);
        assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
        for (int host = 1; host <= 2; host++) { /* over the wire, each way */
            struct stk_sock *client = open_bound(one, family, STK_SOCK_STREAM, 3 - host, 0);
            struct stk_sock *server = NULL;
            const struct stk_addr to = addr_of(family, host, 7100);
            struct stk_addr local;
            char byte = 'x';
            const struct stk_iov iov = {.base = &byte, .len = 1};
            assert_int_equal(stk_sock_connect(client, &to), STK_EINPROGRESS);
            await(one, client, STK_READY_CONN | STK_READY_FAIL);
            await(one, listener, STK_READY_ACCEPT);
            assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
            assert_int_equal(stk_sock_local(server, &local), STK_OK);
            assert_memory_equal(local.ip, to.ip, 16);
            assert_int_equal(stk_sock_send(server, &iov, 1), 1);
            await(one, client, STK_READY_IN);
            assert_int_equal(stk_sock_recv(client, &iov, 1, 0), 1);
            assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
            assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
        }
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    }
}

static void datagrams__any_address__answer_leaves_where_the_question_came(void **state)
{
    struct one *one = *state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct stk_sock *server = open_bound(one, family, STK_SOCK_DGRAM, 0, 7200);
        for (int host = 1; host <= 2; host++) {
            struct stk_sock *client = open_bound(one, family, STK_SOCK_DGRAM, 3 - host, 0);
            const struct stk_addr to = addr_of(family, host, 7200);
            char bytes[700] = "question";
            const struct stk_iov iov = {.base = bytes, .len = sizeof(bytes)};
            struct stk_msg_info info;
            assert_int_equal(stk_sock_sendto(client, &iov, 1, &to), sizeof(bytes));
            await(one, server, STK_READY_IN);
            assert_int_equal(stk_sock_recvfrom(server, &iov, 1, 0, &info), sizeof(bytes));
            assert_int_equal(info.if_index, host + 1);
            assert_int_equal(stk_sock_sendto(server, &iov, 1, &info.from), sizeof(bytes));
            await(one, client, STK_READY_IN);
            assert_int_equal(stk_sock_recvfrom(client, &iov, 1, 0, &info), sizeof(bytes));
            assert_memory_equal(info.from.ip, to.ip, 16);
            assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
        }
        assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    }
}

static void membership__other_instances_interface__receives_there(void **state)
{
    struct one *one = *state;
    struct stk_sock *receiver = open_bound(one, STK_AF_INET, STK_SOCK_DGRAM, 0, 7300);
    struct stk_sock *sender = open_bound(one, STK_AF_INET, STK_SOCK_DGRAM, 1, 0);
    const struct stk_addr group = {.family = STK_AF_INET, .port = 7300, .ip = {239, 7, 7, 7}};
    const struct stk_mcast_req req = {.group = group, .if_index = 3};
    char bytes[32] = "feed";
    const struct stk_iov iov = {.base = bytes, .len = sizeof(bytes)};
    struct stk_msg_info info;
    assert_int_equal(stk_sock_opt_set(receiver, STK_OPT_MCAST_JOIN, &req, sizeof(req)), STK_OK);
    assert_int_equal(stk_sock_sendto(sender, &iov, 1, &group), sizeof(bytes));
    await(one, receiver, STK_READY_IN);
    assert_int_equal(stk_sock_recvfrom(receiver, &iov, 1, 0, &info), sizeof(bytes));
    assert_int_equal(info.if_index, 3);
    assert_int_equal(stk_sock_close(receiver, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(sender, STK_CLOSE_GRACEFUL), STK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(listener__any_address__reached_in_both_instances, one_setup, one_teardown),
        cmocka_unit_test_setup_teardown(datagrams__any_address__answer_leaves_where_the_question_came, one_setup,
                                        one_teardown),
        cmocka_unit_test_setup_teardown(membership__other_instances_interface__receives_there, one_setup, one_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
