/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_TESTS_CHECK_H
#define PYMIG_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pymig.h"

#ifndef assert_uint_in_range /* cmocka before 2 */
#define assert_uint_in_range assert_in_range
#endif

static const QemuBuild full_build = {
    .release = QEMU_8_0_50,
    .probe_release = QEMU_8_0_50,
    .live_block_migration = true,
    .replication = true,
    .on_linux = true,
    .direct_io = true,
    .compressions = 1 << MULTIFD_COMPRESSION_NONE | 1 << MULTIFD_COMPRESSION_ZLIB | 1 << MULTIFD_COMPRESSION_ZSTD,
};

/* A context in which nothing is missing. */
static inline MigrationContext plain_context(void)
{
    return (MigrationContext){.build = full_build};
}

/* What the functions of these names make; the test fails if they don't. */
static inline MigrationHost *new_stated_host(const HostFacts facts[PROBE_VARIANT__MAX])
{
    MigrationHost *host;
    assert_int_equal(migration_host_stated(facts, 0, &host), 0);
    return host;
}

static inline MigrationHost *new_local_host(const RamBlock *blocks, size_t count)
{
    MigrationHost *host;
    assert_int_equal(migration_host_local(blocks, count, 0, &host), 0);
    return host;
}

static inline MigrationChecker *new_checker(const MigrationContext *context, MigrationHost *host)
{
    MigrationChecker *checker;
    assert_int_equal(migration_checker_new(context, host, &checker), 0);
    return checker;
}

static inline MigrationState *new_state_of(const MigrationContext *context, MigrationHost *host)
{
    MigrationState *state;
    assert_int_equal(migration_state_new(context, host, &state), 0);
    return state;
}

static inline MigrationHost *stated_host(int tracking, PostcopySupport postcopy)
{
    HostFacts facts[PROBE_VARIANT__MAX];
    for (int i = 0; i < PROBE_VARIANT__MAX; i++) {
        facts[i] = (HostFacts){.write_tracking = {tracking, tracking, tracking}, .postcopy = postcopy};
    }
    return new_stated_host(facts);
}

static inline MigrationHost *capable_host(void)
{
    return stated_host(WRITE_TRACKING_COMPATIBLE, (PostcopySupport){.ok = true});
}

#endif
