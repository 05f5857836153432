/*
 * 100,000 sockets open and bound at once, through all layers: none is lost, and all can be had again.
 * WINLANE_CONFIG names many.ini, which has room for exactly these.
 */
#include "t_api.h"

#include <string.h>

#define SOCKETS 100000u
#define STEP 37813u /* without a common divisor with SOCKETS */

static SOCKET many[SOCKETS];

/* Streams and datagram sockets, each kind on 50,000 ports. */
static void bind_one(uint32_t i)
{
    SOCKADDR_IN any = {.sin_family = AF_INET, .sin_port = htons((u_short)(1 + i / 2))};

    if (bind(many[i], (struct sockaddr *)&any, (int)sizeof any) != 0)
        fail_msg("socket %u: %d", (unsigned)i, WSAGetLastError());
}

static void open_all(bool bound)
{
    for (uint32_t i = 0; i < SOCKETS; i++) {
        many[i] = socket(AF_INET, i % 2 == 0 ? SOCK_STREAM : SOCK_DGRAM, 0);
        if (many[i] == INVALID_SOCKET)
            fail_msg("socket %u: %d", (unsigned)i, WSAGetLastError());
        if (bound)
            bind_one(i);
    }
}

/* In an order that is neither that of opening nor its reverse. */
static void close_all(void)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < SOCKETS; i++) {
        assert_int_equal(closesocket(many[at]), 0);
        at = (at + STEP) % SOCKETS;
    }
}

static void sockets__100000_open_and_closed__none_is_leaked(void **state)
{
    SOCKADDR_IN any = {.sin_family = AF_INET};
    int bytes = (int)sizeof any;

    (void)state;
    open_all(true);
    assert_true(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSAEMFILE);
    assert_int_equal(getsockname(many[77777], (struct sockaddr *)&any, &bytes), 0);
    assert_int_equal(ntohs(any.sin_port), 1 + 77777 / 2);
    close_all();
    open_all(false); /* every slot is there again */
    for (uint32_t i = 1; i < SOCKETS; i += 2)
        bind_one(i); /* and every endpoint, and every port */
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sockets__100000_open_and_closed__none_is_leaked, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests_name("many", tests, t_api_use_winlane, NULL);
}
