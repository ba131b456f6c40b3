"""The baseline `pytorch` of `thaw bench`: MobileNetV2 trained by PyTorch on the processor."""
