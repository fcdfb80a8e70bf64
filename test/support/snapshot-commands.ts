// `ferry snapshots …` as a test runs it, with `--json`.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type {
  CreateSnapshotResult,
  ListedSnapshot,
  ListSnapshotsResult,
} from '../../src/model/contracts/snapshot-activities.js';
import { errorOf, ferry, type FerryRun } from './ferry-command.js';
import type { TestStack } from './test-stack.js';

type Stack = Pick<TestStack, 'config' | 'folder'>;

export function snapshotCommands(stack: () => Stack) {
  const run = (...args: string[]): Promise<FerryRun> => ferry(stack(), 'snapshots', ...args, '--json');
  const answer = async <T>(...args: string[]): Promise<T> => {
    const { code, stdout, stderr } = await run(...args);
    if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${stdout}\n${stderr}`);
    return JSON.parse(stdout) as T;
  };
  return {
    run,
    answer,
    refusal: async (...args: string[]) => {
      const failed = await run(...args);
      return { exit: failed.code, ...errorOf(failed) };
    },
    /** "NAME NODE" of each. */
    listed: async (...args: string[]) => {
      const { snapshots } = await answer<ListSnapshotsResult>('list', ...args);
      return snapshots.map(({ node, name }) => `${name} ${node}`);
    },
    /** The only one. */
    created: async (...args: string[]): Promise<ListedSnapshot> => {
      const { made } = await answer<CreateSnapshotResult>('create', ...args);
      expect(made).toHaveLength(1);
      return made[0] as ListedSnapshot;
    },
  };
}

export function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
