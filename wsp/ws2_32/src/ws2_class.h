/*
 * Classes of services, kept by the built-in namespace provider: see ws2_class.c.
 */
#ifndef WS2_CLASS_H
#define WS2_CLASS_H

#include "ws2_nsp.h"

INT WSPAPI ws2_class_install(LPGUID provider, LPWSASERVICECLASSINFOW info);
INT WSPAPI ws2_class_remove(LPGUID provider, LPGUID class_id);
INT WSPAPI ws2_class_info(LPGUID provider, LPDWORD bytes, LPWSASERVICECLASSINFOW info);
void ws2_class_pack(struct ws2_pack *pack, const WSASERVICECLASSINFOW *from);
WSASERVICECLASSINFOW *ws2_class_copy(const WSASERVICECLASSINFOW *from);

#endif
