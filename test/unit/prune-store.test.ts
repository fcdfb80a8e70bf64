// What a prune makes of a store, in memory: which objects go, in which order, and what is left when it is cut off.

import { describe, expect, it, vi } from 'vitest';
import { chooseBackups } from '../../src/backups/choose-backups.js';
import { resolveBackup } from '../../src/backups/capture/resolve-backup.js';
import { showBackup } from '../../src/backups/catalogue/catalogue.js';
import { requireUsable } from '../../src/backups/read-backup.js';
import { forgetBackup } from '../../src/backups/retention/forget-backup.js';
import { pinBackup, unpinBackup } from '../../src/backups/retention/pin-backup.js';
import { PruneLease } from '../../src/backups/retention/prune-lease.js';
import { pruneStore } from '../../src/backups/retention/prune-store.js';
import {
  backupFolder,
  collectionFolder,
  completeKey,
  manifestKey,
  pinKey,
  prunedKey,
  PRUNE_LEASES,
} from '../../src/model/format/backup-names.js';
import { configurationSchema } from '../../src/model/ferry-config.js';
import type { Controls } from '../../src/cluster/control-port.js';
import { pinSchema } from '../../src/model/format/manifest.js';
import { parseDocument } from '../../src/model/format/parse-document.js';
import { pruneBackupsSchema } from '../../src/model/contracts/prune-activities.js';
import { keepRun } from '../support/kept-runs.js';
import { textOf } from '../support/object-stores.js';
import {
  dyingStore,
  expectHonest,
  keysIn,
  NEVER,
  pruneInput,
  runId,
  storeWithRuns,
  whenCalled,
} from '../support/pruned-stores.js';

const attempt = { holder: 'a test', signal: NEVER };
const ofDocs = (day: number) => ({ cluster: 'prod', backup: runId(day), collection: 'docs' });

describe('a prune', () => {
  it('removes runs of which no rule keeps anything, to the last object', async () => {
    const store = storeWithRuns([10, 11, 12, 13]);
    const result = await pruneStore(store, pruneInput(), attempt);
    expect(result).toMatchObject({ removed: 4, kept: 4, left: [], dryRun: false });
    expect(await expectHonest(store)).toEqual(
      [12, 13].flatMap((day) => [`${runId(day)}/docs`, `${runId(day)}/images`]),
    );
    expect(
      (await keysIn(store)).filter((key) => key.includes('20261110') || key.includes('20261111')),
    ).toEqual([]);
  });

  it('says how many the earlier attempts of its job removed', async () => {
    const store = storeWithRuns([10, 11, 12, 13]);
    const said: number[] = [];
    const onRemoved = async (removed: number) => void said.push(removed);
    const cutOff = pruneStore(dyingStore(store, 8, false), pruneInput(), { ...attempt, onRemoved });
    await expect(cutOff).rejects.toThrow('killed');
    const removedEarlier = said.at(-1) ?? 0;
    const { removed, ...result } = await pruneStore(store, pruneInput(), {
      ...{ ...attempt, removedEarlier, onRemoved },
    });
    expect(result.removedEarlier).toBe(removedEarlier);
    expect(removedEarlier).toBeGreaterThan(0);
    expect([removed + removedEarlier, said.at(-1), result.kept]).toEqual([4, 4, 4]);
  });

  it('names a backup of which nothing is left as removed', async () => {
    const store = storeWithRuns([10, 11, 12]);
    await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    await expect(requireUsable(store, ofDocs(10), {})).rejects.toMatchObject({
      code: 'BackupNotFound',
      message: expect.stringContaining('it was removed') as string,
    });
  });

  it('only says what it would remove with dryRun, and takes no lease', async () => {
    const store = storeWithRuns([10, 11, 12, 13]);
    const before = await keysIn(store);
    const result = await pruneStore(store, pruneInput({ dryRun: true }), attempt);
    expect(result).toMatchObject({ removed: 4, kept: 4, dryRun: true });
    expect(result.backups[0]).toMatchObject({ keep: false, reasons: ['no rule keeps it'] });
    expect(result.backups.at(-1)?.reasons).toContain('keepLast: one of the newest 2');
    expect(await keysIn(store)).toEqual(before);
    expect((await textsIn(store, PRUNE_LEASES)).length).toBe(0);
  });

  it('leaves a marker for a collection whose run goes on, and a restore says that it was pruned', async () => {
    const store = storeWithRuns([10, 11, 12]);
    await pruneStore(store, pruneInput({ keepLast: 1, collections: ['docs'] }), attempt);
    const entry = await showBackup(store, { cluster: 'prod', backup: runId(10) });
    expect(entry).toMatchObject({ complete: false, pruned: ['docs'], leftover: [] });
    expect(entry.collections).toMatchObject([{ collection: 'images', state: 'complete' }]);
    await expect(requireUsable(store, ofDocs(10), {})).rejects.toMatchObject({
      code: 'BackupNotFound',
      message: expect.stringContaining('was pruned on') as string,
    });
  });

  it('is not named as what there is to recover', async () => {
    const store = storeWithRuns([10, 11]);
    await forgetBackup(store, { cluster: 'prod', backup: runId(11) }, attempt);
    const input = { store: 'memory', target: 'prod', collections: ['nosuch'] };
    const offer = await chooseBackups(store, input, NEVER);
    await expect(offer.find('nosuch')).rejects.toMatchObject({
      code: 'BackupNotFound',
      message: expect.stringContaining(`The newest, ${runId(10)}, has: docs, images.`) as string,
    });
  });

  it('leaves a recovery of everything what is there: a pruned collection comes from its newer backup', async () => {
    const store = storeWithRuns([10]);
    for (const day of [11, 12])
      keepRun(store, { backup: runId(day), collections: { docs: 'complete' }, scope: 'named' });
    await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    const offer = await chooseBackups(store, { store: 'memory', target: 'prod' }, NEVER);
    const [docs, images] = [await offer.find('docs'), await offer.find('images')];
    expect([docs.found.from.backup, images.found.from.backup]).toEqual([runId(12), runId(10)]);
    expect(docs.notes).toEqual([expect.stringMatching(`^docs: passed over ${runId(10)}: .* was pruned on `)]);
  });

  it('keeps what is pinned until it is unpinned', async () => {
    const store = storeWithRuns([10, 11, 12]);
    await pinBackup(store, ofDocs(10), 'before the upgrade');
    const pin = await textOf(store.read(pinKey('prod', runId(10), 'docs')));
    expect(parseDocument(pinSchema, pin, 'pin.json').reason).toBe('before the upgrade');
    await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    expect(await expectHonest(store)).toContain(`${runId(10)}/docs`);
    expect((await showBackup(store, { cluster: 'prod', backup: runId(10) })).collections).toMatchObject([
      { collection: 'docs', isPinned: true },
    ]);
    await unpinBackup(store, ofDocs(10));
    await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    expect(await expectHonest(store)).toEqual([`${runId(12)}/docs`, `${runId(12)}/images`]);
  });

  it.each([
    ['seen by a prune that has only marked the backup', 'put', prunedKey, 'pinned'],
    ['refused where a prune had looked for pins before', 'delete', manifestKey, 'BackupNotFound'],
  ] as const)('is pinned, or says that it is not: %s', async (_what, call, keyOf, expected) => {
    const store = storeWithRuns([10, 11, 12]);
    const [of, pinned] = [ofDocs(10), pinKey('prod', runId(10), 'docs')];
    let pinning: Promise<string> | undefined;
    const whilePinned = whenCalled(store, call, keyOf('prod', runId(10), 'docs'), async () => {
      pinning = pinBackup(store, of).then(
        () => 'pinned',
        ({ code }: { code: string }) => code,
      );
      await vi.waitFor(async () => expect(await store.head(pinned)).toBeDefined());
      // Whoever pins looks at the manifest at once, if nothing keeps him from it.
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    await pruneStore(whilePinned, pruneInput({ keepLast: 1 }), attempt);
    expect(await pinning).toBe(expected);
    const manifest = await store.head(manifestKey('prod', runId(10), 'docs'));
    expect(manifest === undefined ? 'BackupNotFound' : 'pinned').toBe(expected);
  });

  it('refuses to pin what has no manifest, and leaves no pin on it', async () => {
    const store = storeWithRuns([10]);
    await store.delete(manifestKey('prod', runId(10), 'docs'));
    await expect(pinBackup(store, ofDocs(10))).rejects.toMatchObject({ code: 'BackupNotFound' });
    expect(await store.head(pinKey('prod', runId(10), 'docs'))).toBeUndefined();
  });

  it('keeps the backups of a cluster that shares no peer with the newest', async () => {
    const store = storeWithRuns([20, 21, 22]);
    keepRun(store, { backup: runId(10), collections: { docs: 'complete' }, identity: ['9'] });
    await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    expect(await expectHonest(store)).toContain(`${runId(10)}/docs`);
  });

  it('keeps the base of an increment that a newer ferry wrote', async () => {
    const store = storeWithRuns([10, 11, 12, 13]);
    const key = manifestKey('prod', runId(13), 'docs');
    const manifest = JSON.parse(await textOf(store.read(key))) as object;
    const base = { cluster: 'prod', backup: runId(10), collection: 'docs', manifestSha256: '0'.repeat(64) };
    store.write(key, { ...manifest, kind: 'synthetic', base }, '2026-11-13T02:00:00Z');
    const { backups } = await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    const reasonsOf = (day: number) =>
      backups.find((one) => one.backup === runId(day) && one.collection === 'docs')?.reasons;
    expect(reasonsOf(13)).toEqual(['written by a newer ferry']);
    expect(reasonsOf(10)).toEqual([`base of ${runId(13)}`]);
    expect(reasonsOf(11)).toEqual(['no rule keeps it']);
  });

  it('sweeps objects that no manifest names once they are old, and never those of a run that goes on', async () => {
    const store = storeWithRuns([10]);
    keepRun(store, { backup: runId(26), collections: { docs: 'complete' }, unfinished: true });
    const orphan = (day: number) => `${collectionFolder('prod', runId(day), 'docs')}cut.snapshot`;
    store.write(orphan(10), 'an attempt that was cut off', '2026-11-10T02:00:00Z');
    store.write(orphan(26), 'an attempt that goes on', '2026-11-26T02:00:00Z');
    const slice = `${collectionFolder('prod', runId(10), 'docs')}slice-0.0a1b2c3d.points`;
    store.write(slice, 'an attempt that was cut off', '2026-11-10T02:00:00Z');
    const unknown = `${collectionFolder('prod', runId(10), 'docs')}changes.idx`;
    store.write(unknown, 'of a newer ferry', '2026-11-10T02:00:00Z');
    const { swept } = await pruneStore(store, pruneInput(), attempt);
    expect(swept).toMatchObject({ objects: 2 });
    expect(await store.head(orphan(10))).toBeUndefined();
    expect(await store.head(orphan(26))).toBeDefined();
    expect(await store.head(unknown)).toBeDefined();
  });

  it('removes a run that never came to anything once it is old', async () => {
    const store = storeWithRuns([20]);
    keepRun(store, { backup: runId(10), collections: { docs: 'failed' } });
    keepRun(store, { backup: runId(25), collections: { docs: 'failed' }, unfinished: true });
    await pruneStore(store, pruneInput(), attempt);
    expect((await keysIn(store)).filter((key) => key.startsWith(backupFolder('prod', runId(10))))).toEqual(
      [],
    );
    expect(
      (await keysIn(store)).filter((key) => key.startsWith(backupFolder('prod', runId(25)))),
    ).toHaveLength(1);
  });

  it('keeps what lost its manifest, and was complete once, while there is nothing newer', async () => {
    const store = storeWithRuns([10]);
    await store.delete(manifestKey('prod', runId(10), 'docs'));
    const { backups } = await pruneStore(store, pruneInput(), attempt);
    expect(backups.find(({ collection }) => collection === 'docs')).toMatchObject({
      ...{ keep: true, state: 'damaged', reasons: ['damaged, and fewer than 1 newer ones are usable'] },
    });
  });

  it('asks a fixed number of requests of each backup', async () => {
    const store = storeWithRuns(Array.from({ length: 28 }, (_, day) => day + 1));
    await pruneStore(store, pruneInput({ dryRun: true, keepLast: 28 }), attempt);
    expect(store.asked.list).toBeLessThanOrEqual(3);
    expect(store.asked.get).toBe(28 * 2 * 2);
    expect(store.asked.head).toBe(0);
  });
});

describe('a prune that is cut off', () => {
  it.each([true, false])(
    'anywhere leaves nothing that lists as complete and is not, and is finished by the next; the last write sent: %s',
    async (isSent) => {
      let wasCut = true;
      for (let writes = 0; wasCut; writes += 1) {
        const store = storeWithRuns([10, 11, 12]);
        const input = pruneInput({ keepLast: 1 });
        wasCut = await pruneStore(dyingStore(store, writes, isSent), input, attempt).then(
          ({ removed }) => removed !== 4,
          () => true,
        );
        const complete = await expectHonest(store);
        expect(complete).toEqual(expect.arrayContaining([`${runId(12)}/docs`, `${runId(12)}/images`]));
        await pruneStore(store, input, attempt);
        expect(await expectHonest(store)).toEqual([`${runId(12)}/docs`, `${runId(12)}/images`]);
        expect((await keysIn(store)).filter((key) => !key.includes('20261112'))).toEqual([]);
        if (writes > 200) throw new Error('it never ends');
      }
    },
  );

  it('between marker and manifest stays complete, and may be kept by the next one', async () => {
    const store = storeWithRuns([10, 11]);
    store.write(prunedKey('prod', runId(10), 'docs'), 'not even a document', '2026-11-10T02:00:00Z');
    await pruneStore(store, pruneInput({ keepLast: 5 }), attempt);
    expect(await expectHonest(store)).toContain(`${runId(10)}/docs`);
    expect((await showBackup(store, { cluster: 'prod', backup: runId(10) })).complete).toBe(true);
  });
});

describe('a backup that is forgotten by name', () => {
  it('goes alone, whatever the rules say', async () => {
    const store = storeWithRuns([10, 11]);
    await forgetBackup(store, { cluster: 'prod', backup: runId(11), collection: 'docs' }, attempt);
    expect(await expectHonest(store)).toEqual([
      `${runId(10)}/docs`,
      `${runId(10)}/images`,
      `${runId(11)}/images`,
    ]);
    await forgetBackup(store, { cluster: 'prod', backup: runId(11) }, attempt);
    expect((await keysIn(store)).filter((key) => key.includes(runId(11)))).toEqual([]);
  });

  it('stays when it is pinned, and nothing is removed', async () => {
    const store = storeWithRuns([10, 11]);
    await pinBackup(store, ofDocs(10));
    await expect(forgetBackup(store, { cluster: 'prod', backup: runId(10) }, attempt)).rejects.toMatchObject({
      code: 'BackupKept',
    });
    expect(await expectHonest(store)).toHaveLength(4);
  });
});

it('a backup into a readOnly store is refused by name before anything is asked', async () => {
  const stores = { archive: { url: 'file:///archive', readOnly: true } };
  const parsed = configurationSchema.parse({ clusters: {}, stores });
  expect(parsed.stores['archive']?.readOnly).toBe(true);
  const storeOf = () => ({ alias: 'archive', ...stores.archive });
  const resolving = resolveBackup({ controls: {} as Controls, storeOf }, { cluster: 'prod' });
  await expect(resolving).rejects.toMatchObject({ code: 'StoreReadOnly' });
});

describe('the lease of a prune', () => {
  const term = { signal: NEVER, termMs: 200 };

  it('is not given to a second one while the first renews it', async () => {
    const store = storeWithRuns([]);
    const first = await PruneLease.take(store, { ...term, holder: 'a' });
    await expect(PruneLease.take(store, { ...term, holder: 'b' })).rejects.toMatchObject({
      code: 'PruneBusy',
    });
    first.require();
    await first.release();
    await (await PruneLease.take(store, { ...term, holder: 'b' })).release();
  });

  it('is taken over a term after its holder was killed, who then stops', async () => {
    const store = storeWithRuns([]);
    let hasSlept = 0;
    const first = await PruneLease.take(store, {
      ...term,
      termMs: 3_600_000,
      holder: 'a',
      elapsed: () => hasSlept,
    });
    const second = await PruneLease.take(store, { ...term, holder: 'b' });
    second.require();
    hasSlept = 3_600_000;
    expect(() => first.require()).toThrow('The lease of this prune has ended');
    await expect(first.release()).rejects.toMatchObject({ code: 'PruneBusy' });
    second.require();
    await second.release();
  });

  it('is taken at once by the next attempt of the same job', async () => {
    const store = storeWithRuns([]);
    await PruneLease.take(store, { ...term, termMs: 3_600_000, holder: 'a' });
    await (await PruneLease.take(store, { ...term, termMs: 3_600_000, holder: 'a' })).release();
  });

  it('is given to one of many that ask at the same moment', async () => {
    const store = storeWithRuns([]);
    const asked = ['a', 'b', 'c', 'd'].map((holder) => PruneLease.take(store, { ...term, holder }));
    const taken = (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled');
    expect(taken.length).toBe(1);
  });
});

describe('the input of a prune', () => {
  it('needs a rule, and names the flags', () => {
    expect(pruneBackupsSchema.safeParse({}).error?.issues[0]?.message).toMatch(
      /^no rule says what to keep, .*keepDays \(--keep-days\)/,
    );
    expect(pruneBackupsSchema.safeParse({ minimum: 3 }).success).toBe(false);
    expect(pruneBackupsSchema.safeParse({ keepDays: 0 }).success).toBe(false);
    expect(pruneBackupsSchema.parse({ keepDays: 30 })).toMatchObject({
      minimum: 2,
      timezone: 'UTC',
      dryRun: false,
    });
  });

  it('refuses a time zone that does not exist', () => {
    expect(pruneBackupsSchema.safeParse({ keepDays: 3, timezone: 'Mars/Olympus' }).success).toBe(false);
  });
});

async function textsIn(store: ReturnType<typeof storeWithRuns>, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

it('complete.json alone does not bring a pruned backup back', async () => {
  const store = storeWithRuns([10, 11]);
  await store.delete(manifestKey('prod', runId(10), 'docs'));
  expect(await store.head(completeKey('prod', runId(10), 'docs'))).toBeDefined();
  expect(await expectHonest(store)).not.toContain(`${runId(10)}/docs`);
});
