import { describe, expect, it } from 'vitest'
import { loadOnly, refusal } from './support.js'

const file = (body: string, name = 'change(op)'): Record<string, string> => ({
  'a.ts': `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: 'a',
  ${name} {
    ${body}
  },
})
`,
})

const names = (parts: readonly { kind: string; text?: string; name?: string }[] | undefined) =>
  parts?.map(({ kind, text, name }) => `${kind} ${text ?? name ?? ''}`)

describe('a change', () => {
  it('is undone by the reverses of what it does, the last first', async () => {
    const { up, down } = await loadOnly(
      file(`op.sql\`CREATE TABLE a (x int)\`.reverse\`DROP TABLE a\`
    op.sql('INSERT INTO a VALUES (1)').reverse('')
    op.run('fill', async () => undefined, { down: async () => undefined })
    op.run('count', () => undefined, { down: 'nothing' })
    op.sql\`CREATE INDEX \${op.raw('i')} ON a (x)\`.reverse(\`DROP INDEX \${'i'}\`)`),
    )
    expect(up.text).toBe(
      'CREATE TABLE a (x int);\n\nINSERT INTO a VALUES (1);\n\n-- code: fill\n\n-- code: count\n\nCREATE INDEX i ON a (x);\n',
    )
    expect(down?.text).toBe('DROP INDEX i;\n\n-- code: fill\n\nDROP TABLE a;\n')
    expect(names(down?.parts)).toEqual(['text DROP INDEX i', 'code fill', 'text DROP TABLE a'])
    expect(down?.codeSteps).toEqual(['fill'])
    expect(down?.parts.at(-1)?.origin).toMatchObject({ file: 'migrations/a.ts', line: 5 })
  })

  it.each([
    ['op.sql`SELECT 1`', 'op.sql does not say what undoes it'],
    ["op.run('fill  in', () => 1)", "op.run('fill in') does not say what undoes it"],
    ["op.mongo.index('users').drop('email_1')", "op.mongo.index('users').drop names an index"],
    [
      "op.mongo.insertMany('users', [{ _id: 1 }, {}])",
      "op.mongo.insertMany('users') inserts documents without an _id",
    ],
  ])('that cannot be undone is an error when it is loaded, at the operation: %s', async (body, words) => {
    const told = await refusal(() => loadOnly(file(body), 'mongodb'))
    expect(told).toMatch(/^MIG-FILE-SHAPE migrations\/a.ts:5:/)
    expect(told).toContain(`The down of revision a cannot be derived: ${words}`)
  })

  it('stands in place of up and down, not beside them', async () => {
    const files = {
      'a.js':
        "const { defineRevision } = require('revgraph')\nmodule.exports = defineRevision({ id: 'a', down: '', change() {} })\n",
    }
    expect(await refusal(() => loadOnly(files))).toContain(
      '"change" stands for up and down, and "down" is there too',
    )
  })

  it('is the one place where an operation says what undoes it', async () => {
    const told = await refusal(() => loadOnly(file('op.sql`a`.reverse`b`', 'up(op)')))
    expect(told).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/a.ts:5:5
      op.sql is told how it is undone, but up() of revision a is not: only change() derives its down.
      Write change(op) in place of up and down, or put what undoes it into down(op)."
    `)
    const step = await refusal(() => loadOnly(file("op.run('x', () => 1, { down: 'nothing' })", 'up(op)')))
    expect(step).toContain("op.run('x') is told how it is undone, but up() of revision a is not")
  })
})

describe("a backend's own operations", () => {
  it('are text as the backend takes it, with what undoes it', async () => {
    const { up, down } = await loadOnly(
      file("op.mongo.index('users').create({ email: 1 }, { unique: true })"),
      'mongodb',
    )
    expect(up.text).toBe(
      '{"createIndexes":"users","indexes":[{"key":{"email":1},"name":"email_1","unique":true}]};\n',
    )
    expect(down?.text).toBe('{"dropIndexes":"users","index":"email_1"};\n')
  })

  it('are refused on another database, and with arguments that make no command', async () => {
    const create = file("op.mongo.createCollection('users')", 'up(op)')
    expect(await refusal(() => loadOnly(create, 'postgres'))).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/a.ts:5:5
      op.mongo.createCollection('users') is for mongodb, and this database is postgres.
      Ask first: if (op.dialect === 'mongodb') { ... }"
    `)
    const wrong = file("op.mongo.index('users').create({ email: 2 as 1 })", 'up(op)')
    expect(await refusal(() => loadOnly(wrong, 'mongodb'))).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/a.ts:5:5
      op.mongo.index('users').create makes no index: "email" is neither 1 nor -1 nor one of text, hashed, 2d, 2dsphere.
      Write for example: op.mongo.index('users').create({ email: 1 }, { unique: true })"
    `)
  })
})
