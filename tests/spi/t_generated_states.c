/** @file Sockets in each state. */
#include "t_generated.h"

#include <string.h>

#define P t_spi

const char *const gen_state_names[] = {
    "fresh",
    "bound",
    "listening",
    "with a connection offered",
    "connecting",
    "refused",
    "connected",
    "peer closed",
    "receive shut down",
    "send shut down",
    "both shut down",
    "reset",
    "new datagram",
    "bound datagram",
    "connected datagram",
    "raw",
    "no provider",
};

static bool gen_wait(SOCKET s, bool failure)
{
    fd_set set = {.fd_count = 1, .fd_array = {s}};
    struct timeval time = {.tv_sec = 3};

    return P.lpWSPSelect(0, failure ? NULL : &set, NULL, failure ? &set : NULL, &time, &t_err) == 1;
}

static int gen_connect(SOCKET s, struct sockaddr *to)
{
    return P.lpWSPConnect(s, to, t_addr_size(AF_INET), NULL, NULL, NULL, NULL, &t_err);
}

void gen_close(struct gen_sockets *sockets)
{
    SOCKET *all[] = {&sockets->s, &sockets->peer, &sockets->third};

    for (size_t i = 0; i < 3; i++) {
        if (*all[i] != INVALID_SOCKET)
            t_close(*all[i]);
        *all[i] = INVALID_SOCKET;
    }
}

static void gen_make_pair(struct gen_sockets *sockets, enum gen_state state)
{
    static const struct linger hard = {1, 0};
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);

    sockets->s = pair.a;
    sockets->peer = pair.b;
    assert_int_equal(t_option_set(pair.b, SOL_SOCKET, SO_RCVTIMEO, 3000), 0);
    assert_int_equal(t_option_set(pair.a, IPPROTO_TCP, TCP_NODELAY, 1), 0); /* no wait for a delayed acknowledgment */
    if (state == S_SHUT_RECEIVE || state == S_SHUT_SEND || state == S_SHUT_BOTH)
        assert_int_equal(P.lpWSPShutdown(pair.a, (int)(state - S_SHUT_RECEIVE), &t_err), 0);
    if (state == S_RESET)
        assert_int_equal(
            P.lpWSPSetSockOpt(pair.b, SOL_SOCKET, SO_LINGER, (const char *)&hard, (int)sizeof hard, &t_err), 0);
    if (state == S_RESET || state == S_PEER_CLOSED) {
        t_close(pair.b);
        sockets->peer = INVALID_SOCKET;
        assert_true(gen_wait(pair.a, false));
    }
}

static void gen_make_datagram(struct gen_sockets *sockets, enum gen_state state)
{
    sockets->s = state == S_UDP ? t_socket(AF_INET, SOCK_DGRAM) : t_bound(AF_INET, SOCK_DGRAM);
    if (state != S_UDP_CONNECTED)
        return;
    sockets->peer = t_bound(AF_INET, SOCK_DGRAM);
    assert_int_equal(t_option_set(sockets->peer, SOL_SOCKET, SO_RCVTIMEO, 3000), 0);
    assert_int_equal(gen_connect(sockets->s, t_addr(AF_INET, t_port(sockets->peer))), 0);
}

static void gen_make_stream(struct gen_sockets *sockets, enum gen_state state)
{
    if (state == S_LISTENING || state == S_OFFERED)
        sockets->s = t_listener(AF_INET);
    else
        sockets->s = state == S_BOUND ? t_bound(AF_INET, SOCK_STREAM) : t_socket(AF_INET, SOCK_STREAM);
    if (state == S_OFFERED) {
        sockets->peer = t_socket(AF_INET, SOCK_STREAM);
        assert_int_equal(gen_connect(sockets->peer, t_addr(AF_INET, t_port(sockets->s))), 0);
        assert_true(gen_wait(sockets->s, false));
    }
    if (state == S_REFUSED) {
        assert_int_equal(t_nonblocking(sockets->s, true), 0);
        if (gen_connect(sockets->s, t_addr(AF_INET, 9)) == 0 || t_err == WSAEWOULDBLOCK)
            assert_true(gen_wait(sockets->s, true));
    }
    if (state == S_CONNECTING) { /* nobody has this address; where there is no wire, it is refused */
        struct sockaddr *to = t_addr(AF_INET, 9);

        memcpy(&((SOCKADDR_IN *)(void *)to)->sin_addr, "\12\11\0\115", 4);
        assert_int_equal(t_nonblocking(sockets->s, true), 0);
        assert_int_equal(gen_connect(sockets->s, to), SOCKET_ERROR);
    }
}

struct gen_sockets gen_make(enum gen_state state)
{
    struct gen_sockets sockets = {INVALID_SOCKET, INVALID_SOCKET, INVALID_SOCKET};
    LPWSAPROTOCOL_INFOW raw = t_info(AF_INET, SOCK_RAW);

    if (state == S_NONE)
        return sockets;
    if (state == S_RAW)
        sockets.s = P.lpWSPSocket(AF_INET, SOCK_RAW, 254, raw, 0, WSA_FLAG_OVERLAPPED, &t_err);
    else if (state >= S_UDP)
        gen_make_datagram(&sockets, state);
    else if (state >= S_CONNECTED)
        gen_make_pair(&sockets, state);
    else
        gen_make_stream(&sockets, state);
    if (sockets.s != INVALID_SOCKET)
        assert_int_equal(t_nonblocking(sockets.s, true), 0);
    return sockets;
}

const char *gen_probe(const struct gen_sockets *sockets, enum gen_state state)
{
    int type = state == S_RAW ? SOCK_RAW : state >= S_UDP ? SOCK_DGRAM : SOCK_STREAM;
    SOCKET other = state == S_UDP_BOUND ? sockets->s : sockets->peer;
    char byte = 0;

    if (t_option_get(sockets->s, SOL_SOCKET, SO_TYPE) != type)
        return "another type";
    if ((state == S_LISTENING || state == S_OFFERED) && t_option_get(sockets->s, SOL_SOCKET, SO_ACCEPTCONN) != 1)
        return "listens no more";
    if (state == S_OFFERED && !gen_wait(sockets->s, false))
        return "the offered connection is lost";
    if (state == S_BOUND && t_port(sockets->s) == 0)
        return "not bound any more";
    if (state != S_CONNECTED && state != S_SHUT_RECEIVE && state != S_UDP_CONNECTED && state != S_UDP_BOUND)
        return NULL;
    if (state == S_UDP_BOUND ? t_sendto(other, "p", 1, t_addr(AF_INET, t_port(other))) != 1 || !gen_wait(other, false)
                             : t_send(sockets->s, "p", 1) != 1)
        return "sends no more";
    if (t_recv(other, &byte, 1) == 1 && byte == 'p')
        return NULL;
    print_error("receive: code %d\n", t_err);
    return "what it sends does not arrive";
}
