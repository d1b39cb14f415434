/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_RELEASE_H
#define PYMIG_RELEASE_H

#include "pymig.h"

/* A set of releases: bit n is enum QemuRelease n. Releases are in version order, so "from 9.1 on" is one shift. A
 * change that was backported to a stable release needs exceptions: FROM(9_2_4) & ~ONLY(10_0). */
typedef uint32_t ReleaseSet;

_Static_assert(QEMU_RELEASE__MAX < 32, "a ReleaseSet has a bit for each release");

#define ALWAYS (((ReleaseSet)1 << QEMU_RELEASE__MAX) - 1)
#define NEVER ((ReleaseSet)0)
#define ONLY(release) ((ReleaseSet)1 << QEMU_##release)
#define BEFORE(release) (ONLY(release) - 1)
#define FROM(release) (ALWAYS & ~BEFORE(release))
#define BETWEEN(first, next) (FROM(first) & BEFORE(next))

/* How the text of a range check begins. */
typedef enum ParameterTextForm {
    PARAMETER_TEXT_QUOTED = 0,             /* Parameter 'max_bandwidth' expects ... */
    PARAMETER_TEXT_OPTION_UNDERSCORES = 1, /* Option max_bandwidth expects ... */
    PARAMETER_TEXT_OPTION_HYPHENS = 2,     /* Option max-bandwidth expects ... */
} ParameterTextForm;

/* The facts about a release that belong to no other table. */
typedef struct ReleaseRow {
    const char *name;
    int major, minor, micro;
    int variant;       /* enum ProbeVariant */
    bool tells_reason; /* the postcopy probe's text is part of the error, instead of the log */
    int scope;         /* enum WriteTrackingScope, while x-ignore-shared is on */
    int text_form;     /* enum ParameterTextForm */
} ReleaseRow;

static inline bool qemu_release_known(int release)
{
    return release >= 0 && release < QEMU_RELEASE__MAX;
}

/* False for an unknown release. */
static inline bool release_within(int release, ReleaseSet set)
{
    return qemu_release_known(release) && (set >> release & 1) != 0;
}

/* The release's row; for an unknown release, the oldest one's. */
const ReleaseRow *qemu_release_row(int release);

#endif
