/*
 * The three numbers of one failure. See ws2_status.c.
 */
#ifndef WS2_STATUS_H
#define WS2_STATUS_H

#include "ws2_priv.h"

ULONG_PTR ws2_status_of(const struct ws2_slot *slot, DWORD code);
DWORD ws2_status_win32(DWORD code);
DWORD ws2_status_win32_of(ULONG_PTR status);
DWORD ws2_status_code(ULONG_PTR status);

#endif
