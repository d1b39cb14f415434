/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_PARAMETER_H
#define PYMIG_PARAMETER_H

#include <stdatomic.h>

#include "qemu/qapi.h"

/* Numbers, flags and enums live in `number`, which accessors read without a lock; of a string it is the length, of a
 * list how many elements it has. A string or a list that was set is in `value`. */
struct MigrationParameters {
    QemuBuild build;
    _Atomic uint64_t number[MIGRATION_PARAMETER__MAX];
    QmpValue *value[MIGRATION_PARAMETER__MAX];
};

/* A request, read but not yet taken: values of the right type, borrowed. */
typedef struct ParameterChange {
    bool given[MIGRATION_PARAMETER__MAX];
    uint64_t number[MIGRATION_PARAMETER__MAX];
    const QmpValue *value[MIGRATION_PARAMETER__MAX];
} ParameterChange;

/* Its type in the schema. */
const QapiType *parameter_qapi_type(int parameter);

/* The number of an enum parameter's value with this name; -ENOENT if the build has none. */
int parameter_value_of_name(const QemuBuild *build, int parameter, const char *name);

/* Where it begins in a fresh state of this build. */
uint64_t parameter_initial(const QemuBuild *build, int parameter);

/* Of a parameter that there is: its name, and whether the schema marks it as unstable. */
const char *parameter_name(int parameter);
bool parameter_is_unstable(int parameter);

void parameters_init(MigrationParameters *parameters, const QemuBuild *build);

void parameters_clear(MigrationParameters *parameters);

/* What QAPI does with a request before QEMU sees it: names and types. 0; -EINVAL with the error filled in; -ENOMEM. */
int parameters_read(const QemuBuild *build, const QmpMember *members, size_t count, ParameterChange *change,
                    MigrationError *error);

/* migrate_params_check(): whether the present parameters, with the change laid over them, are acceptable. Likewise. */
int parameters_check(const MigrationContext *context, CapabilitySet capabilities, const MigrationParameters *present,
                     const ParameterChange *change, MigrationError *error);

/* The fields of a context that follow from the parameters. */
void context_follow_parameters(MigrationContext *context, const MigrationParameters *parameters);

/* Takes the change, whole or not at all: 0 or -ENOMEM. */
int parameters_take(MigrationParameters *parameters, const ParameterChange *change);

/* A copy, or NULL if out of memory. */
MigrationParameters *parameters_copy(const MigrationParameters *parameters);

#endif
