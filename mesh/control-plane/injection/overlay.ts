import type { Container } from "./pod.ts";

/**
 * What a pod itself says about its proxy container goes over the template: plain fields replace, lists are joined by their keys, as
 * in a strategic merge. Image "auto" stands for the template's image.
 */
export function overlayContainer(template: Container, own: Container | undefined): Container {
  if (own === undefined) return template;
  const { image, imagePullPolicy, env, ports, volumeMounts, resources, securityContext, args, ...fields } = own;
  // "Always" is what the API server gave to the name "auto", since it has no tag; nobody meant it for the image that comes in.
  const ownImage =
    image === undefined || image === "auto" ? {} : { image, ...(imagePullPolicy && { imagePullPolicy }) };
  return {
    ...template,
    ...fields,
    ...ownImage,
    ...(args === undefined ? {} : { args }),
    env: byKey(template.env, env, "name"),
    ports: byKey(template.ports, ports, "containerPort"),
    volumeMounts: byKey(template.volumeMounts, volumeMounts, "mountPath"),
    resources: {
      ...template.resources,
      ...resources,
      ...(resources?.limits === undefined ? {} : { limits: { ...template.resources?.limits, ...resources.limits } }),
      ...(resources?.requests === undefined
        ? {}
        : { requests: { ...template.resources?.requests, ...resources.requests } }),
    },
    securityContext: { ...template.securityContext, ...securityContext },
  };
}

/** Entries of `over` replace those of `base` with the same key; others are added. */
export function byKey<T, K extends keyof T>(base: readonly T[] = [], over: readonly T[] = [], key: K): T[] {
  const replaced = new Map(over.map((item) => [item[key], item]));
  const kept = base.map((item) => replaced.get(item[key]) ?? item);
  const known = new Set(base.map((item) => item[key]));
  return [...kept, ...over.filter((item) => !known.has(item[key]))];
}
