// What the administration of snapshots takes as input, how it names and pages things, and what people get to read.

import { describe, expect, it } from 'vitest';
import {
  createText,
  deleteText,
  downloadText,
  listText,
  recoverText,
} from '../../src/cli/snapshots/snapshot-text.js';
import { FerryError } from '../../src/model/errors.js';
import { parseInput } from '../../src/model/contracts/inputs.js';
import type { ListedSnapshot } from '../../src/model/contracts/snapshot-activities.js';
import {
  createSnapshotSchema,
  deleteSnapshotSchema,
  downloadSnapshotSchema,
  listSnapshotsSchema,
  recoverSnapshotSchema,
} from '../../src/model/contracts/snapshot-inputs.js';
import { isNamedAs, nodeCaptureLockId, recoverKey, snapshotWorkId } from '../../src/model/snapshot-names.js';
import { captureLockId } from '../../src/model/format/backup-names.js';
import { shortened } from '../../src/snapshots/list-snapshots.js';

const refused = (schema: Parameters<typeof parseInput>[0], input: object): string => {
  try {
    parseInput(schema, input);
  } catch (error) {
    return error instanceof FerryError ? error.message : String(error);
  }
  return 'accepted';
};

const recover = { cluster: 'a', collection: 'docs', snapshot: 'docs-1.snapshot', priority: 'snapshot' };

describe('an input', () => {
  it('needs little more than a cluster', () => {
    expect(parseInput(listSnapshotsSchema, { cluster: 'a' })).toEqual({ cluster: 'a' });
    expect(parseInput(createSnapshotSchema, { cluster: 'a', collection: 'docs', shard: 0 })).toMatchObject({
      shard: 0,
    });
    expect(parseInput(recoverSnapshotSchema, recover)).toMatchObject({ replace: false, allowEmpty: false });
    expect(
      parseInput(downloadSnapshotSchema, {
        cluster: 'a',
        snapshot: 'x.snapshot',
        object: 'downloads/x.snapshot',
      }),
    ).toMatchObject({ object: 'downloads/x.snapshot' });
  });

  it('that names a shard names its collection', () => {
    expect(refused(listSnapshotsSchema, { cluster: 'a', shard: 1 })).toContain('name both');
  });

  it('keeps at least the new one on a node, and names a store only for that', () => {
    const create = (more: object) => refused(createSnapshotSchema, { cluster: 'a', ...more });
    expect(create({ keepOnNode: 1 })).toBe('accepted');
    expect(create({ keepOnNode: 7, store: 'offsite', collection: 'docs', shard: 0 })).toBe('accepted');
    for (const keepOnNode of [0, -1, 1.5, '7']) expect(create({ keepOnNode })).toMatch(/^`keepOnNode` /);
    expect(create({ store: 'offsite' })).toContain('`store` goes with `keepOnNode`');
  });

  it.each([
    '*',
    'docs-*.snapshot',
    'docs-?.snapshot',
    '../x.snapshot',
    'a/b.snapshot',
    'a\\b.snapshot',
    'all',
    '',
  ])('deletes nothing by the name %j', (snapshot) => {
    expect(refused(deleteSnapshotSchema, { cluster: 'a', node: 'http://n0:6333', snapshot })).toMatch(
      /^`snapshot` /,
    );
  });

  it('deletes nothing without a node', () => {
    expect(refused(deleteSnapshotSchema, { cluster: 'a', snapshot: 'x.snapshot' })).toContain('node');
  });

  it.each(['/x', 'x/', 'a//b', '../x', 'a/./b', 'a\\b'])('puts nothing under the key %j', (object) => {
    expect(refused(downloadSnapshotSchema, { cluster: 'a', snapshot: 'x.snapshot', object })).toMatch(
      /^`object` /,
    );
  });

  it('of a recovery says the priority, and one source', () => {
    const { priority: _priority, ...unsaid } = recover;
    expect(refused(recoverSnapshotSchema, unsaid)).toContain('`priority` (`--priority`): is required');
    const { snapshot: _snapshot, ...nothing } = recover;
    expect(refused(recoverSnapshotSchema, nothing)).toContain('give one of');
    expect(refused(recoverSnapshotSchema, { ...recover, object: 'x' })).toContain('give one of');
    expect(refused(recoverSnapshotSchema, { ...recover, store: 's' })).toContain(
      '`store` goes with `object`',
    );
    expect(refused(recoverSnapshotSchema, { ...recover, checksum: 'abc' })).toContain(
      '64 hexadecimal digits',
    );
    expect(parseInput(recoverSnapshotSchema, { ...recover, checksum: 'A'.repeat(64) })).toMatchObject({
      checksum: 'a'.repeat(64),
    });
  });

  it('of a recovery of a whole node says how Qdrant does that', () => {
    const { collection: _collection, ...node } = recover;
    expect(refused(recoverSnapshotSchema, node)).toContain('--storage-snapshot');
  });

  it.each([
    'https://user:5ecret@host/x.snapshot',
    'https://host/x.snapshot?X-Amz-Signature=5ecret',
    'https://host/x.snapshot#5ecret',
    'file:///x/5ecret.snapshot',
    's3://bucket/5ecret',
  ])('refuses the URL %s and does not repeat it', (url) => {
    const { snapshot: _snapshot, ...rest } = recover;
    const message = refused(recoverSnapshotSchema, { ...rest, url });
    expect(message).not.toBe('accepted');
    expect(message).not.toContain('5ecret');
    expect(refused(recoverSnapshotSchema, { ...rest, url: 'http://host:6333/x.snapshot' })).toBe('accepted');
  });
});

describe('a name', () => {
  it.each([
    ['docs-123-2026-11-24-19-12-21.snapshot', { collection: 'docs' }, true],
    ['docs-2-123-2026-11-24-19-12-21.snapshot', { collection: 'docs' }, false],
    ['docs-2-123-2026-11-24-19-12-21.snapshot', { collection: 'docs-2' }, true],
    ['docs-shard-1-2026-11-24-19-12-21.snapshot', { collection: 'docs' }, false],
    ['docs-shard-1-2026-11-24-19-12-21.snapshot', { collection: 'docs', shard: 1 }, true],
    ['docs-shard-11-2026-11-24-19-12-21.snapshot', { collection: 'docs', shard: 1 }, false],
    ['folder/docs-shard-1-2026-11-24-19-12-21.snapshot', { collection: 'docs', shard: 1 }, true],
    ['full-snapshot-2026-11-24-19-12-21.snapshot', {}, true],
    ['docs-123-2026-11-24-19-12-21.snapshot', {}, false],
  ])('%s belongs to %j: %s', (name, scope, belongs) => {
    expect(isNamedAs(scope, name)).toBe(belongs);
  });

  it('of work needs no quoting, and the lock of a node is no collection’s', () => {
    expect(
      snapshotWorkId('create', 'prod', { at: new Date('2026-03-04T05:06:07.089Z'), nonce: '3f2a' }),
    ).toBe('snapshots-create/prod/2026-03-04-050607089-3f2a');
    expect(nodeCaptureLockId('prod')).not.toBe(captureLockId('prod', 'backup'));
    expect(recoverKey('ab'.repeat(32), 'my docs*.snapshot')).toBe(
      'snapshots-to-recover/abababababababab-my_docs_.snapshot',
    );
  });
});

function some(count: number, node: string): ListedSnapshot[] {
  return Array.from({ length: count }, (_, at) => ({
    node,
    name: `docs-${'1'.repeat(16)}-2026-11-24-19-12-${String(at).padStart(3, '0')}.snapshot`,
    bytes: 1_000_000,
    createdAt: '2026-11-24T19:12:21Z',
    sha256: 'ab'.repeat(32),
  }));
}

describe('a long list', () => {
  const result = { cluster: 'a', collection: 'docs', silent: [], notes: ['A note.'] };

  it('is cut to what a history can hold, and reports how many are left out of which node', () => {
    const [n0, n1, n2] = ['http://n0:6333', 'http://n1:6333', 'http://n2:6333'] as const;
    const cut = shortened({ ...result, snapshots: [...some(400, n0), ...some(250, n1), ...some(50, n2)] });
    expect(JSON.stringify(cut).length).toBeLessThan(256_000);
    expect(cut.snapshots).toHaveLength(500);
    expect(cut.leftOut).toEqual([
      { node: n1, count: 150 },
      { node: n2, count: 50 },
    ]);
    const said = expect.stringContaining(`200 more snapshots are left out: 150 on ${n1}, 50 on ${n2}.`);
    expect(cut.notes).toEqual(['A note.', said]);
  });

  it('is whole where it fits', () => {
    const whole = { ...result, snapshots: some(500, 'http://n0:6333') };
    expect(shortened(whole)).toBe(whole);
  });
});

describe('people read', () => {
  const one: ListedSnapshot = {
    node: 'http://n0:6333',
    peer: '7',
    name: 'docs-7-2026-11-24-19-12-21.snapshot',
    bytes: 2_431_488,
    createdAt: '2026-11-24T19:12:21Z',
    sha256: 'ab'.repeat(32),
  };
  const { sha256: _sha256, ...plain } = { ...one, node: 'http://n1:6333', peer: '8' };

  it('a list node by node, and who was silent', () => {
    const silent = [{ node: 'http://n2:6333', code: 'ClusterUnreachable', message: 'No connection' }];
    const lines = listText({
      cluster: 'a',
      collection: 'docs',
      snapshots: [one, plain],
      silent,
      notes: ['A note.'],
    });
    expect(lines).toEqual([
      'http://n0:6333 (peer 7)',
      `  docs-7-2026-11-24-19-12-21.snapshot  2.4 MB  2026-11-24T19:12:21Z  ${'ab'.repeat(32)}`,
      'http://n1:6333 (peer 8)',
      '  docs-7-2026-11-24-19-12-21.snapshot  2.4 MB  2026-11-24T19:12:21Z  no checksum',
      'A note.',
      'http://n2:6333 did not answer: ClusterUnreachable: No connection',
    ]);
    expect(listText({ cluster: 'a', snapshots: [], silent: [], notes: [] })).toEqual([
      'No snapshots of the whole node on a.',
    ]);
  });

  it('what was made, deleted, downloaded and recovered', () => {
    expect(createText({ cluster: 'a', made: [one], notes: [], seconds: 2.1 }).at(-1)).toBe(
      '1 snapshot made in 2.1 s',
    );
    const older = { ...{ node: one.node, peer: '7' }, name: 'docs-7-2026-11-17-19-12-21.snapshot' };
    const notOurs = [
      { node: one.node, peer: '7', count: 0 },
      { node: 'http://n1:6333', peer: '8', count: 1 },
    ];
    const kept = { cluster: 'a', made: [one], removed: [older], notOurs, notes: ['A note.'], seconds: 2.1 };
    expect(createText(kept).slice(2)).toEqual([
      'removed docs-7-2026-11-17-19-12-21.snapshot on http://n0:6333 (peer 7)',
      '1 snapshot on http://n1:6333 (peer 8) not recorded by ferry: not touched',
      'A note.',
      '1 snapshot made, 1 older removed in 2.1 s',
    ]);
    const ref = { cluster: 'a', collection: 'docs', node: 'http://n0:6333' };
    expect(deleteText({ ...ref, shard: 1, name: 'x.snapshot', deleted: true })).toEqual([
      'deleted x.snapshot of shard 1 of docs on http://n0:6333',
    ]);
    const loaded = { name: 'x.snapshot', bytes: 5, sha256: 'ab' };
    expect(downloadText({ ...loaded, checksum: 'none' }, 'x').join(' ')).toContain('Qdrant reports none');
    expect(downloadText({ ...loaded, checksum: 'equal' }, 'x').join(' ')).toContain(
      "the same as Qdrant's own",
    );
    const points = { before: 1, after: 2_000 };
    const recovered = recoverText({ ...ref, priority: 'snapshot', points, notes: [], seconds: 3 });
    expect(recovered).toEqual([
      'recovered docs on http://n0:6333 of a, 3.0 s',
      'docs holds 2,000 points (1 before); counted, not compared with anything',
    ]);
  });
});
