// A workflow that runs while ferry is updated is replayed by the new code: the histories of every release must still
// fit. They are exported from real runs and never edited; for a release:
// export FERRY_EXPORT_HISTORIES=test/replay/histories/<release>
// npx vitest run --project workflows
// npx vitest run --project e2e backup.e2e recovery snapshots.e2e snapshot-migration.e2e

import { cp, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import * as workflows from '../../src/workflows/index.js';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'test/replay/histories');
const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.json')).sort();

type Bundle = Awaited<ReturnType<typeof bundleWorkflowCode>>;

function bundle(source: string): Promise<Bundle> {
  const workflowsPath = join(source, 'workflows/index.ts');
  const workflowInterceptorModules = [join(source, 'workflows/runtime/count-jobs.ts')];
  return bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules,
    logger: new DefaultLogger('ERROR'),
  });
}

/** What each file's replay ended with: undefined when the workflows still fit it. */
async function replay(workflowBundle: Bundle, names: string[]): Promise<Map<string, Error | undefined>> {
  const fileOf = new Map<string, string>();
  async function* histories() {
    for (const name of names) {
      const history: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'));
      const { workflowId, originalExecutionRunId } = startOf(history);
      fileOf.set(originalExecutionRunId, name);
      yield { workflowId, history };
    }
  }
  const ends = new Map<string, Error | undefined>();
  for await (const { runId, error } of Worker.runReplayHistories({ workflowBundle }, histories())) {
    ends.set(fileOf.get(runId) ?? runId, error);
  }
  return ends;
}

interface Start {
  workflowId: string;
  originalExecutionRunId: string;
  workflowType: { name: string };
}

function startOf(history: unknown): Start {
  const { events } = history as { events: { workflowExecutionStartedEventAttributes: Start }[] };
  return events[0]!.workflowExecutionStartedEventAttributes;
}

describe('today’s workflows', () => {
  let ends: Map<string, Error | undefined>;
  beforeAll(async () => {
    ends = await replay(await bundle(join(root, 'src')), files);
  }, 120_000);

  it('have histories to be held against, each of them', async () => {
    const held = new Set<string>();
    for (const file of files)
      held.add(startOf(JSON.parse(await readFile(join(folder, file), 'utf8'))).workflowType.name);
    expect([...held].sort()).toEqual(Object.keys(workflows).sort());
  });

  it.each(files)('replay %s', (file) => {
    expect(ends.has(file)).toBe(true);
    expect(ends.get(file)).toBeUndefined();
  });
});

describe('a changed workflow', () => {
  it('is caught when it runs its activities in another order', async () => {
    const place = await mkdtemp(join(tmpdir(), 'ferry-changed-'));
    try {
      await cp(join(root, 'src'), join(place, 'src'), { recursive: true });
      await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
      await writeFile(join(place, 'package.json'), '{"type":"module"}');
      const file = join(place, 'src/workflows/steps/prove.ts');
      const code = await readFile(file, 'utf8');
      const [first, second] = ['await runRound(proving);', 'await countBothSides(job);'];
      const changed = code.replace(first, '#').replace(second, first).replace('#', second);
      expect(changed).not.toBe(code);
      await writeFile(file, changed);
      const other = await bundle(join(place, 'src'));
      const verified = '0.1/verified.collection-1.json';
      expect((await replay(other, [verified])).get(verified)).toBeInstanceOf(DeterminismViolationError);
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});
