/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The batch for one instruction set. Each lane is a byte and belongs to one set of capabilities. This file has no
 * include guard: the header of each instruction set includes it once, after defining
 *
 *   VARIANT(name)  the name with a suffix for the instruction set
 *   TARGET         the function attribute that enables the instruction set
 *   Vec          a vector, and WIDTH, its number of bytes
 *   and these functions, each named with VARIANT():
 *   planes32, planes64  split the three low bytes of WIDTH words into three vectors, in any order that store() undoes;
 *                       or the words into a fourth vector
 *   store               writes WIDTH codes
 *   set1                a vector with this byte in every lane
 *   table               a vector for look_up(), from 16 bytes
 *   look_up             for each lane, the table's byte at the lane's index (0 to 15)
 *   shr4                each byte shifted right by four; its upper half is unspecified
 *   min                 the smaller byte of two vectors, in each lane
 *   or_else             for each lane, the first vector's byte, or the second's if the first's is NO_TERM
 */
#define INLINE TARGET static inline __attribute__((always_inline))

enum {
    VARIANT(ABREAST) = 4, /* vectors looked up together */
    VARIANT(BLOCK) = VARIANT(ABREAST) * WIDTH,
};

INLINE void VARIANT(nibbles_of)(const MaskSpan *words, size_t start, Vec nibbles[NIBBLES], Vec *all)
{
    Vec planes[NIBBLES / 2];
    if (words->words32 != NULL) {
        VARIANT(planes32)(words->words32 + start, planes, all);
    } else {
        VARIANT(planes64)(words->words64 + start, planes, all);
    }
    for (int i = 0; i < NIBBLES / 2; i++) {
        nibbles[2 * i] = planes[i] & VARIANT(set1)(0xf);
        nibbles[2 * i + 1] = VARIANT(shr4)(planes[i]) & VARIANT(set1)(0xf);
    }
}

/* For each lane, the smallest code among the group's terms that apply; NO_TERM if the trigger is off. */
INLINE void VARIANT(check_group)(const Batch *batch, const Group *group, Vec nibbles[NIBBLES][VARIANT(ABREAST)],
                                 Vec codes[VARIANT(ABREAST)])
{
    const Vec trigger = VARIANT(table)(group->trigger.table);
    for (int i = 0; i < VARIANT(ABREAST); i++) {
        codes[i] = VARIANT(set1)(NO_TERM);
    }
    for (const Lookup *lookup = batch->lookups + group->first; lookup < batch->lookups + group->end; lookup++) {
        const Vec table = VARIANT(table)(lookup->table);
        for (int i = 0; i < VARIANT(ABREAST); i++) {
            codes[i] = VARIANT(min)(codes[i], VARIANT(look_up)(table, nibbles[lookup->nibble][i]));
        }
    }
    for (int i = 0; i < VARIANT(ABREAST); i++) {
        codes[i] |= VARIANT(look_up)(trigger, nibbles[group->trigger.nibble][i]);
    }
}

INLINE void VARIANT(check_groups)(const Batch *batch, Vec nibbles[NIBBLES][VARIANT(ABREAST)],
                                  Vec codes[VARIANT(ABREAST)])
{
    Vec run[VARIANT(ABREAST)], found[VARIANT(ABREAST)];

    for (int i = 0; i < VARIANT(ABREAST); i++) {
        codes[i] = VARIANT(set1)(MIGRATION_ACCEPTED);
        run[i] = VARIANT(set1)(NO_TERM);
    }
    for (const Group *group = batch->groups + batch->n_groups; group-- > batch->groups;) {
        VARIANT(check_group)(batch, group, nibbles, found);
        for (int i = 0; i < VARIANT(ABREAST); i++) {
            run[i] = VARIANT(min)(run[i], found[i]);
        }
        if (group->begins_run) {
            for (int i = 0; i < VARIANT(ABREAST); i++) {
                codes[i] = VARIANT(or_else)(run[i], codes[i]);
                run[i] = VARIANT(set1)(NO_TERM);
            }
        }
    }
}

INLINE void VARIANT(check_block)(const Batch *batch, const MaskSpan *words, size_t start, uint8_t *codes, Vec *all)
{
    Vec nibbles[NIBBLES][VARIANT(ABREAST)], found[VARIANT(ABREAST)];

    prefetch(words, start, VARIANT(BLOCK));
    for (int i = 0; i < VARIANT(ABREAST); i++) {
        Vec one[NIBBLES];
        VARIANT(nibbles_of)(words, start + (size_t)i * WIDTH, one, all);
        for (int n = 0; n < NIBBLES; n++) {
            nibbles[n][i] = one[n];
        }
    }
    VARIANT(check_groups)(batch, nibbles, found);
    for (int i = 0; i < VARIANT(ABREAST); i++) {
        VARIANT(store)(codes + (size_t)i * WIDTH, found[i]);
    }
}

TARGET static CapabilitySet VARIANT(check_words)(const Batch *batch, const MaskSpan *words, uint8_t *codes)
{
    const size_t whole = words->count - words->count % VARIANT(BLOCK), rest = words->count - whole;
    Vec all = VARIANT(set1)(0);

    for (size_t start = 0; start < whole; start += VARIANT(BLOCK)) {
        VARIANT(check_block)(batch, words, start, codes + start, &all);
    }
    if (rest > 0) {
        uint64_t last[VARIANT(BLOCK)] = {0};
        uint8_t last_codes[VARIANT(BLOCK)];
        for (size_t i = 0; i < rest; i++) {
            last[i] = word_at(words, whole + i);
        }
        VARIANT(check_block)(batch, &(MaskSpan){.words64 = last, .count = VARIANT(BLOCK)}, 0, last_codes, &all);
        memcpy(codes + whole, last_codes, rest);
    }
    uint64_t sums[WIDTH / 8];
    memcpy(sums, &all, WIDTH);
    return fold(words, sums, WIDTH / 8);
}

TARGET static CapabilitySet VARIANT(union_of)(const MaskSpan *words)
{
    return union_of(words);
}

#undef VARIANT
#undef TARGET
#undef INLINE
#undef Vec
#undef WIDTH
