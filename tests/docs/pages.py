"""The pages: README.md, docs/ and what stands in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(page, language):
    """Returns the texts of the fenced blocks of a language, in order."""
    return [text for name, text in _FENCE.findall(page.read_text()) if name == language]


def links(page):
    """Returns the targets of the links and pictures of a page, those to other sites apart."""
    return [link for link in _LINK.findall(_FENCE.sub("", page.read_text())) if "://" not in link]


def anchors(page):
    """Returns the anchors of the headings of a page, as GitHub and the site name them."""
    titles = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def commands(page):
    """Returns the calls of `unetmm` in the blocks of a page, each as a list of words."""
    lines = "\n".join(blocks(page, "")).replace("\\\n", " ").split("\n")
    calls = [line.split(" #")[0].split(" && ")[0].split() for line in lines if line.startswith("unetmm ")]
    return [call[1:] for call in calls]
