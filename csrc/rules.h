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

/* One step of a compiled check. It refuses when the whole trigger is there, nothing of `unless_old` was on before,
 * and a needed capability is missing or a forbidden one is there; with a question, when the host can't do it either. */
typedef struct CompiledRule {
    CapabilitySet trigger;
    CapabilitySet unless_old;
    CapabilitySet need;
    CapabilitySet forbid;
    uint8_t question; /* enum HostQuestion */
    uint8_t code;     /* enum MigrationVerdict */
} CompiledRule;

/* The text of a rule that parameters are checked against, too. */
#define ZERO_COPY_NOT_PLAIN "Zero copy only available for non-compressed non-TLS multifd migration"

/* As migrate_caps_warnings(). */
uint32_t rules_warnings(int release, CapabilitySet new_set, int code);

/* Those rules that can refuse in this context, in QEMU's order. Returns their number. */
int rules_compile(const MigrationContext *context, CompiledRule rules[MIGRATION_VERDICT__MAX]);

#endif
