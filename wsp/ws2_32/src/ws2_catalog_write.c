/*
 * Changing the catalogue: every change reads the file under a lock that all processes share, and puts a whole new file in
 * its place. Processes that run keep what they read at their first WSAStartup (rule WSC2-13).
 * Source: rules WSC2-1, WSC2-4, WSC2-5, WSC2-8, CAT-1, CAT-2, CAT-17, CAT-18.
 */
#include "ws2_catalog_priv.h"

#include <sporder.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ID 1001u

static bool suffixed(struct ws2_catalog_change *change, const char *suffix)
{
    return (size_t)snprintf(change->beside, sizeof change->beside, "%s%s", change->file, suffix) <
           sizeof change->beside;
}

/** End a change, committed or not. */
void ws2_catalog_change_end(struct ws2_catalog_change *change)
{
    if (change->lock != NULL) {
        ws2_os_file_unlock(change->lock);
    }
    free(change);
}

/**
 * Begin a change: the catalogue as the file has it, under the lock that all processes share.
 *
 * @return  0, or WSANO_RECOVERY (the file), WSA_NOT_ENOUGH_MEMORY; then there is nothing to end.
 */
int ws2_catalog_change_begin(struct ws2_catalog_change **out)
{
    struct ws2_catalog_change *change = (struct ws2_catalog_change *)calloc(1, sizeof *change);
    bool named;
    if (change == NULL) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    if (ws2_catalog_path(change->file, sizeof change->file, &named) && suffixed(change, ".lock")) {
        change->lock = ws2_os_file_lock(change->beside);
    }
    if (change->lock == NULL || ws2_catalog_load(&change->catalog) != 0) {
        ws2_catalog_change_end(change);
        return WSANO_RECOVERY;
    }
    *out = change;
    return 0;
}

/** Write what was changed, whole or not at all. @return 0, or WSANO_RECOVERY. */
int ws2_catalog_change_commit(struct ws2_catalog_change *change)
{
    if (!suffixed(change, ".new")) {
        return WSANO_RECOVERY;
    }
    if (!ws2_catalog_file_write(&change->catalog, change->beside, change->file) ||
        !ws2_os_file_replace(change->beside, change->file)) {
        (void)ws2_os_file_remove(change->beside);
        return WSANO_RECOVERY;
    }
    return 0;
}

static bool in_range(long long value, long long least, long long most)
{
    return value >= least && value <= most;
}

/* What the file can hold, and a socket can be made of. */
static bool info_good(const WSAPROTOCOL_INFOW *info)
{
    return in_range(info->iAddressFamily, 1, 255) && in_range(info->iSocketType, 1, 5) &&
           in_range(info->iProtocol, 0, 255) && in_range(info->iProtocolMaxOffset, 0, 255) &&
           in_range(info->iMaxSockAddr, 2, 128) && in_range(info->iMinSockAddr, 2, info->iMaxSockAddr) &&
           in_range(info->ProtocolChain.ChainLen, 0, MAX_PROTOCOL_CHAIN) && in_range(info->iVersion, 0, 255) &&
           in_range(info->iNetworkByteOrder, BIGENDIAN, LITTLEENDIAN) && in_range(info->iSecurityScheme, 0, INT32_MAX);
}

/* The arguments of install and update. 0, or the code. */
static int arguments_check(LPGUID provider, const WCHAR *path, const WSAPROTOCOL_INFOW *list, DWORD count)
{
    DWORD i;
    if (provider == NULL || path == NULL || list == NULL) {
        return WSAEFAULT;
    }
    if (count == 0 || path[0] == 0 || ws2_utf16_len(path) >= MAX_PATH) {
        return WSAEINVAL;
    }
    for (i = 0; i < count; i++) {
        if (!info_good(&list[i])) {
            return WSAEINVAL;
        }
    }
    return 0;
}

/*
 * A chain names entries that are there, no layered protocol twice, and ends with a base protocol. 0, or WSAEINVAL.
 * Source: rules WSC-5 to WSC-7, CAT-3.
 */
static int chain_check(const struct ws2_catalog *catalog, const WSAPROTOCOL_INFOW *info)
{
    const WSAPROTOCOLCHAIN *chain = &info->ProtocolChain;
    int i;
    int other;
    for (i = 0; chain->ChainLen > BASE_PROTOCOL && i < chain->ChainLen; i++) {
        const struct ws2_entry *link = ws2_catalog_by_id(catalog, chain->ChainEntries[i]);
        bool last = i == chain->ChainLen - 1;
        if (link == NULL || link->info.ProtocolChain.ChainLen != (last ? BASE_PROTOCOL : LAYERED_PROTOCOL)) {
            return WSAEINVAL;
        }
        for (other = 0; other < i; other++) {
            if (chain->ChainEntries[other] == chain->ChainEntries[i]) {
                return WSAEINVAL;
            }
        }
    }
    return 0;
}

static int chains_check(const struct ws2_catalog *catalog, const WSAPROTOCOL_INFOW *list, DWORD count)
{
    DWORD i;
    for (i = 0; i < count; i++) {
        if (chain_check(catalog, &list[i]) != 0) {
            return WSAEINVAL;
        }
    }
    return 0;
}

static unsigned entries_of(const struct ws2_catalog *catalog, const GUID *provider)
{
    unsigned count = 0;
    unsigned i;
    for (i = 0; i < catalog->count; i++) {
        count += memcmp(&catalog->entry[i].info.ProviderId, provider, sizeof *provider) == 0;
    }
    return count;
}

static DWORD id_take(struct ws2_catalog *catalog)
{
    DWORD id = catalog->next_id < FIRST_ID ? FIRST_ID : catalog->next_id;
    while (ws2_catalog_by_id(catalog, id) != NULL) {
        id++;
    }
    catalog->next_id = id + 1;
    return id;
}

static void entry_fill(struct ws2_entry *entry, const GUID *provider, const WCHAR *path, const WSAPROTOCOL_INFOW *info,
                       DWORD id)
{
    entry->info = *info;
    entry->info.ProviderId = *provider;
    entry->info.dwCatalogEntryId = id;
    entry->info.dwProviderReserved = 0;
    entry->info.szProtocol[WSAPROTOCOL_LEN] = 0;
    ws2_utf8_from_utf16(path, entry->path, sizeof entry->path);
}

static void entry_remove(struct ws2_catalog *catalog, unsigned index)
{
    catalog->count--;
    memmove(&catalog->entry[index], &catalog->entry[index + 1], (catalog->count - index) * sizeof catalog->entry[0]);
}

static int append(struct ws2_catalog *catalog, const GUID *provider, const WCHAR *path, const WSAPROTOCOL_INFOW *list,
                  DWORD count)
{
    DWORD i;
    if (count > WS2_CATALOG_ENTRIES - catalog->count) {
        return WSAENOBUFS;
    }
    for (i = 0; i < count; i++) {
        DWORD id = id_take(catalog);
        entry_fill(&catalog->entry[catalog->count], provider, path, &list[i], id);
        catalog->count++;
    }
    return 0;
}

/* Entries that stay keep their number and place; what is new follows at the end. */
static int update(struct ws2_catalog *catalog, const GUID *provider, const WCHAR *path, const WSAPROTOCOL_INFOW *list,
                  DWORD count)
{
    DWORD done = 0;
    unsigned i = 0;
    while (i < catalog->count) {
        struct ws2_entry *entry = &catalog->entry[i];
        if (memcmp(&entry->info.ProviderId, provider, sizeof *provider) != 0) {
            i++;
        } else if (done < count) {
            entry_fill(entry, provider, path, &list[done++], entry->info.dwCatalogEntryId);
            i++;
        } else {
            entry_remove(catalog, i);
        }
    }
    return append(catalog, provider, path, list + done, count - done);
}

static int wsc_result(LPINT error, int code)
{
    if (code == 0) {
        return 0;
    }
    if (error != NULL) {
        *error = code;
    }
    return SOCKET_ERROR;
}

/**
 * Install a provider: its entries go to the end of the catalogue.
 *
 * @param path   Of its library; %variables% are expanded when it is loaded.
 * @param list   count entries; their numbers and provider are assigned.
 * @return       0, or SOCKET_ERROR with *error WSAEFAULT (pointers), WSAEINVAL (no entry, an entry or a chain that cannot
 *               be, the path), WSANO_RECOVERY (installed already, the file cannot be read or written), WSAENOBUFS (too many
 *               entries), WSA_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread; reads and writes files. Needs no WSAStartup. Source: rule WSC2-1.
 */
int WSPAPI WSCInstallProvider(LPGUID provider, const WCHAR *path, LPWSAPROTOCOL_INFOW list, DWORD count, LPINT error)
{
    struct ws2_catalog_change *change = NULL;
    int code = arguments_check(provider, path, list, count);
    if (code == 0 && (code = ws2_catalog_change_begin(&change)) == 0) {
        code = entries_of(&change->catalog, provider) > 0 ? WSANO_RECOVERY
                                                          : chains_check(&change->catalog, list, count);
        code = code == 0 ? append(&change->catalog, provider, path, list, count) : code;
        code = code == 0 ? ws2_catalog_change_commit(change) : code;
        ws2_catalog_change_end(change);
    }
    return wsc_result(error, code);
}

/**
 * Replace path and entries of an installed provider; numbers are kept in order.
 *
 * @return  As WSCInstallProvider; WSAEINVAL also for a provider that is not installed.
 *
 * Source: rule WSC2-5.
 */
int WSPAPI WSCUpdateProvider(LPGUID provider, const WCHAR *path, LPWSAPROTOCOL_INFOW list, DWORD count, LPINT error)
{
    struct ws2_catalog_change *change = NULL;
    int code = arguments_check(provider, path, list, count);
    if (code == 0 && (code = ws2_catalog_change_begin(&change)) == 0) {
        code = entries_of(&change->catalog, provider) == 0 ? WSAEINVAL : chains_check(&change->catalog, list, count);
        code = code == 0 ? update(&change->catalog, provider, path, list, count) : code;
        code = code == 0 ? ws2_catalog_change_commit(change) : code;
        ws2_catalog_change_end(change);
    }
    return wsc_result(error, code);
}

/**
 * Remove all entries of a provider. Its library stays where it is.
 *
 * @return  0, or SOCKET_ERROR with *error WSAEFAULT (NULL), WSAEINVAL (not installed), WSANO_RECOVERY (the file),
 *          WSA_NOT_ENOUGH_MEMORY.
 *
 * Source: rule WSC2-4.
 */
int WSPAPI WSCDeinstallProvider(LPGUID provider, LPINT error)
{
    struct ws2_catalog_change *change = NULL;
    int code = provider == NULL ? WSAEFAULT : 0;
    unsigned i = 0;
    if (code == 0 && (code = ws2_catalog_change_begin(&change)) == 0) {
        code = entries_of(&change->catalog, provider) == 0 ? WSAEINVAL : 0;
        while (code == 0 && i < change->catalog.count) {
            if (memcmp(&change->catalog.entry[i].info.ProviderId, provider, sizeof *provider) == 0) {
                entry_remove(&change->catalog, i);
            } else {
                i++;
            }
        }
        code = code == 0 ? ws2_catalog_change_commit(change) : code;
        ws2_catalog_change_end(change);
    }
    return wsc_result(error, code);
}

/* Byte by byte: an entry is too large for the stack. */
static void entry_swap(struct ws2_entry *a, struct ws2_entry *b)
{
    unsigned char *x = (unsigned char *)a;
    unsigned char *y = (unsigned char *)b;
    size_t i;
    for (i = 0; i < sizeof *a; i++) {
        unsigned char held = x[i];
        x[i] = y[i];
        y[i] = held;
    }
}

/* The entries in the order of the numbers; false if they are not a permutation of all. */
static bool reorder(struct ws2_catalog *catalog, const DWORD *ids)
{
    unsigned i;
    unsigned at;
    for (i = 0; i < catalog->count; i++) {
        for (at = i; at < catalog->count && catalog->entry[at].info.dwCatalogEntryId != ids[i]; at++) {
        }
        if (at == catalog->count) {
            return false;
        }
        entry_swap(&catalog->entry[i], &catalog->entry[at]);
    }
    return true;
}

/**
 * Put the catalogue in another order, which is the order of enumeration and of selection.
 *
 * @param ids    The number of every entry, once.
 * @return       0, or directly WSAEFAULT (NULL), WSAEINVAL (not a permutation of all), WSANO_RECOVERY (the file),
 *               WSA_NOT_ENOUGH_MEMORY.
 *
 * Source: rule WSC2-8.
 */
int WSPAPI WSCWriteProviderOrder(LPDWORD ids, DWORD count)
{
    struct ws2_catalog_change *change = NULL;
    int code = ids == NULL ? WSAEFAULT : 0;
    if (code == 0 && (code = ws2_catalog_change_begin(&change)) == 0) {
        code = count == change->catalog.count && reorder(&change->catalog, ids) ? 0 : WSAEINVAL;
        code = code == 0 ? ws2_catalog_change_commit(change) : code;
        ws2_catalog_change_end(change);
    }
    return code;
}
