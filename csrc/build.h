/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_BUILD_H
#define PYMIG_BUILD_H

#include "pymig.h"

/* Releases from one up to but not including another. */
typedef struct ReleaseRange {
    int since;
    int until;
} ReleaseRange;

#define FROM(release) {QEMU_##release, QEMU_RELEASE__MAX}
#define BEFORE(release) {0, QEMU_##release}
#define BETWEEN(first, next) {QEMU_##first, QEMU_##next}
#define ALWAYS {0, QEMU_RELEASE__MAX}
#define NEVER {0, 0}

/* False for an unknown release. */
static inline bool release_within(int release, ReleaseRange range)
{
    return release >= range.since && release < range.until;
}

static inline bool qemu_release_known(int release)
{
    return release_within(release, (ReleaseRange)ALWAYS);
}

#endif
