import { AppError } from "#api/errors.ts";
import type { LabSummary } from "#api/rpc/lab-view.ts";
import type { Lab } from "./lab-folder.ts";
import { type LabEffects, LabSession } from "./lab-session.ts";
import type { ProgressStore } from "./progress.ts";

/** All labs, and a session for each that was opened on the cluster that runs. */
export class LabService {
  readonly #labs: readonly Lab[];
  readonly #store: ProgressStore;
  readonly #effects: () => LabEffects;
  readonly #sessions = new Map<string, LabSession>();
  /** Labs are opened one after the other. */
  #opening: Promise<unknown> = Promise.resolve();

  /** @param effects throws NOT_RUNNING while there is no cluster */
  constructor(labs: readonly Lab[], store: ProgressStore, effects: () => LabEffects) {
    this.#labs = labs;
    this.#store = store;
    this.#effects = effects;
  }

  list(language: string): readonly LabSummary[] {
    return this.#labs.map((lab) => {
      const { id, minutes, steps, languages } = lab.definition;
      const texts = lab.texts.get(language) ?? lab.texts.get(languages[0]!);
      const stepsDone = this.#store.get(id)?.done.length ?? 0;
      return {
        id,
        minutes,
        steps: steps.length,
        stepsDone,
        title: texts?.title ?? id,
        summary: texts?.summary ?? "",
        teaches: texts?.teaches ?? [],
      };
    });
  }

  /** Brings a lab into the cluster. What another lab has applied goes first: each begins with the shop as it was installed. */
  open(id: string): Promise<LabSession> {
    const session = this.session(id);
    const opened = this.#opening
      .catch(() => {}) // whoever opened that one was told
      .then(async () => {
        for (const other of this.#labs.map(({ definition }) => definition.id)) {
          if (other !== id && this.#store.get(other)?.started) await this.session(other).leave();
        }
        await session.open();
        return session;
      });
    this.#opening = opened;
    return opened;
  }

  session(id: string): LabSession {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const lab = this.#labs.find((candidate) => candidate.definition.id === id);
    if (lab === undefined)
      throw new AppError("LAB_NOT_FOUND", `there is no lab "${id}"`, {
        hint: `There are: ${this.#labs.map((one) => one.definition.id).join(", ")}.`,
      });
    const session = new LabSession(lab, this.#effects(), this.#store);
    this.#sessions.set(id, session);
    return session;
  }

  /** The cluster is gone: what was being measured has no meaning any more. */
  closeSessions(): void {
    for (const session of this.#sessions.values()) session.cancelChecks();
    this.#sessions.clear();
  }
}
