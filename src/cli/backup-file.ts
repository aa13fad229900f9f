import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { BackupHeader } from '../compose/load-backup.ts';
import { InvalidInput, SetupFault } from '../errors.ts';

/** The first line of a backup is `["twofold-backup", 1, { … }]`. */
const product = 'twofold-backup';
const format = 1;

/** The text of a header; every line but the last goes into the checksum of the last. */
export function headerLine(header: BackupHeader): string {
  return JSON.stringify([product, format, header]);
}

/** Numbers and sums up lines, for the last line: a file that was cut or changed is told by it. */
export function createSum(): { add(line: string): void; lastLine(): string } {
  const hash = createHash('sha256');
  let lines = 0;
  return {
    add(line) {
      hash.update(line).update('\n');
      lines += 1;
    },
    lastLine: () => JSON.stringify(['end', lines, hash.digest('base64url')]),
  };
}

export interface BackupWriter {
  write(line: string): Promise<void>;
  /** Puts the file in its place, or takes it away where its last line never came. Answers whether it is there. */
  finish(): Promise<boolean>;
}

/** Writes a backup beside `path` (gzip, mode 0600) and gives it its name when it is whole and on the disk. */
export async function writeBackup(path: string): Promise<BackupWriter> {
  const beside = `${path}.${process.pid}.part`;
  const handle = await open(beside, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new InvalidInput('file', `${path} cannot be written: ${error.code ?? 'unknown'}`);
  });
  const gzip = createGzip();
  const written = pipeline(gzip, async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) await handle.writeFile(chunk);
  });
  written.catch(() => undefined);
  let last = '';
  return {
    async write(line) {
      last = line;
      if (gzip.destroyed) await written;
      if (!gzip.write(`${line}\n`)) await Promise.race([new Promise((done) => gzip.once('drain', done)), written]);
    },
    async finish() {
      try {
        gzip.end();
        await written;
        await handle.sync();
        if (!last.startsWith('["end",')) return false;
        await rename(beside, path);
        return true;
      } finally {
        await handle.close().catch(() => undefined);
        await rm(beside, { force: true });
      }
    },
  };
}

/** Reads a backup through once and answers its header. Throws for what is no backup, or not a whole one. */
export async function checkBackup(path: string): Promise<BackupHeader> {
  let header: BackupHeader | undefined;
  let last: string | undefined;
  const sum = createSum();
  for await (const line of linesOf(path)) {
    header ??= readHeader(path, line);
    if (last !== undefined) sum.add(last);
    last = line;
  }
  if (header === undefined || last !== sum.lastLine()) {
    throw damaged(path);
  }
  return header;
}

/** The lines between the first and the last. */
export async function* bodyOf(path: string): AsyncGenerator<string, void, void> {
  let number = 0;
  for await (const line of linesOf(path)) {
    number += 1;
    if (number > 1 && !line.startsWith('["end",')) yield line;
  }
}

function readHeader(path: string, line: string): BackupHeader {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    read = undefined;
  }
  const [name, number, header] = Array.isArray(read) ? (read as unknown[]) : [];
  if (name !== product) throw new SetupFault('backup_unknown', `${path} is no backup made by twofold backup`);
  if (number !== format) throw new SetupFault('backup_newer', `${path} was made by a newer version`);
  return header as BackupHeader;
}

/** Divided here and not by readline, which takes characters inside a text (U+2028) for the end of a line. */
async function* linesOf(path: string): AsyncGenerator<string, void, void> {
  const file = createReadStream(path);
  const gunzip = createGunzip().setEncoding('utf8');
  file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  let rest = '';
  try {
    for await (const chunk of gunzip) {
      const parts = `${rest}${chunk as string}`.split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
    if (rest !== '') yield rest;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code.startsWith('Z_')) throw damaged(path);
    if (/^E[A-Z]+$/.test(code)) throw new InvalidInput('file', `${path} cannot be read: ${code}`);
    throw error;
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}

function damaged(path: string): SetupFault {
  return new SetupFault('backup_damaged', `${path} is not whole: it was cut or changed, and nothing was restored`);
}
