/*
 * Namespace providers, service classes and names of hosts by lookups. There is no namespace provider: lists of them are
 * empty, and nothing is found in them. Every function fails as the documentation says a real one may. Windows only: the
 * headers for Linux do not declare them. Source: rules NSPX, WS2-52, WS2-62.
 */
#include "ws2_priv.h"

/* The code after the question that every function asks first. */
static int refuse(int code)
{
    return ws2_fail(ws2_started() ? code : WSANOTINITIALISED);
}

static int list_nothing(const DWORD *bytes)
{
    if (!ws2_started() || bytes == NULL) {
        return refuse(WSAEFAULT);
    }
    return 0;
}

/** List namespace providers. @return 0: none; or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (bytes NULL). */
INT WSAAPI WSAEnumNameSpaceProvidersA(LPDWORD bytes, LPWSANAMESPACE_INFOA buffer)
{
    (void)buffer;
    return list_nothing(bytes);
}

/** As WSAEnumNameSpaceProvidersA. */
INT WSAAPI WSAEnumNameSpaceProvidersW(LPDWORD bytes, LPWSANAMESPACE_INFOW buffer)
{
    (void)buffer;
    return list_nothing(bytes);
}

/** As WSAEnumNameSpaceProvidersA. */
INT WSAAPI WSAEnumNameSpaceProvidersExA(LPDWORD bytes, LPWSANAMESPACE_INFOEXA buffer)
{
    (void)buffer;
    return list_nothing(bytes);
}

/** As WSAEnumNameSpaceProvidersA. */
INT WSAAPI WSAEnumNameSpaceProvidersExW(LPDWORD bytes, LPWSANAMESPACE_INFOEXW buffer)
{
    (void)buffer;
    return list_nothing(bytes);
}

static int lookup_refuse(const void *query, DWORD given, size_t least, const HANDLE *lookup)
{
    return refuse(query == NULL || lookup == NULL || given < least ? WSAEFAULT : WSASERVICE_NOT_FOUND);
}

/** Start a lookup. Fails with WSANOTINITIALISED, WSAEFAULT (pointers, size), WSASERVICE_NOT_FOUND. Rule NSPX-24. */
INT WSAAPI WSALookupServiceBeginA(LPWSAQUERYSETA query, DWORD flags, LPHANDLE lookup)
{
    (void)flags;
    return lookup_refuse(query, query == NULL ? 0 : query->dwSize, sizeof *query, lookup);
}

/** As WSALookupServiceBeginA. */
INT WSAAPI WSALookupServiceBeginW(LPWSAQUERYSETW query, DWORD flags, LPHANDLE lookup)
{
    (void)flags;
    return lookup_refuse(query, query == NULL ? 0 : query->dwSize, sizeof *query, lookup);
}

/** No lookup was ever started: fails with WSANOTINITIALISED or WSA_INVALID_HANDLE. */
INT WSAAPI WSALookupServiceNextA(HANDLE lookup, DWORD flags, LPDWORD bytes, LPWSAQUERYSETA results)
{
    (void)lookup;
    (void)flags;
    (void)bytes;
    (void)results;
    return refuse(WSA_INVALID_HANDLE);
}

/** As WSALookupServiceNextA. */
INT WSAAPI WSALookupServiceNextW(HANDLE lookup, DWORD flags, LPDWORD bytes, LPWSAQUERYSETW results)
{
    (void)lookup;
    (void)flags;
    (void)bytes;
    (void)results;
    return refuse(WSA_INVALID_HANDLE);
}

/** As WSALookupServiceNextA. */
INT WSAAPI WSALookupServiceEnd(HANDLE lookup)
{
    (void)lookup;
    return refuse(WSA_INVALID_HANDLE);
}

/** As WSALookupServiceNextA. */
INT WSAAPI WSANSPIoctl(HANDLE lookup, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                       LPDWORD returned, LPWSACOMPLETION completion)
{
    (void)lookup;
    (void)code;
    (void)in;
    (void)in_bytes;
    (void)out;
    (void)out_bytes;
    (void)returned;
    (void)completion;
    return refuse(WSA_INVALID_HANDLE);
}

/** Register a service. Fails with WSANOTINITIALISED, WSAEFAULT (NULL), WSASERVICE_NOT_FOUND: no provider takes it. */
INT WSAAPI WSASetServiceA(LPWSAQUERYSETA registration, WSAESETSERVICEOP operation, DWORD flags)
{
    (void)operation;
    (void)flags;
    return refuse(registration == NULL ? WSAEFAULT : WSASERVICE_NOT_FOUND);
}

/** As WSASetServiceA. */
INT WSAAPI WSASetServiceW(LPWSAQUERYSETW registration, WSAESETSERVICEOP operation, DWORD flags)
{
    (void)operation;
    (void)flags;
    return refuse(registration == NULL ? WSAEFAULT : WSASERVICE_NOT_FOUND);
}

/** Register a class of services. Fails with WSANOTINITIALISED, WSAEINVAL (NULL), WSAEACCES: there is no place for it. */
INT WSAAPI WSAInstallServiceClassA(LPWSASERVICECLASSINFOA info)
{
    return refuse(info == NULL ? WSAEINVAL : WSAEACCES);
}

/** As WSAInstallServiceClassA. */
INT WSAAPI WSAInstallServiceClassW(LPWSASERVICECLASSINFOW info)
{
    return refuse(info == NULL ? WSAEINVAL : WSAEACCES);
}

/** Remove a class of services. Fails with WSANOTINITIALISED, WSAEINVAL (NULL), WSATYPE_NOT_FOUND. */
INT WSAAPI WSARemoveServiceClass(LPGUID class_id)
{
    return refuse(class_id == NULL ? WSAEINVAL : WSATYPE_NOT_FOUND);
}

/** What is known of a class. Fails with WSANOTINITIALISED, WSAEFAULT (pointers), WSATYPE_NOT_FOUND. */
INT WSAAPI WSAGetServiceClassInfoA(LPGUID provider, LPGUID class_id, LPDWORD bytes, LPWSASERVICECLASSINFOA info)
{
    (void)info;
    return refuse(provider == NULL || class_id == NULL || bytes == NULL ? WSAEFAULT : WSATYPE_NOT_FOUND);
}

/** As WSAGetServiceClassInfoA. */
INT WSAAPI WSAGetServiceClassInfoW(LPGUID provider, LPGUID class_id, LPDWORD bytes, LPWSASERVICECLASSINFOW info)
{
    (void)info;
    return refuse(provider == NULL || class_id == NULL || bytes == NULL ? WSAEFAULT : WSATYPE_NOT_FOUND);
}

/** The name of a class. Fails with WSANOTINITIALISED, WSAEFAULT (pointers), WSAEINVAL: no class is known. */
INT WSAAPI WSAGetServiceClassNameByClassIdA(LPGUID class_id, LPSTR name, LPDWORD bytes)
{
    return refuse(class_id == NULL || name == NULL || bytes == NULL ? WSAEFAULT : WSAEINVAL);
}

/** As WSAGetServiceClassNameByClassIdA. */
INT WSAAPI WSAGetServiceClassNameByClassIdW(LPGUID class_id, LPWSTR name, LPDWORD bytes)
{
    return refuse(class_id == NULL || name == NULL || bytes == NULL ? WSAEFAULT : WSAEINVAL);
}

/** Offer a namespace provider of this process. Fails with WSANOTINITIALISED, WSAEFAULT (pointers), WSAEINVAL. */
INT WSAAPI WSAAdvertiseProvider(const GUID *provider, const LPCNSPV2_ROUTINE *routines)
{
    return refuse(provider == NULL || routines == NULL ? WSAEFAULT : WSAEINVAL);
}

/** Take the offer back. Fails with WSANOTINITIALISED, WSAEFAULT (NULL), WSAEINVAL: there was none. */
INT WSAAPI WSAUnadvertiseProvider(const GUID *provider)
{
    return refuse(provider == NULL ? WSAEFAULT : WSAEINVAL);
}

/** A namespace provider reports an asynchronous call. Fails with WSANOTINITIALISED or WSAEINVAL: there is no call. */
INT WSAAPI WSAProviderCompleteAsyncCall(HANDLE call, INT code)
{
    (void)call;
    (void)code;
    return refuse(WSAEINVAL);
}

/** Be told of a change of the catalogue. Fails with WSANOTINITIALISED, WSAEFAULT (NULL), WSAEOPNOTSUPP. */
INT WSAAPI WSAProviderConfigChange(LPHANDLE notification, LPWSAOVERLAPPED overlapped,
                                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)overlapped;
    (void)routine;
    return refuse(notification == NULL ? WSAEFAULT : WSAEOPNOTSUPP);
}
