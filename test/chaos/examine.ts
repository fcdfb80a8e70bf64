// What a job said, held against what is so. Nothing of the product's proof is used for it: points and settings are read
// and compared by test/support/compare-sides.ts.

import { setTimeout as pause } from 'node:timers/promises';
import { catalogue } from '../../src/model/error-catalogue.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { compareTaken, takeSide, type ComparedSides, type TakenSide } from '../support/compare-sides.js';
import { startFerry, type FerryRun } from '../support/ferry-command.js';
import { RestRefusal } from '../support/rest-text.js';
import { COLLECTION, type ChaosStack, type ClusterName, type Proxies } from './chaos-stack.js';
import { writeLive } from './live-writes.js';
import type { Round, RoundResult } from './round.js';
import { stateOfEverything } from './stuck.js';

type Examined = Pick<RoundResult, 'verdict' | 'found'>;

/** Something was said that is not so. */
class Lie extends Error {}
/** A command that is part of the examination does not end. */
class Hang extends Error {}

export async function examine(round: Round, ended: FerryRun): Promise<Examined> {
  try {
    const end = endOf(ended);
    const found = end.isVerified ? await proveTrue(round, end) : await proveFailed(round, end);
    return { verdict: end.isVerified ? 'true' : 'failed', found };
  } catch (error) {
    if (error instanceof Lie) return { verdict: 'lie', found: error.message };
    if (error instanceof Hang) return { verdict: 'hang', found: error.message };
    throw error;
  }
}

/** Nothing goes wrong any more: each of these takes seconds, and a wait for indexing a minute at most. */
const LONGEST_COMMAND_MS = 100_000;

async function command(round: Round, ...args: string[]): Promise<FerryRun> {
  const running = startFerry(round.stack, ...args, '--json');
  const timer = new AbortController();
  const late = pause(LONGEST_COMMAND_MS, undefined, { signal: timer.signal }).catch(() => undefined);
  const ended = await Promise.race([running.ended, late]);
  timer.abort();
  if (ended !== undefined) return ended;
  const state = await stateOfEverything(round, running);
  running.kill();
  throw new Hang(`${args.slice(0, 2).join(' ')} does not end afterwards\n${state}`);
}

interface End {
  isVerified: boolean;
  /** Of the error, where there is one. */
  code?: string;
  message: string;
  backup?: string;
}

function endOf({ code, stdout, stderr }: FerryRun): End {
  const document = documentOf(stdout);
  if (document === undefined)
    throw new Lie(`exit ${code} without a report: ${stdout}${stderr}`.slice(0, 600));
  const line = document.collections?.[0];
  const message = line?.error ?? document.error?.message ?? line?.outcome ?? '';
  const named = line?.error === undefined ? document.error?.code : /^(\w+):/.exec(line.error)?.[1];
  const differs = line?.outcome === 'different' ? 'SidesDiffer' : undefined;
  const found = named ?? differs;
  return {
    isVerified: code === 0,
    message,
    ...(found === undefined ? {} : { code: found }),
    ...(document.backup === undefined ? {} : { backup: document.backup }),
  };
}

type Printed = Partial<JobReport> & { error?: { code: string; message: string } };

function documentOf(stdout: string): Printed | undefined {
  try {
    return JSON.parse(stdout) as Printed;
  } catch {
    return undefined;
  }
}

async function proveTrue(round: Round, end: End): Promise<string> {
  if (round.plan.job.kind === 'backup') return proveBackup(round, end.backup ?? '');
  await requireContent(round.stack, 'target', round.collection);
  await requireContent(round.stack, 'source', COLLECTION);
  await requireLeftAlone(round);
  return 'verified, and equal; live writes stand';
}

/** What is true of a collection that is done: whoever was cut off and comes back does not touch it. */
async function requireLeftAlone(round: Round): Promise<void> {
  const side = round.stack.side('target', round.collection);
  const points = await writeLive(side);
  const before = await takeSide(side);
  if (before.count !== points) throw new Lie(`${points} points after live writes are ${before.count}`);
  await comeBack(round);
  requireEqual(
    'later',
    before,
    await taken(round.stack, 'target', round.collection),
    'live writes and late ones',
  );
}

const SETTLE_MS = 2_000;
const LONGEST_ARRIVAL_MS = 15_000;

/** A moment for a cut-off worker to go on as it is. Then it is back, and all that was on its way arrives. */
async function comeBack(round: Round): Promise<void> {
  await pause(SETTLE_MS / 2);
  await round.heal?.();
  const deadline = performance.now() + LONGEST_ARRIVAL_MS;
  let before: number;
  do {
    before = bytesPassed(round.stack.proxies);
    await pause(SETTLE_MS);
  } while (before !== bytesPassed(round.stack.proxies) && performance.now() < deadline);
}

/** To and from Qdrants and the store; a worker never stops to talk with Temporal. */
function bytesPassed({ temporal: _, ...others }: Proxies): number {
  return Object.values(others).reduce((sum, { passed }) => sum + passed.up + passed.down, 0);
}

/** Checked as it stands, checked when whoever was cut off is back, and recovered by a worker that nothing happened to. */
async function proveBackup(round: Round, backup: string): Promise<string> {
  await requireChecked(round, backup, 'at once');
  await comeBack(round);
  await requireChecked(round, backup, 'later');
  await round.far.kill();
  round.near ??= await round.stack.startWorker('near');
  const { cluster, store = '' } = round.plan.job;
  const run = await command(
    round,
    ...['restore', 'target', COLLECTION, '--as', round.collection, '--cluster', cluster],
    ...['--backup', backup, '--store', store, '--await-indexing-minutes', '1'],
  );
  if (run.code !== 0) throw new Lie(`the backup cannot be recovered: ${run.stdout}`.slice(0, 600));
  await requireContent(round.stack, 'target', round.collection);
  return 'complete, checked, recovered, and equal';
}

async function requireChecked(round: Round, backup: string, when: string): Promise<void> {
  const { cluster, store = '' } = round.plan.job;
  const run = await command(round, 'check-backup', backup, '--store', store, '--cluster', cluster);
  if (run.code !== 0)
    throw new Lie(`the backup does not pass the check ${when}: ${run.stdout}`.slice(0, 600));
}

/** It failed by name, and nothing calls itself done that is not so. */
async function proveFailed(round: Round, { code, message, backup }: End): Promise<string> {
  if (code === undefined || !Object.hasOwn(catalogue, code))
    throw new Lie(`failed without a code by name: ${message}`);
  await comeBack(round);
  round.near ??= await round.stack.startWorker('near');
  if (round.plan.job.kind === 'backup') await requireIncomplete(round, backup);
  else await requireUnverified(round);
  return `${code}: ${message.replace(`${code}: `, '')}`.slice(0, 300);
}

async function requireIncomplete(round: Round, backup: string | undefined): Promise<void> {
  if (backup === undefined) return;
  const { cluster, store = '' } = round.plan.job;
  const run = await command(round, 'backups', 'show', backup, '--store', store, '--cluster', cluster);
  const { complete } = JSON.parse(run.stdout) as { complete?: boolean };
  if (complete === true) await proveBackup(round, backup);
}

async function requireUnverified(round: Round): Promise<void> {
  const { stack, plan, collection } = round;
  const run = await command(round, 'verify', plan.job.cluster, 'target', COLLECTION, '--as', collection);
  if (run.code === 0) await requireContent(stack, 'target', collection);
}

async function requireContent(stack: ChaosStack, cluster: ClusterName, collection: string): Promise<void> {
  requireEqual(
    'it says verified',
    stack.content,
    await taken(stack, cluster, collection),
    `${cluster}/${collection}`,
  );
}

async function taken(stack: ChaosStack, cluster: ClusterName, collection: string): Promise<TakenSide> {
  try {
    return await takeSide(stack.side(cluster, collection));
  } catch (error) {
    if (error instanceof RestRefusal) throw new Lie(`it says verified, and ${error.message}`);
    throw error;
  }
}

function requireEqual(when: string, wanted: TakenSide, found: TakenSide, what: string): void {
  const { differences, configuration } = compareTaken(wanted, found);
  if (differences.length + configuration.length === 0) return;
  throw new Lie(`${when}, ${what} differ: ${summary({ differences, configuration })}`);
}

function summary({
  differences,
  configuration,
}: Pick<ComparedSides, 'differences' | 'configuration'>): string {
  const kinds = (['missing', 'changed', 'extra'] as const).map((kind) => {
    const ids = differences.filter((one) => one.kind === kind).map(({ id }) => id);
    return ids.length === 0 ? [] : [`${ids.length} ${kind} (${ids.slice(0, 5).join(', ')})`];
  });
  return [...kinds.flat(), ...configuration.slice(0, 5)].join('; ');
}
