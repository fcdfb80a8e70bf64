// github.com/qdrant/migration, as a user starts it. Its clock runs from the process's start to its end; it does not
// wait until its writes are applied, so that is waited for, on the clock as well, and is a few milliseconds.

import { setTimeout as sleep } from 'node:timers/promises';
import { countPoints } from '../collections.js';
import type { Contestant, Course, Measured } from './contestant.js';
import { runProgram } from './run-child.js';

export const OFFICIAL_DEFAULTS = 'qdrant/migration, defaults (batch 50)';
export const OFFICIAL_TUNED = 'qdrant/migration, --migration.batch-size=500';

export function officialTool(command: string, line: string, flags: string[]): Contestant {
  return {
    lines: [line],
    wantsTarget: true,
    run: async (course) => ({ [line]: await migrate(command, flags, course) }),
  };
}

async function migrate(
  command: string,
  flags: string[],
  { stage, collection, points }: Course,
): Promise<Measured> {
  const measured = await runProgram(command, [
    'qdrant',
    `--source.url=${stage.source.grpcUrl}`,
    `--source.collection=${collection}`,
    `--target.url=${stage.target.grpcUrl}`,
    `--target.collection=${collection}`,
    ...flags,
  ]);
  const ended = performance.now();
  while ((await countPoints(stage.target, collection)) < points) {
    if (performance.now() - ended > 60_000) throw new Error('the official tool left points out');
    await sleep(20);
  }
  return { ...measured, seconds: measured.seconds + (performance.now() - ended) / 1_000 };
}
