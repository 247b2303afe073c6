import type { Case } from "../case.ts";
import { abuse } from "./abuse.ts";
import { serverSideApply } from "./apply.ts";
import { customObjects, customRules, customVersions } from "./custom-objects.ts";
import { defaults } from "./defaults.ts";
import { definitionRules } from "./definition-rules.ts";
import { definitionNames, definitionSchemas } from "./definitions.ts";
import { columns, kinds, rows } from "./kinds.ts";
import { lists } from "./lists.ts";
import { managedFields } from "./managed-fields.ts";
import { objects } from "./objects.ts";
import { patches } from "./patches.ts";
import { restarts } from "./restarts.ts";
import { rights } from "./rights.ts";
import { streams } from "./streams.ts";
import { validation } from "./validation.ts";
import { watches } from "./watches.ts";
import { webhookConfigurations, webhookRules, webhooks } from "./webhooks.ts";

export const cases: readonly Case[] = [
  objects,
  patches,
  serverSideApply,
  managedFields,
  kinds,
  columns,
  rows,
  defaults,
  validation,
  lists,
  watches,
  definitionNames,
  definitionSchemas,
  definitionRules,
  customObjects,
  customRules,
  customVersions,
  webhooks,
  webhookRules,
  webhookConfigurations,
  restarts,
  streams,
  rights,
  abuse,
];
