/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks many sets at once. On machines whose vector instructions can look up bytes in a table, the terms become such
 * tables (batch.h), and lanes.h checks one set per byte of a vector. On other machines each set is checked by itself.
 */
#include "check/batch.h"

#include <errno.h>
#include <string.h>

#include "check/cpu.h"
#include "host/host.h"
#include "qemu/capability.h"

enum {
    CHUNK_WORDS = 4096,    /* words whose codes are looked at while they are in the cache */
    FEW = 40,              /* words that are not worth compiling a batch */
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
    if (wanted >= CHECK_MANY_AVX512 && cpu_has_avx512bw()) {
        return (Variant){check_words_avx512, union_of_avx512};
    }
    if (wanted >= CHECK_MANY_AVX2 && cpu_has_avx2()) {
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

/* Gives the words with a capability that the release lacks a code of their own. Seldom called. */
static __attribute__((noinline)) void mark_unknown(const MigrationChecker *checker, const MaskSpan *words,
                                                   uint8_t *codes)
{
    for (size_t i = 0; i < words->count; i++) {
        if (has_any(word_at(words, i), ~checker->known)) {
            codes[i] = MIGRATION_UNKNOWN_CAPABILITY;
        }
    }
}

static void check_part(Variant variant, const Batch *batch, const MaskSpan *part, uint8_t *codes)
{
    CapabilitySet all = variant.check_words(batch, part, codes);
    if (has_any(all, ~batch->checker->known)) {
        mark_unknown(batch->checker, part, codes);
    }
}

/* Asks the host for all that the words depend on, so that nothing is written if it does not answer. Looks for that only
 * at words with a capability whose rules ask. */
static int answer_questions(Variant variant, Batch *batch, CapabilitySet old_set, const MaskSpan *words)
{
    uint8_t codes[CHUNK_WORDS];

    for (size_t start = 0; start < words->count && batch->open != 0;) {
        const MaskSpan part = part_of(words, start, CHUNK_WORDS);
        int asked = 0;
        if (has_any(variant.union_of(&part), open_triggers(batch))) {
            check_part(variant, batch, &part, codes);
            asked = ask_host(batch, old_set, codes, part.count);
        }
        if (asked < 0) {
            return asked;
        }
        start += asked > 0 ? 0 : part.count;
    }
    return 0;
}

/* Compiles the batch and asks the host for what it depends on. */
static int prepare(Variant variant, const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words,
                   Batch *batch)
{
    if (has_any(old_set, ~checker->known)) {
        return -EINVAL;
    }
    batch_compile(batch, checker, old_set);
    return answer_questions(variant, batch, old_set, words);
}

int check_many_with(int wanted, const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words,
                    uint8_t *codes)
{
    const Variant variant = variant_of(wanted);
    Batch batch;
    int result = prepare(variant, checker, old_set, words, &batch);

    for (size_t start = 0; result == 0 && start < words->count; start += CHUNK_WORDS) {
        const MaskSpan part = part_of(words, start, CHUNK_WORDS);
        check_part(variant, &batch, &part, codes + start);
    }
    return result;
}

/* A few words one by one: compiling a batch would take longer. */
static int check_few(const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words, uint8_t *codes)
{
    uint8_t few[FEW];

    if (has_any(old_set, ~checker->known)) {
        return -EINVAL;
    }
    for (size_t i = 0; i < words->count; i++) {
        int code = migrate_caps_check(checker, old_set, word_at(words, i));
        if (code == -EAGAIN) {
            return code;
        }
        few[i] = code < 0 ? MIGRATION_UNKNOWN_CAPABILITY : (uint8_t)code;
    }
    if (words->count > 0) {
        memcpy(codes, few, words->count);
    }
    return 0;
}

static int check_many(const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words, uint8_t *codes)
{
    return words->count <= FEW ? check_few(checker, old_set, words, codes)
                               : check_many_with(CHECK_MANY_BEST, checker, old_set, words, codes);
}

static bool is_aligned(const void *words, size_t count, size_t size)
{
    return count == 0 || (uintptr_t)words % size == 0;
}

int migrate_caps_check_many32(const MigrationChecker *checker, CapabilitySet old_set, const uint32_t *new_sets,
                              size_t count, uint8_t *codes)
{
    const MaskSpan words = {.words32 = new_sets, .count = count};
    return is_aligned(new_sets, count, sizeof(*new_sets)) ? check_many(checker, old_set, &words, codes) : -EFAULT;
}

int migrate_caps_check_many64(const MigrationChecker *checker, CapabilitySet old_set, const uint64_t *new_sets,
                              size_t count, uint8_t *codes)
{
    const MaskSpan words = {.words64 = new_sets, .count = count};
    return is_aligned(new_sets, count, sizeof(*new_sets)) ? check_many(checker, old_set, &words, codes) : -EFAULT;
}

/* ---- Counting ---- */

enum {
    LANES = 4 /* counters of one code, so that an increment need not wait for the one before */
};

typedef struct Counters {
    uint32_t of[LANES][MIGRATION_CODES];
} Counters;

static void count_codes(const uint8_t *codes, size_t count, Counters *counters)
{
    for (size_t i = 0; i < count; i++) {
        counters->of[i % LANES][codes[i]]++;
    }
}

static void add_counters(Counters *counters, uint64_t counts[MIGRATION_CODES])
{
    for (int code = 0; code < MIGRATION_CODES; code++) {
        for (int lane = 0; lane < LANES; lane++) {
            counts[code] += counters->of[lane][code];
        }
    }
    memset(counters, 0, sizeof(*counters));
}

static int count_many(const MigrationChecker *checker, CapabilitySet old_set, const MaskSpan *words,
                      uint64_t counts[MIGRATION_CODES])
{
    const size_t most = UINT32_MAX / CHUNK_WORDS; /* chunks after which a counter could overflow */
    const Variant variant = variant_of(CHECK_MANY_BEST);
    uint8_t codes[CHUNK_WORDS];
    Counters counters = {0};
    size_t chunks = 0;
    Batch batch;
    int result = prepare(variant, checker, old_set, words, &batch);

    if (result < 0) {
        return result;
    }
    memset(counts, 0, MIGRATION_CODES * sizeof(*counts));
    for (size_t start = 0; start < words->count; start += CHUNK_WORDS) {
        const MaskSpan part = part_of(words, start, CHUNK_WORDS);
        check_part(variant, &batch, &part, codes);
        count_codes(codes, part.count, &counters);
        if (++chunks % most == 0) {
            add_counters(&counters, counts);
        }
    }
    add_counters(&counters, counts);
    return 0;
}

int migrate_caps_histogram32(const MigrationChecker *checker, CapabilitySet old_set, const uint32_t *new_sets,
                             size_t count, uint64_t counts[MIGRATION_CODES])
{
    const MaskSpan words = {.words32 = new_sets, .count = count};
    return is_aligned(new_sets, count, sizeof(*new_sets)) ? count_many(checker, old_set, &words, counts) : -EFAULT;
}

int migrate_caps_histogram64(const MigrationChecker *checker, CapabilitySet old_set, const uint64_t *new_sets,
                             size_t count, uint64_t counts[MIGRATION_CODES])
{
    const MaskSpan words = {.words64 = new_sets, .count = count};
    return is_aligned(new_sets, count, sizeof(*new_sets)) ? count_many(checker, old_set, &words, counts) : -EFAULT;
}
