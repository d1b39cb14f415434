/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "capability.h"
#include "check.h"
#include "host.h"
#include "parameter.h"

/* What accessors read is atomic; whoever changes anything, or reads several things at once, holds the lock. */
struct MigrationState {
    MigrationContext context;
    MigrationHost *host;
    CapabilitySet known;
    int flavour; /* enum HostFlavour */
    _Atomic CapabilitySet capabilities;
    _Atomic int status;
    MigrationParameters parameters;
    MigrationChecker checker; /* compiled for the parameters */
};

/* ---- The lock ---- */

/* One for all states: what is done under it is short, and never waits for anything. Held over a fork(), so that the
 * child finds every state whole and the lock free. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t hold_over_fork_once = PTHREAD_ONCE_INIT;

static void acquire(void)
{
    pthread_mutex_lock(&lock);
}

static void release(void)
{
    pthread_mutex_unlock(&lock);
}

static void hold_over_fork(void)
{
    pthread_atfork(acquire, release, release);
}

/* ---- Status ---- */

typedef struct StatusRow {
    const char *name;
    ReleaseRange present;
    ReleaseRange running; /* the releases in which capabilities can't change in it */
} StatusRow;

#define STATUS(name) [MIGRATION_STATUS_##name]

/* clang-format off */
static const StatusRow statuses[MIGRATION_STATUS__MAX] = {
    STATUS(NONE)                   = {"none", ALWAYS, NEVER},
    STATUS(SETUP)                  = {"setup", ALWAYS, ALWAYS},
    STATUS(CANCELLING)             = {"cancelling", ALWAYS, ALWAYS},
    STATUS(CANCELLED)              = {"cancelled", ALWAYS, NEVER},
    STATUS(ACTIVE)                 = {"active", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_ACTIVE)        = {"postcopy-active", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_PAUSED)        = {"postcopy-paused", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_RECOVER)       = {"postcopy-recover", ALWAYS, ALWAYS},
    STATUS(COMPLETED)              = {"completed", ALWAYS, NEVER},
    STATUS(FAILED)                 = {"failed", ALWAYS, NEVER},
    STATUS(COLO)                   = {"colo", ALWAYS, FROM(8_1)},
    STATUS(PRE_SWITCHOVER)         = {"pre-switchover", ALWAYS, ALWAYS},
    STATUS(DEVICE)                 = {"device", ALWAYS, ALWAYS},
    STATUS(WAIT_UNPLUG)            = {"wait-unplug", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_RECOVER_SETUP) = {"postcopy-recover-setup", FROM(9_1), ALWAYS},
    STATUS(POSTCOPY_DEVICE)        = {"postcopy-device", FROM(10_2), ALWAYS},
};
/* clang-format on */

const char *migration_status_name(int status)
{
    return status >= 0 && status < MIGRATION_STATUS__MAX ? statuses[status].name : NULL;
}

int migration_status_from_name(const char *name)
{
    for (int i = 0; i < MIGRATION_STATUS__MAX; i++) {
        if (strcmp(statuses[i].name, name) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

bool migration_status_known(const QemuBuild *build, int status)
{
    return migration_status_name(status) != NULL && release_within(build->release, statuses[status].present);
}

static bool is_running(const MigrationState *state)
{
    return release_within(state->context.build.release, statuses[state->status].running);
}

const char *migration_active_message(void)
{
    return "There's a migration process in progress";
}

int migration_status(const MigrationState *state)
{
    return state->status;
}

int migrate_set_status(MigrationState *state, int status)
{
    if (!migration_status_known(&state->context.build, status)) {
        return -EINVAL;
    }
    acquire();
    state->status = status;
    release();
    return 0;
}

/* ---- Life ---- */

/* To be called with the lock held, or before anybody else knows the state. */
static void follow_parameters(MigrationState *state)
{
    state->context.compressed = migrate_multifd_compression(state) != MULTIFD_COMPRESSION_NONE;
    state->context.tls = migrate_use_tls(state);
    state->context.ignore_all = migrate_mode(state) >= MIG_MODE_CPR_TRANSFER;
    migration_checker_init(&state->checker, &state->context, state->host);
}

MigrationState *migration_state_new(const MigrationContext *context, MigrationHost *host)
{
    if (!qemu_release_known(context->build.release)) {
        return NULL;
    }
    pthread_once(&hold_over_fork_once, hold_over_fork);
    MigrationState *state = calloc(1, sizeof(*state));
    if (state != NULL) {
        state->context = *context;
        state->host = host;
        state->known = qemu_build_capabilities(&context->build);
        state->flavour = qemu_release_host_flavour(context->build.release);
        parameters_init(&state->parameters, &context->build);
        follow_parameters(state);
    }
    return state;
}

void migration_state_free(MigrationState *state)
{
    if (state != NULL) {
        parameters_clear(&state->parameters);
        free(state);
    }
}

/* ---- Capabilities ---- */

CapabilitySet migration_capabilities(const MigrationState *state)
{
    return state->capabilities;
}

/* With the lock held. -EAGAIN if the host has to be asked first. */
static int try_change(MigrationState *state, CapabilitySet on, CapabilitySet off, HostQuestion *question)
{
    if (is_running(state)) {
        return -EBUSY;
    }
    CapabilitySet new_set = (state->capabilities | on) & ~off;
    int code = caps_check_known(&state->checker, state->capabilities, new_set, question);
    if (code == MIGRATION_ACCEPTED) {
        state->capabilities = new_set;
    }
    return code;
}

int migrate_change_capabilities(MigrationState *state, CapabilitySet on, CapabilitySet off)
{
    HostQuestion question;

    if (has_any(on | off, ~state->known) || has_any(on, off)) {
        return -EINVAL;
    }
    for (;;) {
        acquire();
        int code = try_change(state, on, off, &question);
        release();
        if (code != -EAGAIN) {
            return code;
        }
        migration_host_ask(state->host, state->flavour, question); /* may take long: never with the lock held */
    }
}

int migrate_cap_set(MigrationState *state, int capability, bool value)
{
    return qmp_migrate_set_capabilities(state, &(MigrationCapabilityStatus){capability, value}, 1);
}

int qmp_migrate_set_capabilities(MigrationState *state, const MigrationCapabilityStatus *list, size_t count)
{
    CapabilitySet on = 0, off = 0;

    for (size_t i = 0; i < count; i++) {
        if (migration_capability_name(list[i].capability) == NULL) {
            return -EINVAL;
        }
        CapabilitySet one = (CapabilitySet)1 << list[i].capability;
        on = list[i].state ? on | one : on & ~one;
        off = list[i].state ? off & ~one : off | one;
    }
    return migrate_change_capabilities(state, on, off);
}

int qmp_query_migrate_capabilities(const MigrationState *state,
                                   MigrationCapabilityStatus list[MIGRATION_CAPABILITY__MAX])
{
    CapabilitySet listed = qemu_build_listed(&state->context.build), present = state->capabilities;
    int count = 0;

    for (int i = 0; i < MIGRATION_CAPABILITY__MAX; i++) {
        CapabilitySet one = (CapabilitySet)1 << i;
        if (has_any(listed, one)) {
            list[count++] = (MigrationCapabilityStatus){i, has_any(present, one)};
        }
    }
    return count;
}

/* ---- Parameters ---- */

static int take_parameters(MigrationState *state, const ParameterChange *change, MigrationError *error)
{
    int result = parameters_check(&state->context, state->capabilities, &state->parameters, change, error);
    if (result == 0 && (result = parameters_take(&state->parameters, change)) == 0) {
        follow_parameters(state);
    }
    return result;
}

int qmp_migrate_set_parameters(MigrationState *state, const QmpMember *members, size_t count, MigrationError *error)
{
    ParameterChange change;

    *error = (MigrationError){.parameter = -1, .unexpected = -1};
    int result = parameters_read(&state->context.build, members, count, &change, error);
    if (result == 0) {
        acquire();
        result = take_parameters(state, &change, error);
        release();
    }
    return result;
}

MigrationParameters *qmp_query_migrate_parameters(const MigrationState *state)
{
    acquire();
    MigrationParameters *copy = parameters_copy(&state->parameters);
    release();
    return copy;
}

/* ---- Accessors ---- */

#define CAPABILITY_ACCESSOR(name, capability)                                                                          \
    bool name(const MigrationState *state)                                                                             \
    {                                                                                                                  \
        return has_any(atomic_load_explicit(&state->capabilities, memory_order_relaxed), CAP(capability));             \
    }

CAPABILITY_ACCESSOR(migrate_auto_converge, AUTO_CONVERGE)
CAPABILITY_ACCESSOR(migrate_background_snapshot, BACKGROUND_SNAPSHOT)
CAPABILITY_ACCESSOR(migrate_block, BLOCK)
CAPABILITY_ACCESSOR(migrate_colo, X_COLO)
CAPABILITY_ACCESSOR(migrate_compress, COMPRESS)
CAPABILITY_ACCESSOR(migrate_dirty_bitmaps, DIRTY_BITMAPS)
CAPABILITY_ACCESSOR(migrate_dirty_limit, DIRTY_LIMIT)
CAPABILITY_ACCESSOR(migrate_events, EVENTS)
CAPABILITY_ACCESSOR(migrate_ignore_shared, X_IGNORE_SHARED)
CAPABILITY_ACCESSOR(migrate_late_block_activate, LATE_BLOCK_ACTIVATE)
CAPABILITY_ACCESSOR(migrate_mapped_ram, MAPPED_RAM)
CAPABILITY_ACCESSOR(migrate_multifd, MULTIFD)
CAPABILITY_ACCESSOR(migrate_pause_before_switchover, PAUSE_BEFORE_SWITCHOVER)
CAPABILITY_ACCESSOR(migrate_postcopy_blocktime, POSTCOPY_BLOCKTIME)
CAPABILITY_ACCESSOR(migrate_postcopy_preempt, POSTCOPY_PREEMPT)
CAPABILITY_ACCESSOR(migrate_postcopy_ram, POSTCOPY_RAM)
CAPABILITY_ACCESSOR(migrate_rdma_pin_all, RDMA_PIN_ALL)
CAPABILITY_ACCESSOR(migrate_release_ram, RELEASE_RAM)
CAPABILITY_ACCESSOR(migrate_return_path, RETURN_PATH)
CAPABILITY_ACCESSOR(migrate_switchover_ack, SWITCHOVER_ACK)
CAPABILITY_ACCESSOR(migrate_validate_uuid, VALIDATE_UUID)
CAPABILITY_ACCESSOR(migrate_xbzrle, XBZRLE)
CAPABILITY_ACCESSOR(migrate_zero_blocks, ZERO_BLOCKS)
CAPABILITY_ACCESSOR(migrate_zero_copy_send, ZERO_COPY_SEND)

#define PARAMETER_ACCESSOR(type, name, parameter)                                                                      \
    type name(const MigrationState *state)                                                                             \
    {                                                                                                                  \
        return (type)atomic_load_explicit(&state->parameters.number[MIGRATION_PARAMETER_##parameter],                  \
                                          memory_order_relaxed);                                                       \
    }

PARAMETER_ACCESSOR(bool, migrate_block_incremental, BLOCK_INCREMENTAL)
PARAMETER_ACCESSOR(uint32_t, migrate_checkpoint_delay, X_CHECKPOINT_DELAY)
PARAMETER_ACCESSOR(int, migrate_compress_level, COMPRESS_LEVEL)
PARAMETER_ACCESSOR(int, migrate_compress_threads, COMPRESS_THREADS)
PARAMETER_ACCESSOR(int, migrate_compress_wait_thread, COMPRESS_WAIT_THREAD)
PARAMETER_ACCESSOR(int, migrate_decompress_threads, DECOMPRESS_THREADS)
PARAMETER_ACCESSOR(uint8_t, migrate_max_cpu_throttle, MAX_CPU_THROTTLE)
PARAMETER_ACCESSOR(int64_t, migrate_max_postcopy_bandwidth, MAX_POSTCOPY_BANDWIDTH)
PARAMETER_ACCESSOR(int, migrate_multifd_channels, MULTIFD_CHANNELS)
PARAMETER_ACCESSOR(MultiFDCompression, migrate_multifd_compression, MULTIFD_COMPRESSION)
PARAMETER_ACCESSOR(int, migrate_multifd_zlib_level, MULTIFD_ZLIB_LEVEL)
PARAMETER_ACCESSOR(int, migrate_multifd_zstd_level, MULTIFD_ZSTD_LEVEL)
PARAMETER_ACCESSOR(uint8_t, migrate_throttle_trigger_threshold, THROTTLE_TRIGGER_THRESHOLD)
PARAMETER_ACCESSOR(uint64_t, migrate_xbzrle_cache_size, XBZRLE_CACHE_SIZE)
PARAMETER_ACCESSOR(bool, migrate_use_tls, TLS_CREDS)

PARAMETER_ACCESSOR(bool, migrate_tls, TLS_CREDS)
PARAMETER_ACCESSOR(uint8_t, migrate_cpu_throttle_increment, CPU_THROTTLE_INCREMENT)
PARAMETER_ACCESSOR(uint8_t, migrate_cpu_throttle_initial, CPU_THROTTLE_INITIAL)
PARAMETER_ACCESSOR(bool, migrate_cpu_throttle_tailslow, CPU_THROTTLE_TAILSLOW)
PARAMETER_ACCESSOR(uint64_t, migrate_downtime_limit, DOWNTIME_LIMIT)
PARAMETER_ACCESSOR(uint64_t, migrate_max_bandwidth, MAX_BANDWIDTH)
PARAMETER_ACCESSOR(uint64_t, migrate_avail_switchover_bandwidth, AVAIL_SWITCHOVER_BANDWIDTH)
PARAMETER_ACCESSOR(MigMode, migrate_mode, MODE)
PARAMETER_ACCESSOR(ZeroPageDetection, migrate_zero_page_detection, ZERO_PAGE_DETECTION)
PARAMETER_ACCESSOR(uint64_t, migrate_vcpu_dirty_limit_period, X_VCPU_DIRTY_LIMIT_PERIOD)
PARAMETER_ACCESSOR(bool, migrate_direct_io, DIRECT_IO)
PARAMETER_ACCESSOR(int, migrate_multifd_qatzip_level, MULTIFD_QATZIP_LEVEL)

bool migrate_postcopy(const MigrationState *state)
{
    return has_any(state->capabilities, CAP(POSTCOPY_RAM) | CAP(DIRTY_BITMAPS));
}

AnnounceParameters migrate_announce_params(const MigrationState *state)
{
    acquire();
    AnnounceParameters announce = {
        .initial = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_INITIAL],
        .max = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_MAX],
        .rounds = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_ROUNDS],
        .step = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_STEP],
    };
    release();
    return announce;
}

/* The accessors that are not in every release. */
static const struct {
    const char *name;
    ReleaseRange present;
} accessors[] = {
    {"block", BEFORE(9_1)},
    {"compress", BEFORE(9_1)},
    {"dirty_limit", FROM(8_1)},
    {"mapped_ram", FROM(9_0)},
    {"switchover_ack", FROM(8_1)},
    {"zero_blocks", BEFORE(9_2)},
    {"block_incremental", BEFORE(9_1)},
    {"compress_level", BEFORE(9_1)},
    {"compress_threads", BEFORE(9_1)},
    {"compress_wait_thread", BEFORE(9_1)},
    {"decompress_threads", BEFORE(9_1)},
    {"use_tls", BEFORE(8_1)},
    {"tls", FROM(8_1)},
    {"cpu_throttle_increment", FROM(8_1)},
    {"cpu_throttle_initial", FROM(8_1)},
    {"cpu_throttle_tailslow", FROM(8_1)},
    {"downtime_limit", FROM(8_1)},
    {"max_bandwidth", FROM(8_1)},
    {"avail_switchover_bandwidth", FROM(8_2)},
    {"mode", FROM(8_2)},
    {"zero_page_detection", FROM(9_0)},
    {"vcpu_dirty_limit_period", FROM(9_0)},
    {"direct_io", FROM(9_1)},
    {"multifd_qatzip_level", FROM(9_2)},
};

bool migration_accessor_known(const QemuBuild *build, const char *name)
{
    for (size_t i = 0; i < sizeof(accessors) / sizeof(accessors[0]); i++) {
        if (strcmp(accessors[i].name, name) == 0) {
            return release_within(build->release, accessors[i].present);
        }
    }
    return qemu_release_known(build->release);
}
