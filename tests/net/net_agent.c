/*
 * A Winsock program that does what it is told: one command a line on stdin, one answer a line on stdout, "ok ..." or
 * "err CODE". The tests of this folder speak to it; it knows nothing of namespaces, and nothing in it is Linux' own.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <mstcpip.h>
#include <mswsock.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8
#define SOCKETS_MAX 32
#define BLOCK_BYTES 65536
#define DGRAM_BYTES 65536

struct named {
    char name[16];
    SOCKET s;
    int family;
};

static struct named table[SOCKETS_MAX];
static char block[BLOCK_BYTES];
static char dgram[DGRAM_BYTES];

struct command {
    char *words[WORDS_MAX];
    int count;
    struct named *at; /* the socket that the second word names */
};

static void answer_error(int code)
{
    printf("err %d\n", code);
}

static void answer(int result)
{
    if (result == SOCKET_ERROR)
        answer_error(WSAGetLastError());
    else
        printf("ok %d\n", result);
}

static struct named *find(const char *name)
{
    for (int i = 0; i < SOCKETS_MAX; i++)
        if (table[i].name[0] != 0 && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static void keep(const char *name, SOCKET s, int family)
{
    for (int i = 0; i < SOCKETS_MAX; i++) {
        if (table[i].name[0] != 0)
            continue;
        snprintf(table[i].name, sizeof table[i].name, "%s", name);
        table[i].s = s;
        table[i].family = family;
        printf("ok\n");
        return;
    }
    closesocket(s);
    answer_error(WSAEMFILE);
}

/* ADDRESS or ADDRESS%INDEX; an IPv4 address for an IPv6 socket is mapped by the caller. 0: not an address. */
static int address(char *text, const char *port, SOCKADDR_STORAGE *out)
{
    SOCKADDR_IN v4 = {.sin_family = AF_INET, .sin_port = htons((u_short)atoi(port))};
    SOCKADDR_IN6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((u_short)atoi(port))};
    char *scope = strchr(text, '%');

    memset(out, 0, sizeof *out);
    if (scope != NULL) {
        *scope++ = 0;
        v6.sin6_scope_id = (ULONG)atoi(scope);
    }
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof v4);
        return (int)sizeof v4;
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, sizeof v6);
        return (int)sizeof v6;
    }
    return 0;
}

/* "ADDRESS PORT SCOPE" */
static void address_print(const SOCKADDR_STORAGE *addr)
{
    char text[INET6_ADDRSTRLEN] = "?";
    SOCKADDR_IN v4;
    SOCKADDR_IN6 v6;

    if (addr->ss_family == AF_INET) {
        memcpy(&v4, addr, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        printf(" %s %d 0", text, ntohs(v4.sin_port));
    } else {
        memcpy(&v6, addr, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        printf(" %s %d %lu", text, ntohs(v6.sin6_port), (unsigned long)v6.sin6_scope_id);
    }
}

/* --- Sockets -------------------------------------------------------------- */

/* sock NAME 4|6 tcp|udp */
static void do_sock(struct command *c)
{
    int family = c->words[2][0] == '6' ? AF_INET6 : AF_INET;
    bool stream = strcmp(c->words[3], "tcp") == 0;
    SOCKET s = socket(family, stream ? SOCK_STREAM : SOCK_DGRAM, stream ? IPPROTO_TCP : IPPROTO_UDP);

    if (s == INVALID_SOCKET)
        answer_error(WSAGetLastError());
    else
        keep(c->words[1], s, family);
}

/* bind|connect NAME ADDRESS PORT */
static void do_address(struct command *c)
{
    SOCKADDR_STORAGE addr;
    int len = address(c->words[2], c->words[3], &addr);

    if (strcmp(c->words[0], "bind") == 0)
        answer(bind(c->at->s, (const struct sockaddr *)&addr, len));
    else
        answer(connect(c->at->s, (const struct sockaddr *)&addr, len));
}

/* listen NAME */
static void do_listen(struct command *c)
{
    answer(listen(c->at->s, 16));
}

/* accept NAME NEW */
static void do_accept(struct command *c)
{
    SOCKET s = accept(c->at->s, NULL, NULL);

    if (s == INVALID_SOCKET)
        answer_error(WSAGetLastError());
    else
        keep(c->words[2], s, c->at->family);
}

/* name|peer NAME */
static void do_name(struct command *c)
{
    SOCKADDR_STORAGE addr;
    int len = (int)sizeof addr;
    int result = strcmp(c->words[0], "name") == 0 ? getsockname(c->at->s, (struct sockaddr *)&addr, &len)
                                                  : getpeername(c->at->s, (struct sockaddr *)&addr, &len);

    if (result == SOCKET_ERROR) {
        answer_error(WSAGetLastError());
        return;
    }
    printf("ok");
    address_print(&addr);
    printf("\n");
}

/* shutdown NAME HOW */
static void do_shutdown(struct command *c)
{
    answer(shutdown(c->at->s, atoi(c->words[2])));
}

/* close NAME */
static void do_close(struct command *c)
{
    answer(closesocket(c->at->s));
    c->at->name[0] = 0;
}

/* --- Data ------------------------------------------------------------------ */

/* send|sendoob NAME TEXT: one send. */
static void do_send(struct command *c)
{
    int flags = strcmp(c->words[0], "sendoob") == 0 ? MSG_OOB : 0;

    answer(send(c->at->s, c->words[2], (int)strlen(c->words[2]), flags));
}

/* recv|recvoob NAME: one recv, "ok COUNT TEXT". */
static void do_recv(struct command *c)
{
    int got = recv(c->at->s, block, BLOCK_BYTES, strcmp(c->words[0], "recvoob") == 0 ? MSG_OOB : 0);

    if (got == SOCKET_ERROR)
        answer_error(WSAGetLastError());
    else
        printf("ok %d %.*s\n", got, got, block);
}

/* ready NAME r|w|x MS: select, "ok 0" or "ok 1" */
static void do_ready(struct command *c)
{
    int ms = atoi(c->words[3]);
    struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    fd_set set = {.fd_count = 1, .fd_array = {c->at->s}};
    char kind = c->words[2][0];

    answer(select(0, kind == 'r' ? &set : NULL, kind == 'w' ? &set : NULL, kind == 'x' ? &set : NULL, &time));
}

static int CALLBACK condition(LPWSABUF caller, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos, LPWSABUF callee,
                              LPWSABUF callee_data, GROUP *g, DWORD_PTR verdict)
{
    (void)caller, (void)caller_data, (void)sqos, (void)gqos, (void)callee, (void)callee_data, (void)g;
    return (int)verdict;
}

/* acceptif NAME NEW VERDICT: WSAAccept with a condition function that says CF_... */
static void do_accept_if(struct command *c)
{
    SOCKET s = WSAAccept(c->at->s, NULL, NULL, condition, (DWORD_PTR)atoi(c->words[3]));

    if (s == INVALID_SOCKET)
        answer_error(WSAGetLastError());
    else
        keep(c->words[2], s, c->at->family);
}

/* sendfile NAME PATH: all of it, "ok BYTES". */
static void do_sendfile(struct command *c)
{
    FILE *file = fopen(c->words[2], "rb");
    long long total = 0;
    size_t got;

    if (file == NULL) {
        answer_error(-1);
        return;
    }
    while ((got = fread(block, 1, BLOCK_BYTES, file)) > 0) {
        for (size_t done = 0; done < got;) {
            int sent = send(c->at->s, block + done, (int)(got - done), 0);
            if (sent == SOCKET_ERROR) {
                fclose(file);
                answer_error(WSAGetLastError());
                return;
            }
            done += (size_t)sent;
        }
        total += (long long)got;
    }
    fclose(file);
    printf("ok %lld\n", total);
}

/* recvfile NAME PATH: to the end of the stream, "ok BYTES". */
static void do_recvfile(struct command *c)
{
    FILE *file = fopen(c->words[2], "wb");
    long long total = 0;
    int got;

    if (file == NULL) {
        answer_error(-1);
        return;
    }
    while ((got = recv(c->at->s, block, BLOCK_BYTES, 0)) > 0) {
        fwrite(block, 1, (size_t)got, file);
        total += got;
    }
    if (fclose(file) != 0 || got == SOCKET_ERROR)
        answer_error(got == SOCKET_ERROR ? WSAGetLastError() : -1);
    else
        printf("ok %lld\n", total);
}

/* sendto NAME ADDRESS PORT TEXT|@FILE */
static void do_sendto(struct command *c)
{
    SOCKADDR_STORAGE addr;
    int len = address(c->words[2], c->words[3], &addr);
    const char *data = c->words[4];
    size_t size = strlen(data);

    if (data[0] == '@') {
        FILE *file = fopen(data + 1, "rb");
        if (file == NULL) {
            answer_error(-1);
            return;
        }
        size = fread(dgram, 1, sizeof dgram, file);
        fclose(file);
        data = dgram;
    }
    answer(sendto(c->at->s, data, (int)size, 0, (const struct sockaddr *)&addr, len));
}

/* recvfrom NAME [FILE]: "ok COUNT ADDRESS PORT SCOPE [TEXT]" */
static void do_recvfrom(struct command *c)
{
    SOCKADDR_STORAGE addr;
    int len = (int)sizeof addr;
    int got = recvfrom(c->at->s, dgram, DGRAM_BYTES, 0, (struct sockaddr *)&addr, &len);

    if (got == SOCKET_ERROR) {
        answer_error(WSAGetLastError());
        return;
    }
    printf("ok %d", got);
    address_print(&addr);
    if (c->count > 2) {
        FILE *file = fopen(c->words[2], "wb");
        if (file != NULL) {
            fwrite(dgram, 1, (size_t)got, file);
            fclose(file);
        }
        printf("\n");
    } else {
        printf(" %.*s\n", got, dgram);
    }
}

/* --- Options ---------------------------------------------------------------- */

/* set NAME LEVEL OPTION VALUE, as numbers */
static void do_set(struct command *c)
{
    int value = atoi(c->words[4]);

    answer(setsockopt(c->at->s, atoi(c->words[2]), atoi(c->words[3]), (const char *)&value, (int)sizeof value));
}

/* get NAME LEVEL OPTION */
static void do_get(struct command *c)
{
    int value = 0;
    int len = (int)sizeof value;

    if (getsockopt(c->at->s, atoi(c->words[2]), atoi(c->words[3]), (char *)&value, &len) == SOCKET_ERROR)
        answer_error(WSAGetLastError());
    else
        printf("ok %d\n", value);
}

/* linger NAME SECONDS */
static void do_linger(struct command *c)
{
    struct linger linger = {.l_onoff = 1, .l_linger = (u_short)atoi(c->words[2])};

    answer(setsockopt(c->at->s, SOL_SOCKET, SO_LINGER, (const char *)&linger, (int)sizeof linger));
}

/* keepalive NAME TIME_MS INTERVAL_MS */
static void do_keepalive(struct command *c)
{
    struct tcp_keepalive values = {
        .onoff = 1, .keepalivetime = (ULONG)atoi(c->words[2]), .keepaliveinterval = (ULONG)atoi(c->words[3])};
    DWORD bytes = 0;

    answer(WSAIoctl(c->at->s, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0, &bytes, NULL, NULL));
}

/* join4|leave4 NAME GROUP INTERFACE_ADDRESS (0.0.0.N: an index) */
static void do_member4(struct command *c)
{
    IP_MREQ mreq;
    int option = c->words[0][0] == 'j' ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;

    inet_pton(AF_INET, c->words[2], &mreq.imr_multiaddr);
    inet_pton(AF_INET, c->words[3], &mreq.imr_interface);
    answer(setsockopt(c->at->s, IPPROTO_IP, option, (const char *)&mreq, (int)sizeof mreq));
}

/* join6|leave6 NAME GROUP INDEX */
static void do_member6(struct command *c)
{
    IPV6_MREQ mreq = {.ipv6mr_interface = (ULONG)atoi(c->words[3])};
    int option = c->words[0][0] == 'j' ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP;

    inet_pton(AF_INET6, c->words[2], &mreq.ipv6mr_multiaddr);
    answer(setsockopt(c->at->s, IPPROTO_IPV6, option, (const char *)&mreq, (int)sizeof mreq));
}

/* source NAME OPTION GROUP SOURCE INDEX: MCAST_JOIN_SOURCE_GROUP ... of either family */
static void do_source(struct command *c)
{
    GROUP_SOURCE_REQ req = {.gsr_interface = (ULONG)atoi(c->words[5])};
    bool v6 = strchr(c->words[3], ':') != NULL;
    SOCKADDR_STORAGE *addrs[] = {&req.gsr_group, &req.gsr_source};

    for (int i = 0; i < 2; i++) {
        addrs[i]->ss_family = v6 ? AF_INET6 : AF_INET;
        inet_pton(v6 ? AF_INET6 : AF_INET, c->words[3 + i],
                  v6 ? (void *)&((SOCKADDR_IN6 *)addrs[i])->sin6_addr : (void *)&((SOCKADDR_IN *)addrs[i])->sin_addr);
    }
    answer(
        setsockopt(c->at->s, v6 ? IPPROTO_IPV6 : IPPROTO_IP, atoi(c->words[2]), (const char *)&req, (int)sizeof req));
}

/* leaf NAME FLAGS GROUP PORT: a multipoint socket that joins by WSAJoinLeaf with JL_* flags */
static void do_leaf(struct command *c)
{
    SOCKADDR_IN group = {.sin_family = AF_INET, .sin_port = htons((u_short)atoi(c->words[4]))};
    DWORD flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
    SOCKET s = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, flags);

    inet_pton(AF_INET, c->words[3], &group.sin_addr);
    closesocket(c->at->s);
    c->at->s = s;
    answer(WSAJoinLeaf(s, (struct sockaddr *)&group, (int)sizeof group, NULL, NULL, NULL, NULL,
                       (DWORD)atoi(c->words[2])) == s
               ? 0
               : SOCKET_ERROR);
}

/* joing|leaveg NAME GROUP INDEX: of either family */
static void do_group(struct command *c)
{
    GROUP_REQ req = {.gr_interface = (ULONG)atoi(c->words[3])};
    int option = c->words[0][0] == 'j' ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
    SOCKADDR_STORAGE addr;

    (void)address(c->words[2], "0", &addr);
    memcpy(&req.gr_group, &addr, sizeof addr);
    answer(setsockopt(c->at->s, c->at->family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, option, (const char *)&req,
                      (int)sizeof req));
}

/* mcastif NAME INTERFACE_ADDRESS */
static void do_mcast_if(struct command *c)
{
    IN_ADDR at;

    inet_pton(AF_INET, c->words[2], &at);
    answer(setsockopt(c->at->s, IPPROTO_IP, IP_MULTICAST_IF, (const char *)&at, (int)sizeof at));
}

/* --- Interfaces -------------------------------------------------------------- */

/* addrs NAME: the addresses of the socket's family, "ok A PORT SCOPE A PORT SCOPE ..." */
static void do_addrs(struct command *c)
{
    static union {
        SOCKET_ADDRESS_LIST list;
        char bytes[4096];
    } out;
    DWORD bytes = 0;

    if (WSAIoctl(c->at->s, SIO_ADDRESS_LIST_QUERY, NULL, 0, &out, sizeof out, &bytes, NULL, NULL) == SOCKET_ERROR) {
        answer_error(WSAGetLastError());
        return;
    }
    printf("ok");
    for (INT i = 0; i < out.list.iAddressCount; i++) {
        SOCKADDR_STORAGE addr;
        memcpy(&addr, out.list.Address[i].lpSockaddr, (size_t)out.list.Address[i].iSockaddrLength);
        address_print(&addr);
    }
    printf("\n");
}

/* ifs NAME: SIO_GET_INTERFACE_LIST, "ok A/MASK/FLAGS ..." */
static void do_ifs(struct command *c)
{
    static INTERFACE_INFO infos[32];
    DWORD bytes = 0;

    if (WSAIoctl(c->at->s, SIO_GET_INTERFACE_LIST, NULL, 0, infos, sizeof infos, &bytes, NULL, NULL) == SOCKET_ERROR) {
        answer_error(WSAGetLastError());
        return;
    }
    printf("ok");
    for (DWORD i = 0; i < bytes / sizeof infos[0]; i++) {
        char ip[INET_ADDRSTRLEN] = "";
        char mask[INET_ADDRSTRLEN] = "";
        inet_ntop(AF_INET, &infos[i].iiAddress.AddressIn.sin_addr, ip, sizeof ip);
        inet_ntop(AF_INET, &infos[i].iiNetmask.AddressIn.sin_addr, mask, sizeof mask);
        printf(" %s/%s/%lu", ip, mask, (unsigned long)infos[i].iiFlags);
    }
    printf("\n");
}

/* route NAME ADDRESS: the local address that would be used, "ok A PORT SCOPE" */
static void do_route(struct command *c)
{
    SOCKADDR_STORAGE to;
    SOCKADDR_STORAGE from;
    DWORD bytes = 0;
    int len = address(c->words[2], "9", &to);

    if (WSAIoctl(c->at->s, SIO_ROUTING_INTERFACE_QUERY, &to, (DWORD)len, &from, sizeof from, &bytes, NULL, NULL) ==
        SOCKET_ERROR) {
        answer_error(WSAGetLastError());
        return;
    }
    printf("ok");
    address_print(&from);
    printf("\n");
}

/* resolve NAME: "ok A ..." in getaddrinfo's order, both families. */
static void do_resolve(struct command *c)
{
    ADDRINFOA hints = {.ai_socktype = SOCK_STREAM};
    ADDRINFOA *found = NULL;
    int code = getaddrinfo(c->words[1], NULL, &hints, &found);

    if (code != 0) {
        answer_error(code);
        return;
    }
    printf("ok");
    for (const ADDRINFOA *at = found; at != NULL; at = at->ai_next) {
        char text[80];
        getnameinfo(at->ai_addr, (int)at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
        printf(" %s", text);
    }
    printf("\n");
    freeaddrinfo(found);
}

/* reverse A: "ok NAME" */
static void do_reverse(struct command *c)
{
    SOCKADDR_IN sin = {.sin_family = AF_INET};
    char name[256];
    int code;

    inet_pton(AF_INET, c->words[1], &sin.sin_addr);
    code = getnameinfo((struct sockaddr *)&sin, sizeof sin, name, sizeof name, NULL, 0, NI_NAMEREQD);
    if (code != 0)
        answer_error(code);
    else
        printf("ok %s\n", name);
}

struct verb {
    const char *name;
    int words;
    bool named; /* the second word is a socket that exists */
    void (*run)(struct command *c);
};

static const struct verb verbs[] = {
    {"resolve", 2, false, do_resolve},
    {"reverse", 2, false, do_reverse},
    {"sock", 4, false, do_sock},
    {"bind", 4, true, do_address},
    {"connect", 4, true, do_address},
    {"listen", 2, true, do_listen},
    {"accept", 3, true, do_accept},
    {"name", 2, true, do_name},
    {"peer", 2, true, do_name},
    {"shutdown", 3, true, do_shutdown},
    {"close", 2, true, do_close},
    {"send", 3, true, do_send},
    {"recv", 2, true, do_recv},
    {"sendoob", 3, true, do_send},
    {"recvoob", 2, true, do_recv},
    {"ready", 4, true, do_ready},
    {"acceptif", 4, true, do_accept_if},
    {"sendfile", 3, true, do_sendfile},
    {"recvfile", 3, true, do_recvfile},
    {"sendto", 5, true, do_sendto},
    {"recvfrom", 2, true, do_recvfrom},
    {"set", 5, true, do_set},
    {"get", 4, true, do_get},
    {"linger", 3, true, do_linger},
    {"keepalive", 4, true, do_keepalive},
    {"join4", 4, true, do_member4},
    {"leave4", 4, true, do_member4},
    {"join6", 4, true, do_member6},
    {"leave6", 4, true, do_member6},
    {"joing", 4, true, do_group},
    {"source", 6, true, do_source},
    {"leaf", 5, true, do_leaf},
    {"leaveg", 4, true, do_group},
    {"mcastif", 3, true, do_mcast_if},
    {"addrs", 2, true, do_addrs},
    {"ifs", 2, true, do_ifs},
    {"route", 3, true, do_route},
};

static void run(struct command *c)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, c->words[0]) != 0 || c->count < verbs[i].words)
            continue;
        c->at = verbs[i].named ? find(c->words[1]) : NULL;
        if (verbs[i].named && c->at == NULL)
            break;
        verbs[i].run(c);
        return;
    }
    printf("bad command\n");
}

int main(void)
{
    static char line[4096];
    WSADATA data;
    int err = WSAStartup(MAKEWORD(2, 2), &data);

    if (err != 0) {
        answer_error(err);
        return 1;
    }
    printf("ok ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct command c = {.count = 0};
        char *at = line;
        while (c.count < WORDS_MAX) {
            at += strspn(at, " \n");
            if (*at == 0)
                break;
            c.words[c.count++] = at;
            at += strcspn(at, " \n");
            if (*at != 0)
                *at++ = 0;
        }
        if (c.count == 0 || strcmp(c.words[0], "quit") == 0)
            break;
        run(&c);
        fflush(stdout);
    }
    return WSACleanup() == 0 ? 0 : 1;
}
