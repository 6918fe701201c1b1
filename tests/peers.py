"""Plain PyTorch networks as references: random weights, the way over to Keras, and calls with `(N, H, W, C)` arrays."""

import numpy as np
import torch


def randomized(network, seed=0):
    """Gives every batch norm of a PyTorch network statistics and scales that matter; returns it in inference mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)):
                for values in (module.weight, module.running_var):
                    values.uniform_(0.5, 1.5, generator=generator)
                for values in (module.bias, module.running_mean):
                    values.normal_(0.0, 0.1, generator=generator)
    return network.eval()


def weights(network):
    """The network's weights in its own order, as arrays of Keras's shapes."""
    values = [value.numpy() for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")]
    return [value.transpose(*range(2, value.ndim), 1, 0) if value.ndim > 1 else value for value in values]


def called(network, x):
    """The network's output for images `(N, *spatial, C)`, with channels last if it is a map."""
    with torch.no_grad():
        y = network(torch.from_numpy(np.moveaxis(x, -1, 1).copy())).numpy()
    return np.moveaxis(y, 1, -1)
