import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { storeIdSet } from '../../src/backups/ids/write-id-set.js';
import { idsKey } from '../../src/model/format/backup-names.js';
import { openStore } from '../../src/storage/open-store.js';
import { aliasesOf, compareSides } from '../support/compare-sides.js';
import { startControlSides, type ControlSides } from '../support/control-sides.js';
import { makeBackup } from '../support/hand-made-backup.js';
import { deleteOnSource, eachPage, idPagesOf } from '../support/id-pages.js';
import { rest } from '../support/rest-text.js';
import { fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

const DOCUMENT = new URL('../../docs/restore-by-hand.md', import.meta.url);

const BACKUP = '20261123_010203-0a1b2c3d';
const never = new AbortController().signal;

let sides: ControlSides;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-by-hand-'));
  sides = await startControlSides();
  await fillWorst(sides.source, 'worst', { shards: 2, large: false, ordinary: 200 });
  await fillSharded(sides.source, 'keyed', 40);
});

afterAll(async () => {
  await sides?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The document's own commands, in order. */
async function steps(): Promise<string> {
  const blocks = [...(await readFile(DOCUMENT, 'utf8')).matchAll(/^```sh\n(.*?)^```/gms)];
  return ['set -euo pipefail', ...blocks.map((block) => block[1])].join('\n');
}

async function collectionFolderOf(root: string, collection: string): Promise<string> {
  const all = await readdir(root, { recursive: true });
  const manifest = all.find((path) => path.endsWith(`/${collection}/manifest.json`)) ?? '';
  const place = join(folder, collection);
  await cp(join(root, manifest, '..'), place, { recursive: true });
  return place;
}

it.each(['worst', 'keyed'])(
  'the documented steps bring %s back with curl, jq and Python alone, without what had been deleted',
  async (collection) => {
    const root = join(folder, `store-${collection}`);
    const store = openStore({ alias: 'disk', url: pathToFileURL(root).href });
    const pages = await idPagesOf(sides, collection);
    const gone = pages.map(({ ids }, page) => ids.filter((_, at) => at % 3 === page % 3));
    const living = pages.map(({ ids, ...key }, at) => ({
      ...key,
      ids: ids.filter((id) => !gone[at]?.includes(id)),
    }));
    const key = idsKey('source', BACKUP, collection, '0a1b2c3d');
    const ids = await storeIdSet({ store, key, pages: eachPage(living), signal: never });
    const change = (manifest: object) => ({ ...manifest, ids });
    await makeBackup(store, { nodes: [sides.source.url], collection, backup: BACKUP, change });
    // After the capture: the snapshots bring all of them back.
    for (const [at, { shardKey }] of pages.entries())
      await deleteOnSource(sides, collection, gone[at] ?? [], shardKey);
    const cwd = await collectionFolderOf(root, collection);
    const env = { ...process.env, NODE: sides.target.url, NAME: collection };
    const { stdout } = await promisify(execFile)('bash', ['-c', await steps()], { cwd, env });
    const removed = [...stdout.matchAll(/: (\d+) points had come back and were removed, 0 points/g)];
    expect(removed.map(([, count]) => Number(count))).toEqual(gone.map((of) => of.length));
    const side = ({ url, grpcUrl }: { url: string; grpcUrl: string }) => ({ url, grpcUrl, collection });
    const [from, to] = [side(sides.source), side(sides.target)] as const;
    const found = await compareSides(from, to);
    // jq 1.6 rounds numbers over 2^53; the document says so
    const settings = found.configuration.filter((line) => !line.startsWith('config/metadata/'));
    expect([found.differences, settings]).toEqual([[], []]);
    expect(await aliasesOf(to)).toEqual(await aliasesOf(from));
    await rest(sides.target, 'DELETE', `/collections/${collection}`);
  },
);
