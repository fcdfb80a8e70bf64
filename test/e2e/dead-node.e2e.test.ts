// A cluster of three of which one node is down, every shard on two of them: what is left can be backed up, moved and
// verified, once ferry.yaml no longer names the dead one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { compareSides } from '../support/compare-sides.js';
import { errorOf, ferry, reportOf } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';

const POINTS = 600;

describe('a cluster with a dead node', () => {
  let stack: BackupStack;
  let trio: ThreeNodes;
  beforeAll(async () => {
    trio = await startThreeNodes('trio');
    await fillRandom(trio.nodes[0]!, { name: 'docs', points: POINTS, shards: 3, replicas: 2 });
    const { nodes } = trio.connection;
    stack = await startBackupStack({
      moreClusters: () => ({ trio: { nodes }, rest: { nodes: nodes.slice(0, 2) } }),
    });
    await trio.nodes[2]!.kill();
  });
  afterAll(async () => {
    await stack?.stop();
    await trio?.stop();
  });

  it('says which address does not answer, and what to do', async () => {
    const run = await ferry(stack, 'backup', 'trio', '--json');
    expect(run.code).toBe(1);
    expect(errorOf(run)).toMatchObject({ code: 'NodeDown' });
    expect(errorOf(run).message).toContain(trio.nodes[2]?.url);
    expect(errorOf(run).message).toContain('take its address out of ferry.yaml');
  });

  it('is backed up, migrated and verified by the nodes that are left, and says what was not compared', async () => {
    const done = [];
    for (const words of [
      ['backup', 'rest'],
      ['migrate', 'rest', 'target'],
      ['verify', 'rest', 'target'],
    ]) {
      const run = await ferry(stack, ...words, '--json');
      expect([run.code, run.stderr]).toEqual([0, run.stderr]);
      done.push(reportOf(run));
    }
    expect(done).toMatchObject(done.map(() => ({ outcome: 'verified', points: POINTS })));
    expect(done[0]?.collections[0]?.warnings?.join()).toContain('no address in ferry.yaml answers as peer');
    const [side, target] = [trio.nodes[0], stack.side('target', 'docs')];
    const found = await compareSides({ url: side?.url ?? '', collection: 'docs' }, target);
    expect([found.points, found.differences]).toEqual([POINTS, []]);
  });
});
