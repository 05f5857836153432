/*
 * GUID, as the Winsock headers use it. Source: rules LAY-5 (16 bytes, mixed endian text form).
 */
#ifndef WL_GUIDDEF_H
#define WL_GUIDDEF_H

#include <stdint.h>
#include <string.h>

typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;

typedef GUID *LPGUID;
typedef const GUID *LPCGUID;
typedef GUID IID;
typedef GUID CLSID;

#ifdef __cplusplus
#define REFGUID const GUID &
#define WL_EXTERN_C extern "C"
#else
#define REFGUID const GUID *
#define WL_EXTERN_C extern
#endif

/* With INITGUID defined before the first include, the one translation unit that does so owns the object. */
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
    WL_EXTERN_C const GUID name;                                     \
    const GUID name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) WL_EXTERN_C const GUID name
#endif

#ifdef __cplusplus
static inline int IsEqualGUID(REFGUID a, REFGUID b)
{
    return memcmp(&a, &b, sizeof(GUID)) == 0;
}
#else
static inline int IsEqualGUID(REFGUID a, REFGUID b)
{
    return memcmp(a, b, sizeof(GUID)) == 0;
}
#endif

#endif
