/** @file The provider, linked in. */
#include "t_host.h"

#include "wsp_overlapped.h"
#include "wsp_socket.h"

int t_provider_start(WORD version, LPWSPDATA data, LPWSAPROTOCOL_INFOW info, WSPUPCALLTABLE upcalls,
                     LPWSPPROC_TABLE table)
{
    return WSPStartup(version, data, info, upcalls, table);
}

void t_requests_are(unsigned count)
{
    assert_int_equal(wsp_requests_count(), count);
}

void t_sockets_are(unsigned count)
{
    assert_int_equal(wsp_socket_live_count(), count);
}
