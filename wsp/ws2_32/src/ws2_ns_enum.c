/*
 * Listing the namespace providers. Source: rules A.19.19, WSC-11, NSPX-23.
 */
#include "ws2_nsp.h"

#include <string.h>

/* The four forms of an entry have these members first, in this order. */
struct form {
    size_t bytes; /* of one structure */
    bool wide;
    bool blob;
};

static void put_entry(struct ws2_pack *pack, const struct ws2_ns_entry *entry, const struct form *form, void *at)
{
    char narrow[WS2_NS_NAME];
    void *name;
    void *data = NULL;
    if (form->wide) {
        name = ws2_pack_wide(pack, entry->name);
    } else {
        ws2_ansi_from_utf16(entry->name, narrow, sizeof narrow);
        name = ws2_pack_text(pack, narrow);
    }
    if (form->blob && entry->blob_bytes > 0) {
        data = ws2_pack_copy(pack, entry->blob, entry->blob_bytes, 8);
    }
    if (at != NULL) {
        WSANAMESPACE_INFOEXW *info = (WSANAMESPACE_INFOEXW *)at;
        info->NSProviderId = entry->id;
        info->dwNameSpace = entry->name_space;
        info->fActive = entry->active;
        info->dwVersion = entry->version;
        info->lpszIdentifier = (LPWSTR)name;
        if (form->blob) {
            info->ProviderSpecific.cbSize = entry->blob_bytes;
            info->ProviderSpecific.pBlobData = (BYTE *)data;
        }
    }
}

_Static_assert(offsetof(WSANAMESPACE_INFOA, lpszIdentifier) == offsetof(WSANAMESPACE_INFOEXW, lpszIdentifier),
               "one layout");
_Static_assert(sizeof(WSANAMESPACE_INFOEXA) == sizeof(WSANAMESPACE_INFOEXW), "one layout");

static int enumerate(DWORD *bytes, void *buffer, const struct form *form)
{
    const struct ws2_catalog *catalog = ws2_catalog_current();
    struct ws2_pack pack = {NULL, 0, 0};
    unsigned pass;
    if (!ws2_started() || bytes == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    for (pass = 0; pass < 2; pass++) {
        uint8_t *list = (uint8_t *)ws2_pack_take(&pack, catalog->namespaces * form->bytes, sizeof(void *));
        unsigned i;
        for (i = 0; i < catalog->namespaces; i++) {
            put_entry(&pack, &catalog->name_space[i], form, list == NULL ? NULL : list + i * form->bytes);
        }
        if (pass == 0 && (buffer == NULL || pack.used > *bytes)) {
            *bytes = (DWORD)pack.used;
            return ws2_fail(WSAEFAULT);
        }
        if (pass == 0) {
            pack = (struct ws2_pack){(uint8_t *)buffer, *bytes, 0};
        }
    }
    return (int)catalog->namespaces;
}

/**
 * List the namespace providers, inactive ones too, in the catalogue's order.
 *
 * @param bytes  In: room; out with WSAEFAULT: what is needed.
 * @return       How many, or SOCKET_ERROR with WSANOTINITIALISED or WSAEFAULT (NULL, room).
 */
INT WSAAPI WSAEnumNameSpaceProvidersW(LPDWORD bytes, LPWSANAMESPACE_INFOW buffer)
{
    static const struct form form = {sizeof *buffer, true, false};
    return enumerate(bytes, buffer, &form);
}

/** As WSAEnumNameSpaceProvidersW. */
INT WSAAPI WSAEnumNameSpaceProvidersA(LPDWORD bytes, LPWSANAMESPACE_INFOA buffer)
{
    static const struct form form = {sizeof *buffer, false, false};
    return enumerate(bytes, buffer, &form);
}

/** As WSAEnumNameSpaceProvidersW, with what the installer gave for the provider. */
INT WSAAPI WSAEnumNameSpaceProvidersExW(LPDWORD bytes, LPWSANAMESPACE_INFOEXW buffer)
{
    static const struct form form = {sizeof *buffer, true, true};
    return enumerate(bytes, buffer, &form);
}

/** As WSAEnumNameSpaceProvidersExW. */
INT WSAAPI WSAEnumNameSpaceProvidersExA(LPDWORD bytes, LPWSANAMESPACE_INFOEXA buffer)
{
    static const struct form form = {sizeof *buffer, false, true};
    return enumerate(bytes, buffer, &form);
}
