// Two at a time, in order: enough to keep a node answering, too few to be noticed by those who use it. The first failure
// ends it, once what runs beside it has ended too.

export async function inPairs<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += 2) {
    const ends = await Promise.allSettled(all.slice(at, at + 2).map(work));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
