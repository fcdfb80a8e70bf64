// A store that ferry.yaml marks `readOnly`. Promises that nothing is written or deleted in it, whoever asks: a room, an
// activity, or the command.

import { FerryError } from '../model/errors.js';
import type { ObjectStore } from './object-store.js';

const LIMITATION =
  'ferry.yaml marks this store `readOnly`: backups in it are listed and recovered, and none is written or removed.';

export function readOnlyStore(inner: ObjectStore): ObjectStore {
  const refuse = async (key: string): Promise<never> => {
    const happened = `ferry.yaml marks the store "${inner.alias}" as \`readOnly\``;
    throw new FerryError('StoreReadOnly', happened, { context: { store: inner.alias, key } });
  };
  return {
    alias: inner.alias,
    limitations: [LIMITATION],
    /** Its own would write. */
    probe: async () => {
      for await (const _folder of inner.folders('')) break;
    },
    put: refuse,
    upload: refuse,
    resumeUpload: refuse,
    delete: refuse,
    uploads: (prefix) => inner.uploads(prefix),
    head: (key) => inner.head(key),
    read: (key, options) => inner.read(key, options),
    list: (prefix, options) => inner.list(prefix, options),
    folders: (prefix) => inner.folders(prefix),
    presignedUrl: (key, seconds) => inner.presignedUrl(key, seconds),
  };
}
