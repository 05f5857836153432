/**
 * @file
 * Addresses as text. No name is resolved and no socket is needed.
 *
 * Source: rules WSPADDRESSTOSTRING, WSPSTRINGTOADDRESS, DS-19, CF-1 (lengths are characters).
 */
#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_provider.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 128 /* "[" 39 digits and colons "%" 10 digits "]:" 5 digits, with room */
#define WORDS 8

/* --- To text -------------------------------------------------------------- */

/* The longest run of zero words, two at least (RFC 5952 4.2). */
static int text_zero_run(const unsigned char ip[16], int *length)
{
    int best = -1, best_length = 1, start = -1;

    for (int i = 0; i <= WORDS; i++) {
        bool zero = i < WORDS && ip[2 * i] == 0 && ip[2 * i + 1] == 0;

        if (zero && start < 0)
            start = i;
        if (!zero && start >= 0) {
            if (i - start > best_length) {
                best = start;
                best_length = i - start;
            }
            start = -1;
        }
    }
    *length = best_length;
    return best;
}

static size_t text_ip6(char *out, size_t size, const unsigned char ip[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, zero[12];
    int length, run = text_zero_run(ip, &length);
    size_t at = 0;

    if (memcmp(ip, mapped, sizeof mapped) == 0)
        return (size_t)snprintf(out, size, "::ffff:%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
    if (memcmp(ip, zero, sizeof zero) == 0 && (ip[12] != 0 || ip[13] != 0)) /* IPv4-compatible */
        return (size_t)snprintf(out, size, "::%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
    for (int i = 0; i < WORDS; i++) {
        if (i == run) {
            at += (size_t)snprintf(out + at, size - at, "::");
            i += length - 1;
            continue;
        }
        if (i > 0 && i != run + (run >= 0 ? length : 0))
            at += (size_t)snprintf(out + at, size - at, ":");
        at += (size_t)snprintf(out + at, size - at, "%x", (unsigned)(ip[2 * i] << 8 | ip[2 * i + 1]));
    }
    return at;
}

static size_t text_make(char *out, size_t size, const struct stk_addr *addr)
{
    size_t at = 0;

    if (addr->family == STK_AF_INET) {
        at = (size_t)snprintf(out, size, "%u.%u.%u.%u", addr->ip[0], addr->ip[1], addr->ip[2], addr->ip[3]);
        if (addr->port != 0)
            at += (size_t)snprintf(out + at, size - at, ":%u", addr->port);
        return at;
    }
    if (addr->port != 0)
        out[at++] = '[';
    at += text_ip6(out + at, size - at, addr->ip);
    if (addr->scope_id != 0)
        at += (size_t)snprintf(out + at, size - at, "%%%u", addr->scope_id);
    if (addr->port != 0)
        at += (size_t)snprintf(out + at, size - at, "]:%u", addr->port);
    return at;
}

/**
 * WSPAddressToString. Context: any thread. Does not block.
 * Source: rules WSPADDRESSTOSTRING-1..4.
 */
INT WSPAPI wsp_address_to_string(LPSOCKADDR lpsaAddress, DWORD dwAddressLength, LPWSAPROTOCOL_INFOW lpProtocolInfo,
                                 LPWSTR lpszAddressString, LPDWORD lpdwAddressStringLength, LPINT lpErrno)
{
    char text[TEXT_MAX];
    struct stk_addr addr;
    size_t length;
    int family, code = wsp_provider_check();

    if (code == 0 && (!lpsaAddress || !lpProtocolInfo || !lpszAddressString || !lpdwAddressStringLength))
        code = WSAEFAULT;
    if (code != 0)
        return wsp_fail(lpErrno, code);
    family = lpProtocolInfo->iAddressFamily;
    /* An address that is short or of another family is not valid here. */
    if (wsp_addr_size(family) == 0 || dwAddressLength > INT32_MAX ||
        wsp_addr_read(lpsaAddress, (int)dwAddressLength, family, &addr) != 0)
        return wsp_fail(lpErrno, WSAEINVAL);
    length = text_make(text, sizeof text, &addr) + 1;
    if (*lpdwAddressStringLength < length)
        code = WSAEFAULT;
    for (size_t i = 0; i < length && code == 0; i++)
        lpszAddressString[i] = (WCHAR)text[i];
    *lpdwAddressStringLength = (DWORD)length;
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/* --- From text ------------------------------------------------------------ */

/* Digits of a base, at most max; false: none, or too large. */
static bool text_number(const char **at, unsigned base, uint32_t max, uint32_t *out)
{
    static const char digits[] = "0123456789abcdef";
    const char *start = *at;
    uint64_t value = 0;

    for (; **at; (*at)++) {
        char c = **at >= 'A' && **at <= 'F' ? (char)(**at - 'A' + 'a') : **at;
        const char *digit = strchr(digits, c);

        if (!digit || (unsigned)(digit - digits) >= base)
            break;
        value = value * base + (unsigned)(digit - digits);
        if (value > max)
            return false;
    }
    *out = (uint32_t)value;
    return *at != start;
}

/* One part as inet_addr reads it: decimal, 0 octal, 0x hexadecimal. */
static bool text_part(const char **at, uint32_t *out)
{
    if ((*at)[0] == '0' && ((*at)[1] == 'x' || (*at)[1] == 'X')) {
        *at += 2;
        return text_number(at, 16, UINT32_MAX, out);
    }
    return text_number(at, (*at)[0] == '0' ? 8 : 10, UINT32_MAX, out);
}

/* WSPSTRINGTOADDRESS-2: the last part fills what the others left. */
static bool text_read_ip4(const char **at, unsigned char ip[4])
{
    uint32_t parts[4], value = 0, last_max;
    int count = 0;

    do {
        if (count > 0)
            (*at)++;
        if (!text_part(at, &parts[count++]))
            return false;
    } while (count < 4 && **at == '.');
    last_max = UINT32_MAX >> (8 * (count - 1));
    for (int i = 0; i < count - 1; i++) {
        if (parts[i] > 255)
            return false;
        value |= parts[i] << (24 - 8 * i);
    }
    if (parts[count - 1] > last_max)
        return false;
    value |= parts[count - 1];
    for (int i = 0; i < 4; i++)
        ip[i] = (unsigned char)(value >> (24 - 8 * i));
    return true;
}

static bool text_dotted_next(const char *at)
{
    return at[strspn(at, "0123456789")] == '.';
}

/* An IPv6 address, up to where it ends. */
static bool text_read_ip6(const char **at, unsigned char ip[16])
{
    unsigned char head[16] = {0};
    int filled = 0, gap = -1;
    uint32_t word;

    if ((*at)[0] == ':' && (*at)[1] != ':')
        return false;
    while (filled < 16) {
        if ((*at)[0] == ':' && (*at)[1] == ':') {
            if (gap >= 0)
                return false;
            gap = filled;
            *at += 2;
            if (!strchr("0123456789abcdefABCDEF", **at) || !**at)
                break;
        }
        if (filled <= 12 && text_dotted_next(*at)) {
            if (!text_read_ip4(at, head + filled))
                return false;
            filled += 4;
            break;
        }
        if (!text_number(at, 16, 0xffff, &word))
            return false;
        head[filled++] = (unsigned char)(word >> 8);
        head[filled++] = (unsigned char)word;
        if (**at != ':' || filled == 16)
            break;
        if ((*at)[1] != ':')
            (*at)++;
    }
    if ((gap < 0) != (filled == 16))
        return false;
    memset(ip, 0, 16);
    gap = gap < 0 ? filled : gap;
    memcpy(ip, head, (size_t)gap);
    memcpy(ip + 16 - (filled - gap), head + gap, (size_t)(filled - gap));
    return true;
}

static bool text_read_port(const char **at, uint16_t *port)
{
    uint32_t value;

    if (**at != ':')
        return true;
    (*at)++;
    if (!text_number(at, 10, 65535, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

static bool text_read(const char *text, int family, struct stk_addr *out)
{
    bool bracket;

    memset(out, 0, sizeof *out);
    out->family = (uint16_t)wsp_addr_family(family);
    if (family == AF_INET)
        return text_read_ip4(&text, out->ip) && text_read_port(&text, &out->port) && *text == 0;
    bracket = *text == '[';
    text += bracket;
    if (!text_read_ip6(&text, out->ip))
        return false;
    if (*text == '%') {
        text++;
        if (!text_number(&text, 10, UINT32_MAX, &out->scope_id))
            return false;
    }
    if (bracket && *text++ != ']')
        return false;
    if (bracket && !text_read_port(&text, &out->port))
        return false;
    return *text == 0;
}

/* UTF-16 to ASCII; false: another character or too long. */
static bool text_narrow(LPCWSTR wide, char out[TEXT_MAX])
{
    for (size_t i = 0; i < TEXT_MAX; i++) {
        if (wide[i] >= 0x80)
            return false;
        out[i] = (char)wide[i];
        if (wide[i] == 0)
            return true;
    }
    return false;
}

/**
 * WSPStringToAddress. Context: any thread. Does not block.
 * Source: rules WSPSTRINGTOADDRESS-1..3.
 */
INT WSPAPI wsp_string_to_address(LPWSTR AddressString, INT AddressFamily, LPWSAPROTOCOL_INFOW lpProtocolInfo,
                                 LPSOCKADDR lpAddress, LPINT lpAddressLength, LPINT lpErrno)
{
    int family = AddressFamily, size, code = wsp_provider_check();
    char text[TEXT_MAX];
    struct stk_addr addr;

    if (code == 0 && (!AddressString || !lpProtocolInfo || !lpAddress || !lpAddressLength))
        code = WSAEFAULT;
    if (code != 0)
        return wsp_fail(lpErrno, code);
    if (family == AF_UNSPEC)
        family = lpProtocolInfo->iAddressFamily;
    size = wsp_addr_size(family);
    if (size == 0 || family != lpProtocolInfo->iAddressFamily)
        return wsp_fail(lpErrno, WSAEINVAL);
    if (*lpAddressLength < size) {
        *lpAddressLength = size;
        return wsp_fail(lpErrno, WSAEFAULT);
    }
    if (!text_narrow(AddressString, text) || !text_read(text, family, &addr))
        return wsp_fail(lpErrno, WSAEINVAL);
    memset(lpAddress, 0, (size_t)size);
    (void)wsp_addr_write(&addr, family, lpAddress, lpAddressLength);
    return 0;
}
