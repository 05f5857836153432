/** @file Short forms of the slots, and the group's setup and teardown. */
#include "t_host.h"

#include <stdlib.h>
#include <string.h>

WSPPROC_TABLE t_spi;
_Thread_local INT t_err;

/* Loopback is carried by the instance; the ports are there for the stack that wants them. */
static const char config_text[] = "[engine]\n"
                                  "spin = adaptive\n"
                                  "allow_raw = yes\n"
                                  "[port a]\n"
                                  "driver = wire\n"
                                  "wire.link = spi\n"
                                  "address = 10.9.0.1/24\n"
                                  "[port b]\n"
                                  "driver = wire\n"
                                  "wire.link = spi\n"
                                  "address = 10.9.1.1/24\n";

static void config_write(void)
{
    static const char *path;

    if (!path)
        path = getenv("T_SPI_CONFIG") ? getenv("T_SPI_CONFIG") : t_file_make(config_text);
    t_env_set("WINLANE_CONFIG", path);
}

LPWSAPROTOCOL_INFOW t_info(int af, int type)
{
    static _Thread_local WSAPROTOCOL_INFOW infos[6];
    int at = (af == AF_INET6) * 3 + type - SOCK_STREAM;
    LPWSAPROTOCOL_INFOW info = &infos[at];

    info->dwCatalogEntryId = 1000 + (DWORD)at;
    info->ProtocolChain.ChainLen = BASE_PROTOCOL;
    info->iVersion = 2;
    info->iAddressFamily = af;
    info->iMaxSockAddr = info->iMinSockAddr = t_addr_size(af);
    info->iSocketType = type;
    info->iProtocol = type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : 0;
    info->iProtocolMaxOffset = type == SOCK_RAW ? 255 : 0;
    for (int i = 0; i < 7; i++)
        info->szProtocol[i] = (WCHAR) "Winlane"[i];
    return info;
}

int t_host_start(void **state)
{
    WSPDATA data;

    (void)state;
    config_write();
    return t_provider_start(MAKEWORD(2, 2), &data, t_info(AF_INET, SOCK_STREAM), t_host_upcalls(), &t_spi);
}

int t_host_stop(void **state)
{
    (void)state;
    t_hook_set(NULL, 0);
    assert_int_equal(t_handles_count(), 0);
    t_requests_are(0);
    if (t_spi.lpWSPCleanup(&t_err) != 0)
        return -1;
    t_sockets_are(0);
    return 0;
}

SOCKET t_socket_flags(int af, int type, DWORD flags)
{
    LPWSAPROTOCOL_INFOW info = t_info(af, type);
    SOCKET s = t_spi.lpWSPSocket(af, type, info->iProtocol, info, 0, flags, &t_err);

    assert_true(s != INVALID_SOCKET);
    return s;
}

SOCKET t_socket(int af, int type)
{
    return t_socket_flags(af, type, WSA_FLAG_OVERLAPPED);
}

void t_close(SOCKET s)
{
    assert_int_equal(t_spi.lpWSPCloseSocket(s, &t_err), 0);
}

int t_send(SOCKET s, const void *data, size_t len)
{
    WSABUF buf = {.len = (ULONG)len, .buf = (CHAR *)(uintptr_t)data};
    DWORD sent = 0xdead;

    if (t_spi.lpWSPSend(s, &buf, 1, &sent, 0, NULL, NULL, NULL, &t_err) != 0)
        return SOCKET_ERROR;
    return (int)sent;
}

int t_recv_flags(SOCKET s, void *data, size_t len, DWORD *flags)
{
    WSABUF buf = {.len = (ULONG)len, .buf = data};
    DWORD got = 0xdead;

    if (t_spi.lpWSPRecv(s, &buf, 1, &got, flags, NULL, NULL, NULL, &t_err) != 0)
        return SOCKET_ERROR;
    return (int)got;
}

int t_recv(SOCKET s, void *data, size_t len)
{
    DWORD flags = 0;

    return t_recv_flags(s, data, len, &flags);
}

int t_sendto(SOCKET s, const void *data, size_t len, const void *to)
{
    WSABUF buf = {.len = (ULONG)len, .buf = (CHAR *)(uintptr_t)data};
    int tolen = to ? t_addr_size(((const struct sockaddr *)to)->sa_family) : 0;
    DWORD sent = 0xdead;

    if (t_spi.lpWSPSendTo(s, &buf, 1, &sent, 0, to, tolen, NULL, NULL, NULL, &t_err) != 0)
        return SOCKET_ERROR;
    return (int)sent;
}

int t_recvfrom(SOCKET s, void *data, size_t len, SOCKADDR_STORAGE *from)
{
    WSABUF buf = {.len = (ULONG)len, .buf = data};
    INT fromlen = (INT)sizeof *from;
    DWORD got = 0xdead, flags = 0;

    if (t_spi.lpWSPRecvFrom(s, &buf, 1, &got, &flags, (struct sockaddr *)from, from ? &fromlen : NULL, NULL, NULL, NULL,
                            &t_err) != 0)
        return SOCKET_ERROR;
    return (int)got;
}

int t_nonblocking(SOCKET s, bool on)
{
    ULONG value = on;
    DWORD returned;

    return t_spi.lpWSPIoctl(s, FIONBIO, &value, sizeof value, &value, sizeof value, &returned, NULL, NULL, NULL,
                            &t_err);
}

int t_option_set(SOCKET s, int level, int name, int value)
{
    return t_spi.lpWSPSetSockOpt(s, level, name, (const char *)&value, (int)sizeof value, &t_err);
}

int t_option_get(SOCKET s, int level, int name)
{
    int value = 0, len = (int)sizeof value; /* a switch may be told in one byte */

    assert_int_equal(t_spi.lpWSPGetSockOpt(s, level, name, (char *)&value, &len, &t_err), 0);
    assert_true(len == (int)sizeof value || len == 1);
    return value;
}

int t_addr_size(int af)
{
    return (int)(af == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6));
}

static USHORT forms_swap(uint16_t port)
{
    return (USHORT)(port << 8 | port >> 8);
}

struct sockaddr *t_addr(int af, uint16_t port)
{
    static _Thread_local SOCKADDR_STORAGE addrs[8];
    static _Thread_local unsigned next;
    SOCKADDR_STORAGE *addr = &addrs[next++ % 8];
    SOCKADDR_IN *in = (SOCKADDR_IN *)addr;
    SOCKADDR_IN6 *in6 = (SOCKADDR_IN6 *)addr;

    memset(addr, 0, sizeof *addr);
    ((struct sockaddr *)addr)->sa_family = (USHORT)af;
    in->sin_port = forms_swap(port);
    if (af == AF_INET)
        memcpy(&in->sin_addr, "\177\0\0\1", 4);
    else
        in6->sin6_addr.s6_addr[15] = 1;
    return (struct sockaddr *)addr;
}

uint16_t t_port(SOCKET s)
{
    SOCKADDR_STORAGE name;
    INT len = (INT)sizeof name;

    assert_int_equal(t_spi.lpWSPGetSockName(s, (struct sockaddr *)&name, &len, &t_err), 0);
    return forms_swap(((SOCKADDR_IN *)&name)->sin_port);
}

SOCKET t_bound(int af, int type)
{
    SOCKET s = t_socket(af, type);

    assert_int_equal(t_spi.lpWSPBind(s, t_addr(af, 0), t_addr_size(af), &t_err), 0);
    return s;
}

SOCKET t_listener(int af)
{
    SOCKET s = t_bound(af, SOCK_STREAM);

    assert_int_equal(t_spi.lpWSPListen(s, 16, &t_err), 0);
    return s;
}

struct t_pair t_pair_make(int af, DWORD flags)
{
    SOCKET listener = t_socket_flags(af, SOCK_STREAM, flags);
    struct t_pair pair = {.a = t_socket_flags(af, SOCK_STREAM, flags)};

    assert_int_equal(t_spi.lpWSPBind(listener, t_addr(af, 0), t_addr_size(af), &t_err), 0);
    assert_int_equal(t_spi.lpWSPListen(listener, 1, &t_err), 0);
    assert_int_equal(
        t_spi.lpWSPConnect(pair.a, t_addr(af, t_port(listener)), t_addr_size(af), NULL, NULL, NULL, NULL, &t_err), 0);
    pair.b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(pair.b != INVALID_SOCKET);
    t_close(listener);
    return pair;
}

void t_pair_close(struct t_pair *pair)
{
    t_close(pair->a);
    t_close(pair->b);
}
