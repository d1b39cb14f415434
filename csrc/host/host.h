/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_HOST_H
#define PYMIG_HOST_H

#include "pymig.h"
#include "qemu/rules.h"

/* The answer to the question if it is known: 1 or 0; otherwise -EAGAIN. */
int migration_host_known(const MigrationHost *host, int variant, HostQuestion question, int scope);

/* The page size of a local host in bytes; 0 if it is not known. */
uint64_t migration_host_page_size(const MigrationHost *host);

/* Probes the kernel, and keeps what it finds out. Returns whether it found the answer out. */
bool migration_host_ask(MigrationHost *host, int variant, HostQuestion question, int scope);

#endif
