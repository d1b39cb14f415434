/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_RELEASE_H
#define PYMIG_RELEASE_H

#include "pymig.h"

/* A set of releases: bit n stands for enum QemuRelease n. Releases stand in the order of their versions, so "from 9.1
 * on" is one shift. What a stable release took over later is added or taken away: FROM(9_2_4) & ~ONLY(10_0). */
typedef uint32_t ReleaseSet;

_Static_assert(QEMU_RELEASE__MAX < 32, "a ReleaseSet has a bit for each release");

#define ALWAYS (((ReleaseSet)1 << QEMU_RELEASE__MAX) - 1)
#define NEVER ((ReleaseSet)0)
#define ONLY(release) ((ReleaseSet)1 << QEMU_##release)
#define BEFORE(release) (ONLY(release) - 1)
#define FROM(release) (ALWAYS & ~BEFORE(release))
#define BETWEEN(first, next) (FROM(first) & BEFORE(next))

/* How a range check of a parameter names it in its text. */
typedef enum ParameterTextForm {
    PARAMETER_TEXT_QUOTED = 0,             /* Parameter 'max_bandwidth' expects ... */
    PARAMETER_TEXT_OPTION_UNDERSCORES = 1, /* Option max_bandwidth expects ... */
    PARAMETER_TEXT_OPTION_HYPHENS = 2,     /* Option max-bandwidth expects ... */
} ParameterTextForm;

/* What a release is, beside its rows in the other tables. */
typedef struct ReleaseRow {
    const char *name;
    int major, minor, micro;
    int variant;       /* enum ProbeVariant */
    bool tells_reason; /* the postcopy probe's text is part of the error, not of the log */
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

/* The oldest release's row for an unknown one. */
const ReleaseRow *qemu_release_row(int release);

#endif
