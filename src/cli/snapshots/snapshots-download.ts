import { InvalidArgumentError, type Command } from 'commander';
import { loadConfig } from '../../config.js';
import { parseInput } from '../../model/contracts/inputs.js';
import type { DownloadSnapshotResult } from '../../model/contracts/snapshot-activities.js';
import { downloadSnapshotSchema, given, scopeOf } from '../../model/contracts/snapshot-inputs.js';
import { createElapsedDisplay } from '../terminal/elapsed-display.js';
import { EXIT } from '../terminal/exit-codes.js';
import { outputOf } from '../terminal/global-options.js';
import type { Output } from '../terminal/output.js';
import { stopOnInterrupt } from '../jobs/run-job.js';
import { runSnapshotWork, type WorkEnd } from './run-snapshot-work.js';
import { downloadText, type Downloaded } from './snapshot-text.js';
import { placeOf, snapshotCommand, tell, type PlaceOptions } from './snapshot-command.js';

interface DownloadOptions extends PlaceOptions {
  to?: string;
  object?: string;
  store?: string;
  maxMegabytesPerSecond?: number;
}

export function registerDownload(snapshots: Command): void {
  const one = 'the node on which it lies; needed where the cluster has several';
  const what = 'download a snapshot, hashed; killed and run again, it goes on';
  const command = snapshotCommand(snapshots, 'download', what, one)
    .argument('<NAME>', 'its full name')
    .option('--to <file>', 'to the disk of this machine, without any worker')
    .option('--object <key>', 'to this key in a store')
    .option('--store <alias>', 'store of --object (default: defaults.store of ferry.yaml)')
    .option('--max-megabytes-per-second <number>', 'limit of bandwidth', aRate)
    .option('--detach', 'with --object: start it, print its id and its link, and leave');
  command.action(async (cluster: string, snapshot: string) => {
    const options = command.optsWithGlobals<DownloadOptions>();
    const { to, object } = options;
    if ((to === undefined) === (object === undefined)) command.error('error: give either --to or --object');
    const output = outputOf(options);
    if (to !== undefined)
      return tell(await here(cluster, snapshot, { ...options, to }, output), output, textFor(to));
    tell(await intoStore(cluster, snapshot, options, output), output, (done) =>
      downloadText(done, `${done.store}, ${done.object}`),
    );
  });
}

const textFor = (to: string) => (done: Downloaded) => downloadText(done, to);

function inputOf(cluster: string, snapshot: string, options: DownloadOptions): Record<string, unknown> {
  const { object, store, maxMegabytesPerSecond } = options;
  return { ...placeOf(cluster, options), snapshot, ...given({ object, store, maxMegabytesPerSecond }) };
}

function intoStore(
  cluster: string,
  snapshot: string,
  options: DownloadOptions,
  output: Output,
): Promise<WorkEnd<DownloadSnapshotResult>> {
  const input = inputOf(cluster, snapshot, options);
  const work = {
    operation: 'download',
    workflowType: 'downloadSnapshot',
    schema: downloadSnapshotSchema,
    input,
  };
  return runSnapshotWork<DownloadSnapshotResult>(work, options, output);
}

async function here(
  cluster: string,
  name: string,
  options: DownloadOptions & { to: string },
  output: Output,
): Promise<WorkEnd<Downloaded & { to: string }>> {
  const { to, node, maxMegabytesPerSecond } = options;
  parseInput(downloadSnapshotSchema, { ...inputOf(cluster, name, options), object: 'a-file' });
  const { downloadHere } = await import('./download-here.js');
  const config = loadConfig(options.config);
  const display = createElapsedDisplay(output);
  const stop = stopOnInterrupt();
  const more = given({ node, maxMegabytesPerSecond });
  try {
    const order = { cluster, scope: scopeOf(options), name, path: to, ...more };
    const done = await downloadHere(config, order, display, stop.signal);
    return { code: EXIT.done, answer: { ...done, to } };
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    const message = `Stopped; ${to}.part is kept, and the same command goes on with it.`;
    display.say(message);
    output.result({ error: { code: 'Interrupted', message } }, []);
    return { code: EXIT.interrupted };
  } finally {
    display.stop();
    stop.release();
  }
}

function aRate(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!(value > 0)) throw new InvalidArgumentError('Not a number above zero.');
  return value;
}
