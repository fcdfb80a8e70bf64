// What `--standalone` keeps of a job between two commands: a folder named for its input, with the database of its
// Temporal server and the logs. A note in it marks a job whose end was not reported yet; a folder without one is left over.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Asked {
  operation: string;
  /** As parsed, so that a default counts the same whether it was written or not. */
  input: unknown;
  /** Path of the ferry.yaml: what its aliases mean may be corrected while a job is interrupted. */
  config: string;
  /** Of the workflow, where the user chose it. */
  id?: string | undefined;
}

export interface JobNote {
  /** The command as it was written. */
  command: string;
  startedAt: string;
}

export interface JobFolder {
  path: string;
  /** There when an earlier command left the job unfinished. */
  interrupted?: JobNote;
}

/** The same for the same question, whatever the order of its fields. */
export function hashOfAsked({ operation, input, config, id }: Asked): string {
  const text = JSON.stringify(sorted({ operation, input, config, id }));
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

export function openJobFolder(root: string, key: string, command: string): JobFolder {
  const path = join(root, key);
  const interrupted = readNote(path);
  if (interrupted) return { path, interrupted };
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  writeNote(path, { command, startedAt: new Date().toISOString() });
  return { path };
}

/** From now on the folder is a leftover. */
export function removeNote(path: string): void {
  rmSync(noteFile(path), { force: true });
}

export function clearJobFolder(path: string, keepLogs: boolean): void {
  for (const name of keepLogs ? readdirSync(path).filter((name) => name !== 'logs') : ['.'])
    rmSync(join(path, name), { recursive: true, force: true });
}

/** Jobs that were interrupted and not gone on with, besides the one of that key. */
export function unfinishedJobs(root: string, exceptKey: string): (JobNote & { path: string })[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name }) => {
    const path = join(root, name);
    const note = name === exceptKey ? undefined : readNote(path);
    return note ? [{ ...note, path }] : [];
  });
}

const noteFile = (path: string): string => join(path, 'job.json');

/** On the disk before anything is started: a job whose note is lost would be forgotten. */
function writeNote(path: string, note: JobNote): void {
  const aside = `${noteFile(path)}.new`;
  writeFileSync(aside, JSON.stringify(note, undefined, 2), { flush: true });
  renameSync(aside, noteFile(path));
}

function readNote(path: string): JobNote | undefined {
  try {
    return JSON.parse(readFileSync(noteFile(path), 'utf8')) as JobNote;
  } catch {
    return undefined;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
