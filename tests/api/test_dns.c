/*
 * Names by DNS: a server of the test's own, asked through our own sockets. Rules NSPX-17, NSPX-18, NSPX-16, A.19.8, WS2-62.
 */
#include "t_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct t_dns dns;
static char resolv_path[T_API_PATH_BYTES];

static void resolv_write(const char *more)
{
    FILE *file = fopen(resolv_path, "w");
    assert_non_null(file);
    fprintf(
        file,
        "# a server of the test's own\nnameserver 10.88.0.2:%u ; the only one\noptions timeout-ms:200 attempts:2\n%s\n",
        dns.port, more);
    assert_int_equal(fclose(file), 0);
}

static int start(void **state)
{
    t_api_temporary_file(resolv_path);
    t_api_environment("WINLANE_RESOLV", resolv_path);
    if (t_api_start(state) != 0) {
        return -1;
    }
    t_dns_start(&dns, "10.88.0.2");
    resolv_write("");
    return 0;
}

static int stop(void **state)
{
    t_dns_stop(&dns);
    remove(resolv_path);
    return t_api_stop(state);
}

static int look(const char *name, int family, PADDRINFOA *list)
{
    ADDRINFOA hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    int code;
    *list = NULL;
    WSASetLastError(12345);
    code = getaddrinfo(name, "80", &hints, list);
    assert_int_equal(WSAGetLastError(), code); /* rule WS2-63: also 0 */
    assert_true((code == 0) == (*list != NULL));
    return code;
}

static bool is_four(const ADDRINFOA *info)
{
    const SOCKADDR_IN *sin = (const SOCKADDR_IN *)(const void *)info->ai_addr;
    return info->ai_family == AF_INET && sin->sin_addr.s_addr == htonl(0x0a580002) && sin->sin_port == htons(80);
}

static void name__has_an_address__is_found(void **state)
{
    struct hostent *host;
    PADDRINFOA list;
    (void)state;
    assert_int_equal(look("four.test", AF_UNSPEC, &list), 0);
    assert_true(is_four(list));
    assert_null(list->ai_next);
    assert_string_equal(list->ai_canonname, "four.test");
    freeaddrinfo(list);
    assert_int_equal(look("six.test", AF_UNSPEC, &list), 0);
    assert_int_equal(list->ai_family, AF_INET6);
    freeaddrinfo(list);
    host = gethostbyname("FOUR.test");
    assert_non_null(host);
    assert_int_equal(host->h_addrtype, AF_INET);
    assert_int_equal(host->h_length, 4);
    assert_memory_equal(host->h_addr_list[0], "\x0a\x58\x00\x02", 4);
    assert_null(host->h_addr_list[1]);
    assert_true(dns.queries > 0);
    assert_int_equal(dns.streams, 0);
}

static void name__has_both_families__ordered_by_what_is_best(void **state)
{
    PADDRINFOA list;
    (void)state;
    assert_int_equal(look("both.test", AF_UNSPEC, &list), 0);
    /* RFC 6724: fd88::2 is a unique local address (label 13) and so is its source, as are the two of IPv4; then the
     * precedence counts, 35 for IPv4 and 3 for fc00::/7. */
    assert_int_equal(list->ai_family, AF_INET);
    assert_int_equal(list->ai_next->ai_family, AF_INET6);
    assert_null(list->ai_next->ai_next);
    assert_null(list->ai_next->ai_canonname);
    freeaddrinfo(list);
    assert_int_equal(look("both.test", AF_INET6, &list), 0);
    assert_int_equal(list->ai_family, AF_INET6);
    assert_null(list->ai_next);
    freeaddrinfo(list);
}

static void name__is_an_alias__official_name_and_aliases(void **state)
{
    struct hostent *host;
    PADDRINFOA list;
    (void)state;
    assert_int_equal(look("alias.test", AF_INET, &list), 0);
    assert_true(is_four(list));
    assert_string_equal(list->ai_canonname, "four.test");
    freeaddrinfo(list);
    host = gethostbyname("alias.test");
    assert_non_null(host);
    assert_string_equal(host->h_name, "four.test");
    assert_string_equal(host->h_aliases[0], "alias.test");
    assert_string_equal(host->h_aliases[1], "middle.test");
    assert_null(host->h_aliases[2]);
    assert_int_not_equal(look("loop.test", AF_INET, &list), 0); /* it ends */
}

struct code_row {
    const char *name;
    int code;
};

static void name__server_says_no__has_its_code(void **state)
{
    static const struct code_row rows[] = {
        {"nx.test", WSAHOST_NOT_FOUND},
        {"nodata.test", WSANO_DATA},
        {"fail.test", WSATRY_AGAIN},
        {"refused.test", WSANO_RECOVERY},
        {"form.test", WSANO_RECOVERY},
        {"silent.test", WSATRY_AGAIN},
        {"garbage.test", WSATRY_AGAIN},
        {"a-label-of-more-than-sixty-three-characters-is-not-a-name-that-dns-knows.test", WSAHOST_NOT_FOUND},
    };
    PADDRINFOA list;
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("%s\n", rows[i].name);
        assert_int_equal(look(rows[i].name, AF_INET, &list), rows[i].code);
        assert_null(gethostbyname(rows[i].name));
        assert_int_equal(WSAGetLastError(), rows[i].code);
    }
    assert_int_equal(look("four.test", AF_INET6, &list), WSANO_DATA);
    assert_true(dns.dropped >= 4); /* each was tried twice, and asked for twice */
}

static void answer__of_another_question__is_not_taken(void **state)
{
    PADDRINFOA list;
    (void)state;
    assert_int_equal(look("wrong.test", AF_INET, &list), 0);
    assert_true(is_four(list));
    freeaddrinfo(list);
}

static void answer__cut_short__asked_again_over_tcp(void **state)
{
    PADDRINFOA list;
    PADDRINFOA at;
    unsigned count = 0;
    (void)state;
    assert_int_equal(look("big.test", AF_INET, &list), 0);
    for (at = list; at != NULL; at = at->ai_next) {
        count++;
    }
    freeaddrinfo(list);
    assert_int_equal(count, 20);
    assert_int_equal(dns.streams, 1);
}

static void answer__with_a_ttl__kept_that_long(void **state)
{
    ADDRINFOEXA hints = {.ai_family = AF_INET, .ai_flags = AI_BYPASS_DNS_CACHE};
    PADDRINFOEXA fresh = NULL;
    PADDRINFOA list;
    int before;
    (void)state;
    assert_int_equal(look("four.test", AF_INET, &list), 0);
    freeaddrinfo(list);
    before = dns.queries;
    assert_int_equal(look("Four.Test", AF_INET, &list), 0);
    freeaddrinfo(list);
    assert_int_equal(dns.queries, before); /* from the cache */
    assert_int_equal(GetAddrInfoExA("four.test", NULL, NS_DNS, NULL, &hints, &fresh, NULL, NULL, NULL, NULL), 0);
    FreeAddrInfoEx(fresh);
    assert_int_equal(dns.queries, before + 1);
    assert_int_equal(look("once.test", AF_INET, &list), 0); /* a time of 0 */
    freeaddrinfo(list);
    assert_int_equal(look("once.test", AF_INET, &list), 0);
    freeaddrinfo(list);
    assert_int_equal(dns.queries, before + 3);
}

static void query__each__has_another_id_and_port(void **state)
{
    PADDRINFOA list;
    unsigned i;
    (void)state;
    for (i = 0; i < 6; i++) {
        assert_int_equal(look("once.test", AF_INET, &list), 0);
        freeaddrinfo(list);
    }
    assert_int_equal(dns.queries, 6);
    assert_true(dns.ids_differ >= 4);
    assert_true(dns.ports_differ >= 4);
}

static void address__has_a_name__is_found(void **state)
{
    SOCKADDR_IN sin = {.sin_family = AF_INET, .sin_port = htons(80)};
    char host[NI_MAXHOST];
    char service[NI_MAXSERV];
    struct hostent *entry = gethostbyaddr("\x0a\x58\x00\x02", 4, AF_INET);
    (void)state;
    assert_non_null(entry);
    assert_string_equal(entry->h_name, "ptr.test");
    assert_memory_equal(entry->h_addr_list[0], "\x0a\x58\x00\x02", 4);
    sin.sin_addr.s_addr = htonl(0x0a580002);
    assert_int_equal(
        getnameinfo((struct sockaddr *)&sin, sizeof sin, host, sizeof host, service, sizeof service, NI_NAMEREQD), 0);
    assert_string_equal(host, "ptr.test");
    assert_string_equal(service, "http");
    sin.sin_addr.s_addr = htonl(0x0a580009);
    assert_int_equal(getnameinfo((struct sockaddr *)&sin, sizeof sin, host, sizeof host, NULL, 0, NI_NAMEREQD),
                     WSAHOST_NOT_FOUND);
    assert_int_equal(getnameinfo((struct sockaddr *)&sin, sizeof sin, host, sizeof host, NULL, 0, 0), 0);
    assert_string_equal(host, "10.88.0.9");
    assert_null(gethostbyaddr("\x0a\x58\x00\x09", 4, AF_INET));
    assert_int_equal(WSAGetLastError(), WSAHOST_NOT_FOUND);
}

static void name__short__suffixes_are_tried(void **state)
{
    PADDRINFOA list;
    (void)state;
    assert_int_equal(look("short", AF_INET, &list), WSAHOST_NOT_FOUND);
    resolv_write("search elsewhere.test test");
    assert_int_equal(look("short", AF_INET, &list), 0);
    assert_string_equal(list->ai_canonname, "short.test");
    freeaddrinfo(list);
    assert_int_equal(look("short.", AF_INET, &list), WSAHOST_NOT_FOUND); /* the dot: as it is */
    assert_int_equal(look("short.test.", AF_INET, &list), 0);
    freeaddrinfo(list);
}

static void name__numeric_own_or_in_the_file__nobody_is_asked(void **state)
{
    char own[256];
    PADDRINFOA list;
    (void)state;
    assert_int_equal(look("10.1.2.3", AF_UNSPEC, &list), 0);
    freeaddrinfo(list);
    assert_int_equal(look("fe80::1%3", AF_UNSPEC, &list), 0);
    assert_int_equal(((SOCKADDR_IN6 *)(void *)list->ai_addr)->sin6_scope_id, 3);
    freeaddrinfo(list);
    assert_int_equal(look("localhost", AF_UNSPEC, &list), 0);
    freeaddrinfo(list);
    assert_int_equal(gethostname(own, sizeof own), 0);
    assert_int_equal(look(own, AF_INET, &list), 0);
    assert_string_equal(list->ai_canonname, own);
    freeaddrinfo(list);
    assert_non_null(gethostbyname(own));
    assert_non_null(gethostbyname("10.9"));
    assert_int_equal(dns.queries, 0);
}

/* The host's own name stands for the addresses of our interfaces: what is got can be bound. */
static void name__own__addresses_of_the_interfaces(void **state)
{
    struct hostent *host = gethostbyname("");
    SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
    SOCKADDR_IN sin = {.sin_family = AF_INET};
    unsigned i;
    (void)state;
    assert_non_null(host);
    for (i = 0; host->h_addr_list[i] != NULL; i++) {
        assert_int_not_equal(host->h_addr_list[i][0], 127);
    }
    assert_true(i >= 1);
    memcpy(&sin.sin_addr, host->h_addr_list[0], 4);
    assert_int_equal(bind(s, (struct sockaddr *)&sin, sizeof sin), 0);
    closesocket(s);
}

static void name__mapped_asked_for__ipv4_as_ipv6(void **state)
{
    ADDRINFOA hints = {.ai_family = AF_INET6, .ai_flags = AI_V4MAPPED};
    PADDRINFOA list = NULL;
    (void)state;
    assert_int_equal(getaddrinfo("four.test", NULL, &hints, &list), 0);
    assert_int_equal(list->ai_family, AF_INET6);
    assert_true(IN6_IS_ADDR_V4MAPPED(&((SOCKADDR_IN6 *)(void *)list->ai_addr)->sin6_addr));
    assert_null(list->ai_next);
    freeaddrinfo(list);
    assert_int_equal(getaddrinfo("both.test", NULL, &hints, &list), 0);
    assert_false(IN6_IS_ADDR_V4MAPPED(&((SOCKADDR_IN6 *)(void *)list->ai_addr)->sin6_addr));
    assert_null(list->ai_next);
    freeaddrinfo(list);
    hints.ai_flags |= AI_ALL;
    assert_int_equal(getaddrinfo("both.test", NULL, &hints, &list), 0);
    assert_non_null(list->ai_next);
    freeaddrinfo(list);
    hints.ai_flags = AI_ADDRCONFIG;
    assert_int_equal(getaddrinfo("both.test", NULL, &hints, &list), 0); /* both families have addresses here */
    freeaddrinfo(list);
}

/* In a process whose interfaces have IPv4 addresses only: these are what is asked for and mapped (RFC 3493 6.1). */
static void addrconfig__ipv4_only__mapped_or_nothing(void **state)
{
    ADDRINFOA hints = {.ai_family = AF_INET6, .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG};
    PADDRINFOA list = NULL;
    (void)state;
    assert_int_equal(getaddrinfo("both.test", NULL, &hints, &list), 0);
    assert_int_equal(list->ai_family, AF_INET6);
    assert_true(IN6_IS_ADDR_V4MAPPED(&((SOCKADDR_IN6 *)(void *)list->ai_addr)->sin6_addr));
    assert_null(list->ai_next);
    freeaddrinfo(list);
    list = NULL;
    hints.ai_flags = AI_ADDRCONFIG;
    assert_int_equal(getaddrinfo("both.test", NULL, &hints, &list), WSANO_DATA);
    assert_null(list);
    hints.ai_family = AF_UNSPEC;
    hints.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG; /* means nothing without AF_INET6 */
    assert_int_equal(getaddrinfo("both.test", NULL, &hints, &list), 0);
    assert_int_equal(list->ai_family, AF_INET);
    assert_null(list->ai_next);
    freeaddrinfo(list);
}

static void server__cannot_be_reached__next_one_else_not_found(void **state)
{
    char more[100];
    FILE *file = fopen(resolv_path, "w");
    PADDRINFOA list;
    (void)state;
    /* Nobody listens there: the answer is an error of ICMP, and the second is asked at once. */
    snprintf(more, sizeof more, "nameserver 10.88.0.1:9\nnameserver 10.88.0.2:%u\noptions timeout-ms:2000\n", dns.port);
    assert_true(fputs(more, file) >= 0 && fclose(file) == 0);
    assert_int_equal(look("four.test", AF_INET, &list), 0);
    freeaddrinfo(list);
    assert_int_equal(dns.queries, 1);
    file = fopen(resolv_path, "w"); /* no way there, and no server at all */
    assert_true(fputs("nameserver 192.0.2.1\n", file) >= 0 && fclose(file) == 0);
    assert_int_equal(look("other.test", AF_INET, &list), WSAHOST_NOT_FOUND);
    file = fopen(resolv_path, "w");
    assert_int_equal(fclose(file), 0);
    assert_int_equal(look("other.test", AF_INET, &list), WSAHOST_NOT_FOUND);
}

/* With an argument: under a configuration without IPv6. */
int main(int argc, char **argv)
{
    const struct CMUnitTest without[] = {
        cmocka_unit_test_setup_teardown(addrconfig__ipv4_only__mapped_or_nothing, start, stop),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(name__has_an_address__is_found, start, stop),
        cmocka_unit_test_setup_teardown(name__has_both_families__ordered_by_what_is_best, start, stop),
        cmocka_unit_test_setup_teardown(name__is_an_alias__official_name_and_aliases, start, stop),
        cmocka_unit_test_setup_teardown(name__server_says_no__has_its_code, start, stop),
        cmocka_unit_test_setup_teardown(answer__of_another_question__is_not_taken, start, stop),
        cmocka_unit_test_setup_teardown(answer__cut_short__asked_again_over_tcp, start, stop),
        cmocka_unit_test_setup_teardown(answer__with_a_ttl__kept_that_long, start, stop),
        cmocka_unit_test_setup_teardown(query__each__has_another_id_and_port, start, stop),
        cmocka_unit_test_setup_teardown(address__has_a_name__is_found, start, stop),
        cmocka_unit_test_setup_teardown(name__short__suffixes_are_tried, start, stop),
        cmocka_unit_test_setup_teardown(name__numeric_own_or_in_the_file__nobody_is_asked, start, stop),
        cmocka_unit_test_setup_teardown(name__own__addresses_of_the_interfaces, start, stop),
        cmocka_unit_test_setup_teardown(name__mapped_asked_for__ipv4_as_ipv6, start, stop),
        cmocka_unit_test_setup_teardown(server__cannot_be_reached__next_one_else_not_found, start, stop),
    };
    (void)argv;
    if (argc > 1) {
        return cmocka_run_group_tests(without, t_api_use_winlane, NULL);
    }
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}
