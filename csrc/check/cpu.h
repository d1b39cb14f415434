/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_CPU_H
#define PYMIG_CPU_H

#include <stdbool.h>

/* Whether the processor has these instructions, and the kernel saves their registers. Found out when the library is
 * loaded, because a hypervisor may take long to answer. */
bool cpu_has_avx2(void);
bool cpu_has_avx512bw(void);

#endif
