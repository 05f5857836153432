#include "config_priv.h"

#include "stack/err.h"

#include <string.h>

/* One of the tables of a port, to point at its line. */
static struct stk_conf_where at_line(const struct stk_conf_section *section, const char *key, uint32_t line)
{
    return (struct stk_conf_where){.section = section, .key = key, .line = line != 0 ? line : section->line};
}

static struct stk_conf_where at_key(const struct stk_conf_section *section, const char *key)
{
    return at_line(section, key, stk_conf_key_line(section, key));
}

static struct stk_conf_section *section_of(struct stk_conf_parse *parse, uint32_t port)
{
    return &parse->sections[STK_CONF_SECTION_PORTS + port];
}

/* The driver is named, and the drivers' own keys are its own: their prefix goes. */
static int check_driver(struct stk_conf_parse *parse, struct stk_conf_section *section)
{
    struct stk_conf_port *port = section->port;
    size_t len = strlen(port->driver);
    if (len == 0) {
        return stk_conf_fail_at(parse, at_line(section, "driver", 0), STK_EINVAL,
                                "missing; it is wire, pcap, replay or dpdk");
    }
    for (uint32_t i = 0; i < port->args_count; i++) {
        struct stk_conf_arg *arg = &port->args[i];
        if (strncmp(arg->key, port->driver, len) != 0 || arg->key[len] != '.') {
            return stk_conf_fail_at(parse, at_line(section, arg->key, arg->line), STK_EINVAL,
                                    "is not a key of this port's driver, %s", port->driver);
        }
        arg->key += len + 1;
    }
    return STK_OK;
}

static bool has_family(const struct stk_conf_port *port, uint16_t family, uint32_t *which)
{
    for (*which = 0; *which < port->addrs_count; (*which)++) {
        if (port->addrs[*which].family == family) {
            return true;
        }
    }
    return false;
}

/* RFC 8200 5: no IPv6 on a link with an MTU below 1280. A link-local address that nobody asked for is left out. */
static int check_families(struct stk_conf_parse *parse, struct stk_conf_section *section)
{
    struct stk_conf_port *port = section->port;
    uint32_t which = 0;
    if (port->dhcp && has_family(port, STK_AF_INET, &which)) {
        return stk_conf_fail_at(parse, at_line(section, "address", section->addr_lines[which]), STK_EINVAL,
                                "an IPv4 address beside dhcp = yes on line %u", stk_conf_key_line(section, "dhcp"));
    }
    if (port->mtu >= 1280) {
        return STK_OK;
    }
    if (has_family(port, STK_AF_INET6, &which)) {
        return stk_conf_fail_at(parse, at_line(section, "address", section->addr_lines[which]), STK_EINVAL,
                                "IPv6 needs an mtu of at least 1280; it is %u", port->mtu);
    }
    if (port->ipv6_ll && stk_conf_key_line(section, "ipv6_ll") != 0) {
        return stk_conf_fail_at(parse, at_key(section, "ipv6_ll"), STK_EINVAL,
                                "IPv6 needs an mtu of at least 1280; it is %u", port->mtu);
    }
    port->ipv6_ll = false;
    return STK_OK;
}

static bool is_link_local(uint16_t family, const uint8_t ip[16])
{
    return family == STK_AF_INET6 && ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

static bool is_unset(const uint8_t ip[16])
{
    static const uint8_t zero[16] = {0};
    return memcmp(ip, zero, sizeof(zero)) == 0;
}

/* Can a host of this port reach the address without a gateway? */
static bool on_link(const struct stk_conf_port *port, uint16_t family, const uint8_t ip[16])
{
    if (is_link_local(family, ip) || (family == STK_AF_INET && port->dhcp)) {
        return true;
    }
    for (uint32_t i = 0; i < port->addrs_count; i++) {
        const struct stk_conf_net *net = &port->addrs[i];
        if (net->family == family && stk_conf_ip_match(net->ip, ip, net->prefix_len)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < port->routes_count; i++) {
        const struct stk_conf_route *route = &port->routes[i];
        if (route->to.family == family && is_unset(route->via) &&
            stk_conf_ip_match(route->to.ip, ip, route->to.prefix_len)) {
            return true;
        }
    }
    return false;
}

static bool is_own(const struct stk_conf_port *port, uint16_t family, const uint8_t ip[16])
{
    for (uint32_t i = 0; i < port->addrs_count; i++) {
        if (port->addrs[i].family == family && stk_conf_ip_match(port->addrs[i].ip, ip, 128)) {
            return true;
        }
    }
    return false;
}

static int check_gateways(struct stk_conf_parse *parse, const struct stk_conf_section *section)
{
    const struct stk_conf_port *port = section->port;
    for (uint32_t i = 0; i < port->routes_count; i++) {
        const struct stk_conf_route *route = &port->routes[i];
        struct stk_conf_where where = at_line(section, "route", section->route_lines[i]);
        char text[STK_CONF_NET_TEXT];
        if (is_unset(route->via)) {
            continue;
        }
        (void)stk_conf_ip_text(route->to.family, route->via, text);
        if (is_own(port, route->to.family, route->via)) {
            return stk_conf_fail_at(parse, where, STK_EINVAL, "gateway %s is an address of this port", text);
        }
        if (!on_link(port, route->to.family, route->via)) {
            return stk_conf_fail_at(parse, where, STK_EINVAL, "gateway %s is not on the port's link", text);
        }
    }
    return STK_OK;
}

static int check_neighbours(struct stk_conf_parse *parse, const struct stk_conf_section *section)
{
    const struct stk_conf_port *port = section->port;
    for (uint32_t i = 0; i < port->neighs_count; i++) {
        const struct stk_conf_neigh *neigh = &port->neighs[i];
        struct stk_conf_where where = at_line(section, "neighbour", section->neigh_lines[i]);
        char text[STK_CONF_NET_TEXT];
        (void)stk_conf_ip_text(neigh->family, neigh->ip, text);
        for (uint32_t j = 0; j < i; j++) {
            if (port->neighs[j].family == neigh->family && stk_conf_ip_match(port->neighs[j].ip, neigh->ip, 128)) {
                return stk_conf_fail_at(parse, where, STK_EINVAL, "%s given twice; first on line %u", text,
                                        section->neigh_lines[j]);
            }
        }
        if (is_own(port, neigh->family, neigh->ip)) {
            return stk_conf_fail_at(parse, where, STK_EINVAL, "%s is an address of this port", text);
        }
        if (!on_link(port, neigh->family, neigh->ip)) {
            return stk_conf_fail_at(parse, where, STK_EINVAL, "%s is not on the port's link", text);
        }
    }
    return STK_OK;
}

/* A socket finds its instance by address, so an address is there once; link-local ones belong to a link each. */
static int check_address(struct stk_conf_parse *parse, uint32_t port_index, uint32_t addr_index)
{
    const struct stk_config *config = parse->config;
    const struct stk_conf_section *section = section_of(parse, port_index);
    const struct stk_conf_net *net = &config->ports[port_index].addrs[addr_index];
    struct stk_conf_where where = at_line(section, "address", section->addr_lines[addr_index]);
    char text[STK_CONF_NET_TEXT];
    (void)stk_conf_ip_text(net->family, net->ip, text);
    for (uint32_t i = 0; i <= port_index; i++) {
        const struct stk_conf_port *other = &config->ports[i];
        uint32_t count = i == port_index ? addr_index : other->addrs_count;
        if (i != port_index && is_link_local(net->family, net->ip)) {
            continue;
        }
        for (uint32_t j = 0; j < count; j++) {
            if (other->addrs[j].family != net->family || !stk_conf_ip_match(other->addrs[j].ip, net->ip, 128)) {
                continue;
            }
            return stk_conf_fail_at(parse, where, STK_EINVAL, "%s given twice; first in [port %s] on line %u", text,
                                    other->name, section_of(parse, i)->addr_lines[j]);
        }
    }
    return STK_OK;
}

/* Of two routes to one destination in an instance none would be the right one: there is no metric. */
static int check_route(struct stk_conf_parse *parse, uint32_t port_index, uint32_t route_index)
{
    const struct stk_config *config = parse->config;
    const struct stk_conf_section *section = section_of(parse, port_index);
    const struct stk_conf_port *port = section->port;
    const struct stk_conf_net *to = &port->routes[route_index].to;
    struct stk_conf_where where = at_line(section, "route", section->route_lines[route_index]);
    char text[STK_CONF_NET_TEXT];
    (void)stk_conf_net_text(to, text);
    for (uint32_t i = 0; i <= port_index; i++) {
        const struct stk_conf_port *other = &config->ports[i];
        uint32_t count = i == port_index ? route_index : other->routes_count;
        for (uint32_t j = 0; j < count && other->instance == port->instance; j++) {
            const struct stk_conf_net *net = &other->routes[j].to;
            if (net->family == to->family && net->prefix_len == to->prefix_len &&
                stk_conf_ip_match(net->ip, to->ip, 128)) {
                return stk_conf_fail_at(parse, where, STK_EINVAL, "%s given twice; first in [port %s] on line %u", text,
                                        other->name, section_of(parse, i)->route_lines[j]);
            }
        }
    }
    return STK_OK;
}

static int check_between_ports(struct stk_conf_parse *parse)
{
    const struct stk_config *config = parse->config;
    for (uint32_t i = 0; i < config->ports_count && parse->result == STK_OK; i++) {
        for (uint32_t j = 0; j < config->ports[i].addrs_count && parse->result == STK_OK; j++) {
            (void)check_address(parse, i, j);
        }
        for (uint32_t j = 0; j < config->ports[i].routes_count && parse->result == STK_OK; j++) {
            (void)check_route(parse, i, j);
        }
    }
    return parse->result;
}

/* The port that has an interface index, or ports_count. */
static uint32_t index_owner(const struct stk_config *config, uint32_t if_index)
{
    uint32_t i = 0;
    while (i < config->ports_count && config->ports[i].if_index != if_index) {
        i++;
    }
    return i;
}

/* Numbers interfaces that have no index: the lowest free ones from 2, in the file's order. */
static int check_indices(struct stk_conf_parse *parse)
{
    struct stk_config *config = parse->config;
    for (uint32_t i = 0; i < config->ports_count; i++) {
        uint32_t owner = config->ports[i].if_index != 0 ? index_owner(config, config->ports[i].if_index) : i;
        if (owner != i) {
            return stk_conf_fail_at(parse, at_key(section_of(parse, i), "index"), STK_EINVAL,
                                    "%u is the index of [port %s] already, line %u", config->ports[i].if_index,
                                    config->ports[owner].name, stk_conf_key_line(section_of(parse, owner), "index"));
        }
    }
    uint32_t next = 2;
    for (uint32_t i = 0; i < config->ports_count; i++) {
        while (config->ports[i].if_index == 0) {
            if (index_owner(config, next) == config->ports_count) {
                config->ports[i].if_index = next;
            }
            next++;
        }
    }
    return STK_OK;
}

static int check_instances(struct stk_conf_parse *parse)
{
    struct stk_config *config = parse->config;
    uint32_t used = 0;
    uint32_t highest = 0;
    for (uint32_t i = 0; i < config->ports_count; i++) {
        used |= 1u << config->ports[i].instance;
        highest = config->ports[i].instance > config->ports[highest].instance ? i : highest;
    }
    uint32_t count = config->ports_count > 0 ? config->ports[highest].instance + 1 : 1;
    for (uint32_t i = 0; i < count && config->ports_count > 0; i++) {
        if ((used & 1u << i) == 0) {
            return stk_conf_fail_at(parse, at_key(section_of(parse, highest), "instance"), STK_EINVAL,
                                    "instances are numbered from 0 without gaps, but no port belongs to instance %u",
                                    i);
        }
    }
    config->instances_count = count;
    return STK_OK;
}

static int check_engine(struct stk_conf_parse *parse)
{
    const struct stk_conf_engine *engine = &parse->config->engine;
    const struct stk_conf_section *section = &parse->sections[STK_CONF_SECTION_ENGINE];
    uint64_t pair = (uint64_t)engine->rcvbuf_bytes + engine->sndbuf_bytes;
    if (engine->buffer_memory < pair) {
        return stk_conf_fail_at(parse, at_key(section, "buffer_memory"), STK_EINVAL,
                                "holds not even rcvbuf and sndbuf of one socket, %llu bytes", (unsigned long long)pair);
    }
    return STK_OK;
}

int stk_conf_check(struct stk_conf_parse *parse)
{
    if (check_engine(parse) != STK_OK) {
        return parse->result;
    }
    for (uint32_t i = 0; i < parse->config->ports_count; i++) {
        struct stk_conf_section *section = section_of(parse, i);
        if (check_driver(parse, section) != STK_OK || check_families(parse, section) != STK_OK ||
            check_gateways(parse, section) != STK_OK || check_neighbours(parse, section) != STK_OK) {
            return parse->result;
        }
    }
    if (check_indices(parse) != STK_OK || check_instances(parse) != STK_OK) {
        return parse->result;
    }
    return check_between_ports(parse);
}
