/** @file WSAPoll, which programs reach by its identifier (WSAID_WSAPOLL). Source: rules POLL. */
#ifndef WSP_POLL_H
#define WSP_POLL_H

#include <ws2spi.h>

int WSPAPI wsp_poll(WSAPOLLFD *array, ULONG count, INT timeout_ms);

#endif
