/**
 * @file
 * What every provider and every host must agree on: sizes, offsets and numbers
 * of the service provider interface, one row each, with the value that the
 * rules give for 64 and for 32 bits. wsp_layout.c compares them with the
 * headers that the provider is built with; the test pe_layout compares what
 * the compilers of all builds made of them.
 *
 * Source: rules LAY-2 to LAY-10, NUM 6.1 to 6.5; registered I/O: rules-ext.md 1.
 */
#ifndef WSP_LAYOUT_H
#define WSP_LAYOUT_H

/** X(type, bytes on 64 bits, bytes on 32 bits): LAY-2. */
#define WSP_LAYOUT_SIZES(X)                \
    X(DWORD, 4, 4)                         \
    X(LONG, 4, 4)                          \
    X(u_long, 4, 4)                        \
    X(WCHAR, 2, 2)                         \
    X(SOCKET, 8, 4)                        \
    X(GUID, 16, 16)                        \
    X(WSPDATA, 516, 516)                   \
    X(WSATHREADID, 16, 8)                  \
    X(WSAPROTOCOLCHAIN, 32, 32)            \
    X(WSAPROTOCOL_INFOW, 628, 628)         \
    X(WSAPROTOCOL_INFOA, 372, 372)         \
    X(WSPPROC_TABLE, 240, 120)             \
    X(WSPUPCALLTABLE, 120, 60)             \
    X(WSAOVERLAPPED, 32, 20)               \
    X(WSABUF, 16, 8)                       \
    X(WSAMSG, 56, 28)                      \
    X(WSACMSGHDR, 16, 12)                  \
    X(WSANETWORKEVENTS, 44, 44)            \
    X(WSAPOLLFD, 16, 8)                    \
    X(fd_set, 520, 260)                    \
    X(QOS, 80, 72)                         \
    X(WSAQUERYSETW, 120, 60)               \
    X(CSADDR_INFO, 40, 24)                 \
    X(WSANAMESPACE_INFOW, 40, 32)          \
    X(NSP_ROUTINE, 88, 48)                 \
    X(WSADATA, 408, 400)                   \
    X(ADDRINFOW, 48, 32)                   \
    X(SOCKADDR, 16, 16)                    \
    X(SOCKADDR_IN, 16, 16)                 \
    X(SOCKADDR_IN6, 28, 28)                \
    X(SOCKADDR_STORAGE, 128, 128)          \
    X(LINGER, 4, 4)                        \
    X(IP_MREQ, 8, 8)                       \
    X(IPV6_MREQ, 20, 20)                   \
    X(SOCKADDR_INET, 28, 28)               \
    X(RIO_BUF, 16, 12)                     \
    X(RIORESULT, 24, 24)                   \
    X(RIO_CMSG_BUFFER, 4, 4)               \
    X(RIO_NOTIFICATION_COMPLETION, 32, 16) \
    X(RIO_EXTENSION_FUNCTION_TABLE, 112, 56)

/** X(type, field, offset on 64 bits, offset on 32 bits): LAY-3 to LAY-8. */
#define WSP_LAYOUT_FIELDS(X)                                          \
    X(WSPDATA, wVersion, 0, 0)                                        \
    X(WSPDATA, wHighVersion, 2, 2)                                    \
    X(WSPDATA, szDescription, 4, 4)                                   \
    X(WSATHREADID, ThreadHandle, 0, 0)                                \
    X(WSATHREADID, Reserved, 8, 4)                                    \
    X(WSAPROTOCOL_INFOW, dwServiceFlags1, 0, 0)                       \
    X(WSAPROTOCOL_INFOW, dwServiceFlags2, 4, 4)                       \
    X(WSAPROTOCOL_INFOW, dwServiceFlags3, 8, 8)                       \
    X(WSAPROTOCOL_INFOW, dwServiceFlags4, 12, 12)                     \
    X(WSAPROTOCOL_INFOW, dwProviderFlags, 16, 16)                     \
    X(WSAPROTOCOL_INFOW, ProviderId, 20, 20)                          \
    X(WSAPROTOCOL_INFOW, dwCatalogEntryId, 36, 36)                    \
    X(WSAPROTOCOL_INFOW, ProtocolChain, 40, 40)                       \
    X(WSAPROTOCOL_INFOW, iVersion, 72, 72)                            \
    X(WSAPROTOCOL_INFOW, iAddressFamily, 76, 76)                      \
    X(WSAPROTOCOL_INFOW, iMaxSockAddr, 80, 80)                        \
    X(WSAPROTOCOL_INFOW, iMinSockAddr, 84, 84)                        \
    X(WSAPROTOCOL_INFOW, iSocketType, 88, 88)                         \
    X(WSAPROTOCOL_INFOW, iProtocol, 92, 92)                           \
    X(WSAPROTOCOL_INFOW, iProtocolMaxOffset, 96, 96)                  \
    X(WSAPROTOCOL_INFOW, iNetworkByteOrder, 100, 100)                 \
    X(WSAPROTOCOL_INFOW, iSecurityScheme, 104, 104)                   \
    X(WSAPROTOCOL_INFOW, dwMessageSize, 108, 108)                     \
    X(WSAPROTOCOL_INFOW, dwProviderReserved, 112, 112)                \
    X(WSAPROTOCOL_INFOW, szProtocol, 116, 116)                        \
    X(WSAPROTOCOLCHAIN, ChainLen, 0, 0)                               \
    X(WSAPROTOCOLCHAIN, ChainEntries, 4, 4)                           \
    X(WSAOVERLAPPED, Internal, 0, 0)                                  \
    X(WSAOVERLAPPED, InternalHigh, 8, 4)                              \
    X(WSAOVERLAPPED, Offset, 16, 8)                                   \
    X(WSAOVERLAPPED, OffsetHigh, 20, 12)                              \
    X(WSAOVERLAPPED, hEvent, 24, 16)                                  \
    X(WSABUF, len, 0, 0)                                              \
    X(WSABUF, buf, 8, 4)                                              \
    X(WSANETWORKEVENTS, lNetworkEvents, 0, 0)                         \
    X(WSANETWORKEVENTS, iErrorCode, 4, 4)                             \
    X(fd_set, fd_count, 0, 0)                                         \
    X(fd_set, fd_array, 8, 4)                                         \
    X(WSADATA, iMaxSockets, 4, 390)                                   \
    X(WSADATA, lpVendorInfo, 8, 396)                                  \
    X(WSADATA, szDescription, 16, 4)                                  \
    X(NSP_ROUTINE, NSPIoctl, 80, 44)                                  \
    X(RIO_BUF, BufferId, 0, 0)                                        \
    X(RIO_BUF, Offset, 8, 4)                                          \
    X(RIO_BUF, Length, 12, 8)                                         \
    X(RIORESULT, Status, 0, 0)                                        \
    X(RIORESULT, BytesTransferred, 4, 4)                              \
    X(RIORESULT, SocketContext, 8, 8)                                 \
    X(RIORESULT, RequestContext, 16, 16)                              \
    X(RIO_NOTIFICATION_COMPLETION, Type, 0, 0)                        \
    X(RIO_NOTIFICATION_COMPLETION, Event.EventHandle, 8, 4)           \
    X(RIO_NOTIFICATION_COMPLETION, Event.NotifyReset, 16, 8)          \
    X(RIO_NOTIFICATION_COMPLETION, Iocp.IocpHandle, 8, 4)             \
    X(RIO_NOTIFICATION_COMPLETION, Iocp.CompletionKey, 16, 8)         \
    X(RIO_NOTIFICATION_COMPLETION, Iocp.Overlapped, 24, 12)           \
    X(RIO_EXTENSION_FUNCTION_TABLE, cbSize, 0, 0)                     \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOReceive, 8, 4)                 \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOReceiveEx, 16, 8)              \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOSend, 24, 12)                  \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOSendEx, 32, 16)                \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOCloseCompletionQueue, 40, 20)  \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOCreateCompletionQueue, 48, 24) \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOCreateRequestQueue, 56, 28)    \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIODequeueCompletion, 64, 32)     \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIODeregisterBuffer, 72, 36)      \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIONotify, 80, 40)                \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIORegisterBuffer, 88, 44)        \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOResizeCompletionQueue, 96, 48) \
    X(RIO_EXTENSION_FUNCTION_TABLE, RIOResizeRequestQueue, 104, 52)

/** X(field, number from 1): LAY-9. */
#define WSP_LAYOUT_SLOTS(X)         \
    X(lpWSPAccept, 1)               \
    X(lpWSPAddressToString, 2)      \
    X(lpWSPAsyncSelect, 3)          \
    X(lpWSPBind, 4)                 \
    X(lpWSPCancelBlockingCall, 5)   \
    X(lpWSPCleanup, 6)              \
    X(lpWSPCloseSocket, 7)          \
    X(lpWSPConnect, 8)              \
    X(lpWSPDuplicateSocket, 9)      \
    X(lpWSPEnumNetworkEvents, 10)   \
    X(lpWSPEventSelect, 11)         \
    X(lpWSPGetOverlappedResult, 12) \
    X(lpWSPGetPeerName, 13)         \
    X(lpWSPGetSockName, 14)         \
    X(lpWSPGetSockOpt, 15)          \
    X(lpWSPGetQOSByName, 16)        \
    X(lpWSPIoctl, 17)               \
    X(lpWSPJoinLeaf, 18)            \
    X(lpWSPListen, 19)              \
    X(lpWSPRecv, 20)                \
    X(lpWSPRecvDisconnect, 21)      \
    X(lpWSPRecvFrom, 22)            \
    X(lpWSPSelect, 23)              \
    X(lpWSPSend, 24)                \
    X(lpWSPSendDisconnect, 25)      \
    X(lpWSPSendTo, 26)              \
    X(lpWSPSetSockOpt, 27)          \
    X(lpWSPShutdown, 28)            \
    X(lpWSPSocket, 29)              \
    X(lpWSPStringToAddress, 30)

/** X(field, number from 1): LAY-10. */
#define WSP_LAYOUT_UPCALLS(X)            \
    X(lpWPUCloseEvent, 1)                \
    X(lpWPUCloseSocketHandle, 2)         \
    X(lpWPUCreateEvent, 3)               \
    X(lpWPUCreateSocketHandle, 4)        \
    X(lpWPUFDIsSet, 5)                   \
    X(lpWPUGetProviderPath, 6)           \
    X(lpWPUModifyIFSHandle, 7)           \
    X(lpWPUPostMessage, 8)               \
    X(lpWPUQueryBlockingCallback, 9)     \
    X(lpWPUQuerySocketHandleContext, 10) \
    X(lpWPUQueueApc, 11)                 \
    X(lpWPUResetEvent, 12)               \
    X(lpWPUSetEvent, 13)                 \
    X(lpWPUOpenCurrentThread, 14)        \
    X(lpWPUCloseThread, 15)

/** X(name, value): the codes of wsp_error, NUM 6.5. */
#define WSP_LAYOUT_ERRORS(X)      \
    X(WSA_INVALID_HANDLE, 6)      \
    X(WSA_OPERATION_ABORTED, 995) \
    X(WSA_IO_INCOMPLETE, 996)     \
    X(WSA_IO_PENDING, 997)        \
    X(WSAEINTR, 10004)            \
    X(WSAEACCES, 10013)           \
    X(WSAEFAULT, 10014)           \
    X(WSAEINVAL, 10022)           \
    X(WSAEMFILE, 10024)           \
    X(WSAEWOULDBLOCK, 10035)      \
    X(WSAEINPROGRESS, 10036)      \
    X(WSAEALREADY, 10037)         \
    X(WSAENOTSOCK, 10038)         \
    X(WSAEDESTADDRREQ, 10039)     \
    X(WSAEMSGSIZE, 10040)         \
    X(WSAEPROTOTYPE, 10041)       \
    X(WSAENOPROTOOPT, 10042)      \
    X(WSAEPROTONOSUPPORT, 10043)  \
    X(WSAESOCKTNOSUPPORT, 10044)  \
    X(WSAEOPNOTSUPP, 10045)       \
    X(WSAEAFNOSUPPORT, 10047)     \
    X(WSAEADDRINUSE, 10048)       \
    X(WSAEADDRNOTAVAIL, 10049)    \
    X(WSAENETDOWN, 10050)         \
    X(WSAENETUNREACH, 10051)      \
    X(WSAENETRESET, 10052)        \
    X(WSAECONNABORTED, 10053)     \
    X(WSAECONNRESET, 10054)       \
    X(WSAENOBUFS, 10055)          \
    X(WSAEISCONN, 10056)          \
    X(WSAENOTCONN, 10057)         \
    X(WSAESHUTDOWN, 10058)        \
    X(WSAETIMEDOUT, 10060)        \
    X(WSAECONNREFUSED, 10061)     \
    X(WSAEHOSTUNREACH, 10065)     \
    X(WSASYSNOTREADY, 10091)      \
    X(WSAVERNOTSUPPORTED, 10092)  \
    X(WSANOTINITIALISED, 10093)   \
    X(WSAEINVALIDPROVIDER, 10105) \
    X(WSASYSCALLFAILURE, 10107)   \
    X(WSATRY_AGAIN, 11002)

/** X(name, value): options, control codes, flags and events, NUM 6.1 to 6.4. */
#define WSP_LAYOUT_NUMBERS(X)                                  \
    X(AF_INET, 2)                                              \
    X(AF_INET6, 23)                                            \
    X(SOL_SOCKET, 0xFFFF)                                      \
    X(SO_DEBUG, 1)                                             \
    X(SO_ACCEPTCONN, 2)                                        \
    X(SO_REUSEADDR, 4)                                         \
    X(SO_KEEPALIVE, 8)                                         \
    X(SO_DONTROUTE, 0x10)                                      \
    X(SO_BROADCAST, 0x20)                                      \
    X(SO_LINGER, 0x80)                                         \
    X(SO_OOBINLINE, 0x100)                                     \
    X(SO_DONTLINGER, 0xFFFFFF7F)                               \
    X(SO_EXCLUSIVEADDRUSE, 0xFFFFFFFB)                         \
    X(SO_SNDBUF, 0x1001)                                       \
    X(SO_RCVBUF, 0x1002)                                       \
    X(SO_SNDLOWAT, 0x1003)                                     \
    X(SO_RCVLOWAT, 0x1004)                                     \
    X(SO_SNDTIMEO, 0x1005)                                     \
    X(SO_RCVTIMEO, 0x1006)                                     \
    X(SO_ERROR, 0x1007)                                        \
    X(SO_TYPE, 0x1008)                                         \
    X(SO_GROUP_ID, 0x2001)                                     \
    X(SO_GROUP_PRIORITY, 0x2002)                               \
    X(SO_MAX_MSG_SIZE, 0x2003)                                 \
    X(SO_PROTOCOL_INFOA, 0x2004)                               \
    X(SO_PROTOCOL_INFOW, 0x2005)                               \
    X(SO_MAXDG, 0x7009)                                        \
    X(SO_MAXPATHDG, 0x700A)                                    \
    X(SO_CONNECT_TIME, 0x700C)                                 \
    X(TCP_NODELAY, 1)                                          \
    X(TCP_KEEPIDLE, 3)                                         \
    X(TCP_MAXSEG, 4)                                           \
    X(TCP_KEEPCNT, 16)                                         \
    X(TCP_KEEPINTVL, 17)                                       \
    X(UDP_NOCHECKSUM, 1)                                       \
    X(IP_HDRINCL, 2)                                           \
    X(IP_TOS, 3)                                               \
    X(IP_TTL, 4)                                               \
    X(IP_MULTICAST_IF, 9)                                      \
    X(IP_MULTICAST_TTL, 10)                                    \
    X(IP_MULTICAST_LOOP, 11)                                   \
    X(IP_ADD_MEMBERSHIP, 12)                                   \
    X(IP_DROP_MEMBERSHIP, 13)                                  \
    X(IP_DONTFRAGMENT, 14)                                     \
    X(MCAST_JOIN_GROUP, 41)                                    \
    X(MCAST_LEAVE_GROUP, 42)                                   \
    X(IPV6_UNICAST_HOPS, 4)                                    \
    X(IPV6_MULTICAST_IF, 9)                                    \
    X(IPV6_MULTICAST_HOPS, 10)                                 \
    X(IPV6_MULTICAST_LOOP, 11)                                 \
    X(IPV6_ADD_MEMBERSHIP, 12)                                 \
    X(IPV6_DROP_MEMBERSHIP, 13)                                \
    X(IPV6_DONTFRAG, 14)                                       \
    X(IPV6_V6ONLY, 27)                                         \
    X(IPV6_TCLASS, 39)                                         \
    X(FIONREAD, 0x4004667F)                                    \
    X(FIONBIO, 0x8004667E)                                     \
    X(SIOCATMARK, 0x40047307)                                  \
    X(SIO_GET_BROADCAST_ADDRESS, 0x48000005)                   \
    X(SIO_MULTIPOINT_LOOPBACK, 0x88000009)                     \
    X(SIO_MULTICAST_SCOPE, 0x8800000A)                         \
    X(SIO_ROUTING_INTERFACE_QUERY, 0xC8000014)                 \
    X(SIO_ADDRESS_LIST_QUERY, 0x48000016)                      \
    X(SIO_BSP_HANDLE, 0x4800001B)                              \
    X(SIO_BSP_HANDLE_SELECT, 0x4800001C)                       \
    X(SIO_BSP_HANDLE_POLL, 0x4800001D)                         \
    X(SIO_BASE_HANDLE, 0x48000022)                             \
    X(SIO_GET_INTERFACE_LIST, 0x4004747F)                      \
    X(SIO_KEEPALIVE_VALS, 0x98000004)                          \
    X(SIO_UDP_CONNRESET, 0x9800000C)                           \
    X(SIO_UDP_NETRESET, 0x9800000F)                            \
    X(WSA_FLAG_OVERLAPPED, 0x01)                               \
    X(WSA_FLAG_MULTIPOINT_C_LEAF, 0x04)                        \
    X(WSA_FLAG_MULTIPOINT_D_LEAF, 0x10)                        \
    X(WSA_FLAG_NO_HANDLE_INHERIT, 0x80)                        \
    X(MSG_OOB, 0x1)                                            \
    X(MSG_PEEK, 0x2)                                           \
    X(MSG_WAITALL, 0x8)                                        \
    X(MSG_PARTIAL, 0x8000)                                     \
    X(FD_ALL_EVENTS, 0x3FF)                                    \
    X(WSS_OPERATION_IN_PROGRESS, 0x103)                        \
    X(WSA_FLAG_REGISTERED_IO, 0x100)                           \
    X(SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, 0xc8000024) \
    X(RIO_MSG_DONT_NOTIFY, 0x1)                                \
    X(RIO_MSG_DEFER, 0x2)                                      \
    X(RIO_MSG_WAITALL, 0x4)                                    \
    X(RIO_MSG_COMMIT_ONLY, 0x8)                                \
    X(RIO_MAX_CQ_SIZE, 0x8000000)                              \
    X(RIO_CORRUPT_CQ, 0xffffffff)                              \
    X(RIO_EVENT_COMPLETION, 0x1)                               \
    X(RIO_IOCP_COMPLETION, 0x2)

#endif
