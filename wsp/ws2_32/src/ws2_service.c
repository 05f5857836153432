/*
 * Registering services and their classes with the namespace providers. Source: rules A.19.20, A.19.21, NSPX-21.
 */
#include "ws2_class.h"
#include "ws2_query.h"

#include <stdlib.h>
#include <string.h>

/**
 * Register or take back a service with the providers that the query chooses.
 *
 * @return  0 when at least one took it, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (NULL), WSAEINVAL (size,
 *          operation, class), WSASERVICE_NOT_FOUND (no provider), or what the last provider said.
 *
 * Context: any thread. Source: rule A.19.21: a provider's GUID counts before the namespace.
 */
INT WSAAPI WSASetServiceW(LPWSAQUERYSETW registration, WSAESETSERVICEOP operation, DWORD flags)
{
    struct ws2_nsp *list[WS2_NAMESPACES];
    WSASERVICECLASSINFOW info;
    bool taken = false;
    unsigned count;
    unsigned i;
    int code;
    if (!ws2_started() || registration == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    if (registration->dwSize < sizeof *registration || registration->lpServiceClassId == NULL ||
        (unsigned)operation > (unsigned)RNRSERVICE_DELETE) {
        return ws2_fail(WSAEINVAL);
    }
    memset(&info, 0, sizeof info);
    info.lpServiceClassId = registration->lpServiceClassId;
    count = ws2_nsp_chosen(registration->dwNameSpace, registration->lpNSProviderId, list, &code);
    for (i = 0; i < count; i++) {
        GUID id = list[i]->entry->id;
        if (list[i]->routine.NSPSetService(&id, &info, registration, operation, flags) == 0) {
            taken = true;
        } else {
            code = WSAGetLastError();
        }
    }
    return taken ? 0 : ws2_fail(code);
}

/** As WSASetServiceW. */
INT WSAAPI WSASetServiceA(LPWSAQUERYSETA registration, WSAESETSERVICEOP operation, DWORD flags)
{
    WSAQUERYSETW *wide;
    int result;
    if (!ws2_started() || registration == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    if (registration->dwSize < sizeof *registration) {
        return ws2_fail(WSAEINVAL);
    }
    wide = ws2_query_widen(registration);
    if (wide == NULL) {
        return ws2_fail(WSA_NOT_ENOUGH_MEMORY);
    }
    result = WSASetServiceW(wide, operation, flags);
    free(wide);
    return result;
}

/* ---- classes ---- */

static bool info_good(const WSASERVICECLASSINFOW *info)
{
    return info != NULL && info->lpServiceClassId != NULL && info->lpszServiceClassName != NULL &&
           (info->dwCount == 0 || info->lpClassInfos != NULL);
}

/* A class goes to every active provider, as it is for the providers to keep what concerns them. */
static int each_provider(INT (*call)(struct ws2_nsp *nsp, GUID *id, void *context), void *context)
{
    struct ws2_nsp *list[WS2_NAMESPACES];
    bool taken = false;
    bool failed = false;
    int code;
    unsigned count = ws2_nsp_chosen(NS_ALL, NULL, list, &code);
    unsigned i;
    for (i = 0; i < count; i++) {
        GUID id = list[i]->entry->id;
        int said = call(list[i], &id, context) == 0 ? 0 : WSAGetLastError();
        taken |= said == 0;
        if (said != 0 && (!failed || (said != WSAEOPNOTSUPP && said != WSATYPE_NOT_FOUND))) {
            code = said;
            failed = true;
        }
    }
    return taken ? 0 : code;
}

static INT install_one(struct ws2_nsp *nsp, GUID *id, void *context)
{
    return nsp->routine.NSPInstallServiceClass(id, (LPWSASERVICECLASSINFOW)context);
}

static INT remove_one(struct ws2_nsp *nsp, GUID *id, void *context)
{
    return nsp->routine.NSPRemoveServiceClass(id, (LPGUID)context);
}

/**
 * Install a class of services. The built-in provider keeps it until the process ends.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEINVAL (the structure), WSAEALREADY, WSA_NOT_ENOUGH_MEMORY,
 *          WSASERVICE_NOT_FOUND (no provider), or what a provider said.
 */
INT WSAAPI WSAInstallServiceClassW(LPWSASERVICECLASSINFOW info)
{
    int code = !ws2_started() ? WSANOTINITIALISED : !info_good(info) ? WSAEINVAL : each_provider(install_one, info);
    return code == 0 ? 0 : ws2_fail(code);
}

static void widen_class(struct ws2_pack *pack, const WSASERVICECLASSINFOA *from)
{
    WSASERVICECLASSINFOW *at = (WSASERVICECLASSINFOW *)ws2_pack_take(pack, sizeof *at, sizeof(void *));
    WSANSCLASSINFOW *list = (WSANSCLASSINFOW *)ws2_pack_take(pack, from->dwCount * sizeof *list, sizeof(void *));
    WCHAR *name = ws2_pack_widened(pack, from->lpszServiceClassName);
    DWORD i;
    for (i = 0; i < from->dwCount; i++) {
        WSANSCLASSINFOW info;
        memcpy(&info, &from->lpClassInfos[i], sizeof info); /* one layout */
        info.lpszName = ws2_pack_widened(pack, from->lpClassInfos[i].lpszName);
        if (list != NULL) {
            list[i] = info;
        }
    }
    if (at != NULL) {
        at->lpServiceClassId = from->lpServiceClassId;
        at->lpszServiceClassName = name;
        at->dwCount = from->dwCount;
        at->lpClassInfos = list;
    }
}

/** As WSAInstallServiceClassW. */
INT WSAAPI WSAInstallServiceClassA(LPWSASERVICECLASSINFOA info)
{
    struct ws2_pack pack = {NULL, 0, 0};
    int result;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    if (info == NULL || (info->dwCount > 0 && info->lpClassInfos == NULL)) {
        return ws2_fail(WSAEINVAL);
    }
    widen_class(&pack, info);
    pack.room = pack.used;
    pack.used = 0;
    pack.base = (uint8_t *)malloc(pack.room);
    if (pack.base == NULL) {
        return ws2_fail(WSA_NOT_ENOUGH_MEMORY);
    }
    widen_class(&pack, info);
    result = WSAInstallServiceClassW((LPWSASERVICECLASSINFOW)(void *)pack.base);
    free(pack.base);
    return result;
}

/**
 * Remove a class of services.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEINVAL (NULL), WSATYPE_NOT_FOUND, WSAEACCES (a well-known one).
 */
INT WSAAPI WSARemoveServiceClass(LPGUID class_id)
{
    int code = !ws2_started() ? WSANOTINITIALISED : class_id == NULL ? WSAEINVAL : each_provider(remove_one, class_id);
    return code == 0 ? 0 : ws2_fail(code);
}

/**
 * What a provider knows of a class.
 *
 * @param bytes  In: room; out with WSAEFAULT: what is needed.
 * @return       0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (pointers, room), WSAEINVAL (no such provider),
 *               WSATYPE_NOT_FOUND.
 */
INT WSAAPI WSAGetServiceClassInfoW(LPGUID provider, LPGUID class_id, LPDWORD bytes, LPWSASERVICECLASSINFOW info)
{
    struct ws2_nsp *list[WS2_NAMESPACES];
    WSASERVICECLASSINFOW least;
    GUID id;
    int code;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    if (provider == NULL || class_id == NULL || bytes == NULL) {
        return ws2_fail(WSAEFAULT);
    }
    if (ws2_nsp_chosen(NS_ALL, provider, list, &code) == 0) {
        return ws2_fail(code == WSASERVICE_NOT_FOUND ? WSAEINVAL : code);
    }
    id = *class_id;
    if (info == NULL || *bytes < sizeof *info) {
        /* What is needed is found out with a structure of our own. */
        *bytes = sizeof least;
        info = &least;
    }
    memset(info, 0, sizeof *info);
    info->lpServiceClassId = &id;
    if (list[0]->routine.NSPGetServiceClassInfo(provider, bytes, info) != 0) {
        return SOCKET_ERROR;
    }
    return info == &least ? ws2_fail(WSAEFAULT) : 0;
}

static void narrow_class(struct ws2_pack *pack, const WSASERVICECLASSINFOW *from)
{
    WSASERVICECLASSINFOA *at = (WSASERVICECLASSINFOA *)ws2_pack_take(pack, sizeof *at, sizeof(void *));
    GUID *id = (GUID *)ws2_pack_copy(pack, from->lpServiceClassId, sizeof(GUID), 4);
    WSANSCLASSINFOA *list = (WSANSCLASSINFOA *)ws2_pack_take(pack, from->dwCount * sizeof *list, sizeof(void *));
    char *name = ws2_pack_narrowed(pack, from->lpszServiceClassName);
    DWORD i;
    for (i = 0; i < from->dwCount; i++) {
        WSANSCLASSINFOA info;
        memcpy(&info, &from->lpClassInfos[i], sizeof info);
        info.lpszName = ws2_pack_narrowed(pack, from->lpClassInfos[i].lpszName);
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

/* A class in UTF-16, in a block of its own; NULL with the last error set. */
static WSASERVICECLASSINFOW *class_of(LPGUID provider, LPGUID class_id)
{
    DWORD bytes = 512;
    for (;;) {
        WSASERVICECLASSINFOW *wide = (WSASERVICECLASSINFOW *)malloc(bytes);
        DWORD had = bytes;
        if (wide == NULL) {
            ws2_fail(WSA_NOT_ENOUGH_MEMORY);
            return NULL;
        }
        if (WSAGetServiceClassInfoW(provider, class_id, &bytes, wide) == 0) {
            return wide;
        }
        free(wide);
        if (WSAGetLastError() != WSAEFAULT || bytes <= had) {
            return NULL;
        }
    }
}

/** As WSAGetServiceClassInfoW. */
INT WSAAPI WSAGetServiceClassInfoA(LPGUID provider, LPGUID class_id, LPDWORD bytes, LPWSASERVICECLASSINFOA info)
{
    struct ws2_pack pack = {NULL, 0, 0};
    WSASERVICECLASSINFOW *wide;
    bool fits;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    if (provider == NULL || class_id == NULL || bytes == NULL) {
        return ws2_fail(WSAEFAULT);
    }
    wide = class_of(provider, class_id);
    if (wide == NULL) {
        return SOCKET_ERROR;
    }
    narrow_class(&pack, wide);
    fits = info != NULL && pack.used <= *bytes;
    if (fits) {
        pack = (struct ws2_pack){(uint8_t *)info, *bytes, 0};
        narrow_class(&pack, wide);
    } else {
        *bytes = (DWORD)pack.used;
    }
    free(wide);
    return fits ? 0 : ws2_fail(WSAEFAULT);
}

/* The first provider that knows the class; NULL with the last error set. */
static WSASERVICECLASSINFOW *class_anywhere(LPGUID class_id)
{
    struct ws2_nsp *list[WS2_NAMESPACES];
    int code;
    unsigned count = ws2_nsp_chosen(NS_ALL, NULL, list, &code);
    unsigned i;
    for (i = 0; i < count; i++) {
        GUID id = list[i]->entry->id;
        WSASERVICECLASSINFOW *info = class_of(&id, class_id);
        if (info != NULL && info->lpszServiceClassName != NULL) {
            return info;
        }
        free(info);
    }
    ws2_fail(WSAEINVAL);
    return NULL;
}

/**
 * The name of a class.
 *
 * @param bytes  In: room; out: what the name takes.
 * @return       0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (pointers, room), WSAEINVAL (no such class).
 */
INT WSAAPI WSAGetServiceClassNameByClassIdW(LPGUID class_id, LPWSTR name, LPDWORD bytes)
{
    WSASERVICECLASSINFOW *info;
    DWORD need;
    bool fits;
    if (!ws2_started() || class_id == NULL || bytes == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    info = class_anywhere(class_id);
    if (info == NULL) {
        return SOCKET_ERROR;
    }
    need = (DWORD)((ws2_utf16_len(info->lpszServiceClassName) + 1) * sizeof(WCHAR));
    fits = name != NULL && *bytes >= need;
    if (fits) {
        memcpy(name, info->lpszServiceClassName, need);
    }
    *bytes = need;
    free(info);
    return fits ? 0 : ws2_fail(WSAEFAULT);
}

/** As WSAGetServiceClassNameByClassIdW. */
INT WSAAPI WSAGetServiceClassNameByClassIdA(LPGUID class_id, LPSTR name, LPDWORD bytes)
{
    WSASERVICECLASSINFOW *info;
    DWORD need;
    bool fits;
    if (!ws2_started() || class_id == NULL || bytes == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    info = class_anywhere(class_id);
    if (info == NULL) {
        return SOCKET_ERROR;
    }
    need = (DWORD)ws2_utf16_len(info->lpszServiceClassName) + 1;
    fits = name != NULL && *bytes >= need;
    if (fits) {
        ws2_ansi_from_utf16(info->lpszServiceClassName, name, need);
    }
    *bytes = need;
    free(info);
    return fits ? 0 : ws2_fail(WSAEFAULT);
}
