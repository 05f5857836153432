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

#define sprintf_s snprintf

#endif
