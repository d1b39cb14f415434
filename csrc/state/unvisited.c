/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which unexpected member QEMU names depends on a GLib hash table. QEMU inserts each member of the request, in the
 * order of QDict (QEMU's own hash table), removes each expected member when it visits it, and names the first one left.
 * This file reproduces both tables step by step. It models QDict (512 buckets, newest member of a bucket first, its
 * hash) and GHashTable since GLib 2.66 (sizes, primes, probing, when it grows and shrinks, how it moves its entries).
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pymig.h"

/* ---- QDict ---- */

enum {
    QDICT_BUCKETS = 512
};

static uint32_t qdict_bucket(const char *name)
{
    uint32_t value = 0x238F13AFU * (uint32_t)strlen(name);
    for (uint32_t i = 0; name[i] != '\0'; i++) {
        value += (uint32_t)(unsigned char)name[i] << (i * 5 % 24);
    }
    return (1103515243U * value + 12345U) % QDICT_BUCKETS;
}

typedef struct Placed {
    size_t index;
    uint32_t bucket;
} Placed;

static int compare_placed(const void *one_, const void *other_)
{
    const Placed *one = one_, *other = other_;
    if (one->bucket != other->bucket) {
        return one->bucket < other->bucket ? -1 : 1;
    }
    return one->index > other->index ? -1 : one->index < other->index;
}

static void sort_as_qdict(const QmpMember *members, size_t count, Placed *placed)
{
    for (size_t i = 0; i < count; i++) {
        placed[i] = (Placed){i, qdict_bucket(members[i].name)};
    }
    qsort(placed, count, sizeof(*placed), compare_placed);
}

/* ---- GHashTable ---- */

/* Special values of a slot's hash. */
enum {
    UNUSED = 0,
    TOMBSTONE = 1,
    FIRST_REAL = 2,
};

enum {
    LEAST_SHIFT = 3
};

typedef struct Slot {
    uint32_t hash;
    bool moved; /* during a resize: the slot has its final entry */
    size_t index;
} Slot;

typedef struct Table {
    Slot *slots; /* allocated for the largest possible size */
    uint32_t size, prime;
    size_t in_it, occupied; /* the number of entries, without and with tombstones */
} Table;

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (const signed char *c = (const signed char *)name; *c != '\0'; c++) {
        hash = hash * 33 + (uint32_t)*c;
    }
    return hash < FIRST_REAL ? FIRST_REAL : hash;
}

/* The prime that GLib uses for a table of 2^shift slots. */
static uint32_t prime_of(unsigned shift)
{
    static const uint32_t primes[] = {
        1,        2,        3,        7,         13,        31,        61,         127,
        251,      509,      1021,     2039,      4093,      8191,      16381,      32749,
        65521,    131071,   262139,   524287,    1048573,   2097143,   4194301,    8388593,
        16777213, 33554393, 67108859, 134217689, 268435399, 536870909, 1073741789, 2147483647,
    };
    return primes[shift];
}

/* The number of bits in 4/3 of the number of entries. */
static unsigned shift_for(size_t in_it)
{
    unsigned shift = 0;
    for (size_t n = (size_t)((double)in_it * 1.333); n != 0; n >>= 1) {
        shift++;
    }
    return shift < LEAST_SHIFT ? LEAST_SHIFT : shift;
}

static void set_size(Table *table, unsigned shift)
{
    table->size = (uint32_t)1 << shift;
    table->prime = prime_of(shift);
}

static uint32_t first_slot(const Table *table, uint32_t hash)
{
    return hash * 11 % table->prime;
}

/* Moves each entry to its new slot; an entry evicted from there is moved next. */
static void move_all(Table *table, uint32_t old_size)
{
    for (uint32_t i = 0; i < old_size; i++) {
        Slot moving = table->slots[i];
        if (moving.moved) {
            continue;
        }
        table->slots[i] = (Slot){.hash = UNUSED};
        while (moving.hash >= FIRST_REAL) {
            uint32_t place = first_slot(table, moving.hash);
            for (uint32_t step = 1; table->slots[place].moved; step++) {
                place = (place + step) & (table->size - 1);
            }
            Slot evicted = table->slots[place];
            moving.moved = true;
            table->slots[place] = moving;
            moving = evicted;
        }
    }
    for (uint32_t i = 0; i < table->size; i++) {
        table->slots[i].moved = false;
    }
    table->occupied = table->in_it;
}

static void resize_if_due(Table *table)
{
    bool too_large = table->size > table->in_it * 4 && table->size > 1 << LEAST_SHIFT;
    bool too_full = table->size <= table->occupied + table->occupied / 16;
    if (too_large || too_full) {
        uint32_t old_size = table->size;
        set_size(table, shift_for(table->in_it));
        move_all(table, old_size);
    }
}

static void insert(Table *table, const char *name, size_t index)
{
    uint32_t hash = hash_of(name), place = first_slot(table, hash);
    for (uint32_t step = 1; table->slots[place].hash != UNUSED; step++) {
        place = (place + step) & (table->size - 1);
    }
    table->slots[place] = (Slot){.hash = hash, .index = index};
    table->in_it++;
    table->occupied++;
    resize_if_due(table);
}

static void take_out(Table *table, const char *name, size_t index)
{
    uint32_t place = first_slot(table, hash_of(name));
    for (uint32_t step = 1; table->slots[place].hash < FIRST_REAL || table->slots[place].index != index; step++) {
        place = (place + step) & (table->size - 1);
    }
    table->slots[place] = (Slot){.hash = TOMBSTONE};
    table->in_it--;
    resize_if_due(table);
}

static size_t first_left(const Table *table)
{
    uint32_t place = 0;
    while (table->slots[place].hash < FIRST_REAL) {
        place++;
    }
    return table->slots[place].index;
}

/* ---- Both ---- */

long qmp_first_unvisited(const QmpMember *members, size_t count, const size_t *visited, size_t n_visited)
{
    unsigned most = shift_for(count) + 1;
    Placed *placed = malloc(count * sizeof(*placed));
    Table table = {.slots = calloc((size_t)1 << most, sizeof(Slot))};
    long first = -ENOMEM;

    if (placed != NULL && table.slots != NULL) {
        set_size(&table, LEAST_SHIFT);
        sort_as_qdict(members, count, placed);
        for (size_t i = 0; i < count; i++) {
            insert(&table, members[placed[i].index].name, placed[i].index);
        }
        for (size_t i = 0; i < n_visited; i++) {
            take_out(&table, members[visited[i]].name, visited[i]);
        }
        first = (long)first_left(&table);
    }
    free(placed);
    free(table.slots);
    return first;
}
