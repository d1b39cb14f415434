/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_MEMBERS = 16 /* the most members of an object in the schema */
};

/* ---- Errors ---- */

static int wrong_type(Visitor *visitor, int result)
{
    visitor->error->wrong_type = true;
    return result;
}

static int expected(Visitor *visitor, const char *type)
{
    return wrong_type(visitor, refuse(visitor->error, visitor->parameter,
                                      "Invalid parameter type for '%s', expected: %s", visitor->path, type));
}

/* ---- The path ---- */

static size_t add_name(Visitor *visitor, const char *name)
{
    size_t before = strlen(visitor->path);
    snprintf(visitor->path + before, sizeof(visitor->path) - before, "%s%s", before > 0 ? "." : "", name);
    return before;
}

static size_t add_index(Visitor *visitor, uint64_t index)
{
    size_t before = strlen(visitor->path);
    snprintf(visitor->path + before, sizeof(visitor->path) - before, "[%" PRIu64 "]", index);
    return before;
}

static void cut(Visitor *visitor, size_t length)
{
    visitor->path[length] = '\0';
}

/* ---- Values ---- */

static int visit_uint(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value)
{
    if (value->type != QMP_INT) {
        int result = refuse(visitor->error, visitor->parameter, "Parameter '%s' expects uint64", visitor->path);
        return value->type == QMP_NUMBER ? result : wrong_type(visitor, result);
    }
    return value->number <= type->max
               ? 0
               : refuse(visitor->error, visitor->parameter, "Parameter '%s' expects %s", name, type->name);
}

static int visit_enum(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value)
{
    if (value->type != QMP_STRING) {
        return expected(visitor, "string");
    }
    return type->has_value(visitor->build, visitor->parameter, value->text)
               ? 0
               : refuse(visitor->error, visitor->parameter, "Parameter '%s' does not accept value '%s'", name,
                        value->text);
}

static int visit_at_path(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value);

static int visit_array(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value)
{
    if (value->type != QMP_ARRAY) {
        return expected(visitor, "array");
    }
    int result = 0;
    for (uint64_t i = 0; result == 0 && i < value->number; i++) {
        size_t before = add_index(visitor, i);
        result = visit_at_path(visitor, type->element, name, &value->elements[i]);
        cut(visitor, before);
    }
    return result;
}

static int visit_member(Visitor *visitor, const QapiMember *member, const QmpValue *object, size_t *visited,
                        size_t *n_visited)
{
    const QmpValue *value = qmp_member_of(object, member->name);
    if (value == NULL && member->optional) {
        return 0;
    }
    if (value == NULL) {
        size_t before = add_name(visitor, member->name);
        int result = refuse(visitor->error, visitor->parameter, "Parameter '%s' is missing", visitor->path);
        cut(visitor, before);
        return wrong_type(visitor, result);
    }
    visited[(*n_visited)++] =
        (size_t)((const QmpMember *)((const char *)value - offsetof(QmpMember, value)) - object->members);
    return visit_value(visitor, member->type, member->name, value);
}

/* The type of the branch that the object selects; NULL if the type is no union. */
static const QapiType *branch_of(const QapiType *type, const QmpValue *object)
{
    if (!type->is_union) {
        return NULL;
    }
    const char *value = qmp_member_of(object, type->members[0].name)->text;
    const QapiBranch *branch = type->branches;
    while (strcmp(branch->value, value) != 0) {
        branch++;
    }
    return branch->type;
}

static int visit_members(Visitor *visitor, const QapiType *type, const QmpValue *object, size_t *visited,
                         size_t *n_visited)
{
    for (; type != NULL; type = branch_of(type, object)) {
        for (const QapiMember *member = type->members; member->name != NULL; member++) {
            bool present = release_within(visitor->build->release, member->releases);
            int result = present ? visit_member(visitor, member, object, visited, n_visited) : 0;
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

static int visit_object(Visitor *visitor, const QapiType *type, const QmpValue *value)
{
    size_t visited[MOST_MEMBERS], n_visited = 0;
    if (value->type != QMP_OBJECT) {
        return expected(visitor, "object");
    }
    int result = visit_members(visitor, type, value, visited, &n_visited);
    if (result < 0 || n_visited == value->number) {
        return result;
    }
    return refuse_unexpected(visitor, value->members, value->number, visited, n_visited);
}

static int visit_at_path(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value)
{
    switch (type->kind) {
    case QAPI_UINT:
        return visit_uint(visitor, type, name, value);
    case QAPI_BOOL:
        return value->type == QMP_BOOL ? 0 : expected(visitor, "boolean");
    case QAPI_STRING:
        return value->type == QMP_STRING ? 0 : expected(visitor, "string");
    case QAPI_STRING_OR_NULL:
        return value->type == QMP_STRING || value->type == QMP_NULL ? 0 : expected(visitor, "StrOrNull");
    case QAPI_ENUM:
        return visit_enum(visitor, type, name, value);
    case QAPI_ARRAY:
        return visit_array(visitor, type, name, value);
    case QAPI_OBJECT:
        return visit_object(visitor, type, value);
    }
    return -EINVAL;
}

int visit_value(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value)
{
    size_t before = add_name(visitor, name);
    int result = visit_at_path(visitor, type, name, value);
    cut(visitor, before);
    return result;
}

int visit_request(Visitor *visitor, const QapiType *type, const QmpMember *members, size_t count)
{
    return visit_object(visitor, type, &(QmpValue){.type = QMP_OBJECT, .number = count, .members = members});
}

int refuse_unexpected(Visitor *visitor, const QmpMember *members, size_t count, const size_t *visited, size_t n_visited)
{
    long first = qmp_first_unvisited(members, count, visited, n_visited);
    if (first < 0) {
        return -ENOMEM;
    }
    bool nested = visitor->path[0] != '\0';
    int result = refuse(visitor->error, visitor->parameter, "Parameter '%s%s%s' is unexpected", visitor->path,
                        nested ? "." : "", members[first].name);
    visitor->error->unexpected = (int)first;
    return nested ? wrong_type(visitor, result) : result;
}
