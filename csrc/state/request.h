/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_REQUEST_H
#define PYMIG_REQUEST_H

#include "qemu/qapi.h"

/* Checks a request as QAPI does before the command sees it: visits the members in the order of the schema, refuses the
 * first that is missing or of the wrong type, and at the end refuses members that it has not visited. */

/* The state of visiting one request. The path is empty at first. */
typedef struct Visitor {
    const QemuBuild *build;
    MigrationError *error;
    int parameter; /* the parameter being visited, or -1; used in the error and by an enum's has_value() */
    char path[160];
} Visitor;

/* Visits the value of the member `name` of the object at the current path. Returns 0; -EINVAL with the error filled in;
 * -ENOMEM. */
int visit_value(Visitor *visitor, const QapiType *type, const char *name, const QmpValue *value);

/* Visits the members of a whole request, an object at the empty path. Returns as above. */
int visit_request(Visitor *visitor, const QapiType *type, const QmpMember *members, size_t count);

/* Refuses the member of the object at the current path that QEMU would name as unexpected. `visited` holds the indices
 * of the expected members. Returns -EINVAL or -ENOMEM. */
int refuse_unexpected(Visitor *visitor, const QmpMember *members, size_t count, const size_t *visited,
                      size_t n_visited);

#endif
