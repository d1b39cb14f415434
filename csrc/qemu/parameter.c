/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/parameter.h"

#include <errno.h>
#include <string.h>

#include "qemu/bitmaps.h"
#include "qemu/names.h"
#include "qemu/release.h"

/* A value of an enum, and the releases that have it. */
typedef struct EnumValue {
    const char *name;
    ReleaseSet present;
} EnumValue;

static const EnumValue multifd_compressions[MULTIFD_COMPRESSION__MAX] = {
    [MULTIFD_COMPRESSION_NONE] = {"none", ALWAYS},  [MULTIFD_COMPRESSION_ZLIB] = {"zlib", ALWAYS},
    [MULTIFD_COMPRESSION_ZSTD] = {"zstd", ALWAYS},  [MULTIFD_COMPRESSION_QATZIP] = {"qatzip", FROM(9_2)},
    [MULTIFD_COMPRESSION_QPL] = {"qpl", FROM(9_1)}, [MULTIFD_COMPRESSION_UADK] = {"uadk", FROM(9_1)},
};

static const EnumValue modes[MIG_MODE__MAX] = {
    [MIG_MODE_NORMAL] = {"normal", ALWAYS},
    [MIG_MODE_CPR_REBOOT] = {"cpr-reboot", ALWAYS},
    [MIG_MODE_CPR_TRANSFER] = {"cpr-transfer", FROM(10_0)},
    [MIG_MODE_CPR_EXEC] = {"cpr-exec", FROM(10_2)},
};

static const EnumValue zero_page_detections[ZERO_PAGE_DETECTION__MAX] = {
    [ZERO_PAGE_DETECTION_NONE] = {"none", ALWAYS},
    [ZERO_PAGE_DETECTION_LEGACY] = {"legacy", ALWAYS},
    [ZERO_PAGE_DETECTION_MULTIFD] = {"multifd", ALWAYS},
};

/* A parameter, and the releases that have it, deprecate it, warn about it, or accept and ignore it. */
typedef struct ParameterRow {
    const char *name;
    ParameterType type;
    uint64_t initial;
    ReleaseSet present, deprecated, ignored;
    bool unstable;
    const EnumValue *values;
    int n_values;
    const char *warning; /* QEMU's warning when it is set */
    ReleaseSet warned;   /* the releases that give it */
} ParameterRow;

#define PARAMETER(id, name_, type_, initial_, ...)                                                                     \
    [MIGRATION_PARAMETER_##id] = {.name = name_, .type = PARAMETER_##type_, .initial = initial_, .present = __VA_ARGS__}
#define VALUES(list) .values = list, .n_values = sizeof(list) / sizeof(list[0])
#define DEPRECATED(text) .deprecated = FROM(8_2), .warning = text, .warned = BETWEEN(8_2, 9_1)

#define OLD_COMPRESSION "old compression is deprecated; use multifd compression methods instead"
#define BLOCK_MIGRATION "block migration is deprecated; use blockdev-mirror with NBD instead"

/* clang-format off */
static const ParameterRow table[MIGRATION_PARAMETER__MAX] = {
    PARAMETER(ANNOUNCE_INITIAL, "announce-initial", UINT64, 50, ALWAYS),
    PARAMETER(ANNOUNCE_MAX, "announce-max", UINT64, 550, ALWAYS),
    PARAMETER(ANNOUNCE_ROUNDS, "announce-rounds", UINT64, 5, ALWAYS),
    PARAMETER(ANNOUNCE_STEP, "announce-step", UINT64, 100, ALWAYS),
    PARAMETER(COMPRESS_LEVEL, "compress-level", UINT8, 1, BEFORE(9_1), DEPRECATED(OLD_COMPRESSION)),
    PARAMETER(COMPRESS_THREADS, "compress-threads", UINT8, 8, BEFORE(9_1), DEPRECATED(OLD_COMPRESSION)),
    PARAMETER(COMPRESS_WAIT_THREAD, "compress-wait-thread", BOOL, true, BEFORE(9_1), DEPRECATED(OLD_COMPRESSION)),
    PARAMETER(DECOMPRESS_THREADS, "decompress-threads", UINT8, 2, BEFORE(9_1), DEPRECATED(OLD_COMPRESSION)),
    PARAMETER(THROTTLE_TRIGGER_THRESHOLD, "throttle-trigger-threshold", UINT8, 50, ALWAYS),
    PARAMETER(CPU_THROTTLE_INITIAL, "cpu-throttle-initial", UINT8, 20, ALWAYS),
    PARAMETER(CPU_THROTTLE_INCREMENT, "cpu-throttle-increment", UINT8, 10, ALWAYS),
    PARAMETER(CPU_THROTTLE_TAILSLOW, "cpu-throttle-tailslow", BOOL, false, ALWAYS),
    PARAMETER(TLS_CREDS, "tls-creds", STRING, 0, ALWAYS),
    PARAMETER(TLS_HOSTNAME, "tls-hostname", STRING, 0, ALWAYS),
    PARAMETER(TLS_AUTHZ, "tls-authz", STRING, 0, ALWAYS),
    PARAMETER(MAX_BANDWIDTH, "max-bandwidth", UINT64, 134217728, ALWAYS),
    PARAMETER(AVAIL_SWITCHOVER_BANDWIDTH, "avail-switchover-bandwidth", UINT64, 0, FROM(8_2)),
    PARAMETER(DOWNTIME_LIMIT, "downtime-limit", UINT64, 300, ALWAYS),
    PARAMETER(X_CHECKPOINT_DELAY, "x-checkpoint-delay", UINT32, 20000, ALWAYS, .unstable = true),
    PARAMETER(BLOCK_INCREMENTAL, "block-incremental", BOOL, false, BEFORE(9_1), DEPRECATED(BLOCK_MIGRATION)),
    PARAMETER(MULTIFD_CHANNELS, "multifd-channels", UINT8, 2, ALWAYS),
    PARAMETER(XBZRLE_CACHE_SIZE, "xbzrle-cache-size", UINT64, 67108864, ALWAYS),
    PARAMETER(MAX_POSTCOPY_BANDWIDTH, "max-postcopy-bandwidth", UINT64, 0, ALWAYS),
    PARAMETER(MAX_CPU_THROTTLE, "max-cpu-throttle", UINT8, 99, ALWAYS),
    PARAMETER(MULTIFD_COMPRESSION, "multifd-compression", ENUM, MULTIFD_COMPRESSION_NONE, ALWAYS, VALUES(multifd_compressions)),
    PARAMETER(MULTIFD_ZLIB_LEVEL, "multifd-zlib-level", UINT8, 1, ALWAYS, .ignored = BEFORE(9_0)),
    PARAMETER(MULTIFD_QATZIP_LEVEL, "multifd-qatzip-level", UINT8, 1, FROM(9_2)),
    PARAMETER(MULTIFD_ZSTD_LEVEL, "multifd-zstd-level", UINT8, 1, ALWAYS, .ignored = BEFORE(9_0)),
    PARAMETER(BLOCK_BITMAP_MAPPING, "block-bitmap-mapping", BITMAPS, 0, ALWAYS),
    PARAMETER(X_VCPU_DIRTY_LIMIT_PERIOD, "x-vcpu-dirty-limit-period", UINT64, 1000, FROM(8_1), .unstable = true),
    PARAMETER(VCPU_DIRTY_LIMIT, "vcpu-dirty-limit", UINT64, 1, FROM(8_1)),
    PARAMETER(MODE, "mode", ENUM, MIG_MODE_NORMAL, FROM(8_2), VALUES(modes)),
    PARAMETER(ZERO_PAGE_DETECTION, "zero-page-detection", ENUM, ZERO_PAGE_DETECTION_MULTIFD, FROM(9_0), VALUES(zero_page_detections)),
    PARAMETER(DIRECT_IO, "direct-io", BOOL, false, FROM(9_1)),
    PARAMETER(X_RDMA_CHUNK_SIZE, "x-rdma-chunk-size", UINT64, 1 << 20, FROM(11_1), .unstable = true),
    PARAMETER(CPR_EXEC_COMMAND, "cpr-exec-command", STRINGS, 0, FROM(10_2)),
};
/* clang-format on */

/* ---- What a parameter is ---- */

static const ParameterRow *row_of(int parameter)
{
    return parameter >= 0 && parameter < MIGRATION_PARAMETER__MAX ? &table[parameter] : NULL;
}

const char *migration_parameter_name(int parameter)
{
    const ParameterRow *row = row_of(parameter);
    return row != NULL ? row->name : NULL;
}

int migration_parameter_from_name(const char *name)
{
    return number_of_name(migration_parameter_name, name);
}

int migration_parameter_type(int parameter)
{
    const ParameterRow *row = row_of(parameter);
    return row != NULL ? (int)row->type : -EINVAL;
}

bool migration_parameter_known(const QemuBuild *build, int parameter)
{
    const ParameterRow *row = row_of(parameter);
    if (row == NULL || !qemu_release_known(build->release)) {
        return false;
    }
    uint64_t one = (uint64_t)1 << parameter;
    bool present = release_within(build->release, row->present) || (build->parameters_added & one);
    return present && !(build->parameters_removed & one);
}

bool migration_parameter_deprecated(const QemuBuild *build, int parameter)
{
    return migration_parameter_known(build, parameter) && release_within(build->release, table[parameter].deprecated);
}

const char *parameter_name(int parameter)
{
    return table[parameter].name;
}

bool parameter_is_unstable(int parameter)
{
    return table[parameter].unstable;
}

bool migration_parameter_unstable(const QemuBuild *build, int parameter)
{
    return migration_parameter_known(build, parameter) && parameter_is_unstable(parameter);
}

bool migration_parameter_ignored(const QemuBuild *build, int parameter)
{
    return migration_parameter_known(build, parameter) && release_within(build->release, table[parameter].ignored);
}

const char *migration_parameter_warning(const QemuBuild *build, int parameter)
{
    bool warned =
        migration_parameter_known(build, parameter) && release_within(build->release, table[parameter].warned);
    return warned ? table[parameter].warning : NULL;
}

const char *migration_parameter_value_name(int parameter, uint64_t value)
{
    const ParameterRow *row = row_of(parameter);
    return row != NULL && value < (uint64_t)row->n_values ? row->values[value].name : NULL;
}

bool migration_parameter_value_known(const QemuBuild *build, int parameter, uint64_t value)
{
    const ParameterRow *row = row_of(parameter);
    if (row == NULL || value >= (uint64_t)row->n_values ||
        !release_within(build->release, row->values[value].present)) {
        return false;
    }
    return parameter != MIGRATION_PARAMETER_MULTIFD_COMPRESSION || (build->compressions >> value & 1) != 0;
}

/* Machine types up to 8.2 keep the old default of zero-page-detection. */
uint64_t parameter_initial(const QemuBuild *build, int parameter)
{
    bool old_machine = build->machine_version != 0 && build->machine_version <= 802;
    return parameter == MIGRATION_PARAMETER_ZERO_PAGE_DETECTION && old_machine ? ZERO_PAGE_DETECTION_LEGACY
                                                                               : table[parameter].initial;
}

/* ---- Its type in the schema ---- */

int parameter_value_of_name(const QemuBuild *build, int parameter, const char *name)
{
    const ParameterRow *row = &table[parameter];
    for (int i = 0; i < row->n_values; i++) {
        if (strcmp(row->values[i].name, name) == 0 && migration_parameter_value_known(build, parameter, (uint64_t)i)) {
            return i;
        }
    }
    return -ENOENT;
}

static bool has_value(const QemuBuild *build, int parameter, const char *name)
{
    return parameter_value_of_name(build, parameter, name) >= 0;
}

static const QapiType string_type = {.kind = QAPI_STRING};

static const QapiType types[] = {
    [PARAMETER_UINT8] = {.kind = QAPI_UINT, .max = UINT8_MAX, .name = "uint8_t"},
    [PARAMETER_UINT32] = {.kind = QAPI_UINT, .max = UINT32_MAX, .name = "uint32_t"},
    [PARAMETER_UINT64] = {.kind = QAPI_UINT, .max = UINT64_MAX, .name = "uint64"},
    [PARAMETER_BOOL] = {.kind = QAPI_BOOL},
    [PARAMETER_STRING] = {.kind = QAPI_STRING_OR_NULL},
    [PARAMETER_ENUM] = {.kind = QAPI_ENUM, .has_value = has_value},
    [PARAMETER_STRINGS] = {.kind = QAPI_ARRAY, .element = &string_type},
};

const QapiType *parameter_qapi_type(int parameter)
{
    ParameterType type = table[parameter].type;
    return type == PARAMETER_BITMAPS ? &bitmaps_type : &types[type];
}
