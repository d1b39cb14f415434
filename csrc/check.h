/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_CHECK_H
#define PYMIG_CHECK_H

#include "pymig.h"
#include "rules.h"

struct MigrationChecker {
    MigrationHost *host;
    CapabilitySet known;
    int release;
    int flavour; /* enum HostFlavour */
    int ignored; /* enum IgnoredBlocks, while x-ignore-shared is on */
    int count;
    CompiledRule rules[MIGRATION_VERDICT__MAX];
};

void migration_checker_init(MigrationChecker *checker, const MigrationContext *context, MigrationHost *host);

/* migrate_caps_check() without asking the host: -EAGAIN where the answer hangs on this question. */
int caps_check_known(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                     HostQuestion *question);

#endif
