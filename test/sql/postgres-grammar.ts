import fc from 'fast-check'

/** Pieces of valid PostgreSQL, as nasty as they may be, and scripts made of them. */

const inQuotes = fc
  .array(
    fc.constantFrom('a', ';', '--', '/*', '*/', '$$', '$a$', '"', '\\', '\n', 'é', '🦊', ' END ', "''"),
    {
      maxLength: 6,
    },
  )
  .map((pieces) => pieces.join(''))

const plainString = inQuotes.map((inside) => `'${inside}'`)
const escapeString = fc
  .array(fc.constantFrom('a', ';', '--', '/*', "\\'", '\\\\', "''", '\\n', '\n', '$$', '"', 'é'), {
    maxLength: 6,
  })
  .map((pieces) => `E'${pieces.join('')}'`)
const dollarString = fc
  .tuple(
    fc.constantFrom('', 'a', 'body', '_1', 'é'),
    fc.array(fc.constantFrom("'", '"', ';', '--', '/*', ' $x$ ', ' $1 ', '\n', 'END', 'é', '\\', ' '), {
      maxLength: 8,
    }),
  )
  .map(([tag, pieces]) => `$${tag}$${pieces.join('')}$${tag}$`)
  .filter(
    (text) =>
      text.indexOf(text.slice(0, text.indexOf('$', 1) + 1), 1) + text.indexOf('$', 1) + 1 === text.length,
  )
const continued = fc
  .tuple(escapeString, fc.constantFrom('\n', ' \r\n\t', '\n\n  '), inQuotes)
  .map(([first, gap, second]) => `${first}${gap}'${second.replaceAll('\\', '\\\\')}'`)
const string = fc.oneof(plainString, escapeString, dollarString, continued)

const quotedName = fc
  .array(fc.constantFrom('a', ';', '--', '/*', "'", '""', '$$', '\\', 'é', ' '), {
    minLength: 1,
    maxLength: 5,
  })
  .map((pieces) => `"${pieces.join('')}"`)
const name = fc.oneof(fc.constantFrom('a', 't$1', 'é', 'begin_x', '_$', 'atomic', 'Tab'), quotedName)

const comment = fc.oneof(
  fc.constantFrom('-- c;\n', "-- it's\r\n", '--\n', '--- $$ /*\n', '-- " \r'),
  fc.constantFrom('/* c; */', "/* it's */", '/**/', '/* /* ; */ */', '/*/**/*/', '/* $$ " -- */', '/***/'),
)
const gap = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(' ', '\n', '\t', '\r\n') },
      { weight: 1, arbitrary: comment },
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((pieces) => ` ${pieces.join('')} `)

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'expression' },
    string,
    name,
    fc.constantFrom('1', '.5', '1e3', '$1', 'NULL', "B'01'", "U&'\\0061'", '5--1;\n-1', '2*/*;*/3'),
    fc.tuple(tie('expression'), gap, tie('expression')).map(([a, g, b]) => `(${a}${g}||${b})`),
    fc
      .tuple(tie('expression'), tie('expression'), gap)
      .map(([a, b, g]) => `CASE${g}WHEN ${a} IS NULL THEN ${b} ELSE 1${g}END`),
    tie('expression').map((inner) => `(SELECT ${inner})`),
    tie('expression').map((inner) => `coalesce(${inner}, NULL)`),
  ),
}))

const select = fc
  .tuple(gap, fc.array(expression, { minLength: 1, maxLength: 3 }), name)
  .map(([g, list, table]) => `SELECT${g}${list.join(', ')}${g}FROM ${table}`)

const simple = fc.oneof(
  select,
  fc.tuple(name, select, select).map(([cte, inner, outer]) => `WITH ${cte} AS (${inner}) ${outer}`),
  fc.tuple(name, expression).map(([table, value]) => `INSERT INTO ${table} VALUES (${value})`),
  fc
    .tuple(name, name, expression)
    .map(([table, column, value]) => `UPDATE ${table} SET ${column} = ${value}`),
  fc.tuple(name, expression).map(([table, value]) => `DELETE FROM ${table} WHERE ${value} IS NULL`),
)

const statement = fc.oneof(
  { weight: 4, arbitrary: simple },
  fc
    .tuple(name, name, expression)
    .map(([table, column, value]) => `CREATE TABLE ${table} (${column} text DEFAULT ${value})`),
  fc.tuple(name, string).map(([table, text]) => `COMMENT ON TABLE ${table} IS ${text}`),
  dollarString.map((body) => `DO ${body}`),
  fc
    .tuple(name, string)
    .map(([called, body]) => `CREATE FUNCTION ${called}() RETURNS int LANGUAGE sql AS ${body}`),
  fc
    .tuple(
      name,
      gap,
      fc.array(simple, { maxLength: 3 }),
      fc.constantFrom('FUNCTION', 'PROCEDURE', 'function'),
    )
    .map(
      ([called, g, body, kind]) =>
        `CREATE OR REPLACE ${kind} ${called}(a int) ${/^f/i.test(kind) ? 'RETURNS int ' : ''}BEGIN${g}ATOMIC${g}${body.map((inner) => `${inner};${g}`).join('')}END`,
    ),
  fc
    .tuple(name, name, gap, fc.array(simple, { minLength: 1, maxLength: 3 }))
    .map(
      ([rule, table, g, body]) =>
        `CREATE RULE ${rule} AS ON INSERT TO ${table} DO ALSO (${body.join(`${g};`)})`,
    ),
  fc.constantFrom(
    'BEGIN',
    'COMMIT',
    'END',
    'ROLLBACK',
    'VACUUM',
    'begin transaction',
    'SET a = b',
    'LISTEN x',
  ),
)

/** A script and the number of its statements. */
export const postgresScript = fc
  .tuple(
    fc.array(fc.tuple(statement, gap, fc.constantFrom('', ';', ' ;; '), fc.constantFrom('', '\n', ' ')), {
      minLength: 1,
      maxLength: 6,
    }),
    fc.oneof(gap, fc.constant('')),
    fc.boolean(),
  )
  .map(([list, before, close]) => ({
    count: list.length,
    text:
      before +
      list
        .map(([text, after, extra, line], index) => {
          const last = index === list.length - 1
          return last && !close ? `${text}${after}` : `${text}${after};${extra}${line}${after}`
        })
        .join(''),
  }))
