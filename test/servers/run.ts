// npx jiti test/servers/run.ts [--durable] [postgres mysql …]: hold servers up, say where, until Ctrl-C.
import { parseSelection } from './missing.js'
import { startServers } from './start.js'

const words = process.argv.slice(2)
const names = parseSelection(words.filter((word) => !word.startsWith('--')).join(','))
const started = await startServers(names, { durable: words.includes('--durable') })
for (const { name, version, url, clients } of started.servers.present) {
  process.stdout.write(`${name} ${version}\n  ${url}\n`)
  for (const command of Object.values(clients)) process.stdout.write(`  ${command.join(' ')}\n`)
}
for (const { name, reason } of started.servers.missing) process.stdout.write(`MISSING ${name}: ${reason}\n`)

const idle = setInterval(() => undefined, 60_000)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(idle)
    void started.stop()
  })
}
