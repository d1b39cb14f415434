/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_FAULT_H
#define PYMIG_FAULT_H

#include "pymig.h"

/* See migrate_parameters_faults(). */
uint32_t parameters_faults(const QemuBuild *build, CapabilitySet capabilities, const QmpMember *members, size_t count);

#endif
