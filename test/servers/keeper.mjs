// Stands between the tests and one server. Its standard input is a pipe from the process that wanted the
// server: when that ends, because it was closed or because its owner died (SIGKILL included), the server is
// stopped and its folder removed. It runs in a session of its own, so that Ctrl-C in a terminal reaches the
// tests first and their clean-up finds a server that still answers.
//
// One argument, JSON: command (the server, in the foreground; or none), stopSignal, stopCommand (instead of
// the signal), remove (folders that go after the stop).
import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { setTimeout } from 'node:timers'

const { command, stopSignal, stopCommand, remove } = JSON.parse(process.argv[2])
let stopping = false

function finish(code) {
  // A server that ended by itself keeps its folder: its owner wants to read the log.
  if (stopping) for (const path of remove) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  process.exit(code)
}

let server
if (command) {
  server = spawn(command[0], command.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] })
  server.on('error', (error) => {
    console.error(error.message)
    finish(127)
  })
  server.on('exit', (code) => finish(stopping ? 0 : (code ?? 128)))
}

function stop() {
  if (stopping) return
  stopping = true
  if (stopCommand)
    spawnSync(stopCommand[0], stopCommand.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] })
  if (!server) finish(0)
  server.kill(stopSignal)
  setTimeout(() => server.kill('SIGKILL'), 10_000)
}

for (const event of ['end', 'close', 'error']) process.stdin.on(event, stop)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
process.stdin.resume()
