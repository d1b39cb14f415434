/*
 * pymig: QEMU's migration capabilities, parameters and host probes as a library.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This is the whole public interface; cffi reads this very file. Names follow QEMU where the thing is QEMU's, with
 * the state passed in instead of kept in a global.
 *
 * Conventions
 *   - A function that can fail returns a negative errno value. Nothing prints, nothing aborts, errno is left alone.
 *   - A verdict is a code: 0 is accepted, any other names the rule that refuses (enum MigrationVerdict).
 *   - Every object may be used from several threads at once, and in a child after fork(). Freeing is the exception:
 *     free an object once, when nobody uses it any more. All *_free() take NULL.
 *   - Returned `const char *` are static and never freed, unless said otherwise. Texts are UTF-8.
 *
 * Global mutable state: one mutex in state.c that guards the parameters of all MigrationState objects, with fork
 * handlers that hold it over a fork().
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

/* ---- Capabilities ------------------------------------------------------------------------------------------- */

/* Numbers are this library's own: those of QEMU 9.0, which has them all. They are never reused. A release's enum order
 * is always the order of these numbers. */
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

/* A set of capabilities: bit i stands for capability number i. */
typedef uint64_t CapabilitySet;

/* The QMP name of a capability ("postcopy-ram"), or NULL for a number out of range. */
PYMIG_API const char *migration_capability_name(int capability);

/* The number of the capability with this QMP name, in whatever release; -ENOENT if no release has it. Names match
 * exactly, as in QMP: no other case, no underscores. */
PYMIG_API int migration_capability_from_name(const char *name);

/* ---- Which QEMU --------------------------------------------------------------------------------------------- */

/* The known releases: the first of each series, those stable ones from which on answers differ, and the development
 * trees that have a name. In the order of their versions. A number is only good within one version of this library:
 * store names. */
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

/* "8.0.0"; NULL for a number out of range. */
PYMIG_API const char *qemu_release_name(int release);

/* The release that answers as this version does: 10.0.13 as QEMU_10_0_1. With a micro of -1 the newest of the series;
 * 50 and more are development trees, of which only those with a name are known. -ENOENT if it is not known. */
PYMIG_API int qemu_release_of_version(int major, int minor, int micro);

/* One QEMU binary: its release, and the configure-time choices that change its answers. */
typedef struct QemuBuild {
    int release;               /* enum QemuRelease */
    int probe_release;         /* the same; a downstream version may have the host probe of a later one */
    bool live_block_migration; /* CONFIG_LIVE_BLOCK_MIGRATION */
    bool replication;          /* CONFIG_REPLICATION */
    bool on_linux;             /* CONFIG_LINUX */
    bool direct_io;            /* built where there is O_DIRECT */
    uint32_t compressions;     /* values of multifd-compression that are built in: bit n is enum MultiFDCompression n */
    int machine_version;       /* as qemu_machine_version() gives it: some defaults depend on it */
    uint64_t target_page_size; /* of its target and machine, in bytes; 0: 4096 */
    /* What a downstream version has beyond its release or lacks: capabilities, and parameters (bit n is enum
     * MigrationParameter n). Zero for upstream's own. */
    CapabilitySet capabilities_added, capabilities_removed;
    uint64_t parameters_added, parameters_removed;
} QemuBuild;

/* A build of a distribution that answers otherwise than its version says. */
typedef struct QemuDownstream {
    const char *name;    /* "rhel-9.3" */
    const char *package; /* the version of its package, with * for what varies, as fnmatch(3) takes it */
    QemuBuild build;
} QemuDownstream;

/* The one with this number; NULL for a number out of range. */
PYMIG_API const QemuDownstream *qemu_downstream(int number);

/* The name of target number n ("x86_64"), NULL for a number out of range. A name may stand there more than once. */
PYMIG_API const char *qemu_target_name(int number);

/* The page size in bytes of this target and machine (NULL: as with -machine none); 0 for an unknown target. It is the
 * least xbzrle-cache-size, and what the first step of the postcopy probe looks at. */
PYMIG_API uint64_t qemu_target_page_size(int release, const char *target, const char *machine);

/* The version of a machine type as 100 * major + minor, e.g. 802 of "pc-q35-8.2"; 0 if the name has none: the newest.
 */
PYMIG_API int qemu_machine_version(const char *machine);

/* What the release's MigrationCapability enum holds: the names that its setter knows. Empty for an unknown release. */
PYMIG_API CapabilitySet qemu_build_capabilities(const QemuBuild *build);

/* What query-migrate-capabilities lists: a build without live block migration leaves `block` out. */
PYMIG_API CapabilitySet qemu_build_listed(const QemuBuild *build);

/* Those of its capabilities that the QAPI schema marks as unstable, and as deprecated. */
PYMIG_API CapabilitySet qemu_build_unstable(const QemuBuild *build);
PYMIG_API CapabilitySet qemu_build_deprecated(const QemuBuild *build);

/* ---- What a host can do ------------------------------------------------------------------------------------- */

/* QEMU's write-tracking support, worst to best. */
typedef enum WriteTracking {
    WRITE_TRACKING_UNKNOWN = 0,   /* not asked yet */
    WRITE_TRACKING_ABSENT = 1,    /* ram_write_tracking_available() is false */
    WRITE_TRACKING_AVAILABLE = 2, /* it is true, but ram_write_tracking_compatible() is false */
    WRITE_TRACKING_COMPATIBLE = 3 /* both are true */
} WriteTracking;

/* The steps of postcopy_ram_supported_by_host(), in their order. */
typedef enum PostcopyStep {
    POSTCOPY_STEP_NONE = 0,             /* nothing failed, or it is not known what did */
    POSTCOPY_STEP_TARGET_PAGE_SIZE = 1, /* the target's page size is larger than the host's */
    POSTCOPY_STEP_OPEN = 2,             /* no userfaultfd can be opened */
    POSTCOPY_STEP_DEVICES = 3,          /* a device object refuses; there are none here, so this never fails */
    POSTCOPY_STEP_QUERY_FEATURES = 4,   /* the second descriptor, or UFFDIO_API on it */
    POSTCOPY_STEP_REQUEST_FEATURES = 5, /* UFFDIO_API on the first descriptor */
    POSTCOPY_STEP_API_IOCTLS = 6,       /* it lacks UFFDIO_REGISTER or UFFDIO_UNREGISTER */
    POSTCOPY_STEP_HUGE_PAGES = 7,       /* huge pages, without UFFD_FEATURE_MISSING_HUGETLBFS */
    POSTCOPY_STEP_BLOCK_LENGTH = 8,     /* a block is no multiple of its page size */
    POSTCOPY_STEP_FILE_SYSTEM = 9,      /* a block's file is neither on tmpfs nor on hugetlbfs */
    POSTCOPY_STEP_MUNLOCKALL = 10,
    POSTCOPY_STEP_MAP = 11,          /* one page of private anonymous memory cannot be mapped */
    POSTCOPY_STEP_REGISTER = 12,     /* UFFDIO_REGISTER of it with UFFDIO_REGISTER_MODE_MISSING */
    POSTCOPY_STEP_UNREGISTER = 13,   /* UFFDIO_UNREGISTER of it */
    POSTCOPY_STEP_RANGE_IOCTLS = 14, /* it lacks UFFDIO_WAKE, UFFDIO_COPY or UFFDIO_ZEROPAGE */
    POSTCOPY_STEP_MEMORY = 15        /* no step of QEMU's: a block can't even be made, so QEMU would not start */
} PostcopyStep;

/* Stands where an errno value stands: a seccomp filter would kill the process for the system call. */
enum {
    PYMIG_ERROR_KILLED = 4095
};

/* The answer of postcopy_ram_supported_by_host(). */
typedef struct PostcopySupport {
    bool ok;
    int step;        /* enum PostcopyStep: the first that failed */
    int error;       /* errno of that step's system call, 0 where none failed */
    uint32_t detail; /* step 4: 1 if the descriptor, 2 if UFFDIO_API failed; 5 and 6: the features asked for;
                        6 (high half) and 14: the missing ioctls; 8, 9 and 15: the index of the block */
    uint64_t block_length, block_page_size; /* step 8: of that block, in bytes */
} PostcopySupport;

/* What backs a block of guest memory. */
typedef enum RamBlockKind {
    RAM_BLOCK_ANONYMOUS = 0, /* memory-backend-ram */
    RAM_BLOCK_MEMFD = 1,     /* memory-backend-memfd */
    RAM_BLOCK_FILE = 2       /* memory-backend-file */
} RamBlockKind;

/* One block of guest memory, as a QEMU memory backend makes it. Sizes in bytes. */
typedef struct RamBlock {
    int kind; /* enum RamBlockKind */
    bool share;
    bool readonly;
    uint64_t size;      /* the backend's size; 0: one page of what backs it */
    uint64_t page_size; /* of a memfd: its huge pages' size, a power of two; 0: the host's page size */
    const char *path;   /* of a file: an existing file or folder; nothing there is changed */
} RamBlock;

/* The file system behind a block, as far as QEMU tells them apart. */
typedef enum RamFileSystem {
    RAM_FILE_SYSTEM_NONE = 0, /* no file behind it */
    RAM_FILE_SYSTEM_OTHER = 1,
    RAM_FILE_SYSTEM_TMPFS = 2,
    RAM_FILE_SYSTEM_HUGETLBFS = 3
} RamFileSystem;

/* What this machine makes of one block. */
typedef struct RamBlockReport {
    int map_error;      /* errno of making or mapping it, 0 if that works */
    int register_error; /* errno of UFFDIO_REGISTER for write protection, 0 if it works, -1 if it was not tried */
    bool tracked;       /* it can be write-tracked, or is read-only and need not be */
    int postcopy_step;  /* the step of the postcopy probe that refuses it: 0, 8, 9 or 15 */
    int file_system;    /* enum RamFileSystem */
    uint64_t page_size; /* of what backs it, in bytes; 0 if it can't be made */
} RamBlockReport;

/* How userfaultfd answers here, in numbers. Each error is an errno value, 0 where the step worked, -1 where it was
 * not tried. */
typedef struct UffdReport {
    int device_error;  /* open("/dev/userfaultfd", O_RDWR | O_CLOEXEC) */
    int open_error;    /* USERFAULTFD_IOC_NEW on it or, if it did not open, the system call userfaultfd(2) */
    int api_error;     /* UFFDIO_API, asking for no feature */
    uint64_t features; /* uffdio_api.features: all that the kernel has; 0 if it could not be asked */
    uint64_t ioctls;   /* uffdio_api.ioctls: bit n is ioctl number n */
} UffdReport;

/* How each way to a userfaultfd answers, for a diagnosis. Errors as in UffdReport. */
typedef struct UffdMethods {
    int device_open_error;       /* open("/dev/userfaultfd", O_RDWR | O_CLOEXEC) */
    int device_new_error;        /* USERFAULTFD_IOC_NEW on it; -1 if it does not open */
    int syscall_error;           /* userfaultfd(O_CLOEXEC) */
    int syscall_user_mode_error; /* userfaultfd(O_CLOEXEC | UFFD_USER_MODE_ONLY), which QEMU has no use for */
    int seccomp_mode;            /* prctl(PR_GET_SECCOMP): 2 with a filter; -1 if unknown */
    uint64_t effective;          /* the process's effective capabilities; bit 19 is CAP_SYS_PTRACE */
} UffdMethods;

/* How a release asks its host. */
typedef enum ProbeVariant {
    PROBE_REFERENCE = 0, /* 8.0.50 and later */
    PROBE_8_0 = 1,       /* the same, without the step that looks at file systems */
    PROBE_7_2 = 2,       /* likewise, and userfaultfd comes from the system call alone */
    PROBE_VARIANT__MAX = 3
} ProbeVariant;

/* Which blocks are passed over in write tracking. */
typedef enum WriteTrackingScope {
    SCOPE_ALL_BLOCKS = 0,
    SCOPE_WITHOUT_SHARED = 1,       /* up to 8.0.50, with x-ignore-shared on before */
    SCOPE_WITHOUT_SHARED_FILES = 2, /* from 8.1 on: shared blocks of kind file alone */
    WRITE_TRACKING_SCOPE__MAX = 3
} WriteTrackingScope;

/* enum ProbeVariant; PROBE_REFERENCE for a number out of range. */
PYMIG_API int qemu_release_probe_variant(int release);

/* enum WriteTrackingScope: what a release passes over while x-ignore-shared is on. */
PYMIG_API int qemu_release_scope(int release);

/* What is to know of a host, as one variant asks it. */
typedef struct HostFacts {
    int write_tracking[3]; /* enum WriteTracking, by enum WriteTrackingScope */
    PostcopySupport postcopy;
} HostFacts;

/* The whole answer of this machine at one moment. */
typedef struct HostReport {
    UffdReport uffd;
    HostFacts facts[3]; /* by enum ProbeVariant */
    uint64_t page_size; /* of the host, in bytes */
} HostReport;

/* ram_write_tracking_available(): the kernel's userfaultfd has UFFD_FEATURE_PAGEFAULT_FLAG_WP. Asks the kernel at
 * every call. */
PYMIG_API bool ram_write_tracking_available(void);

/* ram_write_tracking_compatible(): each of these blocks that is not read-only can be registered whole for write
 * protection; with ignore_shared, shared ones are passed over. Maps each block in a small size, registers it with
 * UFFDIO_REGISTER_MODE_WP and releases it. Asks the kernel at every call. */
PYMIG_API bool ram_write_tracking_compatible(const RamBlock *blocks, size_t count, bool ignore_shared);

/* postcopy_ram_supported_by_host(), step by step, for these blocks and a target with this page size (bytes; 0: the
 * host's own). QEMU's probe unlocks all of the process's memory on the way (munlockall); this one gives the same
 * answer and leaves the caller's locks as they are. Asks the kernel at every call. */
PYMIG_API PostcopySupport postcopy_ram_supported_by_host(const RamBlock *blocks, size_t count,
                                                         uint64_t target_page_size);

/* The text that this release gives for this answer: up to 8.0.50 what it logs, two lines parted by a newline; from 8.1
 * on what follows "Postcopy is not supported: ". As snprintf() gives it: at most size bytes with the terminating NUL,
 * and the length of the whole text as the result. "" if it is supported, or if it is not known which step failed. */
PYMIG_API int postcopy_support_message(const PostcopySupport *support, int release, char *text, size_t size);

/* All of the above in one go. A report a block goes to `reports`, which may be NULL. */
PYMIG_API HostReport host_probe(const RamBlock *blocks, size_t count, uint64_t target_page_size,
                                RamBlockReport *reports);

/* Tries every way to a userfaultfd. */
PYMIG_API UffdMethods uffd_probe_methods(void);

/* prctl(PR_GET_SECCOMP) of this process: 2 with a filter of system calls; -1 if it can't be told. */
PYMIG_API int process_seccomp_mode(void);

/* The name of bit n of uffdio_api.features ("pagefault-flag-wp"), NULL for a bit without a name here. */
PYMIG_API const char *uffd_feature_name(int bit);

/* The name of bit n of uffdio_api.ioctls ("register"), NULL for a bit without a name here. */
PYMIG_API const char *uffd_ioctl_name(int bit);

/* What one host can do: found out by asking this machine's kernel, each thing once and only when a check comes to
 * need it; or stated. */
typedef struct MigrationHost MigrationHost;

/* This machine, with a guest that has these blocks (copied, paths too) and this page size (0: the host's own). 0;
 * -EINVAL for a block of kind file without a path; -ENOMEM. */
PYMIG_API int migration_host_local(const RamBlock *blocks, size_t count, uint64_t target_page_size,
                                   MigrationHost **host);

/* A host of which these facts are known (copied), by enum ProbeVariant. `page_size` is the host's in bytes, 0 if it is
 * not known. 0; -EINVAL if write tracking is unknown or a number is out of range; -ENOMEM. */
PYMIG_API int migration_host_stated(const HostFacts facts[PROBE_VARIANT__MAX], uint64_t page_size,
                                    MigrationHost **host);

PYMIG_API void migration_host_free(MigrationHost *host);

/* Forgets what a local host answered; the next question asks again. A stated host keeps its facts. */
PYMIG_API void migration_host_refresh(MigrationHost *host);

/* enum WriteTracking, never UNKNOWN, as this variant asks within this scope; UNKNOWN for numbers out of range.
 * Two threads that need the first answer at once may both ask the kernel; the first answer to come counts for both. */
PYMIG_API int migration_host_write_tracking(MigrationHost *host, int variant, int scope);

/* Likewise; not supported for a number out of range. */
PYMIG_API PostcopySupport migration_host_postcopy(MigrationHost *host, int variant);

/* ---- The check ---------------------------------------------------------------------------------------------- */

/* Verdicts: one code a rule, never reused. */
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

/* What stands behind a code. */
typedef struct MigrationRule {
    const char *id;             /* stable, e.g. "background-snapshot/multifd" */
    const char *message;        /* QEMU's text, as QMP's error carries it */
    const char *hint;           /* QEMU's second text, which only HMP shows; NULL if there is none */
    CapabilitySet capabilities; /* those that the rule looks at: */
    CapabilitySet trigger;      /* it refuses while this one is on, */
    CapabilitySet need;         /* unless all of these are on */
    CapabilitySet forbid;       /* and none of these; if both are empty, whenever the trigger is on */
    uint64_t parameters;        /* and these parameters have their defaults: bit n is enum MigrationParameter n */
    bool reason_follows;        /* the text goes on with ": " and postcopy_support_message() */
} MigrationRule;

/* The circumstances that a check looks at, beside the host. */
typedef struct MigrationContext {
    QemuBuild build;
    bool incoming;             /* QEMU waits for an incoming migration (-incoming, also defer) */
    bool incoming_started;     /* a listening socket of the incoming side is open (looked at from 8.1 on) */
    bool kvm_dirty_ring;       /* KVM, with its dirty ring (dirty-ring-size) in use (from 8.1 on) */
    bool rdma;                 /* an RDMA migration is set up (from 10.1 on) */
    bool single_channel;       /* the incoming transport can't carry several channels (7.2 alone) */
    bool compressed;           /* multifd-compression is not none */
    bool tls;                  /* tls-creds is set and not empty */
    bool no_ram_tracked;       /* every block is passed over in write tracking: mode is cpr-transfer or cpr-exec */
    uint64_t target_page_size; /* of the guest, in bytes; 0: the build's */
} MigrationContext;

/* One context, prepared once. */
typedef struct MigrationChecker MigrationChecker;

/* The host is borrowed: it must outlive the checker. 0; -EINVAL if the release is unknown; -ENOMEM. */
PYMIG_API int migration_checker_new(const MigrationContext *context, MigrationHost *host, MigrationChecker **checker);

PYMIG_API void migration_checker_free(MigrationChecker *checker);

/* The answer of the postcopy probe to the build and the target of this checker, which is what the verdict
 * MIGRATION_POSTCOPY_HOST goes by. */
PYMIG_API PostcopySupport migration_checker_postcopy(const MigrationChecker *checker);

/* The whole text of a verdict of this checker, with the host's reason where the release tells it. As snprintf();
 * -ENOENT for a code that stands for no rule of the build. */
PYMIG_API int migration_checker_message(const MigrationChecker *checker, int code, char *text, size_t size);

/* migrate_caps_check(): would QEMU accept the change from one set to the other? The code of the first rule that
 * refuses, or MIGRATION_ACCEPTED; -EINVAL if a set has a capability that the release has not. The host is asked only
 * when a rule comes to need it. */
PYMIG_API int migrate_caps_check(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set);

/* The same with nothing on before. */
PYMIG_API int migrate_caps_check_set(const MigrationChecker *checker, CapabilitySet set);

/* Every rule that refuses, in QEMU's order: their codes go to `codes`, their number is the result. -EINVAL as above.
 * Where the kernel can't track writes, MIGRATION_SNAPSHOT_MEMORY is not listed too: it can't be known. */
PYMIG_API int migrate_caps_explain(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                                   uint8_t codes[MIGRATION_VERDICT__MAX]);

/* migrate_caps_check() of many sets against one old set, a code a word. -EINVAL if any of the sets has a capability
 * that the release has not; then nothing was written. */
PYMIG_API int migrate_caps_check_many32(const MigrationChecker *checker, CapabilitySet old_set,
                                        const uint32_t *new_sets, size_t count, uint8_t *codes);
PYMIG_API int migrate_caps_check_many64(const MigrationChecker *checker, CapabilitySet old_set,
                                        const uint64_t *new_sets, size_t count, uint8_t *codes);

/* Likewise in one pass instead of two, for codes that nobody minds: after -EINVAL they mean nothing. */
PYMIG_API int migrate_caps_check_many32_onepass(const MigrationChecker *checker, CapabilitySet old_set,
                                                const uint32_t *new_sets, size_t count, uint8_t *codes);
PYMIG_API int migrate_caps_check_many64_onepass(const MigrationChecker *checker, CapabilitySet old_set,
                                                const uint64_t *new_sets, size_t count, uint8_t *codes);

/* The index of the first of these sets with a capability that the release has not; count if there is none. */
PYMIG_API size_t migrate_caps_find_unknown32(const MigrationChecker *checker, const uint32_t *sets, size_t count);
PYMIG_API size_t migrate_caps_find_unknown64(const MigrationChecker *checker, const uint64_t *sets, size_t count);

/* What QEMU warns of on the way to this verdict, as a set of bits: bit n is warning number n of this build. */
PYMIG_API uint32_t migrate_caps_warnings(const MigrationChecker *checker, CapabilitySet new_set, int code);

/* The text of warning number n; NULL for a number out of range. */
PYMIG_API const char *migration_warning(int number);

/* Fills in what stands behind a code for this build. -ENOENT if the build has no such rule. */
PYMIG_API int migration_rule(const QemuBuild *build, int code, MigrationRule *rule);

/* ---- Parameters --------------------------------------------------------------------------------------------- */

/* In the order of the members of QEMU's MigrateSetParameters, which is the order in which a request is read. */
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
    PARAMETER_UINT64 = 2, /* QAPI's size, too */
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
    QMP_INT = 2,    /* -2^63 .. 2^64-1; a negative one as its two's complement, as QEMU takes it */
    QMP_NUMBER = 3, /* any other number; no migration parameter takes one */
    QMP_STRING = 4,
    QMP_ARRAY = 5,
    QMP_OBJECT = 6,
    QMP_OTHER = 7 /* what JSON has not */
} QmpType;

/* A value in a QMP request or answer. */
typedef struct QmpValue {
    int type;        /* enum QmpType */
    uint64_t number; /* of a bool 0 or 1; of an array or an object how many elements or members it has */
    const char *text;
    const struct QmpValue *elements; /* of an array */
    const struct QmpMember *members; /* of an object */
} QmpValue;

/* A member of a QMP object. */
typedef struct QmpMember {
    const char *name;
    QmpValue value;
} QmpMember;

/* Which of an object's unexpected members QEMU names, as an index. `visited` are the expected ones, in the order in
 * which QEMU visits them; all others are unexpected, and there is one at least. -ENOMEM if out of memory. */
PYMIG_API long qmp_first_unvisited(const QmpMember *members, size_t count, const size_t *visited, size_t n_visited);

/* Why a request was refused. */
typedef struct MigrationError {
    int parameter;   /* enum MigrationParameter, or -1 for none of them */
    bool wrong_type; /* the value's QMP type is at fault, not its size */
    int unexpected;  /* the index of the member whose name no parameter has, if that is why; else -1 */
    char *message;   /* QEMU's text; free it with migration_error_clear(). NULL if out of memory */
} MigrationError;

PYMIG_API void migration_error_clear(MigrationError *error);

/* The QMP name of a parameter ("multifd-channels"); NULL for a number out of range. */
PYMIG_API const char *migration_parameter_name(int parameter);

/* The number of the parameter with this QMP name, or -ENOENT. */
PYMIG_API int migration_parameter_from_name(const char *name);

/* enum ParameterType, or -EINVAL for a number out of range. */
PYMIG_API int migration_parameter_type(int parameter);

/* Whether this release has the parameter, and whether its QAPI schema marks it as deprecated or unstable. */
PYMIG_API bool migration_parameter_known(const QemuBuild *build, int parameter);
PYMIG_API bool migration_parameter_deprecated(const QemuBuild *build, int parameter);
PYMIG_API bool migration_parameter_unstable(const QemuBuild *build, int parameter);

/* True for a parameter that this release takes in a request and then ignores (multifd-zlib-level and -zstd-level up
 * to 8.2, a fault of QEMU's): a value of the right type is accepted and never stored. */
PYMIG_API bool migration_parameter_ignored(const QemuBuild *build, int parameter);

/* What this build warns of on its standard error when the parameter is set; NULL if of nothing. */
PYMIG_API const char *migration_parameter_warning(const QemuBuild *build, int parameter);

/* The name of an enum parameter's value ("zstd"), in whatever release; NULL for numbers out of range. */
PYMIG_API const char *migration_parameter_value_name(int parameter, uint64_t value);

/* Whether this build takes that value. */
PYMIG_API bool migration_parameter_value_known(const QemuBuild *build, int parameter, uint64_t value);

/* Takes parameters over into a context, as migrate-set-parameters would on a fresh QEMU: the fields that follow from
 * them. 0; -EINVAL if QEMU would refuse, with its text in `error` (which then needs clearing); -ENOMEM. */
PYMIG_API int migration_context_apply(MigrationContext *context, const QmpMember *members, size_t count,
                                      MigrationError *error);

/* All parameters at one moment. */
typedef struct MigrationParameters MigrationParameters;

PYMIG_API void migration_parameters_free(MigrationParameters *parameters);

/* The parameter's name and value, as query-migrate-parameters gives it: an enum's value as its name. It lives as long
 * as `parameters`. -EINVAL for a parameter that the build has not, -ENOENT for one that was never set
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

/* The text with which a change is refused while a migration runs (-EBUSY below). */
PYMIG_API const char *migration_active_message(void);

/* A mirror of QEMU's MigrationState: capabilities, parameters, status. */
typedef struct MigrationState MigrationState;

/* All capabilities off, all parameters at their defaults, status none. `compressed`, `tls` and `no_ram_tracked` of the
 * context don't count: they follow the parameters. The host is borrowed: it must outlive the state. 0; -EINVAL if the
 * release is unknown; -ENOMEM. */
PYMIG_API int migration_state_new(const MigrationContext *context, MigrationHost *host, MigrationState **state);

PYMIG_API void migration_state_free(MigrationState *state);

/* As migration_checker_message(). */
PYMIG_API int migration_state_message(const MigrationState *state, int code, char *text, size_t size);

/* enum MigrationStatus. */
PYMIG_API int migration_status(const MigrationState *state);

/* -EINVAL for a status that the release has not. */
PYMIG_API int migrate_set_status(MigrationState *state, int status);

/* The present set. */
PYMIG_API CapabilitySet migration_capabilities(const MigrationState *state);

typedef struct MigrationCapabilityStatus {
    int capability; /* enum MigrationCapability */
    bool state;
} MigrationCapabilityStatus;

/* migrate_cap_set(): switches one capability. 0, or the code of the rule that refuses; -EBUSY while a migration runs;
 * -EINVAL for a capability that the release has not. A refused change changes nothing. */
PYMIG_API int migrate_cap_set(MigrationState *state, int capability, bool value);

/* qmp_migrate_set_capabilities(): the same for a list, all or nothing; of two entries for one capability the later
 * counts. */
PYMIG_API int qmp_migrate_set_capabilities(MigrationState *state, const MigrationCapabilityStatus *list, size_t count);

/* The same as two sets: those to switch on, and those to switch off. -EINVAL if they overlap. */
PYMIG_API int migrate_change_capabilities(MigrationState *state, CapabilitySet on, CapabilitySet off);

/* qmp_query_migrate_capabilities(): every listed capability in enum order; their number is the result. */
PYMIG_API int qmp_query_migrate_capabilities(const MigrationState *state,
                                             MigrationCapabilityStatus list[MIGRATION_CAPABILITY__MAX]);

/* qmp_migrate_set_parameters(): lays the given values over the present ones, checks the whole, and takes all of them
 * or none. 0; -EINVAL if QEMU would refuse, with its text in `error` (which then needs clearing); -ENOMEM. */
PYMIG_API int qmp_migrate_set_parameters(MigrationState *state, const QmpMember *members, size_t count,
                                         MigrationError *error);

/* The same without taking it: what qmp_migrate_set_parameters() would answer now. */
PYMIG_API int migrate_try_parameters(const MigrationState *state, const QmpMember *members, size_t count,
                                     MigrationError *error);

/* The faults of this release that a request of these parameters meets now: bit n is fault number n of
 * qemu_fault(). */
PYMIG_API uint32_t migrate_parameters_faults(const MigrationState *state, const QmpMember *members, size_t count);

/* qmp_query_migrate_parameters(): a copy to be freed with migration_parameters_free(); NULL if out of memory. */
PYMIG_API MigrationParameters *qmp_query_migrate_parameters(const MigrationState *state);

/* The accessors of QEMU's migration/options.h: the present state of each capability ... */
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

/* ... and the value of each parameter. */
PYMIG_API bool migrate_block_incremental(const MigrationState *state);
PYMIG_API uint32_t migrate_checkpoint_delay(const MigrationState *state); /* ms between two COLO checkpoints */
PYMIG_API int migrate_compress_level(const MigrationState *state);        /* 0..9 */
PYMIG_API int migrate_compress_threads(const MigrationState *state);      /* 1..255 */
PYMIG_API int migrate_compress_wait_thread(const MigrationState *state);  /* 0 or 1 */
PYMIG_API int migrate_decompress_threads(const MigrationState *state);    /* 1..255 */
PYMIG_API uint8_t migrate_max_cpu_throttle(const MigrationState *state);  /* percent */
/* bytes/s, 0 is unlimited; see migration_accessor_signed() */
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

/* All four as of one moment. */
PYMIG_API AnnounceParameters migrate_announce_params(const MigrationState *state);

/* tls-creds is set and not empty; migrate_tls from 8.1 on. */
PYMIG_API bool migrate_use_tls(const MigrationState *state);
PYMIG_API bool migrate_tls(const MigrationState *state);

/* postcopy-ram or dirty-bitmaps is on. */
PYMIG_API bool migrate_postcopy(const MigrationState *state);

/* Those that came after the reference. A text is a copy, to be freed with migration_text_free(): NULL if out of memory
 * or, from 10.2.50 on, for one that is not set. */
PYMIG_API uint8_t migrate_cpu_throttle_increment(const MigrationState *state); /* percent */
PYMIG_API uint8_t migrate_cpu_throttle_initial(const MigrationState *state);   /* percent */
PYMIG_API bool migrate_cpu_throttle_tailslow(const MigrationState *state);
PYMIG_API uint64_t migrate_downtime_limit(const MigrationState *state);             /* ms */
PYMIG_API uint64_t migrate_max_bandwidth(const MigrationState *state);              /* bytes/s */
PYMIG_API uint64_t migrate_avail_switchover_bandwidth(const MigrationState *state); /* bytes/s, 0: estimated */
PYMIG_API MigMode migrate_mode(const MigrationState *state);
PYMIG_API ZeroPageDetection migrate_zero_page_detection(const MigrationState *state);
PYMIG_API uint64_t migrate_vcpu_dirty_limit_period(const MigrationState *state); /* ms */
PYMIG_API bool migrate_direct_io(const MigrationState *state); /* direct-io is set, mapped-ram and multifd are on */
PYMIG_API int migrate_multifd_qatzip_level(const MigrationState *state); /* 1..9 */
PYMIG_API char *migrate_tls_authz(const MigrationState *state);
PYMIG_API char *migrate_tls_creds(const MigrationState *state);
PYMIG_API char *migrate_tls_hostname(const MigrationState *state);
PYMIG_API bool migrate_has_block_bitmap_mapping(const MigrationState *state);
/* A copy, to be freed with qmp_value_free(); NULL if out of memory or if it was never set. */
PYMIG_API QmpValue *migrate_block_bitmap_mapping(const MigrationState *state);
PYMIG_API bool migrate_rdma(const MigrationState *state); /* an RDMA migration is set up */
/* Properties for compatibility, which follow from the machine type's version. */
PYMIG_API bool migrate_multifd_flush_after_each_section(const MigrationState *state);
PYMIG_API bool migrate_send_switchover_start(const MigrationState *state);
PYMIG_API bool migrate_can_snapshot(const MigrationState *state); /* a snapshot (savevm) is compatible with the set */
/* The text with which QEMU refuses a snapshot then. */
PYMIG_API const char *migration_snapshot_message(void);

PYMIG_API void migration_text_free(char *text);
PYMIG_API void qmp_value_free(QmpValue *value);

/* The name of accessor number n, without "migrate_" ("multifd"); NULL for a number out of range. */
PYMIG_API const char *migration_accessor_name(int number);

/* Whether this release's options.h declares an accessor of this name (before there was one, up to 8.0: whether the
 * reference's does). */
PYMIG_API bool migration_accessor_known(const QemuBuild *build, const char *name);

/* Whether this release's accessor of this name gives its 64 bits as a signed number (max_postcopy_bandwidth up to
 * 8.0.50). */
PYMIG_API bool migration_accessor_signed(const QemuBuild *build, const char *name);

/* ---- Known faults ------------------------------------------------------------------------------------------- */

/* A fault of some releases that no answer tells of: what is accepted and then ends badly. */
typedef struct QemuFault {
    const char *id;             /* stable, e.g. "savevm/multifd" */
    const char *command;        /* the QMP or HMP command that meets it */
    const char *condition;      /* when, as a clause */
    const char *consequence;    /* what happens then */
    const char *releases;       /* which ones, in words */
    const char *reference;      /* where it was reported or mended */
    CapabilitySet capabilities; /* it needs one of these on; 0: none */
} QemuFault;

/* The one with this number; NULL for a number out of range. */
PYMIG_API const QemuFault *qemu_fault(int number);

/* Those of this build, as bits by number. */
PYMIG_API uint32_t qemu_build_faults(const QemuBuild *build);

#ifdef __cplusplus
}
#endif

#endif
