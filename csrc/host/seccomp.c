/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seccomp filters, and trying system calls in a child because a filter may kill the process. */
#define _GNU_SOURCE
#include "host/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/uffd_abi.h"
#include "pymig.h"

#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif

int seccomp_mode(void)
{
    int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    return mode < 0 ? -errno : mode;
}

int process_seccomp_mode(void)
{
    int saved_errno = errno, mode = seccomp_mode();
    errno = saved_errno;
    return mode < 0 ? -1 : mode;
}

/* ---- The rehearsal of a system call ---- */

/* The calls that were rehearsed for this process; NULL if it can rehearse them itself. Only a child that asks in
 * another process's place sets it. */
static const RehearsedCalls *rehearsed = NULL;

void rehearsed_calls_init(RehearsedCalls *calls)
{
    static const long wanted[REHEARSED_CALLS][2] = {
        {SYS_userfaultfd, O_CLOEXEC},
        {SYS_userfaultfd, O_CLOEXEC | UFFD_ABI_USER_MODE_ONLY},
        {SYS_munlockall, 0},
    };
    for (int i = 0; i < REHEARSED_CALLS; i++) {
        calls->all[i] = (RehearsedCall){.number = wanted[i][0], .argument = wanted[i][1]};
    }
}

void rehearsed_calls_use(const RehearsedCalls *calls)
{
    rehearsed = calls;
}

static int result_of(const RehearsedCalls *calls, long number, long argument)
{
    for (int i = 0; i < REHEARSED_CALLS; i++) {
        if (calls->all[i].number == number && calls->all[i].argument == argument) {
            return calls->all[i].result;
        }
    }
    return -PYMIG_ERROR_UNKNOWN;
}

/* What the child tells its parent, in a page that they share. A wait can't tell it: another thread may wait for all
 * children, and a filter may refuse the wait. */
typedef struct Rehearsal {
    _Atomic int stage;
    int error; /* of the call; 0 if it worked */
} Rehearsal;

/* A copy of this process, filters included, in which no memory is locked: a child inherits no lock. It is made without
 * SIGCHLD, so that neither the caller's signal handlers nor its waits for other children notice it. */
static pid_t clone_silent(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    return child < 0 ? -errno : child;
}

/* Keeps the caller's memory, which the child has a copy of, out of a core file. RLIMIT_CORE alone would not: a pipe in
 * core_pattern ignores it. It is lowered only in need, because hardened services often kill for setting limits. */
static void forbid_core_file(void)
{
    const struct rlimit none = {0, 0};
    if (syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL, 0);
    }
}

static _Noreturn void rehearse_in_child(Rehearsal *rehearsal, long number, long argument)
{
    forbid_core_file();
    rehearsal->stage = REHEARSAL_CALLED;
    rehearsal->error = syscall(number, argument) < 0 ? errno : 0;
    rehearsal->stage = REHEARSAL_RETURNED;
    for (;;) {
        syscall(SYS_exit_group, 0);
    }
}

/* Whether a child could be waited for: one that could not would stay as a zombie. */
static bool can_wait(void)
{
    return waitpid(INT_MAX, NULL, WNOHANG | __WCLONE) < 0 && errno == ECHILD;
}

/* Waits until the child has ended. Returns whether a filter killed it; false where that can't be known. */
static bool wait_for_kill(pid_t child)
{
    int status;
    pid_t reaped;
    do {
        reaped = waitpid(child, &status, __WCLONE);
    } while (reaped < 0 && errno == EINTR);
    return reaped == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static int rehearse_in(Rehearsal *rehearsal, long number, long argument, bool *had_child)
{
    pid_t child = can_wait() ? clone_silent() : -EPERM;
    *had_child = child > 0;
    if (child == 0) {
        rehearse_in_child(rehearsal, number, argument);
    }
    if (child < 0) { /* a filter that refuses a child says nothing about the call */
        return host_error_is_inconclusive(-child) ? child : -PYMIG_ERROR_UNKNOWN;
    }
    bool killed = wait_for_kill(child);
    if (rehearsal->stage == REHEARSAL_RETURNED) {
        return -rehearsal->error;
    }
    return killed && rehearsal->stage == REHEARSAL_CALLED ? -PYMIG_ERROR_KILLED : -PYMIG_ERROR_UNKNOWN;
}

static int rehearse(long number, long argument, bool *had_child)
{
    *had_child = rehearsed != NULL;
    if (rehearsed != NULL) {
        return result_of(rehearsed, number, argument);
    }
    Rehearsal *rehearsal = mmap(NULL, sizeof(*rehearsal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (rehearsal == MAP_FAILED) {
        return host_error_is_inconclusive(errno) ? -errno : -PYMIG_ERROR_UNKNOWN;
    }
    int result = rehearse_in(rehearsal, number, argument, had_child);
    munmap(rehearsal, sizeof(*rehearsal));
    return result;
}

int rehearse_syscall(long number, long argument)
{
    bool had_child;
    return rehearse(number, argument, &had_child);
}

/* ---- munlockall() ---- */

/* Whether no memory is locked. A new page is mapped first, which mlockall(MCL_FUTURE) would lock. */
static bool nothing_is_locked(void)
{
    char line[128];
    long locked = -1;
    size_t length = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *status = page != MAP_FAILED ? fopen("/proc/self/status", "re") : NULL;

    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (sscanf(line, "VmLck: %ld", &locked) == 1) {
            break;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    if (page != MAP_FAILED) {
        munmap(page, length);
    }
    return locked == 0;
}

int munlockall_would_work(void)
{
    /* In the kernel, munlockall(2) can't fail. Only a filter can refuse it. */
    if (seccomp_mode() != SECCOMP_MODE_FILTER) {
        return 0;
    }
    bool had_child;
    int result = rehearse(SYS_munlockall, 0, &had_child);
    if (!had_child && nothing_is_locked()) {
        return munlockall() < 0 ? -errno : 0;
    }
    return result;
}
