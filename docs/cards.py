"""A hook of mkdocs: the cards of tflite/ become pages of the site, and links to them lead there."""

from pathlib import Path

from mkdocs.structure.files import File, InclusionLevel

CARDS = Path(__file__).parents[1] / "tflite"


def on_files(files, config):
    """Adds the card of every preset and its pictures, as cards/NAME/..."""
    for path in sorted(CARDS.glob("*/*")):
        if path.name == "README.md" or path.suffix in (".png", ".jpg"):
            name = "index.md" if path.name == "README.md" else path.name
            file = File.generated(config, f"cards/{path.parent.name}/{name}", abs_src_path=str(path))
            file.inclusion = InclusionLevel.NOT_IN_NAV
            files.append(file)
    return files


def on_page_markdown(markdown, page, **_):
    """Leads links that are right in the repository to the pages of the site."""
    return markdown.replace("../../tflite/", "../cards/").replace("/README.md)", "/index.md)")
