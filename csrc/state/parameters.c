/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of all parameters: reading them from a request, storing them, returning them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qemu/parameter.h"
#include "state/request.h"
#include "state/value.h"

/* ---- Reading a request ---- */

static const QmpValue empty_string = {.type = QMP_STRING, .text = ""};

/* Records a visited value in the form in which it will be stored. */
static void note_value(const QemuBuild *build, int parameter, const QmpValue *value, ParameterChange *change)
{
    change->number[parameter] = value->number;
    switch (migration_parameter_type(parameter)) {
    case PARAMETER_ENUM:
        change->number[parameter] = (uint64_t)parameter_value_of_name(build, parameter, value->text);
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
    *error = no_error();
    memset(change, 0, sizeof(*change));
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        if (given[i] != NULL) {
            visitor.parameter = i;
            int result = visit_value(&visitor, parameter_qapi_type(i), migration_parameter_name(i), &given[i]->value);
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

/* ---- Storing ---- */

void parameters_init(MigrationParameters *parameters, const QemuBuild *build)
{
    parameters->build = *build;
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        parameters->number[i] = parameter_initial(build, i);
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

/* Copies all values that are not NULL; on failure frees the copies made so far. */
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

void context_follow_parameters(MigrationContext *context, const MigrationParameters *parameters)
{
    context->compressed = parameters->number[MIGRATION_PARAMETER_MULTIFD_COMPRESSION] != MULTIFD_COMPRESSION_NONE;
    context->tls = parameters->number[MIGRATION_PARAMETER_TLS_CREDS] != 0;
    context->no_ram_tracked = parameters->number[MIGRATION_PARAMETER_MODE] >= MIG_MODE_CPR_TRANSFER;
}

int migration_context_apply(MigrationContext *context, const QmpMember *members, size_t count, MigrationError *error)
{
    MigrationParameters parameters;
    ParameterChange change;

    parameters_init(&parameters, &context->build);
    int result = parameters_read(&context->build, members, count, &change, error);
    if (result == 0 && (result = parameters_check(context, 0, &parameters, &change, error)) == 0 &&
        (result = parameters_take(&parameters, &change)) == 0) {
        context_follow_parameters(context, &parameters);
        parameters_clear(&parameters);
    }
    return result;
}

int parameters_copy(MigrationParameters *copy, const MigrationParameters *parameters)
{
    copy->build = parameters->build;
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        copy->number[i] = parameters->number[i];
    }
    return copy_values(copy->value, (const QmpValue *const *)parameters->value);
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
    switch (migration_parameter_type(parameter)) {
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
    if (value == NULL && migration_parameter_type(parameter) == PARAMETER_BITMAPS) {
        return -ENOENT;
    }
    member->name = migration_parameter_name(parameter);
    member->value = value != NULL ? *value : value_of(parameters, parameter);
    return 0;
}
