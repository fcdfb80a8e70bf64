// The same work for many things, some at a time, with the results in order. The first failure ends it, once what runs
// beside it has ended too.

export async function mapInOrder<T, R>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(all.length);
  let next = 0;
  let hasFailed = false;
  const slot = async (): Promise<void> => {
    for (let at = next++; at < all.length && !hasFailed; at = next++) {
      try {
        results[at] = await work(all[at] as T);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(atOnce, all.length) }, slot));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  return results;
}
