"""Tutorials as notebooks, made of their pages: text, Python, and commands of the shell with an exclamation mark.

Run     python docs/notebooks.py                          writes docs/tutorials/*.ipynb again
        python docs/notebooks.py --execute PAGE.ipynb     runs one in the working folder and prints what it printed
"""

import argparse
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TUTORIALS = Path(__file__).parent / "tutorials"
_FENCE = re.compile(r"^```(python|)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")  # to other pages: a notebook stands alone


def notebook(page):
    """Returns the notebook of a page, without outputs."""
    cells, end, text = [], 0, page.read_text()
    for match in _FENCE.finditer(text):
        cells.append(new_markdown_cell(_LINK.sub(r"\1", text[end : match.start()]).strip()))
        cells.append(new_code_cell(match[2].strip() if match[1] else _commands(match[2])))
        end = match.end()
    cells.append(new_markdown_cell(_LINK.sub(r"\1", text[end:]).strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    made = new_notebook(cells=[cell for cell in cells if cell["source"]])
    made["metadata"] = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return made


def _commands(block):
    return "\n".join(f"!{line}" for line in block.strip().split("\n"))


def execute(path):
    """Runs a notebook in the working folder and returns what its cells printed."""
    from nbclient import NotebookClient

    done = NotebookClient(nbformat.read(path, 4), timeout=600).execute()
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs if output.get("name") == "stdout")


def main():
    """Writes the notebooks, or runs one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--execute", type=Path, help="a notebook to run")
    arguments = parser.parse_args()
    if arguments.execute:
        print(execute(arguments.execute))
        return
    for page in sorted(TUTORIALS.glob("*.md")):
        nbformat.write(notebook(page), page.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
