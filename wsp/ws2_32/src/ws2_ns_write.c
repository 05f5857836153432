/*
 * Installing, removing, switching and ordering namespace providers. Changes go to the catalogue's file; processes that run
 * keep what they have read. Source: rules WSC2-11 to WSC2-13, WSC-11.
 */
#include "ws2_catalog_priv.h"

#include <sporder.h>
#include <string.h>

static unsigned find(const struct ws2_catalog *catalog, const GUID *id)
{
    unsigned i = 0;
    while (i < catalog->namespaces && memcmp(&catalog->name_space[i].id, id, sizeof *id) != 0) {
        i++;
    }
    return i;
}

static int append(struct ws2_catalog *catalog, const struct ws2_ns_entry *entry)
{
    if (find(catalog, &entry->id) < catalog->namespaces) {
        return WSAEINVAL;
    }
    if (catalog->namespaces == WS2_NAMESPACES) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    catalog->name_space[catalog->namespaces++] = *entry;
    return 0;
}

static int install(const struct ws2_ns_entry *entry)
{
    struct ws2_catalog_change *change = NULL;
    int code = ws2_catalog_change_begin(&change);
    if (code != 0) {
        return code;
    }
    code = append(&change->catalog, entry);
    code = code == 0 ? ws2_catalog_change_commit(change) : code;
    ws2_catalog_change_end(change);
    return code;
}

/**
 * Install a namespace provider, active, behind those that are there.
 *
 * @param name  Shown by WSAEnumNameSpaceProviders. @param path  Of its library; %variables% are expanded when it is loaded.
 * @param blob  Given out with the entry; may be NULL; at most 256 bytes.
 * @return      0, or SOCKET_ERROR with the last error WSAEINVAL (pointers, lengths, NS_ALL, a GUID that is installed),
 *              WSANO_RECOVERY (the file), WSA_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread; writes a file. Needs no WSAStartup.
 */
INT WSPAPI WSCInstallNameSpaceEx(LPWSTR name, LPWSTR path, DWORD name_space, DWORD version, LPGUID provider,
                                 LPBLOB blob)
{
    struct ws2_ns_entry entry;
    DWORD before = GetLastError();
    int code;
    if (name == NULL || path == NULL || provider == NULL || path[0] == 0 || name_space == NS_ALL ||
        ws2_utf16_len(name) >= WS2_NS_NAME || ws2_utf16_len(path) >= MAX_PATH ||
        (blob != NULL && blob->cbSize > 0 && (blob->pBlobData == NULL || blob->cbSize > WS2_NS_BLOB_BYTES))) {
        return ws2_fail(WSAEINVAL);
    }
    memset(&entry, 0, sizeof entry);
    entry.id = *provider;
    entry.name_space = name_space;
    entry.version = version;
    entry.active = true;
    memcpy(entry.name, name, (ws2_utf16_len(name) + 1) * sizeof *name);
    ws2_utf8_from_utf16(path, entry.path, sizeof entry.path);
    if (blob != NULL && blob->cbSize > 0) {
        entry.blob_bytes = blob->cbSize;
        memcpy(entry.blob, blob->pBlobData, blob->cbSize);
    }
    code = install(&entry);
    if (code != 0) {
        return ws2_fail(code);
    }
    SetLastError(before);
    return 0;
}

/** As WSCInstallNameSpaceEx, without a blob. */
INT WSPAPI WSCInstallNameSpace(LPWSTR name, LPWSTR path, DWORD name_space, DWORD version, LPGUID provider)
{
    return WSCInstallNameSpaceEx(name, path, name_space, version, provider, NULL);
}

/**
 * Remove a namespace provider. Its library stays where it is.
 *
 * @return  0, or SOCKET_ERROR with the last error WSAEFAULT (NULL), WSAEINVAL (not installed), WSANO_RECOVERY,
 *          WSA_NOT_ENOUGH_MEMORY.
 */
INT WSPAPI WSCUnInstallNameSpace(LPGUID provider)
{
    struct ws2_catalog_change *change = NULL;
    int code = provider == NULL ? WSAEFAULT : ws2_catalog_change_begin(&change);
    unsigned at;
    if (code != 0) {
        return ws2_fail(code);
    }
    at = find(&change->catalog, provider);
    if (at == change->catalog.namespaces) {
        code = WSAEINVAL;
    } else {
        struct ws2_ns_entry *entry = &change->catalog.name_space[at];
        change->catalog.namespaces--;
        memmove(entry, entry + 1, (change->catalog.namespaces - at) * sizeof *entry);
        code = ws2_catalog_change_commit(change);
    }
    ws2_catalog_change_end(change);
    return code == 0 ? 0 : ws2_fail(code);
}

/**
 * Switch a namespace provider on or off: one that is off is listed and not asked.
 *
 * @return  As WSCUnInstallNameSpace.
 *
 * Source: rule WSC-11.
 */
INT WSPAPI WSCEnableNSProvider(LPGUID provider, BOOL enable)
{
    struct ws2_catalog_change *change = NULL;
    int code = provider == NULL ? WSAEFAULT : ws2_catalog_change_begin(&change);
    unsigned at;
    if (code != 0) {
        return ws2_fail(code);
    }
    at = find(&change->catalog, provider);
    code = WSAEINVAL;
    if (at < change->catalog.namespaces) {
        change->catalog.name_space[at].active = enable != FALSE;
        code = ws2_catalog_change_commit(change);
    }
    ws2_catalog_change_end(change);
    return code == 0 ? 0 : ws2_fail(code);
}

/* The entries in the order of the GUIDs; false if they are not a permutation of all. */
static bool reorder(struct ws2_catalog *catalog, const GUID *ids)
{
    struct ws2_ns_entry held;
    unsigned i;
    for (i = 0; i < catalog->namespaces; i++) {
        unsigned at = find(catalog, &ids[i]);
        if (at == catalog->namespaces || at < i) {
            return false;
        }
        held = catalog->name_space[at];
        memmove(&catalog->name_space[i + 1], &catalog->name_space[i], (at - i) * sizeof held);
        catalog->name_space[i] = held;
    }
    return true;
}

/**
 * Put the namespace providers in another order, in which they are listed and asked.
 *
 * @param ids  The GUID of every one, once.
 * @return     0, or directly WSAEFAULT (NULL), WSAEINVAL (not a permutation of all), WSANO_RECOVERY,
 *             WSA_NOT_ENOUGH_MEMORY; the last error too.
 */
int WSPAPI WSCWriteNameSpaceOrder(LPGUID ids, DWORD count)
{
    struct ws2_catalog_change *change = NULL;
    int code = ids == NULL ? WSAEFAULT : ws2_catalog_change_begin(&change);
    if (code == 0) {
        code = count == change->catalog.namespaces && reorder(&change->catalog, ids) ? ws2_catalog_change_commit(change)
                                                                                     : WSAEINVAL;
        ws2_catalog_change_end(change);
    }
    if (code != 0) {
        ws2_fail(code);
    }
    return code;
}
