/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_PROBE_H
#define PYMIG_PROBE_H

#include "pymig.h"

/* ram_write_tracking_available() and ram_write_tracking_compatible(), for each scope. Returns the errno for which some
 * scope was not found out, or 0. */
int probe_write_tracking(int variant, const RamBlock *blocks, size_t count, int tracking[WRITE_TRACKING_SCOPE__MAX]);

/* postcopy_ram_supported_by_host() of this variant. */
PostcopySupport probe_postcopy(int variant, const RamBlock *blocks, size_t count, uint64_t target_page_size);

#endif
