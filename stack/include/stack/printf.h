/**
 * @file
 * STK_PRINTF(index of the format, index of the first value): a function that takes a format of C99's printf. The
 * formats of this build are always those, also where the compiler's "printf" means the platform's own.
 */
#ifndef STACK_PRINTF_H
#define STACK_PRINTF_H

#include <stdio.h>

#ifdef __MINGW_PRINTF_FORMAT
#define STK_PRINTF(format_index, first_index) __attribute__((format(__MINGW_PRINTF_FORMAT, format_index, first_index)))
#else
#define STK_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#endif

#endif
