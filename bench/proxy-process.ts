// A slow proxy in a process of its own: measured programs are waited for synchronously.
import { slowProxy } from './slow-proxy.js'

const proxy = await slowProxy(
  { host: process.argv[2] ?? '', port: Number(process.argv[3]) },
  Number(process.argv[4]),
)
process.stdout.write(`${proxy.port}\n`)
