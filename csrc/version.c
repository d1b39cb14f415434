/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pymig.h"

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, micro) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(micro)

const char *pymig_version(void)
{
    return VERSION_TEXT(PYMIG_VERSION_MAJOR, PYMIG_VERSION_MINOR, PYMIG_VERSION_MICRO);
}

int pymig_version_number(void)
{
    return PYMIG_VERSION;
}
