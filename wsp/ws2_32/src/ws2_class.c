/*
 * Classes of services: the well-known ones, and those that programs install, which the built-in namespace provider keeps for
 * as long as the process lives. Source: rules A.19.20, NSPX-12.
 */
#include "ws2_class.h"

#include <stdlib.h>
#include <string.h>
#include <svcguid.h>

#define CLASSES 64

/* A class in one block: all that it points to is behind it. */
struct kept {
    GUID id;
    WSASERVICECLASSINFOW *info;
};

/* Under ws2_os_names_mutex. */
static struct kept classes[CLASSES];

static const struct {
    GUID id;
    const char *name;
} known[] = {
    {SVCID_HOSTNAME, "Hostname"},
    {SVCID_INET_HOSTADDRBYINETSTRING, "Inet Hostaddr by inet string"},
    {SVCID_INET_SERVICEBYNAME, "Inet Service by name"},
    {SVCID_INET_HOSTADDRBYNAME, "Inet Hostaddr by name"},
};

static bool same(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/** Lay a class with all that it points to into a pack. */
void ws2_class_pack(struct ws2_pack *pack, const WSASERVICECLASSINFOW *from)
{
    WSASERVICECLASSINFOW *at = (WSASERVICECLASSINFOW *)ws2_pack_take(pack, sizeof *at, sizeof(void *));
    GUID *id = (GUID *)ws2_pack_copy(pack, from->lpServiceClassId, sizeof(GUID), 4);
    WSANSCLASSINFOW *list = (WSANSCLASSINFOW *)ws2_pack_take(pack, from->dwCount * sizeof *list, sizeof(void *));
    WCHAR *name = ws2_pack_wide(pack, from->lpszServiceClassName);
    DWORD i;
    for (i = 0; i < from->dwCount; i++) {
        WSANSCLASSINFOW info = from->lpClassInfos[i];
        info.lpszName = ws2_pack_wide(pack, info.lpszName);
        info.lpValue = info.lpValue == NULL ? NULL : ws2_pack_copy(pack, info.lpValue, info.dwValueSize, 8);
        if (list != NULL) {
            list[i] = info;
        }
    }
    if (at != NULL) {
        at->lpServiceClassId = id;
        at->lpszServiceClassName = name;
        at->dwCount = from->dwCount;
        at->lpClassInfos = from->dwCount == 0 ? NULL : list;
    }
}

/** A copy of a class in one block, to be freed; NULL when memory is short. */
WSASERVICECLASSINFOW *ws2_class_copy(const WSASERVICECLASSINFOW *from)
{
    struct ws2_pack pack = {NULL, 0, 0};
    ws2_class_pack(&pack, from);
    pack.room = pack.used;
    pack.used = 0;
    pack.base = (uint8_t *)malloc(pack.room);
    if (pack.base != NULL) {
        ws2_class_pack(&pack, from);
    }
    return (WSASERVICECLASSINFOW *)(void *)pack.base;
}

static struct kept *find(const GUID *id)
{
    unsigned i;
    for (i = 0; i < CLASSES; i++) {
        if (classes[i].info != NULL && same(&classes[i].id, id)) {
            return &classes[i];
        }
    }
    return NULL;
}

static const char *known_name(const GUID *id)
{
    unsigned i;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (same(&known[i].id, id)) {
            return known[i].name;
        }
    }
    return NULL;
}

static int put(const GUID *id, WSASERVICECLASSINFOW *copy)
{
    unsigned i = 0;
    if (find(id) != NULL || known_name(id) != NULL) {
        return WSAEALREADY;
    }
    while (i < CLASSES && classes[i].info != NULL) {
        i++;
    }
    if (i == CLASSES) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    classes[i].id = *id;
    classes[i].info = copy;
    return 0;
}

/** NSPInstallServiceClass. Fails with WSAEINVAL, WSAEALREADY, WSA_NOT_ENOUGH_MEMORY. */
INT WSPAPI ws2_class_install(LPGUID provider, LPWSASERVICECLASSINFOW info)
{
    WSASERVICECLASSINFOW *copy;
    int code;
    if (provider == NULL || info == NULL || info->lpServiceClassId == NULL || info->lpszServiceClassName == NULL ||
        (info->dwCount > 0 && info->lpClassInfos == NULL)) {
        return ws2_fail(WSAEINVAL);
    }
    copy = ws2_class_copy(info);
    if (copy == NULL) {
        return ws2_fail(WSA_NOT_ENOUGH_MEMORY);
    }
    ws2_os_lock(ws2_os_names_mutex());
    code = put(info->lpServiceClassId, copy);
    ws2_os_unlock(ws2_os_names_mutex());
    if (code != 0) {
        free(copy);
        return ws2_fail(code);
    }
    return 0;
}

/** NSPRemoveServiceClass. Fails with WSAEINVAL (NULL), WSATYPE_NOT_FOUND, WSAEACCES (a well-known one). */
INT WSPAPI ws2_class_remove(LPGUID provider, LPGUID class_id)
{
    struct kept *kept;
    WSASERVICECLASSINFOW *info = NULL;
    if (provider == NULL || class_id == NULL) {
        return ws2_fail(WSAEINVAL);
    }
    ws2_os_lock(ws2_os_names_mutex());
    kept = find(class_id);
    if (kept != NULL) {
        info = kept->info;
        kept->info = NULL;
    }
    ws2_os_unlock(ws2_os_names_mutex());
    free(info);
    return info != NULL ? 0 : ws2_fail(known_name(class_id) != NULL ? WSAEACCES : WSATYPE_NOT_FOUND);
}

/* A well-known class has a name and nothing else. */
static bool pack_known(const GUID *id, struct ws2_pack *pack)
{
    WCHAR name[64];
    GUID copy = *id;
    WSASERVICECLASSINFOW info;
    const char *text = known_name(id);
    if (text == NULL) {
        return false;
    }
    memset(&info, 0, sizeof info);
    ws2_utf16_from_ansi(text, name, sizeof name / sizeof name[0]);
    info.lpServiceClassId = &copy;
    info.lpszServiceClassName = name;
    ws2_class_pack(pack, &info);
    return true;
}

static bool pack_class(const GUID *id, struct ws2_pack *pack)
{
    const struct kept *kept = find(id);
    if (kept != NULL) {
        ws2_class_pack(pack, kept->info);
        return true;
    }
    return pack_known(id, pack);
}

/**
 * NSPGetServiceClassInfo: the class is named in the structure.
 *
 * Fails with WSAEFAULT (pointers, room: *bytes is what is needed), WSAEINVAL, WSATYPE_NOT_FOUND.
 */
INT WSPAPI ws2_class_info(LPGUID provider, LPDWORD bytes, LPWSASERVICECLASSINFOW info)
{
    struct ws2_pack pack = {NULL, 0, 0};
    bool found;
    GUID id;
    if (provider == NULL || bytes == NULL || info == NULL || *bytes < sizeof *info) {
        return ws2_fail(WSAEFAULT);
    }
    if (info->lpServiceClassId == NULL) {
        return ws2_fail(WSAEINVAL);
    }
    id = *info->lpServiceClassId;
    ws2_os_lock(ws2_os_names_mutex());
    found = pack_class(&id, &pack);
    if (found && pack.used <= *bytes) {
        pack = (struct ws2_pack){(uint8_t *)info, *bytes, 0};
        (void)pack_class(&id, &pack);
    }
    ws2_os_unlock(ws2_os_names_mutex());
    if (!found) {
        return ws2_fail(WSATYPE_NOT_FOUND);
    }
    if (pack.base == NULL) {
        *bytes = (DWORD)pack.used;
        return ws2_fail(WSAEFAULT);
    }
    return 0;
}
