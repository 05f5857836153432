/** @file Values of socket options, set and read with any level, name and size. */
#include "t_fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int level_of(uint8_t choice)
{
    static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6};

    return choice < 240 ? levels[choice % 6] : choice;
}

/* The first bytes name an option; most are small, SOL_SOCKET has some of 0x3000 and 0x7000 and negative ones. */
static int name_of(uint16_t choice)
{
    static const int pages[] = {0, 0, 0, 0x1000, 0x2000, 0x3000, 0x7000, 0xff00};

    return (choice & 0x8000) ? ~(choice & 0xff) : pages[(choice >> 12) & 7] | (choice & 0xfff);
}

static void try_get(SOCKET s, int level, int name, size_t room)
{
    char *value = malloc(room != 0 ? room : 1);
    int len = (int)room;
    int result;

    t_fuzz_holds(value != NULL, "memory");
    t_err = 0;
    result = t_spi.lpWSPGetSockOpt(s, level, name, value, &len, &t_err);
    t_fuzz_answer(result);
    t_fuzz_holds(result != 0 || (len >= 0 && (size_t)len <= room), "a value ends in its room");
    free(value);
}

/** One input: a socket, then options set and read on it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t_fuzz in = {.at = data, .left = size};
    SOCKET s = t_fuzz_socket(&in);

    for (int i = 0; i < 8 && in.left > 4; i++) {
        int level = level_of(t_fuzz_u8(&in)), name = name_of(t_fuzz_u16(&in));
        uint8_t what = t_fuzz_u8(&in);
        size_t len;
        void *value = t_fuzz_bytes(&in, what & 0x7f, &len);

        t_err = 0;
        if (!(what & 0x80))
            t_fuzz_answer(t_spi.lpWSPSetSockOpt(s, level, name, value, (int)len, &t_err));
        try_get(s, level, name, what & 0x7f);
        free(value);
    }
    t_close(s);
    return 0;
}
