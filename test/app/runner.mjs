// A runner in a process of its own, of the built library: node runner.mjs '{"url": …, "cwd": …}'. Each line that it
// prints is a JSON value: {"notice"} while it works, {"applied"} or {"code"} at its end.
import { createMigrator } from '../../dist/index.js'

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const migrator = createMigrator({
  ...JSON.parse(process.argv[2]),
  onEvent: (event) => {
    if (event.type === 'notice') say({ notice: event.message })
  },
})
try {
  const { steps } = await migrator.upgrade('heads')
  say({ applied: steps.map(({ revision }) => revision) })
} catch (error) {
  say({ code: error.code, message: error.message })
}
