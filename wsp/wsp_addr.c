/** @file Socket addresses. */
#include "wsp_addr.h"

int wsp_addr_size(int family)
{
    if (family == AF_INET)
        return (int)sizeof(SOCKADDR_IN);
    return family == AF_INET6 ? (int)sizeof(SOCKADDR_IN6) : 0;
}

enum stk_family wsp_addr_family(int family)
{
    if (family == AF_INET)
        return STK_AF_INET;
    return family == AF_INET6 ? STK_AF_INET6 : STK_AF_NONE;
}

uint16_t wsp_swap16(uint16_t value)
{
    unsigned char bytes[2];

    memcpy(bytes, &value, sizeof bytes);
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

bool wsp_addr_is_any(const struct stk_addr *addr)
{
    static const unsigned char zero[16];

    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

int wsp_addr_read(const struct sockaddr *name, int namelen, int family, struct stk_addr *out)
{
    ADDRESS_FAMILY given;
    SOCKADDR_IN in;
    SOCKADDR_IN6 in6;

    if (!name || namelen < (int)sizeof given)
        return WSAEFAULT;
    memcpy(&given, name, sizeof given);
    if (namelen < wsp_addr_size(family))
        return WSAEFAULT;
    if (given != family)
        return WSAEAFNOSUPPORT; /* CF-2 */
    memset(out, 0, sizeof *out);
    out->family = (uint16_t)wsp_addr_family(family);
    if (family == AF_INET) {
        memcpy(&in, name, sizeof in);
        out->port = wsp_swap16(in.sin_port);
        memcpy(out->ip, &in.sin_addr, sizeof in.sin_addr);
    } else {
        memcpy(&in6, name, sizeof in6);
        out->port = wsp_swap16(in6.sin6_port);
        out->scope_id = in6.sin6_scope_id;
        memcpy(out->ip, &in6.sin6_addr, sizeof in6.sin6_addr);
    }
    return 0;
}

int wsp_addr_write(const struct stk_addr *addr, int family, struct sockaddr *name, LPINT namelen)
{
    int size = wsp_addr_size(family);

    if (!name || !namelen || *namelen < size)
        return WSAEFAULT;
    if (family == AF_INET) {
        SOCKADDR_IN in = {.sin_family = AF_INET, .sin_port = wsp_swap16(addr->port)};

        memcpy(&in.sin_addr, addr->ip, sizeof in.sin_addr);
        memcpy(name, &in, sizeof in);
    } else {
        SOCKADDR_IN6 in6 = {.sin6_family = AF_INET6, .sin6_port = wsp_swap16(addr->port)};

        in6.sin6_scope_id = addr->scope_id;
        memcpy(&in6.sin6_addr, addr->ip, sizeof in6.sin6_addr);
        memcpy(name, &in6, sizeof in6);
    }
    *namelen = size;
    return 0;
}
