/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/check.h"

#include <errno.h>
#include <stdlib.h>

#include "host/host.h"
#include "qemu/capability.h"
#include "qemu/context.h"
#include "qemu/release.h"

static void sort_terms(MigrationChecker *checker, int count)
{
    checker->all = checker->switched_on = 0;
    for (int i = 0; i < count; i++) {
        checker->all |= (TermSet)1 << i;
        checker->switched_on |= (TermSet)checker->terms[i].switched_on << i;
    }
}

/* The terms that don't apply while a capability is off, and while it is on. */
typedef struct RuledOut {
    TermSet by[2][CHUNKS * CHUNK_BITS];
} RuledOut;

static RuledOut ruled_out(const MigrationChecker *checker, int count)
{
    RuledOut ruled_out = {{{0}}};
    for (int i = 0; i < count; i++) {
        const Term *term = &checker->terms[i];
        ruled_out.by[false][term->trigger] |= (TermSet)1 << i;
        ruled_out.by[!term->other_on][term->other] |= (TermSet)1 << i;
    }
    return ruled_out;
}

/* Capability by capability, each time doubling what is filled in. */
static void fill_chunk(TermSet possible[1 << CHUNK_BITS], const TermSet off[CHUNK_BITS], const TermSet on[CHUNK_BITS])
{
    for (int bit = 0; bit < CHUNK_BITS; bit++) {
        for (int value = 0; value < 1 << bit; value++) {
            possible[value | 1 << bit] = possible[value] & ~on[bit];
            possible[value] &= ~off[bit];
        }
    }
}

void migration_checker_init(MigrationChecker *checker, const MigrationContext *context, MigrationHost *host)
{
    checker->host = host;
    checker->known = qemu_build_capabilities(&context->build);
    checker->release = context->build.release;
    checker->target_page_size = migration_context_target_page_size(context);
    checker->flavour = qemu_release_host_flavour(context->build.probe_release);
    checker->ignored = qemu_release_ignored_blocks(checker->release);

    int count = rules_compile(context, checker->terms);
    const RuledOut out = ruled_out(checker, count);
    sort_terms(checker, count);
    for (int first = 0; first < CHUNKS * CHUNK_BITS; first += CHUNK_BITS) {
        TermSet *possible = checker->possible[first / CHUNK_BITS];
        possible[0] = checker->all;
        fill_chunk(possible, &out.by[false][first], &out.by[true][first]);
    }
}

MigrationChecker *migration_checker_new(const MigrationContext *context, MigrationHost *host)
{
    if (!qemu_release_known(context->build.release)) {
        return NULL;
    }
    MigrationChecker *checker = malloc(sizeof(*checker));
    if (checker != NULL) {
        migration_checker_init(checker, context, host);
    }
    return checker;
}

void migration_checker_free(MigrationChecker *checker)
{
    free(checker);
}

TermSet checker_terms_from(const MigrationChecker *checker, CapabilitySet old_set)
{
    TermSet terms = checker->all;
    for (TermSet left = old_set == 0 ? 0 : checker->switched_on; left != 0; left &= left - 1) {
        int i = __builtin_ctzll(left);
        terms &= ~((TermSet)(old_set >> checker->terms[i].trigger & 1) << i);
    }
    return terms;
}

/* The first step of the postcopy probe, which is about the guest, too. */
static bool pages_are_too_large(const MigrationChecker *checker)
{
    uint64_t page_size = migration_host_page_size(checker->host);
    return page_size != 0 && checker->target_page_size > page_size;
}

PostcopySupport migration_checker_postcopy(const MigrationChecker *checker)
{
    return pages_are_too_large(checker) ? (PostcopySupport){.step = POSTCOPY_STEP_TARGET_PAGE_SIZE}
                                        : migration_host_postcopy(checker->host, checker->flavour);
}

int checker_term_refuses(const MigrationChecker *checker, const Term *term, CapabilitySet old_set)
{
    if (term->question == ASK_NOTHING) {
        return 1;
    }
    if (term->question == ASK_POSTCOPY && pages_are_too_large(checker)) {
        return 1;
    }
    /* QEMU passes shared blocks over as the stored set says, not the new one. */
    int ignored = has_any(old_set, CAP(X_IGNORE_SHARED)) ? checker->ignored : IGNORE_NO_BLOCKS;
    int able = migration_host_known(checker->host, checker->flavour, term->question, ignored);
    return able < 0 ? able : !able;
}

int caps_check_known(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                     HostQuestion *question)
{
    TermSet terms = checker_terms_of(checker, new_set) & checker_terms_from(checker, old_set);
    for (; terms != 0; terms &= terms - 1) {
        const Term *term = &checker->terms[__builtin_ctzll(terms)];
        int refuses = checker_term_refuses(checker, term, old_set);
        if (refuses < 0) {
            *question = term->question;
            return refuses;
        }
        if (refuses) {
            return term->code;
        }
    }
    return MIGRATION_ACCEPTED;
}

static int caps_check(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set)
{
    HostQuestion question;
    int code;

    while ((code = caps_check_known(checker, old_set, new_set, &question)) == -EAGAIN) {
        migration_host_ask(checker->host, checker->flavour, question);
    }
    return code;
}

int migrate_caps_check(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set)
{
    if (has_any(old_set | new_set, ~checker->known)) {
        return -EINVAL;
    }
    return caps_check(checker, old_set, new_set);
}

int migrate_caps_check_set(const MigrationChecker *checker, CapabilitySet set)
{
    return migrate_caps_check(checker, 0, set);
}

uint32_t migrate_caps_warnings(const MigrationChecker *checker, CapabilitySet new_set, int code)
{
    return rules_warnings(checker->release, new_set, code);
}

int migrate_caps_explain(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                         uint8_t codes[MIGRATION_VERDICT__MAX])
{
    int count = 0, last = MIGRATION_ACCEPTED, refuses;

    if (has_any(old_set | new_set, ~checker->known)) {
        return -EINVAL;
    }
    TermSet terms = checker_terms_of(checker, new_set) & checker_terms_from(checker, old_set);
    for (; terms != 0; terms &= terms - 1) {
        const Term *term = &checker->terms[__builtin_ctzll(terms)];
        if (term->code == last || (term->code == MIGRATION_SNAPSHOT_MEMORY && last == MIGRATION_SNAPSHOT_KERNEL)) {
            continue;
        }
        while ((refuses = checker_term_refuses(checker, term, old_set)) == -EAGAIN) {
            migration_host_ask(checker->host, checker->flavour, term->question);
        }
        if (refuses) {
            codes[count++] = term->code;
            last = term->code;
        }
    }
    return count;
}
