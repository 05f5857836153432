/*
 * Names of hosts, services and protocols; the catalogue.
 */
#include "both.h"

struct info_row {
    const char *name;
    const char *node, *service;
    int flags, family, type, protocol;
    int code;
    int first_family; /* of the first answer */
    unsigned port;
};

/* Rules WS2-63, WS2-64. */
static const struct info_row infos[] = {
    {"v4_number", "127.0.0.1", NULL, 0, 0, 0, 0, 0, AF_INET, 0},
    {"v6_number", "::1", NULL, 0, 0, 0, 0, 0, AF_INET6, 0},
    {"number_and_port", "127.0.0.1", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM, 0, 0, AF_INET, 80},
    {"number_and_service", "127.0.0.1", "http", 0, AF_INET, SOCK_STREAM, 0, 0, AF_INET, 80},
    {"passive", NULL, "27015", AI_PASSIVE, AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, AF_INET, 27015},
    {"local", NULL, "27015", 0, AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, AF_INET, 27015},
    {"passive_v6", NULL, "9", AI_PASSIVE, AF_INET6, SOCK_DGRAM, 0, 0, AF_INET6, 9},
    {"nothing_asked", NULL, NULL, 0, 0, 0, 0, WSAHOST_NOT_FOUND, 0, 0},
    {"name_where_a_number_must_be", "localhost", NULL, AI_NUMERICHOST, 0, 0, 0, WSAHOST_NOT_FOUND, 0, 0},
    {"v6_number_for_v4", "::1", NULL, AI_NUMERICHOST, AF_INET, 0, 0, WSAHOST_NOT_FOUND, 0, 0},
    {"unknown_family", "127.0.0.1", NULL, 0, 99, 0, 0, WSAEAFNOSUPPORT, 0, 0},
    {"unknown_type", "127.0.0.1", NULL, 0, AF_INET, 99, 0, WSAESOCKTNOSUPPORT, 0, 0},
    {"unknown_service", "127.0.0.1", "no-such-service-x", 0, AF_INET, SOCK_STREAM, 0, WSATYPE_NOT_FOUND, 0, 0},
    {"localhost", "localhost", "7", 0, AF_INET, SOCK_STREAM, 0, 0, AF_INET, 7},
    {"v6_in_brackets", "[::1]", "80", AI_NUMERICHOST, AF_UNSPEC, SOCK_STREAM, 0, 0, AF_INET6, 80},
    {"v6_in_brackets_with_a_port", "[::1]:99", "80", AI_CANONNAME, AF_INET6, SOCK_STREAM, 0, 0, AF_INET6, 80},
    {"v6_in_brackets_for_v4", "[::1]", NULL, AI_NUMERICHOST, AF_INET, 0, 0, WSAHOST_NOT_FOUND, 0, 0},
    {"bracket_without_its_end", "[::1", NULL, AI_NUMERICHOST, 0, 0, 0, WSAHOST_NOT_FOUND, 0, 0},
    {"bracket_and_more", "[::1]x", NULL, AI_NUMERICHOST, 0, 0, 0, WSAHOST_NOT_FOUND, 0, 0},
};

static void getaddrinfo__ROW__found_or_has_its_code(struct t_run *t)
{
    const struct info_row *row = (const struct info_row *)t->row;
    ADDRINFOA hints, *found = NULL;
    int code, family, length;
    unsigned port;
    memset(&hints, 0, sizeof hints);
    hints.ai_flags = row->flags;
    hints.ai_family = row->family;
    hints.ai_socktype = row->type;
    hints.ai_protocol = row->protocol;
    code = getaddrinfo(row->node, row->service, &hints, &found);
    if (row->code != 0) {
        T_EQ(code, row->code);
        T_EQ(WSAGetLastError(), row->code); /* also to be had so */
        return;
    }
    T_EQ(code, 0);
    T_TRUE(found != NULL);
    family = found->ai_family;
    length = (int)found->ai_addrlen;
    port = ntohs(((SOCKADDR_IN *)(void *)found->ai_addr)->sin_port);
    T_TRUE(row->type == 0 || found->ai_socktype == row->type);
    freeaddrinfo(found);
    T_EQ(family, row->first_family);
    T_EQ(length, family == AF_INET ? (int)sizeof(SOCKADDR_IN) : (int)sizeof(SOCKADDR_IN6));
    T_EQ(port, row->port);
}

static void getaddrinfo__passive__wildcard_else_loopback(struct t_run *t)
{
    ADDRINFOA hints, *found = NULL;
    int i;
    for (i = 0; i < 2; i++) {
        ULONG address;
        memset(&hints, 0, sizeof hints);
        hints.ai_family = AF_INET;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = i == 0 ? AI_PASSIVE : 0;
        T_EQ(getaddrinfo(NULL, "80", &hints, &found), 0);
        address = ((SOCKADDR_IN *)(void *)found->ai_addr)->sin_addr.s_addr;
        freeaddrinfo(found);
        T_EQ(address, i == 0 ? 0 : htonl(INADDR_LOOPBACK));
    }
}

static void getaddrinfo__wide__same_answer(struct t_run *t)
{
    ADDRINFOW *found = NULL;
    ULONG address;
    T_EQ(GetAddrInfoW(L"127.0.0.9", NULL, NULL, &found), 0);
    address = ((SOCKADDR_IN *)(void *)found->ai_addr)->sin_addr.s_addr;
    FreeAddrInfoW(found);
    T_EQ(address, htonl(0x7f000009));
}

static void getnameinfo__numbers__as_text(struct t_run *t)
{
    struct t_addr v4 = t_loopback(AF_INET, 80), v6 = t_loopback(AF_INET6, 443);
    char host[80], service[40];
    T_EQ(getnameinfo(&v4.u.any, v4.bytes, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV),
         0);
    T_TRUE(strcmp(host, "127.0.0.1") == 0);
    T_TRUE(strcmp(service, "80") == 0);
    T_EQ(getnameinfo(&v6.u.any, v6.bytes, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV),
         0);
    T_TRUE(strcmp(host, "::1") == 0);
    T_TRUE(strcmp(service, "443") == 0);
    T_EQ(getnameinfo(&v4.u.any, v4.bytes, NULL, 0, service, sizeof service, NI_NUMERICSERV), 0);
}

static void getnameinfo__bad_arguments__have_their_codes(struct t_run *t)
{
    struct t_addr v4 = t_loopback(AF_INET, 80);
    char host[80];
    T_EQ(getnameinfo(&v4.u.any, 4, host, sizeof host, NULL, 0, NI_NUMERICHOST), WSAEFAULT);
    v4.u.any.sa_family = 99;
    T_EQ(getnameinfo(&v4.u.any, v4.bytes, host, sizeof host, NULL, 0, NI_NUMERICHOST), WSAEAFNOSUPPORT);
    v4.u.any.sa_family = AF_INET;
    T_EQ(getnameinfo(&v4.u.any, v4.bytes, NULL, 0, NULL, 0, NI_NUMERICHOST), WSAHOST_NOT_FOUND);
}

/* Rule WS2-65. */
static void gethostbyname__number_and_localhost__addresses(struct t_run *t)
{
    struct hostent *host = gethostbyname("127.0.0.3");
    T_TRUE(host != NULL);
    T_EQ(host->h_addrtype, AF_INET);
    T_EQ(host->h_length, 4);
    T_SAME(host->h_addr_list[0], "\x7f\0\0\x03", 4);
    T_TRUE(host->h_addr_list[1] == NULL);
    host = gethostbyname("localhost");
    T_TRUE(host != NULL);
    T_SAME(host->h_addr_list[0], "\x7f\0\0\x01", 4);
}

static void gethostbyname__own_name__is_found(struct t_run *t)
{
    char name[256];
    struct hostent *host;
    T_OK(gethostname(name, sizeof name));
    T_TRUE(name[0] != '\0');
    host = gethostbyname(name);
    T_TRUE(host != NULL);
    T_EQ(host->h_addrtype, AF_INET);
    T_TRUE(host->h_addr_list[0] != NULL);
}

/* Rule WS2-66. */
static void gethostname__little_room__fault(struct t_run *t)
{
    char name[2];
    T_FAILS(gethostname(name, 1), WSAEFAULT);
    T_FAILS(gethostname(NULL, 256), WSAEFAULT);
}

struct service_row {
    const char *name;
    const char *service, *protocol;
    unsigned port; /* 0: not found */
};

/* Rule MI-6: the port is in network order. */
static const struct service_row services[] = {
    {"http_tcp", "http", "tcp", 80},
    {"telnet_tcp", "telnet", "tcp", 23},
    {"domain_udp", "domain", "udp", 53},
    {"ftp_any_protocol", "ftp", NULL, 21},
    {"unknown", "no-such-service-x", "tcp", 0},
    {"wrong_protocol", "telnet", "xyz", 0},
};

static void getservbyname__ROW__port_or_nothing(struct t_run *t)
{
    const struct service_row *row = (const struct service_row *)t->row;
    struct servent *service;
    WSASetLastError(0);
    service = getservbyname(row->service, row->protocol);
    if (row->port == 0) {
        T_TRUE(service == NULL);
        T_EQ(WSAGetLastError(), WSANO_DATA);
        return;
    }
    T_TRUE(service != NULL);
    T_EQ(ntohs((u_short)service->s_port), row->port);
    T_TRUE(strcmp(service->s_name, row->service) == 0);
    T_TRUE(row->protocol == NULL || strcmp(service->s_proto, row->protocol) == 0);
}

static void getservbyport__known_and_unknown__name_or_nothing(struct t_run *t)
{
    struct servent *service = getservbyport(htons(80), "tcp");
    T_TRUE(service != NULL);
    T_TRUE(strcmp(service->s_name, "http") == 0);
    T_TRUE(getservbyport(htons(64999), "tcp") == NULL);
}

static void getproto__names_and_numbers__both_ways(struct t_run *t)
{
    struct protoent *protocol = getprotobyname("tcp");
    T_TRUE(protocol != NULL);
    T_EQ(protocol->p_proto, IPPROTO_TCP);
    protocol = getprotobynumber(IPPROTO_UDP);
    T_TRUE(protocol != NULL);
    T_TRUE(strcmp(protocol->p_name, "udp") == 0);
    T_TRUE(getprotobyname("no-such-protocol-x") == NULL);
}

/* Rules WS2-60, RT-11, A.22.1. */
static void enumprotocols__room__size_count_and_entries(struct t_run *t)
{
    static char room[40000];
    WSAPROTOCOL_INFOW *info = (WSAPROTOCOL_INFOW *)(void *)room;
    DWORD bytes = 0;
    int count, i;
    bool tcp = false, udp = false;
    T_FAILS(WSAEnumProtocolsW(NULL, NULL, &bytes), WSAENOBUFS);
    T_TRUE(bytes >= 2 * sizeof *info && bytes <= sizeof room);
    count = WSAEnumProtocolsW(NULL, info, &bytes);
    T_TRUE(count >= 2);
    for (i = 0; i < count; i++) {
        T_TRUE(info[i].ProtocolChain.ChainLen >= 1);
        tcp = tcp || (info[i].iProtocol == IPPROTO_TCP && info[i].iAddressFamily == AF_INET &&
                      info[i].iSocketType == SOCK_STREAM && (info[i].dwServiceFlags1 & XP1_GUARANTEED_DELIVERY));
        udp = udp || (info[i].iProtocol == IPPROTO_UDP && info[i].iAddressFamily == AF_INET &&
                      info[i].iSocketType == SOCK_DGRAM && (info[i].dwServiceFlags1 & XP1_CONNECTIONLESS));
    }
    T_TRUE(tcp && udp);
}

static void enumprotocols__filter__only_those(struct t_run *t)
{
    static char room[40000];
    WSAPROTOCOL_INFOA *info = (WSAPROTOCOL_INFOA *)(void *)room;
    int wanted[] = {IPPROTO_UDP, 0};
    int none[] = {222, 0};
    DWORD bytes = sizeof room;
    int count = WSAEnumProtocolsA(wanted, info, &bytes);
    int i;
    T_TRUE(count >= 1);
    for (i = 0; i < count; i++) {
        T_EQ(info[i].iProtocol, IPPROTO_UDP);
    }
    bytes = sizeof room;
    T_EQ(WSAEnumProtocolsA(none, info, &bytes), 0);
}

static void enumprotocols__no_length__fault(struct t_run *t)
{
    T_FAILS(WSAEnumProtocolsW(NULL, NULL, NULL), WSAEFAULT);
}

static const struct t_cases cases[] = {
    T_TABLE(getaddrinfo__ROW__found_or_has_its_code, infos),
    T_CASE(getaddrinfo__passive__wildcard_else_loopback),
    T_CASE(getaddrinfo__wide__same_answer),
    T_CASE(getnameinfo__numbers__as_text),
    T_CASE(getnameinfo__bad_arguments__have_their_codes),
    T_CASE(gethostbyname__number_and_localhost__addresses),
    T_CASE(gethostbyname__own_name__is_found),
    T_CASE(gethostname__little_room__fault),
    T_TABLE(getservbyname__ROW__port_or_nothing, services),
    T_CASE(getservbyport__known_and_unknown__name_or_nothing),
    T_CASE(getproto__names_and_numbers__both_ways),
    T_CASE(enumprotocols__room__size_count_and_entries),
    T_CASE(enumprotocols__filter__only_those),
    T_CASE(enumprotocols__no_length__fault),
};

const struct t_group t_group_names = {"names", cases, T_COUNT(cases), false};
