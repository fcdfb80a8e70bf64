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

const otherRooms = (...allowed) => {
  const rooms = ['workflows', 'activities', 'transfer', 'backup', 'qdrant', 'storage', 'local', 'cli'];
  const banned = rooms.filter((room) => !allowed.includes(room));
  return [`^(\\.\\./)+(${banned.join('|')})/`, '^(\\.\\./)+(config|worker|cli)\\.js$'];
};
const node = '^node:';
const temporal = '^@temporalio/';
const sdks = '^(@aws-sdk|@smithy|@qdrant|@connectrpc|@bufbuild|undici)';

export default tseslint.config(
  { ignores: ['dist/**', 'dist-bench/**', 'node_modules/**', 'src/qdrant/gen/**', 'coverage/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
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
    'storage',
    [...otherRooms('storage'), temporal, '^(@qdrant|@connectrpc|@bufbuild|undici)'],
    'storage/ knows AWS, disks and plain URLs, nothing else',
  ),
  fence('transfer', [...otherRooms('transfer'), temporal, sdks], 'transfer/ sees Qdrant through ports only'),
  fence(
    'backup',
    [...otherRooms('backup', 'transfer'), temporal, sdks],
    'backup/ sees Qdrant and the store through ports only',
  ),
  fence(
    'activities',
    [...otherRooms('activities', 'transfer', 'backup'), '^@temporalio/(?!activity|common)', sdks],
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
              regex: '^\\./(workflows|activities|transfer|backup|qdrant|storage|local|cli)/',
              message: 'config.ts knows no room',
            },
          ],
        },
      ],
    },
  },
);
