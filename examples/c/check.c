/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Would this QEMU accept these migration capabilities on this host?
 *
 *   cc check.c $(pkg-config --cflags --libs pymig) -o check
 *   ./check 10.0 multifd xbzrle
 *
 * Exit status: 0 accepted, 1 refused, 2 anything else.
 */
#include <pymig.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An upstream QEMU for Linux with everything built in. */
static bool describe_qemu(const char *version, QemuBuild *build)
{
    int major, minor, micro = -1; /* the newest of its series, unless it is said */

    if (sscanf(version, "%d.%d.%d", &major, &minor, &micro) < 2) {
        return false;
    }
    memset(build, 0, sizeof(*build));
    build->release = qemu_release_of_version(major, minor, micro);
    build->probe_release = build->release;
    build->live_block_migration = build->replication = build->on_linux = build->direct_io = true;
    return build->release >= 0;
}

static bool read_set(char **names, int count, CapabilitySet *set)
{
    *set = 0;
    for (int i = 0; i < count; i++) {
        int capability = migration_capability_from_name(names[i]);
        if (capability < 0) {
            fprintf(stderr, "no QEMU has a capability of the name given as argument %d\n", i + 2);
            return false;
        }
        *set |= (CapabilitySet)1 << capability;
    }
    return true;
}

/* Prints every rule that refuses the set. */
static int report(const MigrationChecker *checker, CapabilitySet set)
{
    uint8_t codes[MIGRATION_VERDICT__MAX];
    int count = migrate_caps_explain(checker, 0, set, codes);

    for (int i = 0; i < count; i++) {
        char text[512];
        int length = migration_checker_message(checker, codes[i], text, sizeof(text));
        printf("refused: %s\n", length >= 0 ? text : strerror(-length));
    }
    if (count == 0) {
        puts("accepted");
    } else if (count == -EINVAL) {
        fputs("this release lacks one of the capabilities\n", stderr);
    } else if (count < 0) {
        fprintf(stderr, "not found out: %s\n", strerror(-count));
    }
    return count < 0 ? 2 : count > 0;
}

int main(int argc, char **argv)
{
    MigrationContext context;
    MigrationHost *host = NULL;
    MigrationChecker *checker = NULL;
    CapabilitySet set;
    int status = 2;

    memset(&context, 0, sizeof(context));
    if (argc < 3 || !describe_qemu(argv[1], &context.build)) {
        fprintf(stderr, "usage: check RELEASE CAPABILITY..., with a release such as 10.0 that pymig %s knows\n",
                pymig_version());
        return 2;
    }
    if (!read_set(argv + 2, argc - 2, &set)) {
        return 2;
    }
    if (migration_host_local(NULL, 0, 0, &host) == 0 && migration_checker_new(&context, host, &checker) == 0) {
        status = report(checker, set);
    }
    migration_checker_free(checker);
    migration_host_free(host);
    return status;
}
