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
    size_t unknown32, unknown64; /* the index of the first set with an unknown capability */
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

static void expect(const MigrationChecker *checker, CapabilitySet old_set, CapabilitySet known, Batch *batch)
{
    batch->unknown32 = batch->unknown64 = batch->count;
    for (size_t i = batch->count; i-- > 0;) {
        batch->unknown32 = batch->words32[i] & ~known ? i : batch->unknown32;
        batch->unknown64 = batch->words64[i] & ~known ? i : batch->unknown64;
        batch->expected32[i] = (uint8_t)migrate_caps_check(checker, old_set, batch->words32[i]);
        batch->expected64[i] = (uint8_t)migrate_caps_check(checker, old_set, batch->words64[i]);
    }
    MUST(migrate_caps_find_unknown32(checker, batch->words32, batch->count) == batch->unknown32);
    MUST(migrate_caps_find_unknown64(checker, batch->words64, batch->count) == batch->unknown64);
}

/* What a batch wrote and returned. `kept`: it must have written nothing if it refused. */
static void compare(const Batch *batch, int result, bool known, const uint8_t *expected, bool kept)
{
    MUST(result == (known ? 0 : -EINVAL));
    for (size_t i = 0; i < batch->count; i++) {
        MUST(known ? batch->codes[i] == expected[i] : !kept || batch->codes[i] == 0xEE);
        batch->codes[i] = 0xEE;
    }
}

static void check_all(const MigrationChecker *checker, CapabilitySet old_set, bool old_is_known, const Batch *batch)
{
    const MaskSpan narrow = {.words32 = batch->words32, .count = batch->count};
    const MaskSpan wide = {.words64 = batch->words64, .count = batch->count};
    bool known32 = old_is_known && batch->unknown32 == batch->count;
    bool known64 = old_is_known && batch->unknown64 == batch->count;
    uint8_t *codes = batch->codes;
    for (int variant = CHECK_MANY_PORTABLE; variant <= CHECK_MANY_BEST; variant++) {
        compare(batch, check_many_with(variant, checker, old_set, &narrow, codes), known32, batch->expected32, true);
        compare(batch, check_many_with(variant, checker, old_set, &wide, codes), known64, batch->expected64, true);
    }
    compare(batch, migrate_caps_check_many32(checker, old_set, batch->words32, batch->count, codes), known32,
            batch->expected32, true);
    compare(batch, migrate_caps_check_many64(checker, old_set, batch->words64, batch->count, codes), known64,
            batch->expected64, true);
    compare(batch, migrate_caps_check_many32_onepass(checker, old_set, batch->words32, batch->count, codes), known32,
            batch->expected32, false);
    compare(batch, migrate_caps_check_many64_onepass(checker, old_set, batch->words64, batch->count, codes), known64,
            batch->expected64, false);
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
