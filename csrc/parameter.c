/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "parameter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "capability.h"
#include "names.h"

/* x86's. QEMU asks its target; no target has a smaller one that a migration could meet. */
enum { TARGET_PAGE_SIZE = 4096 };

typedef struct ParameterRow {
    const char *name;
    ParameterType type;
    uint64_t initial;
    bool ignored; /* accepted in a request, and then forgotten */
} ParameterRow;

#define PARAMETER(name) [MIGRATION_PARAMETER_##name]

/* clang-format off */
static const ParameterRow table[MIGRATION_PARAMETER__MAX] = {
    PARAMETER(ANNOUNCE_INITIAL)           = {"announce-initial", PARAMETER_UINT64, 50, false},
    PARAMETER(ANNOUNCE_MAX)               = {"announce-max", PARAMETER_UINT64, 550, false},
    PARAMETER(ANNOUNCE_ROUNDS)            = {"announce-rounds", PARAMETER_UINT64, 5, false},
    PARAMETER(ANNOUNCE_STEP)              = {"announce-step", PARAMETER_UINT64, 100, false},
    PARAMETER(COMPRESS_LEVEL)             = {"compress-level", PARAMETER_UINT8, 1, false},
    PARAMETER(COMPRESS_THREADS)           = {"compress-threads", PARAMETER_UINT8, 8, false},
    PARAMETER(COMPRESS_WAIT_THREAD)       = {"compress-wait-thread", PARAMETER_BOOL, true, false},
    PARAMETER(DECOMPRESS_THREADS)         = {"decompress-threads", PARAMETER_UINT8, 2, false},
    PARAMETER(THROTTLE_TRIGGER_THRESHOLD) = {"throttle-trigger-threshold", PARAMETER_UINT8, 50, false},
    PARAMETER(CPU_THROTTLE_INITIAL)       = {"cpu-throttle-initial", PARAMETER_UINT8, 20, false},
    PARAMETER(CPU_THROTTLE_INCREMENT)     = {"cpu-throttle-increment", PARAMETER_UINT8, 10, false},
    PARAMETER(CPU_THROTTLE_TAILSLOW)      = {"cpu-throttle-tailslow", PARAMETER_BOOL, false, false},
    PARAMETER(TLS_CREDS)                  = {"tls-creds", PARAMETER_STRING, 0, false},
    PARAMETER(TLS_HOSTNAME)               = {"tls-hostname", PARAMETER_STRING, 0, false},
    PARAMETER(TLS_AUTHZ)                  = {"tls-authz", PARAMETER_STRING, 0, false},
    PARAMETER(MAX_BANDWIDTH)              = {"max-bandwidth", PARAMETER_UINT64, 134217728, false},
    PARAMETER(DOWNTIME_LIMIT)             = {"downtime-limit", PARAMETER_UINT64, 300, false},
    PARAMETER(X_CHECKPOINT_DELAY)         = {"x-checkpoint-delay", PARAMETER_UINT32, 20000, false},
    PARAMETER(BLOCK_INCREMENTAL)          = {"block-incremental", PARAMETER_BOOL, false, false},
    PARAMETER(MULTIFD_CHANNELS)           = {"multifd-channels", PARAMETER_UINT8, 2, false},
    PARAMETER(XBZRLE_CACHE_SIZE)          = {"xbzrle-cache-size", PARAMETER_UINT64, 67108864, false},
    PARAMETER(MAX_POSTCOPY_BANDWIDTH)     = {"max-postcopy-bandwidth", PARAMETER_UINT64, 0, false},
    PARAMETER(MAX_CPU_THROTTLE)           = {"max-cpu-throttle", PARAMETER_UINT8, 99, false},
    PARAMETER(MULTIFD_COMPRESSION)        = {"multifd-compression", PARAMETER_MULTIFD_COMPRESSION,
                                             MULTIFD_COMPRESSION_NONE, false},
    PARAMETER(MULTIFD_ZLIB_LEVEL)         = {"multifd-zlib-level", PARAMETER_UINT8, 1, true},
    PARAMETER(MULTIFD_ZSTD_LEVEL)         = {"multifd-zstd-level", PARAMETER_UINT8, 1, true},
};

/* The ranges, in the order in which QEMU checks them. `also` is a further condition on the value. */
typedef struct ParameterCheck {
    MigrationParameter parameter;
    uint64_t min, max;
    const char *expects;
    bool (*also)(const uint64_t *values);
} ParameterCheck;

static bool cache_size_fits(const uint64_t *values)
{
    uint64_t size = values[MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE];
    return (size & (size - 1)) == 0;
}

static bool throttle_fits(const uint64_t *values)
{
    return values[MIGRATION_PARAMETER_MAX_CPU_THROTTLE] >= values[MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL];
}

static const ParameterCheck checks[] = {
    {MIGRATION_PARAMETER_COMPRESS_LEVEL, 0, 9, "a value between 0 and 9", NULL},
    {MIGRATION_PARAMETER_COMPRESS_THREADS, 1, 255, "a value between 1 and 255", NULL},
    {MIGRATION_PARAMETER_DECOMPRESS_THREADS, 1, 255, "a value between 1 and 255", NULL},
    {MIGRATION_PARAMETER_THROTTLE_TRIGGER_THRESHOLD, 1, 100, "an integer in the range of 1 to 100", NULL},
    {MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL, 1, 99, "an integer in the range of 1 to 99", NULL},
    {MIGRATION_PARAMETER_CPU_THROTTLE_INCREMENT, 1, 99, "an integer in the range of 1 to 99", NULL},
    {MIGRATION_PARAMETER_DOWNTIME_LIMIT, 0, 2000000, "an integer in the range of 0 to (2000 * 1000) ms", NULL},
    {MIGRATION_PARAMETER_MULTIFD_CHANNELS, 1, 255, "a value between 1 and 255", NULL},
    {MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE, TARGET_PAGE_SIZE, UINT64_MAX,
     "a power of two no less than the target page size", cache_size_fits},
    {MIGRATION_PARAMETER_MAX_CPU_THROTTLE, 0, 99, "an integer in the range of cpu_throttle_initial to 99",
     throttle_fits},
    {MIGRATION_PARAMETER_ANNOUNCE_INITIAL, 0, 100000, "a value between 0 and 100000", NULL},
    {MIGRATION_PARAMETER_ANNOUNCE_MAX, 0, 100000, "a value between 0 and 100000", NULL},
    {MIGRATION_PARAMETER_ANNOUNCE_ROUNDS, 0, 1000, "a value between 0 and 1000", NULL},
    {MIGRATION_PARAMETER_ANNOUNCE_STEP, 1, 10000, "a value between 0 and 10000", NULL}, /* so QEMU says */
};
/* clang-format on */

enum { N_CHECKS = sizeof(checks) / sizeof(checks[0]) };

static const char *const compression_names[MULTIFD_COMPRESSION__MAX] = {
    [MULTIFD_COMPRESSION_NONE] = "none",
    [MULTIFD_COMPRESSION_ZLIB] = "zlib",
    [MULTIFD_COMPRESSION_ZSTD] = "zstd",
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

bool migration_parameter_ignored(const QemuBuild *build, int parameter)
{
    const ParameterRow *row = row_of(parameter);
    return qemu_release_known(build->release) && row != NULL && row->ignored;
}

const char *multifd_compression_name(int method)
{
    return name_at(compression_names, MULTIFD_COMPRESSION__MAX, method);
}

/* ---- Errors ---- */

void migration_error_clear(MigrationError *error)
{
    free(error->message);
    *error = (MigrationError){.parameter = -1};
}

__attribute__((format(printf, 3, 4))) static int refuse(MigrationError *error, int parameter, const char *format, ...)
{
    va_list arguments;

    *error = (MigrationError){.parameter = parameter};
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

/* QEMU's range checks name a parameter with underscores. */
static int refuse_value(MigrationError *error, int parameter, const char *expects)
{
    char name[64];
    size_t i = 0;
    for (const char *c = table[parameter].name; *c != '\0' && i < sizeof(name) - 1; c++) {
        name[i++] = *c == '-' ? '_' : *c;
    }
    name[i] = '\0';
    return refuse(error, parameter, "Parameter '%s' expects %s", name, expects);
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

static int read_compression(const QemuBuild *build, int parameter, const QmpMember *member, uint64_t *number,
                            MigrationError *error)
{
    if (member->type != QMP_STRING) {
        return refuse_type(error, parameter, "string");
    }
    int method = index_of_name(compression_names, MULTIFD_COMPRESSION__MAX, member->text);
    if (method < 0 || (method == MULTIFD_COMPRESSION_ZSTD && !build->zstd)) {
        return refuse(error, parameter, "Parameter '%s' does not accept value '%s'", member->name, member->text);
    }
    *number = (uint64_t)method;
    return 0;
}

static int read_member(const QemuBuild *build, int parameter, const QmpMember *member, ParameterChange *change,
                       MigrationError *error)
{
    uint64_t *number = &change->number[parameter];

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
        return read_string(parameter, member, &change->text[parameter], number, error);
    case PARAMETER_MULTIFD_COMPRESSION:
        return read_compression(build, parameter, member, number, error);
    }
    return -EINVAL;
}

int parameters_read(const QemuBuild *build, const QmpMember *members, size_t count, ParameterChange *change,
                    MigrationError *error)
{
    const QmpMember *given[MIGRATION_PARAMETER__MAX] = {NULL}, *unexpected = NULL;

    for (size_t i = 0; i < count; i++) {
        int parameter = migration_parameter_from_name(members[i].name);
        if (parameter >= 0) {
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
        error->unexpected = true;
        return -EINVAL;
    }
    return 0;
}

/* ---- Checking and taking it ---- */

int parameters_check(const MigrationContext *context, CapabilitySet capabilities, const MigrationParameters *present,
                     const ParameterChange *change, MigrationError *error)
{
    uint64_t values[MIGRATION_PARAMETER__MAX];
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        values[i] = change->given[i] ? change->number[i] : present->number[i];
    }
    for (const ParameterCheck *check = checks; check < checks + N_CHECKS; check++) {
        uint64_t value = values[check->parameter];
        if (value < check->min || value > check->max || (check->also != NULL && !check->also(values))) {
            return refuse_value(error, check->parameter, check->expects);
        }
    }

    bool compressed = values[MIGRATION_PARAMETER_MULTIFD_COMPRESSION] != MULTIFD_COMPRESSION_NONE;
    bool tls = values[MIGRATION_PARAMETER_TLS_CREDS] != 0;
    if (context->build.on_linux && has_any(capabilities, CAP(ZERO_COPY_SEND)) && (compressed || tls)) {
        MigrationRule rule;
        migration_rule(&context->build, MIGRATION_ZERO_COPY_PLAIN_MULTIFD, &rule);
        return refuse(error, compressed ? MIGRATION_PARAMETER_MULTIFD_COMPRESSION : MIGRATION_PARAMETER_TLS_CREDS, "%s",
                      rule.message);
    }
    return 0;
}

void parameters_init(MigrationParameters *parameters)
{
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        parameters->number[i] = table[i].initial;
        parameters->text[i] = NULL;
    }
}

static void free_texts(char *texts[MIGRATION_PARAMETER__MAX])
{
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        free(texts[i]);
    }
}

void parameters_clear(MigrationParameters *parameters)
{
    free_texts(parameters->text);
}

/* Duplicates those that are there; on failure frees those that were made. */
static int copy_texts(char *copies[MIGRATION_PARAMETER__MAX], const char *const texts[MIGRATION_PARAMETER__MAX])
{
    memset(copies, 0, MIGRATION_PARAMETER__MAX * sizeof(*copies));
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (texts[i] != NULL && *texts[i] != '\0' && (copies[i] = strdup(texts[i])) == NULL) {
            free_texts(copies);
            return -ENOMEM;
        }
    }
    return 0;
}

int parameters_take(MigrationParameters *parameters, const ParameterChange *change)
{
    char *texts[MIGRATION_PARAMETER__MAX];
    int result = copy_texts(texts, change->text);
    if (result < 0) {
        return result;
    }
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (change->given[i]) {
            parameters->number[i] = change->number[i];
            free(parameters->text[i]);
            parameters->text[i] = texts[i];
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
    if (copy_texts(copy->text, (const char *const *)parameters->text) < 0) {
        free(copy);
        return NULL;
    }
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

int migration_parameters_get(const MigrationParameters *parameters, int parameter, QmpMember *member)
{
    const ParameterRow *row = row_of(parameter);
    if (row == NULL) {
        return -EINVAL;
    }
    *member = (QmpMember){.name = row->name, .type = QMP_INT, .number = parameters->number[parameter]};
    if (row->type == PARAMETER_BOOL) {
        member->type = QMP_BOOL;
    } else if (row->type == PARAMETER_STRING) {
        member->type = QMP_STRING;
        member->text = parameters->text[parameter] != NULL ? parameters->text[parameter] : "";
    } else if (row->type == PARAMETER_MULTIFD_COMPRESSION) {
        member->type = QMP_STRING;
        member->text = multifd_compression_name((int)member->number);
    }
    return 0;
}
