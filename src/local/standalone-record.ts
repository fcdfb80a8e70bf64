// The processes of a `--standalone` command that runs now, by pid and start time, written as soon as each exists. The
// next command ends what a killed one left: two servers on one database would destroy it.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, type ProcessIdentity } from './process-identity.js';
import { readRecordFile, writeRecordFile } from './record-file.js';
import type { WorkerRole } from './worker-process.js';

export interface StandaloneRecord {
  format: 1;
  /** As it was written. */
  command: string;
  /** Of its Temporal server and of that one's UI. */
  address: string;
  ui: string;
  processes: Partial<Record<'temporal' | WorkerRole, ProcessIdentity>>;
}

/** Longer than a worker gives to what it runs. */
const GRACE_MS = 35_000;

export function writeStandaloneRecord(root: string, record: StandaloneRecord): void {
  writeRecordFile(recordFile(root), record);
}

/** Undefined when no command runs, or none was killed. */
export function readStandaloneRecord(root: string): StandaloneRecord | undefined {
  return readRecordFile(recordFile(root));
}

export function removeStandaloneRecord(root: string): void {
  rmSync(recordFile(root), { force: true });
}

/** Workers first: they would only complain about a server that vanishes. */
export async function endRecorded({ processes }: StandaloneRecord, graceMs = GRACE_MS): Promise<void> {
  for (const group of [['control', 'data'], ['temporal']] as const) {
    const identities = group.flatMap((name) => processes[name] ?? []);
    await Promise.all(identities.map((identity) => endProcess(identity, graceMs)));
  }
}

const recordFile = (root: string): string => join(root, 'running.json');
