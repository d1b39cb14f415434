/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_CONTEXT_H
#define PYMIG_CONTEXT_H

#include "pymig.h"

/* The guest's page size in bytes: the context's, else the build's, else x86's. */
static inline uint64_t migration_context_target_page_size(const MigrationContext *context)
{
    return context->target_page_size != 0         ? context->target_page_size
           : context->build.target_page_size != 0 ? context->build.target_page_size
                                                  : 4096;
}

#endif
