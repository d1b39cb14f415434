/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limit of any binding: a type written by hand for CPython, whose method takes a mask and returns its verdict. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030a0000
#include <Python.h>

#include "pymig.h"

typedef struct {
    PyObject_HEAD MigrationHost *host;
    MigrationChecker *checker;
    PyObject *verdicts; /* a tuple, by code */
} Checker;

static PyObject *check(Checker *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 1) {
        PyErr_SetString(PyExc_TypeError, "check() takes one mask");
        return NULL;
    }
    unsigned long long mask = PyLong_AsUnsignedLongLong(arguments[0]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    int code = migrate_caps_check_set(self->checker, mask);
    PyObject *verdict = code < 0 ? NULL : PyTuple_GetItem(self->verdicts, code);
    if (verdict == NULL) {
        PyErr_SetString(PyExc_ValueError, "no verdict");
        return NULL;
    }
    return Py_NewRef(verdict);
}

static PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    (void)keywords;
    PyObject *verdicts;
    MigrationContext context = {.build = {.release = QEMU_8_0_50, .probe_release = QEMU_8_0_50, .on_linux = true}};
    const HostFacts able = {
        {WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE}, {.ok = true}, 0};
    const HostFacts facts[PROBE_VARIANT__MAX] = {able, able, able};
    if (!PyArg_ParseTuple(arguments, "O!", &PyTuple_Type, &verdicts)) {
        return NULL;
    }
    context.build.live_block_migration = context.build.replication = true;
    Checker *self = (Checker *)PyType_GenericAlloc(type, 0);
    if (self == NULL || migration_host_stated(facts, 0, &self->host) < 0 ||
        migration_checker_new(&context, self->host, &self->checker) < 0) {
        return PyErr_NoMemory();
    }
    self->verdicts = Py_NewRef(verdicts);
    return (PyObject *)self;
}

static void end(Checker *self)
{
    PyTypeObject *type = Py_TYPE(self);
    migration_checker_free(self->checker);
    migration_host_free(self->host);
    Py_XDECREF(self->verdicts);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"check", (PyCFunction)(void (*)(void))check, METH_FASTCALL, "The verdict on a mask."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, make},
    {Py_tp_dealloc, end},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"peer_limit.Checker", sizeof(Checker), 0, Py_TPFLAGS_DEFAULT, slots};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "peer_limit", .m_size = -1};

PyMODINIT_FUNC PyInit_peer_limit(void)
{
    PyObject *made = PyModule_Create(&module), *type = PyType_FromSpec(&spec);
    if (made == NULL || type == NULL || PyModule_AddObject(made, "Checker", type) < 0) {
        Py_XDECREF(made);
        Py_XDECREF(type);
        return NULL;
    }
    return made;
}
