import json

from rich.console import Console
from tflite import files

from keras_unetmm.planner.report import as_table, report
from keras_unetmm.tflite_file.names import short_name

MAP = 8 * 8 * 4  # bytes of the files' full-size maps


def test_the_json_says_what_the_plan_says():
    found, result = report(files.unet())
    assert json.loads(json.dumps(result)) == result
    assert list(result) == ["operators", "macs", "flash_bytes", "as_is", "planned", "peak", "skips"]
    assert result["flash_bytes"] == len(files.unet())
    assert (result["as_is"]["order_bound"], result["as_is"]["greedy_head"]) == (found.order_bound, found.greedy_head)
    assert set(result["as_is"]["measured"]) == {"head", "tail", "total"}
    assert result["as_is"]["measured"]["head"] == found.greedy_head
    assert (result["peak"]["operator"], result["peak"]["name"]) == (5, "ADD")
    assert result["peak"]["live"][0] == {"tensor": "graph/t1/value", "shape": [1, 8, 8, 4], "bytes": 256}
    assert sum(tensor["bytes"] for tensor in result["peak"]["live"]) == found.order_bound


def test_the_json_says_what_was_planned():
    found, result = report(files.unet(), "reference")
    planned = result["planned"]
    assert (planned["kernels"], planned["operators"], planned["rewrites"]) == ("reference", 6, [])
    assert planned["head"] == planned["measured"]["head"] == found.planned.head
    assert planned["order_bound"] <= planned["bound"] <= planned["head"] < result["as_is"]["measured"]["head"]
    assert planned["flash_bytes"] == len(found.planned.content)


def test_what_waits_at_the_peak_is_listed():
    tensors = [((1, 4, 4, 4), None)] * 3 + [((1, 8, 8, 4), None)]  # t3, input and output, waits all the time
    waiting = files.build(tensors, [("RELU", [0], [1], None), ("RELU", [1], [2], None)], [0, 3], [2, 3])
    _, result = report(waiting)
    assert result["skips"] == [{"tensor": "graph/t3/value", "bytes": MAP, "from": 0, "to": 1}]


def test_a_file_that_TFLM_cannot_run_is_planned_all_the_same():
    content = files.build([((1, 16), None), ((1, 16), None)], [("GELU", [0], [1], None)], [0], [1])
    _, result = report(content)
    assert result["as_is"] == {"greedy_head": 32, "order_bound": 32, "measured": None}
    assert (result["planned"]["head"], result["planned"]["measured"]) == (32, None)
    assert "TFLM has no operator GELU" in result["why_not_measured"]


def test_the_table_names_who_is_alive():
    console = Console(width=100)
    with console.capture() as capture:
        console.print(as_table("file", report(files.unet())[1]))
    text = capture.get()
    assert "768 B" in text
    assert "operator 5, ADD" in text
    assert "t1/value 1x8x8x4" in text


def test_short_names():
    assert short_name("nafnet_1/enc0_block0_conv1_1/BiasAdd;nafnet_1/x/y") == "enc0_block0_conv1_1/BiasAdd"
    assert short_name("serving_default_image:0") == "serving_default_image:0"
