/* Programs of the name-service part of Winsock 2 include this; all of it is in winsock2.h. */
#ifndef WL_NSPAPI_H
#define WL_NSPAPI_H
#include "winsock2.h"
#endif
