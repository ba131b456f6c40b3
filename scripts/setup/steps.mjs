/**
 * @typedef {(title: string, work: () => Promise<string>) => Promise<void>} Step
 *   work resolves to the outcome in a few words
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
        say(`  ok    ${seconds(started)}  ${title}: ${outcome}`);
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
