"""The report's page: what stands in it, and what a browser makes of it on a wide and on a narrow screen."""

import functools
import io
import re

import numpy as np
import pytest
from PIL import Image
from report.chromium import COMMAND, Chromium
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.planner.planner import plan
from keras_unetmm.report import charts
from keras_unetmm.report.collect import MEMORIES, collected, operators, ways
from keras_unetmm.report.page import page
from keras_unetmm.targets.targets import TARGETS
from keras_unetmm.tflite_file.graph import read

NAME = "<script>alert(1)</script>&"


def skipping():
    """A small encoder-decoder whose input and first map have names that a page must not run."""
    net = Network()
    image = net.input(1, 16, 16, 4)
    kept = net.conv(image, 8, (3, 3))
    y = net.conv(net.pool("MAX_POOL_2D", kept, stride=(2, 2)), 16)
    y = net.resize("RESIZE_NEAREST_NEIGHBOR", net.conv(y, 8), 16, 16)
    net.graph.tensors[kept].name = NAME
    return net.file(net.conv(net.binary("ADD", y, kept), 3))


@functools.cache
def made():
    return collected(skipping(), NAME, "a.tflite", seconds=0.1, compile=False)


@functools.cache
def html():
    return page(made())


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing_of_the_file():
    text = html()
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", text)
    assert NAME not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in text
    assert text.count("<script") == 1
    assert "default-src 'none'" in text


def test_the_figures_are_those_of_the_plan():
    text, found = html(), plan(skipping())
    for way in ways(made())[:2]:
        assert f"{way['bytes']:,} B" in text
    measured = made().result["planned"]["measured"]
    assert ways(made())[1]["bytes"] == measured["head"] + measured["tail"]
    assert f"{found.macs:,} multiply-accumulates a run" in text
    assert [row["name"] for row in operators(made())] == [operator.name for operator in found.graph.operators]
    assert sum(row["macs"] for row in operators(made())) == found.macs
    assert max(row["live"] for row in operators(made())) == found.order_bound
    assert all(f"<b>{target}</b>" in text for target in TARGETS)
    assert 'id="advice"' in text


def test_the_memories_say_by_how_much_it_fits():
    (needed, *_) = (way["bytes"] for way in ways(made()))
    assert f"{128 * 1024 - needed:,} left" in html()
    net = Network()
    large = page(
        collected(net.file(net.conv(net.input(1, 256, 256, 4), 8)), "large", "l.tflite", seconds=0.1, compile=False)
    )
    assert "short by" in large


def test_a_file_that_tflm_does_not_run_fits_into_no_memory_and_the_page_says_why():
    gelu = files.build([((1, 16), None), ((1, 16), None)], [("GELU", [0], [1], None)], [0], [1])
    refused = collected(gelu, "gelu", "gelu.tflite", seconds=0.1, compile=False)
    text = page(refused)
    assert [way["runs"] for way in ways(refused)[:2]] == [False, False]
    assert text.count(">does not run</td>") == 2 * len(MEMORIES)
    assert "0 GELU cannot run: TFLM has no operator GELU. Instead: " in text
    assert 'id="refusals"' not in html()
    assert ">does not run</td>" not in html()


def test_every_buffer_of_the_arena_is_drawn_where_it_lies():
    found = made().plan
    drawn = charts.arena_map(found)
    assert drawn["head"] == found.planned.head
    assert len(drawn["boxes"]) == len(found.planned.lifetimes)
    for box, life, address in zip(drawn["boxes"], found.planned.lifetimes, found.planned.placement.addresses, strict=True):
        scale = charts.HEIGHT / found.planned.head
        np.testing.assert_allclose(box["y"] + box["h"], charts.HEIGHT - address * scale, atol=0.02)
        np.testing.assert_allclose(box["h"], life.bytes * scale, atol=0.01)
        each = charts.WIDTH / len(found.planned.live)
        np.testing.assert_allclose([box["x"], box["w"]], [life.first * each, (life.last - life.first + 1) * each], atol=0.02)
    assert any(box["kind"] == "network input" for box in drawn["boxes"])


def test_the_bars_of_the_profile_add_up_to_the_live_bytes():
    found = made().plan
    limit = found.order_bound
    chart = charts.profile(found, limit)
    tall = [0.0] * len(found.live)
    for bar in chart["bars"]:
        tall[round(bar["x"] * len(found.live) / charts.WIDTH)] += bar["h"]
    np.testing.assert_allclose(tall, np.array(found.live) * charts.HEIGHT / limit, atol=0.05)
    assert chart["peak"] == max(found.live)
    assert any(bar["kind"] == "skip" for bar in chart["bars"])


def of_floats():
    net = Network(dtype="float32")
    return net.file(net.conv(net.input(1, 8, 8, 4), 4))


@pytest.mark.parametrize("file", [lambda: files.chain(0), unusual.loop, unusual.remembered, of_floats])
def test_any_file_has_a_page(file):
    text = page(collected(file(), "any", "any.tflite", seconds=0.1, compile=False))
    assert f"{len(read(file()).main.operators)} operators" in text


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Opens the page in a window of that width."""
    if COMMAND is None:
        pytest.skip("Chromium is not installed: the page is not opened. Install the package chromium.")
    folder, browsers = tmp_path_factory.mktemp("page"), []
    (folder / "report.html").write_text(html(), encoding="utf-8")

    def opened(width):
        browser = Chromium((folder / "report.html").as_uri(), width, 800, folder / f"browser{len(browsers)}")
        browsers.append(browser)
        return browser

    yield opened
    for browser in browsers:
        browser.close()


def test_pointing_at_a_buffer_says_its_name_shape_bytes_and_operators(shown):
    browser, boxes = shown(1200), charts.arena_map(made().plan)["boxes"]
    assert browser.value("getComputedStyle(document.getElementById('tip')).display") == "none"
    place = max(range(len(boxes)), key=lambda i: boxes[i]["w"] * boxes[i]["h"] if boxes[i]["kind"] != "scratch" else 0)
    browser.value("document.querySelectorAll('#map rect').forEach((r, i) => r.id = 'box' + i)")
    for overlapping in range(len(boxes)):
        if overlapping != place:
            browser.value(f"document.getElementById('box{overlapping}').style.display = 'none'")
    browser.point_at(f"#box{place}")
    said, box = browser.value("document.getElementById('tip').innerText"), boxes[place]
    assert browser.value("getComputedStyle(document.getElementById('tip')).display") == "block"
    for part in (box["name"], box["shape"], f"{box['bytes']:,} bytes", f"operator {box['operator']}"):
        assert part in said
    browser.point_at("svg rect.column")
    assert "0 CONV_2D" in browser.value("document.getElementById('tip').innerText")
    browser.point_at("h1")
    assert browser.value("getComputedStyle(document.getElementById('tip')).display") == "none"


@pytest.mark.parametrize("width", [1200, 360])
def test_the_page_fits_the_screen_and_is_not_blank(shown, width):
    browser = shown(width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.querySelector('h1').innerText") == NAME
    assert browser.value("document.querySelectorAll('#map rect').length") == len(charts.arena_map(made().plan)["boxes"])
    sizes = "[...document.querySelectorAll('p, td, li')].map(e => parseFloat(getComputedStyle(e).fontSize))"
    assert min(browser.value(sizes)) >= 12
    image = np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB"))
    assert image.shape == (800, width, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20


def test_on_a_narrow_screen_every_way_is_seen_and_what_is_wider_says_so(shown):
    browser, names = shown(390), [way["name"] for way in ways(made())]
    right = "[...document.querySelectorAll('#memories td')].map(e => e.getBoundingClientRect().right)"
    assert max(browser.value(right)) <= 390
    labels = "[...document.querySelectorAll('#memories tr:nth-child(2) td')].map(e => e.dataset.of)"
    assert browser.value(labels)[1:] == names
    shown_label = "getComputedStyle(document.querySelector('#memories td.n'), '::before').content"
    assert names[0] in browser.value(shown_label)
    browser.value("document.querySelectorAll('details').forEach(e => e.open = true)")
    for sign, seen in (("wide", "scrollWidth - e.clientWidth"), ("more", "scrollWidth - e.clientWidth - e.scrollLeft")):
        signs = f"[...document.querySelectorAll('.scroll')].map(e => [e.classList.contains('{sign}'), e.{seen} > 2])"
        for said, hidden in browser.value(f"measure(), {signs}"):
            assert said == hidden
    assert browser.value("document.querySelector('#operators').parentElement.classList.contains('more')")
    browser.value("document.querySelector('#operators').parentElement.scrollLeft = 10000")
    assert not browser.value("measure(), document.querySelector('#operators').parentElement.classList.contains('more')")
    wide = shown(1280)
    assert wide.value("getComputedStyle(document.querySelector('#memories td')).display") == "table-cell"
