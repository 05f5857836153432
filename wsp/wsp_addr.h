/**
 * @file
 * Socket addresses: Winsock's structures to the stack's and back.
 *
 * Source: rules WSPC-11, WSPBIND-1, CF-2.
 */
#ifndef WSP_ADDR_H
#define WSP_ADDR_H

#include "stack/addr.h"

#include <stdbool.h>
#include <ws2spi.h>
#include <ws2ipdef.h>

/** Bytes of a socket address of a family (AF_INET, AF_INET6); 0: unknown family. */
int wsp_addr_size(int family);

/**
 * Read an application's address.
 *
 * @param name     namelen bytes, any alignment.
 * @param namelen  Bytes; more than needed is accepted.
 * @param family   The socket's: AF_INET or AF_INET6.
 * @param out      Filled on success.
 * @return         0, WSAEFAULT (NULL or too short), WSAEAFNOSUPPORT (another family).
 *
 * Context: any thread. Does not block or allocate.
 */
int wsp_addr_read(const struct sockaddr *name, int namelen, int family, struct stk_addr *out);

/**
 * Write an address for an application.
 *
 * @param addr     family STK_AF_NONE writes the any address.
 * @param name     Filled; *namelen bytes are there.
 * @param namelen  In: capacity; out: size.
 * @return         0, or WSAEFAULT: NULL or too small; nothing is written.
 */
int wsp_addr_write(const struct stk_addr *addr, int family, struct sockaddr *name, LPINT namelen);

/** The stack's number of a family; STK_AF_NONE: unknown. */
enum stk_family wsp_addr_family(int family);

/** Is it the any address of its family? */
bool wsp_addr_is_any(const struct stk_addr *addr);

/** 16 bits between host and network order. */
uint16_t wsp_swap16(uint16_t value);

/* Slots 2 and 30. */
INT WSPAPI wsp_address_to_string(LPSOCKADDR lpsaAddress, DWORD dwAddressLength, LPWSAPROTOCOL_INFOW lpProtocolInfo,
                                 LPWSTR lpszAddressString, LPDWORD lpdwAddressStringLength, LPINT lpErrno);
INT WSPAPI wsp_string_to_address(LPWSTR AddressString, INT AddressFamily, LPWSAPROTOCOL_INFOW lpProtocolInfo,
                                 LPSOCKADDR lpAddress, LPINT lpAddressLength, LPINT lpErrno);

#endif
