import type { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";

/** The secrets that the agent delivered. Contexts ask when a connection begins, so new ones count at once. */
export class SecretStore {
  readonly #secrets = new Map<string, Secret>();
  readonly #listeners = new Set<() => void>();
  /** Grows with every change. */
  generation = 0;

  get(name: string): Secret | undefined {
    return this.#secrets.get(name);
  }

  apply(changed: readonly { readonly name: string; readonly resource: Secret }[], removed: readonly string[]): void {
    for (const { name, resource } of changed) this.#secrets.set(name, resource);
    for (const name of removed) this.#secrets.delete(name);
    this.generation += 1;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Called after every change. Returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
