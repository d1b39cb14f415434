/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_SECCOMP_H
#define PYMIG_SECCOMP_H

#include <stdatomic.h>
#include <stdbool.h>

/* prctl(PR_GET_SECCOMP): 0 without a filter, 2 with one; a negative errno if that fails. */
int seccomp_mode(void);

/* Tries a system call with this number and argument in a child, because a filter may kill for it. Returns 0 if it
 * works, its negative errno, -PYMIG_ERROR_KILLED, or -PYMIG_ERROR_UNKNOWN or another inconclusive error. */
int rehearse_syscall(long number, long argument);

/* A system call that was rehearsed beforehand. */
typedef struct RehearsedCall {
    long number, argument;
    _Atomic int stage;
    int result; /* as rehearse_syscall() */
} RehearsedCall;

enum {
    REHEARSAL_BEGUN,
    REHEARSAL_CALLED,
    REHEARSAL_RETURNED,
    REHEARSED_CALLS = 3
};

/* All calls that the probes rehearse. */
typedef struct RehearsedCalls {
    RehearsedCall all[REHEARSED_CALLS];
} RehearsedCalls;

void rehearsed_calls_init(RehearsedCalls *calls);

/* From now on this process takes the results from here. It is for a child that may not clone, and ends soon. */
void rehearsed_calls_use(const RehearsedCalls *calls);

/* Whether munlockall() would work in this process, without unlocking anything: as rehearse_syscall(). */
int munlockall_would_work(void);

#endif
