import { z } from "zod";
import { type Packet, packetKinds } from "./packet.ts";

const packetSchema: z.ZodType<Packet> = z.object({
  time: z.number(),
  from: z.string(),
  to: z.string(),
  kind: z.enum(packetKinds),
  bytes: z.number(),
  summary: z.string(),
  details: z.array(z.string()),
});

/** A line of the capturing program: that it has begun, a packet, or why it ended. Apart from the types, which the interface uses without a parser. */
export const captureLine = z.union([
  z.object({ started: z.string().describe("the interface") }),
  z.object({ ended: z.enum(["seconds", "packets", "bytes", "signal"]), dropped: z.number() }),
  packetSchema,
]);
export type CaptureLine = z.infer<typeof captureLine>;
