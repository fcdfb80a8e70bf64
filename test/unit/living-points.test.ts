// A scroll that misses living points, as Qdrant's does while points move between segments: none of them is left out.

import { expect, it } from 'vitest';
import { livingPoints } from '../../src/cluster/living-points.js';
import type { IdReader, PointPage, PointReader } from '../../src/cluster/points-port.js';
import type { PointId } from '../../src/model/point-id.js';

const { signal } = new AbortController();

function page(ids: readonly PointId[]): PointPage {
  const known = {
    count: ids.length,
    bytes: ids.length,
    idAt: (at: number) => ids[at],
    release: () => undefined,
  };
  return known as unknown as PointPage;
}

interface Source {
  /** What the scroll of points sees, page by page. */
  pages: PointId[][];
  /** What the two scrolls of ids see. */
  ids: PointId[];
  living: PointId[];
  /** Reads by id that miss everything. */
  blindReads?: number;
}

async function read({ pages, ids, living, blindReads = 0 }: Source): Promise<PointId[]> {
  let blind = blindReads;
  const reader: PointReader & IdReader = {
    pages: async function* () {
      for (const one of pages) yield page(one);
    },
    byId: (_collection, _key, wanted) => {
      const found = (blind -= 1) >= 0 ? [] : wanted.filter((id) => living.includes(id));
      return Promise.resolve(page(found));
    },
    ids: async function* () {
      yield ids;
    },
    existing: (_range, wanted) => Promise.resolve(wanted.filter((id) => living.includes(id))),
  };
  const found: PointId[] = [];
  const range = { collection: 'docs', mode: 'scroll', pageBytes: 1, signal } as const;
  for await (const points of livingPoints({ reader, range, pauseMs: 1 })) {
    found.push(...points.map((point) => point.page.idAt(point.at)));
  }
  return found;
}

const all = ['1', '2', '3', '10', '11', '20'];

it('gives each point once, in order, where nothing was missed', async () => {
  expect(await read({ pages: [['1', '2'], ['3', '10', '11'], ['20']], ids: all, living: all })).toEqual(all);
});

it.each([
  [[['2'], ['3', '10', '11', '20']]],
  [[['1', '2'], ['10', '11'], ['20']]],
  [[['1', '2', '3', '10']]],
  [[]],
])('brings back what a scroll missed: %j', async (pages) => {
  expect(await read({ pages, ids: all, living: all })).toEqual(all);
  expect(await read({ pages, ids: all, living: all, blindReads: 1 })).toEqual(all);
});

it('keeps what was deleted after it was read, and leaves out what was deleted before', async () => {
  const pages = [['1', '2'], ['10']];
  const living = ['1', '10', '11', '20'];
  expect(await read({ pages, ids: ['1', '3', '10', '11', '20'], living })).toEqual([
    '1',
    '2',
    '10',
    '11',
    '20',
  ]);
});
