import { z } from "zod";
import { durationText } from "./duration.ts";

const texts = z.array(z.string()).default([]);

/** How much of a request's body goes along with a check. */
const bodyInCheck = z.object({
  maxRequestBytes: z.number().int().positive().max(0xffff_ffff),
  allowPartialMessage: z.boolean().default(false),
  packAsBytes: z.boolean().default(false),
});

const common = {
  /** `[namespace/]host`; a service of Kubernetes or of a ServiceEntry. */
  service: z.string().min(1),
  port: z.number().int().min(1).max(65_535),
  timeout: durationText.optional(),
  /** Lets requests through when the authorizer does not answer. */
  failOpen: z.boolean().default(false),
  clearRouteCache: z.boolean().default(false),
  /** HTTP status when it does not answer; Envoy has 403. */
  statusOnError: z
    .string()
    .regex(/^[1-5]\d\d$/, "is a status of HTTP, such as 503")
    .optional(),
  includeRequestBodyInCheck: bodyInCheck.optional(),
};

const http = z.object({
  ...common,
  pathPrefix: z.string().regex(/^\//, "begins with /").optional(),
  /** The former name of includeRequestHeadersInCheck. */
  includeHeadersInCheck: texts,
  includeRequestHeadersInCheck: texts,
  includeAdditionalHeadersInCheck: z.record(z.string(), z.string()).default({}),
  headersToUpstreamOnAllow: texts,
  headersToDownstreamOnDeny: texts,
  headersToDownstreamOnAllow: texts,
});
export type HttpAuthorizer = z.infer<typeof http>;

const grpc = z.object(common);
export type GrpcAuthorizer = z.infer<typeof grpc>;

/** An external service that MeshConfig gives a name to. Those that are no authorizers have their name only. */
export const extensionProvider = z.object({
  name: z.string().min(1),
  envoyExtAuthzHttp: http.optional(),
  envoyExtAuthzGrpc: grpc.optional(),
});
export type ExtensionProvider = z.infer<typeof extensionProvider>;
