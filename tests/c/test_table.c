/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verdicts against the single check: every set of every release, on hosts that can and that can't. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "host/host.h"
#include "qemu/capability.h"

typedef struct Table {
    uint8_t row_of[1 << (MIGRATION_CAPABILITY__MAX - 8)];
    uint8_t rows[256 * MIGRATION_ROW];
    uint16_t cells[256];
} Table;

static int cell_of(const Table *table, CapabilitySet set)
{
    return table->cells[table->rows[table->row_of[set >> 8] * MIGRATION_ROW + (set & 0xff)]];
}

static int cell_expected(const MigrationChecker *checker, CapabilitySet set)
{
    int code = migrate_caps_check(checker, 0, set);
    return code < 0 ? MIGRATION_UNDECIDED : code | (int)migrate_caps_warnings(checker, set, code) << 8;
}

static void compare(const MigrationContext *context, MigrationHost *host, CapabilitySet left_out)
{
    MigrationChecker *checker = new_checker(context, host);
    CapabilitySet known = qemu_build_capabilities(&context->build);
    Table *table = malloc(sizeof(*table));
    int count = migrate_caps_table(checker, left_out, table->row_of, table->rows, table->cells);

    assert_uint_in_range(count, 1, 200);
    for (CapabilitySet set = 0; set <= known; set++) {
        int expected = set & left_out ? MIGRATION_UNDECIDED : cell_expected(checker, set);
        if (cell_of(table, set) != expected) {
            fail_msg("release %d, set %#llx: %#x, not %#x", context->build.release, (unsigned long long)set,
                     (unsigned)cell_of(table, set), (unsigned)expected);
        }
    }
    free(table);
    migration_checker_free(checker);
}

static void every_set_of_every_release(void **unused)
{
    (void)unused;
    MigrationHost *hosts[] = {capable_host(),
                              stated_host(WRITE_TRACKING_AVAILABLE, (PostcopySupport){.step = POSTCOPY_STEP_OPEN})};

    for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
        MigrationContext context = plain_context();
        context.build.release = context.build.probe_release = release;
        context.incoming = context.incoming_started = release % 2 == 0;
        context.rdma = context.kvm_dirty_ring = release % 3 == 0;
        context.compressed = release % 5 == 0;
        compare(&context, hosts[release / 2 % 2], 0);
    }
    migration_host_free(hosts[0]);
    migration_host_free(hosts[1]);
}

static void what_is_left_out_is_undecided(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    context.incoming = true;
    compare(&context, host, CAP(POSTCOPY_RAM));
    compare(&context, host, CAP(BACKGROUND_SNAPSHOT) | CAP(XBZRLE));
    migration_host_free(host);
}

/* A local host is not asked. */
static void the_host_is_not_asked(void **unused)
{
    (void)unused;
    const RamBlock block = {.kind = RAM_BLOCK_ANONYMOUS};
    MigrationHost *host = new_local_host(&block, 1);
    MigrationContext context = plain_context();
    context.incoming = true;
    MigrationChecker *checker = new_checker(&context, host);
    Table *table = malloc(sizeof(*table));

    assert_true(migrate_caps_table(checker, 0, table->row_of, table->rows, table->cells) > 0);
    assert_int_equal(cell_of(table, CAP(POSTCOPY_RAM)), MIGRATION_UNDECIDED);
    assert_int_equal(cell_of(table, CAP(BACKGROUND_SNAPSHOT)), MIGRATION_UNDECIDED);
    assert_int_equal(cell_of(table, CAP(XBZRLE)), MIGRATION_ACCEPTED);
    assert_int_equal(migration_host_known(host, PROBE_REFERENCE, ASK_POSTCOPY, 0), -EAGAIN);
    free(table);
    migration_checker_free(checker);
    migration_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_of_every_release),
        cmocka_unit_test(what_is_left_out_is_undecided),
        cmocka_unit_test(the_host_is_not_asked),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
