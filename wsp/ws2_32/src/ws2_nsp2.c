/*
 * Namespace providers of the second edition: a program may not offer one, and none is called. Source: rule NSPX-22.
 */
#include "ws2_priv.h"

/* The code after the question that every function asks first. */
static int refuse(int code)
{
    return ws2_fail(ws2_started() ? code : WSANOTINITIALISED);
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
