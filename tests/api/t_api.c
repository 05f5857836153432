#include "t_api.h"

int t_api_start(void **state)
{
    WSADATA data;
    (void)state;
    return WSAStartup(MAKEWORD(2, 2), &data);
}

int t_api_stop(void **state)
{
    (void)state;
    return WSACleanup();
}

struct fake_counters *t_api_counters(void)
{
    union {
        void *object;
        struct fake_counters *(*function)(void);
    } both;
    both.object = t_api_fake_symbol("fake_counters");
    return both.function();
}

const WSPUPCALLTABLE *t_api_upcalls(void)
{
    union {
        void *object;
        const WSPUPCALLTABLE *(*function)(void);
    } both;
    both.object = t_api_fake_symbol("fake_upcalls");
    return both.function();
}

SOCKADDR_IN t_api_loopback(u_short port_be)
{
    SOCKADDR_IN sin = {.sin_family = AF_INET, .sin_port = port_be};
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sin;
}

SOCKET t_api_listener(u_short *port_be)
{
    SOCKADDR_IN sin = t_api_loopback(0);
    int len = sizeof sin;
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(bind(s, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(listen(s, 5), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
    *port_be = sin.sin_port;
    return s;
}

void t_api_pair(SOCKET ends[2])
{
    u_short port_be;
    SOCKET listener = t_api_listener(&port_be);
    SOCKADDR_IN sin = t_api_loopback(port_be);
    int len = sizeof sin;
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(ends[0] != INVALID_SOCKET);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&sin, sizeof sin), 0);
    ends[1] = accept(listener, (struct sockaddr *)&sin, &len);
    assert_true(ends[1] != INVALID_SOCKET);
    assert_int_equal(len, (int)sizeof sin);
    assert_int_equal(closesocket(listener), 0);
}
