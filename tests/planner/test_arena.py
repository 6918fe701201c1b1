"""Placement: by climbing and by sweeping, as `place` combines them."""

import itertools
import random
import time
from types import SimpleNamespace

import pytest
from tflite import files, problems, unusual
from tflite.network import Network

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner import arena
from keras_unetmm.planner import sweep as sweeping
from keras_unetmm.planner.arena import as_TFLM_will, place
from keras_unetmm.planner.bound import lower_bound
from keras_unetmm.planner.greedy import greedy
from keras_unetmm.planner.hill_climb import HillClimb
from keras_unetmm.planner.interference import interference, taken
from keras_unetmm.planner.lifetimes import Timeline
from keras_unetmm.planner.placement_problem import PlacementProblem, placement_problem
from keras_unetmm.planner.sweep import sweep
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read


def problem_of(content, kernels="reference"):
    return placement_problem(read(content), kernels)


def placed_file(content, placement):
    file = File(content)
    file.set_plan(placement.offsets)
    return file.packed()


def check(problem, placement):
    """Asserts what is true of every placement."""
    buffers = problem.buffers
    assert problems.collisions(problem, placement.addresses) == []
    assert all(address >= 0 and address % 16 == 0 for address in placement.addresses)
    assert placement.head == max((a + b.bytes for a, b in zip(placement.addresses, buffers, strict=True)), default=0)
    tensors = {b.tensor: a for a, b in zip(placement.addresses, buffers, strict=True) if b.tensor is not None}
    assert placement.offsets == tensors


@pytest.mark.parametrize("group", range(8))
def test_small_problems_are_solved_as_well_as_can_be(group):
    for seed in range(40 * group, 40 * group + 40):
        problem = problem_of(problems.small_file(seed, 3 + seed % 5))
        best = problems.optimum(problem)
        placement = place(problem, best, seconds=20)
        assert placement.head == best, seed
        check(problem, placement)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_placed_runs_and_takes_what_is_said(seed):
    content = files.tangle(seed, 6 + seed)
    problem = problem_of(content)
    placement = place(problem, lower_bound(problem), seconds=0.2)
    check(problem, placement)
    assert lower_bound(problem) <= placement.head <= greedy(problem.buffers)[1]
    planned = placed_file(content, placement)
    assert measure(planned).head == placement.head
    assert files.outputs(planned) == files.outputs(content)


@pytest.mark.parametrize("make", [unusual.branches, unusual.loop, unusual.remembered, unusual.svdf])
@pytest.mark.parametrize("kernels", ["any", "reference"])
def test_files_with_several_graphs_and_state(make, kernels):
    problem = problem_of(make(), kernels)
    placement = place(problem, lower_bound(problem), seconds=0.1)
    check(problem, placement)
    planned = placed_file(make(), placement)
    assert measure(planned).head == placement.head == lower_bound(problem)
    assert all(files.outputs(planned, seed) == files.outputs(make(), seed) for seed in range(3))


def clock(step=0.001):
    """A clock that goes on by a little whenever it is read."""
    ticks = itertools.count()
    return lambda: next(ticks) * step


@pytest.mark.parametrize("seed", [0, 4])
def test_the_same_problem_is_always_placed_alike(seed, monkeypatch):
    found = []
    for choices in (0, 0, 1):
        monkeypatch.setattr(arena, "time", SimpleNamespace(thread_time=clock(0.05)))
        found.append(place(problem_of(files.tangle(seed, 30)), 0, seconds=0.5, seed=choices))
    assert found[0] == found[1] != found[2]


def test_it_ends_when_the_bound_is_met(monkeypatch):
    def never(*arguments):
        raise AssertionError

    monkeypatch.setattr(arena, "sweep", never)
    problem = problem_of(files.chain(4))
    assert place(problem, lower_bound(problem), seconds=1e9).head == lower_bound(problem) == 256


def test_it_ends_when_time_is_up(monkeypatch):
    problem, ticks = problem_of(files.tangle(5, 16)), clock(0.1)
    monkeypatch.setattr(arena, "time", SimpleNamespace(thread_time=ticks))
    place(problem, 0, seconds=2.0)
    assert 2.0 <= ticks() <= 2.5


def test_a_large_problem_ends_in_time():
    problem = problem_of(files.tangle(0, 120))
    begin = time.process_time()
    placement = place(problem, 0, seconds=0.5)
    assert time.process_time() - begin < 5
    check(problem, placement)


def test_nothing_is_placed_in_nothing():
    placement = place(PlacementProblem(Timeline((), ()), ()), 0)
    assert (placement.offsets, placement.addresses, placement.head) == ({}, (), 0)


def test_scratch_is_left_to_TFLM():
    net = Network()
    content = net.file(net.unary("RELU", net.transposed(net.input(1, 3, 3, 8), 4)))
    problem = problem_of(content)
    (scratch,) = (i for i, buffer in enumerate(problem.buffers) if buffer.tensor is None)
    placement = place(problem, lower_bound(problem), seconds=0.1)
    check(problem, placement)
    assert None not in placement.offsets
    assert measure(placed_file(content, placement)).head == placement.head
    tensors = {i: 4096 + 1024 * i for i, buffer in enumerate(problem.buffers) if buffer.tensor is not None}
    assert as_TFLM_will(problem, {**tensors, scratch: 8000}).addresses[scratch] == 0


# its parts


@pytest.mark.parametrize("seed", range(8))
def test_a_climb_never_gets_worse(seed):
    problem, rng = problem_of(files.tangle(seed, 14)), random.Random(seed)
    hill_climb = HillClimb(problem, interference(problem))
    heads = [hill_climb.head]
    for _ in range(60):
        hill_climb.step(rng)
        heads.append(hill_climb.head)
        assert problems.collisions(problem, hill_climb.addresses) == []
        assert hill_climb.head == max(hill_climb.addresses[i] + buffer.bytes for i, buffer in enumerate(problem.buffers))
        assert sorted(hill_climb.order) == list(range(len(problem.buffers)))
    assert heads == sorted(heads, reverse=True)


@pytest.mark.parametrize("seed", range(30))
def test_a_sweep_fills_the_arena_that_it_is_given(seed):
    problem = problem_of(problems.small_file(seed, 6))
    best = problems.optimum(problem)
    for capacity in (best - 16, best, best + 64):
        for large in (0, 32, 10**9):
            for rng in (None, random.Random(seed)):
                addresses = sweep(problem, interference(problem), capacity, large, rng)
                if addresses is not None:
                    assert best <= capacity
                    assert problems.collisions(problem, addresses) == []
                    assert all(0 <= addresses[i] <= capacity - b.bytes for i, b in enumerate(problem.buffers))
    assert sweep(problem, interference(problem), 4 * best, 32) is not None


@pytest.mark.parametrize("tries", [100, 1000])
def test_a_sweep_gives_up_after_so_many_tries(tries, monkeypatch):
    problem, calls = problem_of(files.tangle(1, 30)), []
    monkeypatch.setattr(sweeping, "taken", lambda *arguments: calls.append(1) or taken(*arguments))
    assert sweep(problem, interference(problem), lower_bound(problem) - 16, 32, tries=tries) is None
    assert tries / 2 < len(calls) <= tries + 1


@pytest.mark.parametrize("seed", range(10))
def test_neighbours_know_where_a_buffer_may_not_start(seed):
    problem, rng = problem_of(problems.small_file(seed, 6)), random.Random(seed)
    around = interference(problem)
    count = len(problem.buffers)
    for _ in range(200):
        i, j = rng.sample(range(count), 2)
        addresses = {k: 10**6 * (k + 1) for k in range(count)}
        addresses[i], addresses[j] = rng.randrange(0, 160, 16), rng.randrange(0, 160, 16)
        entries = [entry for entry in around[i] if entry[0] == j]
        assert len(entries) == problems.alive_together(problem.buffers[i], problem.buffers[j])
        distance = addresses[i] - addresses[j]
        forbidden = any(low < distance < high and distance != same for _, low, high, same in entries)
        assert forbidden == bool(problems.collisions(problem, addresses))
