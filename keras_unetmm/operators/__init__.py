# SPDX-License-Identifier: Apache-2.0
"""What is known of the operators of TFLite, one file an operator; `registry` finds them, `shared` is what several need."""
