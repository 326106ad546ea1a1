import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { describeServers } from './database.js'
import { dockerServer } from './docker.js'

// No Docker here: a script stands for it and writes down what it was asked. With Docker, its containers answer
// the rest of the tests.
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'revgraph-fake-docker-'))
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

function fakeDocker(script: string): { calls: () => string[] } {
  const log = join(folder, 'calls')
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\necho "$*" >>${log}\n${script}\n`)
  chmodSync(join(folder, 'docker'), 0o755)
  return { calls: () => readFileSync(log, 'utf8').trim().split('\n') }
}

it('does not take a Docker client for a Docker daemon', async () => {
  fakeDocker('echo')
  await expect(dockerServer('postgres', {})).rejects.toThrow('docker info does not answer')
})

it('takes a project down again that did not come up', async () => {
  const { calls } = fakeDocker('case "$*" in info*) echo 29.0 ;; *" up "*) echo no image >&2; exit 1 ;; esac')
  await expect(dockerServer('mysql', {})).rejects.toThrow('no image')
  expect(calls().at(-1)).toMatch(
    /^compose --project-name revgraph-\S+ --file \S+ down --volumes --timeout 0$/,
  )
})

describeServers(['postgres'], (server) => {
  it('brings up a project of its own, asks for its port and takes it down', async () => {
    const { port } = new URL(server.url)
    const { calls } = fakeDocker(
      `case "$*" in info*) echo 29.0 ;; *" port "*) echo 127.0.0.1:${port} ;; esac`,
    )
    const docker = await dockerServer('postgres', {})
    expect(docker.info).toMatchObject({ via: 'docker', url: server.url, version: server.version })
    await docker.stop()
    const words = calls().map((call) => call.replace(/^compose .*compose\.yaml /, ''))
    expect(words).toEqual([
      'info --format {{.ServerVersion}}',
      'up --detach postgres',
      'port postgres 5432',
      'down --volumes --timeout 0',
    ])
  })
})
