/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_CAPABILITY_H
#define PYMIG_CAPABILITY_H

#include "pymig.h"

/* The set of this capability alone: CAP(MULTIFD). */
#define CAP(name) ((CapabilitySet)1 << MIGRATION_CAPABILITY_##name)

static inline bool has_any(CapabilitySet set, CapabilitySet of)
{
    return (set & of) != 0;
}

static inline bool has_all(CapabilitySet set, CapabilitySet of)
{
    return (set & of) == of;
}

#endif
