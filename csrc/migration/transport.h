/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_TRANSPORT_H
#define PYMIG_TRANSPORT_H

#include "pymig.h"

/* Sets of transports. */
#define TRANSPORT(name) ((uint32_t)1 << MIGRATION_TRANSPORT_##name)
#define MULTI_CHANNEL_TRANSPORTS (TRANSPORT(TCP) | TRANSPORT(UNIX) | TRANSPORT(VSOCK))

/* The text with which QEMU refuses an address of this transport, as a format with the address; NULL if it can be
 * parsed. `address` is the uri after its scheme. From 8.2 on an empty fd: is refused, too. */
const char *transport_address_fault(const QemuBuild *build, int transport, const char *address);

/* Whether HOST:PORT can't be read from an rdma address. */
bool rdma_address_is_wrong(const QemuBuild *build, const char *address);

/* enum MigrationTransport of a uri in any release; -ENOENT for another scheme. */
int transport_of_scheme(const char *uri);

/* The part of the uri after its scheme. The scheme must be known. */
const char *transport_address(const char *uri);

/* The transport of a MigrationAddress that was visited. */
int transport_of_address(const QmpValue *address);

#endif
