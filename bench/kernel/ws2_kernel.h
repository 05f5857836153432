/**
 * @file
 * The Winsock calls that the programs here make, each answered by the kernel's call of the same name.
 *
 * For benchmarks only: programs compiled with our winsock2.h are linked with this instead of libws2_32, so that "the
 * same program on the kernel" is the same object code. Each function is a jump to libc plus the translation of
 * numbers that differ; sockets are file descriptors. Declared here without Winsock's header, which cannot share a
 * translation unit with <sys/socket.h>; names that libc also has carry the symbols that our header gives them.
 *
 * Arguments, results and errors are Winsock's; only what the programs use is there, the rest gives WSAENOPROTOOPT or
 * WSAEINVAL. WSAGetLastError is per thread. Context: any thread.
 */
#ifndef BENCH_WS2_KERNEL_H
#define BENCH_WS2_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/** Winsock's set: a count and an array. */
struct bench_fd_set {
    uint32_t count;
    uintptr_t sockets[64];
};

struct bench_timeval {
    long sec;
    long usec;
};

int WSAStartup(uint16_t version, void *data);
int WSACleanup(void);
int WSAGetLastError(void);
void WSASetLastError(int code);

uintptr_t wl_socket(int family, int type, int protocol);
int closesocket(uintptr_t s);
int wl_bind(uintptr_t s, const void *addr, int addr_size);
int wl_listen(uintptr_t s, int backlog);
uintptr_t wl_accept(uintptr_t s, void *addr, int *addr_size);
int wl_connect(uintptr_t s, const void *addr, int addr_size);
int wl_shutdown(uintptr_t s, int how);
int ioctlsocket(uintptr_t s, int32_t command, uint32_t *value);
int wl_setsockopt(uintptr_t s, int level, int name, const void *value, int size);
int wl_getsockopt(uintptr_t s, int level, int name, void *value, int *size);

int wl_send(uintptr_t s, const void *data, int size, int flags);
int wl_recv(uintptr_t s, void *data, int size, int flags);
int wl_sendto(uintptr_t s, const void *data, int size, int flags, const void *to, int to_size);
int wl_recvfrom(uintptr_t s, void *data, int size, int flags, void *from, int *from_size);
int wl_select(int unused, struct bench_fd_set *readable, struct bench_fd_set *writable, struct bench_fd_set *failed,
              const struct bench_timeval *timeout);
int __WSAFDIsSet(uintptr_t s, struct bench_fd_set *set);

uint16_t wl_htons(uint16_t host);
uint16_t wl_ntohs(uint16_t net);
int wl_inet_pton(int family, const char *text, void *addr);

int32_t QueryPerformanceCounter(int64_t *count);
int32_t QueryPerformanceFrequency(int64_t *per_second);
void Sleep(uint32_t ms);

/* What the kernel's sockets have not: WSAEOPNOTSUPP. */
uintptr_t WSASocketW(int family, int type, int protocol, void *info, unsigned group, uint32_t flags);
int WSAIoctl(uintptr_t s, uint32_t code, void *in, uint32_t in_bytes, void *out, uint32_t out_bytes, uint32_t *returned,
             void *overlapped, void *routine);
int WSASend(uintptr_t s, void *buffers, uint32_t count, uint32_t *sent, uint32_t flags, void *overlapped,
            void *routine);
int WSARecv(uintptr_t s, void *buffers, uint32_t count, uint32_t *received, uint32_t *flags, void *overlapped,
            void *routine);
void *CreateIoCompletionPort(void *file, void *port, uintptr_t key, uint32_t threads);
int32_t GetQueuedCompletionStatusEx(void *port, void *entries, uint32_t count, uint32_t *removed, uint32_t timeout_ms,
                                    int32_t alertable);
int32_t CloseHandle(void *handle);

#endif
