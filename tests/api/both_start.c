/*
 * Start, end, and what works without. Run before WSAStartup; each case ends with as many clean-ups as start-ups.
 */
#include "both.h"

struct version_row {
    const char *name;
    WORD wanted;
    WORD given; /* 0: WSAVERNOTSUPPORTED */
};

/* Rules WS2-1, A.2.2: what is asked for if it is offered, else the next lower one. */
static const struct version_row versions[] = {
    {"1_0", MAKEWORD(1, 0), MAKEWORD(1, 0)},
    {"1_1", MAKEWORD(1, 1), MAKEWORD(1, 1)},
    {"1_2", MAKEWORD(1, 2), MAKEWORD(1, 1)},
    {"2_0", MAKEWORD(2, 0), MAKEWORD(2, 0)},
    {"2_1", MAKEWORD(2, 1), MAKEWORD(2, 1)},
    {"2_2", MAKEWORD(2, 2), MAKEWORD(2, 2)},
    {"2_3", MAKEWORD(2, 3), MAKEWORD(2, 2)},
    {"3_0", MAKEWORD(3, 0), MAKEWORD(2, 2)},
    {"99_99", MAKEWORD(99, 99), MAKEWORD(2, 2)},
    {"0_0", MAKEWORD(0, 0), 0},
    {"0_1", MAKEWORD(0, 1), 0},
};

static void startup__version_ROW__is_negotiated(struct t_run *t)
{
    const struct version_row *row = (const struct version_row *)t->row;
    WSADATA data;
    memset(&data, 0, sizeof data);
    if (row->given == 0) {
        T_EQ(WSAStartup(row->wanted, &data), WSAVERNOTSUPPORTED);
        T_FAILS(WSACleanup(), WSANOTINITIALISED); /* a failed start counts for nothing */
        return;
    }
    T_EQ(WSAStartup(row->wanted, &data), 0);
    T_EQ(data.wVersion, row->given);
    T_EQ(data.wHighVersion, MAKEWORD(2, 2));
    T_EQ(WSACleanup(), 0);
}

/* Rule A.2.6. */
static void startup__no_room_for_the_answer__fault(struct t_run *t)
{
    T_EQ(WSAStartup(MAKEWORD(2, 2), NULL), WSAEFAULT);
}

/* Rules A.2.7, A.2.9, WS2-2. */
static void startup__twice__two_cleanups_end_it(struct t_run *t)
{
    WSADATA data;
    SOCKET s;
    T_EQ(WSAStartup(MAKEWORD(2, 2), &data), 0);
    T_EQ(WSAStartup(MAKEWORD(1, 1), &data), 0);
    T_EQ(WSACleanup(), 0);
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_TRUE(s != INVALID_SOCKET);
    T_EQ(t_close(t, s), 0);
    T_EQ(WSACleanup(), 0);
    T_FAILS(WSACleanup(), WSANOTINITIALISED);
    T_NO_SOCKET(socket(AF_INET, SOCK_STREAM, 0), WSANOTINITIALISED);
}

/* Rule WS2-3. */
static void startup__version_2__texts_and_no_limits(struct t_run *t)
{
    WSADATA data;
    memset(&data, 0x55, sizeof data);
    T_EQ(WSAStartup(MAKEWORD(2, 2), &data), 0);
    T_TRUE(strcmp(data.szDescription, "WinSock 2.0") == 0);
    T_TRUE(strcmp(data.szSystemStatus, "Running") == 0);
    T_EQ(data.iMaxSockets, 0);
    T_EQ(data.iMaxUdpDg, 0);
    T_EQ(WSACleanup(), 0);
}

/* Rules WS2-3, A.2.8: safe values for programs of version 1. */
static void startup__version_1__has_limits(struct t_run *t)
{
    WSADATA data;
    memset(&data, 0, sizeof data);
    T_EQ(WSAStartup(MAKEWORD(1, 1), &data), 0);
    T_EQ(data.iMaxSockets, 32767);
    T_EQ(data.iMaxUdpDg, 65467);
    T_EQ(WSACleanup(), 0);
}

/* Rules A.2.10, WSPCLEANUP-3. */
static void cleanup__open_socket__is_gone_afterwards(struct t_run *t)
{
    WSADATA data;
    SOCKET s;
    T_EQ(WSAStartup(MAKEWORD(2, 2), &data), 0);
    s = socket(AF_INET, SOCK_DGRAM, 0);
    T_TRUE(s != INVALID_SOCKET);
    T_EQ(WSACleanup(), 0);
    T_EQ(WSAStartup(MAKEWORD(2, 2), &data), 0);
    T_FAILS(closesocket(s), WSAENOTSOCK);
    T_EQ(WSACleanup(), 0);
}

/* Rules WSPCLEANUP-5, ACT-13. */
static void cleanup__started_again__sockets_work(struct t_run *t)
{
    WSADATA data;
    int round;
    for (round = 0; round < 5; round++) {
        SOCKET ends[2];
        char byte = 0;
        T_EQ(WSAStartup(MAKEWORD(2, 2), &data), 0);
        T_DO(t_pair(t, AF_INET, ends));
        T_EQ(send(ends[0], "x", 1, 0), 1);
        T_EQ(recv(ends[1], &byte, 1, 0), 1);
        T_EQ(t_close(t, ends[0]), 0);
        T_EQ(t_close(t, ends[1]), 0);
        T_EQ(WSACleanup(), 0);
    }
}

/* Rule WS2-4. */
static void unstarted__pure_functions__work(struct t_run *t)
{
    struct in_addr in;
    fd_set set;
    WSAEVENT event;
    T_EQ(htons(0x1234), 0x3412);
    T_EQ(ntohl(0x12345678), 0x78563412);
    in.s_addr = inet_addr("1.2.3.4");
    T_EQ(in.s_addr, 0x04030201);
    T_TRUE(strcmp(inet_ntoa(in), "1.2.3.4") == 0);
    FD_ZERO(&set);
    FD_SET((SOCKET)77, &set);
    T_TRUE(FD_ISSET((SOCKET)77, &set));
    T_TRUE(!FD_ISSET((SOCKET)78, &set));
    WSASetLastError(4711);
    T_EQ(WSAGetLastError(), 4711);
    event = WSACreateEvent();
    T_TRUE(event != WSA_INVALID_EVENT);
    T_TRUE(WSASetEvent(event));
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, 0, FALSE), WSA_WAIT_EVENT_0);
    T_TRUE(WSACloseEvent(event));
}

/* Rules A.1.9, WS2-5: WSANOTINITIALISED before any look at the arguments. */
static int without_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET ? SOCKET_ERROR : 0;
}

static int without_wsasocket(void)
{
    return WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, 0) == INVALID_SOCKET ? SOCKET_ERROR : 0;
}

static int without_closesocket(void)
{
    return closesocket(INVALID_SOCKET);
}

static int without_bind(void)
{
    struct t_addr at = t_loopback(AF_INET, 0);
    return bind(INVALID_SOCKET, &at.u.any, at.bytes);
}

static int without_listen(void)
{
    return listen(INVALID_SOCKET, 1);
}

static int without_accept(void)
{
    return accept(INVALID_SOCKET, NULL, NULL) == INVALID_SOCKET ? SOCKET_ERROR : 0;
}

static int without_connect(void)
{
    struct t_addr at = t_loopback(AF_INET, 9);
    return connect(INVALID_SOCKET, &at.u.any, at.bytes);
}

static int without_send(void)
{
    return send(INVALID_SOCKET, "x", 1, 0);
}

static int without_recv(void)
{
    char byte;
    return recv(INVALID_SOCKET, &byte, 1, 0);
}

static int without_select(void)
{
    struct timeval now = {0, 0};
    return select(0, NULL, NULL, NULL, &now);
}

static int without_getsockopt(void)
{
    int value;
    int bytes = sizeof value;
    return getsockopt(INVALID_SOCKET, SOL_SOCKET, SO_TYPE, (char *)&value, &bytes);
}

static int without_ioctlsocket(void)
{
    return t_ioctl(INVALID_SOCKET, (ULONG)FIONBIO, 1);
}

static int without_shutdown(void)
{
    return shutdown(INVALID_SOCKET, SD_BOTH);
}

static int without_gethostname(void)
{
    char name[256];
    return gethostname(name, sizeof name);
}

static int without_gethostbyname(void)
{
    return gethostbyname("127.0.0.1") == NULL ? SOCKET_ERROR : 0;
}

static int without_getservbyname(void)
{
    return getservbyname("http", "tcp") == NULL ? SOCKET_ERROR : 0;
}

static int without_getaddrinfo(void)
{
    ADDRINFOA *found = NULL;
    int code = getaddrinfo("127.0.0.1", NULL, NULL, &found);
    WSASetLastError(code);
    return code == 0 ? 0 : SOCKET_ERROR;
}

static int without_enumprotocols(void)
{
    DWORD bytes = 0;
    return WSAEnumProtocolsW(NULL, NULL, &bytes);
}

static int without_eventselect(void)
{
    return WSAEventSelect(INVALID_SOCKET, NULL, 0);
}

static int without_cleanup(void)
{
    return WSACleanup();
}

struct call_row {
    const char *name;
    int (*call)(void);
};

static const struct call_row calls[] = {
    {"socket", without_socket},
    {"WSASocket", without_wsasocket},
    {"closesocket", without_closesocket},
    {"bind", without_bind},
    {"listen", without_listen},
    {"accept", without_accept},
    {"connect", without_connect},
    {"send", without_send},
    {"recv", without_recv},
    {"select", without_select},
    {"getsockopt", without_getsockopt},
    {"ioctlsocket", without_ioctlsocket},
    {"shutdown", without_shutdown},
    {"gethostname", without_gethostname},
    {"gethostbyname", without_gethostbyname},
    {"getservbyname", without_getservbyname},
    {"getaddrinfo", without_getaddrinfo},
    {"WSAEnumProtocols", without_enumprotocols},
    {"WSAEventSelect", without_eventselect},
    {"WSACleanup", without_cleanup},
};

static void unstarted__ROW__is_not_initialised(struct t_run *t)
{
    const struct call_row *row = (const struct call_row *)t->row;
    T_FAILS(row->call(), WSANOTINITIALISED);
}

static const struct t_cases cases[] = {
    T_TABLE(unstarted__ROW__is_not_initialised, calls),
    T_CASE(unstarted__pure_functions__work),
    T_TABLE(startup__version_ROW__is_negotiated, versions),
    T_CASE(startup__no_room_for_the_answer__fault),
    T_CASE(startup__twice__two_cleanups_end_it),
    T_CASE(startup__version_2__texts_and_no_limits),
    T_CASE(startup__version_1__has_limits),
    T_CASE(cleanup__open_socket__is_gone_afterwards),
    T_CASE(cleanup__started_again__sockets_work),
};

const struct t_group t_group_start = {"start", cases, T_COUNT(cases), true};
