/** @file WSAPROTOCOL_INFOW structures, of any content, for WSPSocket. */
#include "t_fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fields of a good entry are overwritten: an offset and bytes each. */
static void spoil(struct t_fuzz *in, WSAPROTOCOL_INFOW *info)
{
    for (int i = 0; i < 6 && in->left > 2; i++) {
        size_t at = t_fuzz_u16(in) % (sizeof *info - sizeof(uint32_t));
        uint32_t value = t_fuzz_u32(in);

        memcpy((char *)info + at, &value, sizeof value);
    }
}

/** One input: the arguments of WSPSocket. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t_fuzz in = {.at = data, .left = size};
    uint8_t choice = t_fuzz_u8(&in);
    int af = (choice & 1) ? AF_INET6 : AF_INET, type = SOCK_STREAM + (choice >> 1) % 3;
    WSAPROTOCOL_INFOW info = *t_info(af, type);
    DWORD flags = t_fuzz_u16(&in);
    int protocol = (choice & 0x10) ? t_fuzz_u8(&in) : info.iProtocol;
    SOCKET s;

    if (choice & 0x20)
        af = (int8_t)t_fuzz_u8(&in);
    if (choice & 0x40)
        type = (int8_t)t_fuzz_u8(&in);
    spoil(&in, &info);
    t_err = 0;
    s = t_spi.lpWSPSocket(af, type, protocol, &info, 0, flags, &t_err);
    if (s != INVALID_SOCKET)
        t_close(s);
    else
        t_fuzz_answer(SOCKET_ERROR);
    return 0;
}
