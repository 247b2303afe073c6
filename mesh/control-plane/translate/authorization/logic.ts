/** How conditions are joined; permissions and principals have the same shape under other names. */
export interface Logic<Term> {
  any(): Term;
  and(terms: readonly Term[]): Term;
  or(terms: readonly Term[]): Term;
  not(term: Term): Term;
}

export interface RuleContext {
  /** The policy's own, for names without one. */
  readonly namespace: string;
  /** For connections whose bytes are not HTTP. */
  readonly l4Only: boolean;
  /** The caller's identity is the tunnel's, kept as state of the connection inside. */
  readonly tunnelled: boolean;
  /** Whether a condition that cannot be asked for is left out (which makes the rule hold more often: right for a DENY), or spoils the rule. */
  readonly dropsL7: boolean;
}

/** Something that can be asked for. */
export interface Attribute<Term> {
  /** Known of every connection, not of HTTP requests alone. */
  readonly l4: boolean;
  match(value: string, context: RuleContext): Term;
}

interface Wanted<Term> {
  readonly attribute: Attribute<Term>;
  readonly values: readonly string[] | undefined;
  readonly notValues: readonly string[] | undefined;
}

/** All conditions: one of the values, and none of the others. Undefined when the rule is spoilt. */
export function allOf<Term>(
  logic: Logic<Term>,
  wanted: readonly Wanted<Term>[],
  context: RuleContext,
): Term | undefined {
  const terms: Term[] = [];
  for (const { attribute, values = [], notValues = [] } of wanted) {
    if (values.length === 0 && notValues.length === 0) continue;
    if (context.l4Only && !attribute.l4) {
      if (context.dropsL7) continue;
      return undefined;
    }
    const match = (value: string): Term => attribute.match(value, context);
    if (values.length > 0) terms.push(logic.or(values.map(match)));
    if (notValues.length > 0) terms.push(logic.not(logic.or(notValues.map(match))));
  }
  return terms.length === 0 ? logic.any() : logic.and(terms);
}
