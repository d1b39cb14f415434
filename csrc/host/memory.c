/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as QEMU would map it, but small, and without an effect on what a path leads to. An existing file is
 * never opened for writing: that alone copies a file of an overlayfs, breaks leases, and shows to who watches it. A
 * path is looked at through O_PATH, which nobody notices, and memory is mapped from a stand-in for its file.
 */
#define _GNU_SOURCE
#include "host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/seccomp.h"
#include "host/system.h"

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

/* ---- What a path leads to ---- */

/* A file or folder, looked at without opening it. */
typedef struct Place {
    int fd; /* O_PATH */
    bool is_folder;
    struct statfs fs;
} Place;

static int file_system_of(const struct statfs *fs)
{
    switch (fs->f_type) {
    case HUGETLBFS_MAGIC:
        return RAM_FILE_SYSTEM_HUGETLBFS;
    case TMPFS_MAGIC:
        return RAM_FILE_SYSTEM_TMPFS;
    default:
        return RAM_FILE_SYSTEM_OTHER;
    }
}

static uint64_t page_size_of(const struct statfs *fs)
{
    return fs->f_type == HUGETLBFS_MAGIC ? (uint64_t)fs->f_bsize : host_page_size();
}

/* The file system of an open file. Where it can't be told, QEMU takes it for one that is neither. */
static int look_at_file_system(int fd, struct statfs *fs)
{
    *fs = (struct statfs){0};
    int result = system_statfs(fd, fs);
    return host_error_is_inconclusive(-result) ? result : 0;
}

/* What permission would answer if QEMU opened the file, or made one in the folder. */
static int may_use(const RamBlock *block, const Place *place)
{
    int use = place->is_folder ? W_OK | X_OK : block->readonly ? R_OK : R_OK | W_OK;
    int result = system_access(place->fd, use);
    /* QEMU does not ask for permission, so what a filter answers to that call is no answer. */
    return result == -EPERM && seccomp_mode() == SECCOMP_MODE_FILTER ? -PYMIG_ERROR_UNKNOWN : result;
}

/* Whether the path leads to what QEMU could use as the block's file. */
static int look_at_place(const RamBlock *block, Place *place)
{
    struct stat status;
    int result = system_stat(place->fd, &status);
    if (result < 0) {
        return result;
    }
    place->is_folder = S_ISDIR(status.st_mode);
    if (!place->is_folder && !S_ISREG(status.st_mode)) {
        return -ENOTSUP;
    }
    result = may_use(block, place);
    return result < 0 ? result : look_at_file_system(place->fd, &place->fs);
}

/* Returns 0 or a negative errno. Only with 0 there is a descriptor to close. */
static int find_place(const RamBlock *block, Place *place)
{
    if (block->path == NULL) {
        return -EINVAL;
    }
    place->fd = system_open(AT_FDCWD, block->path, O_PATH);
    if (place->fd < 0) {
        return place->fd;
    }
    int result = look_at_place(block, place);
    if (result < 0) {
        close(place->fd);
    }
    return result;
}

/* ---- Stand-ins for the file ---- */

/* memfd_create() takes the huge page size as a logarithm. */
static unsigned memfd_flags(uint64_t page_size)
{
    return page_size <= host_page_size()
               ? MFD_ALLOW_SEALING
               : MFD_ALLOW_SEALING | MFD_HUGETLB | (unsigned)__builtin_ctzll(page_size) << MFD_HUGE_SHIFT;
}

/* A failure to make a stand-in says nothing about the user's file. */
static int as_stand_in(int fd)
{
    return fd >= 0 || host_error_is_inconclusive(-fd) ? fd : -PYMIG_ERROR_UNKNOWN;
}

/* An unnamed file in a folder. Where the file system has none, nothing else is tried: a file with a name would show,
 * and would stay if the process were killed. */
static int open_in_folder(const Place *folder)
{
    int fd = system_open(folder->fd, ".", O_TMPFILE | O_RDWR);
    return fd == -EOPNOTSUPP || fd == -EISDIR ? -PYMIG_ERROR_UNKNOWN : fd;
}

static bool is_on_same_file_system(int fd, const struct statfs *wanted)
{
    struct statfs fs;
    return system_statfs(fd, &fs) == 0 && fs.f_type == wanted->f_type && fs.f_bsize == wanted->f_bsize &&
           memcmp(&fs.f_fsid, &wanted->f_fsid, sizeof(fs.f_fsid)) == 0;
}

/* An unnamed file in the folder in which the file really is, whatever links lead there. */
static int open_beside(const Place *file)
{
    char link[DESCRIPTOR_PATH_SIZE], path[PATH_MAX];
    descriptor_path(file->fd, link);
    ssize_t length = readlink(link, path, sizeof(path));
    char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (slash == NULL) {
        return -ENOENT;
    }
    slash[slash == path] = '\0';
    int fd = system_open(AT_FDCWD, path, O_TMPFILE | O_RDWR);
    if (fd >= 0 && !is_on_same_file_system(fd, &file->fs)) { /* the file is a mount point */
        close(fd);
        return -EXDEV;
    }
    return fd;
}

/* The file itself, for reading: without changing its access time, if that is allowed. */
static int open_for_reading(const Place *file)
{
    const int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK;
    char link[DESCRIPTOR_PATH_SIZE];
    descriptor_path(file->fd, link);
    int fd = system_open(AT_FDCWD, link, flags | O_NOATIME);
    fd = fd == -EPERM ? system_open(AT_FDCWD, link, flags) : fd;
    return fd == -ENOENT ? -PYMIG_ERROR_UNKNOWN : fd; /* /proc is not mounted */
}

/* ---- What is mapped ---- */

/* A block with what is mapped for it. */
typedef struct Source {
    int fd; /* -1 for anonymous memory */
    struct statfs fs;
    bool only_readable; /* a private mapping for reading stands in */
    bool has_pages;     /* a guest that uses the memory has its huge pages, so none need be free */
} Source;

static int open_memfd(const RamBlock *block, Source *source)
{
    source->has_pages = block->in_use;
    source->fd = system_memfd(memfd_flags(block->page_size));
    return source->fd < 0 ? source->fd : look_at_file_system(source->fd, &source->fs);
}

/* The kernel treats every file on tmpfs as a memfd, and every file on hugetlbfs as a memfd with huge pages of that
 * size. Elsewhere the file system may pass a mapping on (overlayfs does), so a file on it must be mapped. */
static int open_stand_in(const RamBlock *block, const Place *place, Source *source)
{
    if (file_system_of(&place->fs) != RAM_FILE_SYSTEM_OTHER) {
        source->fd = as_stand_in(system_memfd(memfd_flags(page_size_of(&place->fs))));
        source->has_pages = !place->is_folder || block->in_use;
    } else if (place->is_folder) {
        source->fd = open_in_folder(place);
    } else {
        source->fd = open_beside(place);
        if (source->fd < 0 && !host_error_is_inconclusive(-source->fd)) {
            source->only_readable = true;
            source->fd = open_for_reading(place);
        }
    }
    return source->fd < 0 ? source->fd : 0;
}

static int open_path(const RamBlock *block, Source *source)
{
    Place place;
    int result = find_place(block, &place);
    if (result < 0) {
        return result;
    }
    source->fs = place.fs;
    result = open_stand_in(block, &place, source);
    close(place.fd);
    return result;
}

static int open_source(const RamBlock *block, Source *source)
{
    switch (block->kind) {
    case RAM_BLOCK_ANONYMOUS:
        return 0;
    case RAM_BLOCK_MEMFD:
        return open_memfd(block, source);
    case RAM_BLOCK_FILE:
        return open_path(block, source);
    default:
        return -EINVAL;
    }
}

static void close_source(const Source *source)
{
    if (source->fd >= 0) {
        close(source->fd);
    }
}

/* ---- Page size, length, file system ---- */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return value + (unit - value % unit) % unit;
}

/* `fs` is NULL for a block without a file. */
static BlockBacking describe(const RamBlock *block, const struct statfs *fs)
{
    BlockBacking backing = {.page_size = host_page_size(), .file_system = RAM_FILE_SYSTEM_NONE};
    if (fs != NULL) {
        backing.file_system = file_system_of(fs);
        backing.page_size = page_size_of(fs);
    }
    backing.length = block->size != 0 ? round_up(block->size, host_page_size()) : backing.page_size;
    return backing;
}

static BlockBacking describe_source(const RamBlock *block, const Source *source)
{
    return describe(block, source->fd < 0 ? NULL : &source->fs);
}

static int inspect_place(const RamBlock *block, BlockBacking *backing)
{
    Place place;
    int result = find_place(block, &place);
    if (result == 0) {
        *backing = describe(block, &place.fs);
        close(place.fd);
    }
    return result;
}

int ram_block_inspect(const RamBlock *block, BlockBacking *backing)
{
    if (block->kind == RAM_BLOCK_FILE) {
        return inspect_place(block, backing);
    }
    Source source = {.fd = -1};
    int result = open_source(block, &source);
    if (result == 0) {
        *backing = describe_source(block, &source);
    }
    close_source(&source);
    return result;
}

/* ---- Mapping ---- */

static int map_source(const RamBlock *block, const Source *source, MappedBlock *mapped)
{
    BlockBacking backing = describe_source(block, source);
    size_t rest = backing.length % backing.page_size;
    mapped->mapped = backing.page_size * (rest == 0 ? 1 : 2);
    mapped->length = backing.page_size + rest;

    int result = block->kind == RAM_BLOCK_MEMFD ? system_resize(source->fd, (off_t)mapped->mapped) : 0;
    if (result < 0) {
        return result;
    }
    int protection = PROT_READ | (block->readonly || source->only_readable ? 0 : PROT_WRITE);
    int flags = block->share && !source->only_readable ? MAP_SHARED : MAP_PRIVATE;
    flags |= (source->fd < 0 ? MAP_ANONYMOUS : 0) | (source->has_pages ? MAP_NORESERVE : 0);
    mapped->start = mmap(NULL, mapped->mapped, protection, flags, source->fd, 0);
    return mapped->start == MAP_FAILED ? -errno : 0;
}

int ram_block_map(const RamBlock *block, MappedBlock *mapped)
{
    Source source = {.fd = -1};
    int result = open_source(block, &source);
    if (result == 0) {
        result = map_source(block, &source, mapped);
    }
    close_source(&source);
    return result;
}

void ram_block_unmap(MappedBlock *mapped)
{
    munmap(mapped->start, mapped->mapped);
}
