import { DiscoveryRequest, DiscoveryResponse } from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { type AdsStream, isWanted, refusal, type StreamOptions } from "./stream.ts";
import type { AnyTypeState } from "./type-state.ts";

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

/** Opens a stream in the protocol of whole states. Source: Envoy's xDS protocol, "State of the World". */
export function openStateStream(options: StreamOptions): AdsStream {
  const call = options.client.makeBidiStreamRequest<DiscoveryRequest, DiscoveryResponse>(
    METHOD,
    (message) => Buffer.from(DiscoveryRequest.encode(message).finish()),
    (bytes) => DiscoveryResponse.decode(bytes),
    options.metadata,
  );
  const nonces = new Map<string, string>();
  let first = true;
  let ended = false;

  /** Every request says all of it: what is wanted, the last version that was accepted, which response it answers. */
  const send = (state: AnyTypeState, problem?: string): void => {
    if (ended) return;
    const message: Partial<DiscoveryRequest> = {
      typeUrl: state.typeUrl,
      versionInfo: state.version,
      resourceNames: [...(state.wanted ?? [])],
      responseNonce: nonces.get(state.typeUrl) ?? "",
      ...(first ? { node: options.node } : {}),
      ...(problem === undefined ? {} : { errorDetail: refusal(problem) }),
    };
    first = false;
    call.write(DiscoveryRequest.fromPartial(message));
  };
  const end = (error: Error | undefined): void => {
    if (ended) return;
    ended = true;
    options.onEnd(error);
  };
  const answer = async (response: DiscoveryResponse): Promise<void> => {
    const state = options.states.get(response.typeUrl);
    if (state === undefined) return;
    nonces.set(response.typeUrl, response.nonce);
    const problem = await state.acceptState(response.resources, response.versionInfo);
    // A newer response came meanwhile: it is the one to answer.
    if (nonces.get(response.typeUrl) === response.nonce) send(state, problem);
  };

  call.on("data", (response: DiscoveryResponse) => {
    options.onResponse();
    void answer(response);
  });
  call.on("error", (error: Error) => end(error));
  call.on("end", () => end(undefined));
  for (const state of options.states.values()) if (isWanted(state)) send(state);

  return {
    subscribe: (state) => {
      if (isWanted(state) || nonces.has(state.typeUrl)) send(state);
    },
    close: () => {
      ended = true;
      call.cancel();
    },
  };
}
