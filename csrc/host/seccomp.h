/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_SECCOMP_H
#define PYMIG_SECCOMP_H

#include <stdbool.h>

/* prctl(PR_GET_SECCOMP): 0 without, 2 with a filter; a negative errno if it can't be asked. */
int seccomp_mode(void);

/* What a system call with this number and argument would answer in this process, found out in a child: 0 where it would
 * work, or the negative errno, or -PYMIG_ERROR_KILLED. */
int try_syscall_in_child(long number, long argument);

/* Whether munlockall() would work in this process, without unlocking anything: as try_syscall_in_child(). */
int munlockall_would_work(void);

#endif
