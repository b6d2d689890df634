from __future__ import annotations

from pathlib import Path

from tests.generator.conftest import Run
from tests.generator.running import PETS


def test_field_order_is_no_change(run: Run, spec: Path) -> None:
    """Two properties that swap places change nothing for users: constructors and `match` go by name."""
    reordered = PETS.replace(
        """        name: {type: string, description: What it is called.}
        age: {type: integer}
""",
        """        age: {type: integer}
        name: {type: string, description: What it is called.}
""",
    ).replace("required: [name]", "required: [age, name]")
    required = PETS.replace("required: [name]", "required: [name, age]")
    assert reordered != required != PETS
    spec.write_text(required, encoding="utf-8")
    other = spec.with_name("reordered.yaml")
    other.write_text(reordered, encoding="utf-8")
    outcome = run("diff", spec, other)
    assert outcome.out.endswith("  Nothing changes for users.\n"), outcome
