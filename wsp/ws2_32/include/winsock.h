/* Programs written for Winsock 1.1 get the same interface; the version they ask WSAStartup for tells them apart. */
#ifndef WL_WINSOCK_H
#define WL_WINSOCK_H
#include "winsock2.h"
#endif
