# SPDX-License-Identifier: Apache-2.0
"""`python -m keras_unetmm` is the command `unetmm`."""

from keras_unetmm.cli import main

if __name__ == "__main__":
    main()
