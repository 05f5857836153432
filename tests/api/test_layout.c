/*
 * Sizes, offsets and numbers of the headers against the rules list (LAY, NUM): wrong ones do not compile.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <winsock2.h>
#include <ws2tcpip.h>
#include <ws2spi.h>
#include <mswsock.h>
#include <mstcpip.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define NUMBER(name, value) _Static_assert((uint32_t)(name) == (uint32_t)(value), #name)
#define SLOT(table, field, number) _Static_assert(offsetof(table, field) == ((number)-1) * sizeof(void *), #field)

/* LAY-2, the 64-bit column. */
SIZE(DWORD, 4);
SIZE(LONG, 4);
SIZE(u_long, 4);
SIZE(WCHAR, 2);
SIZE(L"a"[0], 2);
SIZE(SOCKET, 8);
SIZE(GUID, 16);
SIZE(WSPDATA, 516);
SIZE(WSATHREADID, 16);
SIZE(WSAPROTOCOLCHAIN, 32);
SIZE(WSAPROTOCOL_INFOW, 628);
SIZE(WSAPROTOCOL_INFOA, 372);
SIZE(WSPPROC_TABLE, 240);
SIZE(WSPUPCALLTABLE, 120);
SIZE(WSAOVERLAPPED, 32);
SIZE(WSABUF, 16);
SIZE(WSAMSG, 56);
SIZE(WSACMSGHDR, 16);
SIZE(WSANETWORKEVENTS, 44);
SIZE(WSAPOLLFD, 16);
SIZE(fd_set, 520);
SIZE(QOS, 80);
SIZE(WSAQUERYSETW, 120);
SIZE(CSADDR_INFO, 40);
SIZE(WSANAMESPACE_INFOW, 40);
SIZE(NSP_ROUTINE, 88);
SIZE(WSADATA, 408);
SIZE(ADDRINFOW, 48);
SIZE(ADDRINFOA, 48);
SIZE(SOCKADDR, 16);
SIZE(SOCKADDR_IN, 16);
SIZE(SOCKADDR_IN6, 28);
SIZE(SOCKADDR_STORAGE, 128);
SIZE(struct linger, 4);
SIZE(IP_MREQ, 8);
SIZE(IPV6_MREQ, 20);
SIZE(GROUP_REQ, 136);
SIZE(GROUP_SOURCE_REQ, 264);
_Static_assert(_Alignof(SOCKADDR_STORAGE) == 8, "alignment of SOCKADDR_STORAGE");

/* LAY-3, LAY-5, LAY-6, LAY-7, LAY-8. */
AT(WSPDATA, wHighVersion, 2);
AT(WSPDATA, szDescription, 4);
AT(WSAPROTOCOL_INFOW, dwProviderFlags, 16);
AT(WSAPROTOCOL_INFOW, ProviderId, 20);
AT(WSAPROTOCOL_INFOW, dwCatalogEntryId, 36);
AT(WSAPROTOCOL_INFOW, ProtocolChain, 40);
AT(WSAPROTOCOL_INFOW, iVersion, 72);
AT(WSAPROTOCOL_INFOW, iAddressFamily, 76);
AT(WSAPROTOCOL_INFOW, iMaxSockAddr, 80);
AT(WSAPROTOCOL_INFOW, iMinSockAddr, 84);
AT(WSAPROTOCOL_INFOW, iSocketType, 88);
AT(WSAPROTOCOL_INFOW, iProtocol, 92);
AT(WSAPROTOCOL_INFOW, iProtocolMaxOffset, 96);
AT(WSAPROTOCOL_INFOW, iNetworkByteOrder, 100);
AT(WSAPROTOCOL_INFOW, iSecurityScheme, 104);
AT(WSAPROTOCOL_INFOW, dwMessageSize, 108);
AT(WSAPROTOCOL_INFOW, dwProviderReserved, 112);
AT(WSAPROTOCOL_INFOW, szProtocol, 116);
AT(WSAOVERLAPPED, InternalHigh, 8);
AT(WSAOVERLAPPED, Offset, 16);
AT(WSAOVERLAPPED, OffsetHigh, 20);
AT(WSAOVERLAPPED, hEvent, 24);
AT(WSADATA, iMaxSockets, 4);
AT(WSADATA, lpVendorInfo, 8);
AT(WSADATA, szDescription, 16);
AT(NSP_ROUTINE, NSPIoctl, 80);

/* LAY-9, LAY-10: the order of both tables. */
SLOT(WSPPROC_TABLE, lpWSPAccept, 1);
SLOT(WSPPROC_TABLE, lpWSPAddressToString, 2);
SLOT(WSPPROC_TABLE, lpWSPAsyncSelect, 3);
SLOT(WSPPROC_TABLE, lpWSPBind, 4);
SLOT(WSPPROC_TABLE, lpWSPCancelBlockingCall, 5);
SLOT(WSPPROC_TABLE, lpWSPCleanup, 6);
SLOT(WSPPROC_TABLE, lpWSPCloseSocket, 7);
SLOT(WSPPROC_TABLE, lpWSPConnect, 8);
SLOT(WSPPROC_TABLE, lpWSPDuplicateSocket, 9);
SLOT(WSPPROC_TABLE, lpWSPEnumNetworkEvents, 10);
SLOT(WSPPROC_TABLE, lpWSPEventSelect, 11);
SLOT(WSPPROC_TABLE, lpWSPGetOverlappedResult, 12);
SLOT(WSPPROC_TABLE, lpWSPGetPeerName, 13);
SLOT(WSPPROC_TABLE, lpWSPGetSockName, 14);
SLOT(WSPPROC_TABLE, lpWSPGetSockOpt, 15);
SLOT(WSPPROC_TABLE, lpWSPGetQOSByName, 16);
SLOT(WSPPROC_TABLE, lpWSPIoctl, 17);
SLOT(WSPPROC_TABLE, lpWSPJoinLeaf, 18);
SLOT(WSPPROC_TABLE, lpWSPListen, 19);
SLOT(WSPPROC_TABLE, lpWSPRecv, 20);
SLOT(WSPPROC_TABLE, lpWSPRecvDisconnect, 21);
SLOT(WSPPROC_TABLE, lpWSPRecvFrom, 22);
SLOT(WSPPROC_TABLE, lpWSPSelect, 23);
SLOT(WSPPROC_TABLE, lpWSPSend, 24);
SLOT(WSPPROC_TABLE, lpWSPSendDisconnect, 25);
SLOT(WSPPROC_TABLE, lpWSPSendTo, 26);
SLOT(WSPPROC_TABLE, lpWSPSetSockOpt, 27);
SLOT(WSPPROC_TABLE, lpWSPShutdown, 28);
SLOT(WSPPROC_TABLE, lpWSPSocket, 29);
SLOT(WSPPROC_TABLE, lpWSPStringToAddress, 30);
SLOT(WSPUPCALLTABLE, lpWPUCloseEvent, 1);
SLOT(WSPUPCALLTABLE, lpWPUCloseSocketHandle, 2);
SLOT(WSPUPCALLTABLE, lpWPUCreateEvent, 3);
SLOT(WSPUPCALLTABLE, lpWPUCreateSocketHandle, 4);
SLOT(WSPUPCALLTABLE, lpWPUFDIsSet, 5);
SLOT(WSPUPCALLTABLE, lpWPUGetProviderPath, 6);
SLOT(WSPUPCALLTABLE, lpWPUModifyIFSHandle, 7);
SLOT(WSPUPCALLTABLE, lpWPUPostMessage, 8);
SLOT(WSPUPCALLTABLE, lpWPUQueryBlockingCallback, 9);
SLOT(WSPUPCALLTABLE, lpWPUQuerySocketHandleContext, 10);
SLOT(WSPUPCALLTABLE, lpWPUQueueApc, 11);
SLOT(WSPUPCALLTABLE, lpWPUResetEvent, 12);
SLOT(WSPUPCALLTABLE, lpWPUSetEvent, 13);
SLOT(WSPUPCALLTABLE, lpWPUOpenCurrentThread, 14);
SLOT(WSPUPCALLTABLE, lpWPUCloseThread, 15);

/* NUM: those whose value is computed, or differs from Linux', or is easily mistaken. */
NUMBER(SO_DONTLINGER, 0xFFFFFF7F);
NUMBER(SO_EXCLUSIVEADDRUSE, 0xFFFFFFFB);
NUMBER(AF_INET6, 23);
NUMBER(SOL_SOCKET, 0xFFFF);
NUMBER(IP_MTU, 73);
NUMBER(IPV6_MTU, 72);
NUMBER(FD_ALL_EVENTS, 0x3FF);
NUMBER(FD_MAX_EVENTS, 10);
NUMBER(FIONREAD, 0x4004667F);
NUMBER(FIONBIO, 0x8004667E);
NUMBER(FIOASYNC, 0x8004667D);
NUMBER(SIOCATMARK, 0x40047307);
NUMBER(SIOCSHIWAT, 0x80047300);
NUMBER(SIOCGLOWAT, 0x40047303);
NUMBER(SIO_ASSOCIATE_HANDLE, 0x88000001);
NUMBER(SIO_ENABLE_CIRCULAR_QUEUEING, 0x28000002);
NUMBER(SIO_FLUSH, 0x28000004);
NUMBER(SIO_GET_EXTENSION_FUNCTION_POINTER, 0xC8000006);
NUMBER(SIO_TRANSLATE_HANDLE, 0xC800000D);
NUMBER(SIO_ROUTING_INTERFACE_QUERY, 0xC8000014);
NUMBER(SIO_ROUTING_INTERFACE_CHANGE, 0x88000015);
NUMBER(SIO_ADDRESS_LIST_QUERY, 0x48000016);
NUMBER(SIO_ADDRESS_LIST_CHANGE, 0x28000017);
NUMBER(SIO_ADDRESS_LIST_SORT, 0xC8000019);
NUMBER(SIO_BSP_HANDLE, 0x4800001B);
NUMBER(SIO_EXT_SENDMSG, 0xC8000020);
NUMBER(SIO_BASE_HANDLE, 0x48000022);
NUMBER(SIO_GET_INTERFACE_LIST, 0x4004747F);
NUMBER(SIO_GET_MULTICAST_FILTER, 0x8004747C);
NUMBER(SIO_RCVALL, 0x98000001);
NUMBER(SIO_KEEPALIVE_VALS, 0x98000004);
NUMBER(SIO_UDP_CONNRESET, 0x9800000C);
NUMBER(SIO_ACQUIRE_PORT_RESERVATION, 0x98000064);
#ifdef SIO_TIMESTAMPING /* newer than the SDK headers of mingw-w64 10 */
NUMBER(SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, 0xC8000024);
NUMBER(SIO_IDEAL_SEND_BACKLOG_QUERY, 0x4004747B);
NUMBER(SIO_IDEAL_SEND_BACKLOG_CHANGE, 0x2000747A);
NUMBER(SIO_TCP_INFO, 0xD8000027);
NUMBER(SIO_TIMESTAMPING, 0x980000EB);
NUMBER(SIO_GET_TX_TIMESTAMP, 0x980000EA);
NUMBER(SIO_QUERY_SECURITY, 0xD80000C9);
NUMBER(SIO_QUERY_WFP_ALE_ENDPOINT_HANDLE, 0x580000CD);
NUMBER(SIO_SET_COMPATIBILITY_MODE, 0x9800012C);
#endif
NUMBER(POLLIN, 0x300);
NUMBER(POLLOUT, 0x10);
NUMBER(WSAEWOULDBLOCK, 10035);
NUMBER(WSANOTINITIALISED, 10093);
NUMBER(WSA_IO_PENDING, 997);
NUMBER(EAI_NONAME, 11001);
NUMBER(WSA_WAIT_IO_COMPLETION, 0xC0);

static void fd_set__full_and_duplicate__not_added(void **state)
{
    fd_set set;
    SOCKET s;
    (void)state;
    FD_ZERO(&set);
    FD_SET((SOCKET)4, &set);
    FD_SET((SOCKET)4, &set);
    assert_int_equal(set.fd_count, 1);
    for (s = 8; s < 8 + 4 * 100; s += 4) {
        FD_SET(s, &set);
    }
    assert_int_equal(set.fd_count, FD_SETSIZE);
    FD_CLR((SOCKET)8, &set);
    assert_int_equal(set.fd_count, FD_SETSIZE - 1);
    assert_int_equal(set.fd_array[1], 12);
    FD_CLR((SOCKET)9999, &set);
    assert_int_equal(set.fd_count, FD_SETSIZE - 1);
}

static void hton_macros__class_tests__as_defined(void **state)
{
    IN6_ADDR loop = IN6ADDR_LOOPBACK_INIT;
    IN6_ADDR any = IN6ADDR_ANY_INIT;
    (void)state;
    assert_true(IN6_IS_ADDR_LOOPBACK(&loop));
    assert_true(IN6_IS_ADDR_UNSPECIFIED(&any));
    assert_false(IN6_IS_ADDR_MULTICAST(&loop));
    assert_int_equal(MAKEWORD(2, 3), 0x302);
    assert_int_equal(HIBYTE(0x302), 3);
    assert_int_equal(WSAGETSELECTERROR(WSAMAKESELECTREPLY(FD_CONNECT, 10061)), 10061);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fd_set__full_and_duplicate__not_added),
        cmocka_unit_test(hton_macros__class_tests__as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
