/*
 * UTF-8 and UTF-16: paths and the texts of the catalogue file. Source: RFC 3629.
 */
#include "ws2_priv.h"

#define REPLACEMENT 0xfffdu

/* One character; what is not UTF-8 gives the replacement character and one byte is skipped. */
static uint32_t next_of_utf8(const char **at)
{
    const unsigned char *byte = (const unsigned char *)*at;
    unsigned extra = byte[0] < 0x80   ? 0
                     : byte[0] < 0xc2 ? 9
                     : byte[0] < 0xe0 ? 1
                     : byte[0] < 0xf0 ? 2
                     : byte[0] < 0xf5 ? 3
                                      : 9;
    uint32_t value = extra == 0 ? byte[0] : extra < 4 ? byte[0] & (0x3fu >> extra) : 0;
    unsigned i;
    ++*at;
    for (i = 1; extra < 4 && i <= extra; i++) {
        if ((byte[i] & 0xc0u) != 0x80u) {
            return REPLACEMENT;
        }
        value = value << 6 | (byte[i] & 0x3fu);
    }
    if (extra > 3 || (extra == 2 && value < 0x800) || (extra == 3 && (value < 0x10000 || value > 0x10ffff)) ||
        (value >= 0xd800 && value < 0xe000)) {
        return REPLACEMENT;
    }
    *at += extra;
    return value;
}

/**
 * Widen a text.
 *
 * @param out_chars  Room, the terminator included; at least 1.
 * @return           Characters that the whole text needs, the terminator excluded; what does not fit is cut between
 *                   characters.
 */
size_t ws2_utf16_from_utf8(const char *in, WCHAR *out, size_t out_chars)
{
    size_t need = 0;
    size_t done = 0;
    bool room = true;
    while (*in != '\0') {
        uint32_t value = next_of_utf8(&in);
        size_t units = value < 0x10000 ? 1 : 2;
        need += units;
        room = room && need < out_chars;
        if (room && units == 1) {
            out[done++] = (WCHAR)value;
        } else if (room) {
            out[done++] = (WCHAR)(0xd800 + ((value - 0x10000) >> 10));
            out[done++] = (WCHAR)(0xdc00 + ((value - 0x10000) & 0x3ff));
        }
    }
    out[done] = 0;
    return need;
}

/* A surrogate without its partner gives the replacement character. */
static uint32_t next_of_utf16(const WCHAR **at)
{
    uint32_t value = *(*at)++;
    if (value < 0xd800 || value >= 0xe000) {
        return value;
    }
    if (value >= 0xdc00 || **at < 0xdc00 || **at >= 0xe000) {
        return REPLACEMENT;
    }
    return 0x10000 + ((value - 0xd800) << 10) + (*(*at)++ - 0xdc00u);
}

/** Narrow a text. As ws2_utf16_from_utf8; counts bytes. */
size_t ws2_utf8_from_utf16(const WCHAR *in, char *out, size_t out_bytes)
{
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t need = 0;
    size_t done = 0;
    bool room = true;
    while (*in != 0) {
        uint32_t value = next_of_utf16(&in);
        unsigned bytes = value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
        unsigned i;
        need += bytes;
        room = room && need < out_bytes;
        for (i = 0; room && i < bytes; i++) {
            uint32_t part = value >> (6 * (bytes - 1 - i));
            out[done++] = (char)(bytes == 1 ? part : i == 0 ? part | lead[bytes] : 0x80u | (part & 0x3fu));
        }
    }
    out[done] = '\0';
    return need;
}
