// Increments, prunes and recoveries of a chain, and a process that is killed in the middle of each: after every round what is
// listed is whole, the next run finishes the job, and what is recovered is its moment, bit for bit, by a reader that shares
// nothing with the product. FERRY_CHAOS_ROUNDS asks for more rounds, FERRY_TEST_SEED repeats them.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../demo/seeded-random.js';
import { ChainStack, type Victim } from './chain-stack.js';

const SEED_OF_EVERY_TEST = 13;
const { FERRY_TEST_SEED: GIVEN, FERRY_CHAOS_ROUNDS: WANTED } = process.env;
const ROUNDS = Number(WANTED ?? 3);
const SEED = Number(GIVEN ?? (WANTED === undefined ? SEED_OF_EVERY_TEST : Math.floor(Math.random() * 1e9)));
const KEEP_LAST = 3;
const LONGEST_DELAY_MS = { increment: 4_000, prune: 3_000, recovery: 7_000 };
const HEAL_AFTER_MS = 1_500;

type Job = keyof typeof LONGEST_DELAY_MS;
const JOBS: Job[] = ['increment', 'recovery', 'prune'];
const everywhere: Victim[] = ['data worker', 'control worker', 'S3 gateway', 'Temporal server'];
const VICTIMS: Record<Job, Victim[]> = {
  increment: [...everywhere, 'source Qdrant'],
  recovery: [...everywhere, 'target Qdrant'],
  prune: everywhere,
};

interface Plan {
  round: number;
  job: Job;
  victim: Victim;
  afterMs: number;
  healAfterMs: number;
  /** Of the links that are there; of all that a recovery may choose from. */
  pick: number;
}

const random = seededRandom(SEED);
const plans = Array.from({ length: ROUNDS }, (_, at): Plan => {
  const job = JOBS[at % JOBS.length] ?? 'increment';
  const victim = random.pick(VICTIMS[job]);
  const [afterMs, healAfterMs] = [random.below(LONGEST_DELAY_MS[job]), random.below(HEAL_AFTER_MS)];
  return { round: at + 1, job, victim, afterMs, healAfterMs, pick: random.below(1_000) };
});

let chain: ChainStack;
let recovered = 0;
const hits = { struck: 0, late: 0, again: 0 };
const say = (line: string) => process.stdout.write(`${line}\n`);

beforeAll(async () => {
  say(`seed ${SEED}, ${ROUNDS} rounds`);
  chain = await ChainStack.start(seededRandom(SEED + 1));
});
afterAll(async () => {
  say(
    `seed ${SEED}: ${ROUNDS} rounds, ${hits.struck} struck in the middle, ${hits.again} jobs begun again, ${recovered} recoveries equal`,
  );
  await chain?.stop();
});

for (const plan of plans) {
  const { round, job, victim, afterMs } = plan;
  it(`keeps every link through round ${round}: ${victim} killed ${afterMs} ms after the beginning of: ${job}`, async () => {
    await rounds[job](plan);
  });
}

it('recovers every link that is listed, in the end', async () => {
  const links = await chain.links();
  expect(links.length).toBeGreaterThanOrEqual(2);
  for (const backup of links) await recover(backup, 'at-the-end', false);
});

const rounds: Record<Job, (plan: Plan) => Promise<void>> = {
  increment: async (plan) => {
    await chain.change();
    const workflow = plan.pick % 4 === 0 ? 'fullBackup' : 'incrementalBackup';
    let backup = await struck(plan, () => chain.backUp(workflow));
    await chain.noteBackup(backup);
    await chain.links();
    backup ??= await again(() => chain.backUp('incrementalBackup'));
    expect(backup).toBeDefined();
    await chain.noteBackup(backup);
    expect((await chain.links()).at(-1)).toBe(backup);
    await recover(backup ?? '', `newest-${plan.round}`, false);
  },
  recovery: async (plan) => {
    const links = await chain.links();
    const backup = links[plan.pick % links.length] ?? '';
    const as = `round-${plan.round}`;
    const isDone = await struck(plan, () => chain.recover(backup, as, true));
    if (isDone) recovered += 1;
    else await again(() => recover(backup, as, false));
    expect(await chain.links()).toEqual(links);
  },
  prune: async (plan) => {
    const before = await chain.links();
    const isDone = await struck(plan, () => chain.prune(KEEP_LAST));
    const between = await chain.links();
    expect(between).toEqual(expect.arrayContaining(before.slice(-KEEP_LAST)));
    if (!isDone) await again(() => chain.prune(KEEP_LAST));
    expect(await chain.prune(KEEP_LAST)).toBe(true);
    await chain.requireSwept();
    const links = await chain.links();
    expect(links).toEqual(expect.arrayContaining(before.slice(-KEEP_LAST)));
    for (const backup of new Set([links[0], links[plan.pick % links.length]]))
      await recover(backup ?? '', `kept-${plan.round}`, false);
  },
};

async function recover(backup: string, as: string, isSlow: boolean): Promise<void> {
  expect([backup, await chain.recover(backup, as, isSlow)]).toEqual([backup, true]);
  recovered += 1;
}

/** Kills one process while the job goes on, and starts it again a moment later. */
async function struck<T>({ victim, afterMs, healAfterMs }: Plan, job: () => Promise<T>): Promise<T> {
  let isOver = false;
  const running = job().finally(() => (isOver = true));
  running.catch(() => undefined);
  const process = chain.processes[victim];
  await pause(afterMs);
  hits[isOver ? 'late' : 'struck'] += 1;
  await process.kill();
  await pause(healAfterMs);
  await process.start();
  return running;
}

async function again<T>(job: () => Promise<T>): Promise<T> {
  hits.again += 1;
  return job();
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
