/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_VALUE_H
#define PYMIG_VALUE_H

#include "pymig.h"

/* A deep copy in one block of memory; free it with qmp_value_free(). NULL if out of memory. */
QmpValue *qmp_value_copy(const QmpValue *value);

#endif
