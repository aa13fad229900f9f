import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgePassword } from '../../src/domain/password-policy.ts';
import { loadCommonPasswords } from '../../src/users/common-passwords.ts';

const isCommon = loadCommonPasswords();
const judge = (password: string, withSecondFactor = true): string =>
  judgePassword(password, { withSecondFactor, isCommon, contextWords: ['Twofold', 'ada', 'ada@example.com'] }).kind;

test('H04 eight characters with a second factor, fifteen without, 256 at most, counted as people count them', () => {
  assert.equal(judge('v8#kzqm'), 'too-short');
  assert.equal(judge('v8#kzqmt'), 'good');
  assert.equal(judge('v8#kzqmt', false), 'too-short');
  assert.equal(judge('v8#kzqmt-v8#kzqm', false), 'good');
  assert.equal(judge('a\u0308xz '.repeat(64)), 'good');
  assert.equal(judge(`${'xq'.repeat(128)}!`), 'too-long');
  // Seven signs of two code units each are seven characters.
  assert.equal(judge('🌳🌵🌴🌿🍀🍁🍂'), 'too-short');
  assert.equal(judge('🌳🌵🌴🌿🍀🍁🍂🍃'), 'good');
});

test('no composition is asked for: words, spaces and signs of any script will do', () => {
  for (const password of ['only small letters here', '73019482650174', 'ключ от старого сарая', 'مفتاح البيت القديم']) {
    assert.equal(judge(password), 'good', password);
  }
});

test('the hundred thousand most common ones are refused, whatever their case', () => {
  for (const password of ['password1', 'PassWord1', 'qwertyuiop', '1q2w3e4r5t', 'richard15', 'crossroad']) {
    assert.equal(judge(password), 'common', password);
  }
});

test('words of the place and of the person are refused, with signs around them', () => {
  for (const password of ['twofold1', 'TwofoldTwofold', '!!twofold!!2026', 'ada@example.com']) {
    assert.equal(judge(password), 'common', password);
  }
});
