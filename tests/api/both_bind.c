/*
 * Names of sockets: bind, getsockname, who may share a port.
 */
#include "both.h"

struct bind_row {
    const char *name;
    int family; /* of the socket */
    int type;
    struct {
        int family;       /* of the address */
        const char *text; /* NULL: loopback */
        int bytes;        /* 0: as many as belong to it */
    } to;
    int code, other;
};

/* Rules WSPBIND-1, BND-5, BND-7, CF-2 (two codes for another family). */
static const struct bind_row binds[] = {
    {"tcp_loopback", AF_INET, SOCK_STREAM, {AF_INET, NULL, 0}, 0, 0},
    {"udp_loopback", AF_INET, SOCK_DGRAM, {AF_INET, NULL, 0}, 0, 0},
    {"tcp_wildcard", AF_INET, SOCK_STREAM, {AF_INET, "0.0.0.0", 0}, 0, 0},
    {"udp_other_loopback", AF_INET, SOCK_DGRAM, {AF_INET, "127.0.0.5", 0}, 0, 0},
    {"tcp_v6_loopback", AF_INET6, SOCK_STREAM, {AF_INET6, NULL, 0}, 0, 0},
    {"udp_v6_loopback", AF_INET6, SOCK_DGRAM, {AF_INET6, NULL, 0}, 0, 0},
    {"longer_than_needed", AF_INET, SOCK_STREAM, {AF_INET, NULL, 64}, 0, 0},
    {"address_of_another_host", AF_INET, SOCK_STREAM, {AF_INET, "192.0.2.1", 0}, WSAEADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {"udp_address_of_another_host", AF_INET, SOCK_DGRAM, {AF_INET, "192.0.2.1", 0}, WSAEADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {"short_name", AF_INET, SOCK_STREAM, {AF_INET, NULL, 8}, WSAEFAULT, WSAEFAULT},
    {"no_name", AF_INET, SOCK_STREAM, {AF_INET, NULL, -1}, WSAEFAULT, WSAEFAULT},
    {"short_name_v6", AF_INET6, SOCK_STREAM, {AF_INET6, NULL, 16}, WSAEFAULT, WSAEFAULT},
    {"v6_name_on_v4", AF_INET, SOCK_STREAM, {AF_INET6, NULL, 0}, WSAEFAULT, WSAEAFNOSUPPORT},
    {"v4_name_on_v6", AF_INET6, SOCK_DGRAM, {AF_INET, NULL, 28}, WSAEFAULT, WSAEAFNOSUPPORT},
    {"unknown_family", AF_INET, SOCK_DGRAM, {99, NULL, 0}, WSAEFAULT, WSAEAFNOSUPPORT},
};

static void bind__ROW__bound_or_has_its_code(struct t_run *t)
{
    const struct bind_row *row = (const struct bind_row *)t->row;
    SOCKET s = t_socket(t, row->family, row->type);
    struct t_addr to = row->to.text != NULL ? t_v4(row->to.text, 0) : t_loopback(row->to.family, 0);
    struct t_addr at = t_wildcard(row->family, 0);
    int bytes = row->to.bytes > 0 ? row->to.bytes : to.bytes;
    const struct sockaddr *name = row->to.bytes < 0 ? NULL : &to.u.any;
    T_TRUE(s != INVALID_SOCKET);
    if (row->code != 0) {
        T_FAILS_2(bind(s, name, bytes), row->code, row->other);
        /* A failed bind leaves the socket unbound: rule WSPBIND-4. */
        T_FAILS(getsockname(s, &at.u.any, &at.bytes), WSAEINVAL);
        at = t_loopback(row->family, 0);
        T_OK(bind(s, &at.u.any, at.bytes));
        return;
    }
    T_OK(bind(s, name, bytes));
    T_OK(getsockname(s, &at.u.any, &at.bytes));
    T_EQ(at.bytes, to.bytes);
    T_TRUE(t_port(&at) != 0);
    to.u.v4.sin_port = at.u.v4.sin_port;
    T_TRUE(t_same_addr(&to, &at));
}

/* Rules BND-8, RU-11, WSPBIND-2. */
static void bind__port_zero__dynamic_range_and_unique(struct t_run *t)
{
    struct t_addr at[10];
    SOCKET s;
    unsigned i, j;
    for (i = 0; i < T_COUNT(at); i++) {
        T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at[i]));
        for (j = 0; j < i; j++) {
            T_TRUE(t_port(&at[i]) != t_port(&at[j]));
        }
    }
    for (i = 0; i < T_COUNT(at); i++) {
        T_TRUE(t_port(&at[i]) > 49151);
    }
}

/* Rules WSPBIND-3, A.4.6, E41. */
static void getsockname__wildcard__zero_address_and_the_port(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    struct t_addr at = t_wildcard(AF_INET, 0);
    T_OK(bind(s, &at.u.any, at.bytes));
    at.bytes = sizeof at.u;
    memset(&at.u, 0x55, sizeof at.u);
    T_OK(getsockname(s, &at.u.any, &at.bytes));
    T_EQ(at.bytes, sizeof at.u.v4);
    T_EQ(at.u.v4.sin_addr.s_addr, 0);
    T_EQ(at.u.v4.sin_family, AF_INET);
    T_TRUE(t_port(&at) != 0);
}

/* Rule A.4.14. */
static void getsockname__bad_room__fault(struct t_run *t)
{
    struct t_addr at;
    SOCKET s;
    int small = 8;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_FAILS(getsockname(s, &at.u.any, &small), WSAEFAULT);
}

static void getsockname__null_pointers__fault(struct t_run *t)
{
    struct t_addr at;
    SOCKET s;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_FAILS(getsockname(s, NULL, &at.bytes), WSAEFAULT);
    T_FAILS(getsockname(s, &at.u.any, NULL), WSAEFAULT);
}

/* Rules A.4.7, WSPBIND-1. */
static void bind__second_time__inval(struct t_run *t)
{
    struct t_addr at;
    SOCKET s;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_FAILS(bind(s, &at.u.any, at.bytes), WSAEINVAL);
    at = t_loopback(AF_INET, 0);
    T_FAILS(bind(s, &at.u.any, at.bytes), WSAEINVAL);
}

static void bind__connected__inval(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr at = t_loopback(AF_INET, 0);
    T_DO(t_pair(t, AF_INET, ends));
    T_FAILS(bind(ends[0], &at.u.any, at.bytes), WSAEINVAL);
    T_FAILS(bind(ends[1], &at.u.any, at.bytes), WSAEINVAL);
}

/* Ports of TCP and of UDP have nothing to do with each other. */
static void bind__same_port_tcp_and_udp__both(struct t_run *t)
{
    struct t_addr at;
    SOCKET s;
    SOCKET u = t_socket(t, AF_INET, SOCK_DGRAM);
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_OK(bind(u, &at.u.any, at.bytes));
}

/* Rule RU-3. */
static void bind__same_port_two_addresses__both(struct t_run *t)
{
    struct t_addr at, two;
    SOCKET s;
    SOCKET other = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    two = t_v4("127.0.0.2", t_port(&at));
    T_OK(bind(other, &two.u.any, two.bytes));
}

/* A closed socket's port is free at once when nothing was ever connected. */
static void bind__port_of_a_closed_socket__is_free(struct t_run *t)
{
    struct t_addr at;
    SOCKET s;
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_OK(t_close(t, s));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(bind(s, &at.u.any, at.bytes));
}

/* Rules BND-1, BND-2, WSPCONNECT-2. */
static void bind__left_out__connect_and_sendto_bind(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET u = t_socket(t, AF_INET, SOCK_DGRAM);
    struct t_addr at = t_wildcard(AF_INET, 0);
    struct t_addr to;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(getsockname(ends[0], &at.u.any, &at.bytes));
    T_EQ(at.u.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    T_TRUE(t_port(&at) != 0);
    T_DO(t_nobody(t, AF_INET, SOCK_DGRAM, &to));
    T_EQ(sendto(u, "x", 1, 0, &to.u.any, to.bytes), 1);
    at = t_wildcard(AF_INET, 0);
    T_OK(getsockname(u, &at.u.any, &at.bytes));
    T_TRUE(t_port(&at) != 0);
}

/* Rule WSPSETSOCKOPT-5: the two options exclude each other. */
static void bind__reuse_and_exclusive__inval(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(t_set_int(s, SOL_SOCKET, SO_REUSEADDR, 1));
    T_FAILS(t_set_int(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1), WSAEINVAL);
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(t_set_int(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1));
    T_FAILS(t_set_int(s, SOL_SOCKET, SO_REUSEADDR, 1), WSAEINVAL);
}

/* Rules BND-4, BND-6, table T2. D: neither option, R: SO_REUSEADDR, E: SO_EXCLUSIVEADDRUSE; w: wildcard, s: specific. */
struct share_row {
    const char *name;
    int code; /* of the second bind */
};

#define IN_USE WSAEADDRINUSE
#define ACCESS WSAEACCES
static const struct share_row shares[] = {
    {"Dw_then_Dw", IN_USE}, {"Dw_then_Ds", 0},      {"Dw_then_Rw", ACCESS}, {"Dw_then_Rs", 0},
    {"Dw_then_Ew", IN_USE}, {"Dw_then_Es", 0},      {"Ds_then_Dw", 0},      {"Ds_then_Ds", IN_USE},
    {"Ds_then_Rw", 0},      {"Ds_then_Rs", ACCESS}, {"Ds_then_Ew", IN_USE}, {"Ds_then_Es", IN_USE},
    {"Rw_then_Dw", IN_USE}, {"Rw_then_Ds", 0},      {"Rw_then_Rw", 0},      {"Rw_then_Rs", 0},
    {"Rw_then_Ew", IN_USE}, {"Rw_then_Es", 0},      {"Rs_then_Dw", 0},      {"Rs_then_Ds", IN_USE},
    {"Rs_then_Rw", 0},      {"Rs_then_Rs", 0},      {"Rs_then_Ew", IN_USE}, {"Rs_then_Es", IN_USE},
    {"Ew_then_Dw", IN_USE}, {"Ew_then_Ds", ACCESS}, {"Ew_then_Rw", ACCESS}, {"Ew_then_Rs", ACCESS},
    {"Ew_then_Ew", IN_USE}, {"Ew_then_Es", ACCESS}, {"Es_then_Dw", 0},      {"Es_then_Ds", IN_USE},
    {"Es_then_Rw", 0},      {"Es_then_Rs", ACCESS}, {"Es_then_Ew", IN_USE}, {"Es_then_Es", IN_USE},
};

static SOCKET with_option(struct t_run *t, int type, char option)
{
    SOCKET s = t_socket(t, AF_INET, type);
    if (option != 'D' && t_set_int(s, SOL_SOCKET, option == 'R' ? SO_REUSEADDR : SO_EXCLUSIVEADDRUSE, 1) != 0) {
        t_note(t, __FILE__, __LINE__, "option %c: error %d", option, WSAGetLastError());
    }
    return s;
}

static void share_port(struct t_run *t, int type)
{
    const struct share_row *row = (const struct share_row *)t->row;
    SOCKET first = with_option(t, type, row->name[0]);
    SOCKET second = with_option(t, type, row->name[8]);
    struct t_addr at = row->name[1] == 'w' ? t_wildcard(AF_INET, 0) : t_loopback(AF_INET, 0);
    T_OK(bind(first, &at.u.any, at.bytes));
    T_OK(getsockname(first, &at.u.any, &at.bytes));
    at = row->name[9] == 'w' ? t_wildcard(AF_INET, t_port(&at)) : t_loopback(AF_INET, t_port(&at));
    if (row->code == 0) {
        T_OK(bind(second, &at.u.any, at.bytes));
    } else {
        T_FAILS(bind(second, &at.u.any, at.bytes), row->code);
    }
}

static void share_tcp__ROW__as_table_t2(struct t_run *t)
{
    share_port(t, SOCK_STREAM);
}

static void share_udp__ROW__as_table_t2(struct t_run *t)
{
    share_port(t, SOCK_DGRAM);
}

/* An accepted connection whose exclusive listener is closed; its port. */
static bool connection_without_listener(struct t_run *t, SOCKET ends[2], struct t_addr *at)
{
    SOCKET s = with_option(t, SOCK_STREAM, 'E');
    *at = t_loopback(AF_INET, 0);
    ends[0] = t_socket(t, AF_INET, SOCK_STREAM);
    if (bind(s, &at->u.any, at->bytes) != 0 || getsockname(s, &at->u.any, &at->bytes) != 0 || listen(s, 1) != 0 ||
        connect(ends[0], &at->u.any, at->bytes) != 0) {
        t_note(t, __FILE__, __LINE__, "no connection: error %d", WSAGetLastError());
        return false;
    }
    ends[1] = t_keep(t, accept(s, NULL, NULL));
    return ends[1] != INVALID_SOCKET && t_close(t, s) == 0;
}

/* Rule RU-8: the client went first, so that nothing of the connection stays at this end. */
static void share__connection_ended_in_order__the_port_is_free(struct t_run *t)
{
    SOCKET ends[2], next = with_option(t, SOCK_STREAM, 'E');
    struct t_addr at;
    char byte;
    T_DO(connection_without_listener(t, ends, &at));
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_OK(shutdown(ends[1], SD_SEND));
    T_EQ(recv(ends[0], &byte, 1, 0), 0);
    T_OK(t_close(t, ends[1]));
    T_OK(t_close(t, ends[0]));
    Sleep(T_QUIET_MS);
    T_OK(bind(next, &at.u.any, at.bytes));
}

/* Rule RU-9: an IPv4 socket has the port, so a dual-stack wildcard cannot have it exclusively. */
static void share__dual_wildcard__needs_the_port_of_both_families(struct t_run *t)
{
    SOCKET four, six = t_socket(t, AF_INET6, SOCK_STREAM);
    struct t_addr at;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &four, &at));
    T_OK(t_set_int(six, IPPROTO_IPV6, IPV6_V6ONLY, 0));
    T_OK(t_set_int(six, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1));
    at = t_wildcard(AF_INET6, t_port(&at));
    T_FAILS_2(bind(six, &at.u.any, at.bytes), WSAEACCES, WSAEADDRINUSE);
}

static const struct t_cases cases[] = {
    T_TABLE(bind__ROW__bound_or_has_its_code, binds),
    T_CASE(bind__port_zero__dynamic_range_and_unique),
    T_CASE(getsockname__wildcard__zero_address_and_the_port),
    T_CASE(getsockname__bad_room__fault),
    T_CASE(getsockname__null_pointers__fault),
    T_CASE(bind__second_time__inval),
    T_CASE(bind__connected__inval),
    T_CASE(bind__same_port_tcp_and_udp__both),
    T_CASE(bind__same_port_two_addresses__both),
    T_CASE(bind__port_of_a_closed_socket__is_free),
    T_CASE(bind__left_out__connect_and_sendto_bind),
    T_CASE(bind__reuse_and_exclusive__inval),
    T_TABLE(share_tcp__ROW__as_table_t2, shares),
    T_TABLE(share_udp__ROW__as_table_t2, shares),
    T_CASE(share__connection_ended_in_order__the_port_is_free),
    T_CASE(share__dual_wildcard__needs_the_port_of_both_families),
};

const struct t_group t_group_bind = {"bind", cases, T_COUNT(cases), false};
