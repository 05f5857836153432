/*
 * Exports of Microsoft's DLL that the SDK headers of mingw-w64 do not declare. Where the arguments are documented nowhere
 * there are none here: in the one calling convention of 64-bit Windows that is harmless.
 */
#ifndef WS2_UNLISTED_WINDOWS_H
#define WS2_UNLISTED_WINDOWS_H

#include "ws2_priv.h"

DWORD WSAAPI ProcessSocketNotifications(HANDLE port, UINT32 registrations, void *registration, UINT32 timeout_ms,
                                        ULONG completions, void *entries, UINT32 *received);
BOOL WSAAPI WEP(void);

int WSAAPI WPUGetProviderPathEx(void);
int WSAAPI WSApSetPostRoutine(void);
int WSAAPI WSCDeinstallProviderEx(void);
int WSAAPI WSCEnumProtocolsEx(void);
int WSAAPI WSCGetApplicationCategoryEx(void);
int WSAAPI WSCInstallNameSpaceEx2(void);
int WSAAPI WSCInstallProviderAndChains(void);
int WSAAPI WSCInstallProviderEx(void);
int WSAAPI WSCSetApplicationCategoryEx(void);
int WSAAPI WSCUnInstallNameSpaceEx2(void);
int WSAAPI WSCUpdateProviderEx(void);
int WSAAPI WSCWriteProviderOrderEx(void);

#endif
