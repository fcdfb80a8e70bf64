// A lock between processes of this machine: a file that names its holder by pid and start time. A holder that has
// died holds nothing.

import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FerryError } from '../model/errors.js';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

export async function withLock<T>(path: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  await acquire(path, onWait);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, onWait: () => void): Promise<void> {
  const self = await identify(process.pid);
  if (self === undefined)
    throw new FerryError('StackFailed', 'this machine does not tell when a process started');
  await mkdir(dirname(path), { recursive: true });
  for (let told = false; !(await take(path, self));) {
    const holder = await heldBy(path);
    if (holder === undefined) continue;
    if (!told) onWait();
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The file appears whole or not at all: written aside, then linked. */
async function take(path: string, self: ProcessIdentity): Promise<boolean> {
  const aside = `${path}.${self.pid}`;
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
  const holder = JSON.parse(text) as ProcessIdentity;
  if (await isAlive(holder)) return holder;
  const stillTheSame = (await readFile(path, 'utf8').catch(() => '')) === text;
  if (stillTheSame) await rm(path, { force: true });
  return undefined;
}
