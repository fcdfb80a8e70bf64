import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

const project = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], pool: 'forks' as const, ...extra },
});

// unit and replay need no server; the others bring up real ones, each file its own on ports of its own. They wait for
// servers and time-outs most of the time and use a third of a core, so four files run side by side on two cores.
export default defineConfig({
  test: {
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      // Nothing of them stays behind in a process: they share one, and so what it has loaded.
      project('unit', { testTimeout: 30_000, isolate: false }),
      project('replay', { testTimeout: 60_000 }),
      project('contract', { testTimeout: 120_000, hookTimeout: 240_000 }),
      project('workflows', { testTimeout: 120_000, hookTimeout: 240_000 }),
      project('e2e', { testTimeout: 600_000, hookTimeout: 600_000 }),
      // Five rounds of random faults; `npm run chaos` asks for more.
      project('chaos', { testTimeout: 600_000, hookTimeout: 300_000 }),
    ],
  },
});
