/*
 * The few names of Microsoft's C library that the documentation's programs use and libc lacks; included by windows.h.
 */
#ifndef WL_CRT_H
#define WL_CRT_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static inline int _stricmp(const char *a, const char *b)
{
    return strcasecmp(a, b);
}

static inline int _strnicmp(const char *a, const char *b, size_t n)
{
    return strncasecmp(a, b, n);
}

/* What does not fit leaves an empty text and an error, as there. */
static inline int strcpy_s(char *out, size_t out_bytes, const char *in)
{
    size_t length = in == NULL ? 0 : strlen(in);
    if (out == NULL || out_bytes == 0) {
        return EINVAL;
    }
    if (in == NULL || length >= out_bytes) {
        out[0] = '\0';
        return in == NULL ? EINVAL : ERANGE;
    }
    memcpy(out, in, length + 1);
    return 0;
}

/* Bytes before the terminator, or `most`: strict C has no strnlen. */
static inline size_t wl_text_length(const char *text, size_t most)
{
    const char *end = (const char *)memchr(text, 0, most);
    return end == NULL ? most : (size_t)(end - text);
}

static inline int strcat_s(char *out, size_t out_bytes, const char *in)
{
    size_t before = out == NULL ? 0 : wl_text_length(out, out_bytes);
    int code;
    if (out == NULL || before >= out_bytes) {
        return EINVAL;
    }
    code = strcpy_s(out + before, out_bytes - before, in);
    if (code != 0) {
        out[0] = '\0';
    }
    return code;
}

#define _TRUNCATE ((size_t)-1)
#define STRUNCATE 80

/* Copies `count` characters at most and ends the text; with _TRUNCATE what fits. */
static inline int strncpy_s(char *out, size_t out_bytes, const char *in, size_t count)
{
    size_t length;
    int code;
    if (out == NULL || out_bytes == 0 || in == NULL) {
        return EINVAL;
    }
    length = wl_text_length(in, count < out_bytes ? count : out_bytes);
    code = length < out_bytes ? 0 : count == _TRUNCATE ? STRUNCATE : ERANGE;
    if (length >= out_bytes) {
        length = code == STRUNCATE ? out_bytes - 1 : 0;
    }
    memcpy(out, in, length);
    out[length] = '\0';
    return code;
}

#define sprintf_s snprintf
#define _snprintf snprintf
#define _vsnprintf vsnprintf
#define _strdup strdup
#define printf_s printf
#define fprintf_s fprintf
#define _countof(array) (sizeof(array) / sizeof((array)[0]))

#define __int64 long long
#define __int32 int
#define __int16 short
#define __int8 char

#endif
