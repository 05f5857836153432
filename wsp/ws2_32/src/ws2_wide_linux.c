/*
 * Wide text, Linux: wl_wide.h. The formats are Microsoft's.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "ws2_priv.h"

#define PLAIN_BYTES 512 /* of one number, its width and precision included */

/* Where formatted text goes: what is beyond the room is only counted. */
struct wide_out {
    WCHAR *text;
    size_t room;
    size_t count;
};

enum wide_length { LENGTH_NONE, LENGTH_SHORT, LENGTH_LONG, LENGTH_64, LENGTH_SIZE };

/* One conversion: flags are kept as they stand, in `plain`, for libc's own of numbers. */
struct wide_spec {
    char plain[16]; /* '%' and the flags */
    int width;
    int precision; /* -1: none */
    enum wide_length length;
    char kind;
    bool left;
};

static void out_unit(struct wide_out *out, WCHAR unit)
{
    if (out->count < out->room) {
        out->text[out->count] = unit;
    }
    out->count++;
}

static void out_pad(struct wide_out *out, int width, size_t chars)
{
    for (; width > 0 && (size_t)width > chars; width--) {
        out_unit(out, ' ');
    }
}

static void out_text(struct wide_out *out, const struct wide_spec *spec, const WCHAR *text)
{
    static const WCHAR none[] = {'(', 'n', 'u', 'l', 'l', ')', 0};
    size_t chars = 0;
    size_t i;
    text = text == NULL ? none : text;
    while ((spec->precision < 0 || chars < (size_t)spec->precision) && text[chars] != 0) {
        chars++;
    }
    out_pad(out, spec->left ? 0 : spec->width, chars);
    for (i = 0; i < chars; i++) {
        out_unit(out, text[i]);
    }
    out_pad(out, spec->left ? spec->width : 0, chars);
}

/* Precision counts bytes of it: a narrow text need not have an end behind those. */
static bool out_narrow(struct wide_out *out, const struct wide_spec *spec, const char *text)
{
    char *copy = text == NULL          ? strdup("(null)")
                 : spec->precision < 0 ? strdup(text)
                                       : strndup(text, (size_t)spec->precision);
    size_t chars = copy == NULL ? 0 : strlen(copy) + 1;
    WCHAR *wide = copy == NULL ? NULL : (WCHAR *)malloc(chars * sizeof *wide);
    if (wide != NULL) {
        (void)ws2_utf16_from_utf8(copy, wide, chars);
        out_text(out, spec, wide);
    }
    free(copy);
    free(wide);
    return wide != NULL;
}

static int number_of(const WCHAR **at)
{
    int value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value < 10000000 ? value * 10 + (**at - '0') : value;
    }
    return value;
}

static bool is_flag(WCHAR unit)
{
    return unit == '-' || unit == '+' || unit == ' ' || unit == '#' || unit == '0';
}

static enum wide_length length_of(const WCHAR **at)
{
    const WCHAR *in = *at;
    enum wide_length length = LENGTH_NONE;
    if (in[0] == 'I' && ((in[1] == '6' && in[2] == '4') || (in[1] == '3' && in[2] == '2'))) {
        length = in[1] == '6' ? LENGTH_64 : LENGTH_LONG;
        in += 3;
    } else if ((in[0] == 'l' && in[1] == 'l') || in[0] == 'j' || in[0] == 'q') {
        length = LENGTH_64;
        in += in[0] == 'l' ? 2 : 1;
    } else if (in[0] == 'l' || in[0] == 'w') {
        length = LENGTH_LONG;
        in++;
    } else if (in[0] == 'h') {
        length = LENGTH_SHORT;
        in += in[1] == 'h' ? 2 : 1;
    } else if (in[0] == 'z' || in[0] == 't' || in[0] == 'I') {
        length = LENGTH_SIZE;
        in++;
    } else if (in[0] == 'L') {
        in++; /* a long double is a double there */
    }
    *at = in;
    return length;
}

/* What stands behind a '%', up to the letter of the conversion. */
static struct wide_spec spec_of(const WCHAR **at, va_list *arguments)
{
    struct wide_spec spec = {.plain = "%", .precision = -1};
    size_t flags = 1;
    for (; is_flag(**at); (*at)++) {
        spec.left = spec.left || **at == '-';
        if (flags < sizeof spec.plain - 1) {
            spec.plain[flags++] = (char)**at;
        }
    }
    if (**at == '*') {
        spec.width = va_arg(*arguments, int);
        (*at)++;
    } else {
        spec.width = number_of(at);
    }
    if (spec.width < 0) {
        spec.left = true;
        spec.width = -spec.width;
    }
    if (**at == '.') {
        (*at)++;
        if (**at == '*') {
            spec.precision = va_arg(*arguments, int);
            (*at)++;
        } else {
            spec.precision = number_of(at);
        }
    }
    spec.length = length_of(at);
    spec.kind = **at < 0x80 ? (char)**at : '\0';
    if (**at != 0) {
        (*at)++;
    }
    return spec;
}

/* The formats of numbers are put together here: a '%', flags, "*.*", and a letter that was looked at. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* A number: by libc's own conversion, of 64 bits. */
static bool out_number(struct wide_out *out, const struct wide_spec *spec, va_list *arguments)
{
    bool is_signed = spec->kind == 'd' || spec->kind == 'i';
    struct wide_spec text = {.precision = -1};
    char form[64];
    char plain[PLAIN_BYTES];
    uint64_t value;
    if (spec->length == LENGTH_64 || spec->length == LENGTH_SIZE) {
        value = va_arg(*arguments, uint64_t);
    } else {
        value = va_arg(*arguments, unsigned);
        value = spec->length == LENGTH_SHORT ? (uint64_t)(uint16_t)value : value;
        if (is_signed) {
            value = spec->length == LENGTH_SHORT ? (uint64_t)(int16_t)value : (uint64_t)(int32_t)value;
        }
    }
    (void)snprintf(form, sizeof form, "%s%s*.*ll%c", spec->plain, spec->left ? "-" : "", spec->kind);
    (void)snprintf(plain, sizeof plain, form, spec->width, spec->precision, value);
    return out_narrow(out, &text, plain);
}

static bool out_float(struct wide_out *out, const struct wide_spec *spec, va_list *arguments)
{
    struct wide_spec text = {.precision = -1};
    char form[64];
    char plain[PLAIN_BYTES];
    (void)snprintf(form, sizeof form, "%s%s*.*%c", spec->plain, spec->left ? "-" : "", spec->kind);
    (void)snprintf(plain, sizeof plain, form, spec->width, spec->precision, va_arg(*arguments, double));
    return out_narrow(out, &text, plain);
}

#pragma GCC diagnostic pop

static void out_char(struct wide_out *out, const struct wide_spec *spec, int value)
{
    struct wide_spec one = *spec;
    const WCHAR text[2] = {(WCHAR)value, 0};
    one.precision = 1;
    out_text(out, &one, text);
}

/* false: the conversion is none. */
static bool out_conversion(struct wide_out *out, const struct wide_spec *spec, va_list *arguments)
{
    /* %s and %S are of opposite widths; a length says which. */
    bool narrow = spec->length == LENGTH_SHORT || (spec->kind == 'S' && spec->length == LENGTH_NONE);
    struct wide_spec pointer = {.plain = "%", .precision = 16, .kind = 'X', .length = LENGTH_64};
    switch (spec->kind) {
    case 's':
    case 'S':
        if (narrow) {
            return out_narrow(out, spec, va_arg(*arguments, const char *));
        }
        out_text(out, spec, va_arg(*arguments, const WCHAR *));
        return true;
    case 'c':
    case 'C':
        out_char(out, spec, va_arg(*arguments, int));
        return true;
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        return out_number(out, spec, arguments);
    case 'p':
        return out_number(out, &pointer, arguments);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        return out_float(out, spec, arguments);
    case '%':
        out_unit(out, '%');
        return true;
    default:
        return false;
    }
}

/* @return Units that the whole text needs, in out->count; false: the format is wrong or memory is short. */
static bool wide_format(struct wide_out *out, const WCHAR *format, va_list *arguments)
{
    while (*format != 0) {
        struct wide_spec spec;
        if (*format != '%') {
            out_unit(out, *format++);
            continue;
        }
        format++;
        spec = spec_of(&format, arguments);
        /* What would not fit the conversion of one number is no format that a program means. */
        if (spec.width >= PLAIN_BYTES / 2 || spec.precision >= PLAIN_BYTES / 2) {
            bool text = spec.kind == 's' || spec.kind == 'S' || spec.kind == 'c' || spec.kind == 'C';
            if (!text) {
                return false;
            }
        }
        if (!out_conversion(out, &spec, arguments)) {
            return false;
        }
    }
    return true;
}

/**
 * Format into a buffer; as vswprintf_s.
 *
 * @param chars  Room, the terminator included.
 * @return       Characters, or -1: it did not fit or the format is wrong, and the buffer holds an empty text.
 */
int WINAPI wl_vswprintf(WCHAR *out, size_t chars, const WCHAR *format, va_list arguments)
{
    struct wide_out text = {out, chars, 0};
    va_list copy;
    bool right;
    if (out == NULL || chars == 0 || format == NULL) {
        errno = EINVAL;
        return -1;
    }
    va_copy(copy, arguments);
    right = wide_format(&text, format, &copy);
    va_end(copy);
    if (!right || text.count >= chars) {
        out[0] = 0;
        errno = right ? ERANGE : EINVAL;
        return -1;
    }
    out[text.count] = 0;
    return (int)text.count;
}

/** As wl_vswprintf. */
int WINAPI wl_swprintf(WCHAR *out, size_t chars, const WCHAR *format, ...)
{
    va_list arguments;
    int count;
    va_start(arguments, format);
    count = wl_vswprintf(out, chars, format, arguments);
    va_end(arguments);
    return count;
}

/* Narrowed and written in one piece. */
static bool put_wide(const WCHAR *text, size_t chars, FILE *stream)
{
    char *narrow = (char *)malloc(chars * 3 + 1);
    bool done = false;
    if (narrow != NULL) {
        (void)ws2_utf8_from_utf16(text, narrow, chars * 3 + 1);
        done = fputs(narrow, stream) >= 0;
    }
    free(narrow);
    return done;
}

/** Format and write. @return Characters, or -1: wrong format, short memory, or the stream's error. */
int WINAPI wl_vfwprintf(FILE *stream, const WCHAR *format, va_list arguments)
{
    struct wide_out text = {NULL, 0, 0};
    WCHAR *wide;
    va_list copy;
    bool right;
    int count = -1;
    va_copy(copy, arguments);
    right = wide_format(&text, format, &copy);
    va_end(copy);
    wide = right ? (WCHAR *)malloc((text.count + 1) * sizeof *wide) : NULL;
    if (wide != NULL && wl_vswprintf(wide, text.count + 1, format, arguments) >= 0 &&
        put_wide(wide, text.count, stream)) {
        count = (int)text.count;
    }
    free(wide);
    return count;
}

/** As wl_vfwprintf. */
int WINAPI wl_fwprintf(FILE *stream, const WCHAR *format, ...)
{
    va_list arguments;
    int count;
    va_start(arguments, format);
    count = wl_vfwprintf(stream, format, arguments);
    va_end(arguments);
    return count;
}

/** As wl_vfwprintf, to the standard output. */
int WINAPI wl_wprintf(const WCHAR *format, ...)
{
    va_list arguments;
    int count;
    va_start(arguments, format);
    count = wl_vfwprintf(stdout, format, arguments);
    va_end(arguments);
    return count;
}

/** A line to the standard output. @return 0, or WEOF of 16 bits. */
int WINAPI wl_putws(const WCHAR *text)
{
    return put_wide(text, wl_wcslen(text), stdout) && fputc('\n', stdout) != EOF ? 0 : 0xffff;
}

/** Units before the terminator. */
size_t WINAPI wl_wcslen(const WCHAR *text)
{
    size_t count = 0;
    while (text[count] != 0) {
        count++;
    }
    return count;
}

/** Copy, the terminator included. @return out. */
WCHAR *WINAPI wl_wcscpy(WCHAR *out, const WCHAR *in)
{
    return (WCHAR *)memcpy(out, in, (wl_wcslen(in) + 1) * sizeof *in);
}

/** Append. @return out. */
WCHAR *WINAPI wl_wcscat(WCHAR *out, const WCHAR *in)
{
    (void)wl_wcscpy(out + wl_wcslen(out), in);
    return out;
}

/** Compare. @return Less than, equal to or greater than 0. */
int WINAPI wl_wcscmp(const WCHAR *a, const WCHAR *b)
{
    return wl_wcsncmp(a, b, SIZE_MAX);
}

/** Compare `count` units at most. */
int WINAPI wl_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count)
{
    for (; count > 0; a++, b++, count--) {
        if (*a != *b || *a == 0) {
            return *a < *b ? -1 : *a > *b;
        }
    }
    return 0;
}

static WCHAR lower_of(WCHAR unit)
{
    return unit >= 'A' && unit <= 'Z' ? (WCHAR)(unit + ('a' - 'A')) : unit;
}

/** Compare, A to Z as a to z. */
int WINAPI wl_wcsicmp(const WCHAR *a, const WCHAR *b)
{
    while (*a != 0 && lower_of(*a) == lower_of(*b)) {
        a++;
        b++;
    }
    return lower_of(*a) - lower_of(*b);
}

/** Copy. @return 0, or EINVAL or ERANGE and an empty text. */
int WINAPI wl_wcscpy_s(WCHAR *out, size_t chars, const WCHAR *in)
{
    size_t length = in == NULL ? 0 : wl_wcslen(in);
    if (out == NULL || chars == 0) {
        return EINVAL;
    }
    if (in == NULL || length >= chars) {
        out[0] = 0;
        return in == NULL ? EINVAL : ERANGE;
    }
    memcpy(out, in, (length + 1) * sizeof *in);
    return 0;
}

/** Append. @return As wl_wcscpy_s. */
int WINAPI wl_wcscat_s(WCHAR *out, size_t chars, const WCHAR *in)
{
    size_t before = 0;
    int code;
    while (out != NULL && before < chars && out[before] != 0) {
        before++;
    }
    if (out == NULL || before >= chars) {
        return EINVAL;
    }
    code = wl_wcscpy_s(out + before, chars - before, in);
    if (code != 0) {
        out[0] = 0;
    }
    return code;
}

/** The decimal number at the start of a text; one that is too large is the nearest. */
int WINAPI wl_wtoi(const WCHAR *text)
{
    int64_t value = 0;
    bool minus;
    while (*text == ' ' || (*text >= '\t' && *text <= '\r')) {
        text++;
    }
    minus = *text == '-';
    text += *text == '-' || *text == '+';
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value <= INT32_MAX ? value * 10 + (*text - '0') : value;
    }
    value = minus ? -value : value;
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int)value;
}
