/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each system call of a probe fails in turn, with every errno that its man page names: the answer is the reference's
 * step or "not found out", the next answer is right, and nothing leaks. Linked with --wrap. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* The call to fail, counted from 0 over all that are wrapped; negative: none. */
static int fail_at = -1, fail_with, calls;
static bool fail_all; /* with EMFILE */
static const char *failed;

static int fails(const char *name)
{
    if (calls++ != fail_at && !fail_all) {
        return 0;
    }
    failed = name;
    errno = fail_all ? EMFILE : fail_with;
    return 1;
}

/* The openings of what a path leads to, other than of the device, since inject(); of these, those for writing. */
static int opened, opened_for_writing;

static void count_opening(const char *path, int flags)
{
    if ((flags & O_PATH) != 0 || (flags & O_TMPFILE) == O_TMPFILE || strcmp(path, "/dev/userfaultfd") == 0) {
        return;
    }
    opened++;
    opened_for_writing += (flags & O_ACCMODE) != O_RDONLY;
}

int __real_openat(int folder, const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
long __real_syscall(long number, ...);
int __real_prctl(int option, ...);
void *__real_mmap(void *start, size_t length, int protection, int flags, int fd, off_t offset);
int __real_ftruncate(int fd, off_t length);
int __real_fstatfs(int fd, struct statfs *fs);
int __real_fstat(int fd, struct stat *status);
int __real_faccessat(int folder, const char *path, int mode, int flags);
pid_t __real_waitpid(pid_t child, int *status, int options);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap___openat_2(int folder, const char *path, int flags);
int __wrap_ioctl(int fd, unsigned long request, ...);
long __wrap_syscall(long number, ...);
int __wrap_prctl(int option, ...);
void *__wrap_mmap(void *start, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_ftruncate(int fd, off_t length);
int __wrap_fstatfs(int fd, struct statfs *fs);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_faccessat(int folder, const char *path, int mode, int flags);
pid_t __wrap_waitpid(pid_t child, int *status, int options);

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0;
    va_end(more);
    count_opening(path, flags);
    return fails("openat") ? -1 : __real_openat(folder, path, flags, mode);
}

/* What _FORTIFY_SOURCE calls for openat() without a mode. */
int __wrap___openat_2(int folder, const char *path, int flags)
{
    count_opening(path, flags);
    return fails("openat") ? -1 : __real_openat(folder, path, flags, 0);
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

int __wrap_ftruncate(int fd, off_t length)
{
    return fails("ftruncate") ? -1 : __real_ftruncate(fd, length);
}

int __wrap_fstatfs(int fd, struct statfs *fs)
{
    return fails("fstatfs") ? -1 : __real_fstatfs(fd, fs);
}

int __wrap_fstat(int fd, struct stat *status)
{
    return fails("fstat") ? -1 : __real_fstat(fd, status);
}

int __wrap_faccessat(int folder, const char *path, int mode, int flags)
{
    return fails("faccessat") ? -1 : __real_faccessat(folder, path, mode, flags);
}

pid_t __wrap_waitpid(pid_t child, int *status, int options)
{
    if (!fails("waitpid")) {
        return __real_waitpid(child, status, options);
    }
    int error = errno;
    __real_waitpid(child, status, options); /* no child may stay */
    errno = error;
    return -1;
}

static void inject(int at, int with)
{
    fail_at = at;
    fail_with = with;
    calls = 0;
    failed = NULL;
    opened = opened_for_writing = 0;
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

static const int errnos[] = {EPERM,  ENOENT, EIO,    ENXIO,      EBADF,  EAGAIN,  ENOMEM, EACCES,
                             EFAULT, EBUSY,  EEXIST, ENODEV,     EINVAL, ENFILE,  EMFILE, ENOTTY,
                             ENOSPC, ENOSYS, ESRCH,  EOPNOTSUPP, EINTR,  ENOBUFS, ECHILD};

enum {
    N_ERRNOS = sizeof(errnos) / sizeof(errnos[0])
};

/* The calls of postcopy_ram_supported_by_host() with a device that opens, in their order, and the step that each is. */
static const struct {
    const char *call;
    int step;
    uint32_t detail;
} postcopy_calls[] = {
    {"openat", 0, 0}, /* the system call takes over */
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
        {"openat", true, true},  {"ioctl", false, false}, /* USERFAULTFD_IOC_NEW */
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

/* No path is opened but by O_PATH and for a nameless file, so one that is swapped meanwhile can't become a device that
 * is opened. Only a file beside which there can't be a nameless one is opened, for reading. */
static void no_path_is_opened(void **unused)
{
    (void)unused;
    static const struct {
        RamBlock block;
        int most_opened;
    } rows[] = {
        {{.kind = RAM_BLOCK_FILE, .path = folder, .share = true}, 0},
        {{.kind = RAM_BLOCK_FILE, .path = "/proc/self/exe"}, 0},
        {{.kind = RAM_BLOCK_FILE, .path = "/dev/zero"}, 0},
        {{.kind = RAM_BLOCK_FILE, .path = "/proc", .share = true}, 0},
        {{.kind = RAM_BLOCK_FILE, .path = "/proc/version"}, 2}, /* for lack of O_NOATIME twice */
    };
    need_device();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        inject(-1, 0);
        host_probe(&rows[i].block, 1, 0, reports);
        assert_int_equal(opened_for_writing, 0);
        assert_in_range(opened, 0, rows[i].most_opened);
    }
}

/* ---- The next answer is right ---- */

static const RamBlock fine_blocks[] = {
    {.kind = RAM_BLOCK_ANONYMOUS, .share = true},
    {.kind = RAM_BLOCK_MEMFD},
    {.kind = RAM_BLOCK_FILE, .path = folder, .share = true},
};

/* A momentary failure is no refusal and changes nothing, and the next answer is right. Returns whether a call failed.
 */
static bool ask_in_sequence(CapabilitySet set, int at, int error)
{
    MigrationHost *host = new_local_host(fine_blocks, 3);
    MigrationContext context = plain_context();
    context.incoming = true;
    MigrationChecker *checker = new_checker(&context, host);
    MigrationState *state = new_state_of(&context, host);

    inject(at, error);
    int code = migrate_change_capabilities(state, set, 0);
    int reason = migration_host_error(host);
    bool any_failed = failed != NULL;
    inject(-1, 0);
    if (host_error_is_inconclusive(error)) {
        assert_true(code == MIGRATION_ACCEPTED || code == -EAGAIN);
    }
    if (code == -EAGAIN) {
        assert_true(host_error_is_inconclusive(reason));
        assert_int_equal(migration_capabilities(state), 0);
        assert_int_equal(migrate_caps_check_set(checker, set), MIGRATION_ACCEPTED);
        assert_int_equal(migrate_change_capabilities(state, set, 0), MIGRATION_ACCEPTED);
    }
    migration_state_free(state);
    migration_checker_free(checker);
    migration_host_free(host);
    return any_failed;
}

static void fail_in_sequence(void)
{
    const CapabilitySet sets[] = {(CapabilitySet)1 << MIGRATION_CAPABILITY_POSTCOPY_RAM,
                                  (CapabilitySet)1 << MIGRATION_CAPABILITY_BACKGROUND_SNAPSHOT};
    for (int s = 0; s < 2; s++) {
        for (int e = 0; e < N_ERRNOS; e++) {
            int at = 0;
            while (ask_in_sequence(sets[s], at, errnos[e])) {
                at++;
            }
            assert_true(at > 10);
        }
    }
}

static void the_next_answer_is_right(void **unused)
{
    (void)unused;
    need_device();
    assert_gives_all_back(fail_in_sequence);
}

/* Refreshing makes the next question probe again: while no call works, it finds nothing out. */
static void refreshing_probes_again(void **unused)
{
    (void)unused;
    need_device();
    MigrationHost *host = new_local_host(fine_blocks, 3);
    for (int variant = 0; variant < PROBE_VARIANT__MAX; variant++) {
        assert_true(migration_host_postcopy(host, variant).ok);
        assert_int_equal(migration_host_write_tracking(host, variant, 0), WRITE_TRACKING_COMPATIBLE);
    }
    fail_all = true;
    for (int round = 0; round < 2; round++) {
        for (int variant = 0; variant < PROBE_VARIANT__MAX; variant++) {
            assert_int_equal(migration_host_postcopy(host, variant).ok, round == 0);
            assert_int_equal(migration_host_write_tracking(host, variant, 0),
                             round == 0 ? WRITE_TRACKING_COMPATIBLE : WRITE_TRACKING_UNKNOWN);
        }
        migration_host_refresh(host);
    }
    fail_all = false;
    assert_true(migration_host_postcopy(host, PROBE_REFERENCE).ok);
    migration_host_free(host);
}

/* ---- With a seccomp filter, under which a child tries the calls first ---- */

static void install_filter(void)
{
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    const struct sock_fprog program = {1, &allow};
    assert_int_equal(__real_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(__real_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

static void each_call_under_a_filter(void **unused)
{
    (void)unused;
    need_device();
    pid_t child = fork(); /* a filter stays for good */
    if (child == 0) {
        install_filter();
        fail_in_sequence(); /* AddressSanitizer maps a little more after a fork */
        assert_gives_all_back(fail_in_sequence);
        _exit(0);
    }
    int status;
    assert_int_equal(__real_waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_postcopy),    cmocka_unit_test(each_call_of_write_tracking),
        cmocka_unit_test(each_call_of_everything),  cmocka_unit_test(no_path_is_opened),
        cmocka_unit_test(the_next_answer_is_right), cmocka_unit_test(refreshing_probes_again),
        cmocka_unit_test(each_call_under_a_filter),
    };
    return cmocka_run_group_tests_name("faults", tests, make_folder, remove_folder);
}
