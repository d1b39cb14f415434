/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_QAPI_H
#define PYMIG_QAPI_H

#include <string.h>

#include "pymig.h"

/* The part of QAPI's schema that requests of this library are made of. */
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
    uint64_t max;                   /* of a number */
    const char *name;               /* of a number's type, as it stands in the text: "uint8_t" */
    const struct QapiType *element; /* of an array */
    const QapiMember *members;      /* of an object; the last one has no name */
    /* Of an enum: whether this build has a value of this name; `parameter` is the one that is visited. */
    bool (*has_value)(const QemuBuild *build, int parameter, const char *name);
} QapiType;

struct QapiMember {
    const char *name;
    const QapiType *type;
    bool optional;
};

/* The member of an object with this name, or NULL. */
static inline const QmpValue *qmp_member_of(const QmpValue *object, const char *name)
{
    for (uint64_t i = 0; i < object->number; i++) {
        if (strcmp(object->members[i].name, name) == 0) {
            return &object->members[i].value;
        }
    }
    return NULL;
}

/* Fills the error in with a text made from the format. -EINVAL, or -ENOMEM if there was no memory for it. */
int refuse(MigrationError *error, int parameter, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
