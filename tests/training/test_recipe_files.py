"""Recipes by name: from a checkout, from an installed package, and names that no recipe has."""

import pytest

from keras_unetmm.training import recipe_files


def test_a_name_is_found_in_the_checkout():
    path = recipe_files.recipe_path("denoise_bsd_nafnet")
    assert path.is_file()
    assert path.name == "denoise_bsd_nafnet.py"


def test_an_installed_package_carries_them(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("\nrecipe = None\n")
    monkeypatch.setattr(recipe_files, "FOLDERS", (tmp_path, tmp_path / "none"))
    assert recipe_files.recipe_path("mine") == tmp_path / "mine.py"
    assert recipe_files.recipe_names() == ["mine"]


def test_a_path_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "denoise_bsd_nafnet").write_text("recipe = None")
    assert not recipe_files.recipe_path("denoise_bsd_nafnet").is_absolute(), "a file of that name goes first"
    assert recipe_files.recipe_path("folder/nothing.py").name == "nothing.py"


def test_an_unknown_name_says_what_is_near():
    with pytest.raises(FileNotFoundError, match=r"Received: 'denoise_bsd'.*denoise_bsd_nafnet"):
        recipe_files.recipe_path("denoise_bsd")


def test_what_is_no_recipe_is_not_listed():
    names = recipe_files.recipe_names()
    assert "demo" not in names
    assert {"denoise_bsd_nafnet", "lesions_isic2018_unet"} <= set(names)
