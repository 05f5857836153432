/*
 * Byte order, addresses as text, text in UTF-16. Nothing here needs WSAStartup except where the socket says the byte
 * order. Source: rules WS2-4, WS2-58, RFC 4291 2.2, RFC 5952.
 */
#include "ws2_priv.h"
#include "wsp_ip_text.h"

#include <stdio.h>
#include <string.h>

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

/* ---- byte order ---- */

/** Host to network order, 32 bits. */
u_long WSAAPI htonl(u_long host)
{
    const uint8_t bytes[4] = {(uint8_t)(host >> 24), (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host};
    u_long net;
    memcpy(&net, bytes, sizeof net);
    return net;
}

/** Host to network order, 16 bits. */
u_short WSAAPI htons(u_short host)
{
    const uint8_t bytes[2] = {(uint8_t)(host >> 8), (uint8_t)host};
    u_short net;
    memcpy(&net, bytes, sizeof net);
    return net;
}

/** Network to host order, 32 bits. */
u_long WSAAPI ntohl(u_long net)
{
    return htonl(net);
}

/** Network to host order, 16 bits. */
u_short WSAAPI ntohs(u_short net)
{
    return htons(net);
}

/* The catalogue says the order of a socket's provider (rule WS2-58). */
static bool socket_is_big_endian(SOCKET s, const void *out, bool *big)
{
    const struct ws2_entry *entry;
    DWORD id;
    if (ws2_route(s) == NULL) {
        return false;
    }
    if (out == NULL) {
        ws2_fail(WSAEFAULT);
        return false;
    }
    if (!ws2_handle_entry_id(s, &id) || (entry = ws2_catalog_by_id(ws2_catalog_current(), id)) == NULL) {
        ws2_fail(WSAENOTSOCK);
        return false;
    }
    *big = entry->info.iNetworkByteOrder == BIGENDIAN;
    return true;
}

/** Host order to that of the socket. @return 0, or SOCKET_ERROR: WSANOTINITIALISED, WSAENOTSOCK, WSAEFAULT. */
int WSAAPI WSAHtonl(SOCKET s, u_long host, u_long *net)
{
    bool big;
    if (!socket_is_big_endian(s, net, &big)) {
        return SOCKET_ERROR;
    }
    *net = big ? htonl(host) : host;
    return 0;
}

/** As WSAHtonl, 16 bits. */
int WSAAPI WSAHtons(SOCKET s, u_short host, u_short *net)
{
    bool big;
    if (!socket_is_big_endian(s, net, &big)) {
        return SOCKET_ERROR;
    }
    *net = big ? htons(host) : host;
    return 0;
}

/** As WSAHtonl, the other way. */
int WSAAPI WSANtohl(SOCKET s, u_long net, u_long *host)
{
    return WSAHtonl(s, net, host);
}

/** As WSAHtons, the other way. */
int WSAAPI WSANtohs(SOCKET s, u_short net, u_short *host)
{
    return WSAHtons(s, net, host);
}

/* ---- UTF-16 ---- */

/** Characters before the terminator. */
size_t ws2_utf16_len(const WCHAR *text)
{
    size_t n = 0;
    while (text[n] != 0) {
        n++;
    }
    return n;
}

/**
 * Widen a text, byte for character.
 *
 * @return  Characters written, the terminator excluded; the text is cut to fit out_chars, which is at least 1.
 */
size_t ws2_utf16_from_ansi(const char *in, WCHAR *out, size_t out_chars)
{
    size_t n = 0;
    while (n + 1 < out_chars && in[n] != '\0') {
        out[n] = (WCHAR)(unsigned char)in[n];
        n++;
    }
    out[n] = 0;
    return n;
}

/** Narrow a text; what has no byte becomes '?'. As ws2_utf16_from_ansi. */
size_t ws2_ansi_from_utf16(const WCHAR *in, char *out, size_t out_bytes)
{
    size_t n = 0;
    while (n + 1 < out_bytes && in[n] != 0) {
        out[n] = (char)(in[n] < 0x100 ? in[n] : '?');
        n++;
    }
    out[n] = '\0';
    return n;
}

/* ---- IPv4 ---- */

/** Four decimal numbers, nothing else. */
bool ws2_text_parse4(const char *text, uint8_t addr[4])
{
    const char *end = wsp_ip_text_read4(text, true, addr);
    return end != NULL && *end == '\0';
}

/** The forms of inet_addr: a, a.b, a.b.c, a.b.c.d, each part decimal, octal or hexadecimal. */
bool ws2_text_parse4_any(const char *text, uint32_t *addr_be)
{
    uint8_t addr[4];
    const char *end = wsp_ip_text_read4(text, false, addr);
    if (end == NULL || *end != '\0') {
        return false;
    }
    memcpy(addr_be, addr, sizeof addr);
    return true;
}

/** a.b.c.d. @return characters, the terminator excluded. */
size_t ws2_text_format4(const uint8_t addr[4], char out[16])
{
    return (size_t)snprintf(out, 16, "%u.%u.%u.%u", addr[0], addr[1], addr[2], addr[3]);
}

/* ---- IPv6 ---- */

/** RFC 4291 2.2, all three forms; no scope. */
bool ws2_text_parse6(const char *text, uint8_t addr[16])
{
    const char *end = wsp_ip_text_read6(text, addr);
    return end != NULL && *end == '\0';
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 4.2). */
static void longest_zero_run(const uint8_t addr[16], unsigned groups, unsigned *start, unsigned *length)
{
    unsigned i;
    unsigned run = 0;
    *start = 8;
    *length = 1;
    for (i = 0; i < groups; i++) {
        run = addr[2 * i] == 0 && addr[2 * i + 1] == 0 ? run + 1 : 0;
        if (run > *length) {
            *length = run;
            *start = i + 1 - run;
        }
    }
}

/**
 * IPv4-mapped, IPv4-translated (::ffff:0:a.b.c.d), IPv4-compatible (neither :: and ::1 nor another number of 16 bits), or an
 * ISATAP interface identifier (RFC 5214 6.1).
 */
static bool ends_dotted(const uint8_t addr[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t translated[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t compatible[12];
    const bool isatap = (addr[8] & 0xfd) == 0 && addr[9] == 0 && addr[10] == 0x5e && addr[11] == 0xfe;
    return isatap || memcmp(addr, mapped, sizeof mapped) == 0 || memcmp(addr, translated, sizeof translated) == 0 ||
           (memcmp(addr, compatible, sizeof compatible) == 0 && (addr[12] != 0 || addr[13] != 0));
}

/** RFC 5952; those that hold an IPv4 address end in dotted form, as on Windows. @return characters, the terminator excluded. */
size_t ws2_text_format6(const uint8_t addr[16], char out[46])
{
    bool dotted = ends_dotted(addr);
    unsigned groups = dotted ? 6 : 8;
    unsigned start;
    unsigned length;
    unsigned i = 0;
    size_t n = 0;
    longest_zero_run(addr, groups, &start, &length);
    while (i < groups) {
        if (i == start) {
            out[n++] = ':';
            out[n++] = ':';
            i += length;
            continue;
        }
        if (i > 0 && i != start + length) {
            out[n++] = ':';
        }
        n += (size_t)snprintf(out + n, 46 - n, "%x", (unsigned)addr[2 * i] << 8 | addr[2 * i + 1]);
        i++;
    }
    if (dotted) {
        if (out[n - 1] != ':') {
            out[n++] = ':';
        }
        return n + ws2_text_format4(addr + 12, out + n);
    }
    out[n] = '\0';
    return n;
}

/* ---- the API ---- */

/**
 * An IPv4 address in network order, INADDR_NONE for none; a NULL pointer is WSAEFAULT too, other text leaves the last
 * error alone. White space ends the text; a blank alone is 0: Windows, as conformance suites observe.
 */
u_long WSAAPI inet_addr(const char *text)
{
    uint8_t addr[4];
    u_long value;
    const char *end;
    if (text == NULL) {
        ws2_fail(WSAEFAULT);
        return INADDR_NONE;
    }
    if (text[0] == ' ' && text[1] == '\0') {
        return 0;
    }
    end = wsp_ip_text_read4(text, false, addr);
    if (end == NULL || strchr(" \t\n\v\f\r", *end) == NULL) { /* strchr finds the terminator too */
        return INADDR_NONE;
    }
    memcpy(&value, addr, sizeof addr);
    return value;
}

/** Dotted text in the thread's own buffer, good until its next call; NULL with WSAENOBUFS. */
char *WSAAPI inet_ntoa(struct in_addr in)
{
    struct ws2_thread_data *data = ws2_thread_data();
    if (data == NULL) {
        ws2_fail(WSAENOBUFS);
        return NULL;
    }
    ws2_text_format4((const uint8_t *)&in, data->ntoa);
    return data->ntoa;
}

/**
 * @param addr  Where the text is none it holds what was read of it.
 * @return      1; 0 for text that is no address; -1 with WSAEFAULT or WSAEAFNOSUPPORT.
 *
 * Source: Windows, as conformance suites observe.
 */
INT WSAAPI inet_pton(INT family, PCSTR text, PVOID addr)
{
    if (text == NULL || addr == NULL) {
        return ws2_fail(WSAEFAULT);
    }
    if (family != AF_INET && family != AF_INET6) {
        return ws2_fail(WSAEAFNOSUPPORT);
    }
    return family == AF_INET ? ws2_text_parse4(text, (uint8_t *)addr) : ws2_text_parse6(text, (uint8_t *)addr);
}

#define STATUS_OF_PARAMETER 0xC000000Du /* STATUS_INVALID_PARAMETER: this one function gives it as its last error */

/**
 * @return text, or NULL with WSAEAFNOSUPPORT, or STATUS_INVALID_PARAMETER for a NULL pointer or too little room: Windows, as
 *         conformance suites observe.
 */
PCSTR WSAAPI inet_ntop(INT family, const void *addr, PSTR text, size_t chars)
{
    char out[46];
    size_t length;
    if (family != AF_INET && family != AF_INET6) {
        ws2_fail(WSAEAFNOSUPPORT);
        return NULL;
    }
    if (addr == NULL || text == NULL) {
        ws2_fail((int)STATUS_OF_PARAMETER);
        return NULL;
    }
    length = family == AF_INET ? ws2_text_format4((const uint8_t *)addr, out)
                               : ws2_text_format6((const uint8_t *)addr, out);
    if (length >= chars) {
        ws2_fail((int)STATUS_OF_PARAMETER);
        return NULL;
    }
    memcpy(text, out, length + 1);
    return text;
}

/** As inet_pton, but 0 has the last error WSAEINVAL. */
INT WSAAPI InetPtonW(INT family, PCWSTR text, PVOID addr)
{
    char narrow[64];
    INT result;
    if (text == NULL) {
        return inet_pton(family, NULL, addr);
    }
    if (ws2_utf16_len(text) >= sizeof narrow) {
        narrow[0] = '\0';
    } else {
        ws2_ansi_from_utf16(text, narrow, sizeof narrow);
    }
    result = inet_pton(family, narrow, addr);
    if (result == 0) {
        ws2_fail(WSAEINVAL);
    }
    return result;
}

/** As inet_ntop. */
PCWSTR WSAAPI InetNtopW(INT family, const void *addr, PWSTR text, size_t chars)
{
    char narrow[46];
    if (inet_ntop(family, addr, narrow, chars < sizeof narrow ? chars : sizeof narrow) == NULL) {
        return NULL;
    }
    if (text == NULL) {
        ws2_fail((int)STATUS_OF_PARAMETER);
        return NULL;
    }
    ws2_utf16_from_ansi(narrow, text, chars);
    return text;
}

static struct ws2_provider *provider_for_family(const WSAPROTOCOL_INFOW *given, int family, WSAPROTOCOL_INFOW *info)
{
    const struct ws2_catalog *catalog = ws2_catalog_current();
    const struct ws2_entry *entry = NULL;
    struct ws2_provider *provider;
    int error = WSAEINVAL;
    unsigned i;
    if (!ws2_started()) {
        ws2_fail(WSANOTINITIALISED);
        return NULL;
    }
    if (given != NULL) {
        entry = ws2_catalog_by_id(catalog, given->dwCatalogEntryId);
    }
    for (i = 0; given == NULL && entry == NULL && i < catalog->count; i++) {
        if (catalog->entry[i].info.iAddressFamily == family) {
            entry = &catalog->entry[i];
        }
    }
    provider = entry == NULL ? NULL : ws2_provider_get(entry, &error);
    if (provider == NULL) {
        ws2_fail(error);
        return NULL;
    }
    *info = given != NULL ? *given : entry->info;
    return provider;
}

/**
 * An address as text, by the provider of its family.
 *
 * @param text_chars  In: characters of room; out: characters of the text, its terminator included.
 * @return            0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (pointers, room), WSAEINVAL.
 *
 * Source: rules WS2-59, WSPADDRESSTOSTRING-2.
 */
INT WSAAPI WSAAddressToStringW(LPSOCKADDR addr, DWORD addr_bytes, LPWSAPROTOCOL_INFOW info, LPWSTR text,
                               LPDWORD text_chars)
{
    WSAPROTOCOL_INFOW chosen;
    struct ws2_provider *provider;
    int error = 0;
    if (ws2_started() && (addr == NULL || addr_bytes < sizeof(SOCKADDR) || text_chars == NULL)) {
        return ws2_fail(WSAEFAULT);
    }
    provider = provider_for_family(info, addr == NULL ? 0 : addr->sa_family, &chosen);
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    return ws2_finish(provider->table.lpWSPAddressToString(addr, addr_bytes, &chosen, text, text_chars, &error),
                      &error);
}

/** As WSAAddressToStringW. */
INT WSAAPI WSAAddressToStringA(LPSOCKADDR addr, DWORD addr_bytes, LPWSAPROTOCOL_INFOA info, LPSTR text,
                               LPDWORD text_chars)
{
    WCHAR wide[128];
    WSAPROTOCOL_INFOW chosen;
    DWORD chars = sizeof wide / sizeof wide[0];
    if (info != NULL) {
        memcpy(&chosen, info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
        chosen.szProtocol[0] = 0;
    }
    if (WSAAddressToStringW(addr, addr_bytes, info == NULL ? NULL : &chosen, wide,
                            text_chars == NULL ? NULL : &chars) == SOCKET_ERROR) {
        return SOCKET_ERROR;
    }
    chars = (DWORD)ws2_utf16_len(wide) + 1;
    if (text == NULL || *text_chars < chars) {
        *text_chars = chars;
        return ws2_fail(WSAEFAULT);
    }
    ws2_ansi_from_utf16(wide, text, chars);
    *text_chars = chars;
    return 0;
}

/**
 * Text as an address, by the provider of the family. @return 0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT,
 * WSAEINVAL. Source: rules WS2-59, WSPSTRINGTOADDRESS-1.
 */
INT WSAAPI WSAStringToAddressW(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW info, LPSOCKADDR addr, LPINT addr_bytes)
{
    WSAPROTOCOL_INFOW chosen;
    struct ws2_provider *provider = provider_for_family(info, family, &chosen);
    int error = 0;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    return ws2_finish(provider->table.lpWSPStringToAddress(text, family, &chosen, addr, addr_bytes, &error), &error);
}

/** As WSAStringToAddressW. A text longer than any address is WSAEINVAL. */
INT WSAAPI WSAStringToAddressA(LPSTR text, INT family, LPWSAPROTOCOL_INFOA info, LPSOCKADDR addr, LPINT addr_bytes)
{
    WCHAR wide[128];
    WSAPROTOCOL_INFOW chosen;
    if (text != NULL && ws2_utf16_from_ansi(text, wide, sizeof wide / sizeof wide[0]) < strlen(text)) {
        return ws2_fail(ws2_started() ? WSAEINVAL : WSANOTINITIALISED);
    }
    if (info != NULL) {
        memcpy(&chosen, info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
        chosen.szProtocol[0] = 0;
    }
    return WSAStringToAddressW(text == NULL ? NULL : wide, family, info == NULL ? NULL : &chosen, addr, addr_bytes);
}
