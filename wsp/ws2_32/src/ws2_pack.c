/*
 * Laying a structure and all that it points to into one buffer of the caller's. What does not fit is counted, so that the
 * caller can be told what is needed. Source: rules NSPX-5, A.19.18.
 */
#include "ws2_nsp.h"

#include <string.h>

/**
 * Take room.
 *
 * @param align  A power of two.
 * @return       NULL when it does not fit; what is needed grows all the same.
 */
void *ws2_pack_take(struct ws2_pack *pack, size_t bytes, size_t align)
{
    size_t at = (pack->used + align - 1) & ~(align - 1);
    pack->used = at + bytes;
    return pack->base == NULL || pack->used > pack->room ? NULL : pack->base + at;
}

/** Take room and fill it. from may be NULL: zeros. */
void *ws2_pack_copy(struct ws2_pack *pack, const void *from, size_t bytes, size_t align)
{
    void *out = ws2_pack_take(pack, bytes, align);
    if (out != NULL && from != NULL) {
        memcpy(out, from, bytes);
    } else if (out != NULL) {
        memset(out, 0, bytes);
    }
    return out;
}

/** A copy of a text; NULL for NULL. */
WCHAR *ws2_pack_wide(struct ws2_pack *pack, const WCHAR *text)
{
    return text == NULL ? NULL
                        : (WCHAR *)ws2_pack_copy(pack, text, (ws2_utf16_len(text) + 1) * sizeof *text, sizeof *text);
}

/** A copy of a text; NULL for NULL. */
char *ws2_pack_text(struct ws2_pack *pack, const char *text)
{
    return text == NULL ? NULL : (char *)ws2_pack_copy(pack, text, strlen(text) + 1, 1);
}

/** A text in UTF-16. */
WCHAR *ws2_pack_widened(struct ws2_pack *pack, const char *text)
{
    size_t chars = text == NULL ? 0 : strlen(text) + 1;
    WCHAR *out = text == NULL ? NULL : (WCHAR *)ws2_pack_take(pack, chars * sizeof *out, sizeof *out);
    if (out != NULL) {
        ws2_utf16_from_ansi(text, out, chars);
    }
    return out;
}

/** A text in ANSI. */
char *ws2_pack_narrowed(struct ws2_pack *pack, const WCHAR *text)
{
    size_t bytes = text == NULL ? 0 : ws2_utf16_len(text) + 1;
    char *out = text == NULL ? NULL : (char *)ws2_pack_take(pack, bytes, 1);
    if (out != NULL) {
        ws2_ansi_from_utf16(text, out, bytes);
    }
    return out;
}
