import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Ends a server and removes its folder; answers when both are done. */
export type Stop = () => Promise<void>;

/**
 * Watches over a server process of the tests: when `stop` is called, and also when the process that started it dies by
 * any cause (SIGKILL included), the server gets `signal` and its folder is removed.
 *
 * The watch is a shell that reads a pipe of ours: the pipe's end is the one message a killed process still sends.
 */
export function guardServer(pid: number, signal: 'INT' | 'TERM', folder: string): Stop {
  const script = `cat >/dev/null; kill -CONT "$1" 2>/dev/null; kill -s "$2" "$1" 2>/dev/null
    n=0; while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
    kill -s KILL "$1" 2>/dev/null; rm -rf "$3"`;
  const guard = spawn('/bin/sh', ['-c', script, 'guard', String(pid), signal, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = once(guard, 'exit');
  guard.unref();
  return async () => {
    guard.ref();
    guard.stdin.end();
    await ended;
  };
}
