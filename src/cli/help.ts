import type { CommandSpec } from './spec.js'

export const programHelp = {
  description:
    'Keeps a versioned graph of revisions for a database, and moves the database along it.\n' +
    'PostgreSQL, MySQL, MariaDB and SQLite.',
  after: `
A target is what upgrade, downgrade and their like ask to reach:
  head, heads, base      the newest revision, all of them, none
  3f2a, auth@head, v1.4  the beginning of an id, a branch's label, a tag
  +2, -1, 3f2a+1         steps from here, or from there

A first migration:
  migrate init --url sqlite:app.db
  migrate revision -m "create users"
  migrate upgrade head --plan
  migrate upgrade head
  migrate status

Exit codes: 0 done, 1 failed, 2 wrong use or unreadable files, 3 a check found something,
4 the lock was not obtained, 130 interrupted.
`,
}

/** What stands below a command's options. */
export function commandHelp(spec: CommandSpec): string {
  const width = Math.max(...spec.examples.map(([command]) => command.length))
  const examples = spec.examples.map(([command, meaning]) =>
    `  ${command.padEnd(width)}  # ${meaning}`.trimEnd(),
  )
  return `
Examples:
${examples.join('\n')}

The options of migrate --help (--url, --env, --json …) hold here too.
`
}
