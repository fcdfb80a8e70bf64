// One round: a job, a fault in the middle of it, and what is true afterwards. Everything a round starts it ends, whatever
// comes of it, and the stack is whole again.

import type { LocalProcess } from '../../src/local/index.js';
import { attemptsOf, type PendingAttempt } from '../support/capture-watch.js';
import type { CutProxy } from '../support/cut-proxy.js';
import { startFerry, type RunningFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { collectionPath, rest } from '../support/rest-text.js';
import type { ChaosStack, Proxies } from './chaos-stack.js';
import { cleanBackup } from './clean-backup.js';
import { examine } from './examine.js';
import { proxiesOf, type Struck } from './faults.js';
import { commandOf, workflowsOf, type ChaosJob } from './jobs.js';
import type { RoundPlan } from './plan.js';
import { stateOfEverything, terminateAll } from './stuck.js';

export type Verdict =
  /** It says verified, and so it is. */
  | 'true'
  /** It says that it failed, and why. */
  | 'failed'
  /** It says something that is not so, or fails without a reason by name. */
  | 'lie'
  /** It says nothing. */
  | 'hang';

export interface RoundResult {
  verdict: Verdict;
  /** What was found, in words. */
  found: string;
  /** From the command's start to its end. */
  jobSeconds: number;
  /** False where the job was quicker than the fault. */
  hit: boolean;
  /** What was being done then, or what the fault did. */
  at: string;
}

/** No job here takes a third of it, with all its retries. */
const LONGEST_JOB_MS = 120_000;
/** Of every open connection: some seconds of work become minutes. */
const CRAWL = 40_000;

export async function runRound(stack: ChaosStack, plan: RoundPlan): Promise<RoundResult> {
  const collection = `round-${plan.round}`;
  const { job } = plan;
  const backup = job.kind === 'recovery' ? await cleanBackup(stack, job) : '';
  slowDown(stack, job);
  const round: Round = {
    stack,
    plan,
    collection,
    id: `chaos/${plan.round}`,
    far: await stack.startWorker('far'),
  };
  try {
    const running = startFerry(stack, ...commandOf(job, { id: round.id, collection, backup }));
    return await watch(round, running);
  } finally {
    await makeWhole(round);
  }
}

export interface Round extends Struck {
  plan: RoundPlan;
  /** On the target. */
  collection: string;
  near?: LocalProcess;
  /** Heals, once. */
  heal?: () => Promise<void>;
}

async function watch(round: Round, running: RunningFerry): Promise<RoundResult> {
  let over = false;
  void running.ended.then(() => (over = true));
  const blow = strikeAt(round, () => over);
  const ended = await Promise.race([running.ended, afterwards(LONGEST_JOB_MS)]);
  if (ended === undefined) {
    const found = await giveUp(round, running);
    return { verdict: 'hang', found, jobSeconds: LONGEST_JOB_MS / 1_000, ...(await blow) };
  }
  const { hit, at } = await blow;
  const examined = await examine(round, ended);
  return { ...examined, jobSeconds: ended.seconds, hit, at: round.plan.fault.effect?.(round) ?? at };
}

type Blow = Pick<RoundResult, 'hit' | 'at'>;

/** Does it at the planned moment, unless the job has ended by then. */
async function strikeAt(round: Round, hasEnded: () => boolean): Promise<Blow> {
  const { fault, afterMs, isEarly } = round.plan;
  if (!isEarly) await untilWork(round, hasEnded);
  for (const until = performance.now() + afterMs; performance.now() < until && !hasEnded();) await pause(20);
  if (hasEnded()) return { hit: false, at: '' };
  const at = (await attempts(round)).map(({ what }) => what).join(', ');
  if (fault.crawls) crawl(round);
  await fault.strike(round);
  round.heal = once(async () => {
    speedUp(round.stack);
    await fault.heal(round);
  });
  if (fault.healAfterMs !== undefined) void afterwards(fault.healAfterMs).then(round.heal);
  if (fault.withNear) round.near = await round.stack.startWorker('near');
  return { hit: true, at };
}

async function untilWork(round: Round, hasEnded: () => boolean): Promise<void> {
  const isWork = ({ what }: PendingAttempt) => /^(copy|capture|move|recover) /.test(what);
  while (!hasEnded() && !(await attempts(round)).some(isWork)) await pause(50);
}

async function attempts({ stack, plan, collection }: Round): Promise<PendingAttempt[]> {
  const all = workflowsOf(plan.job, collection).map((id) => attemptsOf(stack, id));
  return (await Promise.all(all)).flat();
}

async function giveUp(round: Round, running: RunningFerry): Promise<string> {
  const state = await stateOfEverything(round, running);
  running.kill();
  await running.ended;
  await terminateAll(round.stack);
  return `no end after ${LONGEST_JOB_MS / 1_000} s\n${state}`;
}

/** The link of the far worker: slow from the beginning. */
function slowDown({ proxies }: ChaosStack, { touches, bytesPerSecond }: ChaosJob): void {
  for (const name of touches.flatMap(proxiesOf))
    proxies[name].limit({ up: bytesPerSecond, down: bytesPerSecond });
}

function crawl({ stack: { proxies }, plan: { job } }: Round): void {
  for (const name of job.touches.flatMap(proxiesOf)) proxies[name].limitExisting({ up: CRAWL, down: CRAWL });
}

function speedUp({ proxies }: ChaosStack): void {
  for (const proxy of allOf(proxies)) proxy.limit({ up: Infinity, down: Infinity });
}

/** Whoever is slow, frozen, stopped, or half dead is gone afterwards, and the servers are as before. */
async function makeWhole({ stack, far, near, heal, collection }: Round): Promise<void> {
  await heal?.();
  speedUp(stack);
  for (const proxy of allOf(stack.proxies)) proxy.heal();
  await Promise.all([far.kill(), near?.kill()]);
  await Promise.all([stack.clusters.source.start(), stack.clusters.target.start(), stack.control.start()]);
  await terminateAll(stack);
  await rest(stack.side('target', collection), 'DELETE', collectionPath(collection));
}

const allOf = (proxies: Proxies): CutProxy[] => Object.values(proxies);

/** Keeps nobody from ending. */
function afterwards(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= act());
}
