/** @file WSAMSG structures: control messages of WSASendMsg, the room that WSARecvMsg is given. */
#include "t_fuzz.h"

#include <mswsock.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *function_of(SOCKET s, GUID id)
{
    void *function = NULL;
    DWORD bytes = 0;

    t_fuzz_holds(t_spi.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function,
                                  &bytes, NULL, NULL, NULL, &t_err) == 0,
                 "the function is there");
    return function;
}

static void answer(int result)
{
    t_err = result == 0 ? 0 : t_last_error();
    t_fuzz_answer(result);
}

static void try_send(SOCKET s, struct t_fuzz *in)
{
    static const GUID id = WSAID_WSASENDMSG;
    LPFN_WSASENDMSG send_msg;
    void *function = function_of(s, id);
    SOCKADDR_STORAGE name;
    char byte = 'x';
    WSABUF buffer = {.len = 1, .buf = &byte};
    WSAMSG msg = {.name = (LPSOCKADDR)&name, .lpBuffers = &buffer, .dwBufferCount = 1};
    DWORD flags = t_fuzz_u8(in) & 1 ? t_fuzz_u16(in) : 0, sent = 0;
    INT len = (INT)sizeof name;
    size_t size;

    memcpy(&send_msg, &function, sizeof function);
    if (t_spi.lpWSPGetSockName(s, (LPSOCKADDR)&name, &len, &t_err) == 0)
        msg.namelen = len;
    msg.Control.buf = t_fuzz_bytes(in, 512, &size);
    msg.Control.len = (ULONG)size;
    answer(send_msg(s, &msg, flags, &sent, NULL, NULL));
    free(msg.Control.buf);
}

static void try_recv(SOCKET s, struct t_fuzz *in)
{
    static const GUID id = WSAID_WSARECVMSG;
    LPFN_WSARECVMSG recv_msg;
    void *function = function_of(s, id);
    ULONG room = t_fuzz_u8(in), name_room = t_fuzz_u8(in) % 64, data_room = t_fuzz_u8(in) % 8;
    char *control = malloc(room != 0 ? room : 1), *name = malloc(name_room != 0 ? name_room : 1);
    char *bytes = malloc(data_room != 0 ? data_room : 1);
    WSABUF buffer = {.len = data_room, .buf = bytes};
    WSAMSG msg = {.name = (LPSOCKADDR)(void *)name,
                  .namelen = (INT)name_room,
                  .lpBuffers = &buffer,
                  .dwBufferCount = 1,
                  .Control = {.len = room, .buf = control}};
    DWORD got = 0;

    t_fuzz_holds(control && name && bytes, "memory");
    memcpy(&recv_msg, &function, sizeof function);
    answer(recv_msg(s, &msg, &got, NULL, NULL));
    t_fuzz_holds(msg.Control.len <= room, "control data ends in its room");
    free(bytes);
    free(name);
    free(control);
}

/** One input: a socket with facts to be told, a message to itself, how it is received. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t_fuzz in = {.at = data, .left = size};
    SOCKET s = t_fuzz_socket(&in);
    uint8_t facts = t_fuzz_u8(&in);
    int on = 1;

    for (int option = IP_PKTINFO; option < 64; option++) /* whichever there are */
        if (facts & (1 << (option % 8)))
            for (int level = 0; level < 2; level++)
                (void)t_spi.lpWSPSetSockOpt(s, level == 0 ? IPPROTO_IP : IPPROTO_IPV6, option, (const char *)&on,
                                            (int)sizeof on, &t_err);
    try_recv(s, &in);
    try_send(s, &in);
    try_recv(s, &in);
    t_close(s);
    return 0;
}
