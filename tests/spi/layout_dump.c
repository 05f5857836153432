/**
 * @file
 * What a compiler makes of the interface's structures and numbers, as lines
 * "->NAME VALUE" in its assembler output. pe_layout.py reads them.
 */
#include "wsp_layout.h"
#include "wsp_sdk.h"

#include <stdint.h>

#define DUMP(name, value) __asm__ volatile("\n.ascii \"->" name " %c0\"" : : "i"((uint32_t)(value)));
#define DUMP_SIZE(type, wide, narrow) DUMP("sizeof " #type, sizeof(type))
#define DUMP_FIELD(type, field, wide, narrow) DUMP("offsetof " #type "." #field, offsetof(type, field))
#define DUMP_SLOT(field, number) DUMP("slot " #field, offsetof(WSPPROC_TABLE, field) / sizeof(void *) + 1)
#define DUMP_UPCALL(field, number) DUMP("upcall " #field, offsetof(WSPUPCALLTABLE, field) / sizeof(void *) + 1)
#define DUMP_NUMBER(name, value) DUMP("number " #name, name)

/** Never called: its assembler text is what counts. */
void layout_dump(void);

void layout_dump(void)
{
    WSP_LAYOUT_SIZES(DUMP_SIZE)
    WSP_LAYOUT_FIELDS(DUMP_FIELD)
    WSP_LAYOUT_SLOTS(DUMP_SLOT)
    WSP_LAYOUT_UPCALLS(DUMP_UPCALL)
    WSP_LAYOUT_ERRORS(DUMP_NUMBER)
    WSP_LAYOUT_NUMBERS(DUMP_NUMBER)
}
