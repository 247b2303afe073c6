import type { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";

/** The secrets that the agent delivered. Contexts ask when a connection begins, so new ones count at once. */
export class SecretStore {
  readonly #secrets = new Map<string, Secret>();
  /** Grows with every change. */
  generation = 0;

  get(name: string): Secret | undefined {
    return this.#secrets.get(name);
  }

  apply(changed: readonly { readonly name: string; readonly resource: Secret }[], removed: readonly string[]): void {
    for (const { name, resource } of changed) this.#secrets.set(name, resource);
    for (const name of removed) this.#secrets.delete(name);
    this.generation += 1;
  }
}
