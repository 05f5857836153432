/** @file Who may open RAW sockets: the configuration here does not let everybody. */
#include "t_host.h"

#include <unistd.h>

#define NOBODY 65534

static SOCKET raw(void)
{
    t_err = 0;
    return t_spi.lpWSPSocket(AF_INET, SOCK_RAW, 200, t_info(AF_INET, SOCK_RAW), 0, WSA_FLAG_OVERLAPPED, &t_err);
}

/* DSC-18, RAW-4, E58: refused when it is created, and only then; other sockets are not concerned. */
static void raw__without_privilege__acces(void **state)
{
    const uid_t before = geteuid();
    SOCKET s;

    (void)state;
    if (before == 0)
        assert_int_equal(seteuid(NOBODY), 0);
    assert_true(raw() == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEACCES);
    s = t_socket(AF_INET, SOCK_DGRAM);
    t_close(s);
    if (before != 0)
        return;
    assert_int_equal(seteuid(before), 0);
    s = raw();
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(seteuid(NOBODY), 0);
    assert_int_equal(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), 16, &t_err), 0); /* once made it stays usable */
    assert_int_equal(seteuid(before), 0);
    t_close(s);
}

int main(void)
{
    static const char config[] = "[port a]\ndriver = wire\nwire.link = spi\naddress = 10.9.0.1/24\n";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw__without_privilege__acces),
    };

    t_env_set("T_SPI_CONFIG", t_file_make(config));
    return cmocka_run_group_tests_name("spi_privilege", tests, t_host_start, t_host_stop);
}
