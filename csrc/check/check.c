/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/check.h"

#include <errno.h>
#include <stdio.h>
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

Excluded excluded_terms(const MigrationChecker *checker)
{
    Excluded excluded = {{{0}}};
    for (TermSet left = checker->all; left != 0; left &= left - 1) {
        const Term *term = &checker->terms[__builtin_ctzll(left)];
        excluded.by[false][term->trigger] |= left & -left;
        excluded.by[!term->other_on][term->other] |= left & -left;
    }
    return excluded;
}

/* Capability by capability; each one doubles the filled part. */
void fill_candidates(TermSet *candidates, int bits, const TermSet *off, const TermSet *on)
{
    for (int bit = 0; bit < bits; bit++) {
        for (int value = 0; value < 1 << bit; value++) {
            candidates[value | 1 << bit] = candidates[value] & ~on[bit];
            candidates[value] &= ~off[bit];
        }
    }
}

void migration_checker_init(MigrationChecker *checker, const MigrationContext *context, MigrationHost *host)
{
    checker->host = host;
    checker->known = qemu_build_capabilities(&context->build);
    checker->build = context->build;
    checker->release = context->build.release;
    checker->target_page_size = migration_context_target_page_size(context);
    checker->variant = qemu_release_probe_variant(context->build.probe_release);
    checker->scope = qemu_release_scope(checker->release);

    sort_terms(checker, rules_compile(context, checker->terms));
    const Excluded out = excluded_terms(checker);
    for (int first = 0; first < CHUNKS * CHUNK_BITS; first += CHUNK_BITS) {
        TermSet *candidates = checker->candidates[first / CHUNK_BITS];
        candidates[0] = checker->all;
        fill_candidates(candidates, CHUNK_BITS, &out.by[false][first], &out.by[true][first]);
    }
}

int migration_checker_new(const MigrationContext *context, MigrationHost *host, MigrationChecker **checker)
{
    if (!migration_context_is_known(context)) {
        return -EINVAL;
    }
    MigrationChecker *new = malloc(sizeof(*new));
    if (new == NULL) {
        return -ENOMEM;
    }
    migration_checker_init(new, context, host);
    *checker = new;
    return 0;
}

void migration_checker_free(MigrationChecker *checker)
{
    free(checker);
}

TermSet terms_for_old_set(const MigrationChecker *checker, CapabilitySet old_set)
{
    TermSet terms = checker->all;
    for (TermSet left = old_set == 0 ? 0 : checker->switched_on; left != 0; left &= left - 1) {
        int i = __builtin_ctzll(left);
        terms &= ~((TermSet)(old_set >> checker->terms[i].trigger & 1) << i);
    }
    return terms;
}

/* The first step of the postcopy probe. It depends on the guest as well as on the host. */
static bool pages_are_too_large(const MigrationChecker *checker)
{
    uint64_t page_size = migration_host_page_size(checker->host);
    return page_size != 0 && checker->target_page_size > page_size;
}

PostcopySupport migration_checker_postcopy(const MigrationChecker *checker)
{
    return pages_are_too_large(checker) ? (PostcopySupport){.step = POSTCOPY_STEP_TARGET_PAGE_SIZE}
                                        : migration_host_postcopy(checker->host, checker->variant);
}

int migration_checker_message(const MigrationChecker *checker, int code, char *text, size_t size)
{
    MigrationRule rule;
    char reason[256];
    int result = migration_rule(&checker->build, code, &rule);
    if (result < 0) {
        return result;
    }
    reason[0] = '\0';
    if (rule.reason_follows) {
        PostcopySupport support = migration_checker_postcopy(checker);
        if (host_error_is_inconclusive(support.error)) {
            return -EAGAIN;
        }
        postcopy_support_message(&support, checker->build.probe_release, reason, sizeof(reason));
    }
    return snprintf(text, size, "%s%s%s", rule.message, reason[0] != '\0' ? ": " : "", reason);
}

int checker_term_refuses(const MigrationChecker *checker, const Term *term, CapabilitySet old_set)
{
    if (term->question == ASK_NOTHING) {
        return 1;
    }
    if (term->question == ASK_POSTCOPY && pages_are_too_large(checker)) {
        return 1;
    }
    int able =
        migration_host_known(checker->host, checker->variant, term->question, scope_after(old_set, checker->scope));
    return able < 0 ? able : !able;
}

/* Inlined, because a call would be a tenth of what a check does. */
static inline __attribute__((always_inline)) int check_known(const MigrationChecker *checker, CapabilitySet old_set,
                                                             CapabilitySet new_set, HostQuestion *question)
{
    TermSet terms = terms_for_new_set(checker, new_set) & terms_for_old_set(checker, old_set);
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

int caps_check_known(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                     HostQuestion *question)
{
    return check_known(checker, old_set, new_set, question);
}

/* Asks the host until the check has what it depends on. Seldom called. */
static __attribute__((noinline)) int ask_and_check(const MigrationChecker *checker, CapabilitySet old_set,
                                                   CapabilitySet new_set, HostQuestion question)
{
    int code;
    do {
        int scope = scope_after(old_set, checker->scope);
        if (!migration_host_ask(checker->host, checker->variant, question, scope)) {
            return -EAGAIN;
        }
        code = caps_check_known(checker, old_set, new_set, &question);
    } while (code == -EAGAIN);
    return code;
}

static int caps_check(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set)
{
    HostQuestion question;
    int code = check_known(checker, old_set, new_set, &question);
    return code == -EAGAIN ? ask_and_check(checker, old_set, new_set, question) : code;
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

/* As checker_term_refuses(), but asks the host. -EAGAIN if it does not find out. */
static int ask_whether_refuses(const MigrationChecker *checker, const Term *term, CapabilitySet old_set)
{
    int refuses;
    while ((refuses = checker_term_refuses(checker, term, old_set)) == -EAGAIN) {
        if (!migration_host_ask(checker->host, checker->variant, term->question,
                                scope_after(old_set, checker->scope))) {
            return -EAGAIN;
        }
    }
    return refuses;
}

int migrate_caps_explain(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                         uint8_t codes[MIGRATION_VERDICT__MAX])
{
    int count = 0, last = MIGRATION_ACCEPTED, refuses;

    if (has_any(old_set | new_set, ~checker->known)) {
        return -EINVAL;
    }
    TermSet terms = terms_for_new_set(checker, new_set) & terms_for_old_set(checker, old_set);
    for (; terms != 0; terms &= terms - 1) {
        const Term *term = &checker->terms[__builtin_ctzll(terms)];
        if (term->code == last || (term->code == MIGRATION_SNAPSHOT_MEMORY && last == MIGRATION_SNAPSHOT_KERNEL)) {
            continue;
        }
        if ((refuses = ask_whether_refuses(checker, term, old_set)) < 0) {
            return refuses;
        }
        if (refuses) {
            codes[count++] = term->code;
            last = term->code;
        }
    }
    return count;
}
