// npm run example: the main job, from an empty SQLite file to the head of migrations-example.
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../migrations-example/', import.meta.url))
const bin = fileURLToPath(new URL('../bin/migrate.js', import.meta.url))

for (const name of readdirSync(folder)) {
  if (name.startsWith('shop.db')) rmSync(folder + name)
}

for (const command of ['upgrade head', 'status', 'history --graph']) {
  console.log(`\n$ migrate ${command}`)
  const { status } = spawnSync(
    process.execPath,
    [bin, '--cwd', folder, '--env', 'sqlite', ...command.split(' ')],
    {
      stdio: 'inherit',
    },
  )
  if (status !== 0) {
    process.exitCode = status ?? 1
    break
  }
}
