/*
 * Writing the catalogue file, in the form that ws2_catalog_file.c reads.
 */
#include "ws2_catalog_priv.h"

#include <string.h>

/* What is the reader's default is not said. */
static void put_number(json_t *object, const char *key, json_int_t value, json_int_t fallback)
{
    if (value != fallback) {
        (void)json_object_set_new(object, key, json_integer(value));
    }
}

static json_t *dump_entry(const WSAPROTOCOL_INFOW *info)
{
    char name[3 * WSAPROTOCOL_LEN + 1];
    json_t *object;
    int i;
    ws2_utf8_from_utf16(info->szProtocol, name, sizeof name);
    object = json_pack("{s:I, s:s, s:i, s:i, s:i, s:I, s:i}", "id", (json_int_t)info->dwCatalogEntryId, "name", name,
                       "family", info->iAddressFamily, "type", info->iSocketType, "protocol", info->iProtocol,
                       "service_flags", (json_int_t)info->dwServiceFlags1, "address_bytes", info->iMaxSockAddr);
    if (object == NULL) {
        return NULL;
    }
    put_number(object, "protocol_max_offset", info->iProtocolMaxOffset, 0);
    put_number(object, "provider_flags", info->dwProviderFlags, 0);
    put_number(object, "message_bytes", info->dwMessageSize, 0);
    put_number(object, "address_bytes_min", info->iMinSockAddr, info->iMaxSockAddr);
    put_number(object, "byte_order", info->iNetworkByteOrder, BIGENDIAN);
    put_number(object, "security_scheme", info->iSecurityScheme, 0);
    put_number(object, "service_flags_2", info->dwServiceFlags2, 0);
    put_number(object, "service_flags_3", info->dwServiceFlags3, 0);
    put_number(object, "service_flags_4", info->dwServiceFlags4, 0);
    put_number(object, "version", info->iVersion, 2);
    if (info->ProtocolChain.ChainLen != BASE_PROTOCOL || info->ProtocolChain.ChainEntries[0] != 0) {
        json_t *chain = json_array();
        for (i = 0; i < info->ProtocolChain.ChainLen; i++) {
            (void)json_array_append_new(chain, json_integer(info->ProtocolChain.ChainEntries[i]));
        }
        (void)json_object_set_new(object, "chain", chain);
    }
    return object;
}

static json_t *dump_guid(const GUID *guid)
{
    return json_sprintf("{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}", (unsigned)guid->Data1, guid->Data2,
                        guid->Data3, guid->Data4[0], guid->Data4[1], guid->Data4[2], guid->Data4[3], guid->Data4[4],
                        guid->Data4[5], guid->Data4[6], guid->Data4[7]);
}

/* A library in the file's own folder, or below it, is named from there: the two may move together. */
static json_t *dump_path(const char *path, const char *final)
{
    size_t folder = strlen(final);
    while (folder > 0 && strchr(ws2_os_separators, final[folder - 1]) == NULL) {
        folder--;
    }
    if (folder == 0 || strncmp(path, final, folder) != 0) {
        return json_string(path);
    }
    path += folder;
    return json_sprintf("%s%s", strncmp(path, "./", 2) == 0 || strpbrk(path, ws2_os_separators) != NULL ? "" : "./",
                        path);
}

static bool same_provider(const struct ws2_entry *a, const struct ws2_entry *b)
{
    return memcmp(&a->info.ProviderId, &b->info.ProviderId, sizeof a->info.ProviderId) == 0 &&
           strcmp(a->path, b->path) == 0;
}

static json_t *dump_namespace(const struct ws2_ns_entry *entry, const char *final)
{
    char name[3 * WS2_NS_NAME];
    char blob[2 * WS2_NS_BLOB_BYTES + 1];
    json_t *object;
    uint32_t i;
    ws2_utf8_from_utf16(entry->name, name, sizeof name);
    object = json_pack("{s:o, s:s, s:I, s:I, s:b}", "id", dump_guid(&entry->id), "name", name, "namespace",
                       (json_int_t)entry->name_space, "version", (json_int_t)entry->version, "active", entry->active);
    if (object != NULL && entry->path[0] != '\0') {
        (void)json_object_set_new(object, "path", dump_path(entry->path, final));
    }
    for (i = 0; i < entry->blob_bytes; i++) {
        snprintf(blob + 2 * i, 3, "%02x", entry->blob[i]);
    }
    if (object != NULL && entry->blob_bytes > 0) {
        (void)json_object_set_new(object, "blob", json_string(blob));
    }
    return object;
}

static json_t *dump_namespaces(const struct ws2_catalog *catalog, const char *final)
{
    json_t *list = json_array();
    unsigned i;
    for (i = 0; i < catalog->namespaces; i++) {
        (void)json_array_append_new(list, dump_namespace(&catalog->name_space[i], final));
    }
    return list;
}

static json_t *dump_catalog(const struct ws2_catalog *catalog, const char *final)
{
    json_t *providers = json_array();
    json_t *entries = NULL;
    unsigned i;
    for (i = 0; i < catalog->count; i++) {
        const struct ws2_entry *entry = &catalog->entry[i];
        if (i == 0 || !same_provider(entry, entry - 1)) {
            json_t *provider = json_pack("{s:o, s:o, s:[]}", "id", dump_guid(&entry->info.ProviderId), "path",
                                         dump_path(entry->path, final), "entries");
            entries = json_object_get(provider, "entries");
            (void)json_array_append_new(providers, provider);
        }
        if (json_array_append_new(entries, dump_entry(&entry->info)) != 0) {
            json_decref(providers);
            return NULL;
        }
    }
    return json_pack("{s:I, s:o, s:o}", "next_id", (json_int_t)catalog->next_id, "providers", providers, "namespaces",
                     dump_namespaces(catalog, final));
}

/**
 * Write a catalogue to a file.
 *
 * @param file   Written.
 * @param final  Where it will be: paths of libraries count from there.
 * @return       false if memory is short or it could not be written whole. The last error is as before.
 */
bool ws2_catalog_file_write(const struct ws2_catalog *catalog, const char *file, const char *final)
{
    DWORD before = GetLastError();
    json_t *root = dump_catalog(catalog, final);
    FILE *stream = root == NULL ? NULL : ws2_os_file_open(file, "wb");
    bool good = stream != NULL && json_dumpf(root, stream, JSON_INDENT(2)) == 0 && fflush(stream) == 0;
    if (stream != NULL && fclose(stream) != 0) {
        good = false;
    }
    json_decref(root);
    SetLastError(before);
    return good;
}
