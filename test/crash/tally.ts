import type { Told } from './sweep.js'

interface Counts {
  kills: number
  recovered: number
  asked: number
  lost: number
  twice: number
  other: number
}

const HEADS = ['server', 'kill point', 'kills', 'recovered by itself', 'asked', 'lost', 'run twice'] as const

/** What became of the kills, by server and kind of place. */
export class Tally {
  readonly wrong: Told[] = []
  readonly #rows = new Map<string, Map<string, Counts>>()
  #notReached = 0

  add(told: Told): void {
    const { verdict, asked } = told
    if (verdict === 'not reached') {
      this.#notReached += 1
      return
    }
    const counts = this.#countsOf(told.server, told.point.label)
    counts.kills += 1
    if (verdict !== 'same') {
      counts[verdict] += 1
      this.wrong.push(told)
    } else if (asked) counts.asked += 1
    else counts.recovered += 1
  }

  get total(): Readonly<Counts> {
    const sum = zero()
    for (const row of this.#rows.values())
      for (const counts of row.values())
        for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += counts[key]
    return sum
  }

  table(): string {
    const lines: (readonly string[])[] = [HEADS]
    const cells = ({ kills, recovered, asked, lost, twice }: Readonly<Counts>): string[] =>
      [kills, recovered, asked, lost, twice].map(String)
    for (const [server, points] of this.#rows) {
      for (const [label, counts] of [...points].sort(([a], [b]) => (a < b ? -1 : 1)))
        lines.push([server, label, ...cells(counts)])
    }
    lines.push(['all', '', ...cells(this.total)])
    const widths = HEADS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
    const text = lines.map((line) =>
      line
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    const { other } = this.total
    return [
      ...text,
      ...(other === 0 ? [] : [`${other} ended otherwise than they should; see above`]),
      ...(this.#notReached === 0 ? [] : [`${this.#notReached} points were not reached`]),
    ].join('\n')
  }

  #countsOf(server: string, label: string): Counts {
    let row = this.#rows.get(server)
    if (row === undefined) this.#rows.set(server, (row = new Map<string, Counts>()))
    let counts = row.get(label)
    if (counts === undefined) row.set(label, (counts = zero()))
    return counts
  }
}

const zero = (): Counts => ({ kills: 0, recovered: 0, asked: 0, lost: 0, twice: 0, other: 0 })

/** One that went wrong, so that it can be found again. */
export const describeWrong = ({ server, scenario, point, verdict, details }: Told): string =>
  [`${verdict}: ${server}, ${scenario}, ${point.name}`, ...details.map((line) => `    ${line}`)].join('\n')
