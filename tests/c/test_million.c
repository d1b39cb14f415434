/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A million checks, sets and probes leak no memory and no descriptor. Not under sanitizers, which keep what is freed.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>

#include "qemu/capability.h"

enum {
    MILLION = 1000000,
    TOLERANCE = 4096
};

static int count_lines(const char *path)
{
    int lines = 0, c;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while ((c = fgetc(file)) != EOF) {
        lines += c == '\n';
    }
    fclose(file);
    return lines;
}

static int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

typedef struct InUse {
    size_t bytes;
    int descriptors, mappings;
} InUse;

static InUse in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return (InUse){info.uordblks + info.hblkhd, count_descriptors(), count_lines("/proc/self/maps")};
}

static void assert_nothing_leaked(InUse before)
{
    InUse after = in_use();
    assert_true(after.bytes < before.bytes + TOLERANCE);
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.mappings, before.mappings);
}

static void checks(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationChecker *checker = new_checker(&context, host);
    InUse before = in_use();
    int refused = 0;
    for (uint64_t i = 0; i < MILLION; i++) {
        refused += migrate_caps_check(checker, 0, i * 2) != 0;
    }
    assert_nothing_leaked(before);
    assert_uint_in_range(refused, 1, MILLION - 1);
    migration_checker_free(checker);
    migration_host_free(host);
}

static void sets(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationState *state = new_state_of(&context, host);
    const QmpMember tls[] = {
        {.name = "tls-creds", .value = {.type = QMP_STRING, .text = "tls0"}},
        {.name = "tls-creds", .value = {.type = QMP_NULL}},
        {.name = "tls-creds", .value = {.type = QMP_OTHER}},
    };
    MigrationError error;
    InUse before = in_use();
    for (int i = 0; i < MILLION; i++) {
        migrate_change_capabilities(state, CAP(MULTIFD), CAP(COMPRESS));
        migrate_change_capabilities(state, CAP(COMPRESS), 0);
        qmp_migrate_set_parameters(state, &tls[i % 3], 1, &error);
        migration_error_clear(&error);
    }
    qmp_migrate_set_parameters(state, &tls[1], 1, &error);
    assert_nothing_leaked(before);
    migration_state_free(state);
    migration_host_free(host);
}

static void probes(void **unused)
{
    (void)unused;
    RamBlock block = {.kind = RAM_BLOCK_ANONYMOUS};
    InUse before = in_use();
    for (int i = 0; i < MILLION; i++) {
        host_probe(&block, 1, 0, NULL);
    }
    assert_nothing_leaked(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks),
        cmocka_unit_test(sets),
        cmocka_unit_test(probes),
    };
    return cmocka_run_group_tests_name("a million of each", tests, NULL, NULL);
}
