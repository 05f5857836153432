/*
 * Errors about packets that this instance sent: ICMP messages from the wire (patch 0002), and neighbours that never
 * answered (patch 0003). The quoted packet says whom it concerns; what it says is not trusted: a TCP error counts only
 * if the sequence number is one that is in flight (RFC 5927 4.1), and ends a connection only in SYN-SENT (5.2).
 */
#include "instance_priv.h"

#include "stack/err.h"

#include "lwip/tcp_path.h"
#include "stk_lwip_hooks.h"

#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip.h"
#include "lwip/raw.h"

#include <string.h>

#define ICMP_BYTES 8u
#define QUOTE_BYTES_MAX (60u + 8u)

struct error_kind {
    int32_t err_tcp;
    int32_t err_other;
    bool unreachable; /* RFC 1122 4.2.3.9, 3.2.2.1: the destination cannot be reached, now */
};

static uint16_t load_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)load_be16(p) << 16 | load_be16(p + 2);
}

static bool find_tcp(struct stk_inst_net_error *error)
{
    ip_addr_t local;
    ip_addr_t remote;
    if (!stk_addr_to_ip(&error->local_addr, &local) || !stk_addr_to_ip(&error->remote_addr, &remote))
        return false;
    struct tcp_pcb *pcb = stk_pcb_tcp_lookup(&local, error->local_addr.port, &remote, error->remote_addr.port, false);
    if (pcb == NULL || pcb->state == TIME_WAIT || !TCP_SEQ_BETWEEN(error->seq, pcb->lastack, pcb->snd_nxt))
        return false;
    error->pcb = pcb;
    error->hard = error->hard && pcb->state == SYN_SENT;
    return true;
}

static bool udp_matches(const struct udp_pcb *pcb, const struct stk_inst_net_error *error)
{
    ip_addr_t local;
    ip_addr_t remote;
    if (pcb->local_port != error->local_addr.port || !stk_addr_to_ip(&error->local_addr, &local) ||
        !stk_addr_to_ip(&error->remote_addr, &remote))
        return false;
    if (!ip_addr_isany(&pcb->local_ip) && !ip_addr_zoneless_eq(&pcb->local_ip, &local))
        return false;
    if ((pcb->flags & UDP_FLAGS_CONNECTED) == 0)
        return true;
    return pcb->remote_port == error->remote_addr.port && ip_addr_zoneless_eq(&pcb->remote_ip, &remote);
}

static bool find_udp(struct stk_inst_net_error *error)
{
    ip_addr_t local;
    if (!stk_addr_to_ip(&error->local_addr, &local))
        return false;
    struct udp_pcb *pcb = stk_pcb_udp_next(NULL, &local, error->local_addr.port);
    for (; pcb != NULL; pcb = stk_pcb_udp_next(pcb, &local, error->local_addr.port)) {
        if (udp_matches(pcb, error)) {
            error->pcb = pcb;
            return true;
        }
    }
    return false;
}

/* A packet of another protocol is ours if a RAW socket sends such ones. */
static bool find_raw(const struct stk_inst_net_error *error)
{
    ip_addr_t local;
    ip_addr_t remote;
    if (!stk_addr_to_ip(&error->local_addr, &local) || !stk_addr_to_ip(&error->remote_addr, &remote))
        return false;
    for (const struct raw_pcb *pcb = LWIP_INST(raw.pcbs); pcb != NULL; pcb = pcb->next) {
        if (pcb->protocol != error->proto && !raw_is_flag_set(pcb, RAW_FLAGS_HDRINCL))
            continue;
        if (!ip_addr_isany(&pcb->local_ip) && !ip_addr_zoneless_eq(&pcb->local_ip, &local))
            continue;
        if (!raw_is_flag_set(pcb, RAW_FLAGS_CONNECTED) || ip_addr_zoneless_eq(&pcb->remote_ip, &remote))
            return true;
    }
    return false;
}

/* RFC 1191 5, 7.1: a router that does not say how narrow its next hop is; the next smaller one that is common. */
static uint32_t mtu_guess(uint32_t length)
{
    static const uint16_t common[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        if (common[i] < length)
            return common[i];
    }
    return STK_PMTU4_MIN;
}

static void path_learn(const struct stk_inst_net_error *error)
{
    struct stk_inst *inst = stk_inst_selected();
    uint32_t to;
    memcpy(&to, error->remote_addr.ip, sizeof(to));
    stk_pmtu4_learn(&inst->pmtu4, to, error->mtu, inst->ops->now_ns(inst->ctx));
}

/* Ports, sequence number, and whom it concerns. l4 has 8 bytes at least. */
static void error_deliver(struct stk_inst_net_error *error, const struct error_kind *kind, const uint8_t *l4)
{
    const struct stk_inst *inst = stk_inst_selected();
    if (inst->events == NULL || inst->events->net_error == NULL)
        return;
    error->err = error->proto == IP_PROTO_TCP ? kind->err_tcp : kind->err_other;
    error->hard = kind->unreachable;
    bool found = false;
    if (error->proto == IP_PROTO_TCP || error->proto == IP_PROTO_UDP) {
        error->local_addr.port = load_be16(l4);
        error->remote_addr.port = load_be16(l4 + 2);
        error->seq = load_be32(l4 + 4);
        found = error->proto == IP_PROTO_TCP ? find_tcp(error) : find_udp(error);
    } else {
        found = find_raw(error);
    }
    if (!found)
        return;
    if (error->err == STK_EMSGSIZE && error->remote_addr.family == STK_AF_INET)
        path_learn(error);
    if (error->err == STK_EMSGSIZE && error->proto == IP_PROTO_TCP)
        stk_tcp_path_too_big(error->pcb, error->mtu);
    inst->events->net_error(inst->events_ctx, error);
}

/* The packet that an error is about, as far as it is there: false if it says too little. */
static bool quote_parse4(const uint8_t *ip, uint32_t len, struct stk_inst_net_error *error, const uint8_t **l4)
{
    if (len < 20 || ip[0] >> 4 != 4)
        return false;
    uint32_t header = (uint32_t)(ip[0] & 0x0f) * 4;
    if (header < 20 || len < header + 8 || (load_be16(ip + 6) & 0x1fff) != 0)
        return false;
    error->proto = ip[9];
    error->local_addr.family = STK_AF_INET;
    error->remote_addr.family = STK_AF_INET;
    memcpy(error->local_addr.ip, ip + 12, 4);
    memcpy(error->remote_addr.ip, ip + 16, 4);
    *l4 = ip + header;
    return true;
}

/* Extension headers of ours: a fragment header only, and then of the first fragment. */
static bool quote_parse6(const uint8_t *ip, uint32_t len, struct stk_inst_net_error *error, const uint8_t **l4)
{
    if (len < 48 || ip[0] >> 4 != 6)
        return false;
    error->proto = ip[6];
    *l4 = ip + 40;
    if (error->proto == IP6_NEXTH_FRAGMENT) {
        if (len < 56 || (load_be16(ip + 42) & 0xfff8) != 0)
            return false;
        error->proto = ip[40];
        *l4 = ip + 48;
    }
    error->local_addr.family = STK_AF_INET6;
    error->remote_addr.family = STK_AF_INET6;
    memcpy(error->local_addr.ip, ip + 8, 16);
    memcpy(error->remote_addr.ip, ip + 24, 16);
    return true;
}

/* RFC 792, RFC 4443 2.2: an error goes to the source of the packet that it quotes. */
static bool told_the_sender(const struct stk_inst_net_error *error)
{
    ip_addr_t source;
    return stk_addr_to_ip(&error->local_addr, &source) && ip_addr_zoneless_eq(&source, ip_current_dest_addr());
}

static bool kind_of_icmp4(uint8_t type, uint8_t code, struct error_kind *kind)
{
    *kind = (struct error_kind){STK_EHOSTUNREACH, STK_EHOSTUNREACH, true};
    if (type == ICMP_TE) {
        *kind = (struct error_kind){STK_EHOSTUNREACH, STK_ENETRESET, false};
        return true;
    }
    if (type != ICMP_DUR || code > 15)
        return false;
    if (code == ICMP_DUR_NET || code == 6 || code == 11)
        *kind = (struct error_kind){STK_ENETUNREACH, STK_ENETUNREACH, true};
    else if (code == ICMP_DUR_PROTO || code == ICMP_DUR_PORT)
        *kind = (struct error_kind){STK_ECONNREFUSED, STK_ECONNRESET, true};
    else if (code == ICMP_DUR_FRAG)
        *kind = (struct error_kind){STK_EMSGSIZE, STK_EMSGSIZE, false};
    return true;
}

static bool kind_of_icmp6(uint8_t type, uint8_t code, struct error_kind *kind)
{
    *kind = (struct error_kind){STK_EHOSTUNREACH, STK_EHOSTUNREACH, true};
    if (type == ICMP6_TYPE_TE)
        *kind = (struct error_kind){STK_EHOSTUNREACH, STK_ENETRESET, false};
    else if (type == ICMP6_TYPE_PTB)
        *kind = (struct error_kind){STK_EMSGSIZE, STK_EMSGSIZE, false};
    else if (type == ICMP6_TYPE_PP && code == ICMP6_PP_HEADER)
        *kind = (struct error_kind){STK_ECONNREFUSED, STK_ECONNRESET, true};
    else if (type != ICMP6_TYPE_DUR)
        return false;
    else if (code == ICMP6_DUR_NO_ROUTE)
        *kind = (struct error_kind){STK_ENETUNREACH, STK_ENETUNREACH, true};
    else if (code == ICMP6_DUR_PORT)
        *kind = (struct error_kind){STK_ECONNREFUSED, STK_ECONNRESET, true};
    return true;
}

void stk_hook_icmp4_error(struct pbuf *p)
{
    uint8_t bytes[ICMP_BYTES + QUOTE_BYTES_MAX];
    struct error_kind kind;
    const uint8_t *l4;
    uint32_t len = pbuf_copy_partial(p, bytes, sizeof(bytes), 0);
    if (len < ICMP_BYTES || !kind_of_icmp4(bytes[0], bytes[1], &kind))
        return;
    IF__NETIF_CHECKSUM_ENABLED(ip_current_input_netif(), NETIF_CHECKSUM_CHECK_ICMP) /* loopback carries none */
    {
        if (inet_chksum_pbuf(p) != 0)
            return;
    }
    struct stk_inst_net_error error = {.icmp_type = bytes[0], .icmp_code = bytes[1]};
    if (bytes[0] == ICMP_DUR && bytes[1] == ICMP_DUR_FRAG)
        error.mtu = load_be16(bytes + 6);
    stk_addr_from_ip(ip_current_src_addr(), 0, &error.source);
    if (!quote_parse4(bytes + ICMP_BYTES, len - ICMP_BYTES, &error, &l4) || !told_the_sender(&error))
        return;
    const uint32_t length = load_be16(bytes + ICMP_BYTES + 2);
    if (kind.err_tcp == STK_EMSGSIZE && error.mtu == 0)
        error.mtu = mtu_guess(length);
    if (kind.err_tcp != STK_EMSGSIZE || error.mtu < length) /* what fits is not too large */
        error_deliver(&error, &kind, l4);
}

void stk_hook_icmp6_error(struct pbuf *p, struct netif *inp)
{
    uint8_t bytes[ICMP_BYTES + QUOTE_BYTES_MAX];
    struct error_kind kind;
    const uint8_t *l4;
    uint32_t len = pbuf_copy_partial(p, bytes, sizeof(bytes), 0);
    if (len < ICMP_BYTES || !kind_of_icmp6(bytes[0], bytes[1], &kind))
        return;
    struct stk_inst_net_error error = {.icmp_type = bytes[0], .icmp_code = bytes[1]};
    if (bytes[0] == ICMP6_TYPE_PTB)
        error.mtu = load_be32(bytes + 4);
    error.if_index = netif_get_index(inp);
    stk_addr_from_ip(ip_current_src_addr(), 0, &error.source);
    if (quote_parse6(bytes + ICMP_BYTES, len - ICMP_BYTES, &error, &l4) && told_the_sender(&error))
        error_deliver(&error, &kind, l4);
}

void stk_hook_unresolved(struct netif *netif, const struct pbuf *p)
{
    static const struct error_kind kind = {STK_EHOSTUNREACH, STK_EHOSTUNREACH, true};
    uint8_t bytes[QUOTE_BYTES_MAX];
    const uint8_t *l4;
    uint32_t len = pbuf_copy_partial(p, bytes, sizeof(bytes), 0);
    struct stk_inst_net_error error = {.local = true};
    error.if_index = netif_get_index(netif);
    if (len == 0)
        return;
    if (bytes[0] >> 4 == 6 && len >= 40 && bytes[24] == 0xfe && (bytes[25] & 0xc0) == 0x80) {
        struct stk_inst *inst = stk_inst_selected();
        stk_scope_failed(&inst->scopes, bytes + 24, netif, inst->ops->now_ns(inst->ctx));
    }
    bool known = bytes[0] >> 4 == 4 ? quote_parse4(bytes, len, &error, &l4) : quote_parse6(bytes, len, &error, &l4);
    if (known)
        error_deliver(&error, &kind, l4);
}
