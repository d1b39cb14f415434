/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the processor itself. __builtin_cpu_supports() reads what the compiler's run-time library has found out, and
 * that of zig finds nothing out.
 */
#include "check/cpu.h"

#ifdef __x86_64__
#include <cpuid.h>

enum {
    YMM_STATE = 0x6,  /* of XCR0: the registers of SSE and AVX */
    ZMM_STATE = 0xe6, /* and those of AVX-512 */
};

static bool has_avx2, has_avx512bw;

/* The states that the kernel saves (XCR0, low half); 0 if it uses no XSAVE. */
static unsigned saved_states(void)
{
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) {
        return 0;
    }
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

static __attribute__((constructor)) void ask_cpu(void)
{
    const unsigned saved = saved_states(), avx512 = bit_AVX512F | bit_AVX512BW;
    unsigned eax, ebx, ecx, edx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        has_avx2 = (saved & YMM_STATE) == YMM_STATE && (ebx & bit_AVX2);
        has_avx512bw = (saved & ZMM_STATE) == ZMM_STATE && (ebx & avx512) == avx512;
    }
}

bool cpu_has_avx2(void)
{
    return has_avx2;
}

bool cpu_has_avx512bw(void)
{
    return has_avx512bw;
}
#endif
