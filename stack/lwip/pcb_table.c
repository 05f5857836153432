#include "lwip/pcb_table.h"

#include "instance_priv.h"

#include "stack/err.h"

#include "stk_lwip_hooks.h"

#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"

#include <stdlib.h>
#include <string.h>

/* --- Life ---------------------------------------------------------------- */

static uint32_t buckets_for(uint32_t count)
{
    uint32_t buckets = 64;
    while (buckets < count)
        buckets *= 2;
    return buckets;
}

static bool names_init(struct stk_pcb_names *names, uint32_t count)
{
    names->mask = buckets_for(count) - 1;
    names->buckets = calloc((size_t)names->mask + 1, sizeof(*names->buckets));
    names->wild = calloc(STK_PORTS, sizeof(*names->wild));
    return names->buckets != NULL && names->wild != NULL;
}

static void names_fini(struct stk_pcb_names *names)
{
    free(names->port_users);
    free(names->wild);
    free(names->buckets);
    memset(names, 0, sizeof(*names));
}

int stk_pcb_table_init(struct stk_pcb_table *table, const struct stk_lwip_limits *limits)
{
    table->conns_mask = buckets_for(limits->tcp_conns) - 1;
    table->conns = calloc((size_t)table->conns_mask + 1, sizeof(*table->conns));
    table->udp.port_users = calloc(STK_PORTS, sizeof(*table->udp.port_users));
    const bool listeners = names_init(&table->listeners, limits->tcp_listeners);
    const bool udp = names_init(&table->udp, limits->udp_endpoints);
    table->port_conns = calloc(STK_PORTS, sizeof(struct tcp_pcb *));
    if (table->port_conns != NULL && table->conns != NULL && table->udp.port_users != NULL && listeners && udp)
        return STK_OK;
    stk_pcb_table_fini(table);
    return STK_ENOMEM;
}

void stk_pcb_table_fini(struct stk_pcb_table *table)
{
    names_fini(&table->udp);
    names_fini(&table->listeners);
    free(table->port_conns);
    free(table->conns);
    table->port_conns = NULL;
    table->conns = NULL;
}

/* --- Hashes --------------------------------------------------------------- */

static uint32_t *words_put(uint32_t *at, const ip_addr_t *ip)
{
    if (IP_IS_V6(ip)) {
        memcpy(at, ip_2_ip6(ip)->addr, 16);
        return at + 4;
    }
    *at = ip4_addr_get_u32(ip_2_ip4(ip));
    return at + 1;
}

uint64_t stk_pcb_conn_hash(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                           uint16_t remote_port)
{
    uint32_t words[9];
    uint32_t *end = words_put(words_put(words, local_ip), remote_ip);
    *end++ = (uint32_t)local_port << 16 | remote_port;
    return stk_siphash(stk_inst_selected()->pcbs.key, words, (size_t)(end - words) * sizeof(words[0]));
}

uint32_t stk_pcb_conn_bucket(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                             uint16_t remote_port)
{
    const struct stk_pcb_table *table = &stk_inst_selected()->pcbs;
    return (uint32_t)stk_pcb_conn_hash(local_ip, local_port, remote_ip, remote_port) & table->conns_mask;
}

static void **name_head(struct stk_pcb_names *names, const ip_addr_t *ip, uint16_t port)
{
    if (ip_addr_isany(ip))
        return &names->wild[port];
    uint32_t words[5];
    uint32_t *end = words_put(words, ip);
    *end++ = port;
    const uint64_t hash = stk_siphash(stk_inst_selected()->pcbs.key, words, (size_t)(end - words) * sizeof(words[0]));
    return &names->buckets[(uint32_t)hash & names->mask];
}

/* --- Chains --------------------------------------------------------------- */

static struct stk_pcb_links *tcp_links(struct tcp_pcb *pcb)
{
    return pcb->state == LISTEN ? &((struct tcp_pcb_listen *)(void *)pcb)->links : &pcb->links;
}

static struct stk_pcb_links *links_of_tcp(void *pcb)
{
    return tcp_links(pcb);
}

static struct stk_pcb_links *links_of_udp(void *pcb)
{
    return &((struct udp_pcb *)pcb)->links;
}

static void chain_add(void **head, void *pcb, struct stk_pcb_links *(*links_of)(void *))
{
    struct stk_pcb_links *links = links_of(pcb);
    links->hash_next = *head;
    links->hash_at = head;
    if (*head != NULL)
        links_of(*head)->hash_at = &links->hash_next;
    *head = pcb;
}

static void chain_remove(void *pcb, struct stk_pcb_links *(*links_of)(void *))
{
    struct stk_pcb_links *links = links_of(pcb);
    if (links->hash_at == NULL)
        return;
    *links->hash_at = links->hash_next;
    if (links->hash_next != NULL)
        links_of(links->hash_next)->hash_at = links->hash_at;
    links->hash_at = NULL;
}

static void names_count(struct stk_pcb_names *names, const ip_addr_t *ip, uint16_t port, int change)
{
    if (!ip_addr_isany(ip))
        names->specific += (uint32_t)change;
    if (names->port_users != NULL)
        names->port_users[port] += (uint32_t)change;
}

/* --- TCP ------------------------------------------------------------------ */

static struct tcp_pcb **recent_at(uint16_t local_port, uint16_t remote_port)
{
    return &stk_inst_selected()->pcbs.recent[(local_port ^ remote_port) % STK_PCB_RECENT];
}

static void port_add(struct tcp_pcb **head, struct tcp_pcb *pcb)
{
    pcb->links.port_next = *head;
    pcb->links.port_at = head;
    if (*head != NULL)
        (*head)->links.port_at = &pcb->links.port_next;
    *head = pcb;
}

static void port_remove(struct tcp_pcb *pcb)
{
    if (pcb->state == LISTEN || pcb->links.port_at == NULL)
        return;
    *pcb->links.port_at = pcb->links.port_next;
    if (pcb->links.port_next != NULL)
        pcb->links.port_next->links.port_at = pcb->links.port_at;
    pcb->links.port_at = NULL;
}

void stk_hook_tcp_reg(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    struct stk_pcb_table *table = &stk_inst_selected()->pcbs;
    struct stk_pcb_links *links = tcp_links(pcb);
    stk_hook_tcp_port(pcb->local_port, 1);
    pcb->next = *list;
    links->list_at = list;
    if (pcb->next != NULL)
        tcp_links(pcb->next)->list_at = &pcb->next;
    *list = pcb;
    links->hash_at = NULL;
    links->port_at = NULL;
    if (pcb->state != LISTEN)
        pcb->asleep = 0;
    if (pcb->state == LISTEN) {
        chain_add(name_head(&table->listeners, &pcb->local_ip, pcb->local_port), pcb, links_of_tcp);
        names_count(&table->listeners, &pcb->local_ip, pcb->local_port, 1);
    } else if (list != &tcp_bound_pcbs) {
        chain_add(
            &table->conns[stk_pcb_conn_bucket(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port)], pcb,
            links_of_tcp);
        if (pcb->state != TIME_WAIT)
            port_add(&table->port_conns[pcb->local_port], pcb);
    }
}

void stk_hook_tcp_rmv(struct tcp_pcb *pcb)
{
    struct stk_pcb_table *table = &stk_inst_selected()->pcbs;
    struct stk_pcb_links *links = tcp_links(pcb);
    stk_hook_tcp_port(pcb->local_port, -1);
    *links->list_at = pcb->next;
    if (pcb->next != NULL)
        tcp_links(pcb->next)->list_at = links->list_at;
    pcb->next = NULL;
    chain_remove(pcb, links_of_tcp);
    port_remove(pcb);
    if (pcb->state == LISTEN) {
        names_count(&table->listeners, &pcb->local_ip, pcb->local_port, -1);
        return;
    }
    struct tcp_pcb **recent = recent_at(pcb->local_port, pcb->remote_port);
    if (*recent == pcb)
        *recent = NULL;
    stk_tcp_idle_forget(pcb);
}

bool stk_pcb_port_connected(const ip_addr_t *ip, bool v6, uint16_t port)
{
    const struct tcp_pcb *pcb = stk_inst_selected()->pcbs.port_conns[port];
    while (pcb != NULL && !(ip != NULL ? ip_addr_eq(&pcb->local_ip, ip) : (IP_IS_V6_VAL(pcb->local_ip) != 0) == v6))
        pcb = pcb->links.port_next;
    return pcb != NULL;
}

static bool netif_suits(uint8_t netif_idx)
{
    return netif_idx == NETIF_NO_INDEX || netif_idx == netif_get_index(ip_current_input_netif());
}

static bool tuple_is(const struct tcp_pcb *pcb, const ip_addr_t *local_ip, uint16_t local_port,
                     const ip_addr_t *remote_ip, uint16_t remote_port)
{
    return pcb->remote_port == remote_port && pcb->local_port == local_port && ip_addr_eq(&pcb->remote_ip, remote_ip) &&
           ip_addr_eq(&pcb->local_ip, local_ip);
}

struct tcp_pcb *stk_pcb_tcp_lookup(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                                   uint16_t remote_port, bool zones)
{
    const struct stk_pcb_table *table = &stk_inst_selected()->pcbs;
    struct tcp_pcb *pcb = table->conns[stk_pcb_conn_bucket(local_ip, local_port, remote_ip, remote_port)];
    for (; pcb != NULL; pcb = pcb->links.hash_next) {
        if (zones
                ? tuple_is(pcb, local_ip, local_port, remote_ip, remote_port)
                : pcb->remote_port == remote_port && pcb->local_port == local_port &&
                      IP_IS_V6_VAL(pcb->local_ip) == IP_IS_V6(local_ip) &&
                      ip_addr_zoneless_eq(&pcb->remote_ip, remote_ip) && ip_addr_zoneless_eq(&pcb->local_ip, local_ip))
            return pcb;
    }
    return NULL;
}

struct tcp_pcb *stk_hook_tcp_find(u16_t local_port, u16_t remote_port)
{
    const ip_addr_t *local_ip = ip_current_dest_addr();
    const ip_addr_t *remote_ip = ip_current_src_addr();
    struct tcp_pcb **recent = recent_at(local_port, remote_port);
    struct tcp_pcb *pcb = *recent;
    if (pcb == NULL || !tuple_is(pcb, local_ip, local_port, remote_ip, remote_port)) {
        pcb = stk_pcb_tcp_lookup(local_ip, local_port, remote_ip, remote_port, true);
        if (pcb == NULL)
            return NULL;
        *recent = pcb;
    }
    if (!netif_suits(pcb->netif_idx))
        return NULL;
    if (pcb->asleep)
        stk_hook_tcp_wake(pcb);
    return pcb;
}

static bool listener_suits(const struct tcp_pcb_listen *lpcb, uint16_t port, const ip_addr_t *ip)
{
    if (lpcb->local_port != port || !netif_suits(lpcb->netif_idx))
        return false;
    if (IP_IS_ANY_TYPE_VAL(lpcb->local_ip))
        return true;
    return IP_ADDR_PCB_VERSION_MATCH_EXACT(lpcb, ip) &&
           (ip_addr_isany(&lpcb->local_ip) || ip_addr_eq(&lpcb->local_ip, ip));
}

struct tcp_pcb_listen *stk_hook_tcp_find_listener(u16_t port)
{
    struct stk_pcb_names *names = &stk_inst_selected()->pcbs.listeners;
    const ip_addr_t *ip = ip_current_dest_addr();
    struct tcp_pcb_listen *lpcb = names->specific != 0 ? *name_head(names, ip, port) : NULL;
    while (lpcb != NULL && !listener_suits(lpcb, port, ip))
        lpcb = lpcb->links.hash_next;
    if (lpcb != NULL)
        return lpcb;
    lpcb = names->wild[port];
    while (lpcb != NULL && !listener_suits(lpcb, port, ip))
        lpcb = lpcb->links.hash_next;
    return lpcb;
}

int stk_hook_tcp_listening(const ip_addr_t *ip, u16_t port)
{
    const struct tcp_pcb_listen *lpcb = *name_head(&stk_inst_selected()->pcbs.listeners, ip, port);
    while (lpcb != NULL && !(lpcb->local_port == port && IP_GET_TYPE(&lpcb->local_ip) == IP_GET_TYPE(ip) &&
                             ip_addr_eq(&lpcb->local_ip, ip)))
        lpcb = lpcb->links.hash_next;
    return lpcb != NULL;
}

int stk_hook_tcp_connected(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip, u16_t remote_port)
{
    return stk_pcb_tcp_lookup(local_ip, local_port, remote_ip, remote_port, true) != NULL ||
           stk_time_wait_has(local_ip, local_port, remote_ip, remote_port);
}

/* --- UDP ------------------------------------------------------------------- */

void stk_hook_udp_reg(struct udp_pcb *pcb)
{
    struct stk_pcb_names *names = &stk_inst_selected()->pcbs.udp;
    pcb->next = udp_pcbs;
    pcb->links.list_at = (void *)&udp_pcbs;
    if (pcb->next != NULL)
        pcb->next->links.list_at = (void *)&pcb->next;
    udp_pcbs = pcb;
    chain_add(name_head(names, &pcb->local_ip, pcb->local_port), pcb, links_of_udp);
    names_count(names, &pcb->local_ip, pcb->local_port, 1);
}

void stk_hook_udp_rmv(struct udp_pcb *pcb)
{
    struct udp_pcb **list_at = (struct udp_pcb **)(void *)pcb->links.list_at;
    if (list_at == NULL)
        return; /* never bound */
    *list_at = pcb->next;
    if (pcb->next != NULL)
        pcb->next->links.list_at = pcb->links.list_at;
    pcb->links.list_at = NULL;
    chain_remove(pcb, links_of_udp);
    names_count(&stk_inst_selected()->pcbs.udp, &pcb->local_ip, pcb->local_port, -1);
}

void stk_hook_udp_moved(struct udp_pcb *pcb, const ip_addr_t *ip)
{
    struct stk_pcb_names *names = &stk_inst_selected()->pcbs.udp;
    chain_remove(pcb, links_of_udp);
    names_count(names, &pcb->local_ip, pcb->local_port, -1);
    ip_addr_copy(pcb->local_ip, *ip);
    chain_add(name_head(names, &pcb->local_ip, pcb->local_port), pcb, links_of_udp);
    names_count(names, &pcb->local_ip, pcb->local_port, 1);
}

int stk_hook_udp_port_used(u16_t port)
{
    return stk_inst_selected()->pcbs.udp.port_users[port] != 0;
}

static struct udp_pcb *udp_named(struct udp_pcb *pcb, const ip_addr_t *ip, uint16_t port)
{
    while (pcb != NULL && (pcb->local_port != port || !ip_addr_zoneless_eq(&pcb->local_ip, ip)))
        pcb = pcb->links.hash_next;
    return pcb;
}

static struct udp_pcb *udp_specific(const ip_addr_t *ip, uint16_t port)
{
    struct stk_pcb_names *names = &stk_inst_selected()->pcbs.udp;
    if (names->specific == 0 || ip_addr_isany(ip))
        return NULL;
    return udp_named(*name_head(names, ip, port), ip, port);
}

struct udp_pcb *stk_pcb_udp_next(const struct udp_pcb *before, const ip_addr_t *ip, uint16_t port)
{
    struct udp_pcb *next = NULL;
    if (before != NULL && ip_addr_isany(&before->local_ip))
        return before->links.hash_next;
    next = before == NULL ? udp_specific(ip, port) : udp_named(before->links.hash_next, ip, port);
    return next != NULL ? next : stk_inst_selected()->pcbs.udp.wild[port];
}

/* The addresses that a port has in the family of the packet in hand; NULL: behind the last. An IPv4 address has an
 * interface of lwIP's for itself. */
static const ip_addr_t *port_address(const struct netif *inp, uint32_t nth)
{
    const struct netif *netif = netif_list;
    if (ip_current_is_v6())
        return nth < LWIP_IPV6_NUM_ADDRESSES ? netif_ip_addr6(inp, nth) : NULL;
    for (; netif != NULL; netif = netif->next) {
        if ((netif == inp || (netif->state != NULL && netif->state == inp->state)) && nth-- == 0)
            return netif_ip_addr4(netif);
    }
    return NULL;
}

/* PCBs of the addresses that the port has where a broadcast or a multicast came in, from the nth on; then those of any. */
static struct udp_pcb *udp_of_port(uint32_t nth, const struct netif *inp, uint16_t port)
{
    for (const ip_addr_t *ip = port_address(inp, nth); ip != NULL; ip = port_address(inp, ++nth)) {
        struct udp_pcb *pcb = ip_addr_isany(ip) ? NULL : udp_specific(ip, port);
        if (pcb != NULL)
            return pcb;
    }
    return stk_inst_selected()->pcbs.udp.wild[port];
}

/* The number behind that of an address, the last one if the port has it twice: who walks gets on. Of all of them if it is
 * not there. */
static uint32_t port_address_after(const struct netif *inp, const ip_addr_t *wanted)
{
    uint32_t nth = 0;
    uint32_t after = 0;
    for (const ip_addr_t *ip = port_address(inp, nth); ip != NULL; ip = port_address(inp, nth)) {
        nth++;
        if (ip_addr_eq(ip, wanted))
            after = nth;
    }
    return after != 0 ? after : nth;
}

struct udp_pcb *stk_hook_udp_next(const struct udp_pcb *before, u16_t port, const struct netif *inp, int broadcast)
{
    if (!broadcast && !ip_addr_ismulticast(ip_current_dest_addr()))
        return stk_pcb_udp_next(before, ip_current_dest_addr(), port);
    if (before == NULL)
        return udp_of_port(0, inp, port);
    if (ip_addr_isany(&before->local_ip))
        return before->links.hash_next;
    struct udp_pcb *next = udp_named(before->links.hash_next, &before->local_ip, port);
    if (next != NULL)
        return next;
    return udp_of_port(port_address_after(inp, &before->local_ip), inp, port);
}
