import { createHash, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

/** A program with an account of its own; one with a login path logs people in on pages below it. */
export interface Client {
  readonly id: string;
  readonly secret: string;
  readonly groups?: readonly string[];
  /** Path of the redirect URI, at whichever address the provider itself is reached. */
  readonly loginPath?: string;
  /** Path to which it may send people who have logged out. */
  readonly logoutPath?: string;
}

export interface User {
  readonly name: string;
  readonly password: string;
  readonly groups?: readonly string[];
}

/** Who has an account. Throws an error that names the file that is wrong. */
export class Accounts {
  readonly clients: readonly Client[];
  readonly users: readonly User[];

  constructor(clientsFile: string, usersFile: string) {
    this.clients = readList<Client>(clientsFile, ["id", "secret"]);
    this.users = existsSync(usersFile) ? readList<User>(usersFile, ["name", "password"]) : [];
  }

  /** Groups of a program or a person. */
  groupsOf(account: string | undefined): readonly string[] {
    const found = this.clients.find(({ id }) => id === account) ?? this.users.find(({ name }) => name === account);
    return found?.groups ?? [];
  }

  has(name: string): boolean {
    return this.users.some((user) => user.name === name);
  }

  /** Takes as long for a name that there is as for one that there is not. */
  matches(name: string, password: string): boolean {
    const user = this.users.find((one) => one.name === name);
    const right = timingSafeEqual(digest(password), digest(user?.password ?? ""));
    return user !== undefined && right;
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function readList<Entry>(path: string, fields: readonly (keyof Entry & string)[]): readonly Entry[] {
  const list: unknown = JSON.parse(readFileSync(path, "utf8"));
  const complete = (entry: Entry): boolean => fields.every((field) => typeof entry[field] === "string");
  if (!Array.isArray(list) || !(list as Entry[]).every(complete))
    throw new Error(`${path} is no list of objects with ${fields.join(" and ")}`);
  return list as readonly Entry[];
}
