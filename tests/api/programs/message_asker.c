/*
 * Asks message_receiver, which says what letters and numbers mean, for everything that it can tell.
 *   message_asker OWN PORT TARGET OTHER TARGET6 BROADCAST GROUP
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef IP_ECN
#define IP_ECN 50
#endif
#ifndef IPV6_HOPLIMIT
#define IPV6_HOPLIMIT 21
#endif
#ifndef IPV6_TCLASS
#define IPV6_TCLASS 39
#endif
#ifndef IPV6_ECN
#define IPV6_ECN 50
#endif
#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE 2
#endif
#ifndef SIO_GET_TX_TIMESTAMP
#define SIO_GET_TX_TIMESTAMP _WSAIOW(IOC_VENDOR, 234)
#endif
#ifndef SIO_TIMESTAMPING
#define SIO_TIMESTAMPING _WSAIOW(IOC_VENDOR, 235)
#define SO_TIMESTAMP 0x300A
#define SO_TIMESTAMP_ID 0x300B
#define TIMESTAMPING_FLAG_RX 0x1
#define TIMESTAMPING_FLAG_TX 0x2
typedef struct _TIMESTAMPING_CONFIG {
    ULONG Flags;
    USHORT TxTimestampsBuffered;
} TIMESTAMPING_CONFIG;
#endif
#ifndef WSAID_WSASENDMSG
#define WSAID_WSASENDMSG                                   \
    {                                                      \
        0xa441e712, 0x754f, 0x43ca,                        \
        {                                                  \
            0x84, 0xa7, 0x0d, 0xee, 0x44, 0xcf, 0x60, 0x6d \
        }                                                  \
    }
#endif

#define SMALL 1000 /* room for a datagram while nothing is merged */
#define HEAD 7
#define TRIES 100
#define TRY_MS 100

typedef int(WSAAPI *message_sender)(SOCKET, LPWSAMSG, DWORD, LPDWORD, LPWSAOVERLAPPED,
                                    LPWSAOVERLAPPED_COMPLETION_ROUTINE);

static int failed(const char *what)
{
    printf("message_asker: %s: %d\n", what, WSAGetLastError());
    return 1;
}

static int extension(SOCKET s, GUID id, void *function)
{
    DWORD bytes = 0;

    return WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), function, sizeof(void *), &bytes, NULL,
                    NULL);
}

static int number_set(SOCKET s, int level, int option, DWORD value)
{
    return setsockopt(s, level, option, (const char *)&value, sizeof(value));
}

static UINT64 ticks_now(void)
{
    LARGE_INTEGER now;

    QueryPerformanceCounter(&now);
    return (UINT64)now.QuadPart;
}

struct asker {
    SOCKET four;
    SOCKET six;
    message_sender send;
    u_short port;
    SOCKADDR_STORAGE to; /* of the question at hand */
    int to_size;
    SOCKET socket;
    INT ttl, tos, ecn; /* negative: none is wished */
    UINT32 number;
    char reply[600];
};

static void asker_to(struct asker *a, const char *address)
{
    SOCKADDR_IN *four = (SOCKADDR_IN *)&a->to;
    SOCKADDR_IN6 *six = (SOCKADDR_IN6 *)&a->to;

    ZeroMemory(&a->to, sizeof(a->to));
    if (strchr(address, ':') != NULL) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(a->port);
        InetPtonA(AF_INET6, address, &six->sin6_addr);
        a->to_size = sizeof(*six);
        a->socket = a->six;
    } else {
        four->sin_family = AF_INET;
        four->sin_port = htons(a->port);
        InetPtonA(AF_INET, address, &four->sin_addr);
        a->to_size = sizeof(*four);
        a->socket = a->four;
    }
    a->ttl = a->tos = a->ecn = -1;
}

static void control_add(WSAMSG *message, int level, int type, const void *data, size_t size)
{
    WSACMSGHDR *header = (WSACMSGHDR *)(void *)(message->Control.buf + message->Control.len);

    header->cmsg_len = WSA_CMSG_LEN(size);
    header->cmsg_level = level;
    header->cmsg_type = type;
    memcpy(WSA_CMSG_DATA(header), data, size);
    message->Control.len += (ULONG)WSA_CMSG_SPACE(size);
}

/* Send with the wishes of the asker, a segment size and a stamp's id; 0: without. */
static int asker_send(struct asker *a, const char *data, size_t bytes, DWORD segment, UINT32 stamp)
{
    ULONG_PTR control[32];
    BOOL six = a->socket == a->six;
    WSABUF buffer;
    WSAMSG message;
    DWORD sent = 0;

    ZeroMemory(control, sizeof(control));
    ZeroMemory(&message, sizeof(message));
    buffer.buf = (char *)data;
    buffer.len = (ULONG)bytes;
    message.name = (struct sockaddr *)&a->to;
    message.namelen = a->to_size;
    message.lpBuffers = &buffer;
    message.dwBufferCount = 1;
    message.Control.buf = (char *)control;
    if (a->ttl >= 0) {
        control_add(&message, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_HOPLIMIT : IP_TTL, &a->ttl, sizeof(a->ttl));
    }
    if (a->tos >= 0) {
        control_add(&message, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TCLASS : IP_TOS, &a->tos, sizeof(a->tos));
    }
    if (a->ecn >= 0) {
        control_add(&message, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_ECN : IP_ECN, &a->ecn, sizeof(a->ecn));
    }
    if (segment != 0) {
        control_add(&message, IPPROTO_UDP, UDP_SEND_MSG_SIZE, &segment, sizeof(segment));
    }
    if (stamp != 0) {
        control_add(&message, SOL_SOCKET, SO_TIMESTAMP_ID, &stamp, sizeof(stamp));
    }
    if (a->send(a->socket, &message, 0, &sent, NULL, NULL) != 0 || sent != bytes) {
        return failed("ask");
    }
    return 0;
}

/* The answer to this head, if it comes in time; 0: it did. */
static int asker_answer(struct asker *a, const char *head, SOCKADDR_STORAGE *from)
{
    int size = sizeof(*from);
    int got = recvfrom(a->socket, a->reply, sizeof(a->reply) - 1, 0, (struct sockaddr *)from, &size);

    while (got >= 0) {
        a->reply[got] = 0;
        if (strncmp(a->reply, head, HEAD) == 0) {
            return 0;
        }
        size = sizeof(*from);
        got = recvfrom(a->socket, a->reply, sizeof(a->reply) - 1, 0, (struct sockaddr *)from, &size);
    }
    if (WSAGetLastError() == WSAECONNRESET) { /* nobody is there yet */
        Sleep(TRY_MS);
    }
    return 1;
}

/* Ask until there is an answer, which must come from whom was asked. rest: what follows the head; bytes: its length padded. */
static int ask(struct asker *a, char letter, const char *rest, size_t bytes)
{
    char question[SMALL + 2];
    char head[HEAD + 1];
    SOCKADDR_STORAGE from;
    BOOL any = strstr(rest, "any") != NULL;
    int tries;

    snprintf(head, sizeof(head), "%c%06u", letter, (unsigned)(++a->number % 1000000));
    memset(question, ' ', sizeof(question));
    memcpy(question, head, HEAD);
    memcpy(question + HEAD, rest, strlen(rest));
    if (bytes < HEAD + strlen(rest)) {
        bytes = HEAD + strlen(rest);
    }
    for (tries = 0; tries < TRIES; tries++) {
        if (asker_send(a, question, bytes, 0, 0) != 0) {
            return 1;
        }
        if (asker_answer(a, head, &from) == 0) {
            if (!any && memcmp(&from, &a->to, (size_t)(a->socket == a->six ? 24 : 8)) != 0) {
                printf("message_asker: another address answered: %s\n", a->reply);
                return 1;
            }
            return 0;
        }
    }
    return failed("no answer");
}

static int says(const struct asker *a, const char *what)
{
    char word[128];

    snprintf(word, sizeof(word), "%s ", what);
    if (strstr(a->reply, word) != NULL) {
        return 0;
    }
    printf("message_asker: not \"%s\": %s\n", what, a->reply);
    return 1;
}

static int asker_open(struct asker *a, const char *own, const char *port)
{
    const GUID send_id = WSAID_WSASENDMSG;
    TIMESTAMPING_CONFIG config;
    SOCKADDR_IN four;
    DWORD bytes = 0;

    ZeroMemory(&four, sizeof(four));
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = inet_addr(own);
    ZeroMemory(&config, sizeof(config));
    config.Flags = TIMESTAMPING_FLAG_TX;
    config.TxTimestampsBuffered = 16;
    a->port = (u_short)atoi(port);
    a->four = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    a->six = socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
    if (a->four == INVALID_SOCKET || a->six == INVALID_SOCKET ||
        bind(a->four, (struct sockaddr *)&four, sizeof(four)) != 0 || extension(a->four, send_id, &a->send) != 0 ||
        number_set(a->four, SOL_SOCKET, SO_RCVTIMEO, TRY_MS) != 0 ||
        number_set(a->six, SOL_SOCKET, SO_RCVTIMEO, TRY_MS) != 0 ||
        number_set(a->four, SOL_SOCKET, SO_BROADCAST, 1) != 0 ||
        number_set(a->four, IPPROTO_IP, IP_MULTICAST_IF, four.sin_addr.s_addr) != 0 ||
        WSAIoctl(a->four, SIO_TIMESTAMPING, &config, sizeof(config), NULL, 0, &bytes, NULL, NULL) != 0) {
        return failed("asker");
    }
    return 0;
}

static int ask_unicasts(struct asker *a, const char *const *targets)
{
    char rest[80];
    char to[96];
    int i;

    for (i = 0; i < 3; i++) {
        asker_to(a, targets[i]);
        snprintf(to, sizeof(to), "to=%s", targets[i]);
        snprintf(rest, sizeof(rest), " since=%llu", (unsigned long long)ticks_now());
        if (ask(a, 'T', rest, 0) != 0 || says(a, to) != 0 || says(a, "stamp=good") != 0 || says(a, "fault=none") != 0 ||
            says(a, "if=1") != 0 || says(a, "bcast=0 mcast=0") != 0 || says(a, "trunc=0 ctrunc=0") != 0) {
            return 1;
        }
        a->ttl = 33;
        a->tos = 0x48;
        a->ecn = 1;
        if (ask(a, 'T', "", 0) != 0 || says(a, "ttl=33 tos=73 ecn=1") != 0) {
            return 1;
        }
        a->ttl = a->tos = a->ecn = -1;
        /* The largest that has room, and one byte more. */
        if (ask(a, 'T', "", SMALL) != 0 || says(a, "len=1000 trunc=0") != 0 || ask(a, 'T', "", SMALL + 1) != 0 ||
            says(a, "len=1000 trunc=1") != 0 || says(a, to) != 0) {
            return 1;
        }
    }
    return 0;
}

static int ask_groups(struct asker *a, const char *broadcast, const char *group)
{
    char to[96];

    asker_to(a, broadcast);
    snprintf(to, sizeof(to), "to=%s", broadcast);
    if (ask(a, 'T', " any", 0) != 0 || says(a, "bcast=1 mcast=0") != 0 || says(a, to) != 0) {
        return 1;
    }
    asker_to(a, group);
    snprintf(to, sizeof(to), "to=%s", group);
    return ask(a, 'T', " any", 0) != 0 || says(a, "bcast=0 mcast=1") != 0 || says(a, to) != 0;
}

/* Room for none, for less than a header, for a header alone. */
static int ask_rooms(struct asker *a, const char *target)
{
    static const char *const rooms[] = {" 0", " 16", " 23", " 24"};
    int i;

    asker_to(a, target);
    for (i = 0; i < 4; i++) {
        BOOL one = i == 3; /* a TTL fits into 24 bytes */
        if (ask(a, 'C', rooms[i], 0) != 0 || ask(a, 'T', " any", 0) != 0 || says(a, "ctrunc=1") != 0 ||
            says(a, one ? "control=24 count=1" : "control=0 count=0") != 0 || says(a, "fault=none") != 0) {
            return 1;
        }
    }
    if (ask(a, 'C', " 512 any", 0) != 0 || ask(a, 'T', "", 0) != 0 || says(a, "trunc=0 ctrunc=0") != 0) {
        return 1;
    }
    return 0;
}

/* A burst that arrived whole; some pieces may be lost, then another one is tried. */
static int ask_burst(struct asker *a, size_t bytes, DWORD segment, BOOL by_option)
{
    char burst[8000];
    char wanted[40];
    char rest[40];
    int tries;

    memset(burst, 'B', sizeof(burst));
    snprintf(wanted, sizeof(wanted), " sum=%u ", (unsigned)bytes);
    snprintf(rest, sizeof(rest), " 60000 %u", (unsigned)segment);
    for (tries = 0; tries < TRIES; tries++) {
        if (ask(a, 'U', rest, 0) != 0) {
            return 1;
        }
        if (by_option && number_set(a->socket, IPPROTO_UDP, UDP_SEND_MSG_SIZE, segment) != 0) {
            return failed("UDP_SEND_MSG_SIZE");
        }
        if (asker_send(a, burst, bytes, by_option ? 0 : segment, 0) != 0 ||
            number_set(a->socket, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 0) != 0 || ask(a, 'S', "", 0) != 0) {
            return 1;
        }
        if (strstr(a->reply, wanted) != NULL) {
            return strstr(a->reply, " untold=0") != NULL ? 0 : failed("taken together, and not told");
        }
    }
    printf("message_asker: no burst arrived whole: %s\n", a->reply);
    return 1;
}

static int ask_bursts(struct asker *a, const char *const *targets)
{
    int i;

    for (i = 0; i < 3; i += 2) {
        asker_to(a, targets[i]);
        if (ask_burst(a, 7250, 1000, TRUE) != 0 || ask_burst(a, 4000, 800, FALSE) != 0 || ask(a, 'U', " 0 0", 0) != 0) {
            return 1;
        }
    }
    return 0;
}

/* The time that a datagram left, by its id. */
static int ask_left(struct asker *a, const char *target)
{
    UINT64 before = ticks_now();
    UINT64 stamp = 0;
    UINT32 id = 4711;
    DWORD bytes = 0;
    int tries;

    asker_to(a, target);
    if (asker_send(a, "T000000", HEAD, 0, id) != 0) {
        return 1;
    }
    for (tries = 0; tries < TRIES; tries++) {
        if (WSAIoctl(a->socket, SIO_GET_TX_TIMESTAMP, &id, sizeof(id), &stamp, sizeof(stamp), &bytes, NULL, NULL) ==
            0) {
            if (stamp < before || stamp > ticks_now()) {
                printf("message_asker: it left at another time\n");
                return 1;
            }
            return 0;
        }
        if (WSAGetLastError() != WSAEWOULDBLOCK) {
            return failed("SIO_GET_TX_TIMESTAMP");
        }
        Sleep(10);
    }
    return failed("no time of leaving");
}

/* Malformed control data is refused, and nothing is sent. */
static int send_malformed(struct asker *a, const char *target)
{
    static const SIZE_T lengths[] = {0, 8, 1000};
    ULONG_PTR control[4];
    WSABUF buffer;
    WSAMSG message;
    DWORD sent = 0;
    int i;

    asker_to(a, target);
    for (i = 0; i < 3; i++) {
        ZeroMemory(control, sizeof(control));
        ZeroMemory(&message, sizeof(message));
        buffer.buf = (char *)"Q000000";
        buffer.len = HEAD;
        message.name = (struct sockaddr *)&a->to;
        message.namelen = a->to_size;
        message.lpBuffers = &buffer;
        message.dwBufferCount = 1;
        message.Control.buf = (char *)control;
        message.Control.len = (ULONG)WSA_CMSG_SPACE(sizeof(INT));
        ((WSACMSGHDR *)(void *)control)->cmsg_len = lengths[i];
        ((WSACMSGHDR *)(void *)control)->cmsg_level = IPPROTO_IP;
        ((WSACMSGHDR *)(void *)control)->cmsg_type = IP_TTL;
        if (a->send(a->socket, &message, 0, &sent, NULL, NULL) == 0 || WSAGetLastError() != WSAEINVAL) {
            return failed("malformed control data was taken");
        }
    }
    return 0;
}

static int ask_extended(struct asker *a, const char *target)
{
    asker_to(a, target);
    if (ask(a, 'X', " any", 0) != 0 || ask(a, 'T', " any", 100) != 0 || strstr(a->reply, " ex=8 partial=1") == NULL ||
        ask(a, 'T', "", 8) != 0 || strstr(a->reply, " ex=8 partial=0") == NULL) {
        return failed("WSARecvEx");
    }
    return ask(a, 'N', "", 0);
}

static int ask_all(char **words)
{
    const char *targets[3];
    struct asker a;
    int bad;
    int i;

    ZeroMemory(&a, sizeof(a));
    targets[0] = words[2];
    targets[1] = words[3];
    targets[2] = words[4];
    if (asker_open(&a, words[0], words[1]) != 0) {
        return 1;
    }
    bad = ask_unicasts(&a, targets) != 0 || ask_groups(&a, words[5], words[6]) != 0 || ask_rooms(&a, targets[0]) != 0 ||
          ask_bursts(&a, targets) != 0 || ask_left(&a, targets[0]) != 0 || send_malformed(&a, targets[0]) != 0 ||
          ask_extended(&a, targets[0]) != 0;
    asker_to(&a, targets[0]);
    for (i = 0; i < 20; i++) { /* one of them arrives */
        asker_send(&a, "Q000000", HEAD, 0, 0);
    }
    closesocket(a.four);
    closesocket(a.six);
    return bad;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 8) {
        printf("usage: %s OWN PORT TARGET OTHER TARGET6 BROADCAST GROUP\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = ask_all(argv + 1);
    WSACleanup();
    return bad;
}
