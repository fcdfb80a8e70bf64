// Keys that break naive stores: escapes, what disks and URLs treat as special, and orders that are easily got wrong.

export const oddKeys: readonly string[] = [
  'plain.json',
  'with space',
  'plus+sign',
  'percent%20sign',
  'percent%',
  'question?and#hash',
  'ampersand&semicolon;equals=',
  'quotes"\'<>|*',
  'back\\slash',
  'umlaut-äöü-ß',
  'chinese-向量数据库',
  'emoji-🚢',
  'last-of-the-basic-plane-\uffee',
  'composed-\u00e9',
  'decomposed-e\u0301',
  'tilde~and!(brackets)',
  'folder/inner.json',
  'folder/inner/deeper.json',
  'folder-beside',
  'folder.json',
  'folder0',
  '.hidden/.name',
  'dots/.../x',
  `long/${'x'.repeat(250)}/end`,
  `long/${'äöü '.repeat(30)}end`,
  `long/${'.'.repeat(200)}`,
];

/** Which S3 over a plain folder cannot hold, but S3 itself and our own files can. */
export const oddestKeys: readonly string[] = [
  'double//slash',
  '/leading',
  'trailing/',
  'up/../down',
  'here/./there',
  '..',
  `${'y'.repeat(800)}.snapshot`,
  `${'.'.repeat(500)}`,
];
