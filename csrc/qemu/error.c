/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "qemu/qapi.h"

void migration_error_clear(MigrationError *error)
{
    free(error->message);
    *error = no_error();
}

int refuse(MigrationError *error, int parameter, const char *format, ...)
{
    va_list arguments;

    *error = no_error();
    error->parameter = parameter;
    va_start(arguments, format);
    int length = vasprintf(&error->message, format, arguments);
    va_end(arguments);
    if (length < 0) {
        error->message = NULL;
        return -ENOMEM;
    }
    return -EINVAL;
}
