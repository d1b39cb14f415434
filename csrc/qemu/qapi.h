/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_QAPI_H
#define PYMIG_QAPI_H

#include <string.h>

#include "pymig.h"
#include "qemu/release.h"

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
typedef struct QapiBranch QapiBranch;

typedef struct QapiType {
    QapiKind kind;
    uint64_t max;                   /* number */
    const char *name;               /* number: the type's name in error texts, "uint8_t" */
    const struct QapiType *element; /* array */
    const QapiMember *members;      /* object; a member without a name ends the list */
    bool is_union;                  /* object: its only own member, an enum, selects one of the branches */
    const QapiBranch *branches;     /* union: one for each value of the enum */
    /* Enum: whether this build has a value of this name, for the parameter being visited. */
    bool (*has_value)(const QemuBuild *build, int parameter, const char *name);
} QapiType;

struct QapiMember {
    const char *name;
    const QapiType *type;
    bool optional;
    ReleaseSet releases; /* that have it */
};

#define QAPI_REQUIRED_IN(releases_, name_, type_) {.name = name_, .type = type_, .releases = releases_}
#define QAPI_OPTIONAL_IN(releases_, name_, type_)                                                                      \
    {.name = name_, .type = type_, .optional = true, .releases = releases_}
#define QAPI_REQUIRED(name_, type_) QAPI_REQUIRED_IN(ALWAYS, name_, type_)
#define QAPI_OPTIONAL(name_, type_) QAPI_OPTIONAL_IN(ALWAYS, name_, type_)
#define QAPI_END {.name = NULL}

/* The further members that an object has while its discriminator has this value. */
struct QapiBranch {
    const char *value;
    const QapiType *type;
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
