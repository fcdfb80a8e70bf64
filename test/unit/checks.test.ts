// What a check reads from a store, with how many requests; which checks a command makes; and what it makes of a schedule.

import { Cron } from 'croner';
import { describe, expect, it } from 'vitest';
import { listProtected } from '../../src/checks/list-protected.js';
import { measureStore } from '../../src/checks/measure-store.js';
import { checkProtection } from '../../src/checks/protection.js';
import { scheduleFacts, type TemporalSchedule } from '../../src/checks/schedule-facts.js';
import { plannedChecks } from '../../src/cli/check/planned-checks.js';
import type { ClusterFacts } from '../../src/cluster/control-port.js';
import type { CheckProtectionInput } from '../../src/model/contracts/check-activities.js';
import type { FerryConfig } from '../../src/model/ferry-config.js';
import { completeKey, manifestKey, proofKey, pruneLeaseKey } from '../../src/model/format/backup-names.js';
import { proofSchema } from '../../src/model/format/manifest.js';
import { judgeSchedule } from '../../src/model/health/places.js';
import { sha256OfText } from '../../src/shards/read-text.js';
import { keepRun } from '../support/kept-runs.js';
import { MemoryStore } from '../support/memory-store.js';
import { NEVER, runId, storeWithRuns } from '../support/pruned-stores.js';

const NOW = '2026-11-28T12:00:00.000Z';
const LIMITS = { maxAgeHours: 24, maxProofAgeDays: 7 };

const livingOf = (...collections: string[]) => ({ collections, identity: ['1'], nodes: [], leftOut: 0 });

function asked(more: Partial<CheckProtectionInput> = {}): CheckProtectionInput {
  return { store: 'memory', cluster: 'prod', now: NOW, living: livingOf('docs'), ...LIMITS, ...more };
}

async function kindsIn(store: MemoryStore, more: Partial<CheckProtectionInput> = {}): Promise<string[]> {
  const { findings } = await checkProtection(store, asked(more), NEVER);
  return findings.map(({ kind, collection }) => `${kind} ${collection}`).sort();
}

async function textAt(store: MemoryStore, key: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(key)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function prove(store: MemoryStore, backup: string, kind: 'quiesced' | 'rehearsed', at: string) {
  const manifestSha256 = sha256OfText(await textAt(store, manifestKey('prod', backup, 'docs')));
  const proof = proofSchema.parse({
    ...{ format: 'qdrant-ferry/proof', version: 2, backup, cluster: 'prod', collection: 'docs', kind, at },
    ...{ manifestSha256, digest: { version: 1, count: 7, sum: '0'.repeat(32) } },
    ...(kind === 'rehearsed' ? { recoverySeconds: 3 } : {}),
  });
  store.write(proofKey('prod', backup, 'docs', kind, new Date(at)), proof, at);
}

/** A full backup by points at midnight, and an increment by field each hour after it. Their ids, the newest last. */
async function hourlyByField(store: MemoryStore, hours: number): Promise<string[]> {
  const ids: string[] = [];
  let base: Record<string, string> | undefined;
  for (let hour = 0; hour <= hours; hour += 1) {
    const backup = `20261128_${String(hour).padStart(2, '0')}0000-0000000f`;
    const [manifest, complete] = [manifestKey('prod', backup, 'docs'), completeKey('prod', backup, 'docs')];
    const at = `2026-11-28T${backup.slice(9, 11)}:01:00.000Z`;
    keepRun(store, { backup, collections: { docs: 'complete' } });
    const idSet = { key: manifest.replace('manifest.json', 'slice-0.00000000.ids.gz'), count: 0, bytes: 1 };
    store.write(idSet.key, 'x', at);
    const slice = { digest: { count: 0, sum: '0'.repeat(32) }, changed: 0, deleted: 0 };
    const document = {
      ...(JSON.parse(await textAt(store, manifest)) as object),
      ...{ shards: [], slices: [{ ...slice, ids: { ...idSet, sha256: sha256OfText('x') } }] },
      capture: { method: 'points', detect: base === undefined ? 'all' : 'field' },
      ...(base === undefined ? {} : { kind: 'increment', base }),
    };
    const manifestSha256 = store.write(manifest, document, at);
    const checked = JSON.parse(await textAt(store, complete)) as object;
    store.write(complete, { ...checked, manifestSha256 }, at);
    base = { cluster: 'prod', backup, collection: 'docs', manifestSha256 };
    ids.push(backup);
  }
  return ids;
}

describe('a check of a store', () => {
  it('finds the newest usable backup, its size, and the newest proof of any', async () => {
    const store = storeWithRuns([25, 26, 27, 28]);
    await prove(store, runId(26), 'rehearsed', '2026-11-26T05:00:00.000Z');
    await prove(store, runId(25), 'quiesced', '2026-11-27T05:00:00.000Z');
    const { collections, findings } = await checkProtection(store, asked(), NEVER);
    expect(findings).toEqual([]);
    expect(collections).toMatchObject([
      {
        ...{ cluster: 'prod', collection: 'docs', status: 'ok', backups: 4 },
        newest: { backup: runId(28), kind: 'full', points: 7, at: '2026-11-28T02:00:00.000Z' },
        proof: { kind: 'quiesced', at: '2026-11-27T05:00:00.000Z' },
        rehearsal: { at: '2026-11-26T05:00:00.000Z', recoverySeconds: 3 },
      },
    ]);
    expect(collections[0]?.bytes).toBeGreaterThan(4 * 'a snapshot'.length);
  });

  it('passes over a proof of another manifest', async () => {
    const store = storeWithRuns([28]);
    await prove(store, runId(28), 'rehearsed', NOW);
    const key = manifestKey('prod', runId(28), 'docs');
    const manifest = `${await textAt(store, key)} `;
    const complete = JSON.parse(await textAt(store, completeKey('prod', runId(28), 'docs'))) as object;
    store.write(key, manifest, NOW);
    const checked = { ...complete, manifestSha256: sha256OfText(manifest) };
    store.write(completeKey('prod', runId(28), 'docs'), checked, NOW);
    expect(await kindsIn(store)).toEqual(['noProof docs']);
  });

  it('judges what the cluster has, new collections too, and what the store has where that is not known', async () => {
    const store = storeWithRuns([28]);
    expect(await kindsIn(store, { living: livingOf('new') })).toEqual(['noBackup new']);
    const unknown = { living: undefined, exclude: ['im*'] };
    expect(await kindsIn(store, unknown)).toEqual(['noProof docs']);
  });

  it('says where there is nothing to protect: a cluster that was emptied, and patterns that match nothing', async () => {
    const textsOf = async (store: MemoryStore, more: Partial<CheckProtectionInput>) =>
      (await checkProtection(store, asked(more), NEVER)).findings.map(({ kind, text }) => `${kind}: ${text}`);
    const emptied = { living: { ...livingOf(), there: 0 } };
    const none = { living: { ...livingOf(), there: 3 } };
    expect(await textsOf(storeWithRuns([28]), emptied)).toEqual([
      'nothingToProtect: The cluster prod has no collections any more, and memory has backups of 2: nothing is backed up.',
    ]);
    expect(await textsOf(storeWithRuns([28]), { ...none, collections: ['dosc*'] })).toEqual([
      "nothingToProtect: No collection of prod matches 'dosc*': nothing is backed up.",
    ]);
    const pruned = storeWithRuns([28]);
    for (const name of ['docs', 'images']) {
      await pruned.delete(manifestKey('prod', runId(28), name));
      pruned.write(`prod/${runId(28)}/${name}/pruned.json`, {});
    }
    expect(await textsOf(pruned, emptied)).toEqual([]);
    // One that was never filled, what no policy covers, and an answer of an earlier build.
    expect(await textsOf(new MemoryStore(), emptied)).toEqual([]);
    expect(await textsOf(storeWithRuns([28]), none)).toEqual([]);
    expect(await textsOf(storeWithRuns([28]), { living: livingOf() })).toEqual([]);
  });

  it('goes by the newest usable one, and says what became of the newer', async () => {
    const store = storeWithRuns([26]);
    keepRun(store, { backup: runId(28), collections: { docs: 'partial' } });
    const { findings } = await checkProtection(store, asked(), NEVER);
    expect(findings.map(({ kind }) => kind)).toEqual(['backupTooOld', 'noProof']);
    expect(findings[0]?.text).toContain('is 2.4 days old; the limit is 24 h.');
    expect(findings[0]?.text).toContain(`The last one, ${runId(28)}, is partial: a migration was filling it`);
  });

  it('finds a missing object, a cut one, and a lost manifest, also of an older backup', async () => {
    const store = storeWithRuns([26, 27, 28]);
    await store.delete(`prod/${runId(28)}/docs/s.snapshot`);
    store.write(`prod/${runId(27)}/docs/s.snapshot`, 'a snap');
    await store.delete(manifestKey('prod', runId(26), 'docs'));
    const { findings, collections } = await checkProtection(store, asked(), NEVER);
    expect(findings.map(({ kind }) => kind)).toEqual(['backupDamaged', 'noBackup']);
    expect(findings[0]?.text).toContain('3 backups of "docs" of prod in memory are damaged');
    expect(findings[0]?.text).toContain(`the newest is ${runId(28)}: s.snapshot is missing`);
    expect(collections[0]?.status).toBe('critical');
  });

  it('finds what an increment by field recorded last, however many links ago, and takes no rehearsal of one for a proof', async () => {
    const store = new MemoryStore();
    const ids = await hourlyByField(store, 12);
    await prove(store, ids[11] ?? '', 'rehearsed', '2026-11-28T11:30:00.000Z');
    const { collections, findings } = await checkProtection(store, asked(), NEVER);
    expect(findings).toEqual([]);
    expect(collections).toMatchObject([
      {
        newest: { backup: ids[12], kind: 'increment' },
        proof: { kind: 'recorded', at: '2026-11-28T00:00:00.000Z' },
        rehearsal: { at: '2026-11-28T11:30:00.000Z', recoverySeconds: 3 },
      },
    ]);
  });

  it('takes a removal that was begun for no damage', async () => {
    const store = storeWithRuns([27, 28]);
    await prove(store, runId(28), 'quiesced', NOW);
    await store.delete(manifestKey('prod', runId(27), 'docs'));
    store.write(`prod/${runId(27)}/docs/pruned.json`, {});
    expect(await kindsIn(store)).toEqual([]);
  });

  it('counts one that is dated in the future for nothing', async () => {
    const store = storeWithRuns([27]);
    keepRun(store, {
      backup: runId(30),
      collections: { docs: 'complete' },
      storedAt: '2026-11-27T02:10:00Z',
    });
    const { findings, collections } = await checkProtection(store, asked(), NEVER);
    expect(findings.map(({ kind }) => kind)).toEqual(['backupTooOld', 'noProof', 'backupFromFuture']);
    expect(collections[0]?.newest?.backup).toBe(runId(27));
    expect(findings[2]?.hint).toContain(`ferry backups forget ${runId(30)}`);
  });

  it('finds other peers where they are mixed in, and not where the cluster was replaced', async () => {
    const of = (identity: string[], ...days: number[]) =>
      days.map((day) => ({ backup: runId(day), collections: { docs: 'complete' as const }, identity }));
    const mixed = new MemoryStore();
    for (const run of [...of(['1'], 26, 28), ...of(['2'], 27)]) keepRun(mixed, run);
    expect(await kindsIn(mixed)).toEqual(['identityMixed docs', 'noProof docs']);
    const foreign = new MemoryStore();
    for (const run of of(['2'], 27, 28)) keepRun(foreign, run);
    expect(await kindsIn(foreign)).toEqual(['identityMixed docs', 'noBackup docs']);
    const replaced = new MemoryStore();
    for (const run of [...of(['1'], 28), ...of(['2'], 26, 27)]) keepRun(replaced, run);
    expect(await kindsIn(replaced)).toEqual(['noProof docs']);
    const grown = new MemoryStore();
    for (const run of [...of(['1', '2'], 28), ...of(['2'], 27)]) keepRun(grown, run);
    expect(await kindsIn(grown)).toEqual(['noProof docs']);
  });

  it('names what it cannot read', async () => {
    const store = storeWithRuns([27, 28]);
    store.archive(`prod/${runId(28)}/docs/s.snapshot`);
    await prove(store, runId(27), 'quiesced', NOW);
    expect(await kindsIn(store, { maxAgeHours: 48 })).toEqual(['notChecked docs']);
  });

  it('reads the documents of ten backups of a collection, however many there are', async () => {
    const few = storeWithRuns(Array.from({ length: 10 }, (_, day) => day + 1));
    const many = storeWithRuns(Array.from({ length: 28 }, (_, day) => day + 1));
    await checkProtection(few, asked(), NEVER);
    await checkProtection(many, asked(), NEVER);
    expect(few.asked.get).toBe(20);
    expect(many.asked).toEqual(few.asked);
  });
});

describe('the size of a store', () => {
  it('is told by kind, with what is written a day', async () => {
    const store = storeWithRuns([20, 27, 28]);
    store.write(pruneLeaseKey(1), 'abc');
    const { bytes, byKind, growthBytesPerDay } = await measureStore(store, { now: new Date(NOW) }, NEVER);
    const each = byKind.full / 3;
    expect(bytes).toBe(byKind.full + 3);
    expect(byKind).toMatchObject({ increment: 0, other: 3 });
    expect(Math.abs((growthBytesPerDay ?? 0) - (2 * each) / 7)).toBeLessThan(each / 50);
  });

  it('that is empty has no growth', async () => {
    const empty = await measureStore(new MemoryStore(), { now: new Date(NOW) }, NEVER);
    expect(empty).toEqual({ store: 'memory', bytes: 0, byKind: { full: 0, increment: 0, other: 0 } });
  });

  it('of a folder goes with its disk', async () => {
    const { disk } = await measureStore(new MemoryStore(), { now: new Date(NOW), folder: '/' }, NEVER);
    expect(disk?.totalBytes).toBeGreaterThan(disk?.freeBytes ?? Infinity);
    expect(disk?.usedPercent).toBeGreaterThan(0);
  });
});

it('a cluster lists what is to be protected, without what ferry made itself', async () => {
  const names = ['docs', 'rehearsal_20261127_020000_docs', 'live_20261127_020000', 'live_20261126_020000'];
  const cluster = {
    nodeUrls: ['http://n0:6333'],
    collections: () => Promise.resolve(names),
    aliases: () => Promise.resolve([{ alias: 'live', collection: 'live_20261127_020000' }]),
    identity: () => Promise.resolve(['1']),
  } as unknown as ClusterFacts;
  const listed = await listProtected(cluster, { cluster: 'prod' });
  expect(listed).toEqual({
    ...{ collections: ['docs', 'live_20261127_020000'], identity: ['1'], nodes: ['http://n0:6333'] },
    ...{ there: 4, leftOut: 0 },
  });
  const named = await listProtected(cluster, { cluster: 'prod', collections: ['d*', 'gone'] });
  expect(named.collections).toEqual(['docs', 'gone']);
});

describe('the checks that a command makes', () => {
  const config = {
    clusters: { a: {}, b: {}, c: {}, scratch: {} },
    defaults: { store: 'offsite' },
    policies: {
      nightly: { clusters: ['a'], full: 'daily 02:00', maxProofAgeDays: 3, notify: ['ops'] },
      part: {
        ...{ clusters: ['b'], collections: ['log*'], exclude: ['log-old'], full: 'hourly' },
        rehearse: { cluster: 'scratch', every: 'weekly sun 03:00' },
      },
    },
  } as unknown as FerryConfig;

  it('are one for each policy, with its limits, and one for what none covers', () => {
    expect(plannedChecks(config, { options: {} })).toEqual([
      { policy: 'nightly', clusters: ['a'], maxAgeHours: 48, maxProofAgeDays: 3 },
      { policy: 'part', clusters: ['b'], collections: ['log*'], exclude: ['log-old'], maxAgeHours: 2 },
      { clusters: ['c'] },
      { clusters: ['b'], exclude: ['log*', 'log-old'] },
    ]);
  });

  it('are narrowed by flags, whose limits go before those of a policy', () => {
    const options = { maxAgeHours: 1 };
    expect(plannedChecks(config, { options, clusters: ['a'] })).toEqual([
      { policy: 'nightly', clusters: ['a'], maxAgeHours: 1, maxProofAgeDays: 3 },
    ]);
    expect(plannedChecks(config, { options: {}, policy: 'nightly' })).toHaveLength(1);
    const elsewhere = plannedChecks(config, { options: { store: 'other' }, clusters: ['a'] });
    expect(elsewhere).toEqual([{ clusters: ['a'], store: 'other' }]);
  });

  it('are refused where a name is unknown', () => {
    expect(() => plannedChecks(config, { options: {}, policy: 'weekly' })).toThrow('it has: nightly, part');
    expect(() => plannedChecks(config, { options: {}, clusters: ['z'] })).toThrow('no cluster "z"');
  });
});

it('a schedule has the longest pause between its next times as its interval', () => {
  const at = (day: number) => new Date(Date.UTC(2026, 10, day));
  const facts = scheduleFacts(
    {
      scheduleId: 'ferry/nightly/a/full',
      state: { paused: false },
      info: {
        ...{
          recentActions: [{ takenAt: at(26), scheduledAt: at(26) }],
          nextActionTimes: [27, 30, 31].map(at),
        },
        ...{ numActionsSkippedOverlap: 2, numActionsMissedCatchupWindow: 1, createdAt: at(1) },
        runningActions: [{ workflow: { workflowId: 'a-run' } }],
      },
    } as unknown as TemporalSchedule,
    'nightly',
    { due: [27, 30, 31, 32].map(at) },
  );
  expect(facts).toEqual({
    ...{ schedule: 'ferry/nightly/a/full', policy: 'nightly', paused: false, intervalSeconds: 3 * 86_400 },
    due: [27, 30].map((day) => at(day).toISOString()),
    ...{ lastActionAt: at(26).toISOString(), nextActionAt: at(27).toISOString(), since: at(1).toISOString() },
    ...{ skipped: 2, missed: 1, running: ['a-run'] },
  });
});

describe('a schedule of every ten minutes in working hours', () => {
  const FRIDAY = '2026-11-27T17:50:00Z';
  const cron = new Cron('*/10 8-17 * * 1-5', { paused: true, utcOffset: 0 });

  /** As Temporal tells of it at that moment, when its last action was that one. */
  function factsAt(now: string, last = FRIDAY) {
    const found = {
      scheduleId: 'ferry/office/a/check',
      state: { paused: false },
      info: {
        recentActions: [{ takenAt: new Date(last), scheduledAt: new Date(last) }],
        nextActionTimes: cron.nextRuns(10, now),
        ...{ createdAt: new Date('2026-11-01T00:00:00Z'), runningActions: [] },
        ...{ numActionsSkippedOverlap: 0, numActionsMissedCatchupWindow: 0 },
      },
    } as unknown as TemporalSchedule;
    return scheduleFacts(found, 'office', { due: cron.nextRuns(1_000, last) });
  }

  it.each([
    ['a Friday evening', '2026-11-27T18:30:00Z', false],
    ['a Sunday', '2026-11-29T12:00:00Z', false],
    ['a Monday before the first time', '2026-11-30T07:59:00Z', false],
    ['half an interval after the first time', '2026-11-30T08:05:00Z', false],
    ['a moment later', '2026-11-30T08:05:01Z', true],
    ['a Monday at 11 with nothing since Friday', '2026-11-30T11:00:00Z', true],
  ])('is judged by the times that are due: %s', (_when, now, isSilent) => {
    const kinds = judgeSchedule(factsAt(now), new Date(now)).map(({ kind }) => kind);
    expect(kinds).toEqual(isSilent ? ['scheduleSilent'] : []);
  });

  it('is silent on a working day after a quarter of an hour', () => {
    const last = '2026-11-26T10:00:00Z';
    const silentAt = (now: string) => judgeSchedule(factsAt(now, last), new Date(now)).length > 0;
    expect(silentAt('2026-11-26T10:15:00Z')).toBe(false);
    expect(silentAt('2026-11-26T10:15:01Z')).toBe(true);
  });

  it('says since when it was due', () => {
    const now = '2026-11-30T11:00:00Z';
    const [finding] = judgeSchedule(factsAt(now), new Date(now));
    expect(finding?.text).toBe(
      'The schedule ferry/office/a/check has started nothing for 2.7 days; its interval is 10 min, and it was due at 2026-11-30T08:00:00.000Z.',
    );
  });

  it('tells the alert of its silence the pause that comes next', () => {
    expect(factsAt('2026-11-27T17:51:00Z').intervalSeconds).toBe(62 * 3_600 + 600);
    expect(factsAt('2026-11-26T10:01:00Z', '2026-11-26T10:00:00Z').intervalSeconds).toBe(600);
    expect(factsAt('2026-11-26T17:51:00Z', '2026-11-26T17:50:00Z').intervalSeconds).toBe(14 * 3_600 + 600);
  });
});
