/*
 * Wide text as Microsoft's C library handles it, for Linux: WCHAR has 16 bits here, libc's own wide functions expect 32.
 * Included by windows.h. Output is UTF-8. Formats mean what they mean there: in a wide one %s is wide, %hs and %S are narrow,
 * and l says 32 bits.
 */
#ifndef WL_WIDE_H
#define WL_WIDE_H

#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

#include "windef.h"

WL_BEGIN_C

int WINAPI wl_wprintf(const WCHAR *format, ...);
int WINAPI wl_fwprintf(FILE *stream, const WCHAR *format, ...);
int WINAPI wl_vfwprintf(FILE *stream, const WCHAR *format, va_list arguments);
int WINAPI wl_swprintf(WCHAR *out, size_t chars, const WCHAR *format, ...);
int WINAPI wl_vswprintf(WCHAR *out, size_t chars, const WCHAR *format, va_list arguments);
int WINAPI wl_putws(const WCHAR *text);
size_t WINAPI wl_wcslen(const WCHAR *text);
WCHAR *WINAPI wl_wcscpy(WCHAR *out, const WCHAR *in);
WCHAR *WINAPI wl_wcscat(WCHAR *out, const WCHAR *in);
int WINAPI wl_wcscmp(const WCHAR *a, const WCHAR *b);
int WINAPI wl_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count);
int WINAPI wl_wcsicmp(const WCHAR *a, const WCHAR *b);
int WINAPI wl_wcscpy_s(WCHAR *out, size_t chars, const WCHAR *in);
int WINAPI wl_wcscat_s(WCHAR *out, size_t chars, const WCHAR *in);
int WINAPI wl_wtoi(const WCHAR *text);

WL_END_C

/* Macros, because libc may define some of its own inline. */
#define wprintf wl_wprintf
#define wprintf_s wl_wprintf
#define fwprintf wl_fwprintf
#define fwprintf_s wl_fwprintf
#define vfwprintf wl_vfwprintf
#define swprintf wl_swprintf
#define swprintf_s wl_swprintf
#define vswprintf wl_vswprintf
#define _putws wl_putws
#define wcslen wl_wcslen
#define wcscpy wl_wcscpy
#define wcscat wl_wcscat
#define wcscmp wl_wcscmp
#define wcsncmp wl_wcsncmp
#define _wcsicmp wl_wcsicmp
#define wcscpy_s wl_wcscpy_s
#define wcscat_s wl_wcscat_s
#define _wtoi wl_wtoi

#endif
