/*
 * The upcalls that need the platform: its threads and windows.
 */
#ifndef WS2_UPCALL_PRIV_H
#define WS2_UPCALL_PRIV_H

#include "ws2_priv.h"

int WSPAPI ws2_upcall_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context, LPINT error);
int WSPAPI ws2_upcall_open_current_thread(LPWSATHREADID thread, LPINT error);
int WSPAPI ws2_upcall_close_thread(LPWSATHREADID thread, LPINT error);
BOOL WSPAPI ws2_upcall_post_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam);

struct ws2_provider *ws2_provider_started(const struct ws2_entry *entry);

#endif
