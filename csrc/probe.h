/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_PROBE_H
#define PYMIG_PROBE_H

#include "pymig.h"

/* enum WriteTracking, for all blocks and with shared ones passed over. */
typedef struct WriteTrackingAnswer {
    int all;
    int ignore_shared;
} WriteTrackingAnswer;

/* ram_write_tracking_available() and ram_write_tracking_compatible(), both ways, in one go. */
WriteTrackingAnswer probe_write_tracking(const RamBlock *blocks, size_t count);

#endif
