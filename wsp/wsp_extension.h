/** @file Functions that programs ask for by identifier. Source: rules IOC-5, WSPIOCTL-8, section 8 of the extensions' list. */
#ifndef WSP_EXTENSION_H
#define WSP_EXTENSION_H

#include "wsp_ioctl_priv.h"

/**
 * SIO_GET_EXTENSION_FUNCTION_POINTER: a GUID in, a pointer out.
 *
 * @return  0, or WSAEINVAL: no such function.
 *
 * Context: any thread.
 */
int wsp_extension_get(struct wsp_socket *sock, struct wsp_ioctl_call *call);

#endif
