/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets share: an input is read as numbers, of which contexts and hosts are made. */
#ifndef PYMIG_TESTS_FUZZ_H
#define PYMIG_TESTS_FUZZ_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pymig.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Ends the process if the condition is false; libFuzzer then keeps the input. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition);                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The input ---- */

typedef struct Input {
    const uint8_t *next;
    size_t left;
} Input;

/* The number in the next bytes, little-endian. Zeros follow the end of the input. */
static inline uint64_t take(Input *input, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes && input->left > 0; i++, input->left--) {
        number |= (uint64_t)*input->next++ << 8 * i;
    }
    return number;
}

/* A number from 0 to limit - 1; a limit of at most 256. */
static inline int take_below(Input *input, int limit)
{
    return (int)(take(input, 1) % (uint64_t)limit);
}

static inline bool take_bool(Input *input)
{
    return take(input, 1) & 1;
}

/* ---- What is made of it ---- */

static inline CapabilitySet one(int capability)
{
    return (CapabilitySet)1 << capability;
}

static inline QemuBuild take_build(Input *input)
{
    QemuBuild build = {.release = take_below(input, QEMU_RELEASE__MAX)};
    uint64_t flags = take(input, 1);
    build.probe_release = flags & 1 ? take_below(input, QEMU_RELEASE__MAX) : build.release;
    build.live_block_migration = flags & 2;
    build.replication = flags & 4;
    build.on_linux = flags & 8;
    build.direct_io = flags & 16;
    build.compressions = (uint32_t)take(input, 1);
    build.machine_version = flags & 32 ? (int)take(input, 2) : 0;
    if (flags & 64) {
        build.capabilities_added = take(input, 8);
        build.capabilities_removed = take(input, 8);
    }
    if (flags & 128) {
        build.parameters_added = take(input, 8);
        build.parameters_removed = take(input, 8);
    }
    return build;
}

static inline MigrationContext take_context(Input *input)
{
    MigrationContext context = {.build = take_build(input)};
    uint64_t flags = take(input, 2);
    context.incoming = flags & 1;
    context.incoming_started = flags & 2;
    context.kvm_dirty_ring = flags & 4;
    context.rdma = flags & 8;
    context.single_channel = flags & 16;
    context.compressed = flags & 32;
    context.tls = flags & 64;
    context.no_ram_tracked = flags & 128;
    context.target_page_size = flags & 256 ? (uint64_t)1 << take_below(input, 64) : 0;
    return context;
}

/* Facts that can be, all of them found out. */
static inline HostFacts take_facts(Input *input)
{
    HostFacts facts = {.write_tracking_error = 0};
    for (int i = 0; i < WRITE_TRACKING_SCOPE__MAX; i++) {
        facts.write_tracking[i] = WRITE_TRACKING_ABSENT + take_below(input, 3);
    }
    facts.postcopy = (PostcopySupport){.ok = take_bool(input)};
    facts.postcopy.step = take_below(input, POSTCOPY_STEP_MEMORY + 1);
    int error = (int)(take(input, 2) % (PYMIG_ERROR_KILLED + 1));
    facts.postcopy.error = host_error_is_inconclusive(error) ? 0 : error;
    facts.postcopy.detail = (uint32_t)take(input, 4);
    return facts;
}

/* A host, and what was stated about it. */
typedef struct Stated {
    HostFacts facts[PROBE_VARIANT__MAX];
    uint64_t page_size;
    MigrationHost *host;
} Stated;

static inline Stated take_host(Input *input)
{
    Stated stated;
    for (int i = 0; i < PROBE_VARIANT__MAX; i++) {
        stated.facts[i] = take_facts(input);
    }
    stated.page_size = take_bool(input) ? (uint64_t)1 << take_below(input, 64) : 0;
    MUST(migration_host_stated(stated.facts, stated.page_size, &stated.host) == 0);
    return stated;
}

/* Usually a set of capabilities that the release has. */
static inline CapabilitySet take_set(Input *input, CapabilitySet known)
{
    return take_bool(input) ? take(input, 8) : take(input, 3) & known;
}

#endif
