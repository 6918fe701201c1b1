# SPDX-License-Identifier: Apache-2.0
"""`--classes`: the names of labels, and what stands for each of them in a user's masks."""

from pathlib import Path

ClassTable = dict[str, int | str]  # a gray value or a colour "#rrggbb" by the name of its label


def class_table(text: str) -> ClassTable:
    """The dict of `a,b,c`, of `a=7,b=#ff0000`, or of a file with a line `name,r,g,b` or `name,value` for each."""
    path = Path(text)
    if path.is_file():
        return _table_of_file(path)
    entries = [entry.strip().partition("=") for entry in text.split(",")]
    if not all(name for name, _, _ in entries) or len({bool(sign) for _, sign, _ in entries}) > 1:
        raise ValueError(
            "--classes must be names with commas between, each or none with =VALUE or =#RRGGBB, or a file with a line "
            f"NAME,R,G,B for each. Received: {text!r}."
        )
    if not entries[0][1]:
        names = [name for name, _, _ in entries if name != "background"]
        return {"background": 0, **{name: label for label, name in enumerate(names, 1)}}
    return _with_background({name: int(value) if value.isdigit() else value for name, _, value in entries})


def _table_of_file(path: Path) -> ClassTable:
    table: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        name, *values = (part.strip() for part in line.replace(";", ",").replace("\t", ",").split(","))
        if not name or name.startswith("#") or (values and not all(value.isdigit() for value in values)):
            continue  # a heading
        if len(values) not in (0, 1, 3) or any(int(value) > 255 for value in values):
            raise ValueError(f"{path} must have a line NAME, NAME,VALUE or NAME,R,G,B for each class. Received: {line!r}.")
        table[name] = "#{:02x}{:02x}{:02x}".format(*map(int, values)) if len(values) == 3 else "".join(values)
    if not any(table.values()):
        return class_table(",".join(table))
    if not all(table.values()):
        bare = next(name for name, value in table.items() if not value)
        raise ValueError(
            f"{path} must have a value or a colour for each class, or for none. Received: {bare!r} without one."
        )
    return _with_background({name: value if value.startswith("#") else int(value) for name, value in table.items()})


def _with_background(table: ClassTable) -> ClassTable:
    """The table with the background first, which is 0 or black unless it is named."""
    if any(value in (0, "#000000") for value in table.values()):
        return table
    black = "#000000" if any(isinstance(value, str) for value in table.values()) else 0
    return {"background": black, **table}
