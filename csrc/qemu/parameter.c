/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "qemu/parameter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu/bitmaps.h"
#include "qemu/release.h"
#include "qemu/capability.h"
#include "qemu/context.h"
#include "state/request.h"
#include "qemu/rules.h"
#include "state/value.h"

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

/* A parameter, and the releases that have it, mark it, warn of it, or accept it and then forget it. */
typedef struct ParameterRow {
    const char *name;
    ParameterType type;
    uint64_t initial;
    ReleaseSet present, deprecated, ignored;
    bool unstable;
    const EnumValue *values;
    int n_values;
    const char *warning; /* given when it is set, */
    ReleaseSet warned;   /* in these releases */
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

/* What a check looks at: the values as they would be, and what is stored now. */
typedef struct Candidate {
    const uint64_t *values;
    const MigrationParameters *present;
    CapabilitySet capabilities;
    const MigrationContext *context;
} Candidate;

/* The checks, in the order in which QEMU makes them. */
typedef struct ParameterCheck {
    MigrationParameter parameter;
    uint64_t min, max;
    const char *expects;                     /* how the text goes on after "Parameter 'NAME' expects "; or */
    const char *text;                        /* the whole text; or */
    int (*check)(const QmpValue *value, MigrationError *error); /* what finds its text */
    bool (*fits)(const Candidate *);         /* a further condition */
    ReleaseSet releases;
} ParameterCheck;

static bool is_power_of_two(uint64_t value)
{
    return (value & (value - 1)) == 0;
}

static bool cache_size_fits(const Candidate *candidate)
{
    uint64_t size = candidate->values[MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE];
    return size >= migration_context_target_page_size(candidate->context) && is_power_of_two(size);
}

static bool chunk_size_fits(const Candidate *candidate)
{
    return is_power_of_two(candidate->values[MIGRATION_PARAMETER_X_RDMA_CHUNK_SIZE]);
}

static bool direct_io_fits(const Candidate *candidate)
{
    return candidate->context->build.direct_io || !candidate->values[MIGRATION_PARAMETER_DIRECT_IO];
}

static bool throttle_fits(const Candidate *candidate)
{
    const uint64_t *values = candidate->values;
    return values[MIGRATION_PARAMETER_MAX_CPU_THROTTLE] >= values[MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL];
}

static bool is_zero_copy(const Candidate *candidate)
{
    return candidate->context->build.on_linux && has_any(candidate->capabilities, CAP(ZERO_COPY_SEND));
}

static bool zero_copy_takes_compression(const Candidate *candidate)
{
    return !(is_zero_copy(candidate) &&
             candidate->values[MIGRATION_PARAMETER_MULTIFD_COMPRESSION] != MULTIFD_COMPRESSION_NONE);
}

static bool zero_copy_takes_tls(const Candidate *candidate)
{
    return !(is_zero_copy(candidate) && candidate->values[MIGRATION_PARAMETER_TLS_CREDS] != 0);
}

/* A fault of QEMU's: it looks at what is stored, not at what would be. */
static bool mapped_ram_takes_what_is_stored(const Candidate *candidate)
{
    const MigrationParameters *present = candidate->present;
    bool compressed = present->number[MIGRATION_PARAMETER_MULTIFD_COMPRESSION] != MULTIFD_COMPRESSION_NONE;
    bool tls = present->number[MIGRATION_PARAMETER_TLS_CREDS] != 0;
    return !(has_any(candidate->capabilities, CAP(MAPPED_RAM)) && (compressed || tls));
}

#define RANGE(name, min_, max_, expects_)                                                                              \
    .parameter = MIGRATION_PARAMETER_##name, .min = min_, .max = max_, .expects = expects_, .releases = ALWAYS
#define WHOLE(name, min_, max_, text_)                                                                                 \
    .parameter = MIGRATION_PARAMETER_##name, .min = min_, .max = max_, .text = text_
#define CONDITION(name, text_) WHOLE(name, 0, UINT64_MAX, text_)

static const ParameterCheck checks[] = {
    {RANGE(COMPRESS_LEVEL, 0, 9, "a value between 0 and 9")},
    {RANGE(COMPRESS_THREADS, 1, 255, "a value between 1 and 255")},
    {RANGE(DECOMPRESS_THREADS, 1, 255, "a value between 1 and 255")},
    {RANGE(THROTTLE_TRIGGER_THRESHOLD, 1, 100, "an integer in the range of 1 to 100")},
    {RANGE(CPU_THROTTLE_INITIAL, 1, 99, "an integer in the range of 1 to 99")},
    {RANGE(CPU_THROTTLE_INCREMENT, 1, 99, "an integer in the range of 1 to 99")},
    {RANGE(DOWNTIME_LIMIT, 0, 2000000, "an integer in the range of 0 to (2000 * 1000) ms")},
    {RANGE(MULTIFD_CHANNELS, 1, 255, "a value between 1 and 255")},
    {RANGE(MULTIFD_ZLIB_LEVEL, 0, 9, "a value between 0 and 9")},
    {RANGE(MULTIFD_QATZIP_LEVEL, 1, 9, "a value between 1 and 9")},
    {RANGE(MULTIFD_ZSTD_LEVEL, 0, 20, "a value between 0 and 20")},
    {RANGE(XBZRLE_CACHE_SIZE, 0, UINT64_MAX, "a power of two no less than the target page size"),
     .fits = cache_size_fits},
    {WHOLE(MAX_CPU_THROTTLE, 0, 99,
           "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial to 99"),
     .releases = BEFORE(10_2_50), .fits = throttle_fits},
    {WHOLE(MAX_CPU_THROTTLE, 0, 99, /* garbled in that development tree */
           "max_Option cpu_throttle expects an integer in the range of cpu_throttle_initial to 99"),
     .releases = ONLY(10_2_50), .fits = throttle_fits},
    {WHOLE(MAX_CPU_THROTTLE, 0, 99,
           "Option max-cpu-throttle expects an integer in the range of cpu-throttle-initial to 99"),
     .releases = FROM(11_0), .fits = throttle_fits},
    {RANGE(ANNOUNCE_INITIAL, 0, 100000, "a value between 0 and 100000")},
    {RANGE(ANNOUNCE_MAX, 0, 100000, "a value between 0 and 100000")},
    {RANGE(ANNOUNCE_ROUNDS, 0, 1000, "a value between 0 and 1000")},
    {RANGE(ANNOUNCE_STEP, 1, 10000, "a value between 0 and 10000")}, /* so QEMU says */
    {.parameter = MIGRATION_PARAMETER_BLOCK_BITMAP_MAPPING, .max = UINT64_MAX, .releases = ALWAYS,
     .check = bitmaps_check},
    {CONDITION(MULTIFD_COMPRESSION, ZERO_COPY_NOT_PLAIN), .releases = ALWAYS, .fits = zero_copy_takes_compression},
    {CONDITION(TLS_CREDS, ZERO_COPY_NOT_PLAIN), .releases = ALWAYS, .fits = zero_copy_takes_tls},
    {CONDITION(MULTIFD_COMPRESSION, "Mapped-ram only available for non-compressed non-TLS multifd migration"),
     .releases = FROM(9_0), .fits = mapped_ram_takes_what_is_stored},
    {RANGE(X_VCPU_DIRTY_LIMIT_PERIOD, 1, 1000, "a value between 1 and 1000")},
    {WHOLE(VCPU_DIRTY_LIMIT, 1, UINT64_MAX,
           "Parameter 'vcpu_dirty_limit' expects is invalid, it must greater then 1 MB/s"),
     .releases = BEFORE(9_1)},
    {WHOLE(VCPU_DIRTY_LIMIT, 1, UINT64_MAX, "Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s"),
     .releases = BETWEEN(9_1, 11_0)},
    {WHOLE(VCPU_DIRTY_LIMIT, 1, UINT64_MAX, "Parameter 'vcpu-dirty-limit' must be greater than 1 MB/s"),
     .releases = FROM(11_0)},
    {CONDITION(DIRECT_IO, "No build-time support for direct-io"), .releases = ALWAYS, .fits = direct_io_fits},
    {WHOLE(X_RDMA_CHUNK_SIZE, 1 << 20, 1 << 30,
           "Option x_rdma_chunk_size expects a power of 2 in the range 1MiB to 1024MiB"),
     .releases = ALWAYS, .fits = chunk_size_fits},
};
/* clang-format on */

enum {
    N_CHECKS = sizeof(checks) / sizeof(checks[0])
};

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
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return i;
        }
    }
    return -ENOENT;
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

bool migration_parameter_unstable(const QemuBuild *build, int parameter)
{
    return migration_parameter_known(build, parameter) && table[parameter].unstable;
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

/* ---- Reading a request ---- */

/* The number of the value with this name, -ENOENT if the build has none. */
static int value_of_name(const QemuBuild *build, int parameter, const char *name)
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
    return value_of_name(build, parameter, name) >= 0;
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

static const QapiType *qapi_type_of(int parameter)
{
    ParameterType type = table[parameter].type;
    return type == PARAMETER_BITMAPS ? &bitmaps_type : &types[type];
}

static const QmpValue empty_string = {.type = QMP_STRING, .text = ""};

/* A value that was visited, as it will be kept. */
static void note_value(const QemuBuild *build, int parameter, const QmpValue *value, ParameterChange *change)
{
    change->number[parameter] = value->number;
    switch (table[parameter].type) {
    case PARAMETER_ENUM:
        change->number[parameter] = (uint64_t)value_of_name(build, parameter, value->text);
        break;
    case PARAMETER_STRING:
        change->value[parameter] = value->type == QMP_STRING ? value : &empty_string;
        change->number[parameter] = strlen(change->value[parameter]->text);
        break;
    case PARAMETER_STRINGS:
    case PARAMETER_BITMAPS:
        change->value[parameter] = value;
        break;
    default:
        break;
    }
}

int parameters_read(const QemuBuild *build, const QmpMember *members, size_t count, ParameterChange *change,
                    MigrationError *error)
{
    const QmpMember *given[MIGRATION_PARAMETER__MAX] = {NULL};
    size_t visited[MIGRATION_PARAMETER__MAX], n_visited = 0;
    Visitor visitor = {.build = build, .error = error};

    for (size_t i = 0; i < count; i++) {
        int parameter = migration_parameter_from_name(members[i].name);
        if (migration_parameter_known(build, parameter)) {
            given[parameter] = &members[i];
        }
    }
    memset(change, 0, sizeof(*change));
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (given[i] != NULL) {
            visitor.parameter = i;
            int result = visit_value(&visitor, qapi_type_of(i), table[i].name, &given[i]->value);
            if (result < 0) {
                return result;
            }
            note_value(build, i, &given[i]->value, change);
            change->given[i] = !migration_parameter_ignored(build, i);
            visited[n_visited++] = (size_t)(given[i] - members);
        }
    }
    visitor.parameter = -1;
    return n_visited == count ? 0 : refuse_unexpected(&visitor, members, count, visited, n_visited);
}

/* ---- Checking and taking it ---- */

/* QEMU's range checks name a parameter with underscores, but for those that are unstable; from 11.0 on as it is. */
static int refuse_value(MigrationError *error, int release, int parameter, const char *expects)
{
    ParameterTextForm form = qemu_release_row(release)->text_form;
    bool hyphens = form == PARAMETER_TEXT_OPTION_HYPHENS || table[parameter].unstable;
    char name[64];
    snprintf(name, sizeof(name), "%s", table[parameter].name);
    for (char *c = name; *c != '\0' && !hyphens; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    return form == PARAMETER_TEXT_QUOTED ? refuse(error, parameter, "Parameter '%s' expects %s", name, expects)
                                         : refuse(error, parameter, "Option %s expects %s", name, expects);
}

static bool check_fits(const ParameterCheck *check, const Candidate *candidate)
{
    uint64_t value = candidate->values[check->parameter];
    return value >= check->min && value <= check->max && (check->fits == NULL || check->fits(candidate));
}

static int run_check(const ParameterCheck *check, const Candidate *candidate, const ParameterChange *change,
                     MigrationError *error)
{
    const QmpValue *value = change->value[check->parameter];
    if (check->check != NULL && value != NULL) {
        return check->check(value, error);
    }
    if (check_fits(check, candidate)) {
        return 0;
    }
    return check->text != NULL
               ? refuse(error, (int)check->parameter, "%s", check->text)
               : refuse_value(error, candidate->context->build.release, (int)check->parameter, check->expects);
}

int parameters_check(const MigrationContext *context, CapabilitySet capabilities, const MigrationParameters *present,
                     const ParameterChange *change, MigrationError *error)
{
    uint64_t values[MIGRATION_PARAMETER__MAX];
    const Candidate candidate = {values, present, capabilities, context};
    int result = 0;

    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        values[i] = change->given[i] ? change->number[i] : present->number[i];
    }
    for (const ParameterCheck *check = checks; result == 0 && check < checks + N_CHECKS; check++) {
        if (release_within(context->build.release, check->releases) &&
            migration_parameter_known(&context->build, (int)check->parameter)) {
            result = run_check(check, &candidate, change, error);
        }
    }
    return result;
}

/* Machine types of 8.2 and older go on looking for zero pages where they always did. */
static uint64_t initial_value(const QemuBuild *build, int parameter)
{
    bool old_machine = build->machine_version != 0 && build->machine_version <= 802;
    return parameter == MIGRATION_PARAMETER_ZERO_PAGE_DETECTION && old_machine ? ZERO_PAGE_DETECTION_LEGACY
                                                                               : table[parameter].initial;
}

void parameters_init(MigrationParameters *parameters, const QemuBuild *build)
{
    parameters->build = *build;
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        parameters->number[i] = initial_value(build, i);
        parameters->value[i] = NULL;
    }
}

static void free_values(QmpValue *values[MIGRATION_PARAMETER__MAX])
{
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        qmp_value_free(values[i]);
    }
}

void parameters_clear(MigrationParameters *parameters)
{
    free_values(parameters->value);
}

/* Copies those that there are; on failure frees the copies that were made. */
static int copy_values(QmpValue *copies[MIGRATION_PARAMETER__MAX],
                       const QmpValue *const values[MIGRATION_PARAMETER__MAX])
{
    memset(copies, 0, MIGRATION_PARAMETER__MAX * sizeof(*copies));
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (values[i] != NULL && (copies[i] = qmp_value_copy(values[i])) == NULL) {
            free_values(copies);
            return -ENOMEM;
        }
    }
    return 0;
}

int parameters_take(MigrationParameters *parameters, const ParameterChange *change)
{
    QmpValue *copies[MIGRATION_PARAMETER__MAX];
    int result = copy_values(copies, change->value);
    if (result < 0) {
        return result;
    }
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (change->given[i]) {
            parameters->number[i] = change->number[i];
            qmp_value_free(parameters->value[i]);
            parameters->value[i] = copies[i];
        }
    }
    return 0;
}

MigrationParameters *parameters_copy(const MigrationParameters *parameters)
{
    MigrationParameters *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    if (copy_values(copy->value, (const QmpValue *const *)parameters->value) < 0) {
        free(copy);
        return NULL;
    }
    copy->build = parameters->build;
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        copy->number[i] = parameters->number[i];
    }
    return copy;
}

void migration_parameters_free(MigrationParameters *parameters)
{
    if (parameters != NULL) {
        parameters_clear(parameters);
        free(parameters);
    }
}

static QmpValue value_of(const MigrationParameters *parameters, int parameter)
{
    uint64_t number = parameters->number[parameter];
    switch (table[parameter].type) {
    case PARAMETER_BOOL:
        return (QmpValue){.type = QMP_BOOL, .number = number};
    case PARAMETER_ENUM:
        return (QmpValue){.type = QMP_STRING, .text = migration_parameter_value_name(parameter, number)};
    case PARAMETER_STRING:
        return empty_string;
    case PARAMETER_STRINGS:
        return (QmpValue){.type = QMP_ARRAY};
    default:
        return (QmpValue){.type = QMP_INT, .number = number};
    }
}

int migration_parameters_get(const MigrationParameters *parameters, int parameter, QmpMember *member)
{
    if (!migration_parameter_known(&parameters->build, parameter)) {
        return -EINVAL;
    }
    const QmpValue *value = parameters->value[parameter];
    if (value == NULL && table[parameter].type == PARAMETER_BITMAPS) {
        return -ENOENT;
    }
    member->name = table[parameter].name;
    member->value = value != NULL ? *value : value_of(parameters, parameter);
    return 0;
}
