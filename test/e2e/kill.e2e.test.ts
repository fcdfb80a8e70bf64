// Whatever is killed in the middle of a migration, it ends equal, bit for bit, and little is done twice.
// FERRY_TEST_SEED repeats the moments of a run that went wrong.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../demo/seeded-random.js';
import { compareSides } from '../support/compare-sides.js';
import { ferry, type FerryRun, type RunningFerry, startFerry } from '../support/ferry-command.js';
import { pause, pointsOnTarget, positionOf, untilPoints } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';

const SEED = Number(process.env['FERRY_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const random = seededRandom(SEED);

const RATE = 1_000;
const SLICES = 4;
const HEARTBEAT_SECONDS = 3;
/** Temporal's SDK sends a heartbeat at most every 0.8 of the time-out. */
const THROTTLE_SECONDS = HEARTBEAT_SECONDS * 0.8;
/** A page is a quarter of a second's worth of a slice; two writes are under way while the next page is read. */
const IN_FLIGHT = 3 * SLICES * Math.ceil(RATE / SLICES / 4);
/** On a busy machine a heartbeat takes a while to reach the server. */
const TRAVEL_SECONDS = 1;
const BOUND = RATE * (THROTTLE_SECONDS + TRAVEL_SECONDS) + IN_FLIGHT;

let stack: TestStack;
const say = (line: string) => process.stdout.write(`${line}\n`);

beforeAll(async () => {
  say(`seed ${SEED}`);
  stack = await startTestStack();
});
afterAll(async () => stack?.stop());

it('ends equal after ten kills of the data worker at random moments, with little written twice', async () => {
  const name = 'ten-kills';
  await fillRandom(stack.source, { name, points: 30_000 });
  const running = migrate(name, RATE, '--id', name);
  let reached = 0;
  for (let kill = 1; kill <= 10; kill++) {
    // Only beyond what the kill before had reached is a written point a new one.
    await untilPoints(stack, name, reached + 1, running.ended);
    const delay = 400 + random.below(3_600);
    await pause(delay);
    await stack.workers.data.kill();
    await pause(200);
    const position = await positionOf(stack, name);
    reached = await pointsOnTarget(stack, name);
    const twice = position.phase === 'copying' ? Math.max(0, reached - position.claimed) : 0;
    say(
      `kill ${kill}: ${delay} ms in, ${position.phase}, ${reached} points written, ${twice} of them to be written again`,
    );
    expect(twice).toBeLessThanOrEqual(BOUND);
    await stack.workers.data.start();
  }
  say(`bound: ${RATE}/s × (${THROTTLE_SECONDS} + ${TRAVEL_SECONDS}) s + ${IN_FLIGHT} in flight = ${BOUND}`);
  // Nothing is killed any more: what is left need not be slow.
  await ferry(stack, 'throttle', name, '--points-per-second', '100000');
  await expectEqual(name, 30_000, await running.ended);
});

it.each([
  ['the control worker is killed', async () => restart(stack.workers.control)],
  ['the Temporal server is killed and its database kept', async () => restart(stack.temporal, 3_000)],
  ['the source is killed and started again', async () => restart(stack.source, 1_000)],
  ['the target is killed and started again', async () => restart(stack.target, 1_000)],
  ['the data worker is killed while it proves', async (name: string) => restartWhileProving(name)],
  ['everything but the command is killed', async () => restartEverything()],
])('ends equal when %s', async (what, strike) => {
  const name = what.replaceAll(' ', '-');
  await fillRandom(stack.source, { name, points: 8_000, seed: SEED, shards: 2 });
  const running = migrate(name, 2_000);
  await untilPoints(stack, name, 200 + random.below(6_000), running.ended);
  const struckAt = await pointsOnTarget(stack, name);
  const began = performance.now();
  await strike(name);
  const run = await running.ended;
  say(`${what} at ${struckAt} of 8000 points: done ${seconds(began)} s later`);
  await expectEqual(name, 8_000, run);
});

function migrate(name: string, rate: number, ...more: string[]): RunningFerry {
  return startFerry(
    stack,
    ...['migrate', 'source', 'target', name, '--json', '--slices', String(SLICES)],
    ...['--max-points-per-second', String(rate), '--heartbeat-seconds', String(HEARTBEAT_SECONDS)],
    // Short, so that the pause before an attempt, which grows with the attempts of one activity, stays short.
    ...['--budget-ms', '3000', ...more],
  );
}

async function expectEqual(name: string, points: number, run: FerryRun): Promise<void> {
  expect(run).toMatchObject({ code: 0 });
  const compared = await compareSides(stack.side('source', name), stack.side('target', name));
  expect(compared).toMatchObject({ points, differences: [], configuration: [] });
}

interface Mortal {
  kill(): Promise<void>;
  start(): Promise<void>;
}

async function restart(mortal: Mortal, downMs = 0): Promise<void> {
  await mortal.kill();
  await pause(downMs);
  await mortal.start();
}

async function restartWhileProving(name: string): Promise<void> {
  while ((await positionOf(stack, name)).phase === 'copying') await pause(100);
  await restart(stack.workers.data);
}

async function restartEverything(): Promise<void> {
  const all = [stack.temporal, stack.source, stack.target, stack.workers.control, stack.workers.data];
  for (const one of all) await one.kill();
  for (const one of all) await one.start();
}

const seconds = (began: number) => ((performance.now() - began) / 1_000).toFixed(1);
