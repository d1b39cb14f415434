/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 0x0004U
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

size_t host_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static int or_errno(int result)
{
    return result < 0 ? -errno : result;
}

/* ---- The file behind a block ---- */

/* memfd_create() takes the huge page size as a logarithm. */
static unsigned memfd_flags(uint64_t page_size)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    return page_size <= host_page_size() ? flags
                                         : flags | MFD_HUGETLB | (unsigned)__builtin_ctzll(page_size) << MFD_HUGE_SHIFT;
}

static int open_memfd(const RamBlock *block)
{
    return or_errno(memfd_create("pymig", memfd_flags(block->page_size)));
}

/* An unnamed file in a folder, as QEMU creates it. */
static int open_in_folder(const char *folder)
{
    int fd = or_errno(open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd != -EOPNOTSUPP && fd != -EISDIR) {
        return fd;
    }
    /* The kernel or the file system lacks O_TMPFILE. */
    char *path;
    if (asprintf(&path, "%s/pymig.XXXXXX", folder) < 0) {
        return -ENOMEM;
    }
    fd = or_errno(mkostemp(path, O_CLOEXEC));
    if (fd >= 0) {
        unlink(path);
    }
    free(path);
    return fd;
}

/* Without changing the access time, if that is allowed. */
static int open_existing(const char *path, int access)
{
    int flags = access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = or_errno(open(path, flags | O_NOATIME));
    return fd == -EPERM ? or_errno(open(path, flags)) : fd;
}

/* Mapping a hugetlbfs file beyond its end would extend it, so an unnamed file on the same file system is mapped. */
static int open_beside(const char *path)
{
    char *folder = strdup(path);
    if (folder == NULL) {
        return -ENOMEM;
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        strcpy(folder, ".");
    } else {
        slash[slash == folder] = '\0';
    }
    int fd = open_in_folder(folder);
    free(folder);
    return fd;
}

static int file_system_of(int fd, uint64_t *page_size)
{
    struct statfs fs;
    int result;
    do {
        result = fstatfs(fd, &fs);
    } while (result < 0 && errno == EINTR);
    *page_size = host_page_size();
    if (result < 0) {
        return RAM_FILE_SYSTEM_OTHER;
    }
    if (fs.f_type == HUGETLBFS_MAGIC) {
        *page_size = (uint64_t)fs.f_bsize;
        return RAM_FILE_SYSTEM_HUGETLBFS;
    }
    return fs.f_type == TMPFS_MAGIC ? RAM_FILE_SYSTEM_TMPFS : RAM_FILE_SYSTEM_OTHER;
}

static int replace_short_hugetlbfs_file(int fd, const char *path, off_t size)
{
    uint64_t page_size;
    if (file_system_of(fd, &page_size) != RAM_FILE_SYSTEM_HUGETLBFS || (uint64_t)size >= page_size) {
        return fd;
    }
    close(fd);
    return open_beside(path);
}

static int open_path(const RamBlock *block)
{
    struct stat status;
    if (block->path == NULL) {
        return -EINVAL;
    }
    if (stat(block->path, &status) < 0) {
        return -errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return open_in_folder(block->path);
    }
    if (!S_ISREG(status.st_mode)) {
        return -ENOTSUP;
    }
    int fd = open_existing(block->path, block->readonly ? O_RDONLY : O_RDWR);
    return fd < 0 ? fd : replace_short_hugetlbfs_file(fd, block->path, status.st_size);
}

/* open_backing()'s result for a block without a file: neither an errno nor a descriptor. */
enum {
    NO_FILE = -1000000
};

static int open_backing(const RamBlock *block)
{
    switch (block->kind) {
    case RAM_BLOCK_ANONYMOUS:
        return NO_FILE;
    case RAM_BLOCK_MEMFD:
        return open_memfd(block);
    case RAM_BLOCK_FILE:
        return open_path(block);
    default:
        return -EINVAL;
    }
}

static void close_backing(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- Page size, length, file system ---- */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return value + (unit - value % unit) % unit;
}

static BlockBacking describe(const RamBlock *block, int fd)
{
    BlockBacking backing = {.page_size = host_page_size(), .file_system = RAM_FILE_SYSTEM_NONE};
    if (fd >= 0) {
        backing.file_system = file_system_of(fd, &backing.page_size);
    }
    backing.length = block->size != 0 ? round_up(block->size, host_page_size()) : backing.page_size;
    return backing;
}

int ram_block_inspect(const RamBlock *block, BlockBacking *backing)
{
    int fd = open_backing(block);
    if (fd < 0 && fd != NO_FILE) {
        return fd;
    }
    *backing = describe(block, fd);
    close_backing(fd);
    return 0;
}

/* ---- Mapping ---- */

static int map_backing(const RamBlock *block, int fd, MappedBlock *mapped)
{
    BlockBacking backing = describe(block, fd);
    size_t rest = backing.length % backing.page_size;
    mapped->mapped = backing.page_size * (rest == 0 ? 1 : 2);
    mapped->length = backing.page_size + rest;

    if (block->kind == RAM_BLOCK_MEMFD && ftruncate(fd, (off_t)mapped->mapped) < 0) {
        return -errno;
    }
    int protection = PROT_READ | (block->readonly ? 0 : PROT_WRITE);
    int flags = (block->share ? MAP_SHARED : MAP_PRIVATE) | (fd < 0 ? MAP_ANONYMOUS : 0);
    mapped->start = mmap(NULL, mapped->mapped, protection, flags, fd < 0 ? -1 : fd, 0);
    return mapped->start == MAP_FAILED ? -errno : 0;
}

int ram_block_map(const RamBlock *block, MappedBlock *mapped)
{
    int fd = open_backing(block);
    if (fd < 0 && fd != NO_FILE) {
        return fd;
    }
    int result = map_backing(block, fd, mapped);
    close_backing(fd);
    return result;
}

void ram_block_unmap(MappedBlock *mapped)
{
    munmap(mapped->start, mapped->mapped);
}
