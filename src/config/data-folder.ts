import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeFileSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { SetupFault } from '../errors.ts';

export interface DataFolder {
  /** Where the embedded database lies. */
  readonly databaseFolder: string;
  readonly encryptionKeys: readonly { readonly id: string; readonly key: Buffer }[];
  readonly cookieKeys: readonly string[];
  /** The sample relying party's secret. */
  readonly sampleSecret: string;
  release(): void;
}

/** What `keys.json` holds; the keys' bytes in base64. */
export interface KeyFile {
  readonly encryption: readonly { readonly id: string; readonly key: string }[];
  readonly cookies: readonly string[];
  readonly sample: string;
}

/**
 * Takes the data folder for this process and reads or makes its keys (mode 0600). The embedded database has no lock of
 * its own and loses writes when two processes use it, so the second is refused.
 */
export function openDataFolder(folder: string): DataFolder {
  const release = takeDataFolder(folder);
  try {
    const keys = readKeys(join(folder, 'keys.json'));
    return {
      databaseFolder: join(folder, 'database'),
      encryptionKeys: keys.encryption.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') })),
      cookieKeys: keys.cookies,
      sampleSecret: keys.sample,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Takes the folder for this process, made where there is none, and answers how to let it go. */
export function takeDataFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  return lock(join(folder, 'lock'));
}

/** Puts keys of elsewhere into a folder that has none; what is missing among them is made. */
export function writeDataFolderKeys(folder: string, given: Partial<KeyFile>): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'keys.json'), `${JSON.stringify({ ...newKeys(), ...given }, null, 2)}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
}

function newKeys(): KeyFile {
  return {
    encryption: [{ id: 'k1', key: randomBytes(32).toString('base64') }],
    cookies: [randomBytes(32).toString('base64url')],
    sample: randomBytes(32).toString('base64url'),
  };
}

function readKeys(path: string): KeyFile {
  try {
    const made = newKeys();
    writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new SetupFault('keys_readable', `${path} can be read by others: run chmod 600 ${path}`);
  }
  return JSON.parse(readFileSync(path, 'utf8')) as KeyFile;
}

function lock(path: string): () => void {
  for (let tried = 0; tried < 2; tried += 1) {
    try {
      const file = openSync(path, 'wx', 0o600);
      writeFileSync(file, String(process.pid));
      closeSync(file);
      return () => {
        try {
          unlinkSync(path);
        } catch {
          // It is gone already; nothing holds the folder.
        }
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(path, 'utf8'));
      if (isTwofold(holder)) {
        throw new SetupFault(
          'data_folder_in_use',
          `the data folder is in use by process ${holder}; one process owns it`,
        );
      }
      // Left behind by a process that was killed.
      unlinkSync(path);
    }
  }
  throw new SetupFault('data_folder_in_use', 'the data folder is being taken by another process');
}

/** Whether the process lives and is a Node process: after a restart of the machine its number may be anyone's. */
function isTwofold(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node');
  } catch {
    return true;
  }
}
