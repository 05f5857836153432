/**
 * @file
 * What the system lets only some users do. Source: rules DSC-18, RAW-4, WSPSOCKET-1.
 */
#ifndef WSP_PRIVILEGE_H
#define WSP_PRIVILEGE_H

#include <stdbool.h>

/** May this process, as it runs now, open RAW sockets of the system? Context: any thread. A system call or two. */
bool wsp_privileged(void);

#endif
