/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_BATCH_H
#define PYMIG_BATCH_H

#include "check/check.h"

/*
 * What a batch does to each set. Capabilities are looked up four at a time, by the nibbles of a word: a table of 16
 * codes says which of the group's terms apply there, as the least of their codes, or NO_TERM. A group is a sequence of
 * terms with one trigger; a run is a sequence of groups whose codes ascend, so that the least code in it is the first
 * in QEMU's order. Of several runs the first one with a code has the last word.
 */
enum {
    NIBBLES = MIGRATION_CAPABILITY__MAX / 4,
    NO_TERM = UINT8_MAX,
};

_Static_assert(MIGRATION_CAPABILITY__MAX == 4 * NIBBLES, "a nibble that is only partly there");
_Static_assert((int)MIGRATION_VERDICT__MAX < (int)NO_TERM, "a code that means something else here");

typedef struct Lookup {
    uint8_t table[16]; /* by the value of the nibble */
    int nibble;
} Lookup;

typedef struct Group {
    Lookup trigger; /* 0 where it is on, NO_TERM where it is off */
    int first, end; /* its lookups */
    bool begins_run;
} Group;

typedef struct Batch {
    const MigrationChecker *checker;
    TermSet terms; /* those that can refuse, given the old set and what is known of the host by now */
    TermSet open;  /* those of them that need an answer first */
    int n_groups, n_lookups;
    Group groups[MOST_TERMS];
    Lookup lookups[MOST_TERMS];
} Batch;

#endif
