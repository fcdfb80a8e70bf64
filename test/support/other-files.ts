// Nodes on which a file is not what it was made as: its disk gives other bytes than were written, or somebody else made
// another one in the same second, which Qdrant gives the same name.

import type { SnapshotNode, SnapshotNodes } from '../../src/cluster/snapshots-port.js';
import { withInstead } from './instead.js';

const BEHIND_THE_FIRST_HEADER = 520;

/** One bit of each file that is downloaded, inside the first entry of the archive, so that only a hash tells. */
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
  const changed = changing(nodes, (node) => ({
    download: async (...args) => {
      const found = await node.download(...args);
      return found && { ...found, body: flip(found.body) };
    },
  }));
  return { ...changed, flipped: () => flipped };
}

/** Whatever is made there, another one of its second follows at once. */
export function overwriting(nodes: SnapshotNodes): SnapshotNodes {
  return changing(nodes, (node) => ({
    create: async (...args) => {
      for (;;) {
        const [first, second] = [await node.create(...args), await node.create(...args)];
        if (first.name === second.name && first.sha256 !== second.sha256) return first;
        const [source, signal] = args;
        for (const name of new Set([first.name, second.name])) await node.remove(source, name, signal);
      }
    },
  }));
}

function changing(
  nodes: SnapshotNodes,
  change: (node: SnapshotNode) => Partial<SnapshotNode>,
): SnapshotNodes {
  const holding: SnapshotNodes['holding'] = async (...args) => {
    const node = await nodes.holding(...args);
    return withInstead(node, change(node));
  };
  return { only: nodes.only, holding };
}
