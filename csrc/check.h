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

/* Many sets to check; one of the two pointers is there. */
typedef struct Words {
    const uint32_t *words32;
    const uint64_t *words64;
    size_t count;
} Words;

/* Which instruction set a batch may use; what the machine has not is not used. */
enum {
    CHECK_MANY_PORTABLE,
    CHECK_MANY_AVX2,
    CHECK_MANY_AVX512,
    CHECK_MANY_BEST = CHECK_MANY_AVX512,
};

/* migrate_caps_check_many32() and -64(), for any instruction set. */
int check_many_with(int variant, const MigrationChecker *checker, CapabilitySet old_set, const Words *words,
                    uint8_t *codes);

/* What the host is known to answer: 1 or 0, or -EAGAIN if it has not been asked yet. */
int checker_asks(const MigrationChecker *checker, HostQuestion question, CapabilitySet old_set);

/* migrate_caps_check() without asking the host: -EAGAIN where the answer hangs on this question. */
int caps_check_known(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                     HostQuestion *question);

#endif
