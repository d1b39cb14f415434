/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "parameter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "capability.h"
#include "rules.h"

/* x86's. QEMU asks its target; no target has a smaller one that a migration could meet. */
enum {
    TARGET_PAGE_SIZE = 4096
};

/* A value of an enum, and what has to be there for it. */
typedef struct EnumValue {
    const char *name;
    ReleaseRange present;
    bool with_zstd;
} EnumValue;

static const EnumValue multifd_compressions[MULTIFD_COMPRESSION__MAX] = {
    [MULTIFD_COMPRESSION_NONE] = {"none", ALWAYS, false},
    [MULTIFD_COMPRESSION_ZLIB] = {"zlib", ALWAYS, false},
    [MULTIFD_COMPRESSION_ZSTD] = {"zstd", ALWAYS, true},
};

static const EnumValue modes[MIG_MODE__MAX] = {
    [MIG_MODE_NORMAL] = {"normal", ALWAYS, false},
    [MIG_MODE_CPR_REBOOT] = {"cpr-reboot", ALWAYS, false},
    [MIG_MODE_CPR_TRANSFER] = {"cpr-transfer", FROM(10_0), false},
    [MIG_MODE_CPR_EXEC] = {"cpr-exec", FROM(10_2), false},
};

static const EnumValue zero_page_detections[ZERO_PAGE_DETECTION__MAX] = {
    [ZERO_PAGE_DETECTION_NONE] = {"none", ALWAYS, false},
    [ZERO_PAGE_DETECTION_LEGACY] = {"legacy", ALWAYS, false},
    [ZERO_PAGE_DETECTION_MULTIFD] = {"multifd", ALWAYS, false},
};

/* A parameter, and the releases that have it, mark it, or accept it and then forget it. */
typedef struct ParameterRow {
    const char *name;
    ParameterType type;
    uint64_t initial;
    ReleaseRange present, deprecated, ignored;
    bool unstable;
    const EnumValue *values;
    int n_values;
} ParameterRow;

#define PARAMETER(id, name_, type_, initial_, ...)                                                                     \
    [MIGRATION_PARAMETER_##id] = {.name = name_, .type = PARAMETER_##type_, .initial = initial_, .present = __VA_ARGS__}
#define VALUES(list) .values = list, .n_values = sizeof(list) / sizeof(list[0])

/* clang-format off */
static const ParameterRow table[MIGRATION_PARAMETER__MAX] = {
    PARAMETER(ANNOUNCE_INITIAL, "announce-initial", UINT64, 50, ALWAYS),
    PARAMETER(ANNOUNCE_MAX, "announce-max", UINT64, 550, ALWAYS),
    PARAMETER(ANNOUNCE_ROUNDS, "announce-rounds", UINT64, 5, ALWAYS),
    PARAMETER(ANNOUNCE_STEP, "announce-step", UINT64, 100, ALWAYS),
    PARAMETER(COMPRESS_LEVEL, "compress-level", UINT8, 1, BEFORE(9_1), .deprecated = FROM(8_2)),
    PARAMETER(COMPRESS_THREADS, "compress-threads", UINT8, 8, BEFORE(9_1), .deprecated = FROM(8_2)),
    PARAMETER(COMPRESS_WAIT_THREAD, "compress-wait-thread", BOOL, true, BEFORE(9_1), .deprecated = FROM(8_2)),
    PARAMETER(DECOMPRESS_THREADS, "decompress-threads", UINT8, 2, BEFORE(9_1), .deprecated = FROM(8_2)),
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
    PARAMETER(BLOCK_INCREMENTAL, "block-incremental", BOOL, false, BEFORE(9_1), .deprecated = FROM(8_2)),
    PARAMETER(MULTIFD_CHANNELS, "multifd-channels", UINT8, 2, ALWAYS),
    PARAMETER(XBZRLE_CACHE_SIZE, "xbzrle-cache-size", UINT64, 67108864, ALWAYS),
    PARAMETER(MAX_POSTCOPY_BANDWIDTH, "max-postcopy-bandwidth", UINT64, 0, ALWAYS),
    PARAMETER(MAX_CPU_THROTTLE, "max-cpu-throttle", UINT8, 99, ALWAYS),
    PARAMETER(MULTIFD_COMPRESSION, "multifd-compression", ENUM, MULTIFD_COMPRESSION_NONE, ALWAYS, VALUES(multifd_compressions)),
    PARAMETER(MULTIFD_ZLIB_LEVEL, "multifd-zlib-level", UINT8, 1, ALWAYS, .ignored = BEFORE(9_0)),
    PARAMETER(MULTIFD_QATZIP_LEVEL, "multifd-qatzip-level", UINT8, 1, FROM(9_2)),
    PARAMETER(MULTIFD_ZSTD_LEVEL, "multifd-zstd-level", UINT8, 1, ALWAYS, .ignored = BEFORE(9_0)),
    PARAMETER(X_VCPU_DIRTY_LIMIT_PERIOD, "x-vcpu-dirty-limit-period", UINT64, 1000, FROM(8_1), .unstable = true),
    PARAMETER(VCPU_DIRTY_LIMIT, "vcpu-dirty-limit", UINT64, 1, FROM(8_1)),
    PARAMETER(MODE, "mode", ENUM, MIG_MODE_NORMAL, FROM(8_2), VALUES(modes)),
    PARAMETER(ZERO_PAGE_DETECTION, "zero-page-detection", ENUM, ZERO_PAGE_DETECTION_MULTIFD, FROM(9_0), VALUES(zero_page_detections)),
    PARAMETER(DIRECT_IO, "direct-io", BOOL, false, FROM(9_1)),
    PARAMETER(CPR_EXEC_COMMAND, "cpr-exec-command", STRINGS, 0, FROM(10_2)),
};

/* What a check looks at: the values as they would be, and what is stored now. */
typedef struct Candidate {
    const uint64_t *values;
    const MigrationParameters *present;
    CapabilitySet capabilities;
    bool on_linux;
} Candidate;

/* The checks, in the order in which QEMU makes them. */
typedef struct ParameterCheck {
    MigrationParameter parameter;
    uint64_t min, max;
    const char *expects;                     /* how the text goes on after "Parameter 'NAME' expects "; or */
    const char *text;                        /* the whole text */
    bool (*fits)(const Candidate *);         /* a further condition */
    ReleaseRange releases;
} ParameterCheck;

static bool cache_size_fits(const Candidate *candidate)
{
    uint64_t size = candidate->values[MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE];
    return (size & (size - 1)) == 0;
}

static bool throttle_fits(const Candidate *candidate)
{
    const uint64_t *values = candidate->values;
    return values[MIGRATION_PARAMETER_MAX_CPU_THROTTLE] >= values[MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL];
}

static bool zero_copy_takes_compression(const Candidate *candidate)
{
    return !(candidate->on_linux && has_any(candidate->capabilities, CAP(ZERO_COPY_SEND)) &&
             candidate->values[MIGRATION_PARAMETER_MULTIFD_COMPRESSION] != MULTIFD_COMPRESSION_NONE);
}

static bool zero_copy_takes_tls(const Candidate *candidate)
{
    return !(candidate->on_linux && has_any(candidate->capabilities, CAP(ZERO_COPY_SEND)) &&
             candidate->values[MIGRATION_PARAMETER_TLS_CREDS] != 0);
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
#define WHOLE(name, text_) .parameter = MIGRATION_PARAMETER_##name, .max = UINT64_MAX, .text = text_

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
    {RANGE(XBZRLE_CACHE_SIZE, TARGET_PAGE_SIZE, UINT64_MAX, "a power of two no less than the target page size"),
     .fits = cache_size_fits},
    {RANGE(MAX_CPU_THROTTLE, 0, 99, "an integer in the range of cpu_throttle_initial to 99"), .fits = throttle_fits},
    {RANGE(ANNOUNCE_INITIAL, 0, 100000, "a value between 0 and 100000")},
    {RANGE(ANNOUNCE_MAX, 0, 100000, "a value between 0 and 100000")},
    {RANGE(ANNOUNCE_ROUNDS, 0, 1000, "a value between 0 and 1000")},
    {RANGE(ANNOUNCE_STEP, 1, 10000, "a value between 0 and 10000")}, /* so QEMU says */
    {WHOLE(MULTIFD_COMPRESSION, ZERO_COPY_NOT_PLAIN), .releases = ALWAYS, .fits = zero_copy_takes_compression},
    {WHOLE(TLS_CREDS, ZERO_COPY_NOT_PLAIN), .releases = ALWAYS, .fits = zero_copy_takes_tls},
    {WHOLE(MULTIFD_COMPRESSION, "Mapped-ram only available for non-compressed non-TLS multifd migration"),
     .releases = FROM(9_0), .fits = mapped_ram_takes_what_is_stored},
    {RANGE(X_VCPU_DIRTY_LIMIT_PERIOD, 1, 1000, "a value between 1 and 1000")},
    {WHOLE(VCPU_DIRTY_LIMIT, "Parameter 'vcpu_dirty_limit' expects is invalid, it must greater then 1 MB/s"),
     .releases = BETWEEN(8_1, 9_1), .min = 1},
    {WHOLE(VCPU_DIRTY_LIMIT, "Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s"),
     .releases = FROM(9_1), .min = 1},
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

const char *migration_parameter_value_name(int parameter, uint64_t value)
{
    const ParameterRow *row = row_of(parameter);
    return row != NULL && value < (uint64_t)row->n_values ? row->values[value].name : NULL;
}

/* ---- Errors ---- */

void migration_error_clear(MigrationError *error)
{
    free(error->message);
    *error = (MigrationError){.parameter = -1, .unexpected = -1};
}

__attribute__((format(printf, 3, 4))) static int refuse(MigrationError *error, int parameter, const char *format, ...)
{
    va_list arguments;

    *error = (MigrationError){.parameter = parameter, .unexpected = -1};
    va_start(arguments, format);
    if (vasprintf(&error->message, format, arguments) < 0) {
        error->message = NULL;
    }
    va_end(arguments);
    return -EINVAL;
}

static int refuse_type(MigrationError *error, int parameter, const char *expected)
{
    refuse(error, parameter, "Invalid parameter type for '%s', expected: %s", table[parameter].name, expected);
    error->wrong_type = true;
    return -EINVAL;
}

/* QEMU's range checks name a parameter with underscores, but for those that are unstable. */
static void name_in_text(int parameter, char *name, size_t size)
{
    snprintf(name, size, "%s", table[parameter].name);
    for (char *c = name; *c != '\0' && !table[parameter].unstable; c++) {
        *c = *c == '-' ? '_' : *c;
    }
}

static int refuse_value(MigrationError *error, int release, int parameter, const char *expects)
{
    char name[64];
    name_in_text(parameter, name, sizeof(name));
    if (release < QEMU_11_0) {
        return refuse(error, parameter, "Parameter '%s' expects %s", name, expects);
    }
    if (parameter == MIGRATION_PARAMETER_MAX_CPU_THROTTLE) { /* garbled in that development tree */
        return refuse(error, parameter, "max_Option cpu_throttle expects %s", expects);
    }
    return refuse(error, parameter, "Option %s expects %s", name, expects);
}

/* ---- Reading a request ---- */

static int read_unsigned(int parameter, const QmpMember *member, uint64_t max, const char *type, uint64_t *number,
                         MigrationError *error)
{
    if (member->type != QMP_INT) {
        refuse(error, parameter, "Parameter '%s' expects uint64", member->name);
        error->wrong_type = member->type != QMP_NUMBER;
        return -EINVAL;
    }
    *number = member->number;
    return *number <= max ? 0 : refuse(error, parameter, "Parameter '%s' expects %s", member->name, type);
}

static int read_bool(int parameter, const QmpMember *member, uint64_t *number, MigrationError *error)
{
    if (member->type != QMP_BOOL) {
        return refuse_type(error, parameter, "boolean");
    }
    *number = member->number != 0;
    return 0;
}

static int read_string(int parameter, const QmpMember *member, const char **text, uint64_t *length,
                       MigrationError *error)
{
    if (member->type != QMP_STRING && member->type != QMP_NULL) {
        return refuse_type(error, parameter, "StrOrNull");
    }
    *text = member->type == QMP_STRING ? member->text : "";
    *length = strlen(*text);
    return 0;
}

static bool value_known(const QemuBuild *build, const EnumValue *value)
{
    return release_within(build->release, value->present) && (build->zstd || !value->with_zstd);
}

static int read_enum(const QemuBuild *build, int parameter, const QmpMember *member, uint64_t *number,
                     MigrationError *error)
{
    const ParameterRow *row = &table[parameter];
    if (member->type != QMP_STRING) {
        return refuse_type(error, parameter, "string");
    }
    for (int i = 0; i < row->n_values; i++) {
        if (strcmp(row->values[i].name, member->text) == 0 && value_known(build, &row->values[i])) {
            *number = (uint64_t)i;
            return 0;
        }
    }
    return refuse(error, parameter, "Parameter '%s' does not accept value '%s'", member->name, member->text);
}

static int read_strings(int parameter, const QmpMember *member, const char **text, uint64_t *count,
                        MigrationError *error)
{
    if (member->type == QMP_ARRAY) {
        refuse(error, parameter, "Invalid parameter type for '%s[%" PRIu64 "]', expected: string", member->name,
               member->number);
        error->wrong_type = true;
        return -EINVAL;
    }
    if (member->type != QMP_STRINGS) {
        return refuse_type(error, parameter, "array");
    }
    *text = member->text;
    *count = member->number;
    return 0;
}

static int read_member(const QemuBuild *build, int parameter, const QmpMember *member, ParameterChange *change,
                       MigrationError *error)
{
    uint64_t *number = &change->number[parameter];
    const char **text = &change->text[parameter];

    switch (table[parameter].type) {
    case PARAMETER_UINT8:
        return read_unsigned(parameter, member, UINT8_MAX, "uint8_t", number, error);
    case PARAMETER_UINT32:
        return read_unsigned(parameter, member, UINT32_MAX, "uint32_t", number, error);
    case PARAMETER_UINT64:
        return read_unsigned(parameter, member, UINT64_MAX, "uint64", number, error);
    case PARAMETER_BOOL:
        return read_bool(parameter, member, number, error);
    case PARAMETER_STRING:
        return read_string(parameter, member, text, number, error);
    case PARAMETER_ENUM:
        return read_enum(build, parameter, member, number, error);
    case PARAMETER_STRINGS:
        return read_strings(parameter, member, text, number, error);
    }
    return -EINVAL;
}

int parameters_read(const QemuBuild *build, const QmpMember *members, size_t count, ParameterChange *change,
                    MigrationError *error)
{
    const QmpMember *given[MIGRATION_PARAMETER__MAX] = {NULL}, *unexpected = NULL;

    for (size_t i = 0; i < count; i++) {
        int parameter = migration_parameter_from_name(members[i].name);
        if (migration_parameter_known(build, parameter)) {
            given[parameter] = &members[i];
        } else if (unexpected == NULL) {
            unexpected = &members[i];
        }
    }
    memset(change, 0, sizeof(*change));
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (given[i] != NULL) {
            int result = read_member(build, i, given[i], change, error);
            if (result < 0) {
                return result;
            }
            change->given[i] = !migration_parameter_ignored(build, i);
        }
    }
    if (unexpected != NULL) {
        refuse(error, -1, "Parameter '%s' is unexpected", unexpected->name);
        error->unexpected = (int)(unexpected - members);
        return -EINVAL;
    }
    return 0;
}

/* ---- Checking and taking it ---- */

static bool check_fits(const ParameterCheck *check, const Candidate *candidate)
{
    uint64_t value = candidate->values[check->parameter];
    return value >= check->min && value <= check->max && (check->fits == NULL || check->fits(candidate));
}

int parameters_check(const MigrationContext *context, CapabilitySet capabilities, const MigrationParameters *present,
                     const ParameterChange *change, MigrationError *error)
{
    uint64_t values[MIGRATION_PARAMETER__MAX];
    const Candidate candidate = {values, present, capabilities, context->build.on_linux};
    int release = context->build.release;

    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        values[i] = change->given[i] ? change->number[i] : present->number[i];
    }
    for (const ParameterCheck *check = checks; check < checks + N_CHECKS; check++) {
        if (!release_within(release, check->releases) ||
            !migration_parameter_known(&context->build, (int)check->parameter) || check_fits(check, &candidate)) {
            continue;
        }
        return check->text != NULL ? refuse(error, (int)check->parameter, "%s", check->text)
                                   : refuse_value(error, release, (int)check->parameter, check->expects);
    }
    return 0;
}

void parameters_init(MigrationParameters *parameters, const QemuBuild *build)
{
    parameters->build = *build;
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        parameters->number[i] = table[i].initial;
        parameters->text[i] = (Text){NULL, 0};
    }
}

static void free_texts(Text texts[MIGRATION_PARAMETER__MAX])
{
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        free(texts[i].bytes);
    }
}

void parameters_clear(MigrationParameters *parameters)
{
    free_texts(parameters->text);
}

/* So many strings, each with its NUL. */
static size_t size_of_strings(const char *text, uint64_t count)
{
    const char *end = text;
    for (uint64_t i = 0; i < count; i++) {
        end += strlen(end) + 1;
    }
    return (size_t)(end - text);
}

static Text copy_text(Text text)
{
    Text copy = {malloc(text.size), text.size};
    if (copy.bytes != NULL) {
        memcpy(copy.bytes, text.bytes, text.size);
    }
    return copy;
}

/* Copies those that hold something; on failure frees the copies that were made. */
static int copy_texts(Text copies[MIGRATION_PARAMETER__MAX], const Text texts[MIGRATION_PARAMETER__MAX])
{
    memset(copies, 0, MIGRATION_PARAMETER__MAX * sizeof(*copies));
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (texts[i].size > 0 && (copies[i] = copy_text(texts[i])).bytes == NULL) {
            free_texts(copies);
            return -ENOMEM;
        }
    }
    return 0;
}

static Text text_of_change(const ParameterChange *change, int parameter)
{
    const char *text = change->text[parameter];
    if (text == NULL) {
        return (Text){NULL, 0};
    }
    uint64_t strings = table[parameter].type == PARAMETER_STRINGS ? change->number[parameter] : 1;
    return (Text){(char *)text, size_of_strings(text, strings)};
}

int parameters_take(MigrationParameters *parameters, const ParameterChange *change)
{
    Text given[MIGRATION_PARAMETER__MAX], copies[MIGRATION_PARAMETER__MAX];
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        given[i] = text_of_change(change, i);
    }
    int result = copy_texts(copies, given);
    if (result < 0) {
        return result;
    }
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (change->given[i]) {
            parameters->number[i] = change->number[i];
            free(parameters->text[i].bytes);
            parameters->text[i] = copies[i];
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
    if (copy_texts(copy->text, parameters->text) < 0) {
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

static int qmp_type_of(ParameterType type)
{
    switch (type) {
    case PARAMETER_BOOL:
        return QMP_BOOL;
    case PARAMETER_STRING:
    case PARAMETER_ENUM:
        return QMP_STRING;
    case PARAMETER_STRINGS:
        return QMP_STRINGS;
    default:
        return QMP_INT;
    }
}

int migration_parameters_get(const MigrationParameters *parameters, int parameter, QmpMember *member)
{
    if (!migration_parameter_known(&parameters->build, parameter)) {
        return -EINVAL;
    }
    const ParameterRow *row = &table[parameter];
    uint64_t number = parameters->number[parameter];
    const char *text = parameters->text[parameter].bytes;
    *member = (QmpMember){
        .name = row->name,
        .type = qmp_type_of(row->type),
        .number = number,
        .text = row->type == PARAMETER_ENUM ? migration_parameter_value_name(parameter, number)
                : text != NULL              ? text
                                            : "",
    };
    return 0;
}
