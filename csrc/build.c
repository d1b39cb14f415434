/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build.h"

#include "capability.h"
#include "names.h"

static const char *const release_names[QEMU_RELEASE__MAX] = {
    [QEMU_8_0] = "8.0",
};

/* Per release: the members of the QAPI enum, and those marked unstable. */
static const struct {
    CapabilitySet members;
    CapabilitySet unstable;
} capabilities[QEMU_RELEASE__MAX] = {
    [QEMU_8_0] = {.members = CAP(SWITCHOVER_ACK) - 1, .unstable = CAP(X_COLO) | CAP(X_IGNORE_SHARED)},
};

const char *qemu_release_name(int release)
{
    return name_at(release_names, QEMU_RELEASE__MAX, release);
}

int qemu_release_from_name(const char *name)
{
    return index_of_name(release_names, QEMU_RELEASE__MAX, name);
}

CapabilitySet qemu_build_capabilities(const QemuBuild *build)
{
    return qemu_release_known(build->release) ? capabilities[build->release].members : 0;
}

CapabilitySet qemu_build_listed(const QemuBuild *build)
{
    CapabilitySet members = qemu_build_capabilities(build);
    return build->live_block_migration ? members : members & ~CAP(BLOCK);
}

CapabilitySet qemu_build_unstable(const QemuBuild *build)
{
    return qemu_release_known(build->release) ? capabilities[build->release].unstable : 0;
}
