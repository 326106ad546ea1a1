import fc from 'fast-check'
import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, test } from 'vitest'
import { indexDefinition, postgresSubject, type PostgresSubject } from '../../src/sql/subjects-postgres.js'

beforeAll(loadModule)

type Node = Readonly<Record<string, unknown>>

/** The one statement that PostgreSQL's own parser reads; null when it refuses the text, or finds several. */
function parsed(text: string): Node | null {
  try {
    const { stmts = [] } = parseSync(text) as { stmts?: { stmt: Node }[] }
    return stmts.length === 1 ? (stmts[0]?.stmt ?? null) : null
  } catch {
    return null
  }
}

const pathOf = ({ catalogname, schemaname, relname }: Node): unknown[] =>
  [catalogname, schemaname, relname].filter((part) => part !== undefined)

/** What PostgreSQL itself makes of a statement, in the words of ours, names folded and cut; null for all other ones. */
function oracle(text: string): unknown {
  const stmt = parsed(text)
  if (stmt === null) return null
  const { IndexStmt: index, DropStmt: drop, ReindexStmt: reindex } = stmt as Record<string, Node | undefined>
  if (index?.['concurrent'] === true) {
    const table = pathOf(index['relation'] as Node)
    return table.length > 2 ? null : { change: 'appears', table, index: index['idxname'] ?? null }
  }
  if (drop?.['concurrent'] === true && drop['removeType'] === 'OBJECT_INDEX') {
    const lists = drop['objects'] as { List: { items: { String: { sval: string } }[] } }[]
    const [path = [], ...more] = lists.map(({ List }) => List.items.map((item) => item.String.sval))
    return more.length > 0 || path.length > 2 ? null : { change: 'vanishes', index: path }
  }
  if (reindex !== undefined) {
    const options = (reindex['params'] ?? []) as { DefElem: { defname: string; arg?: Node } }[]
    const given = options.filter(({ DefElem }) => DefElem.defname === 'concurrently').at(-1)?.DefElem
    const kind = String(reindex['kind']).replace('REINDEX_OBJECT_', '').toLowerCase()
    const off = /"(?:off|false|no)"/i.test(JSON.stringify(given?.arg ?? null))
    if (given === undefined || off || kind === 'system') return null
    if (kind === 'database') return { change: 'rebuilt', of: kind, name: null }
    const name = kind === 'schema' ? [reindex['name']] : pathOf(reindex['relation'] as Node)
    return name.length > 2 ? null : { change: 'rebuilt', of: kind, name }
  }
  const cmds = (stmt as Record<string, Node | undefined>)['AlterTableStmt']?.['cmds'] ?? []
  const [cmd] = cmds as { AlterTableCmd: { subtype: string; def?: { PartitionCmd?: Node } } }[]
  const detach =
    cmd?.AlterTableCmd.subtype === 'AT_DetachPartition' ? cmd.AlterTableCmd.def?.PartitionCmd : undefined
  if (detach?.['concurrent'] === true) {
    const table = pathOf((stmt['AlterTableStmt'] as Node)['relation'] as Node)
    const partition = pathOf(detach['name'] as Node)
    return table.length > 2 || partition.length > 2 ? null : { change: 'detached', table, partition }
  }
  return null
}

/** As the server reads it in a database of UTF-8. */
function folded(typed: string): string {
  const own = typed.startsWith('"')
    ? typed.slice(1, -1).replaceAll('""', '"')
    : typed.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  let cut = Buffer.from(own).subarray(0, 63)
  while (own.length > 0 && cut.length > 0 && !own.startsWith(cut.toString())) cut = cut.subarray(0, -1)
  return cut.toString()
}

function read(subject: PostgresSubject | null): unknown {
  if (subject === null) return null
  const parts = (path: readonly string[]): string[] => path.map(folded)
  switch (subject.change) {
    case 'appears':
      return {
        change: subject.change,
        table: parts(subject.table),
        index: subject.index === null ? null : folded(subject.index),
      }
    case 'vanishes':
      return { change: subject.change, index: parts(subject.index) }
    case 'detached':
      return {
        change: subject.change,
        table: parts(subject.table),
        partition: parts(subject.partition),
      }
    case 'rebuilt':
      return { ...subject, name: subject.name === null ? null : parts(subject.name) }
  }
}

const blank = fc.constantFrom(' ', '  ', '\n', '/* ; */ ', ' -- "x" on\n', '\t/* /* deep */ */\n')
const ident = fc.oneof(
  fc.constantFrom(
    'i',
    'T',
    'index_1',
    '_x$y',
    'Ä',
    'über',
    '名',
    'İ',
    'x'.repeat(70),
    'concurrently_',
    'only_',
  ),
  fc
    .string({ unit: 'binary', minLength: 1, maxLength: 12 })
    .filter((text) => !/\0|[\ud800-\udfff]/.test(text))
    .map((text) => `"${text.replaceAll('"', '""')}"`),
)
const path = fc
  .tuple(fc.array(ident, { minLength: 1, maxLength: 3 }), fc.constantFrom('.', ' . ', './* . */'))
  .map(([parts, dot]) => parts.join(dot))
const cased = (word: string): fc.Arbitrary<string> =>
  fc.constantFrom(word, word.toLowerCase(), word.charAt(0) + word.slice(1).toLowerCase())
const maybe = (one: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(''), one)

const statement = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(blank, ...parts).map(([between, ...words]) => words.filter((word) => word !== '').join(between))

const concurrently = maybe(cased('CONCURRENTLY'))
const made = statement(
  cased('CREATE'),
  maybe(cased('UNIQUE')),
  cased('INDEX'),
  concurrently,
  maybe(cased('IF NOT EXISTS')),
  maybe(ident),
  cased('ON'),
  maybe(cased('ONLY')),
  path,
  fc.constantFrom(
    '(a)',
    'USING gin (a, (b || $$ ON x $$)) WHERE "ON t" > 0',
    '(lower(a) text_pattern_ops DESC) INCLUDE (c)',
  ),
)
const dropped = statement(
  cased('DROP'),
  cased('INDEX'),
  concurrently,
  maybe(cased('IF EXISTS')),
  path,
  maybe(path.map((more) => `, ${more}`)),
  maybe(fc.constantFrom('CASCADE', 'restrict')),
)
const detached = statement(
  cased('ALTER'),
  cased('TABLE'),
  maybe(cased('IF EXISTS')),
  maybe(cased('ONLY')),
  path,
  cased('DETACH'),
  cased('PARTITION'),
  path,
  maybe(fc.oneof(cased('CONCURRENTLY'), cased('FINALIZE'))),
)
const rebuilt = statement(
  cased('REINDEX'),
  fc.constantFrom(
    '',
    '(VERBOSE)',
    '(CONCURRENTLY)',
    '(verbose off, concurrently true)',
    '(CONCURRENTLY off)',
  ),
  fc.oneof(...['INDEX', 'TABLE', 'SCHEMA', 'DATABASE', 'SYSTEM'].map(cased)),
  concurrently,
  maybe(path),
)

describe('what a statement of PostgreSQL changes outside of a transaction', () => {
  test('is what PostgreSQL’s own parser reads in it', () => {
    let known = 0
    fc.assert(
      fc.property(fc.oneof(made, dropped, rebuilt, detached), (text) => {
        fc.pre(!/u&"/i.test(text))
        const expected = parsed(text) === null ? undefined : oracle(text)
        if (expected === undefined) return
        if (expected !== null) known += 1
        expect(read(postgresSubject(text))).toEqual(expected)
      }),
      { numRuns: 800 },
    )
    expect(known).toBeGreaterThan(80)
  })

  test('is nothing wherever PostgreSQL reads another kind of statement', () => {
    const token = fc.constantFrom(
      ...'CREATE DROP INDEX UNIQUE CONCURRENTLY IF NOT EXISTS ON ONLY i "I" U&"x" s . t ( ) , $$ \'y\' -- /* ; REINDEX TABLE a'.split(
        ' ',
      ),
    )
    const tokens = fc.array(token).map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.oneof(fc.string(), tokens), (text) => {
        const subject = postgresSubject(text)
        const stmt = parsed(text)
        if (subject !== null && stmt !== null) expect(read(subject)).toEqual(oracle(text))
      }),
      { numRuns: 800 },
    )
  })

  test.each([
    'CREATE INDEX i ON t (a)',
    'CREATE INDEX CONCURRENTLY U&"d\\0061" ON t (a)',
    'CREATE INDEX CONCURRENTLY i ON db.s.t (a)',
    'DROP INDEX CONCURRENTLY i, j',
    'DROP INDEX i',
    'REINDEX INDEX i',
    'REINDEX (CONCURRENTLY FALSE) TABLE t',
  ])('is nothing that could be looked for: %s', (text) => {
    expect(postgresSubject(text)).toBeNull()
  })

  test('the definition of an index is cut off behind its table, and means the same on another one', () => {
    fc.assert(
      fc.property(made, (text) => {
        const index = parsed(text)?.['IndexStmt'] as Node | undefined
        const definition = indexDefinition(text)
        if (index === undefined || definition === null) return
        const again = parsed(`CREATE ${definition.unique ? 'UNIQUE ' : ''}INDEX ON other ${definition.rest}`)
        const bare = (node: unknown): unknown =>
          JSON.parse(
            JSON.stringify(node, (key, value: unknown) =>
              /^(?:location|relation|idxname|concurrent|if_not_exists)$/.test(key) ? undefined : value,
            ),
          )
        expect(bare(again?.['IndexStmt'])).toEqual(bare(index))
      }),
      { numRuns: 300 },
    )
  })
})
