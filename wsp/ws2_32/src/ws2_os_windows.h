/*
 * What the Windows files share.
 */
#ifndef WS2_OS_WINDOWS_H
#define WS2_OS_WINDOWS_H

#include "ws2_priv.h"

bool ws2_etc_path(const char *file, char *out, size_t bytes);

#endif
