import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gatewayApiKinds, istioKinds, type KindDefinition } from "../api/kinds/definitions.ts";
import { customResourceDefinition } from "./crds/definition.ts";
import { SchemaReader } from "./crds/read-schema.ts";

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
/** networking.istio.io, v1, Gateway -> NetworkingIstioIoV1Gateway */
const istioFile = ({ group, kind }: KindDefinition, version: string): string =>
  `@kubernetes-models/istio/_schemas/${group.split(".").map(capital).join("")}${capital(version)}${kind}.js`;
const gatewayApiFile = ({ kind }: KindDefinition, version: string): string =>
  `@kubernetes-models/gateway-api/_schemas/IoK8sSigsGatewayApiApis${capital(version)}${kind}.js`;

/** Writes a CustomResourceDefinition for each kind into `out`, and a module that lists them all. */
export function generateCrds(root: string, out: string): void {
  const reader = new SchemaReader();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const write = (kind: KindDefinition, file: typeof istioFile): string => {
    const definition = customResourceDefinition(kind, (version) =>
      reader.read(join(root, "node_modules", file(kind, version))),
    );
    const name = `${kind.plural}.${kind.group}.json`;
    writeFileSync(join(out, name), `${JSON.stringify(definition)}\n`);
    return name;
  };
  const names = [
    ...istioKinds.map((kind) => write(kind, istioFile)),
    ...gatewayApiKinds.map((kind) => write(kind, gatewayApiFile)),
  ];
  const imports = names.map((name, index) => `import crd${index} from "./${name}" with { type: "json" };`);
  const list = names.map((_, index) => `crd${index}`).join(", ");
  writeFileSync(join(out, "all.ts"), `${imports.join("\n")}\nexport const crds: readonly object[] = [${list}];\n`);
}
