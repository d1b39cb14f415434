/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_NAMES_H
#define PYMIG_NAMES_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Conversions between enums and their names. */

static inline const char *name_at(const char *const *names, int count, int index)
{
    return index >= 0 && index < count ? names[index] : NULL;
}

/* The number whose name this is; -ENOENT if there is none. `name_of` returns NULL after the last number. */
static inline int number_of_name(const char *(*name_of)(int number), const char *name)
{
    const char *candidate;
    for (int i = 0; (candidate = name_of(i)) != NULL; i++) {
        if (strcmp(candidate, name) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

#endif
