/** @file Duplication, QoS names, joining a leaf. */
#include "wsp_misc.h"

#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_share.h"

/**
 * WSPDuplicateSocket within the process. A socket belongs to this process's own engine: WSAEINVAL for another one.
 *
 * @param lpProtocolInfo  The socket's entry, with a token that one WSPSocket makes a descriptor of.
 *
 * Context: any thread. Source: rules WSPDUPLICATESOCKET-1..6, SHR-1..4.
 */
int WSPAPI wsp_duplicate_socket(SOCKET s, DWORD dwProcessId, LPWSAPROTOCOL_INFOW lpProtocolInfo, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);

    uint32_t token = 0;
    int code = 0;

    if (!sock)
        return SOCKET_ERROR;
    if (dwProcessId != wsp_os_process_id())
        code = WSAEINVAL;
    else if (!lpProtocolInfo)
        code = WSAEFAULT;
    else
        code = wsp_share_token(sock, &token);
    if (code == 0) {
        *lpProtocolInfo = wsp_provider.infos[sock->info];
        lpProtocolInfo->dwProviderReserved = token;
    }
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/**
 * WSPGetQOSByName: there are no templates. An empty name enumerates them.
 *
 * Context: any thread. Source: rules WSPGETQOSBYNAME-1, -2.
 */
BOOL WSPAPI wsp_get_qos_by_name(SOCKET s, LPWSABUF lpQOSName, LPQOS lpQOS, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    WCHAR first = 0;
    int code = 0;

    if (!sock)
        return FALSE;
    wsp_socket_put(sock);
    if (!lpQOSName || !lpQOSName->buf || lpQOSName->len < sizeof first)
        code = WSAEFAULT;
    else
        memcpy(&first, lpQOSName->buf, sizeof first);
    if (code == 0 && first != 0)
        code = lpQOS ? WSAEINVAL : WSAEFAULT;
    if (code != 0)
        (void)wsp_fail(lpErrno, code);
    return code == 0; /* the empty list is a single NUL, which is there already */
}
