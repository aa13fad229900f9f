import type { KeyStatus } from '../operations/encryption-keys.ts';
import { Conflict } from '../errors.ts';
import { commandLine, examples, print, type Command, type CommandGroup, type CommandOptions } from './command.ts';

const status: Command = async ({ encryptionKeys }, options, io) => {
  for (const key of await encryptionKeys.status()) {
    const { id, inRing, seals, rows, auditSeals, removableInSeconds } = key;
    const shown = {
      id,
      in_ring: inRing,
      seals,
      rows,
      audit_seals: auditSeals,
      removable: removableInSeconds === 0,
      removable_in_seconds: removableInSeconds,
    };
    print(io, options, shown, [`${id.padEnd(20)} ${inWords(key)}`]);
  }
};

function inWords({ inRing, seals, rows, removableInSeconds }: KeyStatus): string {
  const tables = Object.entries(rows);
  const total = tables.reduce((sum, [, count]) => sum + count, 0);
  const held =
    total === 0 ? 'seals nothing' : `${total} rows (${tables.map(([name, n]) => `${name} ${n}`).join(', ')})`;
  if (seals) return `in use: ${held}`;
  if (!inRing) return total === 0 ? 'gone' : `MISSING: ${held}`;
  if (removableInSeconds === 0) return 'may be taken from the ring';
  if (removableInSeconds !== null) {
    return `${held}; may be taken from the ring in ${Math.ceil(removableInSeconds / 60)} minutes`;
  }
  return `opens only: ${held}`;
}

const rotate: Command = async ({ encryptionKeys }, options, io) => {
  await encryptionKeys.sealWithFirst();
  const { actor, context } = commandLine;
  const reseal = () => encryptionKeys.reseal({ actor, context, onProgress: (line) => io.progress(line) });
  const outcome = await reseal();
  if (outcome.kind === 'elsewhere') throw new Conflict('rotation_elsewhere', 'a replica is at it just now');
  const { key, resealed, unreadable } = outcome;
  // The second pass shows that nothing is left.
  if (resealed > 0) await reseal();
  print(io, options, { key, resealed, unreadable }, [
    `${resealed} rows were sealed anew; all are under '${key}'${unreadable > 0 ? `, but ${unreadable} that no key opens` : ''}.`,
  ]);
  if (unreadable > 0) throw new Conflict('secret_unreadable', `${unreadable} rows open with no key of the ring`);
};

/** The keys under which secrets are stored. */
export const secretsGroup: CommandGroup = {
  commands: { 'secrets status': status, 'secrets rotate': rotate },
  declare(program, run) {
    const group = program.command('secrets').description('encryption keys for what is stored');
    examples(group.command('status'), 'secrets status', '--json secrets status')
      .description('what each key of the ring still holds, and which may be taken away')
      .action((options: CommandOptions) => run('secrets status', options));
    examples(group.command('rotate'), 'secrets rotate')
      .description('seal everything anew under the first key of ENCRYPTION_KEYS, now; every replica must have it')
      .action((options: CommandOptions) => run('secrets rotate', options));
  },
};
