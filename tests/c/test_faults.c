/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each system call of a probe fails in turn, with every errno that its man page names: the answer is the reference's
 * step, and nothing leaks. Linked with --wrap. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The call to fail, counted from 0 over all that are wrapped; negative: none. */
static int fail_at = -1, fail_with, calls;
static const char *failed;

static int fails(const char *name)
{
    if (calls++ != fail_at) {
        return 0;
    }
    failed = name;
    errno = fail_with;
    return 1;
}

int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
long __real_syscall(long number, ...);
int __real_prctl(int option, ...);
void *__real_mmap(void *start, size_t length, int protection, int flags, int fd, off_t offset);
int __real_memfd_create(const char *name, unsigned flags);
int __real_ftruncate(int fd, off_t length);
int __real_fstatfs(int fd, struct statfs *fs);
int __real_stat(const char *path, struct stat *status);
int __wrap_open(const char *path, int flags, ...);
int __wrap___open_2(const char *path, int flags);
int __wrap_ioctl(int fd, unsigned long request, ...);
long __wrap_syscall(long number, ...);
int __wrap_prctl(int option, ...);
void *__wrap_mmap(void *start, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_ftruncate(int fd, off_t length);
int __wrap_fstatfs(int fd, struct statfs *fs);
int __wrap_stat(const char *path, struct stat *status);

int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0;
    va_end(more);
    return fails("open") ? -1 : __real_open(path, flags, mode);
}

/* What _FORTIFY_SOURCE calls for open() without a mode. */
int __wrap___open_2(const char *path, int flags)
{
    return fails("open") ? -1 : __real_open(path, flags, 0);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    return fails("ioctl") ? -1 : __real_ioctl(fd, request, argument);
}

long __wrap_syscall(long number, ...)
{
    va_list more;
    long arguments[5];
    va_start(more, number);
    for (int i = 0; i < 5; i++) {
        arguments[i] = va_arg(more, long);
    }
    va_end(more);
    return fails("syscall")
               ? -1
               : __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
}

int __wrap_prctl(int option, ...)
{
    return fails("prctl") ? -1 : __real_prctl(option, 0, 0, 0, 0);
}

void *__wrap_mmap(void *start, size_t length, int protection, int flags, int fd, off_t offset)
{
    return fails("mmap") ? MAP_FAILED : __real_mmap(start, length, protection, flags, fd, offset);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    return fails("memfd_create") ? -1 : __real_memfd_create(name, flags);
}

int __wrap_ftruncate(int fd, off_t length)
{
    return fails("ftruncate") ? -1 : __real_ftruncate(fd, length);
}

int __wrap_fstatfs(int fd, struct statfs *fs)
{
    return fails("fstatfs") ? -1 : __real_fstatfs(fd, fs);
}

int __wrap_stat(const char *path, struct stat *status)
{
    return fails("stat") ? -1 : __real_stat(path, status);
}

static void inject(int at, int with)
{
    fail_at = at;
    fail_with = with;
    calls = 0;
    failed = NULL;
}

/* ---- What a probe must release ---- */

/* A folder that no other process writes to. */
static char folder[] = "/dev/shm/pymig-XXXXXX";

static int make_folder(void **unused)
{
    (void)unused;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **unused)
{
    (void)unused;
    return rmdir(folder);
}

static int count_entries(const char *path)
{
    int count = 0;
    DIR *entries = opendir(path);
    assert_non_null(entries);
    while (readdir(entries) != NULL) {
        count++;
    }
    closedir(entries);
    return count;
}

static int count_mappings(void)
{
    int lines = 0, c;
    FILE *file = fopen("/proc/self/maps", "r");
    assert_non_null(file);
    while ((c = fgetc(file)) != EOF) {
        lines += c == '\n';
    }
    fclose(file);
    return lines;
}

/* A leak grows in each round. The first round is not counted: glibc maps pages at its first getrandom(). */
static void assert_gives_all_back(void (*probes)(void))
{
    probes();
    int descriptors = count_entries("/proc/self/fd"), mappings = count_mappings(), files = count_entries(folder);
    probes();
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    assert_int_equal(count_mappings(), mappings);
    assert_int_equal(count_entries(folder), files);
}

/* ---- Postcopy, anonymous memory ---- */

static const int errnos[] = {EPERM,  ENOENT, EIO,    ENXIO,  EBADF,  EAGAIN, ENOMEM, EACCES, EFAULT, EBUSY,
                             EEXIST, ENODEV, EINVAL, ENFILE, EMFILE, ENOTTY, ENOSPC, ENOSYS, ESRCH,  EOPNOTSUPP};

enum {
    N_ERRNOS = sizeof(errnos) / sizeof(errnos[0])
};

/* The calls of postcopy_ram_supported_by_host() with a device that opens, in their order, and the step that each is. */
static const struct {
    const char *call;
    int step;
    uint32_t detail;
} postcopy_calls[] = {
    {"open", 0, 0}, /* the system call takes over */
    {"ioctl", POSTCOPY_STEP_OPEN, 0},
    {"ioctl", POSTCOPY_STEP_QUERY_FEATURES, 1},
    {"ioctl", POSTCOPY_STEP_QUERY_FEATURES, 2},
    {"ioctl", POSTCOPY_STEP_REQUEST_FEATURES, 256},
    {"prctl", 0, 0}, /* a kernel without seccomp, so without a filter */
    {"mmap", POSTCOPY_STEP_MAP, 0},
    {"ioctl", POSTCOPY_STEP_REGISTER, 0},
    {"ioctl", POSTCOPY_STEP_UNREGISTER, 0},
};

enum {
    N_POSTCOPY_CALLS = sizeof(postcopy_calls) / sizeof(postcopy_calls[0])
};

static bool in_ci(void)
{
    const char *ci = getenv("CI");
    return ci != NULL && strcmp(ci, "true") == 0;
}

/* Skips a test that needs more than this machine has. CI must have it. */
static void need_device(void)
{
    UffdMethods ways = uffd_probe_methods();
    if (ways.device_open_error != 0 || ways.syscall_error != 0 || ways.seccomp_mode != 0) {
        print_message("needs root, /dev/userfaultfd (Linux 6.1), and no seccomp filter\n");
        assert_false(in_ci());
        skip();
    }
}

static const RamBlock anonymous = {.kind = RAM_BLOCK_ANONYMOUS};

static void fail_postcopy(void)
{
    for (int i = 0; i < N_POSTCOPY_CALLS; i++) {
        for (int e = 0; e < N_ERRNOS; e++) {
            inject(i, errnos[e]);
            PostcopySupport support = postcopy_ram_supported_by_host(&anonymous, 1, 0);
            inject(-1, 0);
            assert_int_equal(support.step, postcopy_calls[i].step);
            assert_int_equal(support.ok, postcopy_calls[i].step == 0);
            assert_int_equal(support.error, support.ok ? 0 : errnos[e]);
            assert_int_equal(support.detail, postcopy_calls[i].detail);
        }
    }
}

static void each_call_of_postcopy(void **unused)
{
    (void)unused;
    need_device();
    assert_gives_all_back(fail_postcopy);
    inject(N_POSTCOPY_CALLS, EIO);
    assert_true(postcopy_ram_supported_by_host(&anonymous, 1, 0).ok);
    assert_int_equal(calls, N_POSTCOPY_CALLS); /* so that no call is left out of the table */
    inject(-1, 0);
}

static void fail_write_tracking(void)
{
    static const struct {
        const char *call;
        bool available, compatible;
    } expected[] = {
        {"open", true, true},    {"ioctl", false, false}, /* USERFAULTFD_IOC_NEW */
        {"ioctl", false, false},                          /* UFFDIO_API */
        {"mmap", true, false},   {"ioctl", true, false},  /* UFFDIO_REGISTER */
    };
    for (int e = 0; e < N_ERRNOS; e++) {
        for (int i = 0; i < 3; i++) {
            inject(i, errnos[e]);
            assert_int_equal(ram_write_tracking_available(), expected[i].available);
        }
        for (int i = 0; i < 5; i++) {
            inject(i, errnos[e]);
            assert_int_equal(ram_write_tracking_compatible(&anonymous, 1, false), expected[i].compatible);
            assert_string_equal(failed, expected[i].call);
        }
        inject(-1, 0);
    }
}

static void each_call_of_write_tracking(void **unused)
{
    (void)unused;
    need_device();
    assert_gives_all_back(fail_write_tracking);
}

/* ---- Everything, every kind of memory ---- */

static const RamBlock blocks[] = {
    {.kind = RAM_BLOCK_ANONYMOUS, .share = true},
    {.kind = RAM_BLOCK_MEMFD},
    {.kind = RAM_BLOCK_FILE, .path = folder, .share = true},
    {.kind = RAM_BLOCK_FILE, .path = "/proc/self/exe", .readonly = true},
    {.kind = RAM_BLOCK_FILE, .path = "/nonexistent"},
    {.kind = RAM_BLOCK_FILE, .path = "/dev/null"},
    {.kind = 77},
};

enum {
    N_BLOCKS = sizeof(blocks) / sizeof(blocks[0])
};

static RamBlockReport reports[N_BLOCKS];

static void fail_everything(void)
{
    for (int e = 0; e < N_ERRNOS; e++) {
        int at = 0;
        do {
            inject(at++, errnos[e]);
            HostReport report = host_probe(blocks, N_BLOCKS, 0, reports);
            assert_false(report.facts[PROBE_REFERENCE].postcopy.ok); /* a block can't be made, whatever else fails */
        } while (failed != NULL);
        inject(-1, 0);
        assert_true(at > 20);
    }
}

static void each_call_of_everything(void **unused)
{
    (void)unused;
    assert_gives_all_back(fail_everything);
    host_probe(blocks, N_BLOCKS, 0, reports);
    assert_int_equal(reports[4].map_error, ENOENT);
    assert_int_equal(reports[5].map_error, ENOTSUP);
    assert_int_equal(reports[6].map_error, EINVAL);
    assert_true(reports[3].tracked);
    assert_int_equal(reports[3].postcopy_step, POSTCOPY_STEP_FILE_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_postcopy),
        cmocka_unit_test(each_call_of_write_tracking),
        cmocka_unit_test(each_call_of_everything),
    };
    return cmocka_run_group_tests_name("faults", tests, make_folder, remove_folder);
}
