/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959963984540054;

/**
 * Wilson's 95 % score interval of a share.
 * @param correct 0…images
 * @param images at least 1
 * @returns both ends, 0…1
 * @see Wilson, Probable inference, the law of succession, and statistical inference, 1927
 */
export function wilsonInterval(correct: number, images: number): readonly [low: number, high: number] {
  const share = correct / images;
  const denominator = 1 + Z ** 2 / images;
  const centre = share + Z ** 2 / (2 * images);
  const margin = Z * Math.sqrt((share * (1 - share)) / images + Z ** 2 / (4 * images ** 2));
  // Exact at the ends, where rounding would leave a little below 0 or above 1.
  const low = correct === 0 ? 0 : (centre - margin) / denominator;
  const high = correct === images ? 1 : (centre + margin) / denominator;
  return [low, high];
}
