/*
 * What the cases of both.h share: addresses, sockets that are closed behind the case, notes.
 */
#include "both.h"

#include <stdarg.h>
#include <stdio.h>

void t_note(struct t_run *t, const char *file, int line, const char *form, ...)
{
    va_list arguments;
    int n;
    if (t->failed) {
        return;
    }
    while (strpbrk(file, "/\\") != NULL) {
        file = strpbrk(file, "/\\") + 1;
    }
    t->failed = true;
    n = snprintf(t->what, sizeof t->what, "%s:%d: ", file, line);
    va_start(arguments, form);
    (void)vsnprintf(t->what + n, sizeof t->what - (size_t)n, form, arguments);
    va_end(arguments);
}

void t_skip(struct t_run *t, const char *why)
{
    t->skipped = true;
    (void)snprintf(t->what, sizeof t->what, "%s", why);
}

struct t_addr t_wildcard(int family, unsigned port)
{
    struct t_addr addr;
    memset(&addr, 0, sizeof addr);
    addr.u.any.sa_family = (ADDRESS_FAMILY)family;
    addr.bytes = family == AF_INET6 ? (int)sizeof addr.u.v6 : (int)sizeof addr.u.v4;
    addr.u.v4.sin_port = htons((u_short)port); /* at the same place in both families */
    return addr;
}

struct t_addr t_loopback(int family, unsigned port)
{
    struct t_addr addr = t_wildcard(family, port);
    if (family == AF_INET6) {
        addr.u.v6.sin6_addr.s6_addr[15] = 1;
    } else {
        addr.u.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return addr;
}

struct t_addr t_v4(const char *text, unsigned port)
{
    struct t_addr addr = t_wildcard(AF_INET, port);
    addr.u.v4.sin_addr.s_addr = inet_addr(text);
    return addr;
}

unsigned t_port(const struct t_addr *addr)
{
    return ntohs(addr->u.v4.sin_port);
}

bool t_same_addr(const struct t_addr *a, const struct t_addr *b)
{
    if (a->bytes != b->bytes || a->u.any.sa_family != b->u.any.sa_family || a->u.v4.sin_port != b->u.v4.sin_port) {
        return false;
    }
    if (a->u.any.sa_family == AF_INET) {
        return a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr;
    }
    return memcmp(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr, sizeof a->u.v6.sin6_addr) == 0;
}

SOCKET t_keep(struct t_run *t, SOCKET s)
{
    if (s != INVALID_SOCKET && t->socket_count < T_SOCKETS_MAX) {
        t->sockets[t->socket_count++] = s;
    }
    return s;
}

SOCKET t_socket(struct t_run *t, int family, int type)
{
    SOCKET s = socket(family, type, 0);
    if (s == INVALID_SOCKET) {
        t_note(t, __FILE__, __LINE__, "socket(%d, %d, 0) fails with %d", family, type, WSAGetLastError());
    }
    return t_keep(t, s);
}

int t_close(struct t_run *t, SOCKET s)
{
    unsigned i;
    for (i = 0; i < t->socket_count; i++) {
        if (t->sockets[i] == s) {
            t->sockets[i] = t->sockets[--t->socket_count];
            break;
        }
    }
    return closesocket(s);
}

WSAEVENT t_event(struct t_run *t)
{
    WSAEVENT event = WSACreateEvent();
    if (event == WSA_INVALID_EVENT || t->object_count == T_OBJECTS_MAX) {
        t_note(t, __FILE__, __LINE__, "no event");
        return event;
    }
    t->objects[t->object_count++] = event;
    return event;
}

HANDLE t_thread(struct t_run *t, LPTHREAD_START_ROUTINE start, void *context)
{
    HANDLE thread = t->thread_count < T_OBJECTS_MAX ? CreateThread(NULL, 0, start, context, 0, NULL) : NULL;
    if (thread == NULL) {
        t_note(t, __FILE__, __LINE__, "no thread");
    } else {
        t->threads[t->thread_count++] = thread;
    }
    return thread;
}

bool t_bound(struct t_run *t, int family, int type, SOCKET *s, struct t_addr *at)
{
    *at = t_loopback(family, 0);
    *s = t_socket(t, family, type);
    if (*s == INVALID_SOCKET) {
        return false;
    }
    if (bind(*s, &at->u.any, at->bytes) != 0) {
        t_note(t, __FILE__, __LINE__, "bind to the loopback address fails with %d", WSAGetLastError());
        return false;
    }
    if (getsockname(*s, &at->u.any, &at->bytes) != 0) {
        t_note(t, __FILE__, __LINE__, "getsockname fails with %d", WSAGetLastError());
        return false;
    }
    return true;
}

bool t_listener(struct t_run *t, int family, SOCKET *s, struct t_addr *at)
{
    if (!t_bound(t, family, SOCK_STREAM, s, at)) {
        return false;
    }
    if (listen(*s, 5) != 0) {
        t_note(t, __FILE__, __LINE__, "listen fails with %d", WSAGetLastError());
        return false;
    }
    return true;
}

bool t_pair(struct t_run *t, int family, SOCKET ends[2])
{
    SOCKET listener;
    struct t_addr at;
    if (!t_listener(t, family, &listener, &at) || (ends[0] = t_socket(t, family, SOCK_STREAM)) == INVALID_SOCKET) {
        return false;
    }
    if (connect(ends[0], &at.u.any, at.bytes) != 0) {
        t_note(t, __FILE__, __LINE__, "connect fails with %d", WSAGetLastError());
        return false;
    }
    ends[1] = t_keep(t, accept(listener, NULL, NULL));
    if (ends[1] == INVALID_SOCKET) {
        t_note(t, __FILE__, __LINE__, "accept fails with %d", WSAGetLastError());
        return false;
    }
    return t_close(t, listener) == 0;
}

bool t_udp_pair(struct t_run *t, int family, SOCKET ends[2])
{
    struct t_addr at[2];
    unsigned i;
    if (!t_bound(t, family, SOCK_DGRAM, &ends[0], &at[0]) || !t_bound(t, family, SOCK_DGRAM, &ends[1], &at[1])) {
        return false;
    }
    for (i = 0; i < 2; i++) {
        if (connect(ends[i], &at[1 - i].u.any, at[1 - i].bytes) != 0) {
            t_note(t, __FILE__, __LINE__, "connect of a datagram socket fails with %d", WSAGetLastError());
            return false;
        }
    }
    return true;
}

bool t_nobody(struct t_run *t, int family, int type, struct t_addr *at)
{
    SOCKET s;
    return t_bound(t, family, type, &s, at) && t_close(t, s) == 0;
}

int t_ioctl(SOCKET s, ULONG code, u_long value)
{
    return ioctlsocket(s, (LONG)code, &value);
}

int t_get_int(SOCKET s, int level, int option)
{
    int value = 0; /* a switch may be given in one byte */
    int bytes = sizeof value;
    return getsockopt(s, level, option, (char *)&value, &bytes) == 0 ? value : -54321;
}

int t_set_int(SOCKET s, int level, int option, int value)
{
    return setsockopt(s, level, option, (const char *)&value, sizeof value);
}

int t_set_linger(SOCKET s, unsigned onoff, unsigned seconds)
{
    struct linger linger;
    linger.l_onoff = (u_short)onoff;
    linger.l_linger = (u_short)seconds;
    return setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger);
}

int t_select(SOCKET s, char set, int ms)
{
    struct timeval time = {ms / 1000, ms % 1000 * 1000};
    fd_set one;
    one.fd_count = 1;
    one.fd_array[0] = s;
    return select(0, set == 'r' ? &one : NULL, set == 'w' ? &one : NULL, set == 'x' ? &one : NULL, &time);
}

bool t_send_all(struct t_run *t, SOCKET s, const char *from, int len)
{
    while (len > 0) {
        int n = send(s, from, len, 0);
        if (n <= 0) {
            t_note(t, __FILE__, __LINE__, "send gives %d (error %d), %d bytes left", n, WSAGetLastError(), len);
            return false;
        }
        from += n;
        len -= n;
    }
    return true;
}

bool t_recv_all(struct t_run *t, SOCKET s, char *to, int len)
{
    while (len > 0) {
        int n = recv(s, to, len, 0);
        if (n <= 0) {
            t_note(t, __FILE__, __LINE__, "recv gives %d (error %d), %d bytes missing", n, WSAGetLastError(), len);
            return false;
        }
        to += n;
        len -= n;
    }
    return true;
}

bool t_fill(struct t_run *t, SOCKET s)
{
    static char block[65536];
    int i;
    (void)t_ioctl(s, (ULONG)FIONBIO, 1);
    for (i = 0; i < 4000; i++) {
        if (send(s, block, sizeof block, 0) == SOCKET_ERROR) {
            if (WSAGetLastError() != WSAEWOULDBLOCK) {
                break;
            }
            if (t_select(s, 'w', 100) == 0) {
                return true;
            }
        }
    }
    t_note(t, __FILE__, __LINE__, "a connection takes data without end (error %d)", WSAGetLastError());
    return false;
}

void t_pattern(char *to, int len, int seed)
{
    int i;
    for (i = 0; i < len; i++) {
        to[i] = (char)(i * 7 + (i >> 8) * 3 + seed);
    }
}
