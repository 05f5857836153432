/** @file Scopes of addresses, as programs see and give them; the ports here have addresses of a site. */
#include "t_host.h"

#include <string.h>

#define PORT_INDEX 2

static const unsigned char site_ip[16] = {0xfe, 0xc0, [7] = 9, [15] = 1};

/* The address of a prefix in the list of bindable ones; family 0: there is none. */
static SOCKADDR_IN6 listed(SOCKET s, const unsigned char *prefix, size_t bytes)
{
    static union {
        SOCKET_ADDRESS_LIST list;
        char room[4096];
    } out;
    SOCKADDR_IN6 found = {0}, each;
    DWORD got = 0;

    assert_int_equal(
        t_spi.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, &out, sizeof out, &got, NULL, NULL, NULL, &t_err), 0);
    for (int i = 0; i < out.list.iAddressCount && found.sin6_family == 0; i++) {
        memcpy(&each, out.list.Address[i].lpSockaddr, sizeof each);
        if (memcmp(&each.sin6_addr, prefix, bytes) == 0)
            found = each;
    }
    return found;
}

/* DS-9: the interface's number for fe80::/10, the site's for fec0::/10; DS-10: neither can be bound without. */
static void scope__listed_addresses__have_and_want_it(void **state)
{
    static const unsigned char link_prefix[] = {0xfe, 0x80};
    static const struct {
        const unsigned char *prefix;
        size_t bytes;
        ULONG scope;
    } rows[] = {{link_prefix, sizeof link_prefix, PORT_INDEX}, {site_ip, sizeof site_ip, 1}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
        SOCKADDR_IN6 addr = listed(s, rows[i].prefix, rows[i].bytes), without = addr;

        assert_int_equal(addr.sin6_family, AF_INET6);
        assert_int_equal(addr.sin6_scope_id, rows[i].scope);
        without.sin6_scope_id = 0;
        t_fails(t_spi.lpWSPBind(s, (struct sockaddr *)&without, (int)sizeof without, &t_err), WSAEADDRNOTAVAIL);
        assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&addr, (int)sizeof addr, &t_err), 0);
        t_close(s);
    }
}

/* DS-10: a destination may come without; what is this host's own is found. */
static void scope__destination_without__reaches_the_own_address(void **state)
{
    static const unsigned char link_prefix[] = {0xfe, 0x80};
    SOCKET a = t_socket(AF_INET6, SOCK_DGRAM), b = t_socket(AF_INET6, SOCK_DGRAM);
    SOCKADDR_IN6 addr = listed(a, link_prefix, sizeof link_prefix), to;
    char buf[8];
    int len = (int)sizeof to;

    (void)state;
    assert_int_equal(t_spi.lpWSPBind(b, (struct sockaddr *)&addr, (int)sizeof addr, &t_err), 0);
    assert_int_equal(t_spi.lpWSPGetSockName(b, (struct sockaddr *)&to, &len, &t_err), 0);
    assert_int_equal(to.sin6_scope_id, PORT_INDEX);
    to.sin6_scope_id = 0;
    assert_int_equal(t_sendto(a, "own", 3, &to), 3);
    assert_int_equal(t_option_set(b, SOL_SOCKET, SO_RCVTIMEO, 5000), 0);
    assert_int_equal(t_recv(b, buf, sizeof buf), 3);
    t_close(a);
    t_close(b);
}

int main(void)
{
    static const char config[] = "[engine]\nallow_raw = yes\n"
                                 "[port a]\ndriver = wire\nwire.link = spi\naddress = 10.9.0.1/24\n"
                                 "address = fec0:0:0:9::1/64\n";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scope__listed_addresses__have_and_want_it),
        cmocka_unit_test(scope__destination_without__reaches_the_own_address),
    };

    t_env_set("T_SPI_CONFIG", t_file_make(config));
    return cmocka_run_group_tests_name("spi_scope", tests, t_host_start, t_host_stop);
}
