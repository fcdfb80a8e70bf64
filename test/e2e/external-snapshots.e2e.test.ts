import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecoveryReport } from '../../src/model/state/recovery-progress.js';
import { aliasesOf, compareSides, type Side } from '../support/compare-sides.js';
import { fetchTo, makeSnapshot, snapshotInto } from '../support/curl-snapshots.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { errorOf, ferry, reportOf, type FerryRun } from '../support/ferry-command.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';
import { rest } from '../support/rest-text.js';
import { keptPayloads } from '../support/kept-payloads.js';
import { serveFiles, type FileServer } from '../support/file-server.js';
import { resultOf } from '../support/workflows-of.js';
import { fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

const THREE_NODES_LARGEST = 9_007_199_254_740_991n;

let stack: BackupStack;
let trio: ThreeNodes;
let disk: string;
let aside: string;
let web: FileServer;
let plainWeb: FileServer;
/** Of `worst`, on the source. */
let name: string;

const SIGNATURE = 'b29e1f6c0ffee';

beforeAll(async () => {
  aside = await mkdtemp(join(tmpdir(), 'ferry-curled-'));
  web = await serveFiles(aside, { signature: SIGNATURE });
  plainWeb = await serveFiles(aside, { ranges: false });
  trio = await startThreeNodes('trio', '1.16.3');
  const FERRY_SNAPSHOT_URL_WORST = `${web.url}/worst-2026-01-01-02-00-00.snapshot?signature=${SIGNATURE}`;
  stack = await startBackupStack({ clustered: true, workerEnv: { FERRY_SNAPSHOT_URL_WORST } });
  disk = join(stack.folder, 'disk');
  await fillWorst(stack.source, 'worst', { shards: 3, large: false });
  await fillSharded(stack.source, 'by-key_7', 40);
  const first = trio.nodes[0] as { url: string };
  await fillWorst(first, 'spread-out', { shards: 4, replicas: 2, large: false, spread: true });
  await fillSharded(first, 'spread-keys', 40, THREE_NODES_LARGEST);
  [name = ''] = await snapshotInto(join(disk, 'one'), [stack.source], 'worst');
  await copyFile(join(disk, 'one', name), join(aside, 'worst-2026-01-01-02-00-00.snapshot'));
});

afterAll(async () => {
  await stack?.stop();
  await trio?.stop();
  await web?.stop();
  await plainWeb?.stop();
  await rm(aside, { recursive: true, force: true });
});

const restore = (...args: string[]) => ferry(stack, 'restore', 'target', ...args, '--json');

async function upload(folder: string, prefix: string, names: readonly string[]): Promise<void> {
  const offsite = storeOf(stack);
  for (const name of names) await offsite.put(`${prefix}${name}`, await readFile(join(folder, name)));
}

/** Recovered, and said to be unproven. */
function expectUnproven(run: FerryRun): void {
  expect([run.code, run.stdout]).toEqual([0, expect.any(String)]);
  expect(reportOf(run)).toMatchObject({ outcome: 'unproven', failed: 0 });
}

async function expectEqual(source: Side, collection: string): Promise<void> {
  const found = await compareSides(source, stack.side('target', collection));
  expect([found.points > 0, found.differences, found.configuration]).toEqual([true, [], []]);
}

describe('ferry restore --from', () => {
  it('recovers a collection out of a folder on a disk, bit for bit, and says that nothing proves it', async () => {
    const run = await restore('--from', 'disk:one/');
    expectUnproven(run);
    await expectEqual(stack.side('source', 'worst'), 'worst');
    const [line] = reportOf(run).collections;
    const report = await resultOf<RecoveryReport>(stack.temporal, line?.workflowId ?? '');
    expect(report).toMatchObject({ via: 'push', shards: 3, contentProof: { kind: 'none' } });
    expect(report.warnings.join(' ')).toContain(
      'snapshots that ferry did not take have no proof to compare it with',
    );
  });

  it('recovers custom shard keys, and a collection whose name is full of hyphens and numbers', async () => {
    await snapshotInto(join(disk, 'keys'), [stack.source], 'by-key_7');
    expectUnproven(await restore('--from', 'disk:keys'));
    await expectEqual(stack.side('source', 'by-key_7'), 'by-key_7');
  });

  it('takes the files of three nodes from S3 as one backup, into a single node', async () => {
    for (const name of ['spread-out', 'spread-keys']) {
      const names = await snapshotInto(join(aside, 'trio'), trio.nodes, name);
      await upload(join(aside, 'trio'), 'old/backups/', names);
    }
    expectUnproven(await restore('--from', 'offsite:old/backups/'));
    for (const collection of ['spread-out', 'spread-keys']) {
      await expectEqual({ url: (trio.nodes[0] as { url: string }).url, collection }, collection);
    }
  });

  it('recovers every collection of a full storage snapshot, with its aliases', async () => {
    const whole = await makeSnapshot(stack.source);
    await fetchTo(join(aside, whole.name), whole.url);
    await upload(aside, 'whole/', [whole.name]);
    const names = ['--as', 'worst=worst-2', '--as', 'by-key_7=keys-2'];
    expectUnproven(await restore('--from', `offsite:whole/${whole.name}`, ...names));
    await expectEqual(stack.side('source', 'worst'), 'worst-2');
    await expectEqual(stack.side('source', 'by-key_7'), 'keys-2');
    const aliases = await aliasesOf(stack.side('source', 'worst'));
    expect(aliases).toHaveLength(2);
    expect(await aliasesOf(stack.side('target', 'worst-2'))).toEqual(aliases);
  });

  it('recovers from the URL of one snapshot', async () => {
    const { url } = await makeSnapshot(stack.source, 'worst');
    expectUnproven(await restore('--from', url, '--as', 'worst=from-url'));
    await expectEqual(stack.side('source', 'worst'), 'from-url');
  });

  it('takes a signed URL from the environment of the worker, and keeps it out of every history', async () => {
    const run = await restore('--from', '${FERRY_SNAPSHOT_URL_WORST}', '--as', 'worst=signed');
    expectUnproven(run);
    await expectEqual(stack.side('source', 'worst'), 'signed');
    expect(run.stdout + run.stderr).not.toContain(SIGNATURE);
    const kept = await keptPayloads(stack.temporal);
    expect(kept.filter(({ text }) => text.includes(SIGNATURE))).toEqual([]);
    expect(kept.length).toBeGreaterThan(20);
  });

  it('takes a file of any name for what `map` calls it', async () => {
    await lay('odd/last night.bak', (bytes) => bytes);
    const named = ['--map', 'last*.bak=nightly', '--as', 'nightly=mapped'];
    expectUnproven(await restore('--from', 'disk:odd', ...named));
    await expectEqual(stack.side('source', 'worst'), 'mapped');
  });

  it('passes over a newest file that was cut, takes the one before, and says so', async () => {
    await lay('nights/worst-2026-01-01-02-00-00.snapshot', (bytes) => bytes);
    await lay('nights/worst-2026-01-02-02-00-00.snapshot', cutShort);
    const run = await restore('--from', 'disk:nights', '--as', 'worst=earlier');
    expectUnproven(run);
    const [line] = reportOf(run).collections;
    const report = await resultOf<RecoveryReport>(stack.temporal, line?.workflowId ?? '');
    expect(report.warnings.join(' ')).toMatch(
      /Files of 2026-01-02T02:00:00.000Z were passed over: .*is truncated/,
    );
    await expectEqual(stack.side('source', 'worst'), 'earlier');
  });
});

/** The snapshot of `worst` once more, with other bytes, under another name. */
async function lay(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await mkdir(join(disk, path, '..'), { recursive: true });
  await writeFile(join(disk, path), change(await readFile(join(disk, 'one', name))));
}

const cutShort = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length * 0.7));

/** In the first header of the first segment. */
const brokenInside = (bytes: Buffer) => {
  bytes[512 + 10] = (bytes[512 + 10] ?? 0) ^ 1;
  return bytes;
};

async function namesOn(side: { url: string }): Promise<string[]> {
  const { result } = JSON.parse(await rest(side, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map((one) => one.name).sort();
}

/** Code and message, wherever the job said it. */
function refusalOf(run: FerryRun): string {
  const document = JSON.parse(run.stdout) as Partial<ReturnType<typeof reportOf>>;
  if (document.collections) return document.collections[0]?.error ?? '';
  const { code, message } = errorOf(run);
  return `${code}: ${message}`;
}

describe('ferry restore --from refuses, and leaves the target as it was:', () => {
  async function expectRefused(run: Promise<FerryRun>, said: RegExp): Promise<void> {
    const before = await namesOn(stack.target);
    const ended = await run;
    expect([ended.code === 0, refusalOf(ended)]).toEqual([false, expect.stringMatching(said)]);
    expect(await namesOn(stack.target)).toEqual(before);
  }

  it('a file that was cut', async () => {
    await lay('cut/worst-2026-01-01-02-00-00.snapshot', cutShort);
    const run = restore('--from', 'disk:cut', '--as', 'worst=never');
    await expectRefused(run, /^SnapshotUnreadable: "cut\/worst-.*is truncated: it ends after \d+ bytes/);
  });

  it('what is no tar at all', async () => {
    await lay('page/docs-2026-01-01-02-00-00.snapshot', () => Buffer.from('<html>no</html>'.repeat(200)));
    await expectRefused(restore('--from', 'disk:page'), /^SnapshotUnreadable: .*is not a tar archive/);
  });

  it('a name that says no collection', async () => {
    await lay('nameless/backup-of-last-night.snapshot', (bytes) => bytes);
    const why = /^SnapshotsAmbiguous: The name of "backup-of-last-night.snapshot" does not tell .*`map`/;
    await expectRefused(restore('--from', 'disk:nameless'), why);
    await expectRefused(restore('worst', '--from', 'disk:nameless'), why);
  });

  it('a number in a name that is not the peer of the content', async () => {
    await lay('misread/docs-2024-2026-01-01-02-00-00.snapshot', (bytes) => bytes);
    const why = /^SnapshotsAmbiguous: The name of .* gives peer 2024, and its content peer \d+/;
    await expectRefused(restore('--from', 'disk:misread'), why);
  });

  it('files of two clusters that lie together', async () => {
    await lay(`mixed/${name}`, (bytes) => bytes);
    const [other = ''] = await snapshotInto(join(disk, 'mixed'), [stack.target], 'worst');
    expect(other).not.toBe(name);
    await expectRefused(restore('--from', 'disk:mixed'), /^SnapshotsAmbiguous: .*not of one backup/);
  });

  it('backups that cannot be told apart by their times', async () => {
    const seconds = [0, 15, 30, 45].map((second) => String(second).padStart(2, '0'));
    for (const [at, second] of seconds.entries()) {
      await lay(`close/worst-${100 + (at % 2)}-2026-01-01-02-00-${second}.snapshot`, (bytes) => bytes);
    }
    await expectRefused(restore('--from', 'disk:close'), /^SnapshotsAmbiguous: .*are \d+ s apart/);
  });

  it('a set without one of its nodes', async () => {
    await snapshotInto(join(disk, 'two-of-three'), trio.nodes.slice(1), 'spread-keys');
    const run = restore('--from', 'disk:two-of-three', '--as', 'spread-keys=never');
    await expectRefused(run, /^SnapshotsIncomplete: Shard \d+ of "spread-keys" is in none of/);
  });

  it('a snapshot of a single shard', async () => {
    const shard = await makeSnapshot(stack.source, 'worst/shards/0');
    await fetchTo(join(disk, 'shard', shard.name), shard.url);
    await expectRefused(restore('--from', 'disk:shard'), /^SnapshotUnreadable: .*is of a single shard/);
  });

  it('an empty folder, a file that is not there, and a collection that is not among them', async () => {
    await expectRefused(restore('--from', 'disk:nowhere'), /^BackupNotFound: .*disk:nowhere/);
    await expectRefused(restore('--from', 'disk:one/gone.snapshot'), /^ObjectMissing/);
    await expectRefused(restore('other', '--from', 'disk:one'), /^BackupNotFound: .*It has: worst/);
  });

  it('a version that the target cannot read, where it is known', async () => {
    const input = join(stack.folder, 'input.json');
    const from = { store: 'disk', folder: 'one', qdrantVersion: '1.14.2' };
    await writeFile(input, JSON.stringify({ from, as: { worst: 'never' } }));
    await expectRefused(restore('--input', input), /^VersionUnfit: .*1\.14\.2/);
    await snapshotInto(join(disk, 'newer'), [stack.target], 'mapped');
    const older = await ferry(stack, 'restore', 'source', '--from', 'disk:newer', '--json');
    expect([older.code, refusalOf(older)]).toEqual([1, expect.stringMatching(/^VersionUnfit: .*1\.17\.0/)]);
    expect(await namesOn(stack.source)).not.toContain('mapped');
  });

  it('a URL with a signature, one that is not there, and a server without ranges', async () => {
    const secret = `${web.url}/worst-2026-01-01-02-00-00.snapshot?signature=${SIGNATURE}`;
    const run = await restore('--from', secret);
    expect([run.code, refusalOf(run)]).toEqual([2, expect.stringContaining('FERRY_SNAPSHOT_URL')]);
    expect(run.stdout + run.stderr).not.toContain(SIGNATURE);
    const missing = restore('--from', `${plainWeb.url}/gone-2026-01-01-02-00-00.snapshot`);
    await expectRefused(missing, /^ObjectMissing/);
    const unranged = restore('--from', `${plainWeb.url}/worst-2026-01-01-02-00-00.snapshot`);
    await expectRefused(unranged, /^StoreRejected: .*does not support ranges/);
    await expectRefused(restore('--from', `${web.url}/x-2026-01-01-02-00-00.snapshot`), /^StoreAccessDenied/);
  });

  it('a file that is not what the sum beside it says, before the target is touched', async () => {
    const path = 'summed/worst-2026-01-01-02-00-00.snapshot';
    await lay(path, (bytes) => bytes);
    await writeFile(join(disk, `${path}.checksum`), 'ab'.repeat(32));
    const run = restore('--from', 'disk:summed', '--as', 'worst=never', '--precheck', 'full');
    await expectRefused(run, /^ObjectDamaged: .*another SHA-256/);
  });

  it('a file with a segment that no node could unpack', async () => {
    await lay('broken/worst-2026-01-01-02-00-00.snapshot', brokenInside);
    const run = restore('--from', 'disk:broken', '--as', 'worst=never');
    await expectRefused(run, /^SnapshotUnreadable: .*segments.*is not a tar archive/);
  });
});
