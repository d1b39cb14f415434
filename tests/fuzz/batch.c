/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A check of many sets is many checks, by every instruction set and of every length. */
#include "fuzz.h"

#include "check/check.h"

/* Exactly as many words as there are sets, so that a sanitizer sees a read or a write beyond. */
typedef struct Batch {
    size_t count;
    uint32_t *words32;
    uint64_t *words64;
    uint8_t *expected32, *expected64, *codes;
} Batch;

static void *room_for(size_t size)
{
    void *room = malloc(size);
    MUST(room != NULL || size == 0);
    return room;
}

static uint64_t random_of(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* The first sets are the input's own; the others are random. Now and then one has unknown capabilities. */
static void take_words(Input *input, CapabilitySet known, Batch *batch)
{
    uint64_t seed = take(input, 8) | 1;
    bool wild = take_bool(input);
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t word = input->left > 0 ? take(input, 8) : random_of(&seed);
        batch->words64[i] = wild && random_of(&seed) % 64 == 0 ? word : word & known;
        batch->words32[i] = (uint32_t)batch->words64[i];
    }
}

static uint8_t expected_code(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet known,
                             CapabilitySet set)
{
    return set & ~known ? MIGRATION_UNKNOWN_CAPABILITY : (uint8_t)migrate_caps_check(checker, old_set, set);
}

static void expect(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet known, Batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        batch->expected32[i] = expected_code(checker, old_set, known, batch->words32[i]);
        batch->expected64[i] = expected_code(checker, old_set, known, batch->words64[i]);
    }
}

/* What a batch wrote and returned. If it refused, it must have written nothing. */
static void compare(const Batch *batch, int result, bool old_is_known, const uint8_t *expected)
{
    MUST(result == (old_is_known ? 0 : -EINVAL));
    for (size_t i = 0; i < batch->count; i++) {
        MUST(batch->codes[i] == (old_is_known ? expected[i] : 0xEE));
        batch->codes[i] = 0xEE;
    }
}

static void compare_counts(const Batch *batch, const uint64_t counts[MIGRATION_CODES], const uint8_t *expected)
{
    uint64_t expected_counts[MIGRATION_CODES] = {0};
    for (size_t i = 0; i < batch->count; i++) {
        expected_counts[expected[i]]++;
    }
    for (int code = 0; code < MIGRATION_CODES; code++) {
        MUST(counts[code] == expected_counts[code]);
    }
}

static void check_all(const MigrationChecker *checker, CapabilitySet old_set, bool old_is_known, const Batch *batch)
{
    const MaskSpan narrow = {.words32 = batch->words32, .count = batch->count};
    const MaskSpan wide = {.words64 = batch->words64, .count = batch->count};
    uint64_t counts[MIGRATION_CODES];
    uint8_t *codes = batch->codes;
    for (int variant = CHECK_MANY_PORTABLE; variant <= CHECK_MANY_BEST; variant++) {
        compare(batch, check_many_with(variant, checker, old_set, &narrow, codes), old_is_known, batch->expected32);
        compare(batch, check_many_with(variant, checker, old_set, &wide, codes), old_is_known, batch->expected64);
    }
    compare(batch, migrate_caps_check_many32(checker, old_set, batch->words32, batch->count, codes), old_is_known,
            batch->expected32);
    compare(batch, migrate_caps_check_many64(checker, old_set, batch->words64, batch->count, codes), old_is_known,
            batch->expected64);
    if (migrate_caps_histogram32(checker, old_set, batch->words32, batch->count, counts) == 0) {
        compare_counts(batch, counts, batch->expected32);
    }
    if (migrate_caps_histogram64(checker, old_set, batch->words64, batch->count, counts) == 0) {
        compare_counts(batch, counts, batch->expected64);
    }
}

static void one_batch(Input *input, const MigrationChecker *checker, CapabilitySet known)
{
    CapabilitySet old_set = take_set(input, known);
    size_t count = take(input, 2) % 1024;
    Batch batch = {
        .count = count,
        .words32 = room_for(count * sizeof(uint32_t)),
        .words64 = room_for(count * sizeof(uint64_t)),
        .expected32 = room_for(count),
        .expected64 = room_for(count),
        .codes = room_for(count),
    };
    for (size_t i = 0; i < count; i++) {
        batch.codes[i] = 0xEE;
    }
    take_words(input, known, &batch);
    expect(checker, old_set, known, &batch);
    check_all(checker, old_set, (old_set & ~known) == 0, &batch);
    free(batch.words32);
    free(batch.words64);
    free(batch.expected32);
    free(batch.expected64);
    free(batch.codes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, size};
    MigrationContext context = take_context(&input);
    Stated stated = take_host(&input);
    MigrationChecker *checker;
    MUST(migration_checker_new(&context, stated.host, &checker) == 0);
    one_batch(&input, checker, qemu_build_capabilities(&context.build));
    migration_checker_free(checker);
    migration_host_free(stated.host);
    return 0;
}
