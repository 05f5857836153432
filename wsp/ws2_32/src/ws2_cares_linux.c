/*
 * c-ares, Linux: one channel for each question, its sockets those of ws2_resolver_linux.c. Source: rule NSPX-18.
 */
#include "ws2_cares_priv.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

struct ws2_cares {
    ares_channel channel;
    void *user;
    enum ws2_cares_status status;
};

/** Make the library ready. Context: under a lock, since it counts without one. @return false if it cannot be. */
bool ws2_cares_library(void)
{
    return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
}

/* ---- sockets ---- */

static ares_socket_t open_socket(int family, int type, int protocol, void *user)
{
    const struct ws2_cares *cares = (const struct ws2_cares *)user;
    (void)protocol;
    return ws2_wire_open(cares->user, family == AF_INET6, type == SOCK_STREAM);
}

static int close_socket(ares_socket_t s, void *user)
{
    (void)user;
    return ws2_wire_close(s);
}

static int connect_socket(ares_socket_t s, const struct sockaddr *name, ares_socklen_t bytes, void *user)
{
    const struct ws2_cares *cares = (const struct ws2_cares *)user;
    struct ws2_cares_address to;
    memset(&to, 0, sizeof to);
    if (name->sa_family == AF_INET && bytes >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)name;
        to.port_be = sin->sin_port;
        memcpy(to.addr, &sin->sin_addr, 4);
    } else if (name->sa_family == AF_INET6 && bytes >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)name;
        to.six = true;
        to.port_be = sin6->sin6_port;
        memcpy(to.addr, &sin6->sin6_addr, 16);
    } else {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return ws2_wire_connect(cares->user, s, &to);
}

/* c-ares compares the source of a datagram with the server that it asked. */
static void source_give(const struct ws2_cares_address *from, struct sockaddr *out, ares_socklen_t *bytes)
{
    struct sockaddr_storage source;
    ares_socklen_t length = from->six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    memset(&source, 0, sizeof source);
    if (from->six) {
        struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&source;
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = from->port_be;
        memcpy(&sin6->sin6_addr, from->addr, 16);
    } else {
        struct sockaddr_in *sin = (struct sockaddr_in *)&source;
        sin->sin_family = AF_INET;
        sin->sin_port = from->port_be;
        memcpy(&sin->sin_addr, from->addr, 4);
    }
    *bytes = *bytes < length ? *bytes : length;
    memcpy(out, &source, *bytes);
}

static ares_ssize_t receive(ares_socket_t s, void *buffer, size_t bytes, int flags, struct sockaddr *from,
                            ares_socklen_t *from_bytes, void *user)
{
    const struct ws2_cares *cares = (const struct ws2_cares *)user;
    struct ws2_cares_address source;
    long got = ws2_wire_receive(cares->user, s, buffer, bytes, from == NULL ? NULL : &source);
    (void)flags;
    if (got >= 0 && from != NULL && from_bytes != NULL) {
        source_give(&source, from, from_bytes);
    }
    return got;
}

/* A datagram is one piece, a stream's are gathered by the stream. */
static ares_ssize_t send_pieces(ares_socket_t s, const struct iovec *piece, int count, void *user)
{
    ares_ssize_t sum = 0;
    int i;
    (void)user;
    for (i = 0; i < count; i++) {
        long sent = ws2_wire_send(s, piece[i].iov_base, piece[i].iov_len);
        if (sent < 0) {
            return sum > 0 ? sum : -1;
        }
        sum += sent;
        if ((size_t)sent < piece[i].iov_len) {
            break;
        }
    }
    return sum;
}

static const struct ares_socket_functions socket_functions = {open_socket, close_socket, connect_socket, receive,
                                                              send_pieces};

/* ---- a question ---- */

static enum ws2_cares_status status_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return WS2_CARES_OK;
    case ARES_ENODATA:
        return WS2_CARES_NO_DATA;
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return WS2_CARES_NOT_FOUND;
    case ARES_EFORMERR:
    case ARES_EBADRESP:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
    case ARES_EBADQUERY:
        return WS2_CARES_REFUSED;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return WS2_CARES_CANCELLED;
    case ARES_ENOMEM:
        return WS2_CARES_NO_MEMORY;
    default: /* time is over, a server's failure, nobody can be reached */
        return WS2_CARES_TRY_AGAIN;
    }
}

static bool channel_init(struct ws2_cares *cares, const struct ws2_resolv *resolv)
{
    struct ares_options options;
    const char *domains[WS2_RESOLV_DOMAINS];
    char lookups[] = "b";
    unsigned i;
    memset(&options, 0, sizeof options);
    options.flags = ARES_FLAG_NOALIASES;
    options.timeout = (int)resolv->timeout_ms;
    options.tries = (int)resolv->tries;
    options.ndots = (int)resolv->ndots;
    options.lookups = lookups;
    for (i = 0; i < resolv->domains; i++) {
        domains[i] = resolv->domain[i];
    }
    options.domains = (char **)(uintptr_t)domains;
    options.ndomains = (int)resolv->domains;
    return ares_init_options(&cares->channel, &options,
                             ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_LOOKUPS |
                                 ARES_OPT_DOMAINS | ARES_OPT_NOROTATE) == ARES_SUCCESS;
}

static bool servers_set(struct ws2_cares *cares, const struct ws2_resolv *resolv)
{
    char list[WS2_RESOLV_SERVERS * 65] = "";
    unsigned i;
    for (i = 0; i < resolv->servers; i++) {
        strcat(strcat(list, i == 0 ? "" : ","), resolv->server[i]);
    }
    return ares_set_servers_ports_csv(cares->channel, list) == ARES_SUCCESS;
}

/**
 * Open a channel for one question.
 *
 * @param user  Handed to the ws2_wire_ functions.
 * @return      To be closed with ws2_cares_close; NULL when memory is short or the servers are not understood.
 */
struct ws2_cares *ws2_cares_open(const struct ws2_resolv *resolv, void *user)
{
    struct ws2_cares *cares = (struct ws2_cares *)calloc(1, sizeof *cares);
    if (cares == NULL) {
        return NULL;
    }
    cares->user = user;
    if (!channel_init(cares, resolv)) {
        free(cares);
        return NULL;
    }
    if (!servers_set(cares, resolv)) {
        ws2_cares_close(cares);
        return NULL;
    }
    ares_set_socket_functions(cares->channel, &socket_functions, cares);
    return cares;
}

/** Close a channel and its sockets. */
void ws2_cares_close(struct ws2_cares *cares)
{
    ares_destroy(cares->channel);
    free(cares);
}

static uint32_t seconds(int ttl)
{
    return ttl < 0 ? 0 : (uint32_t)ttl;
}

static void on_addresses(void *user, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct ws2_cares *cares = (struct ws2_cares *)user;
    const struct ares_addrinfo_node *node;
    const struct ares_addrinfo_cname *cname;
    const char *canonical;
    (void)timeouts;
    cares->status = status_of(status);
    if (status != ARES_SUCCESS || answer == NULL) {
        return;
    }
    canonical = answer->name;
    for (node = answer->nodes; node != NULL; node = node->ai_next) {
        const unsigned char *name = (const unsigned char *)node->ai_addr;
        bool six = node->ai_family == AF_INET6;
        ws2_wire_address(cares->user, six,
                         name +
                             (six ? offsetof(struct sockaddr_in6, sin6_addr) : offsetof(struct sockaddr_in, sin_addr)),
                         seconds(node->ai_ttl));
    }
    for (cname = answer->cnames; cname != NULL; cname = cname->next) {
        if (cname->alias != NULL) {
            ws2_wire_alias(cares->user, cname->alias, seconds(cname->ttl));
        }
        canonical = cname->name != NULL ? cname->name : canonical;
    }
    if (canonical != NULL) {
        ws2_wire_canonical(cares->user, canonical);
    }
    ares_freeaddrinfo(answer);
}

/** Ask for addresses of a name, of one family or of both. */
void ws2_cares_ask_name(struct ws2_cares *cares, const char *name, bool four, bool six)
{
    struct ares_addrinfo_hints hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_flags = ARES_AI_CANONNAME | ARES_AI_NOSORT;
    hints.ai_family = four && six ? AF_UNSPEC : six ? AF_INET6 : AF_INET;
    ares_getaddrinfo(cares->channel, name, NULL, &hints, on_addresses, cares);
}

static void on_name(void *user, int status, int timeouts, struct hostent *host)
{
    struct ws2_cares *cares = (struct ws2_cares *)user;
    char **alias;
    (void)timeouts;
    cares->status = status_of(status);
    if (status != ARES_SUCCESS || host == NULL) {
        return;
    }
    ws2_wire_canonical(cares->user, host->h_name);
    for (alias = host->h_aliases; alias != NULL && *alias != NULL; alias++) {
        ws2_wire_alias(cares->user, *alias, UINT32_MAX);
    }
}

/** Ask for the name of an address. */
void ws2_cares_ask_address(struct ws2_cares *cares, bool six, const uint8_t *addr)
{
    ares_gethostbyaddr(cares->channel, addr, six ? 16 : 4, six ? AF_INET6 : AF_INET, on_name, cares);
}

/** How long to wait for a socket at most, before ws2_cares_process is called again. */
unsigned ws2_cares_wait_ms(struct ws2_cares *cares)
{
    struct timeval room;
    const struct timeval *left = ares_timeout(cares->channel, NULL, &room);
    return left == NULL ? 1000u : (unsigned)(left->tv_sec * 1000 + (left->tv_usec + 999) / 1000);
}

/** Look at every socket and at the time. The sockets do not block, so that none needs to be known to be ready. */
enum ws2_cares_status ws2_cares_process(struct ws2_cares *cares)
{
    ares_socket_t list[ARES_GETSOCK_MAXNUM];
    int wanted = ares_getsock(cares->channel, list, ARES_GETSOCK_MAXNUM);
    int i;
    for (i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        bool readable = ((unsigned)wanted >> i & 1u) != 0;
        bool writable = ((unsigned)wanted >> (i + ARES_GETSOCK_MAXNUM) & 1u) != 0;
        if (readable || writable) {
            ares_process_fd(cares->channel, readable ? list[i] : ARES_SOCKET_BAD, writable ? list[i] : ARES_SOCKET_BAD);
        }
    }
    ares_process_fd(cares->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what timed out */
    return cares->status;
}

/** How the question stands. */
enum ws2_cares_status ws2_cares_status(const struct ws2_cares *cares)
{
    return cares->status;
}

/** Give the question up: its status is WS2_CARES_CANCELLED unless it was answered. */
void ws2_cares_cancel(struct ws2_cares *cares)
{
    ares_cancel(cares->channel);
}
