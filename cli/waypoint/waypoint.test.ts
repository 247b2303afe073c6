import { describe, expect, test } from "vitest";
import { AppError } from "#api/errors.ts";
import { makeWaypoint, milliseconds, type WaypointGateway } from "./gateway.ts";
import { waypointsTable } from "./list.ts";
import { statusTable } from "./status.ts";

const waypoint = (name: string, labels: Readonly<Record<string, string>>, programmed?: string): WaypointGateway => {
  const made = makeWaypoint({ name, namespace: "shop" });
  const condition = {
    type: "Programmed",
    status: programmed ?? "",
    reason: "Programmed",
    message: "Resource programmed",
  };
  return {
    ...made,
    metadata: { ...made.metadata, labels },
    ...(programmed === undefined ? {} : { status: { conditions: [condition] } }),
  };
};

describe("waypoints on the command line", () => {
  test("a waypoint is a Gateway with one listener for HBONE", () => {
    expect(makeWaypoint({ name: "", namespace: undefined, for: "all", revision: "canary" })).toEqual({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "waypoint", labels: { "istio.io/waypoint-for": "all", "istio.io/rev": "canary" } },
      spec: { gatewayClassName: "istio-waypoint", listeners: [{ name: "mesh", port: 15_008, protocol: "HBONE" }] },
    });
  });

  test.each([
    [{ name: "none", namespace: "shop" }, /cannot be called "none"/],
    [{ name: "waypoint", namespace: "shop", for: "everything" }, /"everything" is no type of traffic/],
  ])("%o is refused", (options, message) => {
    expect(() => makeWaypoint(options)).toThrow(AppError);
    expect(() => makeWaypoint(options)).toThrow(message);
  });

  test("the tables are istioctl's", () => {
    const all = [waypoint("waypoint", {}, "True"), waypoint("w2", { "istio.io/waypoint-for": "all" })];
    expect(waypointsTable(all, true)).toBe(
      [
        "NAMESPACE   NAME       REVISION   TRAFFIC TYPE   PROGRAMMED",
        "shop        waypoint   default    none           True",
        "shop        w2         default    all            False",
      ].join("\n"),
    );
    expect(statusTable(all, false)).toBe(
      [
        "NAME       STATUS    TYPE         REASON       MESSAGE",
        "waypoint   True      Programmed   Programmed   Resource programmed",
        "w2         Unknown   Programmed",
      ].join("\n"),
    );
  });

  test("durations are Go's", () => {
    expect(milliseconds("1m30s")).toBe(90_000);
    expect(milliseconds("500ms")).toBe(500);
    expect(() => milliseconds("soon")).toThrow(/no duration/);
  });
});
