import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onlyTemporalAt, temporalConnection } from '../../src/config.js';
import { tryLock } from '../../src/local/lock.js';
import {
  clearJobFolder,
  hashOfAsked,
  openJobFolder,
  removeNote,
  unfinishedJobs,
} from '../../src/local/standalone-folder.js';
import { disasterRecoverySchema } from '../../src/model/contracts/recovery-inputs.js';
import { parseInput } from '../../src/model/contracts/inputs.js';
import { jobId, standaloneJobId } from '../../src/model/names.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ferry-standalone-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('what a standalone job is known by', () => {
  const asked = (input: Record<string, unknown>, more: { config?: string; id?: string } = {}) =>
    hashOfAsked({
      operation: 'restore',
      input: parseInput(disasterRecoverySchema, input),
      config: '/etc/ferry.yaml',
      ...more,
    });

  it('is the same for the same question, whatever the order and whether defaults are written', () => {
    const plain = asked({ target: 'b', as: { x: 'y', z: 'w' } });
    expect(asked({ as: { z: 'w', x: 'y' }, target: 'b', onExisting: 'fail' })).toBe(plain);
    expect(plain).toMatch(/^[0-9a-f]{12}$/);
  });

  it.each([
    ['another collection', asked({ target: 'b', collections: ['docs'] })],
    ['another target', asked({ target: 'c' })],
    ['another ferry.yaml', asked({ target: 'b' }, { config: '/tmp/ferry.yaml' })],
    ['an id of its own', asked({ target: 'b' }, { id: 'tonight' })],
  ])('is another with %s', (_, other) => {
    expect(other).not.toBe(asked({ target: 'b' }));
  });

  it('makes a workflow id without a time in it', () => {
    const id = standaloneJobId('restore', 'off site', 'prod', '0123456789ab');
    expect(id).toBe('restore/off_site-to-prod/standalone-0123456789ab');
    expect(jobId('restore', 'off site', 'prod', { at: new Date(0), nonce: '' })).toMatch(
      /^restore\/off_site-to-prod\/1970/,
    );
  });
});

describe('the folder of a standalone job', () => {
  it('is found again until the end of the job is reported, and is empty for the next one', () => {
    const first = openJobFolder(root, 'restore-1', 'ferry restore b');
    expect(first.interrupted).toBeUndefined();
    writeFileSync(join(first.path, 'database'), 'history');
    const again = openJobFolder(root, 'restore-1', 'ferry restore b');
    expect(again.interrupted).toMatchObject({ command: 'ferry restore b' });
    expect(existsSync(join(again.path, 'database'))).toBe(true);

    removeNote(again.path);
    const anew = openJobFolder(root, 'restore-1', 'ferry restore b');
    expect([anew.interrupted, readdirSync(anew.path)]).toEqual([undefined, ['job.json']]);
  });

  it('is named to other commands while its job is unfinished', () => {
    const { path } = openJobFolder(root, 'restore-1', 'ferry restore b');
    openJobFolder(root, 'backup-2', 'ferry backup a');
    mkdirSync(join(root, 'restore-3'));
    const [other, ...more] = unfinishedJobs(root, 'backup-2');
    expect([other, more]).toEqual([expect.objectContaining({ command: 'ferry restore b', path }), []]);
    removeNote(path);
    expect(unfinishedJobs(root, 'backup-2')).toEqual([]);
  });

  it('goes, or keeps nothing but the logs', () => {
    const { path } = openJobFolder(root, 'restore-1', 'ferry restore b');
    for (const name of ['logs', 'temporal']) mkdirSync(join(path, name));
    clearJobFolder(path, true);
    expect(readdirSync(path)).toEqual(['logs']);
    clearJobFolder(path, false);
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('the lock of a state folder', () => {
  const lock = () => join(root, 'lock');

  it('names its living holder instead of waiting, and is free afterwards', async () => {
    const first = await tryLock(lock());
    expect(await tryLock(lock())).toMatchObject({ holder: { pid: process.pid } });
    if ('release' in first) await first.release();
    expect(await tryLock(lock())).toHaveProperty('release');
  });

  it.each([
    ['a dead process', JSON.stringify({ pid: process.pid, startedAt: 'long ago' })],
    ['nobody that can be read', '{"pid":'],
  ])('is none when it is held by %s', async (_, text) => {
    writeFileSync(lock(), text);
    expect(await tryLock(lock())).toHaveProperty('release');
  });
});

describe('the workers of a standalone job', () => {
  it('see their own server alone, whatever ferry.yaml, the environment and the file of the user say', () => {
    const file = join(root, 'temporal.toml');
    writeFileSync(file, '[profile.default]\naddress = "lost:7233"\napi_key = "k"\nnamespace = "n"\n');
    const users = { TEMPORAL_CONFIG_FILE: file };
    expect(temporalConnection(undefined, users).connectionOptions.address).toBe('lost:7233');
    const own = { ...users, ...onlyTemporalAt('127.0.0.1:4321', root) };
    expect(temporalConnection(undefined, own)).toEqual({
      namespace: 'default',
      connectionOptions: { address: '127.0.0.1:4321' },
    });
  });
});
