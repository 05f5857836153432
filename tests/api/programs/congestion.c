/*
 * A sender that marks its datagrams as ECN capable, and a receiver that reads the marks. That a datagram has met congestion
 * is a router's to say: the sender may not.
 *   congestion ADDRESS PORT
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef IPV6_ECN
#define IPV6_ECN 50
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

#define ECN_NOT_ECT 0
#define ECN_ECT_1 1
#define ECN_ECT_0 2
#define ECN_CE 3

typedef int(WSAAPI *message_sender)(SOCKET, LPWSAMSG, DWORD, LPDWORD, LPWSAOVERLAPPED,
                                    LPWSAOVERLAPPED_COMPLETION_ROUTINE);

static void (*extension(SOCKET s, GUID id))(void)
{
    void (*function)(void) = NULL;
    DWORD bytes = 0;

    if (WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &function, sizeof(function), &bytes, NULL,
                 NULL) == SOCKET_ERROR) {
        printf("congestion: extension: %d\n", WSAGetLastError());
        return NULL;
    }
    return function;
}

static int send_marked(SOCKET s, const SOCKADDR_STORAGE *to, int length, message_sender send_message, char byte,
                       INT mark)
{
    char control[WSA_CMSG_SPACE(sizeof(INT))];
    WSABUF data;
    WSAMSG message;
    WSACMSGHDR *header;
    DWORD sent = 0;

    ZeroMemory(control, sizeof(control));
    data.buf = &byte;
    data.len = 1;
    ZeroMemory(&message, sizeof(message));
    message.name = (struct sockaddr *)to;
    message.namelen = length;
    message.lpBuffers = &data;
    message.dwBufferCount = 1;
    message.Control.buf = control;
    message.Control.len = sizeof(control);
    header = WSA_CMSG_FIRSTHDR(&message);
    header->cmsg_len = WSA_CMSG_LEN(sizeof(INT));
    header->cmsg_level = to->ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    header->cmsg_type = to->ss_family == AF_INET ? IP_ECN : IPV6_ECN;
    memcpy(WSA_CMSG_DATA(header), &mark, sizeof(mark));
    if (send_message(s, &message, 0, &sent, NULL, NULL) == SOCKET_ERROR) {
        return WSAGetLastError();
    }
    return sent == 1 ? 0 : WSAEMSGSIZE;
}

/* The mark of the next datagram; negative: none was told. */
static int receive_mark(SOCKET s, LPFN_WSARECVMSG receive_message, char wanted)
{
    SOCKADDR_STORAGE from;
    char control[WSA_CMSG_SPACE(sizeof(INT))];
    char byte = 0;
    WSABUF data;
    WSAMSG message;
    WSACMSGHDR *header;
    DWORD got = 0;
    INT mark = -1;

    data.buf = &byte;
    data.len = 1;
    ZeroMemory(&message, sizeof(message));
    message.name = (struct sockaddr *)&from;
    message.namelen = sizeof(from);
    message.lpBuffers = &data;
    message.dwBufferCount = 1;
    message.Control.buf = control;
    message.Control.len = sizeof(control);
    if (receive_message(s, &message, &got, NULL, NULL) == SOCKET_ERROR || got != 1 || byte != wanted) {
        printf("congestion: receive: %d\n", WSAGetLastError());
        return -1;
    }
    for (header = WSA_CMSG_FIRSTHDR(&message); header != NULL; header = WSA_CMSG_NXTHDR(&message, header)) {
        if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_ECN) ||
            (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_ECN)) {
            memcpy(&mark, WSA_CMSG_DATA(header), sizeof(mark));
        }
    }
    return mark;
}

static int exchange(SOCKET sender, SOCKET receiver, const SOCKADDR_STORAGE *to, int length)
{
    static const INT marks[] = {ECN_ECT_0, ECN_ECT_1, ECN_NOT_ECT};
    const GUID send_id = WSAID_WSASENDMSG;
    const GUID receive_id = WSAID_WSARECVMSG;
    message_sender send_message = (message_sender)extension(sender, send_id);
    LPFN_WSARECVMSG receive_message = (LPFN_WSARECVMSG)extension(receiver, receive_id);
    int code;
    int mark;
    int i;

    if (send_message == NULL || receive_message == NULL) {
        return 1;
    }
    for (i = 0; i < 3; i++) {
        code = send_marked(sender, to, length, send_message, (char)('a' + i), marks[i]);
        if (code != 0) {
            printf("congestion: send: %d\n", code);
            return 1;
        }
        mark = receive_mark(receiver, receive_message, (char)('a' + i));
        if (mark != marks[i]) {
            printf("congestion: %d instead of %d\n", mark, marks[i]);
            return 1;
        }
    }
    code = send_marked(sender, to, length, send_message, 'z', ECN_CE);
    if (code != WSAEINVAL) {
        printf("congestion: a sender may say that it met congestion: %d\n", code);
        return 1;
    }
    return 0;
}

static int run(const char *address, const char *port)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    SOCKADDR_STORAGE to;
    DWORD on = 1;
    int limit = 5000;
    SOCKET receiver;
    SOCKET sender;
    int bad;
    int length;

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_NUMERICHOST;
    if (getaddrinfo(address, port, &hints, &found) != 0) {
        return 1;
    }
    ZeroMemory(&to, sizeof(to));
    length = (int)found->ai_addrlen;
    memcpy(&to, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    receiver = socket(to.ss_family, SOCK_DGRAM, IPPROTO_UDP);
    sender = socket(to.ss_family, SOCK_DGRAM, IPPROTO_UDP);
    /* As the documentation's program has it: the size is that of the storage. */
    bad = bind(receiver, (struct sockaddr *)&to, sizeof(to)) == SOCKET_ERROR ||
          setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit, sizeof(limit)) == SOCKET_ERROR ||
          setsockopt(receiver, to.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, IPV6_ECN, (const char *)&on,
                     sizeof(on)) == SOCKET_ERROR;
    if (bad) {
        printf("congestion: %d\n", WSAGetLastError());
    } else {
        bad = exchange(sender, receiver, &to, length);
    }
    closesocket(sender);
    closesocket(receiver);
    return bad;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 3) {
        printf("usage: %s ADDRESS PORT\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = run(argv[1], argv[2]);
    WSACleanup();
    return bad;
}
