/*
 * Sockets at the two ends of the wire of wire-pair.ini, for cases whose packets a second program looks at: addresses are
 * 10.88.0.1 (west, where the wire is recorded) and 10.88.0.2 (east), and ports are fixed.
 */
#ifndef T_WIRE_H
#define T_WIRE_H

#include "t_api.h"

#include <string.h>

enum t_end { T_WEST, T_EAST };

/* The ports of case number n: the listener's or the east socket's, and one more for the west. */
#define T_PORT(n) ((u_short)(40000 + 10 * (n)))

#define T_LONG_MS 5000 /* for what must come */
#define T_QUIET_MS 60  /* for what must not come */

SOCKADDR_IN t_wire_name(enum t_end end, u_short port);
/* Bound; port 0: a dynamic one. */
SOCKET t_wire_socket(enum t_end end, int type, u_short port);
SOCKET t_wire_listener(u_short port, int backlog);
void t_wire_connect(SOCKET s, enum t_end to, u_short port);
/* ends[0] is west, at port + 1, ends[1] east, accepted at port. */
void t_wire_pair(u_short port, SOCKET ends[2]);
void t_wire_close(SOCKET ends[2]);

void t_nonblocking(SOCKET s);
void t_option(SOCKET s, int level, int name, int value);
int t_option_of(SOCKET s, int level, int name);
/* Waits with select; false: not in time. */
bool t_readable(SOCKET s, unsigned ms);
bool t_writable(SOCKET s, unsigned ms);
bool t_exceptional(SOCKET s, unsigned ms);
/* Gathers network events until all of wanted came, or the time is over. codes may be NULL. */
long t_events(SOCKET s, WSAEVENT event, long wanted, unsigned ms, int codes[FD_MAX_EVENTS]);
/* Sends a text whole. */
void t_say(SOCKET s, const char *text);
/* Receives exactly a text. */
void t_hear(SOCKET s, const char *text);

#endif
