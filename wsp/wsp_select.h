/** @file WSPSelect. Source: rules WSPSELECT, EVT-19, EVT-20. */
#ifndef WSP_SELECT_H
#define WSP_SELECT_H

#include <ws2spi.h>

/* Slot 23. */
int WSPAPI wsp_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, const struct timeval *timeout,
                      LPINT lpErrno);

#endif
