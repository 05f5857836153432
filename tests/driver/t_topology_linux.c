/* net_af_packet on a veth pair, in a network namespace of this process alone. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nic/nic.h"
#include "stack/err.h"
#include "t_topology.h"

/** A network namespace that ends with this process, and a veth pair in it. */
static bool veth_prepare(void)
{
    if (unshare(CLONE_NEWNET) != 0) {
        printf("no network namespace: %s\n", strerror(errno));
        return false;
    }
    if (system("ip link add t_nic0 mtu 9000 type veth peer name t_nic1 mtu 9000 && "
               "echo 1 >/proc/sys/net/ipv6/conf/t_nic0/disable_ipv6 && "
               "echo 1 >/proc/sys/net/ipv6/conf/t_nic1/disable_ipv6 && "
               "ip link set t_nic0 up && ip link set t_nic1 up && "
               "ip link add t_nic2 mtu 1000 type veth peer name t_nic3") != 0) {
        printf("no veth pair\n");
        return false;
    }
    return true;
}

static bool veth_link_set(struct nic_port *a, bool up)
{
    (void)a;
    return system(up ? "ip link set t_nic0 up" : "ip link set t_nic0 down") == 0;
}

/** The claim comes before anything that a forked process must not touch. */
static bool busy_in_child(const struct nic_port_conf *conf)
{
    struct nic_port *port;
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(nic_port_open(conf, &port) == STK_EBUSY ? 0 : 1);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const struct t_refused refused[] = {
    {"device=net_af_packet0,iface=t_nic9", STK_ENOENT, "t.conf:10: port a: device: no interface t_nic9"},
    {"device=net_af_packet0,iface=lo", STK_EIO, "interface lo is down"},
    {"device=net_af_packet0,iface=t_nic2", STK_EINVAL, "interface t_nic2 has MTU 1000, less than 1500"},
    {NULL, 0, NULL},
};

const struct t_topology t_topology_of_system = {
    .name = "af_packet",
    .driver = "dpdk",
    .keys_a = "device=net_af_packet0,iface=t_nic0",
    .keys_b = "device=net_af_packet1,iface=t_nic1",
    .keys_again = "device=net_af_packet7,iface=t_nic0",
    .needs_root = true,
    .link_set = veth_link_set,
    .prepare = veth_prepare,
    .busy_elsewhere = busy_in_child,
    .wait_fd = true,
    .extmem = true,
    .burst = 256,
    .bad = t_dpdk_bad,
    .refused = refused,
};
