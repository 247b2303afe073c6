import type { Case } from "../case.ts";
import { serverSideApply } from "./apply.ts";
import { managedFields } from "./managed-fields.ts";
import { objects } from "./objects.ts";
import { patches } from "./patches.ts";

export const cases: readonly Case[] = [objects, patches, serverSideApply, managedFields];
