import type { ApiObject } from "../../machinery/api-object.ts";
import { asArray, asObject, asString, cloneJson, equalJson, isObject, type JsonObject } from "../../machinery/json.ts";
import { StatusError } from "../../machinery/resources.ts";
import type { Store } from "../../store/store.ts";
import type { Catalog } from "../catalog.ts";
import type { Asked } from "../cel/library/authorizer.ts";
import type { Kind } from "../kinds.ts";
import { jsonPatch } from "../patch.ts";
import { isAllowed } from "../rbac.ts";
import { badRequest, forbiddenObject, internalError } from "../status.ts";
import { CallFailure, callWebhook } from "./call.ts";
import { conditionsHold } from "./conditions.ts";
import { matchingKind } from "./match.ts";
import { type AdmissionRequest, beforeIdentity, requestOf, withIdentity } from "./review.ts";

interface Hook {
  readonly configuration: string;
  readonly hook: JsonObject;
}

/** A write whose object can still be changed. */
export interface MutableRequest extends AdmissionRequest {
  readonly object: ApiObject;
  /** Fails when an object is none of its kind. */
  readonly decode: (object: ApiObject) => void;
}

/** Never asked about, so that a broken webhook can always be removed. Source: Kubernetes' admission control. */
const exempt = new Set(["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]);

/** Calls the webhooks that the configurations name. */
export class Webhooks {
  readonly #store: Store;
  readonly #catalog: Pick<Catalog, "kinds">;
  readonly #show: (kind: Kind, object: ApiObject) => ApiObject;

  /** `show` gives an object in another version of its kind. */
  constructor(
    store: Store,
    {
      catalog,
      show,
    }: { readonly catalog: Pick<Catalog, "kinds">; readonly show: (kind: Kind, object: ApiObject) => ApiObject },
  ) {
    this.#store = store;
    this.#catalog = catalog;
    this.#show = show;
  }

  /** The object as the mutating webhooks want it; asks those again that wish it when another changed something after them. */
  async mutate(admission: MutableRequest): Promise<ApiObject> {
    const hooks = this.#configured("mutatingwebhookconfigurations", admission);
    if (hooks.length === 0) return admission.object;
    const isNew = admission.operation === "CREATE" && admission.subresource === undefined;
    let object = isNew ? beforeIdentity(admission.object) : admission.object;
    const [before, again] = [object, new Set<Hook>()];
    for (const hook of hooks) {
      const next = await this.#mutateWith(hook, { ...admission, object });
      if (next !== undefined) {
        for (const earlier of again) again.add(earlier);
        object = next;
        this.#remember(hooks, hook, again);
      }
    }
    for (const hook of hooks) {
      if (again.has(hook)) object = (await this.#mutateWith(hook, { ...admission, object })) ?? object;
    }
    if (object === before) return admission.object;
    return isNew ? withIdentity(object, admission.object) : object;
  }

  /** Those before a webhook that changed something are asked again, if they wish. */
  #remember(hooks: readonly Hook[], changed: Hook, again: Set<Hook>): void {
    for (const hook of hooks) {
      if (hook === changed) return;
      if (hook.hook.reinvocationPolicy === "IfNeeded") again.add(hook);
    }
  }

  async validate(admission: AdmissionRequest): Promise<void> {
    const hooks = this.#configured("validatingwebhookconfigurations", admission);
    const results = await Promise.allSettled(
      hooks.map((hook) => this.#ask(hook, admission, { object: admission.object, mutates: false })),
    );
    const refusal = results.find((result) => result.status === "rejected");
    if (refusal !== undefined) throw refusal.reason;
  }

  /** The changed object; undefined when nothing was changed. */
  async #mutateWith(hook: Hook, admission: MutableRequest): Promise<ApiObject | undefined> {
    const { object } = admission;
    const response = await this.#ask(hook, admission, { object, mutates: true });
    const patch = asString(response?.patch);
    if (patch === "") return undefined;
    const operations = this.#decoded(hook, patch);
    if (operations === undefined || operations.length === 0 || response?.patchType !== "JSONPatch") return undefined;
    let changed: ApiObject;
    try {
      changed = jsonPatch(cloneJson(object), operations) as ApiObject;
      admission.decode(cloneJson(changed));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const at = error.message.indexOf("json: ");
      throw internalError(at === -1 ? error.message : error.message.slice(at));
    }
    return equalJson(changed as JsonObject, object as JsonObject) ? undefined : changed;
  }

  #decoded({ hook }: Hook, patch: string): JsonObject[] | undefined {
    const text = Buffer.from(patch, "base64").toString("utf8");
    try {
      const operations: unknown = JSON.parse(text);
      if (Array.isArray(operations)) return operations as JsonObject[];
    } catch {
      // said below
    }
    if (hook.failurePolicy === "Ignore") return undefined;
    throw failure(hook, `received undecodable patch in webhook response: ${syntaxProblem(text)}`);
  }

  #configured(resource: string, { kind }: AdmissionRequest): readonly Hook[] {
    if (kind.group === "admissionregistration.k8s.io" && exempt.has(kind.resource)) return [];
    return this.#store.list(`admissionregistration.k8s.io/${resource}`).flatMap((configuration) =>
      asArray(configuration.webhooks)
        .filter(isObject)
        .map((hook) => ({ configuration: configuration.metadata.name ?? "", hook })),
    );
  }

  /** The answer of one webhook; undefined if it is not to be asked, or its failure does not count. A refusal is thrown. */
  async #ask(
    { hook }: Hook,
    admission: AdmissionRequest,
    { object, mutates }: { readonly object: ApiObject | undefined; readonly mutates: boolean },
  ): Promise<JsonObject | undefined> {
    const kind = matchingKind(hook, { ...admission, object }, { store: this.#store, kinds: this.#catalog.kinds });
    if (kind === undefined) return undefined;
    const show = (one: ApiObject): ApiObject => (kind === admission.kind ? one : this.#show(kind, one));
    const request = requestOf(admission, { kind, show }, object);
    if (!this.#conditionsHold(hook, admission, request)) return undefined;
    const name = asString(hook.name);
    if (admission.options.dryRun === true && hook.sideEffects !== "None" && hook.sideEffects !== "NoneOnDryRun")
      throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
    const versions = asArray(hook.admissionReviewVersions);
    const version = versions.find((one) => one === "v1" || one === "v1beta1") ?? "v1";
    const review = { kind: "AdmissionReview", apiVersion: `admission.k8s.io/${asString(version)}`, request };
    let response: JsonObject;
    try {
      response = await callWebhook(hook, review, { store: this.#store, mutates });
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (hook.failurePolicy === "Ignore") return undefined;
      throw failure(hook, error.message);
    }
    for (const warning of asArray(response.warnings))
      if (warning !== "") admission.options.onWarning?.(String(warning));
    if (response.allowed === true) return response;
    throw denial(name, asObject(response.status));
  }

  #conditionsHold(hook: JsonObject, admission: AdmissionRequest, request: JsonObject): boolean {
    const expressions = asArray(hook.matchConditions).map((one) => asString(asObject(one).expression));
    if (expressions.length === 0) return true;
    const verdict = conditionsHold(expressions, { request, isAllowed: (asked) => this.#mayAsker(admission, asked) });
    if (typeof verdict === "boolean") return verdict;
    if (hook.failurePolicy === "Ignore") return false;
    const { kind } = admission;
    throw forbiddenObject(
      kind,
      asString(request.name),
      `expression '${verdict.expression}' resulted in error: ${verdict.why}`,
    );
  }

  #mayAsker({ options }: AdmissionRequest, asked: Asked): boolean {
    const { serviceAccount } = asked;
    const identity =
      serviceAccount === undefined
        ? (options.user ?? { name: "system:apiserver", groups: ["system:masters"] })
        : {
            name: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
            groups: [
              "system:serviceaccounts",
              `system:serviceaccounts:${serviceAccount.namespace}`,
              "system:authenticated",
            ],
          };
    if (asked.path !== undefined) return identity.groups.includes("system:masters");
    const { group = "", resource = "", subresource = "", namespace = "", name = "", verb = "" } = asked;
    return isAllowed(this.#store, identity, { verb, group, resource, subresource, namespace, name });
  }
}

const failure = ({ name }: JsonObject, why: string): StatusError =>
  internalError(`failed calling webhook ${JSON.stringify(name)}: ${why}`);

const BAD_REQUEST = 400;

/** A refusal as the webhook worded it, with its name before. */
function denial(name: string, { code, reason, message, details }: JsonObject): StatusError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const why = asString(message) || asString(reason);
  return new StatusError(
    typeof code === "number" && code >= BAD_REQUEST ? code : BAD_REQUEST,
    asString(reason),
    why === "" ? `${denied} without explanation` : `${denied}: ${why}`,
    details,
  );
}

/** As Go words what is wrong with JSON, as far as it begins. */
function syntaxProblem(text: string): string {
  const word = ["null", "true", "false"].find((one) => text.startsWith(one[0] ?? ""));
  if (word !== undefined) {
    const at = [...word].findIndex((sign, index) => text[index] !== sign);
    return `invalid character '${text[at] ?? ""}' in literal ${word} (expecting '${word[at]}')`;
  }
  return text === "" ? "unexpected end of JSON input" : `invalid character '${text[0]}' looking for beginning of value`;
}
