// A cluster of three of which one node is down, every shard of one collection on two of them: what is left can be backed up, moved and
// verified, once ferry.yaml no longer names the dead one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { compareSides } from '../support/compare-sides.js';
import { errorOf, ferry, reportOf } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';

const POINTS = 600;
// Qdrant gives the address, or does not, by how far its connection to the dead node had come.
const DEAD =
  '(The node at http:\\S+ does not answer the other nodes|Another node, which this one needs, does not answer it)';

describe('a cluster with a dead node', () => {
  let stack: BackupStack;
  let trio: ThreeNodes;
  beforeAll(async () => {
    trio = await startThreeNodes('trio');
    await fillRandom(trio.nodes[0]!, { name: 'docs', points: POINTS, shards: 3, replicas: 2 });
    await fillRandom(trio.nodes[0]!, { name: 'lone', points: POINTS, shards: 3, replicas: 1 });
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
    expect(errorOf(run).message).toContain('remove its address from ferry.yaml');
  });

  it('is looked at by the doctor to the end, although one collection cannot be read', async () => {
    const run = await ferry(stack, 'doctor', '--json');
    const { findings } = JSON.parse(run.stdout) as {
      findings?: { what: string; ok: boolean; says: string }[];
    };
    expect(findings).toContainEqual(expect.objectContaining({ what: 'cluster source, REST', ok: true }));
    const unread = findings?.find(({ what }) => what === 'collection rest/lone');
    expect(unread).toMatchObject({ ok: false });
    expect(unread?.says).toMatch(new RegExp(`cannot be read\\. ${DEAD}`));
    expect(unread?.says).not.toContain('\n');
  });

  it('names the node also in the report of a job that needs it', async () => {
    const run = await ferry(stack, 'migrate', 'rest', 'target', 'lone', '--on-failure', 'fail', '--json');
    expect(reportOf(run).collections[0]?.error).toMatch(new RegExp(`^QdrantUnavailable: ${DEAD}`));
  });

  it('is backed up, migrated and verified by the nodes that are left, and says what was not compared', async () => {
    const done = [];
    for (const words of [
      ['backup', 'rest', 'docs'],
      ['migrate', 'rest', 'target', 'docs'],
      ['verify', 'rest', 'target', 'docs'],
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
