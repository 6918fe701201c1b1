# SPDX-License-Identifier: Apache-2.0
"""What one process does of a run: networks built, trained from the last save to the end, and measured."""

import functools
import io
import json
import time
from dataclasses import dataclass
from pathlib import Path

import keras
from rich.console import Console

from keras_unetmm.data.batches import Batches
from keras_unetmm.data.dataset import DataSet
from keras_unetmm.pruning.gradual import GradualPruning
from keras_unetmm.training.checkpointer import Checkpointer, Checkpoints
from keras_unetmm.training.config import UNTRAINED
from keras_unetmm.training.evaluation import COMPILED
from keras_unetmm.training.folder import BEST, SCORES, TrainingError, writing
from keras_unetmm.training.one_device import OneDevice
from keras_unetmm.training.pictures import draw_samples
from keras_unetmm.training.progress import ProgressBar
from keras_unetmm.training.pruned import PrunedGraph
from keras_unetmm.training.recipe import Recipe, optimizer
from keras_unetmm.training.remembering import Remembering
from keras_unetmm.training.seeds import means
from keras_unetmm.training.starting import freeze_batch_norm
from keras_unetmm.training.state import state_bytes

PICTURES = 1_000_000  # bytes of pictures and logs that there must be room for


@dataclass(frozen=True)
class Trainer:
    """Trains the networks of a recipe.

    Args:
        recipe: what is trained.
        checkpoints: where it is saved, and how far it is.
        batches: what it is trained on.
        accumulate: int, batches a step.
        hardware: the devices.
        console: shows progress.
    """

    recipe: Recipe
    checkpoints: Checkpoints
    batches: Batches
    accumulate: int
    hardware: OneDevice
    console: Console

    def train(self, teacher: str | Path | None) -> None:
        """Trains the recipe's network; with `distill` those that the student becomes, one after the other."""
        recipe = self.recipe
        keras.utils.set_random_seed(recipe.seed)
        if recipe.prune:
            self._train_pruned()
            return
        teaching = self._teacher(teacher) if recipe.distill else None
        builds = (recipe.model, *(recipe.distill.removals if recipe.distill else ()))
        ends = self._ends(len(builds))
        for build, begin, end in zip(builds, [0, *ends], ends, strict=False):
            network = self.hardware.prepared(build())
            if teaching and not self.checkpoints.state.step:
                network.set_weights(teaching.get_weights())
            if self.checkpoints.state.step < end:
                self._fit(network, self._learner(network, teaching), begin, end)

    def scores(self) -> dict[str, dict[str, float]]:
        """Measures the best weights over all examples, once; other hosts wait for the first one."""
        folder, evaluator = self.checkpoints.folder, self.checkpoints.evaluator
        path = folder / SCORES
        while not self.hardware.chief and not path.exists():
            time.sleep(1)
        if not path.exists():
            model = keras.models.load_model(folder / BEST, compile=False)
            scores = {name: evaluator.measured(model, name).written() for name in evaluator.sets}
            with writing(path) as temporary:
                Path(temporary).write_text(json.dumps(scores, indent=2))
        return means(json.loads(path.read_text()))

    def _train_pruned(self):
        """Trains to the end of the steps, each graph built from the last save."""
        recipe, state, whole, graph = self.recipe, self.checkpoints.state, self.recipe.model(), None
        while state.step < recipe.steps:
            savings = graph and graph.savings
            graph = GradualPruning(recipe.prune, whole, state.dropped, recipe.loss(), recipe.seed, savings)
            pruning = PrunedGraph(graph, self.batches, self.accumulate)
            self._fit(graph.model, self._learner(graph.model), 0, recipe.steps, pruning)
        if graph and graph.left() > recipe.prune.target_channels:
            left, wanted = graph.left(), recipe.prune.target_channels
            self.console.print(f"{left:,} channels are left, not {wanted:,}: there were too few steps, or none that can go")

    def _fit(self, model, trained, begin, end, pruning=None):
        """Trains a network until a step, from the last save; ends before if the network is to be built again."""
        validate_classes(model, self.batches.dataset)
        recipe, count, checkpoints = self.recipe, self.accumulate, self.checkpoints
        if recipe.freeze_batch_norm:
            freeze_batch_norm(model)
        trained.compile(optimizer(recipe, count), recipe.loss(), jit_compile=COMPILED)
        trained.optimizer.build(model.trainable_variables)
        models = 3 + len(recipe.prune.keep if recipe.prune else ())
        checkpoints.folder.need(2 * state_bytes(trained) + models * 4 * model.count_params() + PICTURES)
        if checkpoints.state.step:
            checkpoints.restore(trained)
            if pruning and pruning.graph.due():
                smaller, dropped = pruning.graph.compacted(trained, optimizer(recipe, count), recipe.loss())
                checkpoints.state.dropped = dropped
                checkpoints.save(smaller)
                return
        else:
            self._try(model)
        saves, rest = divmod(end - checkpoints.state.step, recipe.save_every)
        for epochs, size in ((saves, recipe.save_every), (1, rest)):
            if epochs * size:
                self._fit_epochs(trained, epochs, size, Checkpointer(checkpoints, trained, model, begin, size, pruning))
            if trained.stop_training:
                return

    def _fit_epochs(self, trained, epochs, size, checkpointer):
        """One call of `fit`: so many saves, so many steps apart."""
        step, count = self.checkpoints.state.step, self.accumulate
        first, last = step * count, (step + epochs * size) * count
        progress = ProgressBar(self.console, step, self.recipe.steps, count)
        others = [make() for make in self.recipe.callbacks] if self.hardware.chief else []
        stream = Remembering(functools.partial(self.batches.stream, first, last))
        try:
            trained.fit(
                self.hardware.feed(stream, self.batches.numbered(first)),
                steps_per_epoch=size * count,
                epochs=epochs,
                callbacks=[progress, checkpointer, *others],
                shuffle=False,
                verbose=0,
            )
        except Exception:
            if stream.error is not None:
                raise stream.error from None
            raise
        finally:
            progress.close()

    def _try(self, model):
        """Measures and draws one example of each set: what does not fit is found now, not at the first evaluation."""
        evaluator = self.checkpoints.evaluator
        with self.hardware.measuring(model) as network:
            for name, dataset in evaluator.sets.items():
                draw_samples(io.BytesIO(), evaluator.measured(network, name, 1).samples, dataset, self.recipe.normalize)

    def _ends(self, count):
        """The steps at which each of several networks ends, whole saves."""
        every = self.recipe.save_every
        return [*(self.recipe.steps * i // count // every * every for i in range(1, count)), self.recipe.steps]

    def _teacher(self, path):
        model = self.recipe.distill.teacher()
        if path != UNTRAINED:
            model.set_weights(keras.models.load_model(path, compile=False).get_weights())
        return model

    def _learner(self, model, teacher=None):
        """What is compiled: a second model of the same layers, so that files of the first hold no optimizer."""
        if teacher:
            return self.recipe.distill.distiller(teacher, model)
        return keras.Model(model.inputs, model.outputs)


def validate_classes(model: keras.Model, dataset: DataSet) -> None:
    """Refuses a network whose outputs are not the labels of the data."""
    if dataset.target in ("mask", "class") and model.output_shape[-1] != dataset.classes:
        raise TrainingError(
            f"the model must have {dataset.classes} output channels for {dataset.name}. Received: {model.output_shape[-1]}. "
            "Change classes in the recipe."
        )
