import { z } from "zod";

/**
 * The lab format: a folder with lab.yaml, texts per language and manifests. Documented in docs/lab-format.md.
 *
 *   canary/lab.yaml
 *   canary/en/lab.md, canary/en/<step id>.md
 *   canary/manifests/*.yaml
 */

const id = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "use lower-case letters, digits and dashes");
const filePath = z
  .string()
  .regex(/^(?!\/)(?!.*\.\.)[\w./-]+\.ya?ml$/, "a relative path to a .yaml file inside the lab's folder");

/** One kind of request that a measurement sends or the generator repeats. */
export const requestShapeSchema = z.strictObject({
  tag: id,
  method: z.enum(["GET", "POST", "PUT", "DELETE", "HEAD"]).default("GET"),
  path: z.string().startsWith("/"),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  /** Relative frequency. */
  weight: z.number().positive().default(1),
});

const trafficSettings = z.strictObject({
  rate: z.number().positive().max(5000).describe("requests per second, open loop"),
  requests: z.array(requestShapeSchema).min(1),
});

const shareBound = z.strictObject({
  service: id,
  version: z.string(),
  /** The share of answers, 0 to 1, that this version must give. */
  share: z.number().min(0).max(1),
  /** Shares that a wrong answer would give. The sample must be large enough to tell them apart; the lab is refused if it is not. */
  notShares: z.array(z.number().min(0).max(1)).default([]),
});

/** All proxies of a kind, or those of one namespace. */
const proxies = z.strictObject({
  role: z.enum(["sidecar", "gateway", "waypoint", "ztunnel"]),
  namespace: id.optional(),
});

/** What must hold before a step counts as done. Every check measures; none reads the manifest. */
const check = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("ready"),
    id,
    workload: z.string(),
    namespace: z.string(),
    replicas: z.number().int().min(0).default(1),
  }),
  z.strictObject({
    type: z.literal("exists"),
    id,
    apiVersion: z.string(),
    kind: z.string(),
    namespace: z.string(),
    name: z.string(),
  }),
  z
    .strictObject({ type: z.literal("acknowledged"), id })
    .describe("every proxy has acknowledged the newest configuration"),
  z
    .strictObject({
      type: z.literal("share"),
      id,
      request: requestShapeSchema.omit({ tag: true, weight: true }),
      sample: z.number().int().min(20).max(5000).default(400),
      expect: shareBound,
    })
    .describe("which version answers a sample of requests, judged by a binomial interval"),
  z
    .strictObject({
      type: z.literal("responses"),
      id,
      request: requestShapeSchema.omit({ tag: true, weight: true }),
      sample: z.number().int().min(20).max(5000).default(200),
      /** Share of answers with a status below 400. */
      successAtLeast: z.number().min(0).max(1).optional(),
      /** Milliseconds. */
      p99AtMost: z.number().positive().optional(),
    })
    .describe("success and latency of a sample of requests"),
  z
    .strictObject({
      type: z.literal("traffic"),
      id,
      /** An app, a host outside the mesh, or PassthroughCluster and BlackHoleCluster for what the mesh does not know. */
      service: z.string().regex(/^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$/, "the name of an app or a host"),
      /** Only what this app sent. */
      from: id.optional(),
      version: z.string().optional(),
      /** Seconds of live traffic that are looked at. */
      window: z.number().int().min(2).max(120).default(5),
      requestsAtLeast: z.number().int().min(0).default(20),
      shareOf: shareBound.optional(),
      successAtLeast: z.number().min(0).max(1).optional(),
      p99AtMost: z.number().positive().optional(),
    })
    .describe("the mesh's own telemetry of the live traffic"),
  z
    .strictObject({
      type: z.literal("mutual-tls"),
      id,
      service: id,
      window: z.number().int().min(2).max(120).default(5),
    })
    .describe("all live requests to the service came over mutual TLS"),
  z
    .strictObject({
      type: z.literal("calls"),
      id,
      /** The workload whose own container calls. */
      from: z.strictObject({ namespace: id, workload: id }),
      request: z.strictObject({
        url: z.url({ protocol: /^https?$/, error: "an http or https address" }),
        /** Where to connect instead, as HOST:PORT: the address's host is asked for all the same. */
        connect: z
          .string()
          .regex(/^[-.a-z0-9]+:\d+$/, "as HOST:PORT")
          .optional(),
        /** Files and folders in the caller's container. */
        tls: z
          .strictObject({
            roots: z
              .string()
              .startsWith("/")
              .describe("authorities that the server's certificate may come from")
              .optional(),
            client: z.string().startsWith("/").describe("a folder with the caller's tls.crt and tls.key").optional(),
            serverName: z.string().describe("asked for in the hello, if it is not the host").optional(),
          })
          .optional(),
        method: z.enum(["GET", "POST", "PUT", "DELETE", "HEAD"]).default("GET"),
        headers: z.record(z.string(), z.string()).default({}),
        body: z.string().optional(),
        /** The caller logs in first (OAuth 2.0 client credentials) and sends its token along. */
        login: z
          .strictObject({
            url: z.url({ protocol: /^http$/, error: "the http address at which tokens are given" }),
            client: z.string(),
            secret: z.string(),
          })
          .optional(),
      }),
      sample: z.number().int().min(1).max(200).default(10),
      /** Status that every answer must have; 0 where the connection must fail. */
      expect: z.union([z.literal(0), z.number().int().min(100).max(599)]),
      /** What the subject of the server's certificate must have in it. */
      certificate: z.string().min(1).optional(),
    })
    .describe("what a workload gets that calls another one"),
  z
    .strictObject({
      type: z.literal("resources"),
      id,
      of: proxies,
      what: z.enum(["memory", "processor"]),
      /** Seconds over which it is averaged. */
      window: z.number().int().min(1).max(120).default(10),
      proxiesAtLeast: z.number().int().min(0).default(1),
      proxiesAtMost: z.number().int().min(0).optional(),
      /** Others that take more: `of` may take this share of what they do. */
      against: z.strictObject({ of: proxies, shareAtMost: z.number().positive() }).optional(),
    })
    .describe("what proxies take, by their own account"),
  z
    .strictObject({
      type: z.literal("packets"),
      id,
      /** The workload at whose network packets are looked at. */
      at: z.strictObject({ namespace: id, workload: id }),
      /** The one at the other end. */
      peer: z.strictObject({ namespace: id, workload: id }),
      /** What the peer calls meanwhile, from its own container; without it live traffic is looked at. */
      request: z.strictObject({ url: z.url({ protocol: /^http$/, error: "an http address" }) }).optional(),
      /** How long packets are looked at, at most. */
      seconds: z.number().int().min(1).max(60).default(5),
      expect: z.enum(["encrypted", "readable"]),
    })
    .describe("what anybody on the wire between two workloads can read"),
  z
    .strictObject({
      type: z.literal("browse"),
      id,
      path: z.string().startsWith("/"),
      headers: z.record(z.string(), z.string()).default({}),
      /** Typed into a form that asks for a password. */
      login: z.strictObject({ user: z.string(), password: z.string() }).optional(),
      sample: z.number().int().min(1).max(200).default(10),
      expect: z.strictObject({
        /** Of the page at which a visit ends. */
        status: z.number().int().min(100).max(599),
        /** Whether that page asks for a password. */
        loginPage: z.boolean().default(false),
        /** Who must have answered. */
        service: id.optional(),
        version: z.string().optional(),
      }),
    })
    .describe(
      "where a browser ends that comes through the ingress gateway: redirects followed, cookies kept, logged in",
    ),
]);

const step = z.strictObject({
  id,
  /** Applied when the step is opened, before the person does anything: a fault to find, a workload to watch. */
  setup: z.array(filePath).default([]),
  /** What the person edits and applies: the file as it is shown first. */
  manifest: filePath.optional(),
  /** What a right answer looks like; played back by the tests and by "Solve it for me". */
  solution: z.array(filePath).min(1),
  traffic: trafficSettings.optional(),
  checks: z.array(check).min(1),
});

export const labSchema = z.strictObject({
  id,
  order: z.number().int(),
  minutes: z.number().int().positive(),
  /** Applied once when the lab starts; removed when it is reset. */
  setup: z.array(filePath).default([]),
  traffic: trafficSettings,
  /** What the charts show at first: how versions answer, or what proxies take. */
  charts: z.enum(["versions", "proxies"]).default("versions"),
  languages: z.array(z.string().regex(/^[a-z]{2}$/)).min(1),
  steps: z.array(step).min(1),
});

export type LabDefinition = z.infer<typeof labSchema>;
export type LabStepDefinition = LabDefinition["steps"][number];
export type LabCheckDefinition = LabStepDefinition["checks"][number];
export type RequestShape = z.infer<typeof requestShapeSchema>;
export type TrafficSettings = z.infer<typeof trafficSettings>;
export { trafficSettings as trafficSettingsSchema };
