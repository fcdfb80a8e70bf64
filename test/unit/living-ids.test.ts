import { expect, it } from 'vitest';
import type { IdReader } from '../../src/cluster/points-port.js';
import { livingIds } from '../../src/cluster/living-ids.js';

const range = { collection: 'docs' };

it('gives every id once and in order, numbers before UUIDs', async () => {
  const ids = [...numbers(0, 25_000), '00000000-0000-4000-8000-000000000001'];
  const { found, pages } = await read([readerOf([ids, ids], new Set(ids))]);
  expect(found).toEqual(ids);
  expect(Math.max(...pages)).toBe(10_000);
});

it('keeps a living point that one of the two reads has missed', async () => {
  const ids = numbers(0, 30);
  for (const missing of [
    [ids.slice(1), ids],
    [ids, ids.slice(0, -1)],
    [[], ids],
  ] as const) {
    const { found, confirmed } = await read([readerOf(missing, new Set(ids))]);
    expect(found).toEqual(ids);
    expect(confirmed).toBe(ids.length - Math.min(...missing.map((one) => one.length)));
  }
});

it('leaves out what was deleted between the two reads', async () => {
  const ids = numbers(0, 30);
  const living = ids.filter((id) => id !== '7');
  const { found, asked } = await read([readerOf([ids, living], new Set(living))]);
  expect(found).toEqual(living);
  // Not after one answer: a read by id may miss it too.
  expect(asked).toEqual([['7'], ['7']]);
});

it('keeps a point that the first read by id has missed too', async () => {
  const ids = numbers(0, 30);
  const reader = readerOf([ids.slice(1), ids], new Set(ids));
  let calls = 0;
  const { existing } = reader;
  reader.existing = (given, wanted) => (calls++ === 0 ? Promise.resolve([]) : existing(given, wanted));
  expect((await read([reader])).found).toEqual(ids);
});

it('reads by two nodes and keeps what either of them has', async () => {
  const [all, stale] = [numbers(0, 300), numbers(0, 200)];
  const { found } = await read([readerOf([stale], new Set(stale)), readerOf([all], new Set(all))]);
  expect(found).toEqual(all);
});

it('finishes the first read before the second begins where the collection is small', async () => {
  const order: string[] = [];
  const reader = readerOf([numbers(0, 50), numbers(0, 50)], new Set(numbers(0, 50)), (read) => {
    order.push(read);
  });
  await read([reader]);
  expect(order).toEqual(['read 1 begins', 'read 1 ends', 'read 2 begins', 'read 2 ends']);
});

async function read(readers: [IdReader, ...IdReader[]]) {
  const found: string[] = [];
  const pages: number[] = [];
  let confirmed = 0;
  const onConfirmed = (count: number): void => void (confirmed += count);
  for await (const page of livingIds({ readers, range, pauseMs: 1, onConfirmed })) {
    found.push(...page);
    pages.push(page.length);
  }
  const asked = readers.flatMap((one) => (one as FakeReader).asked);
  return { found, pages, confirmed, asked };
}

interface FakeReader extends IdReader {
  asked: string[][];
}

/** Each read of all ids sees the next of `reads`. */
function readerOf(
  reads: readonly (readonly string[])[],
  living: Set<string>,
  tell: (what: string) => void = () => undefined,
): FakeReader {
  let begun = 0;
  const asked: string[][] = [];
  return {
    asked,
    async *ids() {
      const number = ++begun;
      tell(`read ${number} begins`);
      const ids = reads[number - 1] ?? [];
      for (let at = 0; at < ids.length; at += 1_000) yield await Promise.resolve(ids.slice(at, at + 1_000));
      tell(`read ${number} ends`);
    },
    existing: (_range, ids) => {
      asked.push([...ids]);
      return Promise.resolve(ids.filter((id) => living.has(id)));
    },
  };
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => String(from + at));
}
