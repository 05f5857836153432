/*
 * The system's <sys/select.h>, with one thing kept: an FD_SETSIZE that the program defined before it included
 * anything. Windows lets a program choose that size, libc would overwrite the choice silently, and by the time
 * winsock2.h is read it would be lost (stdlib.h is enough to pull the system's header in).
 */
#pragma GCC system_header
#if !defined(_SYS_SELECT_H) && defined(FD_SETSIZE) && !defined(WL_FD_SETSIZE_GIVEN)
#define WL_FD_SETSIZE_GIVEN 1
#pragma push_macro("FD_SETSIZE")
#undef FD_SETSIZE
#include_next <sys/select.h>
#undef FD_SETSIZE
#pragma pop_macro("FD_SETSIZE")
#else
#include_next <sys/select.h>
#endif
