// Source and target in networks of their own, as two sites have: only the worker sees both. And a target that sees the
// source, which does not see it. `auto` goes the way that there is.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { fillBulky } from '../support/bulky-collection.js';
import { compareSides } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { mayMakeNamespaces, startSecludedQdrant, type SecludedQdrant } from '../support/namespaces.js';
import { snapshotsOn } from '../support/snapshots-on.js';

const POINTS = 1_500;

describe.runIf(await mayMakeNamespaces())('between networks', () => {
  let stack: BackupStack;
  let here: SecludedQdrant;
  let there: SecludedQdrant;

  beforeAll(async () => {
    here = await startSecludedQdrant('1.16.3');
    there = await startSecludedQdrant('1.17.0');
    const cluster = ({ url, grpcUrl }: SecludedQdrant) => ({ url, grpcUrl });
    stack = await startBackupStack({
      moreClusters: () => ({ here: cluster(here), there: cluster(there) }),
    });
    await fillBulky(here, { name: 'docs', points: POINTS, shards: 2 });
  });
  afterAll(async () => {
    await stack?.stop();
    await there?.stop();
    await here?.stop();
  });

  it.each([
    ['there', 'push', 'cannot reach'],
    ['target', 'pull', 'reaches'],
  ] as const)('to %s it goes by %s, for that target %s the source', async (target, via, _) => {
    const run = await ferry(stack, 'migrate', 'here', target, 'docs', '--method', 'auto', '--json');
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    expect(reportOf(run).collections[0]).toMatchObject({ outcome: 'verified', moved: { via, shards: 2 } });
    const { url } = target === 'there' ? there : stack.target;
    const found = await compareSides({ ...here, collection: 'docs' }, { url, collection: 'docs' });
    expect([found.points, found.differences, found.configuration]).toEqual([POINTS, [], []]);
    expect(await snapshotsOn(here, 'docs')).toEqual([]);
  });

  it('says why, where only pulling is allowed and the target cannot reach the source', async () => {
    const run = await ferry(
      stack,
      ...['migrate', 'here', 'there', 'docs', '--as', 'pulled', '--method', 'snapshot', '--via', 'pull'],
      ...['--on-failure', 'fail', '--stall-after-attempts', '2', '--shards', '1', '--json'],
    );
    expect(run.code).toBe(1);
    const said = reportOf(run).collections[0]?.error ?? '';
    process.stdout.write(`${said}\n`);
    expect(said).toMatch(/^AttemptsExhausted: .* failed with: .*error sending request for url/);
    expect(await snapshotsOn(here, 'docs')).toEqual([]);
  });
});
