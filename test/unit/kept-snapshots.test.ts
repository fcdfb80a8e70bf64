// Which snapshots `keepOnNode` deletes, and which it never does.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SnapshotRecord } from '../../src/model/format/snapshot-record.js';
import { sortSnapshots } from '../../src/model/kept-snapshots.js';

const hash = (letter: string) => letter.repeat(64);
const record = (day: number, more: Partial<SnapshotRecord> = {}): SnapshotRecord => ({
  format: 'qdrant-ferry/snapshot',
  version: 2,
  ...{ cluster: 'prod', node: 'http://n0:6333', peer: '7', collection: 'docs' },
  ...{ name: `docs-7-2026-11-${day}.snapshot`, bytes: 100 + day, sha256: hash('a') },
  ...{ createdAt: `2026-11-${day}T02:00:00Z`, job: 'snapshots/nightly', at: `2026-11-${day}T02:00:09Z` },
  ...more,
});
const fileOf = ({ name, bytes, sha256 }: SnapshotRecord) => ({ name, bytes, sha256 });
const named = (some: readonly { name: string }[]) => some.map(({ name }) => name.slice(-11, -9));

const days = [10, 11, 12, 13, 14].map((day) => record(day));
const made = days.at(-1) as SnapshotRecord;
const files = days.map(fileOf);

describe('of the recorded snapshots', () => {
  it.each([
    [1, ['10', '11', '12', '13']],
    [2, ['10', '11', '12']],
    [5, []],
    [9, []],
  ])('the newest %i stay, and the others go, the oldest first', (keep, gone) => {
    const sorted = sortSnapshots([...files].reverse(), days, { made, keep });
    expect(named(sorted.older)).toEqual(gone);
    expect([sorted.gone, sorted.replaced, sorted.notOurs]).toEqual([[], [], 0]);
  });

  it('the one just made stays, also when the clock of the node was set back', () => {
    const early = record(10, { name: 'docs-7-2026-11-01.snapshot', createdAt: '2026-11-01T02:00:00Z' });
    const sorted = sortSnapshots([...files, fileOf(early)], days, { made: early, keep: 1 });
    expect(named(sorted.older)).toEqual(['10', '11', '12', '13', '14']);
  });

  it('the one just made counts as ours before the store lists its record', () => {
    const sorted = sortSnapshots(files, days.slice(0, -1), { made, keep: 4 });
    expect([named(sorted.older), sorted.notOurs]).toEqual([['10'], 0]);
  });

  it('one that the node no longer has takes nobody’s place, and its record goes', () => {
    const without = files.filter(({ name }) => !name.includes('-13.'));
    const sorted = sortSnapshots(without, days, { made, keep: 3 });
    expect([named(sorted.older), named(sorted.gone)]).toEqual([['10'], ['13']]);
  });

  it('one of another address stays on record, where only the address tells the node', () => {
    const lone = days.map(({ peer: _peer, ...one }) => one);
    const [away, ...here] = lone as [SnapshotRecord, ...SnapshotRecord[]];
    const elsewhere = { ...away, node: 'http://other:6333' };
    const of = (all: SnapshotRecord[]) =>
      sortSnapshots(here.map(fileOf), all, { made: here.at(-1)!, keep: 9 });
    expect(named(of([away, ...here]).gone)).toEqual(['10']);
    expect(named(of([elsewhere, ...here]).gone)).toEqual([]);
  });
});

describe('what ferry did not record', () => {
  it('stays, and is counted', () => {
    const others = [
      { name: 'docs-7-2026-11-09.snapshot', bytes: 109, sha256: hash('a') },
      { name: 'copied-by-hand.snapshot', bytes: 5 },
    ];
    const sorted = sortSnapshots([...others, ...files], days, { made, keep: 5 });
    expect([sorted.older, sorted.notOurs]).toEqual([[], 2]);
  });

  it.each([
    ['another checksum', { sha256: hash('b') }],
    ['another size', { bytes: 1 }],
    ['no checksum', { sha256: undefined }],
  ])('stays under a recorded name with %s', (_, other) => {
    const [first, ...rest] = files as [(typeof files)[number]];
    const { sha256, ...replaced } = { ...first, ...other };
    const list = [sha256 === undefined ? replaced : { ...replaced, sha256 }, ...rest];
    const sorted = sortSnapshots(list, days, { made, keep: 1 });
    expect([named(sorted.older), named(sorted.replaced), named(sorted.gone), sorted.notOurs]).toEqual([
      ['11', '12', '13'],
      ['10'],
      [],
      1,
    ]);
  });

  it('and the newest ones never go, whatever lies there', () => {
    const one = fc.record({
      day: fc.integer({ min: 10, max: 30 }),
      isThere: fc.boolean(),
      isOther: fc.boolean(),
    });
    const all = fc.uniqueArray(one, { selector: ({ day }) => day, minLength: 1 });
    fc.assert(
      fc.property(all, fc.integer({ min: 1, max: 6 }), fc.nat(), (some, keep, at) => {
        const records = some.map(({ day }) => record(day));
        const mine = records[at % records.length] as SnapshotRecord;
        const there = some.filter(({ isThere }) => isThere);
        const list = there.map(({ day, isOther }) => ({
          ...fileOf(record(day)),
          ...(isOther ? { sha256: hash('b') } : {}),
        }));
        const sorted = sortSnapshots(list, records, { made: mine, keep });
        const goes = new Set(sorted.older.map(({ name }) => name));
        const ours = there.filter(({ isOther }) => !isOther).map(({ day }) => record(day).name);
        expect(goes.has(mine.name)).toBe(false);
        expect([...goes].every((name) => ours.includes(name))).toBe(true);
        expect(ours.length - goes.size).toBe(Math.min(keep, ours.length));
        expect(sorted.notOurs).toBe(list.length - ours.length);
        expect(ours.length + sorted.gone.length + sorted.replaced.length).toBe(records.length);
      }),
    );
  });
});
