/** @file Privilege on Windows: an elevated token. advapi32 is asked by name: the provider imports kernel32 only. */
#include "wsp_privilege.h"

#include <windows.h>

typedef BOOL(WINAPI *privilege_open_fn)(HANDLE process, DWORD access, PHANDLE token);
typedef BOOL(WINAPI *privilege_ask_fn)(HANDLE token, TOKEN_INFORMATION_CLASS what, LPVOID out, DWORD size, PDWORD used);

bool wsp_privileged(void)
{
    HMODULE module = LoadLibraryW(L"advapi32.dll"); /* stays: programs have it anyway */
    privilege_open_fn open_token = NULL;
    privilege_ask_fn ask_token = NULL;
    TOKEN_ELEVATION elevation = {0};
    HANDLE token;
    DWORD used = 0;

    if (module) {
        open_token = (privilege_open_fn)(void (*)(void))GetProcAddress(module, "OpenProcessToken");
        ask_token = (privilege_ask_fn)(void (*)(void))GetProcAddress(module, "GetTokenInformation");
    }
    if (!open_token || !ask_token || !open_token(GetCurrentProcess(), TOKEN_QUERY, &token))
        return false;
    if (!ask_token(token, TokenElevation, &elevation, sizeof elevation, &used))
        elevation.TokenIsElevated = 0;
    (void)CloseHandle(token);
    return elevation.TokenIsElevated != 0;
}
