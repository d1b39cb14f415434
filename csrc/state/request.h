/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_REQUEST_H
#define PYMIG_REQUEST_H

#include "qemu/qapi.h"

/* What QAPI does with a request before the command sees it: it visits the members in the order of the schema, and
 * refuses the first that is missing or of a wrong type, and at last what it has not visited. */

/* A visit of one request. Begins with an empty path. */
typedef struct Visitor {
    const QemuBuild *build;
    MigrationError *error;
    int parameter; /* which one is being visited, or -1; for the error, and for an enum's has_value() */
    char path[160];
} Visitor;

/* Visits a value by this name at the end of the path. 0; -EINVAL with the error filled in; -ENOMEM. */
int visit_value(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value);

/* Refuses the first member of the object at the end of the path that QEMU would name as unexpected; `visited` are those
 * that it expected. -EINVAL or -ENOMEM. */
int refuse_unexpected(Visitor *visitor, const QmpMember *members, size_t count, const size_t *visited,
                      size_t n_visited);

#endif
