import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Identity } from "./authenticate.ts";
import type { Distributor } from "./distributor.ts";
import type { ProxySession } from "./proxy-session.ts";

export interface SecretAccessOptions {
  /** Whether the Kubernetes API would let this account read the Secrets of its namespace. */
  readonly mayReadSecrets: (identity: Identity) => Promise<boolean>;
  readonly distributor: Distributor;
  readonly log: Logger;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Finds out whether a proxy may have secrets: it may have what its account may read, else whoever can start a proxy in a namespace
 * could read all of its keys. Resolves with the first answer. After a no it goes on asking, ever more seldom, until the signal:
 * right and rule often come with the same manifest, in any order.
 */
export async function grantSecrets(
  options: SecretAccessOptions,
  session: ProxySession,
  { identity, signal }: { readonly identity: Identity; readonly signal: AbortSignal },
): Promise<void> {
  if (await ask(options, session, identity)) return;
  options.log.warn({ proxy: session.node.id, account: identity.serviceAccount }, "its account may not read secrets");
  void askAgain(options, session, { identity, signal });
}

async function askAgain(
  options: SecretAccessOptions,
  session: ProxySession,
  { identity, signal }: { readonly identity: Identity; readonly signal: AbortSignal },
): Promise<void> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    await delay(wait, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted || (await ask(options, session, identity))) return;
  }
}

async function ask(
  { mayReadSecrets, distributor, log }: SecretAccessOptions,
  session: ProxySession,
  identity: Identity,
): Promise<boolean> {
  try {
    session.readsSecrets = await mayReadSecrets(identity);
  } catch (error) {
    log.warn({ proxy: session.node.id, err: error }, "whether its account may read secrets is not known");
  }
  if (session.readsSecrets) distributor.refresh(session);
  return session.readsSecrets;
}
