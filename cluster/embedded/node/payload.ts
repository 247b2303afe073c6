import type { IKeyToPath } from "kubernetes-models/v1/KeyToPath";
import type { IVolume } from "kubernetes-models/v1/Volume";
import type { ConfigMap, Pod, Secret } from "./kinds.ts";
import { type PodFacts, podField, resourceField } from "./pod-fields.ts";

export interface PayloadFile {
  readonly content: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/** Files of a volume by their path relative to it. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface PayloadSources {
  readonly pod: Pod;
  readonly facts: PodFacts;
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
  readonly token: (request: { audience: string | undefined; expirationSeconds: number }) => string;
}

/** A volume that cannot be filled now; the pod waits and tries again. The text goes into a FailedMount event. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
}

const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_SECONDS = 3600;

/** The files of a configMap, secret, downwardAPI or projected volume; undefined for other kinds. Throws VolumeError. */
export function volumePayload(volume: IVolume, sources: PayloadSources): Payload | undefined {
  if (volume.configMap !== undefined) {
    const { name = "", items, optional, defaultMode } = volume.configMap;
    return configMapFiles({ name, items, optional, mode: defaultMode ?? DEFAULT_MODE }, sources);
  }
  if (volume.secret !== undefined) {
    const { secretName = "", items, optional, defaultMode } = volume.secret;
    return secretFiles({ name: secretName, items, optional, mode: defaultMode ?? DEFAULT_MODE }, sources);
  }
  if (volume.downwardAPI !== undefined)
    return downwardFiles(volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? DEFAULT_MODE, sources);
  if (volume.projected !== undefined) return projectedFiles(volume.projected, sources);
  return undefined;
}

interface Selection {
  readonly name: string;
  readonly items: readonly IKeyToPath[] | undefined;
  readonly optional: boolean | undefined;
  readonly mode: number;
}

function configMapFiles(selection: Selection, sources: PayloadSources): Payload {
  const found = sources.configMap(selection.name);
  if (found === undefined) return missing("configmap", selection, sources);
  const data = new Map<string, Buffer>(
    Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)]),
  );
  for (const [key, value] of Object.entries(found.binaryData ?? {})) data.set(key, Buffer.from(value, "base64"));
  return select(data, selection, "configmap");
}

function secretFiles(selection: Selection, sources: PayloadSources): Payload {
  const found = sources.secret(selection.name);
  if (found === undefined) return missing("secret", selection, sources);
  const data = new Map(Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]));
  return select(data, selection, "secret");
}

function missing(kind: string, selection: Selection, sources: PayloadSources): Payload {
  if (selection.optional === true) return new Map();
  throw new VolumeError(`${kind} "${sources.pod.metadata.namespace}/${selection.name}" not found`);
}

function select(data: ReadonlyMap<string, Buffer>, selection: Selection, kind: string): Payload {
  if (selection.items === undefined || selection.items.length === 0)
    return new Map([...data].map(([key, content]) => [key, { content, mode: selection.mode }]));
  const files = new Map<string, PayloadFile>();
  for (const item of selection.items) {
    const content = data.get(item.key);
    if (content !== undefined) files.set(safePath(item.path), { content, mode: item.mode ?? selection.mode });
    else if (selection.optional !== true) throw new VolumeError(`references non-existent ${kind} key: ${item.key}`);
  }
  return files;
}

type DownwardItems = NonNullable<NonNullable<IVolume["downwardAPI"]>["items"]>;

function downwardFiles(items: DownwardItems, mode: number, sources: PayloadSources): Payload {
  return new Map(
    items.map((item) => {
      const text =
        item.fieldRef !== undefined
          ? podField(sources.pod, item.fieldRef.fieldPath, sources.facts)
          : item.resourceFieldRef !== undefined
            ? resourceField(sources.pod, item.resourceFieldRef)
            : "";
      return [safePath(item.path), { content: Buffer.from(text), mode: item.mode ?? mode }];
    }),
  );
}

function projectedFiles(projected: NonNullable<IVolume["projected"]>, sources: PayloadSources): Payload {
  const mode = projected.defaultMode ?? DEFAULT_MODE;
  const files = new Map<string, PayloadFile>();
  for (const source of projected.sources ?? []) {
    if (source.configMap !== undefined)
      merge(
        files,
        configMapFiles(
          {
            name: source.configMap.name ?? "",
            items: source.configMap.items,
            optional: source.configMap.optional,
            mode,
          },
          sources,
        ),
      );
    if (source.secret !== undefined)
      merge(
        files,
        secretFiles(
          { name: source.secret.name ?? "", items: source.secret.items, optional: source.secret.optional, mode },
          sources,
        ),
      );
    if (source.downwardAPI !== undefined) merge(files, downwardFiles(source.downwardAPI.items ?? [], mode, sources));
    if (source.serviceAccountToken !== undefined) {
      const { audience, expirationSeconds = DEFAULT_TOKEN_SECONDS, path } = source.serviceAccountToken;
      files.set(safePath(path), { content: Buffer.from(sources.token({ audience, expirationSeconds })), mode });
    }
  }
  return files;
}

function merge(into: Map<string, PayloadFile>, files: Payload): void {
  for (const [path, file] of files) into.set(path, file);
}

/** The API server refuses such paths as well; a file outside the volume would be a hole. */
function safePath(path: string): string {
  if (path.startsWith("/") || path.split("/").includes("..") || path.startsWith(".."))
    throw new VolumeError(`path "${path}" must stay inside the volume`);
  return path;
}

/** Whether two payloads would give the same files. */
export function samePayload(left: Payload, right: Payload): boolean {
  if (left.size !== right.size) return false;
  for (const [path, file] of left) {
    const other = right.get(path);
    if (other === undefined || other.mode !== file.mode || !other.content.equals(file.content)) return false;
  }
  return true;
}
