/**
 * @file
 * Addresses read from text as Windows reads them: from the front, and what was read is written at once. The provider and
 * the Winsock DLL share it.
 *
 * A reader answers where the address ends, which need not be the end of the text: whoever takes nothing behind an
 * address looks for the terminator there.
 */
#ifndef WSP_IP_TEXT_H
#define WSP_IP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * A number of C: decimal, 0 octal, 0x hexadecimal.
 *
 * @param at   In: its first character; out: behind its last digit. Unspecified where it fails.
 * @param out  Its value; of hexadecimal ones the last 32 bits.
 * @return     false: no digit of its base, or it is above 2^32 - 1.
 *
 * Context: any thread.
 */
bool wsp_ip_text_number(const char **at, uint32_t *out);

/**
 * An IPv4 address: a, a.b, a.b.c or a.b.c.d, where the last part fills what the others left.
 *
 * @param strict  Only a.b.c.d, and only decimal without zeros in front.
 * @param ip      Network order; untouched where it fails.
 * @return        Behind its last character; NULL: none begins here.
 *
 * Context: any thread. Source: rule WSPSTRINGTOADDRESS-2; Windows, as conformance suites observe.
 */
const char *wsp_ip_text_read4(const char *text, bool strict, uint8_t ip[4]);

/**
 * An IPv6 address in any form of RFC 4291 2.2, without scope.
 *
 * @param ip  Network order. Where it fails it holds the words that came before, unexpanded: what Windows leaves there.
 * @return    Behind its last character; NULL: none begins here.
 *
 * Context: any thread. Source: RFC 4291 2.2; Windows, as conformance suites observe.
 */
const char *wsp_ip_text_read6(const char *text, uint8_t ip[16]);

#endif
