// The demo from beginning to end. Whatever happens, what it started it ends, unless it was asked to keep it.

import { join } from 'node:path';
import { loadConfig, stateDir } from '../src/config.js';
import { searchAlike } from './searches.js';
import { startStack, stackStatus, stopStack, type RunningStack } from '../src/local/index.js';
import { fillMade, fillSample, MADE_COLLECTION, SAMPLE_COLLECTION } from './sample-collections.js';
import { FerryError } from '../src/model/errors.js';
import type { MigrationReport } from '../src/model/contracts/results.js';
import { runDisaster } from './disaster.js';
import { runWayBack, SAMPLE_ALIAS } from './way-back.js';
import { planAccident } from './accident.js';
import { runPass, type DemoFrame, type Pass } from './passes.js';
import { judge, type DemoResult } from './result.js';
import { demoText, stepTitle } from './text.js';
import { EXIT } from '../src/cli/terminal/exit-codes.js';
import { count, seconds } from '../src/cli/terminal/formatting.js';
import { StoppedWatching } from '../src/cli/terminal/keep-trying.js';
import type { Output } from '../src/cli/terminal/output.js';
import { createProgressDisplay, type ProgressDisplay } from '../src/cli/watch/progress-display.js';
import { stopOnInterrupt } from '../src/cli/terminal/output.js';
import { openTemporal, type Temporal } from '../src/cli/temporal.js';
import type { JobView } from '../src/cli/watch/job-view.js';

const PACE = 4_000;
const FAST_COLLECTION = `${MADE_COLLECTION}-again`;

interface Filled {
  sample: number;
  made: number;
}

export async function runDemo(output: Output, keep: boolean): Promise<number> {
  const folder = join(stateDir(), 'demo');
  const stop = stopOnInterrupt();
  const began = Date.now();
  stop.signal.addEventListener('abort', () => output.say('\nStopping; taking everything down.'));
  let stack: RunningStack | undefined;
  let leave: 'nothing' | 'logs' | 'all' = 'nothing';
  let result: DemoResult | undefined;
  try {
    await clearFolder(folder);
    stack = await unlessStopped(stop.signal, startDemoStack(folder, keep, output), (late) => late.stop());
    result = await play(stack, folder, output, stop.signal);
    if (keep) leave = 'all';
  } catch (error) {
    if (!(error instanceof StoppedWatching)) {
      leave = 'logs';
      output.say(`Taking everything down; the logs stay in ${join(folder, 'logs')} until the next demo.`);
      throw error;
    }
  } finally {
    if (leave !== 'all') await takeDown(stack, folder, leave === 'nothing');
    stop.release();
  }
  if (!result) return interrupted(output);
  const tookSeconds = (Date.now() - began) / 1_000;
  const summary = demoText(result, { paint: output.paint, seconds: tookSeconds, kept: keep, folder });
  output.result({ ...result, seconds: tookSeconds }, summary);
  return result.checks.every((check) => check.passed) ? EXIT.done : EXIT.failed;
}

function interrupted(output: Output): number {
  output.result({ error: { code: 'Interrupted', message: 'The demo was stopped.' } }, []);
  return EXIT.interrupted;
}

async function clearFolder(folder: string): Promise<void> {
  const running = await stackStatus(folder);
  if (!running) return void (await stopStack(folder, { wipe: true }));
  const remedy = `Wait until it has ended, or stop it: \`FERRY_STATE_DIR=${folder} ferry stack down\`.`;
  throw new FerryError('StackFailed', 'The stack of another demo is running', {
    context: { folder },
    remedy,
  });
}

async function startDemoStack(folder: string, keep: boolean, output: Output): Promise<RunningStack> {
  const began = Date.now();
  output.say(
    stepTitle(
      output.paint,
      1,
      'A stack on this machine',
      'Temporal, Qdrant 1.16.3, Qdrant 1.17.0, an S3 gateway, workers',
    ),
  );
  const onProgress = (line: string) => output.say(`   ${line}`);
  const stack = await startStack({ stateDir: folder, workers: true, attached: !keep, onProgress });
  output.say(
    `   up in ${seconds((Date.now() - began) / 1_000)}; Temporal UI at ${stack.describe().temporal.ui}`,
  );
  return stack;
}

async function play(
  stack: RunningStack,
  folder: string,
  output: Output,
  signal: AbortSignal,
): Promise<DemoResult> {
  const { qdrant, config } = stack.describe();
  const temporal = openTemporal(loadConfig(config));
  const display = indented(createProgressDisplay(output));
  const say = (line: string) => display.say(line);
  const patience = { address: temporal.address, signal, say, meanwhile: () => 'Retrying.' };
  try {
    const filled = await unlessStopped(signal, fillSource(qdrant.source.url, display, output, signal));
    const frame = { temporal, patience, display };
    const search = () => searchAlike(qdrant.source.url, qdrant.target.url);
    const { slow, story } = await slowPass(stack, frame, output);
    const fast = await fastPass(frame, output);
    const migrated = await search();
    const disaster = await runDisaster(stack, folder, frame, [SAMPLE_COLLECTION, MADE_COLLECTION], output);
    const recovered = await search();
    const wayBack = await runWayBack(qdrant.target.url, frame, output);
    const returned = await searchAlike(qdrant.source.url, qdrant.target.url, SAMPLE_ALIAS);
    const searches = { migrated, recovered, returned };
    const link = ({ workflowId }: { workflowId: string }) => temporal.link(workflowId);
    const { backup, recovery } = disaster;
    const ways = { backup: link(backup), recovery: link(recovery), wayBack: link(wayBack.recovery) };
    const links = { slow: link(slow), fast: link(fast), ...ways };
    return judge({ filled, slow, fast, story, disaster, wayBack, searches, links });
  } finally {
    display.stop();
    await temporal.close();
  }
}

async function fillSource(
  url: string,
  display: ProgressDisplay,
  output: Output,
  signal: AbortSignal,
): Promise<Filled> {
  output.say(stepTitle(output.paint, 2, 'The source', 'two collections in Qdrant 1.16.3'));
  const began = Date.now();
  const filling = (label: string) => (done: number, total: number) => {
    if (signal.aborted) throw new StoppedWatching();
    display.show({ phase: 'filling', label, done, total });
  };
  const sample = await fillSample(url, filling(SAMPLE_COLLECTION));
  display.say(`   ${SAMPLE_COLLECTION}: ${count(sample)} real packages with their embeddings`);
  const made = await fillMade(url, { onProgress: filling(MADE_COLLECTION) });
  display.say(
    `   ${MADE_COLLECTION}: ${count(made)} made points; dense and sparse vectors, payload of every type`,
  );
  display.say(`   filled in ${seconds((Date.now() - began) / 1_000)}`);
  return { sample, made };
}

async function slowPass(stack: RunningStack, frame: DemoFrame, output: Output) {
  const title = `throttled to ${count(PACE)} points/s, so that there is something to kill`;
  output.say(stepTitle(output.paint, 3, 'The migration', title));
  const lift = liftedForProof(frame.temporal, (line) => frame.display.say(line));
  const accident = planAccident(stack.workers.data, MADE_COLLECTION, (line) => frame.display.say(line));
  const input = {
    source: 'source',
    target: 'target',
    collections: [SAMPLE_COLLECTION, MADE_COLLECTION],
    copyAliases: true,
    maxPointsPerSecond: PACE,
    heartbeatSeconds: 3,
    awaitIndexing: false,
  };
  const onLook = (view: JobView, workflowId: string) => {
    accident.onLook(view);
    lift(view, workflowId);
  };
  const slow = await runPass<MigrationReport>(frame, 'scrollMigration', 'killed-half-way', input, onLook);
  return { slow, story: await accident.story() };
}

/** Proving at the pace of the copy would only be slow; so the demo does what an operator would do. */
function liftedForProof(temporal: Temporal, say: (line: string) => void) {
  let lifted = false;
  return (view: JobView, workflowId: string) => {
    const made = view.collections.find((one) => one.collection === MADE_COLLECTION);
    if (lifted || made?.status?.phase !== 'verifying') return;
    lifted = true;
    say('All points are there. The limit is lifted for the proof (ferry throttle ID --off).');
    const noLimit = { maxPointsPerSecond: null };
    const handle = temporal.client.workflow.getHandle(workflowId);
    // Too late, or a worker that is just away: then the proof takes longer.
    handle.executeUpdate('throttle', { args: [noLimit] }).catch(() => undefined);
  };
}

async function fastPass(frame: DemoFrame, output: Output): Promise<Pass<MigrationReport>> {
  const title = `${MADE_COLLECTION} again, as ${FAST_COLLECTION}, as fast as it goes`;
  output.say(stepTitle(output.paint, 4, 'The speed', title));
  const input = {
    source: 'source',
    target: 'target',
    collections: [MADE_COLLECTION],
    as: FAST_COLLECTION,
    heartbeatSeconds: 3,
    awaitIndexing: false,
  };
  return runPass(frame, 'scrollMigration', 'full-speed', input);
}

/** What a watched job says stands below the title of its step. */
function indented(display: ProgressDisplay): ProgressDisplay {
  return { ...display, say: (line) => display.say(line.startsWith(' ') ? line : `   ${line}`) };
}

/** Ctrl-C need not wait for what cannot be called back; what came too late is undone. */
async function unlessStopped<T>(
  signal: AbortSignal,
  work: Promise<T>,
  undo?: (late: T) => Promise<void>,
): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new StoppedWatching()), { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } catch (error) {
    if (signal.aborted && undo) await work.then(undo, () => undefined);
    throw error;
  }
}

async function takeDown(stack: RunningStack | undefined, folder: string, wipe: boolean): Promise<void> {
  if (stack && wipe) await killServers(stack);
  await stack?.stop();
  await stopStack(folder, { wipe });
}

/** Told to end in order, Qdrant would finish what it writes and indexes first, and all of it is wiped now. */
async function killServers({ workers, pieces }: RunningStack): Promise<void> {
  await Promise.all(Object.values(workers).map((worker) => worker.stop()));
  await Promise.all(Object.values(pieces).map((piece) => piece.kill()));
}
