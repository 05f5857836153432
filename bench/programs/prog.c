#include "prog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bench_opt *opt_find(const char *word, const struct bench_opt *opts, size_t count)
{
    if (strncmp(word, "--", 2) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word + 2, opts[i].name) == 0) {
            return &opts[i];
        }
    }
    return NULL;
}

static int number_parse(const char *text, const struct bench_opt *opt)
{
    char *end = NULL;
    uint64_t value;

    if (text[0] < '0' || text[0] > '9') {
        return -1;
    }
    value = strtoull(text, &end, 10);
    if (*end != '\0' || value < opt->number_min || value > opt->number_max) {
        return -1;
    }
    *opt->number = value;
    return 0;
}

int bench_opts_parse(int argc, char **argv, const struct bench_opt *opts, size_t count)
{
    for (int i = 1; i < argc; i += 2) {
        const struct bench_opt *opt = opt_find(argv[i], opts, count);
        if (opt == NULL || i + 1 == argc) {
            (void)fprintf(stderr, "%s: %s: %s\n", argv[0], argv[i], opt == NULL ? "no such option" : "needs a value");
            return -1;
        }
        if (opt->text != NULL) {
            *opt->text = argv[i + 1];
        } else if (number_parse(argv[i + 1], opt) != 0) {
            (void)fprintf(stderr, "%s: %s: a number from %" PRIu64 " to %" PRIu64 " is needed\n", argv[0], argv[i],
                          opt->number_min, opt->number_max);
            return -1;
        }
    }
    return 0;
}

static int addr_from_parts(const char *host, uint16_t port, union bench_addr *addr)
{
    memset(addr, 0, sizeof(*addr));
    if (inet_pton(AF_INET, host, &addr->v4.sin_addr) == 1) {
        addr->v4.sin_family = AF_INET;
        addr->v4.sin_port = htons(port);
        return (int)sizeof(addr->v4);
    }
    if (inet_pton(AF_INET6, host, &addr->v6.sin6_addr) == 1) {
        addr->v6.sin6_family = AF_INET6;
        addr->v6.sin6_port = htons(port);
        return (int)sizeof(addr->v6);
    }
    return 0;
}

int bench_addr_parse(const char *text, union bench_addr *addr)
{
    char host[64];
    const char *start = text;
    const char *port = NULL;
    size_t host_size = text == NULL ? 0 : strlen(text);
    uint64_t port_number = 0;
    const struct bench_opt port_opt = {"port", NULL, &port_number, 0, 65535};
    int size = 0;

    if (text != NULL && text[0] == '[' && strchr(text, ']') != NULL) {
        start = text + 1;
        host_size = (size_t)(strchr(text, ']') - start);
        port = start[host_size + 1] == ':' ? start + host_size + 2 : NULL;
    } else if (text != NULL && strchr(text, ':') != NULL && strchr(text, ':') == strrchr(text, ':')) {
        port = strchr(text, ':') + 1;
        host_size = (size_t)(port - 1 - start);
    }
    if (host_size > 0 && host_size < sizeof(host) && (port == NULL || number_parse(port, &port_opt) == 0)) {
        memcpy(host, start, host_size);
        host[host_size] = '\0';
        size = addr_from_parts(host, (uint16_t)port_number, addr);
    }
    if (size == 0) {
        (void)fprintf(stderr, "%s: not an address; 10.0.0.1:80 or [fd00::1]:80 is wanted\n",
                      text == NULL ? "(none)" : text);
    }
    return size;
}

bool bench_addr_same(const union bench_addr *a, const union bench_addr *b)
{
    if (a->any.sa_family != b->any.sa_family) {
        return false;
    }
    if (a->any.sa_family == AF_INET) {
        return a->v4.sin_port == b->v4.sin_port && memcmp(&a->v4.sin_addr, &b->v4.sin_addr, 4) == 0;
    }
    return a->v6.sin6_port == b->v6.sin6_port && memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0;
}

const char *bench_error_name(int code)
{
#define NAMED(c) \
    case c:      \
        return #c
    switch (code) {
    case 0:
        return "0";
        NAMED(WSAEACCES);
        NAMED(WSAEFAULT);
        NAMED(WSAEINVAL);
        NAMED(WSAEMFILE);
        NAMED(WSAEWOULDBLOCK);
        NAMED(WSAEINPROGRESS);
        NAMED(WSAEALREADY);
        NAMED(WSAENOTSOCK);
        NAMED(WSAEMSGSIZE);
        NAMED(WSAENOPROTOOPT);
        NAMED(WSAEPROTONOSUPPORT);
        NAMED(WSAEOPNOTSUPP);
        NAMED(WSAEAFNOSUPPORT);
        NAMED(WSAEADDRINUSE);
        NAMED(WSAEADDRNOTAVAIL);
        NAMED(WSAENETDOWN);
        NAMED(WSAENETUNREACH);
        NAMED(WSAENETRESET);
        NAMED(WSAECONNABORTED);
        NAMED(WSAECONNRESET);
        NAMED(WSAENOBUFS);
        NAMED(WSAEISCONN);
        NAMED(WSAENOTCONN);
        NAMED(WSAESHUTDOWN);
        NAMED(WSAETIMEDOUT);
        NAMED(WSAECONNREFUSED);
        NAMED(WSAEHOSTUNREACH);
        NAMED(WSASYSNOTREADY);
        NAMED(WSANOTINITIALISED);
        NAMED(WSAEDISCON);
    default:
        return "?";
    }
#undef NAMED
}

int bench_fail(const char *program, const char *what)
{
    int code = WSAGetLastError();

    (void)fprintf(stderr, "%s: %s: %s (%d)\n", program, what, bench_error_name(code), code);
    return 1;
}

int bench_start(const char *program)
{
    WSADATA data;
    int code = WSAStartup(MAKEWORD(2, 2), &data);

    if (code != 0) {
        (void)fprintf(stderr, "%s: WSAStartup: %s (%d)\n", program, bench_error_name(code), code);
        return -1;
    }
    return 0;
}

uint64_t bench_now_ns(void)
{
    LARGE_INTEGER count;
    LARGE_INTEGER per_second;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&per_second);
    if (per_second.QuadPart == 1000000000) {
        return (uint64_t)count.QuadPart;
    }
    return (uint64_t)((double)count.QuadPart * 1e9 / (double)per_second.QuadPart);
}

void bench_pattern_fill(char *data, size_t size, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

    for (size_t i = 0; i < size; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        data[i] = (char)(state >> 56);
    }
}
