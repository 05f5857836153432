/*
 * Extension functions, reached through SIO_GET_EXTENSION_FUNCTION_POINTER, and their GUIDs. Source: rules 6.3, 6.4.
 */
#ifndef WL_MSWSOCK_H
#define WL_MSWSOCK_H

#include "winsock2.h"

/* Also in mstcpip.h, word for word: programs take it from either. */
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12u)
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15u)

#define TF_USE_DEFAULT_WORKER 0x00
#define TF_DISCONNECT 0x01
#define TF_REUSE_SOCKET 0x02
#define TF_WRITE_BEHIND 0x04
#define TF_USE_SYSTEM_THREAD 0x10
#define TF_USE_KERNEL_APC 0x20
#define TP_ELEMENT_MEMORY 1
#define TP_ELEMENT_FILE 2
#define TP_ELEMENT_EOP 4
#define TP_DISCONNECT TF_DISCONNECT
#define TP_REUSE_SOCKET TF_REUSE_SOCKET
#define TP_USE_DEFAULT_WORKER TF_USE_DEFAULT_WORKER
#define TP_USE_SYSTEM_THREAD TF_USE_SYSTEM_THREAD
#define TP_USE_KERNEL_APC TF_USE_KERNEL_APC
#define DE_REUSE_SOCKET TF_REUSE_SOCKET

#define WL_WSAID_FAMILY(first)                             \
    {                                                      \
        first, 0xcbac, 0x11cf,                             \
        {                                                  \
            0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92 \
        }                                                  \
    }
#define WSAID_TRANSMITFILE WL_WSAID_FAMILY(0xb5367df0)
#define WSAID_ACCEPTEX WL_WSAID_FAMILY(0xb5367df1)
#define WSAID_GETACCEPTEXSOCKADDRS WL_WSAID_FAMILY(0xb5367df2)
#define WSAID_TRANSMITPACKETS                              \
    {                                                      \
        0xd9689da0, 0x1f90, 0x11d3,                        \
        {                                                  \
            0x99, 0x71, 0x00, 0xc0, 0x4f, 0x68, 0xc8, 0x76 \
        }                                                  \
    }
#define WSAID_CONNECTEX                                    \
    {                                                      \
        0x25a207b9, 0xddf3, 0x4660,                        \
        {                                                  \
            0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e \
        }                                                  \
    }
#define WSAID_DISCONNECTEX                                 \
    {                                                      \
        0x7fda2e11, 0x8630, 0x436f,                        \
        {                                                  \
            0xa0, 0x31, 0xf5, 0x36, 0xa6, 0xee, 0xc1, 0x57 \
        }                                                  \
    }
#define WSAID_WSARECVMSG                                   \
    {                                                      \
        0xf689d7c8, 0x6f1f, 0x436b,                        \
        {                                                  \
            0x8a, 0x53, 0xe5, 0x4f, 0xe3, 0x51, 0xc3, 0x22 \
        }                                                  \
    }
#define WSAID_WSASENDMSG                                   \
    {                                                      \
        0xa441e712, 0x754f, 0x43ca,                        \
        {                                                  \
            0x84, 0xa7, 0x0d, 0xee, 0x44, 0xcf, 0x60, 0x6d \
        }                                                  \
    }
#define WSAID_WSAPOLL                                      \
    {                                                      \
        0x18c76f85, 0xdc66, 0x4964,                        \
        {                                                  \
            0x97, 0x2e, 0x23, 0xc2, 0x72, 0x38, 0x31, 0x2b \
        }                                                  \
    }

typedef struct _TRANSMIT_FILE_BUFFERS {
    LPVOID Head;
    DWORD HeadLength;
    LPVOID Tail;
    DWORD TailLength;
} TRANSMIT_FILE_BUFFERS, *PTRANSMIT_FILE_BUFFERS, *LPTRANSMIT_FILE_BUFFERS;

typedef struct _TRANSMIT_PACKETS_ELEMENT {
    ULONG dwElFlags;
    ULONG cLength;
    __extension__ union {
        __extension__ struct {
            LARGE_INTEGER nFileOffset;
            HANDLE hFile;
        };
        PVOID pBuffer;
    };
} TRANSMIT_PACKETS_ELEMENT, *PTRANSMIT_PACKETS_ELEMENT, *LPTRANSMIT_PACKETS_ELEMENT;

typedef BOOL(PASCAL *LPFN_ACCEPTEX)(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD receive_bytes,
                                    DWORD local_bytes, DWORD remote_bytes, LPDWORD received, LPOVERLAPPED overlapped);
typedef void(PASCAL *LPFN_GETACCEPTEXSOCKADDRS)(PVOID buffer, DWORD receive_bytes, DWORD local_bytes,
                                                DWORD remote_bytes, struct sockaddr **local, LPINT local_len,
                                                struct sockaddr **remote, LPINT remote_len);
typedef BOOL(PASCAL *LPFN_CONNECTEX)(SOCKET s, const struct sockaddr *name, int namelen, PVOID send_buffer,
                                     DWORD send_bytes, LPDWORD sent, LPOVERLAPPED overlapped);
typedef BOOL(PASCAL *LPFN_DISCONNECTEX)(SOCKET s, LPOVERLAPPED overlapped, DWORD flags, DWORD reserved);
typedef BOOL(PASCAL *LPFN_TRANSMITFILE)(SOCKET s, HANDLE file, DWORD bytes, DWORD bytes_per_send,
                                        LPOVERLAPPED overlapped, LPTRANSMIT_FILE_BUFFERS buffers, DWORD reserved);
typedef BOOL(PASCAL *LPFN_TRANSMITPACKETS)(SOCKET s, LPTRANSMIT_PACKETS_ELEMENT elements, DWORD count, DWORD send_bytes,
                                           LPOVERLAPPED overlapped, DWORD flags);
typedef INT(PASCAL *LPFN_WSARECVMSG)(SOCKET s, LPWSAMSG message, LPDWORD received, LPWSAOVERLAPPED overlapped,
                                     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
typedef INT(PASCAL *LPFN_WSASENDMSG)(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
                                     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
typedef INT(WSAAPI *LPFN_WSAPOLL)(LPWSAPOLLFD array, ULONG count, INT timeout_ms);

#include "wl_rio.h"

WL_BEGIN_C

BOOL WINAPI AcceptEx(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD receive_bytes, DWORD local_bytes,
                     DWORD remote_bytes, LPDWORD received, LPOVERLAPPED overlapped);
void WINAPI GetAcceptExSockaddrs(PVOID buffer, DWORD receive_bytes, DWORD local_bytes, DWORD remote_bytes,
                                 struct sockaddr **local, LPINT local_len, struct sockaddr **remote, LPINT remote_len);
BOOL WINAPI TransmitFile(SOCKET s, HANDLE file, DWORD bytes, DWORD bytes_per_send, LPOVERLAPPED overlapped,
                         LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags);
int WINAPI WSARecvEx(SOCKET s, char *buf, int len, int *flags);

WL_END_C

#endif
