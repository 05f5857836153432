/*
 * Categories of layered providers: none is kept. Every function fails as documented. Source: rules WSC-10, WSC2-9, WSC2-10.
 */
#include "ws2_priv.h"

static int wsc_fail(LPINT error, int code)
{
    if (error != NULL) {
        *error = code;
    }
    return ws2_fail(code);
}

/** Fails with WSAEINVALIDPROVIDER, or ERROR_CALL_NOT_IMPLEMENTED for ProviderInfoAudit. Source: rule WSC2-9. */
int WSPAPI WSCGetProviderInfo(LPGUID provider, WSC_PROVIDER_INFO_TYPE type, PBYTE info, size_t *bytes, DWORD flags,
                              LPINT error)
{
    (void)info;
    (void)bytes;
    (void)flags;
    if (provider == NULL) {
        return wsc_fail(error, WSAEFAULT);
    }
    return wsc_fail(error, type == ProviderInfoAudit ? ERROR_CALL_NOT_IMPLEMENTED : WSANO_RECOVERY);
}

/** Fails with WSAEFAULT (pointers) or WSANO_RECOVERY: there is no place for it. */
int WSPAPI WSCSetProviderInfo(LPGUID provider, WSC_PROVIDER_INFO_TYPE type, PBYTE info, size_t bytes, DWORD flags,
                              LPINT error)
{
    (void)type;
    (void)bytes;
    (void)flags;
    return wsc_fail(error, provider == NULL || info == NULL ? WSAEFAULT : WSANO_RECOVERY);
}

/** Fails with WSAEINVAL (pointers) or WSASERVICE_NOT_FOUND: no application has categories. Source: rule WSC2-10. */
int WSPAPI WSCGetApplicationCategory(LPCWSTR path, DWORD path_chars, LPCWSTR extra, DWORD extra_chars,
                                     DWORD *categories, LPINT error)
{
    (void)extra;
    (void)extra_chars;
    return wsc_fail(error, path == NULL || path_chars == 0 || categories == NULL ? WSAEINVAL : WSASERVICE_NOT_FOUND);
}

/** Fails with WSAEINVAL (path NULL) or WSANO_RECOVERY: there is no place for it. */
int WSPAPI WSCSetApplicationCategory(LPCWSTR path, DWORD path_chars, LPCWSTR extra, DWORD extra_chars, DWORD categories,
                                     DWORD *before, LPINT error)
{
    (void)path_chars;
    (void)extra;
    (void)extra_chars;
    (void)categories;
    (void)before;
    return wsc_fail(error, path == NULL ? WSAEINVAL : WSANO_RECOVERY);
}
