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

static inline int index_of_name(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (names[i] != NULL && strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

#endif
