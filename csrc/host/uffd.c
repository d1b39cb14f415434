/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "host/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "host/seccomp.h"
#include "host/system.h"
#include "qemu/names.h"

#define FEATURE(name) [UFFD_ABI_FEATURE_##name]

static const char *const feature_names[] = {
    FEATURE(PAGEFAULT_FLAG_WP) = "pagefault-flag-wp",
    FEATURE(EVENT_FORK) = "event-fork",
    FEATURE(EVENT_REMAP) = "event-remap",
    FEATURE(EVENT_REMOVE) = "event-remove",
    FEATURE(MISSING_HUGETLBFS) = "missing-hugetlbfs",
    FEATURE(MISSING_SHMEM) = "missing-shmem",
    FEATURE(EVENT_UNMAP) = "event-unmap",
    FEATURE(SIGBUS) = "sigbus",
    FEATURE(THREAD_ID) = "thread-id",
    FEATURE(MINOR_HUGETLBFS) = "minor-hugetlbfs",
    FEATURE(MINOR_SHMEM) = "minor-shmem",
    FEATURE(EXACT_ADDRESS) = "exact-address",
    FEATURE(WP_HUGETLBFS_SHMEM) = "wp-hugetlbfs-shmem",
    FEATURE(WP_UNPOPULATED) = "wp-unpopulated",
    FEATURE(POISON) = "poison",
    FEATURE(WP_ASYNC) = "wp-async",
    FEATURE(MOVE) = "move",
};

#define IOCTL(name) [UFFD_ABI_NR_##name]

static const char *const ioctl_names[] = {
    IOCTL(REGISTER) = "register",
    IOCTL(UNREGISTER) = "unregister",
    IOCTL(WAKE) = "wake",
    IOCTL(COPY) = "copy",
    IOCTL(ZEROPAGE) = "zeropage",
    IOCTL(MOVE) = "move",
    IOCTL(WRITEPROTECT) = "writeprotect",
    IOCTL(CONTINUE) = "continue",
    IOCTL(POISON) = "poison",
    IOCTL(API) = "api",
};

const char *uffd_feature_name(int bit)
{
    return name_at(feature_names, sizeof(feature_names) / sizeof(feature_names[0]), bit);
}

const char *uffd_ioctl_name(int bit)
{
    return name_at(ioctl_names, sizeof(ioctl_names) / sizeof(ioctl_names[0]), bit);
}

static int or_errno(long result)
{
    return result < 0 ? -errno : (int)result;
}

void uffd_opener_release(UffdOpener *opener)
{
    if (opener->tried_device && opener->device >= 0) {
        close(opener->device);
    }
    *opener = (UffdOpener){0};
}

UffdOpener uffd_opener_by_syscall(void)
{
    return (UffdOpener){.tried_device = true, .device = -ENODEV};
}

static int open_device(void)
{
    return system_open(AT_FDCWD, "/dev/userfaultfd", O_RDWR);
}

static int open_by_device(int device)
{
    return or_errno(ioctl(device, UFFD_ABI_IOC_NEW, O_CLOEXEC));
}

/* A filter may kill the process that makes the call, so a child makes it first. */
static int open_by_syscall(int flags)
{
    if (seccomp_mode() == SECCOMP_MODE_FILTER) {
        int result = rehearse_syscall(SYS_userfaultfd, flags);
        if (result < 0) {
            return result;
        }
    }
    return or_errno(syscall(SYS_userfaultfd, flags));
}

int uffd_open(UffdOpener *opener)
{
    if (!opener->tried_device) {
        opener->tried_device = true;
        opener->device = open_device();
    }
    if (opener->device >= 0) {
        return open_by_device(opener->device);
    }
    /* Never UFFD_USER_MODE_ONLY: QEMU must also handle faults that occur inside the kernel. */
    int ufd = open_by_syscall(O_CLOEXEC);
    /* The device might have opened, so that the system call refuses is no answer. */
    return ufd < 0 && host_error_is_inconclusive(-opener->device) ? opener->device : ufd;
}

/* Closes the descriptor. Returns the errno with which opening it failed, or 0. */
static int error_of(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0 ? -fd : 0;
}

UffdMethods uffd_probe_methods(void)
{
    int saved_errno = errno, device = open_device();
    UffdMethods ways = {
        .device_open_error = device < 0 ? -device : 0,
        .device_new_error = device < 0 ? -1 : error_of(open_by_device(device)),
        .syscall_error = error_of(open_by_syscall(O_CLOEXEC)),
        .syscall_user_mode_error = error_of(open_by_syscall(O_CLOEXEC | UFFD_ABI_USER_MODE_ONLY)),
        .seccomp_mode = seccomp_mode() < 0 ? -1 : seccomp_mode(),
        .effective = process_effective_capabilities(),
    };
    error_of(device);
    errno = saved_errno;
    return ways;
}

int uffd_api(int ufd, uint64_t features, struct uffd_abi_api *answer)
{
    *answer = (struct uffd_abi_api){.api = UFFD_ABI_API, .features = features};
    return or_errno(ioctl(ufd, UFFD_ABI_IOC_API, answer));
}

int uffd_register_memory(int ufd, void *start, size_t length, uint64_t mode, uint64_t *ioctls)
{
    struct uffd_abi_register request = {.range = {(uintptr_t)start, length}, .mode = mode};
    int result = or_errno(ioctl(ufd, UFFD_ABI_IOC_REGISTER, &request));
    *ioctls = request.ioctls;
    return result;
}

int uffd_unregister_memory(int ufd, void *start, size_t length)
{
    struct uffd_abi_range range = {(uintptr_t)start, length};
    return or_errno(ioctl(ufd, UFFD_ABI_IOC_UNREGISTER, &range));
}
