import { buildGraph } from '../src/core/graph.js'
import { compareHistory, overlayHistory } from '../src/core/history.js'
import { planDowngrade, planUpgrade } from '../src/core/plan.js'
import type { RevisionNode } from '../src/core/revision.js'
import { medianOf, type Sample } from './median.js'

const COUNT = 100_000
const WIDTH = 100
const RUNS = 5

/** Ids in no order that helps: multiplication by an odd number permutes the 48-bit numbers' low half. */
function idOf(number: number): string {
  return (
    (Math.imul(number + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0') +
    (number % 65_536).toString(16).padStart(4, '0')
  )
}

function chain(): RevisionNode[] {
  return Array.from({ length: COUNT }, (_, n) => ({
    id: idOf(n),
    parents: n === 0 ? [] : [idOf(n - 1)],
    dependsOn: [],
    labels: [],
  }))
}

/** Layers of a hundred, where each revision merges three of the layer before and depends on a fourth. */
function mesh(): RevisionNode[] {
  return Array.from({ length: COUNT }, (_, n) => {
    const above = (shift: number): string[] =>
      n < WIDTH ? [] : [idOf(n - (n % WIDTH) - WIDTH + ((n + shift) % WIDTH))]
    return {
      id: idOf(n),
      parents: [...above(0), ...above(1), ...above(7)],
      dependsOn: above(31),
      labels: n < WIDTH ? [`lane${n}`] : [],
    }
  })
}

function measure(nodes: readonly RevisionNode[]): Sample {
  const sample: Record<string, number> = {}
  const timed = <T>(name: string, work: () => T): T => {
    const began = performance.now()
    const result = work()
    sample[name] = performance.now() - began
    return result
  }
  const graph = timed('build', () => buildGraph(nodes))
  const half = new Set(graph.order.slice(0, COUNT / 2).map((node) => node.id))
  const all = new Set(graph.ids)
  timed('plan up from empty', () => planUpgrade(graph, new Set(), 'heads'))
  timed('plan up from half', () => planUpgrade(graph, half, 'heads'))
  timed('plan up, nothing to do', () => planUpgrade(graph, all, 'heads'))
  timed('plan down to base', () => planDowngrade(graph, all, 'base'))
  timed('overlay, half without files', () =>
    compareHistory(overlayHistory(graph.order.slice(COUNT / 2), graph.order.slice(0, COUNT / 2))),
  )
  timed('labels of all', () => graph.ids.map((id) => graph.labelsOf(id).length))
  return sample
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

say(`${COUNT.toLocaleString('en')} revisions, milliseconds, median of ${RUNS} runs`)
for (const [name, make] of Object.entries({ chain, mesh })) {
  const nodes = make()
  const medians = medianOf(Array.from({ length: RUNS }, () => measure(nodes)))
  say(`\n${name}`)
  for (const [what, ms] of Object.entries(medians)) say(`  ${what.padEnd(28)}${ms.toFixed(0).padStart(6)}`)
}
