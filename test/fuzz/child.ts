// A sweep in a process of its own, which its parent can end when it hangs: child.ts '{"seed": 1, …}'
import { sweep, type SweepOptions } from './sweep.js'

const say = (message: object): void => void process.send?.(message)
await sweep(
  JSON.parse(process.argv[2] ?? '{}') as SweepOptions,
  (begun) => say({ begun }),
  (result) => say({ result }),
)
process.disconnect()
