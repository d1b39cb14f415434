/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build.h"

#include "names.h"

static const char *const release_names[QEMU_RELEASE__MAX] = {
    [QEMU_7_2] = "7.2",   [QEMU_8_0] = "8.0",   [QEMU_8_0_50] = "8.0.50", [QEMU_8_1] = "8.1",
    [QEMU_8_2] = "8.2",   [QEMU_9_0] = "9.0",   [QEMU_9_1] = "9.1",       [QEMU_9_2] = "9.2",
    [QEMU_10_0] = "10.0", [QEMU_10_1] = "10.1", [QEMU_10_2] = "10.2",     [QEMU_11_0] = "11.0",
};

const char *qemu_release_name(int release)
{
    return name_at(release_names, QEMU_RELEASE__MAX, release);
}

int qemu_release_from_name(const char *name)
{
    return index_of_name(release_names, QEMU_RELEASE__MAX, name);
}

int qemu_release_host_flavour(int release)
{
    return release == QEMU_7_2 ? HOST_7_2 : release == QEMU_8_0 ? HOST_8_0 : HOST_REFERENCE;
}

int qemu_release_ignored_blocks(int release)
{
    return release >= QEMU_8_1 ? IGNORE_SHARED_FILES : IGNORE_SHARED_BLOCKS;
}
