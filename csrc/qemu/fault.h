/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_FAULT_H
#define PYMIG_FAULT_H

#include "pymig.h"

/* The faults that other files look for, by their numbers. */
typedef enum KnownFault {
    FAULT_ZERO_COPY_SEND = 0,
    FAULT_TLS_AUTHZ_NULL,
    FAULT_CPR_TRANSFER_URI,
    FAULT_RDMA_ADDRESS,
    FAULT_NO_MAIN_CHANNEL,
    FAULT_NO_EXEC_ARGUMENTS,
    FAULT_SAVEVM_MULTIFD,
    FAULT__MAX
} KnownFault;

/* See migrate_parameters_faults(). */
uint32_t parameters_faults(const QemuBuild *build, CapabilitySet capabilities, const QmpMember *members, size_t count);

#endif
