// A bounded pool: at most `width` items are worked on at once, the next begins when one ends. All lanes have ended
// when it returns or throws. The first failure is thrown; `onFailure` is the chance to call the other lanes back.

export type Running = () => number;

export async function lanes<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T, lane: number, running: Running) => Promise<void>,
  onFailure: (error: unknown) => void = () => undefined,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  let running = width;

  const lane = async (number: number) => {
    try {
      while (failures.length === 0) {
        const next = queue.next();
        if (next.done) return;
        await work(next.value, number, () => running);
      }
    } catch (error) {
      failures.push(error);
      if (failures.length === 1) onFailure(error);
    } finally {
      running -= 1;
    }
  };

  await Promise.all(Array.from({ length: width }, (_, number) => lane(number)));
  if (failures.length > 0) throw failures[0];
}
