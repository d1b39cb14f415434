/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_UFFD_H
#define PYMIG_UFFD_H

#include "host/uffd_abi.h"
#include "pymig.h"

/* How userfaultfd descriptors are opened. QEMU tries /dev/userfaultfd once, and keeps using what it found. */
typedef struct UffdOpener {
    bool tried_device;
    int device; /* descriptor of /dev/userfaultfd, or the negative errno of opening it */
} UffdOpener;

/* Never tries the device. */
UffdOpener uffd_opener_by_syscall(void);

void uffd_opener_release(UffdOpener *opener);

/* A new userfaultfd, close-on-exec, or a negative errno. */
int uffd_open(UffdOpener *opener);

/* UFFDIO_API on a descriptor; stores the kernel's answer in *answer. Returns 0 or a negative errno. */
int uffd_api(int ufd, uint64_t features, struct uffd_abi_api *answer);

/* Registers a range; stores the ioctls that it supports in *ioctls. Returns 0 or a negative errno. */
int uffd_register_memory(int ufd, void *start, size_t length, uint64_t mode, uint64_t *ioctls);

/* 0 or a negative errno. */
int uffd_unregister_memory(int ufd, void *start, size_t length);

#endif
