import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CliProject } from './project.js'

const SQL = `-- migrate:revision aaaa00000001
-- migrate:message users

-- migrate:up dialect:sqlite
CREATE TABLE users (id INTEGER PRIMARY KEY);

-- migrate:down dialect:sqlite
DROP TABLE users;

-- migrate:up
-- migrate:down
`
const mongo = (rest: string) => `// migrate:revision bbbb00000002
// migrate:parents aaaa00000001
// migrate:message catalogue

${rest}`

describe('a folder with revisions of several kinds of databases', () => {
  let project: CliProject
  beforeEach(() => {
    project = new CliProject({ '.migraterc': 'url: sqlite:app.db\n', 'migrations/a.sql': SQL })
  })
  afterEach(() => project.remove())

  it('runs of each revision what is meant for this one, and of the others nothing, without a word', () => {
    const sections =
      '// migrate:up dialect:mongodb\n{"create": "catalogue"}\n\n// migrate:down dialect:mongodb\n{"drop": "catalogue"}\n\n// migrate:up\n// migrate:down\n'
    project.write({ 'migrations/b.mongo': mongo(sections) })
    expect(project.run('upgrade')).toMatchObject({ code: 0, stderr: '' })
    expect(project.run('current').stdout).toContain('bbbb00000002')
    expect(project.run('downgrade', 'base', '--yes')).toMatchObject({ code: 0, stderr: '' })
  })

  it('refuses commands of another kind before anything runs, where a file does not say whom they are for', () => {
    project.write({
      'migrations/b.mongo': mongo('// migrate:up\n{"create": "catalogue"}\n\n// migrate:down\n'),
    })
    for (const more of [['--plan'], []]) {
      const { code, stderr } = project.run('upgrade', ...more)
      expect(code).toBe(2)
      expect(stderr).toContain('The file ends with .mongo, and this database is of sqlite.')
      expect(stderr).toContain('migrations/b.mongo:6:1')
      expect(stderr).toContain('"dialect:"')
    }
    expect(project.run('current').stdout).not.toContain('aaaa00000001')
  })

  it('says of a section that is empty and no other database has that it is', () => {
    project.write({
      'migrations/b.sql': SQL.replace('aaaa00000001', 'cccc00000003').replace(
        /-- migrate:up dialect[^]*/,
        '-- migrate:up\n-- migrate:down\n',
      ),
    })
    expect(project.run('upgrade', 'cccc00000003').stderr).toContain(
      'cccc00000003 has nothing in its up section',
    )
  })
})
