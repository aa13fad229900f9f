import type { Command as Program } from 'commander';
import { InvalidInput } from '../errors.ts';
import { examples } from './command.ts';
import { out } from './terminal.ts';

const shells = ['bash', 'zsh', 'fish'];

/** `twofold completion SHELL`: a script for the shell, made from the commands as they are declared. */
export function declareCompletion(program: Program): void {
  const command = program.command('completion <shell>').description('a completion script for bash, zsh or fish');
  examples(command, 'completion bash > /etc/bash_completion.d/twofold', 'completion fish | source').action(
    (shell: string) => {
      if (!shells.includes(shell)) throw new InvalidInput('shell', `there is completion for ${shells.join(', ')}`);
      return out(completionScript(program, shell));
    },
  );
}

/** What may follow each path of words: `users` → create, list, … and options. */
export function wordsAfter(program: Program): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const visit = (command: Program, path: string): void => {
    const options = command.options.map(({ long }) => long ?? '').filter(Boolean);
    found.set(path, [...command.commands.map((sub) => sub.name()), ...options, '--json', '--help']);
    for (const sub of command.commands) visit(sub, path === '' ? sub.name() : `${path} ${sub.name()}`);
  };
  visit(program, '');
  return new Map([...found].map(([path, words]) => [path, [...new Set(words)]]));
}

export function completionScript(program: Program, shell: string): string {
  const words = [...wordsAfter(program)];
  if (shell === 'fish') {
    const lines = words.flatMap(([path, next]) => {
      const [first, second] = path.split(' ');
      const subcommands = next.filter((word) => !word.startsWith('-'));
      const condition =
        path === ''
          ? '__fish_use_subcommand'
          : second === undefined
            ? `__fish_seen_subcommand_from ${first ?? ''}${subcommands.length > 0 ? `; and not __fish_seen_subcommand_from ${subcommands.join(' ')}` : ''}`
            : `__fish_seen_subcommand_from ${first ?? ''}; and __fish_seen_subcommand_from ${second}`;
      return next.map((word) =>
        word.startsWith('--')
          ? `complete -c twofold -n '${condition}' -l ${word.slice(2)}`
          : `complete -c twofold -f -n '${condition}' -a ${word}`,
      );
    });
    return lines.join('\n');
  }
  const cases = words.map(([path, next]) => `    '${path}') words='${next.join(' ')}' ;;`);
  const body = [
    '_twofold() {',
    "  local path='' words='' word",
    // Up to two words name a command; options and values do not.
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case $word in -*) ;; *) case " $known " in *" ${path:+$path }$word,"*) path="${path:+$path }$word" ;; esac ;; esac',
    '  done',
    '  case $path in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _twofold twofold',
  ];
  const known = words.map(([path]) => `${path},`).join(' ');
  const head = shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : [];
  return [...head, ...body.toSpliced(2, 0, `  local known='${known}'`)].join('\n');
}
