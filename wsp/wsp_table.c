/** @file The table of the 30 slots, by field name (LAY-9). */
#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_event.h"
#include "wsp_io.h"
#include "wsp_ioctl.h"
#include "wsp_misc.h"
#include "wsp_option.h"
#include "wsp_overlapped.h"
#include "wsp_provider.h"
#include "wsp_select.h"
#include "wsp_wait.h"

const WSPPROC_TABLE wsp_proc_table = {
    .lpWSPAccept = wsp_accept,
    .lpWSPAddressToString = wsp_address_to_string,
    .lpWSPAsyncSelect = wsp_async_select,
    .lpWSPBind = wsp_bind,
    .lpWSPCancelBlockingCall = wsp_cancel_blocking_call,
    .lpWSPCleanup = wsp_cleanup,
    .lpWSPCloseSocket = wsp_close_socket,
    .lpWSPConnect = wsp_connect,
    .lpWSPDuplicateSocket = wsp_duplicate_socket,
    .lpWSPEnumNetworkEvents = wsp_enum_network_events,
    .lpWSPEventSelect = wsp_event_select,
    .lpWSPGetOverlappedResult = wsp_get_overlapped_result,
    .lpWSPGetPeerName = wsp_get_peer_name,
    .lpWSPGetSockName = wsp_get_sock_name,
    .lpWSPGetSockOpt = wsp_get_sock_opt,
    .lpWSPGetQOSByName = wsp_get_qos_by_name,
    .lpWSPIoctl = wsp_ioctl,
    .lpWSPJoinLeaf = wsp_join_leaf,
    .lpWSPListen = wsp_listen,
    .lpWSPRecv = wsp_recv,
    .lpWSPRecvDisconnect = wsp_recv_disconnect,
    .lpWSPRecvFrom = wsp_recv_from,
    .lpWSPSelect = (LPWSPSELECT)wsp_select, /* some SDKs leave out a const */
    .lpWSPSend = wsp_send,
    .lpWSPSendDisconnect = wsp_send_disconnect,
    .lpWSPSendTo = wsp_send_to,
    .lpWSPSetSockOpt = wsp_set_sock_opt,
    .lpWSPShutdown = wsp_shutdown,
    .lpWSPSocket = wsp_socket,
    .lpWSPStringToAddress = wsp_string_to_address,
};
