/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_COMMAND_H
#define PYMIG_COMMAND_H

#include "pymig.h"

/* qmp_migrate() at the source, qmp_migrate_incoming() at the destination. `faults`: if it accepts, the known faults
 * that the command runs into, as from migrate_try(). */
int send_opening(MigrationState *state, int end, const QmpMember *members, size_t count,
                 const MigrationSurroundings *around, uint32_t *faults, MigrationError *error);

/* enum MigrationTransport of a migrate command; tcp if that can't be told. `writes_only`: nothing can come back,
 * because the stream goes to a file. */
int transport_of_migrate(const QemuBuild *build, const QmpMember *members, size_t count, bool *writes_only);

#endif
