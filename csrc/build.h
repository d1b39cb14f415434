/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_BUILD_H
#define PYMIG_BUILD_H

#include "pymig.h"

static inline bool qemu_release_known(int release)
{
    return release >= 0 && release < QEMU_RELEASE__MAX;
}

#endif
