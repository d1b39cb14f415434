/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables don't contradict themselves. They are static, so their files are part of this one. */
#define _GNU_SOURCE
#include "check.h"

#include <ctype.h>

#include "qemu/parameter.c"
#include "qemu/parameter_check.c"
#include "qemu/rules.c"

static ReleaseSet releases_of(const RuleRow *row)
{
    return row->releases == 0 ? ALWAYS : row->releases;
}

static void every_row_is_of_some_release(void **unused)
{
    (void)unused;
    for (int i = 0; i < N_RULES; i++) {
        assert_true(releases_of(&rules[i]) & ALWAYS);
    }
    for (int i = 0; i < N_WARNINGS; i++) {
        assert_true(warnings[i].releases & ALWAYS);
    }
    for (int i = 0; i < N_CHECKS; i++) {
        assert_true(checks[i].releases & ALWAYS);
        assert_true(checks[i].min <= checks[i].max);
        assert_int_equal((checks[i].expects != NULL) + (checks[i].text != NULL) + (checks[i].check != NULL), 1);
    }
}

static void rows_of_one_code_are_one_rule(void **unused)
{
    (void)unused;
    for (int i = 0; i < N_RULES; i++) {
        for (int j = i + 1; j < N_RULES; j++) {
            bool same_code = rules[i].code == rules[j].code, same_id = strcmp(rules[i].text.id, rules[j].text.id) == 0;
            assert_int_equal(same_code, same_id);
            if (same_code) {
                assert_int_equal(releases_of(&rules[i]) & releases_of(&rules[j]), 0);
                assert_int_equal(rules[i].trigger, rules[j].trigger);
            }
        }
    }
}

static void every_code_has_a_row(void **unused)
{
    (void)unused;
    for (int code = MIGRATION_ACCEPTED + 1; code < MIGRATION_VERDICT__MAX; code++) {
        int rows = 0;
        for (int i = 0; i < N_RULES; i++) {
            rows += rules[i].code == code;
        }
        assert_uint_in_range(rows, 1, 2);
    }
}

/* In each of its releases a rule either applies, or is about a capability that the release lacks. */
static void a_rule_is_about_what_there_is(void **unused)
{
    (void)unused;
    for (int i = 0; i < N_RULES; i++) {
        int counted = 0;
        for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
            QemuBuild build = {.release = release};
            counted += rule_applies(&rules[i], release, qemu_build_capabilities(&build));
        }
        assert_uint_in_range(counted, 1, QEMU_RELEASE__MAX);
        assert_int_equal(__builtin_popcountll(rules[i].trigger), 1); /* a term has no room for more */
        assert_int_equal(rules[i].trigger & (rules[i].need | rules[i].forbid), 0);
    }
}

static void a_warning_is_about_a_deprecated_capability(void **unused)
{
    (void)unused;
    for (int i = 0; i < N_WARNINGS; i++) {
        for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
            QemuBuild build = {.release = release};
            bool deprecated = has_all(qemu_build_deprecated(&build), warnings[i].trigger);
            assert_int_equal(release_within(release, warnings[i].releases), deprecated);
        }
    }
}

static void there_are_as_many_as_there_are_rows(void **unused)
{
    (void)unused;
    for (int i = -1; i <= N_WARNINGS; i++) {
        assert_int_equal(migration_warning(i) != NULL, i >= 0 && i < N_WARNINGS);
    }
    for (int i = -1; i <= MIGRATION_PARAMETER__MAX; i++) {
        assert_int_equal(migration_parameter_name(i) != NULL, i >= 0 && i < MIGRATION_PARAMETER__MAX);
    }
}

/* For every build, including a downstream build with every capability. */
static void terms_fit(void **unused)
{
    (void)unused;
    Term terms[2 * MOST_TERMS];
    for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
        for (int bits = 0; bits < 1 << 12; bits++) {
            MigrationContext context = {
                .build = {.release = release,
                          .live_block_migration = bits & 1,
                          .replication = bits & 2,
                          .on_linux = bits & 4,
                          .capabilities_added = bits & 2048 ? ~(CapabilitySet)0 : 0},
                .incoming = bits & 8,
                .incoming_started = bits & 16,
                .kvm_dirty_ring = bits & 32,
                .rdma = bits & 64,
                .single_channel = bits & 128,
                .compressed = bits & 256,
                .tls = bits & 512,
                .no_ram_tracked = bits & 1024,
            };
            assert_uint_in_range(rules_compile(&context, terms), 20, MOST_TERMS);
        }
    }
}

static void defaults_pass_the_checks(void **unused)
{
    (void)unused;
    for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
        MigrationContext context = {.build = {.release = release, .on_linux = true, .direct_io = true}};
        MigrationParameters parameters;
        ParameterChange nothing = {{0}, {0}, {NULL}};
        MigrationError error;
        parameters_init(&parameters, &context.build);
        assert_int_equal(parameters_check(&context, ~(CapabilitySet)0, &parameters, &nothing, &error), 0);
    }
}

static void names_are_qmp_names(void **unused)
{
    (void)unused;
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        assert_non_null(table[i].name);
        for (const char *c = table[i].name; *c != '\0'; c++) {
            assert_true(islower((unsigned char)*c) || *c == '-');
        }
        assert_int_equal(table[i].type == PARAMETER_ENUM, table[i].values != NULL);
        assert_true(table[i].present & ALWAYS);
        assert_int_equal(table[i].warned == 0, table[i].warning == NULL);
        assert_true(MIGRATION_PARAMETER__MAX <= 64); /* a build has its parameters as a set of bits */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_of_some_release),
        cmocka_unit_test(rows_of_one_code_are_one_rule),
        cmocka_unit_test(every_code_has_a_row),
        cmocka_unit_test(a_rule_is_about_what_there_is),
        cmocka_unit_test(a_warning_is_about_a_deprecated_capability),
        cmocka_unit_test(there_are_as_many_as_there_are_rows),
        cmocka_unit_test(terms_fit),
        cmocka_unit_test(defaults_pass_the_checks),
        cmocka_unit_test(names_are_qmp_names),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
