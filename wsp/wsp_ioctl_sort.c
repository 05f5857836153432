/** @file SIO_ADDRESS_LIST_SORT: destinations in the order in which to try them. Source: rules 5.7, RFC 6724 section 6. */
#include "wsp_ioctl_priv.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_sdk.h"

#include <stdlib.h>

#define SORT_MAX 1024
#define SCOPE_LINK 0x2u
#define SCOPE_SITE 0x5u
#define SCOPE_GLOBAL 0xeu

/* RFC 6724 2.1, longest prefix first. */
static const struct {
    unsigned char prefix[16];
    unsigned bits, precedence, label;
} sort_policy[] = {
    {{[15] = 1}, 128, 50, 0},  {{[10] = 0xff, 0xff}, 96, 35, 4}, {{0}, 96, 1, 3},           {{0x20, 0x01}, 32, 5, 5},
    {{0x20, 0x02}, 16, 30, 2}, {{0x3f, 0xfe}, 16, 1, 12},        {{0xfe, 0xc0}, 10, 1, 11}, {{0xfc}, 7, 3, 13},
    {{0}, 0, 40, 1},
};

struct sort_entry {
    SOCKADDR_IN6 name;
    unsigned char source[16];
    bool usable;
    unsigned scope, source_scope, label, source_label, precedence, common;
};

static unsigned sort_common_bits(const unsigned char *a, const unsigned char *b)
{
    unsigned bits = 0;

    while (bits < 128 && ((a[bits / 8] ^ b[bits / 8]) & (0x80u >> bits % 8)) == 0)
        bits++;
    return bits;
}

static bool sort_is_mapped(const unsigned char ip[16])
{
    return sort_common_bits(ip, sort_policy[1].prefix) >= 96;
}

static unsigned sort_policy_of(const unsigned char ip[16])
{
    unsigned at = 0;

    while (sort_common_bits(ip, sort_policy[at].prefix) < sort_policy[at].bits)
        at++; /* the last one holds everything */
    return at;
}

/* RFC 6724 3.1, 3.2. */
static unsigned sort_scope_of(const unsigned char ip[16])
{
    if (sort_is_mapped(ip))
        return ip[12] == 127 || (ip[12] == 169 && ip[13] == 254) ? SCOPE_LINK : SCOPE_GLOBAL;
    if (ip[0] == 0xff)
        return ip[1] & 0xfu;
    if (sort_common_bits(ip, sort_policy[0].prefix) == 128 || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80))
        return SCOPE_LINK;
    return ip[0] == 0xfe && (ip[1] & 0xc0) == 0xc0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

/* Where a destination would be sent to from. */
static void sort_fill(struct stk_client *client, struct sort_entry *entry)
{
    struct stk_addr to = {.family = STK_AF_INET6, .scope_id = entry->name.sin6_scope_id}, from;
    unsigned char ip[16];
    uint32_t if_index = 0;

    memcpy(ip, &entry->name.sin6_addr, sizeof ip);
    memcpy(to.ip, ip, sizeof to.ip);
    if (sort_is_mapped(ip)) {
        to = (struct stk_addr){.family = STK_AF_INET};
        memcpy(to.ip, ip + 12, 4);
    }
    entry->usable = stk_client_route(client, &to, &from, &if_index) == STK_OK;
    entry->scope = sort_scope_of(ip);
    entry->label = sort_policy[sort_policy_of(ip)].label;
    entry->precedence = sort_policy[sort_policy_of(ip)].precedence;
    if (!entry->usable)
        return;
    if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80 && entry->name.sin6_scope_id == 0)
        entry->name.sin6_scope_id = if_index;
    memcpy(entry->source, from.ip, sizeof entry->source);
    if (from.family == STK_AF_INET) {
        memcpy(entry->source, sort_policy[1].prefix, 12);
        memcpy(entry->source + 12, from.ip, 4);
    }
    entry->source_scope = sort_scope_of(entry->source);
    entry->source_label = sort_policy[sort_policy_of(entry->source)].label;
    entry->common = sort_common_bits(ip, entry->source);
}

/* RFC 6724 section 6: does b come before a? Rules 3, 4 and 7 have nothing to go by here. */
static bool sort_before(const struct sort_entry *b, const struct sort_entry *a)
{
    bool scope_a = a->scope == a->source_scope, scope_b = b->scope == b->source_scope;
    bool label_a = a->label == a->source_label, label_b = b->label == b->source_label;

    if (a->usable != b->usable)
        return b->usable; /* rule 1 */
    if (!a->usable)
        return false;
    if (scope_a != scope_b)
        return scope_b; /* rule 2 */
    if (label_a != label_b)
        return label_b; /* rule 5 */
    if (a->precedence != b->precedence)
        return b->precedence > a->precedence; /* rule 6 */
    if (a->scope != b->scope)
        return b->scope < a->scope;                       /* rule 8 */
    return a->label == b->label && b->common > a->common; /* rule 9; else rule 10: as they came */
}

static void sort_run(struct sort_entry *list, int count)
{
    for (int i = 1; i < count; i++)
        for (int at = i; at > 0 && sort_before(&list[at], &list[at - 1]); at--) {
            struct sort_entry swap = list[at];

            list[at] = list[at - 1];
            list[at - 1] = swap;
        }
}

static int sort_read(const struct wsp_ioctl_call *call, struct sort_entry *list, int count)
{
    for (int i = 0; i < count; i++) {
        SOCKET_ADDRESS entry;

        memcpy(&entry, call->in + SIZEOF_SOCKET_ADDRESS_LIST((size_t)i), sizeof entry);
        if (entry.iSockaddrLength < (INT)sizeof list[i].name || !wsp_os_readable(entry.lpSockaddr, sizeof list[i].name))
            return WSAEFAULT;
        memcpy(&list[i].name, entry.lpSockaddr, sizeof list[i].name);
        if (list[i].name.sin6_family != AF_INET6)
            return WSAEINVAL;
    }
    return 0;
}

static void sort_write(struct wsp_ioctl_call *call, const struct sort_entry *list, int count)
{
    size_t names = SIZEOF_SOCKET_ADDRESS_LIST((size_t)count);
    SOCKET_ADDRESS entry = {.iSockaddrLength = (INT)sizeof list[0].name};
    INT entries = count;

    memcpy(call->out, &entries, sizeof entries);
    for (int i = 0; i < count; i++) {
        char *place = call->out + names + (size_t)i * sizeof list[i].name;

        memcpy(place, &list[i].name, sizeof list[i].name);
        entry.lpSockaddr = (LPSOCKADDR)(void *)place;
        memcpy(call->out + SIZEOF_SOCKET_ADDRESS_LIST((size_t)i), &entry, sizeof entry);
    }
    call->returned = (DWORD)(names + (size_t)count * sizeof list[0].name);
}

int wsp_ioctl_address_sort(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct stk_client *client = wsp_provider_client_now();
    struct sort_entry *list;
    INT count = 0;
    int code;

    if (sock->family != AF_INET6)
        return WSAEINVAL;
    memcpy(&count, call->in, sizeof count);
    if (count < 0 || count > SORT_MAX || call->in_bytes < SIZEOF_SOCKET_ADDRESS_LIST((size_t)count))
        return count < 0 || count > SORT_MAX ? WSAEINVAL : WSAEFAULT;
    if (!client)
        return WSAENETDOWN;
    code = wsp_ioctl_need(call, SIZEOF_SOCKET_ADDRESS_LIST((size_t)count) + (size_t)count * sizeof list[0].name);
    if (code != 0)
        return code;
    list = calloc((size_t)count + 1, sizeof *list);
    if (!list)
        return WSAENOBUFS;
    code = sort_read(call, list, count);
    for (int i = 0; i < count && code == 0; i++)
        sort_fill(client, &list[i]);
    if (code == 0) {
        sort_run(list, count);
        sort_write(call, list, count);
    }
    free(list);
    return code;
}
