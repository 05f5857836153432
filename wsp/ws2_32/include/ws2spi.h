/*
 * The Winsock 2 service provider interface: what a transport provider exports and what it may call back.
 *
 * Tables are filled and read by field name; their order is Windows' and is asserted in the layout test
 * (rules LAY-2 to LAY-10). The last parameter of every WSP function is the place for the error code.
 */
#ifndef WL_WS2SPI_H
#define WL_WS2SPI_H

#include "winsock2.h"

#define WSPAPI WSAAPI
#define WSPDESCRIPTION_LEN 255
#define WSS_OPERATION_IN_PROGRESS 0x00000103u

typedef struct WSPData {
    WORD wVersion;
    WORD wHighVersion;
    WCHAR szDescription[WSPDESCRIPTION_LEN + 1];
} WSPDATA, *LPWSPDATA;

/* Opaque to the provider; copied by value (rule LAY-4). */
typedef struct _WSATHREADID {
    HANDLE ThreadHandle;
    DWORD_PTR Reserved;
} WSATHREADID, *LPWSATHREADID;

typedef BOOL(CALLBACK *LPBLOCKINGCALLBACK)(DWORD_PTR context);
typedef void(CALLBACK *LPWSAUSERAPC)(DWORD_PTR context);

/* The 30 slots. */
typedef SOCKET(WSPAPI *LPWSPACCEPT)(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition,
                                    DWORD_PTR data, LPINT error);
typedef INT(WSPAPI *LPWSPADDRESSTOSTRING)(LPSOCKADDR addr, DWORD addr_bytes, LPWSAPROTOCOL_INFOW info, LPWSTR text,
                                          LPDWORD text_chars, LPINT error);
typedef int(WSPAPI *LPWSPASYNCSELECT)(SOCKET s, HWND window, unsigned int message, LONG events, LPINT error);
typedef int(WSPAPI *LPWSPBIND)(SOCKET s, const struct sockaddr *name, int namelen, LPINT error);
typedef int(WSPAPI *LPWSPCANCELBLOCKINGCALL)(LPINT error);
typedef int(WSPAPI *LPWSPCLEANUP)(LPINT error);
typedef int(WSPAPI *LPWSPCLOSESOCKET)(SOCKET s, LPINT error);
typedef int(WSPAPI *LPWSPCONNECT)(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller_data,
                                  LPWSABUF callee_data, LPQOS sqos, LPQOS gqos, LPINT error);
typedef int(WSPAPI *LPWSPDUPLICATESOCKET)(SOCKET s, DWORD process_id, LPWSAPROTOCOL_INFOW info, LPINT error);
typedef int(WSPAPI *LPWSPENUMNETWORKEVENTS)(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS record, LPINT error);
typedef int(WSPAPI *LPWSPEVENTSELECT)(SOCKET s, WSAEVENT event, LONG events, LPINT error);
typedef BOOL(WSPAPI *LPWSPGETOVERLAPPEDRESULT)(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred, BOOL wait,
                                               LPDWORD flags, LPINT error);
typedef int(WSPAPI *LPWSPGETPEERNAME)(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT error);
typedef int(WSPAPI *LPWSPGETSOCKNAME)(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT error);
typedef int(WSPAPI *LPWSPGETSOCKOPT)(SOCKET s, int level, int optname, char *optval, LPINT optlen, LPINT error);
typedef BOOL(WSPAPI *LPWSPGETQOSBYNAME)(SOCKET s, LPWSABUF name, LPQOS qos, LPINT error);
typedef int(WSPAPI *LPWSPIOCTL)(SOCKET s, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                                LPDWORD returned, LPWSAOVERLAPPED overlapped,
                                LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error);
typedef SOCKET(WSPAPI *LPWSPJOINLEAF)(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller_data,
                                      LPWSABUF callee_data, LPQOS sqos, LPQOS gqos, DWORD flags, LPINT error);
typedef int(WSPAPI *LPWSPLISTEN)(SOCKET s, int backlog, LPINT error);
typedef int(WSPAPI *LPWSPRECV)(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                               LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                               LPWSATHREADID thread, LPINT error);
typedef int(WSPAPI *LPWSPRECVDISCONNECT)(SOCKET s, LPWSABUF data, LPINT error);
typedef int(WSPAPI *LPWSPRECVFROM)(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                                   struct sockaddr *from, LPINT fromlen, LPWSAOVERLAPPED overlapped,
                                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error);
typedef int(WSPAPI *LPWSPSELECT)(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,
                                 const struct timeval *timeout, LPINT error);
typedef int(WSPAPI *LPWSPSEND)(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
                               LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                               LPWSATHREADID thread, LPINT error);
typedef int(WSPAPI *LPWSPSENDDISCONNECT)(SOCKET s, LPWSABUF data, LPINT error);
typedef int(WSPAPI *LPWSPSENDTO)(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
                                 const struct sockaddr *to, int tolen, LPWSAOVERLAPPED overlapped,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error);
typedef int(WSPAPI *LPWSPSETSOCKOPT)(SOCKET s, int level, int optname, const char *optval, int optlen, LPINT error);
typedef int(WSPAPI *LPWSPSHUTDOWN)(SOCKET s, int how, LPINT error);
typedef SOCKET(WSPAPI *LPWSPSOCKET)(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags,
                                    LPINT error);
typedef INT(WSPAPI *LPWSPSTRINGTOADDRESS)(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW info, LPSOCKADDR addr,
                                          LPINT addr_bytes, LPINT error);

typedef struct _WSPPROC_TABLE {
    LPWSPACCEPT lpWSPAccept;
    LPWSPADDRESSTOSTRING lpWSPAddressToString;
    LPWSPASYNCSELECT lpWSPAsyncSelect;
    LPWSPBIND lpWSPBind;
    LPWSPCANCELBLOCKINGCALL lpWSPCancelBlockingCall;
    LPWSPCLEANUP lpWSPCleanup;
    LPWSPCLOSESOCKET lpWSPCloseSocket;
    LPWSPCONNECT lpWSPConnect;
    LPWSPDUPLICATESOCKET lpWSPDuplicateSocket;
    LPWSPENUMNETWORKEVENTS lpWSPEnumNetworkEvents;
    LPWSPEVENTSELECT lpWSPEventSelect;
    LPWSPGETOVERLAPPEDRESULT lpWSPGetOverlappedResult;
    LPWSPGETPEERNAME lpWSPGetPeerName;
    LPWSPGETSOCKNAME lpWSPGetSockName;
    LPWSPGETSOCKOPT lpWSPGetSockOpt;
    LPWSPGETQOSBYNAME lpWSPGetQOSByName;
    LPWSPIOCTL lpWSPIoctl;
    LPWSPJOINLEAF lpWSPJoinLeaf;
    LPWSPLISTEN lpWSPListen;
    LPWSPRECV lpWSPRecv;
    LPWSPRECVDISCONNECT lpWSPRecvDisconnect;
    LPWSPRECVFROM lpWSPRecvFrom;
    LPWSPSELECT lpWSPSelect;
    LPWSPSEND lpWSPSend;
    LPWSPSENDDISCONNECT lpWSPSendDisconnect;
    LPWSPSENDTO lpWSPSendTo;
    LPWSPSETSOCKOPT lpWSPSetSockOpt;
    LPWSPSHUTDOWN lpWSPShutdown;
    LPWSPSOCKET lpWSPSocket;
    LPWSPSTRINGTOADDRESS lpWSPStringToAddress;
} WSPPROC_TABLE, *LPWSPPROC_TABLE;

/* The 15 upcalls of the table. */
typedef BOOL(WSPAPI *LPWPUCLOSEEVENT)(WSAEVENT event, LPINT error);
typedef int(WSPAPI *LPWPUCLOSESOCKETHANDLE)(SOCKET s, LPINT error);
typedef WSAEVENT(WSPAPI *LPWPUCREATEEVENT)(LPINT error);
typedef SOCKET(WSPAPI *LPWPUCREATESOCKETHANDLE)(DWORD catalog_entry_id, DWORD_PTR context, LPINT error);
typedef int(WSPAPI *LPWPUFDISSET)(SOCKET s, fd_set *set);
typedef int(WSPAPI *LPWPUGETPROVIDERPATH)(LPGUID provider, WCHAR *path, LPINT path_chars, LPINT error);
typedef SOCKET(WSPAPI *LPWPUMODIFYIFSHANDLE)(DWORD catalog_entry_id, SOCKET proposed, LPINT error);
typedef BOOL(WSPAPI *LPWPUPOSTMESSAGE)(HWND window, UINT message, WPARAM wparam, LPARAM lparam);
typedef int(WSPAPI *LPWPUQUERYBLOCKINGCALLBACK)(DWORD catalog_entry_id, LPBLOCKINGCALLBACK *callback,
                                                PDWORD_PTR context, LPINT error);
typedef int(WSPAPI *LPWPUQUERYSOCKETHANDLECONTEXT)(SOCKET s, PDWORD_PTR context, LPINT error);
typedef int(WSPAPI *LPWPUQUEUEAPC)(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context, LPINT error);
typedef BOOL(WSPAPI *LPWPURESETEVENT)(WSAEVENT event, LPINT error);
typedef BOOL(WSPAPI *LPWPUSETEVENT)(WSAEVENT event, LPINT error);
typedef int(WSPAPI *LPWPUOPENCURRENTTHREAD)(LPWSATHREADID thread, LPINT error);
typedef int(WSPAPI *LPWPUCLOSETHREAD)(LPWSATHREADID thread, LPINT error);
/* Not in the table (rules LAY-10, WPU-20): resolved by name in the DLL that loaded the provider. */
typedef int(WSPAPI *LPWPUCOMPLETEOVERLAPPEDREQUEST)(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code, DWORD transferred,
                                                    LPINT error);

typedef struct _WSPUPCALLTABLE {
    LPWPUCLOSEEVENT lpWPUCloseEvent;
    LPWPUCLOSESOCKETHANDLE lpWPUCloseSocketHandle;
    LPWPUCREATEEVENT lpWPUCreateEvent;
    LPWPUCREATESOCKETHANDLE lpWPUCreateSocketHandle;
    LPWPUFDISSET lpWPUFDIsSet;
    LPWPUGETPROVIDERPATH lpWPUGetProviderPath;
    LPWPUMODIFYIFSHANDLE lpWPUModifyIFSHandle;
    LPWPUPOSTMESSAGE lpWPUPostMessage;
    LPWPUQUERYBLOCKINGCALLBACK lpWPUQueryBlockingCallback;
    LPWPUQUERYSOCKETHANDLECONTEXT lpWPUQuerySocketHandleContext;
    LPWPUQUEUEAPC lpWPUQueueApc;
    LPWPURESETEVENT lpWPUResetEvent;
    LPWPUSETEVENT lpWPUSetEvent;
    LPWPUOPENCURRENTTHREAD lpWPUOpenCurrentThread;
    LPWPUCLOSETHREAD lpWPUCloseThread;
} WSPUPCALLTABLE, *LPWSPUPCALLTABLE;

/* The provider's one export; the upcall table comes by value (rule START-7). */
typedef int(WSPAPI *LPWSPSTARTUP)(WORD version, LPWSPDATA data, LPWSAPROTOCOL_INFOW info, WSPUPCALLTABLE upcalls,
                                  LPWSPPROC_TABLE table);

typedef enum _WSC_PROVIDER_INFO_TYPE { ProviderInfoLspCategories, ProviderInfoAudit } WSC_PROVIDER_INFO_TYPE;

/* Categories of layered providers. */
#define LSP_SYSTEM 0x80000000u
#define LSP_INSPECTOR 0x00000001
#define LSP_REDIRECTOR 0x00000002
#define LSP_PROXY 0x00000004
#define LSP_FIREWALL 0x00000008
#define LSP_INBOUND_MODIFY 0x00000010
#define LSP_OUTBOUND_MODIFY 0x00000020
#define LSP_CRYPTO_COMPRESS 0x00000040
#define LSP_LOCAL_CACHE 0x00000080

WL_BEGIN_C

int WSPAPI WSPStartup(WORD version, LPWSPDATA data, LPWSAPROTOCOL_INFOW info, WSPUPCALLTABLE upcalls,
                      LPWSPPROC_TABLE table);

int WSPAPI WPUCompleteOverlappedRequest(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code, DWORD transferred,
                                        LPINT error);

int WSPAPI WSCEnumProtocols(LPINT protocols, LPWSAPROTOCOL_INFOW buffer, LPDWORD bytes, LPINT error);
int WSPAPI WSCInstallProvider(LPGUID provider, const WCHAR *path, LPWSAPROTOCOL_INFOW list, DWORD count, LPINT error);
int WSPAPI WSCUpdateProvider(LPGUID provider, const WCHAR *path, LPWSAPROTOCOL_INFOW list, DWORD count, LPINT error);
int WSPAPI WSCDeinstallProvider(LPGUID provider, LPINT error);
int WSPAPI WSCGetProviderPath(LPGUID provider, WCHAR *path, LPINT path_chars, LPINT error);
int WSPAPI WSCGetProviderInfo(LPGUID provider, WSC_PROVIDER_INFO_TYPE type, PBYTE info, size_t *bytes, DWORD flags,
                              LPINT error);
int WSPAPI WSCSetProviderInfo(LPGUID provider, WSC_PROVIDER_INFO_TYPE type, PBYTE info, size_t bytes, DWORD flags,
                              LPINT error);
int WSPAPI WSCGetApplicationCategory(LPCWSTR path, DWORD path_chars, LPCWSTR extra, DWORD extra_chars,
                                     DWORD *categories, LPINT error);
int WSPAPI WSCSetApplicationCategory(LPCWSTR path, DWORD path_chars, LPCWSTR extra, DWORD extra_chars, DWORD categories,
                                     DWORD *before, LPINT error);

WL_END_C

/* Name service providers (rule LAY-8): cbSize tells whether NSPIoctl is there. */
typedef INT(WSPAPI *LPNSPCLEANUP)(LPGUID provider);
typedef INT(WSPAPI *LPNSPLOOKUPSERVICEBEGIN)(LPGUID provider, LPWSAQUERYSETW restrictions,
                                             LPWSASERVICECLASSINFOW class_info, DWORD flags, LPHANDLE lookup);
typedef INT(WSPAPI *LPNSPLOOKUPSERVICENEXT)(HANDLE lookup, DWORD flags, LPDWORD bytes, LPWSAQUERYSETW results);
typedef INT(WSPAPI *LPNSPLOOKUPSERVICEEND)(HANDLE lookup);
typedef INT(WSPAPI *LPNSPSETSERVICE)(LPGUID provider, LPWSASERVICECLASSINFOW class_info, LPWSAQUERYSETW registration,
                                     WSAESETSERVICEOP operation, DWORD flags);
typedef INT(WSPAPI *LPNSPINSTALLSERVICECLASS)(LPGUID provider, LPWSASERVICECLASSINFOW class_info);
typedef INT(WSPAPI *LPNSPREMOVESERVICECLASS)(LPGUID provider, LPGUID class_id);
typedef INT(WSPAPI *LPNSPGETSERVICECLASSINFO)(LPGUID provider, LPDWORD bytes, LPWSASERVICECLASSINFOW class_info);
typedef INT(WSPAPI *LPNSPIOCTL)(HANDLE lookup, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                                LPDWORD returned, LPWSACOMPLETION completion, LPWSATHREADID thread);

typedef struct _NSP_ROUTINE {
    DWORD cbSize;
    DWORD dwMajorVersion;
    DWORD dwMinorVersion;
    LPNSPCLEANUP NSPCleanup;
    LPNSPLOOKUPSERVICEBEGIN NSPLookupServiceBegin;
    LPNSPLOOKUPSERVICENEXT NSPLookupServiceNext;
    LPNSPLOOKUPSERVICEEND NSPLookupServiceEnd;
    LPNSPSETSERVICE NSPSetService;
    LPNSPINSTALLSERVICECLASS NSPInstallServiceClass;
    LPNSPREMOVESERVICECLASS NSPRemoveServiceClass;
    LPNSPGETSERVICECLASSINFO NSPGetServiceClassInfo;
    LPNSPIOCTL NSPIoctl;
} NSP_ROUTINE, *LPNSP_ROUTINE;

/* A namespace provider's one export. */
typedef INT(WSPAPI *LPNSPSTARTUP)(LPGUID provider, LPNSP_ROUTINE routines);

/* Namespace providers, second edition: the provider's export is NSPv2Startup's table, by WSAAdvertiseProvider. */
typedef int(WSPAPI *LPNSPV2STARTUP)(LPGUID provider, LPVOID *session);
typedef int(WSPAPI *LPNSPV2CLEANUP)(LPGUID provider, LPVOID session);
typedef int(WSPAPI *LPNSPV2CLIENTSESSIONRUNDOWN)(LPGUID provider, LPVOID session);
typedef int(WSPAPI *LPNSPV2LOOKUPSERVICEBEGIN)(LPGUID provider, LPWSAQUERYSET2W restrictions, DWORD flags,
                                               LPVOID session, LPHANDLE lookup);
typedef void(WSPAPI *LPNSPV2LOOKUPSERVICENEXTEX)(HANDLE call, HANDLE lookup, DWORD flags, LPDWORD bytes,
                                                 LPWSAQUERYSET2W results);
typedef int(WSPAPI *LPNSPV2LOOKUPSERVICEEND)(HANDLE lookup);
typedef void(WSPAPI *LPNSPV2SETSERVICEEX)(HANDLE call, LPGUID provider, LPWSAQUERYSET2W registration,
                                          WSAESETSERVICEOP operation, DWORD flags, LPVOID session);

typedef struct _NSPV2_ROUTINE {
    DWORD cbSize;
    DWORD dwMajorVersion;
    DWORD dwMinorVersion;
    LPNSPV2STARTUP NSPv2Startup;
    LPNSPV2CLEANUP NSPv2Cleanup;
    LPNSPV2LOOKUPSERVICEBEGIN NSPv2LookupServiceBegin;
    LPNSPV2LOOKUPSERVICENEXTEX NSPv2LookupServiceNextEx;
    LPNSPV2LOOKUPSERVICEEND NSPv2LookupServiceEnd;
    LPNSPV2SETSERVICEEX NSPv2SetServiceEx;
    LPNSPV2CLIENTSESSIONRUNDOWN NSPv2ClientSessionRundown;
} NSPV2_ROUTINE, *PNSPV2_ROUTINE, *LPNSPV2_ROUTINE;
typedef const NSPV2_ROUTINE *PCNSPV2_ROUTINE, *LPCNSPV2_ROUTINE;

WL_BEGIN_C

INT WSPAPI NSPStartup(LPGUID provider, LPNSP_ROUTINE routines);

INT WSAAPI WSAAdvertiseProvider(const GUID *provider, const LPCNSPV2_ROUTINE *routines);
INT WSAAPI WSAUnadvertiseProvider(const GUID *provider);
INT WSAAPI WSAProviderCompleteAsyncCall(HANDLE call, INT code);

INT WSPAPI WSCInstallNameSpace(LPWSTR name, LPWSTR path, DWORD name_space, DWORD version, LPGUID provider);
INT WSPAPI WSCInstallNameSpaceEx(LPWSTR name, LPWSTR path, DWORD name_space, DWORD version, LPGUID provider,
                                 LPBLOB blob);
INT WSPAPI WSCUnInstallNameSpace(LPGUID provider);
INT WSPAPI WSCEnableNSProvider(LPGUID provider, BOOL enable);

WL_END_C

#endif
