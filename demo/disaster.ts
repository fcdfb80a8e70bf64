// The demo's disaster: what is on the target goes into S3, the target loses its whole storage, and everything comes back.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DisasterStory } from './checks.js';
import { qdrantRequest } from './fill-collection.js';
import type { RunningStack } from '../src/local/index.js';
import type { RecoveryReport } from '../src/model/state/recovery-progress.js';
import type { BackupReport } from '../src/model/contracts/results.js';
import { runPass, type DemoFrame, type Pass } from './passes.js';
import { stepTitle } from './text.js';
import { bytes } from '../src/cli/terminal/formatting.js';
import type { Output } from '../src/cli/terminal/output.js';

export interface Disaster {
  backup: Pass<BackupReport>;
  recovery: Pass<RecoveryReport>;
  story: DisasterStory;
}

export async function runDisaster(
  stack: RunningStack,
  folder: string,
  frame: DemoFrame,
  collections: readonly string[],
  output: Output,
): Promise<Disaster> {
  const { url } = stack.describe().qdrant.target;
  output.say(stepTitle(output.paint, 5, 'The backup', 'what is on the target, into S3'));
  const backup = await backUp(frame, collections);
  output.say(stepTitle(output.paint, 6, 'The disaster', 'the target is killed, its storage wiped'));
  const before = await collectionsOn(url);
  await stack.pieces.target.kill();
  await wipe(join(folder, 'target'));
  await stack.pieces.target.start();
  const after = await collectionsOn(url);
  frame.display.say(`   ${before} collections before, ${after} after. The workers were left alone.`);
  const recovery = await recover(frame);
  return { backup, recovery, story: { before, after } };
}

async function backUp(frame: DemoFrame, collections: readonly string[]): Promise<Pass<BackupReport>> {
  const input = { cluster: 'target', collections, heartbeatSeconds: 3, concurrency: 2 };
  const pass = await runPass<BackupReport>(frame, 'fullBackup', 'backup', input);
  for (const { source, bytes: size, shards, proven } of pass.reports) {
    const proof = proven === 'quiesced' ? 'proved: the digests before and after agree' : 'not proved';
    const files = `${shards} snapshot${shards === 1 ? '' : 's'}, ${bytes(size)}`;
    frame.display.say(`   ${source.collection}: ${files}; every byte read again; ${proof}`);
  }
  return pass;
}

function recover(frame: DemoFrame): Promise<Pass<RecoveryReport>> {
  const input = { target: 'target', heartbeatSeconds: 3, awaitIndexingMinutes: 0, concurrency: 2 };
  return runPass<RecoveryReport>(frame, 'disasterRecovery', 'recovery', input);
}

/** All of it, as a lost disk would take it. */
async function wipe(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

async function collectionsOn(url: string): Promise<number> {
  const answer = JSON.parse(await qdrantRequest(url, 'GET', '/collections')) as {
    result: { collections: unknown[] };
  };
  return answer.result.collections.length;
}
