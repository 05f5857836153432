/*
 * Around a call into the provider that may start an overlapped operation.
 *
 * A program may have asked (SetFileCompletionNotificationModes) that an operation which completes inside the call queues
 * no packet. The provider completes such an operation by an upcall on the calling thread before it returns, so the
 * thread keeps a record of the call that it is in. Linux has no ports: there these functions do nothing.
 *
 *     struct ws2_issue issue;
 *     error = ws2_issue_begin(&issue, s, overlapped, routine);
 *     if (error != 0) return ws2_fail(error);
 *     result = provider->table.lpWSPRecv(...);
 *     ws2_issue_end(&issue, result);
 */
#ifndef WS2_ISSUE_PRIV_H
#define WS2_ISSUE_PRIV_H

#include "ws2_priv.h"

struct ws2_issue {
    struct ws2_issue *outer;
    SOCKET s;
    LPWSAOVERLAPPED overlapped;
    bool active;   /* the thread knows of it */
    bool withheld; /* a packet was held back: */
    ULONG_PTR status;
    DWORD transferred;
};

/**
 * Before the call.
 *
 * @param overlapped  NULL: nothing to do.
 * @return            0, or WSAEINVAL: a routine for a socket that is associated with a port (rule IOCP-12).
 *
 * Context: the thread of the call.
 */
int ws2_issue_begin(struct ws2_issue *issue, SOCKET s, LPWSAOVERLAPPED overlapped,
                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/**
 * After the call.
 *
 * @param result  What the provider returned: the packet stays away only if that is 0 (rule IOCP-21).
 *
 * Context: the thread of ws2_issue_begin. The last error is as before.
 */
void ws2_issue_end(struct ws2_issue *issue, int result);

#endif
