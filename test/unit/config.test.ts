import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cacheDir,
  loadConfig,
  loadConfigIfAny,
  readConfig,
  stateDir,
  temporalConnection,
} from '../../src/config.js';
import { FerryError } from '../../src/model/errors.js';
import { requireCluster } from '../../src/model/ferry-config.js';

const SECRET = 'sk-very-secret-0815';
const WEBHOOK_SECRET = `whsec_${'MfKQ'.repeat(10)}`;
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function written(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'ferry-config-')), 'ferry.yaml');
  writeFileSync(path, text);
  return path;
}

function refusal(text: string, env: Record<string, string> = {}): FerryError {
  try {
    loadConfig(written(text), env);
  } catch (error) {
    if (error instanceof FerryError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('ferry.yaml', () => {
  it('takes one url and finds gRPC beside it on port 6334', () => {
    const { clusters } = loadConfig(written('clusters: { a: { url: "https://qdrant.example:6333/" } }'), {});
    expect(clusters['a']).toEqual({
      alias: 'a',
      nodes: [{ url: 'https://qdrant.example:6333', grpcUrl: 'https://qdrant.example:6334' }],
    });
  });

  it('may be absent for a command that needs Temporal only, but not broken, or named and absent', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ferry-config-'));
    expect(loadConfigIfAny(undefined, { FERRY_STATE_DIR: folder })).toBeUndefined();
    const invalid = expect.objectContaining({ code: 'InvalidConfig' }) as Error;
    expect(() => loadConfigIfAny(undefined, { FERRY_CONFIG: join(folder, 'absent.yaml') })).toThrow(invalid);
    writeFileSync(join(folder, 'ferry.yaml'), 'clusters: 7');
    expect(() => loadConfigIfAny(undefined, { FERRY_STATE_DIR: folder })).toThrow(invalid);
  });

  it('takes several nodes, a queue and an authority from a file beside it', () => {
    const path = written(
      'clusters: { prod: { nodes: [{ url: "https://n0:6333" }, { url: "https://n1:6333", grpcUrl: "https://n1:7334" }], taskQueue: near-prod, ca: ca.pem } }',
    );
    writeFileSync(join(path, '../ca.pem'), PEM);
    expect(loadConfig(path, {}).clusters['prod']).toEqual({
      alias: 'prod',
      nodes: [
        { url: 'https://n0:6333', grpcUrl: 'https://n0:6334' },
        { url: 'https://n1:6333', grpcUrl: 'https://n1:7334' },
      ],
      taskQueue: 'near-prod',
      ca: PEM,
    });
  });

  it('replaces ${NAME} from the environment, and a value cannot become structure', () => {
    const text = 'clusters: { a: { url: "http://${HOST}:6333", apiKey: "${KEY}" } }';
    const { clusters } = loadConfig(written(text), { HOST: 'q', KEY: '}, b: { url: "http://evil' });
    expect(clusters['a']?.nodes[0]?.url).toBe('http://q:6333');
    expect(clusters['a']?.apiKey).toBe('}, b: { url: "http://evil');
    expect(Object.keys(clusters)).toEqual(['a']);
  });

  it('keeps stores, defaults and policies for later', () => {
    const text = `
clusters: { a: { url: "http://a:6333" } }
stores: { disk: { url: "file:///var/lib/ferry", taskQueue: near-disk }, s3: { url: "s3://bucket/prefix", region: eu-central-1 } }
defaults: { store: disk }
policies: { nightly: { clusters: [a], full: "daily 02:00" } }`;
    const config = loadConfig(written(text), {});
    expect(config.stores['disk']).toEqual({
      alias: 'disk',
      url: 'file:///var/lib/ferry',
      taskQueue: 'near-disk',
    });
    expect(config.defaults).toEqual({ store: 'disk' });
    expect(Object.keys(config.policies)).toEqual(['nightly']);
  });

  it('knows how an S3 store is reached and written', () => {
    const text = `
clusters: {}
stores:
  aws: { url: "s3://backups/ferry", sse: AES256, storageClass: STANDARD_IA }
  own: { url: "s3://backups", endpoint: "https://minio:9000", profile: minio, pathStyle: true, sse: { kms: key-1 } }`;
    const { stores } = loadConfig(written(text), {});
    expect(stores['aws']).toMatchObject({ alias: 'aws', sse: 'AES256', storageClass: 'STANDARD_IA' });
    expect(stores['own']).toMatchObject({ profile: 'minio', pathStyle: true, sse: { kms: 'key-1' } });
  });

  it('names the variable and the field when a variable is not set', () => {
    const error = refusal('clusters: { prod: { url: "http://a:6333", apiKey: "${PROD_KEY}" } }');
    expect(error.code).toBe('InvalidConfig');
    expect(error.message).toContain('clusters.prod.apiKey needs the environment variable PROD_KEY');
  });

  it.each([
    ['an unknown field', `clusters: { a: { url: "http://a:6333", key: ${SECRET} } }`, 'clusters.a'],
    ['credentials in a url', `clusters: { a: { url: "http://me:${SECRET}@a:6333" } }`, 'clusters.a.url'],
    ['a url of another kind', `clusters: { a: { url: "ftp://${SECRET}" } }`, 'clusters.a.url'],
    [
      'a key that is no text',
      `clusters: { a: { url: "http://a:6333", apiKey: [${SECRET}] } }`,
      'clusters.a.apiKey',
    ],
    [
      'url and nodes at once',
      'clusters: { a: { url: "http://a", nodes: [{ url: "http://b" }] } }',
      'clusters.a',
    ],
    ['no clusters', 'stores: {}', 'clusters'],
    [
      'half a pair of keys',
      `{ clusters: {}, stores: { a: { url: "s3://b", secretAccessKey: ${SECRET} } } }`,
      'stores.a: `accessKeyId` and `secretAccessKey` belong together',
    ],
    [
      'keys for a disk',
      `{ clusters: {}, stores: { a: { url: "file:///b", accessKeyId: x, secretAccessKey: ${SECRET} } } }`,
      'stores.a: a file:// store has no `accessKeyId`, `secretAccessKey`',
    ],
    [
      'an unknown provider',
      `{ clusters: {}, stores: { a: { url: "s3://b", profile: ${SECRET} } } }`,
      'stores.a.profile',
    ],
    [
      'an encryption that S3 does not know',
      `{ clusters: {}, stores: { a: { url: "s3://b", sse: ${SECRET} } } }`,
      'stores.a.sse',
    ],
    [
      'an endpoint with credentials',
      `{ clusters: {}, stores: { a: { url: "s3://b", endpoint: "https://me:${SECRET}@c" } } }`,
      'stores.a.endpoint',
    ],
    [
      'a webhook without a secret',
      `{ clusters: {}, notifiers: { ops: { webhook: "https://${SECRET}" } } }`,
      'notifiers.ops: set either `secret` or `secretFile`',
    ],
    [
      'the secret of a webhook in another form',
      `{ clusters: {}, notifiers: { ops: { webhook: "https://a", secret: ${SECRET} } } }`,
      'notifiers.ops.secret',
    ],
    [
      'a header that ferry sets',
      `{ clusters: {}, notifiers: { ops: { webhook: "https://a", secret: ${WEBHOOK_SECRET}, headers: { Host: ${SECRET} } } } }`,
      'notifiers.ops.headers: `Host` is set by ferry',
    ],
    [
      'a notifier that is both',
      `{ clusters: {}, notifiers: { ops: { webhook: "https://a", secret: ${WEBHOOK_SECRET}, command: [${SECRET}] } } }`,
      'notifiers.ops: set either `webhook` or `command`',
    ],
    [
      'a policy that tells nobody there is',
      '{ clusters: { a: { url: "http://a" } }, stores: { s: { url: "s3://b" } }, policies: { p: { preset: test, store: s, clusters: [a], notify: [ops] } } }',
      'policies.p.notify.0: is not a notifier of this file',
    ],
    ['broken YAML', `clusters: { a: { apiKey: "${SECRET} }\n`, 'line'],
    ['an alias with a slash', 'clusters: { "a/b": { url: "http://a:6333" } }', 'clusters.a/b'],
    ['a missing authority', 'clusters: { a: { url: "https://a:6333", ca: nowhere.pem } }', 'clusters.a.ca'],
  ])('refuses %s, naming the field and never the value', (_, text, field) => {
    const error = refusal(text);
    expect(error.code).toBe('InvalidConfig');
    expect(error.message).toContain(field);
    expect(error.message).not.toContain(SECRET);
  });

  it('says where it looked when there is none', () => {
    expect(() => loadConfig('/nowhere/ferry.yaml', {})).toThrow(
      /`--config` names \/nowhere\/ferry\.yaml, which does not exist/,
    );
  });

  it('names the aliases that exist when one does not', () => {
    const config = loadConfig(written('clusters: { b: { url: "http://b" }, a: { url: "http://a" } }'), {});
    expect(() => requireCluster(config, 'c')).toThrow(/no cluster "c".*it has: a, b/);
    expect(() => requireCluster(config, 'toString')).toThrow(FerryError);
  });
});

describe('the environment', () => {
  const env = { HOME: '/home/me' };

  it('wins over ferry.yaml for the Temporal server', () => {
    const config = loadConfig(
      written('{ clusters: {}, temporal: { address: "file:7233", namespace: n } }'),
      env,
    );
    expect(temporalConnection(config, env).connectionOptions.address).toBe('file:7233');
    expect(temporalConnection(config, env).namespace).toBe('n');
    const set = { ...env, TEMPORAL_ADDRESS: 'env:7233', TEMPORAL_NAMESPACE: 'm' };
    expect(temporalConnection(config, set).connectionOptions.address).toBe('env:7233');
    expect(temporalConnection(config, set).namespace).toBe('m');
  });

  it('moves the folders for state and cache', () => {
    expect(stateDir({ FERRY_STATE_DIR: '/s' })).toBe('/s');
    expect(stateDir({ XDG_STATE_HOME: '/x' })).toBe('/x/qdrant-ferry');
    expect(cacheDir({ FERRY_CACHE_DIR: '/c' })).toBe('/c');
    expect(cacheDir({ XDG_CACHE_HOME: '/x' })).toBe('/x/qdrant-ferry');
  });
});

describe('the files that ferry.yaml names', () => {
  it('hold the secret of a webhook, and are refused by their field', () => {
    const path = written(
      '{ clusters: {}, notifiers: { ops: { webhook: "https://a/b?c=d", secretFile: s } } }',
    );
    writeFileSync(join(path, '../s'), `${WEBHOOK_SECRET}\n`);
    const { config, files } = readConfig(path, {});
    const notifier = { name: 'ops', webhook: 'https://a/b?c=d', secret: WEBHOOK_SECRET };
    expect(config.notifiers).toEqual({ ops: { ...notifier, headers: {}, timeoutSeconds: 10 } });
    expect(files).toEqual([path, join(path, '../s')]);
    writeFileSync(join(path, '../s'), SECRET);
    expect(() => loadConfig(path, {})).toThrow('notifiers.ops.secretFile: must be `whsec_`');
  });

  const named = (fields: string) => written(`clusters: { a: { url: "https://q:6333", ${fields} } }`);

  it('hold an API key, without the end of its line', () => {
    const path = named('apiKeyFile: key');
    writeFileSync(join(path, '../key'), `${SECRET}\n`);
    const { config, files } = readConfig(path, {});
    expect(config.clusters['a']?.apiKey).toBe(SECRET);
    expect(files).toEqual([path, join(path, '../key')]);
  });

  it.each([
    ['', 'apiKeyFile: the file is empty'],
    [undefined, 'apiKeyFile cannot be read (ENOENT)'],
  ])('with the key %j are refused by their field', (text, message) => {
    const path = named('apiKeyFile: key');
    if (text !== undefined) writeFileSync(join(path, '../key'), text);
    expect(() => loadConfig(path, {})).toThrow(`clusters.a.${message}`);
  });

  it('are refused when half of a PEM file is there', () => {
    const path = named('caFile: ca');
    writeFileSync(join(path, '../ca'), PEM.slice(0, 40));
    expect(() => loadConfig(path, {})).toThrow('clusters.a.caFile: the file is not complete PEM');
  });

  it.each([
    ['apiKey: k, apiKeyFile: key', 'set either `apiKey` or `apiKeyFile`'],
    ['certFile: crt', '`certFile` and `keyFile` belong together'],
    ['ca: x, caFile: y', '`ca` and `caFile` are the same'],
  ])('do not go with what says the same: %s', (fields, message) => {
    expect(() => loadConfig(named(fields), {})).toThrow(message);
  });

  it.each([
    ['accessKeyId: a', '`accessKeyId` and `secretAccessKey` belong together'],
    ['accessKeyIdFile: a', '`accessKeyId` and `secretAccessKey` belong together'],
    [
      'accessKeyId: a, accessKeyIdFile: b, secretAccessKey: c',
      'set either `accessKeyId` or `accessKeyIdFile`',
    ],
    ['sessionTokenFile: a', '`sessionToken` belongs to'],
  ])('of a store do not stand alone: %s', (fields, message) => {
    const text = `clusters: {}\nstores: { s: { url: "s3://b", ${fields} } }`;
    expect(refusal(text).message).toContain(message);
  });

  it('of a store are found beside ferry.yaml, and not read before the store is used', () => {
    const path = written(
      'clusters: {}\nstores: { s: { url: "s3://b", accessKeyIdFile: id, secretAccessKeyFile: /run/secret } }',
    );
    expect(loadConfig(path, {}).stores['s']).toMatchObject({
      accessKeyIdFile: join(path, '../id'),
      secretAccessKeyFile: '/run/secret',
    });
  });
});
