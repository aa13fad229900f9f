import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../lock.ts';
import { cacheFolder } from '../paths.ts';

const run = promisify(execFile);

/**
 * Fetches Debian packages and unpacks them into one folder under `.cache`, without root and without installing
 * anything: apt works on lists and archives of its own there. Answers the folder (the packages' `/`), or `null` where
 * this is no Debian-like system with a reachable mirror. What was fetched once is kept.
 */
export async function fetchDebianPackages(name: string, packages: string[]): Promise<string | null> {
  return withLock(`debian-${name}`, async () => {
    const target = join(cacheFolder('debian'), name);
    if (existsSync(target)) return target;
    const unpacked = `${target}.partial`;
    rmSync(unpacked, { recursive: true, force: true });
    mkdirSync(unpacked, { recursive: true });
    try {
      const archives = await download(packages);
      for (const archive of archives) await run('dpkg-deb', ['-x', archive, unpacked]);
    } catch {
      rmSync(unpacked, { recursive: true, force: true });
      return null;
    }
    renameSync(unpacked, target);
    return target;
  });
}

async function download(packages: string[]): Promise<string[]> {
  const apt = cacheFolder('apt');
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'download']) {
    mkdirSync(join(apt, folder), { recursive: true });
  }
  writeFileSync(join(apt, 'status'), '');
  const download = join(apt, 'download');
  for (const file of readdirSync(download)) rmSync(join(download, file));
  const options = [
    ['Dir::State', join(apt, 'state')],
    ['Dir::State::status', join(apt, 'status')],
    ['Dir::Cache', join(apt, 'cache')],
    ['APT::Sandbox::User', ''],
    ['Debug::NoLocking', 'true'],
    ['Acquire::Retries', '2'],
    ['Acquire::http::Timeout', '20'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const settings = { cwd: download, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  await run('apt-get', [...options, '-q', 'update'], settings);
  const wanted = [...packages, ...(await librariesOf(packages, options))];
  await run('apt-get', [...options, '-q', 'download', ...new Set(wanted)], settings);
  return readdirSync(download).map((file) => join(download, file));
}

/** The shared libraries that packages name as direct dependencies; the C library is the system's own in any case. */
async function librariesOf(packages: string[], options: string[]): Promise<string[]> {
  const { stdout } = await run('apt-cache', [...options, 'depends', ...packages]);
  const names = [...stdout.matchAll(/^\s*\|?Depends: (\S+)$/gm)].map((match) => match[1] ?? '');
  return names.filter((name) => /^(lib|lua-)/.test(name) && !name.startsWith('libc6'));
}
