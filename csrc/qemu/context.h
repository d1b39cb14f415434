/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_CONTEXT_H
#define PYMIG_CONTEXT_H

#include "pymig.h"
#include "qemu/release.h"

/* The guest's page size in bytes: the context's, else the build's, else the default. */
static inline uint64_t migration_context_target_page_size(const MigrationContext *context)
{
    return context->target_page_size != 0         ? context->target_page_size
           : context->build.target_page_size != 0 ? context->build.target_page_size
                                                  : QEMU_DEFAULT_TARGET_PAGE_SIZE;
}

static inline bool migration_context_is_known(const MigrationContext *context)
{
    return qemu_release_known(context->build.release) && qemu_release_known(context->build.probe_release);
}

#endif
