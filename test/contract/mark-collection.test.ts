// The mark that tells a collection from one of the same name and shape that takes its place, on both versions.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts, startQdrant, type QdrantServer } from '../../src/local/index.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import type { ClusterControl, Controls } from '../../src/cluster/control-port.js';
import { markCollection } from '../../src/cluster/mark-collection.js';
import { createCheckPin, takePin } from '../../src/cluster/pin.js';
import { collectionPath, rest } from '../support/rest-text.js';

const FULL = 'the-full-key-of-this-test';
const READ = 'the-key-of-this-test-that-only-reads';
const SHAPE = '{"vectors":{"size":4,"distance":"Dot"},"metadata":{"owner":"them","big":9007199254740993}}';
const changed = { code: 'CollectionChanged' };

describe.each([
  ['1.16.3', 'alone'],
  ['1.17.0', 'alone'],
  ['1.16.3', 'with clustering'],
  ['1.17.0', 'with clustering'],
] as const)('on Qdrant %s, %s', (version, mode) => {
  let folder: string;
  let server: QdrantServer & { apiKey?: string };
  let controls: Controls;
  const ref = { cluster: 'prod', collection: 'docs' };
  const pinOf = async (control: ClusterControl) => takePin(control, 'docs', await control.info('docs'));
  const again = async () => {
    await rest(server, 'DELETE', collectionPath('docs'));
    await rest(server, 'PUT', collectionPath('docs'), SHAPE);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-mark-'));
    const [port] = await freePorts(1);
    const clustered = mode === 'with clustering';
    const started = await startQdrant({
      version,
      storageDir: join(folder, 'qdrant'),
      extraEnv: {
        QDRANT__SERVICE__API_KEY: FULL,
        QDRANT__SERVICE__READ_ONLY_API_KEY: READ,
        ...(clustered ? { QDRANT__CLUSTER__ENABLED: 'true', QDRANT__CLUSTER__P2P__PORT: String(port) } : {}),
      },
      extraArgs: clustered ? ['--uri', `http://127.0.0.1:${port}`] : [],
    });
    server = Object.assign(started, { apiKey: FULL });
    controls = qdrantControls({
      prod: { alias: 'prod', nodes: [server], apiKey: FULL },
      reader: { alias: 'reader', nodes: [server], apiKey: READ },
    });
    await rest(server, 'PUT', collectionPath('docs'), SHAPE);
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('marks a collection once, beside the metadata of its owner', async () => {
    const control = controls.of('prod');
    const [one, other] = [
      qdrantControls({ prod: { alias: 'prod', nodes: [server], apiKey: FULL } }),
      controls,
    ];
    const notes = await Promise.all([
      markCollection(one.of('prod'), ref),
      markCollection(other.of('prod'), ref),
    ]);
    expect(notes).toEqual([[], []]);
    const { creation } = await pinOf(control);
    expect(creation).toMatch(/^[0-9a-f-]{36}$/);
    await markCollection(control, ref);
    expect((await pinOf(control)).creation).toBe(creation);
    const text = await rest(server, 'GET', collectionPath('docs'));
    expect(text).toContain('"owner":"them"');
    expect(text).toContain('9007199254740993');
  });

  it('knows a marked collection from the one that took its name and shape', async () => {
    const control = controls.of('prod');
    await markCollection(control, ref);
    const pin = await pinOf(control);
    const check = createCheckPin(controls);
    await check('prod', 'docs', pin);
    await again();
    await expect(check('prod', 'docs', pin)).rejects.toMatchObject(changed);
    await markCollection(control, ref);
    await expect(check('prod', 'docs', pin)).rejects.toMatchObject(changed);
  });

  it('says what is weaker where it may not write, unless Qdrant gives the collection an id', async () => {
    await again();
    const reader = controls.of('reader');
    const notes = await markCollection(reader, { ...ref, cluster: 'reader' });
    const pin = await pinOf(reader);
    expect(pin.creation).toBeUndefined();
    const check = createCheckPin(controls);
    await check('reader', 'docs', pin);
    await again();
    if (mode === 'alone') {
      expect(notes.join()).toContain('"docs" could not be marked (the key of this cluster may not write)');
      await check('reader', 'docs', pin);
    } else {
      expect([notes, pin.uuid]).toEqual([[], expect.stringMatching(/^[0-9a-f-]{36}$/)]);
      await expect(check('reader', 'docs', pin)).rejects.toMatchObject(changed);
    }
  });
});
