/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_BATCH_H
#define PYMIG_BATCH_H

#include "check/check.h"

/*
 * How a batch checks a set. Capabilities are looked up four at a time, by the nibbles of a word. For each value of a
 * nibble, a table of 16 codes holds the smallest code among the group's terms that apply, or NO_TERM. A group is a
 * sequence of terms with the same trigger. A run is a sequence of groups with ascending codes, so the smallest code
 * found in a run is the first in QEMU's order. The first run that finds a code decides.
 */
enum {
    NIBBLES = MIGRATION_CAPABILITY__MAX / 4,
    NO_TERM = UINT8_MAX,
};

_Static_assert(MIGRATION_CAPABILITY__MAX == 4 * NIBBLES, "the last nibble is incomplete");
_Static_assert((int)MIGRATION_VERDICT__MAX < (int)NO_TERM, "a code collides with NO_TERM");

typedef struct Lookup {
    uint8_t table[16]; /* by the value of the nibble */
    int nibble;
} Lookup;

typedef struct Group {
    Lookup trigger; /* 0 where it is on, NO_TERM where it is off */
    int first, end; /* the range of its lookups */
    bool begins_run;
} Group;

typedef struct Batch {
    const MigrationChecker *checker;
    TermSet terms; /* that can refuse, given the old set and the host's answers so far */
    TermSet open;  /* the subset of `terms` whose question the host has not answered yet */
    int n_groups, n_lookups;
    Group groups[MOST_TERMS];
    Lookup lookups[MOST_TERMS];
} Batch;

#endif
