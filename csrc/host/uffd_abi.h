/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers of the kernel's userfaultfd interface. The headers on the compiling machine are often older than the
 * running kernel, so they are not used; a test compares these numbers with <linux/userfaultfd.h>.
 */
#ifndef PYMIG_UFFD_ABI_H
#define PYMIG_UFFD_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SYS_userfaultfd
#if defined(__x86_64__)
#define SYS_userfaultfd 323
#else
#define SYS_userfaultfd 282 /* the generic table: aarch64, riscv, loongarch */
#endif
#endif

#define UFFD_ABI_API 0xAA

struct uffd_abi_api {
    uint64_t api;
    uint64_t features;
    uint64_t ioctls;
};

struct uffd_abi_range {
    uint64_t start;
    uint64_t len;
};

struct uffd_abi_register {
    struct uffd_abi_range range;
    uint64_t mode;
    uint64_t ioctls;
};

enum {
    UFFD_ABI_REGISTER_MODE_MISSING = 1 << 0,
    UFFD_ABI_REGISTER_MODE_WP = 1 << 1,
};

/* A flag of the system call: faults inside the kernel are not reported. */
enum {
    UFFD_ABI_USER_MODE_ONLY = 1,
};

/* Numbers of the ioctls; bit n of a mask of ioctls is number n. */
enum {
    UFFD_ABI_NR_REGISTER = 0x00,
    UFFD_ABI_NR_UNREGISTER = 0x01,
    UFFD_ABI_NR_WAKE = 0x02,
    UFFD_ABI_NR_COPY = 0x03,
    UFFD_ABI_NR_ZEROPAGE = 0x04,
    UFFD_ABI_NR_MOVE = 0x05,
    UFFD_ABI_NR_WRITEPROTECT = 0x06,
    UFFD_ABI_NR_CONTINUE = 0x07,
    UFFD_ABI_NR_POISON = 0x08,
    UFFD_ABI_NR_API = 0x3F,
};

#define UFFD_ABI_IOC_NEW _IO(0xAA, 0x00)
#define UFFD_ABI_IOC_API _IOWR(0xAA, UFFD_ABI_NR_API, struct uffd_abi_api)
#define UFFD_ABI_IOC_REGISTER _IOWR(0xAA, UFFD_ABI_NR_REGISTER, struct uffd_abi_register)
#define UFFD_ABI_IOC_UNREGISTER _IOR(0xAA, UFFD_ABI_NR_UNREGISTER, struct uffd_abi_range)

/* Numbers of the feature bits. */
enum {
    UFFD_ABI_FEATURE_PAGEFAULT_FLAG_WP = 0,
    UFFD_ABI_FEATURE_EVENT_FORK = 1,
    UFFD_ABI_FEATURE_EVENT_REMAP = 2,
    UFFD_ABI_FEATURE_EVENT_REMOVE = 3,
    UFFD_ABI_FEATURE_MISSING_HUGETLBFS = 4,
    UFFD_ABI_FEATURE_MISSING_SHMEM = 5,
    UFFD_ABI_FEATURE_EVENT_UNMAP = 6,
    UFFD_ABI_FEATURE_SIGBUS = 7,
    UFFD_ABI_FEATURE_THREAD_ID = 8,
    UFFD_ABI_FEATURE_MINOR_HUGETLBFS = 9,
    UFFD_ABI_FEATURE_MINOR_SHMEM = 10,
    UFFD_ABI_FEATURE_EXACT_ADDRESS = 11,
    UFFD_ABI_FEATURE_WP_HUGETLBFS_SHMEM = 12,
    UFFD_ABI_FEATURE_WP_UNPOPULATED = 13,
    UFFD_ABI_FEATURE_POISON = 14,
    UFFD_ABI_FEATURE_WP_ASYNC = 15,
    UFFD_ABI_FEATURE_MOVE = 16,
};

#define UFFD_BIT(name) ((uint64_t)1 << UFFD_ABI_##name)

#endif
