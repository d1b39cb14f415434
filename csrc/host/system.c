/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "host/system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pymig.h"

/* Makes a call, and makes it again while a signal interrupts it. */
#define RETRY(result, call)                                                                                            \
    for (int tries = 0; ((result) = (call)) < 0 && errno == EINTR && tries < MOST_TRIES; tries++) {                    \
    }

static int or_errno(int result)
{
    return result < 0 ? -errno : result;
}

int system_open(int folder, const char *path, int flags)
{
    int result;
    RETRY(result, openat(folder, path, flags | O_CLOEXEC, 0600));
    return or_errno(result);
}

int system_memfd(unsigned flags)
{
    int result;
    RETRY(result, (int)syscall(SYS_memfd_create, "pymig", flags | MFD_CLOEXEC)); /* glibc has it only from 2.27 on */
    return or_errno(result);
}

int system_stat(int fd, struct stat *status)
{
    int result;
    RETRY(result, fstat(fd, status));
    return or_errno(result);
}

int system_statfs(int fd, struct statfs *fs)
{
    int result;
    RETRY(result, fstatfs(fd, fs));
    return or_errno(result);
}

static int resize(int fd, off_t length)
{
    int result;
    RETRY(result, ftruncate(fd, length));
    return or_errno(result);
}

int system_resize(int fd, off_t length)
{
    sigset_t blocked, before, pending;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    sigpending(&pending);
    int result = resize(fd, length);
    if (result == -EFBIG && !sigismember(&pending, SIGXFSZ)) {
        sigtimedwait(&blocked, NULL, &(struct timespec){0});
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

void descriptor_path(int fd, char path[DESCRIPTOR_PATH_SIZE])
{
    snprintf(path, DESCRIPTOR_PATH_SIZE, "/proc/self/fd/%d", fd);
}

static int access_of(int folder, const char *path, int mode, int flags)
{
    int result;
    RETRY(result, faccessat(folder, path, mode, flags));
    return or_errno(result);
}

int system_access(int fd, int mode)
{
    char path[DESCRIPTOR_PATH_SIZE];
    int result = access_of(fd, "", mode, AT_EACCESS | AT_EMPTY_PATH);
    if (result != -EINVAL) {
        return result;
    }
    /* Kernels before 5.8 have no faccessat2(2), so the C library can't use a descriptor. */
    descriptor_path(fd, path);
    return access_of(AT_FDCWD, path, mode, AT_EACCESS);
}

bool host_error_is_inconclusive(int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case PYMIG_ERROR_UNKNOWN:
        return true;
    default:
        return false;
    }
}
