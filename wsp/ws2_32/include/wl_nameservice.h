/*
 * Structures of the name-service half of Winsock 2; included by winsock2.h. Source: rules LAY-2, LAY-8, 7.1.
 */
#ifndef WL_NAMESERVICE_H
#define WL_NAMESERVICE_H

typedef struct _BLOB {
    ULONG cbSize;
    BYTE *pBlobData;
} BLOB, *LPBLOB;

typedef struct _AFPROTOCOLS {
    INT iAddressFamily;
    INT iProtocol;
} AFPROTOCOLS, *PAFPROTOCOLS, *LPAFPROTOCOLS;

typedef enum _WSAEcomparator { COMP_EQUAL = 0, COMP_NOTLESS } WSAECOMPARATOR, *PWSAECOMPARATOR;

typedef struct _WSAVersion {
    DWORD dwVersion;
    WSAECOMPARATOR ecHow;
} WSAVERSION, *PWSAVERSION, *LPWSAVERSION;

#define WL_QUERYSET_FIELDS(STRTYPE)  \
    DWORD dwSize;                    \
    STRTYPE lpszServiceInstanceName; \
    LPGUID lpServiceClassId;         \
    LPWSAVERSION lpVersion;          \
    STRTYPE lpszComment;             \
    DWORD dwNameSpace;               \
    LPGUID lpNSProviderId;           \
    STRTYPE lpszContext;             \
    DWORD dwNumberOfProtocols;       \
    LPAFPROTOCOLS lpafpProtocols;    \
    STRTYPE lpszQueryString;         \
    DWORD dwNumberOfCsAddrs;         \
    LPCSADDR_INFO lpcsaBuffer;       \
    DWORD dwOutputFlags;             \
    LPBLOB lpBlob;

typedef struct _WSAQuerySetA {
    WL_QUERYSET_FIELDS(LPSTR)
} WSAQUERYSETA, *PWSAQUERYSETA, *LPWSAQUERYSETA;

typedef struct _WSAQuerySetW {
    WL_QUERYSET_FIELDS(LPWSTR)
} WSAQUERYSETW, *PWSAQUERYSETW, *LPWSAQUERYSETW;

typedef struct _WSANAMESPACE_INFOA {
    GUID NSProviderId;
    DWORD dwNameSpace;
    BOOL fActive;
    DWORD dwVersion;
    LPSTR lpszIdentifier;
} WSANAMESPACE_INFOA, *PWSANAMESPACE_INFOA, *LPWSANAMESPACE_INFOA;

typedef struct _WSANAMESPACE_INFOW {
    GUID NSProviderId;
    DWORD dwNameSpace;
    BOOL fActive;
    DWORD dwVersion;
    LPWSTR lpszIdentifier;
} WSANAMESPACE_INFOW, *PWSANAMESPACE_INFOW, *LPWSANAMESPACE_INFOW;

typedef struct _WSANAMESPACE_INFOEXA {
    GUID NSProviderId;
    DWORD dwNameSpace;
    BOOL fActive;
    DWORD dwVersion;
    LPSTR lpszIdentifier;
    BLOB ProviderSpecific;
} WSANAMESPACE_INFOEXA, *PWSANAMESPACE_INFOEXA, *LPWSANAMESPACE_INFOEXA;

typedef struct _WSANAMESPACE_INFOEXW {
    GUID NSProviderId;
    DWORD dwNameSpace;
    BOOL fActive;
    DWORD dwVersion;
    LPWSTR lpszIdentifier;
    BLOB ProviderSpecific;
} WSANAMESPACE_INFOEXW, *PWSANAMESPACE_INFOEXW, *LPWSANAMESPACE_INFOEXW;

/* Second edition: no class of service. */
#define WL_QUERYSET2_FIELDS(STRTYPE) \
    DWORD dwSize;                    \
    STRTYPE lpszServiceInstanceName; \
    LPWSAVERSION lpVersion;          \
    STRTYPE lpszComment;             \
    DWORD dwNameSpace;               \
    LPGUID lpNSProviderId;           \
    STRTYPE lpszContext;             \
    DWORD dwNumberOfProtocols;       \
    LPAFPROTOCOLS lpafpProtocols;    \
    STRTYPE lpszQueryString;         \
    DWORD dwNumberOfCsAddrs;         \
    LPCSADDR_INFO lpcsaBuffer;       \
    DWORD dwOutputFlags;             \
    LPBLOB lpBlob;

typedef struct _WSAQUERYSET2A {
    WL_QUERYSET2_FIELDS(LPSTR)
} WSAQUERYSET2A, *PWSAQUERYSET2A, *LPWSAQUERYSET2A;

typedef struct _WSAQUERYSET2W {
    WL_QUERYSET2_FIELDS(LPWSTR)
} WSAQUERYSET2W, *PWSAQUERYSET2W, *LPWSAQUERYSET2W;

typedef struct _WSANSClassInfoA {
    LPSTR lpszName;
    DWORD dwNameSpace;
    DWORD dwValueType;
    DWORD dwValueSize;
    LPVOID lpValue;
} WSANSCLASSINFOA, *PWSANSCLASSINFOA, *LPWSANSCLASSINFOA;

typedef struct _WSANSClassInfoW {
    LPWSTR lpszName;
    DWORD dwNameSpace;
    DWORD dwValueType;
    DWORD dwValueSize;
    LPVOID lpValue;
} WSANSCLASSINFOW, *PWSANSCLASSINFOW, *LPWSANSCLASSINFOW;

typedef struct _WSAServiceClassInfoA {
    LPGUID lpServiceClassId;
    LPSTR lpszServiceClassName;
    DWORD dwCount;
    LPWSANSCLASSINFOA lpClassInfos;
} WSASERVICECLASSINFOA, *PWSASERVICECLASSINFOA, *LPWSASERVICECLASSINFOA;

typedef struct _WSAServiceClassInfoW {
    LPGUID lpServiceClassId;
    LPWSTR lpszServiceClassName;
    DWORD dwCount;
    LPWSANSCLASSINFOW lpClassInfos;
} WSASERVICECLASSINFOW, *PWSASERVICECLASSINFOW, *LPWSASERVICECLASSINFOW;

typedef enum _WSACOMPLETIONTYPE {
    NSP_NOTIFY_IMMEDIATELY = 0,
    NSP_NOTIFY_HWND,
    NSP_NOTIFY_EVENT,
    NSP_NOTIFY_PORT,
    NSP_NOTIFY_APC
} WSACOMPLETIONTYPE,
    *PWSACOMPLETIONTYPE, *LPWSACOMPLETIONTYPE;

typedef struct _WSACOMPLETION {
    WSACOMPLETIONTYPE Type;
    union {
        struct {
            HWND hWnd;
            UINT uMsg;
            WPARAM context;
        } WindowMessage;
        struct {
            LPWSAOVERLAPPED lpOverlapped;
        } Event;
        struct {
            LPWSAOVERLAPPED lpOverlapped;
            LPWSAOVERLAPPED_COMPLETION_ROUTINE lpfnCompletionProc;
        } Apc;
        struct {
            LPWSAOVERLAPPED lpOverlapped;
            HANDLE hPort;
            ULONG_PTR Key;
        } Port;
    } Parameters;
} WSACOMPLETION, *PWSACOMPLETION, *LPWSACOMPLETION;

#define SERVICE_MULTIPLE 0x00000001

#define SERVICE_TYPE_VALUE_SAPIDA "SapId"
#define SERVICE_TYPE_VALUE_SAPIDW L"SapId"
#define SERVICE_TYPE_VALUE_CONNA "ConnectionOriented"
#define SERVICE_TYPE_VALUE_CONNW L"ConnectionOriented"
#define SERVICE_TYPE_VALUE_TCPPORTA "TcpPort"
#define SERVICE_TYPE_VALUE_TCPPORTW L"TcpPort"
#define SERVICE_TYPE_VALUE_UDPPORTA "UdpPort"
#define SERVICE_TYPE_VALUE_UDPPORTW L"UdpPort"

#define LUP_DEEP 0x0001
#define LUP_CONTAINERS 0x0002
#define LUP_NOCONTAINERS 0x0004
#define LUP_NEAREST 0x0008
#define LUP_RETURN_NAME 0x0010
#define LUP_RETURN_TYPE 0x0020
#define LUP_RETURN_VERSION 0x0040
#define LUP_RETURN_COMMENT 0x0080
#define LUP_RETURN_ADDR 0x0100
#define LUP_RETURN_BLOB 0x0200
#define LUP_RETURN_ALIASES 0x0400
#define LUP_RETURN_QUERY_STRING 0x0800
#define LUP_RETURN_ALL 0x0FF0
#define LUP_FLUSHCACHE 0x1000
#define LUP_FLUSHPREVIOUS 0x2000
#define LUP_NON_AUTHORITATIVE 0x4000
#define LUP_RES_SERVICE 0x8000
#define LUP_SECURE 0x8000
#define LUP_RETURN_PREFERRED_NAMES 0x10000
#define LUP_DNS_ONLY 0x20000
#define LUP_ADDRCONFIG 0x100000
#define LUP_DUAL_ADDR 0x200000
#define LUP_FILESERVER 0x400000

#define RESULT_IS_ALIAS 0x0001
#define RESULT_IS_ADDED 0x0010
#define RESULT_IS_CHANGED 0x0020
#define RESULT_IS_DELETED 0x0040

typedef enum _WSAESETSERVICEOP {
    RNRSERVICE_REGISTER = 0,
    RNRSERVICE_DEREGISTER,
    RNRSERVICE_DELETE
} WSAESETSERVICEOP,
    *PWSAESETSERVICEOP, *LPWSAESETSERVICEOP;

WL_BEGIN_C

INT WSAAPI WSALookupServiceBeginA(LPWSAQUERYSETA query, DWORD flags, LPHANDLE lookup);
INT WSAAPI WSALookupServiceBeginW(LPWSAQUERYSETW query, DWORD flags, LPHANDLE lookup);
INT WSAAPI WSALookupServiceNextA(HANDLE lookup, DWORD flags, LPDWORD bytes, LPWSAQUERYSETA results);
INT WSAAPI WSALookupServiceNextW(HANDLE lookup, DWORD flags, LPDWORD bytes, LPWSAQUERYSETW results);
INT WSAAPI WSALookupServiceEnd(HANDLE lookup);
INT WSAAPI WSANSPIoctl(HANDLE lookup, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                       LPDWORD returned, LPWSACOMPLETION completion);
INT WSAAPI WSASetServiceA(LPWSAQUERYSETA registration, WSAESETSERVICEOP operation, DWORD flags);
INT WSAAPI WSASetServiceW(LPWSAQUERYSETW registration, WSAESETSERVICEOP operation, DWORD flags);
INT WSAAPI WSAInstallServiceClassA(LPWSASERVICECLASSINFOA info);
INT WSAAPI WSAInstallServiceClassW(LPWSASERVICECLASSINFOW info);
INT WSAAPI WSARemoveServiceClass(LPGUID class_id);
INT WSAAPI WSAGetServiceClassInfoA(LPGUID provider, LPGUID class_id, LPDWORD bytes, LPWSASERVICECLASSINFOA info);
INT WSAAPI WSAGetServiceClassInfoW(LPGUID provider, LPGUID class_id, LPDWORD bytes, LPWSASERVICECLASSINFOW info);
INT WSAAPI WSAGetServiceClassNameByClassIdA(LPGUID class_id, LPSTR name, LPDWORD bytes);
INT WSAAPI WSAGetServiceClassNameByClassIdW(LPGUID class_id, LPWSTR name, LPDWORD bytes);
INT WSAAPI WSAEnumNameSpaceProvidersA(LPDWORD bytes, LPWSANAMESPACE_INFOA buffer);
INT WSAAPI WSAEnumNameSpaceProvidersW(LPDWORD bytes, LPWSANAMESPACE_INFOW buffer);
INT WSAAPI WSAEnumNameSpaceProvidersExA(LPDWORD bytes, LPWSANAMESPACE_INFOEXA buffer);
INT WSAAPI WSAEnumNameSpaceProvidersExW(LPDWORD bytes, LPWSANAMESPACE_INFOEXW buffer);
INT WSAAPI WSAProviderConfigChange(LPHANDLE notification, LPWSAOVERLAPPED overlapped,
                                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/* Names looked up in the background, for windows. */
HANDLE WSAAPI WSAAsyncGetHostByAddr(HWND window, u_int message, const char *addr, int len, int type, char *buf,
                                    int bytes);
HANDLE WSAAPI WSAAsyncGetHostByName(HWND window, u_int message, const char *name, char *buf, int bytes);
HANDLE WSAAPI WSAAsyncGetProtoByNumber(HWND window, u_int message, int number, char *buf, int bytes);
HANDLE WSAAPI WSAAsyncGetProtoByName(HWND window, u_int message, const char *name, char *buf, int bytes);
HANDLE WSAAPI WSAAsyncGetServByPort(HWND window, u_int message, int port, const char *proto, char *buf, int bytes);
HANDLE WSAAPI WSAAsyncGetServByName(HWND window, u_int message, const char *name, const char *proto, char *buf,
                                    int bytes);
int WSAAPI WSACancelAsyncRequest(HANDLE task);

WL_END_C

#ifdef UNICODE
#define WSALookupServiceBegin WSALookupServiceBeginW
#define WSALookupServiceNext WSALookupServiceNextW
#define WSASetService WSASetServiceW
#define WSAInstallServiceClass WSAInstallServiceClassW
#define WSAGetServiceClassInfo WSAGetServiceClassInfoW
#define WSAGetServiceClassNameByClassId WSAGetServiceClassNameByClassIdW
#define WSAEnumNameSpaceProviders WSAEnumNameSpaceProvidersW
#define WSAEnumNameSpaceProvidersEx WSAEnumNameSpaceProvidersExW
typedef WSANAMESPACE_INFOW WSANAMESPACE_INFO, *LPWSANAMESPACE_INFO;
typedef WSASERVICECLASSINFOW WSASERVICECLASSINFO, *LPWSASERVICECLASSINFO;
typedef WSANSCLASSINFOW WSANSCLASSINFO, *LPWSANSCLASSINFO;
#else
#define WSALookupServiceBegin WSALookupServiceBeginA
#define WSALookupServiceNext WSALookupServiceNextA
#define WSASetService WSASetServiceA
#define WSAInstallServiceClass WSAInstallServiceClassA
#define WSAGetServiceClassInfo WSAGetServiceClassInfoA
#define WSAGetServiceClassNameByClassId WSAGetServiceClassNameByClassIdA
#define WSAEnumNameSpaceProviders WSAEnumNameSpaceProvidersA
#define WSAEnumNameSpaceProvidersEx WSAEnumNameSpaceProvidersExA
typedef WSANAMESPACE_INFOA WSANAMESPACE_INFO, *LPWSANAMESPACE_INFO;
typedef WSASERVICECLASSINFOA WSASERVICECLASSINFO, *LPWSASERVICECLASSINFO;
typedef WSANSCLASSINFOA WSANSCLASSINFO, *LPWSANSCLASSINFO;
#endif

#endif
