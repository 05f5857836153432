/*
 * Query sets between UTF-16 and ANSI.
 */
#ifndef WS2_QUERY_H
#define WS2_QUERY_H

#include "ws2_nsp.h"

WSAQUERYSETW *ws2_query_widen(const WSAQUERYSETA *from);
void ws2_query_narrow(struct ws2_pack *pack, const WSAQUERYSETW *from);

#endif
