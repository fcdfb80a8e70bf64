// A lock between processes of this machine: a file that names its holder by pid and start time. A holder that has
// died no longer holds it.

import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FerryError } from '../model/errors.js';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

/** Taken, or held by a living process. */
export type LockAttempt = { release: () => Promise<void> } | { holder: ProcessIdentity };

export async function withLock<T>(path: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const release = await acquire(path, onWait);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Does not wait. */
export async function tryLock(path: string): Promise<LockAttempt> {
  const self = await identify(process.pid);
  if (self === undefined)
    throw new FerryError('StackFailed', 'this machine does not report when a process started');
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    if (await take(path, self)) return { release: () => rm(path, { force: true }) };
    const holder = await heldBy(path);
    if (holder !== undefined) return { holder };
  }
}

async function acquire(path: string, onWait: () => void): Promise<() => Promise<void>> {
  for (let told = false; ; told = true) {
    const attempt = await tryLock(path);
    if ('release' in attempt) return attempt.release;
    if (!told) onWait();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The file appears whole or not at all: written aside, then linked. Two callers of one process share no file. */
async function take(path: string, self: ProcessIdentity): Promise<boolean> {
  const aside = `${path}.${self.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(aside, JSON.stringify(self));
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** The living holder; a dead one's file is removed. */
async function heldBy(path: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const holder = identityIn(text);
  if (holder !== undefined && (await isAlive(holder))) return holder;
  const stillTheSame = (await readFile(path, 'utf8').catch(() => '')) === text;
  if (stillTheSame) await rm(path, { force: true });
  return undefined;
}

/** Undefined for a file that a crash of the machine left half written. */
function identityIn(text: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
