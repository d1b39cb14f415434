/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "munlockall.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif

/* munlockall(2) has no failure of its own: the kernel knows none that a process could live to see. Only a seccomp
 * filter can refuse it. */
static bool seccomp_filters(void)
{
    return prctl(PR_GET_SECCOMP) > 0;
}

/* A copy of this process, filters included, in which nothing is locked: a child inherits no lock. It is made without
 * SIGCHLD, so that neither the caller's signal handlers nor its waits for other children come to see it. */
static pid_t fork_unseen(void)
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
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ENOSYS;
}

int munlockall_would_work(void)
{
    if (!seccomp_filters()) {
        return 0;
    }
    pid_t child = fork_unseen();
    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        _exit(syscall(SYS_munlockall) == 0 ? 0 : errno);
    }
    return reap(child);
}
