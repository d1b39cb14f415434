/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "qemu/bitmaps.h"
#include "qemu/capability.h"
#include "qemu/context.h"
#include "qemu/parameter.h"
#include "qemu/release.h"
#include "qemu/rules.h"

/* The input of a check: the values as they would become, and those stored now. */
typedef struct Candidate {
    const uint64_t *values;
    const MigrationParameters *present;
    CapabilitySet capabilities;
    const MigrationContext *context;
} Candidate;

/* One check of a parameter. */
typedef struct ParameterCheck {
    MigrationParameter parameter;
    uint64_t min, max;
    const char *expects;                                        /* the text after "Parameter 'NAME' expects "; or */
    const char *text;                                           /* the whole text; or */
    int (*check)(const QmpValue *value, MigrationError *error); /* a function that makes the text */
    bool (*fits)(const Candidate *);                            /* a further condition */
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

/* A bug in QEMU: it looks at the stored values, not at the new ones. */
static bool mapped_ram_takes_what_is_stored(const Candidate *candidate)
{
    const MigrationParameters *present = candidate->present;
    bool compressed = present->number[MIGRATION_PARAMETER_MULTIFD_COMPRESSION] != MULTIFD_COMPRESSION_NONE;
    bool tls = present->number[MIGRATION_PARAMETER_TLS_CREDS] != 0;
    return !(has_any(candidate->capabilities, CAP(MAPPED_RAM)) && (compressed || tls));
}

/* clang-format off */
#define RANGE(name, min_, max_, expects_)                                                                              \
    .parameter = MIGRATION_PARAMETER_##name, .min = min_, .max = max_, .expects = expects_, .releases = ALWAYS
#define WHOLE(name, min_, max_, text_)                                                                                 \
    .parameter = MIGRATION_PARAMETER_##name, .min = min_, .max = max_, .text = text_
#define CONDITION(name, text_) WHOLE(name, 0, UINT64_MAX, text_)

/* In QEMU's order. */
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
    {RANGE(ANNOUNCE_STEP, 1, 10000, "a value between 0 and 10000")}, /* QEMU's text says 0 */
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

/* QEMU's range checks write a parameter's name with underscores, except for unstable ones. From 11.0 on they use the
 * QMP name. */
static int refuse_value(MigrationError *error, int release, int parameter, const char *expects)
{
    ParameterTextForm form = qemu_release_row(release)->text_form;
    bool hyphens = form == PARAMETER_TEXT_OPTION_HYPHENS || parameter_is_unstable(parameter);
    char name[64];
    snprintf(name, sizeof(name), "%s", parameter_name(parameter));
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
