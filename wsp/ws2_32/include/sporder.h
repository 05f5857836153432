/*
 * The order of the catalogue. Source: rule WSC2-8.
 */
#ifndef WL_SPORDER_H
#define WL_SPORDER_H

#include "ws2spi.h"

WL_BEGIN_C

int WSPAPI WSCWriteProviderOrder(LPDWORD ids, DWORD count);

WL_END_C

#endif
