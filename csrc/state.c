/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "build.h"
#include "capability.h"
#include "check.h"
#include "host.h"
#include "names.h"
#include "parameter.h"

/* What accessors read is atomic; whoever changes anything, or reads several things at once, holds the lock. */
struct MigrationState {
    MigrationContext context;
    MigrationHost *host;
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

static const char *const status_names[MIGRATION_STATUS__MAX] = {
    [MIGRATION_STATUS_NONE] = "none",
    [MIGRATION_STATUS_SETUP] = "setup",
    [MIGRATION_STATUS_CANCELLING] = "cancelling",
    [MIGRATION_STATUS_CANCELLED] = "cancelled",
    [MIGRATION_STATUS_ACTIVE] = "active",
    [MIGRATION_STATUS_POSTCOPY_ACTIVE] = "postcopy-active",
    [MIGRATION_STATUS_POSTCOPY_PAUSED] = "postcopy-paused",
    [MIGRATION_STATUS_POSTCOPY_RECOVER] = "postcopy-recover",
    [MIGRATION_STATUS_COMPLETED] = "completed",
    [MIGRATION_STATUS_FAILED] = "failed",
    [MIGRATION_STATUS_COLO] = "colo",
    [MIGRATION_STATUS_PRE_SWITCHOVER] = "pre-switchover",
    [MIGRATION_STATUS_DEVICE] = "device",
    [MIGRATION_STATUS_WAIT_UNPLUG] = "wait-unplug",
};

static const bool running[MIGRATION_STATUS__MAX] = {
    [MIGRATION_STATUS_SETUP] = true,           [MIGRATION_STATUS_CANCELLING] = true,
    [MIGRATION_STATUS_ACTIVE] = true,          [MIGRATION_STATUS_POSTCOPY_ACTIVE] = true,
    [MIGRATION_STATUS_POSTCOPY_PAUSED] = true, [MIGRATION_STATUS_POSTCOPY_RECOVER] = true,
    [MIGRATION_STATUS_PRE_SWITCHOVER] = true,  [MIGRATION_STATUS_DEVICE] = true,
    [MIGRATION_STATUS_WAIT_UNPLUG] = true,
};

const char *migration_status_name(int status)
{
    return name_at(status_names, MIGRATION_STATUS__MAX, status);
}

int migration_status_from_name(const char *name)
{
    return index_of_name(status_names, MIGRATION_STATUS__MAX, name);
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
    if (migration_status_name(status) == NULL) {
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
        parameters_init(&state->parameters);
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
    if (running[state->status]) {
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

    if (has_any(on | off, ~qemu_build_capabilities(&state->context.build)) || has_any(on, off)) {
        return -EINVAL;
    }
    for (;;) {
        acquire();
        int code = try_change(state, on, off, &question);
        release();
        if (code != -EAGAIN) {
            return code;
        }
        migration_host_ask(state->host, question); /* may take long: never with the lock held */
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

    *error = (MigrationError){.parameter = -1};
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
CAPABILITY_ACCESSOR(migrate_events, EVENTS)
CAPABILITY_ACCESSOR(migrate_ignore_shared, X_IGNORE_SHARED)
CAPABILITY_ACCESSOR(migrate_late_block_activate, LATE_BLOCK_ACTIVATE)
CAPABILITY_ACCESSOR(migrate_multifd, MULTIFD)
CAPABILITY_ACCESSOR(migrate_pause_before_switchover, PAUSE_BEFORE_SWITCHOVER)
CAPABILITY_ACCESSOR(migrate_postcopy_blocktime, POSTCOPY_BLOCKTIME)
CAPABILITY_ACCESSOR(migrate_postcopy_preempt, POSTCOPY_PREEMPT)
CAPABILITY_ACCESSOR(migrate_postcopy_ram, POSTCOPY_RAM)
CAPABILITY_ACCESSOR(migrate_rdma_pin_all, RDMA_PIN_ALL)
CAPABILITY_ACCESSOR(migrate_release_ram, RELEASE_RAM)
CAPABILITY_ACCESSOR(migrate_return_path, RETURN_PATH)
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
