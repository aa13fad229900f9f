import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchDebianPackages } from './debian-package.ts';

/** The interpreter with its library, what the systems before used, and the libraries of those. */
const packages = [
  'python3.11-minimal',
  'libpython3.11-minimal',
  'libpython3.11-stdlib',
  'libssl3',
  'libexpat1',
  'libffi8',
  'zlib1g',
  'python3-cffi-backend',
  'python3-bcrypt',
  'python3-cryptography',
  'python3-argon2',
  'libargon2-1',
];

/** Runs a file of Python with Debian's bcrypt, cryptography and argon2; answers what it wrote. */
export async function runDebianPython(file: string): Promise<string> {
  const root = await fetchDebianPackages('python', packages);
  if (root === null) throw new Error('no Python: Debian packages could not be fetched');
  const { stdout } = await promisify(execFile)(join(root, 'usr', 'bin', 'python3.11'), ['-s', '-B', file], {
    env: {
      PYTHONHOME: join(root, 'usr'),
      PYTHONPATH: join(root, 'usr', 'lib', 'python3', 'dist-packages'),
      LD_LIBRARY_PATH: join(root, 'usr', 'lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`),
    },
  });
  return stdout;
}
