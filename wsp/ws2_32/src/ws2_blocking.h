/*
 * Blocking hooks: the upcall.
 */
#ifndef WS2_BLOCKING_H
#define WS2_BLOCKING_H

#include "ws2_upcall_priv.h"

int WSPAPI ws2_upcall_query_blocking(DWORD entry_id, LPBLOCKINGCALLBACK *callback, PDWORD_PTR context, LPINT error);

#endif
