from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.names import attribute_name, class_name, method_name, module_name
from generator.plan.annotations import qualified
from generator.text import clean, comment, docstring, one_line

AWKWARD = st.text(st.one_of(st.sampled_from("\"'\\\n\r\t {}#%"), st.characters()))


@given(AWKWARD, st.sampled_from([0, 4, 8]))
def test_any_text_makes_one_docstring(text: str, indent: int) -> None:
    """Any text becomes one docstring with the same words."""
    tree = ast.parse(f"class X:\n    {docstring(text, 4)}" if indent else docstring(text))
    assert len(tree.body) == 1
    node = tree.body[0]
    inner = node.body[0] if isinstance(node, ast.ClassDef) else node
    assert isinstance(inner, ast.Expr)
    assert isinstance(inner.value, ast.Constant)
    assert "".join(str(inner.value.value).split()) == "".join(clean(text).split())


@given(AWKWARD)
def test_any_text_makes_comments(text: str) -> None:
    """Any text becomes comments and nothing else."""
    assert all(line.startswith("#") for line in comment(text).split("\n"))
    assert "\n" not in one_line(text)
    assert not ast.parse(f"# {one_line(text)}\n{comment(text)}\n").body


@given(st.text())
def test_any_text_makes_names(text: str) -> None:
    """Any text becomes valid names."""
    assert attribute_name(text or "x").isidentifier()
    assert class_name(text).isidentifier()
    assert module_name(class_name(text)).isidentifier()
    assert len(module_name(class_name(text * 50)).encode()) < 200


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("camelCase", "camel_case"), ("HTTPCode", "http_code"), ("class", "class_"), ("type", "type"), ("list", "list"),
        ("+1", "plus_1"), ("-1", "minus_1"), ("100", "field_100"), ("_id", "field_id"), ("a b", "a_b"),
    ],
)  # fmt: skip
def test_names_are_pythonic(name: str, attribute: str) -> None:
    """Names follow Python's conventions."""
    assert attribute_name(name) == attribute


def test_methods_avoid_resource_members() -> None:
    """Methods may have names of builtins, but not of members of resources."""
    assert [method_name(name) for name in ("list_", "import_", "with_raw_response")] == [
        "list", "import_", "with_raw_response_",
    ]  # fmt: skip


def test_long_lines_are_paragraphs() -> None:
    """A very long line is a paragraph."""
    one, other = "One sentence. " * 12, "Another sentence. " * 10
    assert docstring(f"{one.strip()}\n{other.strip()}").count("\n\n") == 1
    assert docstring("wrapped\nby hand") == '"""wrapped by hand"""'


def test_lists_and_code_keep_their_lines() -> None:
    """Lists and code keep their lines."""
    text = "Words:\n- one\n- two\n\n    code = 1\n    more = 2"
    assert clean(text) in docstring(text)


def test_hidden_names_are_qualified() -> None:
    """Only hidden names of an annotation are qualified."""
    code = "list[Literal['list', \"it's list\", 'a\\'list']] | date | _models.list | None"
    assert qualified(code, {"list", "date", "models"}) == (
        "_builtins.list[Literal['list', \"it's list\", 'a\\'list']] | _datetime.date | _models.list | None"
    )
