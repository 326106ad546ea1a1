import { expect, it } from 'vitest'
import { stepHash } from '../../src/app/step-hash.js'
import { postgres } from '../../src/backends/postgres/index.js'
import { describeEverywhere, refusal } from './project.js'

const A = 'aaaa00000001'
const FAILING = `CREATE TABLE one (
  id integer PRIMARY KEY,
  b integer
);
INSERT INTO nothing VALUES (1);
CREATE TABLE two (id integer PRIMARY KEY);
`
const MENDED = FAILING.replace('INTO nothing VALUES (1)', 'INTO one VALUES (1, 2)')

const file = (up: string): string =>
  `-- migrate:revision ${A}\n-- migrate:message halfway\n\n-- migrate:up transaction:false\n${up}` +
  '\n-- migrate:down\nDROP TABLE two;\nDROP TABLE one;\n'

describeEverywhere('a revision that stopped halfway', (project) => {
  const stopped = async (): Promise<void> => {
    project().file(`${A}.sql`, file(FAILING))
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
  }

  it.each([
    ['with other line ends', (text: string) => text.replaceAll('\n', '\r\n')],
    ['with a comment in what was run', (text: string) => text.replace('b integer', 'b integer -- second\n')],
    ['with other blanks', (text: string) => text.replace('  b integer\n', '    b   integer\n')],
  ])('goes on where it stopped in a file %s', async (_, change) => {
    await stopped()
    project().file(`${A}.sql`, change(file(MENDED)))
    expect((await project().migrator().status()).unfinished).toMatchObject([{ done: 1, statements: 3 }])
    await project().migrator().upgrade()
    expect(await project().migrator().status()).toMatchObject({ pending: [], unfinished: [] })
  })

  it('is refused where what was run says something else, with both shown', async () => {
    await stopped()
    project().file(`${A}.sql`, file(MENDED.replace('b integer', 'b bigint')).replaceAll('\n', '\r\n'))
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-UNFINISHED' })
    expect(error.details.filter((line) => /^[-+] /.test(line))).toEqual(['-  b integer', '+  b bigint'])
  })
})

it('a statement that reads otherwise apart from those before it has a hash, and its line ends do not count', () => {
  const hashes = ['\n', '\r\n'].map((end) => {
    const statements = postgres.parse(
      ['SET standard_conforming_strings = off;', "SELECT 'it\\'s',", '1;'].join(end),
    )
    return statements.map((statement) => stepHash({ kind: 'statement', statement }, postgres))
  })
  expect(hashes[0]).toHaveLength(2)
  expect(hashes[1]).toEqual(hashes[0])
})
