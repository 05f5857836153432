/*
 * Calls that may start overlapped operations, Linux: there are no completion ports.
 */
#include "ws2_issue_priv.h"

int ws2_issue_begin(struct ws2_issue *issue, SOCKET s, LPWSAOVERLAPPED overlapped,
                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)issue;
    (void)s;
    (void)overlapped;
    (void)routine;
    return 0;
}

enum ws2_share ws2_share_closing(SOCKET s, SOCKET *known)
{
    *known = s;
    return WS2_SHARE_NONE;
}

void ws2_share_closed(SOCKET s, SOCKET known, bool done)
{
    (void)s;
    (void)known;
    (void)done;
}

void ws2_issue_end(struct ws2_issue *issue, int result)
{
    (void)issue;
    (void)result;
}
