# SPDX-License-Identifier: Apache-2.0
"""Names and texts from elsewhere, as C may hold them."""

import re

_KEYWORDS = (  # of C and C++
    "auto break case char const continue default do double else enum extern float for goto if inline int long "
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
    "main alignas alignof and and_eq asm bitand bitor bool catch class compl constexpr const_cast decltype delete "
    "dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq "
    "private protected public reinterpret_cast static_assert static_cast template this thread_local throw true try "
    "typeid typename using virtual wchar_t xor xor_eq "
)
_HEADERS = (  # names of files that must not hide one of the system
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar wchar wctype memory "
    "malloc unistd pthread new version aux con nul prn "
)
_RESERVED = frozenset((_KEYWORDS + _HEADERS).split())
_LONGEST = 40
_PLAIN = re.compile(r"[A-Za-z0-9 _.:;,()+=\-/\[\]]")


def checked_name(name):
    """Returns the name of a network, from which the names of its files, macros and functions are made.

    Raises:
        ValueError: if it is no identifier of C and C++ that is free for a caller's use.
    """
    fits = isinstance(name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None and len(name) <= _LONGEST
    if not fits or name.lower() in _RESERVED or name.lower().startswith("unetmm"):
        raise ValueError(
            f"name must be a C identifier: a letter, then letters, digits and _, at most {_LONGEST} characters, no keyword "
            f"or standard header of C or C++, and not beginning with unetmm. Received: {name!r}. Give it another name."
        )
    return name


def name_of(source):
    """Returns a network's name made of a file's or a preset's."""
    made = re.sub(r"[^A-Za-z0-9]+", "_", source).strip("_").lower()[:_LONGEST].rstrip("_")
    made = made if made[:1].isalpha() else f"network_{made}"[:_LONGEST].rstrip("_")
    return f"network_{made}"[:_LONGEST].rstrip("_") if made in _RESERVED or made.startswith("unetmm") else made


def in_full(interpreter):
    """Returns how files call an interpreter, such as TFLM."""
    return "TensorFlow Lite for Microcontrollers" if interpreter == "TFLM" else interpreter


def escaped(text, longest=80):
    """Returns any text as printable ASCII on one line, which ends no comment and begins no trigraph."""
    made = "".join(c if _PLAIN.match(c) else f"\\u{{{ord(c):x}}}" for c in text[:longest])
    return made + "..." if len(text) > longest else made


def literal(value):
    """Returns a real number as a C constant of type float."""
    made = f"{value:.9g}"
    return f"{made if set(made) & set('.e') else made + '.0'}f"
