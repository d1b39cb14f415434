/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_RULES_H
#define PYMIG_RULES_H

#include "pymig.h"

/* What a rule has to know of the host before it can apply. */
typedef enum HostQuestion {
    ASK_NOTHING = 0,
    ASK_POSTCOPY,
    ASK_WRITE_TRACKING_AVAILABLE,
    ASK_WRITE_TRACKING_COMPATIBLE,
} HostQuestion;

/* One way for a rule to refuse: the trigger is on, and one other capability is on, or is off. A rule about several
 * others has a term for each; one that refuses the trigger itself has it for the other, too. With a question, the host
 * has to say no as well. */
typedef struct Term {
    uint8_t trigger; /* enum MigrationCapability, as are all capabilities here */
    uint8_t other;
    bool other_on;
    bool switched_on; /* counts only if the trigger was off before */
    uint8_t question; /* enum HostQuestion */
    uint8_t code;     /* enum MigrationVerdict */
} Term;

/* A set of terms: bit i stands for term i, so the lowest one is the first in QEMU's order. */
typedef uint64_t TermSet;

enum {
    MOST_TERMS = 64, /* that a context can have */
};

/* The text of a rule that parameters are checked against, too. */
#define ZERO_COPY_NOT_PLAIN "Zero copy only available for non-compressed non-TLS multifd migration"

/* As migrate_caps_warnings(). */
uint32_t rules_warnings(int release, CapabilitySet new_set, int code);

/* The terms of those rules that can refuse in this context, in QEMU's order. Returns their number. */
int rules_compile(const MigrationContext *context, Term terms[MOST_TERMS]);

#endif
