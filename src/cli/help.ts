import { columns } from '../report/columns.js'
import type { Style } from '../report/view.js'
import type { CommandEntry, CommandSpec, OptionSpec } from './spec.js'

const TARGETS = [
  ['head, heads, base', 'the newest revision, all of them, none'],
  ['3f2a, auth@head, v1.4', "the beginning of an id, a branch's label, a tag"],
  ['+2, -1, 3f2a+1', 'steps from here, or from there'],
]

const FIRST = [
  'migrate init --url sqlite:app.db',
  'migrate revision -m "create users"',
  'migrate upgrade head --plan',
  'migrate upgrade head',
  'migrate status',
]

const EXIT_CODES = [
  ['0', 'done; nothing wanting'],
  ['1', 'failed: something was tried and went wrong'],
  ['2', 'wrong use, or a config or file that cannot be read'],
  ['3', 'a check found something'],
  ['4', 'the lock was not obtained in time'],
  ['130', 'interrupted'],
]

/** `migrate --help`: what to type first comes first. */
export function programHelp(
  commands: readonly CommandEntry[],
  options: readonly OptionSpec[],
  style: Style,
): string {
  const title = (words: string): string => style.bold(words)
  const groups = [...new Set(commands.map(({ group }) => group))]
  const rows = (group: string) =>
    commands.filter((entry) => entry.group === group).map(({ name, summary }) => [name.padEnd(9), summary])
  const lines = [
    `${title('Usage:')} migrate <command> [options]`,
    '',
    'Keeps a versioned graph of revisions for a database, and moves the database along it:',
    'PostgreSQL, MySQL, MariaDB, SQLite, MongoDB, Redis.',
    ...groups.flatMap((group) => ['', title(group), ...columns(rows(group), '  ')]),
    '',
    title('Targets, where a command wants one:'),
    ...columns(TARGETS, '  '),
    '',
    title('A first migration:'),
    ...FIRST.map((line) => `  ${line}`),
    '',
    title('Options, before or after the command:'),
    ...columns(
      [...options, { flags: '-V, --version', description: 'print the version' }].map((option) => [
        option.flags,
        option.description,
      ]),
      '  ',
    ),
    '',
    title('Exit codes:'),
    ...columns(EXIT_CODES, '  '),
    '',
    'migrate <command> --help explains a command, with examples.',
  ]
  return `${lines.join('\n')}\n`
}

/** What stands below a command's options. */
export function examplesHelp(spec: CommandSpec, style: Style): string {
  const rows = spec.examples.map(([command, meaning]) => [
    command,
    { text: `# ${meaning}`, paint: style.dim },
  ])
  return `
${style.bold('Examples:')}
${columns(rows, '  ').join('\n')}

The options of migrate --help (--url, --env, --json …) hold here too.`
}
