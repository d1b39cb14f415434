# SPDX-License-Identifier: GPL-2.0-or-later

"""Mistakes in the use of pymig, each with the errors that mypy and pyright give for its line."""

# pyright: standard

import pymig
from pymig import CapabilitySet, Change, Checker, Context, Host, Memory, MigrationState, ReleaseDifference
from pymig import Chekcer  # E: attr-defined, reportAttributeAccessIssue

pymig.chekc([])  # E: attr-defined, reportAttributeAccessIssue

host = Host()
context = Context("10.0", host)
checker = Checker(context)
state = MigrationState(context)
verdict = checker.check(["multifd"])
codes = checker.check_many(bytes(64))

checker.check(3.5)  # E: arg-type, reportArgumentType
checker.check([1, 2])  # E: list-item, reportArgumentType
checker.check_many([1, 2])  # E: call-overload, reportArgumentType
checker.suggest(["multifd"], limit="all")  # E: arg-type, reportArgumentType
pymig.check(["multifd"], incomming=True)  # E: call-arg, reportCallIssue
pymig.diff("10.0", "10.1", hosst=host)  # E: call-arg, reportCallIssue
ReleaseDifference(adedd=CapabilitySet())  # E: call-arg, reportCallIssue
Checker("10.0", host, parameter={})  # E: call-arg, reportCallIssue
Context(10.0)  # E: arg-type, reportArgumentType
context.replace(hosst=host)  # E: call-arg, reportCallIssue
Host(write_tracking="some")  # E: arg-type, reportArgumentType
Host.local(Memory())  # E: arg-type, reportArgumentType
Memory("memfd", shared=True)  # E: call-arg, reportCallIssue
Change(off=["multifd"], parameters=["tls-creds"])  # E: arg-type, reportArgumentType

mode: bool = state.mode  # E: assignment, reportAssignmentType
compression: int = state.multifd_compression  # E: assignment, reportAssignmentType
verdict.hint.upper()  # E: union-attr, reportOptionalMemberAccess
verdict.mesage  # E: attr-defined, reportAttributeAccessIssue
names = CapabilitySet() | ["events"]
names.bits  # E: attr-defined, reportAttributeAccessIssue
codes.mask  # E: attr-defined, reportAttributeAccessIssue
state.query_capabilities()[0]["status"]  # E: typeddict-item, reportGeneralTypeIssues

state.host = host  # E: assignment, reportAttributeAccessIssue
state.context = context  # E: assignment, reportAttributeAccessIssue
state.multifd = True  # E: assignment, reportAttributeAccessIssue
state.mode = "normal"  # E: misc, reportAttributeAccessIssue
names.mask = 0  # E: misc, reportAttributeAccessIssue
