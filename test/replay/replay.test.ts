// A workflow that runs while ferry is updated is replayed by the new code: the histories of every release must still
// fit. They are exported from real runs (see CONTRIBUTING.md) and never edited.

import { cp, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'test/replay/histories');
const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.json')).sort();

type Bundle = Awaited<ReturnType<typeof bundleWorkflowCode>>;

function bundle(source: string): Promise<Bundle> {
  const workflowsPath = join(source, 'workflows/index.ts');
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}

async function replay(workflowBundle: Bundle, file: string): Promise<void> {
  const history: unknown = JSON.parse(await readFile(join(folder, file), 'utf8'));
  await Worker.runReplayHistory({ workflowBundle }, history, workflowIdIn(history));
}

/** Ids are not part of a history, but some are made from the workflow's own: they stand in its children's. */
function workflowIdIn(history: unknown): string {
  const { events } = history as { events: Record<string, { workflowId?: string }>[] };
  return events[0]?.['workflowExecutionStartedEventAttributes']?.workflowId ?? 'replayed';
}

describe('today’s workflows', () => {
  let current: Bundle;
  beforeAll(async () => {
    current = await bundle(join(root, 'src'));
  }, 60_000);

  it('have histories to be held against', () => expect(files.length).toBeGreaterThan(10));

  it.each(files)('replay %s', (file) => replay(current, file));
});

describe('a changed workflow', () => {
  it('is caught when it runs its activities in another order', async () => {
    const place = await mkdtemp(join(tmpdir(), 'ferry-changed-'));
    try {
      await cp(join(root, 'src'), join(place, 'src'), { recursive: true });
      await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
      await writeFile(join(place, 'package.json'), '{"type":"module"}');
      const file = join(place, 'src/workflows/prove-collection.ts');
      const code = await readFile(file, 'utf8');
      const [first, second] = ['await runRound(proving);', 'await countBothSides(job);'];
      const changed = code.replace(first, '#').replace(second, first).replace('#', second);
      expect(changed).not.toBe(code);
      await writeFile(file, changed);
      const other = await bundle(join(place, 'src'));
      await expect(replay(other, '0.1/verified.collection-1.json')).rejects.toThrow(
        DeterminismViolationError,
      );
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});
