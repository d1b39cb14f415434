/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_SECCOMP_H
#define PYMIG_SECCOMP_H

#include <stdbool.h>

/* prctl(PR_GET_SECCOMP): 0 without a filter, 2 with one; a negative errno if that fails. */
int seccomp_mode(void);

/* Tries a system call with this number and argument in a child. Returns 0 if it works, its negative errno, or
 * -PYMIG_ERROR_KILLED. */
int try_syscall_in_child(long number, long argument);

/* Whether munlockall() would work in this process, without unlocking anything: as try_syscall_in_child(). */
int munlockall_would_work(void);

#endif
