/**
 * @file
 * What the children's modes have in common on the Winsock side. Every helper
 * ends the process through T_NEED where something is not as it must be.
 */
#ifndef T_SOCK_H
#define T_SOCK_H

#include "t_life.h"

#include <winsock2.h>
#include <ws2tcpip.h>

/** WSAStartup 2.2. */
void t_startup(void);

/** An IPv4 address. */
struct sockaddr_in t_addr(const char *ip, u_short port);

/** A listener on a port that the stack picks, which is stored. */
SOCKET t_listener(const char *ip, u_short *port);

/** A connected socket. */
SOCKET t_connected(const char *ip, u_short port);

/**
 * Two sockets connected to each other across the configured link.
 *
 * @param net  First three numbers of its network: "10.88.0".
 */
void t_pair(const char *net, SOCKET ends[2]);

/** Byte at a place of the test's stream. */
char t_byte(uint64_t at);

/** Send bytes of the stream from a place on, blocking. */
void t_send(SOCKET s, uint64_t at, size_t bytes);

/** Receive exactly so many and compare. */
void t_recv(SOCKET s, uint64_t at, size_t bytes);

/** The same in both directions of a pair, in pieces that fit the buffers. */
void t_transfer(const SOCKET ends[2], size_t bytes);

#endif
