/**
 * @file
 * Addresses as text. No name is resolved and no socket is needed.
 *
 * Source: rules WSPADDRESSTOSTRING, WSPSTRINGTOADDRESS, DS-19, CF-1 (lengths are characters).
 */
#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_ip_text.h"
#include "wsp_provider.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 128 /* "[" 39 digits and colons "%" 10 digits "]:" 5 digits, with room */
#define WORDS 8

/* --- To text -------------------------------------------------------------- */

/* The longest run of zero words among the first ones, two at least (RFC 5952 4.2). */
static int text_zero_run(const unsigned char ip[16], int words, int *length)
{
    int best = -1, best_length = 1, start = -1;

    for (int i = 0; i <= words; i++) {
        bool zero = i < words && ip[2 * i] == 0 && ip[2 * i + 1] == 0;

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

/* It holds an IPv4 address: mapped, translated (::ffff:0:a.b.c.d), compatible, or ISATAP (RFC 5214 6.1). */
static bool text_is_dotted(const unsigned char ip[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, translated[12] = {[8] = 0xff, [9] = 0xff};
    static const unsigned char zero[12];

    if ((ip[8] & 0xfd) == 0 && ip[9] == 0 && ip[10] == 0x5e && ip[11] == 0xfe)
        return true;
    return memcmp(ip, mapped, sizeof mapped) == 0 || memcmp(ip, translated, sizeof translated) == 0 ||
           (memcmp(ip, zero, sizeof zero) == 0 && (ip[12] != 0 || ip[13] != 0));
}

static size_t text_ip6(char *out, size_t size, const unsigned char ip[16])
{
    const bool dotted = text_is_dotted(ip);
    const int words = dotted ? WORDS - 2 : WORDS;
    int length, run = text_zero_run(ip, words, &length);
    size_t at = 0;

    for (int i = 0; i < words; i++) {
        if (i == run) {
            at += (size_t)snprintf(out + at, size - at, "::");
            i += length - 1;
            continue;
        }
        if (i > 0 && i != run + (run >= 0 ? length : 0))
            at += (size_t)snprintf(out + at, size - at, ":");
        at += (size_t)snprintf(out + at, size - at, "%x", (unsigned)(ip[2 * i] << 8 | ip[2 * i + 1]));
    }
    if (dotted)
        at += (size_t)snprintf(out + at, size - at, "%s%u.%u.%u.%u", out[at - 1] == ':' ? "" : ":", ip[12], ip[13],
                               ip[14], ip[15]);
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

    if (code == 0 && (!lpsaAddress || !lpProtocolInfo || !lpdwAddressStringLength))
        code = WSAEFAULT;
    if (code != 0)
        return wsp_fail(lpErrno, code);
    family = lpProtocolInfo->iAddressFamily;
    /* An address that is short or of another family is not valid here. */
    if (wsp_addr_size(family) == 0 || dwAddressLength > INT32_MAX ||
        wsp_addr_read(lpsaAddress, (int)dwAddressLength, family, &addr) != 0)
        return wsp_fail(lpErrno, WSAEINVAL);
    length = text_make(text, sizeof text, &addr) + 1;
    if (!lpszAddressString || *lpdwAddressStringLength < length)
        code = WSAEFAULT;
    for (size_t i = 0; i < length && code == 0; i++)
        lpszAddressString[i] = (WCHAR)text[i];
    *lpdwAddressStringLength = (DWORD)length;
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/* --- From text ------------------------------------------------------------ */

/* ":" and a port, where one is; 0 is none. */
static bool text_read_port(const char *at, uint16_t *port)
{
    uint32_t value = 0;

    if (*at == ':') {
        at++;
        if (!wsp_ip_text_number(&at, &value) || value == 0 || value > 65535)
            return false;
    }
    *port = (uint16_t)value;
    return *at == 0;
}

/* "%" and a number, where one is. */
static const char *text_read_scope(const char *at, uint32_t *scope)
{
    unsigned long long value;
    char *end;

    if (*at != '%')
        return at;
    if (at[1] < '0' || at[1] > '9')
        return NULL;
    value = strtoull(at + 1, &end, 10);
    *scope = (uint32_t)value;
    return value <= UINT32_MAX ? end : NULL;
}

/* Where it fails out->ip holds what the parser wrote. */
static bool text_read(const char *text, int family, struct stk_addr *out)
{
    bool bracket;

    memset(out, 0, sizeof *out);
    out->family = (uint16_t)wsp_addr_family(family);
    if (family == AF_INET) {
        text = wsp_ip_text_read4(text, false, out->ip);
        return text && text_read_port(text, &out->port);
    }
    bracket = *text == '[';
    text = wsp_ip_text_read6(text + bracket, out->ip);
    if (text)
        text = text_read_scope(text, &out->scope_id);
    if (!text || !bracket)
        return text && *text == 0;
    return *text == ']' && text_read_port(text + 1, &out->port);
}

/* What Windows leaves: no family, and the address as far as it was read. */
static void text_write_refused(const struct stk_addr *addr, int family, LPSOCKADDR to)
{
    if (family == AF_INET)
        memcpy(&((SOCKADDR_IN *)(void *)to)->sin_addr, addr->ip, 4);
    else
        memcpy(&((SOCKADDR_IN6 *)(void *)to)->sin6_addr, addr->ip, 16);
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
 * WSPStringToAddress. Context: any thread. Does not block. A port is a number of C and not 0; text that is refused leaves
 * an address without family, port and scope, whose bytes are those that were read: Windows, as conformance suites observe.
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
    memset(lpAddress, 0, (size_t)size);
    if (!text_narrow(AddressString, text))
        return wsp_fail(lpErrno, WSAEINVAL);
    if (!text_read(text, family, &addr)) {
        text_write_refused(&addr, family, lpAddress);
        return wsp_fail(lpErrno, WSAEINVAL);
    }
    (void)wsp_addr_write(&addr, family, lpAddress, lpAddressLength);
    return 0;
}
