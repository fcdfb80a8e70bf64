// `ferry snapshots download`: with --object a workflow puts the snapshot into a store; with --to it goes from the node
// straight to the disk of this machine, without Temporal. What keeps that going over broken connections is here; what
// lets a killed run resume is shards/download-to-file.ts.

import { InvalidArgumentError, type Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pacer } from '../../cluster/pacer.js';
import { loadConfig } from '../../config.js';
import { FerryError } from '../../model/errors.js';
import { parseInput } from '../../model/contracts/inputs.js';
import type { DownloadSnapshotResult } from '../../model/contracts/snapshot-activities.js';
import { downloadSnapshotSchema, given, scopeOf } from '../../model/contracts/snapshot-inputs.js';
import { sourceOf, type SnapshotDeps } from '../../snapshots/named-node.js';
import { downloadToFile } from '../../shards/download-to-file.js';
import { withFile } from '../../snapshots/snapshot-file.js';
import { createElapsedDisplay, type ElapsedDisplay } from '../watch/progress-display.js';
import { bytes } from '../terminal/formatting.js';
import { addExample, type Output, outputOf } from '../terminal/output.js';
import { nodesOf, untilInterrupted } from './on-nodes.js';
import { runSnapshotWork } from './run-snapshot-work.js';
import { downloadText } from './snapshot-text.js';
import { placeOf, snapshotCommand, tell, type PlaceOptions } from './snapshot-command.js';

interface DownloadOptions extends PlaceOptions {
  to?: string;
  object?: string;
  store?: string;
  maxMegabytesPerSecond?: number;
}

export function registerDownload(snapshots: Command): void {
  const one = 'the node that has it; required where the cluster has several';
  const what = 'download a snapshot and check its hash; the same command resumes an interrupted download';
  const command = snapshotCommand(snapshots, 'download', what, one)
    .argument('<NAME>', 'its full name')
    .option('--to <file>', 'to a file of this machine, without a worker')
    .option('--object <key>', 'to this key in a store')
    .option('--store <alias>', 'store of --object (default: defaults.store of ferry.yaml)')
    .option('--max-megabytes-per-second <number>', 'limit of bandwidth', aRate)
    .option('--detach', 'with --object: start it, print its id and its link, and exit');
  addExample(
    command,
    'ferry snapshots download prod docs-71-2026-11-27-02-00-00.snapshot --collection docs --to docs.snapshot',
  );
  command.action(async (cluster: string, snapshot: string) => {
    const options = command.optsWithGlobals<DownloadOptions>();
    const { to, object, store, maxMegabytesPerSecond } = options;
    if ((to === undefined) === (object === undefined)) command.error('error: give either --to or --object');
    const output = outputOf(options);
    const more = given({ store, maxMegabytesPerSecond });
    const input = { ...placeOf(cluster, options), snapshot, ...more, object: object ?? 'a-file' };
    if (to !== undefined) return toThisMachine(input, to, options, output);
    const work = { operation: 'download', workflowType: 'downloadSnapshot', schema: downloadSnapshotSchema };
    const end = await runSnapshotWork<DownloadSnapshotResult>({ ...work, input }, options, output);
    tell(end, output, (done) => downloadText(done, `${done.store}, ${done.object}`));
  });
}

async function toThisMachine(
  input: object,
  path: string,
  options: DownloadOptions,
  output: Output,
): Promise<void> {
  const order = { ...parseInput(downloadSnapshotSchema, input), path };
  const nodes = await nodesOf(loadConfig(options.config));
  const display = createElapsedDisplay(output);
  const stopped = `Stopped. What has arrived stays in ${path}.part; run the same command to continue, or delete that file.`;
  try {
    const done = await untilInterrupted(output, stopped, (signal) => toFile(nodes, order, display, signal));
    if (done !== undefined) output.result({ ...done, to: path }, downloadText(done, path));
  } finally {
    display.stop();
  }
}

type Order = ReturnType<typeof downloadSnapshotSchema.parse> & { path: string };

const PAUSE_MS = 2_000;
/** Without a byte more than before. */
const MOST_ATTEMPTS = 8;

async function toFile(nodes: SnapshotDeps, order: Order, display: ElapsedDisplay, signal: AbortSignal) {
  let most = 0;
  let vain = 0;
  for (;;) {
    const before = most;
    try {
      return await attempt(nodes, order, signal, (there, of) => {
        most = Math.max(most, there);
        display.show(`download ${order.snapshot}, ${bytes(there)} of ${bytes(of)}`);
      });
    } catch (error) {
      signal.throwIfAborted();
      vain = most > before ? 0 : vain + 1;
      if (!(error instanceof FerryError) || !error.retryable || vain === MOST_ATTEMPTS) throw error;
      display.say(`${error.happened}; resuming at ${bytes(most)}`);
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}

async function attempt(
  nodes: SnapshotDeps,
  order: Order,
  signal: AbortSignal,
  onProgress: (there: number, of: number) => void,
) {
  const { cluster, node, snapshot: name, path, maxMegabytesPerSecond } = order;
  const pacer = new Pacer(given({ maxMegabytesPerSecond }));
  return withFile(nodes, { cluster, node, name, ...scopeOf(order) }, signal, async (file, found) => {
    const done = await downloadToFile({
      ...{ file, source: sourceOf(found), path, signal, pacer },
      onProgress: (size) => onProgress(size, file.bytes),
    });
    return { ...found, ...done };
  });
}

function aRate(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!(value > 0)) throw new InvalidArgumentError('Not a number above zero.');
  return value;
}
