/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdicts on every set, in rows of 256. Most rows are equal, because few capabilities are tied to others. */
#include <errno.h>
#include <string.h>

#include "check/check.h"
#include "qemu/capability.h"

enum {
    BYTES = MIGRATION_CAPABILITY__MAX / 8,
    VALUES = 256,
    MOST_ROWS = 256,
    MOST_CELLS = 256,
    PLACE_BITS = 10,
    PLACES = 1 << PLACE_BITS,
    MOST_WARNED = 3,                /* capabilities of one release that QEMU warns of */
    WARNED_SETS = 1 << MOST_WARNED, /* the subsets of those */
};

_Static_assert(MIGRATION_CAPABILITY__MAX == 8 * BYTES && BYTES == 3, "a row has two bytes above it");

/* What a byte of a set decides about all sets that have it. */
typedef struct ByteFacts {
    TermSet terms;     /* those that this byte does not rule out */
    int warned;        /* which of the capabilities that QEMU warns of it has: bit n is the n-th of them */
    bool is_undecided; /* it has a capability that is left out */
} ByteFacts;

/* What decides about a row. */
typedef struct RowKey {
    TermSet terms;
    int warned; /* negative: everything is undecided */
} RowKey;

typedef struct Table {
    const MigrationChecker *checker;
    CapabilitySet left_out, warned;
    TermSet live;  /* the terms that can refuse on this host */
    TermSet open;  /* those whose question the host has not been asked */
    TermSet above; /* those that only depend on the bytes above the row, and refuse */
    ByteFacts bytes[BYTES][VALUES];
    uint8_t first[BYTES][VALUES]; /* the smallest value of the byte with the same facts */
    int n_rows, n_cells;
    RowKey keys[MOST_ROWS];
    uint16_t places[PLACES]; /* a hash table of the keys: the row's number plus 1; 0: none */
    uint8_t *rows;
    uint16_t *cells;
    uint8_t cell_of[WARNED_SETS][MIGRATION_VERDICT__MAX]; /* the index in `cells`; 0: none yet */
} Table;

static void sort_terms(Table *table)
{
    const MigrationChecker *checker = table->checker;
    for (TermSet left = checker->all; left != 0; left &= left - 1) {
        const Term *term = &checker->terms[__builtin_ctzll(left)];
        TermSet one = left & -left;
        int refuses = checker_term_refuses(checker, term, 0);
        bool is_above = term->trigger >= 8 && term->other >= 8;
        table->live |= refuses != 0 ? one : 0;
        table->open |= refuses < 0 ? one : 0;
        table->above |= refuses > 0 && is_above ? one : 0;
    }
}

static bool same_facts(const ByteFacts *one, const ByteFacts *other)
{
    return one->is_undecided == other->is_undecided &&
           (one->is_undecided || (one->terms == other->terms && one->warned == other->warned));
}

static int warned_of(CapabilitySet warned, CapabilitySet set)
{
    int found = 0;
    for (int n = 0; warned != 0; warned &= warned - 1, n++) {
        found |= has_any(set, warned & -warned) << n;
    }
    return found;
}

/* A smaller value with the same facts, if leaving out one capability leads to it; else the value itself. */
static uint8_t first_with(const uint8_t *first, const ByteFacts *facts, int value)
{
    for (int left = value; left != 0; left &= left - 1) {
        int without = value & ~(left & -left);
        if (same_facts(&facts[without], &facts[value])) {
            return first[without];
        }
    }
    return (uint8_t)value;
}

static void look_at_byte(Table *table, int byte, const Excluded *out)
{
    TermSet terms[VALUES] = {table->live};
    fill_candidates(terms, 8, &out->by[false][8 * byte], &out->by[true][8 * byte]);
    for (int value = 0; value < VALUES; value++) {
        const CapabilitySet set = (CapabilitySet)value << 8 * byte;
        ByteFacts *facts = &table->bytes[byte][value];
        *facts = (ByteFacts){
            terms[value],
            warned_of(table->warned, set),
            has_any(set, table->left_out),
        };
        table->first[byte][value] = first_with(table->first[byte], table->bytes[byte], value);
    }
}

/* What follows a term that refuses all sets of the row does not matter. */
static TermSet up_to_first(TermSet terms, TermSet decisive)
{
    TermSet first = terms & decisive & -(terms & decisive);
    return first == 0 ? terms : terms & (first | (first - 1));
}

/* A new cell for this code and these warnings; 0 if there is no room. */
static __attribute__((noinline)) uint8_t add_cell(Table *table, CapabilitySet set, int warned, int code)
{
    const uint16_t cell = (uint16_t)(code | (int)migrate_caps_warnings(table->checker, set, code) << 8);
    int i = 1;
    while (i < table->n_cells && table->cells[i] != cell) {
        i++;
    }
    if (i == MOST_CELLS) {
        return 0;
    }
    table->n_cells = i == table->n_cells ? i + 1 : table->n_cells;
    table->cells[i] = cell;
    return table->cell_of[warned][code] = (uint8_t)i;
}

/* The index of the set's cell. */
static inline uint8_t cell_of(Table *table, CapabilitySet set, int warned, TermSet terms)
{
    if (has_any(set, table->left_out) || has_any(terms & -terms, table->open)) {
        return 0;
    }
    int code = terms == 0 ? MIGRATION_ACCEPTED : table->checker->terms[__builtin_ctzll(terms)].code;
    uint8_t known = table->cell_of[warned][code];
    return known != 0 ? known : add_cell(table, set, warned, code);
}

static void fill_row(Table *table, CapabilitySet above, const RowKey *key, uint8_t *row)
{
    for (int low = 0; low < MIGRATION_ROW; low++) {
        const ByteFacts *facts = &table->bytes[0][low];
        row[low] = cell_of(table, above | (CapabilitySet)low, key->warned | facts->warned, key->terms & facts->terms);
    }
}

static RowKey key_of(const Table *table, int middle, int high)
{
    const ByteFacts *ours = &table->bytes[1][middle], *theirs = &table->bytes[2][high];
    return ours->is_undecided || theirs->is_undecided
               ? (RowKey){0, -1}
               : (RowKey){up_to_first(ours->terms & theirs->terms, table->above), ours->warned | theirs->warned};
}

static int add_row(Table *table, const RowKey *key, int middle, int high)
{
    uint8_t *row = table->rows + (size_t)table->n_rows * MIGRATION_ROW;
    if (table->n_rows == MOST_ROWS) {
        return -E2BIG;
    }
    if (key->warned < 0) {
        memset(row, 0, MIGRATION_ROW);
    } else {
        fill_row(table, (CapabilitySet)middle << 8 | (CapabilitySet)high << 16, key, row);
    }
    table->keys[table->n_rows] = *key;
    return table->n_rows++;
}

/* The number of the row for these two bytes above it; -E2BIG if there is no room for another one. */
static int row_of_bytes(Table *table, int middle, int high)
{
    const RowKey key = key_of(table, middle, high);
    const uint64_t golden = 0x9E3779B97F4A7C15;
    size_t place = (key.terms + (unsigned)key.warned) * golden >> (64 - PLACE_BITS);

    for (; table->places[place] != 0; place = (place + 1) % PLACES) {
        int row = table->places[place] - 1;
        if (table->keys[row].terms == key.terms && table->keys[row].warned == key.warned) {
            return row;
        }
    }
    int row = add_row(table, &key, middle, high);
    table->places[place] = (uint16_t)(row + 1);
    return row;
}

/* The rows of the sets with this highest byte, for `count` values of the middle one. */
static int fill_middle(Table *table, int high, int count, uint8_t *row_of)
{
    for (int middle = 0; middle < count; middle++) {
        int first = table->first[1][middle];
        int row = first < middle ? row_of[first] : row_of_bytes(table, middle, high);
        if (row < 0) {
            return row;
        }
        row_of[middle] = (uint8_t)row;
    }
    return 0;
}

static int fill(Table *table, uint8_t *row_of)
{
    const int count = (int)(table->checker->known >> 8) + 1;

    for (int start = 0; start < count; start += VALUES) {
        const int high = start / VALUES, first = table->first[2][high];
        const int part = count - start < VALUES ? count - start : VALUES;
        if (first < high) {
            memcpy(row_of + start, row_of + first * VALUES, (size_t)part);
        } else if (fill_middle(table, high, part, row_of + start) < 0) {
            return -E2BIG;
        }
    }
    return table->n_rows;
}

int migrate_caps_table(const MigrationChecker *checker, CapabilitySet left_out, uint8_t *row_of, uint8_t *rows,
                       uint16_t cells[MOST_CELLS])
{
    Table table = {
        .checker = checker,
        .left_out = left_out | ~checker->known,
        .warned = qemu_build_deprecated(&checker->build),
        .n_cells = 1,
        .rows = rows,
        .cells = cells,
    };
    if (__builtin_popcountll(table.warned) > MOST_WARNED) {
        return -E2BIG;
    }
    memset(cells, UINT8_MAX, MOST_CELLS * sizeof(*cells));
    sort_terms(&table);
    const Excluded out = excluded_terms(checker);
    for (int byte = 0; byte < BYTES; byte++) {
        look_at_byte(&table, byte, &out);
    }
    return fill(&table, row_of);
}
