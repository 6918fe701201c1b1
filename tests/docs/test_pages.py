"""README and pages: their links lead somewhere, and the commands and names in their examples exist."""

import ast

import pytest
import typer.main
from docs.pages import PAGES, ROOT, anchors, blocks, commands, links

from keras_unetmm.cli.commands import app

NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
COMMANDS = typer.main.get_command(app).commands


def test_the_front_page_can_be_read_at_one_sitting():
    assert len((ROOT / "README.md").read_text().split("\n")) <= 150
    assert "docs/engine.png" in links(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), f"{page.name} leads to {link}"
        assert not anchor or anchor in anchors(there), f"{page.name} leads to {link}: no such heading"


def test_every_page_is_in_the_navigation():
    site = (ROOT / "mkdocs.yml").read_text()
    for page in PAGES[1:]:
        assert str(page.relative_to(ROOT / "docs")) in site, page


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_and_their_options_exist(page):
    for name, *words in commands(page):
        if name.startswith("-"):
            continue
        assert name in COMMANDS, f"{page.name} calls unetmm {name}"
        command = COMMANDS[name]
        if hasattr(command, "commands"):  # unetmm device run
            assert words[0] in command.commands, f"{page.name} calls unetmm {name} {words[0]}"
            command = command.commands[words[0]]
        known = {"--help"}  # and --predict as well as --no-predict
        for parameter in command.params:
            known |= {*parameter.opts, *parameter.secondary_opts}
        for word in words:
            assert not word.startswith("-") or word.split("=")[0] in known, f"{page.name}: unetmm {name} {word}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_what_examples_take_from_the_package_is_public(page):
    for block in blocks(page, "python"):
        tree = ast.parse(block)
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        rooms = {alias.name for node in imported if node.module == "keras_unetmm" for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras_unetmm."):
                assert {alias.name for alias in node.names} <= _public(node.module.split(".", 1)[1]), node.module
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in rooms:
                assert node.attr in _public(node.value.id), f"{page.name}: {node.value.id}.{node.attr}"


def _public(room):
    """The public names of a room, read and not imported: no backend is needed."""
    path = ROOT / "keras_unetmm" / room.replace(".", "/")
    tree = ast.parse((path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py").read_text())
    names = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return names | {file.stem for file in path.glob("*.py")}
