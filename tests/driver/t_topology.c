#include "t_topology.h"

#include <stdio.h>
#include <string.h>

#include "drv/wire.h"
#include "t_os.h"

static const struct t_bad_conf wire_bad[] = {
    {"", "driver wire needs the key link"},
    {"link=x loss=120%", "t.conf:11: port a: loss: '120%' is not a probability"},
    {"link=x delay=5", "t.conf:11: port a: delay: '5' is not a duration"},
    {"link=x queue=0", "t.conf:11: port a: queue: '0' is outside 1 to 65536"},
    {"link=x device=net_null0", "t.conf:11: port a: device: unknown key"},
    {NULL, NULL},
};

const struct t_bad_conf t_dpdk_bad[] = {
    {"", "driver dpdk needs the key device"},
    {"device=eth0", "t.conf:10: port a: device: 'eth0' is neither a PCI address nor a virtual device"},
    {"device=net_", "is neither a PCI address nor a virtual device"},
    {"device=0000:03:00.9", "is neither a PCI address nor a virtual device"},
    {"device=net_null0 ring_pair=x", "t.conf:10: port a: device: not together with ring_pair"},
    {"device=net_af_packet0", "needs iface=NAME"},
    {"device=net_af_packet0,iface=", "needs iface=NAME"},
    {"device=net_af_packet0,iface=x,framesz=1024", "framesz is not a multiple of 16 that holds a frame"},
    {"device=net_af_packet0,iface=x,blocksz=5000", "blocksz is not a multiple"},
    {"device=net_af_packet0,iface=x,framecnt=3", "framecnt is not a multiple"},
    {"device=net_af_packet0,iface=x,qpairs=2", "qpairs is not 1"},
    {"ring_pair=x memory_mb=1", "t.conf:11: port a: memory_mb: '1' is outside 32 to"},
    {"ring_pair=x hugepages=maybe", "t.conf:11: port a: hugepages: 'maybe' is none of yes|no|auto"},
    {"ring_pair=x eal=--lcores=0", "t.conf:11: port a: eal: EAL option '--lcores' is not allowed here"},
    {"ring_pair=x eal=--vdev=net_null0", "EAL option '--vdev' is not allowed here"},
    {"ring_pair=x eal=-c", "EAL option '-c' is not allowed here"},
    {"ring_pair=x eal=--help", "EAL option '--help' is not allowed here"},
    {"ring_pair=x eal=-v", "EAL option '-v' is not allowed here"},
    {"ring_pair=x eal=nonsense", "EAL option 'nonsense' is not allowed here"},
    {"ring_pair=x eal=--iova-mode=xx", "EAL option --iova-mode: 'xx' is not a value it takes"},
    {"ring_pair=x eal=--iova-mode", "EAL option --iova-mode: '' is not a value it takes"},
    {"ring_pair=x eal=-a", "EAL option -a: '' is not a value it takes"},
    {"ring_pair=x eal=--allow=eth0", "EAL option --allow: 'eth0' is not a value it takes"},
    {"ring_pair=x eal=--log-level=9", "EAL option --log-level: '9' is not a value it takes"},
    {"ring_pair=x eal=--log-level=a;b:8", "is not a value it takes"},
    {"ring_pair=x eal=--huge-dir=/nonexistent", "EAL option --huge-dir: '/nonexistent' is not a value it takes"},
    {"ring_pair=x eal=--socket-mem=12,", "EAL option --socket-mem: '12,' is not a value it takes"},
    {"ring_pair=x eal=--single-file-segments=1", "is not a value it takes"},
    {"ring_pair=x eal=-n", "is not a value it takes"},
    {"ring_pair=x link=y", "t.conf:11: port a: link: unknown key"},
    {NULL, NULL},
};

static const struct t_bad_conf pcap_bad[] = {
    {"", "driver pcap needs the key rx_file or tx_file"},
    {"tx_file=/tmp/x loop=yes", "t.conf:11: port a: loop: without an rx_file"},
    {"tx_file=/tmp/x pace=yes", "t.conf:11: port a: pace: without an rx_file"},
    {"tx_file=/tmp/x rx_file=/tmp/x", "t.conf:10: port a: tx_file: is the rx_file"},
    {"rx_file=/tmp/x pace=slow", "t.conf:11: port a: pace: 'slow' is neither yes nor no"},
    {"tx_file=/tmp/x clock=utc", "t.conf:11: port a: clock: 'utc' is none of wall|port"},
    {"tx_file=/tmp/x file=y", "t.conf:11: port a: file: unknown key"},
    {NULL, NULL},
};

static bool wire_link_set(struct nic_port *a, bool up)
{
    drv_wire_link_set(a, up);
    return true;
}

static const struct t_topology topologies[] = {
    {
        .name = "wire",
        .driver = "wire",
        .keys_a = "link=contract",
        .keys_b = "link=contract",
        .link_set = wire_link_set,
        .burst = 256,
        .bad = wire_bad,
    },
    {
        .name = "pcap",
        .driver = "pcap",
        .keys_a = t_null_file_key,
        .burst = 256,
        .bad = pcap_bad,
    },
    {
        .name = "net_ring",
        .driver = "dpdk",
        .keys_a = "ring_pair=contract",
        .keys_b = "ring_pair=contract",
        .burst = 256,
        .bad = t_dpdk_bad,
    },
    {
        .name = "net_null",
        .driver = "dpdk",
        .keys_a = "device=net_null0,no-rx=1",
        .burst = 256,
        .bad = t_dpdk_bad,
    },
};

const struct t_topology *t_topology_find(const char *name)
{
    for (size_t i = 0; i < sizeof(topologies) / sizeof(topologies[0]); i++) {
        if (strcmp(topologies[i].name, name) == 0)
            return &topologies[i];
    }
    if (strcmp(t_topology_of_system.name, name) == 0)
        return &t_topology_of_system;
    printf("no topology '%s'; there are:", name);
    for (size_t i = 0; i < sizeof(topologies) / sizeof(topologies[0]); i++)
        printf(" %s", topologies[i].name);
    printf(" %s\n", t_topology_of_system.name);
    return NULL;
}
