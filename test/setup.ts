import type { TestProject } from 'vitest/node'
import { parseSelection, withUnwanted } from './servers/missing.js'
import { startServers } from './servers/start.js'
import type { Servers } from './servers/types.js'

declare module 'vitest' {
  export interface ProvidedContext {
    servers: Servers
  }
}

/** Vitest's global setup: the servers run before the first test and are gone after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const selection = parseSelection(process.env['MIGRATE_TEST_SERVERS'])
  const began = Date.now()
  const started = await startServers(selection)
  const servers = withUnwanted(started.servers)
  project.provide('servers', servers)
  report(servers, Date.now() - began)
  return async () => {
    await started.stop()
    reportMissing(servers)
    reportMongo(servers)
  }
}

/** What ran where: a feature that only MongoDB has is not tested by what speaks its protocol. */
function reportMongo({ present }: Servers): void {
  const has = (name: string) => present.some((server) => server.name === name)
  if (has('documentdb')) say(`MongoDB's backend ran against DocumentDB${has('mongodb') ? '' : ' alone'}`)
  if (has('mongodb')) say("MongoDB's backend ran against MongoDB")
  if (has('documentdb'))
    say('What only MongoDB has was tested at the wire, with its documented answers, and not against MongoDB')
}

function report(servers: Servers, ms: number): void {
  for (const { name, version, via, startedInMs } of servers.present) {
    say(`${name} ${version} (${via}, ${startedInMs} ms)`)
  }
  if (servers.present.length > 0) say(`${servers.present.length} up after ${ms} ms`)
  reportMissing(servers)
}

/** Said before the tests and again after them, where it is seen. */
function reportMissing({ missing }: Servers): void {
  const wanted = missing.filter((absence) => absence.wanted)
  if (wanted.length === 0) return
  say(`${wanted.length} MISSING, their tests do not run:`)
  for (const { name, reason } of wanted) say(`  ${name}: ${reason}`)
}

function say(line: string): void {
  process.stderr.write(`servers: ${line}\n`)
}
