/*
 * The catalogue file. One JSON object:
 *
 *   { "providers": [ { "id": "{6e8b1c52-9d0a-4a6f-8b57-2c41d3f0a7e9}", "path": "libwinlane.so",
 *                      "entries": [ { "id": 1001, "name": "Winlane Tcpip [TCP/IP]", "family": 2, "type": 1,
 *                                     "protocol": 6, "protocol_max_offset": 0, "service_flags": 102,
 *                                     "provider_flags": 8, "address_bytes": 16, "message_bytes": 0 } ] } ] }
 *
 * { ..., "namespaces": [ { "id": "{...}", "name": "DNS", "namespace": 12, "path": "./libnames.so" } ] } lists namespace
 * providers, their order too; one may also say version (1), active (true) and blob (hexadecimal). Without a path it is the
 * built-in one, which is the only one if the document lists none.
 *
 * An entry may also say address_bytes_min, byte_order, security_scheme, service_flags_2 to _4, version and chain (a list
 * of entry numbers; empty: a layered provider's own entry), the document next_id. Providers may be repeated.
 * Order in the file is catalogue order, hence selection order (rule CAT-1). A relative path of more than one part counts
 * from the file's directory; a name alone is looked for by the loader.
 */
#include "ws2_catalog_priv.h"

#include <stdio.h>
#include <string.h>

struct reader {
    const char *file;
    struct ws2_catalog *catalog;
};

static bool complain(const struct reader *reader, const char *where, const char *what)
{
    fprintf(stderr, "ws2_32: catalogue %s: %s: %s\n", reader->file, where, what);
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/**
 * Read a GUID written as {8-4-4-4-12} hexadecimal digits, braces optional.
 *
 * @return  false, *guid untouched, for anything else.
 */
bool ws2_guid_parse(const char *text, GUID *guid)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool braces = text[0] == '{';
    uint8_t bytes[16] = {0};
    unsigned digits = 0;
    size_t i;
    text += braces;
    for (i = 0; i < sizeof form - 1; i++) {
        int digit = hex_digit(text[i]);
        if (form[i] == '-' ? text[i] != '-' : digit < 0) {
            return false;
        }
        if (form[i] == 'x') {
            bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | digit);
            digits++;
        }
    }
    if (strcmp(text + i, braces ? "}" : "") != 0) {
        return false;
    }
    guid->Data1 = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    guid->Data2 = (uint16_t)(bytes[4] << 8 | bytes[5]);
    guid->Data3 = (uint16_t)(bytes[6] << 8 | bytes[7]);
    memcpy(guid->Data4, bytes + 8, 8);
    return true;
}

static bool read_path(const struct reader *reader, const char *path, char out[WS2_PATH_BYTES])
{
    size_t directory = strlen(reader->file);
    if (ws2_os_path_absolute(path) || strpbrk(path, ws2_os_separators) == NULL) {
        directory = 0;
    }
    while (directory > 0 && strchr(ws2_os_separators, reader->file[directory - 1]) == NULL) {
        directory--;
    }
    if (directory + strlen(path) >= WS2_PATH_BYTES) {
        return complain(reader, "path", "too long");
    }
    memcpy(out, reader->file, directory);
    memcpy(out + directory, path, strlen(path) + 1);
    return true;
}

/* A number in [min, max]; absent means `fallback` unless that is below min: then the key is required. */
static bool read_number(const struct reader *reader, const json_t *object, const char *key, json_int_t min,
                        json_int_t max, json_int_t fallback, json_int_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL && fallback >= min) {
        *out = fallback;
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max) {
        return complain(reader, key, "must be a number in its range");
    }
    *out = json_integer_value(value);
    return true;
}

static bool known_key(const json_t *object, const char *const *keys, const char **unknown)
{
    void *at = json_object_iter((json_t *)(uintptr_t)object);
    while (at != NULL) {
        const char *const *key = keys;
        const char *name = json_object_iter_key(at);
        while (*key != NULL && strcmp(*key, name) != 0) {
            key++;
        }
        if (*key == NULL) {
            *unknown = name;
            return false;
        }
        at = json_object_iter_next((json_t *)(uintptr_t)object, at);
    }
    return true;
}

/* What most entries do not say: a base entry of version 2, addresses of one length. */
static bool read_rest(const struct reader *reader, const json_t *object, WSAPROTOCOL_INFOW *info)
{
    const json_t *chain = json_object_get(object, "chain");
    json_int_t least, order, scheme, two, three, four, version;
    size_t i;
    if (!read_number(reader, object, "address_bytes_min", 2, info->iMaxSockAddr, info->iMaxSockAddr, &least) ||
        !read_number(reader, object, "byte_order", BIGENDIAN, LITTLEENDIAN, BIGENDIAN, &order) ||
        !read_number(reader, object, "security_scheme", 0, INT32_MAX, 0, &scheme) ||
        !read_number(reader, object, "service_flags_2", 0, UINT32_MAX, 0, &two) ||
        !read_number(reader, object, "service_flags_3", 0, UINT32_MAX, 0, &three) ||
        !read_number(reader, object, "service_flags_4", 0, UINT32_MAX, 0, &four) ||
        !read_number(reader, object, "version", 0, 255, 2, &version)) {
        return false;
    }
    info->iMinSockAddr = (int)least;
    info->iNetworkByteOrder = (int)order;
    info->iSecurityScheme = (int)scheme;
    info->dwServiceFlags2 = (DWORD)two;
    info->dwServiceFlags3 = (DWORD)three;
    info->dwServiceFlags4 = (DWORD)four;
    info->iVersion = (int)version;
    if (chain == NULL) {
        return true;
    }
    if (!json_is_array(chain) || json_array_size(chain) > MAX_PROTOCOL_CHAIN) {
        return complain(reader, "chain", "must be a list of at most 7 numbers");
    }
    info->ProtocolChain.ChainLen = (int)json_array_size(chain);
    for (i = 0; i < json_array_size(chain); i++) {
        const json_t *id = json_array_get(chain, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > UINT32_MAX) {
            return complain(reader, "chain", "must be a list of numbers of entries");
        }
        info->ProtocolChain.ChainEntries[i] = (DWORD)json_integer_value(id);
    }
    return true;
}

static bool read_entry(const struct reader *reader, const json_t *object, const GUID *provider, const char *path)
{
    static const char *const keys[] = {"id",
                                       "name",
                                       "family",
                                       "type",
                                       "protocol",
                                       "protocol_max_offset",
                                       "service_flags",
                                       "provider_flags",
                                       "address_bytes",
                                       "message_bytes",
                                       "address_bytes_min",
                                       "byte_order",
                                       "chain",
                                       "security_scheme",
                                       "service_flags_2",
                                       "service_flags_3",
                                       "service_flags_4",
                                       "version",
                                       NULL};
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *unknown = NULL;
    struct ws2_entry *entry;
    json_int_t id, family, type, protocol, offset, service, flags, address, message;
    if (reader->catalog->count == WS2_CATALOG_ENTRIES) {
        return complain(reader, "entries", "too many");
    }
    if (!json_is_object(object) || !known_key(object, keys, &unknown)) {
        return complain(reader, unknown == NULL ? "entries" : unknown, "is not a key of an entry");
    }
    if (name == NULL || strlen(name) > WSAPROTOCOL_LEN) {
        return complain(reader, "name", "must be a text of at most 255 characters");
    }
    if (!read_number(reader, object, "id", 1, UINT32_MAX, 0, &id) ||
        !read_number(reader, object, "family", 1, 255, 0, &family) ||
        !read_number(reader, object, "type", 1, 5, 0, &type) ||
        !read_number(reader, object, "protocol", 0, 255, -1, &protocol) ||
        !read_number(reader, object, "protocol_max_offset", 0, 255, 0, &offset) ||
        !read_number(reader, object, "service_flags", 0, UINT32_MAX, -1, &service) ||
        !read_number(reader, object, "provider_flags", 0, UINT32_MAX, 0, &flags) ||
        !read_number(reader, object, "address_bytes", 2, 128, 0, &address) ||
        !read_number(reader, object, "message_bytes", 0, UINT32_MAX, 0, &message)) {
        return false;
    }
    if (ws2_catalog_by_id(reader->catalog, (DWORD)id) != NULL) {
        return complain(reader, "id", "is used twice");
    }
    entry = &reader->catalog->entry[reader->catalog->count++];
    entry->info.dwServiceFlags1 = (DWORD)service;
    entry->info.dwProviderFlags = (DWORD)flags;
    entry->info.ProviderId = *provider;
    entry->info.dwCatalogEntryId = (DWORD)id;
    entry->info.ProtocolChain.ChainLen = BASE_PROTOCOL;
    entry->info.iAddressFamily = (int)family;
    entry->info.iMaxSockAddr = (int)address;
    entry->info.iSocketType = (int)type;
    entry->info.iProtocol = (int)protocol;
    entry->info.iProtocolMaxOffset = (int)offset;
    entry->info.dwMessageSize = (DWORD)message;
    ws2_utf16_from_utf8(name, entry->info.szProtocol, WSAPROTOCOL_LEN + 1);
    return read_rest(reader, object, &entry->info) && read_path(reader, path, entry->path);
}

static bool read_provider(const struct reader *reader, const json_t *object)
{
    static const char *const keys[] = {"id", "path", "entries", NULL};
    const char *id = json_string_value(json_object_get(object, "id"));
    const char *path = json_string_value(json_object_get(object, "path"));
    const json_t *entries = json_object_get(object, "entries");
    const char *unknown = NULL;
    GUID guid;
    size_t i;
    if (!json_is_object(object) || !known_key(object, keys, &unknown)) {
        return complain(reader, unknown == NULL ? "providers" : unknown, "is not a key of a provider");
    }
    if (id == NULL || !ws2_guid_parse(id, &guid)) {
        return complain(reader, "id", "must be a GUID");
    }
    if (path == NULL || path[0] == '\0') {
        return complain(reader, "path", "must be a text");
    }
    if (!json_is_array(entries)) {
        return complain(reader, "entries", "must be a list");
    }
    for (i = 0; i < json_array_size(entries); i++) {
        if (!read_entry(reader, json_array_get(entries, i), &guid, path)) {
            return false;
        }
    }
    return true;
}

static bool read_blob(const struct reader *reader, const char *text, struct ws2_ns_entry *entry)
{
    size_t digits = text == NULL ? 0 : strlen(text);
    size_t i;
    if (digits % 2 != 0 || digits / 2 > sizeof entry->blob) {
        return complain(reader, "blob", "must be an even number of hexadecimal digits, at most 512");
    }
    for (i = 0; i < digits; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0) {
            return complain(reader, "blob", "must be hexadecimal digits");
        }
        entry->blob[i / 2] = (uint8_t)(entry->blob[i / 2] << 4 | digit);
    }
    entry->blob_bytes = (uint32_t)(digits / 2);
    return true;
}

static bool read_namespace(const struct reader *reader, const json_t *object)
{
    static const char *const keys[] = {"id", "name", "namespace", "version", "active", "path", "blob", NULL};
    const char *id = json_string_value(json_object_get(object, "id"));
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *path = json_string_value(json_object_get(object, "path"));
    const char *unknown = NULL;
    struct ws2_ns_entry *entry;
    json_int_t name_space, version;
    if (!json_is_object(object) || !known_key(object, keys, &unknown)) {
        return complain(reader, unknown == NULL ? "namespaces" : unknown, "is not a key of a namespace provider");
    }
    if (reader->catalog->namespaces == WS2_NAMESPACES) {
        return complain(reader, "namespaces", "too many");
    }
    entry = &reader->catalog->name_space[reader->catalog->namespaces];
    if (id == NULL || !ws2_guid_parse(id, &entry->id)) {
        return complain(reader, "id", "must be a GUID");
    }
    if (name == NULL || strlen(name) >= WS2_NS_NAME) {
        return complain(reader, "name", "must be a text of at most 255 characters");
    }
    if (!read_number(reader, object, "namespace", 1, UINT32_MAX, 0, &name_space) ||
        !read_number(reader, object, "version", 0, UINT32_MAX, 1, &version) ||
        (path != NULL && !read_path(reader, path, entry->path)) ||
        !read_blob(reader, json_string_value(json_object_get(object, "blob")), entry)) {
        return false;
    }
    entry->name_space = (DWORD)name_space;
    entry->version = (DWORD)version;
    entry->active = !json_is_false(json_object_get(object, "active"));
    ws2_utf16_from_utf8(name, entry->name, WS2_NS_NAME);
    reader->catalog->namespaces++;
    return true;
}

static bool read_namespaces(const struct reader *reader, const json_t *list)
{
    size_t i;
    if (list == NULL) {
        ws2_catalog_default_namespaces(reader->catalog);
        return true;
    }
    if (!json_is_array(list)) {
        return complain(reader, "namespaces", "must be a list");
    }
    for (i = 0; i < json_array_size(list); i++) {
        if (!read_namespace(reader, json_array_get(list, i))) {
            return false;
        }
    }
    return true;
}

/** The document of a file, for json_decref; NULL with the reason on the error stream. The last error is as before. */
json_t *ws2_catalog_file_read(const char *file)
{
    DWORD before = GetLastError();
    FILE *stream = ws2_os_file_open(file, "rb");
    json_t *root = NULL;
    json_error_t error;
    if (stream == NULL) {
        fprintf(stderr, "ws2_32: catalogue %s: cannot be opened\n", file);
        return NULL;
    }
    root = json_loadf(stream, JSON_REJECT_DUPLICATES, &error);
    fclose(stream);
    SetLastError(before); /* Jansson asks the system for random numbers */
    if (root == NULL) {
        fprintf(stderr, "ws2_32: catalogue %s:%d: %s\n", file, error.line, error.text);
    }
    return root;
}

/**
 * Read a catalogue file.
 *
 * @param catalog  Filled; its content is undefined on failure.
 * @return         0, or WSASYSNOTREADY with the file, place and reason on the error stream.
 */
int ws2_catalog_parse_file(struct ws2_catalog *catalog, const char *file)
{
    struct reader reader = {file, catalog};
    json_t *root = ws2_catalog_file_read(file);
    const json_t *providers = json_object_get(root, "providers");
    bool good = true;
    json_int_t next_id = 0;
    size_t i;
    memset(catalog, 0, sizeof *catalog);
    if (root == NULL) {
        return WSASYSNOTREADY;
    }
    if (!json_is_array(providers)) {
        good = complain(&reader, "providers", "must be a list");
    }
    good = good && read_number(&reader, root, "next_id", 0, UINT32_MAX, 0, &next_id);
    catalog->next_id = (DWORD)next_id;
    for (i = 0; good && i < json_array_size(providers); i++) {
        good = read_provider(&reader, json_array_get(providers, i));
    }
    good = good && read_namespaces(&reader, json_object_get(root, "namespaces"));
    json_decref(root);
    return good ? 0 : WSASYSNOTREADY;
}
