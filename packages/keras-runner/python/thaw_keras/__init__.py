"""Keras as a runner of Thaw: takes a plan, trains it with Keras's own layers, loss and optimizers, says what happens.

It is a second implementation of what `packages/core` does around the network (order, augmentation, masks, phases,
digests), so that two runs differ by the engine's arithmetic and by nothing else.
"""
