/*
 * Socket options: defaults, setting and reading back, sizes, codes.
 */
#include "both.h"

struct option_row {
    const char *name;
    int type; /* of the socket */
    int level, option;
    int first;  /* the default; ANY: not said */
    int set;    /* what is set; NOT_SET: nothing is */
    int then;   /* what is read then; ANY: not said */
    int code;   /* of setting */
    int family; /* 0: AF_INET */
};

#define ANY (-777)
#define NOT_SET (-778)

/* Rules MND-1, A.15.5, A.15.8, 5.1 to 5.5. A switch may be set by any value but zero (A.15.2). */
static const struct option_row options[] = {
    {"SO_ACCEPTCONN_tcp", SOCK_STREAM, SOL_SOCKET, SO_ACCEPTCONN, 0, 1, 0, WSAENOPROTOOPT, 0},
    {"SO_BROADCAST_udp", SOCK_DGRAM, SOL_SOCKET, SO_BROADCAST, 0, 1, 1, 0, 0},
    {"SO_DEBUG_tcp", SOCK_STREAM, SOL_SOCKET, SO_DEBUG, 0, NOT_SET, 0, 0, 0},
    {"SO_DONTLINGER_tcp", SOCK_STREAM, SOL_SOCKET, SO_DONTLINGER, 1, 0, 0, 0, 0},
    {"SO_DONTROUTE_udp", SOCK_DGRAM, SOL_SOCKET, SO_DONTROUTE, 0, 1, ANY, 0, 0},
    {"SO_ERROR_tcp", SOCK_STREAM, SOL_SOCKET, SO_ERROR, 0, NOT_SET, 0, 0, 0},
    {"SO_ERROR_udp", SOCK_DGRAM, SOL_SOCKET, SO_ERROR, 0, NOT_SET, 0, 0, 0},
    {"SO_EXCLUSIVEADDRUSE_tcp", SOCK_STREAM, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 0, 1, 1, 0, 0},
    {"SO_KEEPALIVE_tcp", SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, 0, 1, 1, 0, 0},
    {"SO_KEEPALIVE_tcp_any_value", SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, 0, 77, 1, 0, 0},
    {"SO_KEEPALIVE_udp", SOCK_DGRAM, SOL_SOCKET, SO_KEEPALIVE, ANY, 1, ANY, WSAENOPROTOOPT, 0},
    {"SO_OOBINLINE_tcp", SOCK_STREAM, SOL_SOCKET, SO_OOBINLINE, 0, 1, 1, 0, 0},
    {"SO_RCVBUF_tcp", SOCK_STREAM, SOL_SOCKET, SO_RCVBUF, ANY, 16384, 16384, 0, 0},
    {"SO_SNDBUF_tcp", SOCK_STREAM, SOL_SOCKET, SO_SNDBUF, ANY, 16384, 16384, 0, 0},
    {"SO_RCVBUF_udp", SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF, ANY, 65536, 65536, 0, 0},
    {"SO_SNDBUF_udp", SOCK_DGRAM, SOL_SOCKET, SO_SNDBUF, ANY, 32768, 32768, 0, 0},
    {"SO_RCVTIMEO_tcp", SOCK_STREAM, SOL_SOCKET, SO_RCVTIMEO, 0, 1234, 1234, 0, 0},
    {"SO_SNDTIMEO_tcp", SOCK_STREAM, SOL_SOCKET, SO_SNDTIMEO, 0, 1234, 1234, 0, 0},
    {"SO_RCVTIMEO_udp", SOCK_DGRAM, SOL_SOCKET, SO_RCVTIMEO, 0, 50, 50, 0, 0},
    {"SO_REUSEADDR_tcp", SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, 0, 1, 1, 0, 0},
    {"SO_REUSEADDR_udp", SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR, 0, 1, 1, 0, 0},
    {"SO_TYPE_tcp", SOCK_STREAM, SOL_SOCKET, SO_TYPE, SOCK_STREAM, 2, SOCK_STREAM, WSAENOPROTOOPT, 0},
    {"SO_TYPE_udp", SOCK_DGRAM, SOL_SOCKET, SO_TYPE, SOCK_DGRAM, NOT_SET, 0, 0, 0},
    {"SO_GROUP_ID_tcp", SOCK_STREAM, SOL_SOCKET, SO_GROUP_ID, 0, NOT_SET, 0, 0, 0},
    {"SO_MAX_MSG_SIZE_udp", SOCK_DGRAM, SOL_SOCKET, SO_MAX_MSG_SIZE, 65507, NOT_SET, 0, 0, 0},
    {"SO_CONDITIONAL_ACCEPT_tcp", SOCK_STREAM, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 0, NOT_SET, 0, 0, 0},
    {"SO_RCVLOWAT_tcp", SOCK_STREAM, SOL_SOCKET, SO_RCVLOWAT, ANY, 1, ANY, WSAEINVAL, 0},
    {"SO_USELOOPBACK_tcp", SOCK_STREAM, SOL_SOCKET, SO_USELOOPBACK, ANY, 1, ANY, WSAEINVAL, 0},
    {"TCP_NODELAY", SOCK_STREAM, IPPROTO_TCP, TCP_NODELAY, 0, 1, 1, 0, 0},
    {"TCP_NODELAY_udp", SOCK_DGRAM, IPPROTO_TCP, TCP_NODELAY, ANY, 1, ANY, WSAENOPROTOOPT, 0},
    {"TCP_KEEPIDLE", SOCK_STREAM, IPPROTO_TCP, 3, 7200, 30, 30, 0, 0},
    {"TCP_KEEPINTVL", SOCK_STREAM, IPPROTO_TCP, 17, 1, 5, 5, 0, 0},
    {"TCP_KEEPCNT", SOCK_STREAM, IPPROTO_TCP, 16, 10, 4, 4, 0, 0},
    {"IP_TTL_udp", SOCK_DGRAM, IPPROTO_IP, IP_TTL, ANY, 7, 7, 0, 0},
    {"IP_TTL_tcp", SOCK_STREAM, IPPROTO_IP, IP_TTL, ANY, 7, 7, 0, 0},
    {"IP_TTL_too_large", SOCK_DGRAM, IPPROTO_IP, IP_TTL, ANY, 256, ANY, WSAEINVAL, 0},
    {"IP_MULTICAST_TTL", SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_TTL, 1, 3, 3, 0, 0},
    {"IP_MULTICAST_LOOP", SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_LOOP, 1, 0, 0, 0, 0},
    {"IP_DONTFRAGMENT_udp", SOCK_DGRAM, IPPROTO_IP, IP_DONTFRAGMENT, 0, 1, 1, 0, 0},
    {"IPV6_V6ONLY", SOCK_STREAM, IPPROTO_IPV6, IPV6_V6ONLY, 1, 0, 0, 0, AF_INET6},
    {"IPV6_UNICAST_HOPS", SOCK_DGRAM, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ANY, 9, 9, 0, AF_INET6},
    {"IPV6_MULTICAST_HOPS", SOCK_DGRAM, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, 9, 9, 0, AF_INET6},
    {"unknown_option", SOCK_STREAM, SOL_SOCKET, 0x6abc, ANY, 1, ANY, WSAENOPROTOOPT, 0},
    {"unknown_tcp_option", SOCK_STREAM, IPPROTO_TCP, 0x6abc, ANY, 1, ANY, WSAENOPROTOOPT, 0},
    {"unknown_level", SOCK_STREAM, 0x7654, SO_TYPE, ANY, 1, ANY, WSAEINVAL, 0},
};

static void option__ROW__default_set_and_read(struct t_run *t)
{
    const struct option_row *row = (const struct option_row *)t->row;
    SOCKET s = t_socket(t, row->family != 0 ? row->family : AF_INET, row->type);
    int value = -1;
    int bytes = sizeof value;
    T_TRUE(s != INVALID_SOCKET);
    if (row->first != ANY) {
        value = 0;
        T_OK(getsockopt(s, row->level, row->option, (char *)&value, &bytes));
        T_EQ(value, row->first);
    }
    if (row->set == NOT_SET) {
        return;
    }
    if (row->code != 0) {
        T_FAILS(t_set_int(s, row->level, row->option, row->set), row->code);
    } else {
        T_OK(t_set_int(s, row->level, row->option, row->set));
    }
    if (row->then != ANY) {
        T_EQ(t_get_int(s, row->level, row->option), row->then);
    }
}

/* Rules MND-3, X19: reading unknown ones. */
static void option__unknown__reading_has_its_code(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    int value;
    int bytes = sizeof value;
    T_FAILS(getsockopt(s, SOL_SOCKET, 0x6abc, (char *)&value, &bytes), WSAENOPROTOOPT);
    bytes = sizeof value;
    T_FAILS(getsockopt(s, 0x7654, 1, (char *)&value, &bytes), WSAEINVAL);
    bytes = sizeof value;
    T_FAILS(getsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&value, &bytes), WSAENOPROTOOPT);
}

/* Rules A.15.2, WSPGETSOCKOPT-1: room and pointers. */
static void option__no_room__fault(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct linger linger = {1, 1};
    int value = 1;
    int bytes = 2;
    T_FAILS(getsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&value, &bytes), WSAEFAULT);
    bytes = 2;
    T_FAILS(getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, &bytes), WSAEFAULT);
    bytes = sizeof value;
    T_FAILS(getsockopt(s, SOL_SOCKET, SO_RCVBUF, NULL, &bytes), WSAEFAULT);
    T_FAILS(getsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&value, NULL), WSAEFAULT);
    T_FAILS(setsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&value, 2), WSAEFAULT);
    T_FAILS(setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, 2), WSAEFAULT);
    T_FAILS(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, NULL, 4), WSAEFAULT);
}

/* Modern Windows takes and gives switches in one byte too; how much was written is in the length. */
static void option__switch_in_one_byte__works(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    char on = 1;
    char got = 9;
    int bytes = 1;
    T_OK(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, 1));
    T_OK(getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &got, &bytes));
    T_EQ(got, 1);
    T_EQ(bytes, 1);
    got = 9;
    bytes = 1;
    T_OK(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, 1));
    T_OK(getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &got, &bytes));
    T_EQ(got, 1);
}

/* Rule A.15.2: more room than needed is no error, and the length tells what is used. */
static void option__much_room__length_is_that_of_the_value(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct {
        struct linger linger;
        char more[28];
    } room;
    int bytes = sizeof room;
    T_OK(getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&room, &bytes));
    T_EQ(bytes, sizeof room.linger);
    bytes = sizeof room;
    T_OK(getsockopt(s, SOL_SOCKET, SO_TYPE, (char *)&room, &bytes));
    T_EQ(bytes, 4);
}

/* Rules MND-1, CF-14. */
static void option__protocol_info__describes_the_socket(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    WSAPROTOCOL_INFOW wide;
    WSAPROTOCOL_INFOA narrow;
    int bytes = sizeof wide;
    T_OK(getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&wide, &bytes));
    T_EQ(bytes, sizeof wide);
    T_EQ(wide.iAddressFamily, AF_INET);
    T_EQ(wide.iSocketType, SOCK_STREAM);
    T_EQ(wide.iProtocol, IPPROTO_TCP);
    bytes = sizeof narrow;
    T_OK(getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOA, (char *)&narrow, &bytes));
    T_EQ(bytes, sizeof narrow);
    T_EQ(narrow.dwCatalogEntryId, wide.dwCatalogEntryId);
    bytes = 20;
    T_FAILS(getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&wide, &bytes), WSAEFAULT);
}

/* SO_BSP_STATE (5.1): what is bound and connected. */
static void option__bsp_state__both_addresses(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr own_end = t_wildcard(AF_INET, 0), told_end = t_wildcard(AF_INET, 0);
    union {
        CSADDR_INFO info;
        char room[512];
    } state;
    int bytes = sizeof state;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(getsockopt(ends[0], SOL_SOCKET, 0x1009 /* SO_BSP_STATE */, state.room, &bytes));
    T_EQ(state.info.iSocketType, SOCK_STREAM);
    T_EQ(state.info.iProtocol, IPPROTO_TCP);
    T_OK(getsockname(ends[0], &own_end.u.any, &own_end.bytes));
    T_OK(getpeername(ends[0], &told_end.u.any, &told_end.bytes));
    T_EQ(state.info.LocalAddr.iSockaddrLength, own_end.bytes);
    T_TRUE(state.info.LocalAddr.lpSockaddr != NULL);
    T_SAME(state.info.LocalAddr.lpSockaddr, &own_end.u, 8);
    T_TRUE(state.info.RemoteAddr.lpSockaddr != NULL);
    T_SAME(state.info.RemoteAddr.lpSockaddr, &told_end.u, 8);
}

/* SO_BSP_STATE of a socket without names, and with too little room for them. */
static void option__bsp_state__no_names_or_no_room(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    union {
        CSADDR_INFO info;
        char room[512];
    } state;
    int bytes = sizeof state;
    s = t_socket(t, AF_INET, SOCK_DGRAM);
    memset(&state, 0x55, sizeof state);
    T_OK(getsockopt(s, SOL_SOCKET, 0x1009, state.room, &bytes));
    T_TRUE(state.info.LocalAddr.lpSockaddr == NULL && state.info.LocalAddr.iSockaddrLength == 0);
    T_TRUE(state.info.RemoteAddr.lpSockaddr == NULL && state.info.RemoteAddr.iSockaddrLength == 0);
    T_DO(t_bound(t, AF_INET6, SOCK_DGRAM, &s, &at));
    bytes = sizeof state.info;
    T_FAILS(getsockopt(s, SOL_SOCKET, 0x1009, state.room, &bytes), WSAEFAULT);
    bytes = sizeof state;
    T_OK(getsockopt(s, SOL_SOCKET, 0x1009, state.room, &bytes));
    T_EQ(state.info.LocalAddr.iSockaddrLength, at.bytes);
    T_TRUE(state.info.RemoteAddr.lpSockaddr == NULL);
}

/* Rules 7.8: any-source memberships on the loopback interface. */
static void option__membership__twice_and_not_at_all(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    struct ip_mreq request;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    request.imr_multiaddr.s_addr = inet_addr("239.77.77.77");
    request.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
    T_FAILS_2(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, (char *)&request, sizeof request), WSAEADDRNOTAVAIL,
              WSAEINVAL);
    T_OK(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, (char *)&request, sizeof request));
    T_FAILS_2(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, (char *)&request, sizeof request), WSAEADDRNOTAVAIL,
              WSAEINVAL);
    T_OK(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, (char *)&request, sizeof request));
    request.imr_multiaddr.s_addr = inet_addr("10.1.1.1");
    T_FAILS_2(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, (char *)&request, sizeof request), WSAEADDRNOTAVAIL,
              WSAEINVAL);
}

/* Rule A.15.3: membership is for datagrams. */
static void option__membership_of_a_stream__refused(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct ip_mreq request;
    request.imr_multiaddr.s_addr = inet_addr("239.77.77.77");
    request.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
    T_FAILS_2(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, (char *)&request, sizeof request), WSAENOPROTOOPT,
              WSAEINVAL);
}

/* Rule BUF-1, A.15.5: buffers of every size are taken, data still flows. */
static void option__small_buffers__data_flows(struct t_run *t)
{
    static char out[50000], in[50000];
    SOCKET ends[2];
    int sent = 0;
    int got = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[0], SOL_SOCKET, SO_SNDBUF, 2048));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_RCVBUF, 4096));
    t_pattern(out, sizeof out, 4);
    T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 1));
    while (got < (int)sizeof in) {
        struct timeval limit = {3, 0};
        fd_set r, w;
        int n;
        FD_ZERO(&r);
        FD_ZERO(&w);
        FD_SET(ends[1], &r);
        if (sent < (int)sizeof out) {
            FD_SET(ends[0], &w);
        }
        T_TRUE(select(0, &r, &w, NULL, &limit) > 0);
        if (w.fd_count != 0) {
            n = send(ends[0], out + sent, (int)sizeof out - sent, 0);
            T_TRUE(n > 0);
            sent += n;
        }
        if (r.fd_count != 0) {
            n = recv(ends[1], in + got, (int)sizeof in - got, 0);
            T_TRUE(n > 0);
            got += n;
        }
    }
    T_SAME(in, out, sizeof out);
}

static const struct t_cases cases[] = {
    T_TABLE(option__ROW__default_set_and_read, options),
    T_CASE(option__unknown__reading_has_its_code),
    T_CASE(option__no_room__fault),
    T_CASE(option__switch_in_one_byte__works),
    T_CASE(option__much_room__length_is_that_of_the_value),
    T_CASE(option__protocol_info__describes_the_socket),
    T_CASE(option__bsp_state__both_addresses),
    T_CASE(option__bsp_state__no_names_or_no_room),
    T_CASE(option__membership__twice_and_not_at_all),
    T_CASE(option__membership_of_a_stream__refused),
    T_CASE(option__small_buffers__data_flows),
};

const struct t_group t_group_option = {"option", cases, T_COUNT(cases), false};
