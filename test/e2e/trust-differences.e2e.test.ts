// A recovery that differs from its proof keeps what it recovered and says what differs, and takes nobody's name. And a
// recovery that was to follow other replicas is refused where there are none.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readText } from '../../src/shards/read-text.js';
import type { RecoveryReport } from '../../src/model/state/recovery-progress.js';
import { proofSchema } from '../../src/model/format/manifest.js';
import type { QdrantServer } from '../../src/local/index.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { fillBulky, pointText } from '../support/bulky-collection.js';
import { aliasesOf, compareTaken, countPoints, takeSide } from '../support/compare-sides.js';
import { ferry, reportOf, startFerry, type FerryRun } from '../support/ferry-command.js';
import { closeBackup, makeBackup } from '../support/hand-made-backup.js';
import { pause } from '../support/kill-watch.js';
import { allOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';
import { snapshotCommands } from '../support/snapshot-commands.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';
import { resultOf } from '../support/workflows-of.js';

let stack: BackupStack;
let trio: ThreeNodes;

beforeAll(async () => {
  trio = await startThreeNodes('trio');
  stack = await startBackupStack({ moreClusters: () => ({ trio: { nodes: trio.connection.nodes } }) });
});
afterAll(async () => {
  await stack?.stop();
  await trio?.stop();
});

const restore = (backup: string, collection: string, ...more: string[]): Promise<FerryRun> =>
  ferry(stack, 'restore', 'target', collection, '--cluster', 'source', '--backup', backup, ...more, '--json');

async function namesOnTarget(): Promise<string[]> {
  const { result } = JSON.parse(await rest(stack.target, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map((one) => one.name);
}

it('8: a backup of six shards that were written meanwhile recovers, and says what it lacks', async () => {
  const side = stack.side('source', 'rewritten');
  await fillBulky(stack.source, { name: 'rewritten', points: 1_200, shards: 6 });
  const slowly = ['--shards', '1', '--max-megabytes-per-second', '1', '--no-recall', '--json'];
  const running = startFerry(stack, 'backup', 'source', 'rewritten', ...slowly);
  while (!(await isCaptured('rewritten'))) await pause(20);
  const ids = Array.from({ length: 300 }, (_, at) => at);
  const deletion = JSON.stringify({ points: ids });
  await rest(stack.source, 'POST', `${collectionPath('rewritten')}/points/delete?wait=true`, deletion);
  await upsertTexts(stack.source, 'rewritten', ids.map(pointText));
  const saved = await running.ended;
  expect(saved, saved.stdout + saved.stderr).toMatchObject({ code: 0 });
  expect(reportOf(saved).collections).toMatchObject([{ collection: 'rewritten', proven: 'none' }]);

  const run = await restore(reportOf(saved).backup ?? '', 'rewritten');
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  expect(reportOf(run).outcome).toBe('unproven');
  const recovered = stack.side('target', 'rewritten');
  const { differences } = compareTaken(await takeSide(side), await takeSide(recovered));
  expect(differences.filter(({ kind }) => kind !== 'missing')).toEqual([]);
  expect(await countPoints(recovered)).toBe(1_200 - differences.length);
  const lacks = /(\d+) points? (is|are) not in the backup/.exec(JSON.stringify(reportOf(run)))?.[1];
  expect(Number(lacks ?? 0)).toBe(differences.length);
});

async function isCaptured(name: string): Promise<boolean> {
  const keys = (await allOf(storeOf(stack).list('source/'))).map((one) => one.key);
  return keys.some((key) => key.includes(`/${name}/`) && key.endsWith('.parts.json'));
}

describe('8: a backup whose proof is of an earlier state', () => {
  const POINTS = 600;
  let backup = '';
  let proofSum = '';

  beforeAll(async () => {
    await fillRandom(stack.source, { name: 'docs', points: POINTS, shards: 6 });
    const actions = '{"actions":[{"create_alias":{"alias_name":"current","collection_name":"docs"}}]}';
    await rest(stack.source, 'POST', '/collections/aliases', actions);
    const earlier = await ferry(stack, 'backup', 'source', 'docs', '--no-recall', '--json');
    expect(reportOf(earlier).collections).toMatchObject([{ proven: 'quiesced' }]);
    const { digest } = await proofOf(reportOf(earlier).backup ?? '');
    proofSum = digest.sum;
    const change = '{"payload":{"changed":true},"points":[0,3,6]}';
    await rest(stack.source, 'POST', `${collectionPath('docs')}/points/payload?wait=true`, change);
    const { sum, count } = digest;
    const wanted = { nodes: [stack.source.url], collection: 'docs', digest: { sum, count } };
    const made = await makeBackup(storeOf(stack), wanted);
    await closeBackup(storeOf(stack), [made], { aliases: [{ alias: 'current', collection: 'docs' }] });
    backup = made.backup;
  });

  const expectDiffers = (run: FerryRun): string => {
    expect(run.code).toBe(1);
    const error = reportOf(run).collections[0]?.error ?? '';
    expect(error).toContain('RecoveryDiffers');
    expect(error).toMatch(new RegExp(`holds the digest [0-9a-f]+, and the proof has ${proofSum}`));
    return error;
  };

  it('ends as RecoveryDiffers, says what differs, and stays under its name without aliases', async () => {
    const error = expectDiffers(await restore(backup, 'docs', '--as', 'kept'));
    expect(error).toContain('kept on target was kept as it was recovered, without aliases');
    expect(await aliasesOf(stack.side('target', 'kept'))).toEqual([]);
    await expectRecovered('kept');
  });

  it('stays under its dated name where an alias was to be moved, which still leads to the old one', async () => {
    await fillRandom(stack.target, { name: 'old', points: 10 });
    const actions = '{"actions":[{"create_alias":{"alias_name":"live","collection_name":"old"}}]}';
    await rest(stack.target, 'POST', '/collections/aliases', actions);
    const error = expectDiffers(await restore(backup, 'docs', '--as', 'live', '--on-existing', 'swap'));
    const dated = (await namesOnTarget()).filter((name) => name.startsWith('live_'));
    expect(dated).toHaveLength(1);
    expect(error).toContain(`${dated[0]} on target was kept`);
    expect(await aliasesOf(stack.side('target', 'old'))).toEqual(['live']);
    expect(await aliasesOf(stack.side('target', dated[0] ?? ''))).toEqual([]);
    await expectRecovered(dated[0] ?? '');
  });

  it('is removed where that was asked for', async () => {
    const error = expectDiffers(await restore(backup, 'docs', '--as', 'gone', '--on-difference', 'remove'));
    expect(error).toContain('gone on target was removed again');
    expect(await namesOnTarget()).not.toContain('gone');
  });

  it('is recovered without its proof where that was asked for, and is unproven then', async () => {
    const run = await restore(backup, 'docs', '--as', 'trusted', '--ignore-proof');
    expect([run.code, reportOf(run).outcome]).toEqual([0, 'unproven']);
    expect(await aliasesOf(stack.side('target', 'trusted'))).toEqual(['current']);
    await expectRecovered('trusted');
  });

  it('is not deleted unasked by the next run, which has a safety backup of it if it is to replace it', async () => {
    await rest(stack.target, 'POST', `${collectionPath('kept')}/points/delete?wait=true`, '{"points":[0]}');
    const again = await restore(backup, 'docs', '--as', 'kept', '--ignore-proof');
    expect(again.code).toBe(1);
    expect(again.stdout).toContain('an earlier recovery kept it, because it differs from its proof');
    expect(await countPoints(stack.side('target', 'kept'))).toBe(POINTS - 1);
    const how = ['--ignore-proof', '--on-existing', 'replace'];
    const run = await restore(backup, 'docs', '--as', 'kept', ...how);
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
    const { safetyBackup = '' } = await resultOf<RecoveryReport>(stack.temporal, 'ferry/target/kept');
    const saved = ['--cluster', 'target', '--backup', safetyBackup, '--as', 'saved'];
    expect(await ferry(stack, 'restore', 'target', 'kept', ...saved)).toMatchObject({ code: 0 });
    expect(await countPoints(stack.side('target', 'saved'))).toBe(POINTS - 1);
  });

  async function expectRecovered(name: string): Promise<void> {
    const [source, target] = [stack.side('source', 'docs'), stack.side('target', name)];
    expect(compareTaken(await takeSide(source), await takeSide(target)).differences).toEqual([]);
    expect(await countPoints(target)).toBe(POINTS);
  }
});

async function proofOf(backup: string) {
  const store = storeOf(stack);
  const keys = (await allOf(store.list(`source/${backup}/docs/`))).map((one) => one.key);
  const proof = keys.find((key) => key.includes('/proof-quiesced_')) ?? '';
  return proofSchema.parse(JSON.parse(await readText(store, proof)));
}

describe('20: `ferry snapshots recover --priority replica`', () => {
  const { created, refusal } = snapshotCommands(() => stack);

  it.each([
    ['on one node', 'source', () => stack.source, '"alone"'],
    ['one replica on three nodes', 'trio', () => trio.nodes[0] as QdrantServer, 'shard 0 of "alone"'],
  ])('is refused where no other replica can be followed: %s', async (_, cluster, node, which) => {
    const settings = { vectors: { size: 4, distance: 'Dot' }, shard_number: 1 };
    await rest(node(), 'PUT', collectionPath('alone'), JSON.stringify(settings));
    const one = (id: number) => `{"id":${id},"vector":[1.0,0.5,0.25,0.5],"payload":{"n":${id}}}`;
    await upsertTexts(node(), 'alone', [1, 2, 3].map(one));
    const made = await created(cluster, '--collection', 'alone', '--shard', '0');
    await upsertTexts(node(), 'alone', [4, 5].map(one));
    const what = ['--collection', 'alone', '--shard', '0', '--node', made.node, '--snapshot', made.name];
    const refused = await refusal('recover', cluster, ...what, '--replace', '--priority', 'replica');
    expect(refused).toMatchObject({ exit: 2, code: 'InvalidInput' });
    expect(refused.message).toContain(`and ${which} has no other Active one`);
    expect(await countPoints({ url: node().url, collection: 'alone' })).toBe(5);
  });
});
