/*
 * Texts that cannot overflow their buffers, narrow ones, for Linux. What does not fit is cut and told.
 */
#ifndef WL_STRSAFE_H
#define WL_STRSAFE_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "windows.h"

typedef LONG HRESULT;
#define S_OK ((HRESULT)0)
#define SUCCEEDED(result) ((HRESULT)(result) >= 0)
#define FAILED(result) ((HRESULT)(result) < 0)
#define STRSAFE_MAX_CCH 2147483647
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007A)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057)

__attribute__((format(printf, 3, 0))) static inline HRESULT StringCchVPrintfA(LPSTR out, size_t chars, LPCSTR format,
                                                                              va_list arguments)
{
    int count;
    if (chars == 0 || chars > STRSAFE_MAX_CCH) {
        return STRSAFE_E_INVALID_PARAMETER;
    }
    count = vsnprintf(out, chars, format, arguments);
    return count >= 0 && (size_t)count < chars ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;
}

__attribute__((format(printf, 3, 4))) static inline HRESULT StringCchPrintfA(LPSTR out, size_t chars, LPCSTR format,
                                                                             ...)
{
    va_list arguments;
    HRESULT result;
    va_start(arguments, format);
    result = StringCchVPrintfA(out, chars, format, arguments);
    va_end(arguments);
    return result;
}

static inline HRESULT StringCchLengthA(LPCSTR text, size_t most, size_t *chars)
{
    size_t length = text == NULL ? most : wl_text_length(text, most);
    if (chars != NULL) {
        *chars = length < most ? length : 0;
    }
    return length < most ? S_OK : STRSAFE_E_INVALID_PARAMETER;
}

static inline HRESULT StringCchCopyA(LPSTR out, size_t chars, LPCSTR in)
{
    return StringCchPrintfA(out, chars, "%s", in);
}

static inline HRESULT StringCchCatA(LPSTR out, size_t chars, LPCSTR in)
{
    size_t before = wl_text_length(out, chars);
    return before == chars ? STRSAFE_E_INVALID_PARAMETER : StringCchCopyA(out + before, chars - before, in);
}

/* A byte is a character. */
#define StringCbVPrintfA StringCchVPrintfA
#define StringCbPrintfA StringCchPrintfA
#define StringCbLengthA StringCchLengthA
#define StringCbCopyA StringCchCopyA
#define StringCbCatA StringCchCatA
#ifndef UNICODE
#define StringCchVPrintf StringCchVPrintfA
#define StringCchPrintf StringCchPrintfA
#define StringCchLength StringCchLengthA
#define StringCchCopy StringCchCopyA
#define StringCchCat StringCchCatA
#define StringCbVPrintf StringCchVPrintfA
#define StringCbPrintf StringCchPrintfA
#define StringCbLength StringCchLengthA
#define StringCbCopy StringCchCopyA
#define StringCbCat StringCchCatA
#endif

#endif
