/*
 * Query sets between UTF-16 and ANSI.
 */
#include "ws2_query.h"

#include <stdlib.h>
#include <string.h>

static void widen(struct ws2_pack *pack, const WSAQUERYSETA *from)
{
    WSAQUERYSETW *at = (WSAQUERYSETW *)ws2_pack_take(pack, sizeof *at, sizeof(void *));
    WSAQUERYSETW set;
    memcpy(&set, from, sizeof set); /* one layout; the texts are replaced */
    set.dwSize = sizeof set;
    set.lpszServiceInstanceName = ws2_pack_widened(pack, from->lpszServiceInstanceName);
    set.lpszComment = ws2_pack_widened(pack, from->lpszComment);
    set.lpszContext = ws2_pack_widened(pack, from->lpszContext);
    set.lpszQueryString = ws2_pack_widened(pack, from->lpszQueryString);
    if (at != NULL) {
        *at = set;
    }
}

_Static_assert(sizeof(WSAQUERYSETA) == sizeof(WSAQUERYSETW), "one layout");
_Static_assert(offsetof(WSAQUERYSETA, lpBlob) == offsetof(WSAQUERYSETW, lpBlob), "one layout");

/** A question in UTF-16, in one block to be freed; what is no text is the caller's still. NULL when memory is short. */
WSAQUERYSETW *ws2_query_widen(const WSAQUERYSETA *from)
{
    struct ws2_pack pack = {NULL, 0, 0};
    widen(&pack, from);
    pack.room = pack.used;
    pack.used = 0;
    pack.base = (uint8_t *)malloc(pack.room);
    if (pack.base != NULL) {
        widen(&pack, from);
    }
    return (WSAQUERYSETW *)(void *)pack.base;
}

static void narrow_addresses(struct ws2_pack *pack, const WSAQUERYSETW *from, WSAQUERYSETA *set)
{
    CSADDR_INFO *list;
    DWORD i;
    if (from->lpcsaBuffer == NULL || from->dwNumberOfCsAddrs == 0) {
        return;
    }
    list = (CSADDR_INFO *)ws2_pack_take(pack, from->dwNumberOfCsAddrs * sizeof *list, sizeof(void *));
    for (i = 0; i < from->dwNumberOfCsAddrs; i++) {
        CSADDR_INFO info = from->lpcsaBuffer[i];
        if (info.LocalAddr.lpSockaddr != NULL && info.LocalAddr.iSockaddrLength > 0) {
            info.LocalAddr.lpSockaddr = (LPSOCKADDR)ws2_pack_copy(pack, info.LocalAddr.lpSockaddr,
                                                                  (size_t)info.LocalAddr.iSockaddrLength, 8);
        }
        if (info.RemoteAddr.lpSockaddr != NULL && info.RemoteAddr.iSockaddrLength > 0) {
            info.RemoteAddr.lpSockaddr = (LPSOCKADDR)ws2_pack_copy(pack, info.RemoteAddr.lpSockaddr,
                                                                   (size_t)info.RemoteAddr.iSockaddrLength, 8);
        }
        if (list != NULL) {
            list[i] = info;
        }
    }
    set->lpcsaBuffer = list;
}

/** Lay a result in ANSI into a pack, with all that it points to. */
void ws2_query_narrow(struct ws2_pack *pack, const WSAQUERYSETW *from)
{
    WSAQUERYSETA *at = (WSAQUERYSETA *)ws2_pack_take(pack, sizeof *at, sizeof(void *));
    WSAQUERYSETA set;
    memcpy(&set, from, sizeof set);
    set.dwSize = sizeof set;
    set.lpszServiceInstanceName = ws2_pack_narrowed(pack, from->lpszServiceInstanceName);
    set.lpszComment = ws2_pack_narrowed(pack, from->lpszComment);
    set.lpszContext = ws2_pack_narrowed(pack, from->lpszContext);
    set.lpszQueryString = ws2_pack_narrowed(pack, from->lpszQueryString);
    if (from->lpServiceClassId != NULL) {
        set.lpServiceClassId = (LPGUID)ws2_pack_copy(pack, from->lpServiceClassId, sizeof(GUID), 4);
    }
    if (from->lpNSProviderId != NULL) {
        set.lpNSProviderId = (LPGUID)ws2_pack_copy(pack, from->lpNSProviderId, sizeof(GUID), 4);
    }
    if (from->lpVersion != NULL) {
        set.lpVersion = (LPWSAVERSION)ws2_pack_copy(pack, from->lpVersion, sizeof *from->lpVersion, 4);
    }
    if (from->lpafpProtocols != NULL && from->dwNumberOfProtocols > 0) {
        set.lpafpProtocols = (LPAFPROTOCOLS)ws2_pack_copy(pack, from->lpafpProtocols,
                                                          from->dwNumberOfProtocols * sizeof *from->lpafpProtocols, 4);
    }
    narrow_addresses(pack, from, &set);
    if (from->lpBlob != NULL) {
        BLOB *blob = (BLOB *)ws2_pack_take(pack, sizeof *blob, sizeof(void *));
        BYTE *data = (BYTE *)ws2_pack_copy(pack, from->lpBlob->pBlobData, from->lpBlob->cbSize, 8);
        if (blob != NULL) {
            blob->cbSize = from->lpBlob->cbSize;
            blob->pBlobData = data;
        }
        set.lpBlob = blob;
    }
    if (at != NULL) {
        *at = set;
    }
}
