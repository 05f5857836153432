/*
 * A receiver of datagrams that reports what came with each, to whoever sent it.
 *   message_receiver PORT MODE [INTERFACE GROUP]       MODE: blocking, event, port
 *
 * It has one socket for both families, on the wildcard address. A datagram begins with a letter and a number of six digits,
 * by which it is known again when it is repeated, as some are lost on the way, both ways.
 *   T  tell       the answer has everything that was told of the datagram
 *   C  control    " BYTES": so much room for control messages from now on
 *   X  WSARecvEx with eight bytes from now on; N: WSARecvMsg again
 *   U  merge      " BYTES SIZE": UDP_RECV_MAX_COALESCED_SIZE, the size of what comes in bursts; the sum begins anew
 *   B  burst      no answer; its bytes are summed
 *   S  sum        the answer has the sum
 *   Q  quit
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef IP_RECVTTL
#define IP_RECVTTL 21
#endif
#ifndef IP_RECVTOS
#define IP_RECVTOS 40
#endif
#ifndef IP_ECN
#define IP_ECN 50
#endif
#ifndef IPV6_HOPLIMIT
#define IPV6_HOPLIMIT 21
#endif
#ifndef IPV6_TCLASS
#define IPV6_TCLASS 39
#endif
#ifndef IPV6_RECVTCLASS
#define IPV6_RECVTCLASS 40
#endif
#ifndef IPV6_ECN
#define IPV6_ECN 50
#endif
#ifndef UDP_RECV_MAX_COALESCED_SIZE
#define UDP_RECV_MAX_COALESCED_SIZE 3
#endif
#ifndef UDP_COALESCED_INFO
#define UDP_COALESCED_INFO 3
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
#define LARGE 65536
#define HEAD 7

typedef int(WSAAPI *message_sender)(SOCKET, LPWSAMSG, DWORD, LPDWORD, LPWSAOVERLAPPED,
                                    LPWSAOVERLAPPED_COMPLETION_ROUTINE);

static int failed(const char *what)
{
    printf("message_receiver: %s: %d\n", what, WSAGetLastError());
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

struct receiver {
    SOCKET socket;
    LPFN_WSARECVMSG receive;
    message_sender send;
    const char *mode;
    HANDLE port;
    WSAEVENT event;
    WSAMSG message;
    WSABUF buffer;
    SOCKADDR_STORAGE from;
    ULONG room;
    DWORD merge;
    int segment; /* of the bursts */
    BOOL extended;
    BOOL quitting;
    unsigned long sum;
    unsigned long merges;
    unsigned long untold;
    ULONG_PTR control[64];
    char data[LARGE];
};

/* What came with a datagram. */
struct facts {
    char to[64];
    DWORD if_index;
    INT ttl, tos, ecn;
    DWORD merged;
    UINT64 stamp;
    BOOL stamped;
    int count;
    const char *fault;
    IN_PKTINFO source4;
    IN6_PKTINFO source6;
    BOOL has4, has6;
};

static int receiver_options(SOCKET s)
{
    static const int four[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_ECN};
    static const int six[] = {IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_RECVTCLASS, IPV6_ECN};
    TIMESTAMPING_CONFIG config;
    DWORD bytes = 0;
    int i;

    if (number_set(s, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0 || number_set(s, SOL_SOCKET, SO_RCVBUF, 1 << 20) != 0) {
        return failed("options");
    }
    for (i = 0; i < 4; i++) {
        if (number_set(s, IPPROTO_IP, four[i], 1) != 0 || number_set(s, IPPROTO_IPV6, six[i], 1) != 0) {
            return failed("options of messages");
        }
    }
    ZeroMemory(&config, sizeof(config));
    config.Flags = TIMESTAMPING_FLAG_RX;
    if (WSAIoctl(s, SIO_TIMESTAMPING, &config, sizeof(config), NULL, 0, &bytes, NULL, NULL) != 0) {
        return failed("SIO_TIMESTAMPING");
    }
    return 0;
}

static int receiver_open(struct receiver *r, const char *port, const char *own, const char *group)
{
    const GUID receive_id = WSAID_WSARECVMSG;
    const GUID send_id = WSAID_WSASENDMSG;
    SOCKADDR_IN6 any;
    IP_MREQ request;

    r->socket = WSASocketW(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_OVERLAPPED);
    ZeroMemory(&any, sizeof(any));
    any.sin6_family = AF_INET6;
    any.sin6_port = htons((u_short)atoi(port));
    if (r->socket == INVALID_SOCKET || receiver_options(r->socket) != 0 ||
        bind(r->socket, (struct sockaddr *)&any, sizeof(any)) != 0 ||
        extension(r->socket, receive_id, &r->receive) != 0 || extension(r->socket, send_id, &r->send) != 0) {
        return failed("socket");
    }
    if (group != NULL) {
        request.imr_multiaddr.s_addr = inet_addr(group);
        request.imr_interface.s_addr = inet_addr(own);
        if (setsockopt(r->socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, (const char *)&request, sizeof(request)) != 0) {
            return failed("group");
        }
    }
    if (strcmp(r->mode, "port") == 0) {
        r->port = CreateIoCompletionPort((HANDLE)r->socket, NULL, 7, 0);
        return r->port == NULL ? failed("port") : 0;
    }
    r->event = WSACreateEvent();
    return 0;
}

/* The result of an overlapped receive: its code, 0 for success. */
static int receiver_wait(struct receiver *r, WSAOVERLAPPED *overlapped, DWORD *got)
{
    OVERLAPPED *done = NULL;
    ULONG_PTR key = 0;
    DWORD flags = 0;

    if (r->port != NULL) {
        if (!GetQueuedCompletionStatus(r->port, got, &key, &done, 30000) && done == NULL) {
            return WSAETIMEDOUT;
        }
        if (done != (OVERLAPPED *)overlapped || key != 7) {
            return WSASYSCALLFAILURE;
        }
    } else if (WSAWaitForMultipleEvents(1, &r->event, TRUE, 30000, FALSE) != WSA_WAIT_EVENT_0) {
        return WSAETIMEDOUT;
    }
    return WSAGetOverlappedResult(r->socket, overlapped, got, FALSE, &flags) ? 0 : WSAGetLastError();
}

/* One datagram by WSARecvMsg: its bytes; negative: a code. */
static int receiver_take(struct receiver *r)
{
    WSAOVERLAPPED overlapped;
    DWORD got = 0;
    int code = 0;

    r->buffer.buf = r->data;
    r->buffer.len = r->merge != 0 ? LARGE : SMALL;
    ZeroMemory(&r->message, sizeof(r->message));
    r->message.name = (struct sockaddr *)&r->from;
    r->message.namelen = sizeof(r->from);
    r->message.lpBuffers = &r->buffer;
    r->message.dwBufferCount = 1;
    r->message.Control.buf = (char *)r->control;
    r->message.Control.len = r->room;
    if (strcmp(r->mode, "blocking") == 0) {
        if (r->receive(r->socket, &r->message, &got, NULL, NULL) != 0) {
            code = WSAGetLastError();
        }
    } else {
        ZeroMemory(&overlapped, sizeof(overlapped));
        overlapped.hEvent = r->event;
        if (r->event != NULL) {
            WSAResetEvent(r->event);
        }
        if (r->receive(r->socket, &r->message, NULL, &overlapped, NULL) != 0 && WSAGetLastError() != WSA_IO_PENDING) {
            code = WSAGetLastError(); /* nothing comes to a port either */
            got = (DWORD)overlapped.InternalHigh;
        } else {
            code = receiver_wait(r, &overlapped, &got);
        }
    }
    if (code == WSAEMSGSIZE && (r->message.dwFlags & MSG_TRUNC) != 0) {
        return SMALL;
    }
    if (code == WSAEMSGSIZE && (r->message.dwFlags & MSG_CTRUNC) != 0) {
        return (int)got; /* the data is whole, what came with it is not */
    }
    return code == 0 ? (int)got : -code;
}

static void fact_take(struct facts *facts, const WSACMSGHDR *header, const unsigned char *data, size_t size)
{
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO && size == sizeof(facts->source4)) {
        memcpy(&facts->source4, data, size);
        facts->has4 = TRUE;
        facts->if_index = facts->source4.ipi_ifindex;
        InetNtopA(AF_INET, &facts->source4.ipi_addr, facts->to, sizeof(facts->to));
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO &&
               size == sizeof(facts->source6)) {
        memcpy(&facts->source6, data, size);
        facts->has6 = TRUE;
        if (!facts->has4) {
            facts->if_index = facts->source6.ipi6_ifindex;
            InetNtopA(AF_INET6, &facts->source6.ipi6_addr, facts->to, sizeof(facts->to));
        }
    } else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SO_TIMESTAMP && size == sizeof(facts->stamp)) {
        memcpy(&facts->stamp, data, size);
        facts->stamped = TRUE;
    } else if (size != sizeof(INT)) {
        facts->fault = "size";
    } else if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_COALESCED_INFO) {
        memcpy(&facts->merged, data, size);
    } else if (header->cmsg_type == IP_TTL || header->cmsg_type == IPV6_HOPLIMIT) {
        memcpy(&facts->ttl, data, size);
    } else if (header->cmsg_type == IP_TOS || header->cmsg_type == IPV6_TCLASS) {
        memcpy(&facts->tos, data, size);
    } else if (header->cmsg_type == IP_ECN) {
        memcpy(&facts->ecn, data, size);
    } else {
        facts->fault = "unknown";
    }
}

/* Walk with the header's macros: inside Control.len, each kind once. */
static void facts_take(struct receiver *r, struct facts *facts)
{
    int seen[32][2];
    const char *end = r->message.Control.buf + r->message.Control.len;
    WSACMSGHDR *header;
    int i;

    ZeroMemory(facts, sizeof(*facts));
    facts->ttl = facts->tos = facts->ecn = -1;
    strcpy(facts->to, "-");
    for (header = WSA_CMSG_FIRSTHDR(&r->message); header != NULL; header = WSA_CMSG_NXTHDR(&r->message, header)) {
        if ((char *)header + header->cmsg_len > end || facts->count == 32) {
            facts->fault = "outside";
            return;
        }
        for (i = 0; i < facts->count; i++) {
            if (seen[i][0] == header->cmsg_level && seen[i][1] == header->cmsg_type) {
                facts->fault = "twice";
            }
        }
        seen[facts->count][0] = header->cmsg_level;
        seen[facts->count][1] = header->cmsg_type;
        facts->count++;
        fact_take(facts, header, WSA_CMSG_DATA(header), header->cmsg_len - WSA_CMSG_LEN(0));
    }
}

/* Answer from the address that the question came to; from any, where that is a group's or a broadcast. */
static int answer(struct receiver *r, const struct facts *facts, const char *text)
{
    ULONG_PTR control[16];
    WSABUF buffer;
    WSAMSG message;
    WSACMSGHDR *header;
    BOOL unicast = facts != NULL && (r->message.dwFlags & (MSG_BCAST | MSG_MCAST)) == 0;
    size_t size = unicast && facts->has4 ? sizeof(IN_PKTINFO) : sizeof(IN6_PKTINFO);
    DWORD sent = 0;

    buffer.buf = (char *)text;
    buffer.len = (ULONG)strlen(text);
    ZeroMemory(&message, sizeof(message));
    message.name = (struct sockaddr *)&r->from;
    message.namelen = sizeof(SOCKADDR_IN6);
    message.lpBuffers = &buffer;
    message.dwBufferCount = 1;
    if (unicast && (facts->has4 || facts->has6)) {
        ZeroMemory(control, sizeof(control));
        message.Control.buf = (char *)control;
        message.Control.len = (ULONG)WSA_CMSG_SPACE(size);
        header = WSA_CMSG_FIRSTHDR(&message);
        header->cmsg_len = WSA_CMSG_LEN(size);
        header->cmsg_level = facts->has4 ? IPPROTO_IP : IPPROTO_IPV6;
        header->cmsg_type = IP_PKTINFO; /* IPV6_PKTINFO has the same number */
        memcpy(WSA_CMSG_DATA(header), facts->has4 ? (const void *)&facts->source4 : (const void *)&facts->source6,
               size);
    }
    if (r->send(r->socket, &message, 0, &sent, NULL, NULL) != 0 || sent != buffer.len) {
        return failed("answer");
    }
    return 0;
}

static const char *stamp_word(const struct facts *facts, const char *text)
{
    const char *since = strstr(text, " since=");

    if (!facts->stamped) {
        return "none";
    }
    if (since != NULL && facts->stamp < strtoull(since + 7, NULL, 10)) {
        return "early";
    }
    return facts->stamp <= ticks_now() ? "good" : "late";
}

/* One datagram, perhaps of several that were taken together. */
static int piece_handle(struct receiver *r, const struct facts *facts, const char *data, int bytes)
{
    char text[SMALL + 1];
    char reply[400];
    int size = bytes < SMALL ? bytes : SMALL;
    char head[HEAD + 1];

    if (bytes < HEAD) {
        return 0;
    }
    memcpy(text, data, (size_t)size);
    text[size] = 0;
    memcpy(head, text, HEAD);
    head[HEAD] = 0;
    switch (text[0]) {
    case 'B':
        r->sum += (unsigned long)bytes;
        return 0;
    case 'C':
        r->room = (ULONG)atoi(text + HEAD);
        break;
    case 'X':
    case 'N':
        r->extended = text[0] == 'X';
        break;
    case 'U':
        r->merge = (DWORD)atoi(text + HEAD);
        r->segment = strrchr(text, ' ') != NULL ? atoi(strrchr(text, ' ')) : 0;
        r->sum = r->merges = r->untold = 0;
        if (number_set(r->socket, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, r->merge) != 0) {
            return failed("merge");
        }
        break;
    case 'Q':
        r->quitting = TRUE;
        break;
    default:
        break;
    }
    snprintf(
        reply, sizeof(reply),
        "%s len=%d trunc=%d ctrunc=%d bcast=%d mcast=%d control=%u count=%d fault=%s to=%s if=%d ttl=%d tos=%d ecn=%d "
        "stamp=%s sum=%lu merges=%lu untold=%lu",
        head, bytes, (r->message.dwFlags & MSG_TRUNC) != 0, (r->message.dwFlags & MSG_CTRUNC) != 0,
        (r->message.dwFlags & MSG_BCAST) != 0, (r->message.dwFlags & MSG_MCAST) != 0, (unsigned)r->message.Control.len,
        facts->count, facts->fault == NULL ? "none" : facts->fault, facts->to, facts->if_index != 0, facts->ttl,
        facts->tos, facts->ecn, stamp_word(facts, text), r->sum, r->merges, r->untold);
    return answer(r, facts, reply);
}

static int receive_extended(struct receiver *r)
{
    char text[64];
    char small[8 + 1];
    int flags = 0;
    int got = WSARecvEx(r->socket, small, 8, &flags);

    if (got < HEAD) {
        return got < 0 ? failed("WSARecvEx") : 0;
    }
    small[got] = 0;
    if (small[0] == 'N') {
        r->extended = FALSE;
    }
    snprintf(text, sizeof(text), "%.7s ex=%d partial=%d", small, got, (flags & MSG_PARTIAL) != 0);
    return answer(r, NULL, text); /* to whom spoke last: no name comes with it */
}

static int receive_one(struct receiver *r)
{
    struct facts facts;
    int got = receiver_take(r);
    int bad = 0;
    int at;

    if (got < 0) {
        if (got == -WSAETIMEDOUT && r->quitting) {
            return -1;
        }
        if (got == -WSAECONNRESET) {
            return 0; /* an answer that nobody wanted any more */
        }
        WSASetLastError(-got);
        return failed("receive");
    }
    facts_take(r, &facts);
    if (facts.merged == 0 && r->merge != 0 && got > r->segment) {
        r->untold++;
    }
    if (facts.merged == 0 || r->message.dwFlags & MSG_TRUNC) {
        return piece_handle(r, &facts, r->data, got);
    }
    r->merges++;
    for (at = 0; at < got && bad == 0; at += (int)facts.merged) {
        bad = piece_handle(r, &facts, r->data + at, got - at < (int)facts.merged ? got - at : (int)facts.merged);
    }
    return bad;
}

static int serve(const char *port, const char *mode, const char *own, const char *group)
{
    struct receiver *r = calloc(1, sizeof(*r));
    int bad;

    if (r == NULL) {
        return 1;
    }
    r->mode = mode;
    r->room = sizeof(r->control);
    bad = receiver_open(r, port, own, group);
    if (bad == 0) {
        printf("message_receiver: ready\n");
        fflush(stdout);
    }
    while (bad == 0 && !r->quitting) {
        bad = r->extended ? receive_extended(r) : receive_one(r);
    }
    closesocket(r->socket);
    if (r->port != NULL) {
        CloseHandle(r->port);
    }
    if (r->event != NULL) {
        WSACloseEvent(r->event);
    }
    free(r);
    return bad > 0;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 3 && argc != 5) {
        printf("usage: %s PORT MODE [INTERFACE GROUP]\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = serve(argv[1], argv[2], argc == 5 ? argv[3] : NULL, argc == 5 ? argv[4] : NULL);
    WSACleanup();
    return bad;
}
