/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every variant of the batch against the single check: all sets, every length and alignment from 0 to 70, and nothing
 * read or written beyond. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check/check.h"
#include "check/cpu.h"
#include "host/host.h"
#include "qemu/capability.h"

enum {
    ALL = 1 << 21,
    MOST = 70
};

typedef struct Case {
    int release;
    CapabilitySet old_set;
    int tracking;
    bool incoming, postcopy, compressed;
} Case;

static const Case cases[] = {
    {QEMU_8_0_50, 0, WRITE_TRACKING_COMPATIBLE, false, true, false},
    {QEMU_8_0_50, 0, WRITE_TRACKING_ABSENT, true, false, true},
    {QEMU_8_0_50, CAP(POSTCOPY_RAM), WRITE_TRACKING_AVAILABLE, true, false, false},
    {QEMU_7_2, 0, WRITE_TRACKING_COMPATIBLE, true, true, true},
    {QEMU_9_0, 0, WRITE_TRACKING_COMPATIBLE, true, true, false},
    {QEMU_9_0, CAP(MULTIFD), WRITE_TRACKING_AVAILABLE, false, true, false},
    {QEMU_10_1, CAP(MULTIFD), WRITE_TRACKING_COMPATIBLE, true, true, false},
    {QEMU_11_1, 0, WRITE_TRACKING_COMPATIBLE, false, true, false},
};

enum {
    N_CASES = sizeof(cases) / sizeof(cases[0])
};

typedef struct Context {
    MigrationHost *host;
    MigrationChecker *checker;
    CapabilitySet known;
} Context;

static Context context_of(const Case *which)
{
    MigrationContext context = plain_context();
    context.build.release = context.build.probe_release = which->release;
    context.incoming = context.incoming_started = which->incoming;
    context.compressed = which->compressed;
    context.rdma = which->incoming;
    MigrationHost *host = stated_host(which->tracking, (PostcopySupport){.ok = which->postcopy});
    return (Context){host, new_checker(&context, host), qemu_build_capabilities(&context.build)};
}

static void release(Context *context)
{
    migration_checker_free(context->checker);
    migration_host_free(context->host);
}

/* The i-th subset of a set. */
static CapabilitySet subset(CapabilitySet set, uint32_t i)
{
    CapabilitySet found = 0;
    for (; set != 0; set &= set - 1, i >>= 1) {
        found |= i & 1 ? set & -set : 0;
    }
    return found;
}

static void all_sets(void **unused)
{
    (void)unused;
    uint32_t *words32 = malloc(ALL * sizeof(*words32));
    uint64_t *words64 = malloc(ALL * sizeof(*words64));
    uint8_t *expected = malloc(ALL), *codes = malloc(ALL);

    for (int c = 0; c < N_CASES; c++) {
        Context context = context_of(&cases[c]);
        /* A release with more than 21 capabilities: every 2^21 of its sets from a place of its own. */
        uint32_t first = (uint32_t)c * 0x61C88647U;
        for (uint32_t i = 0; i < ALL; i++) {
            words64[i] = words32[i] = (uint32_t)subset(context.known, i + first);
            expected[i] = (uint8_t)migrate_caps_check(context.checker, cases[c].old_set, words64[i]);
        }
        for (int variant = CHECK_MANY_PORTABLE; variant <= CHECK_MANY_BEST; variant++) {
            const MaskSpan narrow = {.words32 = words32, .count = ALL}, wide = {.words64 = words64, .count = ALL};
            memset(codes, 0xEE, ALL);
            assert_int_equal(check_many_with(variant, context.checker, cases[c].old_set, &narrow, codes), 0);
            assert_memory_equal(codes, expected, ALL);
            memset(codes, 0xEE, ALL);
            assert_int_equal(check_many_with(variant, context.checker, cases[c].old_set, &wide, codes), 0);
            assert_memory_equal(codes, expected, ALL);
        }
        release(&context);
    }
    free(words32);
    free(words64);
    free(expected);
    free(codes);
}

/* Memory that ends where a page begins that can't be touched. */
static uint8_t *up_to_the_edge(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *start = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(start != MAP_FAILED);
    assert_int_equal(mprotect(start + page, page, PROT_NONE), 0);
    return start + page - size;
}

static void every_length_and_alignment(void **unused)
{
    (void)unused;
    Context context = context_of(&cases[0]);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (size_t count = 0; count <= MOST; count++) {
        uint32_t *words32 = (uint32_t *)(void *)up_to_the_edge(count * sizeof(*words32));
        uint64_t *words64 = (uint64_t *)(void *)up_to_the_edge(count * sizeof(*words64));
        uint8_t *codes = up_to_the_edge(count);
        uint8_t expected[MOST + 1];
        for (size_t i = 0; i < count; i++) {
            words64[i] = words32[i] = (uint32_t)(i * 0x9E3779B1U) & (uint32_t)context.known;
            expected[i] = (uint8_t)migrate_caps_check(context.checker, 0, words64[i]);
        }
        for (int variant = CHECK_MANY_PORTABLE; variant <= CHECK_MANY_BEST; variant++) {
            for (size_t offset = 0; offset <= count; offset++) { /* words and codes of every alignment */
                const MaskSpan narrow = {.words32 = words32 + offset, .count = count - offset};
                const MaskSpan wide = {.words64 = words64 + offset, .count = count - offset};
                codes[-1] = 0xEE;
                memset(codes, 0xEE, count);
                assert_int_equal(check_many_with(variant, context.checker, 0, &narrow, codes + offset), 0);
                assert_memory_equal(codes + offset, expected + offset, count - offset);
                memset(codes, 0xEE, count);
                assert_int_equal(check_many_with(variant, context.checker, 0, &wide, codes + offset), 0);
                assert_memory_equal(codes + offset, expected + offset, count - offset);
                assert_int_equal(codes[(ptrdiff_t)offset - 1], 0xEE);
            }
        }
        munmap((uint8_t *)words32 + count * sizeof(*words32) - page, 2 * page);
        munmap((uint8_t *)words64 + count * sizeof(*words64) - page, 2 * page);
        munmap(codes + count - page, 2 * page);
    }
    release(&context);
}

/* Wherever the words are that no release has a capability for, and however wide they are. */
static void unknown_words_have_a_code_of_their_own(void **unused)
{
    (void)unused;
    Context context = context_of(&cases[0]);
    uint32_t words32[3 * MOST] = {0};
    uint64_t words64[3 * MOST] = {0};
    uint8_t codes[3 * MOST], expected[3 * MOST];

    memset(expected, MIGRATION_ACCEPTED, sizeof(expected));
    for (size_t i = 0; i < 3 * MOST; i++) {
        const MaskSpan narrow = {.words32 = words32, .count = 3 * MOST}, wide = {.words64 = words64, .count = 3 * MOST};
        words32[i] = UINT32_C(1) << 31;
        words64[i] = UINT64_C(1) << (i % 2 ? 63 : 32);
        expected[i] = MIGRATION_UNKNOWN_CAPABILITY;
        for (int variant = CHECK_MANY_PORTABLE; variant <= CHECK_MANY_BEST; variant++) {
            assert_int_equal(check_many_with(variant, context.checker, 0, &narrow, codes), 0);
            assert_memory_equal(codes, expected, sizeof(codes));
            assert_int_equal(check_many_with(variant, context.checker, 0, &wide, codes), 0);
            assert_memory_equal(codes, expected, sizeof(codes));
        }
        assert_int_equal(migrate_caps_check_many32(context.checker, 0, words32, i + 1, codes), 0);
        assert_memory_equal(codes, expected, i + 1);
        assert_int_equal(migrate_caps_check_many64(context.checker, 0, words64, i + 1, codes), 0);
        assert_memory_equal(codes, expected, i + 1);
        words32[i] = 0;
        words64[i] = 0;
        expected[i] = MIGRATION_ACCEPTED;
    }
    release(&context);
}

/* An unknown capability beside one that needs the host is no reason to ask it. */
static void unknown_words_ask_nothing(void **unused)
{
    (void)unused;
    const RamBlock block = {.kind = RAM_BLOCK_ANONYMOUS};
    MigrationContext context = plain_context();
    context.incoming = true;
    MigrationHost *host = new_local_host(&block, 1);
    MigrationChecker *checker = new_checker(&context, host);
    uint64_t words[MOST], counts[MIGRATION_CODES];
    uint8_t codes[MOST];

    for (int i = 0; i < MOST; i++) {
        words[i] = CAP(POSTCOPY_RAM) | (CapabilitySet)1 << 40;
    }
    for (size_t count = 1; count <= MOST; count += MOST - 1) {
        assert_int_equal(migrate_caps_check_many64(checker, 0, words, count, codes), 0);
        assert_int_equal(migrate_caps_histogram64(checker, 0, words, count, counts), 0);
        assert_int_equal(counts[MIGRATION_UNKNOWN_CAPABILITY], count);
        assert_int_equal(migration_host_known(host, PROBE_REFERENCE, ASK_POSTCOPY, 0), -EAGAIN);
    }
    migration_checker_free(checker);
    migration_host_free(host);
}

static void a_histogram_counts_codes(void **unused)
{
    (void)unused;
    uint32_t *words32 = malloc(ALL * sizeof(*words32));
    uint64_t *words64 = malloc(ALL * sizeof(*words64));
    uint8_t *codes = malloc(ALL);

    for (int c = 0; c < N_CASES; c++) {
        Context context = context_of(&cases[c]);
        uint64_t expected[MIGRATION_CODES] = {0}, counts[MIGRATION_CODES];
        size_t count = ALL - 77U * (size_t)c;
        for (uint32_t i = 0; i < count; i++) {
            words64[i] = words32[i] = i * 0x9E3779B1U >> 8;
        }
        assert_int_equal(migrate_caps_check_many32(context.checker, cases[c].old_set, words32, count, codes), 0);
        for (size_t i = 0; i < count; i++) {
            expected[codes[i]]++;
        }
        assert_int_equal(migrate_caps_histogram32(context.checker, cases[c].old_set, words32, count, counts), 0);
        assert_memory_equal(counts, expected, sizeof(counts));
        assert_int_equal(migrate_caps_histogram64(context.checker, cases[c].old_set, words64, count, counts), 0);
        assert_memory_equal(counts, expected, sizeof(counts));
        release(&context);
    }
    free(words32);
    free(words64);
    free(codes);
}

/* A question is asked only if the answer for some set depends on it. */
static void questions_stay_open(void **unused)
{
    (void)unused;
    const RamBlock block = {.kind = RAM_BLOCK_ANONYMOUS};
    MigrationContext context = plain_context();
    context.incoming = true;
    for (int variant = CHECK_MANY_PORTABLE; variant <= CHECK_MANY_BEST; variant++) {
        MigrationHost *host = new_local_host(&block, 1);
        MigrationChecker *checker = new_checker(&context, host);
        uint32_t words[3000] = {0};
        uint8_t codes[3000];
        const MaskSpan all = {.words32 = words, .count = 3000};
        assert_int_equal(check_many_with(variant, checker, 0, &all, codes), 0);
        assert_int_equal(migration_host_known(host, PROBE_REFERENCE, ASK_POSTCOPY, 0), -EAGAIN);
        words[2999] = (uint32_t)CAP(POSTCOPY_RAM);
        assert_int_equal(check_many_with(variant, checker, 0, &all, codes), 0);
        assert_int_equal(codes[2999], migrate_caps_check(checker, 0, words[2999]));
        assert_int_equal(migration_host_known(host, PROBE_REFERENCE, ASK_WRITE_TRACKING_AVAILABLE, 0), -EAGAIN);
        words[1500] = (uint32_t)CAP(BACKGROUND_SNAPSHOT);
        assert_int_equal(check_many_with(variant, checker, 0, &all, codes), 0);
        assert_int_equal(codes[1500], migrate_caps_check(checker, 0, words[1500]));
        assert_int_equal(codes[0], MIGRATION_ACCEPTED);
        migration_checker_free(checker);
        migration_host_free(host);
    }
}

/* Else a fast variant would be left out, and no answer would show it. */
static void every_variant_of_this_processor_is_used(void **state)
{
    (void)state;
#ifdef __x86_64__
    assert_int_equal(cpu_has_avx2(), __builtin_cpu_supports("avx2") != 0);
    assert_int_equal(cpu_has_avx512bw(), __builtin_cpu_supports("avx512bw") != 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_of_this_processor_is_used),
        cmocka_unit_test(all_sets),
        cmocka_unit_test(every_length_and_alignment),
        cmocka_unit_test(unknown_words_have_a_code_of_their_own),
        cmocka_unit_test(unknown_words_ask_nothing),
        cmocka_unit_test(a_histogram_counts_codes),
        cmocka_unit_test(questions_stay_open),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
