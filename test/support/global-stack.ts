// Pieces of the local stack for a test suite: on free ports, in a folder of their own. They die with the test process,
// also when that is killed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack, type RunningStack, type StackOptions } from '../../src/local/index.js';

export interface GlobalStack extends RunningStack {
  stateDir: string;
}

/** Without workers unless asked for; `only` leaves pieces out, which their handles can still start. */
export async function startGlobalStack(
  options: Partial<Omit<StackOptions, 'stateDir' | 'attached'>> = {},
): Promise<GlobalStack> {
  const stateDir = await mkdtemp(join(tmpdir(), 'ferry-stack-'));
  const remove = () => rm(stateDir, { recursive: true, force: true });
  try {
    const stack = await startStack({ workers: false, ...options, stateDir, attached: true });
    return { ...stack, stateDir, stop: () => stack.stop().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
