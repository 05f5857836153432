/** @file Arrays of buffers, flags and sizes of the sending and receiving slots. */
#include "t_fuzz.h"

#include <stdlib.h>
#include <string.h>

#define BUFFERS_MAX 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void buffers_make(struct t_fuzz *in, WSABUF *buffers, DWORD count)
{
    for (DWORD i = 0; i < count; i++) {
        uint8_t kind = t_fuzz_u8(in);
        ULONG len = kind % 64;

        buffers[i].buf = (kind & 0x80) ? NULL : calloc(len != 0 ? len : 1, 1);
        buffers[i].len = kind == 0xff ? 0x80000000u : len; /* a negative length of the API */
        if (kind == 0xff) {
            free(buffers[i].buf);
            buffers[i].buf = NULL;
        }
    }
}

static void try_call(SOCKET s, uint8_t slot, WSABUF *buffers, DWORD count, DWORD flags)
{
    SOCKADDR_STORAGE from;
    INT from_len = slot >> 4;
    DWORD bytes = 0;

    t_err = 0;
    switch (slot % 4) {
    case 0:
        t_fuzz_answer(t_spi.lpWSPSend(s, buffers, count, &bytes, flags, NULL, NULL, NULL, &t_err));
        break;
    case 1:
        t_fuzz_answer(t_spi.lpWSPSendTo(s, buffers, count, &bytes, flags, t_addr(AF_INET, 9), t_addr_size(AF_INET),
                                        NULL, NULL, NULL, &t_err));
        break;
    case 2:
        t_fuzz_answer(t_spi.lpWSPRecv(s, buffers, count, &bytes, &flags, NULL, NULL, NULL, &t_err));
        break;
    default:
        from_len = from_len == 0 ? (INT)sizeof from : from_len;
        t_fuzz_answer(t_spi.lpWSPRecvFrom(s, buffers, count, &bytes, &flags, (LPSOCKADDR)&from, &from_len, NULL, NULL,
                                          NULL, &t_err));
        break;
    }
}

/* What is there to be received: a datagram to itself. */
static void feed(SOCKET s, const uint8_t *data, size_t size)
{
    SOCKADDR_STORAGE name;
    INT len = (INT)sizeof name;
    WSABUF buffer = {.len = (ULONG)size, .buf = (char *)(uintptr_t)data};
    DWORD sent = 0;

    if (t_spi.lpWSPGetSockName(s, (LPSOCKADDR)&name, &len, &t_err) == 0)
        (void)t_spi.lpWSPSendTo(s, &buffer, 1, &sent, 0, (LPSOCKADDR)&name, len, NULL, NULL, NULL, &t_err);
}

/** One input: a socket and calls on it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t_fuzz in = {.at = data, .left = size};
    SOCKET s = t_fuzz_socket(&in);

    feed(s, data, size < 64 ? size : 64);
    for (int i = 0; i < 6 && in.left > 2; i++) {
        uint8_t slot = t_fuzz_u8(&in);
        DWORD count = t_fuzz_u8(&in) % BUFFERS_MAX;
        DWORD flags = (slot & 8) ? t_fuzz_u32(&in) : 0;
        WSABUF *buffers = calloc(count != 0 ? count : 1, sizeof *buffers);

        t_fuzz_holds(buffers != NULL, "memory");
        buffers_make(&in, buffers, count);
        try_call(s, slot, buffers, count, flags);
        for (DWORD b = 0; b < count; b++)
            free(buffers[b].buf);
        free(buffers);
    }
    t_close(s);
    return 0;
}
