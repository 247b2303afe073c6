import type { Any } from "#gen/xds/google/protobuf/any.ts";

interface Encoder<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

export const typePrefix = "type.googleapis.com/";

/** Packs a message as google.protobuf.Any. */
export const pack = <Message>(type: string, codec: Encoder<Message>, message: Message): Any => ({
  typeUrl: typePrefix + type,
  value: Buffer.from(codec.encode(message).finish()),
});
