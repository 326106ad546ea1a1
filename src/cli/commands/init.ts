import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details: 'What is there already is never replaced. A URL with a password in it is left to the environment.',
  examples: [
    ['migrate init --url sqlite:app.db', 'begin with a file'],
    ['migrate init', 'the database comes from the variable DATABASE_URL'],
    ['migrate init --dir db/revisions', 'another folder'],
  ],
  async run(context, input) {
    const dir = input.value('dir')
    const url = input.value('url')
    const layout = input.value('layout')
    const { beginProject } = await import('../../app/begin.js')
    const options = {
      cwd: context.cwd,
      ...(dir === undefined ? {} : { dir }),
      ...(url === undefined ? {} : { url }),
      ...(layout === undefined ? {} : { layout }),
    }
    const report = await beginProject(options, process.env)
    context.answer(report, (view) => {
      const folder = report.createdDir
        ? ` and the folder ${report.dir}`
        : `; the folder ${report.dir} was there`
      const secret = report.urlLeftOut
        ? 'The URL holds a password: put it into the variable DATABASE_URL.\n'
        : ''
      // Another tool's files are written with that tool.
      const next =
        layout === undefined || layout === 'revgraph'
          ? 'migrate revision -m "create users"'
          : 'migrate status'
      return `Wrote ${report.config}${folder}\n${secret}${view.style.dim('next')}  ${next}\n`
    })
  },
}
