/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One way to check 2^16 sets, in a function that callgrind is told to count. Usage: instructions WORKLOAD */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"

enum {
    SETS = 1 << 16,
};

static uint32_t words[SETS];
static uint8_t codes[SETS];

/* Not static, so that it has a name to be found by. */
void measured(const char *workload, const MigrationContext *context, MigrationHost *host,
              const MigrationChecker *checker);

__attribute__((noinline)) void measured(const char *workload, const MigrationContext *context, MigrationHost *host,
                                        const MigrationChecker *checker)
{
    const MaskSpan all = {.words32 = words, .count = SETS};

    if (strcmp(workload, "check") == 0) {
        for (size_t i = 0; i < SETS; i++) {
            codes[i] = (uint8_t)migrate_caps_check_set(checker, words[i]);
        }
    } else if (strcmp(workload, "checker") == 0) {
        MigrationChecker *made;
        migration_checker_new(context, host, &made);
        migration_checker_free(made);
    } else if (strcmp(workload, "batch, portable") == 0) {
        check_many_with(CHECK_MANY_PORTABLE, checker, 0, &all, codes);
    } else if (strcmp(workload, "batch, AVX2") == 0) {
        check_many_with(CHECK_MANY_AVX2, checker, 0, &all, codes);
    } else {
        fprintf(stderr, "no such workload: %s\n", workload);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const MigrationContext context = {.build = {.release = QEMU_8_0_50,
                                                .probe_release = QEMU_8_0_50,
                                                .live_block_migration = true,
                                                .replication = true,
                                                .on_linux = true}};
    const HostFacts able = {
        {WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE}, {.ok = true}, 0};
    const HostFacts facts[PROBE_VARIANT__MAX] = {able, able, able};
    MigrationHost *host;
    MigrationChecker *checker;

    if (argc != 2 || migration_host_stated(facts, 0, &host) < 0 ||
        migration_checker_new(&context, host, &checker) < 0) {
        return 2;
    }
    for (uint32_t i = 0; i < SETS; i++) {
        words[i] = i * 2654435761U >> 11; /* of 21 bits, all over the place */
    }
    measured(argv[1], &context, host, checker);
    migration_checker_free(checker);
    migration_host_free(host);
    return 0;
}
