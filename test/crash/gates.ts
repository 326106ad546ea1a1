import type { Family } from './place.js'

/** What a statement on the server waits for, until the harness lets it through: so that it is known to run. */
interface Gates {
  /** Made before anything is run. */
  readonly setup: string
  /** From outside; the place's own connection holds it closed. */
  close(name: string): string
  open(name: string): string
  /** Answers the server's number for the session that waits. */
  readonly waiting: string
  /** Ends that session as an administrator does. */
  end(session: string): string
}

const MYSQL_GATES = ['gate_ddl', 'gate_rows', 'gate_data']

export type GatedFamily = 'postgres' | 'mysql'

export const hasGates = (family: Family): family is GatedFamily => family === 'postgres' || family === 'mysql'

export const GATES: Readonly<Record<GatedFamily, Gates>> = {
  postgres: {
    setup: `
      CREATE TABLE crash_gates (name text PRIMARY KEY);
      CREATE FUNCTION crash_gate(gate text) RETURNS integer LANGUAGE plpgsql AS $$
      BEGIN
        WHILE EXISTS (SELECT FROM public.crash_gates WHERE name = gate) LOOP
          PERFORM pg_sleep(0.01);
        END LOOP;
        RETURN 1;
      END $$;
      -- For the expression of an index, which has to be immutable.
      CREATE FUNCTION crash_gate_of(id integer, gate text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
      BEGIN
        PERFORM public.crash_gate(gate);
        RETURN id;
      END $$;`,
    close: (name) => `INSERT INTO crash_gates VALUES ('${name}')`,
    open: (name) => `DELETE FROM crash_gates WHERE name = '${name}'`,
    waiting: "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    end: (session) => `SELECT pg_terminate_backend(${session}, 60000)`,
  },
  mysql: {
    setup: MYSQL_GATES.map(
      (name) => `CREATE TABLE ${name} (id integer NOT NULL PRIMARY KEY); INSERT INTO ${name} VALUES (1)`,
    ).join(';'),
    close: (name) => `LOCK TABLES ${name} WRITE`,
    open: () => 'UNLOCK TABLES',
    waiting: `SELECT ID FROM information_schema.PROCESSLIST
      WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND STATE LIKE 'Waiting for table metadata lock%'`,
    end: (session) => `KILL ${session}`,
  },
}
