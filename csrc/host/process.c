/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes, asked in the place of another process. A child takes on what decides there, and a child of its own asks:
 * under seccomp filters, which come last, nothing may be cloned. Before it, one child for each system call for which a
 * filter may kill makes that call. What they find is in memory that they share with the caller.
 *
 * The caller may have other threads, so after the fork only raw system calls and async-signal-safe functions are used.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/seccomp.h"
#include "host/target.h"
#include "host/uffd.h"

#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

enum {
    TIME_LIMIT = 20,     /* seconds for everything */
    MOST_SEIZURES = 100, /* attempts to become the tracer */
    MOST_FILTERS = 64,
    MOST_INSTRUCTIONS = 4 * BPF_MAXINSNS /* of all filters */
};

_Static_assert(sizeof(((ProcessReport *)0)->missing) == PROCESS_TRAIT__MAX * sizeof(int), "an errno for each trait");
_Static_assert(sizeof(((ProcessReport *)0)->transports) == TRANSPORT__MAX * sizeof(int), "an errno for each transport");

typedef struct Filters {
    int count, first[MOST_FILTERS + 1]; /* newest first; the index of each one's first instruction, and of the end */
    struct sock_filter instructions[MOST_INSTRUCTIONS];
} Filters;

/* What the caller, the child and its children share. */
typedef struct Shared {
    ProcessReport report;
    Filters filters;
    RehearsedCalls calls;
    _Atomic bool asks_transport[TRANSPORT__MAX];
    _Atomic int is_complete, has_filters;
    size_t n_reports;
    RamBlockReport reports[];
} Shared;

typedef struct Question {
    const Target *target;
    const ProcessPlace *place;
    const RamBlock *blocks;
    size_t count;
    uint64_t target_page_size;
    Shared *shared;
    pid_t caller;
} Question;

static void miss(Shared *shared, int trait, int error)
{
    if (error != 0 && shared->report.missing[trait] == 0) {
        shared->report.missing[trait] = error;
    }
}

/* ---- Seccomp filters ---- */

/* Copies every filter, newest first. The process must be stopped. Returns 0 or an errno. */
static int copy_filters(pid_t pid, Filters *filters)
{
    long length = 0;
    for (; filters->count < MOST_FILTERS; filters->count++) {
        int used = filters->first[filters->count];
        length = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)(long)filters->count, NULL);
        if (length < 0) {
            return errno == ENOENT && filters->count > 0 ? 0 : errno;
        }
        if (used + length > MOST_INSTRUCTIONS) {
            return E2BIG;
        }
        if (ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)(long)filters->count, filters->instructions + used) < 0) {
            return errno;
        }
        filters->first[filters->count + 1] = used + (int)length;
    }
    return E2BIG;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

/* A process has one tracer at a time, which may be another thread that asks about it. */
static int seize(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    for (int i = 0; i < MOST_SEIZURES; i++) {
        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
            return 0;
        }
        if (errno != EPERM) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    return errno;
}

/* The signal whose delivery stopped the process before the interrupt could; it must be delivered all the same. 0: none.
 */
static long signal_of(int status)
{
    return WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_STOP ? WSTOPSIG(status) : 0;
}

/* Stops the process for as long as it takes to copy its filters. It goes on as before, stopped or not. */
static int read_filters(const Target *target, Shared *shared)
{
    pid_t pid = target->pid;
    int refused = seize(pid);
    if (refused != 0) {
        return target->is_traced ? EBUSY : refused;
    }
    uint64_t begin = now();
    int status = 0;
    int error = ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) != pid ? errno : 0;
    if (error == 0) {
        error = copy_filters(pid, &shared->filters);
        ptrace(PTRACE_DETACH, pid, NULL, (void *)signal_of(status));
        shared->report.stopped = now() - begin;
    }
    return error;
}

static void take_filters(const Question *question)
{
    const Target *target = question->target;
    Shared *shared = question->shared;
    if (target->seccomp_mode == 0) {
        return;
    }
    int error = target->seccomp_mode != SECCOMP_MODE_FILTER ? ENOTSUP
                : question->place->no_ptrace                ? ECANCELED
                                                            : read_filters(target, shared);
    if (error != 0) {
        shared->filters.count = 0;
    }
    miss(shared, PROCESS_SECCOMP, error);
}

/* Oldest first. Without the right to, a process may only install one if it can't gain privileges; for one that executes
 * nothing, that changes nothing else. */
static void install_filters(Shared *shared)
{
    if (shared->filters.count > 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }
    for (int i = shared->filters.count; i-- > 0;) {
        const struct sock_fprog program = {
            .len = (unsigned short)(shared->filters.first[i + 1] - shared->filters.first[i]),
            .filter = shared->filters.instructions + shared->filters.first[i],
        };
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
            miss(shared, PROCESS_SECCOMP, errno);
        }
    }
    shared->has_filters = 1;
}

/* ---- Everything else ---- */

static void join_cgroups(const Target *target, Shared *shared)
{
    for (int i = 0; i < N_CGROUPS; i++) {
        if (target->cgroups[i] >= 0 && write(target->cgroups[i], "0", 1) < 0) {
            miss(shared, PROCESS_CGROUP, errno);
        }
    }
}

static void join_namespaces(const Target *target, Shared *shared)
{
    for (int i = 0; i < N_NAMESPACES; i++) {
        const TargetNamespace *wanted = &target->namespaces[i];
        if (wanted->trait == PROCESS_USER_NAMESPACE && target->root >= 0 &&
            (fchdir(target->root) < 0 || chroot(".") < 0)) {
            miss(shared, PROCESS_ROOT, errno);
        }
        if (wanted->fd >= 0 && setns(wanted->fd, 0) < 0) {
            miss(shared, wanted->trait, errno);
        }
    }
}

static void take_limits(const Target *target, Shared *shared)
{
    for (int i = 0; i < N_LIMITS; i++) {
        const TargetLimit *limit = &target->limits[i];
        if (limit->is_known && syscall(SYS_prlimit64, 0, limit->resource, &limit->value, NULL) < 0) {
            miss(shared, PROCESS_LIMITS, errno);
        }
    }
}

static bool has_groups(const Target *target)
{
    gid_t ours[256];
    long count = syscall(SYS_getgroups, 256, ours);
    return count >= 0 && (size_t)count == target->n_groups &&
           (count == 0 || memcmp(ours, target->groups, (size_t)count * sizeof(gid_t)) == 0);
}

static void take_groups(const Target *target, Shared *shared)
{
    if (!has_groups(target) && syscall(SYS_setgroups, target->n_groups, target->groups) < 0) {
        miss(shared, PROCESS_GROUPS, errno);
    }
    if (syscall(SYS_setresgid, target->gids[0], target->gids[1], target->gids[2]) < 0) {
        miss(shared, PROCESS_GROUPS, errno);
    }
}

static void drop_bounding(const Target *target, Shared *shared)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        bool drops = (target->bounding >> capability & 1) == 0 && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
        if (drops && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            miss(shared, PROCESS_CAPABILITIES, errno);
        }
    }
}

/* Makes every permitted capability effective: a change of the user has cleared them. */
static void raise_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) == 0) {
        data[0].effective = data[0].permitted;
        data[1].effective = data[1].permitted;
        syscall(SYS_capset, &header, data);
    }
}

/* Keeps the capabilities, because the namespaces come after: an id may have no number in the process's user namespace.
 */
static void take_ids(const Target *target, Shared *shared)
{
    take_groups(target, shared);
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (syscall(SYS_setresuid, target->uids[0], target->uids[1], target->uids[2]) < 0) {
        miss(shared, PROCESS_USER, errno);
    }
    raise_capabilities();
}

/* The ambient set and the securebits count for an execve or a change of the user only, and nothing asked does either.
 */
static void take_capabilities(const Target *target, Shared *shared)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {(uint32_t)target->effective, (uint32_t)target->permitted, (uint32_t)target->inheritable},
        {(uint32_t)(target->effective >> 32), (uint32_t)(target->permitted >> 32),
         (uint32_t)(target->inheritable >> 32)},
    };
    if (syscall(SYS_capset, &header, data) < 0) {
        miss(shared, PROCESS_CAPABILITIES, errno);
    }
}

/* Writes the label where the module lets a process change its own. */
static void take_label(const Target *target, Shared *shared)
{
    if (target->label[0] == '\0') {
        return;
    }
    int fd = open("/proc/thread-self/attr/current", O_WRONLY | O_CLOEXEC);
    ssize_t written = fd < 0 ? -1 : write(fd, target->label, strlen(target->label));
    miss(shared, PROCESS_LABEL, written < 0 ? errno : 0);
    if (fd >= 0) {
        close(fd);
    }
}

static void take_the_rest(const Question *question)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    drop_bounding(question->target, question->shared);
    take_capabilities(question->target, question->shared);
    take_label(question->target, question->shared);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    install_filters(question->shared);
}

/* ---- The children ---- */

static pid_t fork_raw(void)
{
#ifdef __s390x__
    return (pid_t)syscall(SYS_clone, NULL, 0, NULL, NULL, NULL);
#else
    return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
#endif
}

static _Noreturn void end(void)
{
    for (;;) {
        syscall(SYS_exit_group, 0);
    }
}

/* Waits for a child. Returns whether a filter killed it. */
static bool was_killed(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, __WCLONE) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* What a child does, and which one of several. */
typedef void (*Task)(const Question *question, int which);

/* Has a child do it, and waits. Returns 0, 1 if a filter killed the child, or a negative errno if there is none. */
static int in_child(const Question *question, Task task, int which)
{
    pid_t child = fork_raw();
    if (child == 0) {
        task(question, which);
        end();
    }
    return child < 0 ? -errno : was_killed(child);
}

static void rehearse(const Question *question, int which)
{
    RehearsedCall *call = &question->shared->calls.all[which];
    take_the_rest(question);
    call->stage = REHEARSAL_CALLED;
    call->result = syscall(call->number, call->argument) < 0 ? -errno : 0;
    call->stage = REHEARSAL_RETURNED;
}

static void rehearse_all(const Question *question)
{
    for (int i = 0; i < REHEARSED_CALLS; i++) {
        RehearsedCall *call = &question->shared->calls.all[i];
        int killed = in_child(question, rehearse, i);
        if (call->stage != REHEARSAL_RETURNED) {
            call->result = killed > 0 && call->stage == REHEARSAL_CALLED ? -PYMIG_ERROR_KILLED : -PYMIG_ERROR_UNKNOWN;
        }
    }
}

static void ask(const Question *question, int which)
{
    (void)which;
    ProcessReport *report = &question->shared->report;
    take_the_rest(question);
    rehearsed_calls_use(&question->shared->calls);
    report->host = host_probe(question->blocks, question->count, question->target_page_size, question->shared->reports);
    report->methods = uffd_probe_methods();
    question->shared->is_complete = 1;
}

static void ask_transport(const Question *question, int which)
{
    take_the_rest(question);
    question->shared->asks_transport[which] = true;
    question->shared->report.transports[which] = host_transport_error(which);
}

static void ask_transports(const Question *question)
{
    Shared *shared = question->shared;
    for (int i = 0; i < TRANSPORT__MAX; i++) {
        if (in_child(question, ask_transport, i) > 0 && shared->asks_transport[i]) {
            shared->report.transports[i] = PYMIG_ERROR_KILLED;
        }
    }
}

static long read_optmem_max(void)
{
    char text[32] = "";
    int fd = open("/proc/sys/net/core/optmem_max", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    return length < 0 ? -errno : strtol(text, NULL, 10);
}

/* Joins nothing else, because this is read in the caller's /proc. */
static void ask_network(const Question *question, int which)
{
    (void)which;
    const Target *target = question->target;
    bool is_there = target->network < 0 || setns(target->network, CLONE_NEWNET) == 0;
    question->shared->report.optmem_max = target->network_error != 0 ? -target->network_error
                                          : is_there                 ? read_optmem_max()
                                                                     : -errno;
}

/* A death under filters, before they were all there, is theirs. */
static void note_death(Shared *shared, bool killed)
{
    if (killed && !shared->has_filters) {
        miss(shared, PROCESS_SECCOMP, PYMIG_ERROR_KILLED);
    }
}

/* Ends with the caller. A change of the user makes the kernel forget that. */
static void end_with_caller(const Question *question)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != question->caller) {
        end();
    }
}

static _Noreturn void stand_in(const Question *question)
{
    setpgid(0, 0);
    end_with_caller(question);
    in_child(question, ask_network, 0);
    take_filters(question);
    join_cgroups(question->target, question->shared);
    take_limits(question->target, question->shared);
    take_ids(question->target, question->shared);
    end_with_caller(question);
    join_namespaces(question->target, question->shared);
    bool is_filtered = seccomp_mode() == SECCOMP_MODE_FILTER;
    if (is_filtered) { /* they come on top of the process's own */
        miss(question->shared, PROCESS_SECCOMP, ENOTSUP);
    }
    if (is_filtered || question->shared->filters.count > 0) {
        rehearse_all(question);
    }
    question->shared->has_filters = 0;
    int killed = in_child(question, ask, 0);
    if (killed < 0) {
        question->shared->report.unasked = -killed;
    } else {
        note_death(question->shared, killed > 0);
        ask_transports(question);
    }
    end();
}

/* ---- The caller ---- */

/* Waits until the child has ended, and ends it and its children when the time is up. Returns 0, -ETIMEDOUT, or another
 * negative errno if it can't be waited for. */
static int wait_in_time(pid_t child)
{
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
    uint64_t limit = now() + TIME_LIMIT * UINT64_C(1000000000);
    int error = ended.fd < 0 ? errno : ETIMEDOUT, ready = 0;
    while (ended.fd >= 0 && ready <= 0 && now() < limit) {
        ready = poll(&ended, 1, 100);
    }
    if (ready <= 0) {
        kill(-child, SIGKILL);
        kill(child, SIGKILL);
    }
    while (waitpid(child, NULL, __WCLONE) < 0 && errno == EINTR) {
    }
    if (ended.fd >= 0) {
        close(ended.fd);
    }
    return ready > 0 ? 0 : -error;
}

static int ask_in_child(const Question *question)
{
    sigset_t all, mask;
    sigfillset(&all); /* the caller's handlers must not run in the child */
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    pid_t child = fork_raw();
    if (child == 0) {
        stand_in(question);
    }
    int error = child < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return child < 0 ? -error : wait_in_time(child);
}

static int result_of(const Question *question, ProcessReport *report, RamBlockReport *reports)
{
    const Shared *shared = question->shared;
    *report = shared->report;
    if (reports != NULL && question->count > 0) {
        memcpy(reports, shared->reports, question->count * sizeof(*reports));
    }
    if (!target_is_alive(question->target)) {
        return -ESRCH;
    }
    if (!shared->is_complete && report->unasked == 0) {
        report->unasked = PYMIG_ERROR_UNKNOWN;
    }
    return 0;
}

static int ask_for(const Target *target, const ProcessPlace *place, const RamBlock *blocks, size_t count,
                   uint64_t target_page_size, ProcessReport *report, RamBlockReport *reports)
{
    size_t size = sizeof(Shared) + count * sizeof(RamBlockReport);
    Shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return -errno;
    }
    const Question question = {target, place, blocks, count, target_page_size, shared, getpid()};
    memcpy(shared->report.missing, target->errors, sizeof(target->errors));
    for (int i = 0; i < TRANSPORT__MAX; i++) {
        shared->report.transports[i] = PYMIG_ERROR_UNKNOWN;
    }
    shared->report.optmem_max = -PYMIG_ERROR_UNKNOWN;
    rehearsed_calls_init(&shared->calls);
    int result = ask_in_child(&question);
    if (result == 0) {
        result = result_of(&question, report, reports);
    }
    munmap(shared, size);
    return result;
}

int host_probe_process(const ProcessPlace *place, const RamBlock *blocks, size_t count, uint64_t target_page_size,
                       ProcessReport *report, RamBlockReport *reports)
{
    int saved_errno = errno;
    Target target;
    *report = (ProcessReport){.unasked = PYMIG_ERROR_UNKNOWN};
    int result = place->pid != 0 ? target_of_process(&target, place->pid)
                                 : target_of_user(&target, place->uid, place->gid, place->groups, place->n_groups);
    if (result == 0) {
        result = ask_for(&target, place, blocks, count, target_page_size, report, reports);
    }
    target_release(&target);
    errno = saved_errno;
    return result;
}

uint64_t process_effective_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    syscall(SYS_capget, &header, data);
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* ---- Names ---- */

#define TRAIT(id, name) [PROCESS_##id] = name

const char *process_trait_name(int trait)
{
    static const char *const names[PROCESS_TRAIT__MAX] = {
        TRAIT(CGROUP, "cgroup"),
        TRAIT(MOUNT_NAMESPACE, "mount namespace"),
        TRAIT(PID_NAMESPACE, "pid namespace"),
        TRAIT(USER_NAMESPACE, "user namespace"),
        TRAIT(ROOT, "root directory"),
        TRAIT(LIMITS, "resource limits"),
        TRAIT(GROUPS, "groups"),
        TRAIT(USER, "user"),
        TRAIT(CAPABILITIES, "capabilities"),
        TRAIT(SECCOMP, "seccomp filters"),
        TRAIT(LABEL, "security label"),
        TRAIT(ARCHITECTURE, "architecture"),
    };
    return trait >= 0 && trait < PROCESS_TRAIT__MAX ? names[trait] : NULL;
}
