/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_RULES_H
#define PYMIG_RULES_H

#include "pymig.h"

/* The question to the host that a rule depends on. */
typedef enum HostQuestion {
    ASK_NOTHING = 0,
    ASK_POSTCOPY,
    ASK_WRITE_TRACKING_AVAILABLE,
    ASK_WRITE_TRACKING_COMPATIBLE,
} HostQuestion;

/* One condition under which a rule refuses: the trigger is on, and one other capability is on (or off). A rule with
 * several conflicting capabilities yields one term per conflict. A rule that always refuses its trigger uses the
 * trigger as `other`. If the term has a question, the host must also answer no. */
typedef struct Term {
    uint8_t trigger; /* enum MigrationCapability, as are all capabilities here */
    uint8_t other;
    bool other_on;
    bool switched_on; /* applies only if the trigger was off before */
    uint8_t question; /* enum HostQuestion */
    uint8_t code;     /* enum MigrationVerdict */
} Term;

/* A set of terms: bit i is term i, so the lowest bit is the first in QEMU's order. */
typedef uint64_t TermSet;

enum {
    MOST_TERMS = 64, /* the most terms that a context can have */
};

/* QEMU uses this text for a rule and for a check of parameters. */
#define ZERO_COPY_NOT_PLAIN "Zero copy only available for non-compressed non-TLS multifd migration"

/* See migrate_caps_warnings(). */
uint32_t rules_warnings(int release, CapabilitySet new_set, int code);

/* Writes the terms of the rules that can refuse in this context, in QEMU's order. Returns their number. */
int rules_compile(const MigrationContext *context, Term terms[MOST_TERMS]);

#endif
