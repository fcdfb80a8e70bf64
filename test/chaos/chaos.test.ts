// Random jobs, random faults in the middle of them. `npm test` runs the same five rounds each time, with every kind of job
// in them; `npm run chaos` asks for more, and others (docs/reliability.md).

import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChaosStack, type ChaosStack } from './chaos-stack.js';
import { planRounds, textOf } from './plan.js';
import { runRound, type RoundResult, type Verdict } from './round.js';

const SEED_OF_EVERY_TEST = 18;
const { FERRY_TEST_SEED: GIVEN, FERRY_CHAOS_ROUNDS: WANTED } = process.env;
const ROUNDS = Number(WANTED ?? 5);
const SEED = Number(GIVEN ?? (WANTED === undefined ? SEED_OF_EVERY_TEST : Math.floor(Math.random() * 1e9)));
const [JOB = '', FAULT = ''] = [process.env['FERRY_CHAOS_JOB'], process.env['FERRY_CHAOS_FAULT']];
const plans = planRounds({ rounds: ROUNDS, seed: SEED, job: JOB, fault: FAULT });

let stack: ChaosStack;
const verdicts: Verdict[] = [];
const say = (line: string) => process.stdout.write(`${line}\n`);

beforeAll(async () => {
  say(`seed ${SEED}, ${ROUNDS} rounds`);
  stack = await startChaosStack();
});
afterAll(async () => {
  const sum = (verdict: Verdict) => verdicts.filter((one) => one === verdict).length;
  say(
    `seed ${SEED}: ${verdicts.length} rounds: ${sum('true')} verified, ${sum('failed')} failed by name, ${sum('lie')} lies, ${sum('hang')} without an end`,
  );
  await stack?.stop();
});

for (const plan of plans) {
  const title = `round ${plan.round}: ${textOf(plan)}`;
  it(`tells no lie in ${title}`, async () => {
    const result = await runRound(stack, plan);
    verdicts.push(result.verdict);
    say(`${title}\n    ${resultText(result)}`);
    expect(result).toMatchObject({ verdict: expect.stringMatching(/^(true|failed)$/) as string });
  });
}

function resultText({ verdict, found, jobSeconds, hit, at }: RoundResult): string {
  const struck = hit ? `struck at: ${at || 'nothing yet'}` : 'ended before it';
  const word = { true: '', failed: 'failed: ', lie: 'LIE: ', hang: 'HANGS: ' }[verdict];
  return `${struck}; ${word}${found} (${jobSeconds.toFixed(1)} s)`;
}
