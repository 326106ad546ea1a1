// Loaded into a runner with --require: counts its calls into better-sqlite3 and its changes of files, and ends it with
// SIGKILL just before or just after one of them.
//   REVGRAPH_CRASH_AT=n  REVGRAPH_CRASH_WHEN=before|after   where; the first call is 0
//   REVGRAPH_CRASH_LOG=file                                 what the calls were, a line each
const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')

const at = Number(process.env['REVGRAPH_CRASH_AT'] ?? -1)
const when = process.env['REVGRAPH_CRASH_WHEN']
const log = process.env['REVGRAPH_CRASH_LOG']
const { appendFileSync } = fs
let count = 0

function counted(name, what, call) {
  const mine = count++
  if (log) appendFileSync(log, `${name} ${String(what).replace(/\s+/g, ' ').slice(0, 300)}\n`)
  if (mine === at && when === 'before') process.kill(process.pid, 'SIGKILL')
  const result = call()
  if (mine === at && when === 'after') process.kill(process.pid, 'SIGKILL')
  return result
}

/** What a prepared statement was made from, for the log. */
const texts = new WeakMap()
let inside = false

function wrap(target, name, describe) {
  const original = target[name]
  target[name] = function (...args) {
    // What the package calls of itself is not the runner's call.
    if (inside) return original.apply(this, args)
    inside = true
    try {
      return counted(name, describe(this, args), () => original.apply(this, args))
    } finally {
      inside = false
    }
  }
}

const Database = require('better-sqlite3')
const probe = new Database(':memory:')
const Statement = Object.getPrototypeOf(probe.prepare('SELECT 1'))
probe.close()

const { prepare } = Database.prototype
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql)
  texts.set(statement, sql)
  return statement
}
for (const name of ['exec', 'pragma']) wrap(Database.prototype, name, (_, [sql]) => sql)
wrap(Database.prototype, 'close', (database) => `(${database.name.replace(/^.*\//, '')})`)
for (const name of ['run', 'get', 'all', 'iterate'])
  wrap(Statement, name, (statement) => texts.get(statement))

for (const name of ['writeFileSync', 'linkSync', 'renameSync', 'rmSync', 'unlinkSync', 'mkdirSync']) {
  wrap(fs, name, (_, [path]) => `(${String(path).replace(/^.*\//, '')})`)
}
syncBuiltinESMExports()
