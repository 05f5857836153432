#include "netif_priv.h"

#include "stack/err.h"

#include "stk_lwip_hooks.h"

#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/prot/ethernet.h"
#include "lwip/mld6.h"
#include "lwip/priv/nd6_priv.h"

#include <stdlib.h>
#include <string.h>

static err_t nif_mcast4(struct netif *netif, const ip4_addr_t *group, enum netif_mac_filter_action action)
{
    const struct stk_netif *nif = netif->state;
    const uint8_t *ip = (const uint8_t *)&group->addr;
    const uint8_t mac[6] = {0x01, 0x00, 0x5e, ip[1] & 0x7f, ip[2], ip[3]};
    return nic_port_mcast(nif->port, mac, action == NETIF_ADD_MAC_FILTER) == STK_OK ? ERR_OK : ERR_IF;
}

static err_t nif_mcast6(struct netif *netif, const ip6_addr_t *group, enum netif_mac_filter_action action)
{
    const struct stk_netif *nif = netif->state;
    const uint8_t *ip = (const uint8_t *)group->addr;
    const uint8_t mac[6] = {0x33, 0x33, ip[12], ip[13], ip[14], ip[15]};
    return nic_port_mcast(nif->port, mac, action == NETIF_ADD_MAC_FILTER) == STK_OK ? ERR_OK : ERR_IF;
}

static err_t nif_init(struct netif *netif)
{
    const struct stk_netif *nif = netif->state;
    const struct nic_port_info *info = nic_port_info_get(nif->port);
    bool first = netif == &nif->netifs[0];
    netif->name[0] = 'w';
    netif->name[1] = 'l';
    netif->mtu = (u16_t)nif->mtu;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, nif->mac, ETH_HWADDR_LEN);
    netif->output = stk_netif_output4;
    netif->linkoutput = stk_netif_output;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    if (first) {
        netif->output_ip6 = stk_netif_output6;
        netif->flags |= NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
        netif_set_igmp_mac_filter(netif, nif_mcast4);
        netif_set_mld_mac_filter(netif, nif_mcast6);
    }
    if (info->link_up || (nif->caps & NIC_CAP_LINK) == 0)
        netif->flags |= NETIF_FLAG_LINK_UP;
    uint32_t left_out = 0;
    if (nif->caps & NIC_CAP_TX_IP4_CSUM)
        left_out |= NETIF_CHECKSUM_GEN_IP;
    if (nif->caps & NIC_CAP_TX_TCP_CSUM)
        left_out |= NETIF_CHECKSUM_GEN_TCP;
    NETIF_SET_CHECKSUM_CTRL(netif, (u16_t)(NETIF_CHECKSUM_ENABLE_ALL & ~left_out));
    return ERR_OK;
}

/*
 * lwIP numbers interfaces from a counter of its own, and these numbers are the zones of link-local addresses: the
 * first netif of a port gets the configured index, further ones numbers above all of these.
 */
static int nif_add(struct stk_netif *nif, const struct stk_conf_net *net)
{
    ip4_addr_t ip = {0};
    ip4_addr_t mask = {0};
    ip4_addr_t none = {0};
    if (net != NULL) {
        memcpy(&ip.addr, net->ip, 4);
        mask.addr = net->prefix_len == 0 ? 0 : lwip_htonl(UINT32_MAX << (32u - net->prefix_len));
    }
    uint32_t index = nif->netifs_count == 0 ? nif->if_index : STK_NETIF_INDEX_MAX + 1u;
    struct netif *netif = &nif->netifs[nif->netifs_count];
    nif->inst->lwip.netif.num = (u8_t)(index - 1);
    if (netif_add(netif, &ip, &mask, &none, nif, nif_init, netif_input) == NULL)
        return STK_ENOMEM;
    nif->netifs_count++;
    return STK_OK;
}

static int nif_add_ip4(struct stk_netif *nif, const struct stk_conf_port *conf)
{
    const struct stk_conf_net *first = NULL;
    for (uint32_t i = 0; i < conf->addrs_count && first == NULL && !conf->dhcp; i++) {
        if (conf->addrs[i].family == STK_AF_INET)
            first = &conf->addrs[i];
    }
    int err = nif_add(nif, first);
    for (uint32_t i = 0; i < conf->addrs_count && err == STK_OK; i++) {
        const struct stk_conf_net *net = &conf->addrs[i];
        if (net->family != STK_AF_INET || net == first)
            continue;
        err = net->prefix_len <= 32 ? nif_add(nif, net) : STK_EINVAL;
    }
    return err;
}

static int nif_add_ip6(struct stk_netif *nif, const struct stk_conf_port *conf)
{
    struct netif *netif = &nif->netifs[0];
    memset(nif->ip6_bits, 64, sizeof(nif->ip6_bits)); /* link-local ones, and those of router advertisements */
    if (conf->ipv6_ll) {
        netif_create_ip6_linklocal_address(netif, 1);
        netif_ip6_addr_set_state(netif, 0, IP6_ADDR_PREFERRED);
    }
    for (uint32_t i = 0; i < conf->addrs_count; i++) {
        const struct stk_conf_net *net = &conf->addrs[i];
        ip_addr_t ip;
        s8_t at;
        if (net->family != STK_AF_INET6)
            continue;
        if (!stk_ip_from_bytes(net->family, net->ip, &ip) || net->prefix_len > 128)
            return STK_EINVAL;
        ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_UNICAST, netif);
        if (netif_add_ip6_address(netif, ip_2_ip6(&ip), &at) != ERR_OK || at < 0)
            return STK_EINVAL;
        nif->ip6_bits[at] = (uint8_t)net->prefix_len;
        netif_ip6_addr_set_state(netif, at, IP6_ADDR_PREFERRED);
        if (ip6_addr_islinklocal(ip_2_ip6(&ip)))
            continue;
        int err = stk_route_add(&nif->inst->routes, &ip, net->prefix_len, NULL, netif);
        if (err != STK_OK)
            return err;
    }
    return STK_OK;
}

static int nif_add_routes(struct stk_netif *nif, const struct stk_conf_port *conf)
{
    static const uint8_t zero[16];
    struct netif *netif = &nif->netifs[0];
    for (uint32_t i = 0; i < conf->routes_count; i++) {
        const struct stk_conf_route *route = &conf->routes[i];
        ip_addr_t to;
        ip_addr_t via;
        if (!stk_ip_from_bytes(route->to.family, route->to.ip, &to) ||
            !stk_ip_from_bytes(route->to.family, route->via, &via))
            return STK_EINVAL;
        bool on_link = memcmp(route->via, zero, sizeof(zero)) == 0;
        if (IP_IS_V6(&via))
            ip6_addr_assign_zone(ip_2_ip6(&via), IP6_UNICAST, netif);
        int err = stk_route_add(&nif->inst->routes, &to, route->to.prefix_len, on_link ? NULL : &via, netif);
        if (err != STK_OK)
            return err;
    }
    return STK_OK;
}

/* ND has no call for it: the entry is written as if it had just been confirmed, with the longest lifetime there is. */
static int nif_neigh6_add(struct stk_netif *nif, const struct stk_conf_neigh *neigh)
{
    ip_addr_t ip;
    if (!stk_ip_from_bytes(neigh->family, neigh->ip, &ip))
        return STK_EINVAL;
    ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_UNICAST, &nif->netifs[0]);
    struct nd6_neighbor_cache_entry *entry = NULL;
    for (uint32_t i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
        struct nd6_neighbor_cache_entry *each = &neighbor_cache[i];
        if (each->state != ND6_NO_ENTRY && ip6_addr_eq(ip_2_ip6(&ip), &each->next_hop_address))
            return STK_OK;
        if (entry == NULL && each->state == ND6_NO_ENTRY)
            entry = each;
    }
    if (entry == NULL)
        return STK_ENOMEM;
    ip6_addr_copy(entry->next_hop_address, *ip_2_ip6(&ip));
    entry->netif = &nif->netifs[0];
    memcpy(entry->lladdr, neigh->mac, ETH_HWADDR_LEN);
    entry->counter.reachable_time = UINT32_MAX;
    entry->state = ND6_REACHABLE;
    return STK_OK;
}

/* lwIP finds the interface of a static entry by route, for which the link has to be up: here it only seems so. */
static int nif_neigh4_add(struct stk_netif *nif, const struct stk_conf_neigh *neigh)
{
    ip4_addr_t ip;
    struct eth_addr mac;
    memcpy(&ip.addr, neigh->ip, 4);
    memcpy(mac.addr, neigh->mac, ETH_HWADDR_LEN);
    u8_t before[STK_CONF_ADDRS_MAX];
    for (uint32_t i = 0; i < nif->netifs_count; i++) {
        before[i] = nif->netifs[i].flags;
        nif->netifs[i].flags |= NETIF_FLAG_LINK_UP;
    }
    err_t err = etharp_add_static_entry(&ip, &mac);
    for (uint32_t i = 0; i < nif->netifs_count; i++)
        nif->netifs[i].flags = before[i];
    if (err == ERR_OK)
        return STK_OK;
    return err == ERR_MEM ? STK_ENOMEM : STK_EINVAL;
}

static int nif_neighs_apply(struct stk_netif *nif)
{
    for (uint32_t i = 0; i < nif->neighs_count; i++) {
        const struct stk_conf_neigh *neigh = &nif->neighs[i];
        int err = STK_EINVAL;
        if (neigh->family == STK_AF_INET)
            err = nif_neigh4_add(nif, neigh);
        else if (neigh->family == STK_AF_INET6)
            err = nif_neigh6_add(nif, neigh);
        if (err != STK_OK)
            return err;
    }
    return STK_OK;
}

static int nif_setup(struct stk_netif *nif, const struct stk_conf_port *conf)
{
    int err = nif_add_ip4(nif, conf);
    if (err != STK_OK)
        return err;
    for (uint32_t i = 0; i < nif->netifs_count; i++)
        netif_set_up(&nif->netifs[i]);
    err = nif_add_ip6(nif, conf);
    if (err == STK_OK)
        err = nif_add_routes(nif, conf);
    if (err == STK_OK)
        err = nif_neighs_apply(nif);
    if (err == STK_OK && conf->dhcp && dhcp_start(&nif->netifs[0]) != ERR_OK)
        err = STK_ENOMEM;
    return err;
}

/* Fragments wait in buffers of ports: give them up as if their time had run out, so that a port can close. */
static void nif_reassembly_flush(struct stk_netif *nif)
{
    for (uint32_t i = 0; i <= IP_REASS_MAXAGE && nif->inst->lwip.ip4.reassdatagrams != NULL; i++)
        ip_reass_tmr();
    for (uint32_t i = 0; i <= IPV6_REASS_MAXAGE && nif->inst->lwip.ip6.reassdatagrams != NULL; i++)
        ip6_reass_tmr();
}

static void nif_teardown(struct stk_netif *nif)
{
    if (nif->netifs_count > 0 && netif_dhcp_data(&nif->netifs[0]) != NULL) {
        dhcp_release_and_stop(&nif->netifs[0]);
        dhcp_cleanup(&nif->netifs[0]);
    }
    while (nif->netifs_count > 0) {
        struct netif *netif = &nif->netifs[--nif->netifs_count];
        stk_route_remove_netif(&nif->inst->routes, netif);
        netif_set_down(netif);
        if (nif->netifs_count == 0)
            nif_reassembly_flush(nif);
        netif_remove(netif);
    }
    stk_netif_tx_flush(nif, nif->now_ns);
    for (uint32_t i = 0; i < nif->tx_count; i++)
        nic_buf_free(nif->tx[i]);
    nif->tx_count = 0;
    nic_tx_reclaim(nif->port);
}

static struct stk_netif *nif_alloc(const struct stk_netif_mem_ops *mem_ops)
{
    struct stk_netif *nif = calloc(1, sizeof(*nif));
    if (nif == NULL || mem_ops == NULL)
        return nif;
    nif->holds = calloc(STK_NETIF_HOLDS, sizeof(*nif->holds));
    if (nif->holds == NULL) {
        free(nif);
        return NULL;
    }
    for (uint32_t i = 0; i < STK_NETIF_HOLDS; i++) {
        nif->holds[i].nif = nif;
        nif->holds[i].next = nif->holds_free;
        nif->holds_free = &nif->holds[i];
    }
    return nif;
}

int stk_netif_create(struct stk_inst *inst, struct nic_port *port, const struct stk_conf_port *conf,
                     const struct stk_netif_mem_ops *mem_ops, void *mem_ctx, struct stk_netif **out)
{
    const struct nic_port_info *info = nic_port_info_get(port);
    if (conf->if_index < 2 || conf->if_index > STK_NETIF_INDEX_MAX || conf->mtu > info->mtu ||
        conf->addrs_count > STK_CONF_ADDRS_MAX || conf->neighs_count > STK_CONF_NEIGHS_MAX)
        return STK_EINVAL;
    struct stk_netif *nif = nif_alloc(mem_ops);
    if (nif == NULL)
        return STK_ENOMEM;
    nif->inst = inst;
    nif->port = port;
    nif->mem_ops = mem_ops;
    nif->mem_ctx = mem_ctx;
    nif->caps = info->caps;
    nif->if_index = conf->if_index;
    nif->mtu = conf->mtu;
    nif->vlan_id = conf->vlan_set ? conf->vlan_id : 0;
    nif->now_ns = stk_inst_now_ns(inst);
    memcpy(nif->mac, info->mac, sizeof(nif->mac));
    memcpy(nif->name, conf->name, sizeof(nif->name));
    nif->neighs_count = conf->neighs_count;
    memcpy(nif->neighs, conf->neighs, sizeof(nif->neighs));
    struct stk_inst_scope scope = stk_inst_enter(inst);
    int err = nif_setup(nif, conf);
    if (err != STK_OK)
        nif_teardown(nif);
    stk_inst_leave(scope);
    if (err != STK_OK) {
        free(nif->holds);
        free(nif);
        return err;
    }
    *out = nif;
    return STK_OK;
}

void stk_netif_destroy(struct stk_netif *nif)
{
    if (nif == NULL)
        return;
    struct stk_inst_scope scope = stk_inst_enter(nif->inst);
    nif_teardown(nif);
    stk_inst_leave(scope);
    free(nif->holds);
    stk_netif_notes_free(nif);
    free(nif);
}

struct stk_inst *stk_netif_inst(const struct stk_netif *nif)
{
    return nif->inst;
}

struct nic_port *stk_netif_port(const struct stk_netif *nif)
{
    return nif->port;
}

void stk_netif_link_set(struct stk_netif *nif, bool up)
{
    struct stk_inst_scope scope = stk_inst_enter(nif->inst);
    for (uint32_t i = 0; i < nif->netifs_count; i++) {
        if (up)
            netif_set_link_up(&nif->netifs[i]);
        else
            netif_set_link_down(&nif->netifs[i]);
    }
    if (up)
        (void)nif_neighs_apply(nif); /* entries lost with the link; they fitted before */
    stk_inst_leave(scope);
}

const struct stk_netif_stats *stk_netif_stats_get(const struct stk_netif *nif)
{
    return &nif->stats;
}

static void info_addr_add(struct stk_if_info *out, const ip_addr_t *ip, uint32_t prefix_len)
{
    if (out->addrs_count == sizeof(out->addrs) / sizeof(out->addrs[0]))
        return;
    struct stk_addr addr;
    stk_addr_from_ip(ip, 0, &addr);
    struct stk_conf_net *net = &out->addrs[out->addrs_count++];
    net->family = addr.family;
    net->prefix_len = (uint16_t)prefix_len;
    memcpy(net->ip, addr.ip, sizeof(net->ip));
}

void stk_netif_info_read(struct stk_netif *nif, struct stk_if_info *out)
{
    const struct netif *first = &nif->netifs[0];
    memset(out, 0, sizeof(*out));
    memcpy(out->name, nif->name, sizeof(out->name));
    out->if_index = nif->if_index;
    out->mtu = nif->mtu;
    out->up = netif_is_up(first) && netif_is_link_up(first);
    memcpy(out->mac, nif->mac, sizeof(out->mac));
    out->mac_set = 1;
    for (uint32_t i = 0; i < nif->netifs_count; i++) {
        const struct netif *netif = &nif->netifs[i];
        if (!ip4_addr_isany_val(*netif_ip4_addr(netif)))
            info_addr_add(out, netif_ip_addr4(netif),
                          (uint32_t)__builtin_popcount(ip4_addr_get_u32(netif_ip4_netmask(netif))));
    }
    for (uint32_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(first, i)))
            info_addr_add(out, netif_ip_addr6(first, i), nif->ip6_bits[i]);
    }
}

uint32_t stk_netif_index_of(const struct netif *netif)
{
    if (netif->state == NULL)
        return 1;
    const struct stk_netif *nif = netif->state;
    return nif->if_index;
}

s32_t stk_hook_vlan_set(struct netif *netif)
{
    const struct stk_netif *nif = netif->state;
    return nif == NULL || nif->vlan_id == 0 ? -1 : (s32_t)nif->vlan_id;
}

int stk_hook_vlan_check(struct netif *netif, const struct eth_vlan_hdr *vlan)
{
    const struct stk_netif *nif = netif->state;
    return nif != NULL && nif->vlan_id != 0 && VLAN_ID(vlan) == nif->vlan_id;
}
