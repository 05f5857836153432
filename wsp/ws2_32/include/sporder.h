/*
 * The orders of the catalogue. Source: rules WSC2-8, WSC2-12.
 */
#ifndef WL_SPORDER_H
#define WL_SPORDER_H

#include "ws2spi.h"

WL_BEGIN_C

int WSPAPI WSCWriteProviderOrder(LPDWORD ids, DWORD count);
int WSPAPI WSCWriteNameSpaceOrder(LPGUID ids, DWORD count);

WL_END_C

#endif
