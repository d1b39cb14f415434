/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks many sets at once. On machines whose vector instructions can look up bytes in a table, the terms become such
 * tables (batch.h), and lanes.h checks one set per byte of a vector. On other machines each set is checked by itself.
 */
#include "check/batch.h"

#include <errno.h>
#include <string.h>

#include "host/host.h"
#include "qemu/capability.h"

enum {
    CHUNK_WORDS = 4096,    /* words between two looks for open questions */
    PREFETCH_BYTES = 8192, /* how far ahead to prefetch: the hardware prefetcher stops at the end of a page */
    LINE = 64,
};

/* ---- Compiling ---- */

static void add_group(Batch *batch, const Term *term, bool begins_run)
{
    Group *group = &batch->groups[batch->n_groups++];
    *group = (Group){{{0}, term->trigger / 4}, batch->n_lookups, batch->n_lookups, begins_run};
    for (int value = 0; value < 16; value++) {
        group->trigger.table[value] = value >> term->trigger % 4 & 1 ? 0 : NO_TERM;
    }
}

/* The last group's lookup for this nibble. */
static Lookup *lookup_of(Batch *batch, int nibble)
{
    Group *group = &batch->groups[batch->n_groups - 1];
    for (int i = group->first; i < group->end; i++) {
        if (batch->lookups[i].nibble == nibble) {
            return &batch->lookups[i];
        }
    }
    Lookup *lookup = &batch->lookups[batch->n_lookups++];
    lookup->nibble = nibble;
    memset(lookup->table, NO_TERM, sizeof(lookup->table));
    group->end = batch->n_lookups;
    return lookup;
}

static void add_term(Batch *batch, const Term *term)
{
    Lookup *lookup = lookup_of(batch, term->other / 4);
    for (int value = 0; value < 16; value++) {
        if ((value >> term->other % 4 & 1) == term->other_on && term->code < lookup->table[value]) {
            lookup->table[value] = term->code;
        }
    }
}

static void batch_compile(Batch *batch, const MigrationChecker *checker, CapabilitySet old_set)
{
    const Term *last = NULL;

    *batch = (Batch){.checker = checker};
    for (TermSet left = terms_for_old_set(checker, old_set); left != 0; left &= left - 1) {
        const Term *term = &checker->terms[__builtin_ctzll(left)];
        int refuses = checker_term_refuses(checker, term, old_set);
        if (refuses == 0) {
            continue;
        }
        batch->terms |= left & -left;
        batch->open |= refuses < 0 ? left & -left : 0;
        bool begins_run = last == NULL || term->code < last->code;
        if (begins_run || term->trigger != last->trigger) {
            add_group(batch, term, begins_run);
        }
        add_term(batch, term);
        last = term;
    }
}

/* ---- Words ---- */

static inline CapabilitySet word_at(const MaskSpan *words, size_t i)
{
    return words->words32 != NULL ? words->words32[i] : words->words64[i];
}

static MaskSpan part_of(const MaskSpan *words, size_t start, size_t most)
{
    return (MaskSpan){
        .words32 = words->words32 != NULL ? words->words32 + start : NULL,
        .words64 = words->words64 != NULL ? words->words64 + start : NULL,
        .count = words->count - start < most ? words->count - start : most,
    };
}

/* Prefetches the memory PREFETCH_BYTES after these words. It need not exist. */
static inline void prefetch(const MaskSpan *words, size_t start, size_t count)
{
    bool narrow = words->words32 != NULL;
    uintptr_t first = narrow ? (uintptr_t)(words->words32 + start) : (uintptr_t)(words->words64 + start);
    for (size_t line = 0; line < count * (narrow ? sizeof(uint32_t) : sizeof(uint64_t)); line += LINE) {
        __builtin_prefetch((const void *)(first + PREFETCH_BYTES + line));
    }
}

/* Ors the lanes of a vector into one word. With 32-bit words, each 64-bit lane holds two of them. */
static inline CapabilitySet fold(const MaskSpan *words, const uint64_t *sums, int count)
{
    uint64_t all = 0;
    for (int i = 0; i < count; i++) {
        all |= sums[i];
    }
    return words->words32 != NULL ? (uint32_t)(all | all >> 32) : all;
}

/* All words or-ed together. Plain loops: the compiler vectorises them as well as intrinsics would. */
static inline __attribute__((always_inline)) CapabilitySet union_of(const MaskSpan *words)
{
    uint32_t all32 = 0;
    uint64_t all64 = 0;
    for (size_t i = 0; words->words32 != NULL && i < words->count; i++) {
        all32 |= words->words32[i];
    }
    for (size_t i = 0; words->words64 != NULL && i < words->count; i++) {
        all64 |= words->words64[i];
    }
    return all32 | all64;
}

/* ---- Variants ---- */

#ifdef __x86_64__
#include <immintrin.h>

#include "check/lanes_avx2.h"
#include "check/lanes_avx512.h"
#endif

#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)
#define HAS_NEON
#include <arm_neon.h>

#include "check/lanes_neon.h"
#endif

static CapabilitySet check_words_portable(const Batch *batch, const MaskSpan *words, uint8_t *codes)
{
    const MigrationChecker *checker = batch->checker;
    CapabilitySet all = 0;
    for (size_t i = 0; i < words->count; i++) {
        CapabilitySet set = word_at(words, i);
        TermSet terms = terms_for_new_set(checker, set) & batch->terms;
        codes[i] = terms == 0 ? MIGRATION_ACCEPTED : checker->terms[__builtin_ctzll(terms)].code;
        all |= set;
    }
    return all;
}

static CapabilitySet union_of_portable(const MaskSpan *words)
{
    return union_of(words);
}

/* Both functions return all words or-ed together. */
typedef struct Variant {
    CapabilitySet (*check_words)(const Batch *batch, const MaskSpan *words, uint8_t *codes);
    CapabilitySet (*union_of)(const MaskSpan *words);
} Variant;

static Variant variant_of(int wanted)
{
#ifdef __x86_64__
    if (wanted >= CHECK_MANY_AVX512 && __builtin_cpu_supports("avx512bw")) {
        return (Variant){check_words_avx512, union_of_avx512};
    }
    if (wanted >= CHECK_MANY_AVX2 && __builtin_cpu_supports("avx2")) {
        return (Variant){check_words_avx2, union_of_avx2};
    }
#endif
#ifdef HAS_NEON
    if (wanted >= CHECK_MANY_NEON) { /* part of the base architecture */
        return (Variant){check_words_neon, union_of_neon};
    }
#endif
    (void)wanted;
    return (Variant){check_words_portable, union_of_portable};
}

/* ---- All words ---- */

/* The capabilities whose terms have an open question. */
static CapabilitySet open_triggers(const Batch *batch)
{
    CapabilitySet triggers = 0;
    for (TermSet left = batch->open; left != 0; left &= left - 1) {
        triggers |= (CapabilitySet)1 << batch->checker->terms[__builtin_ctzll(left)].trigger;
    }
    return triggers;
}

/* The open question that one of these codes depends on, or ASK_NOTHING. The batch takes an open question for a no. */
static HostQuestion open_question(const Batch *batch, const uint8_t *codes, size_t count)
{
    for (TermSet left = batch->open; left != 0; left &= left - 1) {
        const Term *term = &batch->checker->terms[__builtin_ctzll(left)];
        if (memchr(codes, term->code, count) != NULL) {
            return term->question;
        }
    }
    return ASK_NOTHING;
}

/* Asks the host for what these codes depend on. -EAGAIN if it does not find out; 1 if the codes must be made again. */
static int ask_host(Batch *batch, CapabilitySet old_set, const uint8_t *codes, size_t count)
{
    const MigrationChecker *checker = batch->checker;
    HostQuestion question = open_question(batch, codes, count);
    if (question == ASK_NOTHING) {
        return 0;
    }
    if (!migration_host_ask(checker->host, checker->variant, question, scope_after(old_set, checker->scope))) {
        return -EAGAIN;
    }
    batch_compile(batch, checker, old_set);
    return 1;
}

static int check_all(Variant variant, Batch *batch, CapabilitySet old_set, const MaskSpan *words, uint8_t *codes)
{
    const CapabilitySet unknown = ~batch->checker->known;
    CapabilitySet all = old_set;

    for (size_t start = 0; start < words->count && !has_any(all, unknown);) {
        const MaskSpan part = part_of(words, start, batch->open != 0 ? CHUNK_WORDS : SIZE_MAX);
        all |= variant.check_words(batch, &part, codes + start);
        int asked = ask_host(batch, old_set, codes + start, part.count);
        if (asked < 0 && !has_any(all, unknown)) {
            return asked;
        }
        start += asked > 0 ? 0 : part.count;
    }
    return has_any(all, unknown) ? -EINVAL : 0;
}

/* Asks the host for all that the words depend on, so that check_all() can write their codes without an error. Looks for
 * that only at words with a capability whose rules ask. */
static int answer_questions(Variant variant, Batch *batch, CapabilitySet old_set, const MaskSpan *words)
{
    uint8_t codes[CHUNK_WORDS];

    for (size_t start = 0; start < words->count && batch->open != 0;) {
        const MaskSpan part = part_of(words, start, CHUNK_WORDS);
        int asked = 0;
        if (has_any(variant.union_of(&part), open_triggers(batch))) {
            variant.check_words(batch, &part, codes);
            asked = ask_host(batch, old_set, codes, part.count);
        }
        if (asked < 0) {
            return asked;
        }
        start += asked > 0 ? 0 : part.count;
    }
    return 0;
}

static size_t find_unknown(Variant variant, const MigrationChecker *checker, const MaskSpan *words)
{
    for (size_t start = 0; start < words->count; start += CHUNK_WORDS) {
        const MaskSpan part = part_of(words, start, CHUNK_WORDS);
        if (has_any(variant.union_of(&part), ~checker->known)) {
            size_t i = 0;
            while (i < part.count && !has_any(word_at(&part, i), ~checker->known)) {
                i++; /* reaches the end if another thread changes the words meanwhile */
            }
            return start + i;
        }
    }
    return words->count;
}

int check_many_with(int wanted, const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words,
                    uint8_t *codes)
{
    const Variant variant = variant_of(wanted);
    if (has_any(old_set, ~checker->known) || find_unknown(variant, checker, words) < words->count) {
        return -EINVAL;
    }
    Batch batch;
    batch_compile(&batch, checker, old_set);
    int result = answer_questions(variant, &batch, old_set, words);
    return result < 0 ? result : check_all(variant, &batch, old_set, words, codes);
}

int check_many_onepass_with(int wanted, const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words,
                            uint8_t *codes)
{
    Batch batch;
    batch_compile(&batch, checker, old_set);
    return check_all(variant_of(wanted), &batch, old_set, words, codes);
}

int migrate_caps_check_many32(const MigrationChecker *checker, CapabilitySet old_set, const uint32_t *new_sets,
                              size_t count, uint8_t *codes)
{
    const MaskSpan words = {.words32 = new_sets, .count = count};
    return check_many_with(CHECK_MANY_BEST, checker, old_set, &words, codes);
}

int migrate_caps_check_many64(const MigrationChecker *checker, CapabilitySet old_set, const uint64_t *new_sets,
                              size_t count, uint8_t *codes)
{
    const MaskSpan words = {.words64 = new_sets, .count = count};
    return check_many_with(CHECK_MANY_BEST, checker, old_set, &words, codes);
}

int migrate_caps_check_many32_onepass(const MigrationChecker *checker, CapabilitySet old_set, const uint32_t *new_sets,
                                      size_t count, uint8_t *codes)
{
    const MaskSpan words = {.words32 = new_sets, .count = count};
    return check_many_onepass_with(CHECK_MANY_BEST, checker, old_set, &words, codes);
}

int migrate_caps_check_many64_onepass(const MigrationChecker *checker, CapabilitySet old_set, const uint64_t *new_sets,
                                      size_t count, uint8_t *codes)
{
    const MaskSpan words = {.words64 = new_sets, .count = count};
    return check_many_onepass_with(CHECK_MANY_BEST, checker, old_set, &words, codes);
}

size_t migrate_caps_find_unknown32(const MigrationChecker *checker, const uint32_t *sets, size_t count)
{
    const MaskSpan words = {.words32 = sets, .count = count};
    return find_unknown(variant_of(CHECK_MANY_BEST), checker, &words);
}

size_t migrate_caps_find_unknown64(const MigrationChecker *checker, const uint64_t *sets, size_t count)
{
    const MaskSpan words = {.words64 = sets, .count = count};
    return find_unknown(variant_of(CHECK_MANY_BEST), checker, &words);
}
