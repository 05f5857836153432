/*
 * Sentences for error codes, Linux.
 */
#ifndef WS2_FORMAT_H
#define WS2_FORMAT_H

#include "ws2_priv.h"

const char *ws2_format_text(DWORD code);

#endif
