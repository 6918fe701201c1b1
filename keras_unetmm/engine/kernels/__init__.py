"""How every operator runs on the engine: one file an operator, or a close family of them."""

from keras_unetmm.engine.kernels.kernel import Kernel, NoKernelError

__all__ = ["KERNELS", "Kernel", "NoKernelError"]

KERNELS = {}
