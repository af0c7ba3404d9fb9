import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { EventLevel, Json } from '../base/events.js';

type Time = ColumnType<Date, Date | undefined, Date>;

export type MachineState = 'discovered' | 'matched' | 'installing' | 'installed' | 'up' | 'failed' | 'held' | 'retired';

export interface MachineTable {
  id: Generated<string>;
  /** What tells machines apart: DMI UUID, else serial number, else first MAC; lower case. */
  identity: string;
  /** Product name, version and serial, odd characters removed: the name of its `.hw` file. */
  name: string;
  state: MachineState;
  /** Why it is in this state, for a person. */
  reason: string | null;
  profile: string | null;
  /** The site (its absolute directory) in which it was matched. */
  site: string | null;
  role: string | null;
  role_version: string | null;
  host_name: string | null;
  address: string | null;
  /** eDeploy's tuples. */
  facts: JSONColumnType<string[][]>;
  /** What the specs and the CMDB record bound. */
  variables: JSONColumnType<Record<string, Json>>;
  /** Public SSH host keys, in `known_hosts` form without the host. */
  host_keys: JSONColumnType<string[]>;
  /** SHA-256 of the one-time token of the running ramdisk, hexadecimal. */
  token_hash: string | null;
  /**
   * The same of a boot that came while an installation was under way. It becomes the token when that
   * boot's ramdisk posts facts, so that asking for a boot script again stops nobody.
   */
  next_token_hash: string | null;
  /** When its ramdisk last spoke to a server. */
  heard_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  created_at: Time;
  updated_at: Time;
}

/** What a machine's ramdisk sent of its hardware, from which its facts were made. */
export interface HardwareTable {
  machine_id: string;
  /** Text, compressed by gzip. */
  bundle: Buffer;
  time: Time;
}

/** One profile of a site's `state` file. */
export interface ProfileTable {
  site: string;
  name: string;
  position: number;
  /** How many more may be installed; null is without limit (`'*'`). */
  remaining: number | null;
}

/** One entry of a profile's CMDB. */
export interface RecordTable {
  id: Generated<string>;
  site: string;
  profile: string;
  position: number;
  entry: JSONColumnType<Record<string, Json>>;
  /** Who has claimed it; a used entry that was written by hand has no machine. */
  machine_id: string | null;
  used: boolean;
  /** Keys that the claim added to the entry: they go when the claim is released. */
  added: JSONColumnType<string[]>;
}

/** The content of a site's file as it was last read or written: a change by a person differs from it. */
export interface SiteFileTable {
  site: string;
  file: string;
  hash: string;
  /** The hash of what is being written now: after a crash in the middle this content is ours too. */
  writing_hash: string | null;
}

export interface EventTable {
  id: Generated<string>;
  time: Time;
  code: string;
  level: EventLevel;
  message: string;
  data: JSONColumnType<Record<string, Json>>;
  machine_id: string | null;
  run_id: string | null;
}

export type RunState = 'running' | 'done' | 'failed' | 'cancelled';

/** One deployment. Its steps are DBOS steps; this is what people and pages look at. */
export interface RunTable {
  id: string;
  state: RunState;
  /** Directory with manifests, logs and the answer file as it was used (0600). */
  directory: string;
  plan: JSONColumnType<Record<string, Json>>;
  /** The error of a failed run. */
  error: string | null;
  /** Who has asked it to stop; null again when it goes on. */
  cancelled_by: ColumnType<string | null, string | null | undefined, string | null>;
  created_at: Time;
  finished_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

export interface RunStepTable {
  run_id: string;
  position: number;
  title: string;
  host: string | null;
  state: 'waiting' | 'running' | 'done' | 'failed';
  /** How often it was started; more than one after a crash in the middle. */
  starts: number;
  seconds: number | null;
  log_file: string | null;
  /** Who has executed it, where that was not the process that led the run; the log is there. */
  worker: ColumnType<string | null, string | null | undefined, string | null>;
  /** Why it failed: code, message, hint, value. */
  error: JSONColumnType<Record<string, Json>> | null;
}

/** Processes that have joined a run, and have not left it. */
export interface RunWorkerTable {
  name: string;
  run_id: string;
  joined_at: Time;
}

export interface Database {
  machine: MachineTable;
  hardware: HardwareTable;
  profile: ProfileTable;
  record: RecordTable;
  site_file: SiteFileTable;
  event: EventTable;
  run: RunTable;
  run_step: RunStepTable;
  run_worker: RunWorkerTable;
}
