#include "ws2_kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Winsock's numbers where they differ from Linux'. */
enum {
    WS_AF_INET6 = 23,
    WS_SOL_SOCKET = 0xffff,
    WS_SO_LINGER = 0x0080,
    WS_SO_SNDBUF = 0x1001,
    WS_SO_RCVBUF = 0x1002,
    WS_SO_SNDTIMEO = 0x1005,
    WS_SO_RCVTIMEO = 0x1006,
    WS_SO_ERROR = 0x1007,
    WS_TCP_NODELAY = 1,
    WS_WSAEINVAL = 10022,
    WS_WSAENOPROTOOPT = 10042,
};

static _Thread_local int last_error;

static int code_of(int error)
{
    static const struct {
        int error;
        int code;
    } table[] = {
        {EPERM, 10013},      {EACCES, 10013},       {EFAULT, 10014},       {EINVAL, WS_WSAEINVAL},
        {EMFILE, 10024},     {EAGAIN, 10035},       {EINPROGRESS, 10035},  {EALREADY, 10037},
        {ENOTSOCK, 10038},   {EMSGSIZE, 10040},     {ENOPROTOOPT, 10042},  {EPROTONOSUPPORT, 10043},
        {EOPNOTSUPP, 10045}, {EAFNOSUPPORT, 10047}, {EADDRINUSE, 10048},   {EADDRNOTAVAIL, 10049},
        {ENETDOWN, 10050},   {ENETUNREACH, 10051},  {ENETRESET, 10052},    {ECONNABORTED, 10053},
        {ECONNRESET, 10054}, {EPIPE, 10054},        {ENOBUFS, 10055},      {EISCONN, 10056},
        {ENOTCONN, 10057},   {ETIMEDOUT, 10060},    {ECONNREFUSED, 10061}, {EHOSTUNREACH, 10065},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].error == error) {
            return table[i].code;
        }
    }
    return WS_WSAEINVAL;
}

/* Ends every call: a negative result becomes SOCKET_ERROR and the thread's error. */
static inline int leave(ssize_t result)
{
    if (__builtin_expect(result < 0, 0)) {
        last_error = code_of(errno);
        return -1;
    }
    return (int)result;
}

static inline int fd_of(uintptr_t s)
{
    return (int)s;
}

int WSAStartup(uint16_t version, void *data)
{
    (void)version;
    (void)data;
    return 0;
}

int WSACleanup(void)
{
    return 0;
}

int WSAGetLastError(void)
{
    return last_error;
}

void WSASetLastError(int code)
{
    last_error = code;
}

/* Both systems' structures agree but for the number of the family. */
static const struct sockaddr *addr_in(const void *addr, int size, struct sockaddr_storage *room)
{
    if (addr == NULL || size <= 0 || (size_t)size > sizeof(*room)) {
        return NULL;
    }
    memcpy(room, addr, (size_t)size);
    if (room->ss_family == WS_AF_INET6) {
        room->ss_family = AF_INET6;
    }
    return (const struct sockaddr *)room;
}

static void addr_out(void *addr)
{
    uint16_t family;

    memcpy(&family, addr, sizeof(family));
    if (family == AF_INET6) {
        family = WS_AF_INET6;
        memcpy(addr, &family, sizeof(family));
    }
}

uintptr_t wl_socket(int family, int type, int protocol)
{
    int fd = leave(socket(family == WS_AF_INET6 ? AF_INET6 : family, type | SOCK_CLOEXEC, protocol));
    int on = 1;

    if (fd < 0) {
        return UINTPTR_MAX;
    }
    /* A default such as bbr paces with timers; comparisons name the congestion control. Connections inherit it. */
    const char *congestion = getenv("BENCH_KERNEL_CONGESTION");
    if (congestion != NULL && type == SOCK_STREAM &&
        leave(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion))) != 0) {
        (void)close(fd);
        return UINTPTR_MAX;
    }
    /* Linux keeps a port of an earlier run busy for a minute; Winsock does not. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return (uintptr_t)fd;
}

int closesocket(uintptr_t s)
{
    return leave(close(fd_of(s)));
}

int wl_bind(uintptr_t s, const void *addr, int addr_size)
{
    struct sockaddr_storage room;

    return leave(bind(fd_of(s), addr_in(addr, addr_size, &room), (socklen_t)addr_size));
}

int wl_listen(uintptr_t s, int backlog)
{
    return leave(listen(fd_of(s), backlog));
}

uintptr_t wl_accept(uintptr_t s, void *addr, int *addr_size)
{
    int fd = leave(accept4(fd_of(s), addr, (socklen_t *)addr_size, SOCK_CLOEXEC));

    if (fd >= 0 && addr != NULL) {
        addr_out(addr);
    }
    return fd < 0 ? UINTPTR_MAX : (uintptr_t)fd;
}

int wl_connect(uintptr_t s, const void *addr, int addr_size)
{
    struct sockaddr_storage room;

    return leave(connect(fd_of(s), addr_in(addr, addr_size, &room), (socklen_t)addr_size));
}

int wl_shutdown(uintptr_t s, int how)
{
    /* SD_RECEIVE, SD_SEND, SD_BOTH are SHUT_RD, SHUT_WR, SHUT_RDWR. */
    return leave(shutdown(fd_of(s), how));
}

int ioctlsocket(uintptr_t s, int32_t command, uint32_t *value)
{
    int on = *value != 0;

    /* FIONBIO is the only command in use; its Winsock number ends in the same 'f', 126. */
    if (((uint32_t)command & 0xffff) != (('f' << 8) | 126)) {
        last_error = WS_WSAEINVAL;
        return -1;
    }
    return leave(ioctl(fd_of(s), FIONBIO, &on));
}

static int timeout_set(int fd, int name, const void *value, int size)
{
    struct timeval time;
    uint32_t ms;

    if (size != (int)sizeof(ms)) {
        last_error = WS_WSAEINVAL;
        return -1;
    }
    memcpy(&ms, value, sizeof(ms));
    time.tv_sec = ms / 1000;
    time.tv_usec = (suseconds_t)(ms % 1000) * 1000;
    return leave(setsockopt(fd, SOL_SOCKET, name, &time, sizeof(time)));
}

static int linger_set(int fd, const void *value, int size)
{
    struct linger linger;
    uint16_t pair[2];

    if (size != (int)sizeof(pair)) {
        last_error = WS_WSAEINVAL;
        return -1;
    }
    memcpy(pair, value, sizeof(pair));
    linger.l_onoff = pair[0];
    linger.l_linger = pair[1];
    return leave(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
}

int wl_setsockopt(uintptr_t s, int level, int name, const void *value, int size)
{
    int fd = fd_of(s);

    if (level == IPPROTO_TCP && name == WS_TCP_NODELAY) {
        return leave(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, (socklen_t)size));
    }
    if (level == WS_SOL_SOCKET) {
        switch (name) {
        case WS_SO_LINGER:
            return linger_set(fd, value, size);
        case WS_SO_SNDBUF:
            return leave(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, value, (socklen_t)size));
        case WS_SO_RCVBUF:
            return leave(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, (socklen_t)size));
        case WS_SO_SNDTIMEO:
            return timeout_set(fd, SO_SNDTIMEO, value, size);
        case WS_SO_RCVTIMEO:
            return timeout_set(fd, SO_RCVTIMEO, value, size);
        default:
            break;
        }
    }
    last_error = WS_WSAENOPROTOOPT;
    return -1;
}

int wl_getsockopt(uintptr_t s, int level, int name, void *value, int *size)
{
    int error = 0;
    socklen_t error_size = sizeof(error);

    if (level != WS_SOL_SOCKET || name != WS_SO_ERROR || *size < (int)sizeof(error)) {
        last_error = WS_WSAENOPROTOOPT;
        return -1;
    }
    if (leave(getsockopt(fd_of(s), SOL_SOCKET, SO_ERROR, &error, &error_size)) != 0) {
        return -1;
    }
    error = error == 0 ? 0 : code_of(error);
    memcpy(value, &error, sizeof(error));
    return 0;
}

int wl_send(uintptr_t s, const void *data, int size, int flags)
{
    return leave(send(fd_of(s), data, (size_t)size, flags | MSG_NOSIGNAL));
}

int wl_recv(uintptr_t s, void *data, int size, int flags)
{
    return leave(recv(fd_of(s), data, (size_t)size, flags));
}

int wl_sendto(uintptr_t s, const void *data, int size, int flags, const void *to, int to_size)
{
    struct sockaddr_storage room;

    return leave(
        sendto(fd_of(s), data, (size_t)size, flags | MSG_NOSIGNAL, addr_in(to, to_size, &room), (socklen_t)to_size));
}

int wl_recvfrom(uintptr_t s, void *data, int size, int flags, void *from, int *from_size)
{
    int got = leave(recvfrom(fd_of(s), data, (size_t)size, flags, from, (socklen_t *)from_size));

    if (got >= 0 && from != NULL) {
        addr_out(from);
    }
    return got;
}

static nfds_t polls_add(struct pollfd *polls, nfds_t count, const struct bench_fd_set *set, short events)
{
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        polls[count++] = (struct pollfd){.fd = fd_of(set->sockets[i]), .events = events};
    }
    return count;
}

/* Keeps in a set what poll() reported; *next is where the set begins among the entries. */
static int set_keep(const struct pollfd *polls, nfds_t *next, struct bench_fd_set *set, short wanted, short barred)
{
    uint32_t kept = 0;
    uint32_t count = set == NULL ? 0 : set->count;

    for (uint32_t i = 0; i < count; i++) {
        const struct pollfd *entry = &polls[(*next)++];
        if ((entry->revents & wanted) != 0 && (entry->revents & barred) == 0) {
            set->sockets[kept++] = set->sockets[i];
        }
    }
    if (set != NULL) {
        set->count = kept;
    }
    return (int)kept;
}

int wl_select(int unused, struct bench_fd_set *readable, struct bench_fd_set *writable, struct bench_fd_set *failed,
              const struct bench_timeval *timeout)
{
    struct pollfd polls[3 * 64];
    nfds_t count = polls_add(polls, 0, readable, POLLIN);
    nfds_t next = 0;
    int ms = timeout == NULL ? -1 : (int)(timeout->sec * 1000 + (timeout->usec + 999) / 1000);
    int ready;

    (void)unused;
    count = polls_add(polls, count, writable, POLLOUT);
    count = polls_add(polls, count, failed, POLLPRI);
    ready = leave(poll(polls, count, ms));
    if (ready < 0) {
        return -1;
    }
    ready = set_keep(polls, &next, readable, POLLIN | POLLHUP | POLLERR, 0);
    ready += set_keep(polls, &next, writable, POLLOUT, POLLERR);
    ready += set_keep(polls, &next, failed, POLLPRI | POLLERR, 0);
    return ready;
}

int __WSAFDIsSet(uintptr_t s, struct bench_fd_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->sockets[i] == s) {
            return 1;
        }
    }
    return 0;
}

uint16_t wl_htons(uint16_t host)
{
    return htons(host);
}

uint16_t wl_ntohs(uint16_t net)
{
    return ntohs(net);
}

int wl_inet_pton(int family, const char *text, void *addr)
{
    return inet_pton(family == WS_AF_INET6 ? AF_INET6 : family, text, addr);
}

int32_t QueryPerformanceCounter(int64_t *count)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    *count = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    return 1;
}

int32_t QueryPerformanceFrequency(int64_t *per_second)
{
    *per_second = 1000000000;
    return 1;
}

void Sleep(uint32_t ms)
{
    const struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&left, NULL);
}
