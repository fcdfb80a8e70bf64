import { describe, expect, it } from 'vitest';
import { externalCollection, type IndexedFile } from '../../src/external/external-collection.js';
import type { ShardEntries } from '../../src/qdrant/files/snapshot-index.js';
import { recoveredSettings } from '../../src/target/recovered-settings.js';
import type { TarEntry } from '../../src/qdrant/files/tar-walk.js';
import { parseJson, writeJson } from '../../src/model/json.js';

const CONFIG =
  '{"params":{"vectors":{"size":4,"distance":"Dot"},"shard_number":2},"metadata":{"big":18446744073709551615}}';
const CUSTOM =
  '{"params":{"vectors":{"size":4,"distance":"Dot"},"shard_number":1,"sharding_method":"custom"}}';
const NAME = 'docs';

const entry: TarEntry = {
  ...{ name: '', isFile: true, hasHoles: false, at: 0, header: Buffer.alloc(512) },
  ...{ bodyAt: 512, dataAt: 512, bytes: 512, end: 1_024 },
};

/** As a node writes it: the folder of a shard that another has holds its state alone. */
function shard(own: number, peers: Record<string, string>, isHere = true): ShardEntries {
  const state = parseJson(JSON.stringify({ is_local: isHere, this_peer_id: own, peers }));
  return { entries: isHere ? [{ name: 'segments/a.tar', entry }] : [], state };
}

function file(name: string, shards: Record<number, ShardEntries>, documents: Record<string, string> = {}) {
  const all = { 'config.json': CONFIG, 'shard_key_mapping.json': '[]', ...documents };
  const indexed: IndexedFile = {
    file: { name, bytes: 0, read: () => (async function* () {})() },
    index: {
      kind: 'collection',
      documents: new Map(Object.entries(all)),
      shards: new Map(Object.entries(shards).map(([id, one]) => [Number(id), one])),
    },
  };
  return indexed;
}

const two = () => [
  file('n1', { 0: shard(1, { 1: 'Active' }), 1: shard(1, { 2: 'Active' }, false) }),
  file('n2', { 0: shard(2, { 1: 'Active' }, false), 1: shard(2, { 2: 'Active' }) }),
];

describe('a collection out of the files of its nodes', () => {
  it('has each shard from the node that held it, and its settings without a changed number', () => {
    const found = externalCollection(two(), NAME);
    expect(found.sources.map((one) => one.file.name)).toEqual(['n1', 'n2']);
    expect(found.shards.map(({ id, ordinal, peer }) => [id, ordinal, peer])).toEqual([
      [0, 0, '1'],
      [1, 1, '2'],
    ]);
    expect(writeJson(recoveredSettings(found).metadata)).toBe('{"big":18446744073709551615}');
  });

  it('has its keys in the order of their making, whatever order a node lists them in', () => {
    const documents = (mapping: string) => ({ 'config.json': CUSTOM, 'shard_key_mapping.json': mapping });
    const only = { 1: shard(1, { 1: 'Active' }), 2: shard(1, { 1: 'Active' }), 5: shard(1, { 1: 'Active' }) };
    const mapping = '[{"key":18446744073709551615,"shard_ids":[5]},{"key":"eu","shard_ids":[2,1]}]';
    const found = externalCollection([file('n1', only, documents(mapping))], NAME);
    expect(found.shardKeys).toEqual([
      { shardKey: { keyword: 'eu' }, shards: 2, replicas: 1 },
      { shardKey: { number: '18446744073709551615' }, shards: 1, replicas: 1 },
    ]);
    expect(found.shards.map(({ id, ordinal }) => [id, ordinal])).toEqual([
      [1, 0],
      [2, 1],
      [5, 0],
    ]);
    const old = '{"eu":[1,2],"us":[5]}';
    const older = externalCollection([file('n1', only, documents(old))], NAME);
    expect(older.shardKeys.map(({ shardKey }) => shardKey)).toEqual([{ keyword: 'eu' }, { keyword: 'us' }]);
  });

  it('has payload indexes as Qdrant would tell of them', () => {
    const schema = '{"schema":{"k":"keyword","n":{"type":"integer","range":false}}}';
    const files = two().map((one) => {
      one.index.documents.set('payload_index.json', schema);
      return one;
    });
    const { indexes } = recoveredSettings(externalCollection(files, NAME));
    expect(indexes.map(([field, one]) => [field, writeJson(one)])).toEqual([
      ['k', '{"data_type":"keyword"}'],
      ['n', '{"data_type":"integer","params":{"type":"integer","range":false}}'],
    ]);
  });

  it('takes the replica that was Active, where a file has one that was not', () => {
    const both = { 1: 'Dead', 2: 'Active' };
    const [a, b] = [file('n1', { 0: shard(1, both) }), file('n2', { 0: shard(2, both) })];
    const one = CONFIG.replace('"shard_number":2', '"shard_number":1');
    for (const each of [a, b]) each.index.documents.set('config.json', one);
    expect(externalCollection([a, b], NAME).sources.map((of) => of.file.name)).toEqual(['n2']);
    expect(() => externalCollection([a], NAME)).toThrow('Shard 0 of "docs" was not Active');
  });

  it.each([
    [
      'without one of its nodes',
      () => two().slice(1),
      'SnapshotsIncomplete',
      'Shard 0 of "docs" is in none of "n2"',
    ],
    [
      'of two clusters that happen to look alike',
      () => {
        const own = (peer: number) => ({ [peer]: 'Active' });
        return [1, 2].map((peer) =>
          file(`n${peer}`, { 0: shard(peer, own(peer)), 1: shard(peer, own(peer)) }),
        );
      },
      'SnapshotsAmbiguous',
      'their peers do not know each other',
    ],
    [
      'whose settings differ',
      () => [two()[0], file('n2', {}, { 'config.json': CUSTOM })] as IndexedFile[],
      'SnapshotsAmbiguous',
      'their config.json differs',
    ],
    [
      'whose keys differ',
      () =>
        [
          two()[0],
          file('n2', {}, { 'shard_key_mapping.json': '[{"key":"a","shard_ids":[1]}]' }),
        ] as IndexedFile[],
      'SnapshotsAmbiguous',
      'their shard_key_mapping.json differs',
    ],
    [
      'with another peer than the name says',
      () => [{ ...(two()[0] as IndexedFile), peer: '2024' }],
      'SnapshotsAmbiguous',
      'gives peer 2024, and its content peer 1',
    ],
  ])('is refused %s', (_, files, code, said) => {
    const refused = () => externalCollection(files(), NAME);
    expect(refused).toThrow(said);
    expect(refused).toThrow(expect.objectContaining({ code }));
  });
});
