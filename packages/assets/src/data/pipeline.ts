/**
 * Runs a job per item, a few at a time, and yields the results in the items' order.
 * @param width how many jobs may be running or waiting to be taken; bounds memory
 */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  width: number,
  run: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const started: Promise<Result>[] = [];
  let next = 0;
  while (next < items.length || started.length > 0) {
    while (started.length < width && next < items.length) {
      const job = run(items[next] as Item);
      job.catch(() => undefined); // reported when its turn comes; without this an earlier failure would leave it unhandled
      started.push(job);
      next += 1;
    }
    yield await (started.shift() as Promise<Result>);
  }
}
