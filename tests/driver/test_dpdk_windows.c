/* What EAL does to a Windows process, and what is not there. */
#include <windows.h>

#include "t_dpdk.h"

/** Handles of this process are multiples of four; these are looked at. */
#define HANDLES_MAX 4096u

static bool inherited[HANDLES_MAX];

static bool is_inherited(uint32_t index)
{
    DWORD flags = 0;

    return GetHandleInformation((HANDLE)((uintptr_t)index * 4), &flags) && (flags & HANDLE_FLAG_INHERIT) != 0;
}

static void expect_refused(const char *keys, int err, const char *reason)
{
    struct nic_port *port = (struct nic_port *)(uintptr_t)1;
    struct t_conf t;

    print_message("%s\n", keys);
    t_conf(&t, "p", "dpdk", keys);
    assert_int_equal(nic_port_conf_check(&t.conf), 0);
    assert_int_equal(nic_port_open(&t.conf, &port), err);
    assert_null(port);
    print_message("%s\n", t.error);
    assert_non_null(strstr(t.error, reason));
}

/* The same file of configuration is checked everywhere; what this system lacks is said when the port is opened. */
static void port__of_another_system__is_refused_before_eal_starts(void **state)
{
    static const char *const rows[][2] = {
        {"device=net_af_packet0,iface=eth0",
         "t.conf:10: port p: device: net_af_packet does not exist on Windows; net_null, net_ring and net_pcap do"},
        {"device=net_tap0", "t.conf:10: port p: device: net_tap does not exist on Windows"},
        {"device=net_memif0,role=server", "net_memif does not exist on Windows"},
        {"device=net_nullx0", "net_nullx does not exist on Windows"},
        {"device=0000:03:00.0", "PCI devices do not exist in the build for Windows"},
        {"device=net_pcap0,rx_pcap=a.pcap", "files of net_pcap do not exist on Windows"},
        {"ring_pair=x eal=--socket-mem=64",
         "t.conf:11: port p: eal: EAL option '--socket-mem' does not exist on Windows"},
        {"ring_pair=x eal=--vfio-intr=msi", "EAL option '--vfio-intr' does not exist on Windows"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_refused(rows[i][0], STK_EINVAL, rows[i][1]);
}

static void eal__started__leaves_affinity_and_handles_alone(void **state)
{
    GROUP_AFFINITY before, after;
    struct nic_port *port;

    (void)state;
    for (uint32_t i = 1; i < HANDLES_MAX; i++)
        inherited[i] = is_inherited(i);
    assert_true(GetThreadGroupAffinity(GetCurrentThread(), &before));
    port = t_open_keys("p", "dpdk", "ring_pair=first");
    assert_true(GetThreadGroupAffinity(GetCurrentThread(), &after));
    assert_int_equal(before.Mask, after.Mask);
    assert_int_equal(before.Group, after.Group);
    for (uint32_t i = 1; i < HANDLES_MAX; i++)
        assert_true(inherited[i] || !is_inherited(i));
    nic_port_close(port);
}

static void net_pcap__no_such_interface__is_refused(void **state)
{
    (void)state;
    expect_refused("device=net_pcap0,iface=t_nic9", STK_ENOENT, "t.conf:10: port p: device: no interface t_nic9");
}

static void net_pcap__name_with_a_blank__is_one_name(void **state)
{
    struct nic_port *port;
    struct t_conf t;

    (void)state;
    t_conf(&t, "p", "dpdk", "device=x");
    t.args[0].value = "net_pcap0,iface=Ethernet 2,phy_mac=0";
    assert_int_equal(nic_port_open(&t.conf, &port), STK_ENOENT);
    assert_string_equal(t.error, "t.conf:10: port p: device: no interface Ethernet 2");
    t.args[0].value = "net_null0,size=6 4";
    assert_int_equal(nic_port_open(&t.conf, &port), STK_EINVAL);
    assert_non_null(strstr(t.error, "has a blank"));
}

static void net_pcap__without_wpcap__is_refused(void **state)
{
    (void)state;
    assert_null(LoadLibraryA("wpcap.dll"));
    expect_refused("device=net_pcap0,iface=t_nic9", STK_ENOENT,
                   "t.conf:10: port p: device: wpcap.dll is not on this system");
}

static void net_ring__without_wpcap__works(void **state)
{
    struct nic_port *port = t_open_keys("p", "dpdk", "ring_pair=first");

    (void)state;
    nic_port_close(port);
}

/* Nor does the stack's own DLL need it, with the same drivers in it. */
static void stack_dll__without_wpcap__loads(void **state)
{
    HMODULE module = *state == NULL ? NULL : LoadLibraryA(*state);

    if (*state == NULL)
        skip(); /* not built */
    if (module == NULL)
        fail_msg("%s: error %lu", (const char *)*state, (unsigned long)GetLastError());
    assert_true(GetProcAddress(module, "winlane_stack_ops") != NULL);
    assert_null(GetModuleHandleA("wpcap.dll"));
}

int t_dpdk_system_run(int count, char **args)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port__of_another_system__is_refused_before_eal_starts),
        cmocka_unit_test(eal__started__leaves_affinity_and_handles_alone),
        cmocka_unit_test(net_pcap__no_such_interface__is_refused),
        cmocka_unit_test(net_pcap__name_with_a_blank__is_one_name),
    };
    const struct CMUnitTest without_wpcap[] = {
        cmocka_unit_test(net_pcap__without_wpcap__is_refused),
        cmocka_unit_test(net_ring__without_wpcap__works),
        cmocka_unit_test_prestate(stack_dll__without_wpcap__loads, count > 1 ? args[1] : NULL),
    };

    if (count == 0)
        return cmocka_run_group_tests(tests, NULL, NULL);
    return strcmp(args[0], "no_wpcap") == 0 ? cmocka_run_group_tests(without_wpcap, NULL, NULL) : 1;
}
