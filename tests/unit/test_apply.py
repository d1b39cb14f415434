# SPDX-License-Identifier: GPL-2.0-or-later

"""apply() as a call, and its result as a value; tests/migration sends commands to real QEMUs."""

import asyncio
import pickle

import pytest

from pymig import (
    Applied,
    Context,
    Endpoint,
    Host,
    MonitorError,
    Plan,
    Restoration,
    Step,
    apply,
    apply_async,
    preflight,
)

END = Endpoint(Context("10.0", Host()))
SET = Step("source", "migrate-set-parameters", {"max-bandwidth": 1}, "")


def test_the_result():
    restored, kept = Restoration("source", "multifd"), Restoration("destination", "migrate-incoming", "it stays")
    applied = Applied([SET], [SET], [], [])
    refused = Applied([SET], [Step(SET.end, SET.command, SET.arguments, "no")], [restored], [kept])
    assert (bool(applied), bool(refused)) == (applied.ok, refused.ok) == (True, False)
    assert applied != refused
    assert pickle.loads(pickle.dumps(refused)) == refused
    assert hash(pickle.loads(pickle.dumps(refused))) == hash(refused)
    told = refused.to_dict()
    assert (told["ok"], told["sent"][0]["answer"], told["steps"]) == (False, "no", [SET.to_dict()])
    assert told["restored"] == [{"end": "source", "what": "multifd", "reason": ""}]
    assert told["not_restored"] == [kept.to_dict()]


def test_arguments(tmp_path):
    flight = preflight(END, END, Plan(["multifd"], uri="tcp:localhost:1"))
    address = tmp_path / "nobody"
    wrong = preflight(END, END, Plan(source={"capabilities": ["multifd"]}, uri="tcp:localhost:1"))
    for error, says, arguments, keywords in (
        (TypeError, "preflight must be a Preflight", (1, address, address), {}),
        (ValueError, "is fails: .*multifd/source-only.*remedy: ", (wrong, address, address), {}),
        (TypeError, "source must be a path or host:port", (flight, 1, address), {}),
        (TypeError, "destination must be a path or host:port", (flight, address, 1), {}),
        (TypeError, "migrate must be a bool", (flight, address, address), {"migrate": 1}),
        (TypeError, "timeout must be a number of seconds", (flight, address, address), {"timeout": "1"}),
        (ValueError, "timeout must be more than 0", (flight, address, address), {"timeout": 0}),
        (MonitorError, "nobody does not answer over QMP", (flight, address, address), {}),
    ):
        with pytest.raises(error, match=says):
            apply(*arguments, **keywords)
        with pytest.raises(error, match=says):
            asyncio.run(apply_async(*arguments, **keywords))
