/*
 * Sockets at the two ends of a wire.
 */
#include "t_wire.h"

SOCKADDR_IN t_wire_name(enum t_end end, u_short port)
{
    SOCKADDR_IN name = {.sin_family = AF_INET};
    name.sin_port = htons(port);
    name.sin_addr.s_addr = inet_addr(end == T_WEST ? "10.88.0.1" : "10.88.0.2");
    return name;
}

SOCKET t_wire_socket(enum t_end end, int type, u_short port)
{
    SOCKADDR_IN name = t_wire_name(end, port);
    SOCKET s = socket(AF_INET, type, 0);
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(bind(s, (struct sockaddr *)&name, sizeof(name)), 0);
    return s;
}

SOCKET t_wire_listener(u_short port, int backlog)
{
    SOCKET s = t_wire_socket(T_EAST, SOCK_STREAM, port);
    assert_int_equal(listen(s, backlog), 0);
    return s;
}

void t_wire_connect(SOCKET s, enum t_end to, u_short port)
{
    SOCKADDR_IN name = t_wire_name(to, port);
    assert_int_equal(connect(s, (struct sockaddr *)&name, sizeof(name)), 0);
}

void t_wire_pair(u_short port, SOCKET ends[2])
{
    SOCKET listener = t_wire_listener(port, 5);
    ends[0] = t_wire_socket(T_WEST, SOCK_STREAM, (u_short)(port + 1));
    t_wire_connect(ends[0], T_EAST, port);
    ends[1] = accept(listener, NULL, NULL);
    assert_true(ends[1] != INVALID_SOCKET);
    assert_int_equal(closesocket(listener), 0);
}

void t_wire_close(SOCKET ends[2])
{
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
}

void t_nonblocking(SOCKET s)
{
    u_long on = 1;
    assert_int_equal(ioctlsocket(s, (LONG)FIONBIO, &on), 0);
}

void t_option(SOCKET s, int level, int name, int value)
{
    assert_int_equal(setsockopt(s, level, name, (const char *)&value, sizeof(value)), 0);
}

int t_option_of(SOCKET s, int level, int name)
{
    int value = 0; /* a switch may be told in one byte */
    int bytes = sizeof(value);
    assert_int_equal(getsockopt(s, level, name, (char *)&value, &bytes), 0);
    return value;
}

static int select_one(SOCKET s, int which, unsigned ms)
{
    struct timeval limit = {(int)(ms / 1000), (int)(ms % 1000) * 1000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(s, &set);
    return select(0, which == 0 ? &set : NULL, which == 1 ? &set : NULL, which == 2 ? &set : NULL, &limit);
}

bool t_readable(SOCKET s, unsigned ms)
{
    return select_one(s, 0, ms) == 1;
}

bool t_writable(SOCKET s, unsigned ms)
{
    return select_one(s, 1, ms) == 1;
}

bool t_exceptional(SOCKET s, unsigned ms)
{
    return select_one(s, 2, ms) == 1;
}

long t_events(SOCKET s, WSAEVENT event, long wanted, unsigned ms, int codes[FD_MAX_EVENTS])
{
    ULONGLONG until = GetTickCount64() + ms;
    long came = 0;
    do {
        WSANETWORKEVENTS what;
        DWORD left = (DWORD)(until - GetTickCount64());
        if (WSAWaitForMultipleEvents(1, &event, FALSE, left > ms ? 0 : left, FALSE) != WSA_WAIT_EVENT_0) {
            break;
        }
        assert_int_equal(WSAEnumNetworkEvents(s, event, &what), 0);
        for (int bit = 0; codes != NULL && bit < FD_MAX_EVENTS; bit++) {
            if (what.lNetworkEvents & (1 << bit)) {
                codes[bit] = what.iErrorCode[bit];
            }
        }
        came |= what.lNetworkEvents;
    } while ((came & wanted) != wanted && GetTickCount64() < until);
    return came;
}

void t_say(SOCKET s, const char *text)
{
    int len = (int)strlen(text);
    assert_int_equal(send(s, text, len, 0), len);
}

void t_hear(SOCKET s, const char *text)
{
    char room[256] = "";
    int len = (int)strlen(text);
    int at = 0;
    assert_true(len < (int)sizeof(room));
    while (at < len) {
        int n = recv(s, room + at, len - at, 0);
        assert_true(n > 0);
        at += n;
    }
    assert_string_equal(room, text);
}
