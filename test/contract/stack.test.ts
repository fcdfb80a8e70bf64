import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  endProcess,
  identify,
  isAlive,
  startStack,
  stackStatus,
  stopStack,
  type ProcessIdentity,
} from '../../src/local/index.js';
import { readRecord, type StackRecord } from '../../src/local/stack-record.js';
import { startGlobalStack } from '../support/global-stack.js';
import { fillRandom } from '../support/random-collection.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const cli = join(root, 'dist/cli.js');

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'ferry-stack-'));
});
afterEach(async () => {
  await stopStack(stateDir);
  await rm(stateDir, { recursive: true, force: true });
});

function ferry(...args: string[]) {
  return run(process.execPath, [cli, 'stack', ...args], {
    env: { ...process.env, FERRY_STATE_DIR: stateDir },
  });
}

async function livingOf(record: StackRecord | undefined): Promise<ProcessIdentity[]> {
  const all = Object.values(record?.processes ?? {});
  const alive = await Promise.all(all.map(isAlive));
  return all.filter((_, at) => alive[at]);
}

async function until(claim: () => Promise<boolean>): Promise<void> {
  while (!(await claim())) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('ferry stack', () => {
  it('brings up real servers and workers, says where they are, and takes all of it down', async () => {
    const up = JSON.parse((await ferry('up', '--json')).stdout);
    const record = readRecord(stateDir);
    expect(Object.keys(up)).toEqual(['temporal', 'qdrant', 's3', 'config', 'workers']);
    expect(Object.keys(up.s3)).toEqual(['endpoint', 'region', 'accessKeyId', 'secretAccessKey', 'bucket']);
    expect(up.workers.map((worker: { role: string }) => worker.role)).toEqual(['control', 'data']);
    expect(await versionOf(up.qdrant.source.url)).toBe('1.16.3');
    expect(await versionOf(up.qdrant.target.url)).toBe('1.17.0');
    expect((await fetch(up.temporal.ui)).status).toBe(200);
    expect(JSON.parse((await ferry('status', '--json')).stdout)).toEqual(up);
    expect(await livingOf(record)).toHaveLength(6);

    await ferry('down');
    expect(await livingOf(record)).toEqual([]);
    await expect(ferry('status')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No local stack is running'),
    });
  });

  it('keeps what runs and starts only what is missing when it comes up again', async () => {
    await ferry('up', '--no-workers');
    const before = readRecord(stateDir);
    const target = before?.processes.target as ProcessIdentity;
    process.kill(target.pid, 'SIGKILL');
    await until(async () => !(await isAlive(target)));
    const dead = await ferry('status').catch((error: { stderr: string; code: number }) => error);
    expect(dead).toMatchObject({ code: 1, stderr: expect.stringContaining('No longer running: target') });

    await ferry('up', '--no-workers');
    const after = readRecord(stateDir);
    expect(after?.ports).toEqual(before?.ports);
    expect(after?.processes.source).toEqual(before?.processes.source);
    expect(after?.processes.target?.pid).not.toBe(target.pid);
  });

  it('leaves nothing behind when its starter is killed with SIGKILL in the middle', async () => {
    const starter = spawn(process.execPath, [cli, 'stack', 'up'], {
      env: { ...process.env, FERRY_STATE_DIR: stateDir },
      stdio: 'ignore',
    });
    await until(async () => Object.keys(readRecord(stateDir)?.processes ?? {}).length >= 3);
    const record = readRecord(stateDir);
    starter.kill('SIGKILL');
    await until(async () => (await livingOf(record)).length === 0);

    const { workers } = JSON.parse((await ferry('up', '--no-workers', '--json')).stdout);
    expect(workers).toEqual([]);
    const second = readRecord(stateDir);
    expect(await livingOf(second)).toHaveLength(4);
    await ferry('down');
    expect(await livingOf(second)).toEqual([]);
  });

  it('does not touch a process that only has the pid of one it started', async () => {
    await startStack({ stateDir, workers: false, only: ['s3'] });
    const record = readRecord(stateDir) as StackRecord;
    const ours = record.processes.s3 as ProcessIdentity;
    const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 600_000)'], { stdio: 'ignore' });
    const identity = (await identify(stranger.pid as number)) as ProcessIdentity;
    const stale = { ...record, processes: { s3: ours, source: { ...ours, pid: identity.pid } } };
    await writeFile(join(stateDir, 'stack.json'), JSON.stringify(stale));

    expect((await stackStatus(stateDir))?.members).toContainEqual({
      name: 'source',
      pid: identity.pid,
      running: false,
    });
    expect(await stopStack(stateDir)).toEqual(['s3']);
    expect(await isAlive(identity)).toBe(true);
    await endProcess(identity);
  });

  it('takes turns when two commands start it at once', async () => {
    const both = [1, 2].map(() => startStack({ stateDir, workers: false, only: ['s3'] }));
    const [first, second] = await Promise.all(both);
    expect(first?.pieces.s3.pid).toBe(second?.pieces.s3.pid);
  });

  it('keeps its key from other users and out of what it says to people', async () => {
    await startStack({ stateDir, workers: false, only: ['s3'] });
    const { secretAccessKey } = readRecord(stateDir) as StackRecord;
    expect(await readFile(join(stateDir, 'ferry.yaml'), 'utf8')).toContain(secretAccessKey);
    const { stdout, stderr } = await ferry('status');
    expect(stdout + stderr).not.toContain(secretAccessKey);
    const { stdout: modes } = await run('ls', [
      '-l',
      join(stateDir, 'ferry.yaml'),
      join(stateDir, 'stack.json'),
    ]);
    expect(modes.match(/^-rw-------/gm)).toHaveLength(2);
  });

  it('removes what it kept when asked to wipe, and nothing else', async () => {
    await startStack({ stateDir, workers: false, only: ['s3'] });
    await writeFile(join(stateDir, 'mine.txt'), 'mine');
    await ferry('down', '--wipe');
    const { stdout } = await run('ls', [stateDir]);
    expect(stdout.trim()).toBe('mine.txt');
  });
});

describe('a piece of the stack', () => {
  it('finds its points again after kill and start, on the same addresses', async () => {
    const stack = await startGlobalStack({ only: ['source'] });
    const { source } = stack.pieces;
    const collection = `${source.url}/collections/docs`;
    const body = JSON.stringify({ vectors: { size: 2, distance: 'Dot' } });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(collection, { method: 'PUT', body, headers })).status).toBe(200);
    const first = source.pid;
    await source.kill();
    expect(await source.isRunning()).toBe(false);
    await source.start();
    expect(source.pid).not.toBe(first);
    expect((await fetch(collection)).status).toBe(200);
    await stack.stop();
    expect(await source.isRunning()).toBe(false);
  });

  // Of twelve such starts four failed, as long as a zombie whose other threads held the port counted as ended.
  it('starts again at once however much it held when it was killed', async () => {
    const stack = await startGlobalStack({ only: ['target'] });
    const { target } = stack.pieces;
    for (let round = 0; round < 6; round += 1) {
      await fillRandom(target, { name: `docs-${round}`, points: 1_000, dimension: 512 });
      await target.kill();
      await target.start();
    }
    expect(await target.isRunning()).toBe(true);
    await stack.stop();
  });
});

async function versionOf(url: string): Promise<string> {
  return ((await (await fetch(url)).json()) as { version: string }).version;
}
