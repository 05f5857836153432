/*
 * The provider catalogue: built-in entries, selection, enumeration. Source: rules CAT-1 to CAT-18, WS2-7, WS2-20,
 * WS2-60, WSC2-6, WSC2-7.
 */
#include "ws2_priv.h"

#include <stdlib.h>
#include <string.h>

#define CATALOG_NAME "winlane-catalog.json"
#define FIRST_ENTRY_ID 1001u

/* Winlane's own provider: one GUID for all six entries, so that one select() may mix them (rule CAT-6). */
static const GUID winlane_guid = {0x6e8b1c52, 0x9d0a, 0x4a6f, {0x8b, 0x57, 0x2c, 0x41, 0xd3, 0xf0, 0xa7, 0xe9}};

struct default_row {
    const char *name;
    DWORD service_flags;
    DWORD provider_flags;
    int family;
    int address_bytes;
    int type;
    int protocol;
    int protocol_max_offset;
    DWORD message_bytes;
};

/* Rules 4.3. */
static const struct default_row default_rows[] = {
    {"Winlane Tcpip [TCP/IP]", 0x66, 0x8, AF_INET, 16, SOCK_STREAM, IPPROTO_TCP, 0, 0},
    {"Winlane Tcpip [UDP/IP]", 0x609, 0x8, AF_INET, 16, SOCK_DGRAM, IPPROTO_UDP, 0, 65507},
    {"Winlane Tcpip [RAW/IP]", 0x609, 0xc, AF_INET, 16, SOCK_RAW, 0, 255, 65515},
    {"Winlane Tcpip [TCP/IPv6]", 0x66, 0x8, AF_INET6, 28, SOCK_STREAM, IPPROTO_TCP, 0, 0},
    {"Winlane Tcpip [UDP/IPv6]", 0x609, 0x8, AF_INET6, 28, SOCK_DGRAM, IPPROTO_UDP, 0, 65487},
    {"Winlane Tcpip [RAW/IPv6]", 0x609, 0xc, AF_INET6, 28, SOCK_RAW, 0, 255, 65495},
};

/**
 * Fill a catalogue with Winlane's six entries.
 *
 * @param path  Provider library, copied; shorter than WS2_PATH_BYTES.
 *
 * Source: rules 4.3, CAT-10 to CAT-18.
 */
void ws2_catalog_defaults(struct ws2_catalog *catalog, const char *path)
{
    unsigned i;
    memset(catalog, 0, sizeof *catalog);
    for (i = 0; i < sizeof default_rows / sizeof default_rows[0]; i++) {
        const struct default_row *row = &default_rows[i];
        struct ws2_entry *entry = &catalog->entry[i];
        WSAPROTOCOL_INFOW *info = &entry->info;
        info->dwServiceFlags1 = row->service_flags;
        info->dwProviderFlags = row->provider_flags;
        info->ProviderId = winlane_guid;
        info->dwCatalogEntryId = FIRST_ENTRY_ID + i;
        info->ProtocolChain.ChainLen = BASE_PROTOCOL;
        info->iVersion = 2;
        info->iAddressFamily = row->family;
        info->iMaxSockAddr = row->address_bytes;
        info->iMinSockAddr = row->address_bytes;
        info->iSocketType = row->type;
        info->iProtocol = row->protocol;
        info->iProtocolMaxOffset = row->protocol_max_offset;
        info->iNetworkByteOrder = BIGENDIAN;
        info->iSecurityScheme = SECURITY_PROTOCOL_NONE;
        info->dwMessageSize = row->message_bytes;
        ws2_utf16_from_ansi(row->name, info->szProtocol, WSAPROTOCOL_LEN + 1);
        strncpy(entry->path, path, sizeof entry->path - 1);
    }
    catalog->count = i;
    ws2_catalog_default_namespaces(catalog);
}

/** Directory and file to a path. @return false if it does not fit. */
bool ws2_path_join(char *out, size_t bytes, const char *directory, const char *file)
{
    size_t a = strlen(directory);
    size_t b = strlen(file);
    if (a + 1 + b >= bytes) {
        return false;
    }
    memcpy(out, directory, a);
    out[a] = ws2_os_separators[0];
    memcpy(out + a + 1, file, b + 1);
    return true;
}

/**
 * Where the catalogue file is, or would be: what WINLANE_CATALOG names, else winlane-catalog.json beside this library.
 *
 * @param named  Out: the environment says it; then the file must be there.
 * @return       false if there is no place for it.
 */
bool ws2_catalog_path(char *out, size_t bytes, bool *named)
{
    char directory[WS2_PATH_BYTES - 64];
    *named = ws2_os_environment("WINLANE_CATALOG", out, bytes);
    return *named ||
           (ws2_os_own_directory(directory, sizeof directory) && ws2_path_join(out, bytes, directory, CATALOG_NAME));
}

/** The provider of the built-in entries: Winlane's beside this library, else the loader finds it by name. */
void ws2_catalog_default_path(char *out, size_t bytes)
{
    char directory[WS2_PATH_BYTES - 64];
    if (!ws2_os_own_directory(directory, sizeof directory) ||
        !ws2_path_join(out, bytes, directory, ws2_os_provider_name) || !ws2_os_file_readable(out)) {
        out[0] = '\0';
        strncat(out, ws2_os_provider_name, bytes - 1);
    }
}

/**
 * Read the catalogue: the file of ws2_catalog_path, else the built-in entries.
 *
 * @return  0, or WSASYSNOTREADY when a file was named or found and is wrong; what is wrong is on the error stream.
 *
 * Context: under the process lock, or with a catalogue of the caller's own.
 */
int ws2_catalog_load(struct ws2_catalog *catalog)
{
    char path[WS2_PATH_BYTES];
    bool named;
    if (ws2_catalog_path(path, sizeof path, &named) && (named || ws2_os_file_readable(path))) {
        return ws2_catalog_parse_file(catalog, path);
    }
    ws2_catalog_default_path(path, sizeof path);
    ws2_catalog_defaults(catalog, path);
    return 0;
}

static bool protocol_matches(const WSAPROTOCOL_INFOW *info, int protocol)
{
    if (protocol == 0) {
        return (info->dwProviderFlags & PFL_MATCHES_PROTOCOL_ZERO) != 0;
    }
    return protocol >= info->iProtocol && protocol - info->iProtocol <= info->iProtocolMaxOffset;
}

/**
 * The first entry for a socket.
 *
 * @param error  On failure WSAEAFNOSUPPORT, WSAESOCKTNOSUPPORT or WSAEPROTONOSUPPORT, by how far the match went;
 *               WSAEINVAL when neither family nor protocol is given.
 * @return       The entry, or NULL.
 *
 * Source: rules CAT-4, WS2-20.
 */
const struct ws2_entry *ws2_catalog_select(const struct ws2_catalog *catalog, int af, int type, int protocol,
                                           int *error)
{
    bool family_known = false;
    bool type_known = false;
    bool anywhere = false; /* the type, of whatever family */
    unsigned i;
    if (af == 0 && protocol == 0) { /* as Windows: a type alone selects nothing */
        *error = WSAEINVAL;
        return NULL;
    }
    for (i = 0; i < catalog->count; i++) {
        const WSAPROTOCOL_INFOW *info = &catalog->entry[i].info;
        if (info->ProtocolChain.ChainLen == LAYERED_PROTOCOL) {
            continue;
        }
        anywhere = anywhere || type == 0 || info->iSocketType == type;
        if (af != 0 && info->iAddressFamily != af) {
            continue;
        }
        family_known = true;
        if (type != 0 && info->iSocketType != type) {
            continue;
        }
        type_known = true;
        if (protocol_matches(info, protocol)) {
            return &catalog->entry[i];
        }
    }
    /* A type that no family has comes before the family (Windows, as conformance suites observe). */
    *error = !anywhere ? WSAESOCKTNOSUPPORT : !family_known ? WSAEAFNOSUPPORT : WSAEPROTONOSUPPORT;
    if (family_known && !type_known) {
        *error = WSAESOCKTNOSUPPORT;
    }
    return NULL;
}

/** The entry with an id, or NULL. */
const struct ws2_entry *ws2_catalog_by_id(const struct ws2_catalog *catalog, DWORD id)
{
    unsigned i;
    for (i = 0; i < catalog->count; i++) {
        if (catalog->entry[i].info.dwCatalogEntryId == id) {
            return &catalog->entry[i];
        }
    }
    return NULL;
}

static bool listed(const INT *protocols, int protocol)
{
    if (protocols == NULL) {
        return true;
    }
    for (; *protocols != 0; protocols++) {
        if (*protocols == protocol) {
            return true;
        }
    }
    return false;
}

static bool visible(const WSAPROTOCOL_INFOW *info, bool hidden_too)
{
    return hidden_too || ((info->dwProviderFlags & PFL_HIDDEN) == 0 && info->ProtocolChain.ChainLen != 0);
}

static DWORD count_matching(const struct ws2_catalog *catalog, const INT *protocols, bool hidden_too)
{
    DWORD count = 0;
    unsigned i;
    for (i = 0; i < catalog->count; i++) {
        const WSAPROTOCOL_INFOW *info = &catalog->entry[i].info;
        count += visible(info, hidden_too) && listed(protocols, info->iProtocol);
    }
    return count;
}

static void info_to_ansi(const WSAPROTOCOL_INFOW *in, WSAPROTOCOL_INFOA *out)
{
    memcpy(out, in, offsetof(WSAPROTOCOL_INFOA, szProtocol));
    ws2_ansi_from_utf16(in->szProtocol, out->szProtocol, sizeof out->szProtocol);
}

/* Copies what matches as W (wide not NULL) or A records. *bytes in: room, out: need if short. Returns -1 if short. */
static int enumerate(const struct ws2_catalog *catalog, const INT *protocols, bool hidden_too, WSAPROTOCOL_INFOW *wide,
                     WSAPROTOCOL_INFOA *ansi, size_t record_bytes, DWORD *bytes)
{
    DWORD count = count_matching(catalog, protocols, hidden_too);
    DWORD need = (DWORD)(count * record_bytes);
    unsigned done = 0;
    unsigned i;
    if (*bytes < need || (wide == NULL && ansi == NULL && need > 0)) {
        *bytes = need;
        return -1;
    }
    for (i = 0; i < catalog->count; i++) {
        const WSAPROTOCOL_INFOW *info = &catalog->entry[i].info;
        if (!visible(info, hidden_too) || !listed(protocols, info->iProtocol)) {
            continue;
        }
        if (wide != NULL) {
            wide[done] = *info;
        } else if (ansi != NULL) {
            info_to_ansi(info, &ansi[done]);
        }
        done++;
    }
    return (int)done;
}

/**
 * List the catalogue's visible entries.
 *
 * @param protocols  0-terminated list of protocol numbers, or NULL for all.
 * @param bytes      In: size of the buffer; out, with WSAENOBUFS: the size needed.
 * @return           Number of entries, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (bytes NULL), WSAENOBUFS.
 *
 * Source: rules WS2-60, WS2-61, CAT-5.
 */
int WSAAPI WSAEnumProtocolsW(LPINT protocols, LPWSAPROTOCOL_INFOW buffer, LPDWORD bytes)
{
    int count;
    if (!ws2_started() || bytes == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    count = enumerate(ws2_catalog_current(), protocols, false, buffer, NULL, sizeof *buffer, bytes);
    return count < 0 ? ws2_fail(WSAENOBUFS) : count;
}

/** As WSAEnumProtocolsW, with the name in ANSI. */
int WSAAPI WSAEnumProtocolsA(LPINT protocols, LPWSAPROTOCOL_INFOA buffer, LPDWORD bytes)
{
    int count;
    if (!ws2_started() || bytes == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    count = enumerate(ws2_catalog_current(), protocols, false, NULL, buffer, sizeof *buffer, bytes);
    return count < 0 ? ws2_fail(WSAENOBUFS) : count;
}

/**
 * The catalogue as the file has it now: WSC functions work before WSAStartup (rule WSC2-16).
 *
 * @return  To be freed; NULL with *error WSA_NOT_ENOUGH_MEMORY or WSASYSNOTREADY.
 */
struct ws2_catalog *ws2_catalog_fresh(LPINT error)
{
    struct ws2_catalog *fresh = (struct ws2_catalog *)malloc(sizeof *fresh);
    int code = fresh == NULL ? WSA_NOT_ENOUGH_MEMORY : ws2_catalog_load(fresh);
    if (code != 0) {
        free(fresh);
        *error = code;
        return NULL;
    }
    return fresh;
}

/**
 * List every entry of the catalogue as it is on disk now, hidden ones too.
 *
 * @return  Number of entries, or SOCKET_ERROR with *error WSAEFAULT, WSAENOBUFS (*bytes = need), WSASYSNOTREADY.
 *
 * Source: rule WSC2-6. Needs no WSAStartup.
 */
int WSPAPI WSCEnumProtocols(LPINT protocols, LPWSAPROTOCOL_INFOW buffer, LPDWORD bytes, LPINT error)
{
    struct ws2_catalog *fresh;
    int unused;
    int count;
    error = error == NULL ? &unused : error;
    if (bytes == NULL) {
        *error = WSAEFAULT;
        return SOCKET_ERROR;
    }
    fresh = ws2_catalog_fresh(error);
    if (fresh == NULL) {
        return SOCKET_ERROR;
    }
    count = enumerate(fresh, protocols, true, buffer, NULL, sizeof *buffer, bytes);
    free(fresh);
    if (count < 0) {
        *error = WSAENOBUFS;
        return SOCKET_ERROR;
    }
    return count;
}

/**
 * The library of a provider, as the catalogue has it.
 *
 * @param path_chars  In: characters of room; out: characters needed, the terminator included.
 * @return            0, or SOCKET_ERROR with *error WSAEFAULT (pointers, room) or WSAEINVAL (unknown provider).
 *
 * Source: rules WSC2-7, WPU-6, WPU-35.
 */
int WSPAPI WSCGetProviderPath(LPGUID provider, WCHAR *path, LPINT path_chars, LPINT error)
{
    struct ws2_catalog *fresh;
    unsigned i;
    int unused;
    error = error == NULL ? &unused : error;
    if (provider == NULL || path_chars == NULL) {
        *error = WSAEFAULT;
        return SOCKET_ERROR;
    }
    fresh = ws2_catalog_fresh(error);
    if (fresh == NULL) {
        return SOCKET_ERROR;
    }
    *error = WSAEINVAL;
    for (i = 0; i < fresh->count && *error == WSAEINVAL; i++) {
        if (memcmp(&fresh->entry[i].info.ProviderId, provider, sizeof *provider) == 0) {
            WCHAR none[1];
            int need = (int)ws2_utf16_from_utf8(fresh->entry[i].path, none, 1) + 1;
            *error = path == NULL || *path_chars < need ? WSAEFAULT : 0;
            if (*error == 0) {
                ws2_utf16_from_utf8(fresh->entry[i].path, path, (size_t)need);
            }
            *path_chars = need;
        }
    }
    free(fresh);
    return *error == 0 ? 0 : SOCKET_ERROR;
}
