/**
 * @file
 * What the multicast options, control codes and WSPJoinLeaf share. Source: rules 5.2, 7.8.
 */
#ifndef WSP_MCAST_H
#define WSP_MCAST_H

#include "wsp_socket.h"

/** Is it the address of a group? */
bool wsp_mcast_is_group(const struct stk_addr *addr);

/**
 * An interface as IPv4 options name it: 0 by route, 0.x.y.z an index in network order, else one of its addresses.
 *
 * @param ip        Network order.
 * @param if_index  Out; 0: by route.
 * @return          0, or:
 * @retval WSAEADDRNOTAVAIL  No interface has the address.
 *
 * Context: any thread.
 */
int wsp_mcast_interface(const unsigned char ip[4], uint32_t *if_index);

/** Is there an interface of this index? 0, by route, is one. Context: any thread; allocates. */
bool wsp_mcast_index_known(uint32_t if_index);

/** A group or a source out of a SOCKADDR_STORAGE. @return  0, or WSAEINVAL: not of the socket's family. */
int wsp_mcast_addr(const struct wsp_socket *sock, const struct sockaddr_storage *given, struct stk_addr *out);

#endif
