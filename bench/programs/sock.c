/* The socket half of prog.h. */
#include "prog.h"

#include <stdio.h>
#include <string.h>

int bench_nonblocking(SOCKET s, bool on)
{
    u_long value = on ? 1 : 0;

    return ioctlsocket(s, (LONG)FIONBIO, &value);
}

int bench_patience(SOCKET s, DWORD ms)
{
    if (setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (const char *)&ms, (int)sizeof(ms)) != 0) {
        return SOCKET_ERROR;
    }
    return setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, (const char *)&ms, (int)sizeof(ms));
}

static int nodelay(SOCKET s)
{
    BOOL on = TRUE;

    return setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, (int)sizeof(on));
}

static int buffers(SOCKET s, uint64_t bytes)
{
    int value = (int)bytes;

    if (bytes == 0) {
        return 0;
    }
    if (setsockopt(s, SOL_SOCKET, SO_SNDBUF, (const char *)&value, (int)sizeof(value)) != 0) {
        return SOCKET_ERROR;
    }
    return setsockopt(s, SOL_SOCKET, SO_RCVBUF, (const char *)&value, (int)sizeof(value));
}

SOCKET bench_socket(int type, const char *bind_text, const union bench_addr *like)
{
    union bench_addr local;
    int size = 0;
    SOCKET s;

    if (bind_text != NULL) {
        size = bench_addr_parse(bind_text, &local);
        if (size == 0) {
            return INVALID_SOCKET;
        }
    } else if (like != NULL) {
        local = *like;
    } else {
        return INVALID_SOCKET;
    }
    s = socket(local.any.sa_family, type, type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP);
    if (s == INVALID_SOCKET) {
        (void)bench_fail("socket", bind_text == NULL ? "not bound" : bind_text);
        return INVALID_SOCKET;
    }
    if (bind_text != NULL && bind(s, &local.any, size) != 0) {
        (void)bench_fail("bind", bind_text);
        (void)closesocket(s);
        return INVALID_SOCKET;
    }
    return s;
}

SOCKET bench_connect(const char *to, const char *from, uint64_t buf_bytes)
{
    union bench_addr peer;
    int size = bench_addr_parse(to, &peer);
    SOCKET s;

    if (size == 0) {
        return INVALID_SOCKET;
    }
    s = bench_socket(SOCK_STREAM, from, &peer);
    if (s == INVALID_SOCKET) {
        return INVALID_SOCKET;
    }
    if (buffers(s, buf_bytes) != 0 || connect(s, &peer.any, size) != 0 || nodelay(s) != 0) {
        (void)bench_fail("connect", to);
        (void)closesocket(s);
        return INVALID_SOCKET;
    }
    return s;
}

SOCKET bench_listen(const char *at, uint64_t buf_bytes)
{
    SOCKET s = bench_socket(SOCK_STREAM, at, NULL);

    if (s == INVALID_SOCKET) {
        return INVALID_SOCKET;
    }
    /* Before listen(), so that the window offered with each connection follows. */
    if (buffers(s, buf_bytes) != 0 || listen(s, SOMAXCONN) != 0) {
        (void)bench_fail("listen", at);
        (void)closesocket(s);
        return INVALID_SOCKET;
    }
    bench_ready(at);
    return s;
}

int bench_wait_readable(SOCKET s, DWORD ms)
{
    struct timeval timeout = {(long)(ms / 1000), (long)(ms % 1000) * 1000};
    fd_set set;

    FD_ZERO(&set);
    FD_SET(s, &set);
    return select(0, &set, NULL, NULL, &timeout);
}

SOCKET bench_accept(SOCKET listener)
{
    int ready = bench_wait_readable(listener, BENCH_PATIENCE_MS);
    SOCKET s;

    if (ready <= 0) {
        if (ready == 0) {
            WSASetLastError(WSAETIMEDOUT);
        }
        return INVALID_SOCKET;
    }
    s = accept(listener, NULL, NULL);
    if (s != INVALID_SOCKET && nodelay(s) != 0) {
        (void)closesocket(s);
        return INVALID_SOCKET;
    }
    return s;
}

int bench_send_all(SOCKET s, const char *data, size_t size)
{
    while (size > 0) {
        int done = send(s, data, size > 1u << 30 ? 1 << 30 : (int)size, 0);
        if (done < 0) {
            if (WSAGetLastError() != WSAEWOULDBLOCK) {
                return SOCKET_ERROR;
            }
            continue;
        }
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

int bench_recv_all(SOCKET s, char *data, size_t size)
{
    while (size > 0) {
        int got = recv(s, data, size > 1u << 30 ? 1 << 30 : (int)size, 0);
        if (got == 0) {
            WSASetLastError(WSAEDISCON);
            return SOCKET_ERROR;
        }
        if (got < 0) {
            if (WSAGetLastError() != WSAEWOULDBLOCK) {
                return SOCKET_ERROR;
            }
            continue;
        }
        data += got;
        size -= (size_t)got;
    }
    return 0;
}

int bench_close_graceful(SOCKET s)
{
    char rest[1024];
    int got = 1;

    if (bench_nonblocking(s, false) != 0 || bench_patience(s, 5000) != 0 || shutdown(s, SD_SEND) != 0) {
        (void)closesocket(s);
        return SOCKET_ERROR;
    }
    while (got > 0) {
        got = recv(s, rest, (int)sizeof(rest), 0);
    }
    return closesocket(s) != 0 || got < 0 ? SOCKET_ERROR : 0;
}

int bench_close_reset(SOCKET s)
{
    LINGER now = {1, 0};
    int failed = setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&now, (int)sizeof(now));

    return closesocket(s) != 0 || failed ? SOCKET_ERROR : 0;
}
