import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, occurrences, withoutComments } from '../support/source-tree.ts';

test('finds every form of import, with its line and whether types alone come through it', () => {
  const text = [
    "import { one } from '../crypto/random.ts';",
    "import type { Two } from './two.ts';",
    'import {',
    '  three,',
    "} from '@node-rs/argon2';",
    "export * from './four.ts';",
    "import 'side-effect/sub';",
    "const five = await import('./five.ts');",
    "import { createHash } from 'node:crypto';",
  ].join('\n');
  assert.deepEqual(importsOf('src/domain/example.ts', text), [
    { target: 'src/crypto/random.ts', line: 1, typesOnly: false },
    { target: 'src/domain/two.ts', line: 2, typesOnly: true },
    { target: '@node-rs/argon2', line: 5, typesOnly: false },
    { target: 'src/domain/four.ts', line: 6, typesOnly: false },
    { target: 'side-effect', line: 7, typesOnly: false },
    { target: 'src/domain/five.ts', line: 8, typesOnly: false },
    { target: 'node:crypto', line: 9, typesOnly: false },
  ]);
});

test('finds words in code and not in comments, and keeps the lines', () => {
  const text = '/* new Date()\n */ new Date(); // new Date()\nconst url = "https://example.com";';
  assert.deepEqual(occurrences('a.ts', withoutComments(text), /new Date\(\)|https:\/\/example/g), [
    'a.ts:2 has "new Date()"',
    'a.ts:3 has "https://example"',
  ]);
});
