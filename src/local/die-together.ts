// Ends a child, and the children of that child, when this process ends for any reason, SIGKILL included.

import { spawn, type ChildProcess } from 'node:child_process';

// A shell holds the other end of a pipe. When this process ends, the pipe closes without a word and the shell kills
// the child's process group; told "done", it just leaves. (In these words: dash does not know `kill -9 --`.)
const WATCHER = `trap '' INT TERM HUP; read -r word || kill -s KILL -- "-$1" 2>/dev/null`;

/** For a child spawned `detached`, so that it leads a group of its own. Returns what lets it live on. */
export function dieTogether(pid: number, child: ChildProcess): () => void {
  const watcher = spawn('/bin/sh', ['-c', WATCHER, 'ferry-watcher', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.on('error', () => undefined);
  watcher.stdin.on('error', () => undefined);
  watcher.unref();
  (watcher.stdin as unknown as { unref?: () => void }).unref?.();
  const release = () => void watcher.stdin.end('done\n');
  // The pid of a child that ended may be somebody else's soon.
  child.once('exit', release);
  return release;
}
