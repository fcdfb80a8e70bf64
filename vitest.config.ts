import { defineConfig } from 'vitest/config';

const project = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], pool: 'forks' as const, ...extra },
});

// unit and replay need no server; the others bring up real ones and take their turns on two cores.
export default defineConfig({
  test: {
    projects: [
      project('unit', { testTimeout: 30_000 }),
      project('replay', { testTimeout: 60_000 }),
      project('contract', { testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false }),
      project('workflows', { testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false }),
      project('e2e', { testTimeout: 600_000, hookTimeout: 600_000, fileParallelism: false }),
    ],
  },
});
