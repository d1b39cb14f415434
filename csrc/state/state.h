/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_STATE_H
#define PYMIG_STATE_H

#include <stdatomic.h>

#include "check/check.h"
#include "qemu/parameter.h"

/* Accessors read atomic fields. Changing anything, or reading several fields at one moment, requires the lock. */
struct MigrationState {
    MigrationContext context;
    MigrationHost *host;
    CapabilitySet known;
    int variant; /* enum ProbeVariant */
    _Atomic CapabilitySet capabilities;
    _Atomic int status;
    bool incoming_was_started;
    MigrationParameters parameters;
    MigrationChecker checker; /* compiled for the current parameters */
};

/* Makes `copy` an independent copy, to be cleared with state_clear(). Returns 0 or -ENOMEM. */
int state_copy(MigrationState *copy, const MigrationState *state);
void state_clear(MigrationState *state);

/* The lock of all states. Needed to read several parameters at one moment, or a value that is not a number. */
void states_acquire(void);
void states_release(void);

/* Whether the release lets nothing change because of the status. */
bool migration_is_running(const MigrationState *state);

/* Remembers that migrate-incoming was accepted. `listens`: the transport has a listening socket. */
void migration_start_incoming(MigrationState *state, bool listens);

#endif
