/*
 * The rest of what Microsoft's DLL exports and this one does not do: it fails as documented, and is there, because a
 * missing export ends a program. There is no catalogue for 32-bit programs. Windows only: the headers for Linux do not declare these. Source: rules WSC2-2 to WSC2-14, WS2-70, WS2-73.
 */
#include "ws2_unlisted_windows.h"

#include <sporder.h>

static int wsc_fail(LPINT error, int code)
{
    if (error != NULL) {
        *error = code;
    }
    return ws2_fail(code);
}

/** Wait for notifications of sockets on a port. @return ERROR_NOT_SUPPORTED. */
DWORD WSAAPI ProcessSocketNotifications(HANDLE port, UINT32 registrations, void *registration, UINT32 timeout_ms,
                                        ULONG completions, void *entries, UINT32 *received)
{
    (void)port;
    (void)registrations;
    (void)registration;
    (void)timeout_ms;
    (void)completions;
    (void)entries;
    (void)received;
    return ERROR_NOT_SUPPORTED;
}

/** 16-bit Windows called this before it unloaded the library. @return TRUE; there is nothing to do. */
BOOL WSAAPI WEP(void)
{
    return TRUE;
}

/* ---- the catalogue of 32-bit programs: empty, and nothing can be put there ---- */

/** @return 0: no entry; or SOCKET_ERROR with WSAEFAULT (bytes NULL). */
int WSPAPI WSCEnumProtocols32(LPINT protocols, LPWSAPROTOCOL_INFOW buffer, LPDWORD bytes, LPINT error)
{
    (void)protocols;
    (void)buffer;
    return bytes == NULL ? wsc_fail(error, WSAEFAULT) : 0;
}

/** Fails with WSAEINVAL: no such provider. */
int WSPAPI WSCDeinstallProvider32(LPGUID provider, LPINT error)
{
    return wsc_fail(error, provider == NULL ? WSAEFAULT : WSAEINVAL);
}

/** Fails with WSAEFAULT (pointers) or WSAEINVAL: no such provider. */
int WSPAPI WSCGetProviderPath32(LPGUID provider, WCHAR *path, LPINT chars, LPINT error)
{
    (void)path;
    return wsc_fail(error, provider == NULL || chars == NULL ? WSAEFAULT : WSAEINVAL);
}

/** Fails with WSAEFAULT (pointers) or WSAEINVAL: no such provider. */
int WSPAPI WSCUpdateProvider32(LPGUID provider, const WCHAR *path, LPWSAPROTOCOL_INFOW list, DWORD count, LPINT error)
{
    (void)count;
    return wsc_fail(error, provider == NULL || path == NULL || list == NULL ? WSAEFAULT : WSAEINVAL);
}

/** Fails with WSAEFAULT (pointers) or WSANO_RECOVERY: one of the two catalogues cannot be written. */
int WSPAPI WSCInstallProvider64_32(LPGUID provider, const WCHAR *path, LPWSAPROTOCOL_INFOW list, DWORD count,
                                   LPINT error)
{
    (void)count;
    return wsc_fail(error, provider == NULL || path == NULL || list == NULL ? WSAEFAULT : WSANO_RECOVERY);
}

/** Fails with WSAEFAULT (pointers) or WSANO_RECOVERY: layered providers cannot be installed. */
int WSPAPI WSCInstallProviderAndChains64_32(LPGUID provider, LPWSTR path, LPWSTR path32, LPWSTR name, DWORD flags,
                                            LPWSAPROTOCOL_INFO list, DWORD count, LPDWORD entry_id, LPINT error)
{
    bool missing = provider == NULL || path == NULL || path32 == NULL || name == NULL || list == NULL;
    (void)flags;
    (void)count;
    (void)entry_id;
    return wsc_fail(error, missing ? WSAEFAULT : WSANO_RECOVERY);
}

/** @return WSAEINVAL, which is the last error too: no list is a permutation of nothing. */
int WSPAPI WSCWriteProviderOrder32(LPDWORD ids, DWORD count)
{
    (void)ids;
    (void)count;
    ws2_fail(WSAEINVAL);
    return WSAEINVAL;
}

/* ---- categories of layered providers in that catalogue ---- */

/** As WSCGetProviderInfo. */
int WSPAPI WSCGetProviderInfo32(LPGUID provider, WSC_PROVIDER_INFO_TYPE type, PBYTE info, size_t *bytes, DWORD flags,
                                LPINT error)
{
    return WSCGetProviderInfo(provider, type, info, bytes, flags, error);
}

/** As WSCSetProviderInfo. */
int WSPAPI WSCSetProviderInfo32(LPGUID provider, WSC_PROVIDER_INFO_TYPE type, PBYTE info, size_t bytes, DWORD flags,
                                LPINT error)
{
    return WSCSetProviderInfo(provider, type, info, bytes, flags, error);
}

/* ---- namespace providers of 32-bit programs: the code is the last error; no WSAStartup is needed ---- */

/** Fails with WSAEINVAL (pointers) or WSANO_RECOVERY: there is no place for it. Source: rule WSC2-14. */
INT WSPAPI WSCInstallNameSpace32(LPWSTR name, LPWSTR path, DWORD name_space, DWORD version, LPGUID provider)
{
    (void)name_space;
    (void)version;
    return ws2_fail(name == NULL || path == NULL || provider == NULL ? WSAEINVAL : WSANO_RECOVERY);
}

/** As WSCInstallNameSpace32. */
int WSPAPI WSCInstallNameSpaceEx32(LPWSTR name, LPWSTR path, DWORD name_space, DWORD version, LPGUID provider,
                                   LPBLOB blob)
{
    (void)blob;
    return WSCInstallNameSpace32(name, path, name_space, version, provider);
}

/** Fails with WSAEINVAL: no such provider. */
INT WSPAPI WSCUnInstallNameSpace32(LPGUID provider)
{
    (void)provider;
    return ws2_fail(WSAEINVAL);
}

/** Fails with WSAEFAULT (NULL) or WSAEINVAL: no such provider. */
INT WSPAPI WSCEnableNSProvider32(LPGUID provider, BOOL enable)
{
    (void)enable;
    return ws2_fail(provider == NULL ? WSAEFAULT : WSAEINVAL);
}

/** @return WSAEINVAL, which is the last error too: no list is a permutation of nothing. */
int WSPAPI WSCWriteNameSpaceOrder32(LPGUID ids, DWORD count)
{
    (void)ids;
    (void)count;
    ws2_fail(WSAEINVAL);
    return WSAEINVAL;
}

/** @return 0: none; or SOCKET_ERROR with WSAEFAULT (bytes NULL). */
INT WSPAPI WSCEnumNameSpaceProviders32(LPDWORD bytes, LPWSANAMESPACE_INFOW buffer)
{
    (void)buffer;
    return bytes == NULL ? ws2_fail(WSAEFAULT) : 0;
}

/** As WSCEnumNameSpaceProviders32. */
INT WSPAPI WSCEnumNameSpaceProvidersEx32(LPDWORD bytes, LPWSANAMESPACE_INFOEXW buffer)
{
    (void)buffer;
    return bytes == NULL ? ws2_fail(WSAEFAULT) : 0;
}
