/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads an extension module of pymig without Python, asks it about all sets of capabilities of every release, and
 * prints a digest of the answers and the best time: `.ci/wheels` compares builds by it.
 */
#define _GNU_SOURCE
#include "pymig.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What cffi's code needs from Python when it is loaded. None of it is called. */
#define STAND_IN(name)                                                                                                 \
    void name(void);                                                                                                   \
    void name(void)                                                                                                    \
    {                                                                                                                  \
        abort();                                                                                                       \
    }
STAND_IN(PyArg_UnpackTuple)
STAND_IN(PyBool_FromLong)
STAND_IN(PyErr_Occurred)
STAND_IN(PyEval_RestoreThread)
STAND_IN(PyEval_SaveThread)
STAND_IN(PyImport_ImportModule)
STAND_IN(PyLong_FromLong)
STAND_IN(PyLong_FromUnsignedLong)
STAND_IN(PyLong_FromVoidPtr)
STAND_IN(PyObject_CallMethod)
STAND_IN(PyObject_Free)
STAND_IN(PyObject_Malloc)
STAND_IN(_Py_Dealloc)
STAND_IN(_Py_DecRefShared)
STAND_IN(_Py_MergeZeroLocalRefcount)
STAND_IN(_Py_NoneStruct)

enum {
    SETS = 1 << MIGRATION_CAPABILITY__MAX
};

static uint32_t sets[SETS];
static uint8_t codes[SETS];

/* A function of the extension. */
#define OF(library, name) ((__typeof__(&name))must(dlsym(library, #name)))

static void *must(void *found)
{
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint64_t digest(uint64_t sum)
{
    for (size_t i = 0; i < SETS; i++) {
        sum = (sum ^ codes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return sum;
}

/* A checker for a release with everything built in, on a host that can do all. */
static MigrationChecker *checker_of(void *library, int release)
{
    HostFacts facts[PROBE_VARIANT__MAX] = {0};
    MigrationContext context = {.build = {release, release, .on_linux = true, .direct_io = true, .replication = true}};
    MigrationHost *host = NULL;
    MigrationChecker *checker = NULL;

    for (int i = 0; i < PROBE_VARIANT__MAX; i++) {
        facts[i].postcopy.ok = true;
        for (int scope = 0; scope < WRITE_TRACKING_SCOPE__MAX; scope++) {
            facts[i].write_tracking[scope] = WRITE_TRACKING_COMPATIBLE;
        }
    }
    if (OF(library, migration_host_stated)(facts, 4096, &host) < 0 ||
        OF(library, migration_checker_new)(&context, host, &checker) < 0) {
        fprintf(stderr, "no checker for release %d\n", release);
        exit(2);
    }
    return checker; /* they end with the program */
}

int main(int argc, char **argv)
{
    void *library = must(dlopen(argc == 2 ? argv[1] : "", RTLD_NOW));
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    double best = 1e18;

    for (uint32_t i = 0; i < SETS; i++) {
        sets[i] = i;
    }
    for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
        const MigrationChecker *checker = checker_of(library, release);
        double start = nanoseconds();
        if (OF(library, migrate_caps_check_many32)(checker, 0, sets, SETS, codes) < 0) {
            return 2;
        }
        double taken = nanoseconds() - start;
        best = taken < best ? taken : best;
        sum = digest(sum);
    }
    printf("%016llx in %.2f ns a set\n", (unsigned long long)sum, best / SETS);
    return 0;
}
