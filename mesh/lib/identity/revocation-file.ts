import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseRevocationLists, problemsOfLists, type RevocationList } from "./revocation.ts";

/** How often the file is looked at. */
const LOOK_MS = 2000;

export interface RevocationFileOptions {
  readonly path: string;
  /** PEM of the certificates that lists may be signed by, as they are now. */
  readonly authorities: () => readonly string[];
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
  readonly onChange: () => void;
  /** Milliseconds between two looks. */
  readonly lookMs?: number | undefined;
}

/**
 * The lists of revoked certificates that the kubelet mounts, followed while the process lives. A file that cannot be read as such
 * changes nothing, as an Envoy refuses it; one that is read counts, even where it makes every verification fail, which the log says.
 */
export class RevocationFile {
  readonly #options: RevocationFileOptions;
  #lists: readonly RevocationList[] = [];

  constructor(options: RevocationFileOptions) {
    this.#options = options;
  }

  get lists(): readonly RevocationList[] {
    return this.#lists;
  }

  /** All lists, one PEM after the other; empty for none. */
  get pem(): string {
    return this.#lists.map(({ pem }) => pem).join("");
  }

  /** Resolves when the file was looked at for the first time. */
  async start(): Promise<void> {
    const { path, lookMs = LOOK_MS } = this.#options;
    watchFile(path, { persistent: false, interval: lookMs }, this.#look);
    await this.#read();
  }

  close(): void {
    unwatchFile(this.#options.path, this.#look);
  }

  readonly #look = (): void => void this.#read();

  async #read(): Promise<void> {
    const { path, authorities, log, onChange } = this.#options;
    const text = await readFile(path, "utf8").catch(() => "");
    try {
      const before = this.pem;
      this.#lists = parseRevocationLists(text);
      if (this.pem === before) return;
    } catch (error) {
      log.warn({ path, error: String(error) }, "the list of revoked certificates stays as it was");
      return;
    }
    const certificates = this.#lists.reduce((sum, { serials }) => sum + serials.size, 0);
    log.info({ lists: this.#lists.length, certificates }, "lists of revoked certificates taken over");
    // Before the first certificate nobody is known who may have signed them.
    const known = authorities();
    if (known.length > 0) for (const problem of problemsOfLists(this.#lists, known)) log.warn({ path }, problem);
    onChange();
  }
}
