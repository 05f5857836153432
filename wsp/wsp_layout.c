/** @file The headers that the provider is built with, against the rules: wrong ones do not compile. */
#include "wsp_layout.h"

#include "wsp_sdk.h"

#include <stdint.h>

#define LAYOUT_WIDTH(wide, narrow) (sizeof(void *) == 8 ? (wide) : (narrow))
#define LAYOUT_SIZE(type, wide, narrow) _Static_assert(sizeof(type) == LAYOUT_WIDTH(wide, narrow), #type);
#define LAYOUT_FIELD(type, field, wide, narrow) \
    _Static_assert(offsetof(type, field) == LAYOUT_WIDTH(wide, narrow), #type "." #field);
#define LAYOUT_SLOT(field, number) \
    _Static_assert(offsetof(WSPPROC_TABLE, field) == ((number)-1) * sizeof(void *), #field);
#define LAYOUT_UPCALL(field, number) \
    _Static_assert(offsetof(WSPUPCALLTABLE, field) == ((number)-1) * sizeof(void *), #field);
#define LAYOUT_NUMBER(name, value) _Static_assert((uint32_t)(name) == (uint32_t)(value), #name);

WSP_LAYOUT_SIZES(LAYOUT_SIZE)
WSP_LAYOUT_FIELDS(LAYOUT_FIELD)
WSP_LAYOUT_SLOTS(LAYOUT_SLOT)
WSP_LAYOUT_UPCALLS(LAYOUT_UPCALL)
WSP_LAYOUT_ERRORS(LAYOUT_NUMBER)
WSP_LAYOUT_NUMBERS(LAYOUT_NUMBER)
