import { type HeaderValueOption, HeaderValueOption_HeaderAppendAction } from "#gen/xds/envoy/config/core/v3/base.ts";
import type { HeaderEdits, HeaderOperations } from "../model/virtual-service.ts";

export interface HeaderFields {
  readonly requestHeadersToAdd: HeaderValueOption[];
  readonly requestHeadersToRemove: string[];
  readonly responseHeadersToAdd: HeaderValueOption[];
  readonly responseHeadersToRemove: string[];
}

/** Header operations as the fields that routes and weighted clusters share. Setting the authority is a host rewrite instead. */
export function headerFields(edits: HeaderEdits | undefined): HeaderFields {
  return {
    requestHeadersToAdd: additions(edits?.request),
    requestHeadersToRemove: [...(edits?.request?.remove ?? [])],
    responseHeadersToAdd: additions(edits?.response),
    responseHeadersToRemove: [...(edits?.response?.remove ?? [])],
  };
}

const isAuthority = (name: string): boolean => /^(:authority|host)$/i.test(name);

/** The authority that request header operations set, if they set one. */
export const authorityOf = (edits: HeaderEdits | undefined): string | undefined =>
  Object.entries(edits?.request?.set ?? {}).find(([name]) => isAuthority(name))?.[1];

function additions(operations: HeaderOperations | undefined): HeaderValueOption[] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  return [
    ...options(operations?.set, OVERWRITE_IF_EXISTS_OR_ADD),
    ...options(operations?.add, APPEND_IF_EXISTS_OR_ADD),
  ];
}

function options(
  headers: Readonly<Record<string, string>> | undefined,
  appendAction: HeaderValueOption_HeaderAppendAction,
): HeaderValueOption[] {
  return Object.entries(headers ?? {})
    .filter(([name]) => !isAuthority(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({
      header: { key, value, rawValue: Buffer.alloc(0) },
      append: undefined,
      appendAction,
      keepEmptyValue: false,
    }));
}
