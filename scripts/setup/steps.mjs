/**
 * @typedef {{ warning: string, details: readonly string[] }} Warning what is missing, and lines on why and what to do
 * @typedef {(title: string, work: () => Promise<string | Warning>) => Promise<void>} Step
 *   work resolves to the outcome in a few words, or to a warning where set-up can go on
 */

/**
 * Prints one line a step: what, outcome, seconds.
 * @param {(line: string) => void} say
 * @param {() => number} [now] milliseconds
 * @returns {{ step: Step, done: () => void }}
 */
export function stepPrinter(say, now = () => performance.now()) {
  const begin = now();
  const seconds = (/** @type {number} */ since) => `${((now() - since) / 1000).toFixed(1).padStart(6)} s`;
  return {
    async step(title, work) {
      const started = now();
      try {
        const outcome = await work();
        if (typeof outcome === "string") say(`  ok    ${seconds(started)}  ${title}: ${outcome}`);
        else {
          say(`  warn  ${seconds(started)}  ${title}: ${outcome.warning}`);
          for (const line of outcome.details) say(`        ${line}`);
        }
      } catch (error) {
        say(`  FAIL  ${seconds(started)}  ${title}`);
        throw error;
      }
    },
    done() {
      say(`  ready ${seconds(begin)}`);
    },
  };
}
