/** Larger weight files are refused before memory is taken; ResNet50 with optimizer state has 285 MB. */
export const MAX_WEIGHT_BYTES: number = 512 * 1024 * 1024;

/** Larger configurations of networks are refused before they are unpacked; EfficientNetB0's has 0.2 MB. */
export const MAX_CONFIG_BYTES: number = 32 * 1024 * 1024;

/** What deflate makes of a byte at most: whatever claims to be larger when unpacked was not packed by it. */
export const MAX_INFLATION = 1032;

/** Claims below this are believed of any file: fill values and empty tensors are in no proportion to it. */
export const BELIEVED_BYTES: number = 1024 * 1024;

/** What HDF5's library may take for a file of {@link MAX_WEIGHT_BYTES} and its tensors. */
export const MAX_HDF5_MEMORY_BYTES: number = 1280 * 1024 * 1024;

/** A file that HDF5's library reads for longer than this is damaged so that it never ends: 500 MB take 2 s. */
export const MAX_HDF5_MS = 60_000;
