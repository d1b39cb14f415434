# SPDX-License-Identifier: GPL-2.0-or-later

"""What a binary of a release to come is asked."""

import pytest

from tests.vectors import questions

SCHEMA = {
    "migrate-set-parameters": {"arg-type": "arguments"},
    "arguments": {
        "members": [
            {"name": f"x-new-{kind}", "type": kind}
            for kind in ("int", "bool", "str", "number", "enum", "strings", "object")
        ]
    },
    "int": {"meta-type": "builtin", "json-type": "int"},
    "bool": {"meta-type": "builtin", "json-type": "boolean"},
    "str": {"meta-type": "builtin", "json-type": "string"},
    "number": {"meta-type": "builtin", "json-type": "number"},
    "enum": {"meta-type": "enum", "values": ["first", "second"]},
    "strings": {"meta-type": "array", "element-type": "str"},
    "object": {"meta-type": "object", "members": []},
}


@pytest.mark.parametrize(
    "name, value",
    [
        ("x-new-int", 2**64),
        ("x-new-int", -1),
        ("x-new-bool", False),
        ("x-new-str", ""),
        ("x-new-number", 1.5),
        ("x-new-enum", "second"),
        ("x-new-strings", ["a", "b"]),
        ("x-new-object", {}),
    ],
)
def test_a_new_parameter_is_asked_about_by_its_type(name, value):
    assert {name: value} in questions.single_parameters(SCHEMA)


def test_what_was_asked_before_is_asked_again():
    requests = questions.single_parameters(SCHEMA)
    assert {"multifd-channels": 256} in requests
    assert {"multifd-compression": "zstd"} in requests
    assert any("block-bitmap-mapping" in request for request in requests)


def test_pairs_of_wrong_parameters_are_asked_in_both_orders():
    cases = [[{name: value}, f"{name} {value}"] for name in "ab" for value in range(5)]
    pairs = questions.wrong_pairs([*cases, [{"c": 1}, ""]], questions.FULL)
    assert {tuple(pair.items()) for pair in pairs} == {
        order for a in (0, 1, 4) for b in (0, 1, 4) for order in ((("a", a), ("b", b)), (("b", b), ("a", a)))
    }


def test_sets_of_a_started_context_begin_with_what_is_on():
    names = ["xbzrle", "postcopy-ram", "multifd", "postcopy-preempt"]
    masks = list(questions.sets("incoming-started-preempt", names, questions.QUICK))
    assert masks[:5] == [0b1010, 0b1011, 0b1010, 0b1110, 0b1010]
    assert masks == list(questions.sets("incoming-started-preempt", names, questions.QUICK))
