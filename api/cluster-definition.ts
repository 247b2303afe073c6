import { z } from "zod";

/** How a kind cluster is made; what is undefined is chosen by what the engine holds. */
export const kindSettingsSchema = z.strictObject({
  /** Version of Kubernetes, such as "1.36.3"; undefined: that of the node image. */
  kubernetesVersion: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, { error: "a version such as 1.36.3 is expected" })
    .optional(),
  /** Image of the nodes; wins over the version. */
  nodeImage: z.string().min(1).optional(),
  /** Image that the mesh's and the applications' images are built on. */
  baseImage: z.string().min(1).optional(),
  /** A kind configuration (kind.x-k8s.io/v1alpha4, YAML) that is laid over the one made here. */
  configPatch: z.string().optional(),
  /** Ports of 127.0.0.1 that lead to a port of the first node. */
  ports: z
    .array(z.strictObject({ host: z.number().int().min(1).max(65_535), node: z.number().int().min(1).max(65_535) }))
    .optional(),
  /** What every node may use at most. */
  limits: z
    .strictObject({ memoryMb: z.number().int().min(1024), cpus: z.number().positive() })
    .partial()
    .optional(),
});

/** Which cluster of a kubeconfig is used, and how the mesh comes into it. */
export const existingSettingsSchema = z.strictObject({
  /** Path; the user's own (KUBECONFIG, ~/.kube/config) if undefined. */
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1),
  /** Install although another mesh is there. */
  takeOver: z.boolean().optional(),
  /** Images that the cluster can pull. */
  images: z
    .strictObject({ mesh: z.string().min(1), apps: z.string().min(1) })
    .partial()
    .optional(),
});

/** A cluster as a person asked for it. Kept with the cluster's state, so that the next start makes the same one. */
export const clusterDefinitionSchema = z.strictObject({
  /** A DNS label: kind names containers by it. */
  name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,29}[a-z0-9])?$/, {
    error: "a name has at most 31 small letters, digits and hyphens, and begins and ends with a letter or digit",
  }),
  provider: z.enum(["embedded", "kind", "existing"]),
  /** A worker node in each of these zones; empty is one node that does everything. */
  zones: z.array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)).max(8),
  kind: kindSettingsSchema.optional(),
  existing: existingSettingsSchema.optional(),
});

export type KindSettings = z.infer<typeof kindSettingsSchema>;
export type ExistingSettings = z.infer<typeof existingSettingsSchema>;
export type ClusterDefinition = z.infer<typeof clusterDefinitionSchema>;
