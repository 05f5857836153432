/**
 * @file
 * What the fuzzers of the SPI share: taking an input apart, sockets to try it
 * on, and what every answer has to be like.
 */
#ifndef T_FUZZ_H
#define T_FUZZ_H

#include "t_host.h"

/** An input that is being read. What is past its end reads as zeros. */
struct t_fuzz {
    const uint8_t *at;
    size_t left;
};

/* What kind of socket, and in which state. */
enum t_fuzz_state { T_FUZZ_FRESH, T_FUZZ_BOUND, T_FUZZ_CONNECTED, T_FUZZ_LISTENING, T_FUZZ_STATES };

uint8_t t_fuzz_u8(struct t_fuzz *in);
uint16_t t_fuzz_u16(struct t_fuzz *in);
uint32_t t_fuzz_u32(struct t_fuzz *in);

/**
 * At most max of the next bytes in memory of exactly that size, so that a read behind them is found.
 *
 * @param len  Their number.
 * @return     To be freed by the caller; never NULL.
 */
void *t_fuzz_bytes(struct t_fuzz *in, size_t max, size_t *len);

/** A nonblocking socket of the kind and state that the input asks for. Closed by the caller. */
SOCKET t_fuzz_socket(struct t_fuzz *in);

/** The answer of a slot is success, or SOCKET_ERROR with a code of Winsock's; else the program ends. */
void t_fuzz_answer(int result);

/** Ends the program when a condition does not hold. */
void t_fuzz_holds(bool condition, const char *what);

#endif
