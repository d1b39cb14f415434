/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One check of many sets. A block of words is split into planes, one for each byte of the words, so that a rule is
 * applied to 32 sets by one instruction of 32 bytes; rules are walked from the last to the first, so that the first
 * one that refuses has the last word. On x86-64 this is compiled twice, and what the machine has is chosen at run
 * time.
 */
#include <errno.h>
#include <string.h>

#include "capability.h"
#include "check.h"
#include "host.h"

enum {
    BLOCK = 1024, /* words; what belongs to a block stays in the first cache */
    PLANES = 3,   /* bytes of a word that can hold a capability */
};

_Static_assert(MIGRATION_CAPABILITY__MAX <= 8 * PLANES, "a capability in a byte that has no plane");

/* Codes that stand for a rule whose question is open; no rule has one of these. */
#define PENDING(question) ((uint8_t)(UINT8_MAX - (question)))
_Static_assert(MIGRATION_VERDICT__MAX <= UINT8_MAX - 3, "a code that means something else here");

/* 64 sets at once: a type of GCC and clang, which make of it what the instruction set has. */
typedef uint8_t Lanes __attribute__((vector_size(64)));

enum {
    LANES = BLOCK / sizeof(Lanes),
};

typedef union Plane {
    uint8_t bytes[BLOCK];
    Lanes lanes[LANES];
} Plane;

typedef struct Planes {
    Plane of[PLANES];
} Planes;

/* One capability that refuses by being there or, in a plane turned over, by not being there. A rule with several has
 * several terms, of one code. */
typedef struct Term {
    Lanes bit, code;
    int plane; /* PLANES and more: turned over */
} Term;

/* The terms of consecutive rules with one trigger. */
typedef struct Group {
    Lanes trigger;
    int plane;
    int first, end;
} Group;

enum {
    MOST_TERMS = 2 * MIGRATION_VERDICT__MAX, /* no rule has more than three, and most have one */
};

typedef struct Batch {
    int n_groups, n_terms;
    Group groups[MIGRATION_VERDICT__MAX];
    Term terms[MOST_TERMS];
} Batch;

/* ---- Compiling ---- */

#define EVERYWHERE(value) ((uint8_t)(value) - (Lanes){0})

static void add_terms(Batch *batch, CapabilitySet set, int first_plane, uint8_t code)
{
    for (int bit = 0; bit < MIGRATION_CAPABILITY__MAX; bit++) {
        if (has_any(set, (CapabilitySet)1 << bit) && batch->n_terms < MOST_TERMS) {
            batch->terms[batch->n_terms++] = (Term){EVERYWHERE(1 << bit % 8), EVERYWHERE(code), first_plane + bit / 8};
        }
    }
}

/* The trigger is one capability: the tables' test sees to it. */
static void open_group(Batch *batch, CapabilitySet trigger)
{
    int bit = __builtin_ctzll(trigger);
    batch->groups[batch->n_groups++] = (Group){EVERYWHERE(1 << bit % 8), bit / 8, batch->n_terms, batch->n_terms};
}

/* The rules that can refuse, given the old set and what is known of the host by now. */
static void batch_compile(Batch *batch, const MigrationChecker *checker, CapabilitySet old_set)
{
    CapabilitySet trigger = 0;

    batch->n_groups = batch->n_terms = 0;
    for (int i = 0; i < checker->count; i++) {
        const CompiledRule *rule = &checker->rules[i];
        int able = rule->question == ASK_NOTHING ? 0 : checker_asks(checker, rule->question, old_set);
        uint8_t code = able < 0 ? PENDING(rule->question) : rule->code;
        if (able > 0 || has_any(old_set, rule->unless_old)) {
            continue;
        }
        if (rule->trigger != trigger) {
            open_group(batch, trigger = rule->trigger);
        }
        add_terms(batch, rule->forbid, 0, code);
        add_terms(batch, rule->need, PLANES, code);
        batch->groups[batch->n_groups - 1].end = batch->n_terms;
    }
}

/* ---- One block; `variant` is what distinguishes the instruction sets ---- */

/* All bits of a lane where the bit is on. */
#define IS_ON(lanes, bit) ((Lanes)(((lanes) & (bit)) == (bit)))
#define CHOOSE(where, one, other) (((one) & (where)) | ((other) & ~(where)))

#define DEFINE_SPLIT(name, word, attribute)                                                                            \
    attribute static void name(const word *words, size_t count, Planes *planes)                                        \
    {                                                                                                                  \
        for (size_t i = 0; i < count; i++) {                                                                           \
            planes->of[0].bytes[i] = (uint8_t)words[i];                                                                \
            planes->of[1].bytes[i] = (uint8_t)(words[i] >> 8);                                                         \
            planes->of[2].bytes[i] = (uint8_t)(words[i] >> 16);                                                        \
        }                                                                                                              \
    }

#define DEFINE_BLOCK(variant, attribute)                                                                               \
    DEFINE_SPLIT(split32_##variant, uint32_t, attribute)                                                               \
    DEFINE_SPLIT(split64_##variant, uint64_t, attribute)                                                               \
                                                                                                                       \
    attribute static void check_planes_##variant(const Batch *batch, const Planes *planes, Plane *codes)               \
    {                                                                                                                  \
        for (size_t i = 0; i < LANES; i++) {                                                                           \
            Lanes plane[2 * PLANES], code = {0};                                                                       \
            for (int p = 0; p < PLANES; p++) {                                                                         \
                plane[p] = planes->of[p].lanes[i];                                                                     \
                plane[PLANES + p] = ~plane[p];                                                                         \
            }                                                                                                          \
            for (const Group *group = batch->groups + batch->n_groups; group-- > batch->groups;) {                     \
                Lanes refused = {0};                                                                                   \
                for (const Term *term = batch->terms + group->end; term-- > batch->terms + group->first;) {            \
                    refused = CHOOSE(IS_ON(plane[term->plane], term->bit), term->code, refused);                       \
                }                                                                                                      \
                refused &= IS_ON(plane[group->plane], group->trigger);                                                 \
                code = CHOOSE((Lanes)(refused == (Lanes){0}), code, refused);                                          \
            }                                                                                                          \
            codes->lanes[i] = code;                                                                                    \
        }                                                                                                              \
    }

typedef struct BlockFunctions {
    void (*split32)(const uint32_t *words, size_t count, Planes *planes);
    void (*split64)(const uint64_t *words, size_t count, Planes *planes);
    void (*check)(const Batch *batch, const Planes *planes, Plane *codes);
} BlockFunctions;

#define BLOCK_FUNCTIONS(variant) ((BlockFunctions){split32_##variant, split64_##variant, check_planes_##variant})

DEFINE_BLOCK(portable, )

#ifdef __x86_64__
DEFINE_BLOCK(avx2, __attribute__((target("avx2"))))
DEFINE_BLOCK(avx512, __attribute__((target("avx512f,avx512bw,avx512vl"))))
#endif

static BlockFunctions block_functions(int variant)
{
#ifdef __x86_64__
    if (variant >= CHECK_MANY_AVX512 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return BLOCK_FUNCTIONS(avx512);
    }
    if (variant >= CHECK_MANY_AVX2 && __builtin_cpu_supports("avx2")) {
        return BLOCK_FUNCTIONS(avx2);
    }
#endif
    (void)variant;
    return BLOCK_FUNCTIONS(portable);
}

/* ---- All blocks ---- */

static CapabilitySet union_of(const Words *words)
{
    CapabilitySet all = 0;
    uint32_t all32 = 0;
    for (size_t i = 0; words->words32 != NULL && i < words->count; i++) {
        all32 |= words->words32[i];
    }
    for (size_t i = 0; words->words64 != NULL && i < words->count; i++) {
        all |= words->words64[i];
    }
    return all | all32;
}

/* The first open question that decides one of these, or ASK_NOTHING. */
static HostQuestion open_question(const uint8_t *codes, size_t count)
{
    uint8_t most = 0;
    for (size_t i = 0; i < count; i++) {
        most = codes[i] > most ? codes[i] : most;
    }
    return most >= MIGRATION_VERDICT__MAX ? (HostQuestion)(UINT8_MAX - most) : ASK_NOTHING;
}

static void check_words(int variant, const MigrationChecker *checker, CapabilitySet old_set, const Words *words,
                        uint8_t *codes)
{
    const BlockFunctions functions = block_functions(variant);
    Planes planes;
    Plane block;
    Batch batch;
    HostQuestion question;

    memset(&planes, 0, sizeof(planes));
    batch_compile(&batch, checker, old_set);
    for (size_t start = 0; start < words->count; start += BLOCK) {
        size_t count = words->count - start < BLOCK ? words->count - start : BLOCK;
        if (words->words32 != NULL) {
            functions.split32(words->words32 + start, count, &planes);
        } else {
            functions.split64(words->words64 + start, count, &planes);
        }
        functions.check(&batch, &planes, &block);
        while ((question = open_question(block.bytes, count)) != ASK_NOTHING) {
            migration_host_ask(checker->host, checker->flavour, question);
            batch_compile(&batch, checker, old_set);
            functions.check(&batch, &planes, &block);
        }
        memcpy(codes + start, block.bytes, count);
    }
}

int check_many_with(int variant, const MigrationChecker *checker, CapabilitySet old_set, const Words *words,
                    uint8_t *codes)
{
    if (has_any(old_set | union_of(words), ~checker->known)) {
        return -EINVAL;
    }
    check_words(variant, checker, old_set, words, codes);
    return 0;
}

int migrate_caps_check_many32(const MigrationChecker *checker, CapabilitySet old_set, const uint32_t *new_sets,
                              size_t count, uint8_t *codes)
{
    const Words words = {.words32 = new_sets, .count = count};
    return check_many_with(CHECK_MANY_BEST, checker, old_set, &words, codes);
}

int migrate_caps_check_many64(const MigrationChecker *checker, CapabilitySet old_set, const uint64_t *new_sets,
                              size_t count, uint8_t *codes)
{
    const Words words = {.words64 = new_sets, .count = count};
    return check_many_with(CHECK_MANY_BEST, checker, old_set, &words, codes);
}
