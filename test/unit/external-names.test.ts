import { describe, expect, it } from 'vitest';
import { parseSnapshotName } from '../../src/model/externals/names.js';
import { datedSets, isNamedBy } from '../../src/model/externals/sets.js';
import { disasterRecoverySchema } from '../../src/model/contracts/recovery-inputs.js';
import { parseInput } from '../../src/model/contracts/inputs.js';
import { seededRandom } from '../../demo/seeded-random.js';

const AT = Date.parse('2026-01-01T02:00:00Z');
const DASHED = '2026-01-01-02-00-00';
const UNDERSCORED = '20260101_020000';

/** Names that look like what stands behind them. */
const COLLECTIONS = [
  'docs',
  'docs-2024',
  'docs-2026-01-01-02-00-00',
  'docs_20260101_020000',
  'a-shard-1',
  'docs-shard',
  'full-snapshot',
  'my docs',
  'ünïcode-🦀',
  'x.snapshot',
  '-',
  '_',
  '7',
];

describe('the name of a snapshot file', () => {
  it.each(COLLECTIONS)('gives back the collection "%s" in every form', (collection) => {
    const peer = '193757618734320';
    const of = { kind: 'collection', collection, at: AT };
    expect(parseSnapshotName(`${collection}-${peer}-${DASHED}.snapshot`)).toEqual({ ...of, peer });
    expect(parseSnapshotName(`${collection}_${UNDERSCORED}.snapshot`)).toEqual(of);
    const shard = { kind: 'shard', collection, at: AT, shard: 12 };
    expect(parseSnapshotName(`${collection}-shard-12-${DASHED}.snapshot`)).toEqual(shard);
    expect(parseSnapshotName(`${collection}_${UNDERSCORED}.shard-12.snapshot`)).toEqual(shard);
  });

  it('may lack the peer', () => {
    const of = { kind: 'collection', collection: 'my-docs', at: AT };
    expect(parseSnapshotName(`my-docs-${DASHED}.snapshot`)).toEqual(of);
  });

  it('is that of a whole storage when it says so', () => {
    const whole = { kind: 'storage', collection: '', at: AT };
    expect(parseSnapshotName(`full-snapshot-${DASHED}.snapshot`)).toEqual(whole);
    expect(parseSnapshotName(`prod_${UNDERSCORED}.node.snapshot`)).toEqual(whole);
  });

  it('takes a number too large for a shard as a peer', () => {
    expect(parseSnapshotName(`docs-shard-193757618734320-${DASHED}.snapshot`)).toMatchObject({
      kind: 'collection',
      collection: 'docs-shard',
      peer: '193757618734320',
    });
  });

  it.each([
    'docs.snapshot',
    `docs-${DASHED}.tar`,
    `docs-${DASHED}.snapshot.checksum`,
    `-${DASHED}.snapshot`,
    `_${UNDERSCORED}.snapshot`,
    'docs-2026-02-31-02-00-00.snapshot',
    'docs-2026-01-01-25-00-00.snapshot',
    'docs_20261301_020000.snapshot',
    'docs-2026-01-01.snapshot',
    '',
  ])('says nothing when it is "%s"', (name) => {
    expect(parseSnapshotName(name)).toBeUndefined();
  });

  it('gives back whatever it was made of', () => {
    const seed = 5;
    const random = seededRandom(seed);
    for (let round = 0; round < 2_000; round += 1) {
      const signs = Array.from({ length: 1 + random.below(12) }, () => 'ab-_.0 1'[random.below(8)]);
      const collection = `c${signs.join('')}`;
      const peer = String(1_000_000 + random.below(1_000_000_000));
      const at = Date.UTC(2020, 0, 1) + random.below(400_000_000) * 1_000;
      const time = new Date(at).toISOString().slice(0, 19).replace(/[T:]/g, '-');
      const found = parseSnapshotName(`${collection}-${peer}-${time}.snapshot`);
      expect([seed, found]).toEqual([seed, { kind: 'collection', collection, at, peer }]);
    }
  });
});

const minute = 60_000;
const day = 24 * 60 * minute;
const file = (peer: string | undefined, at: number, folder = '') => ({
  key: `${folder}${peer ?? 'none'}-${at}`,
  at,
  ...(peer === undefined ? {} : { peer }),
});
const peersOf = (sets: ReturnType<typeof datedSets>) =>
  sets.map(({ files }) => files.map((one) => one.peer ?? one.key));

describe('the files of one backup', () => {
  it('are one of each peer, at about one time; the newest come first', () => {
    const files = [0, day, 2 * day].flatMap((at) => [
      file('1', at),
      file('2', at + 5_000),
      file('3', at + 9_000),
    ]);
    const sets = datedSets(files);
    expect(peersOf(sets)).toEqual([
      ['3', '2', '1'],
      ['3', '2', '1'],
      ['3', '2', '1'],
    ]);
    expect(sets.map(({ unclear }) => unclear)).toEqual([undefined, undefined, undefined]);
  });

  it('may be fewer in one night than in another', () => {
    const files = [file('1', 0), file('2', 5_000), file('1', day)];
    const sets = datedSets(files);
    expect(peersOf(sets)).toEqual([['1'], ['2', '1']]);
    expect(sets.every(({ unclear }) => unclear === undefined)).toBe(true);
  });

  it('are told apart by their folders where the names have no peer', () => {
    const files = [file(undefined, 0, 'n0/'), file(undefined, 0, 'n1/'), file(undefined, day, 'n0/')];
    expect(peersOf(datedSets(files))).toEqual([['n0/none-86400000'], ['n0/none-0', 'n1/none-0']]);
  });

  it('cannot be told apart when two backups lie as close together as the files of one', () => {
    const every40s = ['1', '2', '1', '2'].map((peer, at) => file(peer, at * 40_000));
    expect(datedSets(every40s)[0]?.unclear).toContain('40 s apart');
  });

  it('cannot be told apart when one file is there twice', () => {
    const [first] = datedSets([file('1', 0, 'a/'), file('1', 0, 'b/')]);
    expect(first?.unclear).toContain('0 s apart');
  });

  it('are not those of another hour', () => {
    expect(peersOf(datedSets([file('1', 0), file('2', 61 * minute)]))).toEqual([['2'], ['1']]);
  });

  it('are all sorted into one set each, whatever there is', () => {
    const random = seededRandom(9);
    for (let round = 0; round < 200; round += 1) {
      const files = Array.from({ length: random.below(12) }, (_, at) =>
        file(String(random.below(4)), random.below(3) * day + random.below(90) * minute, `${at}/`),
      );
      const sets = datedSets(files);
      expect(sets.flatMap((set) => set.files.map(({ key }) => key)).sort()).toEqual(
        files.map(({ key }) => key).sort(),
      );
      for (const set of sets) {
        const peers = set.files.map((one) => 'peer' in one && one.peer);
        expect(new Set(peers).size).toBe(peers.length);
      }
    }
  });
});

describe('a name in `map`', () => {
  it.each([
    ['docs.snapshot', 'deep/docs.snapshot', true],
    ['deep/docs.snapshot', 'deep/docs.snapshot', true],
    ['deep/docs.snapshot', 'docs.snapshot', false],
    ['docs-*.snapshot', 'a/docs-1.snapshot', true],
    ['docs-?.snapshot', 'docs-12.snapshot', false],
    ['docs.snapshot', 'docsXsnapshot', false],
    ['(docs', '(docs', true],
  ])('%s names %s: %s', (pattern, path, isNamed) => {
    expect(isNamedBy(pattern, path)).toBe(isNamed);
  });
});

describe('an input with `from`', () => {
  const messageOf = (input: Record<string, unknown>): string => {
    try {
      parseInput(disasterRecoverySchema, { target: 'b', ...input });
      return 'accepted';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each([
    [{ from: { store: 's', folder: 'old/' } }],
    [{ from: { folder: '' } }],
    [{ from: { file: 'a/b.snapshot', qdrantVersion: '1.16.3' }, map: { 'secret-token.snapshot': 'docs' } }],
    [{ from: { url: 'https://example.com/docs.snapshot' } }],
    [{ from: { url: '${FERRY_SNAPSHOT_URL_DOCS}' } }],
  ])('%j is accepted', (input) => {
    expect(messageOf(input)).toBe('accepted');
  });

  it.each([
    [{ from: {} }, 'set exactly one of `folder`, `file` and `url`'],
    [{ from: { folder: 'a', file: 'b' } }, 'set exactly one of'],
    [{ from: { url: 'https://a/b', store: 's' } }, '`url` and `store` cannot be combined'],
    [{ from: { folder: '../up' } }, 'relative to the store'],
    [{ from: { folder: '/etc' } }, 'relative to the store'],
    [{ from: { url: 'ftp://a/b' } }, 'http(s)'],
    [{ from: { folder: 'a' }, backup: 'x', store: 's' }, '`store`, `backup` cannot be combined with `from`'],
    [{ map: { a: 'b' } }, '`map` (`--map`) can be used only with `from`'],
  ])('%j is refused', (input, why) => {
    expect(messageOf(input)).toContain(why);
  });

  it.each([
    'https://example.com/docs.snapshot?X-Amz-Signature=abcdef0123',
    'https://example.com/docs.snapshot#abcdef0123',
    'https://user:abcdef0123@example.com/docs.snapshot',
    'https://example.com/${AWS_SECRET_ACCESS_KEY}?abcdef0123',
    '${AWS_SECRET_ACCESS_KEY_abcdef0123}',
  ])('never holds a secret: %s', (url) => {
    const message = messageOf({ from: { url } });
    expect(message).toMatch(/FERRY_SNAPSHOT_URL|credentials/);
    expect(message).not.toContain('abcdef0123');
  });
});
