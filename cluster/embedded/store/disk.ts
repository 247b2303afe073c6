import { closeSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { AppError } from "#api/errors.ts";
import type { ApiObject } from "../machinery/api-object.ts";
import type { ObjectKey } from "./store.ts";

export interface Row {
  readonly key: ObjectKey;
  /** Undefined removes the row. */
  readonly bytes: Buffer | undefined;
}

export interface Disk {
  /** The latest committed revision. */
  readonly revision: number;
  rows(): readonly { readonly key: ObjectKey; readonly object: ApiObject }[];
  /** One transaction. Resolves when it is committed: from then on the end of the process cannot undo it. */
  commit(rows: readonly Row[], revision: number): Promise<void>;
  close(): Promise<void>;
}

const REVISION_KEY = "\u0001revision";
const FORMAT_KEY = "\u0001format";
const FORMAT = "slipway/2";
/** Stands between the parts of a key; no Kubernetes name has it. (A zero byte would do too, but LMDB's binding reads such keys back as lists.) */
const SEPARATOR = "|";

/** Opens the database file in a folder, which is made when missing. Fails with AppError STATE_CORRUPT or DISK_FULL. */
export function openDisk(folder: string): Disk {
  const db = openDatabase(folder);
  const revision = readHead(db, folder);
  return {
    revision,
    rows: () => readRows(db, folder),
    commit: (rows, next) => commit(db, rows, next),
    close: () => db.close(),
  };
}

function openDatabase(folder: string): RootDatabase<Buffer, string> {
  try {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "objects.mdb");
    checkHeader(path);
    return open<Buffer, string>({ path, encoding: "binary", noSubdir: true });
  } catch (error) {
    throw isDiskFull(error) ? diskFull(error) : corrupt(folder, error);
  }
}

const LMDB_MAGIC = 0xbeefc0de;
const META_BYTES = 0xa0;

/**
 * LMDB maps the file and trusts it: on damage it crashes the process instead of failing. So the two meta pages (magic number at
 * 0x18, page size at 0x30, last used page at 0x90, transaction at 0x98) are checked against the file before it is opened.
 */
function checkHeader(path: string): void {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
  try {
    const size = fstatSync(file).size;
    if (size === 0) return;
    const first = readMeta(file, 0);
    const second = readMeta(file, first.pageSize);
    const latest = second.transaction > first.transaction ? second : first;
    if (size < (latest.lastPage + 1) * first.pageSize) throw new Error("the file is cut off");
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, position: number): { pageSize: number; lastPage: number; transaction: number } {
  const meta = Buffer.alloc(META_BYTES);
  const read = readSync(file, meta, 0, META_BYTES, position);
  const pageSize = read < META_BYTES ? 0 : meta.readUInt32LE(0x30);
  const isPageSize = pageSize >= 512 && pageSize <= 65536 && (pageSize & (pageSize - 1)) === 0;
  if (read < META_BYTES || meta.readUInt32LE(0x18) !== LMDB_MAGIC || !isPageSize)
    throw new Error("the file is no database, or is damaged");
  return { pageSize, lastPage: Number(meta.readBigUInt64LE(0x90)), transaction: Number(meta.readBigUInt64LE(0x98)) };
}

function readHead(db: RootDatabase<Buffer, string>, folder: string): number {
  try {
    const format = db.get(FORMAT_KEY)?.toString();
    if (format === undefined && db.getKeysCount() === 0) {
      db.transactionSync(() => {
        db.put(FORMAT_KEY, Buffer.from(FORMAT));
        db.put(REVISION_KEY, Buffer.from("1"));
      });
      return 1;
    }
    if (format !== FORMAT) throw new Error(`its format is ${format ?? "unknown"}, not ${FORMAT}`);
    const revision = Number(db.get(REVISION_KEY)?.toString());
    if (!Number.isSafeInteger(revision) || revision < 1) throw new Error("its revision is not a number");
    return revision;
  } catch (error) {
    throw isDiskFull(error) ? diskFull(error) : corrupt(folder, error);
  }
}

function readRows(db: RootDatabase<Buffer, string>, folder: string): { key: ObjectKey; object: ApiObject }[] {
  try {
    const rows: { key: ObjectKey; object: ApiObject }[] = [];
    for (const { key, value } of db.getRange({})) {
      if (key.startsWith("\u0001")) continue;
      const [bucket = "", namespace = "", name = ""] = key.split(SEPARATOR);
      rows.push({ key: { bucket, namespace, name }, object: JSON.parse(value.toString()) as ApiObject });
    }
    return rows;
  } catch (error) {
    throw corrupt(folder, error);
  }
}

async function commit(db: RootDatabase<Buffer, string>, rows: readonly Row[], revision: number): Promise<void> {
  try {
    await db.batch(() => {
      for (const { key, bytes } of rows) {
        const id = [key.bucket, key.namespace, key.name].join(SEPARATOR);
        if (bytes === undefined) db.remove(id);
        else db.put(id, bytes);
      }
      db.put(REVISION_KEY, Buffer.from(String(revision)));
    });
  } catch (error) {
    const cause = (await reasonOf(error)) ?? error;
    throw isDiskFull(cause) ? diskFull(cause) : cause;
  }
}

/** LMDB's binding hides why a commit failed in a field of its error, which may itself be a promise that fails. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  return Promise.resolve(error.commitError).catch((reason: unknown) => reason);
}

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && error.code === "ENOSPC") || /no space left|MDB_MAP_FULL|ENOSPC/i.test(error.message);
}

const diskFull = (cause: unknown): AppError =>
  new AppError("DISK_FULL", "the cluster's state could not be written: no space left on the disk", {
    cause,
    hint: "free some space on the disk and try again; nothing that was saved before is lost",
  });

const corrupt = (folder: string, cause: unknown): AppError =>
  new AppError(
    "STATE_CORRUPT",
    `the cluster's saved state in ${folder} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      cause,
      hint: `move the folder ${folder} away (or delete it) and start again: the cluster then begins empty`,
    },
  );
