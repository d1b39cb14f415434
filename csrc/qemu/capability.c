/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/capability.h"

#include "qemu/names.h"
#include "qemu/release.h"

/* A capability, and the releases that have it or mark it as deprecated. */
typedef struct CapabilityRow {
    const char *name;
    ReleaseSet present;
    ReleaseSet deprecated;
    bool unstable;
} CapabilityRow;

#define CAPABILITY(name) [MIGRATION_CAPABILITY_##name]

/* clang-format off */
static const CapabilityRow table[MIGRATION_CAPABILITY__MAX] = {
    CAPABILITY(XBZRLE)                  = {"xbzrle", ALWAYS, NEVER, false},
    CAPABILITY(RDMA_PIN_ALL)            = {"rdma-pin-all", ALWAYS, NEVER, false},
    CAPABILITY(AUTO_CONVERGE)           = {"auto-converge", ALWAYS, NEVER, false},
    CAPABILITY(ZERO_BLOCKS)             = {"zero-blocks", BEFORE(10_2_50), FROM(9_2), false},
    CAPABILITY(COMPRESS)                = {"compress", BEFORE(9_1), FROM(8_2), false},
    CAPABILITY(EVENTS)                  = {"events", ALWAYS, NEVER, false},
    CAPABILITY(POSTCOPY_RAM)            = {"postcopy-ram", ALWAYS, NEVER, false},
    CAPABILITY(X_COLO)                  = {"x-colo", ALWAYS, NEVER, true},
    CAPABILITY(RELEASE_RAM)             = {"release-ram", ALWAYS, NEVER, false},
    CAPABILITY(BLOCK)                   = {"block", BEFORE(9_1), FROM(8_2), false},
    CAPABILITY(RETURN_PATH)             = {"return-path", ALWAYS, NEVER, false},
    CAPABILITY(PAUSE_BEFORE_SWITCHOVER) = {"pause-before-switchover", ALWAYS, NEVER, false},
    CAPABILITY(MULTIFD)                 = {"multifd", ALWAYS, NEVER, false},
    CAPABILITY(DIRTY_BITMAPS)           = {"dirty-bitmaps", ALWAYS, NEVER, false},
    CAPABILITY(POSTCOPY_BLOCKTIME)      = {"postcopy-blocktime", ALWAYS, NEVER, false},
    CAPABILITY(LATE_BLOCK_ACTIVATE)     = {"late-block-activate", ALWAYS, NEVER, false},
    CAPABILITY(X_IGNORE_SHARED)         = {"x-ignore-shared", ALWAYS, NEVER, true},
    CAPABILITY(VALIDATE_UUID)           = {"validate-uuid", ALWAYS, NEVER, false},
    CAPABILITY(BACKGROUND_SNAPSHOT)     = {"background-snapshot", ALWAYS, NEVER, false},
    CAPABILITY(ZERO_COPY_SEND)          = {"zero-copy-send", ALWAYS, NEVER, false},
    CAPABILITY(POSTCOPY_PREEMPT)        = {"postcopy-preempt", ALWAYS, NEVER, false},
    CAPABILITY(SWITCHOVER_ACK)          = {"switchover-ack", FROM(8_1), NEVER, false},
    CAPABILITY(DIRTY_LIMIT)             = {"dirty-limit", FROM(8_1), NEVER, false},
    CAPABILITY(MAPPED_RAM)              = {"mapped-ram", FROM(9_0), NEVER, false},
};
/* clang-format on */

const char *migration_capability_name(int capability)
{
    return capability >= 0 && capability < MIGRATION_CAPABILITY__MAX ? table[capability].name : NULL;
}

int migration_capability_from_name(const char *name)
{
    return number_of_name(migration_capability_name, name);
}

static bool is_present(const CapabilityRow *row, int release)
{
    return release_within(release, row->present);
}

static bool is_deprecated(const CapabilityRow *row, int release)
{
    return is_present(row, release) && release_within(release, row->deprecated);
}

static bool is_unstable(const CapabilityRow *row, int release)
{
    return is_present(row, release) && row->unstable;
}

static CapabilitySet those_that(bool (*are)(const CapabilityRow *, int), const QemuBuild *build)
{
    CapabilitySet set = 0;
    for (int i = 0; i < MIGRATION_CAPABILITY__MAX; i++) {
        set |= are(&table[i], build->release) ? (CapabilitySet)1 << i : 0;
    }
    return set;
}

CapabilitySet qemu_build_capabilities(const QemuBuild *build)
{
    CapabilitySet members = those_that(is_present, build);
    CapabilitySet all = ((CapabilitySet)1 << MIGRATION_CAPABILITY__MAX) - 1;
    return members == 0 ? 0 : (members | (build->capabilities_added & all)) & ~build->capabilities_removed;
}

CapabilitySet qemu_build_listed(const QemuBuild *build)
{
    CapabilitySet members = qemu_build_capabilities(build);
    return build->live_block_migration ? members : members & ~CAP(BLOCK);
}

CapabilitySet qemu_build_unstable(const QemuBuild *build)
{
    return those_that(is_unstable, build) & qemu_build_capabilities(build);
}

CapabilitySet qemu_build_deprecated(const QemuBuild *build)
{
    return those_that(is_deprecated, build) & qemu_build_capabilities(build);
}
