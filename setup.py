"""What pyproject.toml cannot say: the wheel carries recipes/ as keras_unetmm.recipes, where `unetmm train NAME` looks."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithRecipes(build_py):
    """Copies the recipes beside the package's modules; a checkout installed as editable reads them where they are."""

    def run(self):
        super().run()
        if not self.editable_mode:
            folder = Path(self.build_lib) / "keras_unetmm" / "recipes"
            folder.mkdir(parents=True, exist_ok=True)
            for recipe in sorted(Path("recipes").glob("*.py")):
                shutil.copyfile(recipe, folder / recipe.name)


setup(cmdclass={"build_py": BuildWithRecipes})
