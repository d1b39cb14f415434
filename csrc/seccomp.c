/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters of system calls, and how to ask without suffering from them. */
#define _GNU_SOURCE
#include "seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
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

/* A copy of this process, filters included, in which no memory is locked: a child inherits no lock. It is made without
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
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -PYMIG_ERROR_KILLED;
}

int rehearse(long number, long argument)
{
    pid_t child = fork_unseen();
    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        _exit(syscall(number, argument) >= 0 ? 0 : errno);
    }
    return reap(child);
}

int munlockall_would_work(void)
{
    /* The kernel gives munlockall(2) no way to fail that a process lives to see. Only a filter can refuse it. */
    return seccomp_mode() == SECCOMP_MODE_FILTER ? rehearse(SYS_munlockall, 0) : 0;
}
