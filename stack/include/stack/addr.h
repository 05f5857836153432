/**
 * @file
 * Transport addresses as the stack API and the channel carry them: fixed
 * width, no pointers, the same bytes in every process.
 */
#ifndef STACK_ADDR_H
#define STACK_ADDR_H

#include <stdint.h>

/** Address families; 0 is "none". The numbers are the stack's own. */
enum stk_family { STK_AF_NONE = 0, STK_AF_INET = 4, STK_AF_INET6 = 6 };

enum stk_sock_type { STK_SOCK_STREAM = 1, STK_SOCK_DGRAM = 2, STK_SOCK_RAW = 3 };

/** IP address with port. IPv4 uses ip[0..3]; the rest is 0. */
struct stk_addr {
    uint16_t family;   /**< enum stk_family */
    uint16_t port;     /**< host byte order; RAW: 0 */
    uint32_t scope_id; /**< interface index of a link-local IPv6 address, else 0 */
    uint8_t ip[16];    /**< network byte order */
};

_Static_assert(sizeof(struct stk_addr) == 24, "stk_addr is part of the channel's layout");

#endif
