// What one command records for the next one: a JSON document that is complete even if the writer was killed in the middle,
// and that only its owner can read.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const FORMAT = 1;

/** Undefined when there is none, or one that this program cannot read. */
export function readRecordFile<T extends { format: number }>(path: string): T | undefined {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as T;
    return record.format === FORMAT ? record : undefined;
  } catch {
    return undefined;
  }
}

export function writeRecordFile(path: string, record: { format: typeof FORMAT }): void {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, JSON.stringify(record, undefined, 2), { mode: 0o600 });
  renameSync(aside, path);
}
