import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { projectFolder } from '../support/paths.ts';
import { freePort } from '../support/servers/free-port.ts';

/** A block of commands in a document, in the words of the document. */
interface Block {
  readonly path: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** What it needs beside Node and the repository, from the comment before it. */
  readonly needs: string | undefined;
}

const marks = ['docker', 'kubernetes', 'jvm', 'root', 'servers'];
const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...globSync('docs/**/*.md', { cwd: projectFolder })];
const blocks = documents.sort().flatMap(blocksOf);
const runnable = blocks.filter(({ needs }) => needs === undefined);

function blocksOf(path: string): Block[] {
  const text = readFileSync(join(projectFolder, path), 'utf8');
  return [...text.matchAll(/(?:<!-- ([a-z]+) -->\s+)?^```([a-z]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    path,
    line: text.slice(0, match.index).split('\n').length,
    needs: match[1],
    language: match[2] ?? '',
    text: match[3] ?? '',
  }));
}

/** The commands of a block: comments apart, and a line that ends in a backslash goes on. */
function commandsOf({ text }: Block): string[] {
  const lines = text.replaceAll(/\\\n\s*/g, '').split('\n');
  return lines.map((line) => line.replace(/(^|\s)#.*$/, '').trim()).filter((line) => line !== '');
}

/** What the suite and `.ci/run` are themselves, or journeys run: running them here would have no end. */
const runElsewhere =
  /^(npm ci|npm test|npm run (test:all|test:file|check|bench|format|gallery|site)|bash \.ci\/run|\.ci\/run|\S+ npx node examples\/\S+)\b/;

const isOfItsOwn = (command: string): boolean => runElsewhere.test(command) || /\bnpm start$/.test(command);

describe('the commands of the documents', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-documents-'));
  let service: ChildProcess | undefined;
  let environment: NodeJS.ProcessEnv = {};

  before(async () => {
    const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: projectFolder });
    for (const file of stdout.split('\0').filter((name) => name !== '' && existsSync(join(projectFolder, name)))) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(projectFolder, file), join(folder, file));
    }
    symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'));
    environment = await environmentFor('data');
    service = start('npm start', environment).child;
    await answers(`http://localhost:${environment['PORT']}/readyz`, service);
  });

  after(async () => {
    if (service !== undefined) await stop(service);
    rmSync(folder, { recursive: true, force: true });
  });

  async function environmentFor(data: string): Promise<NodeJS.ProcessEnv> {
    const [port, samplePort] = [await freePort(), await freePort()];
    return {
      ...process.env,
      PORT: String(port),
      ISSUER: `http://localhost:${port}`,
      TWOFOLD_SAMPLE_PORT: String(samplePort),
      TWOFOLD_DATA_DIR: join(folder, data),
      // Cheap hashes: what is shown here is that the commands work.
      TWOFOLD_HASH_MEMORY_KIB: '8192',
    };
  }

  function start(command: string, env: NodeJS.ProcessEnv): { child: ChildProcess; said: () => string } {
    // A group of its own: npm does not pass every signal on.
    const child = spawn('sh', ['-c', command], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return { child, said: () => said };
  }

  for (const path of new Set(runnable.map((block) => block.path))) {
    const own = runnable.filter((block) => block.path === path);
    if (!own.some(({ language }) => language === 'sh')) continue;
    test(`${path}: every command that needs only Node and the repository works as it stands`, async () => {
      for (const block of own) {
        const name = /^# ([\w.-]+\.(?:ya?ml|json|ndjson|csv|env))\n/.exec(block.text)?.[1];
        if (name !== undefined) writeFileSync(join(folder, name), block.text);
        if (block.language !== 'sh') continue;
        // As a person would paste it: whole, so that a text may go over several lines.
        if (commandsOf(block).some(isOfItsOwn)) for (const command of commandsOf(block)) await run(block, command);
        else await run(block, block.text);
      }
    });
  }

  async function run(block: Block, command: string): Promise<void> {
    if (runElsewhere.test(command) && !command.includes('&& npm start')) return;
    const place = `${block.path}:${block.line}: ${command}`;
    if (/\bnpm start$/.test(command)) return startAndStop(command.replace(/^npm ci && /, ''), place);
    const running = promisify(execFile)('sh', ['-e', '-c', command], { cwd: folder, env: environment });
    running.child.stdin?.end();
    await running.catch((error: { stdout?: string; stderr?: string }) =>
      assert.fail(`${place}\n${error.stdout}${error.stderr}`),
    );
  }

  async function startAndStop(command: string, place: string): Promise<void> {
    const env = await environmentFor(`data-${place.replaceAll(/\W+/g, '-').slice(0, 60)}`);
    const { child, said } = start(command, env);
    await answers(`http://127.0.0.1:${env['PORT']}/healthz`, child).catch(() => assert.fail(`${place}\n${said()}`));
    await stop(child);
  }
});

test('what the suite cannot run is marked with what it needs, and the files it names are there', () => {
  for (const { path, line, needs, text, language } of blocks) {
    if (needs === undefined) continue;
    assert.ok(marks.includes(needs), `${path}:${line}: <!-- ${needs} --> is none of ${marks.join(', ')}`);
    if (language !== 'sh') continue;
    for (const [, named = ''] of text.matchAll(
      /(?<![\w/.$-])((?:deploy|helm|config|examples|docs|bin|test)\/[\w./-]+)/g,
    )) {
      assert.ok(existsSync(join(projectFolder, named)), `${path}:${line} names ${named}`);
    }
  }
});

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    assert.equal(child.exitCode, null, `ended before ${url} answered`);
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  process.kill(-(child.pid ?? 0), 'SIGTERM');
  await ended;
}
