/**
 * Generates code and definitions into gen/ (never committed):
 * - gen/xds: the Envoy API, from the .proto files that @grpc/grpc-js-xds ships;
 * - gen/istio: our own .proto files under api/proto;
 * - gen/crds: the CustomResourceDefinitions of the kinds in api/kinds/definitions.ts.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { generateCrds } from "./generate-crds.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name: string) => join(root, "node_modules/.bin", name);

const options = [
  "env=node",
  "esModuleInterop=true",
  "importSuffix=.ts",
  "oneof=unions-value",
  "forceLong=number",
  "unrecognizedEnum=true",
  "outputServices=false",
  "useOptionals=messages",
  "exportCommonSymbols=false",
  "removeEnumPrefix=false",
  "useDate=false",
];

/** The roots of the Envoy API that the mesh speaks; what they import comes along. */
const xdsPaths = [
  "envoy/service/auth/v3",
  "envoy/service/discovery/v3",
  "envoy/service/secret/v3",
  "envoy/config/bootstrap/v3",
  "envoy/config/cluster/v3",
  "envoy/config/endpoint/v3",
  "envoy/config/listener/v3",
  "envoy/config/route/v3",
  "envoy/config/rbac/v3",
  "envoy/admin/v3",
  "envoy/extensions/transport_sockets/tls/v3",
  "envoy/extensions/transport_sockets/raw_buffer/v3",
  "envoy/extensions/transport_sockets/internal_upstream/v3",
  "envoy/extensions/bootstrap/internal_listener/v3",
  "envoy/extensions/matching/common_inputs/network/v3",
  "envoy/extensions/filters/network/set_filter_state/v3",
  "envoy/extensions/filters/network/http_connection_manager/v3",
  "envoy/extensions/filters/network/tcp_proxy/v3",
  "envoy/extensions/filters/network/rbac/v3",
  "envoy/extensions/filters/network/ext_authz/v3",
  "envoy/extensions/filters/http/router/v3",
  "envoy/extensions/filters/http/fault/v3",
  "envoy/extensions/filters/http/cors/v3",
  "envoy/extensions/filters/http/rbac/v3",
  "envoy/extensions/filters/http/jwt_authn/v3",
  "envoy/extensions/filters/http/ext_authz/v3",
  "envoy/extensions/filters/http/upstream_codec/v3",
  "envoy/extensions/filters/http/set_filter_state/v3",
  "envoy/extensions/filters/listener/original_dst/v3",
  "envoy/extensions/filters/listener/tls_inspector/v3",
  "envoy/extensions/filters/listener/http_inspector/v3",
  "envoy/extensions/access_loggers/file/v3",
  "envoy/extensions/access_loggers/stream/v3",
  "envoy/extensions/upstreams/http/v3",
  "envoy/extensions/load_balancing_policies",
  "envoy/extensions/retry",
  "envoy/type/v3",
  "envoy/type/matcher/v3",
];

function generate(source: string, out: string, paths: readonly string[]): void {
  const modules = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  writeFileSync(
    join(source, "buf.yaml"),
    JSON.stringify({ version: "v2", modules: modules.map((entry) => ({ path: entry.name })) }),
  );
  writeFileSync(
    join(source, "buf.gen.yaml"),
    JSON.stringify({
      version: "v2",
      inputs: [{ directory: "." }],
      // One run of the plugin for everything instead of one for each folder: a few seconds instead of half a minute.
      plugins: [{ local: bin("protoc-gen-ts_proto"), out, strategy: "all", include_imports: true, opt: options }],
    }),
  );
  const args = ["generate", "--template", "buf.gen.yaml", ...paths.flatMap((path) => ["--path", path])];
  execFileSync(bin("buf"), args, { cwd: source, stdio: "inherit" });
}

/** The packaged protoc-gen-validate is older than the API's use of `ignore_empty`; the option has no effect on types. */
function dropUnknownOptions(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".proto")) continue;
    const file = join(folder, entry);
    const text = readFileSync(file, "utf8");
    if (text.includes("ignore_empty")) writeFileSync(file, text.replaceAll(/,? ?ignore_empty: true/g, ""));
  }
}

/** The generated code has constructs that our own rules forbid (enums, unused helpers). */
function exemptFromChecks(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".ts")) continue;
    const file = join(folder, entry);
    writeFileSync(file, `// @ts-nocheck\n${readFileSync(file, "utf8")}`);
  }
}

const gen = join(root, "gen");
const work = mkdtempSync(join(tmpdir(), "slipway-generate-"));
try {
  rmSync(gen, { recursive: true, force: true });
  const xds = join(work, "xds");
  mkdirSync(xds);
  const shipped = join(root, "node_modules/@grpc/grpc-js-xds/deps");
  for (const name of ["envoy-api", "googleapis", "protoc-gen-validate", "xds"])
    cpSync(join(shipped, name), join(xds, name), { recursive: true });
  dropUnknownOptions(join(xds, "envoy-api"));
  generate(xds, join(gen, "xds"), [
    ...xdsPaths.map((path) => join("envoy-api", path)),
    "xds/xds/type/matcher/v3/ip.proto",
  ]);

  const own = join(work, "own");
  mkdirSync(own);
  cpSync(join(root, "api/proto"), join(own, "proto"), { recursive: true });
  generate(own, join(gen, "istio"), []);
  generateCrds(root, join(gen, "crds"));
  exemptFromChecks(gen);
  console.log(`generated ${relative(root, gen)}/`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
