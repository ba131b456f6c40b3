/** Larger weight files are refused before memory is taken; MobileNetV2 1.4 with optimizer state has 60 MB. */
export const MAX_WEIGHT_BYTES: number = 512 * 1024 * 1024;
