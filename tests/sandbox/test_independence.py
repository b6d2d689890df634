"""The sandbox shares no code with the clients that it tests."""

import ast
import subprocess
import sys
from pathlib import Path

import claude_batches.sandbox

PACKAGE = Path(claude_batches.sandbox.__file__).parent
ALLOWED = {"attrs", "jinja2", "jsonschema_rs", "orjson", "starlette", "uvicorn"}


OPTIONAL = {"genai_prices"}


def imported(source: Path) -> set[str]:
    """Return the top-level names of all packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level < 2, f"{source.name} reaches outside of the sandbox"
            if node.level == 0:
                found.add(node.module.split(".")[0])
    return found


def test_the_sandbox_imports_few_packages():
    """It imports neither the client nor generated code."""
    modules = [path for path in PACKAGE.glob("*.py") if path.name != "pytest_plugin.py"]
    assert len(modules) > 10
    assert set.union(*map(imported, modules)) - set(sys.stdlib_module_names) == ALLOWED | OPTIONAL


def test_the_sandbox_loads_no_http_client():
    """httpx is not loaded with the sandbox."""
    code = "import sys; from claude_batches.sandbox import Sandbox; sys.exit('httpx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
