#include "config_priv.h"

#include <stdio.h>
#include <string.h>

/* One decimal number of at most three digits, without leading zeros. */
static const char *octet_read(const char *at, uint8_t *out)
{
    unsigned number = 0;
    unsigned digits = 0;
    while (*at >= '0' && *at <= '9' && digits < 4) {
        number = number * 10 + (unsigned)(*at++ - '0');
        digits++;
    }
    if (digits == 0 || digits > 3 || number > 255 || (digits > 1 && at[-(int)digits] == '0')) {
        return NULL;
    }
    *out = (uint8_t)number;
    return at;
}

static bool ip4_read(const char *text, uint8_t out[4])
{
    for (int i = 0; i < 4; i++) {
        text = octet_read(text, &out[i]);
        if (text == NULL || *text != (i < 3 ? '.' : '\0')) {
            return false;
        }
        text++;
    }
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One group of up to four hexadecimal digits. */
static const char *group_read(const char *at, uint8_t out[2])
{
    unsigned number = 0;
    unsigned digits = 0;
    for (; digits < 4 && hex_value(*at) >= 0; digits++) {
        number = number << 4 | (unsigned)hex_value(*at++);
    }
    out[0] = (uint8_t)(number >> 8);
    out[1] = (uint8_t)number;
    return digits > 0 ? at : NULL;
}

/* The groups of an IPv6 address as far as they were read. */
struct ip6_read {
    uint8_t bytes[16];
    size_t used;
    size_t gap; /* where "::" stands */
    bool gap_set;
};

/* Moves what follows "::" to the end. */
static bool ip6_finish(const struct ip6_read *read, uint8_t out[16])
{
    if (read->gap_set ? read->used > 14 : read->used != 16) {
        return false;
    }
    size_t front = read->gap_set ? read->gap : 16;
    size_t back = read->used - (read->gap_set ? read->gap : 16);
    memset(out, 0, 16);
    memcpy(out, read->bytes, front);
    memcpy(out + 16 - back, read->bytes + front, back);
    return true;
}

/* RFC 4291 2.2: eight groups; one "::" for one or more groups of zeros; IPv4 in the last two. */
static bool ip6_read(const char *at, uint8_t out[16])
{
    struct ip6_read read = {.gap_set = false};
    if (at[0] == ':' && at[1] == ':') {
        read.gap_set = true;
        at += 2;
    }
    while (*at != '\0') {
        if (read.used > 14) {
            return false;
        }
        if (read.used <= 12 && (read.used == 12 || read.gap_set) && ip4_read(at, &read.bytes[read.used])) {
            read.used += 4;
            break;
        }
        at = group_read(at, &read.bytes[read.used]);
        if (at == NULL) {
            return false;
        }
        read.used += 2;
        if (*at == '\0') {
            break;
        }
        if (*at++ != ':') {
            return false;
        }
        if (*at == ':' && !read.gap_set) {
            read.gap_set = true;
            read.gap = read.used;
            at++;
        } else if (*at == '\0') {
            return false;
        }
    }
    return ip6_finish(&read, out);
}

bool stk_conf_ip_read(const char *text, uint16_t *family, uint8_t ip[16])
{
    uint8_t read[16] = {0};
    if (ip4_read(text, read)) {
        *family = STK_AF_INET;
    } else if (ip6_read(text, read)) {
        *family = STK_AF_INET6;
    } else {
        return false;
    }
    memcpy(ip, read, sizeof(read));
    return true;
}

const char *stk_conf_net_read(const char *text, struct stk_conf_net *out)
{
    char address[STK_CONF_NET_TEXT];
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct stk_conf_net net = {.family = STK_AF_NONE};
    uint64_t prefix_len = 0;
    if (len >= sizeof(address)) {
        return "is not an IPv4 or IPv6 address";
    }
    memcpy(address, text, len);
    address[len] = '\0';
    if (!stk_conf_ip_read(address, &net.family, net.ip)) {
        return "is not an IPv4 or IPv6 address";
    }
    if (slash == NULL) {
        return "lacks a prefix length, as in 10.0.0.1/24";
    }
    unsigned digits = 0;
    for (const char *at = slash + 1; *at != '\0'; at++, digits++) {
        if (*at < '0' || *at > '9' || digits >= 3) {
            return "has a malformed prefix length";
        }
        prefix_len = prefix_len * 10 + (uint64_t)(*at - '0');
    }
    if (digits == 0) {
        return "has a malformed prefix length";
    }
    if (prefix_len > (net.family == STK_AF_INET ? 32u : 128u)) {
        return net.family == STK_AF_INET ? "has a prefix length above 32" : "has a prefix length above 128";
    }
    net.prefix_len = (uint16_t)prefix_len;
    *out = net;
    return NULL;
}

bool stk_conf_mac_read(const char *text, uint8_t mac[6])
{
    uint8_t read[6];
    char separator = '\0';
    for (int i = 0; i < 6; i++) {
        int high = hex_value(text[0]);
        int low = high >= 0 ? hex_value(text[1]) : -1;
        if (low < 0) {
            return false;
        }
        read[i] = (uint8_t)(high << 4 | low);
        text += 2;
        if (i == 0) {
            separator = *text;
        }
        if (i < 5 && (*text != separator || (separator != ':' && separator != '-'))) {
            return false;
        }
        text += i < 5 ? 1 : 0;
    }
    if (*text != '\0') {
        return false;
    }
    memcpy(mac, read, sizeof(read));
    return true;
}

/* RFC 5952 4.2: the first of the longest runs of at least two zero groups. */
static int zero_run_find(const uint8_t ip[16], int *run_len)
{
    int best = -1;
    *run_len = 1;
    for (int i = 0; i < 8; i++) {
        int len = 0;
        while (i + len < 8 && ip[2 * (i + len)] == 0 && ip[2 * (i + len) + 1] == 0) {
            len++;
        }
        if (len > *run_len) {
            best = i;
            *run_len = len;
        }
    }
    return best;
}

static void ip6_text(const uint8_t ip[16], char *text)
{
    int run_len = 0;
    int run = zero_run_find(ip, &run_len);
    int used = 0;
    for (int i = 0; i < 8; i++) {
        size_t left = STK_CONF_NET_TEXT - (size_t)used;
        if (i == run) {
            used += snprintf(text + used, left, "::");
            i += run_len - 1;
            continue;
        }
        const char *colon = i == 0 || (run >= 0 && i == run + run_len) ? "" : ":";
        used += snprintf(text + used, left, "%s%x", colon, (unsigned)(ip[2 * i] << 8 | ip[2 * i + 1]));
    }
}

const char *stk_conf_ip_text(uint16_t family, const uint8_t ip[16], char *text)
{
    if (family == STK_AF_INET) {
        (void)snprintf(text, STK_CONF_NET_TEXT, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    } else {
        ip6_text(ip, text);
    }
    return text;
}

const char *stk_conf_net_text(const struct stk_conf_net *net, char *text)
{
    (void)stk_conf_ip_text(net->family, net->ip, text);
    size_t used = strlen(text);
    (void)snprintf(text + used, STK_CONF_NET_TEXT - used, "/%u", net->prefix_len);
    return text;
}

bool stk_conf_ip_match(const uint8_t a[16], const uint8_t b[16], uint32_t prefix_len)
{
    uint32_t bytes = prefix_len / 8;
    uint32_t bits = prefix_len % 8;
    if (memcmp(a, b, bytes) != 0) {
        return false;
    }
    return bits == 0 || (a[bytes] ^ b[bytes]) >> (8 - bits) == 0;
}

bool stk_conf_net_has_host_bits(const struct stk_conf_net *net)
{
    uint32_t size_bits = net->family == STK_AF_INET ? 32 : 128;
    for (uint32_t bit = net->prefix_len; bit < size_bits; bit++) {
        if ((net->ip[bit / 8] & (0x80u >> bit % 8)) != 0) {
            return true;
        }
    }
    return false;
}

static const char *ip4_host_fault(const uint8_t ip[4])
{
    if (ip[0] == 0) {
        return "is in 0.0.0.0/8, which no host has";
    }
    if (ip[0] == 127) {
        return "is a loopback address; each instance has those by itself";
    }
    if (ip[0] >= 224 && ip[0] <= 239) {
        return "is a multicast address";
    }
    return ip[0] >= 240 ? "is in 240.0.0.0/4, which no host has" : NULL;
}

const char *stk_conf_ip_host_fault(uint16_t family, const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t zeros[15] = {0};
    if (family == STK_AF_INET) {
        return ip4_host_fault(ip);
    }
    if (ip[0] == 0xff) {
        return "is a multicast address";
    }
    if (memcmp(ip, zeros, sizeof(zeros)) == 0 && ip[15] <= 1) {
        return ip[15] == 1 ? "is a loopback address; each instance has those by itself" : "is the unspecified address";
    }
    return memcmp(ip, mapped, sizeof(mapped)) == 0 ? "is an IPv4-mapped address" : NULL;
}
