/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_TESTS_CHECK_H
#define PYMIG_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pymig.h"

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

static inline MigrationHost *stated_host(int tracking, PostcopySupport postcopy)
{
    HostFacts facts[HOST_FLAVOUR__MAX];
    for (int i = 0; i < HOST_FLAVOUR__MAX; i++) {
        facts[i] = (HostFacts){{tracking, tracking, tracking}, postcopy};
    }
    return migration_host_stated(facts);
}

static inline MigrationHost *capable_host(void)
{
    return stated_host(WRITE_TRACKING_COMPATIBLE, (PostcopySupport){.ok = true});
}

#endif
