/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_QAPI_H
#define PYMIG_QAPI_H

#include <string.h>

#include "pymig.h"

/* The part of QAPI's type system that this library's requests use. */
typedef enum QapiKind {
    QAPI_UINT,
    QAPI_BOOL,
    QAPI_STRING,
    QAPI_STRING_OR_NULL,
    QAPI_ENUM,
    QAPI_ARRAY,
    QAPI_OBJECT,
} QapiKind;

typedef struct QapiMember QapiMember;

typedef struct QapiType {
    QapiKind kind;
    uint64_t max;                   /* number */
    const char *name;               /* number: the type's name in error texts, "uint8_t" */
    const struct QapiType *element; /* array */
    const QapiMember *members;      /* object; a member without a name ends the list */
    /* Enum: whether this build has a value of this name, for the parameter being visited. */
    bool (*has_value)(const QemuBuild *build, int parameter, const char *name);
} QapiType;

struct QapiMember {
    const char *name;
    const QapiType *type;
    bool optional;
};

/* The value of an object's member with this name, or NULL. */
static inline const QmpValue *qmp_member_of(const QmpValue *object, const char *name)
{
    for (uint64_t i = 0; i < object->number; i++) {
        if (strcmp(object->members[i].name, name) == 0) {
            return &object->members[i].value;
        }
    }
    return NULL;
}

static inline MigrationError no_error(void)
{
    return (MigrationError){.parameter = -1, .unexpected = -1};
}

/* Fills in `error` with the formatted text. Returns -EINVAL, or -ENOMEM if out of memory. */
int refuse(MigrationError *error, int parameter, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
