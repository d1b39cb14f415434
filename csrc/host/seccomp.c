/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seccomp filters, and trying system calls in a child because a filter may kill the process. */
#define _GNU_SOURCE
#include "host/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pymig.h"

#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif

int seccomp_mode(void)
{
    int mode = prctl(PR_GET_SECCOMP);
    return mode < 0 ? -errno : mode;
}

int process_seccomp_mode(void)
{
    int saved_errno = errno, mode = seccomp_mode();
    errno = saved_errno;
    return mode < 0 ? -1 : mode;
}

/* A copy of this process, filters included, in which no memory is locked: a child inherits no lock. It is made without
 * SIGCHLD, so that neither the caller's signal handlers nor its waits for other children notice it. */
static pid_t clone_silent(void)
{
    return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
}

static int reap(pid_t child)
{
    int status;
    pid_t reaped;
    do {
        reaped = waitpid(child, &status, __WCLONE);
    } while (reaped < 0 && errno == EINTR);
    if (reaped < 0) {
        return -errno;
    }
    if (WIFEXITED(status)) {
        return -WEXITSTATUS(status);
    }
    /* A filter kills with SIGSYS. After any other signal, the answer is unknown. */
    return WTERMSIG(status) == SIGSYS ? -PYMIG_ERROR_KILLED : -EINTR;
}

/* Makes the system call in the child and waits for it in the parent. `child` is the result of clone_silent(). */
static int try_in_child(pid_t child, long number, long argument)
{
    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        _exit(syscall(number, argument) >= 0 ? 0 : errno);
    }
    return reap(child);
}

int try_syscall_in_child(long number, long argument)
{
    return try_in_child(clone_silent(), number, argument);
}

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
    pid_t child = clone_silent();
    if (child < 0 && nothing_is_locked()) {
        return munlockall() < 0 ? -errno : 0;
    }
    return try_in_child(child, SYS_munlockall, 0);
}
