/*
 * Putting functions of ours before functions of the system, x86-64.
 *
 * Two forms of a beginning are known; anything else is left alone.
 *
 * - Hot-patchable (Wine's kernelbase): the first instruction has 8 bytes and does nothing, and filling stands before
 *   the function. The filling becomes a far jump to our function, then one aligned 8-byte store turns the first
 *   instruction into a short jump there. The original is what follows the first instruction.
 * - System call (ntdll): `mov r10,rcx; mov eax,number`, 8 bytes together. One aligned 8-byte store turns the second
 *   instruction into a jump to an island nearby; the first stays. The original is a copy of both in the island that
 *   then goes on behind them.
 *
 * Either way no thread can be in the middle of an instruction that changes, so other threads may run the function
 * meanwhile. A patch is never taken back: the DLL stays loaded once there is one.
 */
#include "ws2_backing_windows.h"

#include <stdio.h>
#include <string.h>

#define FAR_JUMP_BYTES 14u /* jmp [rip+0], then the address */
#define NEAR_REACH 0x70000000u
#define ISLAND_BYTES 48u /* far jump, copy of 8 bytes, far jump; rounded up */
#define ISLANDS_BYTES 4096u

static unsigned char *island_page;
static unsigned islands_used;

static void far_jump_write(unsigned char *at, uintptr_t target)
{
    static const unsigned char jump[6] = {0xff, 0x25, 0, 0, 0, 0};
    memcpy(at, jump, sizeof jump);
    memcpy(at + sizeof jump, &target, sizeof target);
}

/* The one store that switches a function over. */
static bool word_replace(unsigned char *at, const unsigned char bytes[8])
{
    uint64_t word;
    DWORD before;
    memcpy(&word, bytes, sizeof word);
    if (!VirtualProtect(at, sizeof word, PAGE_EXECUTE_READWRITE, &before)) {
        return false;
    }
    __atomic_store_n((uint64_t *)(void *)at, word, __ATOMIC_RELEASE);
    (void)VirtualProtect(at, sizeof word, before, &before);
    (void)FlushInstructionCache(GetCurrentProcess(), at, sizeof word);
    return true;
}

/* ---- hot-patchable functions ---- */

static bool is_filling(const unsigned char *at, size_t bytes)
{
    size_t i;
    for (i = 0; i < bytes; i++) {
        if (at[i] != 0xcc && at[i] != 0x90) {
            return false;
        }
    }
    return true;
}

static bool is_hot_patchable(const unsigned char *function)
{
    static const unsigned char nothing[8] = {0x48, 0x8d, 0xa4, 0x24, 0, 0, 0, 0}; /* lea rsp,[rsp+0] */
    return memcmp(function, nothing, sizeof nothing) == 0 && is_filling(function - FAR_JUMP_BYTES, FAR_JUMP_BYTES);
}

static bool hot_patch(unsigned char *function, struct ws2_patch *patch)
{
    /* jmp to FAR_JUMP_BYTES before the function, and a nop of six bytes. */
    static const unsigned char jump[8] = {0xeb, 0xf0, 0x66, 0x0f, 0x1f, 0x44, 0, 0};
    unsigned char *filling = function - FAR_JUMP_BYTES;
    DWORD before;
    patch->original = (FARPROC)(uintptr_t)(function + sizeof jump);
    if (!VirtualProtect(filling, FAR_JUMP_BYTES, PAGE_EXECUTE_READWRITE, &before)) {
        return false;
    }
    far_jump_write(filling, (uintptr_t)patch->hook);
    (void)VirtualProtect(filling, FAR_JUMP_BYTES, before, &before);
    return word_replace(function, jump);
}

/* ---- system calls ---- */

static bool is_system_call(const unsigned char *function)
{
    /* mov r10,rcx; mov eax,imm32. Numbers above 16 bits do not occur. */
    return memcmp(function, "\x4c\x8b\xd1\xb8", 4) == 0 && function[6] == 0 && function[7] == 0;
}

static bool is_near(uintptr_t a, uintptr_t b)
{
    return (a > b ? a - b : b - a) < NEAR_REACH;
}

/* Free memory that a jump with 32 bits reaches. */
static unsigned char *memory_near(uintptr_t place)
{
    uintptr_t at = place;
    MEMORY_BASIC_INFORMATION region;
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    while (is_near(at, place) && VirtualQuery((void *)at, &region, sizeof region) == sizeof region) {
        uintptr_t end = (uintptr_t)region.BaseAddress + region.RegionSize;
        /* Reservations begin at multiples of the granularity, usually 64 KiB. */
        uintptr_t start = at + system.dwAllocationGranularity - 1;
        start -= start % system.dwAllocationGranularity;
        if (region.State == MEM_FREE && start + ISLANDS_BYTES <= end) {
            void *got = VirtualAlloc((void *)start, ISLANDS_BYTES, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READ);
            if (got != NULL) {
                return (unsigned char *)got;
            }
        }
        if (end <= at) {
            break;
        }
        at = end;
    }
    return NULL;
}

static unsigned char *island_take(uintptr_t place)
{
    if (island_page == NULL) {
        island_page = memory_near(place);
    }
    if (island_page == NULL || !is_near((uintptr_t)island_page, place) ||
        (islands_used + 1) * ISLAND_BYTES > ISLANDS_BYTES) {
        return NULL;
    }
    return island_page + (size_t)islands_used++ * ISLAND_BYTES;
}

static bool call_patch(unsigned char *function, struct ws2_patch *patch)
{
    unsigned char *island = island_take((uintptr_t)function);
    unsigned char *copy;
    unsigned char bytes[8];
    int32_t distance;
    DWORD before;
    if (island == NULL || !VirtualProtect(island, ISLAND_BYTES, PAGE_EXECUTE_READWRITE, &before)) {
        return false;
    }
    copy = island + FAR_JUMP_BYTES;
    far_jump_write(island, (uintptr_t)patch->hook);
    memcpy(copy, function, sizeof bytes);
    far_jump_write(copy + sizeof bytes, (uintptr_t)function + sizeof bytes);
    (void)VirtualProtect(island, ISLAND_BYTES, PAGE_EXECUTE_READ, &before);
    (void)FlushInstructionCache(GetCurrentProcess(), island, ISLAND_BYTES);
    patch->original = (FARPROC)(uintptr_t)copy;

    distance = (int32_t)((intptr_t)island - (intptr_t)(function + sizeof bytes));
    memcpy(bytes, function, 3);
    bytes[3] = 0xe9;
    memcpy(bytes + 4, &distance, sizeof distance);
    return word_replace(function, bytes);
}

/* ---- both ---- */

/* What the hook calls is stored before the switch: a call may come at once. */
static const char *patch_try(struct ws2_patch *patch)
{
    HMODULE module = GetModuleHandleA(patch->module);
    FARPROC found = module == NULL ? NULL : GetProcAddress(module, patch->name);
    unsigned char *function = (unsigned char *)(uintptr_t)found;
    bool done;
    if (function == NULL) {
        return "is not there";
    }
    if ((uintptr_t)function % sizeof(uint64_t) != 0) {
        return "begins in an unknown way";
    }
    if (is_hot_patchable(function)) {
        done = hot_patch(function, patch);
    } else if (is_system_call(function)) {
        done = call_patch(function, patch);
    } else {
        return "begins in an unknown way";
    }
    return done ? NULL : "cannot be changed";
}

bool ws2_patch_apply(struct ws2_patch *patch)
{
    const char *why = patch_try(patch);
    if (why != NULL) {
        patch->original = NULL;
        fprintf(stderr, "ws2_32: %s of %s %s: %s\n", patch->name, patch->module, why, patch->lost);
    }
    return why == NULL;
}
