/** `83.6 %` */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : "not finite";
}

/** `72–91 %`, rounded to whole percents. */
export function percentRange([low, high]: readonly [number, number]): string {
  return `${(low * 100).toFixed(0)}–${(high * 100).toFixed(0)} %`;
}

/** A difference of shares: `+5.3 pp`. */
export function points(difference: number): string {
  const size = (Math.abs(difference) * 100).toFixed(1);
  return `${difference < 0 && Number(size) > 0 ? "−" : "+"}${size} pp`;
}

/** `0.679` */
export function lossText(loss: number): string {
  return Number.isFinite(loss) ? loss.toFixed(3) : "not finite";
}

/** `1e-4` */
export function rateText(rate: number): string {
  return rate.toExponential().replace("+", "");
}

/** Images a second, in three digits. */
export function speedText(imagesPerSecond: number | null): string {
  if (imagesPerSecond === null) return "–";
  if (imagesPerSecond >= 1000) return Number(imagesPerSecond.toPrecision(3)).toLocaleString("en-GB").replace(/,/g, " ");
  return imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0);
}

/** `0.42` below ten minutes, whole minutes above. */
export function minutesText(minutes: number): string {
  return minutes.toFixed(minutes < 0.095 ? 2 : minutes < 10 ? 1 : 0);
}

/** `1 photo`, `3 photos` */
export function count(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? "" : "s"}`;
}

/** `a, b and c` */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
