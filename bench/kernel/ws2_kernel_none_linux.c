#include "ws2_kernel.h"

#include <stddef.h>

/* What the kernel's sockets have not: programs that ask for it are told so. */
#define WSAEOPNOTSUPP 10045

static int32_t refused(void)
{
    WSASetLastError(WSAEOPNOTSUPP);
    return -1;
}

uintptr_t WSASocketW(int family, int type, int protocol, void *info, unsigned group, uint32_t flags)
{
    (void)family, (void)type, (void)protocol, (void)info, (void)group, (void)flags;
    (void)refused();
    return UINTPTR_MAX;
}

int WSAIoctl(uintptr_t s, uint32_t code, void *in, uint32_t in_bytes, void *out, uint32_t out_bytes, uint32_t *returned,
             void *overlapped, void *routine)
{
    (void)s, (void)code, (void)in, (void)in_bytes, (void)out, (void)out_bytes, (void)returned, (void)overlapped,
        (void)routine;
    return refused();
}

int WSASend(uintptr_t s, void *buffers, uint32_t count, uint32_t *sent, uint32_t flags, void *overlapped, void *routine)
{
    (void)s, (void)buffers, (void)count, (void)sent, (void)flags, (void)overlapped, (void)routine;
    return refused();
}

int WSARecv(uintptr_t s, void *buffers, uint32_t count, uint32_t *received, uint32_t *flags, void *overlapped,
            void *routine)
{
    (void)s, (void)buffers, (void)count, (void)received, (void)flags, (void)overlapped, (void)routine;
    return refused();
}

void *CreateIoCompletionPort(void *file, void *port, uintptr_t key, uint32_t threads)
{
    (void)file, (void)port, (void)key, (void)threads;
    (void)refused();
    return NULL;
}

int32_t GetQueuedCompletionStatusEx(void *port, void *entries, uint32_t count, uint32_t *removed, uint32_t timeout_ms,
                                    int32_t alertable)
{
    (void)port, (void)entries, (void)count, (void)removed, (void)timeout_ms, (void)alertable;
    (void)refused();
    return 0;
}

int32_t CloseHandle(void *handle)
{
    (void)handle;
    (void)refused();
    return 0;
}
