/*
 * The names that stand for narrow or wide text, for Linux: wide with _UNICODE.
 */
#ifndef WL_TCHAR_H
#define WL_TCHAR_H

#include "windows.h"

#ifdef _UNICODE
typedef WCHAR _TCHAR;
#define __T(s) L##s
#define _tmain wmain
#define _tprintf wprintf
#define _ftprintf fwprintf
#define _stprintf_s swprintf_s
#define _putts _putws
#define _tcslen wcslen
#define _tcscpy wcscpy
#define _tcscat wcscat
#define _tcscmp wcscmp
#define _tcsicmp _wcsicmp
#define _tcscpy_s wcscpy_s
#define _tcscat_s wcscat_s
#define _ttoi _wtoi
#else
typedef char _TCHAR;
#define __T(s) s
#define _tmain main
#define _tprintf printf
#define _ftprintf fprintf
#define _stprintf_s sprintf_s
#define _putts puts
#define _tcslen strlen
#define _tcscpy strcpy
#define _tcscat strcat
#define _tcscmp strcmp
#define _tcsicmp _stricmp
#define _tcscpy_s strcpy_s
#define _tcscat_s strcat_s
#define _ttoi atoi
#endif
#define _T(s) __T(s)
#define _TEXT(s) __T(s)

#endif
