// Who may import whom is written in ARCHITECTURE.md; the fences below hold it.
import tseslint from 'typescript-eslint';

const fence = (room, runtimeBans, why) => ({
  files: [`src/${room}/**/*.ts`],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { patterns: runtimeBans.map((regex) => ({ regex, allowTypeImports: true, message: why })) },
    ],
  },
});

const ROOMS =
  'workflows activities cluster target transfer shards backups move external recovery snapshots notify policies checks qdrant storage worker local cli';
const otherRooms = (...allowed) => {
  const banned = ROOMS.split(' ').filter((room) => !allowed.includes(room));
  return [`^(\\.\\./)+(${banned.join('|')})/`, '^(\\.\\./)+(config|worker|cli)\\.js$'];
};
/** qdrant/files/ is plain functions over bytes: these rooms look into archives and may use them. */
const exceptFiles = (room, bans) =>
  ['shards', 'external'].includes(room)
    ? bans.map((ban) => ban.replace('|qdrant|', '|qdrant(?!/files/)|'))
    : bans;
const node = '^node:';
const temporal = '^@temporalio/';
const sdks = '^(@aws-sdk|@smithy|@qdrant|@connectrpc|@bufbuild|undici)';

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'dist-bench/**',
      'dist-demo/**',
      'node_modules/**',
      'src/qdrant/points/gen/**',
      'coverage/**',
    ],
  },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'demo/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.check.json' } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  { files: ['bench/**/*.ts', 'tools/**'], rules: { 'no-console': 'off' } },
  fence('model', [...otherRooms(), node, temporal, sdks], 'model/ is pure: itself and zod only'),
  fence(
    'workflows',
    [...otherRooms('workflows'), node, '^@temporalio/(?!workflow)', sdks],
    'workflows/ run in the sandbox: @temporalio/workflow and model/ only',
  ),
  fence('qdrant', [...otherRooms('qdrant'), temporal], 'qdrant/ knows Qdrant and nothing else'),
  fence(
    'qdrant/files',
    [...otherRooms(), '^\\.\\./(?!\\.)', temporal, sdks],
    'qdrant/files/ is pure: itself and model/ only',
  ),
  fence(
    'storage',
    [...otherRooms('storage'), temporal, '^(@qdrant|@connectrpc|@bufbuild|undici)'],
    'storage/ knows AWS, disks and plain URLs, nothing else',
  ),
  // Each of these rooms may use those named beside it, and knows Qdrant and the stores by ports only.
  ...Object.entries({
    cluster: [],
    target: ['cluster'],
    transfer: ['cluster'],
    shards: ['cluster'],
    external: ['cluster', 'shards', 'target'],
    recovery: ['cluster', 'shards', 'target'],
    snapshots: ['cluster', 'shards'],
    backups: ['cluster', 'shards', 'target'],
    notify: [],
    move: ['cluster', 'target', 'transfer', 'shards', 'backups'],
    checks: ['cluster', 'backups'],
  }).map(([room, rooms]) =>
    fence(
      room,
      [...exceptFiles(room, otherRooms(room, ...rooms)), temporal, sdks],
      `${room}/ may use ${['model', ...rooms].join('/, ')}/`,
    ),
  ),
  fence(
    'policies',
    [...otherRooms('policies'), '^@temporalio/(?!client|common/lib/time)', sdks],
    'policies/ know the client of Temporal, model/ and nothing else',
  ),
  fence(
    'activities',
    [
      ...otherRooms(
        'activities',
        ...'cluster target transfer shards backups move external recovery snapshots checks notify'.split(' '),
      ),
      '^@temporalio/(?!activity|common)',
      sdks,
    ],
    'activities/ are thin: unpack, call a room, heartbeat',
  ),
  {
    files: ['src/config.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^\\./(${ROOMS.replaceAll(' ', '|')})/`,
              message: 'config.ts knows no room',
            },
          ],
        },
      ],
    },
  },
);
