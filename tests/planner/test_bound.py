import numpy as np
import pytest
from tflite import files, problems, unusual
from tflite.network import Network

from keras_unetmm.planner.bound import lower_bound
from keras_unetmm.planner.lifetimes import Timeline
from keras_unetmm.planner.placement_problem import PlacementProblem, placement_problem
from keras_unetmm.tflite_file.graph import read

KERNELS = "reference"


def problem_of(content):
    return placement_problem(read(content), KERNELS)


def without_overlaps(content):
    return PlacementProblem(problem_of(content).timeline, ())


def test_nothing_needs_nothing():
    assert lower_bound(PlacementProblem(Timeline((), ()), ())) == 0


@pytest.mark.parametrize("seed", range(10))
def test_without_overlaps_it_is_the_live_bytes(seed):
    problem = without_overlaps(files.tangle(seed))
    assert lower_bound(problem) == max(problem.timeline.live())


@pytest.mark.parametrize("group", range(8))
def test_it_is_never_above_the_best_placement(group):
    tight = 0
    for seed in range(40 * group, 40 * group + 40):
        problem = problem_of(problems.small_file(seed, 3 + seed % 5))
        best, bound = problems.optimum(problem), lower_bound(problem)
        assert bound <= best, seed
        tight += bound == best
    assert tight >= 36  # else it says little


@pytest.mark.parametrize("seed", range(20))
def test_overlaps_only_lower_it(seed):
    content = files.tangle(seed)
    assert 0 < lower_bound(problem_of(content)) <= lower_bound(without_overlaps(content))


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("rows", [2, 4, 6])
def test_in_a_chain_every_step_begins_a_little_below_the_one_before(count, rows):
    net = Network()
    x = net.input(1, rows, 1, 16)
    for _ in range(count):
        x = net.conv(x, 16, (3, 1))
    problem = problem_of(net.file(x))
    size, least = 16 * rows, 32
    assert lower_bound(problem) == problems.optimum(problem) == min(2 * size, size + count * least)


def test_a_chain_takes_its_distances_beside_what_lives_through_it():
    net = Network()
    x = net.input(1, 6, 1, 16)
    skip = net.unary("RELU", x)
    made = skip
    for _ in range(2):
        made = net.conv(made, 16, (3, 1))
    problem = problem_of(net.file(net.binary("ADD", skip, made)))
    assert lower_bound(problem) == problems.optimum(problem) == 96 + 96 + 32


@pytest.mark.parametrize(("rows", "skips", "want"), [(6, 1, 256), (8, 1, 320), (6, 2, 352), (12, 1, 448)])
def test_what_lives_through_a_chain_counts_beside_its_distances(rows, skips, want):
    """Every step of the chain needs less, so that only the chain as a whole gives the bound."""
    net = Network()
    x = net.input(1, rows, 1, 16)
    kept = [net.unary("RELU", x) for _ in range(skips)]
    made = net.unary("RELU", x)
    for _ in range(2):
        made = net.conv(made, 16, (3, 1))
    for skip in kept:
        made = net.binary("ADD", made, skip)
    problem = problem_of(net.file(made))
    assert lower_bound(problem) == problems.optimum(problem) == want
    assert want == 16 * rows * (1 + skips) + 64, "a map, those kept, and twice the distance"


def test_two_inputs_that_die_save_no_more_than_the_output():
    net = Network()
    made = net.binary("ADD", net.input(1, 4, 1, 16), net.input(1, 4, 1, 16))
    assert lower_bound(problem_of(net.file(made))) == 2 * 64


def test_a_copy_saves_as_long_as_both_live():
    net = Network()
    x = net.input(1, 6, 1, 16)
    top, bottom = net.split(x, 2, 1)
    made = net.concatenate([net.unary("RELU", top), net.unary("RELU", bottom)], 1)
    problem = problem_of(net.file(made, x))
    assert lower_bound(problem) == problems.optimum(problem) == 2 * 96


@pytest.mark.parametrize("make", [unusual.branches, unusual.loop, unusual.remembered])
def test_files_with_several_graphs(make):
    most = max(problem_of(make()).timeline.live())
    assert lower_bound(problem_of(make())) <= lower_bound(without_overlaps(make())) == most


def test_scratch_counts():
    net = Network()
    problem = problem_of(net.file(net.mean(net.input(1, 8, 8, 16), (1, 2))))
    assert lower_bound(problem) == 1024 + 16 + 4 * 16 + 16 + 16 == max(problem.timeline.live())


@pytest.mark.parametrize("copies", [2, 40])
def test_many_copies_of_one_map(copies):
    net, rng = Network(), np.random.default_rng(0)
    x = net.input(1, 4, 1, 16)
    made = [net.reshape(x, 1, 1, 4, 16) for _ in range(copies)]
    rng.shuffle(made)
    total = net.concatenate([int(i) for i in made], 1)
    assert lower_bound(problem_of(net.file(total, x))) <= 64 * (copies + 1)
