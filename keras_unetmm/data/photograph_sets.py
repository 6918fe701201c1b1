# SPDX-License-Identifier: Apache-2.0
"""Clean photographs: to train on with a degradation, and the sets that denoising and super-resolution are scored on.

Every reader takes `folder` (the folder of all data sets), returns `(clean, clean)` for each example, uint8 `(H, W, 3)`, and
raises `MissingDataError` for a folder or file that is not there. With `partial=True` it takes what is there. The file is
long for its many sets: each takes a dozen lines, most of them what its page says.
"""

from collections.abc import Sequence
from pathlib import Path

from keras_unetmm.data.dataset import DataSet, joined
from keras_unetmm.data.images import read_pixels
from keras_unetmm.data.layout import files, home, one_of, partner, reader, whole
from keras_unetmm.data.tiny import smooth_picture, write_tiny
from keras_unetmm.types import PathLike

BSDS = ("bsds500", "train/*.jpg, val/*.jpg and test/*.jpg", "github.com/BIDS/BSDS500 (BSDS500/data/images)")
BSDS_COUNTS = {"train": 200, "val": 100, "test": 200}
LOSSLESS = "*.[bp][mn][pg]"  # .bmp or .png


def _tiny(pattern, *stems, channels=3):
    """Makes the function that writes one picture for each stem: `pattern` is their path below `--data`."""

    def write(folder, rng):
        for i, stem in enumerate(stems):
            write_tiny(Path(folder) / pattern.format(stem), smooth_picture(rng, 80 - 8 * i, 96, channels))

    return write


def _photographs(name, paths, count, partial, channels=3):
    def read(example):
        clean = read_pixels(example[0], channels)
        return clean, clean

    return DataSet(name, whole(name, tuple((path,) for path in paths), count, partial), read)


def _folder(folder, name, count, partial, source, channels=3, below=".", pattern=LOSSLESS):
    """The photographs of one folder: most readers are no more than that."""
    root = home(folder, name, f"{count:,} images ({below}/{pattern})".replace("./", ""), source) / below
    return _photographs(name, files(root, pattern, "the images"), count, partial, channels)


def _tiny_bsds500(folder, rng):
    stems = {"train": ("12003", "302003", "100075", "8049"), "val": ("101085", "101087", "3096"), "test": ("2018", "100007")}
    for split, names in stems.items():
        _tiny(f"bsds500/{split}/{{}}.jpg", *names)(folder, rng)
    (Path(folder) / "bsds500" / "cbsd68.txt").write_text("# file  sha256\nval/101087.jpg 00\nval/101085.jpg 00\n")


@reader(tiny=_tiny_bsds500)
def bsds500(
    folder: PathLike, splits: Sequence[str] = ("train", "test"), leave_out: Sequence[str] = (), partial: bool = False
) -> DataSet:
    """Reads BSDS500 (Arbelaez et al., TPAMI 2011), 481x321 or 321x481: the photographs denoisers are trained on.

    ```
    bsds500/train/*.jpg  200     val/*.jpg  100     test/*.jpg  200
    ```

    From github.com/BIDS/BSDS500, BSDS500/data/images; for non-commercial research and education. The files are JPEG, so the
    reference has a little noise of its own.

    Args:
        folder: the folder of all data sets.
        splits: of `"train"`, `"val"` and `"test"`; `"val"` holds CBSD68 and B100.
        leave_out: stems of pictures not to take: `("302003", "12003")` of train are also in Set5 and Set12.
        partial: bool, whether fewer images will do.

    Raises:
        ValueError: for other splits, or a picture to leave out that is not among them.

    Examples:
        >>> data.bsds500.tiny("tiny", np.random.default_rng(0))
        >>> data.bsds500("tiny", partial=True)[0][0].shape
        (64, 96, 3)
    """
    root = home(folder, *BSDS)
    splits = [one_of("each of splits", split, tuple(BSDS_COUNTS)) for split in splits]
    name = f"bsds500 {'+'.join(splits)}"
    paths = [path for split in splits for path in files(root / split, "*.jpg", "the images")]
    paths = whole(name, paths, sum(BSDS_COUNTS[split] for split in splits), partial)
    if unknown := set(leave_out) - {path.stem for path in paths}:
        raise ValueError(
            f"leave_out must name pictures of {name}, without .jpg. Received: {sorted(unknown)}, which are not."
        )
    kept = [path for path in paths if path.stem not in leave_out]
    return _photographs(name, kept, len(kept), partial)


@reader(tiny=_tiny_bsds500)
def cbsd68(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads CBSD68 (Martin et al., ICCV 2001), the 68 test images of colour denoising; terms as of BSDS500.

    ```
    bsds500/cbsd68.txt  68 lines such as "val/101085.jpg ...", and val/*.jpg     or, without that list,
    cbsd68/*.png        68, from github.com/cszn/FFDNet (testsets/CBSD68)
    ```

    Examples:
        >>> data.cbsd68.tiny("tiny", np.random.default_rng(0))
        >>> data.cbsd68("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    listing = Path(folder) / "bsds500" / "cbsd68.txt"
    if not listing.is_file():
        source = f"github.com/cszn/FFDNet (testsets/CBSD68), or name them in {listing}"
        return _folder(folder, "cbsd68", 68, partial, source)
    lines = [line.split() for line in listing.read_text().splitlines()]
    names = sorted(words[0] for words in lines if words and not words[0].startswith("#"))
    return _photographs("cbsd68", [partner(listing, listing.parent / name) for name in names], 68, partial)


@reader(tiny=_tiny_bsds500)
def b100(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads B100, the 100 test images of super-resolution; terms as of BSDS500, whose 100 val images they are.

    ```
    b100/*.png          100, some sets of it cropped to a multiple of the scale     or, without that folder,
    bsds500/val/*.jpg   100
    ```

    Examples:
        >>> data.b100.tiny("tiny", np.random.default_rng(0))
        >>> data.b100("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    if (Path(folder) / "b100").is_dir():
        return _folder(folder, "b100", 100, partial, "the authors")
    return _photographs("b100", files(home(folder, *BSDS) / "val", "*.jpg", "the images"), 100, partial)


@reader(tiny=_tiny("kodak24/{}.png", "kodim01", "kodim02"))
def kodak24(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads Kodak24: 24 photographs from film.

    ```
    kodak24/kodim01.png ... kodim24.png
    ```

    500x500 from github.com/cszn/FFDNet (testsets/Kodak24), which most denoising papers score on, or 768x512 from
    r0k.us/graphics/kodak: the scores differ. By its keeper, Eastman Kodak released them for any use.

    Examples:
        >>> data.kodak24.tiny("tiny", np.random.default_rng(0))
        >>> data.kodak24("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    return _folder(folder, "kodak24", 24, partial, "github.com/cszn/FFDNet (testsets/Kodak24)")


@reader(tiny=_tiny("set5/{}_GT.png", "baby", "bird"))
def set5(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads Set5 (Bevilacqua et al., BMVC 2012), from 228x344 to 512x512; no licence known: for evaluation only.

    ```
    set5/*.png or *.bmp    5, the high-resolution images alone
    ```

    From github.com/cszn/DnCNN (testsets/Set5).

    Examples:
        >>> data.set5.tiny("tiny", np.random.default_rng(0))
        >>> data.set5("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    return _folder(folder, "set5", 5, partial, "github.com/cszn/DnCNN (testsets/Set5)")


@reader(tiny=_tiny("set12/{}.png", "01", "02", channels=1))
def set12(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads Set12, the gray test images of denoising, uint8 `(H, W, 1)`; rights are unclear: for evaluation only.

    ```
    set12/01.png ... 12.png    7 of 256x256, 5 of 512x512
    ```

    From github.com/cszn/FFDNet (testsets/Set12).

    Examples:
        >>> data.set12.tiny("tiny", np.random.default_rng(0))
        >>> data.set12("tiny", partial=True)[0][0].shape
        (80, 96, 1)
    """
    return _folder(folder, "set12", 12, partial, "github.com/cszn/FFDNet (testsets/Set12)", channels=1)


def _tiny_set14(folder, rng):
    _tiny("set14/{}.png", "baboon", "comic")(folder, rng)
    _tiny("set14/{}.png", "bridge", channels=1)(folder, rng)


@reader(tiny=_tiny_set14)
def set14(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads Set14 (Zeyde, Elad and Protter, 2010), from 250x361 to 720x576; no licence known: for evaluation only.

    ```
    set14/*.png or *.bmp    14, the high-resolution images alone; the one that is gray is returned as RGB
    ```

    From github.com/cszn/DnCNN (testsets/Set14).

    Examples:
        >>> data.set14.tiny("tiny", np.random.default_rng(0))
        >>> data.set14("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    return _folder(folder, "set14", 14, partial, "github.com/cszn/DnCNN (testsets/Set14)")


@reader(tiny=_tiny("urban100/{}.png", "img_001", "img_002"))
def urban100(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads Urban100 (Huang et al., CVPR 2015): 100 photographs of buildings; no licence known.

    ```
    urban100/*.png    100, the high-resolution images alone
    ```

    From github.com/jbhuang0604/SelfExSR.

    Examples:
        >>> data.urban100.tiny("tiny", np.random.default_rng(0))
        >>> data.urban100("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    return _folder(folder, "urban100", 100, partial, "github.com/jbhuang0604/SelfExSR")


@reader(tiny=_tiny("manga109/{}.png", "AisazuNihaIrarenai", "Arisa"))
def manga109(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads Manga109 as super-resolution has it (Matsui et al., 2017): one page of each of 109 books.

    ```
    manga109/*.png    109, the high-resolution images alone
    ```

    From manga109.org, for academic research after registration.

    Examples:
        >>> data.manga109.tiny("tiny", np.random.default_rng(0))
        >>> data.manga109("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    return _folder(folder, "manga109", 109, partial, "manga109.org")


def _tiny_div2k(folder, rng):
    _tiny("div2k/DIV2K_train_HR/{}.png", "0001", "0002")(folder, rng)
    _tiny("div2k/DIV2K_valid_HR/{}.png", "0801", "0802")(folder, rng)


@reader(tiny=_tiny_div2k)
def div2k(folder: PathLike, split: str = "train", partial: bool = False) -> DataSet:
    """Reads DIV2K (Agustsson and Timofte, CVPRW 2017): photographs of about 2040 pixels a side; for academic research.

    ```
    div2k/DIV2K_train_HR/0001.png ...  800     DIV2K_valid_HR/0801.png ...  100
    ```

    From data.vision.ee.ethz.ch/cvl/DIV2K.

    Args:
        folder: the folder of all data sets.
        split: `"train"` or `"val"`.
        partial: bool, whether fewer images will do.

    Examples:
        >>> data.div2k.tiny("tiny", np.random.default_rng(0))
        >>> data.div2k("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    below = {"train": "DIV2K_train_HR", "val": "DIV2K_valid_HR"}[one_of("split", split, ("train", "val"))]
    count = {"train": 800, "val": 100}[split]
    return _folder(folder, "div2k", count, partial, "data.vision.ee.ethz.ch/cvl/DIV2K", below=below, pattern="*.png")


_tiny_flickr2k = _tiny("flickr2k/Flickr2K_HR/{}.png", "000001", "000002")


@reader(tiny=_tiny_flickr2k)
def flickr2k(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads Flickr2K (Lim et al., CVPRW 2017): photographs of about 2040 pixels a side; their makers keep the rights.

    ```
    flickr2k/Flickr2K_HR/000001.png ...  2,650
    ```

    From github.com/limbee/NTIRE2017.

    Examples:
        >>> data.flickr2k.tiny("tiny", np.random.default_rng(0))
        >>> data.flickr2k("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    return _folder(folder, "flickr2k", 2650, partial, "github.com/limbee/NTIRE2017", below="Flickr2K_HR", pattern="*.png")


def _tiny_df2k(folder, rng):
    _tiny_div2k(folder, rng)
    _tiny_flickr2k(folder, rng)


@reader(tiny=_tiny_df2k)
def df2k(folder: PathLike, partial: bool = False) -> DataSet:
    """Reads DF2K, the 3,450 training images of DIV2K and Flickr2K: see `div2k` and `flickr2k`.

    Examples:
        >>> data.df2k.tiny("tiny", np.random.default_rng(0))
        >>> data.df2k("tiny", partial=True)[0][0].shape
        (80, 96, 3)
    """
    return joined("df2k", div2k(folder, partial=partial), flickr2k(folder, partial))
