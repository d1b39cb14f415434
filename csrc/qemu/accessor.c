/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The accessors of QEMU's migration/options.h. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "qemu/capability.h"
#include "qemu/names.h"
#include "qemu/release.h"
#include "state/state.h"
#include "state/value.h"

/* ---- Capabilities and parameters ---- */

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
PARAMETER_ACCESSOR(uint64_t, migrate_max_postcopy_bandwidth, MAX_POSTCOPY_BANDWIDTH)
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
PARAMETER_ACCESSOR(int, migrate_multifd_qatzip_level, MULTIFD_QATZIP_LEVEL)

bool migrate_postcopy(const MigrationState *state)
{
    return has_any(state->capabilities, CAP(POSTCOPY_RAM) | CAP(DIRTY_BITMAPS));
}

AnnounceParameters migrate_announce_params(const MigrationState *state)
{
    states_acquire();
    AnnounceParameters announce = {
        .initial = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_INITIAL],
        .max = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_MAX],
        .rounds = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_ROUNDS],
        .step = state->parameters.number[MIGRATION_PARAMETER_ANNOUNCE_STEP],
    };
    states_release();
    return announce;
}

/* QEMU's accessor is true only if direct-io can have an effect. */
bool migrate_direct_io(const MigrationState *state)
{
    CapabilitySet needed = CAP(MAPPED_RAM) | CAP(MULTIFD);
    return has_all(state->capabilities, needed) && state->parameters.number[MIGRATION_PARAMETER_DIRECT_IO];
}

static char *copy_of_text(const MigrationState *state, int parameter)
{
    states_acquire();
    const QmpValue *value = state->parameters.value[parameter];
    const char *text = value != NULL ? value->text : "";
    bool null = text[0] == '\0' && release_within(state->context.build.release, FROM(10_2_50));
    char *copy = null ? NULL : strdup(text);
    states_release();
    return copy;
}

char *migrate_tls_authz(const MigrationState *state)
{
    return copy_of_text(state, MIGRATION_PARAMETER_TLS_AUTHZ);
}

char *migrate_tls_creds(const MigrationState *state)
{
    return copy_of_text(state, MIGRATION_PARAMETER_TLS_CREDS);
}

char *migrate_tls_hostname(const MigrationState *state)
{
    return copy_of_text(state, MIGRATION_PARAMETER_TLS_HOSTNAME);
}

void migration_text_free(char *text)
{
    free(text);
}

bool migrate_has_block_bitmap_mapping(const MigrationState *state)
{
    states_acquire();
    bool has = state->parameters.value[MIGRATION_PARAMETER_BLOCK_BITMAP_MAPPING] != NULL;
    states_release();
    return has;
}

QmpValue *migrate_block_bitmap_mapping(const MigrationState *state)
{
    states_acquire();
    const QmpValue *mapping = state->parameters.value[MIGRATION_PARAMETER_BLOCK_BITMAP_MAPPING];
    QmpValue *copy = mapping != NULL ? qmp_value_copy(mapping) : NULL;
    states_release();
    return copy;
}

bool migrate_rdma(const MigrationState *state)
{
    return state->context.rdma;
}

/* A machine type without a version counts as the newest. */
static bool machine_is_up_to(const MigrationState *state, int version)
{
    int machine = state->context.build.machine_version;
    return machine != 0 && machine <= version;
}

bool migrate_multifd_flush_after_each_section(const MigrationState *state)
{
    return machine_is_up_to(state, 800);
}

bool migrate_send_switchover_start(const MigrationState *state)
{
    return !machine_is_up_to(state, 902);
}

/* QEMU's migrate_can_snapshot() checks a list, whose only entry is multifd. */
bool migrate_can_snapshot(const MigrationState *state)
{
    return !has_any(state->capabilities, CAP(MULTIFD));
}

const char *migration_snapshot_message(void)
{
    return "Snapshots are not compatible with multifd";
}

/* ---- Which release has which accessor ---- */

/* An accessor, and the releases that declare it. If a downstream build adds or removes a capability, it adds or removes
 * the accessor too. Releases up to 8.0 have no options.h: they get the reference's accessors. */
typedef struct AccessorRow {
    const char *name;
    ReleaseSet present;
    CapabilitySet capability;
    ReleaseSet as_signed; /* the releases in which it returns a signed 64-bit number */
} AccessorRow;

static const AccessorRow accessors[] = {
    {"announce_params", ALWAYS, 0, 0},
    {"auto_converge", ALWAYS, CAP(AUTO_CONVERGE), 0},
    {"avail_switchover_bandwidth", FROM(8_2), 0, 0},
    {"background_snapshot", ALWAYS, CAP(BACKGROUND_SNAPSHOT), 0},
    {"block", BEFORE(9_1), CAP(BLOCK), 0},
    {"block_bitmap_mapping", FROM(8_1), 0, 0},
    {"block_incremental", BEFORE(9_1), 0, 0},
    {"can_snapshot", FROM(10_2), 0, 0},
    {"checkpoint_delay", ALWAYS, 0, 0},
    {"colo", ALWAYS, CAP(X_COLO), 0},
    {"compress", BEFORE(9_1), CAP(COMPRESS), 0},
    {"compress_level", BEFORE(9_1), 0, 0},
    {"compress_threads", BEFORE(9_1), 0, 0},
    {"compress_wait_thread", BEFORE(9_1), 0, 0},
    {"cpu_throttle_increment", FROM(8_1), 0, 0},
    {"cpu_throttle_initial", FROM(8_1), 0, 0},
    {"cpu_throttle_tailslow", FROM(8_1), 0, 0},
    {"decompress_threads", BEFORE(9_1), 0, 0},
    {"direct_io", FROM(9_1), 0, 0},
    {"dirty_bitmaps", ALWAYS, CAP(DIRTY_BITMAPS), 0},
    {"dirty_limit", FROM(8_1), CAP(DIRTY_LIMIT), 0},
    {"downtime_limit", FROM(8_1), 0, 0},
    {"events", ALWAYS, CAP(EVENTS), 0},
    {"has_block_bitmap_mapping", FROM(8_1), 0, 0},
    {"ignore_shared", ALWAYS, CAP(X_IGNORE_SHARED), 0},
    {"late_block_activate", ALWAYS, CAP(LATE_BLOCK_ACTIVATE), 0},
    {"mapped_ram", FROM(9_0), CAP(MAPPED_RAM), 0},
    {"max_bandwidth", FROM(8_1), 0, 0},
    {"max_cpu_throttle", ALWAYS, 0, 0},
    {"max_postcopy_bandwidth", ALWAYS, 0, BEFORE(8_1)},
    {"mode", FROM(8_2), 0, 0},
    {"multifd", ALWAYS, CAP(MULTIFD), 0},
    {"multifd_channels", ALWAYS, 0, 0},
    {"multifd_compression", ALWAYS, 0, 0},
    {"multifd_flush_after_each_section", FROM(8_1), 0, 0},
    {"multifd_qatzip_level", FROM(9_2), 0, 0},
    {"multifd_zlib_level", ALWAYS, 0, 0},
    {"multifd_zstd_level", ALWAYS, 0, 0},
    {"pause_before_switchover", ALWAYS, CAP(PAUSE_BEFORE_SWITCHOVER), 0},
    {"postcopy", ALWAYS, 0, 0},
    {"postcopy_blocktime", ALWAYS, CAP(POSTCOPY_BLOCKTIME), 0},
    {"postcopy_preempt", ALWAYS, CAP(POSTCOPY_PREEMPT), 0},
    {"postcopy_ram", ALWAYS, CAP(POSTCOPY_RAM), 0},
    {"rdma", FROM(8_2), 0, 0},
    {"rdma_pin_all", ALWAYS, CAP(RDMA_PIN_ALL), 0},
    {"release_ram", ALWAYS, CAP(RELEASE_RAM), 0},
    {"return_path", ALWAYS, CAP(RETURN_PATH), 0},
    {"send_switchover_start", FROM(10_0), 0, 0},
    {"switchover_ack", FROM(8_1), CAP(SWITCHOVER_ACK), 0},
    {"throttle_trigger_threshold", ALWAYS, 0, 0},
    {"tls", FROM(8_1), 0, 0},
    {"tls_authz", FROM(8_1), 0, 0},
    {"tls_creds", FROM(8_1), 0, 0},
    {"tls_hostname", FROM(8_1), 0, 0},
    {"use_tls", BEFORE(8_1), 0, 0},
    {"validate_uuid", ALWAYS, CAP(VALIDATE_UUID), 0},
    {"vcpu_dirty_limit_period", FROM(9_0), 0, 0},
    {"xbzrle", ALWAYS, CAP(XBZRLE), 0},
    {"xbzrle_cache_size", ALWAYS, 0, 0},
    {"zero_blocks", BEFORE(9_2), CAP(ZERO_BLOCKS), 0},
    {"zero_copy_send", ALWAYS, CAP(ZERO_COPY_SEND), 0},
    {"zero_page_detection", FROM(9_0), 0, 0},
};

enum {
    N_ACCESSORS = sizeof(accessors) / sizeof(accessors[0])
};

const char *migration_accessor_name(int number)
{
    return number >= 0 && number < N_ACCESSORS ? accessors[number].name : NULL;
}

static const AccessorRow *accessor_named(const char *name)
{
    int number = number_of_name(migration_accessor_name, name);
    return number >= 0 ? &accessors[number] : NULL;
}

bool migration_accessor_known(const QemuBuild *build, const char *name)
{
    const AccessorRow *row = accessor_named(name);
    if (row == NULL || has_any(build->capabilities_removed, row->capability)) {
        return false;
    }
    return release_within(build->release, row->present) || has_any(build->capabilities_added, row->capability);
}

bool migration_accessor_signed(const QemuBuild *build, const char *name)
{
    const AccessorRow *row = accessor_named(name);
    return row != NULL && release_within(build->release, row->as_signed);
}
