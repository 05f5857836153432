#include "replay/receive_priv.h"

#include "stack/api.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEED_NAME "receive"
#define BUFFERS 32768u
#define JUMP_NS (120 * STK_S_NS) /* a silence is lived through for so long; what is longer passes at once */
#define STEP_MIN_NS STK_MS_NS
#define TURNS_MAX 8
#define IDLE_TURNS 64

static uint64_t stack_now(void *ctx)
{
    return ((const struct receive_stack *)ctx)->now_ns;
}

static void stack_random(void *ctx, void *buf, uint32_t len)
{
    struct receive_stack *stack = ctx;
    uint8_t *at = buf;
    for (uint32_t i = 0; i < len; i++) { /* splitmix64 */
        uint64_t z = (stack->random += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        at[i] = (uint8_t)(z >> 56);
    }
}

static uint64_t stack_pump(void *context, uint64_t until_ns)
{
    struct receive_stack *stack = context;
    if (stk_engine_step(stack->engine) == 0 && until_ns > stack->now_ns)
        stack->now_ns += STEP_MIN_NS;
    return stack->now_ns;
}

/* Only the number of a SYN|ACK is of interest: where its acknowledgement has to stand. */
static void stack_sent(void *context, const struct nic_buf *head, uint64_t now_ns)
{
    struct receive_stack *stack = context;
    const uint8_t *frame = head->data;
    const bool v6 = head->len > 14 && frame[12] == 0x86;
    const uint32_t l4 = v6 ? 54 : 34;

    (void)now_ns;
    if (stack->heard.valid || head->len < l4 + 20 || frame[v6 ? 20 : 23] != 6 ||
        (frame[l4 + 13] & (NIC_TCP_SYN | NIC_TCP_ACK)) != (NIC_TCP_SYN | NIC_TCP_ACK))
        return;
    stack->heard.valid = true;
    stack->heard.port = (uint16_t)(frame[l4 + 2] << 8 | frame[l4 + 3]);
    stack->heard.seq = (uint32_t)frame[l4 + 4] << 24 | (uint32_t)frame[l4 + 5] << 16 | (uint32_t)frame[l4 + 6] << 8 |
                       frame[l4 + 7];
}

/* --- Life ---------------------------------------------------------------------- */

static int engine_make(struct receive *r, uint32_t convs_max)
{
    struct receive_stack *stack = &r->stack;
    const struct stk_engine_env env = {.now_ns = stack_now, .random = stack_random, .ctx = stack};
    const uint32_t socks = 2 * convs_max + 64;
    char error[STK_CONF_ERROR_SIZE] = "", name[64];
    char *text = (char *)r->bytes; /* nothing was received yet */
    int len;

    (void)snprintf(name, sizeof(name), FEED_NAME "%p", (void *)r);
    len = snprintf(
        text, sizeof(r->bytes),
        "[engine]\nsockets_max = %u\ntcp_max = %u\nudp_max = 16\nout_of_order_rtos = 1000000\nbuffer_memory = %uMiB\nrcvbuf = 2MiB\n"
        "[port feed]\nindex = 2\ndriver = feed\nfeed.name = %s\nmtu = 1500\nbuffers = %u\n%s",
        socks, socks, 64 + socks / 64, name, r->conf->buffers != 0 ? r->conf->buffers : BUFFERS, receive_frame_conf);
    if (r->conf->capture != NULL)
        (void)snprintf(text + len, sizeof(r->bytes) - (size_t)len,
                       "feed.capture = %.4000s\nfeed.capture_clock = port\n", r->conf->capture);
    int err = stk_config_parse(text, "replay", &stack->config, error, sizeof(error));
    if (err == STK_OK)
        err = stk_engine_create(stack->config, &env, &stack->engine, error, sizeof(error));
    if (err == STK_OK)
        err = stk_client_attach_stepped(stk_engine_region(stack->engine), stack_pump, stack, &stack->client);
    if (err != STK_OK) {
        (void)snprintf(r->reason, NIC_READER_REASON_SIZE, "%.300s", error[0] != '\0' ? error : stk_err_text(err));
        return err;
    }
    stack->feed = nic_feed_find(name);
    nic_feed_sent_set(stack->feed, stack_sent, stack);
    return STK_OK;
}

static int sock_make(struct receive *r, int family, int type, struct stk_sock **out)
{
    const struct stk_addr local = {.family = (uint16_t)family, .port = RECEIVE_PORT};
    const int32_t on = 1, most = 127 * 16384;
    int err = stk_sock_open(r->stack.client, family, type, 0, 0, out);

    if (err == STK_OK && type == STK_SOCK_STREAM)
        err = stk_sock_opt_set(*out, STK_OPT_OOBINLINE, &on, sizeof(on));
    if (err == STK_OK)
        err = stk_sock_opt_set(*out, STK_OPT_RCVBUF, &most, sizeof(most));
    if (err == STK_OK && family == STK_AF_INET6)
        err = stk_sock_opt_set(*out, STK_OPT_V6ONLY, &on, sizeof(on));
    if (err == STK_OK)
        err = stk_sock_bind(*out, &local);
    if (err == STK_OK && type == STK_SOCK_STREAM)
        err = stk_sock_listen(*out, 64);
    if (err != STK_OK)
        (void)snprintf(r->reason, NIC_READER_REASON_SIZE, "the stack's socket: %s", stk_err_text(err));
    return err;
}

int receive_stack_make(struct receive *r, uint32_t convs_max)
{
    r->stack.now_ns = 1000 * STK_S_NS;
    r->stack.random = r->conf->seed;
    int err = engine_make(r, convs_max);
    for (int i = 0; i < 2 && err == STK_OK; i++) {
        const int family = i == 0 ? STK_AF_INET : STK_AF_INET6;
        err = sock_make(r, family, STK_SOCK_STREAM, &r->stack.listener[i]);
        if (err == STK_OK)
            err = sock_make(r, family, STK_SOCK_DGRAM, &r->stack.udp[i]);
    }
    return err;
}

void receive_stack_free(struct receive *r)
{
    if (r->stack.client != NULL)
        stk_client_detach(r->stack.client, 0);
    stk_engine_destroy(r->stack.engine);
    stk_config_free(r->stack.config);
}

/* --- Time and turns --------------------------------------------------------------- */

void receive_stack_time(struct receive *r, uint64_t time_ns)
{
    struct receive_stack *stack = &r->stack;

    if (time_ns > stack->now_ns + JUMP_NS)
        stack->now_ns = time_ns - JUMP_NS;
    while (time_ns - stack->now_ns > STEP_MIN_NS) {
        const uint64_t due = stk_engine_next_event_ns(stack->engine);
        if (due >= time_ns)
            break;
        stack->now_ns = due > stack->now_ns + STEP_MIN_NS ? due : stack->now_ns + STEP_MIN_NS;
        (void)stk_engine_step(stack->engine);
    }
    stack->now_ns = time_ns;
}

void receive_stack_step(struct receive *r)
{
    for (int turn = 0; turn < TURNS_MAX && stk_engine_step(r->stack.engine) >= NIC_BURST_MAX; turn++)
        ;
    if (++r->stack.turns % IDLE_TURNS == 0)
        (void)stk_engine_step(r->stack.engine); /* an idle one: memory of sockets at rest goes back */
    r->queued = 0;
    r->queued_bytes = 0;
}

/* --- Connections ---------------------------------------------------------------------- */

static int tcp_push(struct receive *r, const struct receive_tcp *tcp, const struct receive_peer *peer)
{
    const uint32_t len = receive_frame_tcp(tcp, peer, r->frame);
    const uint32_t flags = NIC_RX_L4_CSUM_GOOD | (tcp->ip == 4 ? NIC_RX_IP4_CSUM_GOOD : 0u);
    const int err = nic_feed_push(r->stack.feed, r->frame, len, flags, r->stack.now_ns);

    (void)stk_engine_step(r->stack.engine);
    return err;
}

int receive_stack_open(struct receive *r, struct receive_side *side, const struct receive_peer *peer, uint8_t ip)
{
    struct receive_stack *stack = &r->stack;
    struct receive_tcp tcp = {.ip = ip, .flags = NIC_TCP_SYN, .seq = side->isn, .options = &side->syn_options};

    stack->heard.valid = false;
    int err = tcp_push(r, &tcp, peer);
    if (err != STK_OK)
        return STK_EMFILE;
    if (!stack->heard.valid || stack->heard.port != peer->port)
        return STK_EPROTO;
    side->ack = stack->heard.seq + 1;
    tcp.flags = NIC_TCP_ACK;
    tcp.seq++;
    tcp.ack = side->ack;
    err = tcp_push(r, &tcp, peer);
    if (err != STK_OK)
        return STK_EMFILE;
    return stk_sock_accept(stack->listener[ip == 6], 0, &side->sock, NULL);
}
