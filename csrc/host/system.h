/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of the probes. Each function returns a negative errno if the call fails. A call that a signal
 * interrupts is made again, up to MOST_TRIES times, because a seccomp filter may answer EINTR for ever.
 */
#ifndef PYMIG_SYSTEM_H
#define PYMIG_SYSTEM_H

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>

enum {
    MOST_TRIES = 16,
};

/* openat(), close-on-exec. A file that O_TMPFILE makes gets mode 0600. */
int system_open(int folder, const char *path, int flags);

int system_memfd(unsigned flags);

/* ftruncate() in which RLIMIT_FSIZE gives EFBIG and never sends SIGXFSZ. */
int system_resize(int fd, off_t length);

int system_stat(int fd, struct stat *status);
int system_statfs(int fd, struct statfs *fs);

/* Whether the effective user may use an open file so (R_OK, W_OK, X_OK): 0 or a negative errno. */
int system_access(int fd, int mode);

/* The path by which the open file is found again: its name in /proc. */
enum {
    DESCRIPTOR_PATH_SIZE = sizeof("/proc/self/fd/2147483647"),
};
void descriptor_path(int fd, char path[DESCRIPTOR_PATH_SIZE]);

#endif
