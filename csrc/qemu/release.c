/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/release.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qemu/capability.h"

/* ---- Releases ---- */

/* clang-format off */
#define RELEASE(id, major, minor, micro, ...)                                                                          \
    [QEMU_##id] = {#major "." #minor "." #micro, major, minor, micro, __VA_ARGS__}

/* Probe variant; whether the error includes its reason; write-tracking scope; form of range checks' texts. */
#define ASKS_7_2    PROBE_7_2,       false, SCOPE_WITHOUT_SHARED, PARAMETER_TEXT_QUOTED
#define ASKS_8_0    PROBE_8_0,       false, SCOPE_WITHOUT_SHARED, PARAMETER_TEXT_QUOTED
#define ASKS_8_0_50 PROBE_REFERENCE, false, SCOPE_WITHOUT_SHARED, PARAMETER_TEXT_QUOTED
#define ASKS_8_1    PROBE_REFERENCE, true,  SCOPE_WITHOUT_SHARED_FILES,  PARAMETER_TEXT_QUOTED
#define LATEST(form) PROBE_REFERENCE, true,  SCOPE_WITHOUT_SHARED_FILES,  PARAMETER_TEXT_OPTION_##form

static const ReleaseRow releases[QEMU_RELEASE__MAX] = {
    RELEASE(7_2,     7, 2, 0,   ASKS_7_2),
    RELEASE(7_2_7,   7, 2, 7,   ASKS_7_2),
    RELEASE(8_0,     8, 0, 0,   ASKS_8_0),
    RELEASE(8_0_50,  8, 0, 50,  ASKS_8_0_50),
    RELEASE(8_1,     8, 1, 0,   ASKS_8_1),
    RELEASE(8_1_2,   8, 1, 2,   ASKS_8_1),
    RELEASE(8_2,     8, 2, 0,   ASKS_8_1),
    RELEASE(8_2_2,   8, 2, 2,   ASKS_8_1),
    RELEASE(9_0,     9, 0, 0,   ASKS_8_1),
    RELEASE(9_1,     9, 1, 0,   ASKS_8_1),
    RELEASE(9_2,     9, 2, 0,   ASKS_8_1),
    RELEASE(9_2_1,   9, 2, 1,   ASKS_8_1),
    RELEASE(9_2_4,   9, 2, 4,   ASKS_8_1),
    RELEASE(10_0,    10, 0, 0,  ASKS_8_1),
    RELEASE(10_0_1,  10, 0, 1,  ASKS_8_1),
    RELEASE(10_1,    10, 1, 0,  ASKS_8_1),
    RELEASE(10_2,    10, 2, 0,  ASKS_8_1),
    RELEASE(10_2_50, 10, 2, 50, LATEST(UNDERSCORES)),
    RELEASE(11_0,    11, 0, 0,  LATEST(HYPHENS)),
    RELEASE(11_0_3,  11, 0, 3,  LATEST(HYPHENS)),
    RELEASE(11_1,    11, 1, 0,  LATEST(HYPHENS)),
};
/* clang-format on */

const ReleaseRow *qemu_release_row(int release)
{
    return &releases[qemu_release_known(release) ? release : 0];
}

const char *qemu_release_name(int release)
{
    return qemu_release_known(release) ? releases[release].name : NULL;
}

/* The series' last row that is not newer. A development tree does not belong to its series. */
int qemu_release_of_version(int major, int minor, int micro)
{
    int found = -ENOENT;
    for (int i = 0; i < QEMU_RELEASE__MAX; i++) {
        const ReleaseRow *row = &releases[i];
        if (row->major != major || row->minor != minor) {
            continue;
        }
        if (row->micro == micro) {
            return i;
        }
        bool stable = row->micro < QEMU_FIRST_DEVELOPMENT_MICRO && micro < QEMU_FIRST_DEVELOPMENT_MICRO;
        if (stable && (micro < 0 || row->micro < micro)) {
            found = i;
        }
    }
    return found;
}

int qemu_release_probe_variant(int release)
{
    return qemu_release_known(release) ? releases[release].variant : PROBE_REFERENCE;
}

int qemu_release_scope(int release)
{
    return qemu_release_row(release)->scope;
}

/* ---- Downstream builds ---- */

/* RHEL's qemu-kvm 8.0.0 has 8.1's postcopy probe and its switchover-ack. It is built without block migration,
 * replication and zstd. */
static const QemuDownstream downstreams[] = {
    {
        .name = "rhel-9.3",
        .package = "qemu-kvm-8.0.0-*.el9_3*",
        .build =
            {
                .release = QEMU_8_0,
                .probe_release = QEMU_8_1,
                .on_linux = true,
                .direct_io = true,
                .compressions = 1 << MULTIFD_COMPRESSION_NONE | 1 << MULTIFD_COMPRESSION_ZLIB,
                .capabilities_added = CAP(SWITCHOVER_ACK),
            },
    },
};

const QemuDownstream *qemu_downstream(int number)
{
    bool known = number >= 0 && (size_t)number < sizeof(downstreams) / sizeof(downstreams[0]);
    return known ? &downstreams[number] : NULL;
}

/* ---- Targets ---- */

/* The page size of a target, in bytes. On Arm it depends on the machine. Of a target's rows, the first that matches
 * counts. */
typedef struct TargetRow {
    const char *name;
    uint64_t page_size;
    ReleaseSet releases; /* 0: all */
    const char *machine; /* NULL: any machine */
    int machine_since;   /* the machine's first version with this page size, from qemu_machine_version() */
} TargetRow;

static const TargetRow targets[] = {
    {"aarch64", 4096, 0, "sbsa-ref", 0},
    {"aarch64", 4096, 0, "virt", 207},
    {"aarch64", 4096, 0, "vmapple", 0},
    {"aarch64", 1024, 0, NULL, 0},
    {"alpha", 8192, 0, NULL, 0},
    {"arm", 4096, 0, "virt", 207},
    {"arm", 1024, 0, NULL, 0},
    {"avr", 1024, 0, NULL, 0},
    {"cris", 8192, 0, NULL, 0},
    {"hexagon", 4096, 0, NULL, 0},
    {"hppa", 4096, 0, NULL, 0},
    {"i386", 4096, 0, NULL, 0},
    {"loongarch64", 16384, BEFORE(9_0), NULL, 0},
    {"loongarch64", 4096, 0, NULL, 0},
    {"m68k", 4096, 0, NULL, 0},
    {"microblaze", 4096, 0, NULL, 0},
    {"microblazeel", 4096, 0, NULL, 0},
    {"mips", 4096, 0, NULL, 0},
    {"mipsel", 4096, 0, NULL, 0},
    {"mips64", 4096, 0, NULL, 0},
    {"mips64el", 4096, 0, NULL, 0},
    {"nios2", 4096, 0, NULL, 0},
    {"or1k", 8192, 0, NULL, 0},
    {"ppc", 4096, 0, NULL, 0},
    {"ppc64", 4096, 0, NULL, 0},
    {"riscv32", 4096, 0, NULL, 0},
    {"riscv64", 4096, 0, NULL, 0},
    {"rx", 4096, 0, NULL, 0},
    {"s390x", 4096, 0, NULL, 0},
    {"sh4", 4096, 0, NULL, 0},
    {"sh4eb", 4096, 0, NULL, 0},
    {"sparc", 4096, 0, NULL, 0},
    {"sparc64", 8192, 0, NULL, 0},
    {"tricore", 16384, 0, NULL, 0},
    {"x86_64", 4096, 0, NULL, 0},
    {"xtensa", 4096, 0, NULL, 0},
    {"xtensaeb", 4096, 0, NULL, 0},
};

enum {
    N_TARGETS = sizeof(targets) / sizeof(targets[0])
};

/* "virt-4.1": the part after the last hyphen. A vendor's suffix may follow, after a '+'. */
int qemu_machine_version(const char *machine)
{
    const char *hyphen = strrchr(machine, '-');
    char *point, *end;
    if (hyphen == NULL || hyphen[1] < '0' || hyphen[1] > '9') {
        return 0;
    }
    unsigned long major = strtoul(hyphen + 1, &point, 10), minor = 0;
    if (*point != '.' || point[1] < '0' || point[1] > '9') {
        return 0;
    }
    minor = strtoul(point + 1, &end, 10);
    return major < 1000 && minor < 100 && (*end == '\0' || *end == '+') ? (int)(100 * major + minor) : 0;
}

static bool is_family(const char *machine, const char *family)
{
    size_t length = strlen(family);
    return strncmp(machine, family, length) == 0 && (machine[length] == '\0' || machine[length] == '-');
}

/* A name without a version is an alias of the newest one. */
static bool target_fits(const TargetRow *row, int release, const char *machine)
{
    if (row->releases != 0 && !release_within(release, row->releases)) {
        return false;
    }
    if (row->machine == NULL) {
        return true;
    }
    int version = machine != NULL ? qemu_machine_version(machine) : 0;
    return machine != NULL && is_family(machine, row->machine) && (version == 0 || version >= row->machine_since);
}

uint64_t qemu_target_page_size(int release, const char *target, const char *machine)
{
    for (int i = 0; i < N_TARGETS; i++) {
        if (strcmp(targets[i].name, target) == 0 && target_fits(&targets[i], release, machine)) {
            return targets[i].page_size;
        }
    }
    return 0;
}

const char *qemu_target_name(int number)
{
    return number >= 0 && number < N_TARGETS ? targets[number].name : NULL;
}
