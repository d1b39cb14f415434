/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "build.h"
#include "capability.h"
#include "host.h"

void migration_checker_init(MigrationChecker *checker, const MigrationContext *context, MigrationHost *host)
{
    checker->host = host;
    checker->known = qemu_build_capabilities(&context->build);
    checker->release = context->build.release;
    checker->flavour = qemu_release_host_flavour(checker->release);
    checker->ignored = qemu_release_ignored_blocks(checker->release);
    checker->count = rules_compile(context, checker->rules);
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

static inline bool rule_matches(const CompiledRule *rule, CapabilitySet old_set, CapabilitySet new_set)
{
    return has_all(new_set, rule->trigger) && !has_any(old_set, rule->unless_old) &&
           (has_any(new_set, rule->forbid) || has_any(~new_set, rule->need));
}

int checker_asks(const MigrationChecker *checker, HostQuestion question, CapabilitySet old_set)
{
    /* QEMU passes shared blocks over as the stored set says, not the new one. */
    int ignored = has_any(old_set, CAP(X_IGNORE_SHARED)) ? checker->ignored : IGNORE_NO_BLOCKS;
    return migration_host_known(checker->host, checker->flavour, question, ignored);
}

/* Whether the rule refuses: 1 or 0, or -EAGAIN if the host has to be asked first. */
static inline int rule_refuses(const MigrationChecker *checker, const CompiledRule *rule, CapabilitySet old_set,
                               CapabilitySet new_set)
{
    if (!rule_matches(rule, old_set, new_set)) {
        return 0;
    }
    if (rule->question == ASK_NOTHING) {
        return 1;
    }
    int able = checker_asks(checker, rule->question, old_set);
    return able < 0 ? able : !able;
}

int caps_check_known(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                     HostQuestion *question)
{
    for (int i = 0; i < checker->count; i++) {
        const CompiledRule *rule = &checker->rules[i];
        int refuses = rule_refuses(checker, rule, old_set, new_set);
        if (refuses < 0) {
            *question = rule->question;
            return refuses;
        }
        if (refuses) {
            return rule->code;
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

uint32_t migrate_caps_warnings(const MigrationChecker *checker, CapabilitySet new_set, int code)
{
    return rules_warnings(checker->release, new_set, code);
}

int migrate_caps_explain(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet new_set,
                         uint8_t codes[MIGRATION_VERDICT__MAX])
{
    int count = 0, refuses;

    if (has_any(old_set | new_set, ~checker->known)) {
        return -EINVAL;
    }
    for (int i = 0; i < checker->count; i++) {
        const CompiledRule *rule = &checker->rules[i];
        if (rule->code == MIGRATION_SNAPSHOT_MEMORY && count > 0 && codes[count - 1] == MIGRATION_SNAPSHOT_KERNEL) {
            continue;
        }
        while ((refuses = rule_refuses(checker, rule, old_set, new_set)) == -EAGAIN) {
            migration_host_ask(checker->host, checker->flavour, rule->question);
        }
        if (refuses) {
            codes[count++] = rule->code;
        }
    }
    return count;
}
