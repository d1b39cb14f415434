/*
 * pymig: QEMU's migration capabilities, parameters and host probes as a library.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This is the whole public interface. cffi reads this file. Functions that mirror QEMU's keep QEMU's names, but take
 * the state as an argument instead of reading a global.
 *
 * Conventions
 *   - A function that can fail returns a negative errno value. Nothing prints, nothing aborts, errno is left alone.
 *   - A verdict is a code: 0 means accepted, any other code is the rule that refuses (enum MigrationVerdict).
 *   - Every object may be used from several threads at once, and in a child after fork(). Freeing is the exception:
 *     free an object once, after its last use. Every *_free() accepts NULL.
 *   - Returned `const char *` are static and never freed, unless stated otherwise. Texts are UTF-8.
 *
 * Global mutable state: one mutex in state.c, which guards the parameters of all MigrationState objects. Fork handlers
 * hold it during fork().
 */
#ifndef PYMIG_H
#define PYMIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PYMIG_API __attribute__((visibility("default")))

/* ---- The version of this library ---------------------------------------------------------------------------- */

/* Of this header. A new minor version may change any number or structure, so it has a new soname. */
#define PYMIG_VERSION_MAJOR 0
#define PYMIG_VERSION_MINOR 2
#define PYMIG_VERSION_MICRO 0

/* A version as one number, to compare: #if PYMIG_VERSION >= PYMIG_VERSION_OF(0, 2, 0) */
#define PYMIG_VERSION_OF(major, minor, micro) ((major) * 10000 + (minor) * 100 + (micro))
#define PYMIG_VERSION PYMIG_VERSION_OF(PYMIG_VERSION_MAJOR, PYMIG_VERSION_MINOR, PYMIG_VERSION_MICRO)

/* The version of the library that runs: "0.2.0", and as PYMIG_VERSION. */
PYMIG_API const char *pymig_version(void);
PYMIG_API int pymig_version_number(void);

/* ---- Capabilities ------------------------------------------------------------------------------------------- */

/* The numbers are this library's own (QEMU 9.0, which has every capability, uses the same) and are never reused. Every
 * release's enum is in the order of these numbers. */
typedef enum MigrationCapability {
    MIGRATION_CAPABILITY_XBZRLE = 0,
    MIGRATION_CAPABILITY_RDMA_PIN_ALL = 1,
    MIGRATION_CAPABILITY_AUTO_CONVERGE = 2,
    MIGRATION_CAPABILITY_ZERO_BLOCKS = 3,
    MIGRATION_CAPABILITY_COMPRESS = 4,
    MIGRATION_CAPABILITY_EVENTS = 5,
    MIGRATION_CAPABILITY_POSTCOPY_RAM = 6,
    MIGRATION_CAPABILITY_X_COLO = 7,
    MIGRATION_CAPABILITY_RELEASE_RAM = 8,
    MIGRATION_CAPABILITY_BLOCK = 9,
    MIGRATION_CAPABILITY_RETURN_PATH = 10,
    MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER = 11,
    MIGRATION_CAPABILITY_MULTIFD = 12,
    MIGRATION_CAPABILITY_DIRTY_BITMAPS = 13,
    MIGRATION_CAPABILITY_POSTCOPY_BLOCKTIME = 14,
    MIGRATION_CAPABILITY_LATE_BLOCK_ACTIVATE = 15,
    MIGRATION_CAPABILITY_X_IGNORE_SHARED = 16,
    MIGRATION_CAPABILITY_VALIDATE_UUID = 17,
    MIGRATION_CAPABILITY_BACKGROUND_SNAPSHOT = 18,
    MIGRATION_CAPABILITY_ZERO_COPY_SEND = 19,
    MIGRATION_CAPABILITY_POSTCOPY_PREEMPT = 20,
    MIGRATION_CAPABILITY_SWITCHOVER_ACK = 21,
    MIGRATION_CAPABILITY_DIRTY_LIMIT = 22,
    MIGRATION_CAPABILITY_MAPPED_RAM = 23,
    MIGRATION_CAPABILITY__MAX = 24
} MigrationCapability;

/* A set of capabilities: bit i is capability number i. */
typedef uint64_t CapabilitySet;

/* The QMP name of a capability ("postcopy-ram"), or NULL for a number out of range. */
PYMIG_API const char *migration_capability_name(int capability);

/* The number of the capability with this QMP name; -ENOENT if no release has it. Names match exactly, as in QMP: case
 * counts, and underscores do not match hyphens. */
PYMIG_API int migration_capability_from_name(const char *name);

/* ---- Which QEMU --------------------------------------------------------------------------------------------- */

/* The known releases, in version order: the first of each series, the stable releases that changed an answer, and two
 * development trees. The numbers may change between versions of this library: store names. */
typedef enum QemuRelease {
    QEMU_7_2 = 0,
    QEMU_7_2_7,
    QEMU_8_0,
    QEMU_8_0_50, /* the reference: the development tree of 24 April 2023 */
    QEMU_8_1,
    QEMU_8_1_2,
    QEMU_8_2,
    QEMU_8_2_2,
    QEMU_9_0,
    QEMU_9_1,
    QEMU_9_2,
    QEMU_9_2_1,
    QEMU_9_2_4,
    QEMU_10_0,
    QEMU_10_0_1,
    QEMU_10_1,
    QEMU_10_2,
    QEMU_10_2_50, /* the development tree of 13 February 2026 */
    QEMU_11_0,
    QEMU_11_0_3,
    QEMU_11_1,
    QEMU_RELEASE__MAX
} QemuRelease;

enum {
    QEMU_FIRST_DEVELOPMENT_MICRO = 50,   /* QEMU's development trees have versions from X.Y.50 on */
    QEMU_DEFAULT_TARGET_PAGE_SIZE = 4096 /* x86's, in bytes */
};

/* "8.0.0"; NULL for a number out of range. */
PYMIG_API const char *qemu_release_name(int release);

/* The release that answers like this version: QEMU_10_0_1 for 10.0.13. A micro of -1 means the newest of the series. A
 * micro from QEMU_FIRST_DEVELOPMENT_MICRO on is a development tree; only those in the enum are known. -ENOENT if the
 * version is unknown. */
PYMIG_API int qemu_release_of_version(int major, int minor, int micro);

/* One QEMU binary: its release, and the configure-time choices that change its answers. */
typedef struct QemuBuild {
    int release;               /* enum QemuRelease */
    int probe_release;         /* whose host probe it has: `release`, or a later one in a downstream build */
    bool live_block_migration; /* CONFIG_LIVE_BLOCK_MIGRATION */
    bool replication;          /* CONFIG_REPLICATION */
    bool on_linux;             /* CONFIG_LINUX */
    bool direct_io;            /* built on a platform with O_DIRECT */
    uint32_t compressions;     /* built-in values of multifd-compression: bit n is enum MultiFDCompression n */
    int machine_version;       /* from qemu_machine_version(); some defaults depend on it */
    uint64_t target_page_size; /* of its target and machine, in bytes; 0: the default */
    /* Capabilities and parameters (bit n is enum MigrationParameter n) that a downstream build added to its release or
     * removed from it. Zero for upstream builds. */
    CapabilitySet capabilities_added, capabilities_removed;
    uint64_t parameters_added, parameters_removed;
} QemuBuild;

/* A distribution's build whose answers differ from those of its upstream version. */
typedef struct QemuDownstream {
    const char *name;    /* "rhel-9.3" */
    const char *package; /* its package version, as an fnmatch(3) pattern */
    QemuBuild build;
} QemuDownstream;

/* Downstream build number n; NULL for a number out of range. */
PYMIG_API const QemuDownstream *qemu_downstream(int number);

/* The name of target number n ("x86_64"); NULL for a number out of range. A name may occur more than once. */
PYMIG_API const char *qemu_target_name(int number);

/* The page size in bytes of this target and machine (NULL: -machine none); 0 for an unknown target. It is the minimum
 * of xbzrle-cache-size, and the first step of the postcopy probe compares it with the host's. */
PYMIG_API uint64_t qemu_target_page_size(int release, const char *target, const char *machine);

/* The version of a machine type as 100 * major + minor: 802 for "pc-q35-8.2". 0, the newest, if the name has none. */
PYMIG_API int qemu_machine_version(const char *machine);

/* The members of the release's MigrationCapability enum: what its setter accepts. Empty for an unknown release. */
PYMIG_API CapabilitySet qemu_build_capabilities(const QemuBuild *build);

/* The capabilities that query-migrate-capabilities lists: without live block migration, `block` is not listed. */
PYMIG_API CapabilitySet qemu_build_listed(const QemuBuild *build);

/* The capabilities of this build that the QAPI schema marks as unstable, and as deprecated. */
PYMIG_API CapabilitySet qemu_build_unstable(const QemuBuild *build);
PYMIG_API CapabilitySet qemu_build_deprecated(const QemuBuild *build);

/* ---- What a host can do ------------------------------------------------------------------------------------- */

/* QEMU's write-tracking support, worst to best. */
typedef enum WriteTracking {
    WRITE_TRACKING_UNKNOWN = 0,   /* not found out */
    WRITE_TRACKING_ABSENT = 1,    /* ram_write_tracking_available() is false */
    WRITE_TRACKING_AVAILABLE = 2, /* available, but ram_write_tracking_compatible() is false */
    WRITE_TRACKING_COMPATIBLE = 3 /* both are true */
} WriteTracking;

/* The steps of postcopy_ram_supported_by_host(), in their order. */
typedef enum PostcopyStep {
    POSTCOPY_STEP_NONE = 0,             /* no step failed, or the failed step is unknown */
    POSTCOPY_STEP_TARGET_PAGE_SIZE = 1, /* the target's page size is larger than the host's */
    POSTCOPY_STEP_OPEN = 2,             /* no userfaultfd can be opened */
    POSTCOPY_STEP_DEVICES = 3,          /* a device object refuses; this library has none, so this step never fails */
    POSTCOPY_STEP_QUERY_FEATURES = 4,   /* the second descriptor, or UFFDIO_API on it */
    POSTCOPY_STEP_REQUEST_FEATURES = 5, /* UFFDIO_API on the first descriptor */
    POSTCOPY_STEP_API_IOCTLS = 6,       /* UFFDIO_REGISTER or UFFDIO_UNREGISTER is missing */
    POSTCOPY_STEP_HUGE_PAGES = 7,       /* huge pages, without UFFD_FEATURE_MISSING_HUGETLBFS */
    POSTCOPY_STEP_BLOCK_LENGTH = 8,     /* a block is no multiple of its page size */
    POSTCOPY_STEP_FILE_SYSTEM = 9,      /* a block's file is neither on tmpfs nor on hugetlbfs */
    POSTCOPY_STEP_MUNLOCKALL = 10,
    POSTCOPY_STEP_MAP = 11,          /* one page of private anonymous memory cannot be mapped */
    POSTCOPY_STEP_REGISTER = 12,     /* UFFDIO_REGISTER of that page with UFFDIO_REGISTER_MODE_MISSING */
    POSTCOPY_STEP_UNREGISTER = 13,   /* UFFDIO_UNREGISTER of that page */
    POSTCOPY_STEP_RANGE_IOCTLS = 14, /* UFFDIO_WAKE, UFFDIO_COPY or UFFDIO_ZEROPAGE is missing for the range */
    POSTCOPY_STEP_MEMORY = 15        /* not a step of QEMU's: a block can't be created, so QEMU would not start */
} PostcopyStep;

/* Used in place of an errno value. */
enum {
    PYMIG_ERROR_UNKNOWN =
        4094,                 /* the answer can't be found out without changing something, or its finder was stopped */
    PYMIG_ERROR_KILLED = 4095 /* a seccomp filter would kill the process for making the system call */
};

/* Whether a probe that failed with this errno value found nothing out about the host: PYMIG_ERROR_UNKNOWN, or a passing
 * lack of descriptors, memory or time (EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR). No host is said to refuse
 * because of such an error. */
PYMIG_API bool host_error_is_inconclusive(int error);

/* The answer of postcopy_ram_supported_by_host(). */
typedef struct PostcopySupport {
    bool ok;
    int step;        /* enum PostcopyStep: the first step that failed */
    int error;       /* errno of that step's system call; 0 if no system call failed */
    uint32_t detail; /* step 4: 1 if the descriptor failed, 2 if UFFDIO_API failed; 5 and 6: the requested features;
                        6 (high half) and 14: the missing ioctls; 8, 9 and 15: the index of the block */
    uint64_t block_length, block_page_size; /* step 8: that block's, in bytes */
} PostcopySupport;

/* What backs a block of guest memory. */
typedef enum RamBlockKind {
    RAM_BLOCK_ANONYMOUS = 0, /* memory-backend-ram */
    RAM_BLOCK_MEMFD = 1,     /* memory-backend-memfd */
    RAM_BLOCK_FILE = 2       /* memory-backend-file */
} RamBlockKind;

/* One block of guest memory, as a QEMU memory backend creates it. Sizes in bytes. */
typedef struct RamBlock {
    int kind; /* enum RamBlockKind */
    bool share;
    bool readonly;
    bool in_use;        /* a guest has it already, so no huge page need be free for it */
    uint64_t size;      /* the backend's size; 0: one page of the backing memory */
    uint64_t page_size; /* memfd: the huge page size, a power of two; 0: the host's page size */
    const char *path;   /* file: an existing file or directory; it is not modified */
} RamBlock;

/* The file system behind a block, as far as QEMU distinguishes them. */
typedef enum RamFileSystem {
    RAM_FILE_SYSTEM_NONE = 0, /* no file behind it */
    RAM_FILE_SYSTEM_OTHER = 1,
    RAM_FILE_SYSTEM_TMPFS = 2,
    RAM_FILE_SYSTEM_HUGETLBFS = 3
} RamFileSystem;

/* The result of probing one block on this machine. */
typedef struct RamBlockReport {
    int map_error;      /* errno of creating or mapping it; 0 if that works */
    int register_error; /* errno of UFFDIO_REGISTER for write protection; 0 if it works, -1 if not tried */
    bool tracked;       /* it can be write-tracked, or it is read-only and need not be */
    int postcopy_step;  /* the step of the postcopy probe that refuses it: 0, 8, 9 or 15 */
    int file_system;    /* enum RamFileSystem */
    uint64_t page_size; /* of the backing memory, in bytes; 0 if it can't be created */
} RamBlockReport;

/* How userfaultfd behaves on this machine. Each error is an errno value, 0 if the step worked, -1 if it was not tried.
 */
typedef struct UffdReport {
    int device_error;  /* open("/dev/userfaultfd", O_RDWR | O_CLOEXEC) */
    int open_error;    /* USERFAULTFD_IOC_NEW on it or, if it did not open, the system call userfaultfd(2) */
    int api_error;     /* UFFDIO_API, requesting no feature */
    uint64_t features; /* uffdio_api.features: all features of the kernel; 0 if unknown */
    uint64_t ioctls;   /* uffdio_api.ioctls: bit n is ioctl number n */
} UffdReport;

/* The result of each method of opening a userfaultfd, for a diagnosis. Errors as in UffdReport. */
typedef struct UffdMethods {
    int device_open_error;       /* open("/dev/userfaultfd", O_RDWR | O_CLOEXEC) */
    int device_new_error;        /* USERFAULTFD_IOC_NEW on it; -1 if the device did not open */
    int syscall_error;           /* userfaultfd(O_CLOEXEC) */
    int syscall_user_mode_error; /* userfaultfd(O_CLOEXEC | UFFD_USER_MODE_ONLY), which QEMU can't use */
    int seccomp_mode;            /* prctl(PR_GET_SECCOMP): 2 with a filter; -1 if unknown */
    uint64_t effective;          /* the process's effective capabilities; bit 19 is CAP_SYS_PTRACE */
} UffdMethods;

/* The variants of the host probe, by release. */
typedef enum ProbeVariant {
    PROBE_REFERENCE = 0, /* 8.0.50 and later */
    PROBE_8_0 = 1,       /* without the step that checks file systems */
    PROBE_7_2 = 2,       /* as PROBE_8_0, and userfaultfd is opened by the system call only */
    PROBE_VARIANT__MAX = 3
} ProbeVariant;

/* The blocks that write tracking must cover. */
typedef enum WriteTrackingScope {
    SCOPE_ALL_BLOCKS = 0,
    SCOPE_WITHOUT_SHARED = 1,       /* up to 8.0.50, if x-ignore-shared is already on */
    SCOPE_WITHOUT_SHARED_FILES = 2, /* from 8.1 on: only shared blocks of kind file are skipped */
    WRITE_TRACKING_SCOPE__MAX = 3
} WriteTrackingScope;

/* enum ProbeVariant of a release; PROBE_REFERENCE for a number out of range. */
PYMIG_API int qemu_release_probe_variant(int release);

/* enum WriteTrackingScope of a release while x-ignore-shared is on. */
PYMIG_API int qemu_release_scope(int release);

/* The facts about a host that checks need, as one probe variant finds them. */
typedef struct HostFacts {
    int write_tracking[3];    /* enum WriteTracking, by enum WriteTrackingScope */
    PostcopySupport postcopy; /* not found out if its `error` is inconclusive */
    int write_tracking_error; /* errno for which write_tracking is unknown in some scope; else 0 */
} HostFacts;

/* Everything that the probes find on this machine, at one moment. */
typedef struct HostReport {
    UffdReport uffd;
    HostFacts facts[3]; /* by enum ProbeVariant */
    uint64_t page_size; /* of the host, in bytes */
} HostReport;

/* ram_write_tracking_available(): the kernel's userfaultfd has UFFD_FEATURE_PAGEFAULT_FLAG_WP. Probes the kernel on
 * every call. Like QEMU's, false also where it was not found out; migration_host_write_tracking() tells the two apart.
 */
PYMIG_API bool ram_write_tracking_available(void);

/* ram_write_tracking_compatible(): every block that is not read-only can be registered for write protection;
 * `ignore_shared` skips shared blocks. Maps a small piece of each block, registers it with UFFDIO_REGISTER_MODE_WP and
 * releases it. Probes the kernel on every call. False as above. */
PYMIG_API bool ram_write_tracking_compatible(const RamBlock *blocks, size_t count, bool ignore_shared);

/* postcopy_ram_supported_by_host(), step by step, for these blocks and a target with this page size (bytes; 0: the
 * host's). QEMU's probe unlocks all memory of the process (munlockall). This one gives the same answer without touching
 * the caller's locks. Probes the kernel on every call. */
PYMIG_API PostcopySupport postcopy_ram_supported_by_host(const RamBlock *blocks, size_t count,
                                                         uint64_t target_page_size);

/* This release's text for this answer: up to 8.0.50 the two lines that it logs, separated by a newline; from 8.1 on the
 * part after "Postcopy is not supported: ". Works like snprintf(): writes at most `size` bytes including the NUL,
 * returns the length of the whole text. "" if postcopy is supported, or if the failed step is unknown. */
PYMIG_API int postcopy_support_message(const PostcopySupport *support, int release, char *text, size_t size);

/* All probes above at once. `reports`, which may be NULL, receives one report per block. */
PYMIG_API HostReport host_probe(const RamBlock *blocks, size_t count, uint64_t target_page_size,
                                RamBlockReport *reports);

/* Tries every method of opening a userfaultfd. */
PYMIG_API UffdMethods uffd_probe_methods(void);

/* What a transport needs of the host, besides what QEMU checks. */
typedef enum HostTransport {
    TRANSPORT_ZERO_COPY = 0, /* for zero-copy-send: setsockopt(SO_ZEROCOPY) of a TCP socket */
    TRANSPORT_RDMA,          /* to open /dev/infiniband/rdma_cm and one of /dev/infiniband/uverbsN */
    TRANSPORT__MAX
} HostTransport;

/* Asks this host. Returns 0, or the errno for which it has none; EINVAL for a number out of range. */
PYMIG_API int host_transport_error(int transport);

/* What decides what the kernel lets a process do, and what a child takes on to ask in its place. */
typedef enum ProcessTrait {
    PROCESS_CGROUP = 0, /* and so the device program */
    PROCESS_MOUNT_NAMESPACE,
    PROCESS_PID_NAMESPACE,
    PROCESS_USER_NAMESPACE,
    PROCESS_ROOT,   /* the root directory */
    PROCESS_LIMITS, /* RLIMIT_MEMLOCK, RLIMIT_FSIZE, RLIMIT_NOFILE */
    PROCESS_GROUPS, /* group ids and supplementary groups */
    PROCESS_USER,
    PROCESS_CAPABILITIES,
    PROCESS_SECCOMP,
    PROCESS_LABEL, /* of a Linux security module */
    PROCESS_ARCHITECTURE,
    PROCESS_TRAIT__MAX
} ProcessTrait;

/* "mount namespace"; NULL for a number out of range. */
PYMIG_API const char *process_trait_name(int trait);

/* In whose place the host is asked: a process's, or a user's who has no capabilities. */
typedef struct ProcessPlace {
    int pid;                /* 0: the user's */
    uint32_t uid, gid;      /* of the user */
    const uint32_t *groups; /* the user's supplementary groups */
    size_t n_groups;
    bool no_ptrace; /* never stop the process: its seccomp filters can't be read then */
} ProcessPlace;

/* What was found in the place of a process. */
typedef struct ProcessReport {
    HostReport host;
    UffdMethods methods;
    int transports[2]; /* by enum HostTransport: as host_transport_error(); PYMIG_ERROR_KILLED if a filter kills for it,
                          PYMIG_ERROR_UNKNOWN if it was not asked */
    int missing[12];   /* by enum ProcessTrait: errno for which it could not be taken on, ECANCELED without ptrace,
                          PYMIG_ERROR_KILLED if a filter killed while they were installed; 0 if it was, or need not be */
    int64_t optmem_max; /* net.core.optmem_max in its network namespace; a negative errno, or -PYMIG_ERROR_UNKNOWN */
    int unasked;      /* errno for which nothing could be asked; `host` and `methods` are empty then. 0: they are not */
    uint64_t stopped; /* ns for which the process was stopped to read its seccomp filters */
} ProcessReport;

/* host_probe(), uffd_probe_methods() and host_transport_error() in the place of a process. A child takes on its
 * namespaces (mount, pid, user), cgroup, root directory, limits, groups, user, capabilities and seccomp filters, asks,
 * and ends; nothing else changes. The process is stopped only if it has seccomp filters, for as long as copying them
 * takes. That, and most of the rest, takes the capabilities of root. Returns 0; -ESRCH if there is no such process, or
 * it ended meanwhile; -ETIMEDOUT after 20 seconds; -ENOMEM or another errno if there is no room for it. */
PYMIG_API int host_probe_process(const ProcessPlace *place, const RamBlock *blocks, size_t count,
                                 uint64_t target_page_size, ProcessReport *report, RamBlockReport *reports);

/* The folder of a process's cgroup in the hierarchy of this controller: "hugetlb", for version 1; "" for version 2. It
 * is looked for where this process, process 1 or that process has mounted the hierarchy. Works like snprintf(); or
 * returns -ESRCH if there is no such process, -ENODEV if it is in no such hierarchy, -ENOENT if the hierarchy is not
 * mounted, or another negative errno. */
PYMIG_API int process_cgroup(int pid, const char *controller, char *path, size_t size);

/* The effective capabilities of the calling thread; bit n is the capability with number n. */
PYMIG_API uint64_t process_effective_capabilities(void);

/* prctl(PR_GET_SECCOMP) of this process: 2 with a seccomp filter; -1 if unknown. */
PYMIG_API int process_seccomp_mode(void);

/* The name of bit n of uffdio_api.features ("pagefault-flag-wp"); NULL if this library has no name for it. */
PYMIG_API const char *uffd_feature_name(int bit);

/* The name of bit n of uffdio_api.ioctls ("register"); NULL if this library has no name for it. */
PYMIG_API const char *uffd_ioctl_name(int bit);

/* What one host can do: either stated, or found by probing this machine's kernel. Each probe runs when a check first
 * needs it, and its answer is kept. What it did not find out is not kept, so the next question probes again. */
typedef struct MigrationHost MigrationHost;

/* This machine, with a guest that has these blocks (copied, including paths) and this page size (0: the host's).
 * Returns 0; -EINVAL for a block of kind file without a path; -ENOMEM. */
PYMIG_API int migration_host_local(const RamBlock *blocks, size_t count, uint64_t target_page_size,
                                   MigrationHost **host);

/* A host with these facts (copied), by enum ProbeVariant. What is unknown stays so. `page_size` is the host's in bytes,
 * 0 if unknown. Returns 0; -EINVAL if a number is out of range, or if write tracking is unknown without an inconclusive
 * error; -ENOMEM. */
PYMIG_API int migration_host_stated(const HostFacts facts[PROBE_VARIANT__MAX], uint64_t page_size,
                                    MigrationHost **host);

PYMIG_API void migration_host_free(MigrationHost *host);

/* Forgets a local host's answers, so that the next question probes the kernel again. A stated host keeps its facts. */
PYMIG_API void migration_host_refresh(MigrationHost *host);

/* enum WriteTracking as this variant finds it within this scope: UNKNOWN if it was not found out (see
 * migration_host_error()) or if a number is out of range. Concurrent first queries may each probe the kernel; the first
 * result wins. */
PYMIG_API int migration_host_write_tracking(MigrationHost *host, int variant, int scope);

/* The postcopy probe's answer for this variant; "not supported" for a number out of range. It was not found out if its
 * `error` is inconclusive. Concurrent first queries as above. */
PYMIG_API PostcopySupport migration_host_postcopy(MigrationHost *host, int variant);

/* The errno for which a question to this host was last not found out; 0 if that never happened. It explains -EAGAIN of
 * the functions below. */
PYMIG_API int migration_host_error(const MigrationHost *host);

/* ---- A program that is queried ------------------------------------------------------------------------------- */

enum {
    GUARDED_PROCESS_DESCRIPTORS = 8 /* the most that a program may be given */
};

/* A program under a guardian: a process that ends as soon as the program has ended, the caller has died, or the caller
 * asks for it, and that first kills the program and all its descendants with SIGKILL. Nothing is left, also of programs
 * that call setsid(). Without /proc, descendants that have left the program's process group may stay. */
typedef struct GuardedProcess {
    int guardian; /* its process number; 0: none */
    int caller;   /* the process number of the caller */
    int life;     /* a socket: the errno of execve(2) as an int if the program can't be started; end of file once the
                     guardian has ended */
} GuardedProcess;

/* Starts arguments[0], a path, with these arguments (ended by NULL) and the caller's environment: in a session of its
 * own, with all signals at their defaults, and with exactly these descriptors, numbered from 0 on. Does not wait for
 * execve(2), which reports through `life`. The guardian sends no SIGCHLD, and the caller's waits don't see it. Returns
 * 0; -EINVAL without arguments or with too many descriptors; the negative errno of socketpair(2) or clone(2). */
PYMIG_API int guarded_process_start(const char *const arguments[], const int descriptors[], size_t count,
                                    GuardedProcess *process);

/* Ends the program, and waits until all its processes have died: a moment, at most a few seconds. Without a guardian,
 * does nothing. In a child of the caller after fork(), only closes `life`. */
PYMIG_API void guarded_process_end(GuardedProcess *process);

/* ---- The check ---------------------------------------------------------------------------------------------- */

/* Verdicts: one code per rule, never reused. */
typedef enum MigrationVerdict {
    MIGRATION_ACCEPTED = 0,
    MIGRATION_BLOCK_NOT_BUILT = 1,
    MIGRATION_COLO_NOT_BUILT = 2,
    MIGRATION_POSTCOPY_HOST = 3,
    MIGRATION_POSTCOPY_IGNORE_SHARED = 4,
    MIGRATION_SNAPSHOT_KERNEL = 5,
    MIGRATION_SNAPSHOT_MEMORY = 6,
    MIGRATION_SNAPSHOT_POSTCOPY_RAM = 7,
    MIGRATION_SNAPSHOT_DIRTY_BITMAPS = 8,
    MIGRATION_SNAPSHOT_POSTCOPY_BLOCKTIME = 9,
    MIGRATION_SNAPSHOT_LATE_BLOCK_ACTIVATE = 10,
    MIGRATION_SNAPSHOT_RETURN_PATH = 11,
    MIGRATION_SNAPSHOT_MULTIFD = 12,
    MIGRATION_SNAPSHOT_PAUSE_BEFORE_SWITCHOVER = 13,
    MIGRATION_SNAPSHOT_AUTO_CONVERGE = 14,
    MIGRATION_SNAPSHOT_RELEASE_RAM = 15,
    MIGRATION_SNAPSHOT_RDMA_PIN_ALL = 16,
    MIGRATION_SNAPSHOT_COMPRESS = 17,
    MIGRATION_SNAPSHOT_XBZRLE = 18,
    MIGRATION_SNAPSHOT_X_COLO = 19,
    MIGRATION_SNAPSHOT_VALIDATE_UUID = 20,
    MIGRATION_SNAPSHOT_ZERO_COPY_SEND = 21,
    MIGRATION_ZERO_COPY_PLAIN_MULTIFD = 22,
    MIGRATION_ZERO_COPY_LINUX = 23,
    MIGRATION_PREEMPT_POSTCOPY_RAM = 24,
    MIGRATION_PREEMPT_COMPRESS = 25,
    MIGRATION_MULTIFD_COMPRESS = 26,
    MIGRATION_POSTCOPY_MULTIFD = 27,
    MIGRATION_MULTIFD_SINGLE_CHANNEL = 28,
    MIGRATION_PREEMPT_INCOMING_STARTED = 29,
    MIGRATION_MULTIFD_INCOMING_STARTED = 30,
    MIGRATION_SWITCHOVER_ACK_RETURN_PATH = 31,
    MIGRATION_DIRTY_LIMIT_AUTO_CONVERGE = 32,
    MIGRATION_DIRTY_LIMIT_KVM = 33,
    MIGRATION_MULTIFD_XBZRLE = 34,
    MIGRATION_COMPRESS_XBZRLE = 35,
    MIGRATION_MAPPED_RAM_XBZRLE = 36,
    MIGRATION_MAPPED_RAM_COMPRESS = 37,
    MIGRATION_MAPPED_RAM_POSTCOPY_RAM = 38,
    MIGRATION_RDMA_XBZRLE = 39,
    MIGRATION_RDMA_MULTIFD = 40,
    MIGRATION_RDMA_POSTCOPY_RAM = 41,
    MIGRATION_COLO_RETURN_PATH = 42,
    MIGRATION_VERDICT__MAX = 43
} MigrationVerdict;

/* The rule behind a code. */
typedef struct MigrationRule {
    const char *id;             /* stable, e.g. "background-snapshot/multifd" */
    const char *message;        /* QEMU's text, as in the QMP error */
    const char *hint;           /* QEMU's second text, shown only by HMP; NULL if none */
    CapabilitySet capabilities; /* all capabilities that the rule looks at */
    CapabilitySet trigger;      /* it refuses while this one is on, */
    CapabilitySet need;         /* unless all of these are on, */
    CapabilitySet forbid;       /* all of these are off, */
    uint64_t parameters;        /* and these have their defaults (bit n is enum MigrationParameter n); if `need` and
                                   `forbid` are empty, it refuses whenever the trigger is on */
    bool reason_follows;        /* the text continues with ": " and postcopy_support_message() */
} MigrationRule;

/* The context of a check, except for the host. */
typedef struct MigrationContext {
    QemuBuild build;
    bool incoming;             /* QEMU waits for an incoming migration (-incoming, including defer) */
    bool incoming_started;     /* a listening socket of the incoming side is open (from 8.1 on) */
    bool kvm_dirty_ring;       /* KVM runs with its dirty ring, dirty-ring-size (from 8.1 on) */
    bool rdma;                 /* an RDMA migration is set up (from 10.1 on) */
    bool single_channel;       /* the incoming transport can't carry several channels (7.2 only) */
    bool compressed;           /* multifd-compression is not none */
    bool tls;                  /* tls-creds is set and not empty */
    bool no_ram_tracked;       /* write tracking skips every block: mode is cpr-transfer or cpr-exec */
    uint64_t target_page_size; /* of the guest, in bytes; 0: the build's */
} MigrationContext;

/* A context, compiled for many checks. */
typedef struct MigrationChecker MigrationChecker;

/* The host is borrowed: it must outlive the checker. Returns 0; -EINVAL if the release is unknown; -ENOMEM. */
PYMIG_API int migration_checker_new(const MigrationContext *context, MigrationHost *host, MigrationChecker **checker);

PYMIG_API void migration_checker_free(MigrationChecker *checker);

/* The postcopy probe's answer for this checker's build and target. The verdict MIGRATION_POSTCOPY_HOST depends on it.
 */
PYMIG_API PostcopySupport migration_checker_postcopy(const MigrationChecker *checker);

/* The whole text of a verdict, including the host's reason if the release reports it. Works like snprintf(); -ENOENT if
 * the build has no rule with this code; -EAGAIN if the host's reason was not found out. */
PYMIG_API int migration_checker_message(const MigrationChecker *checker, int code, char *text, size_t size);

/* migrate_caps_check(): would QEMU accept the change from `old_set` to `new_set`? Returns the code of the first rule
 * that refuses, or MIGRATION_ACCEPTED; -EINVAL if a set has a capability that the release lacks. The host is probed
 * only when a rule needs it. -EAGAIN if the answer depends on what the probe did not find out (migration_host_error()
 * says why): that is never a refusal, and the next call probes again. */
PYMIG_API int migrate_caps_check(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set);

/* The same with an empty old set. */
PYMIG_API int migrate_caps_check_set(const MigrationChecker *checker, CapabilitySet set);

/* Every rule that refuses, in QEMU's order: writes their codes to `codes`, returns their number. Errors as above. If
 * the kernel can't track writes, MIGRATION_SNAPSHOT_MEMORY is not listed, because it can't be tested. */
PYMIG_API int migrate_caps_explain(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                                   uint8_t codes[MIGRATION_VERDICT__MAX]);

enum {
    MIGRATION_UNKNOWN_CAPABILITY = 255, /* the code of a set with a capability that the release lacks */
    MIGRATION_CODES = 256
};

/* migrate_caps_check() of many sets against one old set, one code per word. Returns 0; -EINVAL if `old_set` has a
 * capability that the release lacks; -EAGAIN if the answer to any depends on what was not found out; -EFAULT if the
 * words are not aligned. Unless it returns 0, nothing is written. */
PYMIG_API int migrate_caps_check_many32(const MigrationChecker *checker, CapabilitySet old_set,
                                        const uint32_t *new_sets, size_t count, uint8_t *codes);
PYMIG_API int migrate_caps_check_many64(const MigrationChecker *checker, CapabilitySet old_set,
                                        const uint64_t *new_sets, size_t count, uint8_t *codes);

/* How many of these sets get each code. Returns as above. */
PYMIG_API int migrate_caps_histogram32(const MigrationChecker *checker, CapabilitySet old_set, const uint32_t *new_sets,
                                       size_t count, uint64_t counts[256]);
PYMIG_API int migrate_caps_histogram64(const MigrationChecker *checker, CapabilitySet old_set, const uint64_t *new_sets,
                                       size_t count, uint64_t counts[256]);

enum {
    MIGRATION_ROW = 256,         /* the sets of a row differ only in the capabilities 0 to 7 */
    MIGRATION_UNDECIDED = 0xffff /* a cell of a table */
};

/* The verdicts on every set, with an empty old set, as a table whose rows equal sets of sets share. The cell of a set
 * is cells[rows[row_of[set >> 8] * 256 + (set & 255)]]: its code, and the warnings of migrate_caps_warnings() from bit
 * 8 on; or MIGRATION_UNDECIDED, where the set has a capability of `left_out` or one that the release lacks, or where
 * the answer depends on what the host has not been asked. Cells that are not used are MIGRATION_UNDECIDED, too.
 *
 * `row_of` has room for (known >> 8) + 1 bytes, `known` being qemu_build_capabilities(); `rows` for 256 rows. Returns
 * the number of rows; -E2BIG if there are too many. */
PYMIG_API int migrate_caps_table(const MigrationChecker *checker, CapabilitySet left_out, uint8_t *row_of,
                                 uint8_t *rows, uint16_t cells[256]);

/* The warnings that QEMU gives before it reaches this verdict: bit n is warning number n. */
PYMIG_API uint32_t migrate_caps_warnings(const MigrationChecker *checker, CapabilitySet new_set, int code);

/* The text of warning number n; NULL for a number out of range. */
PYMIG_API const char *migration_warning(int number);

/* Fills in this build's rule with this code. -ENOENT if the build has no such rule. */
PYMIG_API int migration_rule(const QemuBuild *build, int code, MigrationRule *rule);

/* ---- Parameters --------------------------------------------------------------------------------------------- */

/* In the order of the members of QEMU's MigrateSetParameters, in which QEMU reads a request. */
typedef enum MigrationParameter {
    MIGRATION_PARAMETER_ANNOUNCE_INITIAL = 0,
    MIGRATION_PARAMETER_ANNOUNCE_MAX,
    MIGRATION_PARAMETER_ANNOUNCE_ROUNDS,
    MIGRATION_PARAMETER_ANNOUNCE_STEP,
    MIGRATION_PARAMETER_COMPRESS_LEVEL,
    MIGRATION_PARAMETER_COMPRESS_THREADS,
    MIGRATION_PARAMETER_COMPRESS_WAIT_THREAD,
    MIGRATION_PARAMETER_DECOMPRESS_THREADS,
    MIGRATION_PARAMETER_THROTTLE_TRIGGER_THRESHOLD,
    MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL,
    MIGRATION_PARAMETER_CPU_THROTTLE_INCREMENT,
    MIGRATION_PARAMETER_CPU_THROTTLE_TAILSLOW,
    MIGRATION_PARAMETER_TLS_CREDS,
    MIGRATION_PARAMETER_TLS_HOSTNAME,
    MIGRATION_PARAMETER_TLS_AUTHZ,
    MIGRATION_PARAMETER_MAX_BANDWIDTH,
    MIGRATION_PARAMETER_AVAIL_SWITCHOVER_BANDWIDTH,
    MIGRATION_PARAMETER_DOWNTIME_LIMIT,
    MIGRATION_PARAMETER_X_CHECKPOINT_DELAY,
    MIGRATION_PARAMETER_BLOCK_INCREMENTAL,
    MIGRATION_PARAMETER_MULTIFD_CHANNELS,
    MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE,
    MIGRATION_PARAMETER_MAX_POSTCOPY_BANDWIDTH,
    MIGRATION_PARAMETER_MAX_CPU_THROTTLE,
    MIGRATION_PARAMETER_MULTIFD_COMPRESSION,
    MIGRATION_PARAMETER_MULTIFD_ZLIB_LEVEL,
    MIGRATION_PARAMETER_MULTIFD_QATZIP_LEVEL,
    MIGRATION_PARAMETER_MULTIFD_ZSTD_LEVEL,
    MIGRATION_PARAMETER_BLOCK_BITMAP_MAPPING,
    MIGRATION_PARAMETER_X_VCPU_DIRTY_LIMIT_PERIOD,
    MIGRATION_PARAMETER_VCPU_DIRTY_LIMIT,
    MIGRATION_PARAMETER_MODE,
    MIGRATION_PARAMETER_ZERO_PAGE_DETECTION,
    MIGRATION_PARAMETER_DIRECT_IO,
    MIGRATION_PARAMETER_X_RDMA_CHUNK_SIZE,
    MIGRATION_PARAMETER_CPR_EXEC_COMMAND,
    MIGRATION_PARAMETER__MAX
} MigrationParameter;

typedef enum MultiFDCompression {
    MULTIFD_COMPRESSION_NONE = 0,
    MULTIFD_COMPRESSION_ZLIB = 1,
    MULTIFD_COMPRESSION_ZSTD = 2,
    MULTIFD_COMPRESSION_QATZIP = 3,
    MULTIFD_COMPRESSION_QPL = 4,
    MULTIFD_COMPRESSION_UADK = 5,
    MULTIFD_COMPRESSION__MAX = 6
} MultiFDCompression;

typedef enum MigMode {
    MIG_MODE_NORMAL = 0,
    MIG_MODE_CPR_REBOOT = 1,
    MIG_MODE_CPR_TRANSFER = 2,
    MIG_MODE_CPR_EXEC = 3,
    MIG_MODE__MAX = 4
} MigMode;

typedef enum ZeroPageDetection {
    ZERO_PAGE_DETECTION_NONE = 0,
    ZERO_PAGE_DETECTION_LEGACY = 1,
    ZERO_PAGE_DETECTION_MULTIFD = 2,
    ZERO_PAGE_DETECTION__MAX = 3
} ZeroPageDetection;

/* The QMP type of a parameter. */
typedef enum ParameterType {
    PARAMETER_UINT8 = 0,
    PARAMETER_UINT32 = 1,
    PARAMETER_UINT64 = 2, /* also QAPI's size */
    PARAMETER_BOOL = 3,
    PARAMETER_STRING = 4, /* StrOrNull; null unsets it, a query gives "" */
    PARAMETER_ENUM = 5,
    PARAMETER_STRINGS = 6, /* a list of strings */
    PARAMETER_BITMAPS = 7  /* a list of BitmapMigrationNodeAlias */
} ParameterType;

/* The kinds of value that a QMP request can hold. */
typedef enum QmpType {
    QMP_NULL = 0,
    QMP_BOOL = 1,
    QMP_INT = 2,    /* -2^63 .. 2^64-1; a negative number as two's complement, as QEMU reads it */
    QMP_NUMBER = 3, /* any other number; no migration parameter takes one */
    QMP_STRING = 4,
    QMP_ARRAY = 5,
    QMP_OBJECT = 6,
    QMP_OTHER = 7 /* not a JSON value */
} QmpType;

/* A value in a QMP request or answer. */
typedef struct QmpValue {
    int type;        /* enum QmpType */
    uint64_t number; /* bool: 0 or 1; array or object: the number of elements or members */
    const char *text;
    const struct QmpValue *elements; /* array */
    const struct QmpMember *members; /* object */
} QmpValue;

/* A member of a QMP object. */
typedef struct QmpMember {
    const char *name;
    QmpValue value;
} QmpMember;

/* The index of the unexpected member that QEMU would name. `visited` holds the indices of the expected members, in the
 * order in which QEMU visits them. At least one member must be unexpected. -ENOMEM if out of memory. */
PYMIG_API long qmp_first_unvisited(const QmpMember *members, size_t count, const size_t *visited, size_t n_visited);

/* Why a request was refused. */
typedef struct MigrationError {
    int parameter;   /* enum MigrationParameter, or -1 */
    bool wrong_type; /* the value has the wrong QMP type */
    int unexpected;  /* the index of a member whose name no parameter has, if there is one; else -1 */
    char *message;   /* QEMU's text; free it with migration_error_clear(). NULL if out of memory */
} MigrationError;

PYMIG_API void migration_error_clear(MigrationError *error);

/* The QMP name of a parameter ("multifd-channels"); NULL for a number out of range. */
PYMIG_API const char *migration_parameter_name(int parameter);

/* The number of the parameter with this QMP name, or -ENOENT. */
PYMIG_API int migration_parameter_from_name(const char *name);

/* enum ParameterType, or -EINVAL for a number out of range. */
PYMIG_API int migration_parameter_type(int parameter);

/* Whether this build has the parameter, and whether its QAPI schema marks it as deprecated or unstable. */
PYMIG_API bool migration_parameter_known(const QemuBuild *build, int parameter);
PYMIG_API bool migration_parameter_deprecated(const QemuBuild *build, int parameter);
PYMIG_API bool migration_parameter_unstable(const QemuBuild *build, int parameter);

/* Whether this release accepts the parameter and ignores it (multifd-zlib-level and -zstd-level up to 8.2, a bug in
 * QEMU): a value of the right type is never stored. */
PYMIG_API bool migration_parameter_ignored(const QemuBuild *build, int parameter);

/* The warning that this build writes to its standard error when the parameter is set; NULL if none. */
PYMIG_API const char *migration_parameter_warning(const QemuBuild *build, int parameter);

/* The name of an enum parameter's value ("zstd") in any release; NULL for numbers out of range. */
PYMIG_API const char *migration_parameter_value_name(int parameter, uint64_t value);

/* Whether this build accepts that value. */
PYMIG_API bool migration_parameter_value_known(const QemuBuild *build, int parameter, uint64_t value);

/* Sets the fields of a context that depend on parameters, as migrate-set-parameters would on a fresh QEMU. Returns 0;
 * -EINVAL if QEMU would refuse, with its text in `error` (which must then be cleared); -ENOMEM. */
PYMIG_API int migration_context_apply(MigrationContext *context, const QmpMember *members, size_t count,
                                      MigrationError *error);

/* A snapshot of all parameters. */
typedef struct MigrationParameters MigrationParameters;

PYMIG_API void migration_parameters_free(MigrationParameters *parameters);

/* The parameter's name and value, as query-migrate-parameters reports them: an enum's value is its name. The result
 * lives as long as `parameters`. -EINVAL if the build lacks the parameter, -ENOENT if it was never set
 * (block-bitmap-mapping). */
PYMIG_API int migration_parameters_get(const MigrationParameters *parameters, int parameter, QmpMember *member);

/* ---- QEMU's own state --------------------------------------------------------------------------------------- */

/* QEMU's MigrationStatus. */
typedef enum MigrationStatus {
    MIGRATION_STATUS_NONE = 0,
    MIGRATION_STATUS_SETUP = 1,
    MIGRATION_STATUS_CANCELLING = 2,
    MIGRATION_STATUS_CANCELLED = 3,
    MIGRATION_STATUS_ACTIVE = 4,
    MIGRATION_STATUS_POSTCOPY_ACTIVE = 5,
    MIGRATION_STATUS_POSTCOPY_PAUSED = 6,
    MIGRATION_STATUS_POSTCOPY_RECOVER = 7,
    MIGRATION_STATUS_COMPLETED = 8,
    MIGRATION_STATUS_FAILED = 9,
    MIGRATION_STATUS_COLO = 10,
    MIGRATION_STATUS_PRE_SWITCHOVER = 11,
    MIGRATION_STATUS_DEVICE = 12,
    MIGRATION_STATUS_WAIT_UNPLUG = 13,
    MIGRATION_STATUS_POSTCOPY_RECOVER_SETUP = 14,
    MIGRATION_STATUS_POSTCOPY_DEVICE = 15,
    MIGRATION_STATUS_FAILING = 16,
    MIGRATION_STATUS__MAX = 17
} MigrationStatus;

/* "postcopy-active"; NULL for a number out of range. */
PYMIG_API const char *migration_status_name(int status);

/* The status with this name, or -ENOENT. */
PYMIG_API int migration_status_from_name(const char *name);

/* Whether this release has the status. */
PYMIG_API bool migration_status_known(const QemuBuild *build, int status);

/* QEMU's text for a change that it refuses because a migration is running (-EBUSY below). */
PYMIG_API const char *migration_active_message(void);

/* A mirror of QEMU's MigrationState: capabilities, parameters, status. */
typedef struct MigrationState MigrationState;

/* A state with all capabilities off, all parameters at their defaults, status none. The context's `compressed`, `tls`
 * and `no_ram_tracked` are ignored: they follow the parameters. The host is borrowed: it must outlive the state.
 * Returns 0; -EINVAL if the release is unknown; -ENOMEM. */
PYMIG_API int migration_state_new(const MigrationContext *context, MigrationHost *host, MigrationState **state);

PYMIG_API void migration_state_free(MigrationState *state);

/* See migration_checker_message(). */
PYMIG_API int migration_state_message(const MigrationState *state, int code, char *text, size_t size);

/* enum MigrationStatus. */
PYMIG_API int migration_status(const MigrationState *state);

/* -EINVAL if the release lacks the status. */
PYMIG_API int migrate_set_status(MigrationState *state, int status);

/* The current set. */
PYMIG_API CapabilitySet migration_capabilities(const MigrationState *state);

typedef struct MigrationCapabilityStatus {
    int capability; /* enum MigrationCapability */
    bool state;
} MigrationCapabilityStatus;

/* migrate_cap_set(): switches one capability. Returns 0, or the code of the rule that refuses; -EBUSY while a migration
 * runs; -EINVAL if the release lacks the capability; -EAGAIN as for migrate_caps_check(). Unless it returns 0, nothing
 * has changed. */
PYMIG_API int migrate_cap_set(MigrationState *state, int capability, bool value);

/* qmp_migrate_set_capabilities(): the same for a list, all or nothing. If a capability occurs twice, the later entry
 * counts. */
PYMIG_API int qmp_migrate_set_capabilities(MigrationState *state, const MigrationCapabilityStatus *list, size_t count);

/* The same as two sets: the capabilities to switch on and to switch off. -EINVAL if they overlap. */
PYMIG_API int migrate_change_capabilities(MigrationState *state, CapabilitySet on, CapabilitySet off);

/* Takes the set as what is on, without a check: for the mirror of a QEMU that is running. -EINVAL if the release lacks
 * a capability. */
PYMIG_API int migration_state_load(MigrationState *state, CapabilitySet capabilities);

/* qmp_query_migrate_capabilities(): every listed capability in enum order. Returns their number. */
PYMIG_API int qmp_query_migrate_capabilities(const MigrationState *state,
                                             MigrationCapabilityStatus list[MIGRATION_CAPABILITY__MAX]);

/* qmp_migrate_set_parameters(): checks the current values with the given ones applied, then sets all of them or none.
 * Returns 0; -EINVAL if QEMU would refuse, with its text in `error` (which must then be cleared); -ENOMEM. */
PYMIG_API int qmp_migrate_set_parameters(MigrationState *state, const QmpMember *members, size_t count,
                                         MigrationError *error);

/* A dry run: what qmp_migrate_set_parameters() would return now. */
PYMIG_API int migrate_try_parameters(const MigrationState *state, const QmpMember *members, size_t count,
                                     MigrationError *error);

/* The known faults of this release that setting these parameters now would trigger: bit n is fault number n of
 * qemu_fault(). */
PYMIG_API uint32_t migrate_parameters_faults(const MigrationState *state, const QmpMember *members, size_t count);

/* qmp_query_migrate_parameters(): a copy; free it with migration_parameters_free(). NULL if out of memory. */
PYMIG_API MigrationParameters *qmp_query_migrate_parameters(const MigrationState *state);

/* ---- migrate and migrate-incoming ---- */

/* How a migration stream travels: the scheme of its uri. */
typedef enum MigrationTransport {
    MIGRATION_TRANSPORT_TCP = 0,
    MIGRATION_TRANSPORT_UNIX = 1,
    MIGRATION_TRANSPORT_VSOCK = 2,
    MIGRATION_TRANSPORT_FD = 3,
    MIGRATION_TRANSPORT_EXEC = 4,
    MIGRATION_TRANSPORT_FILE = 5, /* from 8.2 on */
    MIGRATION_TRANSPORT_RDMA = 6,
    MIGRATION_TRANSPORT__MAX = 7
} MigrationTransport;

/* The scheme of a transport ("tcp"); NULL for a number out of range. */
PYMIG_API const char *migration_transport_name(int transport);

/* enum MigrationTransport of a uri; -ENOENT if this release does not know its scheme. */
PYMIG_API int migration_transport_of_uri(const QemuBuild *build, const char *uri);

/* What `migrate` depends on besides the MigrationState; in a MigrationPlan also what `migrate-incoming` does. */
typedef struct MigrationSurroundings {
    bool post_migrate;    /* query-status says postmigrate: the guest was migrated and not continued */
    bool poisoned_memory; /* the guest has hardware-poisoned memory under KVM */
    bool private_memory;  /* some guest memory is not shared: a blocker of mode cpr-transfer on x86 */
    const char *blocker;  /* the last of query-migrate's blocked-reasons; NULL if there is none */
    bool incoming_failed; /* an earlier migrate-incoming failed while it opened its transport (matters from 9.1 on) */
} MigrationSurroundings;

/* qmp_migrate(): checks the arguments and what this QEMU refuses before it connects. If it accepts, the status becomes
 * setup, or postcopy-recover if `resume` is true. Whether the address can be reached is not checked. Of a tcp: uri only
 * host and port are checked. Returns 0; -EINVAL with QEMU's text in `error` (which must then be cleared); -ENOMEM. */
PYMIG_API int qmp_migrate(MigrationState *state, const QmpMember *members, size_t count,
                          const MigrationSurroundings *around, MigrationError *error);

/* A dry run: what qmp_migrate() would return now. `faults`: if it would accept, the known faults of this release that
 * the command would trigger; bit n is fault number n of qemu_fault(). */
PYMIG_API int migrate_try(const MigrationState *state, const QmpMember *members, size_t count,
                          const MigrationSurroundings *around, uint32_t *faults, MigrationError *error);

/* qmp_migrate_incoming(): the same for the destination. Once it accepts, incoming has started: later changes of
 * capabilities are checked accordingly. */
PYMIG_API int qmp_migrate_incoming(MigrationState *state, const QmpMember *members, size_t count,
                                   MigrationError *error);

/* A dry run of qmp_migrate_incoming(), as migrate_try(). */
PYMIG_API int migrate_try_incoming(const MigrationState *state, const QmpMember *members, size_t count,
                                   uint32_t *faults, MigrationError *error);

/* A text with which `migrate` or `migrate-incoming` refuses. */
typedef struct MigrationCommandRule {
    const char *text;       /* with %s where it names something; "" if the address decides; "%s" is a blocker's text */
    bool migrate, incoming; /* whether this release's commands can say it */
    CapabilitySet capabilities; /* it is said only if one of these is on; 0: no matter */
} MigrationCommandRule;

/* Row number n of what these commands refuse, in QEMU's order. Returns 0; -ENOENT for a number or release out of range.
 */
PYMIG_API int migration_command_rule(int number, int release, MigrationCommandRule *rule);

/* ---- Two ends ---- */

typedef enum MigrationEnd {
    MIGRATION_END_SOURCE = 0,
    MIGRATION_END_DESTINATION = 1
} MigrationEnd;

/* How a migration ends. */
typedef enum MigrationOutcome {
    MIGRATION_COMPLETES = 0,
    MIGRATION_FAILS = 1,
    MIGRATION_HANGS = 2,  /* until somebody ends it */
    MIGRATION_WAITS = 3,  /* as designed */
    MIGRATION_REFUSED = 4 /* a command is */
} MigrationOutcome;

/* Where the guest runs then. */
typedef enum GuestPlace {
    GUEST_SOURCE = 0,
    GUEST_DESTINATION = 1,
    GUEST_NOWHERE = 2,
    GUEST_BOTH = 3
} GuestPlace;

/* When something is found out, in this order. */
typedef enum MigrationStage {
    MIGRATION_STAGE_SET = 0,
    MIGRATION_STAGE_INCOMING = 1,
    MIGRATION_STAGE_MIGRATE = 2,
    MIGRATION_STAGE_CONNECT = 3,
    MIGRATION_STAGE_HEADER = 4,
    MIGRATION_STAGE_ADVISE = 5,
    MIGRATION_STAGE_RAM = 6,
    MIGRATION_STAGE_SWITCHOVER = 7,
    MIGRATION_STAGE_DEVICES = 8,
    MIGRATION_STAGE_POSTCOPY = 9,
    MIGRATION_STAGE__MAX = 10
} MigrationStage;

typedef enum MigrationSeverity {
    MIGRATION_ERROR = 0,
    MIGRATION_WARNING = 1,
    MIGRATION_INFO = 2
} MigrationSeverity;

/* Facts about two ends that follow neither from their capabilities nor from their parameters. Each is a bit of the word
 * that migration_agree() takes; a fact that is not known is not told. */
typedef enum PairFact {
    PAIR_POSTCOPY = 0,           /* migrate-start-postcopy will be sent */
    PAIR_ONE_WAY,                /* the transport has no way back: file:, an exec: that only writes */
    PAIR_READS_LATER,            /* the destination reads when the source is done */
    PAIR_SOURCE_PAUSED,          /* the guest is paused at the source */
    PAIR_DESTINATION_PAUSED,     /* the destination was started with -S */
    PAIR_SOURCE_CREDS_MISSING,   /* no object has the id in tls-creds */
    PAIR_SOURCE_CREDS_OF_SERVER, /* its endpoint is server */
    PAIR_DESTINATION_CREDS_MISSING,
    PAIR_DESTINATION_CREDS_OF_CLIENT,
    PAIR_CREDS_ANONYMOUS,    /* the source's alone */
    PAIR_CREDS_KEY_FOR_X509, /* the source has a pre-shared key, the destination a certificate */
    PAIR_CREDS_DIFFER,       /* in their kinds, in another way */
    PAIR_HOSTNAME_MISSING,   /* the source verifies its peer, and neither the address nor tls-hostname names it */
    PAIR_HOSTNAME_DIFFERS,   /* it is not in the destination's certificate */
    PAIR_AUTHZ_MISSING,      /* no object at the destination has the id in tls-authz */
    PAIR_UUID_DIFFERS,       /* unset counts as all zeros */
    PAIR_SET_UUID_DIFFERS,   /* both are set, and differ */
    PAIR_MACHINE_DIFFERS,
    PAIR_BLOCK_MISSING, /* the destination lacks a RAM block of the source */
    PAIR_BLOCK_SIZE_DIFFERS,
    PAIR_BLOCK_PAGE_SIZE_DIFFERS,
    PAIR_SHARED_AT_SOURCE_ONLY, /* a block is in a shared file at the source and private at the destination */
    PAIR_SHARED_AT_DESTINATION_ONLY,
    PAIR_SHARED_WITHOUT_FILE, /* a block is shared at both ends, and no file is behind it */
    PAIR_SHARED_DISK_FILE,    /* a block of the destination is in a shared file outside tmpfs and hugetlbfs */
    PAIR_DEVICE_MISSING,      /* the destination lacks a device or a CPU of the source */
    PAIR_CPUS_MORE_AT_SOURCE,
    PAIR_CPUS_MORE_AT_DESTINATION,
    PAIR_CPU_MODEL_DIFFERS,
    PAIR_BITMAP_EXISTS, /* the destination has a dirty bitmap of the same node and name */
    PAIR_BITMAP_LOST,   /* the destination has no node for a dirty bitmap */
    PAIR_FACT__MAX
} PairFact;

/* What two ends disagree on, and what comes of it. */
typedef struct MigrationAgreement {
    const char *id;          /* e.g. "multifd/destination-only"; rows of one id differ in releases */
    int stage;               /* enum MigrationStage */
    int severity;            /* enum MigrationSeverity */
    int end;                 /* enum MigrationEnd: the end that finds it out */
    int outcome;             /* enum MigrationOutcome */
    int guest;               /* enum GuestPlace: the likeliest */
    uint32_t guests;         /* every possible place: bit n is enum GuestPlace n */
    int recovers;            /* whether the same two processes can try again: 1, 0, or -1 if it is not known */
    const char *consequence; /* a clause */
    const char *remedy;      /* what to change, in the imperative */
} MigrationAgreement;

/* The ends that need this capability or parameter for a migration: bit n is enum MigrationEnd n. 0 for a number out of
 * range. */
PYMIG_API int migration_capability_ends(int capability);
PYMIG_API int migration_parameter_ends(int parameter);

/* Row number n of the table of agreement; NULL for a number out of range. */
PYMIG_API const MigrationAgreement *migration_agreement(int row);

/* The words of the row's end in this release, with names of migration_agreement_name() in angle brackets where QEMU
 * says a name of its own; NULL if it says nothing. */
PYMIG_API const char *migration_agreement_words(int row, int release);

/* A name in the words. */
typedef enum MigrationName {
    MIGRATION_NAME_SOURCE_MACHINE = 0,
    MIGRATION_NAME_DESTINATION_MACHINE,
    MIGRATION_NAME_SOURCE_UUID,
    MIGRATION_NAME_DESTINATION_UUID,
    MIGRATION_NAME_BLOCK,
    MIGRATION_NAME_SOURCE_SIZE,
    MIGRATION_NAME_DESTINATION_SIZE,
    MIGRATION_NAME_SOURCE_PAGE_SIZES,
    MIGRATION_NAME_DESTINATION_PAGE_SIZES,
    MIGRATION_NAME_SECTION,
    MIGRATION_NAME_BITMAP,
    MIGRATION_NAME_NODE,
    MIGRATION_NAME_SOURCE_TLS_CREDS,
    MIGRATION_NAME_DESTINATION_TLS_CREDS,
    MIGRATION_NAME_DESTINATION_TLS_AUTHZ,
    MIGRATION_NAME_HOSTNAME,
    MIGRATION_NAME_SOURCE_FLAGS,
    MIGRATION_NAME_DESTINATION_FLAGS,
    MIGRATION_NAME__MAX
} MigrationName;

/* "source machine"; NULL for a number out of range. */
PYMIG_API const char *migration_agreement_name(int name);

enum {
    MIGRATION_MOST_ROWS = 96 /* of the table of agreement */
};

/* What will happen after both ends accepted their commands. */
typedef struct MigrationPrediction {
    int outcome;     /* enum MigrationOutcome */
    int guest;       /* enum GuestPlace: the likeliest */
    uint32_t guests; /* every possible place: bit n is enum GuestPlace n */
    int decisive;    /* the index in `rows` of the row that ends the migration; -1 if it completes */
    int count;
    uint8_t rows[96]; /* every row that applies, in the order in which the migration runs into them */
} MigrationPrediction;

/* Predicts a migration between two ends with these capabilities and parameters. `transport` is enum MigrationTransport;
 * bit n of `told` is enum PairFact n. Returns 0; -EINVAL for a transport or a bit out of range. */
PYMIG_API int migration_agree(const MigrationState *source, const MigrationState *destination, int transport,
                              uint64_t told, MigrationPrediction *prediction);

/* The commands of a plan. */
typedef enum MigrationCommand {
    MIGRATION_SET_CAPABILITIES = 0, /* migrate-set-capabilities */
    MIGRATION_SET_PARAMETERS = 1,   /* migrate-set-parameters */
    MIGRATION_MIGRATE = 2,          /* migrate, at the source */
    MIGRATION_INCOMING = 3          /* migrate-incoming, at the destination */
} MigrationCommand;

/* Whose settings are sent first. migrate-incoming comes before migrate, unless the destination reads a file or from a
 * command. */
typedef enum MigrationOrder {
    MIGRATION_SOURCE_FIRST = 0,
    MIGRATION_DESTINATION_FIRST = 1, /* as libvirt */
    MIGRATION_INCOMING_FIRST = 2,    /* migrate-incoming before the source's settings, as Proxmox */
    MIGRATION_ORDER__MAX = 3
} MigrationOrder;

/* What is sent to one end. */
typedef struct MigrationSettings {
    CapabilitySet on, off;       /* of migrate-set-capabilities; it is not sent if there are none */
    bool has_unknown;            /* it names a capability that no release has */
    const QmpMember *parameters; /* of migrate-set-parameters; it is not sent if there are none */
    size_t n_parameters;
    const QmpMember *opening; /* of migrate at the source, of migrate-incoming at the destination */
    size_t n_opening;
} MigrationSettings;

/* What is wanted, and what two ends and their states don't tell. The members are borrowed. */
typedef struct MigrationPlan {
    MigrationSettings ends[2];       /* by enum MigrationEnd */
    int order;                       /* enum MigrationOrder */
    uint64_t told;                   /* bit n is enum PairFact n; ONE_WAY and READS_LATER are added for a file */
    MigrationSurroundings around[2]; /* by enum MigrationEnd */
    bool incoming_if_needed;         /* migrate-incoming is left out if the destination has started incoming already */
} MigrationPlan;

/* A command, and QEMU's answer. */
typedef struct MigrationStep {
    int end;              /* enum MigrationEnd */
    int command;          /* enum MigrationCommand */
    int code;             /* 0: accepted; else as from migrate_change_capabilities() and the other commands */
    uint32_t faults;      /* the known faults that the accepted command runs into: bit n is fault number n */
    int guest;            /* enum GuestPlace: where the guest is if this step ends the migration */
    MigrationError error; /* why anything but capabilities is refused */
} MigrationStep;

/* What will happen. */
typedef struct MigrationPreflight {
    bool ok;         /* it completes, or waits as designed, and nothing that applies is an error */
    int outcome;     /* enum MigrationOutcome */
    int guest;       /* enum GuestPlace: the likeliest */
    uint32_t guests; /* every possible place: bit n is enum GuestPlace n */
    int transport;   /* enum MigrationTransport of the source's migrate; tcp if it can't be told */
    uint64_t told;   /* the plan's, and what follows from its commands */
    int ends_at;     /* the index of the first step that is refused or runs into a fault; -1 if there is none */
    int count;
    MigrationStep steps[6];        /* every command of the plan, in its order, also after one that is refused */
    CapabilitySet after[2];        /* what is on at each end then, as if nothing had been refused */
    MigrationPrediction predicted; /* the table's, as if nothing had been refused */
} MigrationPreflight;

/* Plays the plan's commands on copies of both ends, then predicts what happens. `destination`: NULL if nobody listens;
 * its commands are then left out. Returns 0; -EINVAL for an order or a bit out of range; -EAGAIN if an answer depends
 * on what was not found out of the host of the last step's end; -ENOMEM. Whatever it returns, `out` must be cleared. */
PYMIG_API int migration_preflight(const MigrationState *source, const MigrationState *destination,
                                  const MigrationPlan *plan, MigrationPreflight *out);

PYMIG_API void migration_preflight_clear(MigrationPreflight *preflight);

/* ---- Accessors ---- */

/* The accessors of QEMU's migration/options.h. First, whether each capability is on: */
PYMIG_API bool migrate_auto_converge(const MigrationState *state);
PYMIG_API bool migrate_background_snapshot(const MigrationState *state);
PYMIG_API bool migrate_block(const MigrationState *state);
PYMIG_API bool migrate_colo(const MigrationState *state);
PYMIG_API bool migrate_compress(const MigrationState *state);
PYMIG_API bool migrate_dirty_bitmaps(const MigrationState *state);
PYMIG_API bool migrate_dirty_limit(const MigrationState *state);
PYMIG_API bool migrate_events(const MigrationState *state);
PYMIG_API bool migrate_ignore_shared(const MigrationState *state);
PYMIG_API bool migrate_late_block_activate(const MigrationState *state);
PYMIG_API bool migrate_mapped_ram(const MigrationState *state);
PYMIG_API bool migrate_multifd(const MigrationState *state);
PYMIG_API bool migrate_pause_before_switchover(const MigrationState *state);
PYMIG_API bool migrate_postcopy_blocktime(const MigrationState *state);
PYMIG_API bool migrate_postcopy_preempt(const MigrationState *state);
PYMIG_API bool migrate_postcopy_ram(const MigrationState *state);
PYMIG_API bool migrate_rdma_pin_all(const MigrationState *state);
PYMIG_API bool migrate_release_ram(const MigrationState *state);
PYMIG_API bool migrate_return_path(const MigrationState *state);
PYMIG_API bool migrate_switchover_ack(const MigrationState *state);
PYMIG_API bool migrate_validate_uuid(const MigrationState *state);
PYMIG_API bool migrate_xbzrle(const MigrationState *state);
PYMIG_API bool migrate_zero_blocks(const MigrationState *state);
PYMIG_API bool migrate_zero_copy_send(const MigrationState *state);

/* Second, the value of each parameter: */
PYMIG_API bool migrate_block_incremental(const MigrationState *state);
PYMIG_API uint32_t migrate_checkpoint_delay(const MigrationState *state); /* ms between two COLO checkpoints */
PYMIG_API int migrate_compress_level(const MigrationState *state);        /* 0..9 */
PYMIG_API int migrate_compress_threads(const MigrationState *state);      /* 1..255 */
PYMIG_API int migrate_compress_wait_thread(const MigrationState *state);  /* 0 or 1 */
PYMIG_API int migrate_decompress_threads(const MigrationState *state);    /* 1..255 */
PYMIG_API uint8_t migrate_max_cpu_throttle(const MigrationState *state);  /* percent */
/* bytes/s, 0: unlimited; see migration_accessor_signed() */
PYMIG_API uint64_t migrate_max_postcopy_bandwidth(const MigrationState *state);
PYMIG_API int migrate_multifd_channels(const MigrationState *state); /* 1..255 */
PYMIG_API MultiFDCompression migrate_multifd_compression(const MigrationState *state);
PYMIG_API int migrate_multifd_zlib_level(const MigrationState *state);             /* 0..9 */
PYMIG_API int migrate_multifd_zstd_level(const MigrationState *state);             /* 0..20 */
PYMIG_API uint8_t migrate_throttle_trigger_threshold(const MigrationState *state); /* percent */
PYMIG_API uint64_t migrate_xbzrle_cache_size(const MigrationState *state);         /* bytes, a power of two */

typedef struct AnnounceParameters {
    uint64_t initial; /* ms */
    uint64_t max;     /* ms */
    uint64_t rounds;  /* count */
    uint64_t step;    /* ms */
} AnnounceParameters;

/* All four, read at one moment. */
PYMIG_API AnnounceParameters migrate_announce_params(const MigrationState *state);

/* tls-creds is set and not empty. Called migrate_tls from 8.1 on. */
PYMIG_API bool migrate_use_tls(const MigrationState *state);
PYMIG_API bool migrate_tls(const MigrationState *state);

/* postcopy-ram or dirty-bitmaps is on. */
PYMIG_API bool migrate_postcopy(const MigrationState *state);

/* Accessors added after the reference. A returned text is a copy; free it with migration_text_free(). It is NULL if out
 * of memory or, from 10.2.50 on, if the parameter is not set. */
PYMIG_API uint8_t migrate_cpu_throttle_increment(const MigrationState *state); /* percent */
PYMIG_API uint8_t migrate_cpu_throttle_initial(const MigrationState *state);   /* percent */
PYMIG_API bool migrate_cpu_throttle_tailslow(const MigrationState *state);
PYMIG_API uint64_t migrate_downtime_limit(const MigrationState *state);             /* ms */
PYMIG_API uint64_t migrate_max_bandwidth(const MigrationState *state);              /* bytes/s */
PYMIG_API uint64_t migrate_avail_switchover_bandwidth(const MigrationState *state); /* bytes/s, 0: estimated */
PYMIG_API MigMode migrate_mode(const MigrationState *state);
PYMIG_API ZeroPageDetection migrate_zero_page_detection(const MigrationState *state);
PYMIG_API uint64_t migrate_vcpu_dirty_limit_period(const MigrationState *state); /* ms */
PYMIG_API bool migrate_direct_io(const MigrationState *state); /* direct-io is set, and mapped-ram and multifd are on */
PYMIG_API int migrate_multifd_qatzip_level(const MigrationState *state); /* 1..9 */
PYMIG_API char *migrate_tls_authz(const MigrationState *state);
PYMIG_API char *migrate_tls_creds(const MigrationState *state);
PYMIG_API char *migrate_tls_hostname(const MigrationState *state);
PYMIG_API bool migrate_has_block_bitmap_mapping(const MigrationState *state);
/* A copy; free it with qmp_value_free(). NULL if out of memory or never set. */
PYMIG_API QmpValue *migrate_block_bitmap_mapping(const MigrationState *state);
PYMIG_API bool migrate_rdma(const MigrationState *state); /* an RDMA migration is set up */
/* Compatibility properties, which depend on the machine type's version. */
PYMIG_API bool migrate_multifd_flush_after_each_section(const MigrationState *state);
PYMIG_API bool migrate_send_switchover_start(const MigrationState *state);
PYMIG_API bool migrate_can_snapshot(const MigrationState *state); /* the capabilities allow a snapshot (savevm) */
/* QEMU's text for a snapshot that the capabilities don't allow. */
PYMIG_API const char *migration_snapshot_message(void);

PYMIG_API void migration_text_free(char *text);
PYMIG_API void qmp_value_free(QmpValue *value);

/* The name of accessor number n, without "migrate_" ("multifd"); NULL for a number out of range. */
PYMIG_API const char *migration_accessor_name(int number);

/* Whether this release's options.h declares an accessor of this name. Releases up to 8.0 have no options.h; there the
 * reference's counts. */
PYMIG_API bool migration_accessor_known(const QemuBuild *build, const char *name);

/* Whether this release's accessor of this name returns a signed 64-bit number (max_postcopy_bandwidth up to 8.0.50). */
PYMIG_API bool migration_accessor_signed(const QemuBuild *build, const char *name);

/* ---- Known faults ------------------------------------------------------------------------------------------- */

/* A bug of some releases that no answer reveals: QEMU accepts the request, then crashes or misbehaves. */
typedef struct QemuFault {
    const char *id;             /* stable, e.g. "savevm/multifd" */
    const char *command;        /* the QMP or HMP command that triggers it */
    const char *condition;      /* when, as a clause */
    const char *consequence;    /* what happens then */
    const char *releases;       /* the affected releases, in words */
    const char *reference;      /* where it was reported or fixed */
    CapabilitySet capabilities; /* one of these must be on; 0: none needed */
} QemuFault;

/* Fault number n; NULL for a number out of range. */
PYMIG_API const QemuFault *qemu_fault(int number);

/* The faults of this build: bit n is fault number n. */
PYMIG_API uint32_t qemu_build_faults(const QemuBuild *build);

#ifdef __cplusplus
}
#endif

#endif
