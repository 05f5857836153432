/** @file Buffers of control codes. */
#include "t_fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Groups of codes: Winsock's without and with a protocol, vendors', the oldest. */
static DWORD code_of(uint32_t choice)
{
    static const DWORD pages[] = {IOC_WS2, IOC_PROTOCOL, IOC_VENDOR, 0x0F000000u, 0x18000000u};
    static const DWORD ways[] = {IOC_VOID, IOC_OUT, IOC_IN, IOC_INOUT};
    static const DWORD old[] = {FIONREAD, SIOCATMARK, FIOASYNC};
    DWORD code = pages[(choice >> 16) % 5] | ways[(choice >> 24) & 3] | (choice & 0xff);

    return (choice & 0x80000000u) ? choice : (choice & 0x40000000u) ? old[choice % 3] : code;
}

/** One input: a socket, a code, what goes in and how much room there is for what comes out. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t_fuzz in = {.at = data, .left = size};
    SOCKET s = t_fuzz_socket(&in);
    DWORD code = code_of(t_fuzz_u32(&in)), returned = 0;
    DWORD room = t_fuzz_u16(&in) % 2048;
    size_t len;
    void *given = t_fuzz_bytes(&in, 512, &len);
    char *out = malloc(room != 0 ? room : 1);
    int result;

    t_fuzz_holds(out != NULL, "memory");
    /* A blocking socket would wait for what may never come; a list of addresses holds pointers, and a guessed one may be
     * into the sanitizer's own memory, which can be read and yet is nobody's. */
    if (code != (DWORD)FIONBIO && code != (DWORD)SIO_ADDRESS_LIST_SORT) {
        t_err = 0;
        result = t_spi.lpWSPIoctl(s, code, given, (DWORD)len, out, room, &returned, NULL, NULL, NULL, &t_err);
        t_fuzz_answer(result);
        t_fuzz_holds(result != 0 || returned <= room, "what was written ends in its room");
    }
    free(out);
    free(given);
    t_close(s);
    return 0;
}
