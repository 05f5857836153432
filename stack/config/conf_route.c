#include "config_priv.h"

#include "stack/err.h"

#include <string.h>

/* Longest word: an IPv6 address with its prefix. */
#define WORD_SIZE STK_CONF_NET_TEXT
#define WORDS_MAX 3

/* A value split at blanks. */
struct words {
    uint32_t count;
    char word[WORDS_MAX][WORD_SIZE];
};

static bool words_split(const char *value, struct words *out)
{
    out->count = 0;
    for (;;) {
        value += strspn(value, " \t");
        size_t len = strcspn(value, " \t");
        if (len == 0) {
            return out->count > 0;
        }
        if (out->count == WORDS_MAX || len >= WORD_SIZE) {
            return false;
        }
        memcpy(out->word[out->count], value, len);
        out->word[out->count++][len] = '\0';
        value += len;
    }
}

/* The broadcast address of an IPv4 prefix and its all-zeros address are no host's (RFC 1122 3.2.1.3; RFC 3021 for /31). */
static const char *subnet_fault(const struct stk_conf_net *net)
{
    bool zeros = true;
    bool ones = true;
    if (net->family != STK_AF_INET || net->prefix_len >= 31) {
        return NULL;
    }
    for (uint32_t bit = net->prefix_len; bit < 32; bit++) {
        bool set = (net->ip[bit / 8] & (0x80u >> bit % 8)) != 0;
        zeros = zeros && !set;
        ones = ones && set;
    }
    if (zeros) {
        return "is the network's own address, not a host's";
    }
    return ones ? "is the network's broadcast address" : NULL;
}

int stk_conf_value_address(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    struct stk_conf_port *port = parse->open->port;
    struct stk_conf_net net;
    const char *fault = stk_conf_net_read(value, &net);
    if (fault == NULL) {
        fault = stk_conf_ip_host_fault(net.family, net.ip);
    }
    if (fault == NULL && net.prefix_len == 0) {
        fault = "has a prefix length of 0";
    }
    if (fault == NULL) {
        fault = subnet_fault(&net);
    }
    if (fault != NULL) {
        return stk_conf_fail(parse, key, "'%.48s' %s", value, fault);
    }
    if (port->addrs_count == STK_CONF_ADDRS_MAX) {
        return stk_conf_fail(parse, key, "too many addresses; at most %d a port", STK_CONF_ADDRS_MAX);
    }
    parse->open->addr_lines[port->addrs_count] = parse->line;
    port->addrs[port->addrs_count++] = net;
    return STK_OK;
}

/* The destination: a prefix, or "default" of the gateway's family. */
static int route_to_take(struct stk_conf_parse *parse, const struct stk_conf_key *key, const struct words *words,
                         struct stk_conf_route *route)
{
    const char *to = words->word[0];
    if (strcmp(to, "default") == 0) {
        if (words->count < 3) {
            return stk_conf_fail(parse, key, "default needs a gateway: default via ADDRESS");
        }
        return STK_OK;
    }
    const char *fault = stk_conf_net_read(to, &route->to);
    if (fault == NULL && stk_conf_net_has_host_bits(&route->to)) {
        fault = "has bits set behind its prefix";
    }
    return fault == NULL ? STK_OK : stk_conf_fail(parse, key, "'%.48s' %s", to, fault);
}

static int route_via_take(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *via,
                          struct stk_conf_route *route)
{
    uint16_t family = STK_AF_NONE;
    if (!stk_conf_ip_read(via, &family, route->via)) {
        return stk_conf_fail(parse, key, "gateway '%.48s' is not an IPv4 or IPv6 address", via);
    }
    const char *fault = stk_conf_ip_host_fault(family, route->via);
    if (fault != NULL) {
        return stk_conf_fail(parse, key, "gateway '%.48s' %s", via, fault);
    }
    if (route->to.family != STK_AF_NONE && route->to.family != family) {
        return stk_conf_fail(parse, key, "gateway '%.48s' is of another family than the destination", via);
    }
    route->to.family = family;
    return STK_OK;
}

int stk_conf_value_route(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    struct stk_conf_port *port = parse->open->port;
    struct stk_conf_route route = {.to = {.family = STK_AF_NONE}};
    struct words words;
    bool split = words_split(value, &words);
    bool on_link = split && (words.count == 1 || (words.count == 2 && strcmp(words.word[1], "on-link") == 0));
    bool via = split && words.count == 3 && strcmp(words.word[1], "via") == 0;
    if (!on_link && !via) {
        return stk_conf_fail(parse, key, "'%.60s' is not PREFIX via GATEWAY, default via GATEWAY or PREFIX on-link",
                             value);
    }
    if (route_to_take(parse, key, &words, &route) != STK_OK ||
        (via && route_via_take(parse, key, words.word[2], &route) != STK_OK)) {
        return parse->result;
    }
    if (port->routes_count == STK_CONF_ROUTES_MAX) {
        return stk_conf_fail(parse, key, "too many routes; at most %d a port", STK_CONF_ROUTES_MAX);
    }
    parse->open->route_lines[port->routes_count] = parse->line;
    port->routes[port->routes_count++] = route;
    return STK_OK;
}

int stk_conf_value_neighbour(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    static const uint8_t none[6] = {0};
    struct stk_conf_port *port = parse->open->port;
    struct stk_conf_neigh neigh = {.family = STK_AF_NONE};
    struct words words;
    if (!words_split(value, &words) || words.count != 2) {
        return stk_conf_fail(parse, key, "'%.60s' is not ADDRESS MAC", value);
    }
    if (!stk_conf_ip_read(words.word[0], &neigh.family, neigh.ip)) {
        return stk_conf_fail(parse, key, "'%.48s' is not an IPv4 or IPv6 address", words.word[0]);
    }
    const char *fault = stk_conf_ip_host_fault(neigh.family, neigh.ip);
    if (fault != NULL) {
        return stk_conf_fail(parse, key, "'%.48s' %s", words.word[0], fault);
    }
    if (!stk_conf_mac_read(words.word[1], neigh.mac)) {
        return stk_conf_fail(parse, key, "'%.48s' is not a MAC address like 02:00:00:00:00:01", words.word[1]);
    }
    if ((neigh.mac[0] & 1) != 0 || memcmp(neigh.mac, none, sizeof(none)) == 0) {
        return stk_conf_fail(parse, key, "'%.48s' is not a unicast MAC address", words.word[1]);
    }
    if (port->neighs_count == STK_CONF_NEIGHS_MAX) {
        return stk_conf_fail(parse, key, "too many neighbours; at most %d a port", STK_CONF_NEIGHS_MAX);
    }
    parse->open->neigh_lines[port->neighs_count] = parse->line;
    port->neighs[port->neighs_count++] = neigh;
    return STK_OK;
}
