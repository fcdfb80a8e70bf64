// Jobs over many collections, where something happens to the list or to the cluster while they run.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { ferry, reportOf, startFerry } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { until } from '../support/workflow-lab.js';

const MANY = 9;
/** Of the target. */
const ROOM = 3;
const names = Array.from({ length: MANY }, (_, at) => `many-${at}`);

describe('many collections', () => {
  let stack: BackupStack;
  beforeAll(async () => {
    stack = await startBackupStack({ targetEnv: { QDRANT__STORAGE__MAX_COLLECTIONS: String(ROOM) } });
    for (const name of names) await fillRandom(stack.source, { name, points: 5 });
  });
  afterAll(() => stack?.stop());

  it('skips one that was deleted before its turn, and the backup is complete without it', async () => {
    const gone = names.at(-1) as string;
    const backup = startFerry(stack, 'backup', 'source', '--concurrency', '1', '--json');
    await until(() => backup.said().includes('many-0: verified'));
    await rest(stack.source, 'DELETE', collectionPath(gone));
    const run = await backup.ended;
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    const report = reportOf(run);
    expect(report).toMatchObject({ outcome: 'verified', verified: MANY - 1, failed: 0, skipped: 1 });
    expect(report.collections.find(({ collection }) => collection === gone)).toMatchObject({
      outcome: 'skipped',
      reason: 'was deleted before its turn came',
    });
    const listed = await ferry(stack, 'backups', 'show', report.backup ?? '');
    expect([listed.code, listed.stdout]).toEqual([0, expect.not.stringContaining(gone)]);
  });

  it('ends with the code of the cluster that takes no more of them, and leaves the others alone', async () => {
    const run = await ferry(stack, 'migrate', 'source', 'target', '--json');
    expect(run.code).toBe(1);
    const report = reportOf(run);
    expect(report.verified).toBe(ROOM);
    const failed = report.collections.filter(({ outcome }) => outcome === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(MANY - 1 - ROOM);
    expect(failed[0]?.error).toContain('CollectionLimitReached');
    const said = await ferry(stack, 'migrate', 'source', 'target', ...names.slice(0, MANY - 1));
    process.stdout.write(said.stdout + said.stderr);
    expect(said.stderr + said.stdout).toContain('CollectionLimitReached');
  });
});
