/** @file Control messages of datagrams. */
#include "wsp_cmsg.h"

#include "wsp_option.h"
#include "wsp_sdk.h"

#define ECN_BITS 3 /* of the TOS or traffic class: RFC 3168 5; all set: congestion experienced */

/* Both kinds of packet information, as Windows lays them out. */
struct cmsg_pktinfo4 {
    unsigned char addr[4];
    ULONG if_index;
};
struct cmsg_pktinfo6 {
    unsigned char addr[16];
    ULONG if_index;
};
_Static_assert(sizeof(struct cmsg_pktinfo4) == 8 && sizeof(struct cmsg_pktinfo6) == 20, "IN_PKTINFO, IN6_PKTINFO");

/* What is being written. */
struct cmsg_out {
    char *at;
    size_t room;
    size_t used;
    bool short_of_room;
};

static bool cmsg_is_mapped(const struct stk_addr *addr)
{
    static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};

    return addr->family == STK_AF_INET6 && memcmp(addr->ip, prefix, sizeof prefix) == 0;
}

/* WSA_CMSG_SPACE, without the signed numbers that some headers make of it. */
static size_t cmsg_space(size_t size)
{
    return (sizeof(WSACMSGHDR) + size + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
}

/* MSG-9: whole messages only. */
static void cmsg_put(struct cmsg_out *out, int level, int type, const void *data, size_t size)
{
    WSACMSGHDR header = {.cmsg_len = sizeof header + size, .cmsg_level = level, .cmsg_type = type};
    size_t space = cmsg_space(size);

    if (out->room - out->used < space) {
        out->short_of_room = true;
        return;
    }
    memset(out->at + out->used, 0, space);
    memcpy(out->at + out->used, &header, sizeof header);
    memcpy(out->at + out->used + sizeof header, data, size);
    out->used += space;
}

static void cmsg_put_int(struct cmsg_out *out, int level, int type, uint32_t value)
{
    cmsg_put(out, level, type, &value, sizeof value);
}

static void cmsg_write_v4(uint32_t bits, const struct stk_msg_info *info, struct cmsg_out *out)
{
    struct cmsg_pktinfo4 packet = {.if_index = info->if_index};

    memcpy(packet.addr, cmsg_is_mapped(&info->to) ? info->to.ip + 12 : info->to.ip, sizeof packet.addr);
    if (bits & (1u << WSP_CMSG_V4_PKTINFO))
        cmsg_put(out, IPPROTO_IP, IP_PKTINFO, &packet, sizeof packet);
    if (bits & (1u << WSP_CMSG_V4_TTL))
        cmsg_put_int(out, IPPROTO_IP, IP_TTL, info->ttl);
    if (bits & (1u << WSP_CMSG_V4_IF))
        cmsg_put_int(out, IPPROTO_IP, IP_RECVIF, info->if_index);
    if (bits & (1u << WSP_CMSG_V4_DSTADDR))
        cmsg_put(out, IPPROTO_IP, IP_RECVDSTADDR, packet.addr, sizeof packet.addr);
    if (bits & (1u << WSP_CMSG_V4_TOS))
        cmsg_put_int(out, IPPROTO_IP, IP_TOS, info->tos);
    if (bits & (1u << WSP_CMSG_V4_ECN))
        cmsg_put_int(out, IPPROTO_IP, IP_ECN, info->tos & ECN_BITS);
    if (bits & (1u << WSP_CMSG_V4_ORIGINAL_IF))
        cmsg_put_int(out, IPPROTO_IP, IP_ORIGINAL_ARRIVAL_IF, info->if_index);
}

/* Of IPv4 datagrams on a dual-stack socket, too, with the mapped address (MSG-5). */
static void cmsg_write_v6(uint32_t bits, const struct stk_msg_info *info, struct cmsg_out *out)
{
    struct cmsg_pktinfo6 packet = {.if_index = info->if_index};

    memcpy(packet.addr, info->to.ip, sizeof packet.addr);
    if (bits & (1u << WSP_CMSG_V6_PKTINFO))
        cmsg_put(out, IPPROTO_IPV6, IPV6_PKTINFO, &packet, sizeof packet);
    if (bits & (1u << WSP_CMSG_V6_HOPLIMIT))
        cmsg_put_int(out, IPPROTO_IPV6, IPV6_HOPLIMIT, info->ttl);
    if (bits & (1u << WSP_CMSG_V6_IF))
        cmsg_put_int(out, IPPROTO_IPV6, IPV6_RECVIF, info->if_index);
    if (bits & (1u << WSP_CMSG_V6_DSTADDR))
        cmsg_put(out, IPPROTO_IPV6, IPV6_RECVDSTADDR, packet.addr, sizeof packet.addr);
    if (bits & (1u << WSP_CMSG_V6_TCLASS))
        cmsg_put_int(out, IPPROTO_IPV6, IPV6_TCLASS, info->tos);
    if (bits & (1u << WSP_CMSG_V6_ECN))
        cmsg_put_int(out, IPPROTO_IPV6, IPV6_ECN, info->tos & ECN_BITS);
    if (bits & (1u << WSP_CMSG_V6_ORIGINAL_IF))
        cmsg_put_int(out, IPPROTO_IPV6, IP_ORIGINAL_ARRIVAL_IF, info->if_index);
}

/* What is told beside the facts of IP: USO-14, TSTAMP-4. */
static void cmsg_write_udp(const struct stk_msg_info *info, struct cmsg_out *out)
{
    uint64_t stamp = info->stamp_ns;

    if (info->flags & STK_MSG_STAMP) {
        if (!(info->flags & STK_MSG_STAMP_PORT))
            stamp = wsp_os_ticks(stamp); /* TSTAMP-10 */
        cmsg_put(out, SOL_SOCKET, SO_TIMESTAMP, &stamp, sizeof stamp);
    }
    if (info->merged > 0)
        cmsg_put_int(out, IPPROTO_UDP, UDP_COALESCED_INFO, info->merged);
}

size_t wsp_cmsg_space(const struct wsp_socket *sock)
{
    static const unsigned char sizes[] = {
        [WSP_CMSG_V4_PKTINFO] = sizeof(struct cmsg_pktinfo4),
        [WSP_CMSG_V4_DSTADDR] = 4,
        [WSP_CMSG_V6_PKTINFO] = sizeof(struct cmsg_pktinfo6),
        [WSP_CMSG_V6_DSTADDR] = 16,
        [WSP_CMSG_V6_ORIGINAL_IF] = 0,
    };
    uint32_t bits = atomic_load(&sock->values[WSP_VALUE_CMSG]);
    size_t space = cmsg_space(sizeof(DWORD)) + (atomic_load(&sock->values[WSP_VALUE_STAMP_RX]) ? cmsg_space(8) : 0);

    for (size_t i = 0; i < sizeof sizes; i++)
        if (bits & (1u << i))
            space += cmsg_space(sizes[i] ? sizes[i] : sizeof(int32_t));
    return space;
}

bool wsp_cmsg_write(const struct wsp_socket *sock, const struct stk_msg_info *info, WSABUF *control)
{
    uint32_t bits = atomic_load(&sock->values[WSP_VALUE_CMSG]);
    struct cmsg_out out = {.at = control->buf, .room = control->buf ? control->len : 0};

    if (sock->family == AF_INET || cmsg_is_mapped(&info->to))
        cmsg_write_v4(bits, info, &out);
    if (sock->family == AF_INET6)
        cmsg_write_v6(bits, info, &out);
    cmsg_write_udp(info, &out);
    control->len = (ULONG)out.used;
    return !out.short_of_room;
}

/* --- Sending ------------------------------------------------------------------ */

static int cmsg_source(struct stk_send_info *out, enum stk_family family, const unsigned char *ip, uint32_t if_index)
{
    static const unsigned char any[16];
    size_t bytes = family == STK_AF_INET ? 4 : 16;

    out->if_index = if_index;
    if (memcmp(ip, any, bytes) == 0)
        return 0;
    out->from.family = (uint16_t)family;
    memcpy(out->from.ip, ip, bytes);
    return 0;
}

/* IP_PKTINFO on a dual-stack socket: the stack knows such addresses as mapped ones. */
static int cmsg_pktinfo4(const struct wsp_socket *sock, const void *data, struct stk_send_info *out)
{
    static const unsigned char any[16];
    unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
    struct cmsg_pktinfo4 packet;

    memcpy(&packet, data, sizeof packet);
    if (sock->family == AF_INET)
        return cmsg_source(out, STK_AF_INET, packet.addr, packet.if_index);
    if (memcmp(packet.addr, any, sizeof packet.addr) == 0)
        return cmsg_source(out, STK_AF_INET6, any, packet.if_index);
    memcpy(mapped + 12, packet.addr, sizeof packet.addr);
    return cmsg_source(out, STK_AF_INET6, mapped, packet.if_index);
}

static int cmsg_number(const void *data, int32_t max, int32_t *out)
{
    int32_t value;

    memcpy(&value, data, sizeof value);
    if (value < 0 || value > max)
        return WSAEINVAL;
    *out = value;
    return 0;
}

/* USO-8: nought asks for one datagram, whatever the socket's size. */
static int cmsg_segment(const void *data, struct stk_send_info *out)
{
    memcpy(&out->segment, data, sizeof out->segment);
    if (out->segment == 0)
        out->segment = UINT32_MAX;
    return 0;
}

/* TSTAMP-6: an id for which nothing is ever kept is a mistake. */
static int cmsg_stamp_id(const struct wsp_socket *sock, const void *data, struct stk_send_info *out)
{
    uint32_t how = atomic_load(&sock->values[WSP_VALUE_STAMP_TX]);

    memcpy(&out->stamp_id, data, sizeof out->stamp_id);
    out->stamped = how == WSP_STAMP_TX_KEPT;
    return how == WSP_STAMP_TX_OFF ? WSAEINVAL : 0;
}

static int cmsg_take(const struct wsp_socket *sock, const WSACMSGHDR *header, const char *data,
                     struct stk_send_info *out)
{
    bool v6 = header->cmsg_level == IPPROTO_IPV6;
    size_t size = (size_t)header->cmsg_len - sizeof *header;
    struct cmsg_pktinfo6 packet;

    if (sock->type == SOCK_DGRAM && size == sizeof(DWORD) && header->cmsg_level == IPPROTO_UDP &&
        header->cmsg_type == UDP_SEND_MSG_SIZE)
        return cmsg_segment(data, out);
    if (sock->type == SOCK_DGRAM && size == sizeof(UINT32) && header->cmsg_level == SOL_SOCKET &&
        header->cmsg_type == SO_TIMESTAMP_ID)
        return cmsg_stamp_id(sock, data, out);
    if ((v6 && sock->family != AF_INET6) || (!v6 && header->cmsg_level != IPPROTO_IP))
        return WSAEINVAL;
    if (header->cmsg_type == IP_PKTINFO && v6 && size == sizeof packet) { /* IPV6_PKTINFO is the same number */
        memcpy(&packet, data, sizeof packet);
        return cmsg_source(out, STK_AF_INET6, packet.addr, packet.if_index);
    }
    if (header->cmsg_type == IP_PKTINFO && !v6 && size == sizeof(struct cmsg_pktinfo4))
        return cmsg_pktinfo4(sock, data, out);
    if (size != sizeof(int32_t))
        return WSAEINVAL;
    if (header->cmsg_type == IP_RECVTTL || (!v6 && header->cmsg_type == IP_TTL)) /* IPV6_HOPLIMIT too */
        return cmsg_number(data, UINT8_MAX, &out->ttl);
    if (header->cmsg_type == (v6 ? IPV6_TCLASS : IP_TOS))
        return cmsg_number(data, UINT8_MAX, &out->tos);
    if (header->cmsg_type == IP_ECN)                       /* IPV6_ECN too */
        return cmsg_number(data, ECN_BITS - 1, &out->ecn); /* ECN-2: that it met congestion is a router's to say */
    return WSAEINVAL;                                      /* MSG-22 */
}

int wsp_cmsg_read(const struct wsp_socket *sock, const WSABUF *control, struct stk_send_info *out, bool *any)
{
    size_t at = 0;
    int code = 0;

    *out = (struct stk_send_info){.ttl = -1, .tos = -1, .ecn = -1};
    *any = control->len > 0;
    if (control->len > 0 && !control->buf)
        return WSAEFAULT; /* MSG-23 */
    while (code == 0 && at < control->len) {
        WSACMSGHDR header;

        if (control->len - at < sizeof header)
            return WSAEINVAL; /* MSG-21 */
        memcpy(&header, control->buf + at, sizeof header);
        if (header.cmsg_len < sizeof header || header.cmsg_len > control->len - at)
            return WSAEINVAL;
        code = cmsg_take(sock, &header, control->buf + at + sizeof header, out);
        at += ((size_t)header.cmsg_len + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
    }
    return code;
}
