/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_PARAMETER_H
#define PYMIG_PARAMETER_H

#include <stdatomic.h>

#include "qemu/qapi.h"

/* `number` holds numbers, flags and enums, a string's length or a list's number of elements; accessors read it without
 * a lock. `value` holds strings and lists that were set. */
struct MigrationParameters {
    QemuBuild build;
    _Atomic uint64_t number[MIGRATION_PARAMETER__MAX];
    QmpValue *value[MIGRATION_PARAMETER__MAX];
};

/* A request whose types were checked but which is not applied yet. Its values are borrowed. */
typedef struct ParameterChange {
    bool given[MIGRATION_PARAMETER__MAX];
    uint64_t number[MIGRATION_PARAMETER__MAX];
    const QmpValue *value[MIGRATION_PARAMETER__MAX];
} ParameterChange;

/* The parameter's type in the schema. */
const QapiType *parameter_qapi_type(int parameter);

/* The number of an enum parameter's value with this name; -ENOENT if the build has no such value. */
int parameter_value_of_name(const QemuBuild *build, int parameter, const char *name);

/* The parameter's value in a fresh state of this build. */
uint64_t parameter_initial(const QemuBuild *build, int parameter);

/* The parameter's name, and whether the schema marks it as unstable. The number must be valid. */
const char *parameter_name(int parameter);
bool parameter_is_unstable(int parameter);

void parameters_init(MigrationParameters *parameters, const QemuBuild *build);

void parameters_clear(MigrationParameters *parameters);

/* Checks names and types of a request, as QAPI does before QEMU sees it. Returns 0; -EINVAL with `error` filled in;
 * -ENOMEM. */
int parameters_read(const QemuBuild *build, const QmpMember *members, size_t count, ParameterChange *change,
                    MigrationError *error);

/* migrate_params_check(): whether the current parameters are valid with the change applied. Returns as above. */
int parameters_check(const MigrationContext *context, CapabilitySet capabilities, const MigrationParameters *present,
                     const ParameterChange *change, MigrationError *error);

/* Sets the fields of a context that depend on parameters. */
void context_follow_parameters(MigrationContext *context, const MigrationParameters *parameters);

/* Applies the whole change, or nothing of it. Returns 0 or -ENOMEM. */
int parameters_take(MigrationParameters *parameters, const ParameterChange *change);

/* Makes `copy` a copy; then parameters_clear() must be called. Returns 0 or -ENOMEM. */
int parameters_copy(MigrationParameters *copy, const MigrationParameters *parameters);

#endif
