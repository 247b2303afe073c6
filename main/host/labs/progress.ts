import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";

const labProgress = z.object({
  current: z.string(),
  done: z.array(z.string()),
  /** Whether the lab's own setup was applied to this cluster. */
  started: z.boolean(),
  /** Steps whose setup was applied. */
  prepared: z.array(z.string()),
  /** step -> the person's own text */
  manifests: z.record(z.string(), z.string()),
});

export type LabProgress = z.infer<typeof labProgress>;

const progressFile = z.object({ labs: z.record(z.string(), labProgress) });

/** How far the person is in each lab, kept in one file that is replaced in one step. */
export class ProgressStore {
  readonly #path: string;
  #labs: Record<string, LabProgress>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, labs: Record<string, LabProgress>) {
    this.#path = path;
    this.#labs = labs;
  }

  /** Opens the file; one that is missing or unreadable starts anew (it holds no work that could not be done again). */
  static async open(path: string): Promise<ProgressStore> {
    try {
      return new ProgressStore(path, progressFile.parse(JSON.parse(await readFile(path, "utf8"))).labs);
    } catch {
      return new ProgressStore(path, {});
    }
  }

  get(lab: string): LabProgress | undefined {
    return this.#labs[lab];
  }

  /** Remembers at once; resolves when it is on disk. */
  set(lab: string, progress: LabProgress): Promise<void> {
    this.#labs = { ...this.#labs, [lab]: progress };
    return this.#write();
  }

  remove(lab: string): Promise<void> {
    const { [lab]: _, ...others } = this.#labs;
    this.#labs = others;
    return this.#write();
  }

  #write(): Promise<void> {
    const text = JSON.stringify({ labs: this.#labs }, null, 2);
    this.#writing = this.#writing.then(async () => {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(`${this.#path}.new`, text, { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
    });
    return this.#writing;
  }
}
