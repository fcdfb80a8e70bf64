// The demo's mistake: a script changes and deletes packages on the target. An increment holds what changed, and the backup
// before it brings the collection back, beside the damaged one; then the alias is switched.

import { qdrantRequest } from './fill-collection.js';
import { runPass, type DemoFrame, type Pass } from './passes.js';
import { SAMPLE_COLLECTION } from './sample-collections.js';
import { stepTitle } from './text.js';
import type { BackupReport } from '../src/model/contracts/results.js';
import type { RecoveryReport } from '../src/model/state/recovery-progress.js';
import { bytes, count, seconds } from '../src/cli/terminal/formatting.js';
import type { Output } from '../src/cli/terminal/output.js';

export const SAMPLE_ALIAS = 'packages';

/** Of 4,000; no two ranges of ids overlap. */
export const MISTAKE = { changed: 300, deleted: 200 };

export interface WayBack {
  before: Pass<BackupReport>;
  after: Pass<BackupReport>;
  recovery: Pass<RecoveryReport>;
  seconds: number;
}

export async function runWayBack(url: string, frame: DemoFrame, output: Output): Promise<WayBack> {
  output.say(stepTitle(output.paint, 7, 'The way back', 'a mistake, and the moment before it'));
  const began = Date.now();
  const say = (line: string) => frame.display.say(`   ${line}`);
  // Its storage was wiped: for the store it is another cluster than the one that it holds backups of.
  const before = await backUp(frame, 'before-the-mistake', { newCluster: true });
  say(`${SAMPLE_COLLECTION} is backed up point by point (ferry backup --incremental)`);
  await makeMistake(url);
  const { changed, deleted } = MISTAKE;
  say(`A script with a mistake overwrites ${changed} packages and deletes ${deleted}`);
  const after = await backUp(frame, 'after-the-mistake');
  for (const { bytes: size } of after.reports)
    say(`The increment holds only what changed: ${count(changed)} points and the ids, ${bytes(size)}`);
  const recovery = await goBack(frame, before);
  for (const { target } of recovery.reports)
    say(
      `The alias ${SAMPLE_ALIAS} leads to ${target.collection} now: before the mistake (ferry restore --on-existing swap)`,
    );
  const tookSeconds = (Date.now() - began) / 1_000;
  say(`there and back in ${seconds(tookSeconds)}`);
  return { before, after, recovery, seconds: tookSeconds };
}

function backUp(frame: DemoFrame, name: string, more: object = {}): Promise<Pass<BackupReport>> {
  const input = { cluster: 'target', collections: [SAMPLE_COLLECTION], heartbeatSeconds: 3, ...more };
  return runPass<BackupReport>(frame, 'incrementalBackup', name, input);
}

async function makeMistake(url: string): Promise<void> {
  const points = `/collections/${SAMPLE_COLLECTION}/points`;
  const changed = JSON.stringify({ payload: { section: 'oops' }, points: ids(0, MISTAKE.changed) });
  await qdrantRequest(url, 'PUT', `${points}/payload?wait=true`, changed);
  const deleted = JSON.stringify({ points: ids(MISTAKE.changed, MISTAKE.deleted) });
  await qdrantRequest(url, 'POST', `${points}/delete?wait=true`, deleted);
}

function goBack(frame: DemoFrame, { reports }: Pass<BackupReport>): Promise<Pass<RecoveryReport>> {
  const input = {
    target: 'target',
    collections: [SAMPLE_COLLECTION],
    ...(reports[0] === undefined ? {} : { backup: reports[0].backup }),
    as: SAMPLE_ALIAS,
    onExisting: 'swap',
    heartbeatSeconds: 3,
    awaitIndexingMinutes: 0,
  };
  return runPass<RecoveryReport>(frame, 'disasterRecovery', 'way-back', input);
}

function ids(from: number, many: number): number[] {
  return Array.from({ length: many }, (_, at) => from + at);
}
