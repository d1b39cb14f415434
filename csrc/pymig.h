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

/* Numbers are this library's own: those of QEMU 9.0, where no member was missing yet. They are never reused. A
 * release's enum order is always the order of these numbers. */
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

/* The known releases, in order of time. A number is only good within one version of this library: store names. */
typedef enum QemuRelease { QEMU_8_0 = 0, QEMU_RELEASE__MAX = 1 } QemuRelease;

/* "8.0"; NULL for a number out of range. */
PYMIG_API const char *qemu_release_name(int release);

/* The release with this name, or -ENOENT. */
PYMIG_API int qemu_release_from_name(const char *name);

/* One QEMU binary: its release, and the configure-time choices that change its answers. */
typedef struct QemuBuild {
    int release;               /* enum QemuRelease */
    bool live_block_migration; /* CONFIG_LIVE_BLOCK_MIGRATION */
    bool replication;          /* CONFIG_REPLICATION */
    bool on_linux;             /* CONFIG_LINUX */
    bool zstd;                 /* CONFIG_ZSTD */
} QemuBuild;

/* What the release's MigrationCapability enum holds: the names that its setter knows. Empty for an unknown release. */
PYMIG_API CapabilitySet qemu_build_capabilities(const QemuBuild *build);

/* What query-migrate-capabilities lists: a build without live block migration leaves `block` out. */
PYMIG_API CapabilitySet qemu_build_listed(const QemuBuild *build);

/* Those of its capabilities that the QAPI schema marks as unstable. */
PYMIG_API CapabilitySet qemu_build_unstable(const QemuBuild *build);

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
    POSTCOPY_STEP_MAP = 11,         /* one page of private anonymous memory cannot be mapped */
    POSTCOPY_STEP_REGISTER = 12,    /* UFFDIO_REGISTER of it with UFFDIO_REGISTER_MODE_MISSING */
    POSTCOPY_STEP_UNREGISTER = 13,  /* UFFDIO_UNREGISTER of it */
    POSTCOPY_STEP_RANGE_IOCTLS = 14 /* it lacks UFFDIO_WAKE, UFFDIO_COPY or UFFDIO_ZEROPAGE */
} PostcopyStep;

/* The answer of postcopy_ram_supported_by_host(). */
typedef struct PostcopySupport {
    bool ok;
    int step;        /* enum PostcopyStep: the first that failed */
    int error;       /* errno of that step's system call, 0 where none failed */
    uint32_t detail; /* step 4: 1 if the descriptor, 2 if UFFDIO_API failed; 5 and 6: the features asked for;
                        6 (high half) and 14: the missing ioctls; 7 to 9: the index of the block */
} PostcopySupport;

/* What backs a block of guest memory. */
typedef enum RamBlockKind {
    RAM_BLOCK_ANONYMOUS = 0 /* memory-backend-ram */
} RamBlockKind;

/* One block of guest memory, as a QEMU memory backend makes it. Sizes in bytes. */
typedef struct RamBlock {
    int kind; /* enum RamBlockKind */
    bool share;
    bool readonly;
} RamBlock;

/* How userfaultfd answers here, in numbers. Each error is an errno value, 0 where the step worked, -1 where it was
 * not tried. */
typedef struct UffdReport {
    int device_error;  /* open("/dev/userfaultfd", O_RDWR | O_CLOEXEC) */
    int open_error;    /* USERFAULTFD_IOC_NEW on it or, if it did not open, the system call userfaultfd(2) */
    int api_error;     /* UFFDIO_API, asking for no feature */
    uint64_t features; /* uffdio_api.features: all that the kernel has; 0 if it could not be asked */
    uint64_t ioctls;   /* uffdio_api.ioctls: bit n is ioctl number n */
} UffdReport;

/* The whole answer of this machine. */
typedef struct HostReport {
    UffdReport uffd;
    int write_tracking;               /* enum WriteTracking */
    int write_tracking_ignore_shared; /* the same, with shared blocks passed over */
    PostcopySupport postcopy;
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

/* The text that QEMU logs for this answer, as snprintf() gives it: at most size bytes with the terminating NUL, and
 * the length of the whole text as the result. "" if it is supported. Two log lines are parted by a newline. */
PYMIG_API int postcopy_support_message(const PostcopySupport *support, char *text, size_t size);

/* All of the above in one go. */
PYMIG_API HostReport host_probe(const RamBlock *blocks, size_t count, uint64_t target_page_size);

/* The name of bit n of uffdio_api.features ("pagefault-flag-wp"), NULL for a bit without a name here. */
PYMIG_API const char *uffd_feature_name(int bit);

/* The name of bit n of uffdio_api.ioctls ("register"), NULL for a bit without a name here. */
PYMIG_API const char *uffd_ioctl_name(int bit);

/* What one host can do: found out by asking this machine's kernel, each thing once and only when a check comes to
 * need it; or stated. */
typedef struct MigrationHost MigrationHost;

/* This machine, with a guest that has these blocks (copied) and this page size (0: the host's own). NULL if out of
 * memory. */
PYMIG_API MigrationHost *migration_host_local(const RamBlock *blocks, size_t count, uint64_t target_page_size);

/* A host of which these facts are known (copied). NULL if out of memory, or if write tracking is unknown. */
PYMIG_API MigrationHost *migration_host_stated(int write_tracking, int write_tracking_ignore_shared,
                                               const PostcopySupport *postcopy);

PYMIG_API void migration_host_free(MigrationHost *host);

/* Forgets what a local host answered; the next question asks again. A stated host keeps its facts. */
PYMIG_API void migration_host_refresh(MigrationHost *host);

/* enum WriteTracking, never UNKNOWN. Two threads that need the first answer at once may both ask the kernel; the
 * first answer to come counts for both. */
PYMIG_API int migration_host_write_tracking(MigrationHost *host, bool ignore_shared);

/* Likewise. */
PYMIG_API PostcopySupport migration_host_postcopy(MigrationHost *host);

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
    MIGRATION_VERDICT__MAX = 27
} MigrationVerdict;

/* What stands behind a code. */
typedef struct MigrationRule {
    const char *id;             /* stable, e.g. "background-snapshot/multifd" */
    const char *message;        /* QEMU's text, as QMP's error carries it */
    const char *hint;           /* QEMU's second text, which only HMP shows; NULL if there is none */
    CapabilitySet capabilities; /* those that the rule looks at */
} MigrationRule;

/* The circumstances that a check looks at, beside the host. */
typedef struct MigrationContext {
    QemuBuild build;
    bool incoming;   /* QEMU waits for an incoming migration (-incoming, also defer) */
    bool compressed; /* multifd-compression is not none */
    bool tls;        /* tls-creds is set and not empty */
} MigrationContext;

/* One context, prepared once. */
typedef struct MigrationChecker MigrationChecker;

/* The host is borrowed: it must outlive the checker. NULL if out of memory or if the release is unknown. */
PYMIG_API MigrationChecker *migration_checker_new(const MigrationContext *context, MigrationHost *host);

PYMIG_API void migration_checker_free(MigrationChecker *checker);

/* migrate_caps_check(): would QEMU accept the change from one set to the other? The code of the first rule that
 * refuses, or MIGRATION_ACCEPTED; -EINVAL if a set has a capability that the release has not. The host is asked only
 * when a rule comes to need it. */
PYMIG_API int migrate_caps_check(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set);

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
    MIGRATION_PARAMETER_DOWNTIME_LIMIT,
    MIGRATION_PARAMETER_X_CHECKPOINT_DELAY,
    MIGRATION_PARAMETER_BLOCK_INCREMENTAL,
    MIGRATION_PARAMETER_MULTIFD_CHANNELS,
    MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE,
    MIGRATION_PARAMETER_MAX_POSTCOPY_BANDWIDTH,
    MIGRATION_PARAMETER_MAX_CPU_THROTTLE,
    MIGRATION_PARAMETER_MULTIFD_COMPRESSION,
    MIGRATION_PARAMETER_MULTIFD_ZLIB_LEVEL,
    MIGRATION_PARAMETER_MULTIFD_ZSTD_LEVEL,
    MIGRATION_PARAMETER__MAX
} MigrationParameter;

typedef enum MultiFDCompression {
    MULTIFD_COMPRESSION_NONE = 0,
    MULTIFD_COMPRESSION_ZLIB = 1,
    MULTIFD_COMPRESSION_ZSTD = 2,
    MULTIFD_COMPRESSION__MAX = 3
} MultiFDCompression;

/* The QMP type of a parameter. */
typedef enum ParameterType {
    PARAMETER_UINT8 = 0,
    PARAMETER_UINT32 = 1,
    PARAMETER_UINT64 = 2, /* QAPI's size, too */
    PARAMETER_BOOL = 3,
    PARAMETER_STRING = 4, /* StrOrNull; null unsets it, a query gives "" */
    PARAMETER_MULTIFD_COMPRESSION = 5
} ParameterType;

/* The kinds of value that a QMP request can hold. */
typedef enum QmpType {
    QMP_NULL = 0,
    QMP_BOOL = 1,
    QMP_INT = 2,    /* -2^63 .. 2^64-1; a negative one as its two's complement, as QEMU takes it */
    QMP_NUMBER = 3, /* any other number; no migration parameter takes one */
    QMP_STRING = 4,
    QMP_OTHER = 5 /* an array or an object */
} QmpType;

/* A member of a QMP object: of `number` and `text` the one that fits the type. */
typedef struct QmpMember {
    const char *name;
    int type; /* enum QmpType */
    uint64_t number;
    const char *text;
} QmpMember;

/* Why a request was refused. */
typedef struct MigrationError {
    int parameter;   /* enum MigrationParameter, or -1 for none of them */
    bool wrong_type; /* the value's QMP type is at fault, not its size */
    bool unexpected; /* no parameter has this name */
    char *message;   /* QEMU's text; free it with migration_error_clear(). NULL if out of memory */
} MigrationError;

PYMIG_API void migration_error_clear(MigrationError *error);

/* The QMP name of a parameter ("multifd-channels"); NULL for a number out of range. */
PYMIG_API const char *migration_parameter_name(int parameter);

/* The number of the parameter with this QMP name, or -ENOENT. */
PYMIG_API int migration_parameter_from_name(const char *name);

/* enum ParameterType, or -EINVAL for a number out of range. */
PYMIG_API int migration_parameter_type(int parameter);

/* True for a parameter that this release takes in a request and then ignores (multifd-zlib-level and -zstd-level up
 * to 8.2, a fault of QEMU's): a value of the right type is accepted and never stored. */
PYMIG_API bool migration_parameter_ignored(const QemuBuild *build, int parameter);

/* "none", "zlib", "zstd"; NULL for a number out of range. */
PYMIG_API const char *multifd_compression_name(int method);

/* All parameters at one moment. */
typedef struct MigrationParameters MigrationParameters;

PYMIG_API void migration_parameters_free(MigrationParameters *parameters);

/* The parameter's name and value, as query-migrate-parameters gives it: an enum's value as its name. The text lives
 * as long as `parameters`. -EINVAL for a number out of range. */
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
    MIGRATION_STATUS__MAX = 14
} MigrationStatus;

/* "postcopy-active"; NULL for a number out of range. */
PYMIG_API const char *migration_status_name(int status);

/* The status with this name, or -ENOENT. */
PYMIG_API int migration_status_from_name(const char *name);

/* The text with which a change is refused while a migration runs (-EBUSY below). */
PYMIG_API const char *migration_active_message(void);

/* A mirror of QEMU's MigrationState: capabilities, parameters, status. */
typedef struct MigrationState MigrationState;

/* All capabilities off, all parameters at their defaults, status none. `compressed` and `tls` of the context don't
 * count: they follow the parameters. The host is borrowed: it must outlive the state. NULL if out of memory or if the
 * release is unknown. */
PYMIG_API MigrationState *migration_state_new(const MigrationContext *context, MigrationHost *host);

PYMIG_API void migration_state_free(MigrationState *state);

/* enum MigrationStatus. */
PYMIG_API int migration_status(const MigrationState *state);

/* -EINVAL for a number out of range. */
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

/* qmp_query_migrate_parameters(): a copy to be freed with migration_parameters_free(); NULL if out of memory. */
PYMIG_API MigrationParameters *qmp_query_migrate_parameters(const MigrationState *state);

/* The accessors of QEMU's migration/options.h: the present state of each capability ... */
PYMIG_API bool migrate_auto_converge(const MigrationState *state);
PYMIG_API bool migrate_background_snapshot(const MigrationState *state);
PYMIG_API bool migrate_block(const MigrationState *state);
PYMIG_API bool migrate_colo(const MigrationState *state);
PYMIG_API bool migrate_compress(const MigrationState *state);
PYMIG_API bool migrate_dirty_bitmaps(const MigrationState *state);
PYMIG_API bool migrate_events(const MigrationState *state);
PYMIG_API bool migrate_ignore_shared(const MigrationState *state);
PYMIG_API bool migrate_late_block_activate(const MigrationState *state);
PYMIG_API bool migrate_multifd(const MigrationState *state);
PYMIG_API bool migrate_pause_before_switchover(const MigrationState *state);
PYMIG_API bool migrate_postcopy_blocktime(const MigrationState *state);
PYMIG_API bool migrate_postcopy_preempt(const MigrationState *state);
PYMIG_API bool migrate_postcopy_ram(const MigrationState *state);
PYMIG_API bool migrate_rdma_pin_all(const MigrationState *state);
PYMIG_API bool migrate_release_ram(const MigrationState *state);
PYMIG_API bool migrate_return_path(const MigrationState *state);
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
/* bytes/s, 0 is unlimited; the 64 bits of the parameter as a signed number */
PYMIG_API int64_t migrate_max_postcopy_bandwidth(const MigrationState *state);
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

/* tls-creds is set and not empty. */
PYMIG_API bool migrate_use_tls(const MigrationState *state);

#ifdef __cplusplus
}
#endif

#endif
