import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexSnapshot } from '../../src/qdrant/files/snapshot-index.js';
import { shardTar, shardTarBytes } from '../../src/qdrant/files/shard-tar.js';
import { renamed, sizeIn } from '../../src/qdrant/files/tar-headers.js';
import { walkTar, type ByteFile } from '../../src/qdrant/files/tar-walk.js';

const { signal } = new AbortController();
const LONG = `segments/${'deep/'.repeat(30)}${'n'.repeat(99)}`;
const CONFIG = '{"params":{"vectors":{"size":4,"distance":"Dot"}}}';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ferry-tar-'));
  const files: Record<string, string> = {
    'config.json': CONFIG,
    '0/replica_state.json': '{"is_local":true,"this_peer_id":1,"peers":{"1":"Active"}}',
    '0/segments/a.tar': 'a'.repeat(200_000),
    '0/empty': '',
    [`1/${LONG}`]: 'long',
    '1/segments/holes': '',
    '10/segments/b.tar': 'b'.repeat(511),
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'in', name, '..'), { recursive: true });
    writeFileSync(join(folder, 'in', name), text);
  }
  truncateSync(join(folder, 'in/1/segments/holes'), 900_000);
  appendFileSync(join(folder, 'in/1/segments/holes'), 'end');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Packed by the tar of this machine. */
function pack(...args: string[]): Buffer {
  const path = join(folder, 'made.tar');
  execFileSync('tar', ['-C', join(folder, 'in'), '-cf', path, ...args]);
  return readFileSync(path);
}

function fileOf(bytes: Buffer, chunk = 7_000): ByteFile {
  return {
    name: 'a.snapshot',
    bytes: bytes.length,
    read: async function* (from, to) {
      for (let at = from; at < to; at += chunk) yield bytes.subarray(at, Math.min(at + chunk, to));
    },
  };
}

async function namesIn(bytes: Buffer): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of walkTar(fileOf(bytes), signal)) if (entry.isFile) names.push(entry.name);
  return names;
}

async function shardOf(bytes: Buffer, id: number, chunk?: number): Promise<Buffer> {
  const file = fileOf(bytes, chunk);
  const index = await indexSnapshot(file, signal);
  const entries = index.kind === 'collection' ? index.shards.get(id) : undefined;
  if (!entries) throw new Error(`no shard ${id}`);
  const chunks: Uint8Array[] = [];
  for await (const piece of shardTar(file, entries, { signal })) chunks.push(Uint8Array.from(piece));
  const tar = Buffer.concat(chunks);
  expect(tar.length).toBe(shardTarBytes(entries));
  return tar;
}

/** Names and contents, unpacked by the tar of this machine. */
function unpacked(tar: Buffer): [string, string][] {
  writeFileSync(join(folder, 'out.tar'), tar);
  const list = execFileSync('tar', ['-tf', join(folder, 'out.tar')], { encoding: 'utf8' }).split('\n');
  return list
    .filter((name) => name !== '' && !name.endsWith('/'))
    .map((name) => [
      name,
      execFileSync('tar', ['-xOf', join(folder, 'out.tar'), name], { encoding: 'latin1' }),
    ]);
}

const FORMS: [string, string[]][] = [
  ['gnu', ['--format=gnu', '.']],
  ['gnu with holes', ['--format=gnu', '-S', '.']],
  ['pax', ['--format=posix', '0', '1', '10', 'config.json']],
  [
    'no folders',
    [
      '--format=gnu',
      '--no-recursion',
      'config.json',
      '0/empty',
      '0/segments/a.tar',
      `1/${LONG}`,
      '1/segments/holes',
      '10/segments/b.tar',
    ],
  ],
];

describe('a tar', () => {
  it.each(FORMS)(
    'of the form %s is walked, and each shard comes out of it under its own names',
    async (_, args) => {
      const bytes = pack(...args);
      expect(await namesIn(bytes)).toEqual(expect.arrayContaining(['config.json', `1/${LONG}`]));
      const first = new Map(unpacked(await shardOf(bytes, 0)));
      expect(first.get('segments/a.tar')).toBe('a'.repeat(200_000));
      expect(first.get('empty')).toBe('');
      const second = new Map(unpacked(await shardOf(bytes, 1)));
      expect([...second.keys()].sort()).toEqual([LONG, 'segments/holes'].sort());
      expect(second.get(LONG)).toBe('long');
      expect(second.get('segments/holes')?.length).toBe(900_003);
    },
  );

  it('is cut out the same, however its bytes arrive', async () => {
    const bytes = pack('--format=gnu', '-S', '.');
    expect(bytes.length).toBeLessThan(900_000);
    const whole = await shardOf(bytes, 1, bytes.length);
    for (const chunk of [511, 512, 513, 1_024, 64_000]) {
      expect((await shardOf(bytes, 1, chunk)).equals(whole)).toBe(true);
    }
  });

  it('that was cut anywhere is refused', async () => {
    const bytes = pack('--format=gnu', 'config.json', '10');
    const end = bytes.lastIndexOf('b') + 1;
    for (let at = 0; at < end + 512; at += 100) {
      await expect(namesIn(bytes.subarray(0, at))).rejects.toMatchObject({ code: 'SnapshotUnreadable' });
    }
  });

  it('that is something else is refused by name', async () => {
    const page = Buffer.from('<html>404 not found</html>'.repeat(100));
    await expect(namesIn(page)).rejects.toThrow('"a.snapshot" is not a tar archive');
    const damaged = pack('--format=gnu', '10', 'config.json');
    damaged[2_048 + 5] = (damaged[2_048 + 5] ?? 0) ^ 1;
    await expect(namesIn(damaged)).rejects.toMatchObject({ code: 'SnapshotUnreadable' });
  });

  it('with holes in the pax manner is refused, for it is nothing that Qdrant makes', async () => {
    const bytes = pack('--format=posix', '-S', '.');
    await expect(namesIn(bytes)).rejects.toThrow('repacked as a sparse pax archive');
  });

  it('without a configuration is no snapshot', async () => {
    const bytes = pack('10');
    await expect(indexSnapshot(fileOf(bytes), signal)).rejects.toThrow('it has no config.json');
  });

  it('reads no more of a large entry than its header', async () => {
    const bytes = pack('0', 'config.json');
    let asked = 0;
    const file = fileOf(bytes);
    const counting: ByteFile = {
      ...file,
      read: (from, to, stop) => {
        asked += to - from;
        return file.read(from, to, stop);
      },
    };
    await indexSnapshot({ ...counting }, signal);
    expect(asked).toBeLessThan(200_000);
  });

  it('has sizes beyond 8 GiB', () => {
    const header = pack('config.json').subarray(0, 512);
    for (const bytes of [0, 8 ** 11 - 1, 8 ** 11, 2 ** 45]) {
      expect(sizeIn(renamed(header, 'x', bytes))).toBe(bytes);
    }
  });
});
