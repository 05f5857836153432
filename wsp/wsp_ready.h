/**
 * @file
 * What a socket has to tell, for our ws2_32, which answers polls through the device of Windows' own sockets with it:
 * WSP_IOCTL_READY of wsp_private_abi.h. Level-triggered: a look takes nothing.
 */
#ifndef WSP_READY_H
#define WSP_READY_H

#include "wsp_ioctl_priv.h"
#include "wsp_private_abi.h"

/** WSP_IOCTL_READY. Without an overlapped structure a look, else a request that waits. Context: any thread, no lock held. */
int wsp_ready_ask(struct wsp_socket *sock, struct wsp_ioctl_call *call);

/**
 * Is there anything to tell a request that waits? If not, what it wants is armed.
 *
 * @return  true: its result is stored.
 *
 * Context: the socket's lock is held.
 */
bool wsp_ready_step(struct wsp_socket *sock, struct wsp_request *request);

#endif
