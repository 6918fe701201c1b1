"""An optimizer's slots, such as Adam's two moments, carried over to a network with fewer weights."""

import keras


def carry_slots(model, pruned, cuts):
    """Compiles the pruned network as the model is, with the model's optimizer as it stands.

    Args:
        model: compiled `keras.Model`.
        pruned: the smaller one.
        cuts: dict by `flat` path of the model's variables of functions that cut an array of their shape to the shape that
            the variable of the same flat path has in the pruned network.

    Raises:
        ValueError: for an optimizer whose slots have not the shapes of the weights, such as Adafactor.
    """
    pruned.compile_from_config(model.get_compile_config())
    if not model.optimizer.built:
        return
    before = {slot.name: slot for slot in model.optimizer.variables}
    for slot in pruned.optimizer.variables:  # named after the flat path of their weight
        value = keras.ops.convert_to_numpy(before[slot.name])
        owner = max((path for path in cuts if slot.name.startswith(f"{path}_")), key=len, default=None)
        if value.shape != tuple(slot.shape) and owner is not None:
            value = cuts[owner](value) if len(value.shape) == len(slot.shape) else value
        if value.shape != tuple(slot.shape):
            raise ValueError(
                "The optimizer must have slots of the shapes of the weights, as Adam, RMSprop and SGD have. Received: "
                f"{type(model.optimizer).__name__}, whose {slot.name} has shape {tuple(value.shape)}."
            )
        slot.assign(value)


def flat(variable):
    """A variable's path, the same in a block and in the block's parts laid out: `enc0_block_conv0_kernel`."""
    return variable.path.replace("/", "_")
