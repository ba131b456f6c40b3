/** Larger weight files are refused before memory is taken; ResNet50 with optimizer state has 285 MB. */
export const MAX_WEIGHT_BYTES: number = 512 * 1024 * 1024;
