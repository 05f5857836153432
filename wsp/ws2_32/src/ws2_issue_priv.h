/*
 * Around a call into the provider that may start an overlapped operation.
 *
 * A program may have asked (SetFileCompletionNotificationModes) that an operation which completes inside the call queues
 * no packet. The provider completes such an operation by an upcall on the calling thread before it returns, so the
 * thread keeps a record of the call that it is in.
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

enum ws2_share {
    WS2_SHARE_NONE,    /* the one handle that there is: close the socket as ever */
    WS2_SHARE_DROPPED, /* the socket has other handles; this one is closed, and the provider is not asked */
    WS2_SHARE_COPY,    /* the last handle, a copy: close the socket by the provider's own, then ws2_share_closed */
};

/**
 * A handle of a socket is about to be closed. A socket has several only where DuplicateHandle makes them (Windows).
 *
 * @param known  Filled: the handle by which the provider is asked to close the socket.
 *
 * Context: any thread.
 */
enum ws2_share ws2_share_closing(SOCKET s, SOCKET *known);

/**
 * The provider has answered for the socket of a copy.
 *
 * @param known  From ws2_share_closing.
 * @param done   It closed the socket; else the copy stays what it was.
 *
 * Context: the thread of ws2_share_closing.
 */
void ws2_share_closed(SOCKET s, SOCKET known, bool done);

#endif
