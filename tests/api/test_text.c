/*
 * Byte order, address text, names. Rules WS2-4, WS2-59, WS2-60, WS2-63 to WS2-66.
 */
#include "t_api.h"

#include <string.h>

static void inet_addr__forms__value(void **state)
{
    static const struct {
        const char *text;
        ULONG host;
    } rows[] = {
        {"1.2.3.4", 0x01020304},    {"255.255.255.255", 0xffffffff},
        {"0x7f.0.0.1", 0x7f000001}, {"0177.1", 0x7f000001},
        {"10.1.258", 0x0a010102},   {"16909060", 0x01020304},
        {"0x1020304", 0x01020304},  {"0", 0},
        {"", INADDR_NONE},          {"1.2.3.4.5", INADDR_NONE},
        {"256.1.1.1", INADDR_NONE}, {"1.2.3.256", INADDR_NONE},
        {"1..2", INADDR_NONE},      {"1.2.3.", INADDR_NONE},
        {"08.1.1.1", INADDR_NONE},  {"4294967296", INADDR_NONE},
        {"1.2.3.4 x", 0x01020304},
    };
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("%s\n", rows[i].text);
        assert_int_equal(ntohl(inet_addr(rows[i].text)), rows[i].host);
    }
    assert_int_equal(inet_addr(NULL), INADDR_NONE);
}

static void inet_ntoa__address__text(void **state)
{
    struct in_addr in;
    (void)state;
    in.s_addr = htonl(0xc0000201);
    assert_int_equal(in.S_un.S_un_b.s_b1, 192);
    assert_string_equal(inet_ntoa(in), "192.0.2.1");
}

static void ipv6__text_to_bytes_to_text__canonical(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:0:0:2:1", "2001:db8::2:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::1.2.3.4", "::1.2.3.4"},               /* IPv4-compatible */
        {"::ffff:0:1.2.3.4", "::ffff:0:1.2.3.4"}, /* IPv4-translated */
        {"::fffe:0:1.2.3.4", "::fffe:0:102:304"},
        {"::5efe:1.2.3.4", "::5efe:1.2.3.4"}, /* ISATAP */
        {"fe80::5efe:1.2.3.4", "fe80::5efe:1.2.3.4"},
        {"1:2:3:4:0:5efe:1.2.3.4", "1:2:3:4:0:5efe:1.2.3.4"},
        {"1:2:3:4:200:5efe:1.2.3.4", "1:2:3:4:200:5efe:1.2.3.4"},
        {"1:2:3:4:200:5efe::", "1:2:3:4:200:5efe:0.0.0.0"},
        {"1:2:3:4:100:5efe:1.2.3.4", "1:2:3:4:100:5efe:102:304"},
        {"::1:0", "::0.1.0.0"},
        {"::ffff", "::ffff"},
        {"::1:2:3", "::1:2:3"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"", NULL},
        {":", NULL},
        {":::", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1::2::3", NULL},
        {"12345::", NULL},
        {"g::", NULL},
        {"1:2:3:4:5:6:7:8::", NULL},
        {"1:", NULL},
        {":1", NULL},
        {"::1.2.3", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"fe80::1%1", NULL},
    };
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        IN6_ADDR addr;
        char text[INET6_ADDRSTRLEN];
        print_message("%s\n", rows[i].in);
        assert_int_equal(inet_pton(AF_INET6, rows[i].in, &addr), rows[i].out != NULL);
        if (rows[i].out != NULL) {
            assert_ptr_equal(inet_ntop(AF_INET6, &addr, text, sizeof text), text);
            assert_string_equal(text, rows[i].out);
        }
    }
}

/* Parts that are read are written, as Windows does; behind the gap only at the end. */
static void inet_pton__no_address__leaves_what_was_read(void **state)
{
    static const struct {
        int family;
        const char *in;
        BYTE left[16];
    } rows[] = {
        {AF_INET, "9.8.7.6:1", {9, 8, 7, 6}},
        {AF_INET, "9.8.7.0x", {0xee, 0xee, 0xee, 0xee}},
        {AF_INET, "9.8.7.06", {0xee, 0xee, 0xee, 0xee}},
        {AF_INET, "9.8.7.256", {0xee, 0xee, 0xee, 0xee}},
        {AF_INET, "9.8.7", {0xee, 0xee, 0xee, 0xee}},
        {AF_INET6, "a:b:c", {0, 10, 0, 11, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee}},
        {AF_INET6,
         "::12345",
         {0, 0, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee}},
        {AF_INET6, "a::0xb", {[1] = 10, [15] = 11}},
        {AF_INET6, "a::0x1ffffffff", {[1] = 10, [14] = 0xff, [15] = 0xff}},
        {AF_INET6, "a::%1", {[1] = 10}},
        {AF_INET6, "a::b::c", {[1] = 10, [15] = 11}},
        {AF_INET6, "a::9.8.7.6x", {[1] = 10, [12] = 9, [13] = 8, [14] = 7, [15] = 6}},
        {AF_INET6,
         "a::9.8.700.6",
         {0, 10, 9, 8, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee}},
        {AF_INET6, "a::9.8.7", {0, 10, 9, 8, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee}},
        {AF_INET6, "1:2:3:4:5:6:7:9.8.7.6", {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 9}},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        BYTE addr[16];
        WCHAR wide[64];
        print_message("%s\n", rows[i].in);
        memset(addr, 0xee, sizeof addr);
        WSASetLastError(77);
        assert_int_equal(inet_pton(rows[i].family, rows[i].in, addr), 0);
        assert_int_equal(WSAGetLastError(), 77);
        assert_memory_equal(addr, rows[i].left, rows[i].family == AF_INET ? 4 : 16);
        memset(addr, 0xee, sizeof addr);
        for (unsigned k = 0; k == 0 || rows[i].in[k - 1] != '\0'; k++) {
            wide[k] = (WCHAR)rows[i].in[k];
        }
        assert_int_equal(InetPtonW(rows[i].family, wide, addr), 0);
        assert_int_equal(WSAGetLastError(), WSAEINVAL);
        assert_memory_equal(addr, rows[i].left, rows[i].family == AF_INET ? 4 : 16);
    }
}

static void inet_pton__bad_arguments__codes(void **state)
{
    char room[64];
    WCHAR wide[64];
    IN6_ADDR addr;
    (void)state;
    assert_fails(inet_pton(17, "1.2.3.4", &addr), WSAEAFNOSUPPORT);
    assert_fails(inet_pton(AF_INET, NULL, &addr), WSAEFAULT);
    assert_fails(inet_pton(17, NULL, &addr), WSAEFAULT);
    assert_fails(inet_pton(AF_INET, "1.2.3.4", NULL), WSAEFAULT);
    assert_int_equal(inet_pton(AF_INET, "1.2.3", &addr), 0);
    assert_int_equal(inet_pton(AF_INET, "01.2.3.4567", &addr), 0);
    assert_int_equal(inet_pton(AF_INET, "1.2.3.4", &addr), 1);
    assert_null(inet_ntop(AF_INET, &addr, room, 7));
    assert_int_equal((DWORD)WSAGetLastError(), 0xC000000D); /* STATUS_INVALID_PARAMETER, as on Windows */
    assert_null(inet_ntop(AF_INET, &addr, NULL, 16));
    assert_int_equal((DWORD)WSAGetLastError(), 0xC000000D);
    assert_non_null(inet_ntop(AF_INET, &addr, room, 8));
    assert_string_equal(room, "1.2.3.4");
    assert_null(inet_ntop(99, &addr, room, sizeof room));
    assert_int_equal(WSAGetLastError(), WSAEAFNOSUPPORT);
    assert_int_equal(InetPtonW(AF_INET6, L"2001:db8::5", &addr), 1);
    assert_non_null(InetNtopW(AF_INET6, &addr, wide, 64));
    assert_memory_equal(wide, L"2001:db8::5", sizeof L"2001:db8::5");
}

static struct addrinfo hints_of(int flags, int family, int type)
{
    struct addrinfo hints = {0};
    hints.ai_flags = flags;
    hints.ai_family = family;
    hints.ai_socktype = type;
    return hints;
}

static void getaddrinfo__bad_arguments__codes(void **state)
{
    static const struct {
        const char *node, *service;
        int flags, family, type, code;
    } rows[] = {
        {NULL, NULL, 0, 0, 0, WSAHOST_NOT_FOUND},
        {"no.such.name.example", NULL, 0, 0, 0, WSAHOST_NOT_FOUND},
        {"localhost", NULL, AI_NUMERICHOST, 0, 0, WSAHOST_NOT_FOUND},
        {NULL, "80", AI_CANONNAME, 0, 0, WSAEINVAL},
        {"127.0.0.1", "80", 0x08000000, 0, 0, WSAEINVAL},
        {"127.0.0.1", "80", 0, 17, 0, WSAEAFNOSUPPORT},
        {"127.0.0.1", "80", 0, 0, 9, WSAESOCKTNOSUPPORT},
        {"127.0.0.1", "no-such-service", 0, 0, SOCK_STREAM, WSATYPE_NOT_FOUND},
        {"127.0.0.1", "http", AI_NUMERICSERV, 0, SOCK_STREAM, WSAHOST_NOT_FOUND},
        {"127.0.0.1", "65536", 0, 0, SOCK_STREAM, WSATYPE_NOT_FOUND},
        {"127.0.0.1", NULL, 0, AF_INET6, 0, WSAHOST_NOT_FOUND},
        {"fe80::1%x", NULL, 0, 0, 0, WSAHOST_NOT_FOUND},
    };
    struct addrinfo *list;
    struct addrinfo hints;
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("row %u\n", i);
        hints = hints_of(rows[i].flags, rows[i].family, rows[i].type);
        list = (struct addrinfo *)&hints;
        assert_int_equal(getaddrinfo(rows[i].node, rows[i].service, &hints, &list), rows[i].code);
        assert_int_equal(WSAGetLastError(), rows[i].code);
        assert_null(list);
    }
    hints = hints_of(0, 0, 0);
    hints.ai_addrlen = 1;
    assert_int_equal(getaddrinfo("127.0.0.1", NULL, &hints, &list), WSANO_RECOVERY);
    assert_int_equal(getaddrinfo("127.0.0.1", NULL, NULL, NULL), WSAEFAULT);
    assert_string_not_equal(gai_strerrorA(WSAHOST_NOT_FOUND), "");
}

static void getaddrinfo__good__addresses(void **state)
{
    struct addrinfo hints = hints_of(AI_CANONNAME, AF_UNSPEC, SOCK_STREAM);
    struct addrinfo *list = NULL;
    ADDRINFOW *wide = NULL;
    ADDRINFOW wide_hints = {.ai_flags = AI_CANONNAME, .ai_family = AF_INET};
    SOCKADDR_IN6 sin6;
    (void)state;
    assert_int_equal(getaddrinfo("192.0.2.1", "8080", &hints, &list), 0);
    assert_int_equal(list->ai_family, AF_INET);
    assert_int_equal(list->ai_socktype, SOCK_STREAM);
    assert_int_equal(list->ai_addrlen, sizeof(SOCKADDR_IN));
    assert_int_equal(((SOCKADDR_IN *)(void *)list->ai_addr)->sin_port, htons(8080));
    assert_int_equal(((SOCKADDR_IN *)(void *)list->ai_addr)->sin_addr.s_addr, htonl(0xc0000201));
    assert_string_equal(list->ai_canonname, "192.0.2.1");
    assert_null(list->ai_next);
    freeaddrinfo(list);
    hints = hints_of(AI_PASSIVE, AF_UNSPEC, SOCK_DGRAM);
    assert_int_equal(getaddrinfo(NULL, "53", &hints, &list), 0);
    assert_int_equal(list->ai_family, AF_INET6);
    assert_memory_equal(&((SOCKADDR_IN6 *)(void *)list->ai_addr)->sin6_addr, &in6addr_any, 16);
    assert_int_equal(list->ai_next->ai_family, AF_INET);
    assert_null(list->ai_next->ai_next);
    freeaddrinfo(list);
    assert_int_equal(getaddrinfo("localhost", "http", NULL, &list), 0);
    assert_memory_equal(&((SOCKADDR_IN6 *)(void *)list->ai_addr)->sin6_addr, &in6addr_loopback, 16);
    assert_int_equal(((SOCKADDR_IN6 *)(void *)list->ai_addr)->sin6_port, htons(80));
    assert_int_equal(list->ai_socktype, SOCK_STREAM);
    assert_int_equal(list->ai_next->ai_family, AF_INET);
    assert_memory_equal(&((SOCKADDR_IN *)(void *)list->ai_next->ai_addr)->sin_addr, "\x7f\x00\x00\x01", 4);
    freeaddrinfo(list);
    assert_int_equal(getaddrinfo("", "80", NULL, &list), 0); /* this host */
    assert_non_null(list);
    freeaddrinfo(list);
    assert_int_equal(getaddrinfo("fe80::7%3", NULL, NULL, &list), 0);
    memcpy(&sin6, list->ai_addr, sizeof sin6);
    assert_int_equal(sin6.sin6_scope_id, 3);
    freeaddrinfo(list);
    freeaddrinfo(NULL);
    assert_int_equal(GetAddrInfoW(L"LocalHost", NULL, &wide_hints, &wide), 0);
    assert_memory_equal(wide->ai_canonname, L"localhost", sizeof L"localhost");
    assert_null(wide->ai_next);
    FreeAddrInfoW(wide);
}

static void getnameinfo__numeric__text(void **state)
{
    SOCKADDR_IN6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_scope_id = 4};
    SOCKADDR_IN sin = {.sin_family = AF_INET, .sin_port = htons(65000)};
    char host[NI_MAXHOST];
    char service[NI_MAXSERV];
    (void)state;
    assert_int_equal(inet_pton(AF_INET6, "fe80::9", &sin6.sin6_addr), 1);
    assert_int_equal(getnameinfo((SOCKADDR *)&sin6, sizeof sin6, host, sizeof host, service, sizeof service,
                                 NI_NUMERICHOST | NI_NUMERICSERV),
                     0);
    assert_string_equal(host, "fe80::9%4");
    assert_string_equal(service, "53");
    assert_int_equal(getnameinfo((SOCKADDR *)&sin6, 20, host, sizeof host, NULL, 0, NI_NUMERICHOST), WSAEFAULT);
    assert_int_equal(getnameinfo((SOCKADDR *)&sin6, sizeof sin6, host, 3, NULL, 0, NI_NUMERICHOST), WSAEFAULT);
    assert_int_equal(getnameinfo((SOCKADDR *)&sin6, sizeof sin6, NULL, 0, NULL, 0, 0), WSAHOST_NOT_FOUND);
    sin.sin_addr.s_addr = htonl(0xc0000209);
    assert_int_equal(getnameinfo((SOCKADDR *)&sin, sizeof sin, host, sizeof host, NULL, 0, NI_NAMEREQD),
                     WSAHOST_NOT_FOUND);
    assert_int_equal(getnameinfo((SOCKADDR *)&sin, sizeof sin, host, sizeof host, NULL, 0, 0), 0);
    assert_string_equal(host, "192.0.2.9");
    sin.sin_family = 17;
    assert_int_equal(getnameinfo((SOCKADDR *)&sin, sizeof sin, host, sizeof host, NULL, 0, 0), WSAEAFNOSUPPORT);
}

static void old_names__asked__thread_buffers(void **state)
{
    char name[256];
    struct hostent *host = gethostbyname("10.1.2.3");
    struct servent *service;
    (void)state;
    assert_non_null(host);
    assert_int_equal(host->h_length, 4);
    assert_memory_equal(host->h_addr, "\x0a\x01\x02\x03", 4);
    assert_null(host->h_addr_list[1]);
    host = gethostbyname("localhost");
    assert_memory_equal(host->h_addr, "\x7f\x00\x00\x01", 4);
    assert_ptr_equal(host->h_addr, host->h_addr_list[0]);
    assert_string_equal(host->h_name, "localhost");
    assert_int_equal(host->h_addrtype, AF_INET);
    assert_non_null(host->h_aliases);
    host = gethostbyaddr("\x7f\x00\x00\x01", 4, AF_INET);
    if (!t_api_kernel_handles) { /* a fresh prefix of Wine has no hosts file */
        assert_non_null(host);
        assert_string_equal(host->h_name, "localhost");
    }
    assert_null(gethostbyaddr("\x7f\x00\x00\x01", 3, AF_INET));
    assert_int_equal(WSAGetLastError(), WSAEFAULT);
    assert_null(gethostbyname("no.such.name.example"));
    assert_int_equal(WSAGetLastError(), WSAHOST_NOT_FOUND);
    assert_null(gethostbyaddr("\x0a\x01\x02\x03", 4, 99));
    assert_int_equal(WSAGetLastError(), WSAEAFNOSUPPORT);
    assert_null(gethostbyaddr("\x0a\x01\x02\x03", 4, AF_INET6));
    assert_int_equal(WSAGetLastError(), WSAEFAULT);
    assert_int_equal(getprotobyname("TCP")->p_proto, 6);
    assert_string_equal(getprotobynumber(17)->p_name, "udp");
    assert_null(getprotobynumber(250));
    assert_int_equal(WSAGetLastError(), WSANO_DATA);
    service = getservbyname("domain", "udp");
    assert_non_null(service);
    assert_int_equal(service->s_port, (short)htons(53));
    assert_string_equal(getservbyport(htons(80), "tcp")->s_name, "http");
    if (!t_api_kernel_handles) { /* an alias: the list of a fresh prefix of Wine has none */
        service = getservbyname("www", NULL);
        assert_non_null(service);
        assert_string_equal(service->s_name, "http");
        assert_string_equal(service->s_aliases[0], "www");
        assert_string_equal(service->s_proto, "tcp");
        assert_null(getservbyname("www", "sctp"));
    }
    assert_null(getservbyname("no-such-service", NULL));
    assert_int_equal(WSAGetLastError(), WSANO_DATA);
    assert_int_equal(gethostname(name, sizeof name), 0);
    assert_int_not_equal(strlen(name), 0);
    assert_fails(gethostname(name, 1), WSAEFAULT);
    assert_non_null(gethostbyname(""));
}

static DWORD WINAPI names_here(LPVOID unused)
{
    struct in_addr in;
    (void)unused;
    in.s_addr = htonl(0x0a090807);
    return strcmp(inet_ntoa(in), "10.9.8.7") == 0 && gethostbyname("10.9.8.7") != NULL &&
                   getprotobyname("udp") != NULL && getservbyname("domain", "udp") != NULL
               ? 1
               : 0;
}

static void old_names__two_threads__each_its_own_buffers(void **state)
{
    struct in_addr in;
    const char *text;
    const struct hostent *host;
    const struct protoent *protocol;
    const struct servent *service;
    HANDLE thread;
    DWORD good = 99;
    (void)state;
    in.s_addr = htonl(0x01020304);
    text = inet_ntoa(in);
    host = gethostbyname("1.2.3.4");
    protocol = getprotobyname("tcp");
    service = getservbyname("http", "tcp");
    assert_true(text != NULL && host != NULL && protocol != NULL && service != NULL);
    thread = CreateThread(NULL, 0, names_here, NULL, 0, NULL);
    assert_int_equal(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &good));
    assert_int_equal(good, 1);
    assert_true(CloseHandle(thread));
    assert_string_equal(text, "1.2.3.4");
    assert_memory_equal(host->h_addr, "\x01\x02\x03\x04", 4);
    assert_int_equal(protocol->p_proto, IPPROTO_TCP);
    assert_string_equal(service->s_name, "http");
    assert_int_equal(service->s_port, (short)htons(80));
}

static void address_strings__by_provider__units_are_characters(void **state)
{
    SOCKADDR_IN sin = {.sin_family = AF_INET};
    char text[64];
    WCHAR wide[64];
    DWORD chars = sizeof text;
    INT bytes = sizeof sin;
    (void)state;
    assert_int_equal(WSAAddressToStringA((LPSOCKADDR)&sin, sizeof sin, NULL, text, &chars), 0);
    assert_string_equal(text, "192.0.2.7:80");
    assert_int_equal(chars, 13);
    chars = 12;
    assert_fails(WSAAddressToStringA((LPSOCKADDR)&sin, sizeof sin, NULL, text, &chars), WSAEFAULT);
    assert_int_equal(chars, 13);
    assert_fails(WSAAddressToStringW((LPSOCKADDR)&sin, sizeof sin, NULL, wide, NULL), WSAEFAULT);
    sin.sin_family = 99;
    assert_fails(WSAAddressToStringW((LPSOCKADDR)&sin, sizeof sin, NULL, wide, &chars), WSAEINVAL);
    assert_int_equal(WSAStringToAddressA((LPSTR)(uintptr_t) "\x05", AF_INET, NULL, (LPSOCKADDR)&sin, &bytes), 0);
    assert_int_equal(ntohl(sin.sin_addr.s_addr), 5);
}

static void enum_protocols__filters_and_sizes__counts(void **state)
{
    static WSAPROTOCOL_INFOW infos[8];
    static WSAPROTOCOL_INFOA ansi[8];
    INT udp_only[] = {IPPROTO_UDP, 0};
    DWORD bytes = 0;
    (void)state;
    assert_fails(WSAEnumProtocolsW(NULL, NULL, NULL), WSAEFAULT);
    assert_fails(WSAEnumProtocolsW(NULL, NULL, &bytes), WSAENOBUFS);
    assert_int_equal(bytes, 4 * 628); /* RAW is hidden */
    assert_int_equal(WSAEnumProtocolsW(NULL, infos, &bytes), 4);
    assert_int_equal(infos[0].iProtocol, IPPROTO_TCP);
    assert_int_equal(infos[0].dwServiceFlags1, 0x66);
    assert_int_equal(infos[3].iAddressFamily, AF_INET6);
    bytes = sizeof ansi;
    assert_int_equal(WSAEnumProtocolsA(udp_only, ansi, &bytes), 2);
    assert_string_equal(ansi[0].szProtocol, "Winlane Tcpip [UDP/IP]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inet_addr__forms__value),
        cmocka_unit_test(inet_ntoa__address__text),
        cmocka_unit_test(ipv6__text_to_bytes_to_text__canonical),
        cmocka_unit_test(inet_pton__no_address__leaves_what_was_read),
        cmocka_unit_test(inet_pton__bad_arguments__codes),
        cmocka_unit_test_setup_teardown(getaddrinfo__bad_arguments__codes, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(getaddrinfo__good__addresses, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(getnameinfo__numeric__text, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(old_names__asked__thread_buffers, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(old_names__two_threads__each_its_own_buffers, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(address_strings__by_provider__units_are_characters, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(enum_protocols__filters_and_sizes__counts, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
