/*
 * Keys, for Linux.
 */
#ifndef WL_CONIO_H
#define WL_CONIO_H

#include "windef.h"

WL_BEGIN_C

int WINAPI wl_kbhit(void);
int WINAPI wl_getch(void);

WL_END_C

#define _kbhit wl_kbhit
#define _getch wl_getch
#define kbhit wl_kbhit
#define getch wl_getch

#endif
