// Nodes whose disk gives other bytes than were written: one bit of each file that is downloaded, inside the first entry
// of the archive, so that only a hash tells.

import type { SnapshotNode, SnapshotNodes } from '../../src/backup/ports.js';

const BEHIND_THE_FIRST_HEADER = 520;

export function flipping(nodes: SnapshotNodes): SnapshotNodes & { flipped(): number } {
  let flipped = 0;
  const flip = async function* (body: AsyncIterable<Uint8Array>) {
    let at = 0;
    for await (const chunk of body) {
      const bytes = Buffer.from(chunk);
      const here = BEHIND_THE_FIRST_HEADER - at;
      if (here >= 0 && here < bytes.length) {
        bytes.writeUInt8(bytes.readUInt8(here) ^ 1, here);
        flipped += 1;
      }
      at += bytes.length;
      yield bytes;
    }
  };
  const downloadFrom =
    (node: SnapshotNode): SnapshotNode['download'] =>
    async (...args) => {
      const found = await node.download(...args);
      return found && { ...found, body: flip(found.body) };
    };
  const sick = (node: SnapshotNode): SnapshotNode =>
    new Proxy(node, {
      get: (it, name: keyof SnapshotNode) => {
        if (name === 'download') return downloadFrom(it);
        const member = it[name];
        return typeof member === 'function' ? member.bind(it) : member;
      },
    });
  return {
    only: nodes.only,
    holding: async (...args) => sick(await nodes.holding(...args)),
    flipped: () => flipped,
  };
}
