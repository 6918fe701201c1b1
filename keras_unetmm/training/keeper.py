"""What a run does at every save: measure, draw, keep the best weights, and make sure that it can go on from here."""

import math

import keras
from rich.progress import track

from keras_unetmm.training.evaluation import better, evaluate
from keras_unetmm.training.folder import BEST, LAST, RunError, writing
from keras_unetmm.training.pictures import draw_samples


class Keeper(keras.callbacks.Callback):
    """Saves a run at the end of each of fit's epochs, which are the steps between two saves.

    A kill between two of its writes costs nothing: what the state file does not know yet is written again, the same.

    Args:
        run: what trains, with its step, history, recipe, folder and sets.
        trained: the compiled model.
        network: the model that is kept: the student, where `trained` is a distiller.
        begin: int, step at which the network began: others before it do not compete for the best weights.
        size: int, steps an epoch.
    """

    def __init__(self, run, trained, network, begin, size):
        super().__init__()
        self.run, self.trained, self.network, self.begin, self.size = run, trained, network, begin, size
        self.metric = run.recipe.metrics[0]()  # made here, where every host makes it

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the backend's own random state, which no file holds: torch draws dropout from it, and loading changes it."""
        if batch == 0:
            keras.utils.set_random_seed((self.run.recipe.seed + self.run.step) % 2**32)

    def on_epoch_end(self, epoch, logs=None):
        run, recipe = self.run, self.run.recipe
        run.step += self.size
        row = {"step": run.step, **{name: float(value) for name, value in logs.items()}}
        if not math.isfinite(row.get("loss", row.get("total_loss", 0.0))):
            raise RunError(
                f"the loss is not finite between steps {run.step - self.size:,} and {run.step:,}. Take a smaller learning "
                "rate, or look at the data. The run's last save is from before."
            )
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.trained.optimizer.learning_rate))
        row |= run.gradual.counts() if run.gradual else {}
        evaluated = run.step % recipe.evaluate_every == 0 or run.step == recipe.steps
        if evaluated:
            with run.hardware.measuring(self.network) as network:
                row |= self._evaluated(network)
                if run.hardware.chief:
                    self._keep_models(network, row)
        run.history.append(row)
        if run.gradual and run.step < recipe.steps:
            self.trained.stop_training = run.gradual.after(run.step, run.batches, run.step * run.accumulate)
        if run.hardware.chief:
            run.folder.log(run.history)
            run.save(self.trained)
            if run.events is not None:
                run.events.add(row)
        if evaluated:
            figures = "  ".join(
                f"{name} {value:.4f}" for name, value in row.items() if not name.startswith(("step", "channels_"))
            )
            run.console.print(f"step {run.step:,}  {figures}", highlight=False, soft_wrap=True)

    def _evaluated(self, network):
        run = self.run
        row = {}
        for name, dataset in run.sets.items():
            scores, samples = run.measured(network, name, run.recipe.validate)
            row |= {f"{name}_{metric}": score for metric, score in scores.items()}
            if run.hardware.chief:
                picture(run.folder.path, f"{name}_{run.step:08d}", samples, dataset, run.recipe)
        return row

    def _keep_models(self, network, row):
        run = self.run
        first, metric = next(iter(run.sets)), self.metric
        key = f"{first}_{metric.name}"
        rivals = [past for past in run.history if past["step"] > self.begin and past.get("channels") == row.get("channels")]
        scores = [past[key] for past in rivals if math.isfinite(past.get(key, math.nan))]
        network = run.gradual.clean() if run.gradual else network
        best = None if not scores else min(scores) if better(metric, 0.0, 1.0) else max(scores)
        for name in (LAST, *([BEST] if better(metric, row[key], best) else [])):
            with writing(run.folder / name) as temporary:
                network.save(temporary)


def measured(network, dataset, recipe, name, console, limit=None, damaged="refuse"):
    """What `evaluate` returns, with a bar."""

    def shown(indices):
        return track(indices, f"evaluating {name}", console=console, transient=True, disable=not console.is_terminal)

    return evaluate(network, dataset, recipe, limit=limit, damaged=damaged, track=shown)


def picture(folder, name, samples, dataset, recipe):
    """Draws samples into the folder `pictures` of a run."""
    (folder / "pictures").mkdir(exist_ok=True)
    with writing(folder / "pictures" / f"{name}.png") as temporary:
        draw_samples(temporary, samples, dataset, recipe.normalize)
