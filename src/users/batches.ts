/**
 * What comes, in batches of `most`; a smaller one where nothing more came within `patienceMilliseconds`, so that a sender
 * who waits for an answer to what it sent gets one. Reads one item ahead of its reader and no more.
 */
export async function* inBatches<Item>(
  items: AsyncIterable<Item>,
  most: number,
  patienceMilliseconds: number,
): AsyncGenerator<Item[], void, void> {
  const iterator = items[Symbol.asyncIterator]();
  const ask = (): Promise<IteratorResult<Item, unknown>> => {
    const asked = iterator.next();
    // A source that fails while a batch is worked on is heard of afterwards, when it is asked for.
    asked.catch(() => {});
    return asked;
  };
  let next = ask();
  try {
    for (;;) {
      const first = await next;
      if (first.done === true) return;
      const batch = [first.value];
      next = ask();
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, patienceMilliseconds, undefined);
      });
      while (batch.length < most) {
        const got = await Promise.race([next, waited]);
        if (got === undefined || got.done === true) break;
        batch.push(got.value);
        next = ask();
      }
      clearTimeout(timer);
      yield batch;
    }
  } finally {
    // Not waited for: a source that is asked for something answers this only after it.
    iterator.return?.().then(undefined, () => {});
  }
}
