/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_SECCOMP_H
#define PYMIG_SECCOMP_H

#include <stdbool.h>

/* prctl(PR_GET_SECCOMP): 0 without a filter, 2 with one; a negative errno if that fails. */
int seccomp_mode(void);

/* Tries a system call with this number and argument in a child, because a filter may kill for it. Returns 0 if it
 * works, its negative errno, -PYMIG_ERROR_KILLED, or -PYMIG_ERROR_UNKNOWN or another inconclusive error. */
int rehearse_syscall(long number, long argument);

/* Whether munlockall() would work in this process, without unlocking anything: as rehearse_syscall(). */
int munlockall_would_work(void);

#endif
