/** @file What the fuzzers of the SPI share. */
#include "t_fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    t_fuzz_holds(t_host_start(NULL) == 0, "the provider starts");
    return 0;
}

void t_fuzz_holds(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz: does not hold: %s (code %d)\n", what, t_err);
    abort();
}

static void take(struct t_fuzz *in, void *out, size_t size)
{
    size_t there = size < in->left ? size : in->left;

    memset(out, 0, size);
    memcpy(out, in->at, there);
    in->at += there;
    in->left -= there;
}

uint8_t t_fuzz_u8(struct t_fuzz *in)
{
    uint8_t value;

    take(in, &value, sizeof value);
    return value;
}

uint16_t t_fuzz_u16(struct t_fuzz *in)
{
    uint16_t value;

    take(in, &value, sizeof value);
    return value;
}

uint32_t t_fuzz_u32(struct t_fuzz *in)
{
    uint32_t value;

    take(in, &value, sizeof value);
    return value;
}

void *t_fuzz_bytes(struct t_fuzz *in, size_t max, size_t *len)
{
    size_t count = in->left < max ? in->left : max;
    void *bytes = malloc(count != 0 ? count : 1);

    t_fuzz_holds(bytes != NULL, "memory");
    take(in, bytes, count);
    *len = count;
    return bytes;
}

static void socket_state(SOCKET s, int af, int type, enum t_fuzz_state state)
{
    if (state == T_FUZZ_FRESH)
        return;
    (void)t_spi.lpWSPBind(s, t_addr(af, 0), t_addr_size(af), &t_err);
    if (state == T_FUZZ_LISTENING && type == SOCK_STREAM)
        (void)t_spi.lpWSPListen(s, 4, &t_err);
    if (state == T_FUZZ_CONNECTED && type != SOCK_STREAM)
        (void)t_spi.lpWSPConnect(s, t_addr(af, 9), t_addr_size(af), NULL, NULL, NULL, NULL, &t_err);
}

SOCKET t_fuzz_socket(struct t_fuzz *in)
{
    uint8_t choice = t_fuzz_u8(in);
    int af = (choice & 1) ? AF_INET6 : AF_INET;
    int type = SOCK_STREAM + (choice >> 1) % 3;
    LPWSAPROTOCOL_INFOW info = t_info(af, type);
    SOCKET s = t_spi.lpWSPSocket(af, type, info->iProtocol, info, 0, WSA_FLAG_OVERLAPPED, &t_err);

    t_fuzz_holds(s != INVALID_SOCKET, "a socket is made");
    t_fuzz_holds(t_nonblocking(s, true) == 0, "a socket is nonblocking");
    socket_state(s, af, type, (enum t_fuzz_state)((choice >> 4) % T_FUZZ_STATES));
    return s;
}

void t_fuzz_answer(int result)
{
    bool known = (t_err >= WSABASEERR && t_err < WSABASEERR + 1200) || t_err == WSA_IO_PENDING ||
                 t_err == WSA_NOT_ENOUGH_MEMORY || t_err == WSA_INVALID_PARAMETER || t_err == WSA_INVALID_HANDLE ||
                 t_err == WSA_OPERATION_ABORTED || t_err == 122 /* ERROR_INSUFFICIENT_BUFFER */ ||
                 t_err == 50 /* ERROR_NOT_SUPPORTED */ || t_err == 1168 /* ERROR_NOT_FOUND */;

    t_fuzz_holds(result == 0 || result == SOCKET_ERROR, "the result is 0 or SOCKET_ERROR");
    t_fuzz_holds(result == 0 || known, "the code is one of Winsock's");
}
