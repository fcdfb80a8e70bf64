// Sides that live while they are backed up and recovered: a source that is written, a target that is searched, and jobs
// that are terminated, of which nobody clears up.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { fillBulky, pointText } from '../support/bulky-collection.js';
import { aliasesOf, compareTaken, takeSide, type TakenSide } from '../support/compare-sides.js';
import { ferry, reportOf, startFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';
import { searchLoad } from '../support/search-load.js';
import { withClient } from '../support/workflows-of.js';

const POINTS = 1_500;

let stack: BackupStack;
let backup = '';
let atFirst: TakenSide;
const sideOf = (collection: string) => ({ url: stack.target.url, collection });

beforeAll(async () => {
  stack = await startBackupStack();
  await fillBulky(stack.source, { name: 'docs', points: POINTS, shards: 2 });
  atFirst = await takeSide({ url: stack.source.url, collection: 'docs' });
});
afterAll(async () => stack?.stop());

it('takes a backup of a source that is written, and says that nothing proves its content', async () => {
  const running = startFerry(stack, 'backup', 'source', 'docs', '--max-megabytes-per-second', '4', '--json');
  let over = false;
  void running.ended.then(() => (over = true));
  let added = 0;
  while (!over) {
    await upsertTexts(stack.source, 'docs', [pointText(100_000 + added)]);
    added += 1;
    await pause(20);
  }
  const run = await running.ended;
  expect(run).toMatchObject({ code: 0 });
  expect(added).toBeGreaterThan(20);
  backup = reportOf(run).backup ?? '';
  expect(reportOf(run).collections).toMatchObject([{ collection: 'docs', proven: 'none' }]);
  expect(await proofShown()).toMatchObject({ kind: 'none' });
  expect((await ferry(stack, 'backups', 'show', backup)).stdout).toContain('content unproven');
});

it('recovers it all the same, with every point that was there before and none that never was', async () => {
  const run = await restore('--as', 'unproven');
  expect([run.code, reportOf(run).outcome]).toEqual([0, 'unproven']);
  const recovered = await takeSide(sideOf('unproven'));
  const since = compareTaken(atFirst, recovered).differences;
  expect(since.filter((found) => found.kind !== 'extra')).toEqual([]);
  const source = await takeSide({ url: stack.source.url, collection: 'docs' });
  const lacking = compareTaken(source, recovered).differences;
  expect(lacking.filter((found) => found.kind !== 'missing')).toEqual([]);
});

it('proves it by a rehearsal, which the catalogue then shows, and every later recovery by that', async () => {
  const rehearsed = await ferry(stack, 'rehearse', 'target', 'docs', '--backup', backup, '--json');
  expect([rehearsed.code, reportOf(rehearsed).outcome]).toEqual([0, 'verified']);
  expect(await proofShown()).toMatchObject({ kind: 'rehearsed' });
  expect((await ferry(stack, 'backups', 'show', backup)).stdout).toMatch(/docs +complete .* rehearsed/);
  const run = await restore('--as', 'proved');
  expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
  const [one, two] = [await takeSide(sideOf('unproven')), await takeSide(sideOf('proved'))];
  expect(compareTaken(one, two).differences).toEqual([]);
});

it('moves an alias under many searches: none fails, and afterwards all of them find the new one', async () => {
  await makeOld('old', 'live');
  const load = searchLoad(stack.target, 'live', 6);
  await load.until((answers) => answers.filter((one) => one === 'old').length > 50);
  const run = await restore('--as', 'live', '--on-existing', 'swap');
  expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
  const swappedAt = load.answers.length;
  await load.until((answers) => answers.length > swappedAt + 100);
  const failures = await load.stop();
  expect(failures).toEqual([]);
  // A search that was on its way when the command ended may still have been answered by the old one.
  expect(new Set(load.answers.slice(swappedAt + 6))).toEqual(new Set(['new']));
  for (const answers of load.byPlace) expect(answers).toEqual([...answers].sort().reverse());
  expect(await aliasesOf(sideOf('old'))).toEqual([]);
});

it('continues with the collection that a terminated swap left, and leaves no second one', async () => {
  await makeOld('older', 'lively');
  await terminated('lively', ['--as', 'lively', '--on-existing', 'swap']);
  const left = (await namesOnTarget()).filter((name) => name.startsWith('lively_'));
  expect(left).toHaveLength(1);
  const run = await restore('--as', 'lively', '--on-existing', 'swap');
  expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
  expect((await namesOnTarget()).filter((name) => name.startsWith('lively_'))).toEqual(left);
  expect(await aliasesOf(sideOf(left[0] ?? ''))).toEqual(['lively']);
});

it('gives the aliases of what it replaces back also when the first job was terminated', async () => {
  await makeOld('doomed', 'kept');
  await terminated('doomed', ['--as', 'doomed', '--on-existing', 'replace']);
  expect(await namesOnTarget()).toContain('doomed');
  const run = await restore('--as', 'doomed', '--on-existing', 'replace');
  expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
  expect(await aliasesOf(sideOf('doomed'))).toEqual(['kept']);
  expect(
    compareTaken(await takeSide(sideOf('proved')), await takeSide(sideOf('doomed'))).differences,
  ).toEqual([]);
});

const restore = (...args: string[]) =>
  ferry(stack, 'restore', 'target', 'docs', '--cluster', 'source', '--backup', backup, ...args, '--json');

/** A collection that answers as an old one, behind an alias. */
async function makeOld(name: string, alias: string): Promise<void> {
  await rest(stack.target, 'PUT', collectionPath(name), '{"vectors":{"size":4,"distance":"Dot"}}');
  await upsertTexts(stack.target, name, ['{"id":1,"vector":[1.0,1.0,1.0,1.0],"payload":{"old":true}}']);
  const action = `{"create_alias":{"alias_name":"${alias}","collection_name":"${name}"}}`;
  await rest(stack.target, 'POST', '/collections/aliases', `{"actions":[${action}]}`);
}

/** A recovery whose workflows are terminated when a shard of it is under way. */
async function terminated(name: string, args: string[]): Promise<void> {
  const id = `terminated-${name}`;
  const which = ['docs', '--cluster', 'source', '--backup', backup, '--via', 'push'];
  const slowly = ['--max-megabytes-per-second', '1', '--heartbeat-seconds', '5', '--json', '--id', id];
  const running = startFerry(stack, 'restore', 'target', ...which, ...args, ...slowly);
  await withClient(stack.temporal, async ({ workflow }) => {
    const child = workflow.getHandle(`ferry/target/${name}`);
    while (!(await isRecovering(child))) await pause(50);
    await child.terminate('by the test');
    await workflow
      .getHandle(id)
      .terminate('by the test')
      .catch(() => undefined);
  });
  expect((await running.ended).code).toBe(1);
}

async function isRecovering(child: {
  describe(): Promise<{ raw: { pendingActivities?: unknown } }>;
}): Promise<boolean> {
  try {
    return JSON.stringify((await child.describe()).raw.pendingActivities ?? []).includes('recoverShard');
  } catch {
    return false; // not started yet
  }
}

async function proofShown(): Promise<unknown> {
  const { stdout } = await ferry(stack, 'backups', 'show', backup, '--cluster', 'source', '--json');
  return (JSON.parse(stdout) as { collections: { proof: unknown }[] }).collections[0]?.proof;
}

async function namesOnTarget(): Promise<string[]> {
  const { result } = JSON.parse(await rest(stack.target, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map((one) => one.name).sort();
}
