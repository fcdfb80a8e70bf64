// Which backup a restore goes by, out of runs as they lie in a store.

import { beforeEach, describe, expect, it } from 'vitest';
import { listBackups, showBackup } from '../../src/backups/catalogue/catalogue.js';
import { writeProof } from '../../src/backups/proofs.js';
import { backupSource } from '../../src/backups/backup-source.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';
import { resolveRecovery } from '../../src/recovery/resolve-recovery.js';
import { backupIdOf } from '../../src/model/format/backup-names.js';
import type {
  ResolveRecoveryInput,
  ResolveRecoveryResult,
} from '../../src/model/contracts/recovery-activities.js';
import { keepRun, type KeptRun } from '../support/kept-runs.js';
import { MemoryStore } from '../support/memory-store.js';

const NOW = new Date('2026-11-27T12:00:00Z');
const NIGHTS = ['20261124_020000-00000001', '20261125_020000-00000002', '20261126_020000-00000003'] as const;
const [FIRST, SECOND, THIRD] = NIGHTS;
const FUTURE = '20310101_020000-0000000f';

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

const keep = (run: KeptRun) => keepRun(store, run);

function resolve(more: Partial<ResolveRecoveryInput> = {}): Promise<ResolveRecoveryResult> {
  const input = { target: 'target', store: 'memory', cluster: 'prod', ...more };
  const source = backupSource(
    () => store,
    pointCodec,
    () => NOW,
  );
  return resolveRecovery(source, input, new AbortController().signal);
}

async function chosen(more: Partial<ResolveRecoveryInput> = {}): Promise<Record<string, string>> {
  const { recoveries } = await resolve(more);
  return Object.fromEntries(recoveries.map(({ from }) => [from.collection, from.backup]));
}

const notesOf = async (more: Partial<ResolveRecoveryInput> = {}) => (await resolve(more)).notes.join('\n');

describe('a restore of everything where policies share the cluster by patterns', () => {
  const [fourth, fifth] = ['20261127_020000-00000004', '20261127_090000-00000005'] as const;
  const docs = { policy: 'docs', selection: { collections: ['docs-*'] } };
  const rest = { policy: 'rest', selection: { exclude: ['docs-*', 'tmp-*'] } };

  beforeEach(() => {
    keep({ backup: FIRST, collections: { 'docs-a': 'complete', news: 'complete', 'tmp-x': 'complete' } });
    keep({ backup: SECOND, collections: { news: 'complete', old: 'complete' }, ...rest });
    keep({ backup: THIRD, collections: { 'docs-a': 'complete', 'docs-b': 'complete' }, ...docs });
    keep({ backup: fourth, collections: { news: 'complete' }, ...rest });
    keep({ backup: fifth, collections: { 'docs-b': 'complete' }, ...docs });
  });

  it('takes the newest run of each, and of the rest the newest run of all', async () => {
    expect(await chosen()).toEqual({ 'docs-b': fifth, news: fourth, 'tmp-x': FIRST });
    expect(await notesOf()).toContain(
      `this is not one moment. policy docs: ${fifth}; policy rest: ${fourth}; everything else: ${FIRST}.`,
    );
  });

  it('names what a newer run of the same patterns holds no more, and leaves it out unless that is said', async () => {
    const notes = await notesOf();
    expect(notes).toContain(`docs-a is in ${THIRD}, and in the newest run of no policy`);
    expect(notes).toContain(`old is in ${SECOND}`);
    expect(await chosen({ includeDropped: true })).toEqual({
      ...{ 'docs-a': THIRD, 'docs-b': fifth, news: fourth, old: SECOND, 'tmp-x': FIRST },
    });
  });

  it('takes what failed in the newest run of its policy from an older one', async () => {
    const sixth = '20261127_100000-00000006';
    keep({ backup: sixth, collections: { 'docs-b': 'failed' }, ...docs });
    expect(await chosen()).toMatchObject({ 'docs-b': fifth, news: fourth });
  });

  it('goes by the run of all once that is the newest', async () => {
    const sixth = '20261127_100000-00000006';
    keep({ backup: sixth, collections: { news: 'complete' } });
    expect(await chosen()).toEqual({ news: sixth });
  });

  it('is the state of one moment where one policy covers it but for what it excludes', async () => {
    store = new MemoryStore();
    keep({ backup: THIRD, collections: { 'docs-a': 'complete' }, ...rest });
    keep({ backup: fourth, collections: { news: 'complete' }, ...rest });
    const { recoveries, notes, run } = await resolve();
    expect(recoveries.map(({ from }) => from.collection)).toEqual(['news']);
    expect(run).toEqual({ cluster: 'prod', backup: fourth });
    expect(notes).toEqual([expect.stringContaining(`docs-a is in ${THIRD} and not in ${fourth}`)]);
  });

  it('goes on with the same runs on every page', async () => {
    const { run } = await resolve();
    expect(run).toEqual({ cluster: 'prod', backup: fifth, more: [fourth, FIRST] });
    keep({ backup: '20261127_110000-00000007', collections: { 'docs-c': 'complete' }, ...docs });
    const next = await resolve({ ...(run && { run }), after: 'docs-b' });
    expect(next.recoveries.map(({ from }) => [from.collection, from.backup])).toEqual([
      ['news', fourth],
      ['tmp-x', FIRST],
    ]);
  });

  it('takes patterns, and what they leave out', async () => {
    expect(await chosen({ collections: ['docs-*', 'news'], exclude: ['docs-b'] })).toEqual({ news: fourth });
    expect(await chosen({ exclude: ['docs-*', 'tmp-*'] })).toEqual({ news: fourth });
    expect(await notesOf({ collections: ['nothing-*'] })).toContain('No backup matches "nothing-*".');
  });
});

describe('a sample', () => {
  const names = Array.from({ length: 12 }, (_, at) => `c${String(at).padStart(2, '0')}`);
  beforeEach(() => {
    keep({
      backup: THIRD,
      collections: Object.fromEntries(names.map((name) => [name, 'complete' as const])),
    });
  });
  const drawn = async (seed: string, more: Partial<ResolveRecoveryInput> = {}) =>
    Object.keys(await chosen({ sample: { count: 3, seed }, ...more }));

  it('is the same for the same seed, another for another, and named', async () => {
    expect(await drawn('one')).toHaveLength(3);
    expect(await drawn('one')).toEqual(await drawn('one'));
    const seeds = await Promise.all(['one', 'two', 'three', 'four'].map((seed) => drawn(seed)));
    expect(new Set(seeds.map(String)).size).toBeGreaterThan(1);
    const { notes, chosen: kept } = await resolve({ sample: { count: 3, seed: 'one' } });
    expect(kept).toEqual(await drawn('one'));
    expect(notes).toContain(`Chosen at random: 3 of 12: ${kept?.join(', ')}.`);
  });

  it('reaches every collection in time', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seen.size < names.length; seed += 1)
      for (const name of await drawn(`${seed}`)) seen.add(name);
    expect([...seen].sort()).toEqual(names);
  });

  it('of the unproved ones holds no other', async () => {
    for (const name of names.slice(0, 10)) await prove(THIRD, name);
    expect(await drawn('one', { onlyUnproven: true })).toEqual(['c10', 'c11']);
    expect(Object.keys(await chosen({ onlyUnproven: true }))).toEqual(['c10', 'c11']);
    expect(await notesOf({ onlyUnproven: true })).toContain(
      'Left out, because their backups are proved: 10.',
    );
    for (const name of names.slice(10)) await prove(THIRD, name);
    expect(await chosen({ onlyUnproven: true })).toEqual({});
  });
});

function prove(backup: string, collection: string): Promise<void> {
  const digest = { count: 1, sum: '0'.repeat(32) };
  const of = { store: 'memory', cluster: 'prod', backup, collection };
  return writeProof(store, { ...of, kind: 'rehearsed', digest });
}

describe('a restore of everything', () => {
  beforeEach(() => {
    keep({
      backup: FIRST,
      collections: { docs: 'complete', tmp_import: 'complete', customer_42: 'complete' },
      aliases: { current: 'customer_42' },
    });
    for (const backup of [SECOND, THIRD])
      keep({ backup, collections: { docs: 'complete' }, aliases: { current: 'docs' } });
  });

  it('gives the state of the newest run, aliases included, and names what had been dropped', async () => {
    const { recoveries, notes } = await resolve();
    expect(recoveries.map(({ from }) => from)).toEqual([
      { store: 'memory', cluster: 'prod', backup: THIRD, collection: 'docs', aliases: ['current'] },
    ]);
    expect(notes).toEqual([
      expect.stringMatching(`^customer_42 is in ${FIRST} and not in ${THIRD}`),
      expect.stringMatching(`^tmp_import is in ${FIRST} and not in ${THIRD}`),
    ]);
  });

  it('brings what had been dropped back only when that is said, without the alias that moved on', async () => {
    const { recoveries } = await resolve({ includeDropped: true });
    expect(recoveries.map(({ from }) => [from.collection, from.backup, from.aliases])).toEqual([
      ['customer_42', FIRST, []],
      ['docs', THIRD, ['current']],
      ['tmp_import', FIRST, []],
    ]);
    expect(await chosen({ collections: ['tmp_import'] })).toEqual({ tmp_import: FIRST });
  });

  it('takes what failed in the newest run from the night before, and says so', async () => {
    const fourth = '20261127_020000-00000004';
    keep({ backup: fourth, collections: { docs: 'failed', news: 'complete' } });
    expect(await chosen()).toEqual({ docs: THIRD, news: fourth });
    expect(await notesOf()).toContain(`docs: passed over ${fourth}: ObjectDamaged: a bit.`);
  });

  it('takes what failed in the newest run from the morning after, where it was backed up by name', async () => {
    const [fourth, fifth] = ['20261127_020000-00000004', '20261127_090000-00000005'] as const;
    keep({ backup: fourth, collections: { docs: 'failed', news: 'complete' } });
    keep({ backup: fifth, collections: { docs: 'complete' }, scope: 'named' });
    expect(await chosen()).toEqual({ docs: fifth, news: fourth });
    expect(await notesOf()).toContain(`docs: passed over ${fourth}: ObjectDamaged: a bit.`);
  });

  it.each<[string, Partial<KeptRun>, string]>([
    ['was interrupted', { interrupted: true }, 'it was interrupted'],
    ['has not ended', { unfinished: true }, 'it has not finished'],
    ['holds only some of the collections', { scope: 'named' }, 'it holds only some'],
  ])('does not go by a run that %s', async (_, how, reason) => {
    const newer = '20261127_020000-00000004';
    keep({ backup: newer, collections: { docs: 'complete' }, ...how });
    expect(await chosen()).toEqual({ docs: THIRD });
    expect(await notesOf()).toContain(`${newer} does not list all collections of the cluster: ${reason}`);
    expect(await chosen({ collections: ['docs'] })).toEqual({ docs: newer });
  });

  it('goes by the state at a time', async () => {
    expect(Object.keys(await chosen({ before: '2026-11-24T12:00:00Z' }))).toEqual([
      'customer_42',
      'docs',
      'tmp_import',
    ]);
  });

  it('passes over a partial one, which only its id recovers, with a warning', async () => {
    const newer = '20261127_020000-00000004';
    keep({ backup: newer, collections: { docs: 'partial' } });
    expect(await chosen()).toEqual({ docs: THIRD });
    expect(await notesOf()).toContain(`docs: passed over ${newer}: it is partial`);
    expect(await chosen({ backup: newer })).toEqual({ docs: newer });
    expect(await notesOf({ backup: newer })).toContain(
      `docs: ${newer}: it is partial: a migration was filling it`,
    );
  });

  it('passes over objects that are gone, as `ferry backups show` does', async () => {
    await store.delete(`prod/${THIRD}/docs/s.snapshot`);
    expect(await chosen()).toEqual({ docs: SECOND });
    const { collections } = await showBackup(store, { cluster: 'prod', backup: THIRD });
    expect(collections).toMatchObject([{ state: 'damaged', reason: 's.snapshot is missing' }]);
  });
});

describe('a backup dated in the future', () => {
  beforeEach(() => {
    for (const backup of NIGHTS) keep({ backup, collections: { docs: 'complete' } });
    keep({ backup: FUTURE, collections: { docs: 'complete' }, storedAt: '2026-11-26T20:00:00Z' });
  });

  it('is never preferred, and named', async () => {
    expect(await chosen()).toEqual({ docs: THIRD });
    expect(await chosen({ collections: ['docs'] })).toEqual({ docs: THIRD });
    expect(await notesOf()).toContain(`Passed over ${FUTURE}: it is dated in the future`);
  });

  it('can be named, with a warning', async () => {
    expect(await chosen({ backup: FUTURE })).toEqual({ docs: FUTURE });
    expect(await notesOf({ backup: FUTURE })).toContain(`${FUTURE} is dated in the future`);
  });

  it('is one also by the time of its own objects, whatever the clock here says', async () => {
    const early = '20261127_113000-00000005';
    keep({ backup: early, collections: { docs: 'complete' }, storedAt: '2026-11-27T03:00:00Z' });
    expect(await chosen()).toEqual({ docs: THIRD });
  });

  it('stands last in the list', async () => {
    const { backups } = await listBackups(store, { cluster: 'prod' }, undefined, NOW);
    expect(backups.map(({ backup, isFuture }) => [backup, isFuture ?? false])).toEqual([
      [THIRD, false],
      [SECOND, false],
      [FIRST, false],
      [FUTURE, true],
    ]);
  });
});

describe('two clusters under one alias', () => {
  beforeEach(() => {
    keep({ backup: FIRST, identity: ['7'], collections: { docs: 'complete', old: 'complete' } });
    keep({ backup: SECOND, identity: ['7', '8'], collections: { docs: 'complete', users: 'complete' } });
    keep({ backup: THIRD, identity: ['9'], collections: { docs: 'failed', users: 'complete' } });
  });

  it('are never mixed: those of the newest count, the others are named', async () => {
    expect(await chosen()).toEqual({ docs: THIRD, users: THIRD });
    const notes = await notesOf();
    expect(notes).toContain(`Passed over ${SECOND} and 1 more: it is of the cluster of peer 7, 8`);
    expect(notes).not.toContain('old is in');
  });

  it('are both available by an id', async () => {
    expect(await chosen({ backup: FIRST })).toEqual({ docs: FIRST, old: FIRST });
  });

  it('are the same where they share a peer', async () => {
    const fourth = '20261127_020000-00000004';
    keep({ backup: fourth, identity: ['8'], collections: { docs: 'complete', users: 'failed' } });
    expect(await chosen({ before: '2026-11-25T12:00:00Z' })).toEqual({ docs: SECOND, users: SECOND });
    expect((await notesOf({ before: '2026-11-25T12:00:00Z' })).includes('old is in')).toBe(true);
  });
});

describe('ten thousand backups of a thousand collections', () => {
  const RUNS = 10_000;
  const COLLECTIONS = 1_000;
  const newest = backupIdOf(NOW, '0'.repeat(8));

  beforeEach(() => {
    for (let at = RUNS - 1; at > 0; at--) {
      const backup = backupIdOf(new Date(NOW.getTime() - at * 3_600_000), at.toString(16).padStart(8, '0'));
      keep({ backup, collections: {} });
    }
    const names = Array.from({ length: COLLECTIONS }, (_, at) => `tenant-${String(at).padStart(4, '0')}`);
    keep({
      backup: newest,
      collections: Object.fromEntries(names.map((name) => [name, 'complete' as const])),
    });
  });

  it('are restored from without listing them again for each collection', async () => {
    const found: string[] = [];
    let after: string | undefined;
    let run: ResolveRecoveryResult['run'];
    do {
      const page = await resolve({
        ...(after === undefined ? {} : { after }),
        ...(run === undefined ? {} : { run }),
      });
      found.push(...page.recoveries.map(({ from }) => `${from.backup}/${from.collection}`));
      [after, run] = [page.next, page.run];
    } while (after !== undefined);
    expect(found).toHaveLength(COLLECTIONS);
    expect(found.every((one) => one.startsWith(newest))).toBe(true);
    expect(store.asked.list).toBeLessThan(20);
    expect(store.asked.get).toBeLessThan(3 * COLLECTIONS);
  });

  it('are listed a page at a time', async () => {
    const page = await listBackups(store, { cluster: 'prod', most: 20 }, undefined, NOW);
    expect(page).toMatchObject({ total: RUNS, backups: { length: 20 } });
    expect(page.backups[0]).toMatchObject({ backup: newest, usable: COLLECTIONS, finished: true });
    expect(store.asked.list).toBeLessThan(20);
    expect(store.asked.get).toBeLessThan(100);
  });
});
