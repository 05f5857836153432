/** @file Addresses and their texts, in every slot that takes one. */
#include "t_fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_names(SOCKET s, uint8_t slot, const struct sockaddr *name, int len)
{
    char byte = 'x';
    WSABUF buffer = {.len = 1, .buf = &byte};
    DWORD sent = 0;
    SOCKET leaf;

    t_err = 0;
    switch (slot % 4) {
    case 0:
        t_fuzz_answer(t_spi.lpWSPBind(s, name, len, &t_err));
        break;
    case 1:
        t_fuzz_answer(t_spi.lpWSPConnect(s, name, len, NULL, NULL, NULL, NULL, &t_err));
        break;
    case 2:
        t_fuzz_answer(t_spi.lpWSPSendTo(s, &buffer, 1, &sent, 0, name, len, NULL, NULL, NULL, &t_err));
        break;
    default:
        leaf = t_spi.lpWSPJoinLeaf(s, name, len, NULL, NULL, NULL, NULL, JL_BOTH, &t_err);
        t_fuzz_holds(leaf == s || leaf == INVALID_SOCKET, "joining gives the socket or nothing");
        break;
    }
}

/* A text that was written is read back as the same address. */
static void try_text(struct sockaddr *name, DWORD len, DWORD room)
{
    WCHAR *text = malloc((room != 0 ? room : 1) * sizeof *text);
    SOCKADDR_STORAGE back;
    INT back_len = (INT)sizeof back;
    DWORD chars = room;

    t_fuzz_holds(text != NULL, "memory");
    t_err = 0;
    if (t_spi.lpWSPAddressToString(name, len, NULL, text, &chars, &t_err) == 0) {
        t_fuzz_holds(chars <= room && text[chars - 1] == 0, "a text ends in its room");
        t_fuzz_holds(t_spi.lpWSPStringToAddress(text, name->sa_family, NULL, (LPSOCKADDR)&back, &back_len, &t_err) == 0,
                     "a text is read back");
        t_fuzz_holds(back_len > 0 && ((LPSOCKADDR)&back)->sa_family == name->sa_family, "the family is the same");
    }
    free(text);
}

static void try_string(struct t_fuzz *in, int af)
{
    SOCKADDR_STORAGE out;
    INT room = t_fuzz_u8(in) % (int)(sizeof out + 1);
    size_t len;
    WCHAR *bytes = t_fuzz_bytes(in, 200, &len);
    size_t count = len / sizeof *bytes;
    WCHAR *text = calloc(count + 1, sizeof *text);

    t_fuzz_holds(text != NULL, "memory");
    memcpy(text, bytes, count * sizeof *text);
    t_err = 0;
    t_fuzz_answer(t_spi.lpWSPStringToAddress(text, af, NULL, (LPSOCKADDR)&out, &room, &t_err));
    free(text);
    free(bytes);
}

/** One input: a slot, a socket, an address of any length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct t_fuzz in = {.at = data, .left = size};
    uint8_t slot = t_fuzz_u8(&in);
    int8_t said = (int8_t)t_fuzz_u8(&in);
    size_t len;
    void *name;
    SOCKET s;

    if (slot & 0x40) {
        try_string(&in, (slot & 1) ? AF_INET6 : AF_INET);
        return 0;
    }
    s = t_fuzz_socket(&in);
    name = t_fuzz_bytes(&in, sizeof(SOCKADDR_STORAGE), &len);
    if ((slot & 0x80) && len >= sizeof(u_short))
        try_text(name, (DWORD)len, (DWORD)(uint8_t)said % 80);
    else if (!(slot & 0x80)) /* lengths that are said and are smaller or negative; never larger than what is there */
        try_names(s, slot, name, said < (int)len ? said : (int)len);
    free(name);
    t_close(s);
    return 0;
}
