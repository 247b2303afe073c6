import { randomUUID } from "node:crypto";
import { request } from "node:https";
import { selects } from "../controllers/selector.ts";
import type { ApiObject } from "../machinery/api-object.ts";
import { asArray, asObject, asString, isObject, type Json, type JsonObject } from "../machinery/json.ts";
import { StatusError } from "../machinery/resources.ts";
import type { Store } from "../store/store.ts";
import { apiVersionOf, type Kind } from "./kinds.ts";
import { jsonPatch } from "./patch.ts";
import type { WriteOptions } from "./registry.ts";

export interface AdmissionRequest {
  readonly kind: Kind;
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly object: ApiObject | undefined;
  readonly old: ApiObject | undefined;
  readonly options: WriteOptions;
}

interface Hook {
  readonly configuration: string;
  readonly hook: JsonObject;
}

/** Never asked, so that a broken webhook can always be removed. Source: Kubernetes' admission control. */
const exempt = new Set(["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]);

/** Calls the webhooks that the configurations name. */
export class Webhooks {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The object as the mutating webhooks want it; asks those again that wish it when another changed something after them. */
  async mutate(admission: AdmissionRequest & { readonly object: ApiObject }): Promise<ApiObject> {
    const hooks = this.#matching("mutatingwebhookconfigurations", admission);
    let { object } = admission;
    let changedBy: Hook | undefined;
    for (const hook of hooks) {
      const next = await this.#mutateWith(hook, { ...admission, object });
      if (next !== object) changedBy = hook;
      object = next;
    }
    if (changedBy === undefined) return object;
    for (const hook of hooks) {
      if (hook === changedBy) break;
      if (hook.hook.reinvocationPolicy === "IfNeeded") object = await this.#mutateWith(hook, { ...admission, object });
    }
    return object;
  }

  async validate(admission: AdmissionRequest): Promise<void> {
    const hooks = this.#matching("validatingwebhookconfigurations", admission);
    await Promise.all(hooks.map((hook) => this.#ask(hook, admission)));
  }

  async #mutateWith(hook: Hook, admission: AdmissionRequest & { readonly object: ApiObject }): Promise<ApiObject> {
    const response = await this.#ask(hook, admission);
    const patch = asString(response.patch);
    if (patch === "") return admission.object;
    const operations: unknown = JSON.parse(Buffer.from(patch, "base64").toString("utf8"));
    return Array.isArray(operations) && operations.length === 0
      ? admission.object
      : (jsonPatch(admission.object, operations) as ApiObject);
  }

  #matching(resource: string, admission: AdmissionRequest): readonly Hook[] {
    if (admission.kind.group === "admissionregistration.k8s.io" && exempt.has(admission.kind.resource)) return [];
    return this.#store.list(`admissionregistration.k8s.io/${resource}`).flatMap((configuration) =>
      asArray(configuration.webhooks)
        .filter(isObject)
        .filter((hook) => this.#matches(hook, admission))
        .map((hook) => ({ configuration: configuration.metadata.name ?? "", hook })),
    );
  }

  #matches(hook: JsonObject, { kind, operation, object, old }: AdmissionRequest): boolean {
    const has = (list: Json | undefined, value: string): boolean =>
      asArray(list).some((item) => item === "*" || item === value);
    const byRule = asArray(hook.rules).some((item) => {
      const rule = asObject(item);
      const inScope =
        rule.scope === undefined || rule.scope === "*" || (rule.scope === "Namespaced") === kind.namespaced;
      return (
        inScope &&
        has(rule.operations, operation) &&
        has(rule.apiGroups, kind.group) &&
        has(rule.apiVersions, kind.version) &&
        has(rule.resources, kind.resource)
      );
    });
    if (!byRule) return false;
    const subject = object ?? old;
    const labels = subject?.metadata.labels ?? {};
    const oldLabels = old?.metadata.labels;
    if (
      !selects(asObject(hook.objectSelector), labels) &&
      !(oldLabels && selects(asObject(hook.objectSelector), oldLabels))
    )
      return false;
    const namespaceName =
      kind.resource === "namespaces" && kind.group === "" ? subject?.metadata.name : subject?.metadata.namespace;
    if (namespaceName === undefined) return true;
    const namespace = this.#store.get({ bucket: "/namespaces", namespace: "", name: namespaceName });
    return selects(asObject(hook.namespaceSelector), namespace?.metadata.labels ?? {});
  }

  /** The answer of one webhook. A refusal is thrown; a failure counts as the failurePolicy says. */
  async #ask({ hook }: Hook, admission: AdmissionRequest): Promise<JsonObject> {
    const name = asString(hook.name);
    try {
      const review = await this.#call(hook, reviewOf(admission));
      const response = asObject(review.response);
      if (response.allowed === true) {
        for (const warning of asArray(response.warnings)) admission.options.onWarning?.(String(warning));
        return response;
      }
      const status = asObject(response.status);
      const code = typeof status.code === "number" ? status.code : 403;
      throw new StatusError(
        code,
        asString(status.reason) || "Forbidden",
        `admission webhook "${name}" denied the request${status.message ? `: ${asString(status.message)}` : " without explanation"}`,
      );
    } catch (error) {
      if (error instanceof StatusError) throw error;
      if (hook.failurePolicy === "Ignore") return {};
      const message = error instanceof Error ? error.message : String(error);
      throw new StatusError(
        500,
        "InternalError",
        `Internal error occurred: failed calling webhook "${name}": failed to call webhook: ${message}`,
      );
    }
  }

  #call(hook: JsonObject, review: JsonObject): Promise<JsonObject> {
    const client = asObject(hook.clientConfig);
    const timeoutMs = Number(hook.timeoutSeconds ?? 10) * 1000;
    const target = this.#target(client);
    const body = JSON.stringify(review);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...target,
          method: "POST",
          headers: {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
            host: target.servername,
          },
          ca: Buffer.from(asString(client.caBundle), "base64"),
          timeout: timeoutMs,
          agent: false,
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => {
            if (response.statusCode !== 200)
              return reject(new Error(`the webhook answered ${response.statusCode}: ${text.slice(0, 200)}`));
            try {
              resolve(JSON.parse(text) as JsonObject);
            } catch {
              reject(new Error("the webhook's answer is not JSON"));
            }
          });
        },
      );
      outgoing.setTimeout(timeoutMs, () =>
        outgoing.destroy(
          new Error(
            `Post "https://${target.servername}:${target.port}${target.path}?timeout=${timeoutMs / 1000}s": context deadline exceeded`,
          ),
        ),
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** Where a webhook is: an endpoint of its Service, or a URL. */
  #target(client: JsonObject): {
    readonly host: string;
    readonly port: number;
    readonly path: string;
    readonly servername: string;
  } {
    if (typeof client.url === "string") {
      const url = new URL(client.url);
      return {
        host: url.hostname,
        port: Number(url.port || 443),
        path: url.pathname + url.search,
        servername: url.hostname,
      };
    }
    const service = asObject(client.service);
    const [namespace, name] = [asString(service.namespace), asString(service.name)];
    const port = Number(service.port ?? 443);
    const servername = `${name}.${namespace}.svc`;
    const object = this.#store.get({ bucket: "/services", namespace, name });
    if (object === undefined) throw new Error(`service "${name}" not found`);
    const portName = asString(
      asObject(asArray(asObject(object.spec).ports).find((candidate) => asObject(candidate).port === port)).name,
    );
    const slices = this.#store
      .list("discovery.k8s.io/endpointslices", namespace)
      .filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === name);
    for (const slice of slices) {
      const target = asArray(slice.ports)
        .map(asObject)
        .find((candidate) => asString(candidate.name) === portName)?.port;
      const endpoint = asArray(slice.endpoints)
        .map(asObject)
        .find((candidate) => asObject(candidate.conditions).ready !== false);
      const address = asString(asArray(endpoint?.addresses)[0]);
      if (typeof target === "number" && address !== "")
        return { host: address, port: target, path: asString(service.path) || "/", servername };
    }
    throw new Error(`no endpoints available for service "${name}"`);
  }
}

function reviewOf({ kind, operation, object, old, options }: AdmissionRequest): JsonObject {
  const subject = object ?? old;
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
  const gvr = { group: kind.group, version: kind.version, resource: kind.resource };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: randomUUID(),
      kind: gvk,
      resource: gvr,
      requestKind: gvk,
      requestResource: gvr,
      name: subject?.metadata.name ?? "",
      ...(subject?.metadata.namespace === undefined ? {} : { namespace: subject.metadata.namespace }),
      operation,
      userInfo: {
        username: options.user?.name ?? "system:apiserver",
        groups: [...(options.user?.groups ?? ["system:masters"])],
      },
      object: object === undefined ? null : ({ ...object, apiVersion: apiVersionOf(kind) } as JsonObject),
      oldObject: old === undefined ? null : (old as JsonObject),
      dryRun: options.dryRun ?? false,
    },
  };
}
