/*
 * The order of a name's addresses: the one that is most likely to be reached, and best matched by an address of ours, first.
 * Source: RFC 6724 sections 2, 3, 5 and 6 (rules 1, 2, 5, 6, 8, 9 and 10).
 */
#include "ws2_hosts_priv.h"

#include <stdlib.h>
#include <string.h>

struct candidate {
    struct ws2_host_address address;
    uint8_t to[16];   /* IPv4 as mapped */
    uint8_t from[16]; /* the source that would be used */
    bool reachable;
};

struct policy {
    uint8_t prefix[16];
    unsigned bits;
    int precedence;
    int label;
};

/* Section 2.1, longest prefixes first. */
static const struct policy policies[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},
    {{0}, 96, 1, 3},
    {{0x20, 0x01, 0, 0}, 32, 5, 5},
    {{0x20, 0x02}, 16, 30, 2},
    {{0x3f, 0xfe}, 16, 1, 12},
    {{0xfe, 0xc0}, 10, 1, 11},
    {{0xfc}, 7, 3, 13},
    {{0}, 0, 40, 1},
};

static unsigned common_bits(const uint8_t *a, const uint8_t *b)
{
    unsigned bits = 0;
    while (bits < 128 && ((a[bits / 8] ^ b[bits / 8]) >> (7 - bits % 8) & 1) == 0) {
        bits++;
    }
    return bits;
}

static const struct policy *policy_of(const uint8_t *addr)
{
    const struct policy *policy = policies;
    while (policy->bits > 0 && common_bits(addr, policy->prefix) < policy->bits) {
        policy++;
    }
    return policy;
}

/* Section 3.1 and 3.2: link-local 2, site-local 5, global 14. */
static int scope_of(const uint8_t *addr)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (memcmp(addr, mapped, sizeof mapped) == 0) {
        return addr[12] == 127 || (addr[12] == 169 && addr[13] == 254) ? 2 : 14;
    }
    if (addr[0] == 0xff) {
        return addr[1] & 0xf;
    }
    if (memcmp(addr, &in6addr_loopback, 16) == 0 || (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80)) {
        return 2;
    }
    return addr[0] == 0xfe && (addr[1] & 0xc0) == 0xc0 ? 5 : 14;
}

static void as_mapped(const uint8_t *four, uint8_t out[16])
{
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    memcpy(out + 12, four, 4);
}

/* Which address of ours would be used, asked of the provider: a datagram socket that is connected sends nothing. */
static void find_source(SOCKET s, struct candidate *candidate)
{
    const struct ws2_host_address *address = &candidate->address;
    SOCKADDR_IN6 six = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
    SOCKADDR_IN four = {.sin_family = AF_INET, .sin_port = htons(53)};
    SOCKADDR_STORAGE from;
    int bytes = sizeof from;
    bool is_four = address->family == AF_INET;
    memcpy(&six.sin6_addr, address->addr, 16);
    six.sin6_scope_id = address->scope_id;
    memcpy(&four.sin_addr, address->addr, 4);
    if (s == INVALID_SOCKET ||
        connect(s, is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six,
                is_four ? (int)sizeof four : (int)sizeof six) != 0 ||
        getsockname(s, (struct sockaddr *)&from, &bytes) != 0) {
        return;
    }
    candidate->reachable = true;
    if (is_four) {
        as_mapped((const uint8_t *)&((const SOCKADDR_IN *)&from)->sin_addr, candidate->from);
    } else {
        memcpy(candidate->from, &((const SOCKADDR_IN6 *)&from)->sin6_addr, 16);
    }
}

/* Positive if b goes before a. */
static int compare(const struct candidate *a, const struct candidate *b)
{
    int by;
    if (a->reachable != b->reachable) {
        return b->reachable - a->reachable;
    }
    by = (scope_of(b->to) == scope_of(b->from)) - (scope_of(a->to) == scope_of(a->from));
    if (by == 0) {
        by = (policy_of(b->to)->label == policy_of(b->from)->label) -
             (policy_of(a->to)->label == policy_of(a->from)->label);
    }
    if (by == 0) {
        by = policy_of(b->to)->precedence - policy_of(a->to)->precedence;
    }
    if (by == 0) {
        by = scope_of(a->to) - scope_of(b->to);
    }
    if (by == 0 && a->address.family == AF_INET6 && b->address.family == AF_INET6) {
        by = (int)common_bits(b->to, b->from) - (int)common_bits(a->to, a->from);
    }
    return by;
}

static void sort(struct candidate *list, unsigned count)
{
    unsigned i;
    unsigned at;
    for (i = 1; i < count; i++) {
        struct candidate held = list[i];
        for (at = i; at > 0 && compare(&list[at - 1], &held) > 0; at--) {
            list[at] = list[at - 1];
        }
        list[at] = held;
    }
}

static bool all_loopback(const struct ws2_host_address *list, unsigned count)
{
    unsigned i;
    for (i = 0; i < count; i++) {
        if (list[i].family == AF_INET ? list[i].addr[0] != 127 : memcmp(list[i].addr, &in6addr_loopback, 16) != 0) {
            return false;
        }
    }
    return true;
}

/**
 * Put addresses in the order in which they should be tried.
 *
 * @param list   Of at most WS2_HOST_ADDRESSES; equal ones keep their order.
 *
 * Context: any thread. Asks the provider, by a socket of each family, unless there is nothing to choose.
 */
void ws2_order_addresses(struct ws2_host_address *list, unsigned count)
{
    struct candidate *candidates;
    SOCKET four = INVALID_SOCKET;
    SOCKET six = INVALID_SOCKET;
    DWORD before = GetLastError();
    unsigned i;
    if (count < 2 || count > WS2_HOST_ADDRESSES || all_loopback(list, count) || ws2_provider_starting()) {
        return;
    }
    candidates = (struct candidate *)calloc(count, sizeof *candidates);
    if (candidates == NULL) {
        return;
    }
    four = WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    six = WSASocketW(AF_INET6, SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    for (i = 0; i < count; i++) {
        candidates[i].address = list[i];
        if (list[i].family == AF_INET) {
            as_mapped(list[i].addr, candidates[i].to);
        } else {
            memcpy(candidates[i].to, list[i].addr, 16);
        }
        find_source(list[i].family == AF_INET ? four : six, &candidates[i]);
    }
    sort(candidates, count);
    for (i = 0; i < count; i++) {
        list[i] = candidates[i].address;
    }
    free(candidates);
    if (four != INVALID_SOCKET) {
        closesocket(four);
    }
    if (six != INVALID_SOCKET) {
        closesocket(six);
    }
    SetLastError(before);
}
