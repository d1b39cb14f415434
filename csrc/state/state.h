/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_STATE_H
#define PYMIG_STATE_H

#include <stdatomic.h>

#include "check/check.h"
#include "qemu/parameter.h"

/* What accessors read is atomic; whoever changes anything, or reads several things at once, holds the lock. */
struct MigrationState {
    MigrationContext context;
    MigrationHost *host;
    CapabilitySet known;
    int variant; /* enum ProbeVariant */
    _Atomic CapabilitySet capabilities;
    _Atomic int status;
    MigrationParameters parameters;
    MigrationChecker checker; /* compiled for the parameters */
};

/* The lock of all states, for what is read of several parameters at one moment, or is no number. */
void states_acquire(void);
void states_release(void);

#endif
