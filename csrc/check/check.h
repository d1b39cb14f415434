/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_CHECK_H
#define PYMIG_CHECK_H

#include "pymig.h"
#include "qemu/rules.h"

/* Capabilities are looked up in chunks of CHUNK_BITS. */
enum {
    CHUNK_BITS = 6,
    CHUNKS = (MIGRATION_CAPABILITY__MAX + CHUNK_BITS - 1) / CHUNK_BITS,
};

struct MigrationChecker {
    MigrationHost *host;
    QemuBuild build;
    CapabilitySet known;
    int release;
    uint64_t target_page_size;
    int variant; /* enum ProbeVariant */
    int scope;   /* enum WriteTrackingScope, while x-ignore-shared is on */
    Term terms[MOST_TERMS];
    TermSet all, switched_on; /* every compiled term; terms that apply only while the trigger goes from off to on */
    TermSet candidates[CHUNKS][1 << CHUNK_BITS]; /* the terms that this value of the chunk does not rule out */
};

void migration_checker_init(MigrationChecker *checker, const MigrationContext *context, MigrationHost *host);

/* by[false][c]: the terms that don't apply while capability c is off; by[true][c]: while it is on. */
typedef struct Excluded {
    TermSet by[2][CHUNKS * CHUNK_BITS];
} Excluded;

Excluded excluded_terms(const MigrationChecker *checker);

/* Fills a table of 2^bits values with the terms of candidates[0] that the value does not exclude, by[...][first...]. */
void fill_candidates(TermSet *candidates, int bits, const TermSet *off, const TermSet *on);

/* The terms that can apply to a change from this set. */
TermSet terms_for_old_set(const MigrationChecker *checker, CapabilitySet old_set);

/* The terms that apply to this set. */
static inline TermSet terms_for_new_set(const MigrationChecker *checker, CapabilitySet new_set)
{
    TermSet terms = ~(TermSet)0;
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        terms &= checker->candidates[chunk][new_set >> chunk * CHUNK_BITS & ((1 << CHUNK_BITS) - 1)];
    }
    return terms;
}

/* Many sets to check. One of the two pointers is NULL. */
typedef struct MaskSpan {
    const uint32_t *words32;
    const uint64_t *words64;
    size_t count;
} MaskSpan;

/* The best instruction set that a batch may use, if the machine has it. */
enum {
    CHECK_MANY_PORTABLE,
    CHECK_MANY_NEON,
    CHECK_MANY_AVX2,
    CHECK_MANY_AVX512,
    CHECK_MANY_BEST = CHECK_MANY_AVX512,
};

/* migrate_caps_check_many32() and -64() as a batch, with a limit on the instruction set. */
int check_many_with(int variant, const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words,
                    uint8_t *codes);

/* Whether a term that applies refuses: 1 or 0, or -EAGAIN if the host must be asked first. */
int checker_term_refuses(const MigrationChecker *checker, const Term *term, CapabilitySet old_set);

/* enum WriteTrackingScope of a change from this set. QEMU looks for x-ignore-shared in the stored set, not in the new
 * one. */
static inline int scope_after(CapabilitySet old_set, int scope_ignoring_shared)
{
    return old_set >> MIGRATION_CAPABILITY_X_IGNORE_SHARED & 1 ? scope_ignoring_shared : SCOPE_ALL_BLOCKS;
}

/* migrate_caps_check() without asking the host: -EAGAIN if the answer depends on the `question` returned. */
int caps_check_known(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                     HostQuestion *question);

#endif
