/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_BITMAPS_H
#define PYMIG_BITMAPS_H

#include "qemu/qapi.h"

/* The type of block-bitmap-mapping: a list of BitmapMigrationNodeAlias. */
extern const QapiType bitmaps_type;

/* construct_alias_map(): whether QEMU accepts this mapping, whose type is already checked. Returns 0; -EINVAL with
 * `error` filled in; -ENOMEM. */
int bitmaps_check(const QmpValue *mapping, MigrationError *error);

#endif
