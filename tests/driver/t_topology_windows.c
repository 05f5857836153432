/* net_pcap on wpcap.dll. Whoever starts this made a veth pair t_nic0, t_nic1 beforehand, and t_nic2 that is down. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include "nic/nic.h"
#include "stack/err.h"
#include "t_topology.h"

/** Ask whoever made the interfaces, and wait until it is done. */
static bool veth_link_set(struct nic_port *a, bool up)
{
    char path[MAX_PATH];
    HANDLE file;

    (void)a;
    snprintf(path, sizeof(path), "Z:%s/%s", getenv("T_DRIVER_VETH"), up ? "up" : "down");
    file = CreateFileA(path, GENERIC_WRITE, FILE_SHARE_DELETE, NULL, CREATE_NEW, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    CloseHandle(file);
    for (int i = 0; i < 500; i++) {
        if (GetFileAttributesA(path) == INVALID_FILE_ATTRIBUTES)
            return true;
        Sleep(10);
    }
    return false;
}

static const struct t_refused refused[] = {
    {"device=net_pcap0,iface=t_nic9", STK_ENOENT, "t.conf:10: port a: device: no interface t_nic9"},
    {"device=net_pcap0,iface=\\Device\\NPF_{00000000-0000-0000-0000-00000000dead}", STK_ENOENT,
     "no interface \\Device"},
    {"device=net_pcap0,iface=t_nic2", STK_EINVAL, "interface t_nic2 has MTU 1000, less than 1500"},
    {"device=net_pcap0,rx_pcap=x.pcap", STK_EINVAL, "files of net_pcap do not exist on Windows"},
    {NULL, 0, NULL},
};

const struct t_topology t_topology_of_system = {
    .name = "net_pcap",
    .driver = "dpdk",
    .keys_a = "device=net_pcap0,iface=t_nic0",
    .keys_b = "device=net_pcap1,iface=t_nic1",
    .keys_again = "device=net_pcap7,iface=t_nic0",
    .needs_root = true,
    .link_set = veth_link_set,
    .burst = 256,
    .bad = t_dpdk_bad,
    .refused = refused,
};
